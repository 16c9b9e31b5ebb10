#include "crypto/prf.h"
#include "crypto/sha256.h"

#include <assert.h>
#include <sodium.h>

enum { HASH_PARTS_MAX = 16 };

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

void hash_parts(struct digest *out, const char *label, const struct span *parts, size_t part_count)
{
    struct span fields[2 * (HASH_PARTS_MAX + 1)];
    uint8_t heads[HASH_PARTS_MAX + 1][4];

    assert(part_count <= HASH_PARTS_MAX);
    for (size_t i = 0; i <= part_count; i++) {
        const struct span part = i == 0 ? span_z(label) : parts[i - 1];
        field_head(heads[i], part);
        fields[2 * i] = span_of(heads[i], sizeof heads[i]);
        fields[2 * i + 1] = part;
    }
    sha256_parts(out, fields, 2 * (part_count + 1));
}

void key32_random(struct key32 *out)
{
    /* libsodium aborts the process when the system's source fails. */
    randombytes_buf(out->b, sizeof out->b);
}
