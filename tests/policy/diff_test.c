/* Goal: every change of a policy is seen, and judged as the officer would: tighter only when nobody
 * can learn more.
 * Method: tests/policy/three.yaml with every optional key written out, and one change a row; each
 * rule of the table must be the cause of some row; a change of any scalar whatever is seen; and
 * what is tighter one way is looser the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/diff.h"
#include "tests/policy_fixture.h"

/* Every key that may be left out. */
static const struct fixture_change FULL[] = {
    {"legal:\n", "publishable: false\nlegal:\n"},
    {"slots_per_customer: 4\n",
     "slots_per_customer: 4\n  key_period_days: 60\n  evaluations_per_day: 2000000\n"},
    {"table_rho: 0.002}", "table_rho: 0.002, reach_rho: 0.002}"},
    {"witnesses: [freshmart, drinkco]", "witnesses: [freshmart, drinkco, notary]"},
    {"questions:\n",
     "  notary:\n    role: neutral\n    endpoint: node.notary.example:7443\n"
     "    certificate: sha256:a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3\n"
     "    officer: RWRzc3Nzc3NzcyFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsT\n"
     "    node: ed25519:304040e364c10f2bec9c1fe500a1cd4c247c89d650a01ed7e82caba867877c21\n"
     "questions:\n"},
};

static void full_text(struct buf *out)
{
    fixture_three_text(out);
    for (size_t i = 0; i < PT_LEN(FULL); i++)
        fixture_replace(out, FULL[i]);
}

static void run(struct diff_report *r, const struct buf *before, const struct buf *after)
{
    struct policy *was = fixture_parse(buf_span(before));
    struct policy *is = fixture_parse(buf_span(after));
    const struct diff_side a = {was, buf_span(before)};
    const struct diff_side b = {is, buf_span(after)};
    struct pt_err err = {0};

    assert_int_equal(diff_run(r, &a, &b, &err), PT_OK);
    policy_free(was);
    policy_free(is);
}

