/* patto policy simulate: what a plan would cost and show, before any data is touched. */
#include "crypto/base/text.h"
#include "crypto/rlwe.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/fileio.h"
#include "node/policy_file.h"
#include "node/progress.h"
#include "policy/budget.h"
#include "policy/decide.h"
#include "policy/plan.h"
#include "proto/epoch.h"
#include "proto/simulate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 200 };

static const struct cli_option OPTIONS[] = {
    {"questions", "PLAN.yaml", "what is to be asked", true, false},
    {"overlap", "SHARE", "of the smaller partner's customers that are common; default 0.3", false,
     false},
    {"seed", "N", "another number, another draw; default 1", false, false},
    {"json", NULL, "print it as JSON", false, false},
    {0},
};

struct outcome {
    const struct plan_question *asked;
    struct question question;
    struct pt_err no;     /* why it may not be asked; code PT_OK: it may */
    uint64_t charge_nano; /* 0: refused, or the same as one before */
    uint64_t spent_nano;  /* with it, at the partner that has been asked most */
    bool again, simulated;
    const char *over; /* the cap that ends there; NULL: none */
    struct simulate_out out;
};
struct run {
    const struct policy *p;
    const struct plan *plan;
    double overlap;
    struct draw random;
    struct outcome *outcomes;
    uint64_t spent_nano[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX];
    uint64_t total_nano;
    size_t refused, over;
};

/* ---- one question ---- */

static enum pt_code understand(struct outcome *o, const struct run *r, enum answer_kind *kind)
{
    enum pt_code rc;

    if (!answer_kind_parse(kind, o->asked->ask))
        return pt_fail(&o->no, PT_EUSAGE, "%s is no kind of question", o->asked->ask);
    rc = plan_question_make(&o->question, r->p, r->plan, o->asked, answer_question_kind(*kind),
                            &o->no);
    if (rc == PT_OK)
        rc = answer_check(*kind, r->p, &o->question, &o->no);
    return rc == PT_OK ? decide(r->p, &o->question, &o->no) : rc;
}

/* The same question, or another reading of the same table, is paid for once. */
static bool asked_before(const struct run *r, size_t i, struct pt_err *err)
{
    struct buf now = {0};
    bool same = false;

    if (question_print(&now, r->p, &r->outcomes[i].question, err) != PT_OK)
        return false;
    for (size_t k = 0; k < i && !same; k++) {
        struct buf then = {0};
        struct pt_err ignored;
        same = r->outcomes[k].no.code == PT_OK &&
               question_print(&then, r->p, &r->outcomes[k].question, &ignored) == PT_OK &&
               span_eq_vartime(buf_span(&now), buf_span(&then));
        buf_free(&then);
    }
    buf_free(&now);
    return same;
}

static void charge(struct run *r, struct outcome *o)
{
    const struct policy_privacy *v = &r->p->privacy;
    struct budget_price price;
    uint32_t parties = question_parties(&o->question) & ~(1U << o->question.asker);

    budget_price(&price, r->p, &o->question, 1U << RLWE_DELTA_LOG2_MAX);
    o->charge_nano = price.charge_nano;
    r->total_nano += price.charge_nano;
    for (size_t i = 0; i < r->p->partner_count; i++) {
        if (!(parties & 1U << i))
            continue;
        r->spent_nano[i] += price.charge_nano;
        if (r->spent_nano[i] > o->spent_nano)
            o->spent_nano = r->spent_nano[i];
    }
    if (r->plan->budget_nano > 0 && r->total_nano > r->plan->budget_nano)
        o->over = "budget_rho of the plan";
    if (o->spent_nano > v->budget_rho_nano)
        o->over = "privacy.budget.rho";
    if (o->spent_nano > v->lifetime_rho_nano)
        o->over = "privacy.budget.lifetime_rho";
}

