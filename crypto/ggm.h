/* ggm.h - trees of 256 keys (Goldreich, Goldwasser, Micali) of which a receiver learns all but one,
 * through eight oblivious transfers and a check value a leaf that fixes the sender to one tree
 * (Roy, CRYPTO 2022, figure 13). A node's children are SHA-512 of session, tree, level and node.
 *
 * hole: the number of the key that stays unknown, secret with the receiver. The transfer of level l
 * chooses the complement of its bit 7-l. Constant time in hole, nodes and keys. */
#ifndef PT_GGM_H
#define PT_GGM_H

#include "crypto/prf.h"

enum { GGM_DEPTH = 8, GGM_LEAVES = 1 << GGM_DEPTH };
enum { GGM_MESSAGE_BYTES = 2 * 32 * GGM_DEPTH + 2 * 32 };

struct ggm_tree { /* secret: the keys, once grown, and the room that growing takes */
    struct key32 key[GGM_LEAVES];
    uint8_t node[2][GGM_LEAVES][64];
};
PT_SECRET_TYPE(ggm_tree);

struct ggm_name { /* public: no two trees have the same */
    const struct digest *session;
    uint8_t number;
};

/* t->key from root; message: per level the sums of all left and all right children, each under the
 * transfer's key of that side; then the sum and the hash of the check values. */
void ggm_grow(struct ggm_tree *t, uint8_t message[GGM_MESSAGE_BYTES], struct ggm_name name,
              const struct key32 *root, const struct key32 (*keys)[2]);
/* t->key but for hole's, which is zero. keys: one a level. False: the message belongs to no tree;
 * the keys are then of no use, and which bit was wrong is secret until the session has ended. */
bool ggm_recover(struct ggm_tree *t, struct span message, struct ggm_name name, uint8_t hole,
                 const struct key32 *keys);

#endif
