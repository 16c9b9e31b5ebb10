/* column_prove.h - the recipient's side of column_proof.h. One object is one session with one
 * evaluator; what it sends is a pure function of its seed, the keys, the columns and what it received.
 *
 * A batch is a commitment, a challenge and an answer. Two answers to two challenges for one commitment
 * would give s_j away: the object makes one and forgets the rest. Whoever rebuilds it from its seed
 * after a restart sees to that first, durably, before the answer leaves. */
#ifndef PT_COLUMN_PROVE_H
#define PT_COLUMN_PROVE_H

#include "crypto/column_proof.h"

struct column_prover; /* secret */

/* Message 2 is appended to trees. PT_ELIMIT: proof_possible(). PT_EBADMSG: choices are of the wrong
 * length, or hold a point that is not canonical or is the identity. */
PT_MUST_USE enum pt_code column_prover_new(struct column_prover **out, struct buf *trees,
                                           const struct proof_setup *setup, struct span choices,
                                           struct pt_err *err);
void column_prover_free(struct column_prover *p); /* wipes */

/* Where values come from, block by block, so that nobody need hold whole columns: out is block k of column
 * j of the batch, {-1,0,+1} each and zeros after the last slot. Threads call it at once. */
struct prove_values {
    void *self;
    void (*block)(void *self, int8_t out[RLWE_DEGREE], size_t j, uint64_t k);
};
struct prove_columns {
    size_t count;                       /* 1 to RLWE_COLUMNS_MAX */
    const struct rlwe_key *const *keys; /* that encrypted them */
    struct prove_values values;         /* to answer only */
    const struct parallel *parallel;    /* may be NULL; results do not depend on it */
    struct proof_tally tally;           /* to answer only */
};
/* Begin a batch: proof_commitment_bytes() of message 3 are appended to out; the columns travel beside
 * them, in this order. PT_ELIMIT: count. PT_ESTATE: the last batch waits for its challenge. */
PT_MUST_USE enum pt_code column_prover_commit(struct column_prover *p, struct buf *out,
                                              const struct prove_columns *in, struct pt_err *err);
/* proof_answer_bytes() are appended to out. PT_EBADMSG: the challenge's length. PT_ESTATE: no
 * commitment is open, or this one was answered. */
PT_MUST_USE enum pt_code column_prover_answer(struct column_prover *p, struct buf *out,
                                              struct span challenge, const struct prove_columns *in,
                                              struct pt_err *err);

#endif
