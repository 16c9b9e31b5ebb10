/* Goal: lift, journey and bubble say what their formulas say, hide what would tell a hidden count,
 * and their 95 % error bars hold the truth in 93..97 % of runs.
 * Method: tables of exact counts (q = 1, no strangers) for the arithmetic, with variances written
 * out by hand; keep-one and sum (tests/keepsum.h) over seeded worlds against the plain join. Of n
 * independent intervals the share inside has a standard deviation of sqrt(0.05 * 0.95 / n): 0.4 % for
 * 3,000, so that 93 and 97 lie beyond four of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/readings.h"
#include "tests/keepsum.h"

enum { SIDE = 4, PERSONS = 9000, SALTS = 800, STAGES = 4 };

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.9g is not %.9g within %.3g", got, want, tolerance);
}

/* ---- by hand ------------------------------------------------------------------------------- */

struct table {
    double raw[SIDE * SIDE], energy[SIDE], size[SIDE];
    struct estimate_in in;
};

/* counts: by rows, margins at index 0; noise alone is uncertain. */
static void table_make(struct table *t, size_t rows, size_t columns, const double *counts)
{
    *t = (struct table){0};
    for (size_t a = 0; a <= rows; a++)
        for (size_t b = 0; b <= columns; b++)
            t->raw[b * (rows + 1) + a] = counts[a * (columns + 1) + b];
    for (size_t i = 0; i < SIDE; i++)
        t->size[i] = 50000;
    t->in = (struct estimate_in){.frame = {.slot_count = 1 << 20,
                                           .kept = 40000,
                                           .customers = 40000,
                                           .minimum_count = 100,
                                           .minimum_audience = 1000},
                                 .row_count = rows,
                                 .column_count = columns,
                                 .raw = t->raw,
                                 .energy = t->energy,
                                 .own_size = t->size,
                                 .other_size = t->size,
                                 .cell_variance = 100,
                                 .margin_variance = 400};
}

/* Rows: all, exposed, control. Columns: all, bought. */
static const double LIFT[] = {12000, 700, 4000, 400, 8000, 300};

static void lift_is_its_formula(void **state)
{
    struct table t;
    struct reading_lift r;
    const struct lift_at at = {.exposed = 1, .control = 2, .outcome = 1};
    (void)state;
    table_make(&t, 2, 1, LIFT);
    readings_lift(&r, &t.in, at);
    double ve = (100 + 0.1 * 0.1 * 400) / (4000.0 * 4000);
    double vu = (100 + 0.0375 * 0.0375 * 400) / (8000.0 * 8000);
    near(r.difference.value, 0.1 - 0.0375, 1e-12);
    near(r.difference.half_width, 1.96 * sqrt(ve + vu), 1e-12);
    near(r.ratio.value, 0.1 / 0.0375, 1e-12);
    near(r.extra.value, 400 - 4000 * 0.0375, 1e-9);
    near(r.extra.half_width, 1.96 * sqrt(100 + 0.0375 * 0.0375 * 400 + 4000.0 * 4000 * vu), 1e-9);
    /* An end of Fieller's set is where the difference is 1.96 of its standard errors from zero. */
    for (int i = 0; i < 2; i++) {
        double end = i == 0 ? r.ratio_low.value : r.ratio_high.value;
        double s = sqrt(ve + end * end * vu);
        near(fabs(0.1 - end * 0.0375), 1.96 * s, 1e-9);
    }
    assert_true(r.ratio_low.value < r.ratio.value && r.ratio.value < r.ratio_high.value);
    near(r.ratio.half_width, r.ratio_high.value - r.ratio.value, 1e-12); /* the longer side */
    near(r.ratio_low.half_width, 0, 0);
}

