#include "crypto/slot.h"

#include <assert.h>
#include <sodium.h>

struct slot_hash { /* secret: it follows from a token */
    uint8_t b[32];
};
PT_SECRET_TYPE(slot_hash);

void slot_of(struct slot_place *out, const struct digest *salt, const struct token *t, uint64_t m)
{
    PT_WIPED(slot_hash) h = {0};

    assert(m != 0 && (m & (m - 1)) == 0);
    crypto_generichash(h.b, sizeof h.b, t->b, sizeof t->b, salt->b, sizeof salt->b);
    out->slot = load_u64le(h.b) & (m - 1);
    out->priority = load_u64le(h.b + 8);
    out->sign = (int8_t)(1 - 2 * (h.b[16] & 1));
}

uint64_t slot_truncation_key(const struct digest *salt, const struct token *t, uint32_t value_index)
{
    PT_WIPED(slot_hash) h = {0};
    uint8_t in[20]; /* longer than slot_of()'s input, so the two never hash the same bytes */

    memcpy(in, t->b, sizeof t->b);
    store_u32le(in + sizeof t->b, value_index);
    crypto_generichash(h.b, sizeof h.b, in, sizeof in, salt->b, sizeof salt->b);
    explicit_bzero(in, sizeof in);
    return load_u64le(h.b);
}
