#include "proto/ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decide.h"

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory for a question");
}

/* What the asker signs: the text, and which ciphertexts it is asked about. */
static bool question_body(struct buf *b, struct span text, const struct wire_column *columns,
                          size_t column_count)
{
    bool good = buf_field(b, text);

    for (size_t i = 0; good && i < column_count; i++)
        good = buf_field(b, columns[i].name) &&
               buf_add(b, columns[i].digest.b, sizeof columns[i].digest.b);
    return good;
}

/* What the evaluator signs; the session's id, and with it both greetings, is added to it. */
static bool answer_body(struct buf *b, const struct wire_answer *a, struct span text,
                        const struct buf *rows)
{
    bool good = buf_field(b, text) && buf_u64le(b, a->charged_nano) && buf_u64le(b, a->left_nano) &&
                buf_u64le(b, a->audit_position) && buf_add(b, a->dataset.b, sizeof a->dataset.b) &&
                buf_u64le(b, a->size_count);

    for (size_t i = 0; good && i < a->size_count; i++) {
        struct span row = buf_span(&rows[i]);
        struct digest d;
        hash_parts(&d, "patto/answer/row/1", &row, 1);
        good = buf_u64le(b, (uint64_t)a->sizes[i]) && buf_add(b, d.b, sizeof d.b);
    }
    return good;
}

/* What an event and a receipt say of an answer, and tell nobody what it was. */
static void answer_hash(struct digest *out, const struct buf *body)
{
    const struct span part = buf_span(body);

    hash_parts(out, "patto/answer/hash/1", &part, 1);
}

/* ---- recipient ---- */

enum recipient_state {
    RECIPIENT_OVER,
    RECIPIENT_ASKED,
    RECIPIENT_SENDING,
    RECIPIENT_WAITING,
    RECIPIENT_ANSWERED
};
static const char *const RECIPIENT_STATES[] = {"over", "waiting for Need", "sending columns",
                                               "waiting for the answer", "answered"};

static enum pt_code on_need(void *self, const struct frame *f, struct outbox *out,
                            struct pt_err *err)
{
    struct ask_recipient *r = self;
    const struct wire_need *n = &f->u.need;

    (void)out;
    for (size_t i = 0; i < n->column_count; i++) {
        if (n->columns[i] >= r->in.column_count)
            return pt_fail(err, PT_EBADMSG, "%s needs column %" PRIu32 " of %zu",
                           session_peer_name(r->session), n->columns[i], r->in.column_count);
        r->need[i] = n->columns[i];
    }
    r->need_count = n->column_count;
    r->state = n->column_count > 0 ? RECIPIENT_SENDING : RECIPIENT_WAITING;
    return PT_OK;
}

static enum pt_code on_reply(void *self, const struct frame *f, struct outbox *out,
                             struct pt_err *err)
{
    struct ask_recipient *r = self;
    const struct wire_reply *w = &f->u.reply;
    size_t bytes = reply_row_bytes(r->in.rlwe, r->in.column_count);

    (void)out;
    if (r->rows_seen == r->row_count || w->row != r->rows_seen || w->data.n != bytes)
        return pt_fail(err, PT_EBADMSG,
                       "%s sent row %" PRIu32 " of %zu bytes where row %zu of %zu, of %zu bytes, "
                       "is next",
                       session_peer_name(r->session), w->row, w->data.n, r->rows_seen, r->row_count,
                       bytes);
    if (!buf_add(&r->rows[r->rows_seen], w->data.p, w->data.n))
        return no_memory(err);
    r->rows_seen++;
    return PT_OK;
}

static enum pt_code check_answer(struct ask_recipient *r, const struct wire_answer *a,
                                 struct pt_err *err)
{
    const struct epoch_pair *pair = &r->in.pair;
    const struct digest *committed = &pair->header->participants[pair->evaluator].dataset;
    struct buf body = {0};
    enum pt_code rc;

