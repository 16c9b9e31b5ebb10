/* Goal: over a network that loses, repeats, reorders, cuts and changes frames, nodes end with the
 * right result or with a named reason: never a wrong result, never silence, never a hang.
 * Method: each protocol a few hundred times, faults from a printed seed (PATTO_SIM_SEED repeats
 * one run); every result is compared with that of an undisturbed run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/proto_fixture.h"

enum { LINKS_MAX = 2, STEPS_MAX = 2000, POINTS = 10, CHUNK = 4 };

struct net {
    uint64_t random;
    unsigned rate; /* one frame in `rate` meets a fault; 0: none */
    struct fixture_link *links;
    size_t link_count;
    bool cut[LINKS_MAX];
    int faults, failures;
    char last_error[sizeof((struct pt_err *)0)->msg];
};

static uint32_t draw32(struct net *n) /* splitmix64: public, reproducible */
{
    uint64_t z = n->random += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

/* ---- faults ---- */

static void put_back(struct outbox *o, struct span bytes)
{
    struct buf *b = outbox_add(o);

    assert_non_null(b);
    assert_true(buf_add(b, bytes.p, bytes.n));
}

static bool lose(struct net *n, struct outbox *from, struct buf *frame)
{
    (void)n;
    (void)from;
    buf_free(frame);
    return false;
}
static bool repeat(struct net *n, struct outbox *from, struct buf *frame)
{
    (void)n;
    put_back(from, buf_span(frame));
    return true;
}
static bool delay(struct net *n, struct outbox *from, struct buf *frame)
{
    if (outbox_count(from) == 0) {
        n->faults--; /* nothing to be overtaken by */
        return true;
    }
    put_back(from, buf_span(frame));
    buf_free(frame);
    return false;
}
static bool truncate_frame(struct net *n, struct outbox *from, struct buf *frame)
{
    (void)from;
    frame->n = draw32(n) % frame->n;
    return true;
}
static bool lengthen(struct net *n, struct outbox *from, struct buf *frame)
{
    (void)from;
    assert_true(buf_u8(frame, (uint8_t)draw32(n)));
    return true;
}
static bool flip(struct net *n, struct outbox *from, struct buf *frame)
{
    (void)from;
    frame->p[draw32(n) % frame->n] ^= (uint8_t)(1U << draw32(n) % 8);
    return true;
}
static bool garbage(struct net *n, struct outbox *from, struct buf *frame)
{
    (void)from;
    for (size_t i = 0; i < frame->n; i++)
        frame->p[i] = (uint8_t)draw32(n);
    return true;
}

static bool (*const FAULTS[])(struct net *, struct outbox *, struct buf *) = {
    lose, repeat, delay, truncate_frame, lengthen, flip, flip, garbage};

static void failed(struct net *n, const struct session *s, const struct pt_err *err)
{
    n->failures++;
    /* A reason for people, and one of the named ones. */
    assert_string_not_equal(err->msg, "");
    assert_int_equal(s->state, SESSION_FAILED);
    snprintf(n->last_error, sizeof n->last_error, "%s", err->msg);
}

/* Carry one frame from `from` to s, whole or not. */
static void deliver(struct net *n, size_t link, struct outbox *from, struct session *s,
                    struct outbox *answers)
{
    struct pt_err err = {0};
    struct buf frame;
    bool arrives = true;

    if (!outbox_take(from, &frame))
        return;
    if (n->rate > 0 && draw32(n) % n->rate == 0) {
        n->faults++;
        if (draw32(n) % 9 == 0) {
            n->cut[link] = true;
            buf_free(&frame);
            return;
        }
        arrives = FAULTS[draw32(n) % PT_LEN(FAULTS)](n, from, &frame);
    }
    bool over = s->state == SESSION_FAILED || s->state == SESSION_DONE;
    if (arrives && session_step(s, buf_span(&frame), answers, &err) != PT_OK && !over) {
        failed(n, s, &err);
        assert_int_not_equal(s->refusal, REFUSAL_NONE);
    }
    buf_free(&frame);
}

/* Until nothing is on its way: frames in random order over the links, and after each what the
 * hosts do of themselves. */
static void run(struct net *n, void (*hosts)(void *), void *self)
{
    size_t step = 0;

    for (bool busy = true; busy; step++) {
        assert_true(step < STEPS_MAX); /* a hang, or a storm */
        busy = false;
        for (size_t i = 0; i < n->link_count; i++) {
            struct fixture_link *l = &n->links[i];
            if (n->cut[i])
                continue;
            busy = busy || outbox_count(&l->to_accepter) > 0 || outbox_count(&l->to_opener) > 0;
        }
        if (!busy)
            break;
        size_t at = draw32(n) % n->link_count;
        struct fixture_link *l = &n->links[at];
        if (n->cut[at])
            continue;
        if (draw32(n) & 1)
            deliver(n, at, &l->to_accepter, &l->accepter, &l->to_opener);
        else
            deliver(n, at, &l->to_opener, &l->opener, &l->to_accepter);
        hosts(self);
    }
    for (size_t i = 0; i < n->link_count; i++) {
        struct session *both[] = {&n->links[i].opener, &n->links[i].accepter};
        for (int k = 0; k < 2; k++) {
            struct pt_err err = {0};
            if (both[k]->state != SESSION_FAILED && session_ended(both[k], &err) != PT_OK)
                failed(n, both[k], &err);
        }
    }
}

/* Seeds of this run: consecutive from a printed one, or the one of PATTO_SIM_SEED. */
static void seeds(const char *what, uint64_t *first, int *count)
{
    const char *one = getenv("PATTO_SIM_SEED");

    *first = one != NULL ? strtoull(one, NULL, 10) : 20261122;
    *count = one != NULL ? 1 : *count;
    print_message("%s: seeds %llu to %llu\n", what, (unsigned long long)*first,
                  (unsigned long long)*first + (unsigned long long)*count - 1);
}

static void net_init(struct net *n, uint64_t seed, struct fixture_link *links, size_t count)
{
    *n = (struct net){.random = seed, .rate = 12, .links = links, .link_count = count};
}

/* The greeting is part of what may be disturbed. */
static void open_link(struct fixture_link *l, struct fixture_node *opener,
                      struct fixture_node *accepter, enum session_what what)
{
    struct session_to to = {accepter->self.partner, what, fixture_digest(0xaa)};
    struct session_to from = {opener->self.partner, what, fixture_digest(0xbb)};
    struct pt_err err = {0};

    *l = (struct fixture_link){0};
    assert_int_equal(session_open(&l->opener, &opener->self, to, &l->to_accepter, &err), PT_OK);
    session_accept(&l->accepter, &accepter->self, from);
}

struct tally {
    int complete, stopped;
};

static void count(struct tally *t, const struct net *n, bool complete)
{
    if (n->faults == 0)
        assert_true(complete);
    if (!complete)
        assert_true(n->failures > 0);
    t->complete += complete;
    t->stopped += !complete;
}

static void enough_of_both(const struct tally *t)
{
    print_message("    %d completed, %d stopped by a named reason\n", t->complete, t->stopped);
    if (t->complete + t->stopped > 1) {
        assert_true(t->complete > 10);
        assert_true(t->stopped > 10);
    }
}

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
    struct tokenise_peer_in in = {&t->nodes[1].oprf, &proof_key, {t, quota}};
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
    struct tally tally = {0};
    uint64_t first;
    int runs = 300;

    (void)state;
    seeds("tokens", &first, &runs);
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
        open_link(&t.link, &t.nodes[0], &t.nodes[1], WHAT_TOKENISE);
        run(&n, token_hosts, &t);
        count(&tally, &n, t.verified == POINTS);
        fixture_link_free(&t.link);
        tokenise_owner_free(&t.owner);
    }
    enough_of_both(&tally);
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
        struct ask_recipient_in in = fixture_recipient_in(&a->epoch);
        a->began_recipient = true;
        assert_int_equal(
            ask_recipient_begin(&a->recipient, &a->link.opener, &in, &a->link.to_accepter, &err),
            PT_OK);
    }
    while (a->began_recipient && ask_recipient_sending(&a->recipient))
        assert_int_equal(ask_recipient_send(&a->recipient, &a->link.to_accepter, &err), PT_OK);
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
    open_link(&a->link, &a->nodes[freshmart], &a->nodes[drinkco], WHAT_ASK);
    run(n, ask_hosts, a);
}

