#include "policy/explain_make.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "crypto/rlwe.h"
#include "policy/budget.h"

enum { YEAR_DAYS = 365 };
static const double TWO_SIDED_95 = 1.96;

static bool in_view(const struct explain_maker *m, size_t partner)
{
    return m->in->partner < 0 || (size_t)m->in->partner == partner;
}

/* ---- ask ---- */

static const char *ref_text(char out[2 * POLICY_NAME_MAX + 2], const struct policy *p,
                            struct attribute_ref r)
{
    snprintf(out, 2 * POLICY_NAME_MAX + 2, "%s.%s", p->partners[r.partner].name,
             p->partners[r.partner].attributes[r.attribute].name);
    return out;
}

/* The lattice adds less than a thousandth to either. */
static void price(struct explain_maker *m, const struct question *q, const char *path,
                  const char *cost_path)
{
    struct budget_price price;
    char within[NUMBER_BYTES];
    char rho[NUMBER_BYTES];
    char times[NUMBER_BYTES];

    budget_price(&price, m->p, q, 1U << RLWE_DELTA_LOG2_MAX);
    explain_say(m, SAY_PRICE, PATHS(path, cost_path),
                ARGS(explain_real(within, m, 0, ceil(TWO_SIDED_95 * budget_sigma(price.cell))),
                     explain_rho(rho, m, price.charge_nano),
                     explain_count(times, m, m->p->privacy.budget_rho_nano / price.charge_nano)));
}

static bool touches_view(const struct explain_maker *m, struct policy_pair pair)
{
    return in_view(m, pair.a.partner) || in_view(m, pair.b.partner);
}

static void pairs(struct explain_maker *m, const struct policy_rule *r)
{
    const struct policy *p = m->p;
    char a[2 * POLICY_NAME_MAX + 2];
    char b[2 * POLICY_NAME_MAX + 2];
    char rows[NUMBER_BYTES];
    char columns[NUMBER_BYTES];
    char path[PATH_MAX_BYTES];

    for (size_t i = 0; i < r->pair_count; i++) {
        struct policy_pair pair = r->pairs[i];
        const struct question q = {.kind = QUESTION_CROSSTAB,
                                   .asker = pair.a.partner,
                                   .with = pair.b.partner,
                                   .rows = pair.a.attribute,
                                   .columns = pair.b.attribute,
                                   .rho_nano = p->privacy.table_rho_nano};
        if (!touches_view(m, pair))
            continue;
        const struct policy_attribute *x =
            &p->partners[pair.a.partner].attributes[pair.a.attribute];
        const struct policy_attribute *y =
            &p->partners[pair.b.partner].attributes[pair.b.attribute];
        snprintf(path, sizeof path, "questions.crosstab.pairs.%zu", i);
        explain_say(m, SAY_PAIR, PATHS(path),
                    ARGS(ref_text(a, p, pair.a), ref_text(b, p, pair.b),
                         explain_count(rows, m, x->value_count),
                         explain_count(columns, m, y->value_count)));
        price(m, &q, path, "privacy.cost.table_rho");
    }
    explain_say(m, SAY_READINGS, PATHS("questions.crosstab"), ARGS(NULL));
}

static const struct policy_attribute *attribute_of(const struct policy *p, struct attribute_ref r)
{
    return &p->partners[r.partner].attributes[r.attribute];
}

/* A sum is middle T + scale S (value.h): the noise of both. */
static void value_price(struct explain_maker *m, const struct question *q, const char *path,
                        const struct policy_attribute *number)
{
    struct budget_price price;
    char n[4][NUMBER_BYTES];

    budget_price(&price, m->p, q, 1U << RLWE_DELTA_LOG2_MAX);
    double sigma = TWO_SIDED_95 * budget_sigma(price.cell);
    double each = hypot((number->min + number->max) / 2, (number->max - number->min) / 2);
    explain_say(m, SAY_VALUE_PRICE, PATHS(path, "privacy.cost.table_rho"),
                ARGS(explain_real(n[0], m, 0, ceil(sigma)),
                     explain_count(n[1], m, (uint64_t)ceil(sigma * each)),
                     explain_rho(n[2], m, price.charge_nano),
                     explain_count(n[3], m, m->p->privacy.budget_rho_nano / price.charge_nano)));
}

static const char *bound(char out[NUMBER_BYTES], const struct explain_maker *m, double v)
{
    return explain_real(out, m, floor(v) < v ? 2 : 0, v);
}

