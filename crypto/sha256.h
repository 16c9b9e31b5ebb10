/* sha256.h - SHA-256 of bytes exactly as they stand (FIPS 180-4), for digests that people compare
 * with `sha256sum` or `openssl x509 -fingerprint`: policy files, certificates.
 * Whatever only patto reads is hashed by hash_parts() (prf.h), which separates its uses. */
#ifndef PT_SHA256_H
#define PT_SHA256_H

#include "crypto/prf.h"

/* out = SHA-256(in). Public. */
void sha256(struct digest *out, struct span in);
/* out = SHA-256 of the parts, one after the other: for hashes whose layout another document gives.
 * What the parts leave behind is wiped. */
void sha256_parts(struct digest *out, const struct span *parts, size_t part_count);

/* The same of bytes that come piece by piece. */
struct sha256_run {
    uint32_t state[28]; /* OpenSSL's, of the size it has had since it began */
};
void sha256_run_begin(struct sha256_run *h);
void sha256_run_add(struct sha256_run *h, struct span bytes);
void sha256_run_end(struct digest *out, struct sha256_run *h); /* wipes */

#endif