/* The partner's campaign, our sales: the same figures from the table turned round. */
static void lift_is_the_same_from_either_side(void **state)
{
    static const double TURNED[] = {12000, 4000, 8000, 700, 400, 300};
    struct table t;
    struct reading_lift rows;
    struct reading_lift columns;
    (void)state;
    table_make(&t, 2, 1, LIFT);
    readings_lift(&rows, &t.in, (struct lift_at){false, 1, 2, 1});
    table_make(&t, 1, 2, TURNED);
    readings_lift(&columns, &t.in, (struct lift_at){true, 1, 2, 1});
    assert_memory_equal(&rows, &columns, sizeof rows);
}

static void lift_hides_what_tells_a_hidden_count(void **state)
{
    struct reading_lift r;
    struct table t;
    (void)state;
    for (size_t i = 2; i < 6; i++) { /* each of the four counts that it is made of */
        double counts[6];
        memcpy(counts, LIFT, sizeof counts);
        counts[i] = 99;
        table_make(&t, 2, 1, counts);
        readings_lift(&r, &t.in, (struct lift_at){false, 1, 2, 1});
        assert_int_equal(r.difference.status, FIGURE_SUPPRESSED);
        assert_int_equal(r.difference.reason, REASON_DERIVED);
        assert_int_equal(r.ratio.status, FIGURE_SUPPRESSED);
        assert_int_equal(r.ratio_low.status, FIGURE_SUPPRESSED);
        assert_int_equal(r.ratio_high.status, FIGURE_SUPPRESSED);
        assert_int_equal(r.extra.status, FIGURE_SUPPRESSED);
    }
    t.in.frame.minimum_audience = 60000;
    readings_lift(&r, &t.in, (struct lift_at){false, 1, 2, 1});
    assert_int_equal(r.extra.status, FIGURE_REFUSED);
    assert_int_equal(r.ratio_high.reason, REASON_AUDIENCE);
}

static const double JOURNEY[] = {9000, 2300, 2600, 2600, 2400, 1000, 800, 600,
                                 2500, 900,  1100, 500,  2600, 400,  700, 1500};

static void journey_counts_who_is_further(void **state)
{
    struct table t;
    struct reading_move m[MOVE_COUNT];
    (void)state;
    table_make(&t, 3, 3, JOURNEY);
    readings_journey(m, &t.in);
    near(m[MOVE_UP].people.value, 800 + 600 + 500, 1e-9);
    near(m[MOVE_DOWN].people.value, 900 + 400 + 700, 1e-9);
    near(m[MOVE_SAME].people.value, 1000 + 1100 + 1500, 1e-9);
    near(m[MOVE_NET].people.value, -100, 1e-9); /* may be negative, and is shown */
    near(m[MOVE_UP].people.half_width, 1.96 * sqrt(300), 1e-9);
    near(m[MOVE_NET].people.half_width, 1.96 * sqrt(600), 1e-9);
    near(m[MOVE_UP].share.value, 1900.0 / 9000, 1e-12);
    double p = 1900.0 / 9000;
    near(m[MOVE_UP].share.half_width, 1.96 * sqrt(300 + p * p * 400) / 9000, 1e-12);
}

static void journey_tells_no_hidden_cell_by_a_sum(void **state)
{
    static const struct {
        double a1b2, a1b3; /* of three cells of "up"; the third is 500 */
        double told, left_out;
    } cases[] = {
        {800, 600, 1900, 0}, {800, 30, 1300, 1}, {40, 30, 500, 2},
        {80, 70, 650, 0},    {90, 5, 500, 2},
    };
    struct table t;
    struct reading_move m[MOVE_COUNT];
    double counts[16];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memcpy(counts, JOURNEY, sizeof counts);
        counts[4 + 2] = cases[i].a1b2;
        counts[4 + 3] = cases[i].a1b3;
        table_make(&t, 3, 3, counts);
        readings_journey(m, &t.in);
        near(m[MOVE_UP].people.value, cases[i].told, 1e-9);
        near(m[MOVE_UP].left_out.value, cases[i].left_out, 0);
        near(m[MOVE_NET].people.value, cases[i].told - 2000, 1e-9);
        near(m[MOVE_NET].left_out.value, cases[i].left_out, 0);
        near(m[MOVE_DOWN].left_out.value, 0, 0);
    }
    for (size_t i = 5; i < 16; i++)
        counts[i] = 9;
    table_make(&t, 3, 3, counts);
    readings_journey(m, &t.in); /* nothing is shown: no zero that looks like a count */
    assert_int_equal(m[MOVE_UP].people.status, FIGURE_SUPPRESSED);
    t.in.frame.minimum_audience = 60000;
    readings_journey(m, &t.in);
    assert_int_equal(m[MOVE_UP].people.status, FIGURE_REFUSED);
    assert_int_equal(m[MOVE_NET].left_out.status, FIGURE_REFUSED);
}

