#include "node/packed.h"

#include <string.h>

#include "crypto/blake2b_tree.h"

/* Eight values at a time, a byte each, of which none carries into the next. */
enum { WORD = sizeof(uint64_t) };
#define BYTES(x) (UINT64_C(0x0101010101010101) * (x))

static uint64_t word_at(const void *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w;
}

/* value + 1 of each: 0x7f, 0x80, 0x81 less 0x7f. */
static uint64_t raised(const int8_t *values)
{
    return (word_at(values) ^ BYTES(0x80)) - BYTES(0x7f);
}

void packed_make(uint8_t *out, const int8_t *values, uint64_t blocks)
{
    for (uint64_t k = 0; k < blocks; k++)
        for (size_t i = 0; i < PACKED_BLOCK; i += WORD) {
            const int8_t *v = values + k * RLWE_DEGREE + i;
            const uint64_t w = raised(v) | raised(v + PACKED_BLOCK) << 2 |
                               raised(v + 2 * (size_t)PACKED_BLOCK) << 4 |
                               raised(v + 3 * (size_t)PACKED_BLOCK) << 6;
            memcpy(out + k * PACKED_BLOCK + i, &w, sizeof w);
        }
}

void packed_block(int8_t out[RLWE_DEGREE], const uint8_t *packed, uint64_t k)
{
    for (size_t i = 0; i < PACKED_BLOCK; i += WORD) {
        const uint64_t in = word_at(packed + k * PACKED_BLOCK + i);
        for (unsigned part = 0; part < 4; part++) {
            const uint64_t w = ((in >> 2 * part & BYTES(3)) + BYTES(0x7f)) ^ BYTES(0x80);
            memcpy(out + (size_t)part * PACKED_BLOCK + i, &w, sizeof w);
        }
    }
}

void packed_digest(struct digest *out, const uint8_t *packed, uint64_t blocks)
{
    blake2b_tree_digest(out, "patto/packed/1", span_of(packed, (size_t)blocks * PACKED_BLOCK));
}