static void forget(struct fixture_epoch *e)
{
    for (size_t i = 0; i < e->kept_count; i++)
        buf_free(&e->kept[i].bytes);
    memset(e->kept, 0, sizeof e->kept);
    e->kept_count = e->paid_count = 0;
    e->spent_nano = 0;
}

struct right { /* the one answer, and what it costs */
    struct buf row;
    int64_t size;
    uint64_t price_nano;
};

static void asked_until_answered(struct asking *a, uint64_t seed, const struct right *right,
                                 struct tally *tally)
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
            assert_true(span_eq_vartime(buf_span(&right->row), buf_span(&a->recipient.rows[0])));
            assert_int_equal(a->recipient.sizes[0], right->size);
            assert_int_equal(a->epoch.spent_nano, right->price_nano);
        }
        assert_true(a->epoch.spent_nano == 0 || a->epoch.spent_nano == right->price_nano);
        if (again)
            assert_true(answered);
        else
            count(tally, &n, answered);
    }
}

/* Whatever happened, asking again over a quiet network gives the one answer, paid once. */
static void answers_are_right_or_stop(void **state)
{
    static struct asking a;
    struct tally tally = {0};
    struct net n;
    struct right right = {0};
    uint64_t first;
    int runs = 250;

    (void)state;
    seeds("questions", &first, &runs);
    memset(&a, 0, sizeof a);
    a.policy = fixture_three();
    fixture_nodes(a.nodes, a.policy);
    fixture_epoch_init(&a.epoch, a.policy, "overlap");
    fixture_epoch_join(&a.epoch, a.nodes);
    net_init(&n, 1, &a.link, 1);
    n.rate = 0;
    ask_once(&a, &n);
    assert_true(ask_recipient_answered(&a.recipient));
    assert_true(buf_add(&right.row, a.recipient.rows[0].p, a.recipient.rows[0].n));
    right.size = a.recipient.sizes[0];
    right.price_nano = a.epoch.spent_nano;
    for (int i = 0; i < runs; i++)
        asked_until_answered(&a, first + (uint64_t)i, &right, &tally);
    enough_of_both(&tally);
    buf_free(&right.row);
    ask_recipient_free(&a.recipient);
    ask_evaluator_free(&a.evaluator);
    fixture_link_free(&a.link);
    fixture_epoch_free(&a.epoch);
    policy_free(a.policy);
}

