#include "node/policy_text.h"

#include "crypto/base/text.h"
#include "crypto/rlwe.h"
#include "node/wrap.h"
#include "policy/budget.h"

#include <inttypes.h>

enum { INDENT = 12 };
static const double TWO_SIDED_95 = 1.96;

static void attribute(struct wrap *w, const struct policy_attribute *a)
{
    switch (a->type) {
    case ATTRIBUTE_CATEGORY:
        wrap_words(w, "one of");
        break;
    case ATTRIBUTE_SET:
        wrap_printf(w, "a set, %" PRIu32 " of it in a table, of", a->max_per_person);
        break;
    case ATTRIBUTE_NUMBER:
        wrap_printf(w, "a number, %.15g to %.15g %s", a->min, a->max, a->unit);
        return;
    }
    for (size_t i = 0; i < a->value_count; i++)
        wrap_printf(w, "%s%s", a->values[i], i + 1 < a->value_count ? "," : "");
}

void policy_text_attributes(FILE *out, const struct policy_partner *p)
{
    for (size_t i = 0; i < p->attribute_count; i++) {
        struct wrap w = {.out = out, .indent = 2 * INDENT};
        w.at = fprintf(out, "    %-*s", 2 * INDENT - 4, p->attributes[i].name);
        attribute(&w, &p->attributes[i]);
        wrap_end(&w);
    }
}

static const char *name_of(char out[2 * POLICY_NAME_MAX + 2], const struct policy *p,
                           struct attribute_ref r)
{
    const struct policy_partner *partner = &p->partners[r.partner];

    snprintf(out, 2 * POLICY_NAME_MAX + 2, "%s.%s", partner->name,
             partner->attributes[r.attribute].name);
    return out;
}

/* Price and noise of one question; the lattice adds less than 0.1 % to either. */
static void price(struct wrap *w, const struct policy *p, const struct question *q)
{
    struct budget_price price;
    char rho[32];

    budget_price(&price, p, q, 1U << RLWE_DELTA_LOG2_MAX);
    text_put_decimal(rho, price.charge_nano, 9);
    wrap_printf(w, "rho %s, %" PRIu64 " a period, ±%.0f", rho,
                p->privacy.budget_rho_nano / price.charge_nano,
                TWO_SIDED_95 * budget_sigma(price.cell));
}

static void pair(struct wrap *w, const struct policy *p, enum question_kind kind,
                 struct policy_pair pair)
{
    char a[2 * POLICY_NAME_MAX + 2];
    char b[2 * POLICY_NAME_MAX + 2];
    const struct question q = {.kind = kind,
                               .asker = pair.a.partner,
                               .with = pair.b.partner,
                               .rows = pair.a.attribute,
                               .columns = pair.b.attribute,
                               .rho_nano = p->privacy.table_rho_nano};

    name_of(a, p, pair.a);
    name_of(b, p, pair.b);
    /* "sum and mean of drinkco.spend by freshmart.buys". */
    if (kind == QUESTION_VALUE)
        wrap_printf(w, "sum and mean of %s by %s:", b, a);
    else
        wrap_printf(w, "%s by %s:", a, b);
    price(w, p, &q);
}

static void askers(struct wrap *w, const struct policy *p, uint32_t set)
{
    const char *before = "asked by";

    for (size_t i = 0; i < p->partner_count; i++) {
        if (!(set & 1U << i))
            continue;
        wrap_printf(w, "%s %s", before, p->partners[i].name);
        before = "or";
    }
}

static void rule(FILE *out, const struct policy *p, enum question_kind kind)
{
    const struct policy_rule *r = &p->rule[kind];
    struct wrap w = {.out = out, .indent = INDENT};
    char name[2 * POLICY_NAME_MAX + 2];

    w.at = fprintf(out, "  %-*s", INDENT - 2, question_kind_name(kind));
    wrap_printf(&w, "line %" PRIu32 ",", r->line);
    askers(&w, p, r->askers);
    wrap_end(&w);
    for (size_t i = 0; i < r->filter_count; i++)
        wrap_printf(&w, "%s%s%s", i == 0 ? "filters: " : "", name_of(name, p, r->filters[i]),
                    i + 1 < r->filter_count ? "," : "");
    if (r->filter_count == 0)
        wrap_words(&w, "no filters");
    wrap_end(&w);
    for (size_t i = 0; i < r->pair_count; i++) {
        pair(&w, p, kind, r->pairs[i]);
        wrap_end(&w);
    }
    if (question_has_axes(kind))
        return;
    price(&w, p,
          &(struct question){.kind = kind,
                             .rho_nano = kind == QUESTION_REACH ? p->privacy.reach_rho_nano
                                                                : p->privacy.count_rho_nano});
    wrap_end(&w);
}

void policy_text_questions(FILE *out, const struct policy *p)
{
    for (int kind = 0; kind < QUESTION_KIND_COUNT; kind++)
        if (p->rule[kind].present)
            rule(out, p, (enum question_kind)kind);
}

void policy_text_privacy(FILE *out, const struct policy_privacy *v)
{
    struct wrap w = {.out = out, .indent = INDENT};
    char rho[32];
    char daily[32];
    char lifetime[32];
    double delta = (double)v->delta_atto * 1e-18;

    text_put_decimal(rho, v->budget_rho_nano, 9);
    text_put_decimal(daily, v->daily_rho_nano, 9);
    text_put_decimal(lifetime, v->lifetime_rho_nano, 9);
    w.at = fprintf(out, "  %-*s", INDENT - 2, "budget");
    wrap_printf(&w,
                "each partner may spend at each other rho %s in %" PRIu32
                " days (epsilon %.2f at delta %.0e), %s a day, %s ever (epsilon %.2f)",
                rho, v->budget_days, budget_epsilon(v->budget_rho_nano, delta), delta, daily,
                lifetime, budget_epsilon(v->lifetime_rho_nano, delta));
    wrap_end(&w);
    w.at = fprintf(out, "  %-*s", INDENT - 2, "minimum");
    wrap_printf(&w, "%" PRIu64 " people a cell, %" PRIu64 " an audience", v->minimum_count,
                v->minimum_audience);
    wrap_end(&w);
}
