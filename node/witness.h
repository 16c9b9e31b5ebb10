/* witness.h - this node as a witness of its partners' logs (C2SP tlog-witness): it signs that a head
 * continues what it has seen, and remembers that before it signs.
 *
 * What was seen last of a log is a fact of the store, "witness/ORIGIN". A head that does not
 * continue it, or a log that has become smaller, is not signed and goes on the record with both
 * heads. */
#ifndef PT_WITNESS_H
#define PT_WITNESS_H

#include "crypto/checkpoint.h"
#include "crypto/merkle_proof.h"
#include "node/home.h"
#include "node/store.h"

enum { WITNESS_FINDINGS_A_DAY = 20 }; /* a partner: more are not written down one by one */

struct witness {             /* borrowed */
    const struct home *home; /* policy and keys */
    struct store *store;
};
struct witness_head { /* what a log says of itself */
    uint16_t partner; /* whose log it has to be */
    struct span note;
    uint64_t old_size;
    const struct merkle_proof *proof; /* from old_size on */
};
/* Append our line to *line and remember the head. *line stays empty and *known says what we have seen, when
 * that is not old_size.
 *   PT_EDENIED  not signed by that partner's log; or it does not continue what we have seen
 *   PT_EPARSE   not a checkpoint */
PT_MUST_USE enum pt_code witness_cosign(struct buf *line, uint64_t *known, const struct witness *w,
                                        const struct witness_head *head, int64_t now_s,
                                        struct pt_err *err);
/* What we have seen last of that partner's log; size 0: nothing. */
struct witness_seen {
    uint64_t size;
    struct digest root;
};
PT_MUST_USE enum pt_code witness_seen(struct witness_seen *out, const struct witness *w,
                                      uint16_t partner, struct pt_err *err);

/* Who has signed a head of partner owner's log, and whether these are as many as the policy asks. */
enum { WITNESS_PARTNERS_MAX = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX };
struct witness_signed {
    struct checkpoint head;
    bool by[WITNESS_PARTNERS_MAX]; /* every partner, named as a witness or not */
    int64_t at_s[WITNESS_PARTNERS_MAX];
    size_t had, needed; /* named ones; audit.quorum */
};
/* PT_EPARSE, PT_EDENIED: note is not a head of that log, or a line of a partner's is not its own. */
PT_MUST_USE enum pt_code witness_signatures(struct witness_signed *out, const struct policy *p,
                                            size_t owner, struct span note, struct pt_err *err);

/* The same of what this home has published; its policy is loaded. *found false: nothing yet. */
PT_MUST_USE enum pt_code witness_published(struct witness_signed *out, bool *found,
                                           const struct home *h, struct pt_err *err);

/* May that partner watch over logs? It stands in audit.witnesses. */
bool witness_is(const struct policy *p, size_t partner);

#endif
