/* Compiled with AVX2 (Makefile, CFLAGS_ARCH), and run only where there is AVX2: bytes and entries become
 * 16 bits wide, those at even and at odd places apart, and VPMADDWD adds products in pairs into eight sums. */
#include "crypto/dot.h"

#ifdef __AVX2__

#include <immintrin.h>

enum {
    ROWS = 2,
    STEP = 32
}; /* with 6 planes 12 sums, two rows and a plane fill the 16 registers */
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

/* The sum of eight lanes. |each| < 2^26, and of all < 2^29. */
INLINE int64_t add_lanes(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* Bytes at even or at odd places, 16 bits each. */
INLINE __m256i half(__m256i x, int odd)
{
    return odd ? _mm256_srli_epi16(x, 8) : _mm256_and_si256(x, _mm256_set1_epi16(0xff));
}
INLINE __m256i signed_half(__m256i x, int odd)
{
    return _mm256_srai_epi16(odd ? x : _mm256_slli_epi16(x, 8), 8);
}

struct sums {
    __m256i of[DOT_PLANES_MAX][ROWS];
};
struct place { /* in rows and in the planes of a block */
    const int8_t *row;
    size_t row_stride;
    const uint8_t *plane;
};
/* 32 places of `rows` rows: those at even places, or at odd ones. */
INLINE void add_half(struct sums *s, const struct place *at, const size_t rows,
                     const unsigned planes, const int odd)
{
    __m256i entries[ROWS];

    UNROLL
    for (size_t r = 0; r < rows; r++)
        entries[r] = signed_half(load(at->row + r * at->row_stride), odd);
    UNROLL
    for (unsigned p = 0; p < planes; p++) {
        const __m256i bytes = half(load(at->plane + (size_t)p * DOT_DEGREE), odd);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            s->of[p][r] = _mm256_add_epi32(s->of[p][r], _mm256_madd_epi16(bytes, entries[r]));
    }
}

/* `rows` rows from `first` on, of DOT_BLOCKS_MAX blocks at most: a lane takes 2^10 pairs, each under 2^16. */
INLINE void tile(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in, size_t first,
                 const size_t rows, const unsigned planes)
{
    const int8_t *row = in->rows + first * in->row_stride;
    struct sums s;

    /* A plane of each of the next blocks a tile, as long as there are any left. */
    const size_t plane = first / ROWS < planes ? first / ROWS : planes - 1;
    const uint8_t *ahead = in->next + plane * in->block_count * DOT_DEGREE;

    UNROLL
    for (unsigned p = 0; p < planes; p++)
        s.of[p][0] = s.of[p][ROWS - 1] = _mm256_setzero_si256();
    for (size_t k = 0; k < in->block_count; k++, row += DOT_DEGREE) {
        const uint8_t *block = in->blocks + k * planes * DOT_DEGREE;
        for (size_t t = 0; t < DOT_DEGREE; t += STEP) {
            _mm_prefetch((const char *)ahead + k * DOT_DEGREE + t, _MM_HINT_T1);
            const struct place at = {row + t, in->row_stride, block + t};
            add_half(&s, &at, rows, planes, 0);
            add_half(&s, &at, rows, planes, 1);
        }
    }
    for (unsigned p = 0; p < planes; p++)
        for (size_t r = 0; r < rows; r++)
            sum[p][first + r] += add_lanes(s.of[p][r]);
}

INLINE void tiles(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in,
                  const unsigned planes)
{
    size_t first = 0;

    for (; first + ROWS <= in->row_count; first += ROWS)
        tile(sum, in, first, ROWS, planes);
    if (first < in->row_count)
        tile(sum, in, first, 1, planes);
}

void dot_avx2(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in)
{
    if (in->planes == 4)
        tiles(sum, in, 4);
    else if (in->planes == 5)
        tiles(sum, in, 5);
    else
        tiles(sum, in, 6);
}

#else

#include <string.h>

#include "crypto/dot_plain.h"

void dot_avx2(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in)
{
    dot_plain(sum, in);
}

#endif
