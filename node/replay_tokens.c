#include "node/replay_tokens.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum pt_code gone(struct replay_tokens *t, struct pt_err *err, const char *what)
{
    (void)!pt_fail(&t->gone, PT_ESTATE, "%s", what);
    return pt_fail(err, PT_ESTATE, "%s", what);
}

/* ---- owner ---- */

/* The same rows of the same dataset. After another ingest the vault holds others. */
static enum pt_code own_batch(struct replay_tokens *t, struct pt_err *err)
{
    const struct snapshot *epoch = t->bed->epoch;
    struct batch *b = &t->batch;
    char period[16];

    if (epoch == NULL)
        return gone(t, err, t->bed->no_epoch.msg);
    const struct vault_data *data = snapshot_data(epoch);
    t->earlier = strcmp(data->generation, t->note.generation) != 0;
    if (t->earlier)
        return gone(t, err, "these tokens were made over data that have been replaced since");
    for (uint64_t i = 0; i < t->note.row_count; i++)
        if (t->note.rows[i] >= data->count)
            return pt_fail(err, PT_EBADMSG, "a batch of rows that the vault has not");
    b->data = data;
    b->todo = t->note.rows;
    b->todo_count = t->note.row_count;
    b->label = t->note.label;
    b->parallel = t->bed->parallel;
    t->note.rows = NULL;
    snprintf(period, sizeof period, "%" PRIu32, t->facts->head.key_period);
    return batch_plan(b, t->bed->home, period, err);
}

/* Of later hops only how many points: the seed says it. */
static enum pt_code sent_plan(struct tokenise_plan *out, const struct replay_tokens *t,
                              struct pt_err *err)
{
    struct wire_in in = {0};
    enum pt_code rc = wire_decode(&in, buf_span(&t->facts->whole[FRAME_BATCH]), err);

    if (rc == PT_OK)
        *out = (struct tokenise_plan){.point_count = in.frame.u.batch.point_count,
                                      .chunk_points = in.frame.u.batch.chunk_points,
                                      .first_chunk = in.frame.u.batch.first_chunk};
    wire_in_free(&in);
    return rc;
}

static enum pt_code begin_owner(struct replay_tokens *t, struct outbox *out, struct pt_err *err)
{
    struct tokenise_plan plan = {0};
    enum pt_code rc;

    if (t->facts->whole[FRAME_BATCH].n == 0)
        return PT_OK;
    if (t->facts->note.n == 0)
        return gone(t, err, "the record of this batch has no note of its rows");
    rc = batch_note_parse(&t->note, buf_span(&t->facts->note), err);
    if (rc == PT_ESTATE) /* an older patto's: not to be replayed, and nobody's fault */
        t->gone = *err;
    if (rc != PT_OK || (rc = sent_plan(&plan, t, err)) != PT_OK)
        return rc;
    if (t->note.hop == 0 && (rc = own_batch(t, err)) != PT_OK)
        return rc;
    if (t->note.hop == 0) {
        plan = t->batch.plan;
    } else if (t->before == NULL) {
        return gone(t, err, "the record of the key holder before is not kept");
    } else if ((rc = replay_file_open(&t->previous, t->bed, t->before, err)) != PT_OK) {
        return rc;
    } else {
        batch_seed(&t->batch, t->bed->home, &t->note.label);
        t->batch.parallel = t->bed->parallel;
    }
    t->points = calloc(plan.chunk_points + 1, sizeof *t->points);
    if (t->points == NULL)
        return pt_fail(err, PT_ENOMEM, "replay of tokens: no memory");
    rc = tokenise_owner_begin(&t->owner, t->session, plan, out, err);
    t->owner.parallel = t->bed->parallel;
    return rc;
}

/* What the hop before returned went on, blinded again. */
static enum pt_code again(struct replay_tokens *t, struct span_points back, struct pt_err *err)
{
    struct group_term *decoded;
    enum pt_code rc = group_terms_new(&decoded, back.n);

