/* Goal: every code path gives the same bytes and the same sums, at the ends of all ranges too.
 * Method: each path this machine runs beside the portable one, which ring_test and the vectors of
 * lattice.kat hold to the definition; VPMADD52 drops what is over 52 bits without a word, so the
 * largest values are driven on purpose, for all three primes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypto/block.h"

static struct ring ring;
static uint64_t seed;

static uint64_t next(void) /* SplitMix64 */
{
    uint64_t x = (seed += 0x9e3779b97f4a7c15ULL);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* Kinds of input: random, and all at one end or the other. */
enum { RANDOM, LEAST, MOST, ALTERNATING, KINDS };

static void fill_residues(uint64_t a[RING_DEGREE], int kind)
{
    for (size_t i = 0; i < RING_DEGREE; i++)
        a[i] = kind == RANDOM                            ? next() % ring.q
               : kind == LEAST || (kind > MOST && i % 2) ? 0
                                                         : ring.q - 1;
}

static void fill_small(int8_t v[RING_DEGREE], int kind, int least, int most)
{
    for (size_t i = 0; i < RING_DEGREE; i++)
        v[i] = (int8_t)(kind == RANDOM ? least + (int)(next() % (uint64_t)(most - least + 1))
                        : kind == LEAST || (kind > MOST && i % 2) ? least
                                                                  : most);
}

static void reverse(uint64_t a[RING_DEGREE])
{
    for (size_t i = 0; i < RING_DEGREE / 2; i++) {
        uint64_t t = a[i];
        a[i] = a[RING_DEGREE - 1 - i];
        a[RING_DEGREE - 1 - i] = t;
    }
}

typedef void check_fn(const struct block_ops *ops);

static void on_every_path(check_fn *check)
{
    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        assert_true(ring_init(&ring, bytes));
        for (int path = 0; path < CPU_PATH_COUNT; path++) {
            const struct block_ops *ops = block_of((enum cpu_path)path);
            seed = 7 * bytes;
            if (ops != NULL)
                check(ops);
        }
    }
}

/* ---- order ---- */

static void check_order(const struct block_ops *ops)
{
    static uint64_t a[RING_DEGREE], b[RING_DEGREE];
    uint64_t sum = 0;

    for (size_t i = 0; i < RING_DEGREE; i++)
        a[i] = b[i] = i;
    ops->order(a);
    for (size_t i = 0; i < RING_DEGREE; i++) {
        assert_true(a[i] < RING_DEGREE && a[i] / 64 == i / 64);
        sum += a[i];
    }
    assert_int_equal(sum, (uint64_t)RING_DEGREE * (RING_DEGREE - 1) / 2);
    /* tau is reversal in either order */
    reverse(a);
    reverse(b);
    ops->order(b);
    assert_memory_equal(a, b, sizeof a);
}

static void order_is_a_permutation_that_keeps_reversal(void **state)
{
    (void)state;
    on_every_path(check_order);
}

/* ---- masks ---- */

static void mask_with(uint8_t *out, const struct block_ops *ops, const uint64_t a[RING_DEGREE],
                      const int8_t *s, const struct block_mask *as)
{
    static uint64_t ordered[RING_DEGREE], table[RING_DEGREE], work[RING_DEGREE];
    struct block_mask in = *as;

    memcpy(ordered, a, sizeof ordered);
    ops->order(ordered);
    ops->secret(table, &ring, s);
    in.ring = &ring;
    in.a = ordered;
    in.secret = table;
    in.work = work;
    ops->mask(out, &in);
}

static void check_mask(const struct block_ops *ops)
{
    static uint64_t a[RING_DEGREE];
    static int8_t s[RING_DEGREE], values[RING_DEGREE];
    static uint8_t bits[RING_DEGREE], got[6 * RING_DEGREE], want[6 * RING_DEGREE];
    const size_t bytes = (size_t)ring.coefficient_bytes * RING_DEGREE;

    for (int kind = 0; kind < KINDS * KINDS; kind++) {
        fill_residues(a, kind % KINDS);
        fill_small(s, kind / KINDS, -1, 1);
        fill_small(values, (kind + kind / KINDS) % KINDS, -1, 1);
        for (size_t i = 0; i < RING_DEGREE; i++)
            bits[i] = (uint8_t)(kind == 1 ? 0x0c : kind == 2 ? 0x03 : next());
        for (unsigned delta = 4; delta <= 16; delta += 12) {
            const struct block_mask in = {
                .error_bits = bits, .values = kind == 3 ? NULL : values, .delta_log2 = delta};
            mask_with(want, &block_portable, a, s, &in);
            mask_with(got, ops, a, s, &in);
            assert_memory_equal(got, want, bytes);
        }
    }
}

