/* OpenSSL's functions that need no context of the heap use the processor's instructions, cannot fail,
 * and take a third of the time of libsodium's, which are plain C. OpenSSL 3 would rather have EVP used,
 * which allocates and fetches: a fifth more time for each of the millions of short hashes of a
 * Merkle tree, and a failure to handle. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <openssl/sha.h>
#include <sodium.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256_run), "it holds what OpenSSL keeps");

static SHA256_CTX *context(struct sha256_run *h)
{
    return (SHA256_CTX *)(void *)h->state;
}

void sha256_run_begin(struct sha256_run *h)
{
    SHA256_Init(context(h));
}

void sha256_run_add(struct sha256_run *h, struct span bytes)
{
    if (bytes.n > 0)
        SHA256_Update(context(h), bytes.p, bytes.n);
}

void sha256_run_end(struct digest *out, struct sha256_run *h)
{
    SHA256_Final(out->b, context(h));
    sodium_memzero(h, sizeof *h); /* the bytes may name a person */
}

void sha256_parts(struct digest *out, const struct span *parts, size_t part_count)
{
    struct sha256_run h;

    sha256_run_begin(&h);
    for (size_t i = 0; i < part_count; i++)
        sha256_run_add(&h, parts[i]);
    sha256_run_end(out, &h);
}

void sha256(struct digest *out, struct span in)
{
    sha256_parts(out, &in, 1);
}