static void bubble_is_its_formula(void **state)
{
    static const double EVEN[] = {8000, 2000, 2000, 2000, 8000, 2000, 2000, 2000};
    static const double UNEVEN[] = {8000, 4000, 2000, 2000, 8000, 4000, 2000, 2000};
    struct table t;
    struct reading_bubble r;
    (void)state;
    table_make(&t, 1, 3, EVEN);
    t.in.cell_variance = 1e-9; /* next to exact: the textbook values */
    t.in.margin_variance = 1e-9;
    readings_bubble(&r, &t.in, 1);
    near(r.entropy.value, log2(3), 1e-9);
    near(r.effective.value, 3, 1e-9);
    near(r.concentration.value, 1.0 / 3, 1e-9);
    near(r.categories.value, 3, 0);
    table_make(&t, 1, 3, UNEVEN);
    readings_bubble(&r, &t.in, 1);
    /* 1/2, 1/4, 1/4 under noise of variance 100: H = 1.5 bits and its bias, slopes by hand. */
    double h = 1.5 * log(2);
    double s2 = 8000.0 * 8000;
    double bias = 0;
    double v = 0;
    const double p[] = {0.5, 0.25, 0.25};
    for (int i = 0; i < 3; i++) {
        double g = log(p[i]) + h;
        bias += 0.5 * 100 * (-1 / (p[i] * s2) + (1 + 2 * g) / s2);
        v += 100 * g * g / s2 + 0.5 * pow(100 / (p[i] * s2), 2);
    }
    near(r.entropy.value, (h - bias) / log(2), 1e-12);
    near(r.entropy.half_width, 1.96 * sqrt(v) / log(2), 1e-12);
    near(r.concentration.value, (0.375 * s2 - 300) / (s2 - 300), 1e-12);
}

static void bubble_speaks_of_shown_categories_alone(void **state)
{
    static const double COUNTS[] = {8000, 2000, 2000, 2000, 8000, 2000, 2000, 99};
    static const double ONE[] = {8000, 2000, 2000, 2000, 8000, 2000, 50, 99};
    struct table t;
    struct reading_bubble r;
    struct reading_bubble again;
    double counts[8];
    (void)state;
    table_make(&t, 1, 3, COUNTS);
    readings_bubble(&r, &t.in, 1);
    near(r.categories.value, 2, 0);
    near(r.effective.value, 2, 0.01);
    memcpy(counts, COUNTS, sizeof counts);
    counts[7] = 3; /* whatever the hidden count is, nothing of it is told */
    table_make(&t, 1, 3, counts);
    readings_bubble(&again, &t.in, 1);
    assert_memory_equal(&r, &again, sizeof r);
    table_make(&t, 1, 3, ONE);
    readings_bubble(&r, &t.in, 1);
    near(r.categories.value, 1, 0);
    assert_int_equal(r.entropy.reason, REASON_DERIVED);
    assert_int_equal(r.concentration.status, FIGURE_SUPPRESSED);
}

static void names_lead_back(void **state)
{
    (void)state;
    for (int i = 0; i < MEASURE_COUNT; i++) {
        enum reading_measure m;
        const char *name = readings_measure_name((enum reading_measure)i);
        assert_non_null(strchr(name, ',')); /* which no category's value has */
        assert_true(readings_measure_parse(&m, name));
        assert_int_equal(m, i);
    }
}

/* ---- error bars ---------------------------------------------------------------------------- */

