/* minisign.h - keys and signatures as Debian's minisign reads and writes them.
 *
 * Both signature kinds verify: "Ed" (over the file) and "ED" (over its BLAKE2b-512); ours are
 * written as "ED" with a trusted comment. Secret keys: scrypt-encrypted or with an empty password
 * (minisign -W). Text in, text out: no files here. */
#ifndef PT_MINISIGN_H
#define PT_MINISIGN_H

#include "crypto/base/span.h"
#include "crypto/base/wipe.h"

struct minisign_public { /* "RW..." in a policy */
    uint8_t id[8];
    uint8_t key[32];
};
struct minisign_key {
    uint8_t id[8];
    uint8_t key[64];
};
PT_SECRET_TYPE(minisign_key);

enum { MINISIGN_TEXT_MAX = 4096, MINISIGN_PUBLIC_TEXT = 56 };

PT_MUST_USE enum pt_code minisign_public_parse(struct minisign_public *out, struct span base64,
                                               struct pt_err *err);
void minisign_public_print(char out[MINISIGN_PUBLIC_TEXT + 1], const struct minisign_public *k);

void minisign_key_random(struct minisign_key *out);
/* password empty: stored unencrypted, as `minisign -W` does. Wiped by buf_free(). */
PT_MUST_USE enum pt_code minisign_key_print(struct buf *out, const struct minisign_key *k,
                                            struct span password, struct pt_err *err);
PT_MUST_USE enum pt_code minisign_key_parse(struct minisign_key *out, struct span text,
                                            struct span password, struct pt_err *err);
bool minisign_key_is_encrypted(struct span text);
void minisign_key_public(struct minisign_public *out, const struct minisign_key *k);

/* The text of FILE.minisig over message; trusted_comment is one line. */
PT_MUST_USE enum pt_code minisign_sign(struct buf *out, const struct minisign_key *k,
                                       struct span message, const char *trusted_comment,
                                       struct pt_err *err);
/* PT_EDENIED: another key, or a wrong signature; PT_EPARSE: not a signature file. */
PT_MUST_USE enum pt_code minisign_verify(const struct minisign_public *k, struct span message,
                                         struct span signature_text, struct pt_err *err);

#endif
