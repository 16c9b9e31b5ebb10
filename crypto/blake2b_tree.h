/* blake2b_tree.h - BLAKE2b in its tree mode (blake2.net, specification of 2013-01-29, section 2.10): eight
 * leaves that take a block of 128 bytes in turn, and a root; 64 bytes, no key. For what is long: the leaves
 * are worked on side by side in vectors (`patto bench`, digest: beside SHA-256). Bytes may be
 * secret, their number is not; _end() wipes. */
#ifndef PT_BLAKE2B_TREE_H
#define PT_BLAKE2B_TREE_H

#include "crypto/prf.h"

enum { BLAKE2B_TREE_BYTES = 64, BLAKE2B_TREE_LEAVES = 8, BLAKE2B_TREE_BLOCK = 128 };
enum { BLAKE2B_TREE_STRIPE = BLAKE2B_TREE_LEAVES * BLAKE2B_TREE_BLOCK }; /* a block of each leaf */

struct blake2b_tree { /* of bytes that come piece by piece */
    uint64_t state[8][BLAKE2B_TREE_LEAVES];
    uint64_t leaf_bytes; /* that each leaf has taken in */
    uint8_t held[2 * BLAKE2B_TREE_STRIPE];
    size_t held_bytes;
};
void blake2b_tree_begin(struct blake2b_tree *h);
void blake2b_tree_add(struct blake2b_tree *h, struct span bytes);
void blake2b_tree_end(uint8_t out[BLAKE2B_TREE_BYTES], struct blake2b_tree *h);
/* hash_parts() of that under a label: of what h has taken in, and of bytes that are all here. */
void blake2b_tree_digest_end(struct digest *out, const char *label, struct blake2b_tree *h);
void blake2b_tree_digest(struct digest *out, const char *label, struct span bytes);

/* The back-ends, by how many leaves go side by side: whole stripes, none of which is a leaf's last. They agree
 * on every bit. */
typedef void blake2b_tree_run(uint64_t state[8][BLAKE2B_TREE_LEAVES], uint64_t leaf_bytes,
                              const uint8_t *stripes, size_t count);
blake2b_tree_run blake2b_tree_x1, blake2b_tree_x4, blake2b_tree_x8;

#endif
