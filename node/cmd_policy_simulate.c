/* patto policy simulate: what a plan would cost and show, before anybody signs. */
#include "node/cmd_plan.h"
#include "node/commands.h"
#include "node/policy_file.h"

static const struct cli_option OPTIONS[] = {
    {"questions", "PLAN.yaml", "what is to be asked", true, false},
    {"overlap", "SHARE", "of the smaller partner's customers that are common; default 0.3", false,
     false},
    {"seed", "N", "another number, another draw; default 1", false, false},
    {"json", NULL, "print it as JSON", false, false},
    {0},
};

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct policy_file file = {0};
    enum pt_code rc = policy_file_load(&file, cli->args[0], err);

    if (rc == PT_OK)
        rc = cmd_plan_forecast(cli, file.policy, NULL, cli_value(cli, "questions"), err);
    policy_file_free(&file);
    return rc;
}

const struct command cmd_policy_simulate = {
    .name = "policy simulate",
    .args = "FILE",
    .summary = "try a plan of questions on made-up customers",
    .about = "Says for each question of PLAN.yaml whether the policy permits it (else the\n"
             "clause and line that says no), what it costs, how many figures would probably\n"
             "be hidden and how exact the others would be, on customers made up to the sizes\n"
             "that the policy declares. Needs no node, no keys and no data. Exit status 1\n"
             "when a question may not be asked or goes over a budget.\n"
             "\n"
             "  patto-plan: 1\n"
             "  name: launch\n"
             "  asker: freshmart\n"
             "  budget_rho: 0.02                      # may be left out\n"
             "  audiences: {loyal: [segment=loyal]}   # may be left out\n"
             "  questions:\n"
             "    - {id: together, ask: overlap, with: drinkco, audience: loyal}\n"
             "    - {id: taste, ask: affinity, with: drinkco, rows: buys,\n"
             "       columns: drinkco.buys}",
    .example = "patto policy simulate policy.yaml --questions plan.yaml\n"
               "patto policy simulate policy.yaml --questions plan.yaml --overlap 0.1 --json",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
