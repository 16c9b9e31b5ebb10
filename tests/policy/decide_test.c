/* Goal: only what the policy lists may be asked, and a refusal names clause and line.
 * Method: tests/policy/three.yaml, whose reach is for freshmart and drinkco alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "policy/decide.h"
#include "tests/policy_fixture.h"

struct ask {
    const char *kind, *asker, *with, *rows, *columns, *where;
    const char *refusal; /* NULL: permitted */
};

static void expect(const struct policy *p, const struct ask *a)
{
    const char *where[] = {a->where};
    struct question_words w = {.kind = a->kind,
                               .asker = a->asker,
                               .with = a->with,
                               .rows = a->rows,
                               .columns = a->columns,
                               .where = where,
                               .where_count = a->where == NULL ? 0 : 1};
    struct question q;
    struct pt_err err = {0};

    if (question_from_words(&q, p, &w, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(decide(p, &q, &err), a->refusal == NULL ? PT_OK : PT_EDENIED);
    if (a->refusal != NULL)
        assert_string_equal(err.msg, a->refusal);
}

static void what_is_listed_is_permitted_and_nothing_else(void **state)
{
    struct policy *p = fixture_three();
    static const struct ask cases[] = {
        {"overlap", "freshmart", "drinkco", NULL, NULL, NULL, NULL},
        {"overlap", "homeware", "drinkco", NULL, NULL, "drinkco.tier=gold", NULL},
        {"overlap", "homeware", "drinkco", NULL, NULL, "buys=pets",
         "questions.overlap.filters, line 62: homeware.buys is not listed"},
        {"reach", "freshmart", "drinkco", NULL, NULL, "segment=new", NULL},
        {"reach", "drinkco", "freshmart", NULL, NULL, NULL, NULL},
        {"reach", "homeware", "drinkco", NULL, NULL, NULL,
         "questions.reach.ask, line 64: homeware is not listed"},
        {"reach", "drinkco", "homeware", NULL, NULL, NULL,
         "questions.reach.ask, line 64: homeware is not listed"},
        {"crosstab", "freshmart", "drinkco", "buys", "buys", NULL, NULL},
        {"crosstab", "drinkco", "freshmart", "buys", "buys", NULL, NULL},
        {"crosstab", "drinkco", "homeware", "buys", "buys", NULL, NULL},
        {"crosstab", "drinkco", "freshmart", "tier", "buys", "freshmart.segment=new", NULL},
        {"crosstab", "drinkco", "freshmart", "buys", "segment", NULL,
         "questions.crosstab.pairs, line 68: drinkco.buys with freshmart.segment is not listed"},
        {"crosstab", "freshmart", "drinkco", "buys", "buys", "spend>=10",
         "questions.crosstab.filters, line 67: freshmart.spend is not listed"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++)
        expect(p, &cases[i]);
    policy_free(p);
}

/* Only who has the groups asks, and only of the number beside it. */
static void a_value_is_asked_by_whose_groups_they_are(void **state)
{
    struct policy *p = fixture_value();
    static const struct ask cases[] = {
        {"value", "freshmart", "drinkco", "segment", "spend", "drinkco.tier=gold", NULL},
        {"value", "freshmart", "drinkco", "buys", "spend", NULL, NULL},
        {"value", "drinkco", "freshmart", "tier", "spend", NULL, NULL},
        {"value", "drinkco", "freshmart", "buys", "spend", NULL,
         "questions.value.pairs, line 77: drinkco.buys with freshmart.spend is not listed"},
        {"value", "homeware", "drinkco", "buys", "spend", NULL,
         "questions.value.ask, line 75: homeware is not listed"},
        {"value", "freshmart", "drinkco", "segment", "spend", "drinkco.spend>=10",
         "questions.value.filters, line 76: drinkco.spend is not listed"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++)
        expect(p, &cases[i]);
    policy_free(p);
    p = fixture_three();
    const struct ask no = {"value",
                           "freshmart",
                           "drinkco",
                           "segment",
                           "spend",
                           NULL,
                           "questions, line 59: this policy lists no value; what is not listed may "
                           "not be asked"};
    expect(p, &no);
    policy_free(p);
}

/* three.yaml without its line that begins with `line`; up to `until` when that is given. */
static struct policy *without(const char *line, const char *until, const char *instead)
{
    struct buf text;
    struct buf cut = {0};

    fixture_three_text(&text);
    assert_true(buf_u8(&text, 0));
    const char *all = (const char *)text.p;
    const char *at = strstr(all, line);
    assert_non_null(at);
    const char *end = strstr(at, until);
    assert_non_null(end);
    assert_true(buf_printf(&cut, "%.*s%s%s", (int)(at - all), all, instead, end));
    struct policy *p = fixture_parse(buf_span(&cut));
    buf_free(&text);
    buf_free(&cut);
    return p;
}

static void what_is_left_out_is_refused(void **state)
{
    struct policy *p = without("  reach:", "  crosstab:", "");

    (void)state;
    expect(p, &(struct ask){"reach", "freshmart", "drinkco", NULL, NULL, NULL,
                            "questions, line 59: this policy lists no reach; what is not listed "
                            "may not be asked"});
    policy_free(p);
    /* Without filters: the line of the rule itself is named. */
    p = without("  reach:", "  crosstab:", "  reach: {ask: any}\n");
    expect(p, &(struct ask){"reach", "freshmart", "drinkco", NULL, NULL, "segment=new",
                            "questions.reach.filters, line 64: freshmart.segment is not listed"});
    expect(p, &(struct ask){"reach", "homeware", "drinkco", NULL, NULL, NULL, NULL});
    policy_free(p);
}

static void a_neutral_partner_has_no_part_in_a_question(void **state)
{
    struct fixture_partner partners[3];
    struct buf text;
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        fixture_partner_init(&partners[i], i, NULL);
    partners[2].neutral = true;
    fixture_policy_text(&text, partners, 3);
    struct policy *p = fixture_parse(buf_span(&text));
    /* question_from_words() would not build it: a peer's node might. drinkco, freshmart, homeware */
    struct question q = {.kind = QUESTION_OVERLAP, .asker = 0, .with = 2, .rho_nano = 1};
    assert_int_equal(decide(p, &q, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "homeware is not listed (a neutral partner has no customers)"));
    policy_free(p);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_listed_is_permitted_and_nothing_else),
        cmocka_unit_test(a_value_is_asked_by_whose_groups_they_are),
        cmocka_unit_test(what_is_left_out_is_refused),
        cmocka_unit_test(a_neutral_partner_has_no_part_in_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
