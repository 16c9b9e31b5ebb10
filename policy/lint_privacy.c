/* Rules about privacy loss: thresholds, prices, budgets, delta, and what is left of the answers. */
#include <inttypes.h>
#include <math.h>

#include "policy/budget.h"
#include "policy/lint.h"
#include "policy/names.h"

enum {
    COUNT_TOO_SMALL = 20,
    COUNT_SMALL = 50,
    AUDIENCE_TOO_SMALL = 100,
    AUDIENCE_SMALL = 1000,
    SIGMA_SMALL = 10,
    DELTA_LOG2 = 16, /* of the lattice; changes a price by less than 0.1 % */
    YEAR_DAYS = 365,
};

static double delta_of(const struct policy *p)
{
    return (double)p->privacy.delta_atto * 1e-18;
}

static double epsilon(const struct policy *p, uint64_t rho_nano)
{
    return budget_epsilon(rho_nano, delta_of(p));
}

static size_t asking_partners(const struct policy *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->partner_count; i++)
        n += !p->partners[i].neutral;
    return n - 1; /* at one owner: all the others */
}

/* The most that one partner may spend at one other in a year: full periods, or the lifetime cap. */
static uint64_t year_nano(const struct policy *p)
{
    uint64_t periods = (YEAR_DAYS + p->privacy.budget_days - 1) / p->privacy.budget_days;
    uint64_t all = periods * p->privacy.budget_rho_nano;

    return all < p->privacy.lifetime_rho_nano ? all : p->privacy.lifetime_rho_nano;
}

/* ---- thresholds ---- */

static void count_too_small(struct lint *l, const struct lint_in *in)
{
    const struct policy_privacy *v = &in->policy->privacy;

    if (v->minimum_count < COUNT_TOO_SMALL)
        lint_find(l, v->minimum_count_line, "counts from %" PRIu64 " people on are shown",
                  v->minimum_count);
}

static void count_small(struct lint *l, const struct lint_in *in)
{
    const struct policy_privacy *v = &in->policy->privacy;

    if (v->minimum_count >= COUNT_TOO_SMALL && v->minimum_count < COUNT_SMALL)
        lint_find(l, v->minimum_count_line, "counts from %" PRIu64 " people on are shown",
                  v->minimum_count);
}

static void audience_too_small(struct lint *l, const struct lint_in *in)
{
    const struct policy_privacy *v = &in->policy->privacy;

    if (v->minimum_audience < AUDIENCE_TOO_SMALL)
        lint_find(l, v->minimum_audience_line, "audiences of %" PRIu64 " people may be asked about",
                  v->minimum_audience);
}

static void audience_small(struct lint *l, const struct lint_in *in)
{
    const struct policy_privacy *v = &in->policy->privacy;

    if (v->minimum_audience >= AUDIENCE_TOO_SMALL && v->minimum_audience < AUDIENCE_SMALL)
        lint_find(l, v->minimum_audience_line, "audiences of %" PRIu64 " people may be asked about",
                  v->minimum_audience);
}

static void audience_below_count(struct lint *l, const struct lint_in *in)
{
    const struct policy_privacy *v = &in->policy->privacy;

    if (v->minimum_audience < v->minimum_count)
        lint_find(l, v->minimum_audience_line,
                  "an audience of %" PRIu64 " is enough, though no count below %" PRIu64
                  " is shown",
                  v->minimum_audience, v->minimum_count);
}

/* ---- one question ---- */

struct priced {
    const char *name;
    uint64_t rho_nano;
    uint32_t line;
};
/* What the kinds cost, the dearest way. */
static void prices(struct priced out[3], const struct policy *p)
{
    const struct policy_privacy *v = &p->privacy;

    /* An overlap comes with the owner's size, a quarter of the price more. */
    out[0] = (struct priced){"an overlap", v->count_rho_nano + (v->count_rho_nano + 3) / 4,
                             p->line.count_rho};
    /* A value costs what a table costs. */
    out[1] = (struct priced){"a table", v->table_rho_nano, p->line.table_rho};
    out[2] = (struct priced){"a reach", v->reach_rho_nano,
                             p->line.reach_rho != 0 ? p->line.reach_rho : v->cost_line};
}

