/* packed.h - a column's values, each -1, 0 or 1, in two bits: a quarter of the memory, as they are made,
 * and kept between a column's first ciphertext and its proof. Secret, like the values.
 *
 * Block by block, RLWE_DEGREE values in PACKED_BLOCK bytes: byte i holds, from its lowest bits on, value + 1
 * of slots i, 512 + i, 1024 + i and 1536 + i. */
#ifndef PT_PACKED_H
#define PT_PACKED_H

#include <stdint.h>

#include "crypto/rlwe.h"

enum { PACKED_BLOCK = RLWE_DEGREE / 4 };

/* Zeros, of as many blocks as rlwe_block_count() says. */
void packed_clear(uint8_t *out, uint64_t blocks);
/* value, -1 or 1, where a zero is. */
static inline void packed_put(uint8_t *packed, uint64_t slot, int8_t value)
{
    const uint64_t in_block = slot % RLWE_DEGREE;

    packed[slot / RLWE_DEGREE * PACKED_BLOCK + in_block % PACKED_BLOCK] ^=
        (uint8_t)((value > 0 ? 3 : 1) << 2 * (in_block / PACKED_BLOCK));
}
/* The values of block k. */
void packed_block(int8_t out[RLWE_DEGREE], const uint8_t *packed, uint64_t k);
/* A hash of what is packed, as secret as that; and epoch_values_digest() of the first slot_count values. */
void packed_digest(struct digest *out, const uint8_t *packed, uint64_t blocks);
void packed_values_digest(struct digest *out, const uint8_t *packed, uint64_t slot_count);

#endif
