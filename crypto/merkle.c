#include "crypto/merkle.h"

#include <assert.h>
#include <sodium.h>

void merkle_join(struct digest *out, const struct digest *left, const struct digest *right)
{
    crypto_hash_sha256_state h;

    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, (const uint8_t[]){1}, 1);
    crypto_hash_sha256_update(&h, left->b, sizeof left->b);
    crypto_hash_sha256_update(&h, right->b, sizeof right->b);
    crypto_hash_sha256_final(&h, out->b);
}

void merkle_leaf(struct digest *out, struct span entry)
{
    crypto_hash_sha256_state h;

    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, (const uint8_t[]){0}, 1);
    crypto_hash_sha256_update(&h, entry.p, entry.n);
    crypto_hash_sha256_final(&h, out->b);
}

void merkle_init(struct merkle *m)
{
    *m = (struct merkle){0};
}

/* level[i] holds the root of a complete subtree of 2^i leaves exactly where bit i of leaf_count is
 * set: adding a leaf is adding one to a binary number, and each carry joins two subtrees. */
void merkle_add(struct merkle *m, struct span entry)
{
    struct digest node;
    unsigned level = 0;

    assert(m->leaf_count < (UINT64_C(1) << MERKLE_LEVELS_MAX) - 1);
    merkle_leaf(&node, entry);
    for (; (m->leaf_count >> level & 1) != 0; level++)
        merkle_join(&node, &m->level[level], &node);
    m->level[level] = node;
    m->leaf_count++;
}

void merkle_root(struct digest *out, const struct merkle *m)
{
    bool started = false;

    /* The smaller subtrees stand to the right of the larger ones. */
    for (unsigned level = 0; level < MERKLE_LEVELS_MAX; level++) {
        if ((m->leaf_count >> level & 1) == 0)
            continue;
        if (started)
            merkle_join(out, &m->level[level], out);
        else
            *out = m->level[level];
        started = true;
    }
    if (!started)
        crypto_hash_sha256(out->b, NULL, 0);
}
