/* fe_lanes.h - what a field in lanes must hold at the edge of its stated bounds. The includer brings
 * the field and curve_lanes.h, and says LIMBS, LIMB_BIT (where each limb begins) and, limb by limb, the
 * bounds TIGHT, LOOSE, FIRST and SECOND (factors) and WIDE, which limbs stay below; LIMBS_SIGNED, whether
 * they go as far below zero; and limb_get() and limb_put(). Each lane holds another case. */
#ifndef PT_TESTS_FE_LANES_H
#define PT_TESTS_FE_LANES_H

#include <sodium.h>

#include "tests/big_integer.h"

enum { CASES = 3 * LIMBS + 34 };

static uint64_t limb_of_p(size_t j)
{
    const size_t next = j + 1 < LIMBS ? LIMB_BIT[j + 1] : 255;

    return (UINT64_C(1) << (next - LIMB_BIT[j])) - (j == 0 ? 19 : 1);
}

static struct big lane_value(const struct fe *a, size_t lane)
{
    struct big x = {{0}};

    for (size_t i = 0; i < LIMBS; i++) /* with 16p, limbs are positive */
        big_put(&x, limb_get(a, i, lane) + (LIMBS_SIGNED ? 16 * limb_of_p(i) : 0), LIMB_BIT[i]);
    big_carry(&x);
    return x;
}

/* Limb j of case i: at the bound, at the lower one, one limb alone at either, p (or zero, where p is too
 * large for a bound) and about it; then uniform. */
static uint64_t case_limb(size_t i, size_t j, const uint64_t limit[LIMBS])
{
    const uint64_t p = limb_of_p(j);
    const uint64_t least = LIMBS_SIGNED ? 1 - limit[j] : 0;
    uint8_t seed[randombytes_SEEDBYTES] = {(uint8_t)i, (uint8_t)j};
    uint64_t random;

    randombytes_buf_deterministic(&random, sizeof random, seed);
    if (i < 2)
        return i == 0 ? limit[j] - 1 : least;
    if (i < 2 + LIMBS)
        return i - 2 == j ? limit[j] - 1 : least;
    if (i < 2 + 2 * LIMBS)
        return i - 2 - LIMBS == j ? least : limit[j] - 1;
    if (i < 5 + 2 * LIMBS) /* p - 1, p, p + 1 */
        return (LIMBS_SIGNED ? 0 : p) + (j == 0 ? i - 3 - 2 * LIMBS : 0);
    if (i == 5 + 2 * LIMBS)
        return LIMBS_SIGNED ? 0 : limit[j] > 2 * p ? 2 * p : p;
    return random % (limit[j] - least) + least;
}

static struct fe case_of(size_t first, const uint64_t limit[LIMBS])
{
    struct fe a;

    for (size_t j = 0; j < LIMBS; j++)
        for (size_t lane = 0; lane < FE_LANES; lane++)
            limb_put(&a, j, lane, case_limb((first + lane) % CASES, j, limit));
    return a;
}

static void assert_below(const struct fe *a, const uint64_t limit[LIMBS])
{
    for (size_t j = 0; j < LIMBS; j++)
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const uint64_t least = LIMBS_SIGNED ? 1 - limit[j] : 0;
            assert_true(limb_get(a, j, lane) - least < limit[j] - least);
        }
}

/* got == want in this lane mod p, by its limbs and not by fe_store(). */
static void assert_lane(const struct fe *got, size_t lane, const struct big *want)
{
    const struct big have = lane_value(got, lane);
    uint8_t a[32];
    uint8_t b[32];

    big_reduce(a, &have);
    big_reduce(b, want);
    assert_memory_equal(a, b, 32);
}

