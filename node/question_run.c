#include "node/question_run.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/hidden.h"
#include "node/last_table.h"
#include "node/ledger.h"
#include "node/log_run.h"
#include "node/question_internal.h"
#include "node/reach_query.h"
#include "policy/decide.h"
#include "proto/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "a question: no memory");
}

static const char *self_name(const struct query *q)
{
    return q->policy->partners[q->daemon->home->self].name;
}

static enum pt_code understand(struct query *q, const struct planner_query *in, struct pt_err *err)
{
    if (!answer_kind_parse(&q->kind, in->kind))
        return pt_fail(err, PT_EUSAGE,
                       "unknown question \"%.40s\": overlap, reach, crosstab, profile, affinity, "
                       "surprise, absent, lift, journey, bubble or value",
                       in->kind);
    const struct question_words words = {.kind = question_kind_name(answer_question_kind(q->kind)),
                                         .asker = self_name(q),
                                         .with = in->with,
                                         .rows = in->rows[0] != '\0' ? in->rows : NULL,
                                         .columns = in->columns[0] != '\0' ? in->columns : NULL,
                                         .where = in->where,
                                         .where_count = in->where_count,
                                         .slots = in->slots[0] != '\0' ? in->slots : NULL};
    enum pt_code rc = question_from_words(&q->question, q->policy, &words, err);

    return rc == PT_OK ? answer_check(q->kind, q->policy, &q->question, err) : rc;
}

static enum pt_code find_epoch(struct query *q, struct pt_err *err)
{
    q->epoch = daemon_epoch(q->daemon);
    if (q->epoch == NULL)
        return pt_fail(err, PT_ESTATE, "no epoch is in force: run `patto epoch` first");
    enum pt_code rc = epoch_pair_of(&q->pair, snapshot_header(q->epoch), self_name(q),
                                    q->policy->partners[q->question.with].name, err);
    if (rc == PT_OK)
        rc = epoch_pair_rlwe(&q->rlwe, q->policy, &q->pair, err);
    return rc;
}

static enum pt_code prepare(struct query *q, struct pt_err *err)
{
    const struct own_columns_in in = {.daemon = q->daemon,
                                      .epoch = q->epoch,
                                      .question = &q->question,
                                      .pair = &q->pair,
                                      .rlwe = q->rlwe};
    enum pt_code rc = own_columns_prepare(&q->own, &in, q->job, err);

    if (rc != PT_OK)
        return rc;
    q->row_count = reply_row_count(q->policy, &q->question);
    q->other_size = calloc(q->row_count, sizeof *q->other_size);
    q->scheme = calloc(q->row_count, sizeof *q->scheme);
    q->raw = calloc(q->row_count * q->own.table_count, sizeof *q->raw);
    return q->other_size != NULL && q->scheme != NULL && q->raw != NULL ? PT_OK : no_memory(err);
}

/* ---- the session ---- */

static void end_feed(struct query *q)
{
    column_feed_free(q->feed);
    q->feed = NULL;
}

static enum pt_code upload(struct query *q, struct pt_err *err)
{
    uint64_t sent = 0;
    enum pt_code rc;

    while (ask_recipient_sending(&q->ask)) {
        const bool columns = q->ask.need_at < q->ask.need_count;
        if (!columns)
            end_feed(q);
        if ((rc = ask_recipient_send(&q->ask, &q->peer.out, err)) != PT_OK ||
            (rc = peer_flush_begin(&q->peer, err)) != PT_OK)
            return rc;
        sent += WIRE_PART_MAX;
        if (columns &&
            (rc = q->job->progress(q->job->self, "sending columns", sent,
                                   (uint64_t)q->ask.need_count * rlwe_column_bytes(q->rlwe), "",
                                   err)) != PT_OK)
            return rc;
    }
    rc = peer_flush(&q->peer, err);
    return rc == PT_OK
               ? q->job->progress(q->job->self, "waiting for the partner's answer", 0, 0, "", err)
               : rc;
}

