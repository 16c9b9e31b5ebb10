#include "crypto/base/ct.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Goal: each mask equals the comparison it stands for, at the edges of the 64-bit range.
 * Method: all pairs of edge values against C's own operators. That they take constant time is
 * shown by tests/ct. */
static const uint64_t EDGE[] = {0,
                                1,
                                2,
                                UINT32_MAX,
                                (uint64_t)UINT32_MAX + 1,
                                INT64_MAX,
                                (uint64_t)INT64_MAX + 1,
                                (uint64_t)INT64_MAX + 2,
                                UINT64_MAX - 1,
                                UINT64_MAX};
enum { EDGES = sizeof EDGE / sizeof EDGE[0] };

static void masks_equal_comparisons(void **state)
{
    (void)state;
    for (size_t i = 0; i < EDGES; i++) {
        uint64_t a = EDGE[i];

        assert_true(ct_barrier(a) == a);
        assert_true(ct_mask_zero(a) == (a == 0 ? UINT64_MAX : 0));
        assert_true(ct_mask_top(a) == (a >> 63 != 0 ? UINT64_MAX : 0));
        for (size_t j = 0; j < EDGES; j++) {
            uint64_t b = EDGE[j];
            assert_true(ct_mask_eq(a, b) == (a == b ? UINT64_MAX : 0));
            assert_true(ct_mask_lt(a, b) == (a < b ? UINT64_MAX : 0));
            assert_true(ct_select(UINT64_MAX, a, b) == a);
            assert_true(ct_select(0, a, b) == b);
        }
    }
}

static void equal_sees_every_bit(void **state)
{
    uint8_t a[33] = {0};
    uint8_t b[33] = {0};

    (void)state;
    assert_true(ct_equal(a, b, 0));
    assert_true(ct_equal(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ct_equal(a, b, sizeof a));
        assert_int_equal(ct_equal(a, b, 32), bit >= 256);
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_equal_comparisons),
        cmocka_unit_test(equal_sees_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
