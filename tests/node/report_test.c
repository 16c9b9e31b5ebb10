/* Goal: the three formats hold the same typed cells, fit, align and quote.
 * Method: answers made by hand; JSON is read back with jansson, CSV compared with lines written out
 * after RFC 4180, tables measured place by place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/report.h"
#include "node/table.h"

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

static void set(struct answer_cell *c, const char *row, const char *column, struct figure f)
{
    snprintf(c->row, sizeof c->row, "%s", row);
    snprintf(c->column, sizeof c->column, "%s", column);
    c->count = f;
}

static struct answer base(enum answer_kind kind, size_t cell_count)
{
    struct answer a = {
        .kind = kind,
        .asker = "freshmart",
        .with = "drinkco",
        .question = "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\n"
                    "where=freshmart.segment=new\nrho=0.0005\n",
        .build = "patto test",
        .epoch = "1",
        .charged_rho_nano = 625000,
        .left_rho_nano = 199375000,
        .audit_position = 12,
        .receipts = "drinkco-00.tlog-proof",
        .hashes = "drinkco=ab",
        .cell_count = cell_count,
    };
    memset(a.policy.b, 0xab, sizeof a.policy.b);
    snprintf(a.threat_model, sizeof a.threat_model, "%s", answer_threat_model());
    a.cells = calloc(cell_count, sizeof a.cells[0]);
    assert_non_null(a.cells);
    return a;
}

static struct answer overlap(void)
{
    struct answer a = base(ANSWER_OVERLAP, 3);
    set(&a.cells[0], "overlap", "freshmart & drinkco", value(30123.4, 311.2));
    set(&a.cells[1], "audience", "freshmart", value(100000, 0));
    set(&a.cells[2], "audience", "drinkco", suppressed(REASON_MINIMUM));
    return a;
}

/* 2 x 2 with margins: every status, a label to quote, one in another script. */
static struct answer affinity(void)
{
    static const char *const ROWS[] = {ANSWER_ALL, "caf\303\251, \"a\"", "dairy"};
    static const char *const COLUMNS[] = {ANSWER_ALL, "gold", "\xe7\x89\x9b\xe4\xb9\xb3"};
    struct answer a = base(ANSWER_AFFINITY, 9);
    snprintf(a.rows, sizeof a.rows, "buys");
    snprintf(a.columns, sizeof a.columns, "tier");
    for (size_t i = 0; i < 9; i++) {
        set(&a.cells[i], ROWS[i / 3], COLUMNS[i % 3], value(1234.5 * (double)(i + 1), 50.25));
        a.cells[i].derived = value(100, 0);
    }
    a.cells[4].derived = value(137.4, 8.1);
    a.cells[5].derived = value(64, 12);
    a.cells[7].count = suppressed(REASON_MINIMUM);
    a.cells[7].derived = value(21, 9);
    a.cells[8].count = value(-3.5, 60);
    a.cells[8].derived = suppressed(REASON_EXPECTED);
    return a;
}

static char *write_as(const struct answer *a, enum report_format format, bool colour)
{
    struct report_style style = {.format = format, .colour = colour};
    struct pt_err err = {0};
    struct buf out = {0};
    assert_int_equal(report_write(&out, a, &style, &err), PT_OK);
    char *text = strndup((const char *)out.p, out.n);
    assert_non_null(text);
    assert_int_equal(strlen(text), out.n);
    buf_free(&out);
    return text;
}

static json_t *read_json(const struct answer *a)
{
    char *text = write_as(a, REPORT_JSON, false);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

static double real(const json_t *object, const char *key)
{
    assert_true(json_is_number(json_object_get(object, key)));
    return json_number_value(json_object_get(object, key));
}

static void is_null(const json_t *object, const char *key)
{
    assert_true(json_is_null(json_object_get(object, key)));
}

static void is_text(const json_t *object, const char *key, const char *want)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), want);
}

