/* Goal: every key of a policy is explained, with its line, in both languages, and the numbers are
 * those that the formulas give.
 * Method: tests/policy/three.yaml as it is and with every optional key; expectations by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/explain.h"
#include "policy/yaml.h"
#include "tests/policy_fixture.h"

struct explained {
    struct buf text;
    struct policy *policy;
    struct explain e;
};

static void explain(struct explained *x, enum explain_language l, int partner)
{
    struct pt_err err = {0};

    x->policy = fixture_parse(buf_span(&x->text));
    const struct explain_in in = {x->policy, buf_span(&x->text), l, partner};
    if (explain_run(&x->e, &in, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

static void done(struct explained *x)
{
    explain_free(&x->e);
    policy_free(x->policy);
    buf_free(&x->text);
}

static const struct explain_sentence *saying(const struct explained *x, const char *words)
{
    for (size_t i = 0; i < x->e.count; i++)
        if (strstr(x->e.sentences[i].text, words) != NULL)
            return &x->e.sentences[i];
    return NULL;
}

static void expect(const struct explained *x, const char *words, uint32_t line)
{
    const struct explain_sentence *s = saying(x, words);

    if (s == NULL)
        fail_msg("nothing says '%s'", words);
    for (size_t i = 0; s != NULL && i < s->line_count; i++)
        if (s->lines[i] == line)
            return;
    fail_msg("'%s' does not come from line %u", words, (unsigned)line);
}

/* The largest privacy loss of a year: six periods of 0.2 touch it, 365 days of 0.01, 1.0 for ever.
 * Phi(sqrt(2 * 1.0) / 2) = Phi(0.7071) = 0.7602; of two others Phi(1) = 0.8413. Overlap: sigma^2 = 1 / (2 *
 * 0.0005) = 1000, 1.96 * 31.62 = 61.98. A table of 3 by 3 values a person: sigma^2 = (9 + 11/4) / 0.004 =
 * 2937.5, 1.96 * 54.2 = 106.2; charge and noise are a little above for the lattice. */
static void numbers_are_those_of_the_formulas(void **state)
{
    struct explained x = {0};

    (void)state;
    fixture_three_text(&x.text);
    explain(&x, EXPLAIN_EN, -1);
    expect(&x, "is right at most 77 times in 100", 78);
    expect(&x, "all others together at most 85 times", 78);
    expect(&x, "In the worst year one partner can spend rho 1 at another", 78);
    expect(&x, "within 62 people of the truth in 95 of 100 cases", 79);
    expect(&x, "within 107 people", 79);
    expect(&x, "fewer than 100 people is shown", 76);
    expect(&x, "is below 1,000 people", 77);
    expect(&x, "at most rho 0.2 in 90 days, 0.01 in a day and 1 ever", 78);
    expect(&x, "freshmart.segment against drinkco.tier (3 by 3 cells)", 72);
    expect(&x, "Each of drinkco and freshmart may ask how many different people", 64);
    expect(&x, "For drinkco the legal basis is another one: legitimate-interests", 37);
    expect(&x, "from 2026-01-01 to 2026-12-31", 13);
    done(&x);
}

/* C_A = 1: sigma = 26.90, 1.96 of which is 52.7 people. A sum of 0..300 EUR is 150 T + 3 S, whose
 * noises are sigma and 50 sigma: 52.73 sqrt(150^2 + 150^2) = 11,186. */
static void a_value_is_explained(void **state)
{
    struct explained x = {0};

    (void)state;
    fixture_value_text(&x.text);
    explain(&x, EXPLAIN_EN, -1);
    expect(&x, "Each of drinkco and freshmart may ask another for the sum and the mean", 74);
    expect(&x,
           "That number may be drinkco.spend, by freshmart.segment (3 groups); below 0 it "
           "counts as 0, above 300 as 300.",
           78);
    expect(&x, "Each count is within 53 people of the truth and each sum within 11,186", 78);
    expect(&x, "by freshmart.buys (8 groups)", 79);
    assert_non_null(saying(&x, "sums and means of a number"));
    done(&x);
    x = (struct explained){0};
    fixture_value_text(&x.text);
    explain(&x, EXPLAIN_IT, 2); /* homeware has no part in it */
    assert_null(saying(&x, "Il numero può essere"));
    done(&x);
}

