/* Goal: figures from the first sixteenth or quarter of the slots are unbiased, and their 95 % error bars
 * hold the truth in 93..97 % of runs: counts, an overlap, reach, shares.
 * Method: keep-one and sum (tests/keepsum.h) over RUNS seeded salts against the plain join of all
 * customers: partly the same, all the same (where what two customers of one slot share matters most),
 * crowded slots; with the owner's noise large and small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "crypto/base/span.h"
#include "tests/keepsum.h"

enum { PERSONS_MAX = 50000, RUNS = 400, SIDE = 2, WIDTH = SIDE + 1, CELLS = WIDTH * WIDTH };

static struct keepsum_person persons[PERSONS_MAX];

static const struct scene {
    const char *name;
    size_t own, other, common;
    uint64_t slots, prefix;
    double variance; /* of a cell's noise */
} SCENES[] = {
    {"1/16, partly the same, much noise", 24000, 30000, 16000, 1 << 17, 1 << 13, 600},
    {"1/16, partly the same, little noise", 24000, 30000, 16000, 1 << 17, 1 << 13, 10},
    {"1/16, all the same", 25000, 25000, 25000, 1 << 16, 1 << 12, 10},
    {"1/16, crowded slots", 24000, 24000, 20000, 1 << 15, 1 << 11, 100},
    {"1/4, partly the same, much noise", 24000, 30000, 16000, 1 << 17, 1 << 15, 1500},
    {"1/4, all the same", 25000, 25000, 25000, 1 << 16, 1 << 14, 20},
    {"1/4, crowded slots", 24000, 24000, 20000, 1 << 15, 1 << 13, 100},
};

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
            double lean = 0.3 * (taste < 0.4 * c);
            p->rows |= (uint32_t)(keepsum_uniform(&seed) < 0.4 + lean) << c;
            p->columns |= (uint32_t)(keepsum_uniform(&seed) < 0.35 + lean) << c;
        }
    }
    return (struct keepsum_world){.persons = persons,
                                  .person_count = count,
                                  .slot_count = s->slots,
                                  .prefix = s->prefix,
                                  .row_count = SIDE,
                                  .column_count = SIDE,
                                  .cell_variance = s->variance,
                                  .margin_variance = 4 * s->variance};
}

struct coverage {
    double inside, total;
    double bias, variance; /* sums */
};

/* Every cell, shown or not: a threshold would choose by value. */
static void add(struct coverage *c, double value, double variance, double truth)
{
    c->total++;
    c->inside += fabs(value - truth) <= 1.96 * sqrt(variance);
    c->bias += value - truth;
    c->variance += variance;
}

static void add_figure(struct coverage *c, const struct figure *f, double truth)
{
    if (f->status != FIGURE_VALUE)
        fail_msg("a figure is not shown: a choice by value");
    add(c, f->value, f->half_width / 1.96 * (f->half_width / 1.96), truth);
}

/* dependent: how many figures of one run stand or fall together at worst. */
static void expect_95(const char *scene, const char *what, const struct coverage *c,
                      double dependent)
{
    double percent = 100 * c->inside / c->total;
    double z = c->bias / sqrt(c->variance * dependent);

    print_message("%-36s %-8s %.1f %% of %.0f, bias %.1f standard errors\n", scene, what, percent,
                  c->total, z);
    if (percent < 93 || percent > 97)
        fail_msg("%s, %s: %.1f %% of the intervals hold the truth", scene, what, percent);
    if (fabs(z) > 3)
        fail_msg("%s, %s: biased by %.1f standard errors", scene, what, z);
}

static void tables_of_a_prefix_are_true(void **state)
{
    static struct keepsum_run run;

    (void)state;
    for (size_t s = 0; s < PT_LEN(SCENES); s++) {
        struct keepsum_world w = populate(&SCENES[s], 11 + s);
        struct coverage counts = {0};
        struct coverage shares = {0};
        double truth[CELLS];
        for (size_t i = 0; i < CELLS; i++)
            truth[i] = keepsum_truth(&w, i / WIDTH, i % WIDTH);
        for (uint64_t salt = 0; salt < RUNS; salt++) {
            struct figure out[CELLS];
            keepsum_run(&run, &w, (s + 1) * 1000003 + salt * 7919);
            estimate_profile(out, &run.in);
            for (size_t i = 0; i < CELLS; i++) {
                size_t a = i / WIDTH;
                size_t b = i % WIDTH;
                struct estimate e = estimate_cell(&run.in, a, b);
                add(&counts, e.value, e.variance, truth[i]);
                if (b > 0)
                    add_figure(&shares, &out[i], truth[i] / truth[a * WIDTH]);
            }
        }
        expect_95(SCENES[s].name, "counts", &counts, CELLS);
        expect_95(SCENES[s].name, "shares", &shares, CELLS - WIDTH);
    }
}

static void overlap_and_reach_of_a_prefix_are_true(void **state)
{
    static struct keepsum_run run;

    (void)state;
    for (size_t s = 0; s < PT_LEN(SCENES); s++) {
        const struct scene *scene = &SCENES[s];
        struct keepsum_world w = populate(scene, 23 + s);
        struct coverage overlap = {0};
        struct coverage reach = {0};
        w.row_count = w.column_count = 0;
        for (uint64_t salt = 0; salt < (uint64_t)2 * RUNS; salt++) {
            struct estimate_reach r;
            keepsum_run(&run, &w, (s + 1) * 999983 + salt * 104729);
            estimate_reach(&r, &run.in);
            add_figure(&overlap, &r.base.overlap, (double)scene->common);
            add_figure(&reach, &r.reach, (double)(scene->own + scene->other - scene->common));
        }
        expect_95(scene->name, "overlap", &overlap, 1);
        expect_95(scene->name, "reach", &reach, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_a_prefix_are_true),
        cmocka_unit_test(overlap_and_reach_of_a_prefix_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
