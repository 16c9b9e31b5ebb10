/* log_key.h - what a partner's log, and the partner as a witness, are called: patto/FEDERATION/NAME.
 * One name and one Ed25519 key for both; the algorithm in the key id keeps them apart (note.h). */
#ifndef PT_LOG_KEY_H
#define PT_LOG_KEY_H

#include "crypto/note.h"
#include "policy/policy.h"

/* p->partners[partner]'s key as the policy has it. */
PT_MUST_USE enum pt_code log_key_make(struct note_key *out, const struct policy *p, size_t partner,
                                      enum note_kind kind, struct pt_err *err);

/* So many witnesses have to sign a head of partners[owner]'s log: audit.quorum, or all but the owner
 * when these are fewer, for nobody is a witness of its own log. */
size_t log_key_quorum(const struct policy *p, size_t owner);
/* So many of audit.witnesses are among those who signed, by[i] for partners[i]. */
size_t log_key_signed(const struct policy *p, size_t owner, const bool *by);

#endif
