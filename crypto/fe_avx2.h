/* fe_avx2.h - four field elements mod 2^255 - 19 at once: ten limbs of 26 and 25 bits by turns, AVX2.
 *
 * Bounds, in units of 2^26 for even limbs and 2^25 for odd ones (tests/crypto/fe_avx2_test.c drives
 * them to the edge):
 *   tight  < 1.01: what products, fe_add, fe_sub, fe_neg, fe_narrow_sum and loads give, and what everything
 *          takes but where it says so
 *   loose  < 3.05: fe_add_loose of two tight elements, fe_sub_loose of any less a tight one
 *   first  < 8: what the first factor of a product may be. The second may be loose, and no more: 19
 *          times its limbs must fit 32 bits
 * A column of a product is below 124.5 * 2^52 times both factors' bounds: below 2^64 for 8 * 3.05. */
#ifndef PT_FE_AVX2_H
#define PT_FE_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "crypto/base/ct.h"
#include "crypto/base/span.h"

struct fe {
    __m256i v[10];
};
#define FE_INLINE static inline __attribute__((always_inline))
#define FE_CALL   static __attribute__((noinline)) /* inlined, products would not fit the cache */
typedef uint8_t fe_mask;                           /* a bit a lane */
enum { FE_LANES = 4, FE_WIDE = 2 };
#define FE_LIMB(x)                                                                                 \
    {                                                                                              \
        x, x, x, x                                                                                 \
    }
#define FE_LIMBS(x) FE_LIMB((x)&0x3ffffff), FE_LIMB((x) >> 26)
#define FE_CONST(a, b, c, d, e)                                                                    \
    {                                                                                              \
        {                                                                                          \
            FE_LIMBS(a), FE_LIMBS(b), FE_LIMBS(c), FE_LIMBS(d), FE_LIMBS(e)                        \
        }                                                                                          \
    }

FE_INLINE __m256i fe_all(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

/* The excess of limb i goes to the next; the last one's comes back at the first, times 19. */
FE_INLINE void fe_carry_at(__m256i r[10], int i)
{
    const int bits = i % 2 == 0 ? 26 : 25;
    const __m256i c = _mm256_srli_epi64(r[i], bits);

    r[i] = _mm256_and_si256(r[i], fe_all((UINT64_C(1) << bits) - 1));
    if (i < 9) {
        r[i + 1] = _mm256_add_epi64(r[i + 1], c);
        return;
    }
    const __m256i c18 = _mm256_add_epi64(_mm256_slli_epi64(c, 4), _mm256_add_epi64(c, c));
    r[0] = _mm256_add_epi64(r[0], _mm256_add_epi64(c18, c));
}

/* Any limbs < 2^64 - 2^39 become tight. Two chains, so that neither waits. */
FE_INLINE void fe_carry(struct fe *r)
{
    static const int ORDER[12] = {0, 5, 1, 6, 2, 7, 3, 8, 4, 9, 5, 0};

#pragma GCC unroll 12
    for (int i = 0; i < 12; i++)
        fe_carry_at(r->v, ORDER[i]);
}

FE_INLINE void fe_add_loose(struct fe *r, const struct fe *a, const struct fe *b)
{
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++)
        r->v[i] = _mm256_add_epi64(a->v[i], b->v[i]);
}

/* Limb i of 2p. */
FE_INLINE __m256i fe_twice_p(int i)
{
    return fe_all(i == 0 ? 0x7ffffda : i % 2 == 0 ? 0x7fffffe : 0x3fffffe);
}

/* a + 2p - b */
FE_INLINE void fe_sub_loose(struct fe *r, const struct fe *a, const struct fe *b)
{
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++)
        r->v[i] = _mm256_sub_epi64(_mm256_add_epi64(a->v[i], fe_twice_p(i)), b->v[i]);
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

FE_INLINE void fe_neg(struct fe *r, const struct fe *a)
{
    const struct fe zero = FE_CONST(0, 0, 0, 0, 0);

    fe_sub(r, &zero, a);
}

/* "Wide" (fe_ifma.h): here products are tight, and sums of them loose, but for one sum of three. */
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
    *r = *a;
}

FE_INLINE void fe_narrow_sum(struct fe *r, const struct fe *a)
{
    *r = *a;
    fe_carry(r);
}

/* Keeps the columns in registers: left alone, gcc sorts the sums anew and spills their terms. */
FE_INLINE void fe_hold(__m256i column[10])
{
    __asm__(""
            : "+x"(column[0]), "+x"(column[1]), "+x"(column[2]), "+x"(column[3]), "+x"(column[4]),
              "+x"(column[5]), "+x"(column[6]), "+x"(column[7]), "+x"(column[8]), "+x"(column[9]));
}

/* Limbs i and j meet in column i + j. Two odd ones lie half a bit each below their places, so that
 * their product counts twice; column k + 10 comes back at k, times 19. */
