/* Compiled with AVX-512 IFMA (Makefile, CFLAGS_ARCH), and run only where there is IFMA.
 *
 * Eight values a register, each below 4q < 2^50: VPMADD52 looks at the low 52 bits of its factors
 * and no others, so that bound is what everything here keeps. Butterflies are Harvey's
 * (arXiv:1205.2926) with quotients of 52 bits: w' = floor(w * 2^52 / q), and y * w - (y * w' >> 52) * q
 * lies in [0, 2q) for any y < 2^52.
 *
 * Order: place 64g + 8r + b holds what is canonical place 64g + 8b + r. The first eight layers pair
 * whole registers; then each group of 64 is transposed and the last three do too. */
#include "crypto/block.h"

#ifdef __AVX512IFMA__

#include <immintrin.h>
#include <string.h>

enum { LANES = 8, GROUP = 64, GROUPS = RING_DEGREE / GROUP };
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

typedef __m512i vec;

INLINE vec all(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}
INLINE vec load(const uint64_t *p)
{
    return _mm512_loadu_si512(p);
}
INLINE void store(uint64_t *p, vec x)
{
    _mm512_storeu_si512(p, x);
}

struct modulus {
    vec q, q2, low52;
};
INLINE struct modulus modulus_of(const struct ring *r)
{
    return (struct modulus){all(r->q), all(2 * r->q), all(((uint64_t)1 << 52) - 1)};
}

struct root { /* w and floor(w * 2^52 / q), eight times the same or a lane each */
    vec w, quotient;
};
INLINE struct root root_all(struct ring_root w)
{
    return (struct root){all(w.w), all(w.w_shoup >> 12)};
}
INLINE struct root root_lanes(const uint64_t w[2][LANES])
{
    return (struct root){load(w[0]), load(w[1])};
}

/* x - m where that is not negative: as unsigned numbers the smaller of both. */
INLINE vec less(vec x, vec m)
{
    return _mm512_min_epu64(x, _mm512_sub_epi64(x, m));
}

/* w * y mod q, below 2q, for y < 2^52. */
INLINE vec times(vec y, struct root w, struct modulus m)
{
    const vec zero = _mm512_setzero_si512();
    vec quotient = _mm512_madd52hi_epu64(zero, w.quotient, y);
    vec product = _mm512_madd52lo_epu64(zero, w.w, y);
    return _mm512_and_si512(_mm512_sub_epi64(product, _mm512_madd52lo_epu64(zero, quotient, m.q)),
                            m.low52);
}

/* x, y < 4q: x + w*y and x - w*y, both < 4q. */
INLINE void forward(vec *x, vec *y, struct root w, struct modulus m)
{
    vec a = less(*x, m.q2);
    vec b = times(*y, w, m);
    *x = _mm512_add_epi64(a, b);
    *y = _mm512_sub_epi64(_mm512_add_epi64(a, m.q2), b);
}
/* x, y < 2q: x + y and (x - y) * w, both < 2q. */
INLINE void backward(vec *x, vec *y, struct root w, struct modulus m)
{
    vec sum = _mm512_add_epi64(*x, *y);
    vec difference = _mm512_sub_epi64(_mm512_add_epi64(*x, m.q2), *y);
    *x = less(sum, m.q2);
    *y = times(difference, w, m);
}

