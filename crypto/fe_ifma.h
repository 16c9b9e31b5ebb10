/* fe_ifma.h - eight field elements mod 2^255 - 19 at once: five limbs of 51 bits, AVX-512 IFMA.
 *
 * Bounds (tests/crypto/fe_ifma_test.c drives them to the edge):
 *   tight  limbs < 2^51 + 2^17: every element at rest, and what everything takes but where it says so
 *   wide   limbs < 2^63: fe_mul_wide() and fe_sqr_wide() give < 2^60.3; sums of wide elements stay
 *          wide; only fe_narrow() takes the result
 *   minuend  wide, plus 2^10 p, whose limbs are > 2^60.9: what fe_sub_wide() takes a product from. It
 *          costs a product nothing: its columns begin with it
 * vpmadd52 silently cuts its inputs to 52 bits, so that factors < 2^52 are a condition of correctness,
 * not of speed. "Loose" of fe51.h means tight here. */
#ifndef PT_FE_IFMA_H
#define PT_FE_IFMA_H

#include <immintrin.h>

#include "crypto/base/ct.h"
#include "crypto/base/span.h"

struct fe {
    __m512i v[5];
};
#define FE_INLINE static inline __attribute__((always_inline))
typedef __mmask8 fe_mask; /* a bit a lane */
enum { FE_LANES = 8, FE_WIDE = 3 };
#define FE_LIMB(x)                                                                                 \
    {                                                                                              \
        x, x, x, x, x, x, x, x                                                                     \
    }
#define FE_CONST(a, b, c, d, e)                                                                    \
    {                                                                                              \
        {                                                                                          \
            FE_LIMB(a), FE_LIMB(b), FE_LIMB(c), FE_LIMB(d), FE_LIMB(e)                             \
        }                                                                                          \
    }

static inline __m512i fe_all(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

static inline __m512i fe_low51(__m512i x)
{
    return _mm512_and_si512(x, fe_all((UINT64_C(1) << 51) - 1));
}

/* Any limbs < 2^63 become tight: the largest carry is 2^12, and comes back 19 times. */
FE_INLINE void fe_carry(struct fe *r)
{
    const __m512i c0 = _mm512_srli_epi64(r->v[0], 51);
    const __m512i c1 = _mm512_srli_epi64(r->v[1], 51);
    const __m512i c2 = _mm512_srli_epi64(r->v[2], 51);
    const __m512i c3 = _mm512_srli_epi64(r->v[3], 51);
    const __m512i c4 = _mm512_srli_epi64(r->v[4], 51);

    r->v[0] = _mm512_madd52lo_epu64(fe_low51(r->v[0]), c4, fe_all(19));
    r->v[1] = _mm512_add_epi64(fe_low51(r->v[1]), c0);
    r->v[2] = _mm512_add_epi64(fe_low51(r->v[2]), c1);
    r->v[3] = _mm512_add_epi64(fe_low51(r->v[3]), c2);
    r->v[4] = _mm512_add_epi64(fe_low51(r->v[4]), c3);
}

FE_INLINE void fe_add(struct fe *r, const struct fe *a, const struct fe *b)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm512_add_epi64(a->v[i], b->v[i]);
    fe_carry(r);
}

/* a + 2p - b */
FE_INLINE void fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
{
    const __m512i low = fe_all(0xfffffffffffda);
    const __m512i high = fe_all(0xffffffffffffe);

    for (int i = 0; i < 5; i++)
        r->v[i] = _mm512_sub_epi64(_mm512_add_epi64(a->v[i], i == 0 ? low : high), b->v[i]);
    fe_carry(r);
}

FE_INLINE void fe_add_loose(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_add(r, a, b);
}

FE_INLINE void fe_sub_loose(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_sub(r, a, b);
}

/* A sum of tight elements that may be squared. */
FE_INLINE void fe_add_to_square(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_add_loose(r, a, b);
}

FE_INLINE void fe_neg(struct fe *r, const struct fe *a)
{
    const struct fe zero = FE_CONST(0, 0, 0, 0, 0);

    fe_sub(r, &zero, a);
}

