/* aes_wide.h - the stream of prg.h, AES-256 in counter mode, eight to 32 blocks at once: what prg.h reads
 * where aes_wide_usable(), and by itself for keys that are used for a few kilobytes each, the leaves of a
 * VOLE: no allocation, no failure. Constant time in key and stream. */
#ifndef PT_AES_WIDE_H
#define PT_AES_WIDE_H

#include "crypto/prf.h"

/* Is the code path AVX2's or IFMA's, and has the processor AES? The same answer at every call. */
bool aes_wide_usable(void);
/* Bytes [16*block, 16*block + n) of stream `nonce` of key. */
void aes_wide_stream(uint8_t *out, const struct key32 *key, uint64_t nonce, uint64_t block,
                     size_t n);

/* The same with so many blocks a register; x1 wants AES-NI and AVX2, x2 and x4 VAES and their path. */
typedef void aes_wide_fn(uint8_t *out, const struct key32 *key, uint64_t nonce, uint64_t block,
                         size_t n);
aes_wide_fn aes_x1, aes_x2, aes_x4;
/* Can this machine run the one with 1, 2 or 4 blocks, whatever the path? */
bool aes_wide_runs(unsigned blocks);

#endif