static enum pt_code part_to_send(void *self, struct span *out, const struct ask_part *at,
                                 struct pt_err *err)
{
    struct query *q = self;
    const struct column_feed_in in = {&q->own, q->ask.need, q->ask.need_count};
    enum pt_code rc = PT_OK;

    if (q->feed == NULL)
        rc = column_feed_new(&q->feed, &in, err);
    return rc == PT_OK ? column_feed_part(q->feed, out, at, err) : rc;
}

static enum pt_code columns_to_prove(void *self, struct prove_columns *out, size_t first,
                                     struct pt_err *err)
{
    struct query *q = self;
    const struct proof_columns_in in = {.epoch = q->epoch,
                                        .policy = q->policy,
                                        .question = &q->question,
                                        .pair = &q->pair,
                                        .rlwe = q->rlwe,
                                        .parallel = &q->parallel,
                                        .own = &q->own};
    const enum pt_code rc =
        q->job->progress(q->job->self, "proving columns", first, q->ask.need_count, "", err);

    return rc == PT_OK ? proof_columns_make(&q->proof, out, &in, q->ask.need + first, err) : rc;
}

static enum pt_code challenged(void *self, const struct ask_proof_once *o, struct pt_err *err)
{
    const struct query *q = self;
    const struct store_proof p = {.session = o->session,
                                  .first = o->first,
                                  .sent = true,
                                  .commitment = o->commitment,
                                  .challenge = o->challenge};

    return store_proof_challenge(q->daemon->store, &p, err);
}

static enum pt_code converse(struct query *q, struct pt_err *err)
{
    const struct ask_recipient_in in = {.question = &q->question,
                                        .pair = q->pair,
                                        .rlwe = q->rlwe,
                                        .columns = q->own.asked,
                                        .column_count = q->own.count,
                                        .source = {.self = q, .part = part_to_send},
                                        .prover = {.self = q,
                                                   .epoch_seed = snapshot_seed(q->epoch),
                                                   .columns = columns_to_prove,
                                                   .challenged = challenged}};
    enum pt_code rc;

    q->parallel = pool_parallel(q->daemon->pool);

    if ((rc = daemon_self(&q->self, &q->key, q->daemon, q->epoch, err)) != PT_OK ||
        (rc = peer_open(&q->peer, q->daemon, &q->self, q->question.with, WHAT_ASK, err)) != PT_OK ||
        (rc = ask_recipient_begin(&q->ask, &q->peer.session, &in, &q->peer.out, err)) != PT_OK ||
        (rc = peer_flush(&q->peer, err)) != PT_OK)
        return rc;
    while (!ask_recipient_answered(&q->ask)) {
        if ((rc = peer_step(&q->peer, err)) != PT_OK ||
            (ask_recipient_sending(&q->ask) && (rc = upload(q, err)) != PT_OK))
            return rc;
    }
    return peer_finish(&q->peer, err);
}

/* ---- from replies to figures ---- */

/* What the evaluator's noise really is: an integer width in units of Z_q (reply.h). */
static double noise_variance(const struct query *q, double sigma)
{
    double delta = rlwe_delta(q->rlwe);
    size_t group = q->own.table_count < RLWE_COLUMNS_MAX ? q->own.table_count : RLWE_COLUMNS_MAX;
    double width = ceil(delta * sigma);
    double least = (double)inner_noise_min(group);

    if (width < least)
        width = least;
    return width / delta * (width / delta);
}

/* The share of the epoch's slots that this question looks at. */
static double looked_at(const struct query *q)
{
    const uint64_t slots = snapshot_header(q->epoch)->slot_count;

    return (double)reply_slots(&q->question, slots) / (double)slots;
}

static enum pt_code open_replies(struct query *q, struct pt_err *err)
{
    struct span *rows = calloc(q->row_count, sizeof *rows);
    enum pt_code rc;

