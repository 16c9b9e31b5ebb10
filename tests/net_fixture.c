#include "tests/net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS_MAX = 2000 };

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

void net_run(struct net *n, void (*hosts)(void *), void *self)
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

void net_seeds(const char *what, uint64_t *first, int *count)
{
    const char *one = getenv("PATTO_SIM_SEED");

    *first = one != NULL ? strtoull(one, NULL, 10) : 20261122;
    *count = one != NULL ? 1 : *count;
    print_message("%s: seeds %llu to %llu\n", what, (unsigned long long)*first,
                  (unsigned long long)*first + (unsigned long long)*count - 1);
}

void net_init(struct net *n, uint64_t seed, struct fixture_link *links, size_t count)
{
    *n = (struct net){.random = seed, .rate = 12, .links = links, .link_count = count};
}

void net_open_link(struct fixture_link *l, struct fixture_node *opener,
                   struct fixture_node *accepter, enum session_what what)
{
    struct session_to to = {
        .peer = accepter->self.partner, .what = what, .nonce = fixture_digest(0xaa)};
    struct session_to from = {
        .peer = opener->self.partner, .what = what, .nonce = fixture_digest(0xbb)};
    struct pt_err err = {0};

    *l = (struct fixture_link){0};
    assert_int_equal(session_open(&l->opener, &opener->self, to, &l->to_accepter, &err), PT_OK);
    session_accept(&l->accepter, &accepter->self, from);
}

void net_count(struct net_tally *t, const struct net *n, bool complete)
{
    if (n->faults == 0)
        assert_true(complete);
    if (!complete)
        assert_true(n->failures > 0);
    t->complete += complete;
    t->stopped += !complete;
}

void net_enough_of_both(const struct net_tally *t)
{
    print_message("    %d completed, %d stopped by a named reason\n", t->complete, t->stopped);
    if (t->complete + t->stopped > 1) {
        assert_true(t->complete > 10);
        assert_true(t->stopped > 10);
    }
}
