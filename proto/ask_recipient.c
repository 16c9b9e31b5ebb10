/* The asking side of ask.h. */
#include "proto/ask_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory for a question");
}

enum recipient_state {
    RECIPIENT_OVER,
    RECIPIENT_ASKED,
    RECIPIENT_NEEDED,
    RECIPIENT_SENDING,
    RECIPIENT_PROVING,
    RECIPIENT_WAITING,
    RECIPIENT_ANSWERED
};
static const char *const RECIPIENT_STATES[] = {"over",
                                               "waiting for Need",
                                               "waiting for ProofChoices",
                                               "sending columns",
                                               "waiting for ProofChallenge",
                                               "waiting for the answer",
                                               "answered"};

static enum pt_code on_need(void *self, const struct frame *f, struct outbox *out,
                            struct pt_err *err)
{
    struct ask_recipient *r = self;
    const struct wire_need *n = &f->u.need;

    (void)out;
    r->proved = calloc(n->column_count + 1, sizeof *r->proved);
    if (r->proved == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n->column_count; i++) {
        if (n->columns[i] >= r->in.column_count)
            return pt_fail(err, PT_EBADMSG, "%s needs column %" PRIu32 " of %zu",
                           session_peer_name(r->session), n->columns[i], r->in.column_count);
        r->need[i] = n->columns[i];
        r->proved[i] = r->in.columns[n->columns[i]].digest;
    }
    r->need_count = n->column_count;
    r->state = n->column_count > 0 ? RECIPIENT_NEEDED : RECIPIENT_WAITING;
    return PT_OK;
}

static enum pt_code on_choices(void *self, const struct frame *f, struct outbox *out,
                               struct pt_err *err)
{
    struct ask_recipient *r = self;
    const struct ask_group group = {r->table_count, r->in.column_count - r->table_count};
    struct ask_proof_columns what = {.session = r->session,
                                     .pair = r->in.pair,
                                     .rlwe = r->in.rlwe,
                                     .digests = r->proved,
                                     .count = r->need_count};

    (void)out;
    if (!ask_tally(&what.tally, group, r->need, r->need_count))
        return pt_fail(err, PT_EBADMSG, "%s needs some of a table's columns without the others",
                       session_peer_name(r->session));
    return ask_prover_begin(&r->prover, &what, &r->in.prover, f->u.proof, err);
}

static enum pt_code on_challenge(void *self, const struct frame *f, struct outbox *out,
                                 struct pt_err *err)
{
    struct ask_recipient *r = self;
    bool more = false;
    const enum pt_code rc = ask_prover_answer(&r->prover, &more, &f->u.proof_challenge, out, err);

    r->state = more ? RECIPIENT_SENDING : RECIPIENT_WAITING;
    return rc;
}

static enum pt_code on_reply(void *self, const struct frame *f, struct outbox *out,
                             struct pt_err *err)
{
    struct ask_recipient *r = self;
    const struct wire_reply *w = &f->u.reply;
    size_t bytes = reply_row_bytes(r->in.rlwe, r->table_count);

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

/* Nothing, for it was paid before, or what the policy says: both sides can work it out. */
static bool charge_is_right(const struct ask_recipient *r, uint64_t charged_nano)
{
    struct budget_price price;

    budget_price(&price, r->session->self->policy, r->in.question, rlwe_delta(r->in.rlwe));
    return charged_nano == 0 || charged_nano == price.charge_nano;
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
    if (!charge_is_right(r, a->charged_nano))
        return pt_fail(err, PT_EBADMSG, "%s charged another price than the policy's",
                       session_peer_name(r->session));
    if (!ask_answer_body(&body, a, buf_span(&r->text), r->rows))
        rc = no_memory(err);
    else
        rc = session_verify(&a->signature, r->session, "patto/answer/1", buf_span(&body), err);
    ask_answer_hash(&r->answer, &body);
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
    {RECIPIENT_ASKED, FRAME_NEED, on_need, RECIPIENT_NEEDED},
    {RECIPIENT_NEEDED, FRAME_PROOF_CHOICES, on_choices, RECIPIENT_SENDING},
    {RECIPIENT_PROVING, FRAME_PROOF_CHALLENGE, on_challenge, RECIPIENT_WAITING},
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
    if (columns == NULL ||
        !ask_question_body(&body, f.u.question.text, columns, r->in.column_count))
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
                                .table_count = reply_column_count(p, in->question),
                                .row_count = reply_row_count(p, in->question)};
    if (in->column_count != r->table_count + ask_counter_count(p, in->question, in->rlwe) ||
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

static enum pt_code send_part(struct ask_recipient *r, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_COLUMN_PART};
    const uint32_t column = r->need[r->need_at];
    const uint64_t left = r->in.columns[column].bytes - r->need_offset;
    const struct ask_part at = {column, r->need_offset,
                                left < WIRE_PART_MAX ? (size_t)left : WIRE_PART_MAX};
    struct span bytes = {0};
    enum pt_code rc;

    if ((rc = r->in.source.part(r->in.source.self, &bytes, &at, err)) != PT_OK)
        return rc;
    if (bytes.n != at.bytes)
        return pt_fail(err, PT_EBUG, "%zu bytes of column %" PRIu32 " are here, not %zu", bytes.n,
                       column, at.bytes);
    f.u.column_part =
        (struct wire_column_part){.column = column, .offset = at.offset, .data = bytes};
    if ((rc = session_send(r->session, &f, out, err)) != PT_OK)
        return rc;
    r->need_offset += at.bytes;
    if (at.bytes < left)
        return PT_OK;
    r->need_offset = 0;
    r->need_at++;
    return PT_OK;
}

enum pt_code ask_recipient_send(struct ask_recipient *r, struct outbox *out, struct pt_err *err)
{
    bool more = true;
    enum pt_code rc;

    if (!ask_recipient_sending(r))
        return pt_fail(err, PT_ESTATE, "no column is to be sent to %s",
                       session_peer_name(r->session));
    if (r->need_at < r->need_count)
        return send_part(r, out, err);
    rc = ask_prover_send(&r->prover, &more, out, err);
    if (!more)
        r->state = RECIPIENT_PROVING;
    return rc;
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
    free(r->proved);
    ask_prover_free(&r->prover);
    *r = (struct ask_recipient){0};
}
