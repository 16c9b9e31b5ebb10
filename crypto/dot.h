/* dot.h - bytes times small integers, the bulk of an encrypted inner product (PROTOCOL.md 4): the
 * byte planes of ciphertext blocks times the entries of plain rows, exact in integers.
 *
 * Internal to crypto/inner. Rows are secret and run in constant time; blocks are public. All paths
 * give the same numbers. */
#ifndef PT_DOT_H
#define PT_DOT_H

#include "crypto/base/span.h"
#include "crypto/cpu.h"

enum {
    DOT_DEGREE = 2048,
    DOT_PLANES_MAX = 6,
    DOT_BLOCKS_MAX = 4, /* of one call: a 32-bit sum of 2^13 products below 2^15 holds many more */
    DOT_ROWS_MAX = 64,  /* of one call */
};

struct dot_in {
    const int8_t *rows; /* row i: block_count * DOT_DEGREE entries at rows + i * row_stride */
    size_t row_count, row_stride;
    const uint8_t *blocks; /* block_count times planes times DOT_DEGREE bytes */
    size_t block_count;
    const uint8_t *next; /* as many blocks that will be wanted then: brought nearer meanwhile */
    unsigned planes;     /* 4, 5, 6 */
};

/* sum[p][i] += sum over blocks k and places t of blocks[k][p][t] * row_i[k][t]. Secret out. */
typedef void dot_fn(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in);
dot_fn dot_portable, dot_avx2, dot_ifma;
/* The one that cpu_path() runs. */
dot_fn *dot_best(void);
/* The one of a path; for tests and benches. NULL: this build or this machine has none. */
dot_fn *dot_of(enum cpu_path path);

#endif
