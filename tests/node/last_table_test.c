/* Goal: a bubble's renewal looks back to the newest epoch before its own whose table was asked,
 * whatever reading asked for it, however often this epoch's is read; and to nothing else.
 * Method: answers of two rows and three columns, made by hand, through a store of its own; what the
 * renewal must be is renewal_estimate() of the very figures (renewal_test.c has its mathematics). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/last_table.h"
#include "proto/readings.h"
#include "proto/renewal.h"
#include "tests/scratch.h"

enum { ROWS = 2, COLUMNS = 3, TABLE = (ROWS + 1) * (COLUMNS + 1), MEASURES = 7, NOW = 1800000000 };

static struct figure count(double v)
{
    return (struct figure){.status = FIGURE_VALUE, .value = v, .half_width = 40};
}

/* Cells of an answer of that epoch: counts that depend on it. */
static struct answer *answer_new(enum answer_kind kind, const char *epoch, double turn)
{
    static const char *const NAMES[] = {ANSWER_ALL, "a", "b", "c"};
    struct answer *a = calloc(1, sizeof *a);
    size_t n = TABLE + (kind == ANSWER_BUBBLE ? (ROWS + 1) * MEASURES : 0);

    assert_non_null(a);
    a->kind = kind;
    snprintf(a->question, sizeof a->question, "crosstab\nshop\nbrand\n");
    snprintf(a->epoch, sizeof a->epoch, "%s", epoch);
    a->cells = calloc(n, sizeof *a->cells);
    assert_non_null(a->cells);
    a->cell_count = n;
    for (size_t i = 0; i < TABLE; i++) {
        const size_t column = i % (COLUMNS + 1);
        snprintf(a->cells[i].row, ANSWER_WORD_MAX, "%s", NAMES[i / (COLUMNS + 1)]);
        snprintf(a->cells[i].column, ANSWER_WORD_MAX, "%s", NAMES[column]);
        a->cells[i].count = count(1000 + turn * (double)column);
    }
    for (size_t i = TABLE; i < n; i++) {
        const size_t m = (i - TABLE) % MEASURES;
        const enum reading_measure last = MEASURE_RENEWAL_HIGH;
        snprintf(a->cells[i].row, ANSWER_WORD_MAX, "%s",
                 readings_measure_name((enum reading_measure)(last - (MEASURES - 1) + m)));
        a->cells[i].count = (struct figure){.status = FIGURE_SUPPRESSED, .reason = REASON_EARLIER};
    }
    return a;
}

static struct store *open_store(void **state)
{
    struct pt_err err = {0};
    struct store *s = NULL;

    if (store_open(&s, scratch_path(state, "state.db"), STORE_WRITE, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return s;
}

/* i: the renewal, its low end, its high end. */
static const struct figure *renewal_of(const struct answer *a, size_t row, size_t i)
{
    return &a->cells[TABLE + row * MEASURES + MEASURES - 3 + i].count;
}

static void answer_drop(struct answer *a)
{
    answer_free(a);
    free(a);
}

static void same_figure(const struct figure *got, struct figure want)
{
    assert_int_equal(got->status, FIGURE_VALUE);
    assert_memory_equal(&got->value, &want.value, sizeof want.value);
    assert_memory_equal(&got->half_width, &want.half_width, sizeof want.half_width);
}

static void check_row(const struct answer *a, const struct answer *then, size_t row)
{
    const size_t first = row * (COLUMNS + 1) + 1;
    struct figure now[COLUMNS];
    struct figure past[COLUMNS];
    struct renewal want;

    if (then == NULL) {
        assert_int_equal(renewal_of(a, row, 0)->status, FIGURE_SUPPRESSED);
        assert_int_equal(renewal_of(a, row, 0)->reason, REASON_EARLIER);
        return;
    }
    for (size_t b = 0; b < COLUMNS; b++) {
        now[b] = a->cells[first + b].count;
        past[b] = then->cells[first + b].count;
    }
    renewal_estimate(&want, now, past, COLUMNS);
    same_figure(renewal_of(a, row, 0), want.renewal);
    same_figure(renewal_of(a, row, 1), want.low);
    same_figure(renewal_of(a, row, 2), want.high);
}

/* One answer passes by; what its renewal then looks back to. Uses a up. */
static void ask(struct store *s, struct answer *a, const char *since, const struct answer *then)
{
    struct pt_err err = {0};

    if (last_table(a, s, NOW, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(a->since, since);
    for (size_t row = 0; a->kind == ANSWER_BUBBLE && row <= ROWS; row++)
        check_row(a, then, row);
    answer_drop(a);
}

static void looks_back_one_epoch(void **state)
{
    struct store *s = open_store(state);
    struct answer *first = answer_new(ANSWER_AFFINITY, "100", 0);
    struct answer *second = answer_new(ANSWER_BUBBLE, "101", 500);

    ask(s, answer_new(ANSWER_AFFINITY, "100", 0), "", NULL);
    ask(s, answer_new(ANSWER_BUBBLE, "100", 0), "", NULL);
    ask(s, answer_new(ANSWER_BUBBLE, "101", 500), "100", first);
    ask(s, answer_new(ANSWER_AFFINITY, "101", 500), "", NULL); /* no renewal, and nothing moves */
    ask(s, answer_new(ANSWER_BUBBLE, "101", 500), "100", first);
    ask(s, answer_new(ANSWER_BUBBLE, "104", 200), "101", second);
    ask(s, answer_new(ANSWER_BUBBLE, "104", 200), "101", second);
    answer_drop(first);
    answer_drop(second);
    store_close(s);
}

static void other_tables_are_not_compared(void **state)
{
    struct store *s = open_store(state);
    struct answer *other = answer_new(ANSWER_CROSSTAB, "100", 0);
    struct answer *renamed = answer_new(ANSWER_CROSSTAB, "102", 0);

    snprintf(other->question, sizeof other->question, "crosstab\nshop\nother\n");
    snprintf(renamed->cells[5].column, ANSWER_WORD_MAX, "another");
    ask(s, other, "", NULL);
    ask(s, answer_new(ANSWER_BUBBLE, "101", 0), "", NULL);
    ask(s, renamed, "", NULL);
    ask(s, answer_new(ANSWER_BUBBLE, "103", 0), "", NULL);
    store_close(s);
}

/* What was kept and cannot be read is an error, and not "nothing was kept". */
static void a_damaged_table_is_told(void **state)
{
    struct store *s = open_store(state);
    struct answer *a = answer_new(ANSWER_BUBBLE, "101", 0);
    const struct span parts[] = {span_z("newest"), span_z(a->question)};
    struct pt_err err = {0};
    struct digest key;

    hash_parts(&key, "patto/table/1", parts, PT_LEN(parts));
    assert_int_equal(store_answer_put(s, &key, span_z("not a table"), NOW, &err), PT_OK);
    assert_int_not_equal(last_table(a, s, NOW, &err), PT_OK);
    assert_non_null(strstr(err.msg, "kept from an earlier epoch"));
    answer_drop(a);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(looks_back_one_epoch, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(other_tables_are_not_compared, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_table_is_told, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
