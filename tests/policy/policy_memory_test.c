/* Goal: when memory ends anywhere, a policy, a comparison, findings, sentences and a question are
 * whole or not there: nothing is left out silently, and nothing is leaked.
 * Method: each operation with each of its allocations failing, alone and with all that follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfyaml.h>

#include "policy/diff.h"
#include "policy/explain.h"
#include "policy/freeze.h"
#include "policy/lint.h"
#include "policy/plan.h"
#include "policy/question.h"
#include "policy/quorum.h"
#include "tests/failing_memory.h"
#include "tests/policy_fixture.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
struct fy_diag *__real_fy_diag_create(const struct fy_diag_cfg *cfg);
struct fy_diag *__wrap_fy_diag_create(const struct fy_diag_cfg *cfg);
struct fy_diag *__wrap_fy_diag_create(const struct fy_diag_cfg *cfg)
{
    return memory_ends() ? NULL : __real_fy_diag_create(cfg);
}
struct fy_parser *__real_fy_parser_create(const struct fy_parse_cfg *cfg);
struct fy_parser *__wrap_fy_parser_create(const struct fy_parse_cfg *cfg);
struct fy_parser *__wrap_fy_parser_create(const struct fy_parse_cfg *cfg)
{
    return memory_ends() ? NULL : __real_fy_parser_create(cfg);
}
int __real_fy_parser_set_string(struct fy_parser *p, const char *s, size_t n);
int __wrap_fy_parser_set_string(struct fy_parser *p, const char *s, size_t n);
int __wrap_fy_parser_set_string(struct fy_parser *p, const char *s, size_t n)
{
    return memory_ends() ? -1 : __real_fy_parser_set_string(p, s, n);
}
/* NOLINTEND(bugprone-reserved-identifier) */

enum { CALLS_MAX = 20000 };

static struct buf text, other; /* test state: two policies, the second one tighter */
static struct policy *first, *second;
static struct buf frozen, signatures[POLICY_PARTNERS_MAX], asked;
static const struct question_words WORDS = {
    .kind = "crosstab",
    .asker = "freshmart",
    .with = "drinkco",
    .rows = "buys",
    .columns = "tier",
    .where = (const char *const[]){"freshmart.segment=new", "drinkco.spend>=20"},
    .where_count = 2};

static enum pt_code parse(struct pt_err *err)
{
    struct policy *p;
    enum pt_code rc = policy_parse(&p, buf_span(&text), err);

    assert_true((rc == PT_OK) == (p != NULL));
    policy_free(p);
    return rc;
}

static enum pt_code compare(struct pt_err *err)
{
    const struct diff_side a = {first, buf_span(&text)};
    const struct diff_side b = {second, buf_span(&other)};
    struct diff_report r;
    enum pt_code rc = diff_run(&r, &a, &b, err);

    diff_report_free(&r);
    return rc;
}

static enum pt_code look(struct pt_err *err)
{
    const struct lint_in in = {.policy = first, .file = buf_span(&text), .now_s = 1782000000};
    struct lint_report r;
    enum pt_code rc = lint_run(&r, &in, err);

    lint_report_free(&r);
    return rc;
}

static enum pt_code explain(enum explain_language l, struct pt_err *err)
{
    const struct explain_in in = {first, buf_span(&text), l, -1};
    struct explain e;
    enum pt_code rc = explain_run(&e, &in, err);

    explain_free(&e);
    return rc;
}
static enum pt_code explain_en(struct pt_err *err)
{
    return explain(EXPLAIN_EN, err);
}
static enum pt_code explain_it(struct pt_err *err)
{
    return explain(EXPLAIN_IT, err);
}

static enum pt_code read_question(struct pt_err *err)
{
    struct question q;
    return question_parse(&q, first, buf_span(&asked), err);
}

static enum pt_code print_question(struct pt_err *err)
{
    struct question q;
    struct buf out = {0};
    enum pt_code rc = question_from_words(&q, first, &WORDS, err);

    if (rc == PT_OK && (rc = question_print(&out, first, &q, err)) == PT_OK)
        assert_true(span_eq_vartime(buf_span(&out), buf_span(&asked)));
    buf_free(&out);
    return rc;
}

static enum pt_code read_plan(struct pt_err *err)
{
    static const char PLAN[] =
        "patto-plan: 1\nname: launch\nasker: freshmart\nbudget_rho: 0.02\n"
        "audiences: {loyal: [segment=loyal, spend>=20]}\nquestions:\n"
        "  - {id: a, ask: overlap, with: drinkco, audience: loyal, where: [drinkco.tier=gold]}\n"
        "  - {id: b, ask: reach, with: [drinkco, homeware]}\n";
    struct plan *p;
    struct question q;
    enum pt_code rc = plan_parse(&p, span_z(PLAN), err);