    if (rows == NULL)
        return no_memory(err);
    for (size_t i = 0; i < q->row_count; i++) {
        rows[i] = buf_span(&q->ask.rows[i]);
        q->other_size[i] = (double)q->ask.sizes[i];
        q->scheme[i] = inner_error_variance(q->rlwe, looked_at(q) * fmax(q->other_size[i], 0));
    }
    const struct reply_open_in in = {.rlwe = q->rlwe,
                                     .rows = rows,
                                     .row_count = q->row_count,
                                     .keys = q->own.keys,
                                     .column_count = q->own.table_count};
    rc = reply_open(q->raw, &in, err);
    free(rows);
    return rc;
}

/* A value: the second row are the numbers, whose "size" is the sum of their squares. */
static enum pt_code fill_value(struct answer *out, const struct query *q,
                               const struct estimate_in *counts, const struct budget_price *price,
                               struct pt_err *err)
{
    const struct policy_attribute *number =
        &q->policy->partners[q->question.with].attributes[q->question.columns];
    const struct value_in in = {
        .counts = counts,
        .raw = q->raw + (size_t)REPLY_NUMBERS * q->own.table_count,
        .variance = noise_variance(q, BUDGET_NUMBER * budget_sigma(price->cell)),
        .all_variance = noise_variance(q, BUDGET_NUMBER * budget_sigma(price->margin)),
        .scheme_variance = q->scheme[REPLY_NUMBERS],
        .square_sum = q->other_size[REPLY_NUMBERS],
        .minimum = number->min,
        .maximum = number->max};

    return answer_fill_value(out, q->policy, &q->question, &in, err);
}

static enum pt_code fill_figures(struct answer *out, const struct query *q, struct estimate_in *in,
                                 const struct budget_price *price, struct pt_err *err)
{
    if (q->question.kind != QUESTION_VALUE)
        return answer_fill(out, q->kind, q->policy, &q->question, in, err);
    in->column_count = 0;
    return fill_value(out, q, in, price, err);
}

static enum pt_code fill(struct answer *out, struct query *q, struct pt_err *err)
{
    const struct epoch_header *h = snapshot_header(q->epoch);
    const struct columns_map *map = snapshot_map(q->epoch);
    struct budget_price price;
    char hash[65];
    enum pt_code rc = open_replies(q, err);

    if (rc != PT_OK)
        return rc;
    budget_price(&price, q->policy, &q->question, rlwe_delta(q->rlwe));
    struct estimate_in in = {
        .frame = {.slot_count = (double)h->slot_count,
                  .kept = (double)columns_kept_below(map, reply_slots(&q->question, h->slot_count)),
                  .looked_at = looked_at(q),
                  .customers = (double)columns_rows(map),
                  .minimum_count = (double)q->policy->privacy.minimum_count,
                  .minimum_audience = (double)q->policy->privacy.minimum_audience},
        .row_count = q->own.table_count - 1,
        .column_count = q->row_count - 1,
        .raw = q->raw,
        .energy = q->own.energy,
        .own_size = q->own.own_size,
        .other_size = q->other_size,
        .scheme_variance = q->scheme,
        .cell_variance = noise_variance(q, budget_sigma(price.cell)),
        .margin_variance = noise_variance(q, budget_sigma(price.margin))};
    if ((rc = fill_figures(out, q, &in, &price, err)) != PT_OK)
        return rc;
    text_hex(hash, q->ask.answer.b, sizeof q->ask.answer.b);
    snprintf(out->hashes, sizeof out->hashes, "%s=%s", out->with, hash);
    out->charged_rho_nano = q->ask.charged_nano;
    out->left_rho_nano = q->ask.left_nano;
    out->repeated = q->ask.charged_nano == 0;
    out->audit_position = q->ask.audit_position;
    return PT_OK;
}

