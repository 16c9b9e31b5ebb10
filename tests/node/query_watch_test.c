/* Goal: looks follow each other until the answer is exact enough, the last has come, or one is refused;
 * what they cost is added up, and how exact an answer is follows from the figures asked for alone.
 * Method: a host that answers from a script and writes down what it was asked. */
#include "node/query_watch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct script {
    double half_width[3];              /* of 1000 people, look by look; 0: hidden */
    int refused_at, fails_at, full_at; /* -1: never */
    char asked[64];
    int looks, shown;
};

static enum pt_code ask(void *self, struct answer *out, const char *slots, struct pt_err *err)
{
    struct script *s = self;
    int i = s->looks++;

    size_t n = strlen(s->asked);
    snprintf(s->asked + n, sizeof s->asked - n, "%s ", slots);
    *out = (struct answer){.kind = ANSWER_OVERLAP, .charged_rho_nano = 100, .cell_count = 1};
    if (i == s->fails_at)
        return pt_fail(err, PT_EPEER, "drinkco is away");
    out->cells = calloc(1, sizeof *out->cells);
    assert_non_null(out->cells);
    snprintf(out->cells[0].row, sizeof out->cells[0].row, "overlap");
    if (s->half_width[i] > 0)
        out->cells[0].count = (struct figure){FIGURE_VALUE, REASON_NONE, 1000, s->half_width[i]};
    if (i == s->refused_at)
        snprintf(out->refusal, sizeof out->refusal, "privacy.budget, line 5: it ends here");
    return PT_OK;
}

static enum pt_code show(void *self, const struct answer *a, struct pt_err *err)
{
    struct script *s = self;

    assert_int_equal(a->cell_count, 1);
    return s->shown++ == s->full_at ? pt_fail(err, PT_EIO, "the disk is full") : PT_OK;
}

static void it_stops_when_it_should(void **state)
{
    static const struct {
        struct script script;
        double until;
        const char *asked;
        enum pt_code rc;
        bool enough, refused;
    } CASES[] = {
        {{{500, 200, 50}, -1, -1, -1, "", 0, 0}, 0, "1/16 1/4 1 ", PT_OK, false, false},
        {{{500, 200, 50}, -1, -1, -1, "", 0, 0}, 20, "1/16 1/4 ", PT_OK, true, false},
        {{{500, 201, 50}, -1, -1, -1, "", 0, 0}, 20, "1/16 1/4 1 ", PT_OK, false, false},
        {{{10, 10, 10}, -1, -1, -1, "", 0, 0}, 20, "1/16 ", PT_OK, true, false},
        {{{10, 10, 10}, -1, -1, -1, "", 0, 0}, 0, "1/16 1/4 1 ", PT_OK, false, false},
        {{{0, 0, 10}, -1, -1, -1, "", 0, 0}, 100, "1/16 1/4 1 ", PT_OK, false, false},
        {{{500, 200, 50}, 1, -1, -1, "", 0, 0}, 0, "1/16 1/4 ", PT_OK, false, true},
        {{{500, 200, 50}, -1, 1, -1, "", 0, 0}, 0, "1/16 1/4 ", PT_EPEER, false, false},
        {{{500, 200, 50}, -1, -1, 0, "", 0, 0}, 0, "1/16 ", PT_EIO, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct script s = CASES[i].script;
        const struct query_watch_host host = {&s, ask, show};
        struct query_watch out;
        struct pt_err err = {0};
        assert_int_equal(query_watch(&out, &host, CASES[i].until, &err), CASES[i].rc);
        assert_string_equal(s.asked, CASES[i].asked);
        assert_int_equal(out.enough, CASES[i].enough);
        assert_int_equal(out.refusal[0] != '\0', CASES[i].refused);
        assert_int_equal(out.charged_nano, 100 * out.looks);
        assert_int_equal(out.looks, s.looks - (CASES[i].rc == PT_EPEER));
    }
}

struct cell {
    const char *row, *column;
    double value, half_width; /* 0: hidden */
};

static double percent(enum answer_kind kind, const struct cell *cells, size_t n)
{
    struct answer a = {.kind = kind, .cells = calloc(n, sizeof *a.cells), .cell_count = n};
    struct pt_err err = {0};
    double out;

    assert_non_null(a.cells);
    for (size_t i = 0; i < n; i++) {
        snprintf(a.cells[i].row, sizeof a.cells[i].row, "%s", cells[i].row);
        snprintf(a.cells[i].column, sizeof a.cells[i].column, "%s", cells[i].column);
        if (cells[i].half_width > 0)
            a.cells[i].count =
                (struct figure){FIGURE_VALUE, REASON_NONE, cells[i].value, cells[i].half_width};
    }
    assert_int_equal(query_watch_percent(&out, &a, &err), PT_OK);
    answer_free(&a);
    return out;
}

static void how_exact_is_of_what_was_asked(void **state)
{
    static const struct cell REACH[] = {{"overlap", "A & B", 10, 9},
                                        {"audience", "A", 1000, 1},
                                        {"adds", "A", 100, 90},
                                        {"reach", "A | B", 400, 8}};
    static const struct cell TABLE[] = {
        {ANSWER_ALL, ANSWER_ALL, 1000, 1}, {ANSWER_ALL, "tea", 500, 1}, {ANSWER_ALL, "gin", 500, 1},
        {"milk", ANSWER_ALL, 600, 1},      {"milk", "tea", 100, 30},    {"milk", "gin", 100, 10},
        {"rye", ANSWER_ALL, 400, 1},       {"rye", "tea", 100, 20},     {"rye", "gin", 0, 0}};
    static const struct cell BELOW[] = {{"overlap", "A & B", -5, 100}};

    (void)state;
    assert_true(fabs(percent(ANSWER_REACH, REACH, 4) - 2) < 1e-9);
    assert_true(fabs(percent(ANSWER_OVERLAP, REACH, 4) - 90) < 1e-9);
    assert_true(fabs(percent(ANSWER_CROSSTAB, TABLE, 9) - 20) < 1e-9); /* 10, 20 of 10 20 30 - */
    assert_true(isinf(percent(ANSWER_OVERLAP, BELOW, 1)));
    assert_true(isinf(percent(ANSWER_CROSSTAB, TABLE, 4))); /* margins alone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stops_when_it_should),
        cmocka_unit_test(how_exact_is_of_what_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
