#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/parse.h"

#define RULE_AT(field) offsetof(struct policy_rule, field)

/* A partner by its name in the file. */
static enum pt_code find_partner(uint16_t *out, const struct schema_at *at, struct span name,
                                 struct pt_err *err)
{
    const struct policy *p = at->context;
    const char *names[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX];
    char copy[POLICY_NAME_MAX + 1];
    char found[SCHEMA_SHOWN_MAX];
    char guess[SCHEMA_SHOWN_MAX];

    int i = text_copy(copy, sizeof copy, name) ? policy_find_partner(p, copy) : -1;
    if (i >= 0) {
        *out = (uint16_t)i;
        return PT_OK;
    }
    for (size_t k = 0; k < p->partner_count; k++)
        names[k] = p->partners[k].name;
    schema_show(found, at->node);
    schema_suggest(guess, name, names, p->partner_count);
    return schema_fail(at, err, "expected a name under partners, found %s%s", found, guess);
}

static enum pt_code find_scalar_partner(uint16_t *out, const struct schema_at *at,
                                        struct pt_err *err)
{
    struct span name = at->node->kind == YAML_SCALAR ? at->node->text : span_z("");

    return find_partner(out, at, name, err);
}

/* "freshmart.segment" */
static enum pt_code find_attribute(struct attribute_ref *out, const struct schema_at *at,
                                   struct pt_err *err)
{
    const struct policy *p = at->context;
    struct span rest = at->node->text;
    const char *names[POLICY_ATTRIBUTES_MAX];
    char copy[POLICY_NAME_MAX + 1];
    char found[SCHEMA_SHOWN_MAX];
    char guess[SCHEMA_SHOWN_MAX];
    bool dot = false;
    enum pt_code rc;

    schema_show(found, at->node);
    struct span head = at->node->kind == YAML_SCALAR ? text_cut(&rest, '.', &dot) : span_z("");
    if (!dot)
        return schema_fail(at, err, "expected partner.attribute, found %s", found);
    if ((rc = find_partner(&out->partner, at, head, err)) != PT_OK)
        return rc;
    const struct policy_partner *partner = &p->partners[out->partner];
    int i = text_copy(copy, sizeof copy, rest) ? policy_find_attribute(partner, copy) : -1;
    if (i < 0) {
        for (size_t k = 0; k < partner->attribute_count; k++)
            names[k] = partner->attributes[k].name;
        schema_suggest(guess, rest, names, partner->attribute_count);
        return schema_fail(at, err, "expected an attribute of %s after the dot, found %s%s",
                           partner->name, found, guess);
    }
    out->attribute = (uint16_t)i;
    return PT_OK;
}

/* A list of partners as a bit mask. */
static enum pt_code read_mask(uint32_t *out, const struct schema_at *at, size_t min,
                              struct pt_err *err)
{
    const struct policy *p = at->context;
    uint16_t i;
    enum pt_code rc;

    if ((rc = schema_list(at, min, p->partner_count, err)) != PT_OK)
        return rc;
    for (size_t k = 0; k < at->node->child_count; k++) {
        struct schema_at item = {&at->node->children[k], at->path, at->context};
        if ((rc = find_scalar_partner(&i, &item, err)) != PT_OK)
            return rc;
        if ((*out >> i & 1) != 0)
            return schema_fail(&item, err, "%s is listed twice", p->partners[i].name);
        *out |= UINT32_C(1) << i;
    }
    return PT_OK;
}

enum pt_code parse_witnesses(void *base, const struct schema_key *key, const struct schema_at *at,
                             struct pt_err *err)
{
    struct policy *p = base;

    (void)key;
    return read_mask(&p->witnesses, at, 1, err);
}

/* Read after the witnesses, of whom it is a number. */
enum pt_code parse_witness_quorum(void *base, const struct schema_key *key,
                                  const struct schema_at *at, struct pt_err *err)
{
    struct policy *p = base;
    const uint64_t all = (uint64_t)__builtin_popcount(p->witnesses);
    char found[SCHEMA_SHOWN_MAX];
    uint64_t n = all;

    (void)key;
    if (at->node->kind != YAML_SCALAR ||
        (!text_eq(at->node->text, "all") && (!text_u64(at->node->text, &n) || n < 1 || n > all))) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected all, or 1 to %" PRIu64 " of the witnesses, found %s",
                           all, found);
    }
    p->witness_quorum = (uint32_t)n;
    return PT_OK;
}

/* ask: any, or the partners that may ask and be asked. */
static enum pt_code read_ask(void *base, const struct schema_key *key, const struct schema_at *at,
                             struct pt_err *err)
{
    const struct policy *p = at->context;
    struct policy_rule *rule = base;
    char found[SCHEMA_SHOWN_MAX];
    bool any = at->node->kind == YAML_SCALAR && text_eq(at->node->text, "any");
    enum pt_code rc = PT_OK;

