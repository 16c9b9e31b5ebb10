/* Tokens: an owner and one to four key holders, one after the other; the last returns points that
 * are the product of all keys, or somebody says why not. What is evaluated was counted before. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { POINTS = 10, CHUNK = 4, HOPS_MAX = SIM_NODES_MAX - 1 };

struct world {
    struct policy *policy;
    struct fixture_node nodes[SIM_NODES_MAX];
    size_t node_count;
    uint64_t quota;
    struct point in[HOPS_MAX + 1][POINTS]; /* right, before each hop and after the last */
    /* durable, of the key holders */
    uint64_t counted[SIM_NODES_MAX];
    /* of an attempt */
    struct sim *sim;
    struct tokenise_owner owner[HOPS_MAX];
    struct tokenise_peer peer[HOPS_MAX];
    bool began_owner[HOPS_MAX], began_peer[HOPS_MAX];
    size_t back[HOPS_MAX]; /* chunks that came back and were verified */
    uint64_t evaluated[SIM_NODES_MAX], counted_before[SIM_NODES_MAX];
    struct holder {
        struct world *world;
        int node;
    } holder[SIM_NODES_MAX];
};

static void *make_world(size_t nodes, uint64_t quota)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->policy = fixture_policy(nodes);
    w->node_count = nodes;
    w->quota = quota;
    fixture_nodes(w->nodes, w->policy);
    for (size_t i = 0; i < POINTS; i++) {
        uint8_t wide[1][64] = {{0}};
        wide[0][0] = (uint8_t)(i + 1);
        group_map(&w->in[0][i], (const uint8_t(*)[64])wide, 1);
    }
    for (size_t hop = 0; hop + 1 < nodes; hop++)
        assert_int_equal(group_mul(w->in[hop + 1], &w->nodes[hop + 1].oprf.k, w->in[hop], POINTS),
                         GROUP_ALL_GOOD);
    for (int i = 0; i < SIM_NODES_MAX; i++)
        w->holder[i] = (struct holder){w, i};
    return w;
}
static void *make(size_t nodes)
{
    return make_world(nodes, 1000);
}
static void *make_refused(size_t nodes)
{
    return make_world(nodes, 0);
}

static void destroy(void *world)
{
    struct world *w = world;

    policy_free(w->policy);
    free(w);
}

static void policy(void *world, const struct policy **p, struct fixture_node **nodes)
{
    struct world *w = world;

    *p = w->policy;
    *nodes = w->nodes;
}

static void fresh(void *world)
{
    struct world *w = world;

    memset(w->counted, 0, sizeof w->counted);
}

static enum pt_code quota(void *self, uint16_t peer, uint64_t n, struct pt_err *err)
{
    const struct holder *h = self;
    struct world *w = h->world;

    (void)peer;
    if (sim_edge(w->sim, h->node))
        return pt_fail(err, PT_EIO, "down");
    if (n > w->quota || w->counted[h->node] + n > w->quota)
        return pt_fail(err, PT_EDENIED, "match.quota: used up");
    w->counted[h->node] += n;
    return sim_edge(w->sim, h->node) ? pt_fail(err, PT_EIO, "down") : PT_OK;
}

static void begin(void *world, struct sim *s)
{
    struct world *w = world;

    w->sim = s;
    memset(w->began_owner, 0, sizeof w->began_owner);
    memset(w->began_peer, 0, sizeof w->began_peer);
    memset(w->back, 0, sizeof w->back);
    memset(w->evaluated, 0, sizeof w->evaluated);
    memcpy(w->counted_before, w->counted, sizeof w->counted);
    for (size_t hop = 0; hop + 1 < w->node_count; hop++)
        (void)sim_open(s, 0, (int)hop + 1, WHAT_TOKENISE);
}

