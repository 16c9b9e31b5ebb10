/* fe_avx2_rows.h - elements of fe_avx2.h from memory where each lane's lie together, and from tables. */
#ifndef PT_FE_AVX2_ROWS_H
#define PT_FE_AVX2_ROWS_H

#include "crypto/fe_avx2.h"

/* Rows to columns. */
FE_INLINE void fe_transpose(__m256d v[4])
{
    const __m256d a = _mm256_unpacklo_pd(v[0], v[1]);
    const __m256d b = _mm256_unpackhi_pd(v[0], v[1]);
    const __m256d c = _mm256_unpacklo_pd(v[2], v[3]);
    const __m256d d = _mm256_unpackhi_pd(v[2], v[3]);

    v[0] = _mm256_permute2f128_pd(a, c, 0x20);
    v[1] = _mm256_permute2f128_pd(b, d, 0x20);
    v[2] = _mm256_permute2f128_pd(a, c, 0x31);
    v[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

/* Three elements beside each other in 120 bytes a lane, and nothing in 8 more; row[i] is lane i. */
static inline void fe_load_rows(struct fe *a, struct fe *b, struct fe *c,
                                const uint8_t *const row[FE_LANES])
{
    struct fe *const to[3] = {a, b, c};

    for (size_t at = 0; at < 16; at += 4) {
        __m256d v[4];
        for (int i = 0; i < 4; i++)
            v[i] = _mm256_load_pd((const double *)(const void *)(row[i] + 8 * at));
        fe_transpose(v);
        for (size_t i = 0; i < 4 && at + i < 15; i++)
            to[(at + i) / 5]->v[(at + i) % 5] = v[i];
    }
}

static inline void fe_store_rows(uint8_t *const row[FE_LANES], const struct fe *a,
                                 const struct fe *b, const struct fe *c)
{
    const struct fe *const from[3] = {a, b, c};

    for (size_t at = 0; at < 16; at += 4) {
        __m256d v[4] = {0};
        for (size_t i = 0; i < 4 && at + i < 15; i++)
            v[i] = from[(at + i) / 5]->v[(at + i) % 5];
        fe_transpose(v);
        for (int i = 0; i < 4; i++)
            _mm256_store_pd((double *)(void *)(row[i] + 8 * at), v[i]);
    }
}

/* What digits of 0..31 stand for, of a table's window: lane by lane, the elements of its row
 * |digit - 16| - 1, or 1, 1 and 0 for a digit of 16. table[5 * e + i][row] is limb i of element e. Which
 * lanes' digits are below 16 is returned. Reads four rows with one instruction, sixteen with four. */
FE_INLINE fe_mask fe_lookup(struct fe *a, struct fe *b, struct fe *c, const uint64_t table[15][16],
                            const uint8_t digit[FE_LANES])
{
    struct fe *const to[3] = {a, b, c};
    uint32_t all;

    memcpy(&all, digit, sizeof all);
    const __m256i d = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128((int)all));
    const __m256d none = _mm256_castsi256_pd(_mm256_cmpeq_epi64(d, fe_all(16)));
    const __m256d minus = _mm256_castsi256_pd(_mm256_cmpgt_epi64(fe_all(16), d));
    const __m256i row = _mm256_castpd_si256(
        _mm256_blendv_pd(_mm256_castsi256_pd(_mm256_sub_epi64(d, fe_all(1))),
                         _mm256_castsi256_pd(_mm256_xor_si256(d, fe_all(15))), minus));
    const __m256i twice = _mm256_slli_epi64(_mm256_and_si256(row, fe_all(3)), 1);
    const __m256i halves =
        _mm256_or_si256(twice, _mm256_slli_epi64(_mm256_or_si256(twice, fe_all(1)), 32));
    const __m256d fours = _mm256_castsi256_pd(_mm256_slli_epi64(row, 61));
    const __m256d eights = _mm256_castsi256_pd(_mm256_slli_epi64(row, 60));

#pragma GCC unroll 15
    for (int i = 0; i < 15; i++) {
        __m256d q[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            q[j] = _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(
                _mm256_load_si256((const __m256i *)(const void *)(table[i] + 4 * (size_t)j)),
                halves));
        const __m256d v = _mm256_blendv_pd(_mm256_blendv_pd(q[0], q[1], fours),
                                           _mm256_blendv_pd(q[2], q[3], fours), eights);
        to[i / 5]->v[i % 5] = _mm256_blendv_pd(v, fe_alld(i == 0 || i == 5), none);
    }
    return (fe_mask)_mm256_movemask_pd(minus);
}

#endif