/* Limb i of 2^10 p: more than a limb of any product. */
FE_INLINE __m512i fe_bias(int i)
{
    return fe_all((UINT64_C(1) << 61) - ((i == 0 ? UINT64_C(19) : 1) << 10));
}

/* Columns of a product of limbs: c[i + j] of limbs i and j. Named one by one and filled in this order,
 * for gcc keeps an array of them in registers, too, but sorts its sums anew: a tenth slower. */
struct fe_columns {
    __m512i c1, c2, c3, c4, c5, c6, c7, c8, c9;
};

FE_INLINE void fe_high(__m512i *column, __m512i a, __m512i b)
{
    *column = _mm512_madd52hi_epu64(*column, a, b);
}

FE_INLINE void fe_low(__m512i *column, __m512i a, __m512i b)
{
    *column = _mm512_madd52lo_epu64(*column, a, b);
}

FE_INLINE void fe_twice(__m512i *column)
{
    *column = _mm512_add_epi64(*column, *column);
}

/* 19 or 38 x, by one multiplication: gcc would make shifts and sums of it. */
FE_INLINE __m512i fe_times(__m512i x, uint64_t small)
{
    __m512i factor = fe_all(small);

    __asm__("" : "+v"(factor));
    return _mm512_mullo_epi64(x, factor);
}

/* To five limbs: column i + 5 comes back at column i, times 19. What was not doubled comes back times 38: the
 * last column of all, which has a high half alone, and of a square each odd one, all of which counts twice.
 * Column 0 has one product, the low half of a times b: added to what comes back, it needs no sum. */
FE_INLINE void fe_fold_wide(struct fe *r, const struct fe_columns *c, __m512i a, __m512i b,
                            bool square, bool minuend)
{
    const uint64_t odd = square ? 38 : 19;
    __m512i first = fe_times(c->c5, odd);

    if (minuend)
        first = _mm512_add_epi64(first, fe_bias(0));
    fe_low(&first, a, b);
    r->v[0] = first;
    r->v[1] = _mm512_add_epi64(c->c1, fe_times(c->c6, 19));
    r->v[2] = _mm512_add_epi64(c->c2, fe_times(c->c7, odd));
    r->v[3] = _mm512_add_epi64(c->c3, fe_times(c->c8, 19));
    r->v[4] = _mm512_add_epi64(c->c4, fe_times(c->c9, 38));
}

/* The high halves of a times each limb of b, to the five columns from c on. */
FE_INLINE void fe_row_high(__m512i *c, __m512i *d, __m512i *e, __m512i *f, __m512i *g, __m512i a,
                           const __m512i b[5])
{
    fe_high(c, a, b[0]);
    fe_high(d, a, b[1]);
    fe_high(e, a, b[2]);
    fe_high(f, a, b[3]);
    fe_high(g, a, b[4]);
}

FE_INLINE void fe_row_low(__m512i *c, __m512i *d, __m512i *e, __m512i *f, __m512i *g, __m512i a,
                          const __m512i b[5])
{
    fe_low(c, a, b[0]);
    fe_low(d, a, b[1]);
    fe_low(e, a, b[2]);
    fe_low(f, a, b[3]);
    fe_low(g, a, b[4]);
}

/* What columns begin with: nothing, or a minuend's 2^10 p, of which those that are doubled so many
 * times begin with that fraction. */
FE_INLINE struct fe_columns fe_columns_of(bool minuend, unsigned c1_doubled,
                                          unsigned others_doubled)
{
    const __m512i zero = _mm512_setzero_si512();
    const __m512i others = minuend ? _mm512_srli_epi64(fe_bias(1), others_doubled) : zero;

    return (struct fe_columns){.c1 = minuend ? _mm512_srli_epi64(fe_bias(1), c1_doubled) : zero,
                               .c2 = others,
                               .c3 = others,
                               .c4 = others,
                               .c5 = zero,
                               .c6 = zero,
                               .c7 = zero,
                               .c8 = zero,
                               .c9 = zero};
}

/* A product of limbs counts low in its column and high, twice, in the next: vpmadd52 cuts at 52 bits
 * and limbs have 51. High halves are summed first, doubled, and the low ones join them. */
