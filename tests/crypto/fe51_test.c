#include "crypto/fe51.h"

#include "crypto/curve_lanes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/big_integer.h"

static struct big big_of(const struct fe *a)
{
    struct big x = {{0}};

    for (size_t i = 0; i < 5; i++)
        big_put(&x, a->v[i], 51 * i);
    big_carry(&x);
    return x;
}

static void assert_same(const struct fe *got, const struct big *want)
{
    uint8_t a[32];
    uint8_t b[32];

    fe_store(a, 32, got);
    big_reduce(b, want);
    assert_memory_equal(a, b, 32);
}

/* Limbs at the bounds that fe51.h states, then uniform below them. */
enum { CASES = 60 };
static struct fe case_below(size_t i, uint64_t limit)
{
    static const uint64_t P[5] = {FE_MASK51 - 18, FE_MASK51, FE_MASK51, FE_MASK51, FE_MASK51};
    uint8_t seed[randombytes_SEEDBYTES] = {(uint8_t)i};
    struct fe a = {{0}};

    randombytes_buf_deterministic(a.v, sizeof a.v, seed);
    for (size_t j = 0; j < 5; j++) {
        a.v[j] %= limit;
        if (i == 0)
            a.v[j] = limit - 1;
        else if (i == 1)
            a.v[j] = 0;
        else if (i < 7)
            a.v[j] = j == i - 2 ? limit - 1 : 0;
        else if (i < 12)
            a.v[j] = j == i - 7 ? 0 : limit - 1;
        else if (i < 15) /* p - 1, p, p + 1 */
            a.v[j] = P[j] + (j == 0 ? i - 13 : 0);
        else if (i == 15)
            a.v[j] = 2 * P[j] < limit ? 2 * P[j] : P[j];
    }
    return a;
}

#define TIGHT ((UINT64_C(1) << 51) + (UINT64_C(1) << 18))
#define LOOSE (UINT64_C(1) << 54)

static void assert_tight(const struct fe *a)
{
    for (size_t i = 0; i < 5; i++)
        assert_true(a->v[i] < TIGHT);
}

/* Goal: products and squares of loose elements are right and tight. */
static void products_hold_at_the_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct fe a = case_below(i, LOOSE);
        struct big x = big_of(&a);
        struct big want = big_mul(&x, &x);
        struct fe r;

        fe_sqr(&r, &a);
        assert_same(&r, &want);
        assert_tight(&r);
        for (size_t j = 0; j < CASES; j++) {
            struct fe b = case_below(j, LOOSE);
            struct big y = big_of(&b);

            want = big_mul(&x, &y);
            fe_mul(&r, &a, &b);
            assert_same(&r, &want);
            assert_tight(&r);
        }
    }
}

/* Goal: sums and differences of tight elements are right, tight or loose as stated.
 * Method: a difference d is checked as d + b = a. */
static void sums_hold_at_the_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct fe a = case_below(i, TIGHT);
        struct big x = big_of(&a);

        for (size_t j = 0; j < CASES; j++) {
            struct fe b = case_below(j, TIGHT);
            struct big y = big_of(&b);
            struct big want = big_add(&x, &y);
            struct fe r;

            fe_add(&r, &a, &b);
            assert_same(&r, &want);
            assert_tight(&r);
            fe_add_loose(&r, &a, &b);
            assert_same(&r, &want);
            void (*const sub[])(struct fe *, const struct fe *, const struct fe *) = {fe_sub,
                                                                                      fe_sub_loose};
            for (size_t s = 0; s < 2; s++) {
                sub[s](&r, &a, &b);
                struct big back = big_of(&r);
                uint8_t got[32];
                uint8_t expect[32];
                back = big_add(&back, &y);
                big_reduce(got, &back);
                big_reduce(expect, &x);
                assert_memory_equal(got, expect, 32);
                for (size_t l = 0; l < 5; l++)
                    assert_true(r.v[l] < (s == 0 ? TIGHT : LOOSE));
            }
        }
        struct fe minus;
        struct fe sum;
        fe_neg(&minus, &a);
        fe_add(&sum, &minus, &a);
        assert_true(fe_mask_zero(&sum) == UINT64_MAX);
    }
}

/* Goal: zero, sign, absolute value, selection and bytes, on every representative. */
static void predicates_and_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct fe a = case_below(i, TIGHT);
        struct big x = big_of(&a);
        struct fe r = FE_ONE;
        uint8_t canonical[32];

        big_reduce(canonical, &x);
        assert_int_equal(fe_mask_zero(&a) == UINT64_MAX, sodium_is_zero(canonical, 32));
        assert_true(fe_mask_negative(&a) == (canonical[0] & 1 ? UINT64_MAX : 0));
        fe_load(&r, canonical, 32);
        assert_same(&r, &x);
        canonical[31] |= 0x80;
        fe_load(&r, canonical, 32);
        assert_same(&r, &x);
        fe_abs(&r);
        assert_true(fe_mask_negative(&r) == 0);
        r = FE_ONE;
        fe_select(&r, &a, 0);
        assert_memory_equal(&r, &FE_ONE, sizeof r);
        fe_select(&r, &a, UINT64_MAX);
        assert_memory_equal(&r, &a, sizeof r);
    }
}

/* Goal: the constants are what RFC 9496 section 4.1 defines: d = -121665/121666, i^2 = -1,
 * INVSQRT_A_MINUS_D^2 * (-1 - d) = 1. */
static void constants_satisfy_their_definitions(void **state)
{
    struct fe num = {{121665}};
    struct fe den = {{121666}};
    struct fe t;

    (void)state;
    fe_mul(&t, &FE_D, &den);
    fe_add(&t, &t, &num);
    assert_true(fe_mask_zero(&t) == UINT64_MAX);
    fe_sqr(&t, &FE_SQRT_M1);
    fe_add(&t, &t, &FE_ONE);
    assert_true(fe_mask_zero(&t) == UINT64_MAX);
    fe_sqr(&num, &FE_INVSQRT_A_MINUS_D);
    fe_add(&den, &FE_ONE, &FE_D);
    fe_mul(&t, &num, &den);
    fe_add(&t, &t, &FE_ONE);
    assert_true(fe_mask_zero(&t) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_hold_at_the_bounds),
        cmocka_unit_test(sums_hold_at_the_bounds),
        cmocka_unit_test(predicates_and_bytes),
        cmocka_unit_test(constants_satisfy_their_definitions),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
