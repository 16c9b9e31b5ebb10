/* ntt_ifma.h - the layers of block_ifma.c's transforms, over AVX-512 IFMA.
 *
 * Eight values a register, each below 2^52, and of a register only the low 52 bits count: VPMADD52 looks
 * at no others, so that what sums and differences leave above them is cut off once, at the end.
 * Butterflies are Harvey's (arXiv:1205.2926) with quotients of 52 bits: w' = floor(w * 2^52 / q), and
 * y * w - (y * w' >> 52) * q lies in [0, 2q) for any y < 2^52; added product by product, -q as 2^52 - q.
 * Values are not brought below 2q after each layer, as Harvey does it: they grow by 2q a layer on the way
 * there and twofold on the way back, and all eleven layers keep below 2^52 where q < 2^40. Where q is of
 * 48 bits (wide) they are reduced on the way. Constant time. */
#ifndef PT_NTT_IFMA_H
#define PT_NTT_IFMA_H

#include <immintrin.h>

#include "crypto/ring.h"

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
    vec q, q2, minus_q, over_q, low52;
};
/* over_q: floor(2^52 / q), which is 2^(52 - bits of q): no q here is further below its power of two. */
INLINE struct modulus modulus_of(const struct ring *r)
{
    const uint64_t top = (uint64_t)1 << 52;

    return (struct modulus){all(r->q), all(2 * r->q), all(top - r->q),
                            all(top >> 8 * r->coefficient_bytes), all(top - 1)};
}

struct root { /* w and floor(w * 2^52 / q), eight times the same or a lane each */
    vec w, quotient;
};
INLINE struct root root_all(const struct ring_broad *t, size_t i)
{
    return (struct root){all(t->w[i]), all(t->quotient[i])};
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

/* more + w * y mod q, of which w * y is below 2q, for y < 2^52: low 52 bits. */
INLINE vec plus_times(vec more, vec y, struct root w, struct modulus m)
{
    vec quotient = _mm512_madd52hi_epu64(_mm512_setzero_si512(), w.quotient, y);

    return _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(more, w.w, y), quotient, m.minus_q);
}

/* x < 2^12 q comes below 2q, for q is within 2^16 of its power of two, or 2^14 of 2^32: low 52 bits. */
INLINE vec reduce(vec x, struct modulus m)
{
    vec quotient = _mm512_madd52hi_epu64(_mm512_setzero_si512(), m.over_q, x);

    return _mm512_madd52lo_epu64(x, quotient, m.minus_q);
}

/* x + w*y and x - w*y + 2q: both less than 2q above x. */
INLINE void forward(vec *x, vec *y, struct root w, struct modulus m)
{
    vec sum = plus_times(*x, *y, w, m);
    vec both = _mm512_add_epi64(_mm512_add_epi64(*x, *x), m.q2);
    *x = sum;
    *y = _mm512_sub_epi64(both, sum);
}
/* x, y <= most, a multiple of q and less than 2^51: x + y, below twice that, and (x - y) * w below 2q. */
INLINE void backward(vec *x, vec *y, struct root w, vec most, struct modulus m)
{
    vec difference = _mm512_sub_epi64(_mm512_add_epi64(*x, most), *y);
    *x = _mm512_add_epi64(*x, *y);
    *y = plus_times(_mm512_setzero_si512(), difference, w, m);
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

/* Three layers over eight registers: pairs 4 apart, 2 apart, next to each other. */
struct three {
    struct root w[7];
};
INLINE void forward_neighbours(vec x[LANES], const struct three *t, struct modulus m)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        forward(&x[2 * i], &x[2 * i + 1], t->w[3 + i], m);
}
INLINE void forward_three(vec x[LANES], const struct three *t, struct modulus m)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        forward(&x[i], &x[i + 4], t->w[0], m);
    UNROLL
    for (int i = 0; i < 4; i++)
        forward(&x[(i & 2) * 2 + (i & 1)], &x[(i & 2) * 2 + (i & 1) + 2], t->w[1 + i / 2], m);
    forward_neighbours(x, t, m);
}
/* The same of bytes, in -128..127: their products with roots are whole numbers of 47 bits and need no
 * quotients, and two layers multiply by the roots' products. Out: in (0, 1024 q), for q < 2^40. */
