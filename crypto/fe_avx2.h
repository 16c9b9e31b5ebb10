/* fe_avx2.h - four field elements mod 2^255 - 19 at once: five limbs of 51 bits, whole numbers of either
 * sign in doubles. AVX2's widest product of integers has 64 bits; a fused multiply-add has 106, in two
 * halves, and costs as much.
 *
 * Bounds, as multiples of u = 2^50 + 2^12 (tests/crypto/fe_avx2_test.c drives them to the edge):
 *   tight  <= 1: what products, fe_add, fe_sub, fe_neg, fe_narrow, fe_narrow_sum and loads give, and what
 *          everything takes but where it says so
 *   loose  <= 2: fe_add_loose and fe_sub_loose of two tight elements
 *   first  <= 3: what the first factor of a product may be, if the second is tight: limbs' products must
 *          not exceed 2^102, and 3 u^2 is 0.75 of that. Loose times loose would exceed it.
 *   wide   <= 8: what fe_narrow and fe_narrow_sum take
 * Rounding is to nearest. Constant time: no operand is subnormal, infinite or NaN. */
#ifndef PT_FE_AVX2_H
#define PT_FE_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "crypto/base/ct.h"
#include "crypto/base/span.h"

struct fe {
    __m256d v[5];
};
#define FE_INLINE static inline __attribute__((always_inline))
#define FE_CALL   static __attribute__((noinline)) /* inlined, products would not fit the cache */
typedef uint8_t fe_mask;                           /* a bit a lane */
enum { FE_LANES = 4, FE_WIDE = 2 };
#define FE_LIMB(x)                                                                                 \
    {                                                                                              \
        x, x, x, x                                                                                 \
    }
/* The constant of five limbs below 2^51, made tight: a limb's upper half comes from the next, less 2^51. */
#define FE_UPPER(x)        ((int64_t)((uint64_t)(x) >> 50))
#define FE_TIGHT(x, upper) FE_LIMB((double)((x) + (upper)-FE_UPPER(x) * (INT64_C(1) << 51)))
#define FE_CONST(a, b, c, d, e)                                                                    \
    {                                                                                              \
        {                                                                                          \
            FE_TIGHT(a, 19 * FE_UPPER(e)), FE_TIGHT(b, FE_UPPER(a)), FE_TIGHT(c, FE_UPPER(b)),     \
                FE_TIGHT(d, FE_UPPER(c)), FE_TIGHT(e, FE_UPPER(d))                                 \
        }                                                                                          \
    }

FE_INLINE __m256i fe_all(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

FE_INLINE __m256d fe_alld(double x)
{
    return _mm256_set1_pd(x);
}

/* From 2^52 to 2^53 doubles count in ones, and their low bits are the number: to doubles, and back. */
FE_INLINE __m256d fe_from_integers(__m256i x) /* < 2^52 */
{
    const __m256i bits = _mm256_or_si256(x, _mm256_castpd_si256(fe_alld(0x1p52)));

    return _mm256_sub_pd(_mm256_castsi256_pd(bits), fe_alld(0x1p52));
}

FE_INLINE __m256i fe_to_integers(__m256d x) /* 0 <= x < 2^52 */
{
    return _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(x, fe_alld(0x1p52))),
                            _mm256_castpd_si256(fe_alld(0x1p52)));
}

/* Limb by limb: as a whole, an element is copied in halves of registers, whose stores later loads wait for. */
FE_INLINE void fe_limbs(__m256d v[5], const struct fe *a)
{
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) {
        v[i] = a->v[i];
        __asm__("" : "+x"(v[i]));
    }
}

/* Wide to tight. What rounding to multiples of 2^51 leaves of a limb is at most 2^50; the rest goes to
 * the next limb, and the last one's comes back at the first, times 19: 5 and 95 at most. Adding 1.5 * 2^103,
 * by which doubles count in 2^51, rounds. */
