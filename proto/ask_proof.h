/* ask_proof.h - the column proof within a question (PROTOCOL.md 4, crypto/column_proof.h): whatever the
 * recipient uploads, it proves to be well formed before the evaluator computes anything with it.
 *
 *     Need ProofChoices > ColumnPart... ProofTrees, and for each batch
 *         ProofCommit ProofPart... > ProofChallenge > ProofAnswer
 *
 * Everything random derives from the epoch's seed, under the name of this one proof: that holds both
 * nonces, so no two sessions have a mask vector in common, and a replay makes the same bytes again. */
#ifndef PT_ASK_PROOF_H
#define PT_ASK_PROOF_H

#include "crypto/column_prove.h"
#include "crypto/column_verify.h"
#include "proto/epoch.h"
#include "proto/session.h"

/* Plain values that a recipient holds at once: at two bits each, 256 MB. */
enum { ASK_PROOF_VALUES_MAX = 1 << 30 };

/* Columns of a batch, but for the last: a function of the slots alone. */
size_t ask_proof_batch(const struct rlwe *c);

/* Written down, durably, before a challenge is sent, and before one is answered: there is one challenge
 * for a commitment, whatever crashes. */
struct ask_proof_once {
    struct digest
        session;    /* hash of session, epoch, ordered pair, public seed and columns' digests */
    uint32_t first; /* of the columns proved: the batch's */
    struct digest commitment, challenge;
};
struct ask_proof_columns { /* what is proved: those that Need named; borrowed */
    struct session *session;
    struct epoch_pair pair;
    const struct rlwe *rlwe;
    const struct digest *digests;
    size_t count;
    struct proof_tally tally; /* of all of them, then one batch; none where they are more */
};

/* ---- recipient ---- */
struct ask_prover_host {
    void *self;
    const struct key32 *epoch_seed; /* secret */
    /* Keys and plain values of columns [first, first + out->count) of those proved, as encrypted; they
     * stay until the next call, or until the session ends. */
    enum pt_code (*columns)(void *self, struct prove_columns *out, size_t first,
                            struct pt_err *err);
    /* PT_EDENIED: this commitment was challenged before. */
    enum pt_code (*challenged)(void *self, const struct ask_proof_once *o, struct pt_err *err);
};
struct ask_prover { /* {0} is a valid empty one */
    struct ask_proof_columns what;
    struct ask_prover_host host;
    struct ask_proof_once once; /* of the batch under way */
    struct column_prover *prover;
    struct prove_columns batch;
    struct buf trees, commitment;
    size_t offset; /* of the commitment, being sent */
    bool committed;
};
PT_MUST_USE enum pt_code ask_prover_begin(struct ask_prover *p,
                                          const struct ask_proof_columns *what,
                                          const struct ask_prover_host *host, struct span choices,
                                          struct pt_err *err);
/* The next frame into out. *more false: now a challenge is awaited. */
PT_MUST_USE enum pt_code ask_prover_send(struct ask_prover *p, bool *more, struct outbox *out,
                                         struct pt_err *err);
/* The challenge's answer into out: seconds. *more: there is another batch to send. */
PT_MUST_USE enum pt_code ask_prover_answer(struct ask_prover *p, bool *more,
                                           const struct digest *challenge, struct outbox *out,
                                           struct pt_err *err);
void ask_prover_free(struct ask_prover *p);

/* ---- evaluator ---- */
struct ask_proof_refusal {
    struct digest session, commitment, answer; /* zeros where it did not come so far */
};
struct ask_checker_host {
    void *self;
    const struct key32 *epoch_seed; /* secret */
    const struct parallel *parallel;
    enum pt_code (*challenged)(void *self, const struct ask_proof_once *o, struct pt_err *err);
    /* Durably, before the peer is told: it is answered nothing more in this epoch. */
    enum pt_code (*refused)(void *self, const struct ask_proof_refusal *r, struct pt_err *err);
};
struct ask_checker { /* {0} is a valid empty one */
    struct ask_proof_columns what;
    struct ask_checker_host host;
    struct ask_proof_once once;
    struct column_verifier *verifier;
    struct buf commitment, answer;
    size_t count, proved; /* of this batch; before it */
    size_t bytes;         /* of its commitment */
};
/* ProofChoices into out. */
PT_MUST_USE enum pt_code ask_checker_begin(struct ask_checker *c,
                                           const struct ask_proof_columns *what,
                                           const struct ask_checker_host *host, struct outbox *out,
                                           struct pt_err *err);
PT_MUST_USE enum pt_code ask_checker_trees(struct ask_checker *c, struct span trees,
                                           struct pt_err *err);
PT_MUST_USE enum pt_code ask_checker_commit(struct ask_checker *c,
                                            const struct wire_proof_commit *w, struct pt_err *err);
/* *complete: the commitment is here, and its challenge in out. */
PT_MUST_USE enum pt_code ask_checker_part(struct ask_checker *c, bool *complete,
                                          const struct wire_proof_part *w, struct outbox *out,
                                          struct pt_err *err);
PT_MUST_USE enum pt_code ask_checker_take(struct ask_checker *c, struct span answer,
                                          struct pt_err *err);
/* Seconds. columns: c->count of them, from the c->proved-th of those named on. PT_OK: they are well
 * formed. PT_EDENIED, NOT_PROVED: some check failed, nothing says which, and refused() was called. PT_EIO: they
 * could not be read, which says nothing of them. */
PT_MUST_USE enum pt_code ask_checker_check(struct ask_checker *c,
                                           const struct column_bytes *columns, struct pt_err *err);
void ask_checker_free(struct ask_checker *c);

#endif
