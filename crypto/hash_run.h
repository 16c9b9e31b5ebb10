/* hash_run.h - hash_parts() (prf.h) of one part whose bytes come piece by piece: a column of many
 * megabytes is hashed as it is made or received, and need not be anywhere as a whole. */
#ifndef PT_HASH_RUN_H
#define PT_HASH_RUN_H

#include "crypto/sha256.h"

struct hash_run { /* of public bytes */
    struct sha256_run sha;
    uint64_t left; /* bytes of the part that are still to come */
};
/* part_bytes: of all pieces together, below 2^32. */
void hash_run_begin(struct hash_run *h, const char *label, uint64_t part_bytes);
void hash_run_add(struct hash_run *h, struct span bytes);
/* After the last piece; ends h. */
void hash_run_end(struct digest *out, struct hash_run *h);

#endif
