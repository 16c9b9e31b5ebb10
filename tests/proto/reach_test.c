/* Goal: what three nodes open is the plain histogram and their dummies, however items come; what
 * does not belong is refused; neither node's share tells anything.
 * Method: parties and nodes in one process, items delivered in a random order from a printed seed,
 * against the masks counted in plain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reach.h"
#include "tests/keepsum.h"
#include "tests/policy_fixture.h"

enum { SLOTS = 1 << 20, ITEMS_MAX = 64, FLIPPED = 3000 };

struct world {
    struct policy *policy;
    struct epoch_header header;
    struct question question;
    struct reach_plan plan;
};

/* Partners 0..parties-1 have customers; `neutral` more have none. The asker is the first. */
static void make_world(struct world *w, size_t parties, size_t neutral)
{
    struct fixture_partner partners[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX];
    struct buf text;
    struct pt_err err = {0};

    memset(w, 0, sizeof *w);
    for (size_t i = 0; i < parties + neutral; i++) {
        fixture_partner_init(&partners[i], i, NULL);
        partners[i].neutral = i >= parties;
    }
    fixture_policy_text(&text, partners, parties + neutral);
    w->policy = fixture_parse(buf_span(&text));
    buf_free(&text);
    w->header.slot_count = SLOTS;
    memset(w->header.salt.b, 7, 32);
    w->question.kind = QUESTION_REACH;
    w->question.rho_nano = 1000000;
    for (size_t i = 0; i < w->policy->partner_count; i++) {
        if (w->policy->partners[i].neutral)
            continue;
        struct epoch_participant *p = &w->header.participants[w->header.participant_count++];
        snprintf(p->name, sizeof p->name, "%s", w->policy->partners[i].name);
        w->question.also |= 1U << i;
    }
    w->question.asker = (uint16_t)__builtin_ctz(w->question.also);
    w->question.also &= w->question.also - 1;
    w->question.with = (uint16_t)__builtin_ctz(w->question.also);
    w->question.also &= w->question.also - 1;
    if (reach_plan_make(&w->plan, w->policy, &w->header, &w->question, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

/* ---- three nodes in one process ---- */

struct bench {
    struct world world;
    struct reach_node nodes[REACH_NODES];
    struct reach_item queue[ITEMS_MAX];
    size_t queued;
    int64_t plain[REGIONS_MAX];
    uint64_t marked[POLICY_PARTNERS_MAX]; /* slots that a party's vector marks */
    uint64_t random;
    enum reach_stage flipped; /* where FLIPPED bytes change on the way, when `flip` is not 0 */
    uint8_t flip;
    struct reach_item *seen; /* copies of what nodes got, when not NULL */
    size_t seen_count;
};

static struct key32 key_of(uint64_t *random)
{
    struct key32 k;
    for (size_t i = 0; i < sizeof k.b; i++)
        k.b[i] = (uint8_t)(keepsum_uniform(random) * 256);
    return k;
}

static void push(struct bench *b, struct reach_item item)
{
    assert_true(b->queued < ITEMS_MAX);
    b->queue[b->queued++] = item;
}

static void add_parties(struct bench *b)
{
    uint8_t *masks = calloc(SLOTS, 1);

    assert_non_null(masks);
    for (uint16_t p = 0; p < b->world.policy->partner_count; p++) {
        struct reach_item out[2];
        struct buf vector = {0};
        struct key32 seed = key_of(&b->random);
        if (!reach_is_party(&b->world.plan, p))
            continue;
        assert_true(buf_reserve(&vector, SLOTS));
        vector.n = SLOTS;
        for (size_t s = 0; s < SLOTS; s++) {
            vector.p[s] = keepsum_uniform(&b->random) < 0.01 * (p + 1);
            b->marked[p] += vector.p[s];
            masks[s] |= (uint8_t)(vector.p[s] << reach_bit(&b->world.plan, p));
        }
        assert_int_equal(reach_party(out, &b->world.plan, p, &vector, &seed), PT_OK);
        assert_null(vector.p);
        push(b, out[0]);
        push(b, out[1]);
    }
    for (size_t s = 0; s < SLOTS; s++)
        b->plain[masks[s]]++;
    free(masks);
}

static void begin(struct bench *b, size_t parties, size_t neutral, uint64_t seed)
{
    struct pt_err err = {0};

    memset(b, 0, sizeof *b);
    b->random = keepsum_mix(seed);
    make_world(&b->world, parties, neutral);
    add_parties(b);
    for (int i = 0; i < REACH_NODES; i++) {
        struct key32 random = key_of(&b->random);
        if (reach_node_begin(&b->nodes[i], &b->world.plan, b->world.plan.node[i], &random, &err) !=
            PT_OK)
            fail_msg("%s", err.msg);
        for (size_t k = 0; k < b->nodes[i].dummies.n; k++)
            b->plain[b->nodes[i].dummies.p[k]]++; /* before they are masked */
    }
}

static void turn_all(struct bench *b)
{
    struct pt_err err = {0};

    for (int i = 0; i < REACH_NODES; i++) {
        bool have = true;
        while (have) {
            struct reach_item out;
            if (reach_node_next(&b->nodes[i], &out, &have, &err) != PT_OK)
                fail_msg("node %d: %s", i + 1, err.msg);
            if (have)
                push(b, out);
        }
    }
}

static void run(struct bench *b)
{
    struct pt_err err = {0};

    for (turn_all(b); b->queued > 0; turn_all(b)) {
        size_t k = (size_t)(keepsum_uniform(&b->random) * (double)b->queued);
        struct reach_item item = b->queue[k];
        b->queue[k] = b->queue[--b->queued];
        int role = reach_role(&b->world.plan, item.to);
        assert_true(role >= 0);
        assert_true(reach_node_expects(&b->nodes[role], item.stage, item.from));
        if (b->seen != NULL && b->seen_count < ITEMS_MAX) {
            struct reach_item *copy = &b->seen[b->seen_count++];
            *copy = (struct reach_item){.stage = item.stage, .from = item.from, .to = item.to};
            assert_true(buf_add(&copy->bytes, item.bytes.p, item.bytes.n));
        }
        for (size_t i = 0; b->flip != 0 && item.stage == b->flipped && i < FLIPPED; i++)
            item.bytes.p[i] ^= b->flip;
        if (reach_node_take(&b->nodes[role], &item, &err) != PT_OK)
            fail_msg("node %d, stage %d: %s", role + 1, (int)item.stage, err.msg);
        assert_null(item.bytes.p);
    }
}

static void end(struct bench *b)
{
    for (int i = 0; i < REACH_NODES; i++)
        reach_node_free(&b->nodes[i]);
    for (size_t i = 0; i < b->queued; i++)
        reach_item_free(&b->queue[i]);
    policy_free(b->world.policy);
}

static void the_plain_histogram_is_opened(void **state)
{
    static const struct {
        size_t parties, neutral;
    } cases[] = {{3, 0}, {2, 1}, {3, 2}, {5, 1}, {8, 0}};
    static struct bench b;

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        begin(&b, cases[i].parties, cases[i].neutral, 100 + i);
        run(&b);
        for (int k = 0; k < REACH_NODES; k++)
            assert_true(b.nodes[k].done);
        assert_true(b.nodes[0].counted && b.nodes[2].counted && !b.nodes[1].counted);
        assert_memory_equal(b.nodes[0].counts, b.plain, sizeof b.plain);
        assert_memory_equal(b.nodes[2].counts, b.plain, sizeof b.plain);
        end(&b);
    }
}

static bool fits(const struct bench *b, uint16_t party)
{
    struct regions_in in;

    reach_regions(&in, &b->world.plan, b->nodes[2].counts);
    return regions_fit(&in, reach_bit(&b->world.plan, party), b->marked[party]);
}

/* Goal: who asks sees from its own slots when a node opened something else: shares changed on one of
 * their ways, dummies all of one kind. What is honest fits for each party. */
static void what_is_opened_holds_ones_own(void **state)
{
    static const enum reach_stage STAGES[] = {REACH_FIRST, REACH_SECOND, REACH_THIRD};
    static struct bench b;

    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        begin(&b, 3, 0, 500 + seed);
        run(&b);
        for (uint16_t p = 0; p < b.world.policy->partner_count; p++)
            assert_true(fits(&b, p));
        b.marked[0] += 2000; /* 26 standard errors of four cells' dummies */
        assert_false(fits(&b, 0));
        end(&b);
    }
    for (size_t i = 0; i < PT_LEN(STAGES); i++) {
        begin(&b, 3, 0, 600 + i);
        b.flipped = STAGES[i];
        b.flip = (uint8_t)(1U << reach_bit(&b.world.plan, 1));
        run(&b);
        assert_false(fits(&b, 1));
        assert_true(fits(&b, 0)); /* another bit: only its own tells */
        end(&b);
    }
    begin(&b, 3, 0, 700);
    memset(b.nodes[1].dummies.p, 0, b.nodes[1].dummies.n);
    run(&b);
    for (uint16_t p = 0; p < b.world.policy->partner_count; p++)
        assert_false(fits(&b, p));
    end(&b);
}

/* ---- the plan ---- */

static void nodes_follow_from_the_salt(void **state)
{
    struct world w;
    unsigned seen = 0;
    struct pt_err err = {0};

    (void)state;
    make_world(&w, 5, 0);
    for (uint8_t salt = 0; salt < 60; salt++) {
        struct reach_plan again;
        w.header.salt.b[3] = salt;
        assert_int_equal(reach_plan_make(&w.plan, w.policy, &w.header, &w.question, &err), PT_OK);
        assert_int_equal(reach_plan_make(&again, w.policy, &w.header, &w.question, &err), PT_OK);
        assert_memory_equal(again.node, w.plan.node, sizeof again.node);
        assert_true(w.plan.node[0] != w.plan.node[1] && w.plan.node[1] != w.plan.node[2] &&
                    w.plan.node[0] != w.plan.node[2]);
        for (int i = 0; i < REACH_NODES; i++)
            seen |= 1U << w.plan.node[i];
    }
    assert_int_equal(seen, 31); /* everybody's turn comes */
    policy_free(w.policy);
    make_world(&w, 5, 1);
    for (uint8_t salt = 0; salt < 60; salt++) {
        bool neutral = false;
        w.header.salt.b[3] = salt;
        assert_int_equal(reach_plan_make(&w.plan, w.policy, &w.header, &w.question, &err), PT_OK);
        for (int i = 0; i < REACH_NODES; i++)
            neutral = neutral || w.policy->partners[w.plan.node[i]].neutral;
        assert_true(neutral);
    }
    policy_free(w.policy);
}

static void dummies_are_what_the_price_asks_for(void **state)
{
    struct world w;

    (void)state;
    make_world(&w, 3, 0);
    /* rho 0.001: sigma^2 1000, a node's 500, mean max(500, 179); PROTOCOL.md 6 */
    assert_true((double)w.plan.dummy_variance.num / (double)w.plan.dummy_variance.den == 500);
    assert_int_equal(w.plan.dummy_mean, 500);
    assert_true(reach_dummy_variance(&w.plan) == 1500);
    assert_int_equal(w.plan.charge_nano, 1000000);
    policy_free(w.policy);
}

static void who_is_absent_is_named(void **state)
{
    struct world w;
    struct pt_err err = {0};

    (void)state;
    make_world(&w, 3, 0);
    w.header.participant_count = 2;
    assert_int_equal(reach_plan_make(&w.plan, w.policy, &w.header, &w.question, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "homeware has no part in this epoch"));
    w.question.also = 0; /* two parties and no third node */
    assert_int_equal(reach_plan_make(&w.plan, w.policy, &w.header, &w.question, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "takes three nodes"));
    policy_free(w.policy);
}

/* ---- what does not belong ---- */

static void expect_refused(struct reach_node *n, enum reach_stage stage, uint16_t from,
                           size_t bytes)
{
    struct reach_item item = {.stage = stage, .from = from};
    struct pt_err err = {0};

    assert_true(buf_reserve(&item.bytes, bytes + 1));
    item.bytes.n = bytes;
    memset(item.bytes.p, 1, bytes);
    assert_int_equal(reach_node_take(n, &item, &err), PT_EBADMSG);
    reach_item_free(&item);
}

static void what_nobody_sends_is_refused(void **state)
{
    static struct bench b;
    struct reach_item item = {.stage = REACH_KEY};
    struct pt_err err = {0};

    (void)state;
    begin(&b, 3, 1, 9);
    const uint16_t *node = b.world.plan.node;
    uint16_t party = (uint16_t)__builtin_ctz(b.world.plan.parties);
    expect_refused(&b.nodes[0], REACH_VECTOR, party, SLOTS); /* node 2's */
    expect_refused(&b.nodes[2], REACH_SEED, party, 32);      /* node 3 gets nothing of parties */
    expect_refused(&b.nodes[0], REACH_SEED, party, 31);      /* too short */
    expect_refused(&b.nodes[1], REACH_VECTOR, party, SLOTS - 1); /* likewise */
    expect_refused(&b.nodes[1], REACH_VECTOR, party, SLOTS + 1); /* too long */
    expect_refused(&b.nodes[0], REACH_SEED, 15, 32);             /* no such partner */
    expect_refused(&b.nodes[1], REACH_KEY, node[2], 32);         /* 3's key is for 1 */
    expect_refused(&b.nodes[0], REACH_KEY, node[1], 32);         /* 2's is for 3 */
    expect_refused(&b.nodes[0], REACH_STAGE_COUNT, node[1], 32); /* no stage */
    expect_refused(&b.nodes[1], REACH_DUMMIES, node[0], 0);
    expect_refused(&b.nodes[1], REACH_DUMMIES, node[0],
                   (size_t)reach_item_max(&b.world.plan, REACH_DUMMIES) + 1);
    item.from = node[0];
    assert_true(buf_reserve(&item.bytes, 32));
    item.bytes.n = 32;
    assert_int_equal(reach_node_take(&b.nodes[1], &item, &err), PT_OK);
    expect_refused(&b.nodes[1], REACH_KEY, node[0], 32); /* twice */
    end(&b);
}

/* Node 2 sends a share that is shorter than what it should be: nothing is opened. */
static void shares_of_two_lengths_open_nothing(void **state)
{
    static struct bench b;
    struct pt_err err = {0};
    struct reach_item out;
    bool have = true;

    (void)state;
    begin(&b, 3, 0, 10);
    turn_all(&b);
    for (size_t i = 0; i < b.queued; i++) {
        struct reach_item *item = &b.queue[i];
        if (item->to == b.world.plan.node[0])
            assert_int_equal(reach_node_take(&b.nodes[0], item, &err), PT_OK);
    }
    struct reach_item second = {.stage = REACH_SECOND, .from = b.world.plan.node[1]};
    assert_true(buf_reserve(&second.bytes, SLOTS));
    memset(second.bytes.p, 0, SLOTS);
    second.bytes.n = SLOTS;
    assert_int_equal(reach_node_take(&b.nodes[0], &second, &err), PT_OK);
    assert_int_equal(reach_node_next(&b.nodes[0], &out, &have, &err), PT_OK);
    assert_true(have && out.stage == REACH_FIRST);
    reach_item_free(&out);
    assert_int_equal(reach_node_next(&b.nodes[0], &out, &have, &err), PT_EBADMSG);
    assert_false(have);
    assert_false(b.nodes[0].done);
    end(&b);
}

/* ---- what each node sees ---- */

/* 255 degrees of freedom at most: beyond df + 6 sqrt(2 df) never in our lives. */
static void looks_uniform(const struct reach_item *item, size_t cells)
{
    double chi = 0;
    size_t seen[256] = {0};
    double expected = (double)item->bytes.n / (double)cells;

    for (size_t i = 0; i < item->bytes.n; i++)
        seen[item->bytes.p[i]]++;
    for (size_t c = 0; c < cells; c++)
        chi += ((double)seen[c] - expected) * ((double)seen[c] - expected) / expected;
    double df = (double)cells - 1;
    if (chi > df + 6 * sqrt(2 * df))
        fail_msg("stage %d: chi-square %.0f", (int)item->stage, chi);
}

/* Every vector in plain is nearly all zeros; every share that travels is uniform over the bits in
 * use, with no other bit set, and another run has other bytes throughout. */
static void shares_that_travel_are_uniform(void **state)
{
    static struct bench b;
    static struct reach_item seen[2][ITEMS_MAX];
    size_t count[2];

    (void)state;
    for (uint64_t k = 0; k < 2; k++) {
        begin(&b, 3, 0, 20 + k);
        b.seen = seen[k];
        run(&b);
        count[k] = b.seen_count;
        end(&b);
    }
    assert_int_equal(count[0], count[1]);
    assert_int_equal(count[0], 3 * 2 + 3 * 3 + 4);
    for (size_t i = 0; i < count[0]; i++) {
        const struct reach_item *item = &seen[0][i];
        if (item->bytes.n > 100)
            looks_uniform(item, 8);
        for (size_t j = 0; j < count[1]; j++) {
            const struct reach_item *other = &seen[1][j];
            size_t n = item->bytes.n < other->bytes.n ? item->bytes.n : other->bytes.n;
            if (item->stage == other->stage && item->from == other->from)
                assert_memory_not_equal(item->bytes.p, other->bytes.p, n < 32 ? n : 32);
        }
    }
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < count[k]; i++)
            reach_item_free(&seen[k][i]);
}

