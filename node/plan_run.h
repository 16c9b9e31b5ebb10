/* plan_run.h - the questions of a plan, asked in the cheapest order within the plan's budget.
 *
 * The plan's order is kept, but readings of one table follow the question that pays for it. A
 * question that would exceed the budget is not asked, nor is any that costs something after it;
 * readings that are paid for still are. What was answered before, under the same policy and epoch, is
 * not asked again. Who asks and where answers are kept are the host's: files, the daemon. */
#ifndef PT_PLAN_RUN_H
#define PT_PLAN_RUN_H

#include "node/plan_forecast.h"

enum plan_state {
    PLAN_OPEN,        /* not come to yet */
    PLAN_ANSWERED,    /* now */
    PLAN_KEPT,        /* by an earlier run */
    PLAN_REFUSED,     /* by the policy, a cap, or a size: the answer's cells say so */
    PLAN_FAILED,      /* a partner away, a fault: run the plan again */
    PLAN_OVER_BUDGET, /* of the plan */
    PLAN_STATES
};
const char *plan_state_name(enum plan_state s); /* "answered", "over budget" */

struct plan_step { /* of question i of the plan */
    const struct plan_outcome *forecast;
    enum plan_state state;
    struct answer answer;  /* where one came: answered, kept, refused */
    uint64_t charged_nano; /* when it was first answered: asked again, the answer itself says 0 */
    char why[ANSWER_SENTENCE_MAX];
};
struct plan_run { /* {0} is a valid empty one */
    const struct plan_forecast *forecast;
    struct plan_step *steps;
    size_t count;
    uint64_t charged_nano; /* of all answers here, kept ones too */
    uint64_t
        doubtful_nano; /* of asks that failed now: a partner may have charged before it was lost */
};
struct plan_host {
    void *self;
    /* An answer of an earlier run; *found false: none that can be used. */
    enum pt_code (*kept)(void *self, struct answer *out, bool *found, size_t i, struct pt_err *err);
    /* What an earlier run was charged for it, under this policy and epoch; 0: nothing that is known. It
     * is asked again where its answer was lost, and costs nothing then. */
    enum pt_code (*paid)(void *self, uint64_t *nano, size_t i, struct pt_err *err);
    enum pt_code (*ask)(void *self, struct answer *out, size_t i, struct pt_err *err);
    /* Durably, before the next is asked. */
    enum pt_code (*keep)(void *self, const struct plan_run *run, size_t i, struct pt_err *err);
};

/* forecast: decided. Fails only where going on makes no sense (memory, what ask() calls PT_EIO,
 * keep()): what has been answered stands. Free in any case. */
PT_MUST_USE enum pt_code plan_run(struct plan_run *r, const struct plan_forecast *forecast,
                                  const struct plan_host *host, struct pt_err *err);
void plan_run_free(struct plan_run *r);
/* How many have that state. */
size_t plan_run_count(const struct plan_run *r, enum plan_state s);

#endif