FE_CALL void fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
{
    __m256i b19[10];
    struct fe sum = {{{0}}};

#pragma GCC unroll 10
    for (int i = 0; i < 10; i++)
        b19[i] = _mm256_mul_epu32(b->v[i], fe_all(19));
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++) {
        const __m256i once = a->v[i];
        const __m256i twice = _mm256_add_epi64(once, once);
#pragma GCC unroll 10
        for (int j = 0; j < 10; j++) {
            const __m256i x = i % 2 == 1 && j % 2 == 1 ? twice : once;
            const __m256i y = i + j > 9 ? b19[j] : b->v[j];
            sum.v[(i + j) % 10] = _mm256_add_epi64(sum.v[(i + j) % 10], _mm256_mul_epu32(x, y));
        }
        fe_hold(sum.v);
    }
    fe_carry(&sum);
    *r = sum;
}

/* The same; products of different limbs count twice. */
FE_CALL void fe_sqr(struct fe *r, const struct fe *a)
{
    __m256i a19[10];
    struct fe sum = {{{0}}};

#pragma GCC unroll 10
    for (int i = 5; i < 10; i++)
        a19[i] = _mm256_mul_epu32(a->v[i], fe_all(19));
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++) {
        const __m256i once = a->v[i];
        const __m256i twice = _mm256_add_epi64(once, once);
        const __m256i four = _mm256_add_epi64(twice, twice);
#pragma GCC unroll 10
        for (int j = i; j < 10; j++) {
            const bool odd = i % 2 == 1 && j % 2 == 1;
            const __m256i x = i == j ? odd ? twice : once : odd ? four : twice;
            const __m256i y = i + j > 9 ? a19[j] : a->v[j];
            sum.v[(i + j) % 10] = _mm256_add_epi64(sum.v[(i + j) % 10], _mm256_mul_epu32(x, y));
        }
        fe_hold(sum.v);
    }
    fe_carry(&sum);
    *r = sum;
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
    *r = *a;
}

FE_INLINE __m256i fe_lanes_of(fe_mask mask)
{
    const __m256i bit = _mm256_set_epi64x(8, 4, 2, 1);

    return _mm256_cmpeq_epi64(_mm256_and_si256(fe_all(mask), bit), bit);
}

/* r = a in the lanes of mask, unchanged in the others. */
FE_INLINE void fe_select(struct fe *r, const struct fe *a, fe_mask mask)
{
    const __m256i m = fe_lanes_of(mask);

    for (int i = 0; i < 10; i++)
        r->v[i] = _mm256_blendv_epi8(r->v[i], a->v[i], m);
}

/* r = b in the lanes of mask, a in the others. */
FE_INLINE void fe_pick(struct fe *r, const struct fe *a, const struct fe *b, fe_mask mask)
{
    const __m256i m = fe_lanes_of(mask);

    for (int i = 0; i < 10; i++)
        r->v[i] = _mm256_blendv_epi8(a->v[i], b->v[i], m);
}

FE_INLINE void fe_or(struct fe *r, const struct fe *a, fe_mask mask)
{
    const __m256i m = fe_lanes_of(mask);

    for (int i = 0; i < 10; i++)
        r->v[i] = _mm256_or_si256(r->v[i], _mm256_and_si256(a->v[i], m));
}

FE_INLINE void fe_swap_if(struct fe *a, struct fe *b, fe_mask mask)
{
    const struct fe t = *a;

    fe_select(a, b, mask);
    fe_select(b, &t, mask);
}

FE_INLINE void fe_negate_if(struct fe *r, fe_mask mask)
{
    struct fe minus;

    fe_neg(&minus, r);
    fe_select(r, &minus, mask);
}

/* The representative in 0..p-1. over = 1 exactly where the value + 19 reaches 2^255. */
static inline void fe_freeze(struct fe *r, const struct fe *a)
{
    struct fe t = *a;
    __m256i over = fe_all(19);

    fe_carry(&t);
    for (int i = 0; i < 10; i++)
        over = _mm256_srli_epi64(_mm256_add_epi64(t.v[i], over), i % 2 == 0 ? 26 : 25);
    t.v[0] = _mm256_add_epi64(t.v[0], _mm256_mul_epu32(over, fe_all(19)));
    for (int i = 0; i < 9; i++)
        fe_carry_at(t.v, i);
    t.v[9] = _mm256_and_si256(t.v[9], fe_all((1 << 25) - 1));
    *r = t;
}

FE_INLINE fe_mask fe_mask_of(__m256i lanes)
{
    return (fe_mask)_mm256_movemask_pd(_mm256_castsi256_pd(lanes));
}

static inline fe_mask fe_mask_zero(const struct fe *a)
{
    struct fe t;

    fe_freeze(&t, a);
    __m256i any = t.v[0];
    for (int i = 1; i < 10; i++)
        any = _mm256_or_si256(any, t.v[i]);
    return fe_mask_of(_mm256_cmpeq_epi64(any, _mm256_setzero_si256()));
}

