/* salt_round.h - one round of salt.h as both roles see it: what each party states, signed over the
 * round, and the header that follows. Statements are checked here, states kept in salt.c. */
#ifndef PT_SALT_ROUND_H
#define PT_SALT_ROUND_H

#include "proto/epoch.h"
#include "proto/session.h"

struct salt_own { /* this node's part. share and blind: 32 fresh secret random bytes each */
    struct digest dataset, seed_hash;
    uint64_t padded_size;
    struct key32 share, blind;
};
PT_SECRET_TYPE(salt_own);

struct salt_result { /* valid once done */
    struct epoch_header header;
    struct signature signatures[POLICY_PARTNERS_MAX]; /* by participant index */
};
/* Does every participant's signature stand? For a header read back from disk. PT_EDENIED. */
PT_MUST_USE enum pt_code salt_result_check(const struct salt_result *r, const struct policy *p,
                                           struct pt_err *err);

struct salt_round { /* owned by salt_initiator or salt_responder */
    const struct session_self *self;
    struct salt_own own;
    uint64_t number;
    uint32_t attempt;
    uint16_t partner[POLICY_PARTNERS_MAX]; /* participants, policy indices, in name order */
    size_t count;
    int own_at;
    struct digest context;
    struct wire_commit commits[POLICY_PARTNERS_MAX];
    struct wire_reveal reveals[POLICY_PARTNERS_MAX];
    struct salt_result result;
};

const struct policy_partner *salt_round_party(const struct salt_round *r, size_t at);
/* Set r->context from policy, number, attempt, key period and participants: what every statement
 * is signed over, so that it counts in no other round. */
void salt_round_context(struct salt_round *r, uint32_t key_period);
/* Our commit and our reveal, signed; the reveal is kept until all have committed. */
PT_MUST_USE enum pt_code salt_round_own(struct salt_round *r, struct pt_err *err);
/* Check and keep the statement of participant `at`. PT_EBADMSG names it. */
PT_MUST_USE enum pt_code salt_round_commit(struct salt_round *r, size_t at,
                                           const struct wire_commit *c, struct pt_err *err);
PT_MUST_USE enum pt_code salt_round_reveal(struct salt_round *r, size_t at,
                                           const struct wire_reveal *v, struct pt_err *err);
PT_MUST_USE enum pt_code salt_round_signature(struct salt_round *r, size_t at,
                                              const struct wire_header_signature *s,
                                              struct pt_err *err);
/* All shares are open: the salt, the header, our signature. */
PT_MUST_USE enum pt_code salt_round_header(struct salt_round *r, struct pt_err *err);
/* PT_EBADMSG: the `what` of participant `at` is missing, unsigned or another. */
enum pt_code salt_round_not_of(const struct salt_round *r, size_t at, const char *what,
                               struct pt_err *err);

#endif
