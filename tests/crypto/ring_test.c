#include "crypto/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reference arithmetic: one operation, one division. */
static uint64_t mul(uint64_t a, uint64_t b, uint64_t q)
{
    return (uint64_t)((u128)a * b % q);
}
static uint64_t power(uint64_t a, uint64_t e, uint64_t q)
{
    uint64_t p = 1;
    for (uint64_t i = 0; i < e; i++)
        p = mul(p, a, q);
    return p;
}
static bool divides_some(uint64_t n, uint64_t limit)
{
    for (uint64_t d = 2; d <= limit && d * d <= n; d++)
        if (n % d == 0)
            return true;
    return false;
}
static unsigned reversed(unsigned i)
{
    unsigned v = 0;
    for (int b = 0; b < 11; b++)
        v |= (i >> b & 1) << (10 - b);
    return v;
}

/* splitmix64: test data only. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

struct polys {
    struct ring r;
    uint64_t a[RING_DEGREE], b[RING_DEGREE], got[RING_DEGREE], want[RING_DEGREE];
};

static int make(void **state)
{
    *state = calloc(1, sizeof(struct polys));
    return *state == NULL;
}
static int unmake(void **state)
{
    free(*state);
    return 0;
}

static void randomise(struct polys *p, uint64_t seed)
{
    for (size_t i = 0; i < RING_DEGREE; i++) {
        p->a[i] = next(&seed) % p->r.q;
        p->b[i] = next(&seed) % p->r.q;
    }
}

/* q is the largest prime 1 mod 4096 of its width, psi a primitive 4096th root. */
static void primes_and_roots_are_right(void **state)
{
    struct polys *p = *state;

    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        assert_true(ring_init(&p->r, bytes));
        uint64_t q = p->r.q;
        assert_int_equal(p->r.coefficient_bytes, bytes);
        assert_int_equal(q >> (8 * bytes - 1), 1);
        assert_int_equal(q % 4096, 1);
        assert_false(divides_some(q, UINT64_MAX));
        for (uint64_t above = q + 4096; above >> 8 * bytes == 0; above += 4096)
            assert_true(divides_some(above, UINT64_MAX));
        /* Order divides 4096 = 2^12 and is not 2048: then it is 4096. */
        assert_true(power(p->r.psi, 2048, q) == q - 1);
    }
    assert_false(ring_init(&p->r, 3));
    assert_false(ring_init(&p->r, 7));
}

/* Goal: place i holds the value at psi^(2*brv(i)+1). Method: Horner's rule at each place. */
static void values_come_in_canonical_order(void **state)
{
    struct polys *p = *state;

    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        assert_true(ring_init(&p->r, bytes));
        randomise(p, bytes);
        memcpy(p->got, p->a, sizeof p->a);
        ring_ntt(&p->r, p->got);
        for (unsigned i = 0; i < RING_DEGREE; i += 31) {
            uint64_t x = power(p->r.psi, 2 * reversed(i) + 1, p->r.q);
            uint64_t v = 0;
            for (size_t n = RING_DEGREE; n-- > 0;)
                v = (mul(v, x, p->r.q) + p->a[n]) % p->r.q;
            assert_true(p->got[i] == v);
        }
        ring_ntt_inverse(&p->r, p->got);
        assert_memory_equal(p->got, p->a, sizeof p->a);
    }
}

static void schoolbook(struct polys *p)
{
    for (size_t n = 0; n < RING_DEGREE; n++) {
        u128 plus = 0; /* 2048 products below 2^96 */
        u128 minus = 0;
        for (size_t i = 0; i < RING_DEGREE; i++) {
            if (i <= n)
                plus += (u128)p->a[i] * p->b[n - i];
            else
                minus += (u128)p->a[i] * p->b[n + RING_DEGREE - i];
        }
        p->want[n] = (uint64_t)((plus % p->r.q + p->r.q - minus % p->r.q) % p->r.q);
    }
}

/* Goal: pointwise products of values are negacyclic products of coefficients, at the extremes of
 * the coefficients' range too. */