/* ---- epochs of three ---- */

struct host {
    struct salt_result adopted;
    int adopt_count;
};
struct epochs {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_link links[LINKS_MAX];
    struct salt_own own[3];
    struct host host[3];
    struct salt_initiator initiator;
    struct salt_responder responder[LINKS_MAX];
    bool began, began_responder[LINKS_MAX], done, over;
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
    struct outbox outs[LINKS_MAX] = {e->links[0].to_accepter, e->links[1].to_accepter};
    struct pt_err err = {0};

    if (!e->began) {
        struct session *sessions[] = {&e->links[0].opener, &e->links[1].opener};
        struct salt_initiator_in in = {sessions, LINKS_MAX,  5,
                                       0,        &e->own[0], {&e->host[0], allow, adopt}};
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

    for (size_t i = 0; i < LINKS_MAX; i++) {
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
    struct tally tally = {0};
    uint64_t first;
    int runs = 300;

    (void)state;
    seeds("epochs", &first, &runs);
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
        net_init(&n, first + (uint64_t)i, e.links, LINKS_MAX);
        memset(e.host, 0, sizeof e.host);
        memset(e.began_responder, 0, sizeof e.began_responder);
        e.began = e.done = e.over = false;
        open_link(&e.links[0], &e.nodes[0], &e.nodes[1], WHAT_EPOCH);
        open_link(&e.links[1], &e.nodes[0], &e.nodes[2], WHAT_EPOCH);
        run(&n, epoch_hosts, &e);
        for (int k = 0; k < 3; k++) {
            if (e.host[k].adopt_count == 0)
                continue;
            assert_int_equal(e.host[k].adopt_count, 1);
            assert_int_equal(salt_result_check(&e.host[k].adopted, e.policy, &err), PT_OK);
            assert_int_equal(epoch_header_id(&id[adopted], &e.host[k].adopted.header, &err), PT_OK);
            assert_memory_equal(id[adopted].b, id[0].b, 32);
            adopted++;
        }
        count(&tally, &n, adopted == 3);
        fixture_link_free(&e.links[0]);
        fixture_link_free(&e.links[1]);
    }
    enough_of_both(&tally);
    policy_free(e.policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_right_or_stop),
        cmocka_unit_test(answers_are_right_or_stop),
        cmocka_unit_test(epochs_are_one_or_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
