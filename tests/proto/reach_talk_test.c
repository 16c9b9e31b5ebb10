/* Goal: a question of reach is signed, priced before it is charged, and each frame has its place;
 * an item arrives whole or not at all. Method: asker, sender and accepter in memory; each deviation
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/reach_talk.h"
#include "tests/proto_fixture.h"

struct talk {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_link link;
    struct reach_asker asker;
    struct reach_sender sender;
    struct reach_accepter accepter;
    struct salt_result epoch;
    struct reach_item item;
    struct buf got;
    enum pt_code says; /* of the host */
    int questions;
    struct pt_err err;
    enum pt_code rc;
};

static enum pt_code on_question(void *self, const struct wire_reach_question *q, uint64_t *rho_nano,
                                struct pt_err *err)
{
    struct talk *t = self;

    assert_true(span_eq_vartime(q->text, span_z("text")));
    assert_int_equal(q->signatures.count, 2);
    t->questions++;
    *rho_nano = 1000;
    return t->says == PT_OK ? PT_OK : pt_fail(err, t->says, "no");
}
static enum pt_code on_share(void *self, const struct wire_reach_share *s, struct pt_err *err)
{
    struct talk *t = self;

    assert_int_equal(s->stage, REACH_VECTOR);
    return t->says == PT_OK ? PT_OK : pt_fail(err, t->says, "not awaited");
}
static enum pt_code on_part(void *self, struct span data, struct pt_err *err)
{
    struct talk *t = self;

    (void)err;
    assert_true(buf_add(&t->got, data.p, data.n));
    return PT_OK;
}

static void set_up(struct talk *t)
{
    const struct reach_host host = {t, on_question, on_share, on_part};

    memset(t, 0, sizeof *t);
    t->policy = fixture_three();
    fixture_nodes(t->nodes, t->policy);
    fixture_name(&t->epoch.header, 0, "drinkco");
    fixture_name(&t->epoch.header, 1, "freshmart");
    t->epoch.header.participant_count = 2;
    fixture_greet(&t->link, &t->nodes[0], &t->nodes[1], WHAT_REACH);
    assert_int_equal(reach_accepter_begin(&t->accepter, &t->link.accepter, host, &t->err), PT_OK);
}

static void tear_down(struct talk *t)
{
    fixture_link_free(&t->link);
    reach_item_free(&t->item);
    buf_free(&t->got);
    policy_free(t->policy);
}

static bool to_accepter(struct talk *t)
{
    return fixture_step(&t->link.accepter, &t->link.to_accepter, &t->link.to_opener, &t->rc,
                        &t->err);
}
static bool to_opener(struct talk *t)
{
    return fixture_step(&t->link.opener, &t->link.to_opener, &t->link.to_accepter, &t->rc, &t->err);
}

static void ask(struct talk *t)
{
    const struct reach_question q = {.text = span_z("text"),
                                     .run = fixture_digest(1),
                                     .header = span_z("header"),
                                     .epoch = &t->epoch};

    assert_int_equal(
        reach_asker_begin(&t->asker, &t->link.opener, &q, &t->link.to_accepter, &t->err), PT_OK);
    assert_true(to_accepter(t));
}