static void values(struct explain_maker *m, const struct policy_rule *r)
{
    const struct policy *p = m->p;
    char a[2 * POLICY_NAME_MAX + 2];
    char b[2 * POLICY_NAME_MAX + 2];
    char n[3][NUMBER_BYTES];
    char path[PATH_MAX_BYTES];

    for (size_t i = 0; i < r->pair_count; i++) {
        struct policy_pair pair = r->pairs[i];
        const struct policy_attribute *number = attribute_of(p, pair.b);
        const struct question q = {.kind = QUESTION_VALUE,
                                   .asker = pair.a.partner,
                                   .with = pair.b.partner,
                                   .rows = pair.a.attribute,
                                   .columns = pair.b.attribute,
                                   .rho_nano = p->privacy.table_rho_nano};
        if (!touches_view(m, pair))
            continue;
        snprintf(path, sizeof path, "questions.value.pairs.%zu", i);
        explain_say(m, SAY_VALUE_PAIR, PATHS(path),
                    ARGS(ref_text(a, p, pair.a), ref_text(b, p, pair.b),
                         explain_count(n[0], m, attribute_of(p, pair.a)->value_count),
                         bound(n[1], m, number->min), bound(n[2], m, number->max)));
        value_price(m, &q, path, number);
    }
}

static void filters(struct explain_maker *m, const struct policy_rule *r, const char *path)
{
    char name[2 * POLICY_NAME_MAX + 2];
    struct explain_list l = {0};

    for (size_t i = 0; i < r->filter_count; i++)
        explain_list_add(&l, m, ref_text(name, m->p, r->filters[i]), i + 1 == r->filter_count);
    const char *list = explain_list_end(&l, m);
    if (l.count > 0)
        explain_say(m, SAY_FILTERED, PATHS(path), ARGS(list));
    else
        explain_say(m, SAY_UNFILTERED, PATHS(path), ARGS(NULL));
    buf_free(&l.text);
}

static void rule(struct explain_maker *m, enum question_kind kind)
{
    static const enum explain_id ID[] = {[QUESTION_OVERLAP] = SAY_OVERLAP,
                                         [QUESTION_REACH] = SAY_REACH,
                                         [QUESTION_CROSSTAB] = SAY_CROSSTAB,
                                         [QUESTION_VALUE] = SAY_VALUE};
    const struct policy_rule *r = &m->p->rule[kind];
    char path[PATH_MAX_BYTES];
    char ask_path[PATH_MAX_BYTES + 8];
    char pairs_path[PATH_MAX_BYTES + 8];
    char filters_path[PATH_MAX_BYTES + 8];
    struct explain_list l = {0};
    size_t left = (size_t)__builtin_popcount(r->askers);

    snprintf(path, sizeof path, "questions.%s", question_kind_name(kind));
    snprintf(ask_path, sizeof ask_path, "%s.ask", path);
    snprintf(pairs_path, sizeof pairs_path, "%s%s", path, question_has_axes(kind) ? ".pairs" : "");
    snprintf(filters_path, sizeof filters_path, "%s.filters", path);
    for (size_t i = 0; i < m->p->partner_count; i++)
        if (r->askers & 1U << i)
            explain_list_add(&l, m, m->p->partners[i].name, --left == 0);
    explain_say(m, ID[kind], PATHS(path, ask_path, pairs_path), ARGS(explain_list_end(&l, m)));
    buf_free(&l.text);
    filters(m, r, filters_path);
    if (kind == QUESTION_CROSSTAB)
        pairs(m, r);
    else if (kind == QUESTION_VALUE)
        values(m, r);
    else
        price(m,
              &(struct question){.kind = kind,
                                 .rho_nano = kind == QUESTION_REACH ? m->p->privacy.reach_rho_nano
                                                                    : m->p->privacy.count_rho_nano},
              path, kind == QUESTION_REACH ? "privacy.cost.reach_rho" : "privacy.cost.count_rho");
}

/* A value is asked for by whose groups they are, a crosstab by either. */
static bool has_pair(const struct policy *p, enum question_kind kind, size_t a, size_t b)
{
    const struct policy_rule *r = &p->rule[kind];

    for (size_t i = 0; i < r->pair_count; i++)
        if ((r->pairs[i].a.partner == a && r->pairs[i].b.partner == b) ||
            (kind != QUESTION_VALUE && r->pairs[i].a.partner == b && r->pairs[i].b.partner == a))
            return true;
    return false;
}

/* In one sentence a direction, for who looks from one partner's side. */
static void may_learn(struct explain_maker *m, size_t asker, size_t owner)
{
    const char *paths[QUESTION_KIND_COUNT + 1] = {NULL};
    char room[QUESTION_KIND_COUNT][PATH_MAX_BYTES];
    struct explain_list l = {0};
    size_t n = 0;

    for (int kind = 0; kind < QUESTION_KIND_COUNT; kind++) {
        const struct policy_rule *r = &m->p->rule[kind];
        uint32_t both = 1U << asker | 1U << owner;
        if (!r->present || (r->askers & both) != both ||
            (question_has_axes((enum question_kind)kind) &&
             !has_pair(m->p, (enum question_kind)kind, asker, owner)))
            continue;
        snprintf(room[n], sizeof room[n], "questions.%s",
                 question_kind_name((enum question_kind)kind));
        paths[n] = room[n];
        explain_list_add(&l, m, explain_word_of(m, question_kind_name((enum question_kind)kind)),
                         false);
        n++;
    }
    if (n > 0)
        explain_say(
            m, SAY_MAY_LEARN, paths,
            ARGS(m->p->partners[asker].name, m->p->partners[owner].name, explain_list_end(&l, m)));
    buf_free(&l.text);
}

