/* columns_fixture.h - a recipient's vector as plain values, and plain values packed. */
#ifndef PT_TESTS_COLUMNS_FIXTURE_H
#define PT_TESTS_COLUMNS_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "node/columns.h"
#include "node/packed.h"

/* values: blocks * RLWE_DEGREE of them. */
static inline void fixture_pack(uint8_t *packed, const int8_t *values, uint64_t blocks)
{
    packed_clear(packed, blocks);
    for (uint64_t i = 0; i < blocks * RLWE_DEGREE; i++)
        if (values[i] != 0)
            packed_put(packed, i, values[i]);
}

/* columns_recipient(), a value a slot; what is beyond the last slot is zero. sums may be NULL. */
static inline enum pt_code fixture_recipient(int8_t *values, struct columns_sums *sums,
                                             const struct columns_map *map,
                                             const struct columns_selector *which)
{
    const uint64_t slots = columns_slots(map);
    const uint64_t blocks = (slots + RLWE_DEGREE - 1) / RLWE_DEGREE;
    uint8_t *packed = malloc((size_t)blocks * PACKED_BLOCK);
    static int8_t block[RLWE_DEGREE];
    struct columns_sums ignored;

    if (packed == NULL)
        abort();
    const enum pt_code rc =
        columns_recipient(packed, sums != NULL ? sums : &ignored, map, which, slots);
    for (uint64_t k = 0; k < blocks; k++) {
        const uint64_t left = slots - k * RLWE_DEGREE;
        const size_t n = left < RLWE_DEGREE ? (size_t)left : RLWE_DEGREE;
        packed_block(block, packed, k);
        memcpy(values + k * RLWE_DEGREE, block, n);
        for (size_t i = n; i < RLWE_DEGREE; i++)
            if (block[i] != 0)
                abort();
    }
    free(packed);
    return rc;
}

#endif
