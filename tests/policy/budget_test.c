/* Goal: prices, charges and caps follow PROTOCOL.md 5 to the last nano-rho.
 * Method: the figures printed there; charges against fractions worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/budget.h"
#include "tests/policy_fixture.h"

enum { ANY_DELTA = 1 << 16 };

static struct question ask(const struct policy *p, enum question_kind kind, const char *rows,
                           const char *columns)
{
    struct question q;
    struct pt_err err = {0};
    struct question_words w = {.kind = question_kind_name(kind),
                               .asker = "freshmart",
                               .with = "drinkco",
                               .rows = rows,
                               .columns = columns};

    if (question_from_words(&q, p, &w, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return q;
}

static void near(double got, double want, double tolerance)
{
    if (fabs(got - want) > tolerance)
        fail_msg("%g, expected %g", got, want);
}

static void widths_are_those_of_the_protocol(void **state)
{
    struct policy *p = fixture_three();
    struct budget_price price;
    static const struct {
        enum question_kind kind;
        const char *rows, *columns;
        double cell, margin;
    } cases[] = {
        {QUESTION_OVERLAP, NULL, NULL, 31.6, 63.2},
        {QUESTION_REACH, NULL, NULL, 31.6, 31.6},
        {QUESTION_CROSSTAB, "buys", "buys", 54.2, 108.4},
        {QUESTION_CROSSTAB, "segment", "tier", 23.7, 47.4},
        /* C_A = 3, C_B = 1: sqrt((3 + (3 + 2 + 2)/4) / 0.004) = 34.46 */
        {QUESTION_CROSSTAB, "buys", "tier", 34.46, 68.92},
        /* C_A = 1, C_B = 3: sqrt((3 + (1 + 6 + 2)/4) / 0.004) = 36.23 */
        {QUESTION_CROSSTAB, "segment", "buys", 36.23, 72.46},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct question q = ask(p, cases[i].kind, cases[i].rows, cases[i].columns);
        budget_price(&price, p, &q, ANY_DELTA);
        near(budget_sigma(price.cell), cases[i].cell, 0.051);
        near(budget_sigma(price.margin), cases[i].margin, 0.11);
    }
    policy_free(p);
}

/* A value's parts are worth rho together: sensitivity^2 / 2 sigma^2 of each, C_A groups at most, added
 * up. C_A = 1: sigma = sqrt(2.75 / (2 * 0.0019)) = 26.90; C_A = 3: sqrt(6.75 / 0.0038) = 42.15. */
static void a_value_is_the_sum_of_its_parts(void **state)
{
    struct policy *p = fixture_value();
    static const struct {
        const char *rows;
        double groups, cell;
    } cases[] = {{"segment", 1, 26.90}, {"buys", 3, 42.15}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct question q = ask(p, QUESTION_VALUE, cases[i].rows, "spend");
        struct budget_price price;
        budget_price(&price, p, &q, ANY_DELTA);
        double cell = budget_sigma(price.cell);
        double margin = budget_sigma(price.margin);
        double square = budget_sigma(price.square);
        near(cell, cases[i].cell, 0.006);
        near(margin, 2 * cell, 1e-9);
        near(square, 2500 / sqrt(2 * 0.0001), 0.1); /* a twentieth of 0.002 */
        double counts = cases[i].groups / (2 * cell * cell) + 1 / (2 * margin * margin);
        double sums = cases[i].groups * 50 * 50 / (2 * 50 * 50 * cell * cell) +
                      50 * 50 / (2 * 50 * 50 * margin * margin);
        double size = 1 / (2 * margin * margin);
        double squares = 2500.0 * 2500 / (2 * square * square);
        near(counts + sums + size + squares, 0.002, 1e-12);
        assert_int_equal(price.charge_nano, 2000123); /* as a table's, below */
        budget_price(&price, p, &(struct question){.kind = QUESTION_OVERLAP, .rho_nano = 1}, 1);
        assert_int_equal(price.square.num, 0);
    }
    policy_free(p);
}

