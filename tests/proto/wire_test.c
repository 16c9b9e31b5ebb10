/* Goal: what is encoded decodes to the same; every bound of the wire is kept both ways; nothing
 * but the one encoding is read. Method: a full value of each kind, then one defect at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/freeze.h"
#include "tests/proto_fixture.h"

static const struct point POINTS[2] = {{{1, 2, 3}}, {{4}}};

static void encode(struct buf *out, const struct frame *f)
{
    struct pt_err err = {0};

    if (wire_encode(out, f, &err) != PT_OK)
        fail_msg("%s: %s", frame_name(f->kind), err.msg);
}

/* Every kind: decoded, encoded again, the same bytes; cut anywhere or with a byte more, refused. */
static void every_kind_round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURE_KINDS; i++) {
        struct frame f = fixture_frame(fixture_kinds[i]);
        struct buf one = {0};
        struct buf two = {0};
        struct wire_in in = {0};
        struct pt_err err = {0};
        encode(&one, &f);
        assert_int_equal(wire_decode(&in, buf_span(&one), &err), PT_OK);
        assert_int_equal(in.frame.kind, fixture_kinds[i]);
        assert_int_equal(in.frame.seq, 41);
        encode(&two, &in.frame);
        assert_true(span_eq_vartime(buf_span(&one), buf_span(&two)));
        wire_in_free(&in);
        for (size_t n = 0; n < one.n; n++) {
            struct span cut = {one.p, n};
            assert_int_not_equal(wire_decode(&in, cut, &err), PT_OK);
            assert_null(in.message);
            assert_string_not_equal(err.msg, "");
        }
        assert_true(buf_u8(&one, 0));
        assert_int_not_equal(wire_decode(&in, buf_span(&one), &err), PT_OK);
        buf_free(&one);
        buf_free(&two);
    }
}

static void fields_keep_their_values(void **state)
{
    struct frame f = fixture_frame(FRAME_ANSWER);
    struct buf b = {0};
    struct wire_in in = {0};
    struct pt_err err = {0};

    (void)state;
    encode(&b, &f);
    assert_int_equal(wire_decode(&in, buf_span(&b), &err), PT_OK);
    assert_int_equal(in.frame.u.answer.size_count, 3);
    assert_true(in.frame.u.answer.sizes[0] == -5 && in.frame.u.answer.sizes[2] == INT64_MAX);
    assert_int_equal(in.frame.u.answer.charged_nano, 1);
    assert_int_equal(in.frame.u.answer.left_nano, 2);
    assert_int_equal(in.frame.u.answer.audit_position, 3);
    assert_int_equal(in.frame.u.answer.signature.b[0], 1);
    wire_in_free(&in);
    b.n = 0;
    f = fixture_frame(FRAME_EVALUATED);
    encode(&b, &f);
    assert_int_equal(wire_decode(&in, buf_span(&b), &err), PT_OK);
    assert_int_equal(in.frame.u.chunk.points.n, 2);
    assert_memory_equal(in.frame.u.chunk.points.p, POINTS, sizeof POINTS);
    assert_int_equal(in.frame.u.chunk.proof.s.b[31], 1);
    wire_in_free(&in);
    b.n = 0;
    f = fixture_frame(FRAME_QUESTION);
    encode(&b, &f);
    assert_int_equal(wire_decode(&in, buf_span(&b), &err), PT_OK);
    assert_true(span_eq_vartime(in.frame.u.question.columns[1].name, span_z("buys=dairy")));
    assert_int_equal(in.frame.u.question.columns[1].digest.b[0], 2);
    wire_in_free(&in);
    buf_free(&b);
}

/* ---- what we may not send: the same checks read what the peer sends ---- */

static char LONG[WIRE_COLUMN_NAME_MAX + 2];
static uint8_t BIG[WIRE_PART_MAX + 1];
static const uint32_t DESCENDING[2] = {4, 4};

