/* prf.h - the two labelled functions from which everything derived is derived.
 *
 * prf_derive   secret in, secret out: BLAKE2b-256 keyed with `key` over label and parts
 * hash_parts   public digest: SHA-256 over label and parts
 * Label and parts each enter as a length-prefixed field (buf_field's layout), so no two
 * different lists hash alike. Labels start with "patto/" and are unique in the tree. */
#ifndef PT_PRF_H
#define PT_PRF_H

#include "crypto/base/span.h"
#include "crypto/base/wipe.h"

struct key32 { /* secret, uniform */
    uint8_t b[32];
};
PT_SECRET_TYPE(key32);

struct digest { /* public */
    uint8_t b[32];
};

/* out = BLAKE2b-256(key, fields(label, parts...)). Parts may be secret; constant time in key. */
void prf_derive(struct key32 *out, const struct key32 *key, const char *label,
                const struct span *parts, size_t part_count);
/* out = SHA-256(fields(label, parts...)). */
void hash_parts(struct digest *out, const char *label, const struct span *parts, size_t part_count);
/* Fresh from the operating system. Fails closed: the process ends when the source does. */
void key32_random(struct key32 *out);

#endif