/* v[i] lane j becomes v[j] lane i. */
INLINE void transpose(vec v[LANES])
{
    vec a[LANES];
    vec b[LANES];

    UNROLL
    for (int i = 0; i < LANES; i += 2) {
        a[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
    UNROLL
    for (int i = 0; i < LANES; i += 4) {
        b[i] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0x88);
        b[i + 1] = _mm512_shuffle_i64x2(a[i + 1], a[i + 3], 0x88);
        b[i + 2] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0xdd);
        b[i + 3] = _mm512_shuffle_i64x2(a[i + 1], a[i + 3], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        v[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x88);
        v[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xdd);
    }
}

static void ifma_order(uint64_t a[RING_DEGREE])
{
    for (size_t g = 0; g < RING_DEGREE; g += GROUP) {
        vec v[LANES];
        UNROLL
        for (size_t i = 0; i < LANES; i++)
            v[i] = load(a + g + LANES * i);
        transpose(v);
        UNROLL
        for (size_t i = 0; i < LANES; i++)
            store(a + g + LANES * i, v[i]);
    }
}

/* Three layers over eight registers: pairs 4 apart, 2 apart, next to each other. */
struct three {
    struct root w[7];
};
INLINE void forward_three(vec x[LANES], const struct three *t, struct modulus m)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        forward(&x[i], &x[i + 4], t->w[0], m);
    UNROLL
    for (int i = 0; i < 4; i++)
        forward(&x[(i & 2) * 2 + (i & 1)], &x[(i & 2) * 2 + (i & 1) + 2], t->w[1 + i / 2], m);
    UNROLL
    for (int i = 0; i < 4; i++)
        forward(&x[2 * i], &x[2 * i + 1], t->w[3 + i], m);
}
INLINE void backward_three(vec x[LANES], const struct three *t, struct modulus m)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        backward(&x[2 * i], &x[2 * i + 1], t->w[3 + i], m);
    UNROLL
    for (int i = 0; i < 4; i++)
        backward(&x[(i & 2) * 2 + (i & 1)], &x[(i & 2) * 2 + (i & 1) + 2], t->w[1 + i / 2], m);
    UNROLL
    for (int i = 0; i < 4; i++)
        backward(&x[i], &x[i + 4], t->w[0], m);
}
/* Roots first, 2*first.., 4*first.. of a table in the order of ring.h. */
INLINE struct three three_all(const struct ring_root *root, size_t first)
{
    struct three t;

    t.w[0] = root_all(root[first]);
    UNROLL
    for (size_t i = 0; i < 2; i++)
        t.w[1 + i] = root_all(root[2 * first + i]);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        t.w[3 + i] = root_all(root[4 * first + i]);
    return t;
}
INLINE struct three three_lanes(const uint64_t lanes[7][2][LANES])
{
    struct three t;

    UNROLL
    for (int i = 0; i < 7; i++)
        t.w[i] = root_lanes(lanes[i]);
    return t;
}

/* Layers 4 and 5 of the eight eighths: pairs 128 apart, then 64. */
INLINE void forward_two(uint64_t *d, const struct ring_root *root, size_t eighth, struct modulus m)
{
    const struct root w = root_all(root[8 + eighth]);
    const struct root w0 = root_all(root[16 + 2 * eighth]);
    const struct root w1 = root_all(root[17 + 2 * eighth]);

    for (size_t i = 0; i < GROUP; i += LANES) {
        vec x[4];
        for (size_t k = 0; k < 4; k++)
            x[k] = load(d + i + GROUP * k);
        forward(&x[0], &x[2], w, m);
        forward(&x[1], &x[3], w, m);
        forward(&x[0], &x[1], w0, m);
        forward(&x[2], &x[3], w1, m);
        for (size_t k = 0; k < 4; k++)
            store(d + i + GROUP * k, x[k]);
    }
}
INLINE void backward_two(uint64_t *d, const struct ring_root *root, size_t eighth, struct modulus m)
{
    const struct root w = root_all(root[8 + eighth]);
    const struct root w0 = root_all(root[16 + 2 * eighth]);
    const struct root w1 = root_all(root[17 + 2 * eighth]);

    for (size_t i = 0; i < GROUP; i += LANES) {
        vec x[4];
        for (size_t k = 0; k < 4; k++)
            x[k] = load(d + i + GROUP * k);
        backward(&x[0], &x[1], w0, m);
        backward(&x[2], &x[3], w1, m);
        backward(&x[0], &x[2], w, m);
        backward(&x[1], &x[3], w, m);
        for (size_t k = 0; k < 4; k++)
            store(d + i + GROUP * k, x[k]);
    }
}

