/* plan_forecast.h - what a plan of questions would cost and show, before any data is touched: for
 * `policy simulate` and `plan explain`. The policy decides and prices, proto/simulate.h makes
 * customers up. A question that is asked twice, or a table that is read twice, is paid for once. */
#ifndef PT_PLAN_FORECAST_H
#define PT_PLAN_FORECAST_H

#include "policy/budget.h"
#include "policy/plan.h"
#include "proto/simulate.h"

#include <stdio.h>

enum { PLAN_FORECAST_ROUNDS = 200 };

struct plan_outcome {
    const struct plan_question *asked;
    struct question question;
    enum answer_kind kind;
    struct pt_err no;     /* why it may not be asked; code PT_OK: it may */
    uint64_t charge_nano; /* 0: refused, or the same as one before */
    uint64_t spent_nano;  /* with it, at the partner that has been asked most */
    bool again, simulated;
    const char *over; /* the cap that ends there; NULL: none */
    struct simulate_out out;
};
struct plan_forecast { /* {0} is a valid empty one; policy and plan are borrowed */
    const struct policy *policy;
    const struct plan *plan;
    double overlap; /* share of the smaller side's customers that is common */
    struct draw random;
    struct plan_outcome *outcomes; /* plan->question_count */
    uint64_t spent_nano[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX];
    uint64_t total_nano;
    size_t refused, over;
    /* For what is left with each partner: asked before, by partner (plan_asked.h; borrowed; NULL:
     * nothing yet), and the time. */
    const struct budget_spent *asked;
    int64_t now_s;
};

/* Understands, decides and prices all questions: outcomes, sums. PT_ENOMEM. */
PT_MUST_USE enum pt_code plan_forecast_decide(struct plan_forecast *f, const struct policy *policy,
                                              const struct plan *plan, struct pt_err *err);
/* ... and simulates each that may be asked. log: a progress bar; NULL: none. */
PT_MUST_USE enum pt_code plan_forecast_simulate(struct plan_forecast *f, double overlap,
                                                uint64_t seed, FILE *log, struct pt_err *err);
void plan_forecast_free(struct plan_forecast *f);

/* What partner i's budget of the period and of the lifetime, the tighter of the two, still leaves
 * for questions after what was asked before and this plan; below 0: what is missing. */
double plan_forecast_left(const struct plan_forecast *f, size_t i);
/* A table of at most 80 columns, or JSON. */
void plan_forecast_text(FILE *out, const struct plan_forecast *f);
PT_MUST_USE enum pt_code plan_forecast_json(FILE *out, const struct plan_forecast *f,
                                            struct pt_err *err);
/* PT_EDENIED when a question may not be asked or goes over a budget. */
PT_MUST_USE enum pt_code plan_forecast_verdict(const struct plan_forecast *f, struct pt_err *err);

#endif
