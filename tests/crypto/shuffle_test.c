/* Goal: permutations are uniform bijections, masks cancel, dummies have their law and no order.
 * Method: all 24 orders of four places counted over many keys; moments and chi-squares against the
 * exact law of the cut discrete Gaussian. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/shuffle.h"

static struct key32 key_of(uint32_t n)
{
    struct key32 k = {{0}};
    store_u32le(k.b, n);
    return k;
}

static void a_permutation_keeps_every_value(void **state)
{
    enum { N = 100000 };
    uint8_t *x = calloc(N, 1);
    size_t before[256] = {0};
    size_t after[256] = {0};
    size_t fixed = 0;
    struct key32 k = key_of(1);

    (void)state;
    assert_non_null(x);
    for (size_t i = 0; i < N; i++)
        before[x[i] = (uint8_t)(i * 7 >> 3)]++;
    assert_int_equal(shuffle_permute(x, N, &k), PT_OK);
    for (size_t i = 0; i < N; i++) {
        after[x[i]]++;
        fixed += x[i] == (uint8_t)(i * 7 >> 3);
    }
    assert_memory_equal(before, after, sizeof before);
    /* One place in 256 holds what it held: 391 +- 20. */
    assert_in_range(fixed, 290, 490);
    assert_int_equal(shuffle_permute(x, 0, &k), PT_OK);
    assert_int_equal(shuffle_permute(x, 1, &k), PT_OK);
    assert_int_equal(shuffle_permute(x, (size_t)SHUFFLE_BYTES_MAX + 1, &k), PT_ELIMIT);
    free(x);
}

/* 23 degrees of freedom: beyond 60 once in 30,000. */
static void all_orders_are_equally_likely(void **state)
{
    enum { RUNS = 48000 };
    size_t seen[256] = {0};
    size_t orders = 0;
    double chi = 0;

    (void)state;
    for (uint32_t i = 0; i < RUNS; i++) {
        uint8_t x[4] = {0, 1, 2, 3};
        struct key32 k = key_of(i);
        assert_int_equal(shuffle_permute(x, 4, &k), PT_OK);
        seen[x[0] * 64 + x[1] * 16 + x[2] * 4 + x[3]]++;
    }
    for (size_t i = 0; i < PT_LEN(seen); i++) {
        if (seen[i] == 0)
            continue;
        orders++;
        chi += ((double)seen[i] - RUNS / 24.0) * ((double)seen[i] - RUNS / 24.0) / (RUNS / 24.0);
    }
    assert_int_equal(orders, 24);
    assert_true(chi < 60);
}

/* Both nodes of a pair apply the same permutation and mask to their shares: what is shared stays. */
static void shares_stay_shares(void **state)
{
    enum { N = 5000 };
    static uint8_t plain[N], one[N], two[N];
    struct key32 seed = key_of(1);
    struct key32 order = key_of(2);
    struct key32 again = key_of(3);

    (void)state;
    for (size_t i = 0; i < N; i++)
        plain[i] = two[i] = (uint8_t)(i % 7);
    memset(one, 0, N);
    assert_int_equal(shuffle_mask(one, N, &seed), PT_OK);
    assert_int_equal(shuffle_mask(two, N, &seed), PT_OK);
    assert_memory_not_equal(two, plain, N);
    uint8_t *const shares[] = {one, two};
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(shuffle_permute(shares[k], N, &order), PT_OK);
        assert_int_equal(shuffle_mask(shares[k], N, &again), PT_OK);
        shuffle_bits(shares[k], N, 7);
    }
    assert_int_equal(shuffle_permute(plain, N, &order), PT_OK);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(one[i] ^ two[i], plain[i]);
}

static void an_unused_bit_carries_no_tag(void **state)
{
    uint8_t x[3] = {0x80 | 5, 7, 0xff};

    (void)state;
    shuffle_bits(x, 3, 7);
    assert_int_equal(x[0], 5);
    assert_int_equal(x[1], 7);
    assert_int_equal(x[2], 7);
}