FE_INLINE void fe_product(struct fe *r, const struct fe *a, const struct fe *b, bool minuend)
{
    struct fe_columns c = fe_columns_of(minuend, 1, 1);

    fe_row_high(&c.c1, &c.c2, &c.c3, &c.c4, &c.c5, a->v[0], b->v);
    fe_row_high(&c.c2, &c.c3, &c.c4, &c.c5, &c.c6, a->v[1], b->v);
    fe_row_high(&c.c3, &c.c4, &c.c5, &c.c6, &c.c7, a->v[2], b->v);
    fe_row_high(&c.c4, &c.c5, &c.c6, &c.c7, &c.c8, a->v[3], b->v);
    fe_row_high(&c.c5, &c.c6, &c.c7, &c.c8, &c.c9, a->v[4], b->v);
    fe_twice(&c.c1);
    fe_twice(&c.c2);
    fe_twice(&c.c3);
    fe_twice(&c.c4);
    fe_twice(&c.c5);
    fe_twice(&c.c6);
    fe_twice(&c.c7);
    fe_twice(&c.c8);
    fe_low(&c.c1, a->v[0], b->v[1]);
    fe_low(&c.c2, a->v[0], b->v[2]);
    fe_low(&c.c3, a->v[0], b->v[3]);
    fe_low(&c.c4, a->v[0], b->v[4]);
    fe_row_low(&c.c1, &c.c2, &c.c3, &c.c4, &c.c5, a->v[1], b->v);
    fe_row_low(&c.c2, &c.c3, &c.c4, &c.c5, &c.c6, a->v[2], b->v);
    fe_row_low(&c.c3, &c.c4, &c.c5, &c.c6, &c.c7, a->v[3], b->v);
    fe_row_low(&c.c4, &c.c5, &c.c6, &c.c7, &c.c8, a->v[4], b->v);
    fe_fold_wide(r, &c, a->v[0], b->v[0], false, minuend);
}

/* Products of different limbs count twice, their high halves four times. */
FE_INLINE void fe_square(struct fe *r, const struct fe *x, bool minuend)
{
    const __m512i *const a = x->v;
    struct fe_columns c = fe_columns_of(minuend, 1, 2);

    fe_high(&c.c2, a[0], a[1]);
    fe_high(&c.c3, a[0], a[2]);
    fe_high(&c.c4, a[0], a[3]);
    fe_high(&c.c5, a[0], a[4]);
    fe_high(&c.c6, a[1], a[4]);
    fe_high(&c.c7, a[2], a[4]);
    fe_high(&c.c8, a[3], a[4]);
    fe_high(&c.c4, a[1], a[2]);
    fe_high(&c.c5, a[1], a[3]);
    fe_high(&c.c6, a[2], a[3]);
    fe_twice(&c.c2);
    fe_twice(&c.c3);
    fe_twice(&c.c4);
    fe_twice(&c.c5);
    fe_twice(&c.c6);
    fe_twice(&c.c7);
    c.c8 = _mm512_slli_epi64(c.c8, 2);
    fe_high(&c.c1, a[0], a[0]);
    fe_high(&c.c3, a[1], a[1]);
    fe_high(&c.c5, a[2], a[2]);
    fe_high(&c.c7, a[3], a[3]);
    fe_high(&c.c9, a[4], a[4]);
    fe_low(&c.c1, a[0], a[1]);
    fe_low(&c.c2, a[0], a[2]);
    fe_low(&c.c3, a[0], a[3]);
    fe_low(&c.c4, a[0], a[4]);
    fe_low(&c.c5, a[1], a[4]);
    fe_low(&c.c6, a[2], a[4]);
    fe_low(&c.c7, a[3], a[4]);
    fe_low(&c.c3, a[1], a[2]);
    fe_low(&c.c4, a[1], a[3]);
    fe_low(&c.c5, a[2], a[3]);
    fe_twice(&c.c1);
    fe_twice(&c.c2);
    fe_twice(&c.c3);
    fe_twice(&c.c4);
    fe_twice(&c.c6);
    fe_low(&c.c2, a[1], a[1]);
    fe_low(&c.c4, a[2], a[2]);
    fe_low(&c.c6, a[3], a[3]);
    fe_low(&c.c8, a[4], a[4]);
    fe_fold_wide(r, &c, a[0], a[0], true, minuend);
}