#define T DIFF_TIGHTER
#define L DIFF_LOOSER
#define N DIFF_NEUTRAL
/* forth: the effect of the change on the path; back: that of taking it back. */
struct row {
    struct fixture_change change;
    const char *path, *pattern;
    enum diff_effect forth, back;
};
static const struct row ROWS[] = {
    {{"alpine-groceries", "alpine"}, "federation", "federation", L, L},
    {{"joint-campaign-planning", "measurement"}, "purpose", "purpose", L, L},
    {{"2026 summer", "2026 winter"}, "purpose_words", "purpose_words", N, N},
    {{"basis: consent", "basis: contract"}, "legal.basis", "legal.basis", N, N},
    {{"JCA-2026-014", "JCA-2026-015"}, "legal.arrangement", "legal.arrangement", N, N},
    {{"DPIA-2026-031", "DPIA-2026-032"}, "legal.dpia", "legal.dpia", N, N},
    {{"privacy@f", "dpo@f"}, "legal.contact", "legal.contact", N, N},
    {{"retention_days: 30", "retention_days: 31"},
     "legal.retention_days",
     "legal.retention_days",
     L,
     T},
    {{"from: 2026-01-01", "from: 2026-01-02"}, "valid.from", "valid.from", T, L},
    {{"until: 2026-12-31", "until: 2027-01-01"}, "valid.until", "valid.until", L, T},
    {{"identifier: email", "identifier: phone"}, "match.identifier", "match.identifier", L, L},
    {{"normalisation: uid2", "normalisation: meta"},
     "match.normalisation",
     "match.normalisation",
     L,
     L},
    {{"slots_per_customer: 4", "slots_per_customer: 8"},
     "match.slots_per_customer",
     "match.slots_per_customer",
     N,
     N},
    {{"key_period_days: 60", "key_period_days: 61"},
     "match.key_period_days",
     "match.key_period_days",
     L,
     T},
    {{"  key_period_days: 60\n", ""},
     "match.key_period_days",
     "match.key_period_days",
     L,
     T}, /* 90 */
    {{"evaluations_per_day: 2000000", "evaluations_per_day: 2000001"},
     "match.evaluations_per_day",
     "match.evaluations_per_day",
     L,
     T},
    {{"homeware:\n    endpoint: 127.0.0.1:7003", "homeware:\n    endpoint: 127.0.0.1:7004"},
     "partners.homeware.endpoint",
     "partners.*.endpoint",
     L,
     L},
    {{"sha256:a2", "sha256:b2"}, "partners.homeware.certificate", "partners.*.certificate", L, L},
    {{"y3z/p7al7TAJeWDgaYgdsS", "y3z/p7al7TAJeWDgaYgdsU"},
     "partners.homeware.officer",
     "partners.*.officer",
     L,
     L},
    {{"ed25519:20", "ed25519:21"}, "partners.homeware.node", "partners.*.node", L, L},
    {{"basis: legitimate-interests", "basis: consent"},
     "partners.drinkco.basis",
     "partners.*.basis",
     N,
     N},
    {{"customers: {min: 1, max", "customers: {min: 2, max"},
     "partners.freshmart.customers.min",
     "partners.*.customers.min",
     T,
     L},
    {{"max: 1000000}", "max: 1000001}"},
     "partners.freshmart.customers.max",
     "partners.*.customers.max",
     L,
     T},
    {{"segment: {type: category, values: [new, loyal, lapsed]}\n",
      "segment: {type: category, values: [new, loyal, lapsed]}\n      club: {type: category, "
      "values: [yes, no]}\n"},
     "partners.freshmart.attributes.club",
     "partners.*.attributes.*",
     L,
     T},
    {{"[new, loyal, lapsed]", "[new, loyal, lapsed, vip]"},
     "partners.freshmart.attributes.segment.values",
     "partners.*.attributes.*.values",
     L,
     T},
    {{"[new, loyal, lapsed]", "[loyal, new, lapsed]"},
     "partners.freshmart.attributes.segment.values",
     "partners.*.attributes.*.values",
     N,
     N},
    {{"type: category, values: [new, loyal, lapsed]",
      "type: set, max_per_person: 1, values: [new, loyal, lapsed]"},
     "partners.freshmart.attributes.segment.type",
     "partners.*.attributes.*.type",
     L,
     L},
    {{"max_per_person: 3", "max_per_person: 2"},
     "partners.freshmart.attributes.buys.max_per_person",
     "partners.*.attributes.*.max_per_person",
     L,
     L},
    {{"number, min: 0", "number, min: 1"},
     "partners.freshmart.attributes.spend.min",
     "partners.*.attributes.*.min",
     L,
     L},
    {{"max: 500", "max: 400"},
     "partners.freshmart.attributes.spend.max",
     "partners.*.attributes.*.max",
     L,
     L},
    {{"unit: EUR", "unit: CHF"},
     "partners.freshmart.attributes.spend.unit",
     "partners.*.attributes.*.unit",
     L,
     L},
    {{"combine: sum", "combine: max"},
     "partners.freshmart.attributes.spend.combine",
     "partners.*.attributes.*.combine",
     L,
     L},
    {{"  reach: {ask: [freshmart, drinkco], filters: [freshmart.segment, drinkco.tier]}\n", ""},
     "questions.reach",
     "questions.*",
     T,
     L},
    {{"reach: {ask: [freshmart, drinkco]", "reach: {ask: [freshmart, drinkco, homeware]"},
     "questions.reach.ask",
     "questions.*.ask",
     L,
     T},
    {{"reach: {ask: [freshmart, drinkco]", "reach: {ask: any"},
     "questions.reach.ask",
     "questions.*.ask",
     L,
     T},
    {{"reach: {ask: [freshmart, drinkco]", "reach: {ask: [drinkco, freshmart]"},
     "questions.reach.ask",
     "questions.*.ask",
     N,
     N},
    {{"reach: {ask: [freshmart, drinkco]", "reach: {ask: [freshmart, homeware]"},
     "questions.reach.ask",
     "questions.*.ask",
     L,
     L},
    {{"    ask: any\n    filters: [freshmart.segment, drinkco.tier]",
      "    ask: any\n    filters: [freshmart.segment]"},
     "questions.crosstab.filters",
     "questions.*.filters",
     T,
     L},
    {{"      - [freshmart.buys, homeware.buys]\n", ""},
     "questions.crosstab.pairs",
     "questions.*.pairs",
     T,
     L},
    {{"- [freshmart.buys, homeware.buys]", "- [homeware.buys, freshmart.buys]"},
     "questions.crosstab.pairs",
     "questions.*.pairs",
     N,
     N},
    {{"minimum_count: 100\n", "minimum_count: 99\n"},
     "privacy.minimum_count",
     "privacy.minimum_count",
     L,
     T},
    {{"minimum_audience: 1000\n", "minimum_audience: 999\n"},
     "privacy.minimum_audience",
     "privacy.minimum_audience",
     L,
     T},
    {{"{rho: 0.2", "{rho: 0.200000001"}, "privacy.budget.rho", "privacy.budget.rho", L, T},
    {{"delta: 1e-9", "delta: 1.1e-9"}, "privacy.budget.delta", "privacy.budget.delta", L, T},
    {{"days: 90", "days: 89"}, "privacy.budget.days", "privacy.budget.days", L, T},
    {{"daily_rho: 0.01", "daily_rho: 0.011"},
     "privacy.budget.daily_rho",
     "privacy.budget.daily_rho",
     L,
     T},
    {{"lifetime_rho: 1.0", "lifetime_rho: 1.1"},
     "privacy.budget.lifetime_rho",
     "privacy.budget.lifetime_rho",
     L,
     T},
    {{"count_rho: 0.0005", "count_rho: 0.0006"},
     "privacy.cost.count_rho",
     "privacy.cost.count_rho",
     L,
     T},
    {{"table_rho: 0.002,", "table_rho: 0.003,"},
     "privacy.cost.table_rho",
     "privacy.cost.table_rho",
     L,
     T},
    {{", reach_rho: 0.002", ""},
     "privacy.cost.reach_rho",
     "privacy.cost.reach_rho",
     T,
     L}, /* 0.001 */
    {{"freshmart, drinkco, notary]", "freshmart, drinkco, homeware, notary]"},
     "audit.witnesses",
     "audit.witnesses",
     T,
     L},
    {{"freshmart, drinkco, notary]", "drinkco, freshmart, notary]"},
     "audit.witnesses",
     "audit.witnesses",
     N,
     N},
    {{"quorum: all", "quorum: 2"}, "audit.quorum", "audit.quorum", L, T},
    {{"quorum: all", "quorum: 3"}, "audit.quorum", "audit.quorum", N, N}, /* of three */
};