/* Coefficients < q to values < 4q, in this path's order. */
static void ntt(uint64_t a[RING_DEGREE], const struct ring *r)
{
    const struct modulus m = modulus_of(r);
    const struct three top = three_all(r->root, 1);

    for (size_t i = 0; i < RING_DEGREE / LANES; i += LANES) {
        vec x[LANES];
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            x[k] = load(a + i + RING_DEGREE / LANES * k);
        forward_three(x, &top, m);
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            store(a + i + RING_DEGREE / LANES * k, x[k]);
    }
    for (size_t k = 0; k < LANES; k++)
        forward_two(a + RING_DEGREE / LANES * k, r->root, k, m);
    for (size_t g = 0; g < GROUPS; g++) {
        uint64_t *d = a + GROUP * g;
        const struct three outer = three_all(r->root, GROUPS + g);
        const struct three inner = three_lanes(r->lanes[g]);
        vec x[LANES];
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            x[k] = load(d + LANES * k);
        forward_three(x, &outer, m);
        transpose(x);
        forward_three(x, &inner, m);
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            store(d + LANES * k, x[k]);
    }
}

/* Values < 2q to 2048 times the coefficients, < 2q. */
static void ntt_inverse(uint64_t a[RING_DEGREE], const struct ring *r)
{
    const struct modulus m = modulus_of(r);
    const struct three top = three_all(r->root_inverse, 1);

    for (size_t g = 0; g < GROUPS; g++) {
        uint64_t *d = a + GROUP * g;
        const struct three outer = three_all(r->root_inverse, GROUPS + g);
        const struct three inner = three_lanes(r->lanes_inverse[g]);
        vec x[LANES];
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            x[k] = load(d + LANES * k);
        backward_three(x, &inner, m);
        transpose(x);
        backward_three(x, &outer, m);
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            store(d + LANES * k, x[k]);
    }
    for (size_t k = 0; k < LANES; k++)
        backward_two(a + RING_DEGREE / LANES * k, r->root_inverse, k, m);
    for (size_t i = 0; i < RING_DEGREE / LANES; i += LANES) {
        vec x[LANES];
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            x[k] = load(a + i + RING_DEGREE / LANES * k);
        backward_three(x, &top, m);
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            store(a + i + RING_DEGREE / LANES * k, x[k]);
    }
}

/* a * b / 2^52 mod q, in (0, 2q), for a * b < 2^52 q: the low halves of a*b and of m*q are equal by
 * the choice of m, so only the high ones are left. */
INLINE vec times_mont(vec a, vec b, vec qinv, struct modulus m)
{
    const vec zero = _mm512_setzero_si512();
    vec factor = _mm512_madd52lo_epu64(zero, _mm512_madd52lo_epu64(zero, a, b), qinv);
    vec high = _mm512_madd52hi_epu64(zero, a, b);
    return _mm512_add_epi64(_mm512_sub_epi64(high, _mm512_madd52hi_epu64(zero, factor, m.q)), m.q);
}

