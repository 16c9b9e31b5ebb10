/* release_games.h - games over what a partner sees beside answers to counts and tables: sizes of token
 * batches, refusals, a reach that three nodes open. For tests/attack/: include it once. */
#ifndef PT_TESTS_RELEASE_GAMES_H
#define PT_TESTS_RELEASE_GAMES_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/batch.h"
#include "proto/reach.h"
#include "tests/adversary.h"

/* ---- sizes of batches ---- */

enum { BATCH_ROWS = 5000, BATCH_MEAN = 1100, BATCH_SCALE = 50 };

struct sizing {
    struct policy *policy;
    struct home_keys keys;
};

/* Laplace noise: the ratio is that of exp(-|x| / 50). */
static inline double sees_a_batch(void *self, bool there, const struct key32 *seed)
{
    struct sizing *s = self;
    const struct home h = {.policy = s->policy, .keys = &s->keys};
    struct batch b = {.todo_count = BATCH_ROWS + (there ? 1 : 0)};
    struct pt_err err = {0};

    s->keys.epoch = *seed;
    assert_int_equal(batch_plan(&b, &h, "2026-1", &err), PT_OK);
    const double x = (double)b.plan.point_count - BATCH_ROWS - BATCH_MEAN;
    batch_free(&b);
    return fabs(x) - fabs(x - 1);
}

/* ---- refusals ---- */

/* Only whether it was refused: the noisy size, which the answer would have held and which was paid. */
static inline double is_refused_or_not(void *self, bool there, const struct key32 *seed)
{
    struct adversary *a = self;
    struct adversary_view v;
    enum refusal why;

    adversary_lay(a, there);
    adversary_keys(a, seed);
    const bool answered = adversary_session(a, &v, &why);
    assert_true(answered || why == REFUSAL_AUDIENCE_TOO_SMALL);
    return answered ? 1 : -1;
}

/* ---- a phone book ---- */

/* The recipient's customers are names out of a phone book, each in a category of its own: a table tells
 * of each by itself. Whether the others are customers is as uncertain. */
struct phone_book {
    struct adversary a;
    size_t slots[FIXTURE_COLUMNS_MAX]; /* column j is this person alone */
};

static inline void phone_book_init(struct phone_book *b, uint64_t rho_nano)
{
    struct fixture_epoch *e = &b->a.epoch;

    adversary_init(&b->a, "crosstab", rho_nano);
    memset(e->f, 0, sizeof e->f);
    for (size_t j = 1; j < e->column_count; j++) {
        b->slots[j] = 2 * j + 1; /* people of the fixture's */
        e->f[0][b->slots[j]] = e->f[j][b->slots[j]] = 1;
    }
    for (size_t j = 0; j < e->column_count; j++)
        adversary_encrypt(&b->a, j, (uint8_t)(20 + j));
}

/* One of them, in turn; all that the table says of its column. */
static inline double looks_one_up(void *self, bool there, const struct key32 *seed)
{
    struct phone_book *b = self;
    struct fixture_epoch *e = &b->a.epoch;
    const size_t column = 1 + seed->b[0] % (e->column_count - 1);
    struct adversary_view v;
    double sum = 0;

    for (size_t j = 1; j < e->column_count; j++) {
        const bool customer = j == column ? there : seed->b[j] & 1;
        for (size_t i = 0; i < e->row_count; i++)
            e->g[i][b->slots[j]] = i < 2 && customer;
    }
    adversary_keys(&b->a, seed);
    adversary_reply(&b->a, &v);
    for (size_t i = 0; i < 2; i++) {
        const struct budget_variance n = i == 0 ? b->a.price.margin : b->a.price.cell;
        sum += (v.values[i * e->column_count + column] - 0.5) * (double)n.den / (double)n.num;
    }
    return sum;
}

/* ---- reach ---- */

enum { REACH_SLOTS = 2048, REACH_PARTIES = 2, REACH_ITEMS_MAX = 64, TARGET_SLOT = 5 };

struct opening { /* two partners with customers and a neutral node; the attacker is the asker */
    struct policy *policy;
    struct epoch_header header;
    struct reach_plan plan;
    int corrupt;  /* the node that it is */
    unsigned bit; /* of the partner attacked; its own */
    unsigned own_bit;
    int64_t known[REGIONS_MAX]; /* without the target */
};

static inline void add_participant(struct opening *o, const char *name)
{
    fixture_name(&o->header, o->header.participant_count++, name);
}

static inline uint8_t passes(const struct opening *o, uint16_t partner, size_t slot, bool there)
{
    if (slot == TARGET_SLOT)
        return reach_bit(&o->plan, partner) == o->own_bit || there;
    return (slot >> reach_bit(&o->plan, partner)) & 1; /* all masks alike often */
}

