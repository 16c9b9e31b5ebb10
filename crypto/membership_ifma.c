/* Compiled with AVX-512 IFMA (Makefile, CFLAGS_ARCH), and run only where there is IFMA.
 *
 * Eight slots a register. Montgomery's radix is 2^52, and m = sum / q mod 2^52: the low halves of a sum
 * of products and of m*q are equal but for the carry, so that only high ones are worked out, and q
 * keeps (sum - m*q) / 2^52 above zero: it starts in the sum. The result is at most sum/2^52 + q. Where
 * q < 2^40 that is hardly more than q and factors may be a few q; where q is of 48 bits (wide) each
 * result is brought below q. */
#include "crypto/membership.h"

#ifdef __AVX512IFMA__

#include <immintrin.h>

enum { LANES = RING_LANES, ROWS = 4 };
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

typedef __m512i vec;
struct vec2 {
    vec c0, c1;
};
struct modulus {
    vec q, qinv;
};

INLINE vec all(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}
INLINE vec load(const uint64_t *p)
{
    return _mm512_loadu_si512(p);
}
INLINE struct vec2 load2(const uint64_t *const p[2], size_t i)
{
    return (struct vec2){load(p[0] + i), load(p[1] + i)};
}
INLINE struct modulus modulus_of(const struct ring *r)
{
    return (struct modulus){all(r->q), all((0 - r->neg_qinv) & (((uint64_t)1 << 52) - 1))};
}
/* As unsigned numbers the smaller of x and x - q. */
INLINE vec less(vec x, struct modulus m, const bool wide)
{
    return wide ? _mm512_min_epu64(x, _mm512_sub_epi64(x, m.q)) : x;
}
/* lo and hi are sums of the halves of products, q in hi besides. */
INLINE vec reduce(vec lo, vec hi, struct modulus m, const bool wide)
{
    const vec zero = _mm512_setzero_si512();
    const vec factor = _mm512_madd52lo_epu64(zero, lo, m.qinv);
    const vec taken = _mm512_madd52hi_epu64(zero, factor, m.q);
    const vec sum = _mm512_add_epi64(hi, _mm512_srli_epi64(lo, 52));

    return less(_mm512_sub_epi64(sum, taken), m, wide);
}
INLINE vec mul(vec a, vec b, struct modulus m, const bool wide)
{
    const vec zero = _mm512_setzero_si512();

    return reduce(_mm512_madd52lo_epu64(zero, a, b), _mm512_madd52hi_epu64(m.q, a, b), m, wide);
}
/* a*b + c*d */
INLINE vec mul_pair(struct vec2 a, struct vec2 b, struct modulus m, const bool wide)
{
    const vec zero = _mm512_setzero_si512();
    vec lo = _mm512_madd52lo_epu64(zero, a.c0, b.c0);
    vec hi = _mm512_madd52hi_epu64(m.q, a.c0, b.c0);

    lo = _mm512_madd52lo_epu64(lo, a.c1, b.c1);
    hi = _mm512_madd52hi_epu64(hi, a.c1, b.c1);
    return reduce(lo, hi, m, wide);
}
INLINE vec times_five(vec a)
{
    return _mm512_add_epi64(a, _mm512_slli_epi64(a, 2));
}
/* five: 5 b.c1. */
INLINE struct vec2 mul2(struct vec2 a, struct vec2 b, vec five, struct modulus m, const bool wide)
{
    return (struct vec2){mul_pair(a, (struct vec2){b.c0, five}, m, wide),
                         mul_pair(a, (struct vec2){b.c1, b.c0}, m, wide)};
}

struct halves { /* of sums of products: hi * 2^52 + lo */
    vec lo, hi;
};
INLINE void add_product(struct halves *s, vec a, vec b)
{
    s->lo = _mm512_madd52lo_epu64(s->lo, a, b);
    s->hi = _mm512_madd52hi_epu64(s->hi, a, b);
}
static uint64_t gather(const struct ring *r, struct halves s)
{
    uint64_t lo[LANES];
    uint64_t hi[LANES];
    u128 sum = 0;

    _mm512_storeu_si512(lo, s.lo);
    _mm512_storeu_si512(hi, s.hi);
    for (size_t i = 0; i < LANES; i++)
        sum += ((u128)hi[i] << 52) + lo[i];
    return ring_reduce_wide(r, sum);
}