FE_INLINE void fe_carry(struct fe *r)
{
    const __m256d count = fe_alld(0x1.8p103);
    __m256d carry[5];

#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) {
        carry[i] = _mm256_sub_pd(_mm256_add_pd(r->v[i], count), count);
        r->v[i] = _mm256_sub_pd(r->v[i], carry[i]);
    }
    r->v[0] = _mm256_fmadd_pd(carry[4], fe_alld(19 * 0x1p-51), r->v[0]);
#pragma GCC unroll 4
    for (int i = 1; i < 5; i++)
        r->v[i] = _mm256_fmadd_pd(carry[i - 1], fe_alld(0x1p-51), r->v[i]);
}

FE_INLINE void fe_add_loose(struct fe *r, const struct fe *a, const struct fe *b)
{
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm256_add_pd(a->v[i], b->v[i]);
}

FE_INLINE void fe_sub_loose(struct fe *r, const struct fe *a, const struct fe *b)
{
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm256_sub_pd(a->v[i], b->v[i]);
}

FE_INLINE void fe_add(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_add_loose(r, a, b);
    fe_carry(r);
}

FE_INLINE void fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_sub_loose(r, a, b);
    fe_carry(r);
}

/* A sum of tight elements that may be squared. */
FE_INLINE void fe_add_to_square(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_add(r, a, b);
}

FE_INLINE void fe_neg(struct fe *r, const struct fe *a)
{
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm256_xor_pd(a->v[i], fe_alld(-0.0));
}

/* "Wide" (fe_ifma.h): here products are tight, and sums of them wide as they are. */
FE_INLINE void fe_add_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_add_loose(r, a, b);
}

FE_INLINE void fe_sub_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_sub_loose(r, a, b);
}

FE_INLINE void fe_narrow(struct fe *r, const struct fe *a)
{
    fe_limbs(r->v, a);
    fe_carry(r);
}

/* For what will only be a first factor, or will be multiplied by tight elements only. */
FE_INLINE void fe_narrow_first(struct fe *r, const struct fe *a)
{
    fe_limbs(r->v, a);
}

FE_INLINE void fe_narrow_sum(struct fe *r, const struct fe *a)
{
    fe_narrow(r, a);
}

/* Bits of the doubles from which on a low half counts in ones, and a high half in 2^51. */
#define FE_LOW_ZERO  UINT64_C(0x4338000000000000) /* 1.5 * 2^52 */
#define FE_HIGH_ZERO UINT64_C(0x4668000000000000) /* 1.5 * 2^103 */
/* What column i + j of a product starts with: less the zeros of its low and high halves. The lower five,
 * to which the upper five come times 19, have 2^62 + 2^50 besides: fe_columns_end(). */
#define FE_START(lows, highs, more) FE_LIMB((more) - (lows)*FE_LOW_ZERO - (highs)*FE_HIGH_ZERO)
#define FE_LOWER                    ((UINT64_C(1) << 62) + (UINT64_C(1) << 50))

struct fe_constants {
    uint64_t product[10][FE_LANES], square[10][FE_LANES];
    uint64_t low51[FE_LANES], ones[FE_LANES], nineteen[FE_LANES];
    double first_offset[FE_LANES], offset[FE_LANES];
};
static const _Alignas(32) struct fe_constants FE_CONSTANTS = {
    .product = {FE_START(1, 0, FE_LOWER), FE_START(2, 1, FE_LOWER), FE_START(3, 2, FE_LOWER),
                FE_START(4, 3, FE_LOWER), FE_START(5, 4, FE_LOWER), FE_START(4, 5, 0),
                FE_START(3, 4, 0), FE_START(2, 3, 0), FE_START(1, 2, 0), FE_START(0, 1, 0)},
    .square = {FE_START(1, 0, FE_LOWER), FE_START(1, 1, FE_LOWER), FE_START(2, 1, FE_LOWER),
               FE_START(2, 2, FE_LOWER), FE_START(3, 2, FE_LOWER), FE_START(2, 3, 0),
               FE_START(2, 2, 0), FE_START(1, 2, 0), FE_START(1, 1, 0), FE_START(0, 1, 0)},
    .low51 = FE_LIMB((UINT64_C(1) << 51) - 1),
    .ones = FE_LIMB(UINT64_C(0x4330000000000000)), /* 2^52 */
    .nineteen = FE_LIMB(19),
    .first_offset = FE_LIMB(0x1p52 + 0x1p50 + 19 * 0x1p11),
    .offset = FE_LIMB(0x1p52 + 0x1p50 + 0x1p11),
};
/* Read from memory: left alone, gcc makes each anew in general registers, a fifth of a product's time. */
FE_INLINE const struct fe_constants *fe_constants(void)
{
    const struct fe_constants *k = &FE_CONSTANTS;

    __asm__("" : "+r"(k));
    return k;
}
FE_INLINE __m256i fe_constant(const uint64_t k[FE_LANES])
{
    return _mm256_load_si256((const __m256i *)(const void *)k);
}

