#include "node/columns_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/columns_fixture.h"
#include "tests/vault_fixture.h"

enum { N = 9000, BUCKETS = 4, M = BUCKETS * COLUMNS_BUCKET };
static const struct digest SALT = {.b = {7, 1}};
static struct fixture fixture;
static struct vault_data *data;

static struct columns_map *place(uint64_t m)
{
    struct columns_map *map = NULL;
    struct pt_err err = {0};
    const struct columns_in in = {.data = data, .me = &fixture.partner, .salt = SALT, .m = m};

    assert_int_equal(columns_place(&map, &in, &err), PT_OK);
    return map;
}

static struct columns_view *view_of(const struct columns_map *map, const struct question *q)
{
    struct columns_view *v = NULL;
    struct pt_err err = {0};
    const struct columns_view_in in = {map, q};

    assert_int_equal(columns_view_new(&v, &in, &err), PT_OK);
    return v;
}

/* A vector of one selector; how many are selected, or a sum of squares. limbs entries a slot. */
typedef uint64_t vector_fn(int8_t *out, const struct columns_map *map,
                           const struct columns_selector *which);
static uint64_t recipient(int8_t *out, const struct columns_map *map,
                          const struct columns_selector *which)
{
    struct columns_sums sums;

    assert_int_equal(fixture_recipient(out, &sums, map, which), PT_OK);
    return sums.energy << 32 | sums.audience;
}
static uint64_t evaluator(int8_t *out, const struct columns_map *map,
                          const struct columns_selector *which)
{
    uint64_t count;

    assert_int_equal(columns_evaluator(out, map, which), PT_OK);
    assert_int_equal(columns_audience_count(&count, map, which), PT_OK);
    return count;
}
static uint64_t any(int8_t *out, const struct columns_map *map,
                    const struct columns_selector *which)
{
    assert_int_equal(columns_any((uint8_t *)out, map, which), PT_OK);
    return 0;
}
static uint64_t numbers(int8_t *out, const struct columns_map *map,
                        const struct columns_selector *which)
{
    uint64_t squares;

    assert_int_equal(columns_numbers(out, &squares, map, which), PT_OK);
    return squares;
}

/* The whole map's vector, and the same put together from views of `step` buckets. */
static void expect_parts(struct columns_view *v, const struct columns_map *map,
                         const struct columns_selector *which, vector_fn *vector, size_t step)
{
    static int8_t whole[2 * M];
    static int8_t part[2 * M];
    const size_t limbs = vector == numbers ? 2 : 1;
    const uint64_t in_all = vector(whole, map, which);
    uint64_t sum = 0;
    uint64_t kept = 0;
    struct pt_err err = {0};

    for (size_t b = 0; b < BUCKETS; b += step) {
        const size_t slots = (b + step < BUCKETS ? step : BUCKETS - b) * COLUMNS_BUCKET;
        assert_int_equal(columns_view_move(v, b * COLUMNS_BUCKET, slots, &err), PT_OK);
        assert_int_equal(columns_slots(columns_view_map(v)), slots);
        sum += vector(part, columns_view_map(v), which);
        kept += columns_kept(columns_view_map(v));
        for (size_t i = 0; i < limbs; i++)
            assert_memory_equal(part + i * slots, whole + i * M + b * COLUMNS_BUCKET, slots);
    }
    assert_int_equal(sum, in_all);
    assert_int_equal(kept, columns_kept(map));
}

/* Goal: a view's vectors are parts of the whole map's, for every kind of condition, in windows of every size; with a
 * token for all, and for all but some. */
static void views_are_parts_of_the_whole(void **state)
{
    static const struct question_filter FILTERS[] = {
        {.on = {0, FIXTURE_SPEND}, .op = FILTER_GE, .bound_micro = 20000000},
        {.on = {0, FIXTURE_SET}, .op = FILTER_EQ, .value = 66},
        {.on = {1, 7}, .op = FILTER_EQ, .value = 9}, /* somebody else's: passed over */
    };
    static const struct {
        struct columns_selector which;
        vector_fn *vector;
    } CASES[] = {
        {{0}, evaluator},
        {{.filters = FILTERS, .filter_count = 3}, evaluator},
        {{.has_category = true, .attribute = FIXTURE_SET, .value = 3}, evaluator},
        {{.has_category = true, .attribute = FIXTURE_SET, .value = 67}, recipient},
        {{.has_category = true, .attribute = FIXTURE_SEGMENT, .value = 2}, recipient},
        {{.has_counter = true, .attribute = FIXTURE_SET, .value = 1}, recipient},
        {{.has_number = true, .number = FIXTURE_SPEND}, numbers},
        {{.filters = FILTERS, .filter_count = 2, .has_number = true, .number = FIXTURE_SPEND},
         numbers},
        {{.filters = FILTERS, .filter_count = 1}, any},
    };

    (void)state;
    for (unsigned out = 0; out < 2; out++) {
        for (size_t i = 0; i < N; i += 11)
            data->has_token[i] = out == 0;
        struct columns_map *map = place(M);
        for (size_t i = 0; i < PT_LEN(CASES); i++)
            for (size_t step = 1; step <= BUCKETS; step++) {
                const struct columns_selector *which = &CASES[i].which;
                struct question q = {.kind = QUESTION_CROSSTAB,
                                     .asker = 1,
                                     .columns =
                                         which->has_number ? which->number : which->attribute,
                                     .filter_count = which->filter_count};
                if (which->filter_count > 0)
                    memcpy(q.filters, which->filters, which->filter_count * sizeof *q.filters);
                struct columns_view *v = view_of(map, &q);
                expect_parts(v, map, which, CASES[i].vector, step);
                columns_view_free(v);
            }
        columns_free(map);
    }
}

/* Fewer slots than a bucket has, and what does not begin or end with a bucket. */
static void views_begin_and_end_with_buckets(void **state)
{
    struct question q = {.kind = QUESTION_OVERLAP};
    struct pt_err err = {0};
    int8_t part[64];
    int8_t whole[64];

    (void)state;
    struct columns_map *map = place(M);
    struct columns_view *v = view_of(map, &q);
    assert_int_equal(columns_view_move(v, 1, COLUMNS_BUCKET, &err), PT_EBUG);
    assert_int_equal(columns_view_move(v, 0, COLUMNS_BUCKET - 1, &err), PT_EBUG);
    assert_int_equal(columns_view_move(v, M, 1, &err), PT_EBUG);
    assert_int_equal(columns_view_move(v, (uint64_t)2 * M, 0, &err), PT_EBUG);
    assert_int_equal(columns_view_move(v, M, 0, &err), PT_OK);
    assert_int_equal(columns_rows(columns_view_map(v)), 0);
    columns_view_free(v);
    columns_free(map);
    map = place(64);
    v = view_of(map, &q);
    assert_int_equal(columns_view_move(v, 0, 64, &err), PT_OK);
    assert_int_equal(evaluator(part, columns_view_map(v), &(struct columns_selector){0}),
                     evaluator(whole, map, &(struct columns_selector){0}));
    assert_memory_equal(part, whole, sizeof whole);
    columns_view_free(v);
    columns_view_free(NULL);
    columns_free(map);
}

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    data = fixture_data(&fixture, N, 4);
    data->columns[FIXTURE_SPEND].number[31] = (double)NAN;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vault_data_free(data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_are_parts_of_the_whole),
        cmocka_unit_test(views_begin_and_end_with_buckets),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, set_up, tear_down);
}
