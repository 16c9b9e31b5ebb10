/* Goal: crypto/double_mod.h computes residues and keeps its bounds, at the edges of what it takes.
 * Method: 128-bit integers, for the three primes and for 2^48 - 1, the largest q it is for. Compiled with the
 * instructions of crypto/block_avx2.c (Makefile, CFLAGS_ARCH). */
#include "crypto/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#if defined __AVX2__ && defined __FMA__

#include "crypto/double_mod.h"
#include "crypto/ring.h"

static uint64_t seed = 1;

static uint64_t next(void) /* SplitMix64 */
{
    uint64_t x = (seed += 0x9e3779b97f4a7c15ULL);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static int64_t below(int64_t bound) /* |.| <= bound, one in four at an end or beside it */
{
    const uint64_t r = next();
    const int64_t near = bound - (int64_t)(next() % 4 < (uint64_t)bound ? next() % 4 : 0);

    if (r % 4 == 0)
        return r & 4 ? near : -near;
    return (int64_t)(next() % (2 * (uint64_t)bound + 1)) - bound;
}

/* Lane 1 of four different ones, as an integer; the others are looked at too. */
static int64_t lane_of(__m256d x, int lane)
{
    double all[DM_LANES];

    _mm256_storeu_pd(all, x);
    assert_true(all[lane] == (double)(int64_t)all[lane]);
    return (int64_t)all[lane];
}

static __m256d lanes_of(const int64_t v[DM_LANES])
{
    return _mm256_setr_pd((double)v[0], (double)v[1], (double)v[2], (double)v[3]);
}

static void assert_residue(int64_t got, i128 want, uint64_t q, double bound, double *most)
{
    const double size = (double)(got < 0 ? -got : got) / (double)q;

    assert_true((want - got) % (i128)q == 0);
    assert_true(size <= bound);
    *most = size > *most ? size : *most;
}

/* a within a_most q and b within b_most q: p = |a b| / q and the bound that follows for each kind. */
static void check_products(uint64_t q, double a_most, double b_most)
{
    const struct dm m = dm_of(q);
    const double p = a_most * b_most * (double)q;
    double most[2] = {0, 0};

    for (int round = 0; round < 100000; round++) {
        int64_t a[DM_LANES];
        int64_t w[DM_LANES];
        for (int i = 0; i < DM_LANES; i++) {
            a[i] = below((int64_t)(a_most * (double)q) - 1);
            w[i] = below((int64_t)(b_most * (double)q) - 1);
        }
        const __m256d over_q = _mm256_div_pd(lanes_of(w), m.q);
        const __m256d one = dm_mul(lanes_of(a), lanes_of(w), m);
        const __m256d two = dm_mul_by(lanes_of(a), lanes_of(w), over_q, m);
        for (int i = 0; i < DM_LANES; i++) {
            const i128 want = (i128)a[i] * w[i];
            assert_residue(lane_of(one, i), want, q, 0.5 + 3 * p / 0x1p53 + 2 / (double)q,
                           &most[0]);
            assert_residue(lane_of(two, i), want, q, 0.5 + 2 * p / 0x1p53 + 2 / (double)q,
                           &most[1]);
        }
    }
    print_message("q of %2d bits, a %g, b %g: within %.3f and %.3f\n", 64 - __builtin_clzll(q),
                  a_most, b_most, most[0], most[1]);
}

static void check_single(uint64_t q)
{
    const struct dm m = dm_of(q);
    double most = 0;

    for (int round = 0; round < 100000; round++) {
        int64_t x[DM_LANES];
        int64_t y[DM_LANES];
        for (int i = 0; i < DM_LANES; i++) {
            x[i] = below((INT64_C(1) << 52) - 1);
            y[i] = below((int64_t)q - 1);
        }
        const __m256d reduced = dm_reduce(lanes_of(x), m);
        const __m256d canonical = dm_canonical(lanes_of(y), m);
        const __m256d back = dm_from(dm_to(canonical));
        for (int i = 0; i < DM_LANES; i++) {
            assert_residue(lane_of(reduced, i), x[i], q, 0.5 + 1 / (double)q, &most);
            assert_true(lane_of(canonical, i) == (y[i] < 0 ? y[i] + (int64_t)q : y[i]));
            assert_true(lane_of(back, i) == lane_of(canonical, i));
        }
    }
}

static void residues_within_bounds(void **state)
{
    static struct ring ring;

    (void)state;
    if (!cpu_usable(CPU_AVX2))
        skip();
    for (unsigned bytes = 4; bytes <= 7; bytes++) {
        uint64_t q = (UINT64_C(1) << 48) - 1;
        if (bytes < 7) {
            assert_true(ring_init(&ring, bytes));
            q = ring.q;
        }
        check_products(q, 16, 0.5); /* what is the most that block_avx2.c multiplies */
        check_products(q, 1, 1);
        check_products(q, 8, 1);
        check_single(q);
    }
}

#else

static void residues_within_bounds(void **state)
{
    (void)state;
    skip(); /* a compiler without AVX2 has no such path either */
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(residues_within_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
