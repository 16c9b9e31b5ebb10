/* intake.h - a ciphertext as it comes, part by part: its digest, and whether all its coefficients are
 * below q. Looked at while the bytes are at hand, so that a column is not read a second time. */
#ifndef PT_INTAKE_H
#define PT_INTAKE_H

#include "crypto/blake2b_tree.h"
#include "crypto/rlwe.h"

struct intake { /* of one column */
    const struct rlwe *rlwe;
    struct blake2b_tree hash;
    uint8_t block[RLWE_BLOCK_BYTES_MAX]; /* what has come of one that a part's end cuts in two */
    size_t block_fill;
    bool below_q; /* every whole block so far */
};
void intake_begin(struct intake *in, const struct rlwe *rlwe);
/* Together no more than rlwe_column_bytes(). */
void intake_add(struct intake *in, struct span bytes);
/* After the last byte of the column. *below_q: all of it. */
void intake_end(struct digest *digest, bool *below_q, struct intake *in);

#endif