    if (r->rows_seen != r->row_count || a->size_count != r->row_count)
        return pt_fail(err, PT_EBADMSG, "%s answered %zu rows and %zu sizes of %zu",
                       session_peer_name(r->session), r->rows_seen, a->size_count, r->row_count);
    if (!span_eq_vartime(span_of(a->dataset.b, 32), span_of(committed->b, 32)))
        return pt_fail(err, PT_EBADMSG, "%s answered from other data than it committed to",
                       session_peer_name(r->session));
    if (!answer_body(&body, a, buf_span(&r->text), r->rows))
        rc = no_memory(err);
    else
        rc = session_verify(&a->signature, r->session, "patto/answer/1", buf_span(&body), err);
    answer_hash(&r->answer, &body);
    buf_free(&body);
    return rc;
}

static enum pt_code on_answer(void *self, const struct frame *f, struct outbox *out,
                              struct pt_err *err)
{
    struct ask_recipient *r = self;
    const struct wire_answer *a = &f->u.answer;
    enum pt_code rc;

    if ((rc = check_answer(r, a, err)) != PT_OK)
        return rc;
    memcpy(r->sizes, a->sizes, a->size_count * sizeof *r->sizes);
    r->charged_nano = a->charged_nano;
    r->left_nano = a->left_nano;
    r->audit_position = a->audit_position;
    r->dataset = a->dataset;
    r->signature = a->signature;
    return session_finish(r->session, out, err);
}

static const struct session_row RECIPIENT_ROWS[] = {
    {RECIPIENT_ASKED, FRAME_NEED, on_need, RECIPIENT_SENDING},
    {RECIPIENT_WAITING, FRAME_REPLY, on_reply, RECIPIENT_WAITING},
    {RECIPIENT_WAITING, FRAME_ANSWER, on_answer, RECIPIENT_ANSWERED},
};
static const struct session_protocol RECIPIENT = {.name = "ask",
                                                  .what = WHAT_ASK,
                                                  .opener = true,
                                                  .rows = RECIPIENT_ROWS,
                                                  .row_count = PT_LEN(RECIPIENT_ROWS),
                                                  .state_names = RECIPIENT_STATES,
                                                  .done = RECIPIENT_ANSWERED};

static enum pt_code send_question(struct ask_recipient *r, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_QUESTION};
    struct wire_column *columns = calloc(r->in.column_count, sizeof *columns);
    struct buf body = {0};
    enum pt_code rc;

    for (size_t i = 0; columns != NULL && i < r->in.column_count; i++) {
        columns[i].name = r->in.columns[i].name;
        columns[i].digest = r->in.columns[i].digest;
    }
    f.u.question = (struct wire_question){
        .text = buf_span(&r->text), .columns = columns, .column_count = r->in.column_count};
    if (columns == NULL || !question_body(&body, f.u.question.text, columns, r->in.column_count))
        rc = no_memory(err);
    else if ((rc = session_sign(&f.u.question.signature, r->session, "patto/question/1",
                                buf_span(&body), err)) == PT_OK)
        rc = session_send(r->session, &f, out, err);
    buf_free(&body);
    free(columns);
    return rc;
}

enum pt_code ask_recipient_begin(struct ask_recipient *r, struct session *s,
                                 const struct ask_recipient_in *in, struct outbox *out,
                                 struct pt_err *err)
{
    const struct policy *p = s->self->policy;
    enum pt_code rc;

    *r = (struct ask_recipient){.session = s,
                                .state = RECIPIENT_ASKED,
                                .in = *in,
                                .row_count = reply_row_count(p, in->question)};
    if (in->column_count != reply_column_count(p, in->question) ||
        in->column_count > WIRE_COLUMNS_MAX || in->question->with != s->peer)
        return pt_fail(err, PT_EBUG, "a question of %zu columns to %s", in->column_count,
                       session_peer_name(s));
    if ((rc = question_print(&r->text, p, in->question, err)) != PT_OK)
        return rc;
    r->rows = calloc(r->row_count, sizeof *r->rows);
    r->sizes = calloc(r->row_count, sizeof *r->sizes);
    if (r->rows == NULL || r->sizes == NULL)
        return no_memory(err);
    if ((rc = session_attach(s, &RECIPIENT, r, &r->state, err)) != PT_OK)
        return rc;
    return send_question(r, out, err);
}

