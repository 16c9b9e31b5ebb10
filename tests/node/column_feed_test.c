/* Goal: the parts of the columns that are needed, in order, are what encrypting each at once gives; whoever
 * stops in the middle is not waited for; a column that cannot be made fails where it is due.
 * Method: own_columns.h and the snapshot are replaced; the ring is shorter than all the parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/column_feed.h"
#include "tests/columns_fixture.h"

enum { SLOTS = 300000, COLUMNS = 12, NONE = COLUMNS };

static uint32_t failing = NONE;

const struct columns_map *snapshot_map(const struct snapshot *s)
{
    (void)s;
    return NULL;
}

static int8_t *values_of(uint32_t column)
{
    int8_t *values = calloc(SLOTS + RLWE_DEGREE, 1);

    assert_non_null(values);
    for (size_t i = 0; i < SLOTS; i++)
        values[i] = (int8_t)((int)((i + column) % 3) - 1);
    return values;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): as the real one */
enum pt_code own_columns_packed(uint8_t *packed, struct columns_sums *sums,
                                const struct columns_map *map, const struct own_columns_which *at)
{
    int8_t *values = values_of((uint32_t)at->index);

    (void)sums;
    (void)map;
    if (at->index != failing)
        fixture_pack(packed, values, (SLOTS + RLWE_DEGREE - 1) / RLWE_DEGREE);
    free(values);
    return at->index == failing ? PT_EBUG : PT_OK;
}

enum pt_code own_columns_key(struct rlwe_key **out, const struct own_columns_in *in,
                             struct span name, const struct digest *values, struct pt_err *err)
{
    const struct key32 seed = {{name.p[0], values->b[0]}};

    (void)err;
    return rlwe_key_new(out, in->rlwe, &seed);
}

struct bed {
    struct rlwe *rlwe;
    struct own_column columns[COLUMNS];
    struct own_columns own;
    struct column_feed *feed;
};

static void set_up(struct bed *b)
{
    const struct rlwe_shape shape = {
        .set = RLWE_P40, .slot_count = SLOTS, .max_abs = SLOTS, .sigma_max = 100};
    struct pt_err err;

    *b = (struct bed){0};
    assert_int_equal(rlwe_new(&b->rlwe, &shape, &(struct digest){{7}}, &err), PT_OK);
    for (size_t i = 0; i < COLUMNS; i++)
        assert_true(buf_u8(&b->columns[i].name, (uint8_t)('a' + i)));
    b->own = (struct own_columns){
        .in = {.rlwe = b->rlwe}, .count = COLUMNS, .table_count = COLUMNS, .columns = b->columns};
    failing = NONE;
}

static void tear_down(struct bed *b)
{
    column_feed_free(b->feed);
    for (size_t i = 0; i < COLUMNS; i++) {
        buf_free(&b->columns[i].name);
        free(b->columns[i].packed);
    }
    rlwe_free(b->rlwe);
}

/* As own_columns_prepare() keeps a column's values. */
static void keep(struct bed *b, uint32_t column)
{
    struct own_column *c = &b->columns[column];
    const size_t bytes = (size_t)rlwe_block_count(b->rlwe) * PACKED_BLOCK;
    int8_t *values = values_of(column);

    c->packed = malloc(bytes);
    assert_non_null(c->packed);
    fixture_pack(c->packed, values, rlwe_block_count(b->rlwe));
    packed_digest(&c->content, c->packed, rlwe_block_count(b->rlwe));
    epoch_values_digest(&c->values, values, SLOTS);
    free(values);
}

static void begin(struct bed *b, const uint32_t *need, size_t n)
{
    const struct column_feed_in in = {&b->own, need, n};
    struct pt_err err;

    assert_int_equal(column_feed_new(&b->feed, &in, &err), PT_OK);
}

