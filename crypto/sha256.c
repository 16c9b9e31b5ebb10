#include "crypto/sha256.h"

#include <sodium.h>

void sha256(struct digest *out, struct span in)
{
    crypto_hash_sha256(out->b, in.p, in.n);
}
