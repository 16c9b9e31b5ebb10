#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/diff.h"

/* ---- how values compare ---- */

static void no_change(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    (void)d;
    (void)r;
    (void)at;
}

/* Every key of either side once: those of the old file, then what only the new one has. */
static void walk_keys(struct diff *d, const struct diff_at *at, bool named)
{
    const struct yaml_node *const sides[2] = {at->before, at->after};
    struct diff_at child;

    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; sides[s] != NULL && i < sides[s]->child_count; i++) {
            diff_child(&child, at, sides[s]->children[i].key, named);
            if (s == 0 || child.before == NULL)
                diff_walk(d, &child);
        }
}

static void map(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    (void)r;
    walk_keys(d, at, false);
}

/* A map by names of the policy's own: the children decide. */
static void named(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    (void)r;
    walk_keys(d, at, true);
}

/* What is there or not as a whole; where it is on both sides, its keys are compared. */
static void whole(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    if (at->before == NULL)
        diff_add(d, r->more, r->more_reason, at->path, NULL, at->after);
    else if (at->after == NULL)
        diff_add(d, r->less, r->less_reason, at->path, at->before, NULL);
    else
        walk_keys(d, at, false);
}

static struct span value_of(const struct diff_rule *r, const struct yaml_node *node)
{
    if (node != NULL)
        return node->kind == YAML_SCALAR ? node->text : (struct span){0};
    return r->preset != NULL ? span_z(r->preset) : (struct span){0};
}

static void number(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    uint64_t was = 0;
    uint64_t is = 0;

    if (!text_decimal(value_of(r, at->before), r->scale, &was) ||
        !text_decimal(value_of(r, at->after), r->scale, &is))
        diff_add(d, DIFF_LOOSER, "there is no number to compare with: taken for looser", at->path,
                 at->before, at->after);
    else if (is > was)
        diff_add(d, r->more, r->more_reason, at->path, at->before, at->after);
    else if (is < was)
        diff_add(d, r->less, r->less_reason, at->path, at->before, at->after);
}

/* match.evaluations_per_day is twice the largest customers.max when left out. */
static void evaluations(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    uint64_t was = d->before->policy->evaluations_per_day;
    uint64_t is = d->after->policy->evaluations_per_day;

    if (is != was)
        diff_add(d, is > was ? r->more : r->less, is > was ? r->more_reason : r->less_reason,
                 at->path, at->before, at->after);
}

/* YYYY-MM-DD sorts as it stands. */
static void date(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    struct span was = value_of(r, at->before);
    struct span is = value_of(r, at->after);
    int order = was.n == is.n && was.n > 0 ? memcmp(is.p, was.p, is.n) : 1;

    if (was.n != is.n)
        diff_add(d, DIFF_LOOSER, "there is no date to compare with: taken for looser", at->path,
                 at->before, at->after);
    else if (order != 0)
        diff_add(d, order > 0 ? r->more : r->less, order > 0 ? r->more_reason : r->less_reason,
                 at->path, at->before, at->after);
}

/* Any other value has the one effect. */
static void word(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    if (!span_eq_vartime(value_of(r, at->before), value_of(r, at->after)))
        diff_add(d, r->more, r->more_reason, at->path, at->before, at->after);
}

/* ---- lists as sets ---- */

/* An item is a word, or a pair of words in either order. */
static bool same_item(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->kind != b->kind || a->child_count != b->child_count)
        return false;
    if (a->kind == YAML_SCALAR)
        return span_eq_vartime(a->text, b->text);
    if (a->child_count != 2)
        return false;
    const struct yaml_node *x = a->children;
    const struct yaml_node *y = b->children;
    return (span_eq_vartime(x[0].text, y[0].text) && span_eq_vartime(x[1].text, y[1].text)) ||
           (span_eq_vartime(x[0].text, y[1].text) && span_eq_vartime(x[1].text, y[0].text));
}