static void bad_what(struct frame *f)
{
    f->u.greeting.what = (enum session_what)(WHAT_REACH + 1);
}
static void bad_name(struct frame *f)
{
    f->u.greeting.from = span_of(LONG, POLICY_NAME_MAX + 1);
}
static void no_name(struct frame *f)
{
    f->u.greeting.to = (struct span){0};
}
static void nul_name(struct frame *f)
{
    f->u.greeting.to = span_of("fresh\0mart", 10);
}
static void bad_build(struct frame *f)
{
    f->u.greeting.build = span_of(LONG, WIRE_BUILD_MAX + 1);
}
static void bad_reason(struct frame *f)
{
    f->u.refusal.reason = REFUSAL_COUNT;
}
static void no_reason(struct frame *f)
{
    f->u.refusal.reason = REFUSAL_NONE;
}
static void hash_with_other_reason(struct frame *f)
{
    f->u.refusal.reason = REFUSAL_BUSY;
}
static void stop_without_statement(struct frame *f)
{
    f->u.refusal = (struct wire_refusal){.reason = REFUSAL_STOPPED_BY_OFFICER};
}
static void statement_with_other_reason(struct frame *f)
{
    f->u.refusal.statement = span_z("x");
}
static void long_statement(struct frame *f)
{
    static const uint8_t bytes[FREEZE_TEXT_MAX + 1];
    f->u.refusal = (struct wire_refusal){.reason = REFUSAL_STOPPED_BY_OFFICER,
                                         .statement = span_of(bytes, sizeof bytes)};
}
static void wide_chunk(struct frame *f)
{
    f->u.batch.chunk_points = OPRF_CHUNK_MAX + 1;
}
static void no_points(struct frame *f)
{
    f->u.chunk.points.n = 0;
}
static void proof_missing(struct frame *f)
{
    f->u.chunk.has_proof = false;
}
static void proof_too_early(struct frame *f)
{
    f->u.chunk.has_proof = true;
}
static void no_parties(struct frame *f)
{
    f->u.propose.participant_count = 0;
}
static void many_parties(struct frame *f)
{
    f->u.propose.participant_count = WIRE_PARTIES_MAX + 1;
}
static void no_commits(struct frame *f)
{
    f->u.commits.count = 0;
}
static void many_reveals(struct frame *f)
{
    f->u.reveals.count = WIRE_PARTIES_MAX + 1;
}
static void long_text(struct frame *f)
{
    f->u.question.text = span_of(BIG, QUESTION_TEXT_MAX + 1);
}
static void no_columns(struct frame *f)
{
    f->u.question.column_count = 0;
}
static void descending(struct frame *f)
{
    f->u.need = (struct wire_need){DESCENDING, 2};
}
static void far_column(struct frame *f)
{
    f->u.column_part.column = WIRE_COLUMNS_MAX;
}
static void big_part(struct frame *f)
{
    f->u.column_part.data = span_of(BIG, WIRE_PART_MAX + 1);
}
static void empty_part(struct frame *f)
{
    f->u.column_part.data.n = 0;
}
static void far_row(struct frame *f)
{
    f->u.reply.row = WIRE_COLUMNS_MAX;
}
static void big_reply(struct frame *f)
{
    f->u.reply.data = span_of(BIG, WIRE_REPLY_MAX + 1);
}
static void no_sizes(struct frame *f)
{
    f->u.answer.size_count = 0;
}

static void one_signer(struct frame *f)
{
    f->u.reach_question.signatures.count = 1;
}
static void no_header(struct frame *f)
{
    f->u.reach_question.header.n = 0;
}
static void long_header(struct frame *f)
{
    f->u.reach_question.header = span_of(BIG, WIRE_HEADER_MAX + 1);
}
static void many_counts(struct frame *f)
{
    static const int64_t counts[WIRE_COUNTS_MAX + 1];
    f->u.reach_done.counts = counts;
    f->u.reach_done.count = WIRE_COUNTS_MAX + 1;
}
static void far_stage(struct frame *f)
{
    f->u.reach_share.stage = WIRE_STAGES_MAX;
}
static void big_share(struct frame *f)
{
    f->u.reach_share.size = (uint64_t)WIRE_SHARE_MAX + 1;
}
static void empty_share(struct frame *f)
{
    f->u.reach_share.size = 0;
}
static void big_share_part(struct frame *f)
{
    f->u.reach_part.data = span_of(BIG, WIRE_PART_MAX + 1);
}

static void no_note(struct frame *f)
{
    f->u.add_head.note = (struct span){0};
}
static void big_note(struct frame *f)
{
    f->u.add_head.note = span_of(BIG, WIRE_NOTE_MAX + 1);
}
static void half_a_digest(struct frame *f)
{
    f->u.add_head.proof = span_of(BIG, 48);
}
static void many_digests(struct frame *f)
{
    f->u.event_proof.proof = span_of(BIG, WIRE_HASHES_MAX + 32);
}
static void no_line(struct frame *f)
{
    f->u.head_line = (struct span){0};
}
static void big_line(struct frame *f)
{
    f->u.head_line = span_of(BIG, WIRE_NOTE_LINE_MAX + 1);
}
static void big_proof(struct frame *f)
{
    f->u.event_proof.text = span_of(BIG, WIRE_PROOF_MAX + 1);
}