/* A refusal that is about the question, not about a fault, is an answer too. */
static bool refused(const struct query *q, struct answer_refusal *why, const struct pt_err *err)
{
    enum refusal r = q->peer.session.refusal;

    why->sentence = err->msg;
    if (r == REFUSAL_AUDIENCE_TOO_SMALL)
        why->reason = REASON_AUDIENCE;
    else if (r == REFUSAL_BUDGET_EXHAUSTED || r == REFUSAL_NOT_ALLOWED)
        why->reason = REASON_POLICY;
    else
        return false;
    return true;
}

static enum pt_code note_received(struct query *q, const struct answer *out, bool answered,
                                  struct pt_err *err)
{
    struct question_note received = q->note;

    received.rho_nano = out->charged_rho_nano;
    received.position = out->audit_position;
    return question_log_received(q->daemon->store, &received, answered, clock_now_s(), err);
}

/* Too small an audience is found on the noisy size, which costs what the answer costs. The refusal
 * carries no amount: it is the policy's price the first time, and nothing when the owner's ledger
 * knows the question, which it does by the id. */
static enum pt_code refused_charge(struct answer *out, struct query *q, struct pt_err *err)
{
    struct buf before = {0};
    enum pt_code rc =
        store_answer_find(&before, &out->repeated, q->daemon->store, &q->note.id, err);

    if (rc == PT_OK && !out->repeated) {
        out->charged_rho_nano = q->note.rho_nano;
        rc = store_answer_put(q->daemon->store, &q->note.id, span_z("\"AUDIENCE_TOO_SMALL\""),
                              clock_now_s(), err);
    }
    buf_free(&before);
    return rc;
}

static enum pt_code answer_refused(struct answer *out, struct query *q, struct answer_refusal why,
                                   struct pt_err *err)
{
    enum pt_code rc = why.reason == REASON_AUDIENCE ? refused_charge(out, q, err) : PT_OK;

    out->left_unknown = true;
    if (rc == PT_OK)
        rc = note_received(q, out, false, err);
    return rc == PT_OK ? answer_refuse(out, q->kind, q->policy, &q->question, why, err) : rc;
}

static void stamp(struct answer *out, const struct query *q)
{
    const struct epoch_header *h = q->epoch != NULL ? snapshot_header(q->epoch) : NULL;

    out->policy = q->policy->hash;
    snprintf(out->build, sizeof out->build, "%s", DAEMON_BUILD);
    if (h == NULL)
        return;
    snprintf(out->epoch, sizeof out->epoch, "%" PRIu64, h->number);
    if (q->pair.header == NULL)
        return;
    out->own_data = h->participants[q->pair.recipient].dataset;
    out->other_data = h->participants[q->pair.evaluator].dataset;
}

/* Over several partners: another protocol, whose refusals are told alike. */
static enum pt_code answer_reach(struct answer *out, struct query *q, struct pt_err *err)
{
    struct answer_refusal why = {.reason = REASON_POLICY};
    struct pt_err said = {0};
    enum refusal refusal;
    enum pt_code rc;

    q->epoch = daemon_epoch(q->daemon);
    if (q->epoch == NULL)
        return pt_fail(err, PT_ESTATE, "no epoch is in force: run `patto epoch` first");
    const struct reach_question_in in = {
        .daemon = q->daemon, .epoch = q->epoch, .question = &q->question, .job = q->job};
    rc = reach_query(out, &refusal, &in, &said);
    if (rc == PT_OK)
        return PT_OK;
    why.sentence = said.msg;
    if (refusal == REFUSAL_BUDGET_EXHAUSTED || refusal == REFUSAL_NOT_ALLOWED) {
        out->left_unknown = true;
        return answer_refuse(out, q->kind, q->policy, &q->question, why, err);
    }
    *err = said;
    return rc;
}