static bool has_item(const struct yaml_node *list, const struct yaml_node *item)
{
    for (size_t i = 0; list != NULL && i < list->child_count; i++)
        if (same_item(&list->children[i], item))
            return true;
    return false;
}

static bool all_items(const struct yaml_node *list, const struct yaml_node *of)
{
    for (size_t i = 0; of != NULL && i < of->child_count; i++)
        if (!has_item(list, &of->children[i]))
            return false;
    return true;
}

static void set(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    for (size_t i = 0; at->before != NULL && i < at->before->child_count; i++)
        if (!has_item(at->after, &at->before->children[i]))
            diff_add(d, r->less, r->less_reason, at->path, &at->before->children[i], NULL);
    for (size_t i = 0; at->after != NULL && i < at->after->child_count; i++)
        if (!has_item(at->before, &at->after->children[i]))
            diff_add(d, r->more, r->more_reason, at->path, NULL, &at->after->children[i]);
    if (all_items(at->before, at->after) && all_items(at->after, at->before))
        diff_add(d, DIFF_NEUTRAL, "the same in another order", at->path, at->before, at->after);
}

static bool is_partner(const struct policy *p, struct span name)
{
    char copy[POLICY_NAME_MAX + 1];

    return text_copy(copy, sizeof copy, name) && policy_find_partner(p, copy) >= 0;
}

/* Whoever leaves the federation takes its signature under the logs along. */
static void witnesses(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    for (size_t i = 0; at->before != NULL && i < at->before->child_count; i++) {
        const struct yaml_node *item = &at->before->children[i];
        if (has_item(at->after, item))
            continue;
        if (is_partner(d->after->policy, item->text))
            diff_add(d, r->less, r->less_reason, at->path, item, NULL);
        else
            diff_add(d, DIFF_TIGHTER, "it leaves the federation", at->path, item, NULL);
    }
    for (size_t i = 0; at->after != NULL && i < at->after->child_count; i++)
        if (!has_item(at->before, &at->after->children[i]))
            diff_add(d, r->more, r->more_reason, at->path, NULL, &at->after->children[i]);
    if (all_items(at->before, at->after) && all_items(at->after, at->before))
        diff_add(d, DIFF_NEUTRAL, "the same in another order", at->path, at->before, at->after);
}

/* "all" is a number too, that of the witnesses. */
static void witness_quorum(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    uint32_t was = d->before->policy->witness_quorum;
    uint32_t is = d->after->policy->witness_quorum;

    if (is == was)
        diff_add(d, DIFF_NEUTRAL, "the same number of witnesses", at->path, at->before, at->after);
    else
        diff_add(d, is > was ? r->more : r->less, is > was ? r->more_reason : r->less_reason,
                 at->path, at->before, at->after);
}

/* ---- who may ask ---- */

/* Does `ask`, a list or the word any, admit that partner of the policy? */
static bool may_ask(const struct yaml_node *ask, const struct policy_partner *partner)
{
    if (ask == NULL || partner->neutral)
        return false;
    if (ask->kind == YAML_SCALAR)
        return true;
    for (size_t i = 0; i < ask->child_count; i++)
        if (text_eq(ask->children[i].text, partner->name))
            return true;
    return false;
}

/* Is there a partner of `of` that one side admits and the other, which knows it too, does not? A
 * partner that joins or leaves is a change of its own. */
static bool admits_other(const struct yaml_node *yes, const struct yaml_node *no,
                         const struct policy *of, const struct policy *other)
{
    for (size_t i = 0; i < of->partner_count; i++) {
        int at = policy_find_partner(other, of->partners[i].name);
        if (at >= 0 && may_ask(yes, &of->partners[i]) && !may_ask(no, &other->partners[at]))
            return true;
    }
    return false;
}

