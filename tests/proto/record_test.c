/* Goal: what a session said is written and read back entry by entry, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/record.h"
#include "tests/proto_fixture.h"

static const uint8_t SOME[] = "some bytes";

static struct record_entry entry(enum record_kind kind)
{
    struct record_entry e = {.kind = kind};

    if (kind == RECORD_HEAD)
        e.head = (struct record_head){.opener = true,
                                      .what = WHAT_ASK,
                                      .peer = "drinkco",
                                      .build = "patto/1",
                                      .nonce = fixture_digest(1),
                                      .policy = fixture_digest(2),
                                      .epoch_id = fixture_digest(3),
                                      .key_period = 7,
                                      .began_us = 1ULL << 50};
    if (kind == RECORD_NOTE || kind == RECORD_RECEIVED || kind == RECORD_SENT_WHOLE)
        e.bytes = span_of(SOME, sizeof SOME);
    if (kind == RECORD_RECEIVED_PART)
        e.part = (struct transcript_part){1, 2, 1ULL << 40, WIRE_PART_MAX};
    if (kind == RECORD_SENT || kind == RECORD_SENT_WHOLE) {
        e.frame = kind == RECORD_SENT ? FRAME_REPLY : FRAME_ANSWER;
        e.chain = fixture_digest(4);
    }
    if (kind == RECORD_END) {
        e.state = SESSION_FAILED;
        e.refusal = REFUSAL_QUOTA;
    }
    return e;
}

static enum pt_code parse(struct record_entry *out, const struct buf *b)
{
    struct pt_err err = {0};

    return record_parse(out, b->p[0], span_of(b->p + RECORD_OVERHEAD, b->n - RECORD_OVERHEAD),
                        &err);
}

static void entries_come_back(void **state)
{
    (void)state;
    for (int kind = RECORD_HEAD; kind <= RECORD_END; kind++) {
        struct record_entry e = entry((enum record_kind)kind);
        struct record_entry back;
        struct buf b = {0};
        struct buf again = {0};
        assert_true(record_put(&b, &e));
        assert_int_equal(load_u32le(b.p + 1), b.n - RECORD_OVERHEAD);
        assert_int_equal(parse(&back, &b), PT_OK);
        assert_int_equal(back.kind, e.kind);
        assert_string_equal(back.head.peer, e.head.peer);
        assert_memory_equal(back.chain.b, e.chain.b, 32);
        assert_true(span_eq_vartime(back.bytes, e.bytes));
        assert_memory_equal(&back.part, &e.part, sizeof e.part);
        assert_true(record_put(&again, &back));
        assert_true(span_eq_vartime(buf_span(&again), buf_span(&b)));
        buf_free(&b);
        buf_free(&again);
    }
}

/* Method: each entry of fixed form a byte shorter and longer, and one wrong field at a time. */
static void malformed_entries_are_refused(void **state)
{
    static const struct {
        enum record_kind kind;
        size_t at; /* in the body */
        uint8_t value;
    } WRONG[] = {
        {RECORD_HEAD, 0, 9},                 /* version */
        {RECORD_HEAD, 4, 2},                 /* opener */
        {RECORD_HEAD, 5, WHAT_REACH + 1},    /* what */
        {RECORD_HEAD, 6, 200},               /* length of the peer's name */
        {RECORD_RECEIVED_PART, 23, 1},       /* longer than a part may be */
        {RECORD_SENT, 0, FRAME_ANSWER},      /* a small frame is kept whole */
        {RECORD_SENT_WHOLE, 0, FRAME_REPLY}, /* bulk is not */
        {RECORD_END, 0, SESSION_FAILED + 1},
        {RECORD_END, 1, REFUSAL_COUNT},
    };
    static const enum record_kind FIXED[] = {RECORD_HEAD, RECORD_RECEIVED_PART, RECORD_SENT,
                                             RECORD_END};
    struct record_entry back;

    (void)state;
    for (size_t i = 0; i < PT_LEN(WRONG); i++) {
        struct record_entry e = entry(WRONG[i].kind);
        struct buf b = {0};
        assert_true(record_put(&b, &e));
        b.p[RECORD_OVERHEAD + WRONG[i].at] = WRONG[i].value;
        assert_int_equal(parse(&back, &b), PT_EBADMSG);
        buf_free(&b);
    }
    for (size_t i = 0; i < PT_LEN(FIXED); i++) {
        struct record_entry e = entry(FIXED[i]);
        struct buf b = {0};
        assert_true(record_put(&b, &e));
        b.n--;
        assert_int_equal(parse(&back, &b), PT_EBADMSG);
        b.n++;
        assert_true(buf_u8(&b, 0));
        assert_int_equal(parse(&back, &b), PT_EBADMSG);
        b.p[0] = 99;
        assert_int_equal(parse(&back, &b), PT_EBADMSG);
        buf_free(&b);
    }
}

/* What a watch gives: every kind of frame, sent and received. */
static void frames_become_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURE_KINDS; i++) {
        const struct frame f = fixture_frame(fixture_kinds[i]);
        const struct digest chain = fixture_digest(5);
        struct session_said said = {
            .sent = true, .frame = &f, .bytes = span_of(SOME, sizeof SOME), .chain = &chain};
        struct record_entry e;
        struct record_entry back;
        struct buf b = {0};
        record_of_said(&e, &said);
        assert_true(record_put(&b, &e));
        assert_int_equal(parse(&back, &b), PT_OK);
        assert_int_equal(back.frame, f.kind);
        assert_memory_equal(back.chain.b, chain.b, 32);
        said.sent = false;
        b.n = 0;
        record_of_said(&e, &said);
        assert_int_equal(e.kind,
                         f.kind == FRAME_COLUMN_PART ? RECORD_RECEIVED_PART : RECORD_RECEIVED);
        assert_true(record_put(&b, &e));
        assert_int_equal(parse(&back, &b), PT_OK);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(malformed_entries_are_refused),
        cmocka_unit_test(frames_become_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
