/* Goal: over a network that loses, repeats, reorders, cuts and changes frames, nodes end with the
 * right result or with a named reason: never a wrong result, never silence, never a hang.
 * Method: each protocol a few hundred times, faults from a printed seed (PATTO_SIM_SEED repeats
 * one run); every result is compared with that of an undisturbed run. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/net_fixture.h"

enum { POINTS = 10, CHUNK = 4 };

/* ---- tokens ---- */

struct tokens {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_link link;
    struct tokenise_owner owner;
    struct tokenise_peer peer;
    struct point points[POINTS], expected[POINTS];
    size_t verified;
    bool began_owner, began_peer;
};

static enum pt_code quota(void *self, uint16_t peer, uint64_t point_count, struct pt_err *err)
{
    (void)self;
    (void)peer;
    return point_count > POINTS ? pt_fail(err, PT_EDENIED, "match.quota: used up") : PT_OK;
}

static void token_hosts(void *self)
{
    static const struct key32 proof_key = {{9}};
    struct tokens *t = self;
    struct tokenise_peer_in in = {&t->nodes[1].oprf, &proof_key, {t, quota}, {0}};
    struct tokenise_plan plan = {POINTS, CHUNK, 0};
    struct span_points ready;
    struct pt_err err = {0};
    uint32_t chunk;

    if (!t->began_peer && t->link.accepter.state == SESSION_OPEN) {
        t->began_peer = true;
        assert_int_equal(tokenise_peer_begin(&t->peer, &t->link.accepter, &in, &err), PT_OK);
    }
    if (!t->began_owner && t->link.opener.state == SESSION_OPEN) {
        t->began_owner = true;
        assert_int_equal(
            tokenise_owner_begin(&t->owner, &t->link.opener, plan, &t->link.to_accepter, &err),
            PT_OK);
    }
    while (t->began_owner && tokenise_owner_can_send(&t->owner)) {
        uint32_t at = t->owner.next_send;
        struct span_points points = {t->points + (size_t)at * CHUNK,
                                     tokenise_chunk_size(&plan, at)};
        assert_int_equal(tokenise_owner_send(&t->owner, points, &t->link.to_accepter, &err), PT_OK);
    }
    while (t->began_owner && tokenise_owner_take(&t->owner, &chunk, &ready)) {
        assert_memory_equal(ready.p, t->expected + (size_t)chunk * CHUNK,
                            ready.n * sizeof *ready.p);
        t->verified += ready.n;
    }
}

static void tokens_are_right_or_stop(void **state)
{
    static struct tokens t;
    struct net_tally tally = {0};
    uint64_t first;
    int runs = 300;

    (void)state;
    net_seeds("tokens", &first, &runs);
    memset(&t, 0, sizeof t);
    t.policy = fixture_three();
    fixture_nodes(t.nodes, t.policy);
    for (size_t i = 0; i < POINTS; i++) {
        uint8_t wide[1][64] = {{0}};
        wide[0][0] = (uint8_t)(i + 1);
        group_map(&t.points[i], (const uint8_t(*)[64])wide, 1);
    }
    assert_int_equal(group_mul(t.expected, &t.nodes[1].oprf.k, t.points, POINTS), GROUP_ALL_GOOD);
    for (int i = 0; i < runs; i++) {
        struct net n;
        net_init(&n, first + (uint64_t)i, &t.link, 1);
        t.verified = 0;
        t.began_owner = t.began_peer = false;
        net_open_link(&t.link, &t.nodes[0], &t.nodes[1], WHAT_TOKENISE);
        net_run(&n, token_hosts, &t);
        net_count(&tally, &n, t.verified == POINTS);
        fixture_link_free(&t.link);
        tokenise_owner_free(&t.owner);
    }
    net_enough_of_both(&tally);
    policy_free(t.policy);
}

/* ---- questions ---- */

struct asking {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_epoch epoch;
    struct fixture_link link;
    struct ask_recipient recipient;
    struct ask_evaluator evaluator;
    bool began_recipient, began_evaluator;
};