/* a * b, |a * b| <= 2^102, exactly, in halves: the sum with 1.5 * 2^103 is the product rounded to a multiple
 * of 2^51, and its bits count them; what rounding took away is at most 2^50 and goes to 1.5 * 2^52 likewise.
 * After Emmart, Zheng and Weems, "Faster modular exponentiation using double precision floating point
 * arithmetic on the GPU" (ARITH 2018), to nearest instead of towards zero. */
FE_INLINE void fe_product(__m256i *low_sum, __m256i *high_sum, __m256d a, __m256d b)
{
    const __m256d high = _mm256_fmadd_pd(a, b, fe_alld(0x1.8p103));
    const __m256d rest = _mm256_sub_pd(fe_alld(0x1.8p103 + 0x1.8p52), high);
    const __m256d low = _mm256_fmadd_pd(a, b, rest);

    *low_sum = _mm256_add_epi64(*low_sum, _mm256_castpd_si256(low));
    *high_sum = _mm256_add_epi64(*high_sum, _mm256_castpd_si256(high));
    __asm__(""
            : "+x"(*low_sum), "+x"(*high_sum)); /* gcc sorts the sums anew and spills their terms */
}

struct fe_columns { /* sums of places i and i + 5: limbs i and j meet in column i + j */
    __m256i lower, upper;
};
FE_INLINE struct fe_columns fe_columns_at(const uint64_t start[10][FE_LANES], int i)
{
    return (struct fe_columns){fe_constant(start[i]), fe_constant(start[i + 5])};
}

/* Column i + 5 comes back at i, times 19. */
FE_INLINE __m256i fe_fold(struct fe_columns s)
{
    const __m256i nine = _mm256_add_epi64(s.upper, _mm256_slli_epi64(s.upper, 3));

    return _mm256_add_epi64(_mm256_add_epi64(s.lower, s.upper), _mm256_add_epi64(nine, nine));
}

/* A column is at most 5 * 2^50 + 5 * 2^51, so that with 19 times another it stays below 150 * 2^51, and
 * with 2^62 + 2^50 above zero: its bits from 51 on, less 2^11, are the carry, at most 150, and the others,
 * less 2^50, what is left. Carries are taken from all five at once. */
FE_INLINE void fe_columns_end(struct fe *r, const __m256i folded[5], const struct fe_constants *k)
{
    __m256i carry[5];

#pragma GCC unroll 5
    for (int i = 0; i < 5; i++)
        carry[i] = _mm256_srli_epi64(folded[i], 51);
    carry[4] = _mm256_mul_epu32(carry[4], fe_constant(k->nineteen));
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) {
        const __m256i left = _mm256_or_si256(_mm256_and_si256(folded[i], fe_constant(k->low51)),
                                             fe_constant(k->ones));
        const __m256i sum = _mm256_add_epi64(left, carry[i == 0 ? 4 : i - 1]);
        r->v[i] = _mm256_sub_pd(_mm256_castsi256_pd(sum),
                                _mm256_load_pd(i == 0 ? k->first_offset : k->offset));
    }
}