/* A deviating node 1 tags one slot of its share in a bit that no party uses: nothing of it opens. */
static void a_tag_in_an_unused_bit_is_lost(void **state)
{
    static struct bench b;
    int64_t total = 0;
    struct pt_err err = {0};

    (void)state;
    begin(&b, 3, 0, 30);
    for (turn_all(&b); b.queued > 0; turn_all(&b)) {
        struct reach_item item = b.queue[--b.queued];
        if (item.stage == REACH_FIRST)
            item.bytes.p[1234] ^= 0x80;
        assert_int_equal(reach_node_take(&b.nodes[reach_role(&b.world.plan, item.to)], &item, &err),
                         PT_OK);
    }
    for (size_t m = 0; m < REGIONS_MAX; m++)
        total += m < 8 ? b.nodes[2].counts[m] - b.plain[m] : b.nodes[2].counts[m];
    assert_int_equal(total, 0);
    assert_memory_equal(b.nodes[2].counts, b.plain, sizeof b.plain);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_histogram_is_opened),
        cmocka_unit_test(what_is_opened_holds_ones_own),
        cmocka_unit_test(nodes_follow_from_the_salt),
        cmocka_unit_test(dummies_are_what_the_price_asks_for),
        cmocka_unit_test(who_is_absent_is_named),
        cmocka_unit_test(what_nobody_sends_is_refused),
        cmocka_unit_test(shares_of_two_lengths_open_nothing),
        cmocka_unit_test(shares_that_travel_are_uniform),
        cmocka_unit_test(a_tag_in_an_unused_bit_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
