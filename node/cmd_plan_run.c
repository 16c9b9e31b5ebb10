/* patto plan run: ask all questions of a plan, and write one folder with a report. */
#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/cmd_plan.h"
#include "node/commands.h"
#include "node/home.h"
#include "node/plan_folder.h"
#include "node/query_call.h"

#include <inttypes.h>
#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"out", "FOLDER", "where answers and report go; run again, it goes on there", true, false},
    {0},
};

struct running { /* behind the host's functions */
    const struct cli *cli;
    const struct plan_forecast *forecast;
    struct planner_client client;
    struct plan_folder folder;
    char epoch[24]; /* name; "" when none is in force */
    size_t done;
};

static enum pt_code keep_status(void *self, struct span update, struct pt_err *err)
{
    return planner_status_decode(self, update, err);
}

/* Which epoch is in force; and that the daemon is there at all, and runs this policy. */
static enum pt_code look(struct running *r, const struct policy *p, struct pt_err *err)
{
    static struct planner_status s;
    const struct planner_call call = {.method = "Status", .self = &s, .take = keep_status};
    char hash[72];
    enum pt_code rc = planner_client_stream(&r->client, &call, err);

    if (rc != PT_OK)
        return rc;
    policy_hash_text(hash, &p->hash);
    if (strcmp(s.policy_hash, hash) != 0)
        return pt_fail(err, PT_ESTATE,
                       "the daemon runs another policy than the one joined: restart it");
    if (s.epoch_number == 0)
        return pt_fail(err, PT_ESTATE, "no epoch is in force: run `patto epoch` first");
    snprintf(r->epoch, sizeof r->epoch, "%" PRIu64, s.epoch_number);
    return PT_OK;
}

/* ---- the host of plan_run() ---- */

static const char *id_of(const struct running *r, size_t i)
{
    return r->forecast->plan->questions[i].id;
}

static void tell(struct running *r, const char *id, const struct answer *a, const char *how)
{
    char charged[32];

    text_put_decimal(charged, a->charged_rho_nano, 9);
    r->done++;
    fprintf(r->cli->log, "%zu of %zu  %-16.16s %s%s%s\n", r->done,
            r->forecast->plan->question_count, id, a->refusal[0] != '\0' ? "refused: " : how,
            a->refusal[0] != '\0' ? a->refusal : ", rho ", a->refusal[0] != '\0' ? "" : charged);
}

/* Of another policy, epoch or question, an answer is none. */
static enum pt_code kept(void *self, struct answer *out, bool *found, size_t i, struct pt_err *err)
{
    struct running *r = self;
    const struct plan_outcome *o = &r->forecast->outcomes[i];
    struct buf text = {0};
    enum pt_code rc = plan_folder_read(out, found, &r->folder, id_of(r, i), err);

    if (rc != PT_OK || !*found)
        return rc;
    rc = question_print(&text, r->forecast->policy, &o->question, err);
    *found = rc == PT_OK && out->kind == o->kind && out->refusal[0] == '\0' &&
             strcmp(out->epoch, r->epoch) == 0 &&
             memcmp(out->policy.b, r->forecast->policy->hash.b, sizeof out->policy.b) == 0 &&
             span_eq_vartime(span_z(out->question), buf_span(&text));
    buf_free(&text);
    if (*found) {
        tell(r, id_of(r, i), out, "kept from before");
    } else {
        answer_free(out);
        *out = (struct answer){0};
    }
    return rc;
}

static enum pt_code paid(void *self, uint64_t *nano, size_t i, struct pt_err *err)
{
    const struct running *r = self;
    const struct policy *p = r->forecast->policy;
    struct buf text = {0};
    enum pt_code rc = question_print(&text, p, &r->forecast->outcomes[i].question, err);
    const struct plan_folder_question q = {r->epoch, &p->hash, buf_span(&text)};

    if (rc == PT_OK)
        rc = plan_folder_price(nano, &r->folder, id_of(r, i), &q, err);
    buf_free(&text);
    return rc;
}

static enum pt_code ask(void *self, struct answer *out, size_t i, struct pt_err *err)
{
    struct running *r = self;
    const struct plan *plan = r->forecast->plan;
    const struct plan_question *q = &plan->questions[i];
    const char *where[QUESTION_FILTERS_MAX];
    const struct planner_query query = {.kind = q->ask,
                                        .with = q->with,
                                        .rows = q->rows,
                                        .columns = q->columns,
                                        .where = where,
                                        .where_count = q->where_count,
                                        .slots = ""};

    for (size_t k = 0; k < q->where_count; k++)
        where[k] = (const char *)plan->words.p + q->where[k];
    enum pt_code rc = query_call(out, &r->client, &query, r->cli->log, err);
    if (rc == PT_OK)
        tell(r, q->id, out, "answered");
    else
        fprintf(r->cli->log, "%zu of %zu  %-16.16s failed: %s\n", ++r->done, plan->question_count,
                q->id, err->msg);
    return rc;
}

