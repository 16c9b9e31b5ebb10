/* Goal: dates agree with the calendar. Method: `date -u -d DAY +%s` for chosen days, and every day
 * of four centuries in turn, counted independently of the code's formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/names.h"

static void days_of_the_calendar(void **state)
{
    static const struct {
        const char *day;
        int64_t first_s;
    } cases[] = {
        {"2000-01-01", 946684800},    {"2000-02-29", 951782400},  {"2000-03-01", 951868800},
        {"2026-12-01", 1796083200},   {"2028-02-29", 1835395200}, {"2100-03-01", 4107542400},
        {"9999-12-31", 253402214400},
    };
    char text[NAMES_DATE_BYTES];
    int64_t t;

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        assert_true(names_parse_date(&t, span_z(cases[i].day)));
        assert_int_equal(t, cases[i].first_s);
        names_print_date(text, t);
        assert_string_equal(text, cases[i].day);
        names_print_date(text, t + 86399);
        assert_string_equal(text, cases[i].day);
    }
    names_print_date(text, 0);
    assert_string_equal(text, "1970-01-01");
    names_print_date(text, -1);
    assert_string_equal(text, "1970-01-01");
}

static void days_follow_each_other(void **state)
{
    char text[NAMES_DATE_BYTES];
    int64_t first;
    int64_t t;

    (void)state;
    assert_true(names_parse_date(&first, span_z("2000-01-01")));
    for (int64_t day = 0; day < 36525; day++) { /* a century */
        names_print_date(text, first + day * 86400);
        assert_true(names_parse_date(&t, span_z(text)));
        assert_int_equal(t, first + day * 86400);
    }
    assert_string_equal(text, "2099-12-31");
}

static void what_is_no_day_is_refused(void **state)
{
    static const char *const bad[] = {
        "",           "2026-1-01",  "2026-01-1",  "2026/01/01",  "1999-12-31", "2026-00-10",
        "2026-13-10", "2026-04-31", "2026-02-29", "2100-02-29",  "2026-01-00", "2026-01-32",
        "20a6-01-01", "2026-0a-01", "2026-01-0a", "2026-01-012", "+026-01-01", "2026-01/01"};
    int64_t t;

    (void)state;
    for (size_t i = 0; i < PT_LEN(bad); i++)
        if (names_parse_date(&t, span_z(bad[i])))
            fail_msg("accepted: %s", bad[i]);
}

static void names_of_enums(void **state)
{
    struct digest d = {{0xAB, 0xCD}};
    char text[72];

    (void)state;
    assert_string_equal(policy_rules_name(RULES_META), "meta");
    assert_string_equal(policy_identifier_name(IDENTIFIER_PHONE), "phone");
    assert_string_equal(question_kind_name(QUESTION_CROSSTAB), "crosstab");
    policy_hash_text(text, &d);
    assert_string_equal(text, "sha256:abcd00000000000000000000000000000000000000000000000000000000"
                              "0000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_of_the_calendar),
        cmocka_unit_test(days_follow_each_other),
        cmocka_unit_test(what_is_no_day_is_refused),
        cmocka_unit_test(names_of_enums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
