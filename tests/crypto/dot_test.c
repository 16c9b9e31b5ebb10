#include "crypto/dot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

enum { ROWS_ROOM = DOT_ROWS_MAX * DOT_BLOCKS_MAX * DOT_DEGREE };
enum { BLOCKS_ROOM = DOT_BLOCKS_MAX * DOT_PLANES_MAX * DOT_DEGREE };

static int8_t rows[ROWS_ROOM];
static uint8_t blocks[BLOCKS_ROOM + 1];
static int64_t expected[DOT_PLANES_MAX][DOT_ROWS_MAX], got[DOT_PLANES_MAX][DOT_ROWS_MAX];

/* The definition, product by product. */
static void by_definition(const struct dot_in *in)
{
    for (unsigned p = 0; p < in->planes; p++)
        for (size_t i = 0; i < in->row_count; i++)
            for (size_t k = 0; k < in->block_count; k++)
                for (size_t t = 0; t < DOT_DEGREE; t++)
                    expected[p][i] += (int64_t)in->blocks[(k * in->planes + p) * DOT_DEGREE + t] *
                                      in->rows[i * in->row_stride + k * DOT_DEGREE + t];
}

static void check_all_paths(const struct dot_in *in)
{
    for (unsigned p = 0; p < DOT_PLANES_MAX; p++)
        for (size_t i = 0; i < DOT_ROWS_MAX; i++)
            expected[p][i] = (int64_t)p * 1000 - (int64_t)i; /* what is there is added to */
    int64_t before[DOT_PLANES_MAX][DOT_ROWS_MAX];
    memcpy(before, expected, sizeof before);
    by_definition(in);
    for (int path = 0; path < CPU_PATH_COUNT; path++) {
        dot_fn *dot = dot_of((enum cpu_path)path);
        if (dot == NULL)
            continue;
        memcpy(got, before, sizeof got);
        dot(got, in);
        assert_memory_equal(got, expected, sizeof got);
    }
}

/* Goal: every path is the plain sum of products, whatever the shape, and touches no other sum. */
static void every_path_sums_products(void **state)
{
    static const size_t COUNTS[] = {1, 2, 3, 4, 5, 6, 7, 8, 33, DOT_ROWS_MAX};

    (void)state;
    randombytes_buf(rows, sizeof rows);
    randombytes_buf(blocks, sizeof blocks);
    for (size_t n = 0; n < sizeof COUNTS / sizeof COUNTS[0]; n++)
        for (unsigned planes = 4; planes <= DOT_PLANES_MAX; planes++) {
            size_t block_count = (n + planes) % DOT_BLOCKS_MAX + 1;
            check_all_paths(&(struct dot_in){.rows = rows,
                                             .row_count = COUNTS[n],
                                             .row_stride = DOT_BLOCKS_MAX * DOT_DEGREE,
                                             .blocks = blocks + n % 2,
                                             .next = blocks + n % 2, /* any alignment */
                                             .block_count = block_count,
                                             .planes = planes});
        }
}

/* Goal: no path's narrow sums overflow at the largest products, of either sign. */
static void extremes_are_exact(void **state)
{
    static const int8_t ENTRIES[] = {-128, 127, -1, 0};

    (void)state;
    memset(blocks, 0xff, sizeof blocks);
    for (size_t e = 0; e < sizeof ENTRIES; e++) {
        memset(rows, ENTRIES[e], sizeof rows);
        check_all_paths(&(struct dot_in){.rows = rows,
                                         .row_count = 5,
                                         .row_stride = DOT_BLOCKS_MAX * DOT_DEGREE,
                                         .blocks = blocks,
                                         .next = blocks,
                                         .block_count = DOT_BLOCKS_MAX,
                                         .planes = DOT_PLANES_MAX});
    }
}

static void the_best_path_is_usable(void **state)
{
    (void)state;
    assert_ptr_equal(dot_best(), dot_of(cpu_path()));
    assert_non_null(dot_of(CPU_PORTABLE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_sums_products),
        cmocka_unit_test(extremes_are_exact),
        cmocka_unit_test(the_best_path_is_usable),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