/* All products in columns i and i + 5; high halves go to the next. */
FE_INLINE void fe_mul_columns(struct fe_columns *at, struct fe_columns *next, int i,
                              const __m256d a[5], const struct fe *b)
{
    __asm__("" : "+r"(b)); /* else gcc loads all of b once, and has not the registers */
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
        const bool lower = j <= i;
        fe_product(lower ? &at->lower : &at->upper, lower ? &next->lower : &next->upper, a[j],
                   b->v[lower ? i - j : i + 5 - j]);
    }
}

/* twice: 2a. Products of different limbs count twice. */
FE_INLINE void fe_sqr_columns(struct fe_columns *at, struct fe_columns *next, int i,
                              const __m256d a[5], const __m256d twice[5])
{
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
        const bool lower = j <= i;
        const int other = lower ? i - j : i + 5 - j;
        if (j <= other)
            fe_product(lower ? &at->lower : &at->upper, lower ? &next->lower : &next->upper,
                       j == other ? a[j] : twice[j], a[other]);
    }
}

/* Columns 4 and 5 come first: the high halves of 4 go to 5, whose sum 0 waits for. a may be "first". */
FE_CALL void fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
{
    const struct fe_constants *k = fe_constants();
    struct fe_columns last = fe_columns_at(k->product, 4);
    struct fe_columns fifth = {.lower = fe_constant(k->product[5])};
    struct fe_columns at = {.lower = fe_constant(k->product[0])};
    __m256d limb[5];
    __m256i folded[5];

    fe_limbs(limb, a);
    fe_mul_columns(&last, &fifth, 4, limb, b);
    at.upper = fifth.lower;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        struct fe_columns next = i < 3 ? fe_columns_at(k->product, i + 1) : last;
        fe_mul_columns(&at, &next, i, limb, b);
        folded[i] = fe_fold(at);
        at = next;
    }
    folded[4] = fe_fold(at);
    fe_columns_end(r, folded, k);
}

FE_CALL void fe_sqr(struct fe *r, const struct fe *a)
{
    const struct fe_constants *k = fe_constants();
    struct fe_columns last = fe_columns_at(k->square, 4);
    struct fe_columns fifth = {.lower = fe_constant(k->square[5])};
    struct fe_columns at = {.lower = fe_constant(k->square[0])};
    __m256d limb[5];
    __m256d twice[5];
    __m256i folded[5];

    fe_limbs(limb, a);
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++)
        twice[i] = _mm256_add_pd(limb[i], limb[i]);
    fe_sqr_columns(&last, &fifth, 4, limb, twice);
    at.upper = fifth.lower;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        struct fe_columns next = i < 3 ? fe_columns_at(k->square, i + 1) : last;
        fe_sqr_columns(&at, &next, i, limb, twice);
        folded[i] = fe_fold(at);
        at = next;
    }
    folded[4] = fe_fold(at);
    fe_columns_end(r, folded, k);
}

FE_INLINE void fe_mul_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_mul(r, a, b);
}
FE_INLINE void fe_sqr_wide(struct fe *r, const struct fe *a)
{
    fe_sqr(r, a);
}
FE_INLINE void fe_mul_minuend(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_mul(r, a, b);
}
FE_INLINE void fe_sqr_minuend(struct fe *r, const struct fe *a)
{
    fe_sqr(r, a);
}
FE_INLINE void fe_minuend(struct fe *r, const struct fe *a)
{
    fe_limbs(r->v, a);
}

FE_INLINE __m256d fe_lanes_of(fe_mask mask)
{
    const __m256i bit = _mm256_set_epi64x(8, 4, 2, 1);

    return _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(fe_all(mask), bit), bit));
}

/* r = b in the lanes of mask, a in the others. */
FE_INLINE void fe_pick(struct fe *r, const struct fe *a, const struct fe *b, fe_mask mask)
{
    const __m256d m = fe_lanes_of(mask);

    for (int i = 0; i < 5; i++)
        r->v[i] = _mm256_blendv_pd(a->v[i], b->v[i], m);
}

/* r = a in the lanes of mask, unchanged in the others. */
FE_INLINE void fe_select(struct fe *r, const struct fe *a, fe_mask mask)
{
    fe_pick(r, r, a, mask);
}

