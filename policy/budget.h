/* budget.h - what an answer costs, how wide its noise is, what is left. PROTOCOL.md 5.
 *
 * zCDP: rho = sensitivity^2 / (2 sigma^2), rho adds up. Integers near the data: rho in 1e-9,
 * variances as fractions, charges rounded up. Doubles only for what is printed. */
#ifndef PT_BUDGET_H
#define PT_BUDGET_H

#include "policy/question.h"

struct budget_variance { /* of noise in counts squared: num/den */
    uint64_t num, den;
};

struct budget_price {
    struct budget_variance cell; /* sigma^2 of a cell (a count's only cell, a table's body) */
    struct budget_variance
        margin; /* of margins, total and E's sizes: (2 sigma)^2; reach: sigma^2 */
    struct budget_variance square; /* value: of the sum of squares; 0/1 */
    uint64_t charge_nano;          /* rho of the whole answer times (1 + eta/delta)^2, rounded up */
};

/* rows_max = C_A (asker's categories a person), columns_max = C_B. overlap: sigma^2 = 1/(2 rho), charge
 * 1.25 rho; reach: cell and size at sigma^2 = 1/rho, charge rho; crosstab: sigma^2 =
 * (C_A C_B + (C_A + 2 C_B + 2)/4) / (2 rho), charge rho. delta: rlwe_delta().
 *
 * value: one release of Gaussian parts, whose rho add up to it (zCDP composes). A person is in "all"
 * and in C_A groups at most, moves each count by 1, each sum by 50 and the sum of squares by 2500:
 *   rho/20    the sum of squares, sigma = 2500/sqrt(2 rho/20)             [it serves error bars only]
 *   19rho/20  C_A counts at sigma and C_A sums at 50 sigma; of all the count, the sum, and E's size, at
 *             twice that: sigma^2 = (2 C_A + 3/4) / (2 * 19 rho/20)
 * charge rho. cell and margin are the counts'; a sum's noise has BUDGET_NUMBER times their width. */
enum { BUDGET_NUMBER = 50 };
void budget_price(struct budget_price *out, const struct policy *p, const struct question *q,
                  uint32_t delta);
double budget_sigma(struct budget_variance v);
/* Suppress below this: max(minimum_count, 2.5 standard errors). */
double budget_threshold(const struct policy *p, double standard_error);

/* epsilon at delta for rho (PROTOCOL.md 5's formula, minimised over alpha). */
double budget_epsilon(uint64_t rho_nano, double delta);

/* What a recipient has spent at this owner. Caps: the running period of budget_days (nothing rolls over), today,
 * ever. PT_EDENIED "privacy.budget, line 52: ..." when charge does not fit; left = what the
 * tightest cap leaves before the charge. */
struct budget_spent {
    uint64_t period_nano, today_nano, lifetime_nano;
};
PT_MUST_USE enum pt_code budget_check(const struct policy *p, const struct budget_spent *spent,
                                      uint64_t charge_nano, struct pt_err *err);
uint64_t budget_left(const struct policy *p, const struct budget_spent *spent);
/* The cap that leaves least; of equal ones the one that lasts longest. */
enum budget_cap { BUDGET_LIFETIME, BUDGET_PERIOD, BUDGET_DAILY, BUDGET_CAPS };
enum budget_cap budget_binds(const struct policy *p, const struct budget_spent *spent);
const char *budget_cap_name(enum budget_cap cap); /* as in the policy: "daily_rho" */
/* All recipients as one, who pool their answers about the same customers: rho adds up over them
 * as it does over questions. Held at UINT64_MAX, never wrapped. */
void budget_pool(struct budget_spent *out, const struct budget_spent *each, size_t count);
/* The first second of the budget period that holds now: periods count from the
 * valid_from of the first version (policy.first_from_s). */
int64_t budget_period_start_s(const struct policy *p, int64_t now_s);
int64_t budget_period_end_s(const struct policy *p, int64_t now_s); /* ... and of the next one */
/* What questions leave of each cap, so that a recipient who has asked all it may does not stand
 * in the way of tokens and epochs, which charge it too: refresh_nano for each week that remains
 * (of the period; of the policy for the lifetime cap) and for today; at most a tenth of the cap,
 * or one refresh where a tenth is less, and never more than half. */
void budget_reserve(struct budget_spent *out, const struct policy *p, uint64_t refresh_nano,
                    int64_t now_s);

#endif
