#include "node/evaluate.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/ledger.h"

#include <inttypes.h>
#include <string.h>

static const char *peer_name(const struct evaluate *e)
{
    return e->daemon->home->policy->partners[e->session->peer].name;
}

static struct blobs_at where(const struct evaluate *e)
{
    return (struct blobs_at){
        .home = e->daemon->home, .epoch = snapshot_id(e->epoch), .peer = peer_name(e)};
}

/* name is bounded by wire.h; store.h wants it NUL-terminated. */
struct column_key {
    char name[WIRE_COLUMN_NAME_MAX + 1];
    struct store_column column;
};
static enum pt_code key_of(struct column_key *out, const struct evaluate *e, struct span name,
                           struct pt_err *err)
{
    out->column = (struct store_column){
        .epoch = *snapshot_id(e->epoch), .peer = peer_name(e), .sent = false, .name = out->name};
    return text_copy(out->name, sizeof out->name, name)
               ? PT_OK
               : pt_fail(err, PT_EBADMSG, "a column's name is too long");
}

static enum pt_code column_known(void *self, const struct wire_column *c, bool *here,
                                 struct pt_err *err)
{
    struct evaluate *e = self;
    struct blobs_at at = where(e);
    struct blob_map map;
    struct column_key key;
    struct digest bound;
    bool found = false;
    bool proved = false;
    enum pt_code rc;

    *here = false;
    if ((rc = key_of(&key, e, c->name, err)) != PT_OK ||
        (rc = store_column_find(&bound, &found, e->daemon->store, &key.column, err)) != PT_OK ||
        !found)
        return rc;
    if (memcmp(bound.b, c->digest.b, sizeof bound.b) != 0)
        return pt_fail(err, PT_EDENIED,
                       "%s sent another ciphertext for a column of this epoch (PROTOCOL.md 4)",
                       peer_name(e));
    if ((rc = store_column_proved(&proved, e->daemon->store, &key.column, err)) != PT_OK || !proved)
        return rc; /* of an older build: it comes again, with its proof */
    /* The file may be gone, or no longer what was verified, while the binding stays: then the same
     * bytes come again. Other bytes under this digest would be answered with the same noise. */
    rc = blob_map(&map, here, &at, &c->digest, rlwe_column_bytes(e->ask.rlwe), err);
    if (rc == PT_OK && *here) {
        struct digest now;
        blob_digest(&now, e->daemon->seen, &map);
        *here = memcmp(now.b, bound.b, sizeof now.b) == 0;
    }
    blob_unmap(&map);
    return rc;
}

/* A ciphertext is kept before anything is paid: without a bound a peer could fill our disk with
 * columns of questions that it never finishes. */
static enum pt_code take_upload(struct evaluate *e, struct pt_err *err)
{
    const struct store_quota quota = {
        .what = "columns", .peer = peer_name(e), .count = 1, .limit = EVALUATE_COLUMNS_A_DAY};
    uint64_t used;
    enum pt_code rc = store_quota_take(&used, e->daemon->store, &quota, clock_now_s(), err);

    if (rc != PT_ELIMIT)
        return rc;
    session_because(e->session, REFUSAL_QUOTA);
    return PT_EDENIED;
}

static enum pt_code column_write(void *self, size_t index, struct span bytes, struct pt_err *err)
{
    struct evaluate *e = self;
    struct evaluate_column *c = &e->columns[index];
    enum pt_code rc;

    if (!c->writing) {
        struct blobs_at at = where(e);
        if ((rc = take_upload(e, err)) != PT_OK ||
            (rc = blob_begin(&c->file, &at, &e->ask.columns[index].digest, err)) != PT_OK)
            return rc;
        c->writing = true;
    }
    if (e->writer == NULL && (rc = write_behind_new(&e->writer, err)) != PT_OK)
        return rc;
    return write_behind_add(e->writer, &c->file, bytes, err);
}

static enum pt_code column_map(void *self, size_t index, const struct wire_column *c,
                               struct span *bytes, struct pt_err *err)
{
    struct evaluate *e = self;
    struct evaluate_column *column = &e->columns[index];
    struct blobs_at at = where(e);
    bool found = true;
    enum pt_code rc;

    if (column->map.bytes.p == NULL) {
        rc = blob_map(&column->map, &found, &at, &c->digest, rlwe_column_bytes(e->ask.rlwe), err);
        if (rc != PT_OK)
            return rc;
        if (!found)
            return pt_fail(err, PT_EIO, "a column of %s has gone from the disk", peer_name(e));
    }
    *bytes = column->map.bytes;
    return PT_OK;
}

