#include "policy/decide.h"

#include <assert.h>
#include <inttypes.h>

static bool same_ref(struct attribute_ref a, struct attribute_ref b)
{
    return a.partner == b.partner && a.attribute == b.attribute;
}

static const char *attribute_name(const struct policy *p, struct attribute_ref r)
{
    assert(r.partner < p->partner_count);
    assert(r.attribute < p->partners[r.partner].attribute_count);
    return p->partners[r.partner].attributes[r.attribute].name;
}

static enum pt_code may_ask(const struct policy *p, const struct question *q, uint16_t who,
                            struct pt_err *err)
{
    const struct policy_rule *rule = &p->rule[q->kind];

    assert(who < p->partner_count);
    if ((rule->askers >> who & 1) != 0)
        return PT_OK;
    return pt_fail(err, PT_EDENIED, "questions.%s.ask, line %" PRIu32 ": %s is not listed%s",
                   question_kind_name(q->kind), rule->ask_line, p->partners[who].name,
                   p->partners[who].neutral ? " (a neutral partner has no customers)" : "");
}

static enum pt_code filters_listed(const struct policy *p, const struct question *q,
                                   struct pt_err *err)
{
    const struct policy_rule *rule = &p->rule[q->kind];

    assert(q->filter_count <= QUESTION_FILTERS_MAX);
    for (size_t i = 0; i < q->filter_count; i++) {
        struct attribute_ref on = q->filters[i].on;
        size_t k = 0;
        while (k < rule->filter_count && !same_ref(rule->filters[k], on))
            k++;
        if (k == rule->filter_count)
            return pt_fail(err, PT_EDENIED,
                           "questions.%s.filters, line %" PRIu32 ": %s.%s is not listed",
                           question_kind_name(q->kind),
                           rule->filters_line != 0 ? rule->filters_line : rule->line,
                           p->partners[on.partner].name, attribute_name(p, on));
    }
    return PT_OK;
}

static enum pt_code pair_listed(const struct policy *p, const struct question *q,
                                struct pt_err *err)
{
    const struct policy_rule *rule = &p->rule[q->kind];
    struct attribute_ref rows = {q->asker, q->rows};
    struct attribute_ref columns = {q->with, q->columns};

    for (size_t i = 0; i < rule->pair_count; i++) {
        const struct policy_pair *pair = &rule->pairs[i];
        /* A value's rows are groups and its columns a number: the other order is no question. */
        if ((same_ref(pair->a, rows) && same_ref(pair->b, columns)) ||
            (same_ref(pair->a, columns) && same_ref(pair->b, rows)))
            return PT_OK;
    }
    return pt_fail(err, PT_EDENIED,
                   "questions.%s.pairs, line %" PRIu32 ": %s.%s with %s.%s is not listed",
                   question_kind_name(q->kind), rule->pairs_line, p->partners[q->asker].name,
                   attribute_name(p, rows), p->partners[q->with].name, attribute_name(p, columns));
}

enum pt_code decide(const struct policy *p, const struct question *q, struct pt_err *err)
{
    enum pt_code rc;

    assert((unsigned)q->kind < QUESTION_KIND_COUNT);
    if (!p->rule[q->kind].present)
        return pt_fail(err, PT_EDENIED,
                       "questions, line %" PRIu32
                       ": this policy lists no %s; what is not listed may not be asked",
                       p->questions_line, question_kind_name(q->kind));
    for (size_t i = 0; i < p->partner_count; i++)
        if ((question_parties(q) >> i & 1) != 0 && (rc = may_ask(p, q, (uint16_t)i, err)) != PT_OK)
            return rc;
    if ((rc = filters_listed(p, q, err)) != PT_OK)
        return rc;
    return question_has_axes(q->kind) ? pair_listed(p, q, err) : PT_OK;
}