static void json_has_what_the_issue_names(void **state)
{
    (void)state;
    struct answer a = overlap();
    json_t *root = read_json(&a);
    json_t *cells = json_object_get(root, "cells");
    is_text(root, "question", a.question);
    is_text(root, "policy",
            "sha256:abababababababababababababababababababababababababababababababab");
    is_text(root, "epoch", "1");
    assert_true(real(root, "charged_rho") == 0.000625);
    assert_true(real(root, "left_rho") == 0.199375);
    is_text(root, "threat_model", answer_threat_model());
    assert_int_equal(json_array_size(cells), 3);
    json_t *cell = json_array_get(cells, 0);
    assert_int_equal(json_object_size(cell), 6);
    is_text(cell, "row", "overlap");
    is_text(cell, "column", "freshmart & drinkco");
    is_text(cell, "status", "value");
    assert_true(fabs(real(cell, "value") - 30123.4) < 1e-6);
    assert_true(fabs(real(cell, "half_width") - 311.2) < 1e-6);
    is_null(cell, "reason");
    cell = json_array_get(json_object_get(root, "answers"), 0);
    is_text(cell, "owner", "drinkco");
    is_text(cell, "hash", "ab");
    assert_string_equal(json_string_value(json_array_get(json_object_get(root, "receipts"), 0)),
                        "drinkco-00.tlog-proof");
    cell = json_array_get(cells, 2);
    is_text(cell, "status", "suppressed");
    is_null(cell, "value");
    is_null(cell, "half_width");
    is_text(cell, "reason", figure_reason_name(REASON_MINIMUM));
    json_decref(root);
    answer_free(&a);
}

static void json_of_affinity_and_profile_adds_their_figures(void **state)
{
    (void)state;
    struct answer a = affinity();
    json_t *root = read_json(&a);
    json_t *cell = json_array_get(json_object_get(root, "cells"), 4);
    assert_true(fabs(real(cell, "index") - 137.4) < 1e-9);
    assert_true(fabs(real(cell, "index_low") - 129.3) < 1e-9);
    assert_true(fabs(real(cell, "index_high") - 145.5) < 1e-9);
    cell = json_array_get(json_object_get(root, "cells"), 8);
    is_text(cell, "status", "value");
    assert_true(real(cell, "value") == -3.5); /* never clamped */
    is_null(cell, "index");
    is_null(cell, "index_low");
    is_null(cell, "index_high");
    is_text(cell, "index_reason", figure_reason_name(REASON_EXPECTED));
    json_decref(root);

    a.kind = ANSWER_PROFILE;
    a.cells[4].derived = value(0.25, 0.01);
    root = read_json(&a);
    cell = json_array_get(json_object_get(root, "cells"), 4);
    assert_true(real(cell, "share") == 0.25);
    assert_true(real(cell, "share_half_width") == 0.01);
    assert_null(json_object_get(cell, "index"));
    json_decref(root);
    answer_free(&a);
}

static void a_refusal_is_spelled_out_everywhere(void **state)
{
    static const char SENTENCE[] = "questions.overlap, line 40: drinkco may not be asked";
    (void)state;
    struct answer a = overlap();
    snprintf(a.refusal, sizeof a.refusal, "%s", SENTENCE);
    for (size_t i = 0; i < 3; i++)
        a.cells[i].count = (struct figure){.reason = REASON_POLICY, .value = 77777};
    json_t *root = read_json(&a);
    for (size_t i = 0; i < 3; i++) {
        json_t *cell = json_array_get(json_object_get(root, "cells"), i);
        is_text(cell, "status", "refused");
        is_null(cell, "value");
        is_text(cell, "reason", SENTENCE);
    }
    json_decref(root);
    for (int f = REPORT_TABLE; f <= REPORT_CSV; f++) {
        char *text = write_as(&a, (enum report_format)f, false);
        assert_non_null(strstr(text, SENTENCE));
        free(text);
    }
    answer_free(&a);
}

static void what_is_hidden_is_in_no_format(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct answer a = k == 0 ? overlap() : affinity();
        for (int f = REPORT_TABLE; f <= REPORT_CSV; f++) {
            char *text = write_as(&a, (enum report_format)f, false);
            assert_null(strstr(text, "777"));
            assert_null(strstr(text, "666"));
            free(text);
        }
        answer_free(&a);
    }
}