bool ask_recipient_sending(const struct ask_recipient *r)
{
    return r->state == RECIPIENT_SENDING && r->session->state == SESSION_OPEN;
}

enum pt_code ask_recipient_send(struct ask_recipient *r, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_COLUMN_PART};
    enum pt_code rc;

    if (!ask_recipient_sending(r))
        return pt_fail(err, PT_ESTATE, "no column is to be sent to %s",
                       session_peer_name(r->session));
    uint32_t column = r->need[r->need_at];
    struct span bytes = r->in.columns[column].bytes;
    size_t left = bytes.n - (size_t)r->need_offset;
    size_t n = left < WIRE_PART_MAX ? left : WIRE_PART_MAX;
    f.u.column_part = (struct wire_column_part){
        .column = column, .offset = r->need_offset, .data = {bytes.p + r->need_offset, n}};
    if ((rc = session_send(r->session, &f, out, err)) != PT_OK)
        return rc;
    r->need_offset += n;
    if (r->need_offset < bytes.n)
        return PT_OK;
    r->need_offset = 0;
    r->need_at++;
    if (r->need_at == r->need_count)
        r->state = RECIPIENT_WAITING;
    return PT_OK;
}

bool ask_recipient_answered(const struct ask_recipient *r)
{
    return r->state == RECIPIENT_ANSWERED;
}

void ask_recipient_free(struct ask_recipient *r)
{
    for (size_t i = 0; r->rows != NULL && i < r->row_count; i++)
        buf_free(&r->rows[i]);
    free(r->rows);
    free(r->sizes);
    buf_free(&r->text);
    *r = (struct ask_recipient){0};
}

/* ---- evaluator ---- */

enum evaluator_state {
    EVALUATOR_OVER,
    EVALUATOR_LISTENING,
    EVALUATOR_RECEIVING,
    EVALUATOR_READY,
    EVALUATOR_ANSWERED
};
static const char *const EVALUATOR_STATES[] = {
    "over", "waiting for Question", "waiting for ColumnPart", "computing the answer", "answered"};

/* Signature, text, parties, policy, epoch: in this order, each with its reason. */
static enum pt_code accept_text(struct ask_evaluator *e, const struct wire_question *w,
                                struct pt_err *err)
{
    struct session *s = e->session;
    const struct policy *p = s->self->policy;
    struct buf body = {0};
    enum pt_code rc;

    if (!question_body(&body, w->text, w->columns, w->column_count))
        rc = no_memory(err);
    else
        rc = session_verify(&w->signature, s, "patto/question/1", buf_span(&body), err);
    buf_free(&body);
    if (rc != PT_OK || (rc = question_parse(&e->question, p, w->text, err)) != PT_OK)
        return rc;
    if (e->question.asker != s->peer || e->question.with != s->self->partner ||
        e->question.also != 0) {
        session_because(s, REFUSAL_WRONG_PARTY);
        return pt_fail(err, PT_EDENIED, "%s asked in the name of %s, or somebody else than us",
                       session_peer_name(s), p->partners[e->question.asker].name);
    }
    if (decide(p, &e->question, err) != PT_OK) {
        session_because(s, REFUSAL_NOT_ALLOWED);
        return pt_wrap(err, "a question of %s", session_peer_name(s));
    }
    if ((rc = epoch_pair_of(&e->pair, e->in.header, session_peer_name(s),
                            p->partners[s->self->partner].name, err)) != PT_OK) {
        session_because(s, REFUSAL_EPOCH_MISMATCH);
        return rc;
    }
    if (!buf_add(&e->text, w->text.p, w->text.n))
        return no_memory(err);
    e->question_signature = w->signature;
    return PT_OK;
}