/* The same product, by way of mask(): without errors and values it is a * s and no more. */
static void check_factor(const struct block_ops *ops)
{
    static uint64_t a[RING_DEGREE], ordered[RING_DEGREE], table[RING_DEGREE], got[RING_DEGREE];
    static int8_t s[RING_DEGREE];
    static uint8_t bits[RING_DEGREE], want[6 * RING_DEGREE];

    for (int kind = 0; kind < KINDS * KINDS; kind++) {
        fill_residues(a, kind % KINDS);
        fill_small(s, kind / KINDS, -1, 1);
        mask_with(want, &block_portable, a, s, &(struct block_mask){.error_bits = bits});
        memcpy(ordered, a, sizeof ordered);
        ops->order(ordered);
        ring_lift(&ring, table, s);
        ops->factor(table, &ring);
        ops->product(got, &ring, ordered, table);
        for (size_t i = 0; i < RING_DEGREE; i++)
            for (unsigned p = 0; p < 8; p++)
                assert_int_equal((uint8_t)(got[i] >> 8 * p),
                                 p < ring.coefficient_bytes ? want[p * RING_DEGREE + i] : 0);
    }
    /* Factors over the whole of Z_q: (q-1) X^3 times a is -a, moved on by three. */
    fill_residues(a, RANDOM);
    memset(table, 0, sizeof table);
    table[3] = ring.q - 1;
    memcpy(ordered, a, sizeof ordered);
    ops->order(ordered);
    ops->factor(table, &ring);
    ops->product(got, &ring, ordered, table);
    ring_ntt_inverse(&ring, a);
    for (size_t i = 0; i < RING_DEGREE; i++) {
        const uint64_t from = a[(i + RING_DEGREE - 3) % RING_DEGREE];
        assert_int_equal(got[i], i < 3 ? from : (ring.q - from) % ring.q);
    }
}

static void products_are_the_same_numbers(void **state)
{
    (void)state;
    on_every_path(check_factor);
}

static void masks_are_the_same_bytes(void **state)
{
    (void)state;
    on_every_path(check_mask);
}

/* The definition, one coefficient at a time: s one coefficient, no errors, no values. X^k times a
 * is a turned by k places with signs. */
static void check_product(const struct block_ops *ops)
{
    static uint64_t values[RING_DEGREE], a[RING_DEGREE];
    static int8_t s[RING_DEGREE];
    static uint8_t bits[RING_DEGREE], got[6 * RING_DEGREE];
    const struct block_mask in = {.error_bits = bits, .delta_log2 = 16};

    for (size_t k = 0; k < RING_DEGREE; k += 409) {
        fill_residues(a, RANDOM);
        memcpy(values, a, sizeof values);
        ring_ntt(&ring, values);
        memset(s, 0, sizeof s);
        s[k] = -1;
        mask_with(got, ops, values, s, &in);
        for (size_t i = 0; i < RING_DEGREE; i++) {
            uint64_t v = 0;
            for (unsigned p = ring.coefficient_bytes; p-- > 0;)
                v = v << 8 | got[(size_t)p * RING_DEGREE + i];
            uint64_t from = a[(i + RING_DEGREE - k) % RING_DEGREE];
            uint64_t minus = (ring.q - from) % ring.q;
            assert_true(v == (i < k ? from : minus));
        }
    }
}

static void a_mask_is_the_product_of_polynomials(void **state)
{
    (void)state;
    on_every_path(check_product);
}

/* ---- sums ---- */