static inline fe_mask fe_mask_negative(const struct fe *a)
{
    struct fe t;

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
static inline void fe_load(struct fe *r, const uint8_t *b, size_t stride)
{
    const __m256i w0 = fe_words_at(b, stride, 0);
    const __m256i w1 = fe_words_at(b, stride, 8);
    const __m256i w2 = fe_words_at(b, stride, 16);
    const __m256i w3 = fe_words_at(b, stride, 24);
    const __m256i limb[5] = {w0, fe_shifts(w0, 51, w1, 13), fe_shifts(w1, 38, w2, 26),
                             fe_shifts(w2, 25, w3, 39), _mm256_srli_epi64(w3, 12)};

    for (int i = 0; i < 5; i++) {
        r->v[2 * i] = _mm256_and_si256(limb[i], fe_all((1 << 26) - 1));
        r->v[2 * i + 1] = _mm256_and_si256(_mm256_srli_epi64(limb[i], 26), fe_all((1 << 25) - 1));
    }
}

/* fe_load(), and a mask of lanes whose 256 bits are not below p. */
static inline fe_mask fe_load_strict(struct fe *r, const uint8_t *b, size_t stride)
{
    const fe_mask top = fe_mask_of(fe_words_at(b, stride, 24));
    __m256i differs = _mm256_setzero_si256();
    struct fe t;

    fe_load(r, b, stride);
    fe_freeze(&t, r);
    for (int i = 0; i < 10; i++)
        differs = _mm256_or_si256(differs, _mm256_xor_si256(t.v[i], r->v[i]));
    const fe_mask same = fe_mask_of(_mm256_cmpeq_epi64(differs, _mm256_setzero_si256()));
    return (fe_mask)(top | (~same & 15));
}

static inline void fe_store(uint8_t *b, size_t stride, const struct fe *a)
{
    __m256i limb[5];
    uint64_t lane[FE_LANES];
    struct fe t;

    fe_freeze(&t, a);
    for (int i = 0; i < 5; i++)
        limb[i] = _mm256_or_si256(t.v[2 * i], _mm256_slli_epi64(t.v[2 * i + 1], 26));
    for (int i = 0; i < 4; i++) {
        const __m256i word = fe_shifts(limb[i], 13 * i, limb[i + 1], 51 - 13 * i);
        _mm256_storeu_si256((__m256i *)(void *)lane, word);
        for (size_t l = 0; l < FE_LANES; l++)
            store_u64le(b + l * stride + 8 * (size_t)i, lane[l]);
    }
    explicit_bzero(lane, sizeof lane);
}

/* Rows to columns. */
FE_INLINE void fe_transpose(__m256i v[4])
{
    const __m256i a = _mm256_unpacklo_epi64(v[0], v[1]);
    const __m256i b = _mm256_unpackhi_epi64(v[0], v[1]);
    const __m256i c = _mm256_unpacklo_epi64(v[2], v[3]);
    const __m256i d = _mm256_unpackhi_epi64(v[2], v[3]);

    v[0] = _mm256_permute2x128_si256(a, c, 0x20);
    v[1] = _mm256_permute2x128_si256(b, d, 0x20);
    v[2] = _mm256_permute2x128_si256(a, c, 0x31);
    v[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

/* Three elements beside each other in 120 bytes a lane, limbs as 32-bit words; row[i] is lane i. */
static inline void fe_load_rows(struct fe *a, struct fe *b, struct fe *c,
                                const uint8_t *const row[FE_LANES])
{
    struct fe *const to[3] = {a, b, c};

    for (int at = 0; at < 32; at += 4) {
        __m256i v[4];
        for (int i = 0; i < 4; i++)
            v[i] = _mm256_cvtepu32_epi64(
                _mm_load_si128((const __m128i *)(const void *)(row[i] + 4 * at)));
        fe_transpose(v);
        for (int i = 0; i < 4 && at + i < 30; i++)
            to[(at + i) / 10]->v[(at + i) % 10] = v[i];
    }
}

static inline void fe_store_rows(uint8_t *const row[FE_LANES], const struct fe *a,
                                 const struct fe *b, const struct fe *c)
{
    const struct fe *const from[3] = {a, b, c};
    const __m256i low = _mm256_set_epi32(7, 5, 3, 1, 6, 4, 2, 0);

    for (int at = 0; at < 32; at += 4) {
        __m256i v[4] = {0};
        for (int i = 0; i < 4 && at + i < 30; i++)
            v[i] = from[(at + i) / 10]->v[(at + i) % 10];
        fe_transpose(v);
        for (int i = 0; i < 4; i++)
            _mm_store_si128((__m128i *)(void *)(row[i] + 4 * at),
                            _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(v[i], low)));
    }
}

/* Mask of the lanes whose value is v. */
static inline fe_mask fe_mask_equal(const int8_t *values, int v)
{
    uint32_t all;

    memcpy(&all, values, sizeof all);
    const __m128i lanes = _mm_cmpeq_epi8(_mm_cvtsi32_si128((int)all), _mm_set1_epi8((char)v));
    return (fe_mask)(_mm_movemask_epi8(lanes) & 15);
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