static struct keepsum_person persons[PERSONS];

struct coverage {
    const char *name;
    double inside, total, tried;
};

static void cover(struct coverage *c, const struct figure *f, double truth)
{
    c->tried++;
    if (f->status != FIGURE_VALUE)
        return;
    c->total++;
    c->inside += fabs(f->value - truth) <= f->half_width;
}

static void expect_95(const struct coverage *c)
{
    double percent = 100 * c->inside / c->total;
    print_message("%-14s %.1f %% of %.0f\n", c->name, percent, c->total);
    assert_true(c->total > 0.9 * c->tried); /* hidden ones would be a choice by value */
    if (percent < 93 || percent > 97)
        fail_msg("%s: %.1f %% of the intervals hold the truth, not 93..97", c->name, percent);
}

/* Own row 1 or 2 (exposed, control); the other's column 1: bought. Half of all in common. */
static void populate_lift(double exposed_rate, double control_rate)
{
    uint64_t seed = 77;
    for (size_t i = 0; i < PERSONS; i++) {
        struct keepsum_person *p = &persons[i];
        bool exposed = keepsum_uniform(&seed) < 0.4;
        *p = (struct keepsum_person){.own = i < 6000, .other = i >= 2000};
        p->rows = exposed ? 1 | 2 : 1 | 4;
        double rate = exposed ? exposed_rate : control_rate;
        p->columns = keepsum_uniform(&seed) < rate ? 1 | 2 : 1;
    }
}

static struct keepsum_world world_of(size_t rows, size_t columns, double variance)
{
    return (struct keepsum_world){.persons = persons,
                                  .person_count = PERSONS,
                                  .slot_count = 1 << 15,
                                  .row_count = rows,
                                  .column_count = columns,
                                  .cell_variance = variance,
                                  .margin_variance = 4 * variance};
}

static void lift_holds_the_truth(void **state)
{
    static const double rates[][2] = {{0.3, 0.2}, {0.5, 0.5}, {0.18, 0.09}};
    static struct keepsum_run run;
    struct coverage c[] = {{.name = "difference"}, {.name = "ratio"}, {.name = "extra"}};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct keepsum_world w = world_of(2, 1, 100);
        populate_lift(rates[k][0], rates[k][1]);
        double te = keepsum_truth(&w, 1, 0);
        double pe = keepsum_truth(&w, 1, 1) / te;
        double pu = keepsum_truth(&w, 2, 1) / keepsum_truth(&w, 2, 0);
        for (uint64_t salt = 0; salt < SALTS; salt++) {
            struct reading_lift r;
            keepsum_run(&run, &w, salt * 104729 + k + 1);
            readings_lift(&r, &run.in, (struct lift_at){false, 1, 2, 1});
            cover(&c[0], &r.difference, pe - pu);
            struct figure middle = r.ratio; /* Fieller's set is not centred */
            middle.value = (r.ratio_low.value + r.ratio_high.value) / 2;
            middle.half_width = (r.ratio_high.value - r.ratio_low.value) / 2;
            cover(&c[1], &middle, pe / pu);
            cover(&c[2], &r.extra, te * (pe - pu));
        }
    }
    for (size_t i = 0; i < 3; i++)
        expect_95(&c[i]);
}

/* Stages that lean on each other; the other's are a step further as often as not. */
static void populate_stages(void)
{
    uint64_t seed = 5;
    for (size_t i = 0; i < PERSONS; i++) {
        struct keepsum_person *p = &persons[i];
        unsigned own = 1 + (unsigned)(keepsum_uniform(&seed) * STAGES);
        unsigned other = own;
        double step = keepsum_uniform(&seed);
        if (step < 0.2)
            other = own == STAGES ? 1 : own + 1;
        else if (step < 0.8)
            other = 1 + (unsigned)(keepsum_uniform(&seed) * STAGES);
        *p = (struct keepsum_person){.own = i < 6000, .other = i >= 1500};
        p->rows = 1 | 1U << own;
        p->columns = 1 | 1U << other;
    }
}

