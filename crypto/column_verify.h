/* column_verify.h - the evaluator's side of column_proof.h. One object is one session with one
 * recipient. What the recipient may learn of the key Gamma by cheating it pays for in the chance of
 * being caught, so a refusal ends the session: the caller keeps it for the epoch, logs both digests,
 * tells the peer one code whatever failed, and touches no row before PT_OK.
 *
 * Sound only when the challenge is drawn after message 3, columns and all, has arrived and its digest
 * is stored, and when the columns that are multiplied later are the very bytes that were checked. */
#ifndef PT_COLUMN_VERIFY_H
#define PT_COLUMN_VERIFY_H

#include "crypto/column_proof.h"
#include "crypto/column_reader.h"

struct column_verifier; /* secret */

/* Message 1 is appended to choices. PT_ELIMIT: proof_possible(). */
PT_MUST_USE enum pt_code column_verifier_new(struct column_verifier **out, struct buf *choices,
                                             const struct proof_setup *setup, struct pt_err *err);
void column_verifier_free(struct column_verifier *v); /* wipes */
/* Message 2. PT_EBADMSG: its length, or a point that is not canonical or is the identity. A tree that
 * is none is remembered: column_verifier_check() refuses it. PT_ESTATE: not now. */
PT_MUST_USE enum pt_code column_verifier_accept(struct column_verifier *v, struct span trees,
                                                struct pt_err *err);
/* Message 3 but for the columns. PT_ELIMIT: column_count. PT_EBADMSG: the length, or a number that is
 * not < q. PT_ESTATE: not now. */
PT_MUST_USE enum pt_code column_verifier_commit(struct column_verifier *v, struct span commitment,
                                                size_t column_count,
                                                const struct parallel *parallel,
                                                struct pt_err *err);
/* Message 4: 32 bytes, uniform, drawn now. PT_ESTATE: this commitment has its challenge. */
PT_MUST_USE enum pt_code column_verifier_challenge(struct column_verifier *v, struct span challenge,
                                                   struct pt_err *err);
/* Message 5. PT_OK: every column is well formed, and another batch may follow. PT_EBADMSG: some check
 * failed, and nothing says which; every later call is PT_ESTATE. PT_EIO: the reader could not read. columns:
 * as committed to. */
struct verify_columns {
    size_t count;
    const struct span *columns; /* rlwe_column_bytes() each */
    const struct parallel *parallel;
    struct proof_tally tally;
    const struct column_reader *reader; /* NULL: columns[j].p are there */
};
PT_MUST_USE enum pt_code column_verifier_check(struct column_verifier *v, struct span answer,
                                               const struct verify_columns *in, struct pt_err *err);

#endif
