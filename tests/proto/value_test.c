/* Goal: sum and mean of a number come back as the plain join has them, their 95 % error bars hold the
 * truth in 93..97 % of runs, and what the policy hides stays hidden.
 * Method: a case by hand; keep-one and sum (tests/keepsum.h) over RUNS seeded runs. Groups are
 * disjoint and their means differ. The figures of a run are dependent: the share inside deviates by
 * sqrt(0.05 * 0.95 / RUNS) = 0.9 % at worst, and the seeds are fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "proto/value.h"
#include "tests/keepsum.h"

enum { PERSONS_MAX = 14000, RUNS = 600, GROUPS = 3 };
static const double MINIMUM = -20, MAXIMUM = 480; /* scale 5, middle 230 */

static struct keepsum_person persons[PERSONS_MAX];

static const struct scene {
    const char *name;
    size_t own, other, common;
    uint64_t slots;
    double variance; /* of a group's count; of all it is 4 times that, and a sum's 50^2 */
    bool
        unlike; /* one group at the bounds, most at the lower one; the others close to the middle */
} SCENES[] = {
    {"partly the same, much noise", 6000, 7000, 3500, 1 << 15, 600, false},
    {"partly the same, little noise", 6000, 7000, 3500, 1 << 15, 5, false},
    {"all the same, little noise", 5000, 5000, 5000, 1 << 14, 5, false},
    {"crowded slots", 6000, 5000, 3000, 1 << 13, 50, false},
    {"unlike groups, little noise", 6000, 7000, 3500, 1 << 15, 5, true},
};

static struct keepsum_world populate(const struct scene *s, uint64_t seed)
{
    size_t count = s->own + s->other - s->common;

    assert_true(count <= PERSONS_MAX);
    for (size_t i = 0; i < count; i++) {
        unsigned group = 1 + (unsigned)(keepsum_uniform(&seed) * GROUPS);
        double number = 12.0 * group - 44 + 16 * keepsum_gauss(&seed);
        if (s->unlike)
            number = group > 1 ? number / 8 : keepsum_uniform(&seed) < 0.8 ? -50 : 50;
        persons[i] = (struct keepsum_person){.own = i < s->own,
                                             .other = i >= s->own - s->common,
                                             .rows = 1 | 1U << group,
                                             .columns = 1,
                                             .number = (int)fmin(fmax(number, -50), 50)};
    }
    return (struct keepsum_world){
        .persons = persons,
        .person_count = count,
        .slot_count = s->slots,
        .row_count = GROUPS,
        .value = true,
        .cell_variance = s->variance,
        .margin_variance = 4 * s->variance,
        /* budget.h, C_A = 1: rho = 2.75/(1.9 variance), 2500^2/(rho/10) */
        .square_variance = 62500000 * s->variance * 1.9 / 2.75};
}

static struct value_in value_of(const struct keepsum_run *run, const struct keepsum_world *w)
{
    return (struct value_in){.counts = &run->in,
                             .raw = run->number_raw,
                             .variance = 2500 * w->cell_variance,
                             .all_variance = 2500 * w->margin_variance,
                             .square_sum = run->square_sum,
                             .minimum = MINIMUM,
                             .maximum = MAXIMUM};
}

/* The plain join, in the number's own unit. */
static double true_sum(const struct keepsum_world *w, size_t group)
{
    double sum = 0;
    for (size_t i = 0; i < w->person_count; i++)
        if (w->persons[i].own && w->persons[i].other && (w->persons[i].rows >> group & 1))
            sum += MINIMUM + (MAXIMUM - MINIMUM) * (w->persons[i].number + 50) / 100;
    return sum;
}

struct tally {
    double inside, total, error, square;
};

static void cover(struct tally *t, const struct figure *f, double truth)
{
    assert_int_equal(f->status, FIGURE_VALUE);
    double z = (f->value - truth) / (f->half_width / 1.96);
    t->total++;
    t->inside += fabs(z) <= 1.96;
    t->error += z;
    t->square += z * z;
}

static void expect_95(const struct scene *s, const char *what, const struct tally *t)
{
    double percent = 100 * t->inside / t->total;
    double bias = t->error / t->total;

    print_message("%-30s %-5s %.1f %% of %.0f, bias %+.3f, sd %.3f of those stated\n", s->name,
                  what, percent, t->total, bias, sqrt(t->square / t->total - bias * bias));
    if (percent < 93 || percent > 97)
        fail_msg("%s, %s: %.1f %% of the intervals hold the truth", s->name, what, percent);
    if (fabs(bias) > 3 / sqrt(RUNS))
        fail_msg("%s, %s: off by %.3f standard errors", s->name, what, bias);
}

