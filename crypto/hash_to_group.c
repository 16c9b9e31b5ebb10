#include "crypto/hash_to_group.h"

#include <assert.h>
#include <sodium.h>

#include "crypto/sha512_each.h"

enum { HASH_BYTES = 64, HASH_BLOCK_BYTES = 128, PACK = 8, SUFFIX_MAX = 64 };

struct hash_block { /* secret: it follows from the message */
    uint8_t b[HASH_BYTES];
};
PT_SECRET_TYPE(hash_block);
struct pack { /* messages side by side */
    uint8_t b[PACK][HASH_ITEM_MAX];
};
PT_SECRET_TYPE(pack);

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

static const char *const DST[] = {
    [HASH_TO_GROUP] = "HashToGroup-" HASH_CONTEXT,
    [HASH_TO_SCALAR] = "HashToScalar-" HASH_CONTEXT,
    [HASH_DERIVE_KEY] = "DeriveKeyPair" HASH_CONTEXT,
};

void hash_to_wide(uint8_t out[64], enum hash_domain domain, const struct span *parts,
                  size_t part_count)
{
    expand_message_xmd(out, 64, span_z(DST[domain]), parts, part_count);
}

void hash_to_scalar(struct scalar *out, enum hash_domain domain, const struct span *parts,
                    size_t part_count)
{
    PT_WIPED(hash_block) wide = {0};

    hash_to_wide(wide.b, domain, parts, part_count);
    scalar_reduce(out, wide.b);
}

static size_t put(uint8_t *at, struct span part)
{
    if (part.n > 0)
        memcpy(at, part.p, part.n);
    return part.n;
}

static void hash_after(uint8_t (*out)[64], const crypto_hash_sha512_state *start,
                       const struct hash_items *in)
{
    PT_WIPED(pack) pack = {0};
    const size_t bytes = in->prefix.n + in->bytes + in->suffix.n;

    assert(bytes <= HASH_ITEM_MAX);
    for (size_t at = 0; at < in->n; at += PACK) {
        const size_t n = in->n - at < PACK ? in->n - at : PACK;

        for (size_t i = 0; i < n; i++) {
            uint8_t *b = pack.b[i];
            b += put(b, in->prefix);
            b += put(b, span_of(in->first + (at + i) * in->stride, in->bytes));
            put(b, in->suffix);
        }
        sha512_each(out + at, start,
                    (struct sha512_messages){pack.b[0], sizeof pack.b[0], bytes, n});
    }
}

void hash_each(uint8_t (*out)[64], const struct hash_items *in)
{
    crypto_hash_sha512_state start;

    crypto_hash_sha512_init(&start);
    hash_after(out, &start, in);
}

/* expand_message_xmd for 64 bytes: out = b_1. The steps are those of the one above. */
void hash_to_wide_each(uint8_t (*out)[64], enum hash_domain domain, const struct hash_items *in)
{
    static const uint8_t zero[HASH_BLOCK_BYTES];
    const struct span dst = span_z(DST[domain]);
    struct hash_items message = *in;
    uint8_t end[HASH_BLOCK_BYTES] = {0};
    size_t n = put(end, in->suffix);
    crypto_hash_sha512_state padded;

    assert(in->suffix.n <= SUFFIX_MAX && dst.n < HASH_BLOCK_BYTES - SUFFIX_MAX - 4);
    end[n + 1] = HASH_BYTES; /* I2OSP(64, 2) || I2OSP(0, 1) */
    n += 3;
    n += put(end + n, dst);
    end[n++] = (uint8_t)dst.n;
    message.suffix = span_of(end, n);
    crypto_hash_sha512_init(&padded);
    crypto_hash_sha512_update(&padded, zero, sizeof zero);
    hash_after(out, &padded, &message);

    end[0] = 1; /* I2OSP(1, 1) */
    n = 1 + put(end + 1, dst);
    end[n++] = (uint8_t)dst.n;
    const struct hash_items b0 = {.first = out[0],
                                  .stride = HASH_BYTES,
                                  .bytes = HASH_BYTES,
                                  .n = in->n,
                                  .suffix = span_of(end, n)};
    hash_each(out, &b0);
}
