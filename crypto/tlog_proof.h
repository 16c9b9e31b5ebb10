/* tlog_proof.h - a receipt: that an entry is in a log, verifiable by itself (C2SP tlog-proof).
 *
 *     c2sp.org/tlog-proof@v1
 *     extra BASE64            optional; NOT covered by any signature
 *     index N
 *     BASE64(hash)            each of the inclusion proof
 *                             an empty line, then the checkpoint, cosigned
 *
 * What of `extra` is believed has to be derived from the entry itself: it may say what the entry
 * opens to (salt and text), since the entry is a hash of that. Files are named *.tlog-proof. */
#ifndef PT_TLOG_PROOF_H
#define PT_TLOG_PROOF_H

#include "crypto/checkpoint.h"
#include "crypto/merkle_proof.h"

enum { TLOG_EXTRA_MAX = 1 << 16, TLOG_PROOF_BYTES_MAX = 1 << 18 };

struct tlog_proof {
    bool has_extra;
    struct buf extra; /* owned, decoded */
    uint64_t index;   /* from 0 */
    struct merkle_proof path;
    struct span checkpoint; /* borrowed: the note, to the end */
};
void tlog_proof_free(struct tlog_proof *p);
/* Form only; out->checkpoint borrows from text, whose note is not read yet. PT_EPARSE. */
PT_MUST_USE enum pt_code tlog_proof_parse(struct tlog_proof *out, struct span text,
                                          struct pt_err *err);
PT_MUST_USE enum pt_code tlog_proof_print(struct buf *out, const struct tlog_proof *p,
                                          struct pt_err *err);

struct tlog_trust { /* borrows */
    struct checkpoint_trust keys;
    size_t quorum; /* how many of the witnesses must have cosigned */
};
/* leaf: merkle_leaf() of the entry. seals: one a witness, or NULL when there is none.
 * PT_EPARSE: the checkpoint's form. PT_EDENIED: not signed by the log, too few cosignatures, or the
 * entry is not in that tree. */
PT_MUST_USE enum pt_code tlog_proof_verify(struct checkpoint *out, struct note_seal *seals,
                                           const struct tlog_proof *p, const struct digest *leaf,
                                           const struct tlog_trust *trust, struct pt_err *err);

#endif