FE_INLINE void fe_or(struct fe *r, const struct fe *a, fe_mask mask)
{
    const __m256d m = fe_lanes_of(mask);

    for (int i = 0; i < 5; i++)
        r->v[i] = _mm256_or_pd(r->v[i], _mm256_and_pd(a->v[i], m));
}

/* r's lanes of mask, where r is zero, become a small number. */
FE_INLINE void fe_or_small(struct fe *r, int small, fe_mask mask)
{
    r->v[0] = _mm256_or_pd(r->v[0], _mm256_and_pd(fe_alld(small), fe_lanes_of(mask)));
}

FE_INLINE void fe_swap_if(struct fe *a, struct fe *b, fe_mask mask)
{
    struct fe t;

    fe_limbs(t.v, a);
    fe_select(a, b, mask);
    fe_select(b, &t, mask);
}

FE_INLINE void fe_negate_if(struct fe *r, fe_mask mask)
{
    const __m256d sign = _mm256_and_pd(fe_lanes_of(mask), fe_alld(-0.0));

    for (int i = 0; i < 5; i++)
        r->v[i] = _mm256_xor_pd(r->v[i], sign);
}

/* sum = a + b and difference = a - b; the other way round in the lanes of mask. */
FE_INLINE void fe_both_wide(struct fe *sum, struct fe *difference, const struct fe *a,
                            const struct fe *b, fe_mask mask)
{
    struct fe signed_b;

    fe_limbs(signed_b.v, b);
    fe_negate_if(&signed_b, mask);
    fe_add_wide(sum, a, &signed_b);
    fe_sub_wide(difference, a, &signed_b);
}

struct fe_integers { /* limbs below 2^51, of a number below 2^255 */
    __m256i v[5];
};

/* The representative in 0..p-1 of a tight element. With p added it lies between 0 and 2p, and all its
 * limbs are positive; over = 1 exactly where it and 19 reach 2^255. */
static inline void fe_freeze(struct fe_integers *r, const struct fe *a)
{
    struct fe_integers t;
    __m256i over = fe_all(19);

    for (int i = 0; i < 5; i++) {
        const double limb_of_p = 0x1p51 - (i == 0 ? 19 : 1);
        t.v[i] = fe_to_integers(_mm256_add_pd(a->v[i], fe_alld(limb_of_p)));
        over = _mm256_srli_epi64(_mm256_add_epi64(t.v[i], over), 51);
    }
    t.v[0] = _mm256_add_epi64(t.v[0], _mm256_mul_epu32(over, fe_all(19)));
    for (int i = 0; i < 5; i++) {
        if (i > 0)
            t.v[i] = _mm256_add_epi64(t.v[i], _mm256_srli_epi64(t.v[i - 1], 51));
        r->v[i] = _mm256_and_si256(t.v[i], fe_all((UINT64_C(1) << 51) - 1));
    }
}

FE_INLINE fe_mask fe_mask_of(__m256i lanes)
{
    return (fe_mask)_mm256_movemask_pd(_mm256_castsi256_pd(lanes));
}

static inline fe_mask fe_mask_zero(const struct fe *a)
{
    struct fe_integers t;

    fe_freeze(&t, a);
    __m256i any = t.v[0];
    for (int i = 1; i < 5; i++)
        any = _mm256_or_si256(any, t.v[i]);
    return fe_mask_of(_mm256_cmpeq_epi64(any, _mm256_setzero_si256()));
}

static inline fe_mask fe_mask_negative(const struct fe *a)
{
    struct fe_integers t;

    fe_freeze(&t, a);
    return fe_mask_of(_mm256_slli_epi64(t.v[0], 63));
}

static inline void fe_abs(struct fe *r)
{
    fe_negate_if(r, fe_mask_negative(r));
}

/* Word `at` of four strings, stride bytes apart. */
static inline __m256i fe_words_at(const uint8_t *b, size_t stride, size_t at)
{
    return _mm256_set_epi64x((long long)load_u64le(b + 3 * stride + at),
                             (long long)load_u64le(b + 2 * stride + at),
                             (long long)load_u64le(b + stride + at), (long long)load_u64le(b + at));
}

