/* checkpoint.h - the head of a log as three lines of text, and as a signed note (C2SP
 * tlog-checkpoint):
 *
 *     ORIGIN                  the log's name, which is its key's name too
 *     SIZE                    entries, decimal
 *     BASE64(root)            RFC 6962 tree head
 *
 * Extension lines, which the specification advises against, are refused. */
#ifndef PT_CHECKPOINT_H
#define PT_CHECKPOINT_H

#include "crypto/note.h"

struct checkpoint {
    char origin[NOTE_NAME_MAX + 1];
    uint64_t size; /* at most 2^63 - 1 */
    struct digest root;
};

/* The text alone. PT_EPARSE. */
PT_MUST_USE enum pt_code checkpoint_parse(struct checkpoint *out, struct span text,
                                          struct pt_err *err);
PT_MUST_USE enum pt_code checkpoint_print(struct buf *out, const struct checkpoint *c,
                                          struct pt_err *err);

/* A whole note, signed by the log; k is the log's key. */
PT_MUST_USE enum pt_code checkpoint_sign(struct buf *note, const struct checkpoint *c,
                                         const struct sign_key *k, struct pt_err *err);
/* Read a note and require the log's own signature (log: kind NOTE_ED25519, name = origin). Of the
 * witnesses' cosignatures (kind NOTE_COSIGNATURE) each must be good that is there; seals[i] says
 * which are. At most NOTE_KEYS_MAX - 1 witnesses, seals may be NULL when there is none.
 * PT_EPARSE: its form. PT_EDENIED: another log's, or a signature that is wrong or missing. */
struct checkpoint_trust { /* borrows */
    const struct note_key *log;
    const struct note_key *witnesses;
    size_t witness_count;
};
PT_MUST_USE enum pt_code checkpoint_open(struct checkpoint *out, struct note_seal *seals,
                                         struct span note, const struct checkpoint_trust *trust,
                                         struct pt_err *err);

#endif