static void what_is_not_finite_is_null(void **state)
{
    (void)state;
    struct answer a = overlap();
    a.cells[0].count = value((double)NAN, (double)INFINITY);
    json_t *root = read_json(&a);
    json_t *cell = json_array_get(json_object_get(root, "cells"), 0);
    is_null(cell, "value");
    is_null(cell, "half_width");
    json_decref(root);
    free(write_as(&a, REPORT_TABLE, false));
    free(write_as(&a, REPORT_CSV, false));
    answer_free(&a);
}

static void csv_is_rfc_4180(void **state)
{
    (void)state;
    struct answer a = affinity();
    char *text = write_as(&a, REPORT_CSV, false);
    static const char *const LINES[] = {
        "row,column,status,value,half_width,reason,index,index_low,index_high\r\n",
        "\r\n\"caf\303\251, \"\"a\"\"\",gold,value,6172.5,50.25,,137.4,129.3,145.5\r\n",
        "\r\ndairy,gold,suppressed,,,below minimum_count or 2.5 standard errors,21,12,30\r\n",
        "\r\ndairy,\xe7\x89\x9b\xe4\xb9\xb3,value,-3.5,60,,,,\r\n",
    };
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        if (strstr(text, LINES[i]) == NULL)
            fail_msg("no line \"%s\" in\n%s", LINES[i], text);
    assert_true(strncmp(text, LINES[0], strlen(LINES[0])) == 0);
    free(text);
    answer_free(&a);
}

/* Every line's places; false for the place of a byte sequence that is not there. */
static void fits(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (table_text_width(line) > TABLE_COLUMNS)
            fail_msg("%zu places: %s", table_text_width(line), line);
        assert_true(line[strlen(line) - 1] != ' ');
    }
    free(copy);
}

static size_t place_of(const char *text, const char *line_start, const char *what)
{
    char head[512];
    const char *line = strstr(text, line_start);
    assert_non_null(line);
    line += line[0] == '\n';
    const char *at = strstr(line, what);
    assert_non_null(at);
    assert_true(memchr(line, '\n', (size_t)(at - line)) == NULL);
    snprintf(head, sizeof head, "%.*s", (int)(at - line), line);
    return table_text_width(head);
}

static void a_table_says_it_in_numbers_people_read(void **state)
{
    (void)state;
    struct answer a = overlap();
    char *text = write_as(&a, REPORT_TABLE, false);
    fits(text);
    assert_non_null(strstr(text, "overlap of freshmart with drinkco"));
    assert_non_null(strstr(text, "where freshmart.segment=new\n"));
    assert_non_null(strstr(text, "30,123 \xc2\xb1 312\n")); /* rounded up */
    assert_non_null(strstr(text, " 100,000\n"));
    assert_non_null(strstr(text, " suppressed\n"));
    assert_non_null(strstr(text, "suppressed: below minimum_count or 2.5 standard errors\n"));
    assert_non_null(strstr(text, "charged rho 0.000625, left 0.199375; audit position 12"));
    assert_non_null(strstr(text, "Proved before anything was computed"));
    assert_null(strchr(text, '\033'));
    assert_int_equal(place_of(text, "overlap  ", "30,123") + 6,
                     place_of(text, "audience freshmart", "100,000") + 7);
    free(text);
    answer_free(&a);
}

static void columns_align_whatever_the_script(void **state)
{
    (void)state;
    struct answer a = affinity();
    char *text = write_as(&a, REPORT_TABLE, false);
    fits(text);
    /* Both rows' last column ends at the same place, and so does its wide head. */
    size_t head = place_of(text, "\nbuys ", "\xe7\x89\x9b\xe4\xb9\xb3") + 4;
    assert_int_equal(head, place_of(text, "\ncaf\303\251", "64 \xc2\xb1 12") + 7);
    assert_int_equal(head, place_of(text, "\ndairy", "suppressed") + 10);
    assert_non_null(strstr(text, "137 \xc2\xb1 9"));
    free(text);
    text = write_as(&a, REPORT_TABLE, true);
    assert_non_null(strstr(text, "\033[32m")); /* 137 +- 8: above 100 beyond doubt */
    assert_non_null(strstr(text, "\033[31m")); /* 64 +- 12: below */
    assert_non_null(strstr(text, "\033[2m"));  /* suppressed */
    free(text);
    answer_free(&a);
}

