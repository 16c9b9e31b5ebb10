/* OpenSSL's functions that need no context of the heap use the processor's instructions, cannot fail,
 * and take a third of the time of libsodium's, which are plain C. OpenSSL 3 would rather have EVP used,
 * which allocates and fetches: a fifth more time for each of the millions of short hashes of a
 * Merkle tree, and a failure to handle. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <openssl/sha.h>
#include <sodium.h>

void sha256_parts(struct digest *out, const struct span *parts, size_t part_count)
{
    SHA256_CTX h;

    SHA256_Init(&h);
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].n > 0)
            SHA256_Update(&h, parts[i].p, parts[i].n);
    SHA256_Final(out->b, &h);
    sodium_memzero(&h, sizeof h); /* parts may name a person */
}

void sha256(struct digest *out, struct span in)
{
    sha256_parts(out, &in, 1);
}
