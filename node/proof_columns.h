/* proof_columns.h - the columns of one batch of a proof, at the recipient: plain values, packed, and keys, those
 * of the question that is asked or made again from the epoch's data, as for its audit. */
#ifndef PT_PROOF_COLUMNS_H
#define PT_PROOF_COLUMNS_H

#include "crypto/column_prove.h"
#include "node/own_columns.h"
#include "node/snapshot.h"
#include "proto/epoch.h"

struct proof_columns_in { /* borrowed until proof_columns_free() */
    const struct snapshot *epoch;
    const struct policy *policy;
    const struct question *question;
    const struct epoch_pair *pair;
    const struct rlwe *rlwe;
    const struct parallel *parallel;
    const struct own_columns *own; /* of the question; NULL: all is made again */
};
struct proof_columns { /* secret; {0} is a valid empty one */
    struct proof_columns_in in;
    size_t count, column_bytes;
    uint8_t *made[RLWE_COLUMNS_MAX]; /* NULL: own has it */
    struct rlwe_key *made_keys[RLWE_COLUMNS_MAX];
    const uint8_t *values[RLWE_COLUMNS_MAX]; /* packed.h */
    const struct rlwe_key *keys[RLWE_COLUMNS_MAX];
};
/* out->count columns, index[i] of the question each; what p held before is gone. While they are made, each
 * thread has one column's values as bytes. */
PT_MUST_USE enum pt_code proof_columns_make(struct proof_columns *p, struct prove_columns *out,
                                            const struct proof_columns_in *in,
                                            const uint32_t *index, struct pt_err *err);
void proof_columns_free(struct proof_columns *p); /* wipes */

#endif