static bool holds(const struct diff_report *r, const char *path, enum diff_effect effect)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->changes[i].path, path) == 0 && r->changes[i].effect == effect)
            return true;
    return false;
}

static void expect(size_t row, const struct diff_report *r, const char *path,
                   enum diff_effect effect)
{
    if (!holds(r, path, effect))
        fail_msg("row %zu (%s): expected %s, found %zu changes, the first %s of %s", row, path,
                 diff_effect_name(effect), r->count,
                 r->count > 0 ? diff_effect_name(r->changes[0].effect) : "none",
                 r->count > 0 ? r->changes[0].path : "nothing");
    if (effect == DIFF_TIGHTER && !diff_only_tighter(r))
        fail_msg("row %zu (%s) is not only tighter", row, path);
}

static void every_key_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        struct buf before;
        struct buf after;
        struct diff_report r;
        full_text(&before);
        full_text(&after);
        fixture_replace(&after, ROWS[i].change);
        run(&r, &before, &after);
        expect(i, &r, ROWS[i].path, ROWS[i].forth);
        diff_report_free(&r);
        run(&r, &after, &before);
        expect(i, &r, ROWS[i].path, ROWS[i].back);
        diff_report_free(&r);
        buf_free(&before);
        buf_free(&after);
    }
}

/* Rules that are met by other rows' whole changes, or have one value so far. */
static bool has_row(const char *pattern)
{
    static const char *const ONE_VALUE[] = {"publishable",    "privacy.unit", "patto",
                                            "version",        "previous",     "partners.*",
                                            "partners.*.role"};

    for (size_t i = 0; i < PT_LEN(ONE_VALUE); i++)
        if (strcmp(pattern, ONE_VALUE[i]) == 0)
            return true;
    for (size_t i = 0; i < PT_LEN(ROWS); i++)
        if (ROWS[i].pattern != NULL && (strcmp(ROWS[i].pattern, pattern) == 0 ||
                                        strncmp(ROWS[i].pattern, pattern, strlen(pattern)) == 0))
            return true;
    return false;
}

