/* Goal: a forecast is read on 80 columns, whatever the plan says; and what it leaves of the budget
 * with each partner is caps less reserve, less what was asked before, less this plan.
 * Method: a plan with every kind of line, the caps of the fixture's policy done by hand. */
#include "node/plan_forecast.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "node/ledger.h"
#include "tests/policy_fixture.h"

enum { NOW_S = 1780000000 }; /* in 2026: the policy holds */

static const char QUESTIONS[] =
    "questions:\n"
    "  - {id: a-name-that-is-as-long-as-may-be, ask: overlap, with: drinkco}\n"
    "  - {id: taste, ask: affinity, with: drinkco, rows: buys, columns: drinkco.buys}\n"
    "  - {id: shares, ask: profile, with: drinkco, rows: buys, columns: drinkco.buys}\n"
    "  - {id: everybody, ask: reach, with: [drinkco, homeware]}\n"
    "  - {id: lifted, ask: lift, with: drinkco, rows: buys, columns: drinkco.segment}\n"
    "  - {id: unknown, ask: overlap, with: nobody-in-this-federation}\n";

struct bed {
    struct policy *policy;
    struct plan *plan;
    struct plan_forecast f;
};

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("%.12f is not %.12f", got, want);
}

static struct bed laid(const char *budget)
{
    struct bed b = {.policy = fixture_policy(3)};
    struct buf text = {0};
    struct pt_err err = {0};

    assert_true(
        buf_printf(&text, "patto-plan: 1\nname: test\nasker: freshmart\n%s%s", budget, QUESTIONS));
    if (plan_parse(&b.plan, buf_span(&text), &err) != PT_OK)
        fail_msg("%s", err.msg);
    buf_free(&text);
    return b;
}

static void decided(struct bed *b)
{
    struct pt_err err = {0};

    assert_int_equal(plan_forecast_decide(&b->f, b->policy, b->plan, &err), PT_OK);
    b->f.now_s = NOW_S;
}

static void freed(struct bed *b)
{
    plan_forecast_free(&b->f);
    plan_free(b->plan);
    policy_free(b->policy);
}

static char *printed(const struct plan_forecast *f)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    plan_forecast_text(out, f);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Columns of the widest line, in characters. */
static size_t widest(const char *text)
{
    size_t most = 0;
    size_t at = 0;

    for (; *text != '\0'; text++) {
        at = *text == '\n' ? 0 : at + (((unsigned char)*text & 0xC0) != 0x80);
        most = at > most ? at : most;
    }
    return most;
}

static void lines_have_80_columns(void **state)
{
    static const uint64_t SIZES[] = {100, 1000000, 16000000};
    static const char *const BUDGETS[] = {"", "budget_rho: 0.000001\n"};

    (void)state;
    for (size_t i = 0; i < PT_LEN(SIZES) * PT_LEN(BUDGETS); i++) {
        struct bed b = laid(BUDGETS[i % PT_LEN(BUDGETS)]);
        struct budget_spent asked[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX] = {{0}};
        struct pt_err err = {0};
        for (size_t k = 0; k < b.policy->partner_count; k++) {
            b.policy->partners[k].customers_max = SIZES[i / PT_LEN(BUDGETS)];
            asked[k] = (struct budget_spent){UINT64_C(99999999999), 0, UINT64_C(99999999999)};
        }
        decided(&b);
        assert_int_equal(plan_forecast_simulate(&b.f, 0.3, 1, NULL, &err), PT_OK);
        /* As wide as figures can be. */
        b.f.outcomes[2].out = (struct simulate_out){
            .cells = 66049, .group = 1e9, .half_width = 1e8, .relative = 1e9, .shown = 0};
        b.f.asked = i % 2 == 0 ? NULL : asked;
        char *text = printed(&b.f);
        if (widest(text) > 80)
            fail_msg("%zu columns:\n%s", widest(text), text);
        assert_non_null(strstr(text, "a-name-that-is-a "));
        assert_non_null(strstr(text, "(several partners: not simulated)"));
        assert_non_null(strstr(text, "paid before"));
        assert_int_equal(strstr(text, "ends here: over budget_rho") != NULL, i % 2 == 1);
        free(text);
        freed(&b);
    }
}

/* What of the caps of the fixture is there for questions: weeks that are left keep 0.0004 each, at
 * most a tenth of the cap. */
static void what_is_left_is_by_partner(void **state)
{
    struct bed b = laid("");
    struct budget_spent asked[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX] = {{0}};
    struct budget_spent kept;

    (void)state;
    decided(&b);
    const struct policy_privacy *v = &b.policy->privacy;
    budget_reserve(&kept, b.policy, LEDGER_REFRESH_RHO_NANO, NOW_S);
    /* drinkco: a count, a table, a third of reach; homeware: reach alone. */
    const uint64_t plan =
        b.f.outcomes[0].charge_nano + b.f.outcomes[1].charge_nano + b.f.outcomes[3].charge_nano;
    assert_int_equal(b.f.outcomes[2].charge_nano, 0);
    for (size_t i = 0; i < b.policy->partner_count; i++) {
        const char *name = b.policy->partners[i].name;
        uint64_t spent = strcmp(name, "drinkco") == 0    ? plan
                         : strcmp(name, "homeware") == 0 ? b.f.outcomes[3].charge_nano
                                                         : 0;
        uint64_t period = v->budget_rho_nano - kept.period_nano - spent;
        uint64_t ever = v->lifetime_rho_nano - kept.lifetime_nano - spent;
        assert_int_equal(b.f.spent_nano[i], spent);
        assert_true(ever > period);
        b.f.asked = NULL;
        near(plan_forecast_left(&b.f, i), 1e-9 * (double)period);
        b.f.asked = asked;
        asked[i] = (struct budget_spent){.period_nano = 3000000, .lifetime_nano = 3000000};
        near(plan_forecast_left(&b.f, i), 1e-9 * (double)(period - 3000000));
        /* Another period, the same life. */
        asked[i] = (struct budget_spent){.lifetime_nano = v->lifetime_rho_nano};
        near(plan_forecast_left(&b.f, i), -1e-9 * (double)(kept.lifetime_nano + spent));
    }
    char *text = printed(&b.f);
    assert_non_null(strstr(text, "short"));
    assert_null(strstr(text, "\nfreshmart ")); /* who asks owes itself nothing */
    free(text);
    freed(&b);
}

static void json_says_the_same(void **state)
{
    struct bed b = laid("");
    struct pt_err err = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    (void)state;
    decided(&b);
    assert_non_null(out);
    assert_int_equal(plan_forecast_json(out, &b.f, &err), PT_OK);
    assert_int_equal(fclose(out), 0);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    const json_t *partners = json_object_get(root, "partners");
    assert_int_equal(json_array_size(partners), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *p = json_array_get(partners, i);
        size_t k = 0;
        while (strcmp(b.policy->partners[k].name, json_string_value(json_object_get(p, "name"))) !=
               0)
            k++;
        assert_true(json_is_null(json_object_get(p, "asked_before_rho")));
        near(json_number_value(json_object_get(p, "left_rho")), plan_forecast_left(&b.f, k));
        near(json_number_value(json_object_get(p, "rho")), 1e-9 * (double)b.f.spent_nano[k]);
    }
    json_decref(root);
    free(text);
    freed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_80_columns),
        cmocka_unit_test(what_is_left_is_by_partner),
        cmocka_unit_test(json_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
