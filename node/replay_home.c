#include "node/replay_home.h"

#include "node/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum pt_code replay_digests_add(struct replay_digests *l, const struct digest *d,
                                struct pt_err *err)
{
    if ((l->count & (l->count - 1)) == 0) { /* full at each power of two */
        size_t cap = l->count == 0 ? 1 : 2 * l->count;
        struct digest *more = realloc(l->items, cap * sizeof *more);
        if (more == NULL)
            return pt_fail(err, PT_ENOMEM, "replay: no memory");
        l->items = more;
    }
    l->items[l->count++] = *d;
    return PT_OK;
}

bool replay_digests_has(const struct replay_digests *l, const struct digest *d)
{
    for (size_t i = 0; i < l->count; i++)
        if (memcmp(l->items[i].b, d->b, sizeof d->b) == 0)
            return true;
    return false;
}

/* ---- the epoch ---- */

static enum pt_code read_header(struct replay_home *r, uint64_t number, struct pt_err *err)
{
    struct store_epoch epoch = {0};
    bool found;
    enum pt_code rc = store_epoch_numbered(&epoch, &found, r->store, number, err);

    if (rc == PT_OK && !found)
        rc = pt_fail(err, PT_ESTATE, "this node was in no epoch %" PRIu64, number);
    if (rc == PT_OK)
        rc = snapshot_read_back(&r->agreed, r->home->policy, &epoch, err);
    if (rc == PT_OK)
        rc = epoch_header_id(&r->id, &r->agreed.header, err);
    if (rc == PT_OK) {
        r->at = epoch_find(&r->agreed.header, r->home->policy->partners[r->home->self].name);
        if (r->at < 0)
            rc = pt_fail(err, PT_ESTATE, "epoch %" PRIu64 " does not name this node", number);
    }
    store_epoch_free(&epoch);
    return rc;
}

/* A neutral node keeps no epoch: the header came with the question, under all signatures. */
static bool header_came(struct salt_result *out, const struct replay_home *r,
                        const struct replay_facts *f, uint64_t number)
{
    struct wire_in in = {0};
    struct pt_err ignored;
    bool good = false;

    *out = (struct salt_result){0};
    if (f->came[FRAME_REACH_QUESTION].n > 0 &&
        wire_decode(&in, buf_span(&f->came[FRAME_REACH_QUESTION]), &ignored) == PT_OK) {
        const struct wire_reach_question *q = &in.frame.u.reach_question;
        good = epoch_header_parse(&out->header, q->header, &ignored) == PT_OK &&
               out->header.number == number && q->signatures.count == out->header.participant_count;
        for (size_t i = 0; good && i < q->signatures.count; i++)
            out->signatures[i] = q->signatures.items[i].signature;
        good = good && salt_result_check(out, r->home->policy, &ignored) == PT_OK;
    }
    wire_in_free(&in);
    return good;
}

static enum pt_code find_header(struct replay_home *r, uint64_t number, struct pt_err *err)
{
    struct records_list names;
    bool found = false;
    enum pt_code rc = records_list(&names, r->home, err);

    r->at = -1;
    for (size_t i = 0; i < names.count && rc == PT_OK && !found; i++) {
        struct replay_file file = {0};
        struct replay_facts f = {0};
        const struct replay_source source = replay_file_source(&file);
        struct pt_err damaged; /* named when the sessions are listed */
        if (replay_file_open(&file, r, names.names[i], &damaged) == PT_OK &&
            replay_scan(&f, &source, &damaged) == PT_OK)
            found = header_came(&r->agreed, r, &f, number);
        replay_file_close(&file);
        replay_facts_free(&f);
    }
    records_list_free(&names);
    if (rc == PT_OK && !found)
        rc = pt_fail(err, PT_ESTATE,
                     "no record of a question in epoch %" PRIu64
                     " is kept here, and a neutral node has no other part in it",
                     number);
    return rc == PT_OK ? epoch_header_id(&r->id, &r->agreed.header, err) : rc;
}

/* Replaced data are no deviation; data under the committed root that announce another size are. */
static enum pt_code load_data(struct replay_home *r, struct pt_err *err)
{
    const struct epoch_header *h = &r->agreed.header;
    const struct dataset_how how = {.parallel = &r->parallel};
    struct dataset data = {0};
    enum pt_code rc = dataset_load(&data, r->home, h->key_period, &how, err);

