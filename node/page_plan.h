/* page_plan.h - report.html of a plan: one page, no network, no script, light, dark and on paper.
 * A figure and the table behind it for each answer, what hides and why, the budget, receipts, and
 * what the error bars do and do not say. */
#ifndef PT_PAGE_PLAN_H
#define PT_PAGE_PLAN_H

#include "node/plan_run.h"

#include <stdio.h>

void page_plan(FILE *out, const struct plan_run *r);
/* One answer's figures: for page_plan, and tests. */
void page_answer(FILE *out, const struct answer *a);

#endif