static void ask_hosts(void *self)
{
    struct asking *a = self;
    struct pt_err err = {0};

    if (!a->began_evaluator && a->link.accepter.state == SESSION_OPEN) {
        struct ask_evaluator_in in = fixture_evaluator_in(&a->epoch);
        a->began_evaluator = true;
        assert_int_equal(ask_evaluator_begin(&a->evaluator, &a->link.accepter, &in, &err), PT_OK);
    }
    if (!a->began_recipient && a->link.opener.state == SESSION_OPEN) {
        struct ask_recipient_in in = fixture_recipient_in(&a->epoch, &a->recipient);
        a->began_recipient = true;
        assert_int_equal(
            ask_recipient_begin(&a->recipient, &a->link.opener, &in, &a->link.to_accepter, &err),
            PT_OK);
    }
    while (a->began_recipient && ask_recipient_sending(&a->recipient))
        assert_int_equal(ask_recipient_send(&a->recipient, &a->link.to_accepter, &err), PT_OK);
    /* A frame that was changed can be one of the proof's. */
    if (a->began_evaluator && ask_evaluator_checking(&a->evaluator) &&
        ask_evaluator_check(&a->evaluator, &a->link.to_opener, &err) != PT_OK)
        assert_int_equal(a->link.accepter.refusal, REFUSAL_NOT_PROVED);
    if (a->began_evaluator && ask_evaluator_ready(&a->evaluator))
        assert_int_equal(ask_evaluator_answer(&a->evaluator, &a->link.to_opener, &err), PT_OK);
}

static void ask_once(struct asking *a, struct net *n)
{
    int drinkco = policy_find_partner(a->policy, "drinkco");
    int freshmart = policy_find_partner(a->policy, "freshmart");

    ask_recipient_free(&a->recipient);
    ask_evaluator_free(&a->evaluator);
    fixture_link_free(&a->link);
    a->began_recipient = a->began_evaluator = false;
    net_open_link(&a->link, &a->nodes[freshmart], &a->nodes[drinkco], WHAT_ASK);
    net_run(n, ask_hosts, a);
}

static void forget(struct fixture_epoch *e)
{
    for (size_t i = 0; i < e->kept_count; i++)
        buf_free(&e->kept[i].bytes);
    memset(e->kept, 0, sizeof e->kept);
    e->kept_count = e->paid_count = 0;
    e->spent_nano = 0;
    e->barred = false;
}

struct right { /* the one answer (its last row), and what it costs */
    struct buf row;
    int64_t size;
    uint64_t price_nano;
};

static void asked_until_answered(struct asking *a, uint64_t seed, const struct right *right,
                                 struct net_tally *tally)
{
    struct net n;

    forget(&a->epoch);
    for (int again = 0; again < 2; again++) {
        net_init(&n, seed, &a->link, 1);
        if (again)
            n.rate = 0;
        ask_once(a, &n);
        bool answered = ask_recipient_answered(&a->recipient);
        if (answered) {
            size_t last = a->recipient.row_count - 1;
            assert_true(span_eq_vartime(buf_span(&right->row), buf_span(&a->recipient.rows[last])));
            assert_int_equal(a->recipient.sizes[last], right->size);
            assert_int_equal(a->epoch.spent_nano, right->price_nano);
        }
        assert_true(a->epoch.spent_nano == 0 || a->epoch.spent_nano == right->price_nano);
        if (again && a->epoch.barred) { /* by a change on the way to a proof: that is final */
            assert_int_equal(a->link.opener.refusal, REFUSAL_NOT_PROVED);
            assert_int_equal(a->epoch.spent_nano, 0);
        } else if (again)
            assert_true(answered);
        else
            net_count(tally, &n, answered);
    }
}

/* Whatever happened, asking again over a quiet network gives the one answer, paid once. Owns p. */
static void answers_of(const char *kind, struct policy *p, int runs)
{
    static struct asking a;
    struct net_tally tally = {0};
    struct net n;
    struct right right = {0};
    uint64_t first;

    net_seeds(kind, &first, &runs);
    memset(&a, 0, sizeof a);
    a.policy = p;
    fixture_nodes(a.nodes, a.policy);
    fixture_epoch_init(&a.epoch, a.policy, kind);
    fixture_epoch_join(&a.epoch, a.nodes);
    net_init(&n, 1, &a.link, 1);
    n.rate = 0;
    ask_once(&a, &n);
    assert_true(ask_recipient_answered(&a.recipient));
    size_t last = a.recipient.row_count - 1;
    assert_true(buf_add(&right.row, a.recipient.rows[last].p, a.recipient.rows[last].n));
    right.size = a.recipient.sizes[last];
    right.price_nano = a.epoch.spent_nano;
    for (int i = 0; i < runs; i++)
        asked_until_answered(&a, first + (uint64_t)i, &right, &tally);
    net_enough_of_both(&tally);
    buf_free(&right.row);
    ask_recipient_free(&a.recipient);
    ask_evaluator_free(&a.evaluator);
    fixture_link_free(&a.link);
    fixture_epoch_free(&a.epoch);
    policy_free(a.policy);
}

static void answers_are_right_or_stop(void **state)
{
    (void)state;
    answers_of("overlap", fixture_three(), 250);
}

static void values_are_right_or_stop(void **state)
{
    (void)state;
    answers_of("value", fixture_value(), 100);
}

/* ---- epochs of three ---- */

