/* columns_internal.h - for columns*.c alone: records as they are placed. */
#ifndef PT_COLUMNS_INTERNAL_H
#define PT_COLUMNS_INTERNAL_H

#include "node/columns.h"

struct columns_map {
    const struct vault_data *data;
    const struct policy_partner *me;
    uint16_t partner;
    uint64_t m;
    uint64_t rows, kept_count;
    bool dense;     /* record i is data's row i: all have tokens */
    uint32_t *row;  /* of data, one a placed record */
    uint32_t *slot; /* < m <= 2^27 */
    int8_t *sign;
    uint8_t *kept;
    /* A set column in which somebody has more than max_per_person values: the values that stay,
     * `words` a placed record. NULL: nobody has, and data's own serve. */
    uint64_t *cut[POLICY_ATTRIBUTES_MAX];
    /* By slot, but for the order within each COLUMNS_BUCKET slots, which is that of records; and where each
     * bucket begins, and the last one ends. NULL in a view's map. */
    struct columns_placed *by_slot;
    uint32_t *bucket;
};
struct columns_placed { /* secret: once more what the map says of a record */
    uint32_t record, slot;
    int8_t sign;
    uint8_t kept;
};

static inline size_t columns_members(const uint64_t *set, size_t words)
{
    size_t n = 0;

    for (size_t w = 0; w < words; w++)
        n += (size_t)__builtin_popcountll(set[w]);
    return n;
}

#endif