/* Goal: products and squares are right and tight for the largest factors allowed. */
static void products_hold_at_the_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct fe a = case_of(i, FIRST);
        const struct fe s = case_of(i, SECOND);
        struct fe r;

        fe_sqr(&r, &s);
        assert_below(&r, TIGHT);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const struct big x = lane_value(&s, lane);
            const struct big want = big_mul(&x, &x);
            assert_lane(&r, lane, &want);
        }
        for (size_t j = 0; j < CASES; j += FE_LANES) {
            const struct fe b = case_of(j, SECOND);

            fe_mul(&r, &a, &b);
            assert_below(&r, TIGHT);
            for (size_t lane = 0; lane < FE_LANES; lane++) {
                const struct big x = lane_value(&a, lane);
                const struct big y = lane_value(&b, lane);
                const struct big want = big_mul(&x, &y);
                assert_lane(&r, lane, &want);
            }
        }
    }
}

/* Goal: sums and differences of tight elements are right, tight, or fit to be factors.
 * Method: a difference d is checked as d + b = a. */
static void sums_hold_at_the_bounds(void **state)
{
    void (*const sub[])(struct fe *, const struct fe *, const struct fe *) = {fe_sub, fe_sub_loose};
    void (*const add[])(struct fe *, const struct fe *, const struct fe *) = {fe_add, fe_add_loose};

    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct fe a = case_of(i, TIGHT);

        for (size_t j = 0; j < CASES; j += FE_LANES) {
            const struct fe b = case_of(j, TIGHT);

            struct fe to_square;
            fe_add_to_square(&to_square, &a, &b);
            assert_below(&to_square, SECOND);
            for (size_t loose = 0; loose < 2; loose++) {
                struct fe sum;
                struct fe minus;

                add[loose](&sum, &a, &b);
                sub[loose](&minus, &a, &b);
                assert_below(&sum, loose ? LOOSE : TIGHT);
                assert_below(&minus, loose ? LOOSE : TIGHT);
                for (size_t lane = 0; lane < FE_LANES; lane++) {
                    const struct big x = lane_value(&a, lane);
                    const struct big y = lane_value(&b, lane);
                    const struct big d = lane_value(&minus, lane);
                    const struct big want = big_add(&x, &y);
                    const struct big back = big_add(&d, &y);
                    uint8_t p[32];
                    uint8_t q[32];

                    assert_lane(&sum, lane, &want);
                    big_reduce(p, &back);
                    big_reduce(q, &x);
                    assert_memory_equal(p, q, 32);
                }
            }
        }
    }
}

/* Goal: the largest wide elements become tight and keep their value; a doubling's three-term sum,
 * which is the largest that occurs, is within them. */
static void wide_elements_narrow(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct fe a = case_of(i, WIDE);
        const struct fe f = case_of(i, SECOND);
        const struct fe g = case_of(i + FE_LANES, SECOND);
        struct fe r;
        struct fe p;
        struct fe q;

        fe_narrow_sum(&r, &a);
        assert_below(&r, TIGHT);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const struct big want = lane_value(&a, lane);
            assert_lane(&r, lane, &want);
        }
        fe_sqr_minuend(&p, &f);
        fe_sqr_wide(&q, &g);
        fe_sub_wide(&r, &p, &q);
        fe_add_wide(&q, &q, &q);
        fe_add_wide(&r, &r, &q);
        assert_below(&r, WIDE);
        fe_narrow_sum(&r, &r);
        for (size_t lane = 0; lane < FE_LANES; lane++) { /* ff - gg + 2gg */
            const struct big x = lane_value(&f, lane);
            const struct big y = lane_value(&g, lane);
            const struct big xx = big_mul(&x, &x);
            const struct big yy = big_mul(&y, &y);
            const struct big want = big_add(&xx, &yy);
            assert_lane(&r, lane, &want);
        }
    }
}