    if (rc == PT_OK) {
        uint64_t padded_size = data.padded_size;
        rc = snapshot_new(&r->epoch, r->home, r->store, h, &data, err);
        if (rc == PT_OK && padded_size != h->participants[r->at].padded_size)
            rc = pt_fail(err, PT_EBADMSG,
                         "the header announces another size than follows from the data");
    }
    dataset_free(&data);
    if (rc != PT_ESTATE)
        return rc;
    /* The reason says what an operator would do for a new epoch: not what an auditor wants. */
    (void)!pt_fail(
        &r->no_epoch, PT_ESTATE,
        "what this epoch was made over, or its seed, is no longer in this home as it was");
    return PT_OK;
}

enum pt_code replay_home_open(struct replay_home *r, const struct replay_home_in *in,
                              struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    *r = (struct replay_home){.home = in->home};
    home_path(path, in->home, "state.db");
    if ((rc = store_open(&r->store, path, STORE_READ, err)) != PT_OK ||
        (rc = pool_new(&r->pool, in->threads, err)) != PT_OK)
        return rc;
    r->parallel = pool_parallel(r->pool);
    if (in->home->policy->partners[in->home->self].neutral)
        return find_header(r, in->epoch, err);
    if ((rc = read_header(r, in->epoch, err)) != PT_OK)
        return rc;
    return load_data(r, err);
}

void replay_home_close(struct replay_home *r)
{
    (void)snapshot_unref(r->epoch);
    store_close(r->store);
    pool_free(r->pool);
    free(r->columns);
    free(r->questions.items);
    free(r->batches.items);
    free(r->evaluated.items);
    free(r->runs.items);
    explicit_bzero(r, sizeof *r);
}

/* ---- one session ---- */

enum pt_code replay_file_open(struct replay_file *f, const struct replay_home *r, const char *name,
                              struct pt_err *err)
{
    return records_open(&f->reader, r->home, name, err);
}

static enum pt_code next(void *self, struct record_entry *out, bool *end, struct pt_err *err)
{
    struct replay_file *f = self;

    return records_next(out, end, f->reader, err);
}

struct replay_source replay_file_source(struct replay_file *f)
{
    return (struct replay_source){.self = f, .next = next};
}

void replay_file_close(struct replay_file *f)
{
    records_close(f->reader);
    f->reader = NULL;
}

enum pt_code replay_self(struct session_self *out, struct oprf_key *key,
                         const struct replay_home *r, const struct record_head *head,
                         struct pt_err *err)
{
    PT_WIPED(key32) seed = {0};
    char label[16];

    snprintf(label, sizeof label, "%" PRIu32, head->key_period);
    home_oprf_seed(&seed, r->home, span_z(label));
    enum pt_code rc = oprf_key_derive(key, &seed, span_z(label));
    if (rc != PT_OK)
        return pt_fail(err, rc, "deriving the token key of period %s", label);
    *out = (struct session_self){.policy = r->home->policy,
                                 .partner = r->home->self,
                                 .key = &r->home->keys->node,
                                 .epoch_id = head->epoch_id,
                                 .key_period = head->key_period,
                                 .oprf_public = key->public_key,
                                 .build = head->build};
    return PT_OK;
}

/* ---- which sessions ---- */

static bool is_zero(const struct digest *d)
{
    static const struct digest ZERO;

    return memcmp(d->b, ZERO.b, sizeof ZERO.b) == 0;
}

/* The frame of that kind that either side sent; *in must be freed when it is there. */
static bool find_frame(struct wire_in *in, const struct replay_facts *f, enum frame_kind kind)
{
    const struct buf *b = f->whole[kind].n > 0 ? &f->whole[kind] : &f->came[kind];
    struct pt_err ignored;

    return b->n > 0 && wire_decode(in, buf_span(b), &ignored) == PT_OK && in->frame.kind == kind;
}

