#include "node/plan_forecast.h"

#include "crypto/base/text.h"
#include "crypto/rlwe.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/ledger.h"
#include "node/progress.h"
#include "node/wrap.h"
#include "policy/budget.h"
#include "policy/decide.h"
#include "proto/epoch.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum pt_code understand(struct plan_outcome *o, const struct plan_forecast *f)
{
    enum pt_code rc;

    if (!answer_kind_parse(&o->kind, o->asked->ask))
        return pt_fail(&o->no, PT_EUSAGE, "%s is no kind of question", o->asked->ask);
    rc = plan_question_make(&o->question, f->policy, f->plan, o->asked,
                            answer_question_kind(o->kind), &o->no);
    if (rc == PT_OK)
        rc = answer_check(o->kind, f->policy, &o->question, &o->no);
    return rc == PT_OK ? decide(f->policy, &o->question, &o->no) : rc;
}

/* The same question, or another reading of the same table, is paid for once. */
static enum pt_code asked_before(bool *same, const struct plan_forecast *f, size_t i,
                                 struct pt_err *err)
{
    struct buf now = {0};
    struct buf then = {0};
    enum pt_code rc = question_print(&now, f->policy, &f->outcomes[i].question, err);

    *same = false;
    for (size_t k = 0; rc == PT_OK && k < i && !*same; k++) {
        buf_free(&then);
        if (f->outcomes[k].no.code != PT_OK)
            continue;
        if ((rc = question_print(&then, f->policy, &f->outcomes[k].question, err)) == PT_OK)
            *same = span_eq_vartime(buf_span(&now), buf_span(&then));
    }
    buf_free(&now);
    buf_free(&then);
    return rc;
}

static void charge(struct plan_forecast *f, struct plan_outcome *o)
{
    const struct policy_privacy *v = &f->policy->privacy;
    struct budget_price price;
    uint32_t parties = question_parties(&o->question) & ~(1U << o->question.asker);

    budget_price(&price, f->policy, &o->question, 1U << RLWE_DELTA_LOG2_MAX);
    o->charge_nano = price.charge_nano;
    f->total_nano += price.charge_nano;
    for (size_t i = 0; i < f->policy->partner_count; i++) {
        if (!(parties & 1U << i))
            continue;
        f->spent_nano[i] += price.charge_nano;
        if (f->spent_nano[i] > o->spent_nano)
            o->spent_nano = f->spent_nano[i];
    }
    if (f->plan->budget_nano > 0 && f->total_nano > f->plan->budget_nano)
        o->over = "budget_rho of the plan";
    if (o->spent_nano > v->budget_rho_nano)
        o->over = "privacy.budget.rho";
    if (o->spent_nano > v->lifetime_rho_nano)
        o->over = "privacy.budget.lifetime_rho";
}

static enum pt_code look_at(struct plan_forecast *f, size_t i, struct pt_err *err)
{
    struct plan_outcome *o = &f->outcomes[i];
    enum pt_code rc;

    o->asked = &f->plan->questions[i];
    if (understand(o, f) != PT_OK) {
        f->refused++;
        return o->no.code == PT_ENOMEM ? (*err = o->no, PT_ENOMEM) : PT_OK;
    }
    o->no = (struct pt_err){0};
    if ((rc = asked_before(&o->again, f, i, err)) != PT_OK)
        return rc;
    if (!o->again)
        charge(f, o);
    f->over += o->over != NULL;
    return PT_OK;
}

enum pt_code plan_forecast_decide(struct plan_forecast *f, const struct policy *policy,
                                  const struct plan *plan, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    *f = (struct plan_forecast){.policy = policy, .plan = plan};
    f->outcomes = calloc(plan->question_count, sizeof *f->outcomes);
    if (f->outcomes == NULL)
        return pt_fail(err, PT_ENOMEM, "a plan: no memory");
    for (size_t i = 0; i < plan->question_count && rc == PT_OK; i++)
        rc = look_at(f, i, err);
    return rc;
}

void plan_forecast_free(struct plan_forecast *f)
{
    free(f->outcomes);
    draw_wipe(&f->random);
    *f = (struct plan_forecast){0};
}

/* ---- on made-up customers ---- */