/* Goal: zero, sign and bytes, on every representative; masks say it lane by lane. */
static void predicates_and_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct fe a = case_of(i, TIGHT);
        uint8_t bytes[FE_LANES][40];
        uint8_t want[FE_LANES][40] = {{0}};
        struct fe r;

        fe_store(bytes[0], sizeof *bytes, &a);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const struct big x = lane_value(&a, lane);

            big_reduce(want[lane], &x);
            assert_memory_equal(bytes[lane], want[lane], 32);
            assert_int_equal(fe_mask_zero(&a) >> lane & 1, sodium_is_zero(want[lane], 32));
            assert_int_equal(fe_mask_negative(&a) >> lane & 1, want[lane][0] & 1);
        }
        assert_int_equal(fe_load_strict(&r, want[0], sizeof *want), 0);
        want[i % FE_LANES][31] |= 0x80;
        assert_int_equal(fe_load_strict(&r, want[0], sizeof *want), 1 << i % FE_LANES);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const struct big x = lane_value(&a, lane);
            assert_lane(&r, lane, &x);
        }
        fe_abs(&r);
        assert_int_equal(fe_mask_negative(&r), 0);
        memset(want[i % FE_LANES], 0xff, 32);
        want[i % FE_LANES][31] = 0x7f;
        want[i % FE_LANES][0] = (uint8_t)(0xed + i % 19); /* p and all that follow it below 2^255 */
        assert_int_equal(fe_load_strict(&r, want[0], sizeof *want), 1 << i % FE_LANES);
    }
}

/* Goal: lanes are chosen, exchanged and laid out in memory without touching one another. */
static void lanes_keep_apart(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 1U << FE_LANES; mask++) {
        const struct fe a = case_of(mask, TIGHT);
        const struct fe b = case_of(mask + 11, TIGHT);
        struct fe x = a;
        struct fe y = b;
        struct fe z = {0};
        struct fe p;
        struct fe q;
        struct fe r;
        _Alignas(64) uint8_t memory[FE_LANES][128];
        uint8_t *row[FE_LANES];
        const uint8_t *from[FE_LANES];

        fe_swap_if(&x, &y, (fe_mask)mask);
        fe_or(&z, &a, (fe_mask)mask);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const bool set = mask >> lane & 1;
            const struct big va = lane_value(&a, lane);
            const struct big vb = lane_value(&b, lane);
            const struct big none = {{0}};

            assert_lane(&x, lane, set ? &vb : &va);
            assert_lane(&y, lane, set ? &va : &vb);
            assert_lane(&z, lane, set ? &va : &none);
            row[lane] = memory[lane];
            from[(lane + 3) % FE_LANES] = memory[lane];
        }
        fe_store_rows(row, &a, &b, &x);
        fe_load_rows(&p, &q, &r, from);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const struct big va = lane_value(&a, lane);
            const struct big vb = lane_value(&b, lane);
            const struct big vx = lane_value(&x, lane);

            assert_lane(&p, (lane + 3) % FE_LANES, &va);
            assert_lane(&q, (lane + 3) % FE_LANES, &vb);
            assert_lane(&r, (lane + 3) % FE_LANES, &vx);
        }
        size_t first = 0;
        while (first < FE_LANES && (mask >> first & 1) == 0)
            first++;
        assert_int_equal(fe_mask_first_vartime((fe_mask)mask, FE_LANES), first);
        assert_int_equal(fe_mask_first_vartime((fe_mask)mask, 2), first < 2 ? first : 2);
    }
}

/* Goal: each lane gets the row of its own digit, or 1, 1, 0; and is told whether to take it away.
 * Method: every digit in every lane, rows of different elements. */
