#include "crypto/merkle.h"
#include "crypto/sha256.h"

#include <assert.h>

void merkle_join(struct digest *out, const struct digest *left, const struct digest *right)
{
    const struct span parts[] = {span_of("\x01", 1), span_of(left->b, sizeof left->b),
                                 span_of(right->b, sizeof right->b)};

    sha256_parts(out, parts, PT_LEN(parts));
}

void merkle_leaf(struct digest *out, struct span entry)
{
    const struct span parts[] = {span_of("\0", 1), entry};

    sha256_parts(out, parts, PT_LEN(parts));
}

void merkle_init(struct merkle *m)
{
    *m = (struct merkle){0};
}

/* level[i] holds the root of a complete subtree of 2^i leaves exactly where bit i of leaf_count is
 * set: adding a leaf is adding one to a binary number, and each carry joins two subtrees. */
void merkle_add_leaf(struct merkle *m, const struct digest *leaf)
{
    struct digest node = *leaf;
    unsigned level = 0;

    assert(m->leaf_count < (UINT64_C(1) << MERKLE_LEVELS_MAX) - 1);
    for (; (m->leaf_count >> level & 1) != 0; level++)
        merkle_join(&node, &m->level[level], &node);
    m->level[level] = node;
    m->leaf_count++;
}

void merkle_add(struct merkle *m, struct span entry)
{
    struct digest leaf;

    merkle_leaf(&leaf, entry);
    merkle_add_leaf(m, &leaf);
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
        sha256(out, (struct span){0});
}
