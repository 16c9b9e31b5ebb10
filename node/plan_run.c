#include "node/plan_run.h"

#include "policy/budget.h"

#include <stdlib.h>
#include <string.h>

/* What an answer may cost: the lattice's factor depends on the epoch's slots, and is at most that of
 * a scale of 2^12 for all that an epoch can hold but the largest. */
enum { SCALE = 1 << 12 };

const char *plan_state_name(enum plan_state s)
{
    static const char *const NAMES[PLAN_STATES] = {
        [PLAN_OPEN] = "not asked", [PLAN_ANSWERED] = "answered",
        [PLAN_KEPT] = "kept",      [PLAN_REFUSED] = "refused",
        [PLAN_FAILED] = "failed",  [PLAN_OVER_BUDGET] = "over budget"};

    return NAMES[s];
}

static uint64_t price_of(const struct plan_run *r, size_t i)
{
    struct budget_price price;

    budget_price(&price, r->forecast->policy, &r->forecast->outcomes[i].question, SCALE);
    return price.charge_nano;
}

/* Two readings of one table, or the same question twice. */
static enum pt_code same_text(bool *same, const struct plan_run *r, size_t i, size_t k,
                              struct pt_err *err)
{
    const struct plan_outcome *o = r->forecast->outcomes;
    const struct policy *p = r->forecast->policy;
    struct buf a = {0};
    struct buf b = {0};
    enum pt_code rc = question_print(&a, p, &o[i].question, err);

    if (rc == PT_OK)
        rc = question_print(&b, p, &o[k].question, err);
    *same = rc == PT_OK && span_eq_vartime(buf_span(&a), buf_span(&b));
    buf_free(&a);
    buf_free(&b);
    return rc;
}

/* Has the table or count of question i been answered here already, so that it costs nothing? */
static enum pt_code paid_for(bool *paid, const struct plan_run *r, size_t i, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    *paid = false;
    for (size_t k = 0; rc == PT_OK && k < r->count && !*paid; k++) {
        const struct plan_step *s = &r->steps[k];
        if (s->charged_nano > 0 || s->state == PLAN_ANSWERED || s->state == PLAN_KEPT)
            rc = same_text(paid, r, i, k, err);
    }
    return rc;
}

static bool fits(const struct plan_run *r, uint64_t price_nano)
{
    uint64_t budget = r->forecast->plan->budget_nano;
    uint64_t used = r->charged_nano + r->doubtful_nano;

    return budget == 0 || (used <= budget && price_nano <= budget - used);
}

static void say(struct plan_step *s, enum plan_state state, const char *why)
{
    s->state = state;
    snprintf(s->why, sizeof s->why, "%s", why);
}

static void take_answer(struct plan_run *r, struct plan_step *s, enum plan_state state)
{
    if (s->answer.refusal[0] != '\0')
        say(s, PLAN_REFUSED, s->answer.refusal);
    else
        s->state = state;
    if (s->answer.charged_rho_nano <= s->charged_nano)
        return;
    r->charged_nano += s->answer.charged_rho_nano - s->charged_nano;
    s->charged_nano = s->answer.charged_rho_nano;
}

/* What ends the whole run: our own disk and memory, or a fault of ours. */
static bool is_end(enum pt_code rc)
{
    return rc == PT_ENOMEM || rc == PT_EIO || rc == PT_EBUG;
}

/* price_nano: what it may cost at most. */
static enum pt_code ask(struct plan_run *r, size_t i, uint64_t price_nano,
                        const struct plan_host *host, struct pt_err *err)
{
    struct plan_step *s = &r->steps[i];
    struct pt_err said = {0};
    enum pt_code rc = host->ask(host->self, &s->answer, i, &said);

    if (rc == PT_OK) {
        take_answer(r, s, PLAN_ANSWERED);
        return host->keep(host->self, r, i, err);
    }
    answer_free(&s->answer);
    s->answer = (struct answer){0};
    say(s, PLAN_FAILED, said.msg);
    r->doubtful_nano += price_nano;
    if (!is_end(rc))
        return PT_OK;
    *err = said;
    return rc;
}

/* One question that is still open; *spent says that the plan's budget is at its end. */
static enum pt_code step(struct plan_run *r, size_t i, const struct plan_host *host, bool *spent,
                         struct pt_err *err)
{
    struct plan_step *s = &r->steps[i];
    bool paid;
    enum pt_code rc = paid_for(&paid, r, i, err);
    uint64_t price_nano = paid ? 0 : price_of(r, i);

    if (rc != PT_OK)
        return rc;
    if (!paid && (*spent || !fits(r, price_nano))) {
        *spent = true;
        say(s, PLAN_OVER_BUDGET, "it would go over budget_rho of the plan");
        return PT_OK;
    }
    return ask(r, i, price_nano, host, err);
}

static enum pt_code look_back(struct plan_run *r, const struct plan_host *host, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < r->count && rc == PT_OK; i++) {
        struct plan_step *s = &r->steps[i];
        bool found = false;
        if (s->state != PLAN_OPEN)
            continue;
        if ((rc = host->paid(host->self, &s->charged_nano, i, err)) != PT_OK)
            break;
        r->charged_nano += s->charged_nano;
        if ((rc = host->kept(host->self, &s->answer, &found, i, err)) == PT_OK && found)
            take_answer(r, s, PLAN_KEPT);
    }
    return rc;
}

/* The question, then all that read what it has paid for. */
static enum pt_code step_with_readings(struct plan_run *r, size_t i, const struct plan_host *host,
                                       bool *spent, struct pt_err *err)
{
    enum pt_code rc = step(r, i, host, spent, err);

    for (size_t k = i + 1; k < r->count && rc == PT_OK; k++) {
        bool same = false;
        if (r->steps[k].state != PLAN_OPEN)
            continue;
        if ((rc = same_text(&same, r, i, k, err)) == PT_OK && same)
            rc = step(r, k, host, spent, err);
    }
    return rc;
}

enum pt_code plan_run(struct plan_run *r, const struct plan_forecast *forecast,
                      const struct plan_host *host, struct pt_err *err)
{
    bool spent = false;
    enum pt_code rc;

    *r = (struct plan_run){.forecast = forecast, .count = forecast->plan->question_count};
    r->steps = calloc(r->count, sizeof *r->steps);
    if (r->steps == NULL)
        return pt_fail(err, PT_ENOMEM, "a plan: no memory");
    for (size_t i = 0; i < r->count; i++) {
        r->steps[i].forecast = &forecast->outcomes[i];
        if (forecast->outcomes[i].no.code != PT_OK)
            say(&r->steps[i], PLAN_REFUSED, forecast->outcomes[i].no.msg);
    }
    rc = look_back(r, host, err);
    for (size_t i = 0; i < r->count && rc == PT_OK; i++)
        if (r->steps[i].state == PLAN_OPEN)
            rc = step_with_readings(r, i, host, &spent, err);
    return rc;
}

void plan_run_free(struct plan_run *r)
{
    for (size_t i = 0; r->steps != NULL && i < r->count; i++)
        answer_free(&r->steps[i].answer);
    free(r->steps);
    *r = (struct plan_run){0};
}

size_t plan_run_count(const struct plan_run *r, enum plan_state s)
{
    size_t n = 0;

    for (size_t i = 0; i < r->count; i++)
        n += r->steps[i].state == s;
    return n;
}