static void a_profile_is_in_percent(void **state)
{
    (void)state;
    struct answer a = affinity();
    a.kind = ANSWER_PROFILE;
    a.cells[4].derived = value(0.2344, 0.01101);
    a.cells[7].derived = value(0.5, 0.02);
    char *text = write_as(&a, REPORT_TABLE, false);
    assert_non_null(strstr(text, "23.4 \xc2\xb1 1.2"));
    free(text);
    answer_free(&a);
}

/* Two rows by two columns of found pairs, one without a number, beside one that is not found. */
static struct answer surprise(void)
{
    static const char *const ROWS[] = {ANSWER_ALL, "dairy", "fruit"};
    static const char *const COLUMNS[] = {ANSWER_ALL, "juice", "beer"};
    struct answer a = base(ANSWER_SURPRISE, 9);
    snprintf(a.rows, sizeof a.rows, "buys");
    snprintf(a.columns, sizeof a.columns, "drinks");
    for (size_t i = 0; i < 9; i++) {
        set(&a.cells[i], ROWS[i / 3], COLUMNS[i % 3], value(1000 * (double)(i + 1), 50.25));
        a.cells[i].derived = suppressed(REASON_NOISE);
        a.cells[i].expected = i % 3 > 0 && i > 3 ? 7000 : 0;
    }
    a.cells[4].derived = value(310.2, 119.4);
    a.cells[4].count = value(7100, 50);
    a.cells[5].derived = value(512, 130);
    a.cells[8].derived = suppressed(REASON_RARE);
    a.cells[8].count = suppressed(REASON_MINIMUM);
    return a;
}

static void a_surprise_is_a_ranked_list_with_sentences(void **state)
{
    (void)state;
    struct answer a = surprise();
    char *text = write_as(&a, REPORT_TABLE, false);
    fits(text);
    const char *beer = strstr(text, "dairy, beer");
    const char *juice = strstr(text, "dairy, juice");
    assert_non_null(beer);
    assert_true(juice > beer); /* 512 before 310 */
    assert_non_null(strstr(text, "310 \xc2\xb1 120"));
    assert_non_null(strstr(text, "fruit, beer"));
    assert_null(strstr(text, "fruit, juice"));
    assert_non_null(
        strstr(text, "Those with dairy (buys) at freshmart rarely have beer (drinks) at"));
    assert_non_null(strstr(text, "too small to be shown"));
    /* 7,100 where chance has 7,000: not rare, only less than their like. */
    assert_non_null(strstr(text, "have juice (drinks) at drinkco less"));
    free(text);
    for (size_t i = 0; i < a.cell_count; i++)
        a.cells[i].derived = suppressed(REASON_FEW);
    text = write_as(&a, REPORT_TABLE, false);
    assert_non_null(strstr(text, "Nothing can be said: too few customers in common"));
    free(text);
    for (size_t i = 0; i < a.cell_count; i++)
        a.cells[i].derived = suppressed(REASON_NOISE);
    text = write_as(&a, REPORT_TABLE, false);
    assert_non_null(strstr(text, "Nothing found"));
    free(text);
    answer_free(&a);
}

static void json_and_csv_of_a_surprise_say_what_is_found(void **state)
{
    (void)state;
    struct answer a = surprise();
    json_t *root = read_json(&a);
    const json_t *cells = json_object_get(root, "cells");
    const json_t *cell = json_array_get(cells, 4);
    assert_true(json_is_true(json_object_get(cell, "found")));
    assert_true(real(cell, "missing") == 310.2 && real(cell, "missing_half_width") == 119.4);
    assert_true(real(cell, "expected") == 7000);
    cell = json_array_get(cells, 8);
    assert_true(json_is_true(json_object_get(cell, "found")));
    is_null(cell, "missing");
    is_text(cell, "missing_reason", figure_reason_name(REASON_RARE));
    cell = json_array_get(cells, 7);
    assert_true(json_is_false(json_object_get(cell, "found")));
    is_null(cell, "missing");
    json_decref(root);
    char *text = write_as(&a, REPORT_CSV, false);
    assert_non_null(strstr(text,
                           "row,column,status,value,half_width,reason,missing,missing_half_width,"
                           "expected,found\r\n"));
    assert_non_null(strstr(text, "dairy,juice,value,7100,50,,310.2,119.4,7000,yes\r\n"));
    assert_non_null(strstr(text, "fruit,juice,value,8000,50.25,,,,7000,no\r\n"));
    free(text);
    answer_free(&a);
}

