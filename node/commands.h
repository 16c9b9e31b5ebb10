/* commands.h - the commands of patto, one cmd_*.c each. The table is in commands.c. */
#ifndef PT_COMMANDS_H
#define PT_COMMANDS_H

#include "node/cli.h"

extern const struct command *const commands_table[]; /* ends with NULL */

extern const struct command cmd_init, cmd_officer_key, cmd_policy_sign, cmd_policy_check,
    cmd_policy_explain, cmd_policy_lint, cmd_policy_diff, cmd_policy_simulate, cmd_policy_attack,
    cmd_policy_freeze, cmd_join, cmd_map;
extern const struct command cmd_ingest, cmd_serve, cmd_tokenise, cmd_epoch, cmd_query;
extern const struct command cmd_plan_explain, cmd_plan_run;
extern const struct command cmd_bench, cmd_plan_capacity;
extern const struct command cmd_budget_show, cmd_forget, cmd_audit_absence, cmd_audit_replay;
extern const struct command cmd_audit_verify, cmd_audit_show, cmd_audit_export, cmd_audit_compare;
extern const struct command cmd_audit_receipt, cmd_audit_receipts, cmd_audit_report;
extern const struct command cmd_status, cmd_doctor, cmd_man, cmd_completion;

#endif