/* Files that no policy_parse() would take: whatever cannot be compared is looser, both ways. */
static void what_cannot_be_compared_is_looser(void **state)
{
    static const struct {
        const char *one, *other, *path;
    } CASES[] = {
        {"privacy: {minimum_count: [1]}", "privacy: {minimum_count: 100}", "privacy.minimum_count"},
        {"privacy: {minimum_count: x}", "privacy: {minimum_count: 100}", "privacy.minimum_count"},
        {"privacy: {}", "privacy: {minimum_count: 100}", "privacy.minimum_count"},
        {"valid: {from: [2026-01-01]}", "valid: {from: 2026-01-01}", "valid.from"},
        {"valid: {until: soon}", "valid: {until: 2026-01-01}", "valid.until"},
        {"valid: {}", "valid: {from: 2026-01-01}", "valid.from"},
        {"something_new: 1", "{}", "something_new"},
        {"something_new: 1", "something_new: {a: 1}", "something_new"},
        {"match: {identifier: [email]}", "match: {identifier: email}", "match.identifier"},
        {"questions: {crosstab: {pairs: [[a, b, c]]}}", "questions: {crosstab: {pairs: [[a, b]]}}",
         "questions.*.pairs"},
        {"questions: {crosstab: {pairs: [[a, b, c], [d, e]]}}",
         "questions: {crosstab: {pairs: [[d, e], [a, b, c]]}}", "questions.*.pairs"},
        {"questions: {crosstab: {pairs: [a]}}", "questions: {crosstab: {pairs: [[a, b]]}}",
         "questions.*.pairs"},
    };
    struct policy *p = fixture_three();

    (void)state;
    for (size_t i = 0; i < 2 * PT_LEN(CASES); i++) {
        const struct diff_side a = {p, span_z(CASES[i / 2].one)};
        const struct diff_side b = {p, span_z(CASES[i / 2].other)};
        struct diff_report r;
        struct pt_err err = {0};
        enum pt_code rc = i % 2 == 0 ? diff_run(&r, &a, &b, &err) : diff_run(&r, &b, &a, &err);
        assert_int_equal(rc, PT_OK);
        if (r.looser == 0 || diff_only_tighter(&r))
            fail_msg("%s: '%s' beside '%s' is not looser", CASES[i / 2].path, CASES[i / 2].one,
                     CASES[i / 2].other);
        diff_report_free(&r);
    }
    policy_free(p);
}

/* A report with a looser or a neutral change tightens nothing by itself, nor does an empty one. */
static void only_tighter_is_only_that(void **state)
{
    (void)state;
    assert_false(diff_only_tighter(&(struct diff_report){0}));
    assert_true(diff_only_tighter(&(struct diff_report){.tighter = 1}));
    assert_false(diff_only_tighter(&(struct diff_report){.tighter = 1, .looser = 1}));
    assert_false(diff_only_tighter(&(struct diff_report){.tighter = 1, .neutral = 1}));
    assert_string_equal(diff_effect_name((enum diff_effect)7), "looser"); /* fails closed */
}

static void every_rule_has_a_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < DIFF_RULE_COUNT; i++)
        if (!has_row(DIFF_RULES[i].pattern))
            fail_msg("no row here is about %s", DIFF_RULES[i].pattern);
}

static void pattern_of(struct diff_at *at, const struct diff_at *parent,
                       const struct yaml_node *child)
{
    bool named = strcmp(parent->pattern, "partners") == 0 ||
                 strcmp(parent->pattern, "questions") == 0 ||
                 strcmp(parent->pattern, "partners.*.attributes") == 0;

    diff_child(at, parent, child->key, named);
}

static void has_rules(const struct diff_at *at)
{
    if (diff_rule_find(at->pattern) == NULL)
        fail_msg("no rule for %s", at->pattern);
    for (size_t i = 0; at->before->kind == YAML_MAP && i < at->before->child_count; i++) {
        struct diff_at child;
        pattern_of(&child, at, &at->before->children[i]);
        has_rules(&child);
    }
}

/* A key that somebody adds to the grammar is looser until the table knows it; that it does is
 * checked here, by the policy that has every key. */
static void every_key_has_a_rule(void **state)
{
    struct buf text;
    struct yaml *y;
    struct pt_err err = {0};

    (void)state;
    full_text(&text);
    assert_int_equal(yaml_parse(&y, buf_span(&text), &err), PT_OK);
    struct diff_at root = {.before = yaml_root(y), .after = yaml_root(y)};
    has_rules(&root);
    yaml_free(y);
    buf_free(&text);
}

