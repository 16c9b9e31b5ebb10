/* The federation that sim_reach.c's runs happen in. */
#include "tests/sim/sim_reach.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decide.h"

static void make_policy(struct reach_world *w, size_t nodes)
{
    struct fixture_partner partners[SIM_NODES_MAX];
    struct buf text;

    for (size_t i = 0; i < nodes; i++) {
        fixture_partner_init(&partners[i], i, NULL);
        partners[i].neutral = nodes == 4 && i == 3;
    }
    fixture_policy_text(&text, partners, nodes);
    /* A higher price has fewer dummies, and runs are many. */
    fixture_replace(&text, (struct fixture_change){"rho: 0.2,", "rho: 4.0,"});
    fixture_replace(&text, (struct fixture_change){"daily_rho: 0.01, lifetime_rho: 1.0",
                                                   "daily_rho: 1.0, lifetime_rho: 8.0"});
    fixture_replace(&text, (struct fixture_change){"count_rho: 0.0005,",
                                                   "count_rho: 0.0005, reach_rho: 0.02,"});
    w->policy = fixture_parse(buf_span(&text));
    buf_free(&text);
    w->node_count = nodes;
    fixture_nodes(w->nodes, w->policy);
}

static void make_epoch(struct reach_world *w)
{
    struct epoch_header *h = &w->epoch.header;
    struct pt_err err = {0};

    *h = (struct epoch_header){.policy_hash = w->policy->hash,
                               .number = 3,
                               .key_period = 7,
                               .slot_count = SIM_REACH_SLOTS,
                               .salt = fixture_digest(0x77)};
    for (size_t i = 0; i < w->policy->partner_count; i++) {
        struct epoch_participant *p = &h->participants[h->participant_count];
        if (w->policy->partners[i].neutral)
            continue;
        h->participant_count++;
        snprintf(p->name, sizeof p->name, "%s", w->policy->partners[i].name);
        p->padded_size = 250;
    }
    assert_int_equal(epoch_header_print(&w->printed, h, &err), PT_OK);
    assert_int_equal(epoch_header_id(&w->epoch_id, h, &err), PT_OK);
    for (size_t i = 0; i < h->participant_count; i++) {
        int at = policy_find_partner(w->policy, h->participants[i].name);
        sign_make(&w->epoch.signatures[i], w->nodes[at].self.key, "patto/epoch/header/1",
                  buf_span(&w->printed));
    }
    for (size_t i = 0; i < w->node_count; i++)
        w->nodes[i].self.epoch_id = w->epoch_id;
}

static void make_question(struct reach_world *w)
{
    char with[256] = "";
    struct question_words words = {.kind = "reach", .with = with};
    struct pt_err err = {0};

    for (size_t i = 0; i < w->policy->partner_count; i++) {
        const struct policy_partner *p = &w->policy->partners[i];
        size_t n = strlen(with);
        if (p->neutral)
            continue;
        if (i == SIM_REACH_ASKER)
            words.asker = p->name;
        else
            snprintf(with + n, sizeof with - n, "%s%s", n > 0 ? "," : "", p->name);
    }
    if (question_from_words(&w->question, w->policy, &words, &err) != PT_OK ||
        decide(w->policy, &w->question, &err) != PT_OK ||
        question_print(&w->text, w->policy, &w->question, &err) != PT_OK ||
        reach_plan_make(&w->plan, w->policy, &w->epoch.header, &w->question, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

void *sim_reach_make(size_t nodes)
{
    struct reach_world *w = calloc(1, sizeof *w);
    uint32_t x = 20261127;

    assert_non_null(w);
    make_policy(w, nodes);
    make_epoch(w);
    make_question(w);
    for (size_t i = 0; i < nodes; i++)
        for (size_t k = 0; k < SIM_REACH_SLOTS; k++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            w->slots[i][k] = x % 4 == 0;
        }
    return w;
}

void sim_reach_destroy(void *world)
{
    struct reach_world *w = world;

    for (size_t i = 0; i < w->node_count; i++)
        sim_ledger_close(&w->ledger[i]);
    buf_free(&w->printed);
    buf_free(&w->text);
    policy_free(w->policy);
    free(w);
}

void sim_reach_policy(void *world, const struct policy **p, struct fixture_node **nodes)
{
    struct reach_world *w = world;

    *p = w->policy;
    *nodes = w->nodes;
}
