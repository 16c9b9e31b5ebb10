/* sign.h - a node's own Ed25519 signatures: session headers, epoch headers, answers.
 *
 * What is signed is always fields(label, body): a signature made for one purpose is none for
 * another. Officers' signatures on the policy are minisign's (minisign.h). */
#ifndef PT_SIGN_H
#define PT_SIGN_H

#include "crypto/prf.h"

struct sign_key { /* secret: Ed25519 seed and public key, libsodium's layout */
    uint8_t b[64];
};
PT_SECRET_TYPE(sign_key);
struct sign_public {
    uint8_t b[32];
};
struct signature {
    uint8_t b[64];
};

void sign_key_random(struct sign_key *out);
void sign_key_public(struct sign_public *out, const struct sign_key *k);
void sign_make(struct signature *out, const struct sign_key *k, const char *label,
               struct span body);
bool sign_check(const struct signature *s, const struct sign_public *k, const char *label,
                struct span body);

#endif
