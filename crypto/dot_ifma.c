/* Compiled with AVX-512 VNNI (Makefile, CFLAGS_ARCH), and run only where there is VNNI: VPDPBUSD
 * multiplies 64 bytes by 64 signed entries and adds fours of them into 16 sums. */
#include "crypto/dot.h"

#ifdef __AVX512VNNI__

#include <immintrin.h>

/* Rows at once: five and a plane beside the 25 sums of five planes fill 31 of the 32 registers, four with six
 * planes 29. */
enum { ROWS_MAX = 5, TOGETHER = 4 };
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

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

/* `at` and those of the four rows after it that are used: v is added. */
INLINE void add_to(int64_t *at, __m256i v, size_t used)
{
    const __mmask8 mask = (__mmask8)(used >= TOGETHER ? 0xF : (1U << used) - 1);

    _mm256_mask_storeu_epi64(at, mask, _mm256_add_epi64(_mm256_maskz_loadu_epi64(mask, at), v));
}

/* As many rows, where entries of those beyond row_count are read from the last one and not used. */
INLINE void tile(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in, size_t first,
                 const size_t rows, const unsigned planes)
{
    const size_t left = in->row_count - first < rows ? in->row_count - first : rows;
    const __m512i zero = _mm512_setzero_si512();
    __m512i s[DOT_PLANES_MAX][ROWS_MAX];
    const int8_t *row[ROWS_MAX];

    UNROLL
    for (size_t r = 0; r < rows; r++)
        row[r] = in->rows + (first + (r < left ? r : left - 1)) * in->row_stride;
    UNROLL
    for (unsigned p = 0; p < DOT_PLANES_MAX; p++)
        UNROLL
    for (size_t r = 0; r < ROWS_MAX; r++)
        s[p][r] = zero;
    /* A plane of each of the next blocks a tile, as long as there are any left. */
    const size_t plane = first / rows < planes ? first / rows : planes - 1;
    const uint8_t *ahead = in->next + plane * in->block_count * DOT_DEGREE;

    for (size_t k = 0; k < in->block_count; k++) {
        const uint8_t *block = in->blocks + k * planes * DOT_DEGREE;
        for (size_t t = 0; t < DOT_DEGREE; t += 64) {
            _mm_prefetch((const char *)ahead + k * DOT_DEGREE + t, _MM_HINT_T1);
            __m512i entries[ROWS_MAX];
            UNROLL
            for (size_t r = 0; r < rows; r++)
                entries[r] = _mm512_loadu_si512(row[r] + k * DOT_DEGREE + t);
            UNROLL
            for (unsigned p = 0; p < planes; p++) {
                const __m512i bytes = _mm512_loadu_si512(block + (size_t)p * DOT_DEGREE + t);
                UNROLL
                for (size_t r = 0; r < rows; r++) {
                    s[p][r] = _mm512_dpbusd_epi32(s[p][r], bytes, entries[r]);
                    /* Sums stay where they are: gcc would move them about, half of its time. */
                    __asm__("" : "+v"(s[p][r]));
                }
            }
        }
    }
    UNROLL
    for (unsigned p = 0; p < planes; p++) {
        int64_t *to = &sum[p][first];
        add_to(to, add_lanes(s[p][0], s[p][1], s[p][2], s[p][3]), left);
        if (rows > TOGETHER && left > TOGETHER)
            add_to(to + TOGETHER, add_lanes(s[p][TOGETHER], zero, zero, zero), 1);
    }
}

INLINE void tiles(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in,
                  const size_t rows, const unsigned planes)
{
    for (size_t first = 0; first < in->row_count; first += rows)
        tile(sum, in, first, rows, planes);
}

void dot_ifma(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in)
{
    if (in->planes == 4)
        tiles(sum, in, ROWS_MAX, 4);
    else if (in->planes == 5)
        tiles(sum, in, ROWS_MAX, 5);
    else
        tiles(sum, in, TOGETHER, 6);
}

#else

#include "crypto/dot_plain.h"

void dot_ifma(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in)
{
    dot_plain(sum, in);
}

#endif