struct host {
    struct salt_result adopted;
    int adopt_count;
};
struct epochs {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_link links[NET_LINKS_MAX];
    struct salt_own own[3];
    struct host host[3];
    struct salt_initiator initiator;
    struct salt_responder responder[NET_LINKS_MAX];
    bool began, began_responder[NET_LINKS_MAX], done, over;
};

static enum pt_code allow(void *self, const struct salt_round *r, struct pt_err *err)
{
    (void)self;
    return r->number == 5 && r->attempt == 0 ? PT_OK : pt_fail(err, PT_ESTATE, "not this epoch");
}

static enum pt_code adopt(void *self, const struct salt_result *r, struct pt_err *err)
{
    struct host *h = self;

    (void)err;
    h->adopted = *r;
    h->adopt_count++;
    return PT_OK;
}

/* The initiator's frames wait in the links' own queues. */
static void next_phase(struct epochs *e)
{
    struct outbox outs[NET_LINKS_MAX] = {e->links[0].to_accepter, e->links[1].to_accepter};
    struct pt_err err = {0};

    if (!e->began) {
        struct session *sessions[] = {&e->links[0].opener, &e->links[1].opener};
        struct salt_initiator_in in = {sessions, NET_LINKS_MAX, 5,
                                       0,        &e->own[0],    {&e->host[0], allow, adopt}};
        e->began = true;
        assert_int_equal(salt_initiator_begin(&e->initiator, &in, outs, &err), PT_OK);
    } else if (!e->done && salt_initiator_ready(&e->initiator)) {
        if (salt_initiator_next(&e->initiator, outs, &e->done, &err) != PT_OK)
            e->over = true;
    }
    if (e->over)
        salt_initiator_abort(&e->initiator, outs);
    e->links[0].to_accepter = outs[0];
    e->links[1].to_accepter = outs[1];
}

static void epoch_hosts(void *self)
{
    struct epochs *e = self;
    struct pt_err err = {0};
    bool open = true;

    for (size_t i = 0; i < NET_LINKS_MAX; i++) {
        struct salt_host host = {&e->host[i + 1], allow, adopt};
        if (!e->began_responder[i] && e->links[i].accepter.state == SESSION_OPEN) {
            e->began_responder[i] = true;
            assert_int_equal(salt_responder_begin(&e->responder[i], &e->links[i].accepter,
                                                  &e->own[i + 1], host, &err),
                             PT_OK);
        }
        open = open && e->links[i].opener.state == SESSION_OPEN;
        e->over = e->over || e->links[i].opener.state == SESSION_FAILED;
    }
    if (e->began || open)
        next_phase(e);
}

static void epochs_are_one_or_stop(void **state)
{
    static struct epochs e;
    struct net_tally tally = {0};
    uint64_t first;
    int runs = 300;

    (void)state;
    net_seeds("epochs", &first, &runs);
    memset(&e, 0, sizeof e);
    e.policy = fixture_three();
    fixture_nodes(e.nodes, e.policy);
    for (int i = 0; i < 3; i++) {
        e.own[i].dataset = fixture_digest((uint8_t)(0x10 + i));
        e.own[i].padded_size = 5000;
        memset(e.own[i].share.b, 0x30 + i, 32);
        memset(e.own[i].blind.b, 0x40 + i, 32);
    }
    for (int i = 0; i < runs; i++) {
        struct net n;
        struct digest id[3];
        struct pt_err err = {0};
        int adopted = 0;
        net_init(&n, first + (uint64_t)i, e.links, NET_LINKS_MAX);
        memset(e.host, 0, sizeof e.host);
        memset(e.began_responder, 0, sizeof e.began_responder);
        e.began = e.done = e.over = false;
        net_open_link(&e.links[0], &e.nodes[0], &e.nodes[1], WHAT_EPOCH);
        net_open_link(&e.links[1], &e.nodes[0], &e.nodes[2], WHAT_EPOCH);
        net_run(&n, epoch_hosts, &e);
        for (int k = 0; k < 3; k++) {
            if (e.host[k].adopt_count == 0)
                continue;
            assert_int_equal(e.host[k].adopt_count, 1);
            assert_int_equal(salt_result_check(&e.host[k].adopted, e.policy, &err), PT_OK);
            assert_int_equal(epoch_header_id(&id[adopted], &e.host[k].adopted.header, &err), PT_OK);
            assert_memory_equal(id[adopted].b, id[0].b, 32);
            adopted++;
        }
        net_count(&tally, &n, adopted == 3);
        fixture_link_free(&e.links[0]);
        fixture_link_free(&e.links[1]);
    }
    net_enough_of_both(&tally);
    policy_free(e.policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_right_or_stop),
        cmocka_unit_test(answers_are_right_or_stop),
        cmocka_unit_test(values_are_right_or_stop),
        cmocka_unit_test(epochs_are_one_or_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