static void question_dear(struct lint *l, const struct lint_in *in)
{
    struct priced price[3];

    prices(price, in->policy);
    for (size_t i = 0; i < PT_LEN(price); i++) {
        double e = epsilon(in->policy, price[i].rho_nano);
        if (e > 1 && e <= 3)
            lint_find(l, price[i].line, "%s costs epsilon %.2f", price[i].name, e);
    }
}

static void question_too_dear(struct lint *l, const struct lint_in *in)
{
    struct priced price[3];

    prices(price, in->policy);
    for (size_t i = 0; i < PT_LEN(price); i++) {
        double e = epsilon(in->policy, price[i].rho_nano);
        if (e > 3)
            lint_find(l, price[i].line, "%s costs epsilon %.2f", price[i].name, e);
    }
}

static void noise_small(struct lint *l, const struct lint_in *in)
{
    double sigma = sqrt(1e9 / (2.0 * (double)in->policy->privacy.count_rho_nano));

    if (sigma < SIGMA_SMALL)
        lint_find(l, in->policy->line.count_rho, "the noise of a count is +-%.1f people (95 %%)",
                  1.96 * sigma);
}

static void noise_above_threshold(struct lint *l, const struct lint_in *in)
{
    const struct policy_privacy *v = &in->policy->privacy;
    double half = 1.96 * sqrt(1e9 / (2.0 * (double)v->count_rho_nano));

    if (half > 4 * (double)v->minimum_count)
        lint_find(
            l, in->policy->line.count_rho,
            "the noise of a count is +-%.0f people (95 %%), four times minimum_count and more",
            half);
}

/* ---- all of them ---- */

static void year_dear(struct lint *l, const struct lint_in *in)
{
    double e = epsilon(in->policy, year_nano(in->policy));

    if (e > 10 && e <= 20)
        lint_find(l, in->policy->line.rho, "one partner may learn epsilon %.1f in a year", e);
}

static void year_too_dear(struct lint *l, const struct lint_in *in)
{
    double e = epsilon(in->policy, year_nano(in->policy));

    if (e > 20)
        lint_find(l, in->policy->line.rho, "one partner may learn epsilon %.1f in a year", e);
}

static void pooled_dear(struct lint *l, const struct lint_in *in)
{
    size_t n = asking_partners(in->policy);
    double e = epsilon(in->policy, n * year_nano(in->policy));

    if (n > 1 && e > 20)
        lint_find(l, in->policy->line.rho,
                  "all %zu others together, if they pool what they learn, have epsilon %.1f in a "
                  "year",
                  n, e);
}

static void lifetime_never_binds(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;
    int64_t days = (p->valid_until_s - p->valid_from_s) / NAMES_DAY_S;
    uint64_t periods = ((uint64_t)days + p->privacy.budget_days - 1) / p->privacy.budget_days;

    if (p->privacy.lifetime_rho_nano >= 4 * periods * p->privacy.budget_rho_nano)
        lint_find(l, p->line.lifetime_rho,
                  "the lifetime cap is %" PRIu64 " times what this policy's %" PRIu64
                  " periods may spend",
                  p->privacy.lifetime_rho_nano / (periods * p->privacy.budget_rho_nano), periods);
}

static void no_daily_brake(struct lint *l, const struct lint_in *in)
{
    const struct policy_privacy *v = &in->policy->privacy;

    if (v->daily_rho_nano == v->budget_rho_nano)
        lint_find(l, in->policy->line.daily_rho,
                  "the budget of %" PRIu32 " days may be spent in one", v->budget_days);
}

static bool may_be_asked(const struct policy *p, size_t price)
{
    if (price == 1)
        return p->rule[QUESTION_CROSSTAB].present || p->rule[QUESTION_VALUE].present;
    return p->rule[price == 0 ? QUESTION_OVERLAP : QUESTION_REACH].present;
}