static void charges_round_up_exactly(void **state)
{
    struct policy *p = fixture_three();
    struct budget_price price;
    static const struct {
        enum question_kind kind;
        uint64_t rho_nano;
        uint32_t delta;
        uint64_t charge_nano;
    } cases[] = {
        /* (1 + 2/2)^2 = 4: exact */
        {QUESTION_OVERLAP, 500000, 2, 2500000},
        {QUESTION_REACH, 1000000, 2, 4000000},
        {QUESTION_CROSSTAB, 2000000, 2, 8000000},
        /* (1 + 2/1)^2 = 9; 1.25 * 9 * 1 = 11.25 -> 12 */
        {QUESTION_OVERLAP, 1, 1, 12},
        /* (18/16)^2 = 81/64: 1000000 * 81/64 = 1265625 exactly; 1000001 -> 1265626.27 */
        {QUESTION_REACH, 1000000, 16, 1265625},
        {QUESTION_REACH, 1000001, 16, 1265627},
        /* 2000000 * (32769/32768)^2 = 2000122.0722 */
        {QUESTION_CROSSTAB, 2000000, 1 << 16, 2000123},
        /* the largest of each: 10 * (1 + 2/(2^32-1))^2 = 10.00000000931... */
        {QUESTION_CROSSTAB, 10000000000, UINT32_MAX, 10000000010},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct question q =
            ask(p, cases[i].kind, cases[i].kind == QUESTION_CROSSTAB ? "buys" : NULL,
                cases[i].kind == QUESTION_CROSSTAB ? "buys" : NULL);
        q.rho_nano = cases[i].rho_nano;
        budget_price(&price, p, &q, cases[i].delta);
        assert_int_equal(price.charge_nano, cases[i].charge_nano);
    }
    policy_free(p);
}

static void epsilon_is_that_of_the_protocol(void **state)
{
    static const struct {
        uint64_t rho_nano;
        double epsilon, tolerance;
    } table[] = {
        {1000000, 0.245, 0.0006}, {10000000, 0.81, 0.006},  {20000000, 1.16, 0.006},
        {50000000, 1.88, 0.006},  {100000000, 2.72, 0.006}, {200000000, 3.93, 0.006},
        {500000000, 6.47, 0.006},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(table); i++)
        near(budget_epsilon(table[i].rho_nano, 1e-9), table[i].epsilon, table[i].tolerance);
    near(budget_epsilon(0, 1e-9), 0, 0);
    assert_true(budget_epsilon(1, 1e-9) < 0.001);
}

static void a_cap_that_is_met_exactly_holds(void **state)
{
    struct policy *p = fixture_three(); /* daily 0.01, period 0.2, lifetime 1.0 */
    struct pt_err err;
    static const struct {
        struct budget_spent spent;
        uint64_t charge, left;
        const char *refusal; /* NULL: fits */
    } cases[] = {
        {{0, 0, 0}, 10000000, 10000000, NULL},
        {{0, 0, 0}, 10000001, 10000000, "daily"},
        {{8000000, 8000000, 8000000}, 2000000, 2000000, NULL},
        {{8000000, 8000000, 8000000}, 2000001, 2000000, "daily"},
        {{198000000, 0, 198000000}, 2000000, 2000000, NULL},
        {{198000000, 0, 198000000}, 2000001, 2000000, "period"},
        {{0, 0, 999000000}, 1000000, 1000000, NULL},
        {{0, 0, 999000000}, 1000001, 1000000, "lifetime"},
        {{0, 0, 1000000000}, 1, 0, "lifetime"},
        {{0, 0, 1000000000}, 0, 0, NULL},
        /* A policy may lower a cap below what is spent: nothing is left, nothing wraps. */
        {{300000000, 0, 300000000}, 1, 0, "period"},
        {{0, 0, 0}, UINT64_MAX, 10000000, "lifetime"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        err = (struct pt_err){0};
        enum pt_code rc = budget_check(p, &cases[i].spent, cases[i].charge, &err);
        assert_int_equal(rc, cases[i].refusal == NULL ? PT_OK : PT_EDENIED);
        if (cases[i].refusal != NULL) {
            assert_non_null(strstr(err.msg, "privacy.budget, line 78: "));
            assert_non_null(strstr(err.msg, cases[i].refusal));
        }
        assert_int_equal(budget_left(p, &cases[i].spent), cases[i].left);
    }
    assert_int_equal(budget_check(p, &(struct budget_spent){0}, 10000001, &err), PT_EDENIED);
    assert_string_equal(err.msg, "privacy.budget, line 78: this answer costs rho 0.010000001 and "
                                 "0.01 of the daily budget of 0.01 is left; ask again tomorrow "
                                 "(UTC)");
    policy_free(p);
}

static void thresholds_and_periods(void **state)
{
    struct policy *p = fixture_three();
    int64_t from = p->valid_from_s;
    int64_t period = INT64_C(90) * 86400;

    (void)state;
    near(budget_threshold(p, 10), 100, 0);
    near(budget_threshold(p, 40), 100, 0);
    near(budget_threshold(p, 41), 102.5, 1e-12);
    assert_int_equal(budget_period_start_s(p, from), from);
    assert_int_equal(budget_period_start_s(p, from + period - 1), from);
    assert_int_equal(budget_period_start_s(p, from + period), from + period);
    assert_int_equal(budget_period_start_s(p, from + 3 * period + 5), from + 3 * period);
    assert_int_equal(budget_period_start_s(p, from - 1), from - period);
    assert_int_equal(budget_period_start_s(p, from - period), from - period);
    /* A later version of a policy that began ten days earlier. */
    p->first_from_s = from - 10 * 86400;
    assert_int_equal(budget_period_start_s(p, from), p->first_from_s);
    assert_int_equal(budget_period_end_s(p, from), p->first_from_s + period);
    policy_free(p);
}

/* Goal: questions leave one refresh a remaining week, and little of a small cap. */
static void the_reserve_shrinks_with_the_weeks(void **state)
{
    enum { REFRESH = 400000 };
    static const struct {
        uint64_t cap_nano;
        int64_t days_left;
        uint64_t want;
    } cases[] = {
        {200000000, 90, 13 * REFRESH}, /* 12.9 weeks */
        {200000000, 84, 12 * REFRESH}, /* twelve to the second */
        {200000000, 8, 2 * REFRESH},
        {200000000, 1, REFRESH},
        {40000000, 90, 4000000}, /* a tenth */
        {3000000, 90, REFRESH},  /* a tenth is less than one */
        {500000, 90, 250000},    /* half */
        {0, 90, 0},
    };
    struct policy *p = fixture_three();
    struct budget_spent r;

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        p->privacy.budget_rho_nano = cases[i].cap_nano;
        budget_reserve(&r, p, REFRESH, p->valid_from_s + (90 - cases[i].days_left) * 86400);
        assert_int_equal(r.period_nano, cases[i].want);
        assert_int_equal(r.today_nano, REFRESH); /* of 0.01 */
    }
    p->valid_until_s = p->valid_from_s + 10 * 7 * 86400;
    budget_reserve(&r, p, REFRESH, p->valid_from_s);
    assert_int_equal(r.lifetime_nano, 10 * REFRESH);
    budget_reserve(&r, p, REFRESH, p->valid_until_s + 1);
    assert_int_equal(r.lifetime_nano, REFRESH);
    p->valid_until_s = INT64_MAX / 2;
    budget_reserve(&r, p, REFRESH, p->valid_from_s);
    assert_int_equal(r.lifetime_nano, 100000000); /* a tenth of 1.0 */
    policy_free(p);
}

