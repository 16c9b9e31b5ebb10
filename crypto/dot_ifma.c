/* Compiled with AVX-512 VNNI (Makefile, CFLAGS_ARCH), and run only where there is VNNI: VPDPBUSD
 * multiplies 64 bytes by 64 signed entries and adds fours of them into 16 sums. */
#include "crypto/dot.h"

#ifdef __AVX512VNNI__

#include <immintrin.h>

enum { ROWS = 4 }; /* at once: with 6 planes 24 sums, 4 rows and a plane fill the 32 registers */

/* The sums of the 16 lanes of a, b, c and d, as 64-bit integers. |each| < 2^31: DOT_BLOCKS_MAX. */
static inline __m256i add_lanes(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    return _mm256_cvtepi32_epi64(
        _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}

/* Four rows. Entries of rows beyond row_count are read from the last one and not used. */
static inline __attribute__((always_inline)) void tile(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX],
                                                       const struct dot_in *in, size_t first,
                                                       const unsigned planes)
{
    __m512i s[DOT_PLANES_MAX][ROWS];
    const int8_t *row[ROWS];

    for (size_t r = 0; r < ROWS; r++)
        row[r] =
            in->rows + (first + r < in->row_count ? first + r : in->row_count - 1) * in->row_stride;
    for (unsigned p = 0; p < planes; p++)
        for (size_t r = 0; r < ROWS; r++)
            s[p][r] = _mm512_setzero_si512();
    for (size_t k = 0; k < in->block_count; k++) {
        const uint8_t *block = in->blocks + k * planes * DOT_DEGREE;
        for (size_t t = 0; t < DOT_DEGREE; t += 64) {
            __m512i entries[ROWS];
            for (size_t r = 0; r < ROWS; r++)
                entries[r] = _mm512_loadu_si512(row[r] + k * DOT_DEGREE + t);
            for (unsigned p = 0; p < planes; p++) {
                __m512i bytes = _mm512_loadu_si512(block + (size_t)p * DOT_DEGREE + t);
                for (size_t r = 0; r < ROWS; r++)
                    s[p][r] = _mm512_dpbusd_epi32(s[p][r], bytes, entries[r]);
            }
        }
    }
    __mmask8 used =
        (__mmask8)(in->row_count - first >= ROWS ? 0xF : (1U << (in->row_count - first)) - 1);
    for (unsigned p = 0; p < planes; p++) {
        int64_t *to = &sum[p][first];
        __m256i v = add_lanes(s[p][0], s[p][1], s[p][2], s[p][3]);
        _mm256_mask_storeu_epi64(to, used, _mm256_add_epi64(_mm256_maskz_loadu_epi64(used, to), v));
    }
}

void dot_ifma(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in)
{
    for (size_t first = 0; first < in->row_count; first += ROWS) {
        if (in->planes == 4)
            tile(sum, in, first, 4);
        else if (in->planes == 5)
            tile(sum, in, first, 5);
        else
            tile(sum, in, first, 6);
    }
}

#else

#include "crypto/dot_plain.h"

void dot_ifma(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in)
{
    dot_plain(sum, in);
}

#endif
