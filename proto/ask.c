#include "proto/ask_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decide.h"

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory for a question");
}

bool ask_question_body(struct buf *b, struct span text, const struct wire_column *columns,
                       size_t column_count)
{
    bool good = buf_field(b, text);

    for (size_t i = 0; good && i < column_count; i++)
        good = buf_field(b, columns[i].name) &&
               buf_add(b, columns[i].digest.b, sizeof columns[i].digest.b);
    return good;
}

bool ask_answer_body(struct buf *b, const struct wire_answer *a, struct span text,
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

void ask_answer_hash(struct digest *out, const struct buf *body)
{
    const struct span part = buf_span(body);

    hash_parts(out, "patto/answer/hash/1", &part, 1);
}

size_t ask_counter_count(const struct policy *p, const struct question *q, const struct rlwe *c)
{
    const size_t n = reply_counter_count(p, q);

    return reply_column_count(p, q) + n <= ask_proof_batch(c) ? n : 0;
}

bool ask_tally(struct proof_tally *out, struct ask_group g, const uint32_t *need, size_t need_count)
{
    const size_t first = need_count > 0 && need[0] == 0; /* "all" stands by itself */
    const size_t whole = g.table_count - 1 + g.counter_count;

    *out = (struct proof_tally){0};
    if (g.counter_count == 0 || need_count == first)
        return true;
    *out = (struct proof_tally){first, g.table_count - 1, g.counter_count};
    return need_count == first + whole;
}

/* ---- evaluator ---- */

enum evaluator_state {
    EVALUATOR_OVER,
    EVALUATOR_LISTENING,
    EVALUATOR_RECEIVING,
    EVALUATOR_TREES,
    EVALUATOR_COMMIT,
    EVALUATOR_PARTS,
    EVALUATOR_PROOF,
    EVALUATOR_CHECKING,
    EVALUATOR_READY,
    EVALUATOR_ANSWERED
};
static const char *const EVALUATOR_STATES[] = {"over",
                                               "waiting for Question",
                                               "waiting for ColumnPart",
                                               "waiting for ProofTrees",
                                               "waiting for ProofCommit",
                                               "waiting for ProofPart",
                                               "waiting for ProofAnswer",
                                               "checking a proof",
                                               "computing the answer",
                                               "answered"};

/* Signature, text, parties, policy, epoch: in this order, each with its reason. */
static enum pt_code accept_text(struct ask_evaluator *e, const struct wire_question *w,
                                struct pt_err *err)
{
    struct session *s = e->session;
    const struct policy *p = s->self->policy;
    struct buf body = {0};
    enum pt_code rc;

    if (!ask_question_body(&body, w->text, w->columns, w->column_count))
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

    e->table_count = reply_column_count(p, &e->question);
    const size_t due = e->table_count + ask_counter_count(p, &e->question, e->rlwe);
    if (w->column_count != due || due > WIRE_COLUMNS_MAX)
        return pt_fail(err, PT_EBADMSG, "%s announced %zu columns for a question of %zu",
                       session_peer_name(e->session), w->column_count, due);
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

static void add_need(struct ask_evaluator *e, size_t i)
{
    e->proved[e->need_count] = e->columns[i].digest;
    e->need[e->need_count++] = (uint32_t)i;
}

/* What of the question's columns is not here, or not proved. Of values that are counted all are
 * needed, and their counters, where one is missing: they were proved together. */
static enum pt_code find_need(struct ask_evaluator *e, struct pt_err *err)
{
    bool here[WIRE_COLUMNS_MAX];
    bool all = true;

    e->proved = calloc(e->column_count, sizeof *e->proved);
    if (e->proved == NULL)
        return no_memory(err);
    for (size_t i = 0; i < e->column_count; i++) {
        const enum pt_code rc =
            e->in.host.column_known(e->in.host.self, &e->columns[i], &here[i], err);
        if (rc == PT_EDENIED) /* another ciphertext under this name: one column, one key */
            session_because(e->session, REFUSAL_FROZEN);
        if (rc != PT_OK)
            return rc;
        all = all && (i == 0 || here[i]);
    }
    const bool counted = e->column_count > e->table_count;
    for (size_t i = 0; i < e->column_count; i++)
        if (!here[i] || (counted && i > 0 && !all))
            add_need(e, i);
    return PT_OK;
}

static enum pt_code send_need(struct ask_evaluator *e, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_NEED};
    const struct ask_host *host = &e->in.host;
    const struct ask_checker_host checks = {.self = host->self,
                                            .epoch_seed = e->in.epoch_seed,
                                            .parallel = &host->data.parallel,
                                            .challenged = host->proof_challenged,
                                            .refused = host->proof_refused};
    const struct ask_group group = {e->table_count, e->column_count - e->table_count};
    struct ask_proof_columns what = {.session = e->session,
                                     .pair = e->pair,
                                     .rlwe = e->rlwe,
                                     .digests = e->proved,
                                     .count = e->need_count};
    enum pt_code rc;

    if (!ask_tally(&what.tally, group, e->need, e->need_count))
        return pt_fail(err, PT_EBUG, "a tally of some columns");
    f.u.need = (struct wire_need){.columns = e->need, .column_count = e->need_count};
    e->state = e->need_count > 0 ? EVALUATOR_RECEIVING : EVALUATOR_READY;
    rc = session_send(e->session, &f, out, err);
    return rc == PT_OK && e->need_count > 0
               ? ask_checker_begin(&e->checker, &what, &checks, out, err)
               : rc;
}

/* Who was refused once in an epoch is answered nothing more in it, whatever it asks. */
static enum pt_code look_for_bar(struct ask_evaluator *e, struct pt_err *err)
{
    bool barred = false;
    const enum pt_code rc = e->in.host.barred(e->in.host.self, &barred, err);

    if (rc != PT_OK || !barred)
        return rc;
    session_because(e->session, REFUSAL_NOT_PROVED);
    return pt_fail(err, PT_EDENIED, "a proof of %s was refused in this epoch, which is final",
                   session_peer_name(e->session));
}

static enum pt_code on_question(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct ask_evaluator *e = self;
    const struct wire_question *w = &f->u.question;
    enum pt_code rc;

    if ((rc = accept_text(e, w, err)) != PT_OK ||
        (rc = epoch_pair_rlwe(&e->rlwe, e->session->self->policy, &e->pair, err)) != PT_OK ||
        (rc = accept_columns(e, w, err)) != PT_OK || (rc = look_for_bar(e, err)) != PT_OK)
        return rc;
    e->column_bytes = rlwe_column_bytes(e->rlwe);
    return (rc = find_need(e, err)) == PT_OK ? send_need(e, out, err) : rc;
}

/* All of a column is here: nothing is proved of it before its digest and every coefficient have been
 * looked at. */
static enum pt_code column_complete(struct ask_evaluator *e, size_t index, struct pt_err *err)
{
    const struct wire_column *c = &e->columns[index];
    struct digest digest;
    bool below_q = false;

    intake_end(&digest, &below_q, &e->intake);
    if (!span_eq_vartime(span_of(digest.b, 32), span_of(c->digest.b, 32)))
        return pt_fail(err, PT_EBADMSG, "column %zu of %s has another digest than announced", index,
                       session_peer_name(e->session));
    if (!below_q)
        return pt_fail(err, PT_EBADMSG, "column %zu of %s holds a coefficient that is not below q",
                       index, session_peer_name(e->session));
    return e->in.host.column_keep(e->in.host.self, index, c, err);
}

/* A part is looked at and written piece by piece, while the piece is in the processor's second cache. To do
 * both side by side would take a thread for each part, which costs more than it saves. */
enum { ARRIVAL_PIECE = 1 << 17 };

static enum pt_code take_in(struct ask_evaluator *e, struct span bytes, struct pt_err *err)
{
    const struct ask_host *host = &e->in.host;
    enum pt_code rc = PT_OK;

    for (size_t at = 0; at < bytes.n && rc == PT_OK; at += ARRIVAL_PIECE) {
        const size_t left = bytes.n - at;
        const struct span piece =
            span_of(bytes.p + at, left < ARRIVAL_PIECE ? left : ARRIVAL_PIECE);
        intake_add(&e->intake, piece);
        rc = host->column_write(host->self, e->need[e->need_at], piece, err);
    }
    return rc;
}

static enum pt_code on_part(void *self, const struct frame *f, struct outbox *out,
                            struct pt_err *err)
{
    struct ask_evaluator *e = self;
    const struct wire_column_part *w = &f->u.column_part;
    const uint32_t column = e->need[e->need_at];
    const uint64_t left = e->column_bytes - e->part_offset;
    enum pt_code rc;

    (void)out;
    if (w->column != column || w->offset != e->part_offset ||
        w->data.n != (left < WIRE_PART_MAX ? left : WIRE_PART_MAX))
        return pt_fail(err, PT_EBADMSG,
                       "%s sent %zu bytes of column %" PRIu32 " at %" PRIu64
                       " where column %" PRIu32 " at %" PRIu64 " is next",
                       session_peer_name(e->session), w->data.n, w->column, w->offset, column,
                       e->part_offset);
    if (e->part_offset == 0)
        intake_begin(&e->intake, e->rlwe);
    if ((rc = take_in(e, w->data, err)) != PT_OK)
        return rc;
    e->part_offset += w->data.n;
    if (e->part_offset < e->column_bytes)
        return PT_OK;
    if ((rc = column_complete(e, column, err)) != PT_OK)
        return rc;
    e->part_offset = 0;
    e->need_at++;
    if (e->need_at == e->need_count)
        e->state = EVALUATOR_TREES;
    return PT_OK;
}

/* ---- the proof ---- */

static enum pt_code on_trees(void *self, const struct frame *f, struct outbox *out,
                             struct pt_err *err)
{
    struct ask_evaluator *e = self;

    (void)out;
    return ask_checker_trees(&e->checker, f->u.proof, err);
}

static enum pt_code on_commit(void *self, const struct frame *f, struct outbox *out,
                              struct pt_err *err)
{
    struct ask_evaluator *e = self;

    (void)out;
    return ask_checker_commit(&e->checker, &f->u.proof_commit, err);
}

static enum pt_code on_proof_part(void *self, const struct frame *f, struct outbox *out,
                                  struct pt_err *err)
{
    struct ask_evaluator *e = self;
    bool complete = false;
    const enum pt_code rc = ask_checker_part(&e->checker, &complete, &f->u.proof_part, out, err);

    if (complete)
        e->state = EVALUATOR_PROOF;
    return rc;
}

static enum pt_code on_proof_answer(void *self, const struct frame *f, struct outbox *out,
                                    struct pt_err *err)
{
    struct ask_evaluator *e = self;

    (void)out;
    return ask_checker_take(&e->checker, f->u.proof, err);
}

/* The bytes of column `index` that were looked at when they came. */
static enum pt_code map_column(struct span *out, struct ask_evaluator *e, size_t index,
                               struct pt_err *err)
{
    const enum pt_code rc =
        e->in.host.column_map(e->in.host.self, index, &e->columns[index], out, err);

    return rc == PT_OK && out->n != e->column_bytes
               ? pt_fail(err, PT_EBUG, "column %zu is kept as %zu bytes, not %" PRIu64, index,
                         out->n, e->column_bytes)
               : rc;
}

bool ask_evaluator_checking(const struct ask_evaluator *e)
{
    return e->state == EVALUATOR_CHECKING && e->session->state == SESSION_OPEN;
}

struct reading { /* columns by their place among those given: index[j], or j itself */
    const struct ask_host *host;
    const uint32_t *index;
};
static bool read_column(void *self, size_t j, uint64_t at, uint8_t *out, size_t out_bytes)
{
    const struct reading *r = self;

    return r->host->column_read(r->host->self, r->index != NULL ? r->index[j] : j, at, out,
                                out_bytes);
}

static enum pt_code check_batch(struct ask_evaluator *e, struct pt_err *err)
{
    const size_t first = e->checker.proved;
    const size_t count = e->checker.count;
    struct span columns[RLWE_COLUMNS_MAX] = {{0}};
    struct reading reading = {&e->in.host, e->need + first};
    const struct column_reader reader = {&reading, read_column};
    const struct column_bytes bytes = {columns, e->in.host.column_read != NULL ? &reader : NULL};
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < count && rc == PT_OK; i++)
        rc = map_column(&columns[i], e, e->need[first + i], err);
    if (rc == PT_OK)
        rc = ask_checker_check(&e->checker, &bytes, err);
    for (size_t i = first; i < first + count && rc == PT_OK; i++)
        if ((rc = e->in.host.column_bind(e->in.host.self, e->need[i], &e->columns[e->need[i]],
                                         err)) == PT_EDENIED)
            session_because(e->session, REFUSAL_FROZEN);
    return rc;
}