static void what_means_the_same_is_no_change(void **state)
{
    static const struct fixture_change SAME[] = {
        {"rho: 0.2,", "rho: 0.2000,"},
        {"minimum_count: 100", "minimum_count: 100 # as before"},
        {"legal:\n  basis: consent\n  arrangement: JCA-2026-014\n",
         "legal:\n  arrangement: JCA-2026-014\n  basis: consent\n"},
        {"version: 1\n",
         "version: 2\nprevious: "
         "sha256:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0\n"},
    };
    struct buf before;
    struct buf after;
    struct diff_report r;

    (void)state;
    full_text(&before);
    full_text(&after);
    for (size_t i = 0; i < PT_LEN(SAME); i++)
        fixture_replace(&after, SAME[i]);
    run(&r, &before, &after);
    if (r.count != 0)
        fail_msg("%s: %s", r.changes[0].path, r.changes[0].reason);
    assert_false(diff_only_tighter(&r));
    diff_report_free(&r);
    buf_free(&before);
    buf_free(&after);
}

/* Whoever leaves takes along its attributes, its place among those who ask, and its witness. */
static void leaving_is_tighter_and_joining_looser(void **state)
{
    static const struct fixture_change LEAVES[] = {
        {", homeware.segment]", "]"},
        {"      - [freshmart.buys, homeware.buys]\n", ""},
        {"      - [homeware.buys, drinkco.buys]\n", ""},
        {"[freshmart, drinkco, notary]", "[freshmart, drinkco]"},
    };
    struct buf before;
    struct buf after;
    struct diff_report r;

    (void)state;
    full_text(&before);
    full_text(&after);
    for (size_t i = 0; i < PT_LEN(LEAVES); i++)
        fixture_replace(&after, LEAVES[i]);
    const char *text = (const char *)after.p;
    const char *from = strstr(text, "  homeware:\n");
    const char *to = strstr(text, "questions:\n");
    assert_true(from != NULL && to != NULL && from < to);
    size_t head = (size_t)(from - text);
    size_t tail = (size_t)(to - text);
    memmove(after.p + head, after.p + tail, after.n - tail);
    after.n -= tail - head;
    run(&r, &before, &after);
    for (size_t i = 0; i < r.count; i++)
        if (r.changes[i].effect != DIFF_TIGHTER)
            fail_msg("%s: %s", r.changes[i].path, r.changes[i].reason);
    assert_true(holds(&r, "partners.homeware", DIFF_TIGHTER));
    assert_true(holds(&r, "partners.notary", DIFF_TIGHTER));
    assert_true(holds(&r, "audit.witnesses", DIFF_TIGHTER));
    diff_report_free(&r);
    run(&r, &after, &before);
    assert_true(holds(&r, "partners.homeware", DIFF_LOOSER));
    diff_report_free(&r);
    buf_free(&before);
    buf_free(&after);
}

/* A key of which the table knows nothing. */
static void what_is_not_known_is_looser(void **state)
{
    struct yaml_node was = {.kind = YAML_SCALAR, .text = span_z("1"), .line = 3};
    struct yaml_node is = {.kind = YAML_SCALAR, .text = span_z("2"), .line = 4};
    struct diff_report r = {0};
    struct diff d = {.report = &r};
    struct diff_at at = {&was, &is, "privacy.new_key", "privacy.new_key"};

    (void)state;
    diff_walk(&d, &at);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.changes[0].effect, DIFF_LOOSER);
    assert_int_equal(r.changes[0].old_line, 3);
    assert_int_equal(r.changes[0].new_line, 4);
    assert_string_equal(r.changes[0].before, "1");
    diff_report_free(&r);
}

static void what_is_shown_is_cut_between_characters(void **state)
{
    char text[201];
    char out[DIFF_SHOWN_MAX];
    struct yaml_node node = {.kind = YAML_SCALAR};

    (void)state;
    for (size_t i = 0; i < 100; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 3);
    node.text = span_z(text);
    diff_show(out, &node);
    assert_true(strlen(out) < DIFF_SHOWN_MAX);
    assert_int_equal(strlen(out) % 2, 1); /* whole characters and three dots */
    assert_string_equal(out + strlen(out) - 3, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_judged),
        cmocka_unit_test(what_cannot_be_compared_is_looser),
        cmocka_unit_test(only_tighter_is_only_that),
        cmocka_unit_test(every_rule_has_a_row),
        cmocka_unit_test(every_key_has_a_rule),
        cmocka_unit_test(what_means_the_same_is_no_change),
        cmocka_unit_test(leaving_is_tighter_and_joining_looser),
        cmocka_unit_test(what_is_not_known_is_looser),
        cmocka_unit_test(what_is_shown_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