static void a_question_is_ready_goes_and_is_done(void **state)
{
    static struct talk t;
    static const int64_t counts[4] = {7, -3, 0, INT64_MAX};
    const struct wire_reach_done done = {
        .counts = counts, .count = 4, .charged_nano = 1000, .left_nano = 5, .audit_position = 9};

    (void)state;
    set_up(&t);
    ask(&t);
    assert_int_equal(t.rc, PT_OK);
    assert_int_equal(t.questions, 1);
    assert_false(reach_accepter_working(&t.accepter)); /* not before ReachGo */
    assert_int_equal(reach_asker_go(&t.asker, &t.link.to_accepter, &t.err), PT_ESTATE);
    assert_true(to_opener(&t));
    assert_true(reach_asker_ready(&t.asker));
    assert_int_equal(t.asker.rho_nano, 1000);
    assert_int_equal(reach_accepter_done(&t.accepter, &done, &t.link.to_opener, &t.err), PT_ESTATE);
    assert_int_equal(reach_asker_go(&t.asker, &t.link.to_accepter, &t.err), PT_OK);
    assert_true(to_accepter(&t));
    assert_true(reach_accepter_working(&t.accepter));
    assert_int_equal(reach_accepter_done(&t.accepter, &done, &t.link.to_opener, &t.err), PT_OK);
    assert_true(to_opener(&t));
    assert_int_equal(t.rc, PT_OK);
    assert_true(reach_asker_done(&t.asker));
    assert_int_equal(t.asker.count, 4);
    assert_memory_equal(t.asker.counts, counts, sizeof counts);
    assert_int_equal(t.asker.audit_position, 9);
    while (to_accepter(&t) || to_opener(&t))
        assert_int_equal(t.rc, PT_OK);
    assert_int_equal(t.link.opener.state, SESSION_DONE);
    assert_int_equal(t.link.accepter.state, SESSION_DONE);
    tear_down(&t);
}

static void refuses_price(uint64_t charged_nano)
{
    static struct talk t;
    const struct wire_reach_done done = {.charged_nano = charged_nano};

    set_up(&t);
    ask(&t);
    assert_true(to_opener(&t));
    assert_int_equal(reach_asker_go(&t.asker, &t.link.to_accepter, &t.err), PT_OK);
    assert_true(to_accepter(&t));
    assert_int_equal(reach_accepter_done(&t.accepter, &done, &t.link.to_opener, &t.err), PT_OK);
    assert_true(to_opener(&t));
    assert_int_equal(t.rc, PT_EBADMSG);
    assert_non_null(strstr(t.err.msg, "charged another sum than it said"));
    assert_false(reach_asker_done(&t.asker));
    tear_down(&t);
}

/* Charged otherwise than was said: the asker does not sign that it is done. */
static void another_price_afterwards_is_refused(void **state)
{
    static const uint64_t charged[] = {1001, 999, 0, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < PT_LEN(charged); i++)
        refuses_price(charged[i]);
}

static void a_host_that_says_no_ends_it(void **state)
{
    static struct talk t;

    (void)state;
    set_up(&t);
    t.says = PT_EDENIED;
    ask(&t);
    assert_int_equal(t.rc, PT_EDENIED);
    assert_true(to_opener(&t));
    assert_int_equal(t.link.opener.refusal, REFUSAL_NOT_ALLOWED);
    tear_down(&t);
}

/* A frame by hand, properly numbered: what a deviating peer may send. */
static void send(struct talk *t, struct frame *f)
{
    assert_int_equal(session_send(&t->link.opener, f, &t->link.to_accepter, &t->err), PT_OK);
    assert_true(to_accepter(t));
}

static void a_question_that_is_not_signed_is_refused(void **state)
{
    static struct talk t;
    struct frame f = fixture_frame(FRAME_REACH_QUESTION);

    (void)state;
    set_up(&t);
    send(&t, &f);
    assert_int_equal(t.rc, PT_EBADMSG);
    assert_int_equal(t.questions, 0);
    tear_down(&t);
}

static void another_run_does_not_go(void **state)
{
    static struct talk t;
    struct frame f = fixture_frame(FRAME_REACH_GO);

    (void)state;
    set_up(&t);
    ask(&t);
    f.u.reach_run = fixture_digest(2);
    send(&t, &f);
    assert_int_equal(t.rc, PT_EBADMSG);
    assert_false(reach_accepter_working(&t.accepter));
    tear_down(&t);
}

static void out_of_turn_is_refused(void **state)
{
    static const enum frame_kind early[] = {FRAME_REACH_GO, FRAME_REACH_PART, FRAME_REACH_READY,
                                            FRAME_REACH_DONE, FRAME_QUESTION};
    static struct talk t;

    (void)state;
    for (size_t i = 0; i < PT_LEN(early); i++) {
        struct frame f = fixture_frame(early[i]);
        set_up(&t);
        send(&t, &f);
        assert_int_equal(t.rc, PT_ESTATE);
        assert_int_equal(t.link.accepter.state, SESSION_FAILED);
        tear_down(&t);
    }
}

