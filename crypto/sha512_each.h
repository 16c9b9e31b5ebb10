/* sha512_each.h - SHA-512 (FIPS 180-4) of many messages of one length, several at once where the
 * processor can: eight with AVX-512, four with AVX2, else libsodium's one by one. Messages may be
 * secret: only how many and how long they are shows. */
#ifndef PT_SHA512_EACH_H
#define PT_SHA512_EACH_H

#include <sodium.h>

#include "crypto/base/span.h"

enum { SHA512_BYTES = 64, SHA512_BLOCK_BYTES = 128 };

struct sha512_messages { /* borrowed: n of them, stride bytes from one to the next */
    const uint8_t *first;
    size_t stride, bytes, n;
};

/* out[i] = SHA-512(what start has taken in || message i). start: whole blocks only. */
void sha512_each(uint8_t (*out)[SHA512_BYTES], const crypto_hash_sha512_state *start,
                 struct sha512_messages in);

/* A back-end's lanes: SHA-512 of one message a lane, row[i] being lane i. */
void sha512_x8(uint8_t *const *out, const crypto_hash_sha512_state *start,
               const uint8_t *const *row, size_t bytes);
void sha512_x4(uint8_t *const *out, const crypto_hash_sha512_state *start,
               const uint8_t *const *row, size_t bytes);

#endif