/* A new partner that is admitted by name, where it was not by `any`. */
static void ask(struct diff *d, const struct diff_rule *r, const struct diff_at *at)
{
    const struct policy *was = d->before->policy;
    const struct policy *is = d->after->policy;
    bool added = admits_other(at->after, at->before, is, was);
    bool removed = admits_other(at->before, at->after, was, is);

    if (added)
        diff_add(d, r->more, r->more_reason, at->path, at->before, at->after);
    else if (removed)
        diff_add(d, r->less, r->less_reason, at->path, at->before, at->after);
    else if (was->partner_count == is->partner_count)
        diff_add(d, DIFF_NEUTRAL, "the same partners, written otherwise", at->path, at->before,
                 at->after);
    else /* `any` to a list, say, while somebody leaves: judged by who is left */
        diff_add(d, DIFF_TIGHTER, "only who joined or left differs", at->path, at->before,
                 at->after);
}

/* ---- the table: README.md's keys, in its order ---- */

#define T DIFF_TIGHTER
#define L DIFF_LOOSER
#define N DIFF_NEUTRAL
/* Every other value has one effect. */
#define ANY(pattern, effect, reason, preset)                                                       \
    {                                                                                              \
        pattern, word, effect, effect, reason, reason, preset, 0                                   \
    }
#define MAP(pattern, how)                                                                          \
    {                                                                                              \
        pattern, how, N, N, NULL, NULL, NULL, 0                                                    \
    }

static const char OTHER_TEXT[] = "a text that binds people, not nodes";
static const char OTHER_KEY[] = "another key: whoever holds it speaks for this partner";
static const char OTHER_PEOPLE[] = "other identifiers are matched: other people are in common";
static const char OTHER_NUMBER[] = "the number means something else: not comparable";
static const char MORE_FILTERS[] = "people can be counted by one attribute more";
static const char FEWER_FILTERS[] = "people can be counted by one attribute less";
static const char MORE_ASK[] = "more partners may ask";
static const char FEWER_ASK[] = "fewer partners may ask";
static const char MORE_PRICE[] = "each answer tells more: less noise for more of the budget";
static const char LESS_PRICE[] = "each answer tells less: more noise for less of the budget";
static const char MORE_BUDGET[] = "more may be learned about each person";
static const char LESS_BUDGET[] = "less may be learned about each person";