static void the_same_in_italian(void **state)
{
    struct explained x = {0};

    (void)state;
    fixture_three_text(&x.text);
    explain(&x, EXPLAIN_IT, -1);
    expect(&x, "ha ragione al massimo 77 volte su 100", 78);
    expect(&x, "sotto le 1.000 persone", 77);
    expect(&x, "al massimo rho 0,2 in 90 giorni", 78);
    expect(&x, "drinkco e freshmart può chiedere quante persone", 64);
    expect(&x, "pianificare campagne insieme", 5);
    done(&x);
}

/* Whose customers, and who asks: nothing of a third one's. */
static void a_partner_sees_its_own_side(void **state)
{
    struct explained x = {0};

    (void)state;
    fixture_three_text(&x.text);
    explain(&x, EXPLAIN_EN, 2); /* homeware */
    assert_non_null(saying(&x, "So homeware may learn about the customers of drinkco"));
    assert_non_null(saying(&x, "So drinkco may learn about the customers of homeware"));
    assert_null(saying(&x, "So drinkco may learn about the customers of freshmart"));
    assert_non_null(saying(&x, "may set freshmart.buys against homeware.buys"));
    assert_null(saying(&x, "may set freshmart.buys against drinkco.buys"));
    done(&x);
}

static void what_is_not_permitted_is_said(void **state)
{
    struct explained x = {0};

    (void)state;
    fixture_three_text(&x.text);
    fixture_replace(&x.text,
                    (struct fixture_change){"  reach: {ask: [freshmart, drinkco], filters: "
                                            "[freshmart.segment, drinkco.tier]}\n",
                                            ""});
    fixture_replace(&x.text, (struct fixture_change){"  contact: privacy@freshmart.example\n", ""});
    explain(&x, EXPLAIN_EN, -1);
    expect(&x, "how many people are reached in each combination may not be asked at all", 58);
    expect(&x, "No contact for the people concerned is named", 7);
    done(&x);
}

/* Two partners, and what may be left out is: 365 days of 0.002 make 0.73, less than six periods of 0.2
 * and than 1.0 for ever; Phi(sqrt(2 * 0.73) / 2) = Phi(0.6042) = 0.7271. */
static void what_is_left_out_is_passed_over(void **state)
{
    static const struct fixture_change LESS[] = {
        {", unit: EUR", ""},
        {"daily_rho: 0.01", "daily_rho: 0.002"},
    };
    struct fixture_partner partners[2];
    struct explained x = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        fixture_partner_init(&partners[i], i, NULL);
    fixture_policy_text(&x.text, partners, 2);
    for (size_t i = 0; i < PT_LEN(LESS); i++)
        fixture_replace(&x.text, LESS[i]);
    explain(&x, EXPLAIN_EN, -1);
    for (size_t i = 0; i < x.e.count; i++)
        assert_true(x.e.sentences[i].text[0] != '\0' && x.e.sentences[i].line_count > 0);
    assert_non_null(saying(&x, "no unit"));
    assert_non_null(saying(&x, "rho 0.73"));
    assert_non_null(saying(&x, "at most 73 times in 100"));
    assert_null(saying(&x, "all others together"));
    done(&x);
}

static bool cited(const struct explained *x, uint32_t line)
{
    for (size_t i = 0; i < x->e.count; i++)
        for (size_t k = 0; k < x->e.sentences[i].line_count; k++)
            if (x->e.sentences[i].lines[k] == line)
                return true;
    return false;
}

static void leaves_are_cited(const struct explained *x, const struct yaml_node *node)
{
    bool leaf = node->kind != YAML_MAP;
    uint32_t line = node->key_line != 0 ? node->key_line : node->line;

    if (leaf && !cited(x, line))
        fail_msg("no sentence explains '%.*s', line %u", (int)node->key.n,
                 (const char *)node->key.p, (unsigned)line);
    for (size_t i = 0; !leaf && i < node->child_count; i++)
        leaves_are_cited(x, &node->children[i]);
}