/* P(g) proportional to exp(-g^2 / 2v) on [-mean, mean]. */
static void dummies_have_their_law(void **state)
{
    enum { RUNS = 4000, CELLS = 8 };
    /* rho 0.001: sigma_node^2 = 500, mean 500 (PROTOCOL.md 6) */
    const struct shuffle_dummies d = {.cells = CELLS, .mean = 500, .v = {500, 1}};
    struct buf out = {0};
    double sum = 0;
    double square = 0;
    size_t first[CELLS] = {0};

    (void)state;
    for (uint32_t i = 0; i < RUNS; i++) {
        struct key32 k = key_of(i);
        double count[CELLS] = {0};
        assert_int_equal(shuffle_dummies(&out, &d, &k), PT_OK);
        for (size_t j = 0; j < out.n; j++) {
            assert_true(out.p[j] < CELLS);
            count[out.p[j]]++;
        }
        first[out.p[0]]++;
        for (size_t c = 0; c < CELLS; c++) {
            assert_true(count[c] >= 1 && count[c] <= 1000);
            sum += count[c] - 500;
            square += (count[c] - 500) * (count[c] - 500);
        }
    }
    buf_free(&out);
    const double n = RUNS * CELLS;
    assert_true(fabs(sum / n) < 4 * sqrt(500 / n));
    assert_true(fabs(square / n / 500 - 1) < 4 * sqrt(2 / n));
    double chi = 0; /* 7 degrees of freedom: beyond 32 once in 25,000 */
    for (size_t c = 0; c < CELLS; c++)
        chi += ((double)first[c] - RUNS / 8.0) * ((double)first[c] - RUNS / 8.0) / (RUNS / 8.0);
    assert_true(chi < 32);
}

/* A cut close to sigma: every value from -3 to 3 as often as the law says. */
static void the_cut_is_where_it_is_said(void **state)
{
    enum { RUNS = 20000 };
    const struct shuffle_dummies d = {.cells = 2, .mean = 3, .v = {4, 1}};
    struct buf out = {0};
    double seen[7] = {0};
    double total = 0;
    double chi = 0;

    (void)state;
    for (uint32_t i = 0; i < RUNS; i++) {
        struct key32 k = key_of(i);
        size_t ones = 0;
        assert_int_equal(shuffle_dummies(&out, &d, &k), PT_OK);
        for (size_t j = 0; j < out.n; j++)
            ones += out.p[j];
        assert_true(ones <= 6);
        seen[ones]++;
    }
    buf_free(&out);
    for (int g = -3; g <= 3; g++)
        total += exp(-g * g / 8.0);
    for (int g = -3; g <= 3; g++) {
        double expected = RUNS * exp(-g * g / 8.0) / total;
        chi += (seen[g + 3] - expected) * (seen[g + 3] - expected) / expected;
    }
    assert_true(chi < 30); /* 6 degrees of freedom: once in 25,000 */
}

static void the_same_key_has_the_same_dummies(void **state)
{
    const struct shuffle_dummies d = {.cells = 8, .mean = 50, .v = {81, 2}};
    struct key32 k = key_of(9);
    struct key32 other = key_of(10);
    struct buf a = {0};
    struct buf b = {0};

    (void)state;
    assert_int_equal(shuffle_dummies(&a, &d, &k), PT_OK);
    assert_int_equal(shuffle_dummies(&b, &d, &k), PT_OK);
    assert_true(span_eq_vartime(buf_span(&a), buf_span(&b)));
    assert_int_equal(shuffle_dummies(&b, &d, &other), PT_OK);
    assert_false(span_eq_vartime(buf_span(&a), buf_span(&b)));
    buf_free(&a);
    buf_free(&b);
}

static void what_is_out_of_range_is_refused(void **state)
{
    static const struct shuffle_dummies bad[] = {
        {.cells = 1, .mean = 5, .v = {4, 1}},  {.cells = 257, .mean = 5, .v = {4, 1}},
        {.cells = 4, .mean = 0, .v = {4, 1}},  {.cells = 4, .mean = 65537, .v = {4, 1}},
        {.cells = 4, .mean = 5, .v = {26, 1}}, {.cells = 4, .mean = 5, .v = {4, 0}},
        {.cells = 4, .mean = 5, .v = {0, 1}},
    };
    struct key32 k = key_of(1);
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        assert_int_equal(shuffle_dummies(&out, &bad[i], &k), PT_ELIMIT);
        assert_int_equal(out.n, 0);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_permutation_keeps_every_value),
        cmocka_unit_test(all_orders_are_equally_likely),
        cmocka_unit_test(shares_stay_shares),
        cmocka_unit_test(an_unused_bit_carries_no_tag),
        cmocka_unit_test(dummies_have_their_law),
        cmocka_unit_test(the_cut_is_where_it_is_said),
        cmocka_unit_test(the_same_key_has_the_same_dummies),
        cmocka_unit_test(what_is_out_of_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
