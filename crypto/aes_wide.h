/* aes_wide.h - the stream of prg.h, AES-256 in counter mode, sixteen and more blocks at once, for keys
 * that are used for a few kilobytes each: leaves of a VOLE. The same bytes, no allocation, no failure.
 * Only where aes_wide_usable(); prg.h runs everywhere. Constant time in key and stream. */
#ifndef PT_AES_WIDE_H
#define PT_AES_WIDE_H

#include "crypto/prf.h"

/* Is the code path IFMA's, and has the processor VAES? The same answer at every call. */
bool aes_wide_usable(void);
/* Bytes [0, n) of stream `nonce` of key. */
void aes_wide_stream(uint8_t *out, const struct key32 *key, uint64_t nonce, size_t n);

#endif