static const struct diff_rule RULES[] = {
    MAP("", map),
    MAP("patto", no_change),
    MAP("version", no_change),
    MAP("previous", no_change),
    ANY("federation", L, "another federation", NULL),
    ANY("purpose", L, "data is used for another purpose", NULL),
    ANY("purpose_words", N, OTHER_TEXT, ""),
    ANY("publishable", L, "answers may be handed on, or no longer: not comparable", "false"),
    MAP("legal", map),
    ANY("legal.basis", N, OTHER_TEXT, NULL),
    ANY("legal.arrangement", N, OTHER_TEXT, NULL),
    ANY("legal.dpia", N, OTHER_TEXT, NULL),
    ANY("legal.contact", N, OTHER_TEXT, ""),
    {"legal.retention_days", number, L, T, "data is kept longer", "data is kept for less long",
     NULL, 0},
    MAP("valid", map),
    {"valid.from", date, T, L, "in force later", "in force earlier", NULL, 0},
    {"valid.until", date, L, T, "in force for longer", "in force for less long", NULL, 0},
    MAP("match", map),
    ANY("match.identifier", L, OTHER_PEOPLE, NULL),
    ANY("match.normalisation", L, OTHER_PEOPLE, NULL),
    ANY("match.slots_per_customer", N, "answers are more or less precise; what they cost stays",
        NULL),
    {"match.key_period_days", number, L, T, "tokens can be recognised for longer",
     "tokens can be recognised for less long", "90", 0},
    {"match.evaluations_per_day", evaluations, L, T, "more guessed identifiers can be tried a day",
     "fewer guessed identifiers can be tried a day", NULL, 0},
    MAP("partners", named),
    {"partners.*", whole, L, T, "a new partner, which may ask and holds a share of the key",
     "it leaves the federation", NULL, 0},
    ANY("partners.*.role", L, "with customers, or without any more: not comparable", ""),
    ANY("partners.*.endpoint", L, "its node is reached somewhere else", NULL),
    ANY("partners.*.certificate", L, OTHER_KEY, NULL),
    ANY("partners.*.officer", L, OTHER_KEY, NULL),
    ANY("partners.*.node", L, OTHER_KEY, NULL),
    ANY("partners.*.basis", N, OTHER_TEXT, ""),
    MAP("partners.*.customers", map),
    {"partners.*.customers.min", number, T, L, "smaller files are refused",
     "smaller files are taken", NULL, 0},
    {"partners.*.customers.max", number, L, T, "more people can be loaded",
     "fewer people can be loaded", NULL, 0},
    MAP("partners.*.attributes", named),
    {"partners.*.attributes.*", whole, L, T, "one attribute more of each customer",
     "one attribute less of each customer", NULL, 0},
    ANY("partners.*.attributes.*.type", L, OTHER_NUMBER, NULL),
    {"partners.*.attributes.*.values", set, L, T, "people can be told apart by one value more",
     "one value less can be asked", NULL, 0},
    ANY("partners.*.attributes.*.max_per_person", L,
        "other people stand in more, or fewer, columns: not comparable", NULL),
    ANY("partners.*.attributes.*.min", L, OTHER_NUMBER, NULL),
    ANY("partners.*.attributes.*.max", L, OTHER_NUMBER, NULL),
    ANY("partners.*.attributes.*.unit", L, OTHER_NUMBER, ""),
    ANY("partners.*.attributes.*.combine", L, OTHER_NUMBER, NULL),
    MAP("questions", named),
    {"questions.*", whole, L, T, "one kind of question more", "one kind of question less", NULL, 0},
    {"questions.*.ask", ask, L, T, MORE_ASK, FEWER_ASK, NULL, 0},
    {"questions.*.filters", set, L, T, MORE_FILTERS, FEWER_FILTERS, NULL, 0},
    {"questions.*.pairs", set, L, T, "one table more can be asked", "one table less can be asked",
     NULL, 0},
    MAP("privacy", map),
    ANY("privacy.unit", L, "what is protected changes", NULL),
    {"privacy.minimum_count", number, T, L, "small cells are hidden more",
     "smaller cells are shown", NULL, 0},
    {"privacy.minimum_audience", number, T, L, "small groups are refused more",
     "smaller groups may be asked about", NULL, 0},
    MAP("privacy.budget", map),
    {"privacy.budget.rho", number, L, T, MORE_BUDGET, LESS_BUDGET, NULL, 9},
    {"privacy.budget.daily_rho", number, L, T, "more may be learned in a day",
     "less may be learned in a day", NULL, 9},
    {"privacy.budget.lifetime_rho", number, L, T, MORE_BUDGET, LESS_BUDGET, NULL, 9},
    {"privacy.budget.delta", number, L, T, "the guarantee may fail more often",
     "the guarantee may fail less often", NULL, 18},
    {"privacy.budget.days", number, T, L, "the budget has to last longer",
     "the budget comes back sooner", NULL, 0},
    MAP("privacy.cost", map),
    {"privacy.cost.count_rho", number, L, T, MORE_PRICE, LESS_PRICE, NULL, 9},
    {"privacy.cost.table_rho", number, L, T, MORE_PRICE, LESS_PRICE, NULL, 9},
    {"privacy.cost.reach_rho", number, L, T, MORE_PRICE, LESS_PRICE, "0.001", 9},
    MAP("audit", map),
    {"audit.witnesses", witnesses, T, L, "one more looks at every log",
     "one fewer looks at every log", NULL, 0},
    {"audit.quorum", witness_quorum, T, L, "more witnesses have to sign a log",
     "fewer witnesses are enough under a log", NULL, 0},
};

const struct diff_rule *const DIFF_RULES = RULES;
const size_t DIFF_RULE_COUNT = PT_LEN(RULES);
