/* decide.h - does the policy permit this question? Yes, or the clause and line that says no.
 * The default is no. Budget and audience are looked at later, by who owns the data. */
#ifndef PT_DECIDE_H
#define PT_DECIDE_H

#include "policy/question.h"

/* PT_EDENIED: "questions.crosstab.pairs, line 41: freshmart.buys with drinkco.tier is not
 * listed". Same answer on every node that runs this policy. */
PT_MUST_USE enum pt_code decide(const struct policy *p, const struct question *q,
                                struct pt_err *err);

#endif