static inline __m256i fe_shifts(__m256i a, int right, __m256i b, int left)
{
    return _mm256_or_si256(_mm256_srli_epi64(a, right), _mm256_slli_epi64(b, left));
}

/* Four times 32 bytes, little endian, stride bytes apart; bit 255 is ignored. */
static inline void fe_read(struct fe_integers *r, const uint8_t *b, size_t stride)
{
    const __m256i w0 = fe_words_at(b, stride, 0);
    const __m256i w1 = fe_words_at(b, stride, 8);
    const __m256i w2 = fe_words_at(b, stride, 16);
    const __m256i w3 = fe_words_at(b, stride, 24);
    const __m256i limb[5] = {w0, fe_shifts(w0, 51, w1, 13), fe_shifts(w1, 38, w2, 26),
                             fe_shifts(w2, 25, w3, 39), _mm256_srli_epi64(w3, 12)};

    for (int i = 0; i < 5; i++)
        r->v[i] = _mm256_and_si256(limb[i], fe_all((UINT64_C(1) << 51) - 1));
}

FE_INLINE void fe_of_integers(struct fe *r, const struct fe_integers *a)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = fe_from_integers(a->v[i]);
    fe_carry(r);
}

static inline void fe_load(struct fe *r, const uint8_t *b, size_t stride)
{
    struct fe_integers t;

    fe_read(&t, b, stride);
    fe_of_integers(r, &t);
}

/* fe_load(), and a mask of lanes whose 256 bits are not below p. */
static inline fe_mask fe_load_strict(struct fe *r, const uint8_t *b, size_t stride)
{
    const fe_mask top = fe_mask_of(fe_words_at(b, stride, 24));
    __m256i differs = _mm256_setzero_si256();
    struct fe_integers raw;
    struct fe_integers t;

    fe_read(&raw, b, stride);
    fe_of_integers(r, &raw);
    fe_freeze(&t, r);
    for (int i = 0; i < 5; i++)
        differs = _mm256_or_si256(differs, _mm256_xor_si256(t.v[i], raw.v[i]));
    const fe_mask same = fe_mask_of(_mm256_cmpeq_epi64(differs, _mm256_setzero_si256()));
    return (fe_mask)(top | (~same & 15));
}

static inline void fe_store(uint8_t *b, size_t stride, const struct fe *a)
{
    uint64_t lane[FE_LANES];
    struct fe_integers t;

    fe_freeze(&t, a);
    for (int i = 0; i < 4; i++) {
        const __m256i word = fe_shifts(t.v[i], 13 * i, t.v[i + 1], 51 - 13 * i);
        _mm256_storeu_si256((__m256i *)(void *)lane, word);
        for (size_t l = 0; l < FE_LANES; l++)
            store_u64le(b + l * stride + 8 * (size_t)i, lane[l]);
    }
    explicit_bzero(lane, sizeof lane);
}

/* Of digits in -8..8, a lane each: is[j] = the lanes of those that are j or -j. Which are below zero is
 * returned. */
static inline fe_mask fe_mask_digits(fe_mask is[9], const int8_t digits[FE_LANES])
{
    uint32_t bytes;

    memcpy(&bytes, digits, sizeof bytes);
    const __m128i all = _mm_cvtsi32_si128((int)bytes);
    const __m128i sizes = _mm_abs_epi8(all);
    for (int j = 0; j <= 8; j++) {
        const __m128i equal = _mm_cmpeq_epi8(sizes, _mm_set1_epi8((char)j));
        is[j] = (fe_mask)(_mm_movemask_epi8(equal) & 15);
    }
    return (fe_mask)_mm_movemask_epi8(all);
}

/* A mask that is `bit` in this lane and zero elsewhere. */
static inline fe_mask fe_mask_lane(int lane, uint64_t bit)
{
    return (fe_mask)(bit << lane);
}

/* First lane below n that is set, or n. For masks that are public. */
static inline size_t fe_mask_first_vartime(fe_mask m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((m >> i & 1) != 0)
            return i;
    return n;
}

#endif
