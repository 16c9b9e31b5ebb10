#include "crypto/ggm.h"

#include <assert.h>

#include "crypto/base/ct.h"
#include "crypto/sha512_each.h"

enum { NODE = 32, PAIR = 64, SUMS = PAIR * GGM_DEPTH };

/* What is hashed before each node of a level: one block, so that its cost is paid once. */
static void level_start(crypto_hash_sha512_state *h, struct ggm_name name, unsigned level)
{
    static const char LABEL[] = "patto/ggm";
    uint8_t block[SHA512_BLOCK_BYTES] = {0};

    memcpy(block, LABEL, sizeof LABEL);
    memcpy(block + 32, name.session->b, sizeof name.session->b);
    block[64] = name.number;
    block[65] = (uint8_t)level;
    crypto_hash_sha512_init(h);
    crypto_hash_sha512_update(h, block, sizeof block);
}

/* The children of n nodes, 64 bytes each: of level GGM_DEPTH, a key and a check value. */
static void children(uint8_t (*out)[64], struct ggm_name name, unsigned level, const uint8_t *nodes)
{
    crypto_hash_sha512_state start;

    level_start(&start, name, level);
    sha512_each(out, &start, (struct sha512_messages){nodes, NODE, NODE, (size_t)1 << level});
}

static void xor_into(uint8_t out[NODE], const uint8_t in[NODE], uint8_t mask)
{
    for (size_t i = 0; i < NODE; i++)
        out[i] ^= in[i] & mask;
}

static void hash_checks(struct digest *out, struct ggm_tree *t, uint8_t (*leaves)[64])
{
    uint8_t *checks = t->node[0][0] == leaves[0] ? t->node[1][0] : t->node[0][0];

    for (size_t x = 0; x < GGM_LEAVES; x++)
        memcpy(checks + NODE * x, leaves[x] + NODE, NODE);
    const struct span all = span_of(checks, (size_t)NODE * GGM_LEAVES);
    hash_parts(out, "patto/ggm/checks", &all, 1);
}

static void take_keys(struct ggm_tree *t, uint8_t (*leaves)[64])
{
    for (size_t x = 0; x < GGM_LEAVES; x++)
        memcpy(t->key[x].b, leaves[x], NODE);
    explicit_bzero(&t->node, sizeof t->node);
}

void ggm_grow(struct ggm_tree *t, uint8_t message[GGM_MESSAGE_BYTES], struct ggm_name name,
              const struct key32 *root, const struct key32 (*keys)[2])
{
    struct digest hash;

    memset(message, 0, GGM_MESSAGE_BYTES);
    memcpy(t->node[0][0], root->b, NODE);
    for (unsigned level = 0; level < GGM_DEPTH; level++) {
        uint8_t *sum = message + (size_t)PAIR * level;
        uint8_t(*child)[64] = t->node[(level + 1) % 2];
        children(child, name, level, t->node[level % 2][0]);
        for (size_t side = 0; side < 2; side++) {
            memcpy(sum + NODE * side, keys[level][side].b, NODE);
            for (size_t x = 0; x < (size_t)1 << level; x++)
                xor_into(sum + NODE * side, child[x] + NODE * side, 0xff);
        }
    }
    uint8_t(*leaves)[64] = t->node[(GGM_DEPTH + 1) % 2];
    children(leaves, name, GGM_DEPTH, t->node[GGM_DEPTH % 2][0]);
    for (size_t x = 0; x < GGM_LEAVES; x++)
        xor_into(message + SUMS, leaves[x] + NODE, 0xff);
    hash_checks(&hash, t, leaves);
    memcpy(message + SUMS + NODE, hash.b, sizeof hash.b);
    take_keys(t, leaves);
}

/* One level down: child holds the children of all nodes but path's, which the transfer fills in. */
static void recover_level(uint8_t (*child)[64], struct span sums, unsigned level, uint8_t hole,
                          const struct key32 *key)
{
    const uint64_t path = (uint64_t)hole >> (GGM_DEPTH - level);
    const uint64_t right = ct_mask_zero(hole >> (GGM_DEPTH - 1 - level) & 1); /* that is learnt */
    struct key32 missing; /* children of the side that is learnt, summed: what is left is path's */

    for (size_t i = 0; i < NODE; i++)
        missing.b[i] = (uint8_t)(key->b[i] ^ ct_select(right, sums.p[NODE + i], sums.p[i]));
    for (size_t x = 0; x < (size_t)1 << level; x++) {
        const uint8_t other = (uint8_t)~ct_mask_eq(x, path);
        for (size_t i = 0; i < PAIR; i++)
            child[x][i] &= other;
        xor_into(missing.b, child[x], (uint8_t)~right);
        xor_into(missing.b, child[x] + NODE, (uint8_t)right);
    }
    for (size_t x = 0; x < (size_t)1 << level; x++) {
        const uint64_t here = ct_mask_eq(x, path);
        xor_into(child[x], missing.b, (uint8_t)(here & ~right));
        xor_into(child[x] + NODE, missing.b, (uint8_t)(here & right));
    }
    key32_wipe(&missing);
}

bool ggm_recover(struct ggm_tree *t, struct span message, struct ggm_name name, uint8_t hole,
                 const struct key32 *keys)
{
    struct digest hash;
    PT_WIPED(key32) missing;

    assert(message.n == GGM_MESSAGE_BYTES);
    memset(t->node, 0, sizeof t->node);
    for (unsigned level = 0; level < GGM_DEPTH; level++) {
        uint8_t(*child)[64] = t->node[(level + 1) % 2];
        children(child, name, level, t->node[level % 2][0]);
        recover_level(child, span_of(message.p + (size_t)PAIR * level, PAIR), level, hole,
                      &keys[level]);
    }
    uint8_t(*leaves)[64] = t->node[(GGM_DEPTH + 1) % 2];
    children(leaves, name, GGM_DEPTH, t->node[GGM_DEPTH % 2][0]);
    memcpy(missing.b, message.p + SUMS, NODE);
    for (size_t x = 0; x < GGM_LEAVES; x++) {
        const uint8_t other = (uint8_t)~ct_mask_eq(x, hole);
        for (size_t i = 0; i < PAIR; i++)
            leaves[x][i] &= other;
        xor_into(missing.b, leaves[x] + NODE, 0xff);
    }
    for (size_t x = 0; x < GGM_LEAVES; x++)
        xor_into(leaves[x] + NODE, missing.b, (uint8_t)ct_mask_eq(x, hole));
    hash_checks(&hash, t, leaves);
    const bool good = ct_equal(hash.b, message.p + SUMS + NODE, sizeof hash.b);
    take_keys(t, leaves);
    return good;
}
