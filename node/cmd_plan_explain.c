/* patto plan explain: what a plan costs and would show, under the policy in force. */
#include "node/cmd_plan.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/commands.h"
#include "node/fileio.h"
#include "node/home.h"
#include "node/plan_asked.h"
#include "node/plan_forecast.h"
#include "node/policy_file.h"

static const struct cli_option OPTIONS[] = {
    {"policy", "FILE", "this policy, and not the one in force at --home", false, false},
    {"overlap", "SHARE", "of the smaller partner's customers that are common; default 0.3", false,
     false},
    {"seed", "N", "another number, another draw; default 1", false, false},
    {"json", NULL, "print it as JSON", false, false},
    {0},
};

enum pt_code cmd_plan_load(struct plan **out, const char *path, struct pt_err *err)
{
    struct buf text = {0};
    enum pt_code rc;

    *out = NULL;
    if ((rc = fileio_read(&text, path, PLAN_FILE_MAX, err)) == PT_OK &&
        (rc = plan_parse(out, buf_span(&text), err)) != PT_OK)
        pt_wrap(err, "%s", path);
    buf_free(&text);
    return rc;
}

static enum pt_code read_options(double *overlap, uint64_t *seed, const struct cli *cli,
                                 struct pt_err *err)
{
    const char *share = cli_value(cli, "overlap");
    const char *number = cli_value(cli, "seed");
    uint64_t micro = 300000;

    *seed = 1;
    if (share != NULL && (!text_decimal(span_z(share), 6, &micro) || micro > 1000000))
        return pt_fail(err, PT_EUSAGE, "--overlap is a share from 0 to 1, such as 0.3");
    if (number != NULL && !text_u64(span_z(number), seed))
        return pt_fail(err, PT_EUSAGE, "--seed is a number");
    *overlap = (double)micro * 1e-6;
    return PT_OK;
}

static enum pt_code print_forecast(struct cli *cli, struct plan_forecast *f, struct pt_err *err)
{
    uint64_t seed = 0;
    double overlap = 0;
    enum pt_code rc;

    if ((rc = read_options(&overlap, &seed, cli, err)) != PT_OK ||
        (rc = plan_forecast_simulate(f, overlap, seed, cli->log, err)) != PT_OK)
        return rc;
    if (!cli_flag(cli, "json"))
        plan_forecast_text(cli->out, f);
    else if ((rc = plan_forecast_json(cli->out, f, err)) != PT_OK)
        return rc;
    return plan_forecast_verdict(f, err);
}

enum pt_code cmd_plan_forecast(struct cli *cli, const struct policy *policy,
                               const struct budget_spent *asked, const char *path,
                               struct pt_err *err)
{
    struct plan *plan = NULL;
    struct plan_forecast f = {0};
    enum pt_code rc;

    if ((rc = cmd_plan_load(&plan, path, err)) == PT_OK &&
        (rc = plan_forecast_decide(&f, policy, plan, err)) == PT_OK) {
        f.asked = asked;
        f.now_s = clock_now_s();
        rc = print_forecast(cli, &f, err);
    }
    plan_forecast_free(&f);
    plan_free(plan);
    return rc;
}

static enum pt_code of_home(struct cli *cli, struct home *home, struct pt_err *err)
{
    struct budget_spent asked[PLAN_ASKED_MAX];
    char path[HOME_PATH_MAX];
    struct store *store = NULL;
    enum pt_code rc;

    home_path(path, home, "state.db");
    if ((rc = home_load_policy(home, clock_now_s(), err)) == PT_OK &&
        (rc = store_open(&store, path, STORE_READ, err)) == PT_OK &&
        (rc = plan_asked_read(asked, store, home->policy, clock_now_s(), err)) == PT_OK)
        rc = cmd_plan_forecast(cli, home->policy, asked, cli->args[0], err);
    store_close(store);
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct policy_file file = {0};
    struct home *home = NULL;
    enum pt_code rc;

    if (cli_value(cli, "policy") != NULL) {
        if ((rc = policy_file_load(&file, cli_value(cli, "policy"), err)) == PT_OK)
            rc = cmd_plan_forecast(cli, file.policy, NULL, cli->args[0], err);
        policy_file_free(&file);
        return rc;
    }
    if ((rc = home_open(&home, cli->home, HOME_LOOK, err)) != PT_OK)
        return rc;
    rc = of_home(cli, home, err);
    home_close(home);
    return rc;
}

const struct command cmd_plan_explain = {
    .name = "plan explain",
    .args = "PLAN.yaml",
    .summary = "say what a plan of questions may ask, costs and would show",
    .about = "Says for each question of PLAN.yaml whether the policy in force permits it (else\n"
             "the clause and line that says no), what it costs, how many figures would\n"
             "probably be hidden and how exact the others would be, on customers made up to\n"
             "the sizes that the policy declares, and what is left of the budget with each\n"
             "partner. Touches no data and asks nobody. A second reading of a table costs\n"
             "nothing. Exit status 1 when a question may not be asked or goes over a budget.\n"
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
    .example = "patto --home ./fresh plan explain launch.yaml\n"
               "patto plan explain launch.yaml --policy policy.yaml --overlap 0.1 --json",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