static uint64_t ifma_form(const struct ring *r)
{
    return ring_reduce(r, (uint64_t)1 << 52);
}

INLINE vec widen(const uint8_t *p)
{
    return _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

/* Four registers of slots at once: one alone would wait for its own products. Two registers hold a
 * row of a table and a permutation looks it up, whatever the class. */
INLINE void prove(const struct membership_sum *sums, const size_t count, const struct ring *r,
                  const struct membership_slots *in, const uint8_t cls[RING_DEGREE],
                  const bool wide)
{
    const struct modulus m = modulus_of(r);
    const vec zero = _mm512_setzero_si512();
    struct halves s[MEMBERSHIP_DEGREE][MEMBERSHIP_SUMS_MAX][2];

    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++)
        for (size_t k = 0; k < count; k++)
            s[d][k][0] = s[d][k][1] = (struct halves){zero, zero};
    for (size_t t = 0; t < RING_DEGREE; t += (size_t)ROWS * LANES) {
        struct vec2 power[ROWS];
        struct vec2 base[ROWS];
        vec five[ROWS];
        vec index[ROWS];
        UNROLL
        for (size_t i = 0; i < ROWS; i++) {
            power[i] = load2(in->chi, t + LANES * i);
            base[i] = load2(in->k, t + LANES * i);
            five[i] = times_five(base[i].c1);
            index[i] = widen(cls + t + LANES * i);
        }
        for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
            UNROLL
            for (size_t i = 0; i < ROWS; i++)
                power[i] = mul2(power[i], base[i], five[i], m, wide);
            UNROLL
            for (size_t k = 0; k < count; k++) {
                const vec low = load(sums[k].table->of[d]);
                const vec high = load(sums[k].table->of[d] + LANES);
                struct halves s0 = s[d][k][0];
                struct halves s1 = s[d][k][1];
                UNROLL
                for (size_t i = 0; i < ROWS; i++) {
                    const vec entry = _mm512_permutex2var_epi64(low, index[i], high);
                    add_product(&s0, power[i].c0, entry);
                    add_product(&s1, power[i].c1, entry);
                }
                s[d][k][0] = s0;
                s[d][k][1] = s1;
            }
        }
    }
    for (size_t k = 0; k < count; k++)
        for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++)
            sums[k].to[d] = field2_add(
                r, sums[k].to[d], (struct field2){gather(r, s[d][k][0]), gather(r, s[d][k][1])});
}

/* One function for each: their sums together would be too much for a stack. */
#define ALONE static __attribute__((noinline)) void
ALONE prove_one(const struct membership_sum *sums, const struct ring *r,
                const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, 1, r, in, cls, false);
}
ALONE prove_one_wide(const struct membership_sum *sums, const struct ring *r,
                     const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, 1, r, in, cls, true);
}
ALONE prove_two(const struct membership_sum *sums, const struct ring *r,
                const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, MEMBERSHIP_SUMS_MAX, r, in, cls, false);
}
ALONE prove_two_wide(const struct membership_sum *sums, const struct ring *r,
                     const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, MEMBERSHIP_SUMS_MAX, r, in, cls, true);
}

static void ifma_prove(const struct membership_sum *sums, size_t count, const struct ring *r,
                       const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    if (r->coefficient_bytes <= 5)
        (count == 1 ? prove_one : prove_two)(sums, r, in, cls);
    else
        (count == 1 ? prove_one_wide : prove_two_wide)(sums, r, in, cls);
}

