/* merkle_levels.h - a whole RFC 6962 tree in memory: every complete subtree's root, by level.
 *
 * 64 bytes a leaf. It grows at its end and answers merkle_proof.h and tiles; tree heads of every
 * earlier size can be had from it. */
#ifndef PT_MERKLE_LEVELS_H
#define PT_MERKLE_LEVELS_H

#include "crypto/merkle_proof.h"

enum { MERKLE_LEVELS_LEAVES_MAX = 1 << 26 }; /* 4 GB of them */

struct merkle_levels {                   /* {0} is the empty tree */
    struct buf level[MERKLE_LEVELS_MAX]; /* digests */
    uint64_t size;
};
void merkle_levels_free(struct merkle_levels *m);
/* leaf: merkle_leaf() of an entry. PT_ENOMEM, PT_ELIMIT: then nothing is added. */
PT_MUST_USE enum pt_code merkle_levels_add(struct merkle_levels *m, const struct digest *leaf,
                                           struct pt_err *err);
/* For merkle_head(), merkle_inclusion() and merkle_consistency(); borrows m. */
struct merkle_nodes merkle_levels_nodes(struct merkle_levels *m);
/* count roots of a level from index on; they exist. */
struct span merkle_levels_at(const struct merkle_levels *m, unsigned level, uint64_t index,
                             size_t count);

#endif