static enum pt_code keep(void *self, const struct plan_run *run, size_t i, struct pt_err *err)
{
    struct running *r = self;

    return plan_folder_keep(&r->folder, id_of(r, i), &run->steps[i].answer, err);
}

/* ---- the command ---- */

static void print_text(FILE *out, const struct plan_run *run, const struct plan_folder *f)
{
    char charged[32];

    text_put_decimal(charged, run->charged_nano, 9);
    fprintf(out, "%zu answered, %zu kept from before, %zu refused, %zu failed, %zu over budget\n",
            plan_run_count(run, PLAN_ANSWERED), plan_run_count(run, PLAN_KEPT),
            plan_run_count(run, PLAN_REFUSED), plan_run_count(run, PLAN_FAILED),
            plan_run_count(run, PLAN_OVER_BUDGET));
    for (size_t i = 0; i < run->count; i++)
        if (run->steps[i].why[0] != '\0')
            fprintf(out, "  %s, %s: %s\n", run->steps[i].forecast->asked->id,
                    plan_state_name(run->steps[i].state), run->steps[i].why);
    fprintf(out, "charged rho %s in all\n%s/report.html\n", charged, f->dir);
}

static enum pt_code run_plan(struct running *r, struct plan_run *run, struct pt_err *err)
{
    const struct plan_host host = {.self = r, .kept = kept, .paid = paid, .ask = ask, .keep = keep};
    struct pt_err later = {0};
    enum pt_code rc = plan_run(run, r->forecast, &host, err);
    /* Also after a failure: what was answered is reported. */
    enum pt_code written =
        plan_folder_finish(&r->folder, run, r->epoch, rc == PT_OK ? err : &later);

    if (rc != PT_OK || (rc = written) != PT_OK)
        return rc;
    print_text(r->cli->out, run, &r->folder);
    size_t there = plan_run_count(run, PLAN_ANSWERED) + plan_run_count(run, PLAN_KEPT);
    if (there == run->count)
        return PT_OK;
    return pt_fail(err, PT_EDENIED, "%zu of %zu questions have no answer", run->count - there,
                   run->count);
}

static enum pt_code with_daemon(struct running *r, const struct policy *p, struct pt_err *err)
{
    struct plan_run run = {0};
    enum pt_code rc;

    rpc_init();
    if ((rc = planner_client_open(&r->client, r->cli->home, err)) == PT_OK &&
        (rc = look(r, p, err)) == PT_OK &&
        (rc = plan_folder_open(&r->folder, cli_value(r->cli, "out"), err)) == PT_OK)
        rc = run_plan(r, &run, err);
    plan_run_free(&run);
    planner_client_close(&r->client);
    rpc_shutdown();
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct home *home = NULL;
    struct plan *plan = NULL;
    struct plan_forecast f = {0};
    struct running r = {.cli = cli, .forecast = &f};
    enum pt_code rc;

    if ((rc = cmd_plan_load(&plan, cli->args[0], err)) != PT_OK ||
        (rc = home_open(&home, cli->home, HOME_LOOK, err)) != PT_OK ||
        (rc = home_load_policy(home, clock_now_s(), err)) != PT_OK)
        goto out;
    if (strcmp(plan->asker, home->config.name) != 0) {
        rc = pt_fail(err, PT_EUSAGE, "%s: asker is %s, and this home is %s's", cli->args[0],
                     plan->asker, home->config.name);
        goto out;
    }
    if ((rc = plan_forecast_decide(&f, home->policy, plan, err)) == PT_OK)
        rc = with_daemon(&r, home->policy, err);
out:
    plan_forecast_free(&f);
    plan_free(plan);
    home_close(home);
    return rc;
}

const struct command cmd_plan_run = {
    .name = "plan run",
    .args = "PLAN.yaml",
    .summary = "ask all questions of a plan; answers and a report in one folder",
    .about = "Asks the questions of PLAN.yaml through this home's daemon and writes FOLDER:\n"
             "answers/ID.json and ID.csv, plan.json (what was asked, what it cost) and\n"
             "report.html, one page with all figures that needs nothing else. Readings of\n"
             "one table follow the question that pays for it and cost nothing. Stops before\n"
             "budget_rho of the plan would be exceeded. Run again with the same FOLDER, it\n"
             "asks only what has no answer yet under this policy and epoch. Exit status 1\n"
             "when a question has no answer; `patto plan explain` says before what to\n"
             "expect.",
    .example = "patto --home ./fresh plan explain launch.yaml\n"
               "patto --home ./fresh plan run launch.yaml --out launch",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
