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
/* Of 2048 halves at most, 52 bits each. */
static uint64_t gather(const struct ring *r, struct halves s)
{
    uint64_t lanes[2][LANES];
    uint64_t lo = 0;
    uint64_t hi = 0;

    _mm512_storeu_si512(lanes[0], s.lo);
    _mm512_storeu_si512(lanes[1], s.hi);
    for (size_t i = 0; i < LANES; i++) {
        lo += lanes[0][i];
        hi += lanes[1][i];
    }
    return ring_reduce_wide(r, ((u128)hi << 52) + lo);
}

static uint64_t ifma_form(const struct ring *r)
{
    return ring_reduce(r, (uint64_t)1 << 52);
}

INLINE vec widen(const uint8_t *p)
{
    return _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

/* A factor that is used again and again, below q: with quotient = w * 2^52 / q, or less than two below it,
 * y * w - (y * quotient >> 52) * q is the product mod q, at most q + 3 y q / 2^52, for y < 2^52 (Harvey,
 * arXiv:1205.2926). */
struct factor {
    vec w, quotient;
};
struct shape { /* of q = 2^bits - below */
    unsigned bits;
    vec rest;    /* floor(2^52 * below / q) */
    vec minus_q; /* 2^52 - q */
};
INLINE struct shape shape_of(const struct ring *r)
{
    const unsigned bits = 8 * r->coefficient_bytes;
    const u128 below = ((uint64_t)1 << bits) - r->q;

    return (struct shape){bits, all((uint64_t)((below << 52) / r->q)),
                          all(((uint64_t)1 << 52) - r->q)};
}
/* x < 2^12 q to x mod q, for q is within 2^16 of its power of two, or 2^14 of 2^32. */
INLINE vec canonical(vec x, const struct shape *s, struct modulus m)
{
    const vec over_q = all((uint64_t)1 << (52 - s->bits)); /* floor(2^52 / q) */
    const vec times = _mm512_madd52hi_epu64(_mm512_setzero_si512(), x, over_q);
    const vec rest =
        _mm512_and_si512(_mm512_madd52lo_epu64(x, times, s->minus_q), all(((uint64_t)1 << 52) - 1));

    return _mm512_min_epu64(rest, _mm512_sub_epi64(rest, m.q));
}
/* w < q: w * 2^52 / q is t * 2^bits / q, which is t + t * below / q. */
INLINE struct factor factor_of(vec w, const struct shape *s)
{
    const vec t = _mm512_slli_epi64(w, 52 - s->bits);

    return (struct factor){w, _mm512_madd52hi_epu64(t, t, s->rest)};
}
/* a.c0 * f + a.c1 * g: low 52 bits, below 3.2 q if a is. */
INLINE vec mul_factors(struct vec2 a, struct factor f, struct factor g, const struct shape *s)
{
    const vec zero = _mm512_setzero_si512();
    const vec quotient =
        _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, a.c0, f.quotient), a.c1, g.quotient);
    const vec products = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(zero, a.c0, f.w), a.c1, g.w);

    return _mm512_madd52lo_epu64(products, quotient, s->minus_q);
}

struct base { /* k.c0, k.c1 and 5 k.c1 as factors */
    struct factor c0, c1, five;
};

struct sum2 { /* 256 values under 2^52 a lane */
    vec c0, c1;
};
INLINE struct vec2 low_bits(struct vec2 a)
{
    const vec low52 = all(((uint64_t)1 << 52) - 1);

    return (struct vec2){_mm512_and_si512(a.c0, low52), _mm512_and_si512(a.c1, low52)};
}
INLINE void add_to(struct sum2 *s, struct vec2 a)
{
    s->c0 = _mm512_add_epi64(s->c0, a.c0);
    s->c1 = _mm512_add_epi64(s->c1, a.c1);
}
INLINE void gather_to(struct field2 *to, const struct ring *r, const struct sum2 *s)
{
    const vec zero = _mm512_setzero_si512();

    *to = field2_add(r, *to,
                     (struct field2){gather(r, (struct halves){s->c0, zero}),
                                     gather(r, (struct halves){s->c1, zero})});
}

/* Four registers of slots at once: one alone would wait for its own products. Two registers hold a
 * row of a table and a permutation looks it up, whatever the class. Where the class makes no difference,
 * powers are summed and multiplied once. */