    assert_true((rc == PT_OK) == (p != NULL));
    if (p != NULL)
        rc = plan_question_make(&q, first, p, &p->questions[0], QUESTION_OVERLAP, err);
    plan_free(p);
    return rc;
}

static enum pt_code print_freeze(struct pt_err *err)
{
    const struct freeze f = {.federation = "alpine", .officer = "freshmart", .reason = "why"};
    struct buf out = {0};
    enum pt_code rc = freeze_print(&out, &f, err);

    buf_free(&out);
    return rc;
}

static enum pt_code check_freeze(struct pt_err *err)
{
    struct freeze f;
    return freeze_check(&f, first, buf_span(&frozen), err);
}

static enum pt_code check_signatures(struct pt_err *err)
{
    struct span s[POLICY_PARTNERS_MAX];

    for (size_t i = 0; i < POLICY_PARTNERS_MAX; i++)
        s[i] = buf_span(&signatures[i]);
    return quorum_check_signatures(first, buf_span(&text), s, err);
}

/* May it say no for another reason than memory? Only where no is what a failure has to mean. */
static const struct {
    enum pt_code (*run)(struct pt_err *err);
    bool may_deny;
} RUNS[] = {
    {parse, false},          {compare, false},         {look, false},
    {explain_en, false},     {explain_it, false},      {read_question, false},
    {print_question, false}, {read_plan, false},       {print_freeze, false},
    {check_freeze, true},    {check_signatures, true},
};

static void memory_may_end_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * PT_LEN(RUNS); i++) {
        size_t n = 0;
        for (bool ended = true; ended; n++) {
            struct pt_err err = {0};
            memory_end_after(n, i % 2 == 1);
            enum pt_code rc = RUNS[i / 2].run(&err);
            memory_is_enough();
            ended = memory_failed;
            assert_true(n < CALLS_MAX);
            if (!ended && rc != PT_OK)
                fail_msg("run %zu: %s", i / 2, err.msg);
            if (ended && rc != PT_ENOMEM && !(RUNS[i / 2].may_deny && rc == PT_EDENIED))
                fail_msg("run %zu: call %zu failed, and it says %d '%s'", i / 2, n, rc, err.msg);
        }
        assert_true(n > 1); /* otherwise nothing was tried */
    }
}

static void sign_all(void)
{
    struct pt_err err = {0};

    for (size_t i = 0; i < 3; i++) {
        struct fixture_partner who;
        fixture_partner_init(&who, i, NULL);
        int at = policy_find_partner(first, who.name);
        assert_true(at >= 0);
        assert_int_equal(
            minisign_sign(&signatures[at], &who.officer, buf_span(&text), "version 1", &err),
            PT_OK);
    }
}

static void freeze_it(void)
{
    struct freeze f = {.federation = "alpine-groceries",
                       .policy = first->hash,
                       .officer = "freshmart",
                       .at_s = 1782000000,
                       .reason = "a laptop was stolen"};
    struct fixture_partner who;
    struct buf signature = {0};
    struct pt_err err = {0};

    fixture_partner_init(&who, 0, NULL);
    assert_int_equal(freeze_print(&frozen, &f, &err), PT_OK);
    assert_int_equal(minisign_sign(&signature, &who.officer, buf_span(&frozen), "t", &err), PT_OK);
    assert_true(buf_add(&frozen, signature.p, signature.n));
    buf_free(&signature);
}

static int prepare(void **state)
{
    struct question q;
    struct pt_err err = {0};

    (void)state;
    fixture_value_text(&text);
    fixture_three_text(&other);
    for (unsigned i = 0; i < 40; i++) { /* more changes than a report has room for at first */
        char line[64];
        snprintf(line, sizeof line, "values: [new%u, ", i);
        fixture_replace(&other, (struct fixture_change){"values: [", line});
    }
    first = fixture_parse(buf_span(&text));
    second = fixture_parse(buf_span(&other));
    assert_int_equal(question_from_words(&q, first, &WORDS, &err), PT_OK);
    assert_int_equal(question_print(&asked, first, &q, &err), PT_OK);
    sign_all();
    freeze_it();
    return 0;
}

static int clean(void **state)
{
    (void)state;
    policy_free(first);
    policy_free(second);
    for (size_t i = 0; i < POLICY_PARTNERS_MAX; i++)
        buf_free(&signatures[i]);
    buf_free(&text);
    buf_free(&other);
    buf_free(&frozen);
    buf_free(&asked);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_may_end_anywhere)};
    return cmocka_run_group_tests(tests, prepare, clean);
}