    (void)key;
    if (!any && at->node->kind != YAML_LIST) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected any, or a list of partners, found %s", found);
    }
    if (!any && (rc = read_mask(&rule->askers, at, 2, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < p->partner_count; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if (any && !p->partners[i].neutral)
            rule->askers |= bit;
        if (p->partners[i].neutral && (rule->askers & bit) != 0)
            return schema_fail(at, err, "%s is neutral: it has no customers to ask about",
                               p->partners[i].name);
    }
    return PT_OK;
}

static bool same_ref(struct attribute_ref a, struct attribute_ref b)
{
    return a.partner == b.partner && a.attribute == b.attribute;
}

static enum pt_code read_filters(void *base, const struct schema_key *key,
                                 const struct schema_at *at, struct pt_err *err)
{
    struct policy_rule *rule = base;
    enum pt_code rc;

    (void)key;
    if ((rc = schema_list(at, 0, POLICY_FILTERS_MAX, err)) != PT_OK)
        return rc;
    rule->filters = calloc(at->node->child_count + 1, sizeof *rule->filters);
    if (rule->filters == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for %zu filters", at->node->child_count);
    for (size_t i = 0; i < at->node->child_count; i++) {
        struct schema_at item = {&at->node->children[i], at->path, at->context};
        struct attribute_ref *added = &rule->filters[rule->filter_count];
        if ((rc = find_attribute(added, &item, err)) != PT_OK)
            return rc;
        for (size_t k = 0; k < rule->filter_count; k++)
            if (same_ref(rule->filters[k], *added))
                return schema_fail(&item, err, "listed twice");
        rule->filter_count++;
    }
    return PT_OK;
}

static bool is_number(const struct policy *p, struct attribute_ref r)
{
    return p->partners[r.partner].attributes[r.attribute].type == ATTRIBUTE_NUMBER;
}

/* A crosstab's pair has no number, a value's just one, which is put second. */
static enum pt_code read_pair(struct policy_pair *out, const struct schema_at *at, bool value,
                              struct pt_err *err)
{
    const struct policy *p = at->context;
    struct attribute_ref *side[] = {&out->a, &out->b};
    enum pt_code rc;

    if ((rc = schema_list(at, 2, 2, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < PT_LEN(side); i++) {
        struct schema_at item = {&at->node->children[i], at->path, at->context};
        if ((rc = find_attribute(side[i], &item, err)) != PT_OK)
            return rc;
        if (!value && is_number(p, *side[i]))
            return schema_fail(&item, err, "%s is a number; a table needs a category or a set",
                               p->partners[side[i]->partner].attributes[side[i]->attribute].name);
    }
    if (value && is_number(p, out->a) == is_number(p, out->b))
        return schema_fail(at, err,
                           "expected a category or a set of one partner and a number of "
                           "another");
    if (value && is_number(p, out->a)) {
        struct attribute_ref number = out->a;
        out->a = out->b;
        out->b = number;
    }
    if (out->a.partner == out->b.partner)
        return schema_fail(at, err, "both attributes are of %s; a pair joins two partners",
                           p->partners[out->a.partner].name);
    return PT_OK;
}

static enum pt_code read_pairs(void *base, const struct schema_key *key, const struct schema_at *at,
                               struct pt_err *err)
{
    struct policy_rule *rule = base;
    enum pt_code rc;

    if ((rc = schema_list(at, 1, POLICY_PAIRS_MAX, err)) != PT_OK)
        return rc;
    rule->pairs = calloc(at->node->child_count, sizeof *rule->pairs);
    if (rule->pairs == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for %zu pairs", at->node->child_count);
    for (size_t i = 0; i < at->node->child_count; i++) {
        struct schema_at item = {&at->node->children[i], at->path, at->context};
        struct policy_pair *added = &rule->pairs[rule->pair_count];
        if ((rc = read_pair(added, &item, key->min == QUESTION_VALUE, err)) != PT_OK)
            return rc;
        for (size_t k = 0; k < rule->pair_count; k++)
            if ((same_ref(rule->pairs[k].a, added->a) && same_ref(rule->pairs[k].b, added->b)) ||
                (same_ref(rule->pairs[k].a, added->b) && same_ref(rule->pairs[k].b, added->a)))
                return schema_fail(&item, err, "this pair is listed twice");
        rule->pair_count++;
    }
    return PT_OK;
}

static const struct schema_key COUNT_RULE[] = {
    {"ask", read_ask, .line_offset = RULE_AT(ask_line)},
    {"filters", read_filters, .line_offset = RULE_AT(filters_line), .optional = true},
    {0},
};
static const struct schema_key TABLE_RULE[] = {
    {"ask", read_ask, .line_offset = RULE_AT(ask_line)},
    {"filters", read_filters, .line_offset = RULE_AT(filters_line), .optional = true},
    {"pairs", read_pairs, .line_offset = RULE_AT(pairs_line)},
    {0},
};

static const struct schema_key VALUE_RULE[] = {
    {"ask", read_ask, .line_offset = RULE_AT(ask_line)},
    {"filters", read_filters, .line_offset = RULE_AT(filters_line), .optional = true},
    {"pairs", read_pairs, .min = QUESTION_VALUE, .line_offset = RULE_AT(pairs_line)},
    {0},
};

static enum pt_code read_rule(void *base, const struct schema_key *key, const struct schema_at *at,
                              struct pt_err *err)
{
    struct policy *p = base;
    struct policy_rule *rule = &p->rule[key->min];

    rule->present = true;
    rule->line = at->node->key_line;
    return schema_read(rule, key->keys, at, err);
}

/* What is not listed may not be asked. */
static const struct schema_key QUESTIONS[] = {
    {"overlap", read_rule, .min = QUESTION_OVERLAP, .keys = COUNT_RULE, .optional = true},
    {"reach", read_rule, .min = QUESTION_REACH, .keys = COUNT_RULE, .optional = true},
    {"crosstab", read_rule, .min = QUESTION_CROSSTAB, .keys = TABLE_RULE, .optional = true},
    {"value", read_rule, .min = QUESTION_VALUE, .keys = VALUE_RULE, .optional = true},
    {0},
};

enum pt_code parse_questions(void *base, const struct schema_key *key, const struct schema_at *at,
                             struct pt_err *err)
{
    (void)key;
    return schema_read(base, QUESTIONS, at, err);
}