static void daily_pays_nothing(struct lint *l, const struct lint_in *in)
{
    struct priced price[3];

    prices(price, in->policy);
    for (size_t i = 0; i < PT_LEN(price); i++)
        if (may_be_asked(in->policy, i) && in->policy->privacy.daily_rho_nano < price[i].rho_nano)
            lint_find(l, in->policy->line.daily_rho, "a day's budget does not pay for %s",
                      price[i].name);
}

static void periods_short(struct lint *l, const struct lint_in *in)
{
    if (in->policy->privacy.budget_days < 7)
        lint_find(l, in->policy->line.days, "the budget is fresh again every %" PRIu32 " days",
                  in->policy->privacy.budget_days);
}

static uint64_t largest(const struct policy *p)
{
    uint64_t n = 0;

    for (size_t i = 0; i < p->partner_count; i++)
        if (p->partners[i].customers_max > n)
            n = p->partners[i].customers_max;
    return n;
}

static void delta_too_large(struct lint *l, const struct lint_in *in)
{
    double n = (double)largest(in->policy);

    if (n > 0 && delta_of(in->policy) >= 1 / n)
        lint_find(l, in->policy->line.delta,
                  "delta %.0e is not below one in %.0f customers: it permits telling all of one "
                  "person",
                  delta_of(in->policy), n);
}

static void delta_large(struct lint *l, const struct lint_in *in)
{
    double n = (double)largest(in->policy);

    if (n > 0 && delta_of(in->policy) < 1 / n && delta_of(in->policy) > 0.1 / n)
        lint_find(l, in->policy->line.delta, "delta %.0e is close to one in %.0f customers",
                  delta_of(in->policy), n);
}

/* ---- what tables can say ---- */

static struct budget_price table_price(const struct policy *p, const struct policy_pair *pair)
{
    const struct question q = {.kind = QUESTION_CROSSTAB,
                               .asker = pair->a.partner,
                               .with = pair->b.partner,
                               .rows = pair->a.attribute,
                               .columns = pair->b.attribute,
                               .rho_nano = p->privacy.table_rho_nano};
    struct budget_price price;

    budget_price(&price, p, &q, UINT32_C(1) << DELTA_LOG2);
    return price;
}

static const struct policy_attribute *attribute(const struct policy *p, struct attribute_ref r)
{
    return &p->partners[r.partner].attributes[r.attribute];
}

/* A third of the smaller side in common, spread evenly: are most cells lost in the noise? */
static void table_too_fine(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;
    const struct policy_rule *r = &p->rule[QUESTION_CROSSTAB];

    for (size_t i = 0; i < r->pair_count; i++) {
        const struct policy_attribute *a = attribute(p, r->pairs[i].a);
        const struct policy_attribute *b = attribute(p, r->pairs[i].b);
        uint64_t na = p->partners[r->pairs[i].a.partner].customers_max;
        uint64_t nb = p->partners[r->pairs[i].b.partner].customers_max;
        struct budget_price price = table_price(p, &r->pairs[i]);
        double cells = (double)a->value_count * (double)b->value_count;
        double people = 0.3 * (double)(na < nb ? na : nb) * a->max_per_person * b->max_per_person;
        if (people / cells < 2.5 * budget_sigma(price.cell))
            lint_find(l, r->pairs_line,
                      "%s.%s by %s.%s has %.0f cells of some %.0f people, and noise of +-%.0f",
                      p->partners[r->pairs[i].a.partner].name, a->name,
                      p->partners[r->pairs[i].b.partner].name, b->name, cells, people / cells,
                      1.96 * budget_sigma(price.cell));
    }
}

static void many_per_person(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        for (size_t k = 0; k < in->policy->partners[i].attribute_count; k++) {
            const struct policy_attribute *a = &in->policy->partners[i].attributes[k];
            if (a->type == ATTRIBUTE_SET && a->max_per_person > 5)
                lint_find(l, a->line, "%s.%s counts up to %" PRIu32 " values of a person",
                          in->policy->partners[i].name, a->name, a->max_per_person);
        }
}

