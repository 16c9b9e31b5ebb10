#include "crypto/hash_to_group.h"

#include <assert.h>
#include <sodium.h>

enum { HASH_BYTES = 64, HASH_BLOCK_BYTES = 128 };

struct hash_block { /* secret: it follows from the message */
    uint8_t b[HASH_BYTES];
};
PT_SECRET_TYPE(hash_block);

static void update_dst(crypto_hash_sha512_state *h, struct span dst)
{
    uint8_t length = (uint8_t)dst.n;

    crypto_hash_sha512_update(h, dst.p, dst.n);
    crypto_hash_sha512_update(h, &length, 1);
}

void expand_message_xmd(uint8_t *out, size_t out_bytes, struct span dst, const struct span *parts,
                        size_t part_count)
{
    static const uint8_t zero[HASH_BLOCK_BYTES];
    const uint8_t tail[3] = {(uint8_t)(out_bytes >> 8), (uint8_t)out_bytes, 0};
    PT_WIPED(hash_block) b0 = {0};
    PT_WIPED(hash_block) bi = {0};
    crypto_hash_sha512_state h;

    assert(dst.n <= 255 && out_bytes <= EXPAND_BYTES_MAX);
    /* Steps 4-7: b_0 = H(Z_pad || msg || l_i_b_str || I2OSP(0, 1) || DST_prime) */
    crypto_hash_sha512_init(&h);
    crypto_hash_sha512_update(&h, zero, sizeof zero);
    for (size_t i = 0; i < part_count; i++)
        crypto_hash_sha512_update(&h, parts[i].p, parts[i].n);
    crypto_hash_sha512_update(&h, tail, sizeof tail);
    update_dst(&h, dst);
    crypto_hash_sha512_final(&h, b0.b);
    /* Steps 8-11: b_i = H((b_0 xor b_(i-1)) || I2OSP(i, 1) || DST_prime), b_1 over b_0 alone */
    for (uint8_t i = 1; out_bytes > 0; i++) {
        size_t take = out_bytes < HASH_BYTES ? out_bytes : HASH_BYTES;

        for (size_t j = 0; j < HASH_BYTES; j++)
            bi.b[j] ^= b0.b[j];
        crypto_hash_sha512_init(&h);
        crypto_hash_sha512_update(&h, bi.b, HASH_BYTES);
        crypto_hash_sha512_update(&h, &i, 1);
        update_dst(&h, dst);
        crypto_hash_sha512_final(&h, bi.b);
        memcpy(out, bi.b, take);
        out += take;
        out_bytes -= take;
    }
    sodium_memzero(&h, sizeof h);
}

void hash_to_wide(uint8_t out[64], enum hash_domain domain, const struct span *parts,
                  size_t part_count)
{
    static const char *const DST[] = {
        [HASH_TO_GROUP] = "HashToGroup-" HASH_CONTEXT,
        [HASH_TO_SCALAR] = "HashToScalar-" HASH_CONTEXT,
        [HASH_DERIVE_KEY] = "DeriveKeyPair" HASH_CONTEXT,
    };

    expand_message_xmd(out, 64, span_z(DST[domain]), parts, part_count);
}

void hash_to_scalar(struct scalar *out, enum hash_domain domain, const struct span *parts,
                    size_t part_count)
{
    PT_WIPED(hash_block) wide = {0};

    hash_to_wide(wide.b, domain, parts, part_count);
    scalar_reduce(out, wide.b);
}
