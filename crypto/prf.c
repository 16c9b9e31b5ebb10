#include "crypto/prf.h"

#include <assert.h>
#include <sodium.h>

/* The length prefix of one field: what buf_field() writes before the bytes. */
static void field_head(uint8_t head[4], struct span s)
{
    assert(s.n <= UINT32_MAX);
    store_u32le(head, (uint32_t)s.n);
}

static void blake_field(crypto_generichash_state *h, struct span s)
{
    uint8_t head[4];

    field_head(head, s);
    crypto_generichash_update(h, head, sizeof head);
    crypto_generichash_update(h, s.p, s.n);
}

void prf_derive(struct key32 *out, const struct key32 *key, const char *label,
                const struct span *parts, size_t part_count)
{
    crypto_generichash_state h;

    crypto_generichash_init(&h, key->b, sizeof key->b, sizeof out->b);
    blake_field(&h, span_z(label));
    for (size_t i = 0; i < part_count; i++)
        blake_field(&h, parts[i]);
    crypto_generichash_final(&h, out->b, sizeof out->b);
    sodium_memzero(&h, sizeof h);
}

static void sha_field(crypto_hash_sha256_state *h, struct span s)
{
    uint8_t head[4];

    field_head(head, s);
    crypto_hash_sha256_update(h, head, sizeof head);
    crypto_hash_sha256_update(h, s.p, s.n);
}

void hash_parts(struct digest *out, const char *label, const struct span *parts, size_t part_count)
{
    crypto_hash_sha256_state h;

    crypto_hash_sha256_init(&h);
    sha_field(&h, span_z(label));
    for (size_t i = 0; i < part_count; i++)
        sha_field(&h, parts[i]);
    crypto_hash_sha256_final(&h, out->b);
    sodium_memzero(&h, sizeof h); /* parts may name a person */
}

void key32_random(struct key32 *out)
{
    /* libsodium aborts the process when the system's source fails. */
    randombytes_buf(out->b, sizeof out->b);
}