enum pt_code ask_evaluator_check(struct ask_evaluator *e, struct outbox *out, struct pt_err *err)
{
    if (!ask_evaluator_checking(e))
        return pt_fail(err, PT_ESTATE, "no proof of %s is to be checked",
                       session_peer_name(e->session));
    e->state = EVALUATOR_OVER;
    if (check_batch(e, err) != PT_OK)
        return session_fail(e->session, out, err);
    e->state = e->checker.proved < e->need_count ? EVALUATOR_COMMIT : EVALUATOR_READY;
    return PT_OK;
}

static const struct session_row EVALUATOR_ROWS[] = {
    {EVALUATOR_LISTENING, FRAME_QUESTION, on_question, EVALUATOR_RECEIVING},
    {EVALUATOR_RECEIVING, FRAME_COLUMN_PART, on_part, EVALUATOR_RECEIVING},
    {EVALUATOR_TREES, FRAME_PROOF_TREES, on_trees, EVALUATOR_COMMIT},
    {EVALUATOR_COMMIT, FRAME_PROOF_COMMIT, on_commit, EVALUATOR_PARTS},
    {EVALUATOR_PARTS, FRAME_PROOF_PART, on_proof_part, EVALUATOR_PARTS},
    {EVALUATOR_PROOF, FRAME_PROOF_ANSWER, on_proof_answer, EVALUATOR_CHECKING},
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
    if (!ask_answer_body(&body, a, buf_span(&e->text), reply->rows))
        rc = no_memory(err);
    else
        rc = session_sign(&a->signature, e->session, "patto/answer/1", buf_span(&body), err);
    ask_answer_hash(&e->answer, &body);
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
    struct reading reading = {&e->in.host, NULL};
    const struct column_reader reader = {&reading, read_column};
    enum pt_code rc = PT_OK;

    if (!ask_evaluator_ready(e))
        return pt_fail(err, PT_ESTATE, "no question of %s is ready to be answered",
                       session_peer_name(e->session));
    e->state = EVALUATOR_OVER; /* until it is answered: no second try in this session */
    for (size_t i = 0; i < e->table_count && rc == PT_OK; i++) {
        digests[i] = e->columns[i].digest;
        rc = map_column(&columns[i], e, i, err);
    }
    struct reply_in in = {.policy = e->session->self->policy,
                          .question = &e->question,
                          .pair = e->pair,
                          .rlwe = e->rlwe,
                          .columns = columns,
                          .column_digests = digests,
                          .column_count = e->table_count,
                          .reader = e->in.host.column_read != NULL ? &reader : NULL,
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
    free(e->proved);
    ask_checker_free(&e->checker);
    *e = (struct ask_evaluator){0};
}