static enum pt_code simulate(struct plan_forecast *f, struct plan_outcome *o, struct pt_err *err)
{
    const struct policy_partner *a = &f->policy->partners[o->question.asker];
    const struct policy_partner *b = &f->policy->partners[o->question.with];
    struct simulate_in in = {.policy = f->policy,
                             .question = &o->question,
                             .kind = o->kind,
                             .own = (double)a->customers_max,
                             .other = (double)b->customers_max,
                             .overlap = f->overlap,
                             .rounds = PLAN_FORECAST_ROUNDS};
    uint64_t largest = a->customers_max > b->customers_max ? a->customers_max : b->customers_max;
    enum pt_code rc = epoch_slots(&in.slots, f->policy, largest, err);

    if (rc != PT_OK)
        return rc;
    o->simulated = true;
    return simulate_question(&o->out, &in, &f->random, err);
}

static enum pt_code simulate_all(struct plan_forecast *f, FILE *log, struct pt_err *err)
{
    size_t count = f->plan->question_count;
    struct progress bar;
    enum pt_code rc = PT_OK;

    if (log != NULL)
        progress_begin(&bar, log, "simulating", count, clock_mono_ms());
    for (size_t i = 0; i < count && rc == PT_OK; i++) {
        struct plan_outcome *o = &f->outcomes[i];
        if (o->no.code == PT_OK && o->question.also == 0)
            rc = simulate(f, o, err);
        if (log != NULL)
            progress_at(&bar, i + 1, clock_mono_ms());
    }
    if (log != NULL)
        progress_end(&bar);
    return rc;
}

enum pt_code plan_forecast_simulate(struct plan_forecast *f, double overlap, uint64_t seed,
                                    FILE *log, struct pt_err *err)
{
    struct key32 key = {{0}};
    struct prg *prg = NULL;
    enum pt_code rc;

    store_u64le(key.b, seed);
    if ((rc = prg_new(&prg, &key)) != PT_OK)
        return pt_fail(err, rc, "a plan: no random stream");
    f->overlap = overlap;
    draw_init(&f->random, prg, 0);
    rc = simulate_all(f, log, err);
    draw_wipe(&f->random);
    prg_free(prg);
    return rc;
}

/* ---- printing ---- */

static void print_sentence(FILE *out, const char *text)
{
    struct wrap w = {.out = out, .indent = 4};

    wrap_words(&w, text);
    wrap_end(&w);
}

static void print_simulated(FILE *out, const struct simulate_out *o)
{
    if (o->refused > 0.5)
        fprintf(out, " %5zu  too small an audience in %.0f %%", o->cells, 100 * o->refused);
    else if (o->half_width > 0)
        fprintf(out, " %5zu %5.0f%% %10.0f \xc2\xb1%9.0f %4.0f%%", o->cells, 100 * (1 - o->shown),
                o->group, o->half_width, fmin(100 * o->relative, 9999));
    else
        fprintf(out, " %5zu   100%% %10.0f  nothing is shown", o->cells, o->group);
}

static void print_row(FILE *out, const struct plan_outcome *o)
{
    char rho[32];

    fprintf(out, "%-16.16s %-9.9s", o->asked->id, o->asked->ask);
    if (o->no.code != PT_OK) {
        fprintf(out, " %12s\n", "NO");
        print_sentence(out, o->no.msg);
        return;
    }
    text_put_decimal(rho, o->charge_nano, 9);
    fprintf(out, " %12s", o->again ? "paid before" : rho);
    if (o->simulated)
        print_simulated(out, &o->out);
    else
        fputs("  (several partners: not simulated)", out);
    fputc('\n', out);
    if (o->over != NULL)
        fprintf(out, "    ends here: over %s\n", o->over);
}

/* ---- what is left ---- */

static double rest(uint64_t cap, uint64_t reserve, uint64_t before, uint64_t plan)
{
    return (double)cap - (double)reserve - (double)before - (double)plan;
}

double plan_forecast_left(const struct plan_forecast *f, size_t i)
{
    static const struct budget_spent NOTHING;
    const struct policy_privacy *v = &f->policy->privacy;
    const struct budget_spent *before = f->asked != NULL ? &f->asked[i] : &NOTHING;
    struct budget_spent kept;

    budget_reserve(&kept, f->policy, LEDGER_REFRESH_RHO_NANO, f->now_s);
    return 1e-9 *
           fmin(rest(v->budget_rho_nano, kept.period_nano, before->period_nano, f->spent_nano[i]),
                rest(v->lifetime_rho_nano, kept.lifetime_nano, before->lifetime_nano,
                     f->spent_nano[i]));
}

