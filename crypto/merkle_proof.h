/* merkle_proof.h - RFC 9162 section 2.1 proofs over RFC 6962 trees: an entry is in a tree, a tree is
 * a beginning of another.
 *
 * Proofs are made from the roots of complete subtrees, whoever keeps them (tiles, memory), and are
 * checked from bytes alone. All of it is public. Hashes stand in the order of the RFC: leaf to root. */
#ifndef PT_MERKLE_PROOF_H
#define PT_MERKLE_PROOF_H

#include "crypto/merkle.h"

enum { MERKLE_PROOF_MAX = 64 };

struct merkle_proof {
    struct digest hash[MERKLE_PROOF_MAX];
    size_t count;
};

/* Who keeps the tree: the root over leaves [index << level, (index + 1) << level), all of which
 * exist. Any failure of it ends the making of a proof. */
struct merkle_nodes {
    void *self;
    enum pt_code (*root)(void *self, struct digest *out, unsigned level, uint64_t index,
                         struct pt_err *err);
};
struct merkle_range { /* of tree sizes: the proof leads from old to size */
    uint64_t old, size;
};

/* The head of the tree of the first size leaves. */
PT_MUST_USE enum pt_code merkle_head(struct digest *out, const struct merkle_nodes *nodes,
                                     uint64_t size, struct pt_err *err);
/* PT_EUSAGE: index >= size. */
PT_MUST_USE enum pt_code merkle_inclusion(struct merkle_proof *out,
                                          const struct merkle_nodes *nodes, uint64_t index,
                                          uint64_t size, struct pt_err *err);
/* From 0, and from size itself, the proof is empty. PT_EUSAGE: old > size. */
PT_MUST_USE enum pt_code merkle_consistency(struct merkle_proof *out,
                                            const struct merkle_nodes *nodes,
                                            struct merkle_range range, struct pt_err *err);

struct merkle_spot {
    uint64_t index, size;
};
/* leaf: merkle_leaf() of the entry. */
bool merkle_inclusion_ok(const struct merkle_proof *proof, const struct digest *leaf,
                         struct merkle_spot at, const struct digest *root);
/* From 0 everything follows; from size itself only the same root does; both by an empty proof. */
bool merkle_consistency_ok(const struct merkle_proof *proof, struct merkle_range range,
                           const struct digest *old_root, const struct digest *root);

#endif
