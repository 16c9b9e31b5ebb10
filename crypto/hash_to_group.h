/* hash_to_group.h - expand_message_xmd over SHA-512 (RFC 9380 section 5.3.1) and the domains in
 * which RFC 9497's ristretto255-SHA512 suite, verifiable mode, uses it.
 *
 * Messages come in parts, hashed one after the other without separators, as the RFCs write them.
 * Parts may be secret: only their lengths show. */
#ifndef PT_HASH_TO_GROUP_H
#define PT_HASH_TO_GROUP_H

#include "crypto/group.h"

enum { EXPAND_BYTES_MAX = 1024 };

/* contextString of RFC 9497 section 3.1, mode 0x01; without its terminating NUL. */
#define HASH_CONTEXT "OPRFV1-\x01-ristretto255-SHA512"

enum hash_domain {
    HASH_TO_GROUP,   /* "HashToGroup-" || contextString */
    HASH_TO_SCALAR,  /* "HashToScalar-" || contextString */
    HASH_DERIVE_KEY, /* "DeriveKeyPair" || contextString: no dash, as the RFC has it */
};

/* out = out_bytes bytes, at most EXPAND_BYTES_MAX; dst is at most 255 bytes. */
void expand_message_xmd(uint8_t *out, size_t out_bytes, struct span dst, const struct span *parts,
                        size_t part_count);
/* The 64 bytes that group_map() or scalar_reduce() turn into a point or a scalar. */
void hash_to_wide(uint8_t out[64], enum hash_domain domain, const struct span *parts,
                  size_t part_count);
void hash_to_scalar(struct scalar *out, enum hash_domain domain, const struct span *parts,
                    size_t part_count);

/* Many messages of one length: prefix || item i || suffix, at most HASH_ITEM_MAX bytes. */
enum { HASH_ITEM_MAX = 640 };
struct hash_items { /* borrowed; n items, stride bytes from one to the next */
    struct span prefix, suffix;
    const uint8_t *first;
    size_t stride, bytes, n;
};
/* out[i] = SHA-512(message i), several at once where the processor can. */
void hash_each(uint8_t (*out)[64], const struct hash_items *in);
/* out[i] = hash_to_wide(message i); the message leaves room for the domain: at most 576 bytes. */
void hash_to_wide_each(uint8_t (*out)[64], enum hash_domain domain, const struct hash_items *in);

#endif
