/* inner_dot.h - for inner*.c alone: a row's entries by block, and sums of byte planes. */
#ifndef PT_INNER_DOT_H
#define PT_INNER_DOT_H

#include "crypto/dot.h"
#include "crypto/inner.h"

/* The RLWE_DEGREE entries of block k of a limb that begins there, zeros after the last slot. */
void inner_row_block(int8_t out[RLWE_DEGREE], const struct rlwe *c, const int8_t *limb, uint64_t k);

typedef int64_t dot_sums[DOT_PLANES_MAX][DOT_ROWS_MAX]; /* what dot_fn adds to */
/* sums[column][plane][row], planes put together, mod q; |plane| < 2^43. */
uint64_t inner_dot_join(const struct ring *r, dot_sums *sums, size_t row, size_t column);

#endif
