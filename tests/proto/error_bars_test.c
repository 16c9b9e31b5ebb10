/* Goal: the 95 % error bars of every figure of a table hold the truth in 93..97 % of runs: overlap,
 * reach, crosstab, profile, affinity, absent. (Reach over several: regions_test.c; lift, journey,
 * bubble: readings_test.c; surprise: surprise_bars_test.c; value: value_test.c.)
 * Method: keep-one and sum (tests/keepsum.h) over seeded worlds against the plain join: partly the
 * same customers, all the same (where the bound of PROTOCOL.md 3 is up to 2.2 times the variance),
 * and crowded slots; with the owner's noise large and small. The cells of one run are dependent,
 * so that the share inside of RUNS runs deviates by sqrt(0.05 * 0.95 / RUNS) = 0.9 % at worst, as if
 * all of a run's stood or fell together: 93 and 97 are over two of those away, and the seeds fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "tests/keepsum.h"

enum { PERSONS_MAX = 14000, RUNS = 600, SIDE = 3, WIDTH = SIDE + 1, CELLS = WIDTH * WIDTH };

static struct keepsum_person persons[PERSONS_MAX];

static const struct scene {
    const char *name;
    size_t own, other, common;
    uint64_t slots;
    double variance; /* of a cell's noise */
} SCENES[] = {
    {"partly the same, much noise", 6000, 7000, 3500, 1 << 15, 1500},
    {"partly the same, little noise", 6000, 7000, 3500, 1 << 15, 20},
    {"all the same, much noise", 5000, 5000, 5000, 1 << 14, 600},
    {"all the same, little noise", 5000, 5000, 5000, 1 << 14, 10},
    {"crowded slots", 6000, 5000, 3000, 1 << 13, 50},
};

/* Categories lean on a latent taste, so that cells depend on each other; sets, as "buys" is. */
static struct keepsum_world populate(const struct scene *s, uint64_t seed)
{
    size_t count = s->own + s->other - s->common;

    assert_true(count <= PERSONS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct keepsum_person *p = &persons[i];
        double taste = keepsum_uniform(&seed);
        *p = (struct keepsum_person){.own = i < s->own, .other = i >= s->own - s->common};
        p->rows = p->columns = 1;
        for (unsigned c = 1; c <= SIDE; c++) {
            double lean = 0.4 * (taste < 0.35 * c);
            p->rows |= (uint32_t)(keepsum_uniform(&seed) < 0.25 + lean) << c;
            p->columns |= (uint32_t)(keepsum_uniform(&seed) < 0.2 + lean) << c;
        }
    }
    return (struct keepsum_world){.persons = persons,
                                  .person_count = count,
                                  .slot_count = s->slots,
                                  .row_count = SIDE,
                                  .column_count = SIDE,
                                  .cell_variance = s->variance,
                                  .margin_variance = 4 * s->variance};
}

struct coverage {
    double inside, total, asked;
};

static void cover(struct coverage *c, const struct figure *f, double truth)
{
    if (f->status == FIGURE_VALUE && f->half_width == 0)
        return; /* by definition */
    c->asked++;
    if (f->status != FIGURE_VALUE)
        return;
    c->total++;
    c->inside += fabs(f->value - truth) <= f->half_width;
}

static void expect_95(const char *scene, const char *kind, const struct coverage *c)
{
    double percent = 100 * c->inside / c->total;

    print_message("%-30s %-9s %.1f %% of %.0f\n", scene, kind, percent, c->total);
    if (c->total < 0.95 * c->asked)
        fail_msg("%s: %.0f of %.0f figures are shown: a choice by value", kind, c->total, c->asked);
    if (percent < 93 || percent > 97)
        fail_msg("%s, %s: %.1f %% of the intervals hold the truth", scene, kind, percent);
}

enum { CROSSTAB, PROFILE, AFFINITY, ABSENT, KINDS };
static const struct {
    const char *name;
    void (*read)(struct figure *out, const struct estimate_in *in);
} READINGS[KINDS] = {{"crosstab", estimate_crosstab},
                     {"profile", estimate_profile},
                     {"affinity", estimate_affinity},
                     {"absent", estimate_absent}};

/* The plain join's figure. */
static double truth_of(const double t[CELLS], size_t kind, size_t a, size_t b)
{
    double both = t[a * WIDTH + b];
    double row = t[a * WIDTH];
    double column = t[b];

    switch (kind) {
    case PROFILE:
        return both / row;
    case AFFINITY:
        return 100 * both * t[0] / (row * column);
    case ABSENT:
        return b == 0 ? row / t[0] : (row - both) / (t[0] - column);
    default:
        return both;
    }
}

static void error_bars_of_tables_are_true(void **state)
{
    static struct keepsum_run run;
    (void)state;
    for (size_t s = 0; s < sizeof SCENES / sizeof SCENES[0]; s++) {
        struct keepsum_world w = populate(&SCENES[s], 3 + s);
        struct coverage c[KINDS] = {0};
        double truth[CELLS];
        struct figure out[CELLS];
        for (size_t i = 0; i < CELLS; i++)
            truth[i] = keepsum_truth(&w, i / WIDTH, i % WIDTH);
        for (uint64_t salt = 0; salt < RUNS; salt++) {
            keepsum_run(&run, &w, (s + 1) * 1000003 + salt * 7919);
            for (size_t k = 0; k < KINDS; k++) {
                READINGS[k].read(out, &run.in);
                for (size_t i = 0; i < CELLS; i++)
                    cover(&c[k], &out[i], truth_of(truth, k, i / WIDTH, i % WIDTH));
            }
        }
        for (size_t k = 0; k < KINDS; k++)
            expect_95(SCENES[s].name, READINGS[k].name, &c[k]);
    }
}

static void error_bars_of_overlap_and_reach_are_true(void **state)
{
    static struct keepsum_run run;
    (void)state;
    for (size_t s = 0; s < sizeof SCENES / sizeof SCENES[0]; s++) {
        const struct scene *scene = &SCENES[s];
        struct keepsum_world w = populate(scene, 5 + s);
        struct coverage overlap = {0};
        struct coverage reach = {0};
        w.row_count = w.column_count = 0;
        w.margin_variance = w.cell_variance / 4;
        for (uint64_t salt = 0; salt < (uint64_t)2 * RUNS; salt++) {
            struct estimate_reach r;
            keepsum_run(&run, &w, (s + 1) * 999983 + salt * 104729);
            estimate_reach(&r, &run.in);
            cover(&overlap, &r.base.overlap, (double)scene->common);
            cover(&reach, &r.reach, (double)(scene->own + scene->other - scene->common));
        }
        expect_95(scene->name, "overlap", &overlap);
        expect_95(scene->name, "reach", &reach);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_bars_of_tables_are_true),
        cmocka_unit_test(error_bars_of_overlap_and_reach_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