static void digits_find_their_rows(void **state)
{
    static _Alignas(64) uint64_t table[15][16];
    static const struct fe one = FE_CONST(1, 0, 0, 0, 0);
    static const struct fe zero = FE_CONST(0, 0, 0, 0, 0);
    struct fe want[3];
    struct fe got[3];

    (void)state;
    for (size_t j = 0; j < 16; j++) {
        _Alignas(64) uint64_t word[FE_LANES][16];
        uint8_t *row[FE_LANES];
        for (size_t e = 0; e < 3; e++)
            want[e] = case_of(3 * j + 7 * e, TIGHT);
        for (size_t lane = 0; lane < FE_LANES; lane++)
            row[lane] = (uint8_t *)word[lane];
        fe_store_rows(row, &want[0], &want[1], &want[2]);
        for (size_t i = 0; i < 15; i++)
            table[i][j] = word[0][i]; /* lane 0 of each */
    }
    for (unsigned first = 0; first < 32; first++) {
        uint8_t digit[FE_LANES];
        for (unsigned lane = 0; lane < FE_LANES; lane++)
            digit[lane] = (uint8_t)((first + 5 * lane) % 32);
        const fe_mask minus =
            fe_lookup(&got[0], &got[1], &got[2], (const uint64_t(*)[16])table, digit);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const int size = abs(digit[lane] - 16);
            assert_int_equal(minus >> lane & 1, digit[lane] < 16);
            for (size_t e = 0; e < 3; e++) {
                struct fe x = e < 2 ? one : zero;
                if (size > 0)
                    x = case_of(3 * ((size_t)size - 1) + 7 * e, TIGHT);
                const struct big v = lane_value(&x, 0);
                assert_lane(&got[e], lane, &v);
            }
        }
    }
}

/* Goal: a ladder's digit says which multiple and which sign, lane by lane. Method: every digit in every
 * lane; of the sum and difference of two products, each lane gets the one that its sign asks for. */
static void digits_say_size_and_sign(void **state)
{
    (void)state;
    for (int first = -8; first <= 8; first++) {
        const struct fe f = case_of((size_t)(first + 8), SECOND);
        const struct fe g = case_of((size_t)(first + 21), SECOND);
        int8_t digits[FE_LANES];
        fe_mask is[9];
        struct fe sum;
        struct fe difference;
        struct fe z = {0};
        struct fe p;
        struct fe q;

        for (int lane = 0; lane < FE_LANES; lane++)
            digits[lane] = (int8_t)((first + 8 + 3 * lane) % 17 - 8);
        const fe_mask minus = fe_mask_digits(is, digits);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            assert_int_equal(minus >> lane & 1, digits[lane] < 0);
            for (int j = 0; j <= 8; j++)
                assert_int_equal(is[j] >> lane & 1, abs(digits[lane]) == j);
        }
        fe_or_small(&z, 2, minus);
        fe_sqr_minuend(&p, &f);
        fe_sqr_wide(&q, &g);
        fe_both_wide(&sum, &difference, &p, &q, minus);
        fe_narrow(&sum, &sum);
        fe_narrow(&difference, &difference);
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const struct big two = {{digits[lane] < 0 ? 2 : 0}};
            const struct big x = lane_value(&f, lane);
            const struct big y = lane_value(&g, lane);
            const struct big xx = big_mul(&x, &x);
            const struct big yy = big_mul(&y, &y);
            const struct big want = big_add(&xx, &yy);

            assert_lane(&z, lane, &two);
            assert_lane(digits[lane] < 0 ? &difference : &sum, lane, &want);
        }
        fe_add(&p, &sum, &difference); /* twice f f, whichever is which */
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const struct big x = lane_value(&f, lane);
            const struct big xx = big_mul(&x, &x);
            const struct big want = big_add(&xx, &xx);
            assert_lane(&p, lane, &want);
        }
    }
}

static int run_fe_lanes(bool usable, const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_hold_at_the_bounds),
        cmocka_unit_test(sums_hold_at_the_bounds),
        cmocka_unit_test(wide_elements_narrow),
        cmocka_unit_test(predicates_and_bytes),
        cmocka_unit_test(lanes_keep_apart),
        cmocka_unit_test(digits_find_their_rows),
        cmocka_unit_test(digits_say_size_and_sign),
    };

    if (!usable) {
        print_message("not on this machine: %s\n", name);
        return 0;
    }
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