INLINE void prove(const struct membership_sum *sums, const size_t count, const struct ring *r,
                  const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    const struct modulus m = modulus_of(r);
    const struct shape shape = shape_of(r);
    const vec zero = _mm512_setzero_si512();
    struct halves s[MEMBERSHIP_DEGREE][MEMBERSHIP_SUMS_MAX][2];
    struct sum2 flat[MEMBERSHIP_DEGREE];

    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
        for (size_t k = 0; k < count; k++)
            s[d][k][0] = s[d][k][1] = (struct halves){zero, zero};
        flat[d] = (struct sum2){zero, zero};
    }
    for (size_t t = 0; t < RING_DEGREE; t += (size_t)ROWS * LANES) {
        struct vec2 power[ROWS];
        struct base base[ROWS];
        vec index[ROWS];
        UNROLL
        for (size_t i = 0; i < ROWS; i++) {
            const vec c0 = load(in->k[0] + t + LANES * i);
            const vec c1 = load(in->k[1] + t + LANES * i);
            power[i] = load2(in->chi, t + LANES * i);
            base[i] = (struct base){factor_of(c0, &shape), factor_of(c1, &shape),
                                    factor_of(canonical(times_five(c1), &shape, m), &shape)};
            index[i] = widen(cls + t + LANES * i);
        }
        for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
            UNROLL
            for (size_t i = 0; i < ROWS; i++)
                power[i] = (struct vec2){mul_factors(power[i], base[i].c0, base[i].five, &shape),
                                         mul_factors(power[i], base[i].c1, base[i].c0, &shape)};
            if (sums[0].table->flat[d] || sums[count - 1].table->flat[d]) {
                UNROLL
                for (size_t i = 0; i < ROWS; i++)
                    add_to(&flat[d], low_bits(power[i]));
            }
            UNROLL
            for (size_t k = 0; k < count; k++) {
                if (sums[k].table->flat[d])
                    continue;
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
    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
        struct field2 all = {0, 0};
        gather_to(&all, r, &flat[d]);
        for (size_t k = 0; k < count; k++) {
            const struct field2 sum =
                sums[k].table->flat[d]
                    ? field2_scale(r, all, sums[k].table->of[d][0])
                    : (struct field2){gather(r, s[d][k][0]), gather(r, s[d][k][1])};
            sums[k].to[d] = field2_add(r, sums[k].to[d], sum);
        }
    }
}

/* One function for each: their sums together would be too much for a stack. */
#define ALONE static __attribute__((noinline)) void
ALONE prove_one(const struct membership_sum *sums, const struct ring *r,
                const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, 1, r, in, cls);
}
ALONE prove_two(const struct membership_sum *sums, const struct ring *r,
                const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, MEMBERSHIP_SUMS_MAX, r, in, cls);
}

static void ifma_prove(const struct membership_sum *sums, size_t count, const struct ring *r,
                       const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    (count == 1 ? prove_one : prove_two)(sums, r, in, cls);
}

INLINE struct vec2 mul_vec2(struct vec2 a, struct vec2 b, struct modulus m, const bool wide)
{
    return mul2(a, b, times_five(b.c1), m, wide);
}
INLINE struct vec2 square_of(struct vec2 k, struct modulus m, const bool wide)
{
    return (struct vec2){mul_pair(k, (struct vec2){k.c0, times_five(k.c1)}, m, wide),
                         mul(k.c0, _mm512_add_epi64(k.c1, k.c1), m, wide)};
}

INLINE struct vec2 sum_of(struct vec2 a, struct vec2 b, struct modulus m, const bool wide)
{
    return (struct vec2){less(_mm512_add_epi64(a.c0, b.c0), m, wide),
                         less(_mm512_add_epi64(a.c1, b.c1), m, wide)};
}
/* b of F_q */
INLINE struct vec2 plus(struct vec2 a, uint64_t b, struct modulus m, const bool wide)
{
    return (struct vec2){less(_mm512_add_epi64(a.c0, all(b)), m, wide), a.c1};
}

INLINE void verify(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                   const struct membership_squares *squares, const bool wide)
{
    const struct modulus m = modulus_of(r);
    struct sum2 s = {_mm512_setzero_si512(), _mm512_setzero_si512()};

    for (size_t t = 0; t < RING_DEGREE; t += LANES) {
        const struct vec2 k = load2(in->k, t);
        const struct vec2 square = square_of(k, m, wide);
        struct vec2 product = mul_vec2(load2(in->chi, t), k, m, wide);
        for (size_t i = 0; i < squares->count; i++)
            product = mul_vec2(product, plus(square, squares->of[i], m, wide), m, wide);
        add_to(&s, product);
    }
    gather_to(to, r, &s);
}

