/* question_log.h - what both sides of a question write into their audit record.
 *
 *     asker   asked     before anybody is asked      evaluator  charge    the ledger's, before noise
 *             received  before the planner sees it              answered  before anything leaves
 *
 * The question's id is the one under which the owner charges; both can compute it, so the two
 * records can be laid side by side (`patto audit compare`). Who cannot write does not go on.
 * Neither says what the answer was. */
#ifndef PT_QUESTION_LOG_H
#define PT_QUESTION_LOG_H

#include "node/store.h"

enum { QUESTION_LOG_REFUSALS_A_DAY = 500 }; /* a partner: more are not written down one by one */

struct question_made { /* of what an answer was made: a receipt proves it */
    struct digest policy, dataset, asker_dataset, answer;
    uint64_t epoch;
    const char *build;
};
struct question_note { /* borrows */
    const char *kind;  /* as the ledger has it */
    const char *peer;
    struct digest id;
    uint64_t rho_nano; /* asked: the price; else what was charged now, 0 for a repeated question */
    uint64_t
        position; /* received: of the charge in the owner's record, as it said; 0: it did not */
    const struct question_made *made; /* answered, when it was */
};
PT_MUST_USE enum pt_code question_log_asked(struct store *s, const struct question_note *n,
                                            int64_t now_s, struct pt_err *err);
PT_MUST_USE enum pt_code question_log_received(struct store *s, const struct question_note *n,
                                               bool answered, int64_t now_s, struct pt_err *err);
PT_MUST_USE enum pt_code question_log_answered(struct store *s, const struct question_note *n,
                                               bool answered, int64_t now_s, struct pt_err *err);
/* A session of peer that this node refused. what: "ask", "tokenise", ...; reason: a word. */
struct question_refusal {
    const char *peer, *what, *reason;
};
PT_MUST_USE enum pt_code question_log_refused(struct store *s, const struct question_refusal *r,
                                              int64_t now_s, struct pt_err *err);

#endif