FE_INLINE void fe_mul_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_product(r, a, b, false);
}

FE_INLINE void fe_sqr_wide(struct fe *r, const struct fe *a)
{
    fe_square(r, a, false);
}

FE_INLINE void fe_mul_minuend(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_product(r, a, b, true);
}

FE_INLINE void fe_sqr_minuend(struct fe *r, const struct fe *a)
{
    fe_square(r, a, true);
}

FE_INLINE void fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_mul_wide(r, a, b);
    fe_carry(r);
}

FE_INLINE void fe_sqr(struct fe *r, const struct fe *a)
{
    fe_sqr_wide(r, a);
    fe_carry(r);
}

FE_INLINE void fe_add_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm512_add_epi64(a->v[i], b->v[i]);
}

FE_INLINE void fe_sub_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm512_sub_epi64(a->v[i], b->v[i]);
}

/* sum = a + b and difference = a - b; the other way round in the lanes of mask. */
FE_INLINE void fe_both_wide(struct fe *sum, struct fe *difference, const struct fe *a,
                            const struct fe *b, fe_mask mask)
{
    for (int i = 0; i < 5; i++) {
        const __m512i more = _mm512_add_epi64(a->v[i], b->v[i]);
        const __m512i less = _mm512_sub_epi64(a->v[i], b->v[i]);

        sum->v[i] = _mm512_mask_mov_epi64(more, mask, less);
        difference->v[i] = _mm512_mask_mov_epi64(less, mask, more);
    }
}

FE_INLINE void fe_minuend(struct fe *r, const struct fe *a)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm512_add_epi64(a->v[i], fe_bias(i));
}

FE_INLINE void fe_narrow(struct fe *r, const struct fe *a)
{
    *r = *a;
    fe_carry(r);
}

/* For what will only be a first factor, or will be multiplied by tight elements only. */
FE_INLINE void fe_narrow_first(struct fe *r, const struct fe *a)
{
    fe_narrow(r, a);
}

FE_INLINE void fe_narrow_sum(struct fe *r, const struct fe *a)
{
    fe_narrow(r, a);
}

/* r = a in the lanes of mask, unchanged in the others. */
static inline void fe_select(struct fe *r, const struct fe *a, fe_mask mask)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm512_mask_mov_epi64(r->v[i], mask, a->v[i]);
}

/* r = b in the lanes of mask, a in the others. */
FE_INLINE void fe_pick(struct fe *r, const struct fe *a, const struct fe *b, fe_mask mask)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = _mm512_mask_mov_epi64(a->v[i], mask, b->v[i]);
}

static inline void fe_or(struct fe *r, const struct fe *a, fe_mask mask)
{
    fe_select(r, a, mask);
}

/* r's lanes of mask, where r is zero, become a small number. */
FE_INLINE void fe_or_small(struct fe *r, int small, fe_mask mask)
{
    r->v[0] = _mm512_mask_mov_epi64(r->v[0], mask, _mm512_set1_epi64(small));
}

static inline void fe_swap_if(struct fe *a, struct fe *b, fe_mask mask)
{
    const struct fe t = *a;

    fe_select(a, b, mask);
    fe_select(b, &t, mask);
}

static inline void fe_negate_if(struct fe *r, fe_mask mask)
{
    struct fe minus;

    fe_neg(&minus, r);
    fe_select(r, &minus, mask);
}

/* The representative in 0..p-1. over = 1 exactly where the value + 19 reaches 2^255. */
static inline void fe_freeze(struct fe *r, const struct fe *a)
{
    __m512i over = fe_all(19);
    __m512i c;

    for (int i = 0; i < 5; i++)
        over = _mm512_srli_epi64(_mm512_add_epi64(a->v[i], over), 51);
    c = _mm512_madd52lo_epu64(_mm512_setzero_si512(), over, fe_all(19));
    for (int i = 0; i < 5; i++) {
        const __m512i t = _mm512_add_epi64(a->v[i], c);
        r->v[i] = fe_low51(t);
        c = _mm512_srli_epi64(t, 51);
    }
}