static enum pt_code classify_batch(struct replay_session *out, struct replay_home *r,
                                   const struct replay_facts *f, struct pt_err *err)
{
    struct batch_note note;
    struct batch batch = {0};
    enum pt_code rc;

    if (!out->opener || f->note.n == 0)
        return PT_OK;
    if ((rc = batch_note_parse(&note, buf_span(&f->note), err)) != PT_OK)
        return rc;
    const struct span label = span_of(note.label.b, sizeof note.label.b);
    hash_parts(&out->group, "patto/replay/batch/1", &label, 1);
    out->hop = note.hop;
    home_batch_seed(&batch.seed, r->home, label);
    if (note.hop == 0) {
        struct digest hash;
        batch_seed_hash(&hash, &batch);
        rc = replay_digests_add(&r->batches, &hash, err);
    }
    batch_free(&batch);
    batch_note_free(&note);
    return rc;
}

/* The round in which this node committed to the header's seed. */
static bool is_round(const struct replay_home *r, const struct replay_facts *f)
{
    struct wire_in in = {0};
    bool found = false;

    if (r->at < 0)
        return false;
    const struct digest *seed = &r->agreed.header.participants[r->at].seed_hash;
    if (f->whole[FRAME_COMMIT].n > 0 && find_frame(&in, f, FRAME_COMMIT))
        found = memcmp(in.frame.u.commit.seed_hash.b, seed->b, sizeof seed->b) == 0;
    wire_in_free(&in);
    in = (struct wire_in){0};
    if (!found && f->whole[FRAME_COMMITS].n > 0 && find_frame(&in, f, FRAME_COMMITS))
        for (size_t i = 0; i < in.frame.u.commits.count; i++)
            found = found || memcmp(in.frame.u.commits.items[i].seed_hash.b, seed->b, 32) == 0;
    wire_in_free(&in);
    return found;
}

static enum pt_code classify_reach(struct replay_session *out, bool *of_epoch,
                                   struct replay_home *r, const struct replay_facts *f,
                                   struct pt_err *err)
{
    struct wire_in in = {0};
    struct epoch_header h;
    struct digest id;
    enum pt_code rc = PT_OK;

    *of_epoch = true;
    if (find_frame(&in, f, FRAME_REACH_SHARE)) {
        out->group = in.frame.u.reach_share.run;
    } else if (find_frame(&in, f, FRAME_REACH_QUESTION)) {
        const struct wire_reach_question *q = &in.frame.u.reach_question;
        out->group = q->run;
        out->asks = true;
        *of_epoch = epoch_header_parse(&h, q->header, err) == PT_OK &&
                    epoch_header_id(&id, &h, err) == PT_OK &&
                    memcmp(id.b, r->id.b, sizeof id.b) == 0;
        if (*of_epoch && !replay_digests_has(&r->runs, &q->run))
            rc = replay_digests_add(&r->runs, &q->run, err);
    } else {
        *of_epoch = false;
    }
    wire_in_free(&in);
    return rc;
}

enum pt_code replay_classify(struct replay_session *out, bool *of_epoch, struct replay_home *r,
                             const char *name, struct pt_err *err)
{
    struct replay_file file = {0};
    struct replay_facts f = {0};
    enum pt_code rc;

    *out = (struct replay_session){0};
    *of_epoch = false;
    snprintf(out->name, sizeof out->name, "%s", name);
    if ((rc = replay_file_open(&file, r, name, err)) == PT_OK) {
        const struct replay_source source = replay_file_source(&file);
        rc = replay_scan(&f, &source, err);
    }
    replay_file_close(&file);
    if (rc != PT_OK)
        return rc;
    out->what = f.what;
    out->opener = f.head.opener;
    snprintf(out->peer, sizeof out->peer, "%s", f.head.peer);
    if (f.what == WHAT_ASK)
        *of_epoch = memcmp(f.head.epoch_id.b, r->id.b, 32) == 0 && !is_zero(&f.head.epoch_id);
    if (f.what == WHAT_EPOCH)
        *of_epoch = is_round(r, &f);
    if (f.what == WHAT_TOKENISE) {
        *of_epoch = f.head.key_period == r->agreed.header.key_period;
        rc = *of_epoch ? classify_batch(out, r, &f, err) : PT_OK;
    }
    if (f.what == WHAT_REACH)
        rc = classify_reach(out, of_epoch, r, &f, err);
    replay_facts_free(&f);
    return rc;
}