/* The columns are those that the question asks for, under their one name, in order. */
static enum pt_code accept_columns(struct ask_evaluator *e, const struct wire_question *w,
                                   struct pt_err *err)
{
    const struct policy *p = e->session->self->policy;
    size_t end[WIRE_COLUMNS_MAX + 1] = {0};
    enum pt_code rc;

    if (w->column_count != reply_column_count(p, &e->question) ||
        w->column_count > WIRE_COLUMNS_MAX)
        return pt_fail(err, PT_EBADMSG, "%s announced %zu columns for a question of %zu",
                       session_peer_name(e->session), w->column_count,
                       reply_column_count(p, &e->question));
    e->columns = calloc(w->column_count, sizeof *e->columns);
    if (e->columns == NULL)
        return no_memory(err);
    e->column_count = w->column_count;
    for (size_t i = 0; i < w->column_count; i++) {
        if ((rc = reply_column_name(&e->names, p, &e->question, i, err)) != PT_OK)
            return rc;
        end[i + 1] = e->names.n;
    }
    for (size_t i = 0; i < w->column_count; i++) {
        e->columns[i].name = span_of(e->names.p + end[i], end[i + 1] - end[i]);
        e->columns[i].digest = w->columns[i].digest;
        if (!span_eq_vartime(e->columns[i].name, w->columns[i].name))
            return pt_fail(err, PT_EBADMSG, "%s names column %zu other than the question does",
                           session_peer_name(e->session), i);
    }
    return PT_OK;
}

static enum pt_code send_need(struct ask_evaluator *e, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_NEED};
    uint32_t need[WIRE_COLUMNS_MAX];
    size_t n = 0;
    enum pt_code rc;

    for (size_t i = 0; i < e->column_count; i++) {
        bool here = false;
        rc = e->in.host.column_known(e->in.host.self, &e->columns[i], &here, err);
        if (rc == PT_EDENIED) /* another ciphertext under this name: one column, one key */
            session_because(e->session, REFUSAL_FROZEN);
        if (rc != PT_OK)
            return rc;
        e->needed[i] = !here;
        if (!here)
            need[n++] = (uint32_t)i;
    }
    f.u.need = (struct wire_need){.columns = need, .column_count = n};
    e->part_column = n > 0 ? need[0] : e->column_count;
    e->state = n > 0 ? EVALUATOR_RECEIVING : EVALUATOR_READY;
    return session_send(e->session, &f, out, err);
}

static enum pt_code on_question(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct ask_evaluator *e = self;
    const struct wire_question *w = &f->u.question;
    enum pt_code rc;

    if ((rc = accept_text(e, w, err)) != PT_OK || (rc = accept_columns(e, w, err)) != PT_OK ||
        (rc = epoch_pair_rlwe(&e->rlwe, e->session->self->policy, &e->pair, err)) != PT_OK)
        return rc;
    e->column_bytes = rlwe_column_bytes(e->rlwe);
    return send_need(e, out, err);
}

/* All of a column is here: nothing is computed with it before its digest and every coefficient
 * have been looked at, and from now on its name means these bytes. */
static enum pt_code column_complete(struct ask_evaluator *e, size_t index, struct pt_err *err)
{
    const struct wire_column *c = &e->columns[index];
    struct digest digest;
    struct span bytes = {0};
    enum pt_code rc;

    if ((rc = e->in.host.column_map(e->in.host.self, index, c, &bytes, err)) != PT_OK)
        return rc;
    if (bytes.n != e->column_bytes)
        return pt_fail(err, PT_EBUG, "column %zu is kept as %zu bytes, not %" PRIu64, index,
                       bytes.n, e->column_bytes);
    reply_column_digest(&digest, bytes);
    if (!span_eq_vartime(span_of(digest.b, 32), span_of(c->digest.b, 32)))
        return pt_fail(err, PT_EBADMSG, "column %zu of %s has another digest than announced", index,
                       session_peer_name(e->session));
    if (!rlwe_blocks_valid(e->rlwe, bytes))
        return pt_fail(err, PT_EBADMSG, "column %zu of %s holds a coefficient that is not below q",
                       index, session_peer_name(e->session));
    if ((rc = e->in.host.column_bind(e->in.host.self, index, c, err)) == PT_EDENIED)
        session_because(e->session, REFUSAL_FROZEN);
    return rc;
}