    if (rc != PT_OK)
        return pt_fail(err, rc, "replay of tokens: no memory");
    const struct batch_chunk c = {.number = t->owner.next_send,
                                  .hop = t->note.hop - 1,
                                  .public_key = &t->note.before,
                                  .points = decoded,
                                  .n = back.n};
    if (group_decode_vartime(decoded, back.p, back.n) != GROUP_ALL_GOOD)
        rc = pt_fail(err, PT_EBADMSG, "the hop before returned points off the group");
    else
        rc = batch_blind_again(t->points, &t->batch, &c, err);
    group_terms_free(decoded);
    return rc;
}

/* The next Evaluated of the hop before. */
static enum pt_code passed_on(struct replay_tokens *t, size_t n, struct pt_err *err)
{
    bool end = false;

    for (;;) {
        struct record_entry e;
        struct wire_in in = {0};
        enum pt_code rc = records_next(&e, &end, t->previous.reader, err);
        if (rc != PT_OK || end)
            return rc != PT_OK ? rc : pt_fail(err, PT_EBADMSG, "more points than had come back");
        if (e.kind != RECORD_RECEIVED)
            continue;
        if ((rc = wire_decode(&in, e.bytes, err)) != PT_OK)
            return rc;
        bool found = in.frame.kind == FRAME_EVALUATED && in.frame.u.chunk.points.n == n &&
                     in.frame.u.chunk.number == t->owner.next_send;
        if (found)
            rc = again(t, in.frame.u.chunk.points, err);
        wire_in_free(&in);
        if (found)
            return rc;
    }
}

static enum pt_code send_points(struct replay_tokens *t, struct outbox *out, struct pt_err *err)
{
    size_t n = tokenise_chunk_size(&t->owner.plan, t->owner.next_send);
    enum pt_code rc = t->note.hop == 0 ? batch_blind(t->points, &t->batch, t->owner.next_send, err)
                                       : passed_on(t, n, err);

    return rc == PT_OK
               ? tokenise_owner_send(&t->owner, (struct span_points){t->points, n}, out, err)
               : rc;
}

/* ---- key holder ---- */

/* It was within the quota, or refused: what the quota was then is the store's. */
static enum pt_code quota(void *self, uint16_t peer, uint64_t point_count, struct pt_err *err)
{
    (void)self;
    (void)peer;
    (void)point_count;
    (void)err;
    return PT_OK;
}

static enum pt_code begin_peer(struct replay_tokens *t, struct pt_err *err)
{
    const struct tokenise_peer_in in = {.key = t->key,
                                        .proof_key = &t->proof_seed,
                                        .host = {.self = t, .quota = quota},
                                        .parallel = t->bed->parallel};
    char period[16];

    snprintf(period, sizeof period, "%" PRIu32, t->facts->head.key_period);
    home_proof_seed(&t->proof_seed, t->bed->home, span_z(period));
    return tokenise_peer_begin(&t->peer, t->session, &in, err);
}

/* ---- both ---- */

static enum pt_code begin(void *self, struct session *s, struct outbox *out, struct pt_err *err)
{
    struct replay_tokens *t = self;

    t->session = s;
    return s->opener ? begin_owner(t, out, err) : begin_peer(t, err);
}

static enum pt_code after(void *self, struct outbox *out, struct pt_err *err)
{
    struct replay_tokens *t = self;
    struct tokenise_ready ready;

    (void)out;
    (void)err;
    if (t->session->opener && tokenise_owner_take(&t->owner, &ready))
        group_terms_free(ready.points);
    return PT_OK;
}

static enum pt_code more(void *self, struct outbox *out, bool *blocked, struct pt_err *err)
{
    struct replay_tokens *t = self;

    *blocked = false;
    return t->session->opener && t->points != NULL && tokenise_owner_can_send(&t->owner)
               ? send_points(t, out, err)
               : PT_OK;
}

struct replay_host replay_tokens_host(struct replay_tokens *t, const struct replay_tokens_in *in)
{
    *t = (struct replay_tokens){
        .bed = in->bed, .facts = in->facts, .key = in->key, .before = in->before};
    return (struct replay_host){
        .self = t, .begin = begin, .after = after, .more = more, .gone = &t->gone};
}

void replay_tokens_free(struct replay_tokens *t)
{
    tokenise_owner_free(&t->owner);
    tokenise_peer_wipe(&t->peer);
    batch_note_free(&t->note);
    batch_free(&t->batch);
    replay_file_close(&t->previous);
    free(t->points);
    explicit_bzero(t, sizeof *t);
}