static void products_match_schoolbook(void **state)
{
    struct polys *p = *state;

    for (unsigned bytes = 4; bytes <= 6; bytes++)
        for (int extreme = 0; extreme < 2; extreme++) {
            assert_true(ring_init(&p->r, bytes));
            randomise(p, 10 + bytes);
            for (size_t i = 0; i < RING_DEGREE && extreme; i++)
                p->a[i] = p->b[i] = p->r.q - 1;
            schoolbook(p);
            ring_ntt(&p->r, p->a);
            ring_ntt(&p->r, p->b);
            for (size_t i = 0; i < RING_DEGREE; i++)
                p->got[i] = ring_mul_mont(&p->r, p->a[i], ring_to_mont(&p->r, p->b[i]));
            ring_ntt_inverse(&p->r, p->got);
            assert_memory_equal(p->got, p->want, sizeof p->want);
        }
}

/* tau: X -> 1/X negates and reverses coefficients 1..2047; on values it is reversal. */
static void tau_is_reversal(void **state)
{
    struct polys *p = *state;

    assert_true(ring_init(&p->r, 5));
    randomise(p, 5);
    p->a[17] = 0;
    p->b[0] = p->a[0];
    for (size_t i = 1; i < RING_DEGREE; i++)
        p->b[RING_DEGREE - i] = (p->r.q - p->a[i]) % p->r.q;
    ring_ntt(&p->r, p->a);
    ring_ntt(&p->r, p->b);
    for (size_t i = 0; i < RING_DEGREE; i++)
        assert_true(p->b[i] == p->a[RING_DEGREE - 1 - i]);
}

static void reductions_are_exact(void **state)
{
    struct polys *p = *state;
    static const u128 TOP = (u128)1 << 127;

    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        assert_true(ring_init(&p->r, bytes));
        uint64_t q = p->r.q;
        uint64_t seed = bytes;
        const uint64_t edge[] = {0,
                                 1,
                                 q - 1,
                                 q,
                                 q + 1,
                                 2 * q,
                                 UINT64_MAX / q * q - 1,
                                 UINT64_MAX / q * q,
                                 UINT64_MAX,
                                 (uint64_t)INT64_MAX,
                                 (uint64_t)INT64_MAX + 1};
        for (size_t i = 0; i < 5000; i++) {
            uint64_t x = i < PT_LEN(edge) ? edge[i] : next(&seed) >> i % 64;
            assert_true(ring_reduce(&p->r, x) == x % q);
            i128 signed_rest = (i128)(int64_t)x % (i128)q;
            assert_true(ring_reduce_signed(&p->r, (int64_t)x) ==
                        (uint64_t)(signed_rest < 0 ? signed_rest + (i128)q : signed_rest));
            u128 wide = (u128)next(&seed) << 64 | x;
            assert_true(ring_reduce_wide(&p->r, wide) == (uint64_t)(wide % q));
            assert_true(ring_add(&p->r, x % q, q - 1) == (x % q + q - 1) % q);
        }
        assert_true(ring_reduce_wide(&p->r, 2 * TOP - 1) == (uint64_t)((TOP + (TOP - 1)) % q));
    }
}

static void small_numbers_lift(void **state)
{
    struct polys *p = *state;
    static int8_t v[RING_DEGREE];

    assert_true(ring_init(&p->r, 4));
    for (size_t i = 0; i < RING_DEGREE; i++)
        v[i] = (int8_t)((int)(i % 256) - 128);
    ring_lift(&p->r, p->got, v);
    for (size_t i = 0; i < RING_DEGREE; i++)
        assert_true((p->got[i] + 128) % p->r.q == i % 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(primes_and_roots_are_right),
        cmocka_unit_test(values_come_in_canonical_order),
        cmocka_unit_test(products_match_schoolbook),
        cmocka_unit_test(tau_is_reversal),
        cmocka_unit_test(reductions_are_exact),
        cmocka_unit_test(small_numbers_lift),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