static void how_many_witnesses_must_agree_is_said(void **state)
{
    static const struct fixture_change FEWER = {"quorum: all", "quorum: 1"};
    struct explained x = {0};

    (void)state;
    fixture_three_text(&x.text);
    fixture_replace(&x.text, FEWER);
    explain(&x, EXPLAIN_EN, -1);
    expect(&x, "drinkco and freshmart watch over it, and 1 of them must agree", 80);
    done(&x);
}

static void no_key_is_passed_over(void **state)
{
    static const struct fixture_change FULL[] = {
        {"version: 1\n",
         "version: 2\nprevious: "
         "sha256:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0\n"},
        {"legal:\n", "publishable: false\nlegal:\n"},
        {"slots_per_customer: 4\n",
         "slots_per_customer: 4\n  key_period_days: 60\n  evaluations_per_day: 2000000\n"},
        {"  cost: {count_rho: 0.0005, table_rho: 0.002}",
         "  cost:\n    count_rho: 0.0005\n    table_rho: 0.002\n    reach_rho: 0.002"},
        {"  budget: {rho: 0.2, delta: 1e-9, days: 90, daily_rho: 0.01, lifetime_rho: 1.0}",
         "  budget:\n    rho: 0.2\n    delta: 1e-9\n    days: 90\n    daily_rho: 0.01\n"
         "    lifetime_rho: 1.0"},
        {"audit: {witnesses: [freshmart, drinkco], quorum: all}",
         "audit:\n  witnesses: [freshmart, drinkco]\n  quorum: all"},
        {"valid: {from: 2026-01-01, until: 2026-12-31}",
         "valid:\n  from: 2026-01-01\n  until: 2026-12-31"},
        {"questions:\n",
         "  notary:\n    role: neutral\n    endpoint: node.notary.example:7443\n"
         "    certificate: "
         "sha256:a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3\n"
         "    officer: RWRzc3Nzc3NzcyFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsT\n"
         "    node: ed25519:304040e364c10f2bec9c1fe500a1cd4c247c89d650a01ed7e82caba867877c21\n"
         "questions:\n"},
        {"      spend: {type: number, min: 0, max: 500, unit: EUR, combine: sum}\n",
         "      spend:\n        type: number\n        min: 0\n        max: 500\n"
         "        unit: EUR\n        combine: sum\n"},
    };

    (void)state;
    for (int l = 0; l < EXPLAIN_LANGUAGES; l++) {
        struct explained x = {0};
        struct yaml *y = NULL;
        struct pt_err err = {0};
        fixture_three_text(&x.text);
        for (size_t i = 0; i < PT_LEN(FULL); i++)
            fixture_replace(&x.text, FULL[i]);
        explain(&x, (enum explain_language)l, -1);
        for (size_t i = 0; i < x.e.count; i++) {
            if (strpbrk(x.e.sentences[i].text, "{}") != NULL)
                fail_msg("something is not filled in: %s", x.e.sentences[i].text);
            assert_true(x.e.sentences[i].line_count > 0);
        }
        assert_int_equal(yaml_parse(&y, buf_span(&x.text), &err), PT_OK);
        leaves_are_cited(&x, yaml_root(y));
        yaml_free(y);
        done(&x);
    }
}

/* Each argument of the one language stands in the other. */
static void languages_take_the_same_arguments(void **state)
{
    (void)state;
    assert_string_equal(explain_word("a word of theirs", EXPLAIN_IT), "a word of theirs");
    for (int id = 0; id < SAY_COUNT; id++)
        for (char n = '1'; n <= '8'; n++) {
            const char hole[] = {'{', n, '}', '\0'};
            const char *en = explain_template((enum explain_id)id, EXPLAIN_EN);
            const char *it = explain_template((enum explain_id)id, EXPLAIN_IT);
            if ((strstr(en, hole) != NULL) != (strstr(it, hole) != NULL))
                fail_msg("%s stands in one of '%s' and '%s'", hole, en, it);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_formulas),
        cmocka_unit_test(a_value_is_explained),
        cmocka_unit_test(the_same_in_italian),
        cmocka_unit_test(a_partner_sees_its_own_side),
        cmocka_unit_test(what_is_not_permitted_is_said),
        cmocka_unit_test(what_is_left_out_is_passed_over),
        cmocka_unit_test(how_many_witnesses_must_agree_is_said),
        cmocka_unit_test(no_key_is_passed_over),
        cmocka_unit_test(languages_take_the_same_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