/* Goal: the cap that leaves least is named; of equal ones the one that lasts longest.
 * three.yaml: daily 0.01, period 0.2, lifetime 1.0. */
static void the_cap_that_binds_is_named(void **state)
{
    struct policy *p = fixture_three();
    static const struct {
        struct budget_spent spent;
        const char *name;
    } cases[] = {
        {{.today_nano = 0}, "daily_rho"},
        {{.period_nano = 190000001}, "rho"},
        {{.period_nano = 190000000}, "rho"}, /* 0.01 of both: the period lasts longer */
        {{.period_nano = 189999999}, "daily_rho"},
        {{.lifetime_nano = 990000000, .period_nano = 190000000}, "lifetime_rho"},
        {{.lifetime_nano = 2000000000, .period_nano = 300000000}, "lifetime_rho"},
        {{.today_nano = 10000000, .period_nano = 10000000}, "daily_rho"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++)
        assert_string_equal(budget_cap_name(budget_binds(p, &cases[i].spent)), cases[i].name);
    policy_free(p);
}

/* Goal: colluding partners' rho adds up, each window by itself, and never wraps. */
static void pooled_is_the_sum_of_each(void **state)
{
    const struct budget_spent each[] = {{1, 20, 300}, {4000, 50000, 600000}, {7, 8, 9}};
    const struct budget_spent much[] = {{UINT64_MAX - 1, 0, 5}, {2, 0, UINT64_MAX}};
    struct budget_spent sum;

    (void)state;
    budget_pool(&sum, each, 0);
    assert_int_equal(sum.period_nano + sum.today_nano + sum.lifetime_nano, 0);
    budget_pool(&sum, each, PT_LEN(each));
    assert_int_equal(sum.period_nano, 4008);
    assert_int_equal(sum.today_nano, 50028);
    assert_int_equal(sum.lifetime_nano, 600309);
    budget_pool(&sum, much, PT_LEN(much));
    assert_true(sum.period_nano == UINT64_MAX && sum.lifetime_nano == UINT64_MAX);
    assert_int_equal(sum.today_nano, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_those_of_the_protocol),
        cmocka_unit_test(a_value_is_the_sum_of_its_parts),
        cmocka_unit_test(charges_round_up_exactly),
        cmocka_unit_test(epsilon_is_that_of_the_protocol),
        cmocka_unit_test(a_cap_that_is_met_exactly_holds),
        cmocka_unit_test(thresholds_and_periods),
        cmocka_unit_test(the_reserve_shrinks_with_the_weeks),
        cmocka_unit_test(the_cap_that_binds_is_named),
        cmocka_unit_test(pooled_is_the_sum_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