static bool column_read(void *self, size_t index, uint64_t at, uint8_t *out, size_t n)
{
    const struct evaluate *e = self;

    return blob_read(&e->columns[index].map, at, out, n);
}

static enum pt_code column_keep(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err)
{
    struct evaluate *e = self;
    struct evaluate_column *column = &e->columns[index];
    enum pt_code rc;

    if ((rc = write_behind_wait(e->writer, err)) != PT_OK)
        return rc;
    column->writing = false;
    /* Not flushed: column_known() looks before it believes, and the peer sends the same bytes again. */
    if ((rc = fileio_commit_unflushed(&column->file, err)) != PT_OK)
        return rc;
    /* The caller has just looked at these very bytes. */
    const struct blobs_at at = where(e);
    blob_hashed(e->daemon->seen, &at, &c->digest, &c->digest);
    return PT_OK;
}

static enum pt_code column_bind(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err)
{
    struct evaluate *e = self;
    struct column_key key;
    enum pt_code rc = key_of(&key, e, c->name, err);

    (void)index;
    return rc == PT_OK ? store_column_prove(e->daemon->store, &key.column, &c->digest, err) : rc;
}

/* ---- the proof ---- */

static enum pt_code barred(void *self, bool *out, struct pt_err *err)
{
    struct evaluate *e = self;

    return store_proof_refused(out, e->daemon->store, snapshot_id(e->epoch), peer_name(e), err);
}

static enum pt_code proof_challenged(void *self, const struct ask_proof_once *o, struct pt_err *err)
{
    struct evaluate *e = self;
    const struct store_proof p = {.session = o->session,
                                  .first = o->first,
                                  .sent = false,
                                  .commitment = o->commitment,
                                  .challenge = o->challenge};

    return store_proof_challenge(e->daemon->store, &p, err);
}

static enum pt_code proof_refused(void *self, const struct ask_proof_refusal *r, struct pt_err *err)
{
    struct evaluate *e = self;
    const struct store_proof_refusal row = {.epoch = *snapshot_id(e->epoch),
                                            .peer = peer_name(e),
                                            .session = r->session,
                                            .commitment = r->commitment,
                                            .answer = r->answer};

    return store_proof_refuse(e->daemon->store, &row, clock_now_s(), err);
}

/* ---- the answer ---- */

static enum pt_code charge(void *self, const struct ask_charge *c, struct ask_account *out,
                           struct pt_err *err)
{
    struct evaluate *e = self;
    const struct policy *p = e->daemon->home->policy;
    struct ledger_result paid;
    const struct ledger_charge bill = {.question_id = c->key,
                                       .recipient = p->partners[c->recipient].name,
                                       .kind = question_kind_name(e->ask.question.kind),
                                       .epoch = *snapshot_id(e->epoch),
                                       .rho_nano = c->charge_nano,
                                       .question = c->text};
    char rho[32];
    enum pt_code rc = ledger_charge(&paid, e->daemon->store, p, &bill, clock_now_s(), err);

    if (rc == PT_EDENIED)
        session_because(e->session, REFUSAL_BUDGET_EXHAUSTED);
    if (rc != PT_OK)
        return rc;
    e->note = (struct question_note){
        .kind = bill.kind, .peer = bill.recipient, .id = c->key, .rho_nano = paid.charged_nano};
    e->charged = true;
    *out = (struct ask_account){.paid_before = paid.already_paid,
                                .left_nano = paid.left_nano,
                                .audit_position = paid.event.sequence};
    text_put_decimal(rho, paid.charged_nano, 9);
    daemon_log(e->daemon, "%s asked %s: charged rho %s, audit %" PRIu64, bill.recipient, bill.kind,
               rho, paid.event.sequence);
    return PT_OK;
}

/* Those who pass and have a number, or their numbers. */
static enum pt_code value_row(const struct columns_map *map, const struct question *q,
                              const struct reply_part *at, int8_t *values, uint64_t *size)
{
    const struct columns_selector which = {.filters = q->filters,
                                           .filter_count = q->filter_count,
                                           .has_number = true,
                                           .number = q->columns};
    enum pt_code rc;

    if (at->row == REPLY_NUMBERS)
        return columns_numbers(values, size, map, &which);
    memset(values + at->slots, 0, at->slots);
    rc = columns_evaluator(values, map, &which);
    return rc == PT_OK ? columns_audience_count(size, map, &which) : rc;
}

enum pt_code evaluate_window(struct columns_view **view, const struct columns_map *map,
                             const struct question *q, const struct reply_part *at,
                             struct pt_err *err)
{
    const struct columns_view_in in = {map, q};
    enum pt_code rc = *view == NULL ? columns_view_new(view, &in, err) : PT_OK;

    return rc == PT_OK ? columns_view_move(*view, at->first, at->slots, err) : rc;
}

