/* Goal: the 95 % interval of a surprise figure, "so many people are missing", holds the truth in 93..97 %
 * of cells: where tastes are alike and where they are not, for the pair that is kept apart and for all
 * others, with the owner's noise large and small.
 * Method: persons of two kinds, drawn afresh in each of RUNS runs, since the interval holds their own
 * chance too; keep-one and sum (tests/keepsum.h). The truth of a cell is E (p - r) with r and E of the
 * probabilities that persons are drawn from. What resemblance predicts, p, is a mean of the same column
 * in other rows, its weights learned from the other columns alone: so its truth is what the same
 * weights make of the true column, which surprise_find() says itself when it is handed that column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "crypto/base/span.h"
#include "proto/surprise.h"
#include "tests/keepsum.h"

enum {
    PERSONS_MAX = 60000,
    RUNS = 200,
    SIDE = 6,
    WIDTH = SIDE + 1,
    CELLS = SIDE * SIDE,
    KINDS = 2
};
enum { APART_ROW = 1, APART_COLUMN = 2 }; /* kept apart: see APART */
#define APART 0.5                         /* the share of joint buyers who do not buy it there */

static struct keepsum_person persons[PERSONS_MAX];

static const struct scene {
    const char *name;
    size_t own, other, common;
    uint64_t slots;
    double variance; /* of a cell's noise */
    double lean;     /* how far apart the two kinds' tastes are; 0: independent */
} SCENES[] = {
    {"independent, default noise", 40000, 40000, 40000, 1 << 17, 2937.5, 0},
    {"two kinds, default noise", 45000, 45000, 40000, 1 << 17, 2937.5, 0.5},
    {"two kinds, little noise", 40000, 50000, 36000, 1 << 17, 100, 0.5},
    {"two kinds, crowded slots", 45000, 45000, 45000, 1 << 16, 600, 0.35},
};

/* How likely a person of a kind has category c, 1..SIDE, before anything is kept apart: the first
 * half is to the one kind's taste, the second to the other's. */
static double likely(const struct scene *s, int kind, unsigned c, double common)
{
    bool fits = (c <= SIDE / 2) == (kind == 0);

    return common * (1 + 0.1 * c) * (1 + (fits ? s->lean : -s->lean));
}

static double row_share(const struct scene *s, int kind, unsigned a)
{
    return likely(s, kind, a, 0.14);
}

static double column_share(const struct scene *s, int kind, unsigned b)
{
    return likely(s, kind, b, 0.17);
}

/* Of a person in common: P(row a and column b); 0: the margin. */
static double joint(const struct scene *s, unsigned a, unsigned b)
{
    double sum = 0;

    for (int kind = 0; kind < KINDS; kind++) {
        double row = a == 0 ? 1 : row_share(s, kind, a);
        double column = b == 0 ? 1 : column_share(s, kind, b);
        double who = a == APART_ROW ? 1 : row_share(s, kind, APART_ROW);
        sum += row * column * (b == APART_COLUMN ? 1 - APART * who : 1) / KINDS;
    }
    return sum;
}

static double true_r(const struct scene *s, unsigned a, unsigned b)
{
    return joint(s, a, b) / (joint(s, a, 0) * joint(s, 0, b)) - 1;
}

static struct keepsum_world populate(const struct scene *s, uint64_t seed)
{
    size_t count = s->own + s->other - s->common;

    assert_true(count <= PERSONS_MAX);
    seed = keepsum_mix(seed);
    for (size_t i = 0; i < count; i++) {
        struct keepsum_person *p = &persons[i];
        int kind = keepsum_uniform(&seed) < 0.5;
        *p = (struct keepsum_person){.own = i < s->own, .other = i >= s->own - s->common};
        p->rows = p->columns = 1;
        for (unsigned c = 1; c <= SIDE; c++) {
            p->rows |= (uint32_t)(keepsum_uniform(&seed) < row_share(s, kind, c)) << c;
            p->columns |= (uint32_t)(keepsum_uniform(&seed) < column_share(s, kind, c)) << c;
        }
        if ((p->rows >> APART_ROW & 1) && keepsum_uniform(&seed) < APART)
            p->columns &= ~(1U << APART_COLUMN);
    }
    return (struct keepsum_world){.persons = persons,
                                  .person_count = count,
                                  .slot_count = s->slots,
                                  .row_count = SIDE,
                                  .column_count = SIDE,
                                  .cell_variance = s->variance,
                                  .margin_variance = 4 * s->variance,
                                  .minimum_count = 1};
}