struct checked { /* secret: of a register of slots */
    struct vec2 k, y, z, last, product;
};
enum { CHECKED = 2, DATA_SUMS = MEMBERSHIP_NEAR + 2 };
#define SIDE_BY_SIDE(i)                                                                            \
    UNROLL                                                                                         \
    for (size_t i = 0; i < CHECKED; i++)

/* Two registers of slots at once: one alone would wait for its own products. */
INLINE void verify_data(struct membership_data_sums *to, const struct ring *r,
                        const struct membership_slots *in, const struct membership_data *d,
                        const bool wide)
{
    const struct modulus m = modulus_of(r);
    const struct vec2 zero = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    struct sum2 s[DATA_SUMS];

    for (size_t i = 0; i < DATA_SUMS; i++)
        s[i] = (struct sum2){zero.c0, zero.c1};
    for (size_t t = 0; t < RING_DEGREE; t += (size_t)CHECKED * LANES) {
        struct checked c[CHECKED];
        SIDE_BY_SIDE(i)
        {
            c[i].k = load2(in->k, t + LANES * i);
            c[i].y = square_of(c[i].k, m, wide);
        }
        SIDE_BY_SIDE(i)
        {
            const struct vec2 chi = load2(in->chi, t + LANES * i);
            const struct vec2 first = plus(c[i].y, d->quartic[0], m, wide);
            c[i].z = plus(mul_vec2(first, c[i].y, m, wide), d->quartic[1], m, wide);
            c[i].last = mul_vec2(chi, plus(c[i].y, d->last, m, wide), m, wide);
        }
        SIDE_BY_SIDE(i)
        {
            const struct vec2 other = plus(sum_of(c[i].z, c[i].y, m, wide), d->quartic[2], m, wide);
            const struct vec2 quartic =
                plus(mul_vec2(other, c[i].z, m, wide), d->quartic[3], m, wide);
            c[i].product = mul_vec2(c[i].last, quartic, m, wide);
        }
        UNROLL
        for (size_t n = 0; n < DATA_SUMS; n++)
            SIDE_BY_SIDE(i)
            {
                const struct vec2 by =
                    n < MEMBERSHIP_NEAR ? plus(c[i].y, d->near[n], m, wide) : c[i].k;
                add_to(&s[n], c[i].product);
                if (n + 1 < DATA_SUMS)
                    c[i].product = mul_vec2(c[i].product, by, m, wide);
            }
    }
    for (size_t i = 0; i < DATA_SUMS; i++)
        gather_to(&to->of[i], r, &s[i]);
}

ALONE verify_narrow(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                    const struct membership_squares *squares)
{
    verify(to, r, in, squares, false);
}
ALONE verify_wide(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                  const struct membership_squares *squares)
{
    verify(to, r, in, squares, true);
}
ALONE data_narrow(struct membership_data_sums *to, const struct ring *r,
                  const struct membership_slots *in, const struct membership_data *d)
{
    verify_data(to, r, in, d, false);
}
ALONE data_wide(struct membership_data_sums *to, const struct ring *r,
                const struct membership_slots *in, const struct membership_data *d)
{
    verify_data(to, r, in, d, true);
}

static void ifma_verify(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                        const struct membership_squares *squares)
{
    (r->coefficient_bytes > 5 ? verify_wide : verify_narrow)(to, r, in, squares);
}

static void ifma_verify_data(struct membership_data_sums *to, const struct ring *r,
                             const struct membership_slots *in, const struct membership_data *d)
{
    (r->coefficient_bytes > 5 ? data_wide : data_narrow)(to, r, in, d);
}

static void ifma_add(uint64_t *l, const struct ring *r, const uint8_t *planes)
{
    const struct modulus m = modulus_of(r);

    for (size_t t = 0; t < RING_DEGREE; t += LANES) {
        vec c = _mm512_setzero_si512();
        for (unsigned p = r->coefficient_bytes; p-- > 0;)
            c = _mm512_or_si512(_mm512_slli_epi64(c, 8),
                                widen(planes + (size_t)p * RING_DEGREE + t));
        _mm512_storeu_si512(l + t, less(_mm512_add_epi64(load(l + t), c), m, true));
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
                                               .verify_data = ifma_verify_data,
                                               .add = ifma_add,
                                               .dot = ifma_dot};

#else

const struct membership_ops membership_ifma = {0};

#endif
