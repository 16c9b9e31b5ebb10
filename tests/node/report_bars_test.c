#include "node/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void set(struct answer_cell *c, const char *row, const char *column, struct figure f)
{
    snprintf(c->row, sizeof c->row, "%s", row);
    snprintf(c->column, sizeof c->column, "%s", column);
    c->count = f;
}

/* Goal: on a terminal, bars stand in one column behind figures, as long as the figures say. */
static void bars_are_in_proportion(void **state)
{
    struct answer_cell cells[3] = {0};
    struct answer a = {.kind = ANSWER_OVERLAP,
                       .asker = "freshmart",
                       .with = "drinkco",
                       .cells = cells,
                       .cell_count = 3};
    const struct report_style style = {.format = REPORT_TABLE, .bars = true};
    struct buf out = {0};
    struct pt_err err;

    (void)state;
    set(&cells[0], "overlap", "freshmart & drinkco",
        (struct figure){.status = FIGURE_VALUE, .value = 30123.4, .half_width = 311.2});
    set(&cells[1], "audience", "freshmart",
        (struct figure){.status = FIGURE_VALUE, .value = 100000});
    set(&cells[2], "audience", "drinkco",
        (struct figure){.status = FIGURE_SUPPRESSED, .reason = REASON_MINIMUM, .value = 77777});
    assert_int_equal(report_write(&out, &a, &style, &err), PT_OK);
    assert_true(buf_u8(&out, '\0'));
    const char *text = (const char *)out.p;
    assert_non_null(strstr(text, "  ######..............\n")); /* 30,123 of 100,000 */
    assert_non_null(strstr(text, "  ####################\n")); /* the largest */
    const char *hidden = strstr(text, "suppressed\n");         /* none behind what is hidden */
    assert_non_null(hidden);
    /* Where a label leaves no room, there are none, and no line is over 80 places. */
    memset(cells[1].column, 'x', 40);
    out.n = 0;
    assert_int_equal(report_write(&out, &a, &style, &err), PT_OK);
    assert_true(buf_u8(&out, '\0'));
    assert_null(strchr((const char *)out.p, '#'));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bars_are_in_proportion)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
