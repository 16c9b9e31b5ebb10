/* Goal: a value's people, means and sums are in every format, and what is hidden is in none.
 * Method: an answer made by hand; JSON read back with jansson, CSV and table as they are written out. */
#include "node/report_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "node/page_plan.h"
#include "node/report.h"

static struct figure value(double v, double half_width)
{
    return (struct figure){.status = FIGURE_VALUE, .value = v, .half_width = half_width};
}

/* What a careless sender might leave behind: it must not show. */
static struct figure suppressed(enum figure_reason reason)
{
    return (struct figure){
        .status = FIGURE_SUPPRESSED, .reason = reason, .value = 77777, .half_width = 66666};
}

static struct answer_cell cells[3];

static struct answer made(void)
{
    static const char *const ROWS[] = {ANSWER_ALL, "dairy", "fruit"};
    struct answer a = {.kind = ANSWER_VALUE,
                       .asker = "freshmart",
                       .with = "drinkco",
                       .rows = "buys",
                       .columns = "spend",
                       .cells = cells,
                       .cell_count = 3};

    for (size_t i = 0; i < 3; i++) {
        snprintf(cells[i].row, sizeof cells[i].row, "%s", ROWS[i]);
        snprintf(cells[i].column, sizeof cells[i].column, "spend, EUR");
        cells[i].count = value(12345.6 / (double)(i + 1), 83.2);
        cells[i].derived = value(101.234, 0.3416);
        cells[i].sum = value(1250000.4, 17000.2);
    }
    cells[1].derived = value(0.51, 12);
    cells[2].count = suppressed(REASON_MINIMUM);
    cells[2].derived = cells[2].sum = suppressed(REASON_DERIVED);
    return a;
}

static char *written(enum report_format format)
{
    const struct answer a = made();
    const struct report_style style = {.format = format};
    struct buf out = {0};
    struct pt_err err;

    assert_int_equal(report_write(&out, &a, &style, &err), PT_OK);
    char *text = strndup((const char *)out.p, out.n);
    assert_non_null(text);
    buf_free(&out);
    assert_null(strstr(text, "77777"));
    assert_null(strstr(text, "77,777"));
    return text;
}

static void has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("'%s' is not in\n%s", words, text);
}

/* Half widths rounded up; a mean's two digits of it. */
static void a_table_has_people_mean_and_sum(void **state)
{
    (void)state;
    char *text = written(REPORT_TABLE);
    has(text, "value of freshmart with drinkco: spend, EUR by buys");
    has(text, "people");
    has(text, "mean");
    has(text, "12,346 \xc2\xb1 84");
    has(text, "101.23 \xc2\xb1 0.35");
    has(text, "1,250,000 \xc2\xb1 17,001");
    has(text, "1 \xc2\xb1   12");
    has(text, "suppressed: below minimum_count");
    free(text);
}

static double real(const json_t *cell, const char *key)
{
    assert_true(json_is_number(json_object_get(cell, key)));
    return json_number_value(json_object_get(cell, key));
}

static void json_has_the_intervals(void **state)
{
    static const char *const HIDDEN[] = {"value", "mean",    "mean_low", "mean_high",
                                         "sum",   "sum_low", "sum_high"};
    (void)state;
    char *text = written(REPORT_JSON);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *all = json_array_get(json_object_get(root, "cells"), 0);
    const json_t *hidden = json_array_get(json_object_get(root, "cells"), 2);
    assert_string_equal(json_string_value(json_object_get(root, "kind")), "value");
    assert_string_equal(json_string_value(json_object_get(all, "column")), "spend, EUR");
    assert_true(real(all, "value") == 12345.6);
    assert_true(real(all, "mean") == 101.234);
    assert_true(real(all, "mean_low") < 100.893 && real(all, "mean_low") > 100.892);
    assert_true(real(all, "mean_high") > 101.575 && real(all, "mean_high") < 101.576);
    assert_true(real(all, "sum") == 1250000.4);
    assert_true(real(all, "sum_low") == 1233000.2);
    assert_true(real(all, "sum_high") > 1267000.5);
    for (size_t i = 0; i < PT_LEN(HIDDEN); i++)
        assert_true(json_is_null(json_object_get(hidden, HIDDEN[i])));
    assert_string_equal(json_string_value(json_object_get(hidden, "mean_reason")),
                        figure_reason_name(REASON_DERIVED));
    json_decref(root);
    free(text);
}

static void csv_has_the_intervals(void **state)
{
    (void)state;
    char *text = written(REPORT_CSV);
    has(text, "row,column,status,value,half_width,reason,mean,mean_low,mean_high,sum,sum_low,"
              "sum_high\r\n"
              "(all),\"spend, EUR\",value,12345.6,83.2,,101.234,100.8924,101.5756,1250000.4,"
              "1233000.2,1267000.6\r\n");
    has(text, "\r\nfruit,\"spend, EUR\",suppressed,,,below minimum_count or 2.5 standard "
              "errors,,,,,,\r\n");
    free(text);
}

static void a_page_has_bars_of_both(void **state)
{
    const struct answer a = made();
    char *text = NULL;
    size_t n = 0;

    (void)state;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    page_answer(out, &a);
    fclose(out);
    has(text, "<h4>mean of spend, EUR</h4>");
    has(text, "<h4>sum of spend, EUR</h4>");
    has(text, "<th>mean</th><th>sum</th>");
    has(text, "data-value=\"101.234\"");
    has(text, "data-value=\"1250000.4\"");
    has(text, "below minimum_count");
    assert_null(strstr(text, "77777"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_has_people_mean_and_sum),
        cmocka_unit_test(json_has_the_intervals),
        cmocka_unit_test(csv_has_the_intervals),
        cmocka_unit_test(a_page_has_bars_of_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