static enum pt_code simulate(struct run *r, struct outcome *o, enum answer_kind kind,
                             struct pt_err *err)
{
    const struct policy_partner *a = &r->p->partners[o->question.asker];
    const struct policy_partner *b = &r->p->partners[o->question.with];
    struct simulate_in in = {.policy = r->p,
                             .question = &o->question,
                             .kind = kind,
                             .own = (double)a->customers_max,
                             .other = (double)b->customers_max,
                             .overlap = r->overlap,
                             .rounds = ROUNDS};
    uint64_t largest = a->customers_max > b->customers_max ? a->customers_max : b->customers_max;
    enum pt_code rc = epoch_slots(&in.slots, r->p, largest, err);

    if (rc != PT_OK)
        return rc;
    o->simulated = true;
    return simulate_question(&o->out, &in, &r->random, err);
}

static enum pt_code look_at(struct run *r, size_t i, struct pt_err *err)
{
    struct outcome *o = &r->outcomes[i];
    enum answer_kind kind;

    o->asked = &r->plan->questions[i];
    if (understand(o, r, &kind) != PT_OK) {
        r->refused++;
        return o->no.code == PT_ENOMEM ? (*err = o->no, PT_ENOMEM) : PT_OK;
    }
    o->no = (struct pt_err){0};
    o->again = asked_before(r, i, err);
    if (!o->again)
        charge(r, o);
    r->over += o->over != NULL;
    return o->question.also != 0 ? PT_OK : simulate(r, o, kind, err);
}

/* ---- printing ---- */

static void print_row(FILE *out, const struct outcome *o)
{
    char rho[32];

    fprintf(out, "%-16.16s %-9.9s", o->asked->id, o->asked->ask);
    if (o->no.code != PT_OK) {
        fprintf(out, " NO   %s\n", o->no.msg);
        return;
    }
    text_put_decimal(rho, o->charge_nano, 9);
    fprintf(out, " yes  %12s", o->again ? "paid before" : rho);
    if (!o->simulated)
        fprintf(out, "  (several partners: not simulated)");
    else if (o->out.refused > 0.5)
        fprintf(out, " %5zu     too small an audience in %.0f %% of rounds", o->out.cells,
                100 * o->out.refused);
    else if (o->out.half_width > 0)
        fprintf(out, " %5zu %8.0f%% %10.0f  ± %-6.0f %5.0f%%", o->out.cells,
                100 * (1 - o->out.shown), o->out.group, o->out.half_width, 100 * o->out.relative);
    else
        fprintf(out, " %5zu     100%% %10.0f  nothing is shown", o->out.cells, o->out.group);
    fputc('\n', out);
    if (o->over != NULL)
        fprintf(out, "%-26s ends here: over %s\n", "", o->over);
}

static void print_text(FILE *out, const struct run *r, size_t count)
{
    const struct policy_privacy *v = &r->p->privacy;
    char total[32];
    char daily[32];
    uint64_t most = 0;

    fprintf(out, "%-16s %-9s %-4s %12s %5s %9s %10s %9s %6s\n", "question", "asks", "may", "rho",
            "cells", "hidden", "in common", "a count", "of it");
    for (size_t i = 0; i < count; i++)
        print_row(out, &r->outcomes[i]);
    for (size_t i = 0; i < r->p->partner_count; i++)
        if (r->spent_nano[i] > most)
            most = r->spent_nano[i];
    text_put_decimal(total, most, 9);
    text_put_decimal(daily, v->daily_rho_nano, 9);
    fprintf(out,
            "\nrho %s at the partner asked most. At %s a day that takes %" PRIu64 " day%s.\n"
            "On made-up customers: as many as the policy's customers.max, %.0f %% of the smaller\n"
            "side in common; shares by Zipf's law; %d rounds. Real answers differ.\n",
            total, daily, (most + v->daily_rho_nano - 1) / v->daily_rho_nano,
            most > v->daily_rho_nano ? "s" : "", 100 * r->overlap, ROUNDS);
}