static double estimated_r(const struct estimate_in *in, unsigned a, unsigned b)
{
    return estimate_cell(in, a, b).value * estimate_cell(in, 0, 0).value /
               (estimate_cell(in, a, 0).value * estimate_cell(in, 0, b).value) -
           1;
}

/* p of column b with this run's weights and the true column: predicted[a - 1]. */
static void true_prediction(double predicted[SIDE], const struct scene *s,
                            const struct keepsum_run *run, unsigned b)
{
    static double raw[WIDTH * WIDTH];
    static struct surprise_cell out[CELLS];
    struct estimate_in in = run->in;
    const double scale = estimate_cell(&in, 0, 0).value / in.raw[0];

    memcpy(raw, in.raw, sizeof raw);
    in.raw = raw;
    for (unsigned a = 1; a <= SIDE; a++)
        raw[b * WIDTH + a] = (1 + true_r(s, a, b)) * estimate_cell(&run->in, a, 0).value *
                             estimate_cell(&run->in, 0, b).value /
                             estimate_cell(&run->in, 0, 0).value / scale;
    assert_int_equal(surprise_find(out, &in), PT_OK);
    for (unsigned a = 1; a <= SIDE; a++)
        predicted[a - 1] = out[(a - 1) * SIDE + b - 1].index / 100 - 1;
}

struct coverage {
    double inside, total;
};

static void add(struct coverage *c, bool inside)
{
    c->total++;
    c->inside += inside;
}

static void expect_95(const char *scene, const char *what, const struct coverage *c)
{
    double percent = 100 * c->inside / c->total;

    print_message("%-28s %-12s %.1f %% of %.0f\n", scene, what, percent, c->total);
    if (percent < 93 || percent > 97)
        fail_msg("%s, %s: %.1f %% of the intervals hold the truth", scene, what, percent);
}

/* The cell before and after the choice of what is told: of the hidden ones z, p and r are known, and
 * so the interval. */
static void look_at(struct coverage *all, struct coverage *apart, const struct scene *s,
                    const struct keepsum_run *run, const struct surprise_cell *out)
{
    for (unsigned b = 1; b <= SIDE; b++) {
        double predicted[SIDE];
        true_prediction(predicted, s, run, b);
        for (unsigned a = 1; a <= SIDE; a++) {
            const struct surprise_cell *c = &out[(a - 1) * SIDE + b - 1];
            double truth = predicted[a - 1] - true_r(s, a, b);
            double said = c->index / 100 - 1 - estimated_r(&run->in, a, b);
            assert_true(c->z != 0);
            add(all, fabs(said - truth) <= 1.959963984540054 * fabs(said / c->z));
            if (a != APART_ROW || b != APART_COLUMN)
                continue;
            if (c->missing.status != FIGURE_VALUE)
                fail_msg("%s: the pair kept apart is not found: a choice by value", s->name);
            truth *= (double)s->common * joint(s, a, 0) * joint(s, 0, b);
            add(apart, fabs(c->missing.value - truth) <= c->missing.half_width);
        }
    }
}

static void error_bars_of_surprise_are_true(void **state)
{
    static struct keepsum_run run;
    static struct surprise_cell out[CELLS];

    (void)state;
    struct coverage apart = {0}; /* one a run: of all scenes together */
    for (size_t s = 0; s < PT_LEN(SCENES); s++) {
        struct coverage all = {0};
        for (uint64_t salt = 0; salt < RUNS; salt++) {
            uint64_t seed = (s + 1) * 1000003 + salt * 7919;
            struct keepsum_world w = populate(&SCENES[s], seed);
            keepsum_run(&run, &w, seed);
            assert_int_equal(surprise_find(out, &run.in), PT_OK);
            look_at(&all, &apart, &SCENES[s], &run, out);
        }
        expect_95(SCENES[s].name, "every pair", &all);
    }
    expect_95("all of them", "kept apart", &apart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_bars_of_surprise_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