static void empty_proof(struct frame *f)
{
    f->u.proof = (struct span){0};
}
static void long_proof(struct frame *f)
{
    f->u.proof = span_of(BIG, WIRE_COLUMN_PROOF_MAX + 1);
}
static void far_first(struct frame *f)
{
    f->u.proof_commit.first = WIRE_COLUMNS_MAX;
}
static void empty_batch(struct frame *f)
{
    f->u.proof_commit.count = 0;
}
static void wide_batch(struct frame *f)
{
    f->u.proof_commit.count = RLWE_COLUMNS_MAX + 1;
}
static void empty_commitment(struct frame *f)
{
    f->u.proof_part.data = (struct span){0};
}
static void big_commitment(struct frame *f)
{
    f->u.proof_part.data = span_of(BIG, WIRE_PART_MAX + 1);
}

static void bounds_hold_when_sending(void **state)
{
    static const struct {
        enum frame_kind kind;
        void (*change)(struct frame *);
    } cases[] = {
        {FRAME_HELLO, bad_what},
        {FRAME_HELLO, bad_name},
        {FRAME_HELLO, no_name},
        {FRAME_WELCOME, bad_build},
        {FRAME_REFUSAL, bad_reason},
        {FRAME_REFUSAL, no_reason},
        {FRAME_REFUSAL, hash_with_other_reason},
        {FRAME_REFUSAL, stop_without_statement},
        {FRAME_REFUSAL, statement_with_other_reason},
        {FRAME_REFUSAL, long_statement},
        {FRAME_BATCH, wide_chunk},
        {FRAME_POINTS, no_points},
        {FRAME_EVALUATED, proof_missing},
        {FRAME_POINTS, proof_too_early},
        {FRAME_PROPOSE, no_parties},
        {FRAME_PROPOSE, many_parties},
        {FRAME_COMMITS, no_commits},
        {FRAME_REVEALS, many_reveals},
        {FRAME_QUESTION, long_text},
        {FRAME_QUESTION, no_columns},
        {FRAME_NEED, descending},
        {FRAME_COLUMN_PART, far_column},
        {FRAME_COLUMN_PART, big_part},
        {FRAME_COLUMN_PART, empty_part},
        {FRAME_REPLY, far_row},
        {FRAME_REPLY, big_reply},
        {FRAME_ANSWER, no_sizes},
        {FRAME_ADD_HEAD, no_note},
        {FRAME_ADD_HEAD, big_note},
        {FRAME_ADD_HEAD, half_a_digest},
        {FRAME_EVENT_PROOF, many_digests},
        {FRAME_EVENT_PROOF, big_proof},
        {FRAME_HEAD_COSIGNED, no_line},
        {FRAME_HEAD_COSIGNED, big_line},
        {FRAME_REACH_QUESTION, one_signer},
        {FRAME_REACH_QUESTION, no_header},
        {FRAME_REACH_QUESTION, long_header},
        {FRAME_REACH_DONE, many_counts},
        {FRAME_REACH_SHARE, far_stage},
        {FRAME_REACH_SHARE, big_share},
        {FRAME_REACH_SHARE, empty_share},
        {FRAME_REACH_PART, big_share_part},
        {FRAME_PROOF_CHOICES, empty_proof},
        {FRAME_PROOF_CHOICES, long_proof},
        {FRAME_PROOF_TREES, empty_proof},
        {FRAME_PROOF_TREES, long_proof},
        {FRAME_PROOF_COMMIT, far_first},
        {FRAME_PROOF_COMMIT, empty_batch},
        {FRAME_PROOF_COMMIT, wide_batch},
        {FRAME_PROOF_PART, empty_commitment},
        {FRAME_PROOF_PART, big_commitment},
        {FRAME_PROOF_ANSWER, empty_proof},
        {FRAME_PROOF_ANSWER, long_proof},
    };
    struct buf b = {0};
    struct pt_err err = {0};

    (void)state;
    memset(LONG, 'x', sizeof LONG);
    memset(BIG, 'x', sizeof BIG);
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct frame f = fixture_frame(cases[i].kind);
        cases[i].change(&f);
        assert_int_equal(wire_encode(&b, &f, &err), PT_EBUG);
        assert_int_equal(b.n, 0);
    }
    struct frame none = {.kind = FRAME_NONE};
    assert_int_equal(wire_encode(&b, &none, &err), PT_EBUG);
    buf_free(&b);
}

/* ---- bytes that only a foreign encoder writes ---- */

static void refuse(const void *bytes, size_t n, const char *words)
{
    struct wire_in in = {0};
    struct pt_err err = {0};

    assert_int_not_equal(wire_decode(&in, span_of(bytes, n), &err), PT_OK);
    assert_null(in.message);
    if (strstr(err.msg, words) == NULL)
        fail_msg("'%s' does not say '%s'", err.msg, words);
}

