/* packed.h - a column's values, each -1, 0 or 1, in two bits: a quarter of the memory, as they are kept between
 * a column's first ciphertext and its proof. Secret, like the values.
 *
 * Block by block, RLWE_DEGREE values in PACKED_BLOCK bytes: byte i holds, from its lowest bits on, value + 1
 * of slots i, 512 + i, 1024 + i and 1536 + i. */
#ifndef PT_PACKED_H
#define PT_PACKED_H

#include <stdint.h>

#include "crypto/rlwe.h"

enum { PACKED_BLOCK = RLWE_DEGREE / 4 };

/* Of blocks, as many as rlwe_block_count() says. */
void packed_make(uint8_t *out, const int8_t *values, uint64_t blocks);
/* The values of block k. */
void packed_block(int8_t out[RLWE_DEGREE], const uint8_t *packed, uint64_t k);
/* A hash of what is packed, as secret as that. */
void packed_digest(struct digest *out, const uint8_t *packed, uint64_t blocks);

#endif
