#include "crypto/blake2b_tree.h"

#include <assert.h>
#include <string.h>

#include "crypto/base/wipe.h"
#include "crypto/cpu.h"

typedef uint64_t word; /* of one leaf, or of the root */
#include "crypto/blake2b_words.h"

static blake2b_tree_run *const RUN[CPU_PATH_COUNT] = {
    [CPU_PORTABLE] = blake2b_tree_x1, [CPU_AVX2] = blake2b_tree_x4, [CPU_IFMA] = blake2b_tree_x8};

/* The chain of one node, RFC 7693 section 3.3; the last block may be short. */
struct node { /* secret where the bytes are */
    uint64_t h[8];
    uint64_t bytes;
    bool last_node; /* of those at its depth */
};
PT_SECRET_TYPE(node);

/* The parameter block of the specification, section 2.8: eight leaves, two levels, 64 bytes inside. */
static void node_begin(struct node *n, uint64_t index, uint64_t depth)
{
    enum { FANOUT = BLAKE2B_TREE_LEAVES, DEPTH = 2, INNER = 64 };

    for (int i = 0; i < 8; i++)
        n->h[i] = BLAKE2B_IV[i];
    n->h[0] ^= BLAKE2B_TREE_BYTES | FANOUT << 16 | DEPTH << 24;
    n->h[1] ^= index;
    n->h[2] ^= depth | INNER << 8;
    n->bytes = 0;
    n->last_node = depth > 0 || index == BLAKE2B_TREE_LEAVES - 1;
}

static void node_add(struct node *n, struct span block, bool last)
{
    uint8_t whole[BLAKE2B_TREE_BLOCK] = {0};
    uint64_t m[16];
    uint64_t v[16];

    assert(block.n <= sizeof whole);
    if (block.n > 0)
        memcpy(whole, block.p, block.n);
    for (size_t i = 0; i < 16; i++)
        m[i] = load_u64le(whole + 8 * i);
    n->bytes += block.n;
    for (int i = 0; i < 8; i++) {
        v[i] = n->h[i];
        v[i + 8] = BLAKE2B_IV[i];
    }
    v[12] ^= n->bytes;
    v[14] ^= last ? UINT64_MAX : 0;
    v[15] ^= last && n->last_node ? UINT64_MAX : 0;
    blake2b_rounds(n->h, v, m);
    explicit_bzero(whole, sizeof whole);
    explicit_bzero(m, sizeof m);
    explicit_bzero(v, sizeof v);
}

void blake2b_tree_x1(uint64_t state[8][BLAKE2B_TREE_LEAVES], uint64_t leaf_bytes,
                     const uint8_t *stripes, size_t count)
{
    for (size_t leaf = 0; leaf < BLAKE2B_TREE_LEAVES; leaf++) {
        PT_WIPED(node) n = {.bytes = leaf_bytes};
        for (int i = 0; i < 8; i++)
            n.h[i] = state[i][leaf];
        for (size_t k = 0; k < count; k++)
            node_add(&n,
                     span_of(stripes + k * BLAKE2B_TREE_STRIPE + leaf * BLAKE2B_TREE_BLOCK,
                             BLAKE2B_TREE_BLOCK),
                     false);
        for (int i = 0; i < 8; i++)
            state[i][leaf] = n.h[i];
    }
}

void blake2b_tree_begin(struct blake2b_tree *h)
{
    struct node n;

    *h = (struct blake2b_tree){0};
    for (size_t leaf = 0; leaf < BLAKE2B_TREE_LEAVES; leaf++) {
        node_begin(&n, leaf, 0);
        for (int i = 0; i < 8; i++)
            h->state[i][leaf] = n.h[i];
    }
}

static void run(struct blake2b_tree *h, const uint8_t *stripes, size_t count)
{
    if (count == 0)
        return;
    RUN[cpu_path()](h->state, h->leaf_bytes, stripes, count);
    h->leaf_bytes += count * BLAKE2B_TREE_BLOCK;
}

/* How many whole stripes of n bytes are certain to be no leaf's last: after them each leaf has more. */
static size_t certain(size_t n)
{
    const size_t behind = BLAKE2B_TREE_STRIPE - BLAKE2B_TREE_BLOCK + 1;

    return n < BLAKE2B_TREE_STRIPE + behind ? 0 : (n - behind) / BLAKE2B_TREE_STRIPE;
}

