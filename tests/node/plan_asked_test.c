/* Goal: what was spent at each partner is added up from the answers that came, by window.
 * Method: events written by hand around the borders of a day and of a budget period. */
#include "node/plan_asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/policy_fixture.h"
#include "tests/scratch.h"

enum { DAY_S = 86400 };

static void answers_are_added_up(void **state)
{
    struct policy *p = fixture_policy(3);
    struct budget_spent sums[PLAN_ASKED_MAX];
    struct store *s = NULL;
    struct store_place place;
    struct pt_err err = {0};
    /* Ten days into the second period; 06:00 of that day. */
    const int64_t first_s = budget_period_end_s(p, p->first_from_s);
    const int64_t now_s = first_s - first_s % DAY_S + 10 * DAY_S + 6 * 3600;
    const struct {
        int64_t at_s;
        const char *kind, *fields;
    } EVENTS[] = {
        {first_s - 1, "received", "kind=overlap with=drinkco charged=0.1 outcome=answered"},
        {first_s, "received", "kind=overlap with=drinkco charged=0.01 outcome=answered"},
        {now_s - 7 * 3600, "received", "kind=reach with=drinkco charged=0.001 outcome=refused"},
        {now_s - 6 * 3600, "received", "kind=reach with=drinkco charged=0.0001 outcome=answered"},
        {now_s, "received", "kind=reach with=homeware charged=0.000000001"},
        {now_s, "received", "kind=reach with=homeware charged=odd"},
        {now_s, "received", "kind=reach with=somebody charged=1"},
        {now_s, "received", "kind=reach with=drinkcompany charged=1"},
        {now_s, "asked", "kind=reach with=drinkco rho=1 charged=1"},
        {now_s, "charge", "recipient=drinkco with=drinkco charged=1"},
    };

    assert_int_equal(store_open(&s, scratch_path(state, "state.db"), STORE_WRITE, &err), PT_OK);
    for (size_t i = 0; i < PT_LEN(EVENTS); i++)
        assert_int_equal(
            store_event(&place, s, EVENTS[i].kind, EVENTS[i].fields, EVENTS[i].at_s, &err), PT_OK);
    assert_int_equal(plan_asked_read(sums, s, p, now_s, &err), PT_OK);
    for (size_t i = 0; i < p->partner_count; i++) {
        const char *name = p->partners[i].name;
        struct budget_spent want = {0};
        if (strcmp(name, "drinkco") == 0)
            want = (struct budget_spent){11100000, 100000, 111100000};
        if (strcmp(name, "homeware") == 0)
            want = (struct budget_spent){1, 1, 1};
        assert_int_equal(sums[i].period_nano, want.period_nano);
        assert_int_equal(sums[i].today_nano, want.today_nano);
        assert_int_equal(sums[i].lifetime_nano, want.lifetime_nano);
    }
    store_close(s);
    policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_are_added_up, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
