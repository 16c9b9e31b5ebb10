/* cmd_plan.h - what `plan explain`, `plan run` and `policy simulate` share: reading a plan, and
 * printing its forecast. */
#ifndef PT_CMD_PLAN_H
#define PT_CMD_PLAN_H

#include "node/cli.h"
#include "policy/budget.h"
#include "policy/plan.h"

/* PT_EIO, PT_EPARSE "PLAN.yaml: line 3, column 5: ...". */
PT_MUST_USE enum pt_code cmd_plan_load(struct plan **out, const char *path, struct pt_err *err);
/* By --overlap, --seed and --json. asked: what was asked before (plan_asked.h); NULL: nothing. PT_EDENIED after printing: a question may not be asked, or is
 * over a budget. */
PT_MUST_USE enum pt_code cmd_plan_forecast(struct cli *cli, const struct policy *policy,
                                           const struct budget_spent *asked, const char *path,
                                           struct pt_err *err);

#endif