static void value_holds_the_truth(void **state)
{
    static struct keepsum_run run;
    (void)state;
    for (size_t s = 0; s < sizeof SCENES / sizeof SCENES[0]; s++) {
        struct keepsum_world w = populate(&SCENES[s], 11 + s);
        struct tally count = {0};
        struct tally mean = {0};
        struct tally sum = {0};
        double truth[GROUPS + 1];
        struct value_figures out[GROUPS + 1];
        for (size_t a = 0; a <= GROUPS; a++)
            truth[a] = true_sum(&w, a);
        for (uint64_t salt = 0; salt < RUNS; salt++) {
            keepsum_run(&run, &w, (s + 1) * 1000033 + salt * 7907);
            struct value_in in = value_of(&run, &w);
            value_estimate(out, &in);
            for (size_t a = 0; a <= GROUPS; a++) {
                cover(&count, &out[a].count, keepsum_truth(&w, a, 0));
                cover(&mean, &out[a].mean, truth[a] / keepsum_truth(&w, a, 0));
                cover(&sum, &out[a].sum, truth[a]);
            }
        }
        expect_95(&SCENES[s], "count", &count);
        expect_95(&SCENES[s], "mean", &mean);
        expect_95(&SCENES[s], "sum", &sum);
    }
}

/* Every record kept and slots without end: what is left is the owner's noise. 400 persons, centred
 * sum 2000: 5 above the middle of 0..200, scaled by 2. */
static const double RAW[] = {2000, 300};
static const double COUNT[] = {400, 60};
static const double ENERGY[] = {400, 60};
static const double SIZE[] = {400};

static struct estimate_in plain_counts(void)
{
    return (struct estimate_in){.frame = {.slot_count = 1e12,
                                          .kept = 400,
                                          .customers = 400,
                                          .minimum_count = 100,
                                          .minimum_audience = 300},
                                .row_count = 1,
                                .raw = COUNT,
                                .energy = ENERGY,
                                .own_size = ENERGY,
                                .other_size = SIZE,
                                .cell_variance = 16,
                                .margin_variance = 16};
}

static void sums_and_means_by_hand(void **state)
{
    (void)state;
    struct estimate_in counts = plain_counts();
    struct value_in in = {&counts, RAW, 2500.0 * 16, 2500.0 * 16, 0, 40000, 0, 200};
    struct value_figures out[2];

    value_estimate(out, &in);
    assert_int_equal(out[0].mean.status, FIGURE_VALUE);
    assert_true(fabs(out[0].count.value - 400) < 1e-9);
    assert_true(fabs(out[0].count.half_width - 1.96 * 4) < 1e-4);
    assert_true(fabs(out[0].mean.value - 110) < 1e-9);
    assert_true(fabs(out[0].sum.value - 44000) < 1e-6);
    /* 2 sqrt(200^2 + 5^2 4^2)/400; sqrt(100^2 4^2 + 2^2 200^2) */
    assert_true(fabs(out[0].mean.half_width - 1.96 * 2 * sqrt(40400) / 400) < 1e-4);
    assert_true(fabs(out[0].sum.half_width - 1.96 * sqrt(320000)) < 1e-2);
}

static void small_groups_are_hidden(void **state)
{
    (void)state;
    struct estimate_in counts = plain_counts();
    struct value_in in = {&counts, RAW, 2500.0 * 16, 2500.0 * 16, 0, 40000, 0, 200};
    struct value_figures out[2];

    value_estimate(out, &in);
    assert_int_equal(out[1].mean.status, FIGURE_SUPPRESSED);
    assert_int_equal(out[1].sum.status, FIGURE_SUPPRESSED);
    assert_int_equal(out[1].sum.reason, REASON_DERIVED);
    assert_int_equal(out[1].count.status, FIGURE_SUPPRESSED);
    assert_int_equal(out[1].count.reason, REASON_MINIMUM);
    assert_true(out[1].sum.value == 0 && out[1].mean.value == 0);
    counts.frame.minimum_audience = 401;
    value_estimate(out, &in);
    for (size_t a = 0; a < 2; a++) {
        assert_int_equal(out[a].mean.status, FIGURE_REFUSED);
        assert_int_equal(out[a].count.reason, REASON_AUDIENCE);
        assert_int_equal(out[a].sum.reason, REASON_AUDIENCE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_means_by_hand),
        cmocka_unit_test(small_groups_are_hidden),
        cmocka_unit_test(value_holds_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
