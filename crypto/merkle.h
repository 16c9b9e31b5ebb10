/* merkle.h - RFC 6962 section 2 hash trees over leaves that arrive one by one.
 * Memory is one digest a level. Leaves are salted by the caller where they hide personal data. */
#ifndef PT_MERKLE_H
#define PT_MERKLE_H

#include "crypto/prf.h"

enum { MERKLE_LEVELS_MAX = 48 };

struct merkle {
    struct digest level[MERKLE_LEVELS_MAX];
    uint64_t leaf_count;
};
void merkle_init(struct merkle *m);
void merkle_add(struct merkle *m, struct span entry); /* leaf = SHA-256(0x00 || entry) */
void merkle_add_leaf(struct merkle *m, const struct digest *leaf); /* hashed already */
void merkle_root(struct digest *out, const struct merkle *m);      /* empty: SHA-256("") */

/* SHA-256(0x00 || entry) and SHA-256(0x01 || left || right). out may be left or right. */
void merkle_leaf(struct digest *out, struct span entry);
void merkle_join(struct digest *out, const struct digest *left, const struct digest *right);

#endif