INLINE void forward_small(vec x[LANES], const struct three *t, const struct ring *r,
                          struct modulus m)
{
    const vec zero = _mm512_setzero_si512();
    const vec lift = _mm512_slli_epi64(m.q, 9);
    const vec lift2 = _mm512_slli_epi64(m.q, 10);
    const vec both = all(r->first_two[0]);
    const vec less_both = all(r->first_two[1]);

    UNROLL
    for (int i = 0; i < 2; i++) {
        const vec first = _mm512_madd52lo_epu64(lift, t->w[0].w, x[i + 4]);
        const vec plus =
            _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(zero, t->w[1].w, x[i + 2]), both, x[i + 6]);
        const vec minus = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(zero, t->w[2].w, x[i + 2]),
                                                less_both, x[i + 6]);
        const vec a = _mm512_add_epi64(x[i], first);
        const vec b = _mm512_sub_epi64(_mm512_add_epi64(x[i], lift2), first);
        x[i] = _mm512_add_epi64(a, plus);
        x[i + 2] = _mm512_sub_epi64(a, plus);
        x[i + 4] = _mm512_add_epi64(b, minus);
        x[i + 6] = _mm512_sub_epi64(b, minus);
    }
    forward_neighbours(x, t, m);
}
/* Of values below q << log2. */
INLINE void backward_three(vec x[LANES], const struct three *t, unsigned log2, struct modulus m)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        backward(&x[2 * i], &x[2 * i + 1], t->w[3 + i], _mm512_slli_epi64(m.q, log2), m);
    UNROLL
    for (int i = 0; i < 4; i++)
        backward(&x[(i & 2) * 2 + (i & 1)], &x[(i & 2) * 2 + (i & 1) + 2], t->w[1 + i / 2],
                 _mm512_slli_epi64(m.q, log2 + 1), m);
    UNROLL
    for (int i = 0; i < 4; i++)
        backward(&x[i], &x[i + 4], t->w[0], _mm512_slli_epi64(m.q, log2 + 2), m);
}
/* Roots first, 2*first.., 4*first.. of a table in the order of ring.h. */
INLINE struct three three_all(const struct ring_broad *root, size_t first)
{
    struct three t;

    t.w[0] = root_all(root, first);
    UNROLL
    for (size_t i = 0; i < 2; i++)
        t.w[1 + i] = root_all(root, 2 * first + i);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        t.w[3 + i] = root_all(root, 4 * first + i);
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

/* Layers 4 and 5 of the eight eighths: pairs 128 apart, then 64. wide: values come below 2q. */
INLINE void forward_two(uint64_t *d, const struct ring_broad *root, size_t eighth, struct modulus m,
                        const bool wide)
{
    const struct root w = root_all(root, 8 + eighth);
    const struct root w0 = root_all(root, 16 + 2 * eighth);
    const struct root w1 = root_all(root, 17 + 2 * eighth);

    for (size_t i = 0; i < GROUP; i += LANES) {
        vec x[4];
        for (size_t k = 0; k < 4; k++)
            x[k] = load(d + i + GROUP * k);
        forward(&x[0], &x[2], w, m);
        forward(&x[1], &x[3], w, m);
        forward(&x[0], &x[1], w0, m);
        forward(&x[2], &x[3], w1, m);
        for (size_t k = 0; k < 4; k++)
            store(d + i + GROUP * k, wide ? reduce(x[k], m) : x[k]);
    }
}
INLINE void backward_two(uint64_t *d, const struct ring_broad *root, size_t eighth, unsigned log2,
                         struct modulus m, const bool wide)
{
    const struct root w = root_all(root, 8 + eighth);
    const struct root w0 = root_all(root, 16 + 2 * eighth);
    const struct root w1 = root_all(root, 17 + 2 * eighth);

    for (size_t i = 0; i < GROUP; i += LANES) {
        vec x[4];
        for (size_t k = 0; k < 4; k++)
            x[k] = load(d + i + GROUP * k);
        backward(&x[0], &x[1], w0, _mm512_slli_epi64(m.q, log2), m);
        backward(&x[2], &x[3], w1, _mm512_slli_epi64(m.q, log2), m);
        backward(&x[0], &x[2], w, _mm512_slli_epi64(m.q, log2 + 1), m);
        backward(&x[1], &x[3], w, _mm512_slli_epi64(m.q, log2 + 1), m);
        for (size_t k = 0; k < 4; k++)
            store(d + i + GROUP * k, wide ? reduce(x[k], m) : x[k]);
    }
}

#endif
