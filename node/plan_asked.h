/* plan_asked.h - what this node has spent at each partner, by the answers that came here.
 *
 * For `plan explain`, which says what a plan leaves of the budget. The partner's ledger is what
 * counts: it also holds what was charged and never arrived, and the sizes of tokens and epochs. */
#ifndef PT_PLAN_ASKED_H
#define PT_PLAN_ASKED_H

#include "node/store.h"
#include "policy/budget.h"

enum { PLAN_ASKED_MAX = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX };

/* out[i]: at partners[i], the sums of what `received` events say was charged: ever, in the period
 * that holds now, today (UTC). PT_EIO: state.db. */
PT_MUST_USE enum pt_code plan_asked_read(struct budget_spent out[PLAN_ASKED_MAX], struct store *s,
                                         const struct policy *p, int64_t now_s, struct pt_err *err);

#endif
