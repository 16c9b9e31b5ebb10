#include "crypto/scalar.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>

static const uint8_t ORDER[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                  0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

/* Case i: 0, 1, 2, q-1, q-2, digits of 7, 8 and f, then uniform. */
static struct scalar scalar_case(size_t i)
{
    static const uint8_t FILL[] = {0x77, 0x88, 0xff, 0x78, 0x87};
    uint8_t seed[randombytes_SEEDBYTES] = {(uint8_t)i};
    struct scalar s = {{0}};
    uint8_t wide[64];

    if (i < 3) {
        s.b[0] = (uint8_t)i;
    } else if (i < 5) {
        memcpy(s.b, ORDER, 32);
        s.b[0] = (uint8_t)(s.b[0] - (i - 2));
    } else if (i < 10) {
        memset(s.b, FILL[i - 5], 31);
        s.b[31] = 0x0f;
    } else {
        randombytes_buf_deterministic(wide, sizeof wide, seed);
        crypto_core_ristretto255_scalar_reduce(s.b, wide);
    }
    return s;
}

/* Goal: digits are in range, and what they sum to is half the scalar.  Method: Horner's rule mod q in
 * libsodium, and twice the sum. */
static void digits_sum_to_half_the_scalar(void **state)
{
    (void)state;
    for (size_t i = 0; i < 250; i++) {
        const struct scalar k = scalar_case(i);
        struct scalar sum = {{0}};
        struct scalar_digits d;

        scalar_recode_half(&d, &k);
        for (int j = SCALAR_DIGITS - 1; j >= 0; j--) {
            struct scalar digit = {{0}};

            assert_in_range(d.d[j] + 8, 0, j == SCALAR_DIGITS - 1 ? 16 : 15);
            digit.b[0] = (uint8_t)(d.d[j] < 0 ? -d.d[j] : d.d[j]);
            for (int t = 0; t < 4; t++)
                crypto_core_ristretto255_scalar_add(sum.b, sum.b, sum.b);
            if (d.d[j] < 0)
                crypto_core_ristretto255_scalar_sub(sum.b, sum.b, digit.b);
            else
                crypto_core_ristretto255_scalar_add(sum.b, sum.b, digit.b);
        }
        crypto_core_ristretto255_scalar_add(sum.b, sum.b, sum.b);
        assert_memory_equal(sum.b, k.b, 32);
    }
}

/* Goal: the same for windows, and for half of a scalar. */
static void windows_sum_to_the_scalar(void **state)
{
    (void)state;
    for (size_t i = 0; i < 250; i++) {
        const struct scalar k = scalar_case(i);
        const struct scalar sixteen = {{16}};
        struct scalar sum = {{0}};
        struct scalar_windows d;
        struct scalar half;

        scalar_recode_windows(&d, &k);
        for (size_t j = SCALAR_WINDOWS; j-- > 0;) {
            const struct scalar digit = {{d.d[j]}};

            assert_in_range(d.d[j], 0, 31);
            for (int t = 0; t < SCALAR_WINDOW_BITS; t++)
                crypto_core_ristretto255_scalar_add(sum.b, sum.b, sum.b);
            crypto_core_ristretto255_scalar_add(sum.b, sum.b, digit.b);
            crypto_core_ristretto255_scalar_sub(sum.b, sum.b, sixteen.b);
        }
        assert_memory_equal(sum.b, k.b, 32);
        scalar_half(&half, &k);
        assert_true(scalar_is_canonical_vartime(&half));
        crypto_core_ristretto255_scalar_add(half.b, half.b, half.b);
        assert_memory_equal(half.b, k.b, 32);
    }
}

/* Goal: the ring laws tie the operations together: (a + b*c) - b*c = a, a * 1/a = 1. */
static void operations_obey_the_laws(void **state)
{
    struct scalar one = scalar_case(1);
    struct scalar zero = scalar_case(0);
    struct scalar t;
    uint8_t wide[64] = {0};

    (void)state;
    for (size_t i = 1; i < 60; i++) {
        struct scalar a = scalar_case(i);
        struct scalar b = scalar_case(i + 1);
        struct scalar c = scalar_case(i + 2);

        scalar_muladd(&t, &a, &b, &c);
        scalar_mulsub(&t, &t, &b, &c);
        if (i < 5 || i > 9) /* fills are not reduced below q by us */
            assert_memory_equal(t.b, a.b, 32);
        scalar_muladd(&t, &zero, &b, &c);
        scalar_mul(&b, &b, &c);
        assert_memory_equal(t.b, b.b, 32);
        scalar_invert(&t, &a);
        scalar_mul(&t, &t, &a);
        assert_memory_equal(t.b, one.b, 32);
    }
    scalar_invert(&t, &zero);
    assert_memory_equal(t.b, zero.b, 32);
    memcpy(wide, ORDER, 32);
    scalar_reduce(&t, wide);
    assert_memory_equal(t.b, zero.b, 32);
}

/* Upper means k > q - k. At the edge: (q+1)/2 is the inverse of 2, and q less that is below it. */
static void halves_are_told_apart(void **state)
{
    static const struct scalar two = {{2}};
    struct scalar edge;
    struct scalar below;

    (void)state;
    assert_int_equal(crypto_core_ristretto255_scalar_invert(edge.b, two.b), 0);
    crypto_core_ristretto255_scalar_negate(below.b, edge.b);
    assert_true(scalar_is_upper_half_vartime(&edge));
    assert_false(scalar_is_upper_half_vartime(&below));
    for (size_t i = 0; i < 200; i++) {
        struct scalar k = scalar_case(i);
        struct scalar minus;
        int order = 0;
        crypto_core_ristretto255_scalar_negate(minus.b, k.b);
        for (size_t b = 32; b-- > 0 && order == 0;)
            order = k.b[b] - minus.b[b];
        assert_int_equal(scalar_is_upper_half_vartime(&k), order > 0);
    }
}

static void only_reduced_scalars_are_canonical(void **state)
{
    struct scalar q;

    (void)state;
    memcpy(q.b, ORDER, 32);
    assert_false(scalar_is_canonical_vartime(&q));
    q.b[0]--;
    assert_true(scalar_is_canonical_vartime(&q));
    q.b[0] += 2;
    assert_false(scalar_is_canonical_vartime(&q));
    memset(q.b, 0xff, 32);
    assert_false(scalar_is_canonical_vartime(&q));
    q.b[31] = 0x0f;
    assert_true(scalar_is_canonical_vartime(&q));
    memcpy(q.b, ORDER, 32);
    q.b[20] = 1;
    assert_false(scalar_is_canonical_vartime(&q));
    q.b[20] = 0;
    q.b[15] = 0;
    assert_true(scalar_is_canonical_vartime(&q));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_sum_to_half_the_scalar),
        cmocka_unit_test(windows_sum_to_the_scalar),
        cmocka_unit_test(operations_obey_the_laws),
        cmocka_unit_test(halves_are_told_apart),
        cmocka_unit_test(only_reduced_scalars_are_canonical),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