/* ---- items ---- */

static void make_item(struct talk *t, size_t bytes)
{
    t->item = (struct reach_item){.stage = REACH_VECTOR};
    assert_true(buf_reserve(&t->item.bytes, bytes));
    t->item.bytes.n = bytes;
    for (size_t i = 0; i < bytes; i++)
        t->item.bytes.p[i] = (uint8_t)(i * 31 >> 4);
}

static void an_item_arrives_whole(void **state)
{
    static const size_t sizes[] = {1, WIRE_PART_MAX, 2 * WIRE_PART_MAX + 5};
    static struct talk t;
    const struct digest run = fixture_digest(3);

    (void)state;
    for (size_t i = 0; i < PT_LEN(sizes); i++) {
        set_up(&t);
        make_item(&t, sizes[i]);
        assert_int_equal(reach_sender_begin(&t.sender, &t.link.opener, &run, &t.item,
                                            &t.link.to_accepter, &t.err),
                         PT_OK);
        while (reach_sender_sending(&t.sender))
            assert_int_equal(reach_sender_send(&t.sender, &t.link.to_accepter, &t.err), PT_OK);
        while (t.got.n < sizes[i]) {
            assert_false(reach_accepter_received(&t.accepter));
            assert_true(to_accepter(&t));
        }
        assert_false(reach_accepter_received(&t.accepter)); /* its sender has not signed it */
        while (to_accepter(&t) || to_opener(&t))
            assert_int_equal(t.rc, PT_OK);
        assert_true(reach_accepter_received(&t.accepter));
        assert_true(span_eq_vartime(buf_span(&t.got), buf_span(&t.item.bytes)));
        assert_int_equal(t.link.opener.state, SESSION_DONE);
        tear_down(&t);
    }
}

static void parts_follow_each_other(void **state)
{
    static const struct {
        uint64_t offset;
        size_t n;
    } bad[] = {{1, 10}, {0, 9}, {0, 11}, {10, 10}};
    static const uint8_t bytes[16];
    static struct talk t;

    (void)state;
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        struct frame share = {.kind = FRAME_REACH_SHARE};
        struct frame part = {.kind = FRAME_REACH_PART};
        set_up(&t);
        share.u.reach_share =
            (struct wire_reach_share){.run = fixture_digest(3), .stage = REACH_VECTOR, .size = 10};
        send(&t, &share);
        assert_int_equal(t.rc, PT_OK);
        part.u.reach_part = (struct wire_reach_part){bad[i].offset, span_of(bytes, bad[i].n)};
        send(&t, &part);
        assert_int_equal(t.rc, PT_EBADMSG);
        assert_false(reach_accepter_received(&t.accepter));
        tear_down(&t);
    }
}

static void what_nobody_awaits_is_not_taken(void **state)
{
    static struct talk t;
    struct frame share = {.kind = FRAME_REACH_SHARE};

    (void)state;
    set_up(&t);
    t.says = PT_EBADMSG;
    share.u.reach_share =
        (struct wire_reach_share){.run = fixture_digest(3), .stage = REACH_VECTOR, .size = 10};
    send(&t, &share);
    assert_int_equal(t.rc, PT_EBADMSG);
    tear_down(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_ready_goes_and_is_done),
        cmocka_unit_test(another_price_afterwards_is_refused),
        cmocka_unit_test(a_host_that_says_no_ends_it),
        cmocka_unit_test(a_question_that_is_not_signed_is_refused),
        cmocka_unit_test(another_run_does_not_go),
        cmocka_unit_test(out_of_turn_is_refused),
        cmocka_unit_test(an_item_arrives_whole),
        cmocka_unit_test(parts_follow_each_other),
        cmocka_unit_test(what_nobody_awaits_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