void blake2b_tree_add(struct blake2b_tree *h, struct span bytes)
{
    if (bytes.n == 0) /* which may have no address */
        return;
    while (h->held_bytes > 0 && certain(h->held_bytes + bytes.n) > 0) {
        if (h->held_bytes < BLAKE2B_TREE_STRIPE) {
            const size_t n = BLAKE2B_TREE_STRIPE - h->held_bytes;
            memcpy(h->held + h->held_bytes, bytes.p, n);
            bytes = span_of(bytes.p + n, bytes.n - n);
            h->held_bytes = BLAKE2B_TREE_STRIPE;
        }
        run(h, h->held, 1);
        h->held_bytes -= BLAKE2B_TREE_STRIPE;
        memmove(h->held, h->held + BLAKE2B_TREE_STRIPE, h->held_bytes);
    }
    if (h->held_bytes == 0) {
        const size_t n = certain(bytes.n);
        run(h, bytes.p, n);
        bytes = span_of(bytes.p + n * BLAKE2B_TREE_STRIPE, bytes.n - n * BLAKE2B_TREE_STRIPE);
    }
    assert(bytes.n <= sizeof h->held - h->held_bytes);
    if (bytes.n > 0)
        memcpy(h->held + h->held_bytes, bytes.p, bytes.n);
    h->held_bytes += bytes.n;
}

/* What is held of a leaf in stripe 0 or 1. */
static struct span held_of(const struct blake2b_tree *h, size_t leaf, size_t stripe)
{
    const size_t at = stripe * BLAKE2B_TREE_STRIPE + leaf * BLAKE2B_TREE_BLOCK;
    const size_t left = h->held_bytes > at ? h->held_bytes - at : 0;

    return span_of(h->held + at, left < BLAKE2B_TREE_BLOCK ? left : BLAKE2B_TREE_BLOCK);
}

void blake2b_tree_end(uint8_t out[BLAKE2B_TREE_BYTES], struct blake2b_tree *h)
{
    uint8_t leaves[BLAKE2B_TREE_LEAVES][BLAKE2B_TREE_BYTES];
    PT_WIPED(node) root = {.bytes = 0};

    for (size_t leaf = 0; leaf < BLAKE2B_TREE_LEAVES; leaf++) {
        PT_WIPED(node) n = {.bytes = h->leaf_bytes, .last_node = leaf == BLAKE2B_TREE_LEAVES - 1};
        const struct span second = held_of(h, leaf, 1);
        for (int i = 0; i < 8; i++)
            n.h[i] = h->state[i][leaf];
        node_add(&n, held_of(h, leaf, 0), second.n == 0);
        if (second.n > 0)
            node_add(&n, second, true);
        for (size_t i = 0; i < 8; i++)
            store_u64le(leaves[leaf] + 8 * i, n.h[i]);
    }
    node_begin(&root, 0, 1);
    for (size_t leaf = 0; leaf < BLAKE2B_TREE_LEAVES; leaf += 2)
        node_add(&root, span_of(leaves[leaf], BLAKE2B_TREE_BLOCK), leaf + 2 == BLAKE2B_TREE_LEAVES);
    for (size_t i = 0; i < 8; i++)
        store_u64le(out + 8 * i, root.h[i]);
    explicit_bzero(leaves, sizeof leaves);
    explicit_bzero(h, sizeof *h);
}

void blake2b_tree_digest_end(struct digest *out, const char *label, struct blake2b_tree *h)
{
    uint8_t hash[BLAKE2B_TREE_BYTES];
    const struct span part = span_of(hash, sizeof hash);

    blake2b_tree_end(hash, h);
    hash_parts(out, label, &part, 1);
    explicit_bzero(hash, sizeof hash);
}

void blake2b_tree_digest(struct digest *out, const char *label, struct span bytes)
{
    struct blake2b_tree h;

    blake2b_tree_begin(&h);
    blake2b_tree_add(&h, bytes);
    blake2b_tree_digest_end(out, label, &h);
}