static const struct lint_rule PRIVACY[] = {
    {"P030", LINT_ERROR, "no tiny counts", count_too_small, "set minimum_count to 50 or more",
     "OFFICER-NOTES P010"},
    {"P031", LINT_WARNING, "no small counts", count_small, "set minimum_count to 50 or more",
     "OFFICER-NOTES P010"},
    {"P032", LINT_ERROR, "no tiny audiences", audience_too_small,
     "set minimum_audience to 1000 or more", "OFFICER-NOTES P045"},
    {"P033", LINT_WARNING, "no small audiences", audience_small,
     "set minimum_audience to 1000 or more", "OFFICER-NOTES P045"},
    {"P034", LINT_WARNING, "thresholds that agree", audience_below_count,
     "let minimum_audience be several times minimum_count", "PROTOCOL 5"},
    {"P035", LINT_WARNING, "epsilon of a question at most 1", question_dear,
     "lower the rho of this kind: 0.0005 a count, 0.002 a table", "OFFICER-NOTES P020"},
    {"P036", LINT_ERROR, "epsilon of a question within reason", question_too_dear,
     "lower the rho of this kind: 0.0005 a count, 0.002 a table", "OFFICER-NOTES P020"},
    {"P037", LINT_WARNING, "noise that hides a person's company", noise_small,
     "lower count_rho to 0.005 or less", "OFFICER-NOTES P024; PROTOCOL 5"},
    {"P038", LINT_NOTE, "noise that leaves something", noise_above_threshold,
     "raise count_rho, or minimum_count with it: most small counts will be suppressed",
     "PROTOCOL 5"},
    {"P039", LINT_WARNING, "epsilon of a year at most 10", year_dear,
     "lower budget.rho or lifetime_rho", "OFFICER-NOTES P020, P021"},
    {"P040", LINT_ERROR, "epsilon of a year within reason", year_too_dear,
     "lower budget.rho or lifetime_rho", "OFFICER-NOTES P020, P021"},
    {"P041", LINT_WARNING, "partners who pool what they learn", pooled_dear,
     "lower budget.rho: what partners learn adds up when they share it",
     "OFFICER-NOTES P025; PROTOCOL 5"},
    {"P042", LINT_WARNING, "a lifetime cap that can bind", lifetime_never_binds,
     "set lifetime_rho to what one person may lose in all, across versions", "OFFICER-NOTES P021"},
    {"P043", LINT_WARNING, "a daily brake", no_daily_brake,
     "set daily_rho to a tenth of rho: a mistake then costs a day", "OFFICER-NOTES, rate"},
    {"P044", LINT_WARNING, "a day that pays for a question", daily_pays_nothing,
     "raise daily_rho above the price, or leave the question out", "PROTOCOL 5"},
    {"P045", LINT_WARNING, "budgets that are not refreshed all the time", periods_short,
     "count in months: the same rows leak again in each period", "OFFICER-NOTES P021"},
    {"P046", LINT_ERROR, "delta below one in n", delta_too_large, "set delta to 1e-9",
     "OFFICER-NOTES P022"},
    {"P047", LINT_WARNING, "delta far below one in n", delta_large, "set delta to 1e-9",
     "OFFICER-NOTES P022"},
    {"P048", LINT_NOTE, "tables that say something", table_too_fine,
     "take fewer values, or one a person: most cells would be suppressed",
     "OFFICER-NOTES P031; PROTOCOL 5"},
    {"P049", LINT_NOTE, "few values of a person", many_per_person,
     "lower max_per_person to 3: noise grows with it", "PROTOCOL 5"},
};

const struct lint_rule *const LINT_PRIVACY = PRIVACY;
const size_t LINT_PRIVACY_COUNT = PT_LEN(PRIVACY);
