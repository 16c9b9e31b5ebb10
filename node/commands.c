#include "node/commands.h"

/* In the order in which a new node meets them. */
const struct command *const commands_table[] = {
    &cmd_init,          &cmd_officer_key,    &cmd_policy_sign,
    &cmd_policy_check,  &cmd_policy_explain, &cmd_policy_lint,
    &cmd_policy_diff,   &cmd_policy_freeze,  &cmd_join,
    &cmd_map,           &cmd_ingest,         &cmd_serve,
    &cmd_tokenise,      &cmd_epoch,          &cmd_query,
    &cmd_bench,         &cmd_plan_capacity,  &cmd_budget_show,
    &cmd_forget,        &cmd_audit_verify,   &cmd_audit_show,
    &cmd_audit_export,  &cmd_audit_compare,  &cmd_audit_report,
    &cmd_audit_absence, &cmd_status,         &cmd_doctor,
    &cmd_man,           &cmd_completion,     NULL,
};
