/* plan.h - PLAN.yaml: the questions that a planner means to ask, before any data is touched.
 *
 *     patto-plan: 1
 *     name: summer-launch
 *     asker: freshmart
 *     budget_rho: 0.05                     may be left out
 *     audiences: {loyal: [segment=loyal]}  names for conditions; may be left out
 *     questions:
 *       - {id: together, ask: overlap, with: drinkco, audience: loyal}
 *       - {id: taste, ask: affinity, with: drinkco, rows: buys, columns: drinkco.buys}
 *       - {id: all, ask: reach, with: [drinkco, homeware], where: [segment=new]}
 *
 * Strict like the policy: every error has line and column. Whether a question may be asked is
 * decide.h's to say; here it has only to be one. */
#ifndef PT_PLAN_H
#define PT_PLAN_H

#include "policy/question.h"

enum {
    PLAN_FILE_MAX = 1 << 20,
    PLAN_QUESTIONS_MAX = 100,
    PLAN_AUDIENCES_MAX = 32,
    PLAN_WITH_MAX = POLICY_PARTNERS_MAX * (POLICY_NAME_MAX + 1),
};

struct plan_question {
    char id[POLICY_NAME_MAX + 1];
    char ask[POLICY_NAME_MAX + 1]; /* as `patto query` takes it: overlap, affinity, ... */
    char with[PLAN_WITH_MAX];      /* commas between */
    char rows[2 * POLICY_NAME_MAX + 2], columns[2 * POLICY_NAME_MAX + 2]; /* "": none */
    size_t where[QUESTION_FILTERS_MAX]; /* conditions: offsets into the plan's words */
    size_t where_count;
    uint32_t line;
};
struct plan {
    char name[POLICY_NAME_MAX + 1], asker[POLICY_NAME_MAX + 1];
    uint64_t budget_nano; /* 0: no cap of its own */
    struct plan_question *questions;
    size_t question_count;
    struct buf words; /* conditions, each ended by NUL */
};
/* PT_EPARSE "line 3, column 5: ...". Free with plan_free(), which takes NULL. */
PT_MUST_USE enum pt_code plan_parse(struct plan **out, struct span file, struct pt_err *err);
void plan_free(struct plan *p);

/* The question under a policy. kind: the wire's kind of q->ask, which is its caller's to know.
 * PT_EUSAGE: names that the policy does not have. */
PT_MUST_USE enum pt_code plan_question_make(struct question *out, const struct policy *p,
                                            const struct plan *plan, const struct plan_question *q,
                                            enum question_kind kind, struct pt_err *err);

#endif