static void begin_hop(struct world *w, struct sim *s, size_t hop)
{
    static const struct key32 proof_key = {{9}};
    struct tokenise_peer_in in = {
        &w->nodes[hop + 1].oprf, &proof_key, {&w->holder[hop + 1], quota}, {0}};
    struct tokenise_plan plan = {POINTS, CHUNK, 0};
    struct pt_err err = {0};

    if (!w->began_peer[hop] && sim_is_open(s, hop, SIM_ACCEPTER) &&
        s->session[SIM_ACCEPTER][hop].what == WHAT_TOKENISE) {
        w->began_peer[hop] = true;
        assert_int_equal(
            tokenise_peer_begin(&w->peer[hop], &s->session[SIM_ACCEPTER][hop], &in, &err), PT_OK);
    }
    if (!w->began_owner[hop] && sim_is_open(s, hop, SIM_OPENER)) {
        w->began_owner[hop] = true;
        assert_int_equal(tokenise_owner_begin(&w->owner[hop], &s->session[SIM_OPENER][hop], plan,
                                              &s->out[SIM_OPENER][hop], &err),
                         PT_OK);
    }
}

static void hosts(void *world, struct sim *s)
{
    struct world *w = world;
    struct tokenise_ready ready;
    struct pt_err err = {0};
    static const struct scalar one = {{1}};
    struct point back[CHUNK];

    for (size_t hop = 0; hop + 1 < w->node_count; hop++) {
        struct tokenise_owner *o = &w->owner[hop];
        begin_hop(w, s, hop);
        while (w->began_owner[hop] && tokenise_owner_can_send(o) &&
               (hop == 0 || w->back[hop - 1] > o->next_send)) {
            uint32_t at = o->next_send;
            struct span_points points = {w->in[hop] + (size_t)at * CHUNK,
                                         tokenise_chunk_size(&o->plan, at)};
            assert_int_equal(tokenise_owner_send(o, points, &s->out[SIM_OPENER][hop], &err), PT_OK);
        }
        while (w->began_owner[hop] && tokenise_owner_take(o, &ready)) {
            group_mul_terms(back, &one, ready.points, ready.n);
            group_terms_free(ready.points);
            bool right = memcmp(back, w->in[hop + 1] + (size_t)ready.number * CHUNK,
                                ready.n * sizeof *back) == 0;
            sim_right(s, 0, right, "a point under another key");
            w->back[hop]++;
        }
    }
}

static bool end(void *world, struct sim *s)
{
    struct world *w = world;
    bool good = true;

    for (size_t hop = 0; hop + 1 < w->node_count; hop++) {
        good = good && w->back[hop] == (POINTS + CHUNK - 1) / CHUNK &&
               s->session[SIM_OPENER][hop].state == SESSION_DONE &&
               s->session[SIM_ACCEPTER][hop].state == SESSION_DONE;
        if (w->began_owner[hop])
            tokenise_owner_free(&w->owner[hop]);
        if (w->began_peer[hop])
            tokenise_peer_wipe(&w->peer[hop]);
    }
    return good;
}

/* Refused, with that word, by all. */
static bool end_refused(void *world, struct sim *s)
{
    const struct world *w = world;
    bool good = !end(world, s);

    for (size_t hop = 0; hop + 1 < w->node_count; hop++)
        good = good && s->session[SIM_ACCEPTER][hop].refusal == REFUSAL_QUOTA &&
               (hop > 0 || (s->session[SIM_OPENER][hop].refused_by_peer &&
                            s->session[SIM_OPENER][hop].refusal == REFUSAL_QUOTA));
    return good;
}

static void leaving(void *world, int node, const struct frame *f)
{
    struct world *w = world;

    if (f->kind != FRAME_EVALUATED)
        return;
    w->evaluated[node] += f->u.chunk.points.n;
    assert_true(w->evaluated[node] <= w->counted[node] - w->counted_before[node]);
}

const struct sim_scenario SIM_TOKENS = {.name = "tokens",
                                        .nodes_min = 2,
                                        .nodes_max = 5,
                                        .make = make,
                                        .destroy = destroy,
                                        .policy = policy,
                                        .fresh = fresh,
                                        .begin = begin,
                                        .hosts = hosts,
                                        .end = end,
                                        .leaving = leaving};
const struct sim_scenario SIM_TOKENS_REFUSED = {.name = "tokens over the quota",
                                                .nodes_min = 2,
                                                .nodes_max = 2,
                                                .make = make_refused,
                                                .destroy = destroy,
                                                .policy = policy,
                                                .fresh = fresh,
                                                .begin = begin,
                                                .hosts = hosts,
                                                .end = end_refused,
                                                .leaving = leaving};