static inline void opening_init(struct opening *o, uint64_t rho_nano)
{
    struct fixture_partner partners[3];
    struct question q = {.kind = QUESTION_REACH, .rho_nano = rho_nano};
    struct buf text;
    struct pt_err err = {0};

    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < PT_LEN(partners); i++) {
        fixture_partner_init(&partners[i], i, NULL);
        partners[i].neutral = i == 2;
    }
    fixture_policy_text(&text, partners, PT_LEN(partners));
    o->policy = fixture_parse(buf_span(&text));
    buf_free(&text);
    o->header.slot_count = REACH_SLOTS;
    add_participant(o, "drinkco");
    add_participant(o, "freshmart");
    q.asker = (uint16_t)policy_find_partner(o->policy, "freshmart");
    q.with = (uint16_t)policy_find_partner(o->policy, "drinkco");
    if (reach_plan_make(&o->plan, o->policy, &o->header, &q, &err) != PT_OK)
        fail_msg("%s", err.msg);
    o->bit = reach_bit(&o->plan, q.with);
    o->own_bit = reach_bit(&o->plan, q.asker);
    for (size_t s = 0; s < REACH_SLOTS; s++) {
        uint8_t mask = 0;
        for (uint16_t p = 0; p < o->policy->partner_count; p++)
            if (reach_is_party(&o->plan, p))
                mask |= (uint8_t)(passes(o, p, s, false) << reach_bit(&o->plan, p));
        o->known[mask]++;
    }
    o->corrupt = reach_role(&o->plan, q.asker);
    assert_true(o->corrupt >= 0);
}

struct run {
    struct reach_node nodes[REACH_NODES];
    struct reach_item queue[REACH_ITEMS_MAX];
    size_t queued;
};

static inline void derive(struct key32 *out, const struct key32 *seed, uint8_t what)
{
    const struct span part = span_of(&what, 1);

    prf_derive(out, seed, "patto/test/reach/1", &part, 1);
}

static inline void bring(struct run *r, const struct opening *o, bool there,
                         const struct key32 *seed)
{
    struct key32 own;

    for (uint16_t p = 0; p < o->policy->partner_count; p++) {
        struct buf vector = {0};
        if (!reach_is_party(&o->plan, p))
            continue;
        assert_true(buf_reserve(&vector, REACH_SLOTS));
        vector.n = REACH_SLOTS;
        for (size_t s = 0; s < REACH_SLOTS; s++)
            vector.p[s] = passes(o, p, s, there);
        derive(&own, seed, (uint8_t)p);
        assert_int_equal(reach_party(&r->queue[r->queued], &o->plan, p, &vector, &own), PT_OK);
        r->queued += 2;
    }
}

static inline void turn_all(struct run *r)
{
    struct pt_err err = {0};

    for (int i = 0; i < REACH_NODES; i++)
        for (bool have = true; have;) {
            assert_true(r->queued < REACH_ITEMS_MAX);
            if (reach_node_next(&r->nodes[i], &r->queue[r->queued], &have, &err) != PT_OK)
                fail_msg("%s", err.msg);
            r->queued += have;
        }
}

/* What the three open, less the dummies of the node that the attacker is. */
static inline void open_reach(int64_t counts[REGIONS_MAX], const struct opening *o, bool there,
                              const struct key32 *seed)
{
    static struct run r;
    struct pt_err err = {0};
    struct key32 own;

    memset(&r, 0, sizeof r);
    bring(&r, o, there, seed);
    for (int i = 0; i < REACH_NODES; i++) {
        derive(&own, seed, (uint8_t)(100 + i));
        if (reach_node_begin(&r.nodes[i], &o->plan, o->plan.node[i], &own, &err) != PT_OK)
            fail_msg("%s", err.msg);
    }
    memset(counts, 0, REGIONS_MAX * sizeof *counts);
    for (size_t k = 0; k < r.nodes[o->corrupt].dummies.n; k++)
        counts[r.nodes[o->corrupt].dummies.p[k]]--;
    for (turn_all(&r); r.queued > 0; turn_all(&r)) {
        struct reach_item item = r.queue[--r.queued];
        if (reach_node_take(&r.nodes[reach_role(&o->plan, item.to)], &item, &err) != PT_OK)
            fail_msg("%s", err.msg);
    }
    assert_true(r.nodes[2].counted);
    for (size_t m = 0; m < REGIONS_MAX; m++)
        counts[m] += r.nodes[2].counts[m];
    for (int i = 0; i < REACH_NODES; i++)
        reach_node_free(&r.nodes[i]);
}

static inline double opens_a_reach(void *self, bool there, const struct key32 *seed)
{
    const struct opening *o = self;
    const double v = reach_dummy_variance(&o->plan) * 2 / 3; /* of the two nodes that are honest */
    const size_t without = (size_t)1 << o->own_bit;
    const size_t with = without | (size_t)1 << o->bit;
    const double mean = 2.0 * o->plan.dummy_mean;
    int64_t counts[REGIONS_MAX];

    open_reach(counts, o, there, seed);
    const double up = (double)(counts[with] - o->known[with]) - mean;
    const double down = (double)(counts[without] - o->known[without]) - mean;
    return (up - 0.5) / v + (-down - 0.5) / v;
}

#endif
