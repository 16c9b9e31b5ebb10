/* slot.h - where a token falls in an epoch (PROTOCOL.md 3):
 * BLAKE2b-256(key = salt, token): slot = bytes 0-7 mod M, priority = bytes 8-15, sign = bit 0 of
 * byte 16. Lower priority is kept first; ties go to the smaller token. */
#ifndef PT_SLOT_H
#define PT_SLOT_H

#include "crypto/oprf.h"

struct slot_place { /* secret: it follows from a token */
    uint64_t slot, priority;
    int8_t sign; /* -1 or +1; bit 0 clear is +1 */
};
PT_SECRET_TYPE(slot_place);

/* M is a power of two. */
void slot_of(struct slot_place *out, const struct digest *salt, const struct token *t, uint64_t m);
/* Key by which a person's set values are cut to max_per_person: the smallest first. A function of
 * the person's own token and public data only (PROTOCOL.md 5, Truncation). */
uint64_t slot_truncation_key(const struct digest *salt, const struct token *t,
                             uint32_t value_index);

#endif