static void put(uint8_t *at, const char *bytes, size_t n)
{
    memcpy(at, bytes, n);
}

static void only_one_encoding_is_read(void **state)
{
    /* EpochDone is field 27: key 0xda 0x01; its epoch_id field 1: key 0x0a. */
    uint8_t good[37] = {0xda, 0x01, 34, 0x0a, 32};
    struct wire_in in = {0};
    struct pt_err err = {0};
    uint8_t b[64];

    (void)state;
    assert_int_equal(wire_decode(&in, span_of(good, sizeof good), &err), PT_OK);
    assert_int_equal(in.frame.kind, FRAME_EPOCH_DONE);
    wire_in_free(&in);
    /* seq = 0 spelled out. */
    put(b, "\x08\x00", 2);
    memcpy(b + 2, good, sizeof good);
    refuse(b, 2 + sizeof good, "encodes it");
    /* An unknown field: 15, varint. */
    memcpy(b, good, sizeof good);
    put(b + sizeof good, "\x78\x01", 2);
    refuse(b, sizeof good + 2, "encodes it");
    /* Unknown inside the body. */
    memcpy(b, good, sizeof good);
    b[2] = 36;
    put(b + sizeof good, "\x78\x01", 2);
    refuse(b, sizeof good + 2, "encodes it");
    /* A length in two bytes where one does. */
    put(b, "\xda\x01\xa2\x00", 4);
    memcpy(b + 4, good + 3, sizeof good - 3);
    refuse(b, sizeof good + 1, "encodes it");
    /* No body; a body of another version; two bodies. */
    refuse("", 0, "without a body");
    refuse("\x08\x01", 2, "without a body");
    refuse("\x3a\x00", 2, "encodes it");
    refuse("\xa2\x01\x00\xfa\x01\x00", 6, "encodes it");
    /* 31 bytes of hash. */
    memcpy(b, good, sizeof good);
    b[2] = 33;
    b[4] = 31;
    refuse(b, sizeof good - 1, "31 bytes, not 32");
}

/* A name with a NUL inside would be compared without its tail. */
static void text_with_nul_is_refused(void **state)
{
    struct frame f = fixture_frame(FRAME_HELLO);
    struct buf b = {0};

    (void)state;
    encode(&b, &f);
    uint8_t *at = memmem(b.p, b.n, "freshmart", 9);
    assert_non_null(at);
    at[5] = 0;
    refuse(b.p, b.n, "encodes it");
    buf_free(&b);
    nul_name(&f);
    struct pt_err err = {0};
    struct wire_in in = {0};
    /* Sending one cuts it at the NUL: it is another text then, but a clean one. */
    assert_int_equal(wire_encode(&b, &f, &err), PT_OK);
    assert_int_equal(wire_decode(&in, buf_span(&b), &err), PT_OK);
    wire_in_free(&in);
    buf_free(&b);
}

/* Two bytes a message of an empty list item: what they may allocate is bounded. */
static void memory_of_a_frame_is_bounded(void **state)
{
    enum { ITEMS = 1 << 20 };
    struct buf b = {0};

    (void)state;
    /* Commits is field 22: key 0xb2 0x01, then 2^21 bytes of empty items (0x0a 0x00). */
    assert_true(buf_add(&b, "\xb2\x01\x80\x80\x80\x01", 6));
    for (size_t i = 0; i < ITEMS; i++)
        assert_true(buf_add(&b, "\x0a\x00", 2));
    refuse(b.p, b.n, "cannot be decoded");
    assert_true(buf_reserve(&b, WIRE_FRAME_MAX + 1));
    refuse(b.p, WIRE_FRAME_MAX + 1, "at most 4194304");
    buf_free(&b);
}

static void every_name_is_there(void **state)
{
    (void)state;
    for (int r = 0; r < REFUSAL_COUNT; r++)
        assert_string_not_equal(refusal_name((enum refusal)r), "unknown");
    assert_string_equal(refusal_name(REFUSAL_COUNT), "unknown");
    assert_string_equal(refusal_name(REFUSAL_AUDIENCE_TOO_SMALL), "AUDIENCE_TOO_SMALL");
    assert_string_equal(frame_name(FRAME_COLUMN_PART), "ColumnPart");
    assert_string_equal(frame_name(FRAME_NONE), "no frame");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_round_trips),   cmocka_unit_test(fields_keep_their_values),
        cmocka_unit_test(bounds_hold_when_sending), cmocka_unit_test(only_one_encoding_is_read),
        cmocka_unit_test(text_with_nul_is_refused), cmocka_unit_test(memory_of_a_frame_is_bounded),
        cmocka_unit_test(every_name_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