static void journey_holds_the_truth(void **state)
{
    static struct keepsum_run run;
    struct coverage c[] = {{.name = "moved, people"}, {.name = "moved, share"}};
    struct keepsum_world w = world_of(STAGES, STAGES, 300);
    double truth[MOVE_COUNT] = {0};
    (void)state;
    populate_stages();
    for (size_t a = 1; a <= STAGES; a++)
        for (size_t b = 1; b <= STAGES; b++)
            truth[b > a ? MOVE_UP : b < a ? MOVE_DOWN : MOVE_SAME] += keepsum_truth(&w, a, b);
    truth[MOVE_NET] = truth[MOVE_UP] - truth[MOVE_DOWN];
    double total = keepsum_truth(&w, 0, 0);
    for (uint64_t salt = 0; salt < SALTS; salt++) {
        struct reading_move m[MOVE_COUNT];
        keepsum_run(&run, &w, salt * 7919 + 3);
        readings_journey(m, &run.in);
        near(m[MOVE_SAME].left_out.value + m[MOVE_NET].left_out.value, 0, 0);
        for (size_t i = 0; i < MOVE_COUNT; i++) {
            cover(&c[0], &m[i].people, truth[i]);
            cover(&c[1], &m[i].share, truth[i] / total);
        }
    }
    expect_95(&c[0]);
    expect_95(&c[1]);
}

static double nats(const double *t, size_t n, double *squares)
{
    double sum = 0;
    double h = 0;
    *squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += t[i];
    for (size_t i = 0; i < n; i++) {
        h -= t[i] / sum * log(t[i] / sum);
        *squares += t[i] / sum * (t[i] / sum);
    }
    return h;
}

static void bubble_holds_the_truth(void **state)
{
    static const double weights[][STAGES] = {{0.55, 0.2, 0.15, 0.1}, {0.4, 0.3, 0.18, 0.12}};
    static struct keepsum_run run;
    struct coverage c[] = {{.name = "entropy"}, {.name = "effective"}, {.name = "concentration"}};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct keepsum_world w = world_of(1, STAGES, 400);
        uint64_t seed = 11 + k;
        for (size_t i = 0; i < PERSONS; i++) {
            double u = keepsum_uniform(&seed);
            unsigned b = 0;
            while (b + 1 < STAGES && (u -= weights[k][b]) >= 0)
                b++;
            persons[i] = (struct keepsum_person){
                .own = i < 6000, .other = i >= 2000, .rows = 1 | 2, .columns = 1 | 2U << b};
        }
        double t[STAGES];
        double hhi;
        for (size_t b = 0; b < STAGES; b++)
            t[b] = keepsum_truth(&w, 1, b + 1);
        double h = nats(t, STAGES, &hhi);
        for (uint64_t salt = 0; salt < 2 * SALTS; salt++) {
            struct reading_bubble r;
            keepsum_run(&run, &w, salt * 15485863 + k);
            readings_bubble(&r, &run.in, 1);
            if (r.categories.value < STAGES)
                continue;
            cover(&c[0], &r.entropy, h / log(2));
            cover(&c[1], &r.effective, exp(h));
            cover(&c[2], &r.concentration, hhi);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(c[i].tried > 0.95 * 2 * 2 * SALTS);
        expect_95(&c[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lift_is_its_formula),
        cmocka_unit_test(lift_is_the_same_from_either_side),
        cmocka_unit_test(lift_hides_what_tells_a_hidden_count),
        cmocka_unit_test(journey_counts_who_is_further),
        cmocka_unit_test(journey_tells_no_hidden_cell_by_a_sum),
        cmocka_unit_test(bubble_is_its_formula),
        cmocka_unit_test(bubble_speaks_of_shown_categories_alone),
        cmocka_unit_test(names_lead_back),
        cmocka_unit_test(lift_holds_the_truth),
        cmocka_unit_test(journey_holds_the_truth),
        cmocka_unit_test(bubble_holds_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
