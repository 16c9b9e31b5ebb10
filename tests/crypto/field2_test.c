/* Goal: F_q[w]/(w^2-5) is the field it is said to be, where it is said to be one.
 * Method: schoolbook products with 128-bit division; orders of elements; Euler's criterion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/field2.h"
#include "tests/inner_bed.h"

static struct ring ring;

static uint64_t product(uint64_t a, uint64_t b)
{
    return (uint64_t)((u128)a * b % ring.q);
}
/* The i-th test number: the ends first. */
static uint64_t number(uint64_t i)
{
    return i == 0 ? 0 : i == 1 ? 1 : i == 2 ? ring.q - 1 : bed_mixed(i) % ring.q;
}
static struct field2 element(uint64_t i)
{
    return (struct field2){number(i % 7), number(i / 7 % 7)};
}

static void five_is_a_square_for_p32_alone(void **state)
{
    (void)state;
    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        assert_true(ring_init(&ring, bytes));
        uint64_t power = 1;
        for (uint64_t e = (ring.q - 1) / 2, base = 5; e > 0; e >>= 1, base = product(base, base))
            if (e & 1)
                power = product(power, base);
        assert_true(power == 1 || power == ring.q - 1);
        assert_int_equal(field2_exists(&ring), power == ring.q - 1);
        assert_int_equal(field2_exists(&ring), bytes != 4);
    }
}

static void products_match_schoolbook(void **state)
{
    (void)state;
    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        assert_true(ring_init(&ring, bytes));
        for (uint64_t i = 0; i < 49; i++)
            for (uint64_t j = 0; j < 49; j++) {
                const struct field2 a = element(i);
                const struct field2 b = element(j);
                const struct field2 got = field2_mul(&ring, a, b);
                assert_int_equal(got.c0,
                                 (product(a.c0, b.c0) + product(5, product(a.c1, b.c1))) % ring.q);
                assert_int_equal(got.c1, (product(a.c0, b.c1) + product(a.c1, b.c0)) % ring.q);
                const struct field2 sum = field2_add(&ring, a, b);
                assert_int_equal(sum.c0, (a.c0 + b.c0) % ring.q);
                assert_int_equal(sum.c1, (a.c1 + b.c1) % ring.q);
                assert_int_equal(ring_sub(&ring, a.c0, b.c0), (a.c0 + ring.q - b.c0) % ring.q);
                const struct field2 scaled = field2_scale(&ring, a, b.c0);
                assert_int_equal(scaled.c0, product(a.c0, b.c0));
                assert_int_equal(scaled.c1, product(a.c1, b.c0));
            }
    }
}

/* a^q is a's conjugate, and a^(q+1) its norm, which is in F_q and not zero: so a has an inverse. */
static void elements_have_inverses(void **state)
{
    (void)state;
    for (unsigned bytes = 5; bytes <= 6; bytes++) {
        assert_true(ring_init(&ring, bytes));
        for (uint64_t i = 1; i < 49; i++) {
            const struct field2 a = element(i);
            struct field2 power = {1, 0};
            if (a.c0 == 0 && a.c1 == 0)
                continue;
            for (int bit = 48; bit >= 0; bit--) {
                power = field2_power(&ring, power, 2);
                if (ring.q >> bit & 1)
                    power = field2_mul(&ring, power, a);
            }
            assert_int_equal(power.c0, a.c0);
            assert_int_equal(power.c1, (ring.q - a.c1) % ring.q);
            const struct field2 norm = field2_mul(&ring, power, a);
            assert_int_equal(norm.c1, 0);
            const struct field2 one = field2_mul(&ring, a, field2_inverse(&ring, a));
            assert_int_equal(one.c0, 1);
            assert_int_equal(one.c1, 0);
            assert_int_not_equal(norm.c0, 0);
        }
        assert_int_equal(field2_power(&ring, element(9), 0).c0, 1);
        assert_int_equal(field2_inverse(&ring, (struct field2){0, 0}).c0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_is_a_square_for_p32_alone),
        cmocka_unit_test(products_match_schoolbook),
        cmocka_unit_test(elements_have_inverses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