static void expect_column(struct bed *b, uint32_t column)
{
    const size_t bytes = rlwe_column_bytes(b->rlwe);
    int8_t *values = values_of(column);
    uint8_t *want = malloc(bytes);
    struct rlwe_key *key;
    struct digest digest;
    struct span got;
    struct pt_err err;

    assert_non_null(want);
    epoch_values_digest(&digest, values, SLOTS);
    assert_int_equal(
        own_columns_key(&key, &b->own.in, buf_span(&b->columns[column].name), &digest, &err),
        PT_OK);
    for (uint64_t k = 0; k <= rlwe_block_count(b->rlwe); k++)
        assert_int_equal(
            rlwe_encrypt_block(want + k * rlwe_block_bytes(b->rlwe), b->rlwe, key, k,
                               k < rlwe_block_count(b->rlwe) ? values + k * RLWE_DEGREE : NULL),
            PT_OK);
    for (size_t at = 0; at < bytes; at += WIRE_PART_MAX) {
        const struct ask_part part = {column, at,
                                      bytes - at < WIRE_PART_MAX ? bytes - at : WIRE_PART_MAX};
        assert_int_equal(column_feed_part(b->feed, &got, &part, &err), PT_OK);
        assert_int_equal(got.n, part.bytes);
        assert_memory_equal(got.p, want + at, got.n);
    }
    rlwe_key_free(key);
    free(want);
    free(values);
}

static void parts_are_the_columns(void **state)
{
    static const uint32_t NEED[] = {0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11};
    struct bed b;
    const struct ask_part more = {0, 0, 1};
    struct span got;
    struct pt_err err;

    (void)state;
    set_up(&b);
    assert_true(PT_LEN(NEED) * (rlwe_column_bytes(b.rlwe) / WIRE_PART_MAX + 1) > COLUMN_FEED_AHEAD);
    begin(&b, NEED, PT_LEN(NEED));
    for (size_t i = 0; i < PT_LEN(NEED); i++)
        expect_column(&b, NEED[i]);
    assert_int_equal(column_feed_part(b.feed, &got, &more, &err), PT_EBUG);
    assert_null(got.p);
    tear_down(&b);
}

/* What was kept is not made again, and gives the same; what has changed meanwhile is not encrypted. */
static void kept_values_serve_as_well(void **state)
{
    static const uint32_t NEED[] = {2, 5, 6};
    const struct ask_part due = {6, 0, WIRE_PART_MAX};
    struct bed b;
    struct span got;
    struct pt_err err;

    (void)state;
    set_up(&b);
    keep(&b, 5);
    keep(&b, 6);
    b.columns[6].packed[PACKED_BLOCK] ^= 1;
    begin(&b, NEED, PT_LEN(NEED));
    expect_column(&b, 2);
    expect_column(&b, 5);
    assert_int_equal(column_feed_part(b.feed, &got, &due, &err), PT_EBUG);
    assert_string_equal(err.msg, "a column's values have changed while they were kept");
    tear_down(&b);
}

static void one_may_stop(void **state)
{
    static const uint32_t NEED[COLUMNS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    struct bed b;

    (void)state;
    column_feed_free(NULL);
    for (size_t read = 0; read < 3; read++) {
        set_up(&b);
        begin(&b, NEED, COLUMNS);
        for (uint32_t i = 0; i < read; i++)
            expect_column(&b, i);
        tear_down(&b);
    }
}

static void failures_are_told_in_their_place(void **state)
{
    static const uint32_t NEED[] = {3, 5};
    static const struct ask_part WRONG[] = {
        {4, 0, WIRE_PART_MAX}, {3, 1, WIRE_PART_MAX}, {3, 0, WIRE_PART_MAX - 1}};
    const struct ask_part due = {5, 0, WIRE_PART_MAX};
    struct bed b;
    struct span got;
    struct pt_err err = {0};

    (void)state;
    set_up(&b);
    failing = 5;
    begin(&b, NEED, PT_LEN(NEED));
    expect_column(&b, 3);
    assert_int_equal(column_feed_part(b.feed, &got, &due, &err), PT_EBUG);
    assert_string_equal(err.msg, "own columns could not be made");
    tear_down(&b);
    for (size_t i = 0; i < PT_LEN(WRONG); i++) {
        set_up(&b);
        begin(&b, NEED, PT_LEN(NEED));
        assert_int_equal(column_feed_part(b.feed, &got, &WRONG[i], &err), PT_EBUG);
        assert_string_equal(err.msg, "another part of the columns is next");
        tear_down(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_the_columns), cmocka_unit_test(kept_values_serve_as_well),
        cmocka_unit_test(one_may_stop), cmocka_unit_test(failures_are_told_in_their_place)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