static json_t *outcome_json(const struct outcome *o)
{
    json_t *j =
        json_pack("{s:s, s:s, s:b, s:s?, s:f, s:b, s:s?}", "id", o->asked->id, "ask", o->asked->ask,
                  "permitted", (int)(o->no.code == PT_OK), "reason",
                  o->no.code != PT_OK ? o->no.msg : NULL, "charged_rho",
                  (double)o->charge_nano * 1e-9, "paid_before", (int)o->again, "over", o->over);

    if (o->simulated)
        json_object_set_new(j, "simulated",
                            json_pack("{s:I, s:f, s:f, s:f, s:f, s:f}", "cells",
                                      (json_int_t)o->out.cells, "hidden_share", 1 - o->out.shown,
                                      "in_common", o->out.group, "half_width", o->out.half_width,
                                      "relative", o->out.relative, "audience_refused",
                                      o->out.refused));
    return j;
}

static enum pt_code print_json(FILE *out, const struct run *r, size_t count, struct pt_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, outcome_json(&r->outcomes[i]));
    return cmd_json_print(out,
                          json_pack("{s:s, s:s, s:f, s:f, s:i, s:o}", "plan", r->plan->name,
                                    "asker", r->plan->asker, "rho", (double)r->total_nano * 1e-9,
                                    "overlap", r->overlap, "rounds", ROUNDS, "questions", list),
                          err);
}

/* ---- the command ---- */

static enum pt_code run_all(struct cli *cli, struct run *r, struct pt_err *err)
{
    size_t count = r->plan->question_count;
    struct progress bar;
    enum pt_code rc = PT_OK;

    r->outcomes = calloc(count, sizeof *r->outcomes);
    if (r->outcomes == NULL)
        return pt_fail(err, PT_ENOMEM, "policy simulate: no memory");
    progress_begin(&bar, cli->log, "simulating", count, clock_mono_ms());
    for (size_t i = 0; i < count && rc == PT_OK; i++) {
        rc = look_at(r, i, err);
        progress_at(&bar, i + 1, clock_mono_ms());
    }
    progress_end(&bar);
    if (rc != PT_OK)
        return rc;
    if (cli_flag(cli, "json"))
        rc = print_json(cli->out, r, count, err);
    else
        print_text(cli->out, r, count);
    if (rc != PT_OK || r->refused + r->over == 0)
        return rc;
    return pt_fail(err, PT_EDENIED, "%zu of %zu questions may not be asked, %zu are over a budget",
                   r->refused, count, r->over);
}

static enum pt_code read_options(struct run *r, uint64_t *seed, const struct cli *cli,
                                 struct pt_err *err)
{
    const char *overlap = cli_value(cli, "overlap");
    const char *number = cli_value(cli, "seed");
    uint64_t micro = 300000;

    *seed = 1;
    if (overlap != NULL && (!text_decimal(span_z(overlap), 6, &micro) || micro > 1000000))
        return pt_fail(err, PT_EUSAGE, "--overlap is a share from 0 to 1, such as 0.3");
    if (number != NULL && !text_u64(span_z(number), seed))
        return pt_fail(err, PT_EUSAGE, "--seed is a number");
    r->overlap = (double)micro * 1e-6;
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    const char *path = cli_value(cli, "questions");
    struct policy_file f = {0};
    struct plan *plan = NULL;
    struct buf text = {0};
    struct prg *prg = NULL;
    struct run r = {0};
    struct key32 key = {{0}};
    uint64_t seed;
    enum pt_code rc;

    if ((rc = read_options(&r, &seed, cli, err)) != PT_OK ||
        (rc = policy_file_load(&f, cli->args[0], err)) != PT_OK ||
        (rc = fileio_read(&text, path, PLAN_FILE_MAX, err)) != PT_OK)
        goto out;
    if ((rc = plan_parse(&plan, buf_span(&text), err)) != PT_OK) {
        pt_wrap(err, "%s", path);
        goto out;
    }
    store_u64le(key.b, seed);
    if ((rc = prg_new(&prg, &key)) != PT_OK) {
        pt_fail(err, rc, "policy simulate: no random stream");
        goto out;
    }
    r.p = f.policy;
    r.plan = plan;
    draw_init(&r.random, prg, 0);
    rc = run_all(cli, &r, err);
out:
    free(r.outcomes);
    draw_wipe(&r.random);
    prg_free(prg);
    plan_free(plan);
    buf_free(&text);
    policy_file_free(&f);
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
