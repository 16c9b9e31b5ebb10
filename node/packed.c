#include "node/packed.h"

#include <string.h>

#include "crypto/blake2b_tree.h"
#include "proto/epoch.h"

/* Eight values at a time, a byte each, of which none carries into the next. */
enum { WORD = sizeof(uint64_t) };
#define BYTES(x) (UINT64_C(0x0101010101010101) * (x))

static uint64_t word_at(const void *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w;
}

void packed_clear(uint8_t *out, uint64_t blocks)
{
    memset(out, 0x55, (size_t)blocks * PACKED_BLOCK); /* 0 + 1, four times */
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

void packed_values_digest(struct digest *out, const uint8_t *packed, uint64_t slot_count)
{
    struct blake2b_tree h;
    int8_t values[RLWE_DEGREE];

    blake2b_tree_begin(&h);
    for (uint64_t at = 0; at < slot_count; at += RLWE_DEGREE) {
        const uint64_t left = slot_count - at;
        packed_block(values, packed, at / RLWE_DEGREE);
        blake2b_tree_add(&h, span_of(values, left < RLWE_DEGREE ? (size_t)left : RLWE_DEGREE));
    }
    epoch_values_digest_end(out, &h);
    explicit_bzero(values, sizeof values);
}