static enum pt_code on_part(void *self, const struct frame *f, struct outbox *out,
                            struct pt_err *err)
{
    struct ask_evaluator *e = self;
    const struct wire_column_part *w = &f->u.column_part;
    uint64_t left = e->column_bytes - e->part_offset;
    enum pt_code rc;

    (void)out;
    if (w->column != e->part_column || w->offset != e->part_offset ||
        w->data.n != (left < WIRE_PART_MAX ? left : WIRE_PART_MAX))
        return pt_fail(err, PT_EBADMSG,
                       "%s sent %zu bytes of column %" PRIu32 " at %" PRIu64 " where column %zu at "
                       "%" PRIu64 " is next",
                       session_peer_name(e->session), w->data.n, w->column, w->offset,
                       e->part_column, e->part_offset);
    if ((rc = e->in.host.column_write(e->in.host.self, e->part_column, w->data, err)) != PT_OK)
        return rc;
    e->part_offset += w->data.n;
    if (e->part_offset < e->column_bytes)
        return PT_OK;
    if ((rc = column_complete(e, e->part_column, err)) != PT_OK)
        return rc;
    e->part_offset = 0;
    do
        e->part_column++;
    while (e->part_column < e->column_count && !e->needed[e->part_column]);
    if (e->part_column == e->column_count)
        e->state = EVALUATOR_READY;
    return PT_OK;
}

static const struct session_row EVALUATOR_ROWS[] = {
    {EVALUATOR_LISTENING, FRAME_QUESTION, on_question, EVALUATOR_RECEIVING},
    {EVALUATOR_RECEIVING, FRAME_COLUMN_PART, on_part, EVALUATOR_RECEIVING},
};
static const struct session_protocol EVALUATOR = {.name = "ask",
                                                  .what = WHAT_ASK,
                                                  .opener = false,
                                                  .rows = EVALUATOR_ROWS,
                                                  .row_count = PT_LEN(EVALUATOR_ROWS),
                                                  .state_names = EVALUATOR_STATES,
                                                  .done = EVALUATOR_ANSWERED};

enum pt_code ask_evaluator_begin(struct ask_evaluator *e, struct session *s,
                                 const struct ask_evaluator_in *in, struct pt_err *err)
{
    *e = (struct ask_evaluator){.session = s, .state = EVALUATOR_LISTENING, .in = *in};
    return session_attach(s, &EVALUATOR, e, &e->state, err);
}

bool ask_evaluator_ready(const struct ask_evaluator *e)
{
    return e->state == EVALUATOR_READY && e->session->state == SESSION_OPEN;
}

static enum pt_code send_answer(struct ask_evaluator *e, const struct reply *reply,
                                struct wire_answer *a, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_ANSWER};
    struct buf body = {0};
    enum pt_code rc = PT_OK;

    a->sizes = reply->sizes;
    a->size_count = reply->row_count;
    if (!answer_body(&body, a, buf_span(&e->text), reply->rows))
        rc = no_memory(err);
    else
        rc = session_sign(&a->signature, e->session, "patto/answer/1", buf_span(&body), err);
    answer_hash(&e->answer, &body);
    buf_free(&body);
    for (size_t i = 0; i < reply->row_count && rc == PT_OK; i++) {
        struct frame row = {.kind = FRAME_REPLY};
        row.u.reply = (struct wire_reply){.row = (uint32_t)i, .data = buf_span(&reply->rows[i])};
        rc = session_send(e->session, &row, out, err);
    }
    f.u.answer = *a;
    return rc == PT_OK ? session_send(e->session, &f, out, err) : rc;
}

/* Durably charged and recorded before anything is computed: a crash may waste budget, never
 * release an unpaid answer (PROTOCOL.md 5). */
