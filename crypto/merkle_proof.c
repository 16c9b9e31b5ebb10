#include "crypto/merkle_proof.h"

static bool same(const struct digest *a, const struct digest *b)
{
    return span_eq_vartime(span_of(a->b, sizeof a->b), span_of(b->b, sizeof b->b));
}

static unsigned top_bit(uint64_t x) /* x > 0 */
{
    return 63 - (unsigned)__builtin_clzll(x);
}

/* The largest power of two below n, n >= 2: where the RFC splits a tree. */
static uint64_t split_of(uint64_t n)
{
    return UINT64_C(1) << top_bit(n - 1);
}

/* ---- making ---- */

/* MTH over leaves [first, first + count), count > 0, where first is a multiple of the largest power
 * of two in count, as in every range that the RFC's recursions reach. Its complete subtrees stand
 * from the largest to the smallest and are joined from the right. */
static enum pt_code range_root(struct digest *out, const struct merkle_nodes *nodes, uint64_t first,
                               uint64_t count, struct pt_err *err)
{
    uint64_t end = first + count;
    bool started = false;

    for (; count > 0; count &= count - 1) {
        unsigned level = (unsigned)__builtin_ctzll(count);
        struct digest node;
        end -= UINT64_C(1) << level;
        if (nodes->root(nodes->self, &node, level, end >> level, err) != PT_OK)
            return err->code;
        if (started)
            merkle_join(out, &node, out);
        else
            *out = node;
        started = true;
    }
    return PT_OK;
}

enum pt_code merkle_head(struct digest *out, const struct merkle_nodes *nodes, uint64_t size,
                         struct pt_err *err)
{
    struct merkle empty;

    merkle_init(&empty);
    merkle_root(out, &empty);
    return size == 0 ? PT_OK : range_root(out, nodes, 0, size, err);
}

static void reverse(struct merkle_proof *p)
{
    for (size_t i = 0; i < p->count / 2; i++) {
        struct digest d = p->hash[i];
        p->hash[i] = p->hash[p->count - 1 - i];
        p->hash[p->count - 1 - i] = d;
    }
}

/* The recursions descend from the root and append after they return: walked downwards, every hash
 * comes before those that stand to the left of it. */
static enum pt_code push(struct merkle_proof *p, const struct merkle_nodes *nodes, uint64_t first,
                         uint64_t count, struct pt_err *err)
{
    return range_root(&p->hash[p->count++], nodes, first, count, err);
}

enum pt_code merkle_inclusion(struct merkle_proof *out, const struct merkle_nodes *nodes,
                              uint64_t index, uint64_t size, struct pt_err *err)
{
    uint64_t first = 0;
    uint64_t count = size;
    enum pt_code rc = PT_OK;

    *out = (struct merkle_proof){0};
    if (index >= size || size > INT64_MAX)
        return pt_fail(err, PT_EUSAGE, "no entry of that number in the tree");
    while (rc == PT_OK && count > 1) { /* PATH(m, D[n]) */
        uint64_t k = split_of(count);
        if (index - first < k) {
            rc = push(out, nodes, first + k, count - k, err);
            count = k;
        } else {
            rc = push(out, nodes, first, k, err);
            first += k;
            count -= k;
        }
    }
    reverse(out);
    if (rc != PT_OK)
        *out = (struct merkle_proof){0};
    return rc;
}

enum pt_code merkle_consistency(struct merkle_proof *out, const struct merkle_nodes *nodes,
                                struct merkle_range range, struct pt_err *err)
{
    uint64_t first = 0;
    uint64_t count = range.size;
    enum pt_code rc = PT_OK;

    *out = (struct merkle_proof){0};
    if (range.old > range.size || range.size > INT64_MAX)
        return pt_fail(err, PT_EUSAGE, "no tree leads to a smaller one");
    if (range.old == 0)
        return PT_OK;
    while (rc == PT_OK && first + count > range.old) { /* SUBPROOF(m, D[n], b) */
        uint64_t k = split_of(count);
        if (range.old - first <= k) {
            rc = push(out, nodes, first + k, count - k, err);
            count = k;
        } else {
            rc = push(out, nodes, first, k, err);
            first += k;
            count -= k;
        }
    }
    /* b is false as soon as something was cut off on the left: then the old tree's last subtree is
     * not the old tree, and its root has to be told. */
    if (rc == PT_OK && first > 0)
        rc = push(out, nodes, first, count, err);
    reverse(out);
    if (rc != PT_OK)
        *out = (struct merkle_proof){0};
    return rc;
}

/* ---- checking: RFC 9162 sections 2.1.3.2 and 2.1.4.2, with their names ---- */

struct walk { /* of a node, and of the last one, on one level of the tree */
    uint64_t fn, sn;
};

/* The next hash of the proof stands to the left of our node. */
static bool from_left(const struct walk *w)
{
    return (w->fn & 1) != 0 || w->fn == w->sn;
}

static void up(struct walk *w)
{
    w->fn >>= 1;
    w->sn >>= 1;
}

/* To the level of the next hash: a last node without a sibling is its own parent. */
static void rise(struct walk *w)
{
    if (from_left(w))
        while ((w->fn & 1) == 0 && w->fn != 0)
            up(w);
    up(w);
}

bool merkle_inclusion_ok(const struct merkle_proof *proof, const struct digest *leaf,
                         struct merkle_spot at, const struct digest *root)
{
    struct walk w = {.fn = at.index, .sn = at.size - 1};
    struct digest r = *leaf;

    if (at.index >= at.size)
        return false;
    for (size_t i = 0; i < proof->count; i++) {
        const struct digest *p = &proof->hash[i];
        if (w.sn == 0)
            return false;
        if (from_left(&w))
            merkle_join(&r, p, &r);
        else
            merkle_join(&r, &r, p);
        rise(&w);
    }
    return w.sn == 0 && same(&r, root);
}

/* Steps 4 to 7, for 0 < old < size and a path that begins with *start. */
static bool climb(const struct digest *start, const struct digest *path, size_t count,
                  struct merkle_range range, const struct digest roots[2])
{
    struct walk w = {.fn = range.old - 1, .sn = range.size - 1};
    struct digest fr = *start;
    struct digest sr = *start;

    while ((w.fn & 1) != 0)
        up(&w);
    for (size_t i = 0; i < count; i++) {
        if (w.sn == 0)
            return false;
        if (from_left(&w)) {
            merkle_join(&fr, &path[i], &fr);
            merkle_join(&sr, &path[i], &sr);
        } else {
            merkle_join(&sr, &sr, &path[i]);
        }
        rise(&w);
    }
    return w.sn == 0 && same(&fr, &roots[0]) && same(&sr, &roots[1]);
}

bool merkle_consistency_ok(const struct merkle_proof *proof, struct merkle_range range,
                           const struct digest *old_root, const struct digest *root)
{
    const struct digest roots[2] = {*old_root, *root};
    bool whole = (range.old & (range.old - 1)) == 0; /* the old root is a node of the new tree */

    if (range.old > range.size)
        return false;
    if (range.old == range.size)
        return proof->count == 0 && same(old_root, root);
    if (range.old == 0)
        return proof->count == 0;
    if (whole)
        return climb(old_root, proof->hash, proof->count, range, roots);
    return proof->count > 0 &&
           climb(&proof->hash[0], proof->hash + 1, proof->count - 1, range, roots);
}