/* Has customers, and is not who asks. */
static bool is_owner(const struct plan_forecast *f, size_t i)
{
    const struct policy_partner *p = &f->policy->partners[i];

    return !p->neutral && strcmp(p->name, f->plan->asker) != 0;
}

static void print_left(FILE *out, const struct plan_forecast *f)
{
    char plan[32];
    char before[32] = "-";

    fprintf(out, "\n%-32s %14s %14s %16s\n", "budget, in rho", "asked before", "this plan",
            "left then");
    for (size_t i = 0; i < f->policy->partner_count; i++) {
        double left = plan_forecast_left(f, i);
        if (!is_owner(f, i))
            continue;
        text_put_decimal(plan, f->spent_nano[i], 9);
        if (f->asked != NULL)
            text_put_decimal(before, f->asked[i].period_nano, 9);
        fprintf(out, "%-32.32s %14s %14s %6s%10.6f\n", f->policy->partners[i].name, before, plan,
                left < 0 ? "short" : "", fabs(left));
    }
    print_sentence(out, f->asked != NULL
                            ? "Asked before: in this budget period, by the answers that came here; "
                              "the partner's ledger is what counts. What this epoch has answered "
                              "costs nothing again. Some is kept for tokens and epochs."
                            : "When nothing has been asked before. Some is kept for tokens and "
                              "epochs.");
}

void plan_forecast_text(FILE *out, const struct plan_forecast *f)
{
    const struct policy_privacy *v = &f->policy->privacy;
    char total[32];
    char daily[32];
    uint64_t most = 0;

    fprintf(out, "%-16s %-9s %12s %5s %6s %10s %10s %5s\n", "question", "asks", "rho", "cells",
            "hidden", "in common", "a count", "of it");
    for (size_t i = 0; i < f->plan->question_count; i++)
        print_row(out, &f->outcomes[i]);
    for (size_t i = 0; i < f->policy->partner_count; i++)
        if (f->spent_nano[i] > most)
            most = f->spent_nano[i];
    print_left(out, f);
    text_put_decimal(total, most, 9);
    text_put_decimal(daily, v->daily_rho_nano, 9);
    fprintf(out,
            "\nrho %s at the partner asked most. At %s a day that takes %" PRIu64 " day%s.\n"
            "On made-up customers: as many as the policy's customers.max, %.0f %% of the\n"
            "smaller side in common; shares by Zipf's law; %d rounds. Real answers differ.\n",
            total, daily, (most + v->daily_rho_nano - 1) / v->daily_rho_nano,
            most > v->daily_rho_nano ? "s" : "", 100 * f->overlap, PLAN_FORECAST_ROUNDS);
}

static json_t *outcome_json(const struct plan_outcome *o)
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

static json_t *partners_json(const struct plan_forecast *f)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->policy->partner_count; i++)
        if (is_owner(f, i))
            json_array_append_new(
                list, json_pack("{s:s, s:o, s:f, s:f}", "name", f->policy->partners[i].name,
                                "asked_before_rho",
                                f->asked != NULL ? json_real((double)f->asked[i].period_nano * 1e-9)
                                                 : json_null(),
                                "rho", (double)f->spent_nano[i] * 1e-9, "left_rho",
                                plan_forecast_left(f, i)));
    return list;
}

enum pt_code plan_forecast_json(FILE *out, const struct plan_forecast *f, struct pt_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->plan->question_count; i++)
        json_array_append_new(list, outcome_json(&f->outcomes[i]));
    return cmd_json_print(out,
                          json_pack("{s:s, s:s, s:f, s:f, s:i, s:o, s:o}", "plan", f->plan->name,
                                    "asker", f->plan->asker, "rho", (double)f->total_nano * 1e-9,
                                    "overlap", f->overlap, "rounds", PLAN_FORECAST_ROUNDS,
                                    "partners", partners_json(f), "questions", list),
                          err);
}

enum pt_code plan_forecast_verdict(const struct plan_forecast *f, struct pt_err *err)
{
    if (f->refused + f->over == 0)
        return PT_OK;
    return pt_fail(err, PT_EDENIED, "%zu of %zu questions may not be asked, %zu are over a budget",
                   f->refused, f->plan->question_count, f->over);
}
