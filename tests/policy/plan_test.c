/* Goal: a plan is read as written, each defect has one sentence with its place, and its questions
 * are the policy's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/plan.h"
#include "tests/policy_fixture.h"

#define HEAD "patto-plan: 1\nname: launch\nasker: freshmart\n"

static void a_plan_is_read(void **state)
{
    static const char TEXT[] =
        HEAD "budget_rho: 0.02\n"
             "audiences: {loyal: [segment=loyal, \"spend>=20\"]}\n"
             "questions:\n"
             "  - {id: together, ask: overlap, with: drinkco, audience: loyal,\n"
             "     where: [drinkco.tier=gold]}\n"
             "  - {id: all, ask: reach, with: [drinkco, homeware]}\n"
             "  - {id: taste, ask: affinity, with: drinkco, rows: buys, columns: drinkco.buys}\n";
    struct policy *policy = fixture_three();
    struct plan *p;
    struct question q;
    struct pt_err err = {0};

    (void)state;
    if (plan_parse(&p, span_z(TEXT), &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(p->name, "launch");
    assert_int_equal(p->budget_nano, 20000000);
    assert_int_equal(p->question_count, 3);
    assert_int_equal(p->questions[0].where_count, 3);
    assert_int_equal(p->questions[0].line, 7);
    assert_string_equal(p->questions[1].with, "drinkco,homeware");
    assert_int_equal(plan_question_make(&q, policy, p, &p->questions[0], QUESTION_OVERLAP, &err),
                     PT_OK);
    assert_int_equal(q.filter_count, 3);
    assert_int_equal(plan_question_make(&q, policy, p, &p->questions[2], QUESTION_CROSSTAB, &err),
                     PT_OK);
    assert_string_equal(policy->partners[q.asker].name, "freshmart");
    assert_string_equal(policy->partners[q.with].attributes[q.columns].name, "buys");
    plan_free(p);
    policy_free(policy);
}

static void one_defect_one_sentence(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {"", "line 1"},
        {"[]", "line 1"},
        {HEAD, "questions"},
        {HEAD "questions: []\n", "line 4"},
        {HEAD "questions: [{ask: overlap, with: drinkco}]\n", "id"},
        {HEAD "questions: [{id: a, ask: overlaps, with: drinkco}]\n", "overlap"},
        {HEAD "questions: [{id: a, ask: overlap}]\n", "with"},
        {HEAD "questions: [{id: a, ask: overlap, with: []}]\n", "a partner, or a list"},
        {HEAD "questions: [{id: a, ask: overlap, with: [DRINK]}]\n", "the name of a partner"},
        {HEAD "questions: [{id: a, ask: overlap, with: b, audience: loyal}]\n",
         "a name under audiences"},
        {HEAD "audiences: {loyal: [a=b]}\nquestions: [{id: a, ask: overlap, with: b, "
              "audience: loyall}]\n",
         "did you mean 'loyal'"},
        {HEAD "audiences: {loyal: a}\nquestions: [{id: a, ask: overlap, with: b}]\n", "line 4"},
        {HEAD "questions: [{id: a, ask: overlap, with: b, where: [a, b, c, d, e, f, g, h, i]}]\n",
         "line 4"},
        {HEAD "audiences: {l: [a, b, c, d, e]}\nquestions: [{id: a, ask: overlap, with: b, "
              "audience: l, where: [a, b, c, d, e]}]\n",
         "more than 8 conditions"},
        {HEAD "questions:\n- {id: a, ask: overlap, with: b}\n- {id: a, ask: reach, with: b}\n",
         "id a is taken, on line 5"},
        {HEAD "budget_rho: lots\nquestions: [{id: a, ask: overlap, with: b}]\n", "budget_rho"},
        {HEAD "kwestions: []\n", "kwestions"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct plan *p;
        struct pt_err err = {0};
        assert_int_equal(plan_parse(&p, span_z(CASES[i].text), &err), PT_EPARSE);
        assert_null(p);
        if (strstr(err.msg, CASES[i].want) == NULL)
            fail_msg("case %zu: expected '%s' in '%s'", i, CASES[i].want, err.msg);
    }
}

static void names_that_the_policy_lacks_are_told(void **state)
{
    static const char TEXT[] = HEAD "questions: [{id: a, ask: overlap, with: drinkc}]\n";
    struct policy *policy = fixture_three();
    struct plan *p;
    struct question q;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(plan_parse(&p, span_z(TEXT), &err), PT_OK);
    assert_int_equal(plan_question_make(&q, policy, p, p->questions, QUESTION_OVERLAP, &err),
                     PT_EUSAGE);
    assert_non_null(strstr(err.msg, "drinkc"));
    plan_free(p);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_read),
        cmocka_unit_test(one_defect_one_sentence),
        cmocka_unit_test(names_that_the_policy_lacks_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