static void product_by_one(uint64_t out[RING_DEGREE], const struct block_ops *ops,
                           const uint64_t a[RING_DEGREE])
{
    static uint64_t ordered[RING_DEGREE], table[RING_DEGREE];

    memcpy(ordered, a, sizeof ordered);
    ops->order(ordered);
    memset(table, 0, sizeof table);
    table[0] = 1;
    ops->factor(table, &ring);
    ops->product(out, &ring, ordered, table);
}

/* Products that are all next to the same number, of either sign: sums grow in each layer of the way back
 * as they do for no other input, and nothing may run over. a times 1, whose values are all ones; and no
 * two numbers the same, whose sums would be exact beyond 2^53 too. */
static void check_growth(const struct block_ops *ops)
{
    static uint64_t a[RING_DEGREE], want[RING_DEGREE], got[RING_DEGREE];
    const uint64_t q = ring.q;
    const uint64_t ends[] = {q / 2 - 1024, q / 2 + 1, q / 2 - q / 64, q / 2 + q / 64, 0, q - 1024};

    for (size_t end = 0; end < PT_LEN(ends); end++) {
        for (size_t i = 0; i < RING_DEGREE; i++)
            a[i] = (uint64_t)((u128)(ends[end] + next() % 1024) * RING_DEGREE % q);
        product_by_one(want, &block_portable, a);
        product_by_one(got, ops, a);
        assert_memory_equal(got, want, sizeof got);
    }
}

static void products_do_not_run_over(void **state)
{
    (void)state;
    on_every_path(check_growth);
}

static void sum_with(uint64_t out[RING_DEGREE], const struct block_ops *ops,
                     const uint64_t a[RING_DEGREE], const int8_t row[RING_DEGREE], uint64_t times)
{
    static struct block_sum sum;
    static uint64_t ordered[RING_DEGREE], work[BLOCK_TERMS_MAX * RING_DEGREE];
    struct block_term terms[BLOCK_TERMS_MAX];

    memset(&sum, 0, sizeof sum);
    memcpy(ordered, a, sizeof ordered);
    ops->order(ordered);
    for (size_t t = 0; t < BLOCK_TERMS_MAX; t++)
        terms[t] = (struct block_term){row, ordered};
    for (uint64_t done = 0, n = 0; done < times; done += n) { /* now one at once, now more */
        n = n % BLOCK_TERMS_MAX + 1;
        n = times - done < n ? times - done : n;
        ops->add(&sum, work, &ring, terms, n);
    }
    ops->values(out, &sum, &ring);
}

/* More than any path takes before its sums are reduced, but the portable one, which reduces each. */
enum { ADDS_TRIED = 1 << 17 };
static void check_sum(const struct block_ops *ops)
{
    static uint64_t a[RING_DEGREE], got[RING_DEGREE], want[RING_DEGREE];
    static int8_t row[RING_DEGREE];

    for (int kind = 0; kind < KINDS * KINDS; kind++) {
        fill_residues(a, kind % KINDS);
        fill_small(row, kind / KINDS, -128, 127);
        sum_with(want, &block_portable, a, row, 1);
        sum_with(got, ops, a, row, 1);
        assert_memory_equal(got, want, sizeof got);
    }
    /* As many as may be: nothing runs over. The same numbers again and again add up, and of random ones
     * some are near every end. What is wanted is the portable path's one product, so many times. */
    const uint64_t most = ops->adds_max <= ADDS_TRIED ? ops->adds_max : 16;
    for (int kind = RANDOM; kind <= MOST; kind += MOST) {
        fill_residues(a, kind);
        fill_small(row, kind, -128, 127);
        sum_with(want, &block_portable, a, row, 1);
        for (size_t i = 0; i < RING_DEGREE; i++)
            want[i] = (uint64_t)((u128)want[i] * most % ring.q);
        sum_with(got, ops, a, row, most);
        assert_memory_equal(got, want, sizeof got);
    }
}

static void sums_are_the_same_numbers(void **state)
{
    (void)state;
    on_every_path(check_sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_a_permutation_that_keeps_reversal),
        cmocka_unit_test(masks_are_the_same_bytes),
        cmocka_unit_test(products_are_the_same_numbers),
        cmocka_unit_test(a_mask_is_the_product_of_polynomials),
        cmocka_unit_test(products_do_not_run_over),
        cmocka_unit_test(sums_are_the_same_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
