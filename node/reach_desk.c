#include "node/reach_desk.h"

#include "node/peer.h"
#include "proto/reach_talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    INBOX_MAX = 64
}; /* the most that one node can await: 2 x 8 parties, 2 x 3 dummies, shares */

struct reach_run {
    struct reach_desk *desk;
    struct reach_run_in in;
    struct reach_node node;
    bool expected[REACH_STAGE_COUNT][REACH_PARTNERS_MAX]; /* behind the desk's lock, as all below */
    struct reach_item inbox[INBOX_MAX];
    size_t inbox_count;
    struct pt_err failed; /* code PT_OK: not */
};

struct reach_desk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct reach_run *runs[REACH_RUNS_MAX];
};

enum pt_code reach_desk_new(struct reach_desk **out, struct pt_err *err)
{
    struct reach_desk *d = calloc(1, sizeof *d);
    pthread_condattr_t monotonic;

    *out = d;
    if (d == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for questions of reach");
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return PT_OK;
}

void reach_desk_free(struct reach_desk *d)
{
    if (d == NULL)
        return;
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->changed);
    free(d);
}

static bool same_run(const struct digest *a, const struct digest *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static struct reach_run *find(const struct reach_desk *d, const struct digest *run)
{
    for (size_t i = 0; i < REACH_RUNS_MAX; i++)
        if (d->runs[i] != NULL && same_run(&d->runs[i]->in.run, run))
            return d->runs[i];
    return NULL;
}

/* With the lock held: a place for r, or why there is none. */
static enum pt_code take_place(struct reach_desk *d, struct reach_run *r, struct pt_err *err)
{
    size_t at = REACH_RUNS_MAX;

    if (find(d, &r->in.run) != NULL)
        return pt_fail(err, PT_EDENIED, "this run of reach is under way already");
    for (size_t i = 0; i < REACH_RUNS_MAX; i++) {
        if (d->runs[i] == NULL)
            at = i;
        else if (d->runs[i]->in.asker == r->in.asker)
            return pt_fail(err, PT_EPEER,
                           "another question of reach of the same partner is under "
                           "way: try again when it is answered");
    }
    if (at == REACH_RUNS_MAX)
        return pt_fail(err, PT_EPEER, "%d questions of reach are under way: try again later",
                       REACH_RUNS_MAX);
    d->runs[at] = r;
    return PT_OK;
}

void reach_run_random(struct key32 *out, const struct home *h, const struct snapshot *epoch,
                      const struct reach_run_origin *o)
{
    const struct span parts[] = {span_of(o->run->b, 32), span_of(o->epoch->b, 32),
                                 span_of(o->session->b, 32), o->text};
    PT_WIPED(key32) neutral = {0};

    if (epoch == NULL)
        home_neutral_seed(&neutral, h, o->epoch);
    prf_derive(out, epoch != NULL ? snapshot_seed(epoch) : &neutral, "patto/reach/run/1", parts,
               PT_LEN(parts));
}

enum pt_code reach_run_open(struct reach_run **out, struct reach_desk *d,
                            const struct reach_run_in *in, struct pt_err *err)
{
    struct reach_run *r = calloc(1, sizeof *r);
    enum pt_code rc = PT_OK;

    *out = NULL;
    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for a question of reach");
    r->desk = d;
    r->in = *in;
    if (reach_role(&r->in.plan, in->self) >= 0)
        rc = reach_node_begin(&r->node, &r->in.plan, in->self, &in->random, err);
    for (unsigned s = 0; s < REACH_STAGE_COUNT; s++)
        for (size_t from = 0; from < REACH_PARTNERS_MAX; from++)
            r->expected[s][from] = from != in->self && reach_route(&r->in.plan, (enum reach_stage)s,
                                                                   (uint16_t)from, in->self);
    if (rc == PT_OK) {
        pthread_mutex_lock(&d->lock);
        rc = take_place(d, r, err);
        pthread_mutex_unlock(&d->lock);
    }
    if (rc == PT_OK) {
        *out = r;
        return PT_OK;
    }
    reach_node_free(&r->node);
    explicit_bzero(r, sizeof *r);
    free(r);
    return rc;
}

void reach_run_close(struct reach_run *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->desk->lock);
    for (size_t i = 0; i < REACH_RUNS_MAX; i++)
        if (r->desk->runs[i] == r)
            r->desk->runs[i] = NULL;
    pthread_mutex_unlock(&r->desk->lock);
    for (size_t i = 0; i < r->inbox_count; i++)
        reach_item_free(&r->inbox[i]);
    reach_node_free(&r->node);
    explicit_bzero(r, sizeof *r);
    free(r);
}

const struct reach_plan *reach_run_plan(const struct reach_run *r)
{
    return &r->in.plan;
}

void reach_run_fail(struct reach_run *r, const struct pt_err *why)
{
    pthread_mutex_lock(&r->desk->lock);
    if (r->failed.code == PT_OK)
        r->failed = *why;
    pthread_cond_broadcast(&r->desk->changed);
    pthread_mutex_unlock(&r->desk->lock);
}

/* ---- deliveries ---- */

enum pt_code reach_desk_expect(struct reach_desk *d, const struct digest *run,
                               const struct reach_item *item, uint64_t bytes, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    pthread_mutex_lock(&d->lock);
    struct reach_run *r = find(d, run);
    if (r == NULL || (unsigned)item->stage >= REACH_STAGE_COUNT ||
        item->from >= REACH_PARTNERS_MAX || !r->expected[item->stage][item->from] ||
        bytes > reach_item_max(&r->in.plan, item->stage))
        rc = pt_fail(err, PT_EBADMSG, "a share for reach that nobody awaits here");
    else
        r->expected[item->stage][item->from] = false;
    pthread_mutex_unlock(&d->lock);
    return rc;
}