static inline fe_mask fe_mask_zero(const struct fe *a)
{
    struct fe t;

    fe_freeze(&t, a);
    __m512i any = _mm512_or_si512(_mm512_or_si512(t.v[0], t.v[1]), _mm512_or_si512(t.v[2], t.v[3]));
    any = _mm512_or_si512(any, t.v[4]);
    return _mm512_testn_epi64_mask(any, any);
}

static inline fe_mask fe_mask_negative(const struct fe *a)
{
    struct fe t;

    fe_freeze(&t, a);
    return _mm512_test_epi64_mask(t.v[0], fe_all(1));
}

static inline void fe_abs(struct fe *r)
{
    fe_negate_if(r, fe_mask_negative(r));
}

static inline __m512i fe_lanes_at(size_t stride)
{
    return _mm512_mullo_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), fe_all(stride));
}

static inline __m512i fe_shifts(__m512i a, unsigned right, __m512i b, unsigned left)
{
    return _mm512_or_si512(_mm512_srli_epi64(a, right), _mm512_slli_epi64(b, left));
}

/* Eight times 32 bytes, little endian, stride bytes apart; bit 255 is ignored. */
static inline void fe_load(struct fe *r, const uint8_t *b, size_t stride)
{
    const __m512i at = fe_lanes_at(stride);
    const __m512i w0 = _mm512_i64gather_epi64(at, b, 1);
    const __m512i w1 = _mm512_i64gather_epi64(at, b + 8, 1);
    const __m512i w2 = _mm512_i64gather_epi64(at, b + 16, 1);
    const __m512i w3 = _mm512_i64gather_epi64(at, b + 24, 1);

    r->v[0] = fe_low51(w0);
    r->v[1] = fe_low51(fe_shifts(w0, 51, w1, 13));
    r->v[2] = fe_low51(fe_shifts(w1, 38, w2, 26));
    r->v[3] = fe_low51(fe_shifts(w2, 25, w3, 39));
    r->v[4] = fe_low51(_mm512_srli_epi64(w3, 12));
}

/* fe_load(), and a mask of lanes whose 256 bits are not below p. */
static inline fe_mask fe_load_strict(struct fe *r, const uint8_t *b, size_t stride)
{
    const __m512i top = _mm512_i64gather_epi64(fe_lanes_at(stride), b + 24, 1);
    fe_mask bad = _mm512_test_epi64_mask(top, fe_all(UINT64_C(1) << 63));
    struct fe t;

    fe_load(r, b, stride);
    fe_freeze(&t, r);
    for (int i = 0; i < 5; i++)
        bad = (fe_mask)(bad | _mm512_cmpneq_epi64_mask(t.v[i], r->v[i]));
    return bad;
}

static inline void fe_store(uint8_t *b, size_t stride, const struct fe *a)
{
    const __m512i at = fe_lanes_at(stride);
    struct fe t;

    fe_freeze(&t, a);
    _mm512_i64scatter_epi64(b, at, fe_shifts(t.v[0], 0, t.v[1], 51), 1);
    _mm512_i64scatter_epi64(b + 8, at, fe_shifts(t.v[1], 13, t.v[2], 38), 1);
    _mm512_i64scatter_epi64(b + 16, at, fe_shifts(t.v[2], 26, t.v[3], 25), 1);
    _mm512_i64scatter_epi64(b + 24, at, fe_shifts(t.v[3], 39, t.v[4], 12), 1);
}

/* Of digits in -8..8, a lane each: is[j] = the lanes of those that are j or -j. Which are below zero is
 * returned. */
static inline fe_mask fe_mask_digits(fe_mask is[9], const int8_t digits[FE_LANES])
{
    const __m128i all = _mm_loadl_epi64((const __m128i *)(const void *)digits);
    const __m128i sizes = _mm_abs_epi8(all);

    for (int j = 0; j <= 8; j++)
        is[j] = (fe_mask)_mm_cmpeq_epi8_mask(sizes, _mm_set1_epi8((char)j));
    return (fe_mask)_mm_movepi8_mask(all);
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