/* A lift of one group and two outcomes, the second hidden; and a bubble's one line. */
static struct answer lift(void)
{
    static const char *const CELLS[9][2] = {
        {ANSWER_ALL, ANSWER_ALL}, {ANSWER_ALL, "bought"}, {ANSWER_ALL, "not"},
        {"exposed", ANSWER_ALL},  {"exposed", "bought"},  {"exposed", "not"},
        {"control", ANSWER_ALL},  {"control", "bought"},  {"control", "not"},
    };
    static const char *const MEASURES[] = {"difference, share", "ratio, times", "ratio, at least",
                                           "ratio, at most", "extra, people"};
    static const double VALUES[] = {0.1034, 1.5, 1.234, 1.891, 612.4};
    struct answer a = base(ANSWER_LIFT, 9 + 10);
    snprintf(a.rows, sizeof a.rows, "ad");
    snprintf(a.columns, sizeof a.columns, "bought");
    for (size_t i = 0; i < 9; i++)
        set(&a.cells[i], CELLS[i][0], CELLS[i][1], value(1000 * (double)(i + 1), 50.25));
    for (size_t i = 0; i < 10; i++)
        set(&a.cells[9 + i], MEASURES[i % 5], i < 5 ? "exposed, bought" : "exposed, not",
            i < 5 ? value(VALUES[i], 0.0111) : suppressed(REASON_DERIVED));
    a.cells[11].count.half_width = 0;
    a.cells[12].count.half_width = 0;
    a.cells[13].count.half_width = 80.5;
    return a;
}

static void measures_stand_behind_their_table(void **state)
{
    (void)state;
    struct answer a = lift();
    char *text = write_as(&a, REPORT_TABLE, false);
    fits(text);
    assert_non_null(strstr(text, "5,000 \xc2\xb1 51")); /* the counts */
    assert_non_null(strstr(text, "group, outcome"));
    assert_non_null(strstr(text, "10.3 \xc2\xb1 1.2")); /* percent, half width rounded up */
    assert_non_null(strstr(text, "1.23 "));
    assert_non_null(strstr(text, "1.89 "));
    assert_null(strstr(text, "1.50 \xc2\xb1")); /* its sides differ: at least, at most */
    assert_non_null(strstr(text, "612 \xc2\xb1 81"));
    assert_non_null(strstr(text, "suppressed: follows from a suppressed figure"));
    assert_null(strstr(text, "77777"));
    free(text);
    text = write_as(&a, REPORT_CSV, false);
    assert_non_null(strstr(text, "row,column,status,value,half_width,reason\r\n"));
    assert_non_null(
        strstr(text, "\"difference, share\",\"exposed, bought\",value,0.1034,0.0111,\r\n"));
    free(text);
    json_t *root = read_json(&a);
    const json_t *cell = json_array_get(json_object_get(root, "cells"), 13);
    is_text(cell, "row", "extra, people");
    assert_true(real(cell, "value") == 612.4 && real(cell, "half_width") == 80.5);
    json_decref(root);
    answer_free(&a);
}