INLINE vec widen(const int8_t *p)
{
    return _mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

/* v, or v + q where v is negative. */
INLINE void lift(uint64_t out[RING_DEGREE], const int8_t v[RING_DEGREE], struct modulus m)
{
    for (size_t i = 0; i < RING_DEGREE; i += LANES) {
        vec x = widen(v + i);
        store(out + i, _mm512_min_epu64(x, _mm512_add_epi64(x, m.q)));
    }
}

/* Values * 2^52 / 2048: Montgomery's form for 52 bits, and the inverse transform's factor with it. */
static void ifma_factor(uint64_t table[RING_DEGREE], const struct ring *r)
{
    ntt(table, r);
    for (size_t i = 0; i < RING_DEGREE; i++)
        table[i] = ring_mul_mont(r, ring_less(ring_less(table[i], 2 * r->q), r->q),
                                 r->to_mont52_over_degree);
}

static void ifma_secret(uint64_t table[RING_DEGREE], const struct ring *r,
                        const int8_t s[RING_DEGREE])
{
    lift(table, s, modulus_of(r));
    ifma_factor(table, r);
}

/* out < 2q. */
INLINE void multiply(uint64_t out[RING_DEGREE], const struct ring *r, const uint64_t a[RING_DEGREE],
                     const uint64_t table[RING_DEGREE])
{
    const struct modulus m = modulus_of(r);
    const vec qinv = all((0 - r->neg_qinv) & (((uint64_t)1 << 52) - 1));

    for (size_t i = 0; i < RING_DEGREE; i += LANES)
        store(out + i, times_mont(load(a + i), load(table + i), qinv, m));
    ntt_inverse(out, r);
}

static void ifma_product(uint64_t out[RING_DEGREE], const struct ring *r,
                         const uint64_t a[RING_DEGREE], const uint64_t table[RING_DEGREE])
{
    const struct modulus m = modulus_of(r);

    multiply(out, r, a, table);
    for (size_t i = 0; i < RING_DEGREE; i += LANES)
        store(out + i, less(load(out + i), m.q));
}

/* Centred binomial, eta = 2, 64 at once: how many of bits 0 and 1 are set, less bits 2 and 3. */
INLINE void errors(int8_t out[RING_DEGREE], const uint8_t bits[RING_DEGREE])
{
    const vec ones = _mm512_set1_epi8(0x55);
    const vec two = _mm512_set1_epi8(3);

    for (size_t i = 0; i < RING_DEGREE; i += 64) {
        vec x = _mm512_loadu_si512(bits + i);
        vec counts = _mm512_sub_epi8(x, _mm512_and_si512(_mm512_srli_epi16(x, 1), ones));
        vec plus = _mm512_and_si512(counts, two);
        vec minus = _mm512_and_si512(_mm512_srli_epi16(counts, 2), two);
        _mm512_storeu_si512(out + i, _mm512_sub_epi8(plus, minus));
    }
}

INLINE void put(uint8_t *out, vec v, const unsigned planes)
{
    UNROLL
    for (unsigned p = 0; p < planes; p++)
        _mm_storel_epi64((__m128i *)(void *)(out + (size_t)p * RING_DEGREE),
                         _mm512_cvtepi64_epi8(_mm512_srli_epi64(v, 8 * p)));
}

INLINE void finish(uint8_t *out, const struct block_mask *in, const int8_t e[RING_DEGREE],
                   const unsigned planes)
{
    const struct modulus m = modulus_of(in->ring);
    const __m128i shift = _mm_cvtsi32_si128((int)in->delta_log2);

    for (size_t i = 0; i < RING_DEGREE; i += LANES) {
        vec v = _mm512_add_epi64(_mm512_add_epi64(load(in->work + i), m.q), widen(e + i));
        if (in->values != NULL)
            v = _mm512_add_epi64(v, _mm512_sll_epi64(widen(in->values + i), shift));
        put(out + i, less(less(v, m.q2), m.q), planes); /* under 4q: 3q + 2^16 + 2 */
    }
}

static void ifma_mask(uint8_t *out, const struct block_mask *in)
{
    const struct ring *r = in->ring;
    int8_t e[RING_DEGREE];

    multiply(in->work, r, in->a, in->secret);
    errors(e, in->error_bits);
    if (r->coefficient_bytes == 4)
        finish(out, in, e, 4);
    else if (r->coefficient_bytes == 5)
        finish(out, in, e, 5);
    else
        finish(out, in, e, 6);
    explicit_bzero(e, sizeof e);
}

/* lo and hi are sums of the halves of products, 52 bits each: hi * 2^52 + lo. */
static void ifma_add(struct block_sum *sum, uint64_t work[RING_DEGREE], const struct ring *r,
                     const int8_t row[RING_DEGREE], const uint64_t a[RING_DEGREE])
{
    lift(work, row, modulus_of(r));
    ntt(work, r);
    for (size_t i = 0; i < RING_DEGREE; i += LANES) {
        vec x = load(work + i);
        vec y = load(a + i);
        store(sum->lo + i, _mm512_madd52lo_epu64(load(sum->lo + i), x, y));
        store(sum->hi + i, _mm512_madd52hi_epu64(load(sum->hi + i), x, y));
    }
}

static void ifma_values(uint64_t out[RING_DEGREE], const struct block_sum *sum,
                        const struct ring *r)
{
    for (size_t i = 0; i < RING_DEGREE; i++)
        out[i] = ring_reduce_wide(r, ((u128)sum->hi[i] << 52) + sum->lo[i]);
    ifma_order(out); /* its own inverse */
}

const struct block_ops block_ifma = {.order = ifma_order,
                                     .secret = ifma_secret,
                                     .factor = ifma_factor,
                                     .product = ifma_product,
                                     .mask = ifma_mask,
                                     .add = ifma_add,
                                     .values = ifma_values,
                                     .adds_max = 4096}; /* of 52 bits each in 64 */

#else

#include "crypto/block_plain.h"

const struct block_ops block_ifma = BLOCK_PLAIN_OPS;

#endif
