/* art30.h - what a record of processing (GDPR Art. 30) takes from this node's audit record: what was
 * done, how often, with whom, at what privacy loss. Counts events, never people. */
#ifndef PT_ART30_H
#define PT_ART30_H

#include "crypto/checkpoint.h"
#include "node/audit.h"

enum { ART30_KINDS_MAX = 32, ART30_PARTNERS_MAX = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX };

struct art30_kind { /* of event */
    char kind[STORE_KIND_MAX + 1];
    uint64_t count;
    int64_t first_s, last_s;
};
struct art30_partner {
    const char *name; /* borrowed from the policy */
    bool neutral;
    uint64_t answered, charged_nano; /* its questions, and all that it learned here */
    uint64_t asked, paid_nano;       /* ours */
    uint64_t token_batches;
};
struct art30 {
    int64_t since_s;
    uint64_t events, other_kinds; /* in the period; of kinds beyond those listed */
    struct art30_kind kinds[ART30_KINDS_MAX];
    size_t kind_count;
    struct art30_partner partners[ART30_PARTNERS_MAX]; /* all others of the policy */
    size_t partner_count;
    struct store_place head; /* of the chain that was verified */
    bool published;
    struct checkpoint checkpoint;
};
/* Verifies the record first: PT_EBADMSG, PT_EDENIED as `audit verify` has them. */
PT_MUST_USE enum pt_code art30_gather(struct art30 *out, const struct audit *a, int64_t since_s,
                                      struct pt_err *err);

#endif