static void a_bubble_is_its_measures_alone(void **state)
{
    static const char *const MEASURES[] = {"entropy, bits", "categories, effective",
                                           "concentration, HHI", "categories, shown"};
    (void)state;
    struct answer a = base(ANSWER_BUBBLE, 1 + 4);
    snprintf(a.rows, sizeof a.rows, "buys");
    set(&a.cells[0], ANSWER_ALL, ANSWER_ALL, value(43210, 50));
    for (size_t i = 0; i < 4; i++)
        set(&a.cells[1 + i], MEASURES[i], ANSWER_ALL, i < 3 ? value(0.8113, 0.00212) : value(2, 0));
    char *text = write_as(&a, REPORT_TABLE, false);
    assert_null(strstr(text, "43,210"));
    assert_non_null(strstr(text, "0.81 \xc2\xb1 0.01"));
    assert_non_null(strstr(text, "0.811 \xc2\xb1 0.003"));
    free(text);
    a.kind = ANSWER_JOURNEY; /* there a share stands beside each count, and a measure has none */
    a.cells[0].derived = value(1, 0);
    text = write_as(&a, REPORT_CSV, false);
    assert_non_null(strstr(text, "(all),(all),value,43210,50,,1,0\r\n"));
    assert_non_null(strstr(text, "\"categories, shown\",(all),value,2,0,,,\r\n"));
    free(text);
    json_t *root = read_json(&a);
    const json_t *cells = json_object_get(root, "cells");
    assert_true(real(json_array_get(cells, 0), "share") == 1);
    assert_null(json_object_get(json_array_get(cells, 1), "share"));
    json_decref(root);
    answer_free(&a);
}

static void wide_tables_are_cut_into_blocks(void **state)
{
    const size_t SIDE = 41;
    char name[40];
    (void)state;
    struct answer a = base(ANSWER_CROSSTAB, SIDE * SIDE);
    snprintf(a.rows, sizeof a.rows, "buys");
    snprintf(a.columns, sizeof a.columns, "drinks");
    for (size_t i = 0; i < a.cell_count; i++) {
        snprintf(name, sizeof name, "column %zu of many", i % SIDE);
        set(&a.cells[i], "", name, value(1e6 + (double)i, 1234));
        snprintf(a.cells[i].row, sizeof a.cells[i].row, "row %zu%s", i / SIDE,
                 i / SIDE == 7 ? " whose name goes on and on far beyond what any table could show"
                               : "");
    }
    char *text = write_as(&a, REPORT_TABLE, false);
    fits(text);
    for (size_t c = 0; c < SIDE; c++) {
        snprintf(name, sizeof name, "column %zu of many", c);
        assert_non_null(strstr(text, name));
    }
    assert_non_null(strstr(text, "1,001,680 \xc2\xb1 1,234"));
    assert_non_null(strstr(text, "\xe2\x80\xa6"));
    size_t blocks = 0;
    for (const char *p = text; (p = strstr(p, "\nbuys ")) != NULL; p++)
        blocks++;
    assert_true(blocks > 5);
    free(text);
    answer_free(&a);
}

static void numbers_are_rounded_and_grouped(void **state)
{
    static const struct {
        double v;
        const char *want;
    } cases[] = {
        {0, "0"},        {-0.4, "0"}, {999.5, "1,000"}, {-1234.4, "-1,234"}, {1234567, "1,234,567"},
        {1e20, "1e+20"},
    };
    char got[TABLE_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        table_number(got, cases[i].v);
        assert_string_equal(got, cases[i].want);
    }
    assert_int_equal(table_text_width("\xff\xfe a"), 4); /* stray bytes take a place each */
}

static void colour_is_for_terminals_that_want_it(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_false(report_wants_colour(ends[1]));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_what_the_issue_names),
        cmocka_unit_test(json_of_affinity_and_profile_adds_their_figures),
        cmocka_unit_test(a_refusal_is_spelled_out_everywhere),
        cmocka_unit_test(what_is_hidden_is_in_no_format),
        cmocka_unit_test(what_is_not_finite_is_null),
        cmocka_unit_test(csv_is_rfc_4180),
        cmocka_unit_test(a_table_says_it_in_numbers_people_read),
        cmocka_unit_test(columns_align_whatever_the_script),
        cmocka_unit_test(a_profile_is_in_percent),
        cmocka_unit_test(a_surprise_is_a_ranked_list_with_sentences),
        cmocka_unit_test(json_and_csv_of_a_surprise_say_what_is_found),
        cmocka_unit_test(measures_stand_behind_their_table),
        cmocka_unit_test(a_bubble_is_its_measures_alone),
        cmocka_unit_test(wide_tables_are_cut_into_blocks),
        cmocka_unit_test(numbers_are_rounded_and_grouped),
        cmocka_unit_test(colour_is_for_terminals_that_want_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