/* Row 0 is everybody who passes the filters; the others have one value of the attribute each. */
enum pt_code evaluate_row(const struct columns_view *view, const struct question *q,
                          const struct reply_part *at, int8_t *values, uint64_t *size,
                          struct pt_err *err)
{
    const struct columns_map *map = columns_view_map(view);
    const size_t index = at->row;
    const struct columns_selector which = {.filters = q->filters,
                                           .filter_count = q->filter_count,
                                           .has_category = index > 0,
                                           .attribute = q->columns,
                                           .value = index > 0 ? (uint16_t)(index - 1) : 0};
    enum pt_code rc = q->kind == QUESTION_VALUE ? value_row(map, q, at, values, size)
                                                : columns_evaluator(values, map, &which);

    if (rc == PT_OK && q->kind != QUESTION_VALUE)
        rc = columns_audience_count(size, map, &which);
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "the rows of the answer could not be made");
}

static enum pt_code window(void *self, const struct question *q, const struct reply_part *at,
                           struct pt_err *err)
{
    struct evaluate *e = self;

    return evaluate_window(&e->view, snapshot_map(e->epoch), q, at, err);
}

static enum pt_code row(void *self, const struct question *q, const struct reply_part *at,
                        int8_t *values, uint64_t *size, struct pt_err *err)
{
    const struct evaluate *e = self;

    return evaluate_row(e->view, q, at, values, size, err);
}

enum pt_code evaluate_begin(struct evaluate *e, struct daemon *d, struct snapshot *epoch,
                            struct session *s, struct pt_err *err)
{
    const struct ask_evaluator_in in = {
        .header = snapshot_header(epoch),
        .noise_key = snapshot_noise_key(epoch),
        .epoch_seed = snapshot_seed(epoch),
        .host = {
            .self = e,
            .barred = barred,
            .column_known = column_known,
            .column_write = column_write,
            .column_map = column_map,
            .column_read = column_read,
            .column_keep = column_keep,
            .column_bind = column_bind,
            .charge = charge,
            .proof_challenged = proof_challenged,
            .proof_refused = proof_refused,
            .data = {.self = e, .window = window, .row = row, .parallel = pool_parallel(d->pool)}}};

    e->daemon = d;
    e->epoch = epoch;
    e->session = s;
    e->begun = true;
    return ask_evaluator_begin(&e->ask, s, &in, err);
}

/* On the record before it leaves: what cannot be written down is taken back. */
static enum pt_code note_answered(struct evaluate *e, enum pt_code rc, struct outbox *out,
                                  struct pt_err *err)
{
    const struct epoch_header *h = snapshot_header(e->epoch);
    struct question_made made = {.policy = h->policy_hash,
                                 .answer = e->ask.answer,
                                 .epoch = h->number,
                                 .build = DAEMON_BUILD};
    struct pt_err later;

    if (!e->charged)
        return rc;
    made.dataset = h->participants[e->ask.pair.evaluator].dataset;
    made.asker_dataset = h->participants[e->ask.pair.recipient].dataset;
    e->note.made = rc == PT_OK ? &made : NULL;
    e->charged = false;
    if (question_log_answered(e->daemon->store, &e->note, rc == PT_OK, clock_now_s(), &later) ==
        PT_OK)
        return rc;
    daemon_log(e->daemon, "an answer is not on the record: %s", later.msg);
    if (rc != PT_OK)
        return rc;
    outbox_free(out);
    *err = later;
    return session_fail(e->session, out, err);
}

enum pt_code evaluate_answer_if_ready(struct evaluate *e, struct outbox *out, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    if (ask_evaluator_checking(&e->ask)) {
        pthread_mutex_lock(&e->daemon->compute);
        rc = ask_evaluator_check(&e->ask, out, err);
        pthread_mutex_unlock(&e->daemon->compute);
    }
    if (rc != PT_OK || !ask_evaluator_ready(&e->ask))
        return rc;
    pthread_mutex_lock(&e->daemon->compute);
    rc = ask_evaluator_answer(&e->ask, out, err);
    columns_view_free(e->view);
    e->view = NULL;
    pthread_mutex_unlock(&e->daemon->compute);
    return note_answered(e, rc, out, err);
}

void evaluate_end(struct evaluate *e)
{
    if (!e->begun)
        return;
    ask_evaluator_free(&e->ask);
    write_behind_free(e->writer);
    e->writer = NULL;
    for (size_t i = 0; i < WIRE_COLUMNS_MAX; i++) {
        blob_unmap(&e->columns[i].map);
        if (e->columns[i].writing)
            fileio_abandon(&e->columns[i].file);
    }
    e->begun = false;
}
