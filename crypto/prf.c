#include "crypto/prf.h"

#include <assert.h>
#include <openssl/evp.h>
#include <sodium.h>

enum { LARGE = 4096 }; /* from here on OpenSSL's set-up pays */

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

/* libsodium's SHA-256 is plain C; OpenSSL's uses the processor's instructions, seven times as fast,
 * and needs memory to begin. So it takes what is large, and where it fails libsodium gives the
 * same digest. */
static bool hash_large(struct digest *out, const char *label, const struct span *parts,
                       size_t part_count)
{
    EVP_MD_CTX *h = EVP_MD_CTX_new();
    uint8_t head[4];
    bool good = h != NULL && EVP_DigestInit_ex(h, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; i <= part_count && good; i++) {
        struct span part = i == 0 ? span_z(label) : parts[i - 1];
        field_head(head, part);
        good =
            EVP_DigestUpdate(h, head, sizeof head) == 1 && EVP_DigestUpdate(h, part.p, part.n) == 1;
    }
    good = good && EVP_DigestFinal_ex(h, out->b, NULL) == 1;
    EVP_MD_CTX_free(h); /* wipes */
    return good;
}

static void hash_small(struct digest *out, const char *label, const struct span *parts,
                       size_t part_count)
{
    crypto_hash_sha256_state h;
    uint8_t head[4];

    crypto_hash_sha256_init(&h);
    for (size_t i = 0; i <= part_count; i++) {
        struct span part = i == 0 ? span_z(label) : parts[i - 1];
        field_head(head, part);
        crypto_hash_sha256_update(&h, head, sizeof head);
        crypto_hash_sha256_update(&h, part.p, part.n);
    }
    crypto_hash_sha256_final(&h, out->b);
    sodium_memzero(&h, sizeof h); /* parts may name a person */
}

void hash_parts(struct digest *out, const char *label, const struct span *parts, size_t part_count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < part_count; i++)
        bytes += parts[i].n;
    if (bytes < LARGE || !hash_large(out, label, parts, part_count))
        hash_small(out, label, parts, part_count);
}

void key32_random(struct key32 *out)
{
    /* libsodium aborts the process when the system's source fails. */
    randombytes_buf(out->b, sizeof out->b);
}
