/* dot_plain.h - the body of dot.h in plain C. The compiler makes vectors of it, as wide as the file
 * that includes it may use: dot_portable and dot_avx2 differ in nothing else. */
#ifndef PT_DOT_PLAIN_H
#define PT_DOT_PLAIN_H

#include "crypto/dot.h"

/* A byte times an entry fits 16 by 16 bits; 2048 of them fit 27 bits. */
static inline __attribute__((always_inline)) void dot_block(
    int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], size_t i, const int8_t row[DOT_DEGREE],
    const uint8_t *block, unsigned planes)
{
    int16_t wide[DOT_DEGREE];

    for (size_t t = 0; t < DOT_DEGREE; t++)
        wide[t] = (int16_t)row[t]; /* NOLINT(bugprone-signed-char-misuse,cert-str34-c): a number */
    for (unsigned p = 0; p < planes; p++) {
        const uint8_t *plane = block + (size_t)p * DOT_DEGREE;
        int32_t s = 0;
        for (size_t t = 0; t < DOT_DEGREE; t++)
            s += (int32_t)(int16_t)plane[t] * wide[t];
        sum[p][i] += s;
    }
    explicit_bzero(wide, sizeof wide);
}

static inline __attribute__((always_inline)) void dot_plain(
    int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in)
{
    for (size_t k = 0; k < in->block_count; k++)
        for (size_t i = 0; i < in->row_count; i++)
            dot_block(sum, i, in->rows + i * in->row_stride + k * DOT_DEGREE,
                      in->blocks + k * in->planes * DOT_DEGREE, in->planes);
}

#endif