void reach_desk_put(struct reach_desk *d, const struct digest *run, struct reach_item *item)
{
    pthread_mutex_lock(&d->lock);
    struct reach_run *r = find(d, run);
    if (r != NULL && r->inbox_count < INBOX_MAX) {
        r->inbox[r->inbox_count++] = *item;
        *item = (struct reach_item){0};
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
    reach_item_free(item);
}

/* Who has not delivered, for the sentence. With the lock held. */
static const char *missing(const struct reach_run *r, const struct policy *p)
{
    for (unsigned s = 0; s < REACH_STAGE_COUNT; s++)
        for (size_t i = 0; i < p->partner_count; i++)
            if (r->expected[s][i])
                return p->partners[i].name;
    return "a partner";
}

static enum pt_code wait_item(struct reach_item *out, struct reach_run *r, const struct daemon *d,
                              struct pt_err *err)
{
    struct timespec until;
    enum pt_code rc = PT_OK;
    int late = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += REACH_WAIT_S;
    pthread_mutex_lock(&r->desk->lock);
    while (r->inbox_count == 0 && r->failed.code == PT_OK && late == 0)
        late = pthread_cond_timedwait(&r->desk->changed, &r->desk->lock, &until);
    if (r->failed.code != PT_OK) {
        *err = r->failed;
        rc = err->code;
    } else if (r->inbox_count == 0) {
        rc = pt_fail(err, PT_EPEER, "reach: waited %d s for the share of %s", REACH_WAIT_S,
                     missing(r, d->home->policy));
    } else {
        *out = r->inbox[--r->inbox_count];
        r->inbox[r->inbox_count] = (struct reach_item){0};
    }
    pthread_mutex_unlock(&r->desk->lock);
    return rc;
}

/* ---- the work ---- */

static enum pt_code send_over(struct reach_run *r, struct daemon *d, const struct reach_item *item,
                              struct pt_err *err)
{
    struct session_self self;
    PT_WIPED(oprf_key) key = {0};
    struct reach_sender sender = {0};
    struct peer peer = {0};
    enum pt_code rc;

    if ((rc = daemon_self(&self, &key, d, NULL, err)) != PT_OK ||
        (rc = peer_open(&peer, d, &self, item->to, WHAT_REACH, err)) != PT_OK ||
        (rc = reach_sender_begin(&sender, &peer.session, &r->in.run, item, &peer.out, err)) !=
            PT_OK)
        goto out;
    while (rc == PT_OK && reach_sender_sending(&sender)) {
        if ((rc = reach_sender_send(&sender, &peer.out, err)) == PT_OK)
            rc = peer_flush(&peer, err);
    }
    if (rc == PT_OK)
        rc = peer_finish(&peer, err);
out:
    peer_close(&peer);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "reach, a share for its node");
}

/* *item is taken. */
static enum pt_code deliver(struct reach_run *r, struct daemon *d, struct reach_item *item,
                            struct pt_err *err)
{
    enum pt_code rc =
        item->to == r->in.self ? reach_node_take(&r->node, item, err) : send_over(r, d, item, err);

    reach_item_free(item);
    return rc;
}

static enum pt_code party(struct reach_run *r, struct daemon *d, struct buf *vector,
                          struct pt_err *err)
{
    struct reach_item items[2] = {{0}, {0}};
    PT_WIPED(key32) seed = {0};
    enum pt_code rc;

    prf_derive(&seed, &r->in.random, "patto/reach/party/1", NULL, 0);
    if ((rc = reach_party(items, &r->in.plan, r->in.self, vector, &seed)) != PT_OK)
        return pt_fail(err, rc, "reach: own slots could not be shared");
    for (size_t i = 0; i < PT_LEN(items) && rc == PT_OK; i++)
        rc = deliver(r, d, &items[i], err);
    for (size_t i = 0; i < PT_LEN(items); i++)
        reach_item_free(&items[i]);
    return rc;
}

/* Everything that can be done with what is here. */
static enum pt_code advance(struct reach_run *r, struct daemon *d, struct pt_err *err)
{
    bool have = true;
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && have) {
        struct reach_item out = {0};
        /* Large computations one at a time: memory and both cores are shared with tables. */
        pthread_mutex_lock(&d->compute);
        rc = reach_node_next(&r->node, &out, &have, err);
        pthread_mutex_unlock(&d->compute);
        if (rc == PT_OK && have)
            rc = deliver(r, d, &out, err);
    }
    return rc;
}

static enum pt_code serve_as_node(struct reach_run *r, struct daemon *d, struct pt_err *err)
{
    enum pt_code rc = advance(r, d, err);

    while (rc == PT_OK && !r->node.done) {
        struct reach_item item = {0};
        if ((rc = wait_item(&item, r, d, err)) == PT_OK &&
            (rc = reach_node_take(&r->node, &item, err)) == PT_OK)
            rc = advance(r, d, err);
        reach_item_free(&item);
    }
    return rc;
}

enum pt_code reach_run_work(struct reach_result *out, struct reach_run *r, struct daemon *d,
                            struct buf *vector, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    *out = (struct reach_result){0};
    if (reach_is_party(&r->in.plan, r->in.self))
        rc = party(r, d, vector, err);
    if (rc == PT_OK && reach_role(&r->in.plan, r->in.self) >= 0)
        rc = serve_as_node(r, d, err);
    if (rc == PT_OK && r->node.counted) {
        out->counted = true;
        memcpy(out->counts, r->node.counts, sizeof out->counts);
    }
    return rc;
}