/* An answer that is here is not lost over its receipt, which comes later then. */
static void fetch_receipt(struct answer *out, struct query *q)
{
    const struct log_run_answer a = {
        .owner = q->question.with, .question = q->note.id, .answer = q->ask.answer};
    char name[LOG_RUN_NAME_MAX];
    struct pt_err err;

    peer_close(&q->peer); /* its signatures are had; the owner publishes when it is over */
    if (log_run_receipt(name, q->daemon, &a, &err) == PT_OK)
        snprintf(out->receipts, sizeof out->receipts, "%s", name);
    else
        daemon_log(q->daemon, "a receipt is outstanding: %s", err.msg);
}

/* An answer that is here is not lost over what it is compared with. */
static void look_back(struct answer *out, const struct query *q)
{
    struct pt_err err;

    if (q->question.kind != QUESTION_CROSSTAB)
        return;
    stamp(out, q);
    if (last_table(out, q->daemon->store, clock_now_s(), &err) != PT_OK)
        daemon_log(q->daemon, "no renewal: %s", err.msg);
}

static enum pt_code answer_query(struct answer *out, struct query *q,
                                 const struct planner_query *in, struct pt_err *err)
{
    struct answer_refusal why = {.reason = REASON_POLICY};
    struct pt_err said = {0};
    enum pt_code rc = understand(q, in, err);

    if (rc != PT_OK)
        return rc;
    rc = decide(q->policy, &q->question, &said);
    if (rc == PT_EDENIED) {
        why.sentence = said.msg;
        return answer_refuse(out, q->kind, q->policy, &q->question, why, err);
    }
    if (rc != PT_OK) {
        *err = said;
        return rc;
    }
    if ((rc = daemon_in_date(q->daemon, err)) != PT_OK)
        return rc;
    if (q->question.also != 0)
        return answer_reach(out, q, err);
    if ((rc = find_epoch(q, err)) != PT_OK)
        return rc;
    if ((rc = prepare(q, err)) != PT_OK || (rc = question_own_name(q, err)) != PT_OK ||
        (rc = question_log_asked(q->daemon->store, &q->note, clock_now_s(), err)) != PT_OK)
        return rc;
    if ((rc = converse(q, &said)) == PT_OK) {
        if ((rc = fill(out, q, err)) == PT_OK && (rc = note_received(q, out, true, err)) == PT_OK) {
            fetch_receipt(out, q);
            look_back(out, q);
        }
        return rc;
    }
    if (refused(q, &why, &said))
        return answer_refused(out, q, why, err);
    *err = said;
    return rc;
}

/* For `budget show`. An answer that is paid for is not lost over a note about it. */
static void note_spent(const struct answer *out, const struct query *q)
{
    struct pt_err err = {0};

    if (out->charged_rho_nano > 0 &&
        ledger_asked_add(q->daemon->store, q->policy->partners[q->question.with].name,
                         out->charged_rho_nano, &err) != PT_OK)
        daemon_log(q->daemon, "what this question cost is not noted: %s", err.msg);
}

static void query_free(struct query *q)
{
    end_feed(q); /* it reads what goes below */
    ask_recipient_free(&q->ask);
    peer_close(&q->peer);
    oprf_key_wipe(&q->key);
    proof_columns_free(&q->proof);
    own_columns_free(&q->own);
    free(q->other_size);
    free(q->scheme);
    free(q->raw);
    rlwe_free(q->rlwe);
    daemon_release(q->daemon, q->epoch);
    hidden_free(q);
}

enum pt_code question_run(struct answer *out, struct daemon *d, const struct planner_query *query,
                          const struct job *job, struct pt_err *err)
{
    struct query *q = hidden_locked_new(sizeof *q);

    *out = (struct answer){0};
    if (q == NULL)
        return no_memory(err);
    q->daemon = d;
    q->job = job;
    q->policy = d->home->policy;
    enum pt_code rc = answer_query(out, q, query, err);
    if (rc == PT_OK) {
        stamp(out, q);
        note_spent(out, q);
    }
    query_free(q);
    return rc;
}
