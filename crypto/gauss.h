/* gauss.h - the rerandomisers u and f of PROTOCOL.md 4: 2048 independent discrete Gaussians of
 * width 5, cut at +-64, from a table of 128-bit integers (scripts/gauss_table.py). Constant time.
 * The noise that privacy rests on is another sampler: noise.h. */
#ifndef PT_GAUSS_H
#define PT_GAUSS_H

#include "crypto/prg.h"

enum { GAUSS_COUNT = 2048, GAUSS_CUT = 64 };

/* out is a pure function of (key of g, nonce). PT_EBUG: the cipher failed; out is then zero. */
PT_MUST_USE enum pt_code gauss_draw(int8_t out[GAUSS_COUNT], const struct prg *g, uint64_t nonce);
/* floor(2^128 * P(|x| <= k)), k < GAUSS_CUT: for tests. */
u128 gauss_table(unsigned k);

#endif
