/* An epoch of two to five: whoever takes one over takes over the same one, signed by all. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct party {
    struct world *world;
    int node;
    /* durable */
    struct salt_result adopted;
    uint64_t number; /* 0: none yet */
};
struct world {
    struct policy *policy;
    struct fixture_node nodes[SIM_NODES_MAX];
    size_t node_count;
    struct salt_own own[SIM_NODES_MAX];
    struct party party[SIM_NODES_MAX];
    uint64_t number; /* of this attempt */
    struct sim *sim;
    struct salt_initiator initiator;
    struct salt_responder responder[SIM_NODES_MAX];
    bool began, began_responder[SIM_NODES_MAX], done, over;
};

static void *make(size_t nodes)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->policy = fixture_policy(nodes);
    w->node_count = nodes;
    fixture_nodes(w->nodes, w->policy);
    for (int i = 0; i < SIM_NODES_MAX; i++) {
        w->party[i] = (struct party){.world = w, .node = i};
        w->own[i].dataset = fixture_digest((uint8_t)(0x10 + i));
        w->own[i].seed_hash = fixture_digest((uint8_t)(0x20 + i));
        w->own[i].padded_size = 5000;
        memset(w->own[i].share.b, 0x30 + i, 32);
        memset(w->own[i].blind.b, 0x40 + i, 32);
    }
    return w;
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

    for (int i = 0; i < SIM_NODES_MAX; i++)
        w->party[i].number = 0;
    w->number = 0;
}

static enum pt_code allow(void *self, const struct salt_round *r, struct pt_err *err)
{
    const struct party *p = self;

    if (sim_edge(p->world->sim, p->node))
        return pt_fail(err, PT_EIO, "down");
    return r->number > p->number && r->number < 100 && r->attempt == 0
               ? PT_OK
               : pt_fail(err, PT_ESTATE, "not this epoch");
}

static enum pt_code adopt(void *self, const struct salt_result *r, struct pt_err *err)
{
    struct party *p = self;
    struct sim *s = p->world->sim;

    if (sim_edge(s, p->node))
        return pt_fail(err, PT_EIO, "down");
    struct pt_err bad = {0};
    sim_right(s, p->node, salt_result_check(r, p->world->policy, &bad) == PT_OK,
              "an epoch that not all have signed");
    p->adopted = *r;
    p->number = r->header.number;
    return sim_edge(s, p->node) ? pt_fail(err, PT_EIO, "down") : PT_OK;
}

static void begin(void *world, struct sim *s)
{
    struct world *w = world;

    w->sim = s;
    w->began = w->done = w->over = false;
    memset(w->began_responder, 0, sizeof w->began_responder);
    for (size_t i = 0; i < w->node_count; i++)
        w->number = w->number <= w->party[i].number ? w->party[i].number + 1 : w->number;
    for (size_t i = 1; i < w->node_count; i++)
        (void)sim_open(s, 0, (int)i, WHAT_EPOCH);
}

static void begin_round(struct world *w, struct sim *s)
{
    struct session *sessions[SIM_NODES_MAX];
    struct pt_err err = {0};

    for (size_t i = 0; i + 1 < w->node_count; i++)
        sessions[i] = &s->session[SIM_OPENER][i];
    struct salt_initiator_in in = {.sessions = sessions,
                                   .session_count = w->node_count - 1,
                                   .number = w->number,
                                   .own = &w->own[0],
                                   .host = {&w->party[0], allow, adopt}};
    w->began = true;
    s->round[0] = &w->initiator.round;
    w->over = salt_initiator_begin(&w->initiator, &in, s->out[SIM_OPENER], &err) != PT_OK;
    assert_true(!w->over || s->down[0]);
}

static void initiate(struct world *w, struct sim *s)
{
    struct pt_err err = {0};
    bool open = true;

    for (size_t i = 0; i + 1 < w->node_count; i++) {
        open = open && sim_is_open(s, i, SIM_OPENER);
        w->over = w->over || s->session[SIM_OPENER][i].state == SESSION_FAILED;
    }
    if (!w->began && open)
        begin_round(w, s);
    else if (w->began && !w->done && !w->over && salt_initiator_ready(&w->initiator) &&
             salt_initiator_next(&w->initiator, s->out[SIM_OPENER], &w->done, &err) != PT_OK) {
        assert_string_not_equal(err.msg, "");
        w->over = true;
    }
    if (!w->over)
        return;
    if (w->began)
        salt_initiator_abort(&w->initiator, s->out[SIM_OPENER]);
    for (size_t i = 0; !w->began && i + 1 < w->node_count; i++)
        session_refuse(&s->session[SIM_OPENER][i], REFUSAL_INTERNAL, &s->out[SIM_OPENER][i]);
}

static void hosts(void *world, struct sim *s)
{
    struct world *w = world;
    struct pt_err err = {0};

    for (size_t i = 0; i + 1 < w->node_count; i++) {
        struct session *session = &s->session[SIM_ACCEPTER][i];
        const struct salt_host host = {&w->party[i + 1], allow, adopt};
        if (w->began_responder[i] || !sim_is_open(s, i, SIM_ACCEPTER) ||
            session->what != WHAT_EPOCH)
            continue;
        w->began_responder[i] = true;
        s->round[i + 1] = &w->responder[i].round;
        assert_int_equal(
            salt_responder_begin(&w->responder[i], session, &w->own[i + 1], host, &err), PT_OK);
    }
    if (!s->down[0])
        initiate(w, s);
}

static bool end(void *world, struct sim *s)
{
    struct world *w = world;
    struct digest first = {{0}};
    bool good = true;
    int seen = 0;

    for (size_t i = 0; i < w->node_count; i++) {
        const struct party *p = &w->party[i];
        struct digest id;
        struct pt_err err = {0};
        good = good && p->number == w->number;
        if (p->number != w->number || (int)i == sim_liar(s))
            continue;
        assert_int_equal(epoch_header_id(&id, &p->adopted.header, &err), PT_OK);
        first = seen++ == 0 ? id : first;
        sim_right(s, (int)i, memcmp(id.b, first.b, sizeof id.b) == 0, "two epochs of one number");
    }
    for (size_t i = 0; i + 1 < w->node_count; i++)
        good = good && s->session[SIM_OPENER][i].state == SESSION_DONE &&
               s->session[SIM_ACCEPTER][i].state == SESSION_DONE;
    memset(s->round, 0, sizeof s->round);
    return good;
}

const struct sim_scenario SIM_EPOCH = {.name = "epoch",
                                       .nodes_min = 2,
                                       .nodes_max = 5,
                                       .make = make,
                                       .destroy = destroy,
                                       .policy = policy,
                                       .fresh = fresh,
                                       .begin = begin,
                                       .hosts = hosts,
                                       .end = end};
