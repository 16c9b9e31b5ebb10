/* aes_wide.h - the stream of prg.h, AES-256 in counter mode, eight to 32 blocks at once, for keys that
 * are used for a few kilobytes each: leaves of a VOLE. The same bytes, no allocation, no failure. Only
 * where aes_wide_usable(); prg.h runs everywhere. Constant time in key and stream. */
#ifndef PT_AES_WIDE_H
#define PT_AES_WIDE_H

#include "crypto/prf.h"

/* Is the code path AVX2's or IFMA's, and has the processor AES? The same answer at every call. */
bool aes_wide_usable(void);
/* Bytes [0, n) of stream `nonce` of key. */
void aes_wide_stream(uint8_t *out, const struct key32 *key, uint64_t nonce, size_t n);

/* The same with so many blocks a register; x1 wants AES-NI and AVX2, x2 and x4 VAES and their path. */
void aes_x1(uint8_t *out, const struct key32 *key, uint64_t nonce, size_t n);
void aes_x2(uint8_t *out, const struct key32 *key, uint64_t nonce, size_t n);
void aes_x4(uint8_t *out, const struct key32 *key, uint64_t nonce, size_t n);
/* Can this machine run the one with 1, 2 or 4 blocks, whatever the path? */
bool aes_wide_runs(unsigned blocks);

#endif