static enum pt_code charge(struct ask_evaluator *e, const struct reply_in *in,
                           struct wire_answer *a, struct pt_err *err)
{
    struct ask_account account = {0};
    struct budget_price price;
    struct ask_charge c = {.recipient = e->session->peer,
                           .text = buf_span(&e->text),
                           .session_id = e->session->id,
                           .question_signature = e->question_signature};
    enum pt_code rc;

    reply_price(&price, in);
    c.charge_nano = price.charge_nano;
    if ((rc = reply_key(&c.key, in, err)) != PT_OK)
        return rc;
    rc = e->in.host.charge(e->in.host.self, &c, &account, err);
    if (rc == PT_EDENIED)
        session_because(e->session, REFUSAL_BUDGET_EXHAUSTED);
    if (rc != PT_OK)
        return rc;
    e->charged_nano = account.paid_before ? 0 : c.charge_nano;
    a->charged_nano = e->charged_nano;
    a->left_nano = account.left_nano;
    a->audit_position = account.audit_position;
    a->dataset = e->pair.header->participants[e->pair.evaluator].dataset;
    return PT_OK;
}

static enum pt_code compute(struct ask_evaluator *e, const struct reply_in *in, struct outbox *out,
                            struct pt_err *err)
{
    const struct policy_privacy *privacy = &in->policy->privacy;
    struct wire_answer a = {0};
    struct reply reply = {0};
    enum pt_code rc;

    if ((rc = charge(e, in, &a, err)) != PT_OK || (rc = reply_make(&reply, in, err)) != PT_OK)
        goto out;
    /* On the noisy size, which the answer would have told and which is paid for: refusing says
     * nothing that is not already bought. */
    if (reply.sizes[0] < (int64_t)privacy->minimum_audience) {
        session_because(e->session, REFUSAL_AUDIENCE_TOO_SMALL);
        rc = pt_fail(err, PT_EDENIED,
                     "privacy.minimum_audience, line %" PRIu32 ": the audience asked for is too "
                     "small",
                     privacy->minimum_audience_line);
        goto out;
    }
    rc = send_answer(e, &reply, &a, out, err);
out:
    reply_free(&reply);
    return rc;
}

enum pt_code ask_evaluator_answer(struct ask_evaluator *e, struct outbox *out, struct pt_err *err)
{
    struct span columns[WIRE_COLUMNS_MAX];
    struct digest digests[WIRE_COLUMNS_MAX];
    enum pt_code rc = PT_OK;

    if (!ask_evaluator_ready(e))
        return pt_fail(err, PT_ESTATE, "no question of %s is ready to be answered",
                       session_peer_name(e->session));
    e->state = EVALUATOR_OVER; /* until it is answered: no second try in this session */
    for (size_t i = 0; i < e->column_count && rc == PT_OK; i++) {
        digests[i] = e->columns[i].digest;
        rc = e->in.host.column_map(e->in.host.self, i, &e->columns[i], &columns[i], err);
        if (rc == PT_OK && columns[i].n != e->column_bytes)
            rc = pt_fail(err, PT_EBUG, "column %zu is kept as %zu bytes, not %" PRIu64, i,
                         columns[i].n, e->column_bytes);
    }
    struct reply_in in = {.policy = e->session->self->policy,
                          .question = &e->question,
                          .pair = e->pair,
                          .rlwe = e->rlwe,
                          .columns = columns,
                          .column_digests = digests,
                          .column_count = e->column_count,
                          .noise_key = e->in.noise_key,
                          .host = e->in.host.data};
    if (rc == PT_OK)
        rc = compute(e, &in, out, err);
    if (rc != PT_OK)
        return session_fail(e->session, out, err);
    e->state = EVALUATOR_ANSWERED;
    return PT_OK;
}

void ask_evaluator_free(struct ask_evaluator *e)
{
    rlwe_free(e->rlwe);
    buf_free(&e->text);
    buf_free(&e->names);
    free(e->columns);
    *e = (struct ask_evaluator){0};
}