/* The product of chi K, or chi, and count factors K^2 - r^2 Gamma^2, as a tree. */
INLINE struct vec2 root_product(struct vec2 k, struct vec2 chi, const struct field2 *squares,
                                const size_t count, const bool even, struct modulus m,
                                const bool wide)
{
    const struct vec2 square = {mul_pair(k, (struct vec2){k.c0, times_five(k.c1)}, m, wide),
                                mul(k.c0, _mm512_add_epi64(k.c1, k.c1), m, wide)};
    struct vec2 f[MEMBERSHIP_SQUARES_MAX + 1];

    f[0] = even ? chi : mul2(chi, k, times_five(k.c1), m, wide);
    UNROLL
    for (size_t i = 0; i < count; i++)
        f[i + 1] = (struct vec2){less(_mm512_add_epi64(square.c0, all(squares[i].c0)), m, wide),
                                 less(_mm512_add_epi64(square.c1, all(squares[i].c1)), m, wide)};
    UNROLL
    for (size_t step = 1; step <= count; step *= 2)
        UNROLL
    for (size_t i = 0; i + step <= count; i += 2 * step)
        f[i] = mul2(f[i], f[i + step], times_five(f[i + step].c1), m, wide);
    return f[0];
}

INLINE void verify(struct field2 *sum, const struct ring *r, const struct membership_slots *in,
                   const struct membership_squares *squares, const size_t count, const bool even,
                   const bool wide)
{
    const struct modulus m = modulus_of(r);
    const vec zero = _mm512_setzero_si512();
    struct vec2 s = {zero, zero}; /* 256 values under 2^49 a lane */

    for (size_t t = 0; t < RING_DEGREE; t += LANES) {
        const struct vec2 product =
            root_product(load2(in->k, t), load2(in->chi, t), squares->of, count, even, m, wide);
        s.c0 = _mm512_add_epi64(s.c0, product.c0);
        s.c1 = _mm512_add_epi64(s.c1, product.c1);
    }
    *sum = field2_add(r, *sum,
                      (struct field2){gather(r, (struct halves){s.c0, zero}),
                                      gather(r, (struct halves){s.c1, zero})});
}

INLINE void verify_any(struct field2 *sum, const struct ring *r, const struct membership_slots *in,
                       const struct membership_squares *squares, const bool wide)
{
    if (squares->even)
        verify(sum, r, in, squares, MEMBERSHIP_SQUARES_MAX, true, wide);
    else if (squares->count == MEMBERSHIP_SQUARES_MAX)
        verify(sum, r, in, squares, MEMBERSHIP_SQUARES_MAX, false, wide);
    else if (squares->count == 2)
        verify(sum, r, in, squares, 2, false, wide);
    else
        verify(sum, r, in, squares, 1, false, wide);
}

static void ifma_verify(struct field2 *sum, const struct ring *r, const struct membership_slots *in,
                        const struct membership_squares *squares)
{
    if (r->coefficient_bytes <= 5)
        verify_any(sum, r, in, squares, false);
    else
        verify_any(sum, r, in, squares, true);
}

static void ifma_fold(uint64_t *k[2], const struct ring *r, const uint8_t *planes,
                      struct field2 gamma_form2)
{
    const struct modulus m = modulus_of(r);
    const vec gamma[2] = {all(gamma_form2.c0), all(gamma_form2.c1)};

    for (size_t t = 0; t < RING_DEGREE; t += LANES) {
        vec c = _mm512_setzero_si512();
        for (unsigned p = r->coefficient_bytes; p-- > 0;)
            c = _mm512_or_si512(_mm512_slli_epi64(c, 8),
                                widen(planes + (size_t)p * RING_DEGREE + t));
        UNROLL
        for (int i = 0; i < 2; i++)
            _mm512_storeu_si512(
                k[i] + t,
                less(_mm512_add_epi64(load(k[i] + t), mul(c, gamma[i], m, true)), m, true));
    }
}

static uint64_t ifma_dot(const struct ring *r, const uint64_t *a, const uint64_t *b, size_t n)
{
    struct halves s = {_mm512_setzero_si512(), _mm512_setzero_si512()};

    for (size_t i = 0; i < n; i += LANES)
        add_product(&s, load(a + i), load(b + i));
    return gather(r, s);
}

const struct membership_ops membership_ifma = {.form = ifma_form,
                                               .prove = ifma_prove,
                                               .verify = ifma_verify,
                                               .fold = ifma_fold,
                                               .dot = ifma_dot};

#else

const struct membership_ops membership_ifma = {0};

#endif