void explain_ask(struct explain_maker *m)
{
    const struct policy *p = m->p;

    m->section = EXPLAIN_ASK;
    for (int kind = 0; kind < QUESTION_KIND_COUNT; kind++)
        if (p->rule[kind].present)
            rule(m, (enum question_kind)kind);
        else
            explain_say(m, SAY_NOT_ASKED, PATHS("questions"),
                        ARGS(explain_word_of(m, question_kind_name((enum question_kind)kind))));
    for (size_t i = 0; i < p->partner_count; i++)
        for (size_t k = 0; k < p->partner_count; k++)
            if (i != k && (in_view(m, i) || in_view(m, k)))
                may_learn(m, i, k);
    explain_say(m, SAY_LOOKS, PATHS("questions", "privacy.cost"), ARGS(NULL));
    explain_say(m, SAY_REST, PATHS("questions"), ARGS(NULL));
}

/* ---- never, budget ---- */

static void never(struct explain_maker *m)
{
    const struct policy_privacy *v = &m->p->privacy;
    char number[NUMBER_BYTES];

    m->section = EXPLAIN_NEVER;
    explain_say(m, SAY_NEVER, PATHS("patto"), ARGS(NULL));
    explain_say(m, SAY_MINIMUM_COUNT, PATHS("privacy.minimum_count"),
                ARGS(explain_count(number, m, v->minimum_count)));
    explain_say(m, SAY_MINIMUM_AUDIENCE, PATHS("privacy.minimum_audience"),
                ARGS(explain_count(number, m, v->minimum_audience)));
}

/* A year touches one period more than it holds. */
static uint64_t worst_year(const struct policy_privacy *v)
{
    uint64_t periods = (YEAR_DAYS + v->budget_days - 1) / v->budget_days + 1;
    uint64_t year = periods * v->budget_rho_nano;

    if (year > YEAR_DAYS * v->daily_rho_nano)
        year = YEAR_DAYS * v->daily_rho_nano;
    return year < v->lifetime_rho_nano ? year : v->lifetime_rho_nano;
}

/* Of 100 guesses: the noise is Gaussian, so with rho in all the best test between a person's being
 * there and not is one between two normals sqrt(2 rho) apart (Dong, Roth and Su 2022, Gaussian
 * differential privacy). */
static double right_guesses(double rho)
{
    return 100.0 * 0.5 * erfc(-sqrt(2.0 * rho) / 2.0 / sqrt(2.0));
}

void explain_budget(struct explain_maker *m)
{
    const struct policy_privacy *v = &m->p->privacy;
    const double delta = (double)v->delta_atto * 1e-18;
    const uint64_t year = worst_year(v);
    uint64_t others = 0;
    char n[6][NUMBER_BYTES];

    for (size_t i = 0; i < m->p->partner_count; i++)
        others += !m->p->partners[i].neutral;
    others -= others > 0;
    never(m);
    m->section = EXPLAIN_BUDGET;
    explain_say(m, SAY_UNIT, PATHS("privacy.unit"), ARGS(NULL));
    snprintf(n[1], sizeof n[1], "%" PRIu32, v->budget_days);
    explain_say(m, SAY_CAPS,
                PATHS("privacy.budget.rho", "privacy.budget.days", "privacy.budget.daily_rho",
                      "privacy.budget.lifetime_rho"),
                ARGS(explain_rho(n[0], m, v->budget_rho_nano), n[1],
                     explain_rho(n[2], m, v->daily_rho_nano),
                     explain_rho(n[3], m, v->lifetime_rho_nano)));
    explain_say(m, SAY_EPSILON, PATHS("privacy.budget.delta", "privacy.budget.rho"),
                ARGS(explain_real(n[0], m, 2, budget_epsilon(v->budget_rho_nano, delta)),
                     explain_real(n[1], m, 2, budget_epsilon(v->lifetime_rho_nano, delta)),
                     explain_scalar(n[2], m, "privacy.budget.delta")));
    const char *const *paths = PATHS("privacy.budget.rho", "privacy.budget.days");
    explain_rho(n[0], m, year);
    explain_real(n[1], m, 2, budget_epsilon(year, delta));
    explain_real(n[4], m, 0, ceil(right_guesses((double)year * 1e-9)));
    if (others < 2) {
        explain_say(m, SAY_YEAR_OF_TWO, paths, ARGS(n[0], n[1]));
        explain_say(m, SAY_GUESS_OF_TWO, paths, ARGS(n[4]));
        return;
    }
    explain_say(m, SAY_YEAR, paths,
                ARGS(n[0], n[1], explain_count(n[2], m, others),
                     explain_real(n[3], m, 2, budget_epsilon(others * year, delta))));
    explain_say(
        m, SAY_GUESS, paths,
        ARGS(n[4], explain_real(n[5], m, 0, ceil(right_guesses((double)(others * year) * 1e-9)))));
}
