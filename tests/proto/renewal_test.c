/* Goal: the change of a composition is told as it is, its 95 % interval holds the truth in 93..97 % of
 * runs, and what is hidden in one of two epochs does not count.
 * Method: cases by hand; RUNS seeded pairs of tables with noise of a known variance, a scene each. The
 * share inside deviates by sqrt(0.05 * 0.95 / RUNS) = 0.35 %, and the seeds are fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "proto/renewal.h"
#include "tests/keepsum.h"

enum { RUNS = 4000, CATEGORIES_MAX = 50 };

static struct figure value(double v, double s)
{
    return (struct figure){.status = FIGURE_VALUE, .value = v, .half_width = 1.96 * s};
}

static void close_to(double got, double want)
{
    if (!(fabs(got - want) < 1e-12))
        fail_msg("%.15g is not %.15g", got, want);
}

/* Without noise: (0.3^2 + 0.3^2) / (0.5^2 + 0.5^2 + 0.2^2 + 0.8^2), and the ends of the scale. */
static void by_hand(void **state)
{
    const struct figure half[] = {value(500, 0), value(500, 0)};
    const struct figure fifth[] = {value(400, 0), value(1600, 0)};
    const struct figure one[] = {value(1e12, 0), value(1, 0)};
    const struct figure other[] = {value(1, 0), value(1e12, 0)};
    struct renewal r;

    (void)state;
    renewal_estimate(&r, half, fifth, 2);
    assert_int_equal(r.renewal.status, FIGURE_VALUE);
    close_to(r.renewal.value, 0.18 / 1.18);
    close_to(r.renewal.half_width, 0);
    renewal_estimate(&r, fifth, fifth, 2);
    close_to(r.renewal.value, 0);
    renewal_estimate(&r, one, other, 2);
    assert_true(fabs(r.renewal.value - 1) < 1e-9);
}

static void hidden_ones_do_not_count(void **state)
{
    const struct figure now[] = {value(500, 0), value(900, 0), value(500, 0)};
    struct figure then[] = {value(400, 0), {.status = FIGURE_SUPPRESSED}, value(1600, 0)};
    struct renewal r;

    (void)state;
    renewal_estimate(&r, now, then, 3);
    close_to(r.renewal.value, 0.18 / 1.18);
    then[0].value = -3;
    renewal_estimate(&r, now, then, 3);
    assert_int_equal(r.renewal.status, FIGURE_SUPPRESSED);
    assert_int_equal(r.renewal.reason, REASON_DERIVED);
    close_to(r.renewal.half_width, 0);
    renewal_estimate(&r, now, then, 0);
    assert_int_equal(r.renewal.status, FIGURE_SUPPRESSED);
}

static const struct scene {
    const char *name;
    size_t categories;
    double people, error, changed; /* error: of a cell; changed: how far weights turn, 0..1 */
} SCENES[] = {
    {"four, as they were", 4, 20000, 150, 0},
    {"four, a little", 4, 20000, 150, 0.1},
    {"four, much", 4, 20000, 150, 0.8},
    {"fifty, as they were", 50, 60000, 120, 0},
    {"fifty, a little, much noise", 50, 60000, 200, 0.3},
    {"two, half turned", 2, 3000, 100, 0.5},
};

/* Weight of category b: uneven, and the other way round the more it has changed. */
static double weight(const struct scene *s, size_t b, double changed)
{
    const double at = (double)b / (double)(s->categories - 1);

    return 0.5 + (1 - changed) * at + changed * (1 - at);
}

static void draw(struct figure *out, const double *truth, const struct scene *s, uint64_t *seed)
{
    for (size_t b = 0; b < s->categories; b++)
        out[b] = value(truth[b] + s->error * keepsum_gauss(seed), s->error);
}

static void intervals_hold_the_truth(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SCENES / sizeof *SCENES; i++) {
        const struct scene *s = &SCENES[i];
        double truth[2][CATEGORIES_MAX] = {{0}};
        struct figure exact[2][CATEGORIES_MAX];
        struct figure seen[2][CATEGORIES_MAX];
        struct renewal want;
        struct renewal got;
        uint64_t seed = 20261127 + i;
        double mean = 0;
        int inside = 0;

        for (size_t t = 0; t < 2; t++) {
            double sum = 0;
            for (size_t b = 0; b < s->categories; b++)
                sum += weight(s, b, t == 0 ? 0 : s->changed);
            for (size_t b = 0; b < s->categories; b++) {
                truth[t][b] = s->people * weight(s, b, t == 0 ? 0 : s->changed) / sum;
                exact[t][b] = value(truth[t][b], 0);
            }
        }
        renewal_estimate(&want, exact[1], exact[0], s->categories);
        for (int run = 0; run < RUNS; run++) {
            draw(seen[0], truth[0], s, &seed);
            draw(seen[1], truth[1], s, &seed);
            renewal_estimate(&got, seen[1], seen[0], s->categories);
            assert_int_equal(got.renewal.status, FIGURE_VALUE);
            inside +=
                got.low.value <= want.renewal.value + 1e-12 && want.renewal.value <= got.high.value;
            mean += got.renewal.value / RUNS;
        }
        print_message("%-28s renewal %.4f, mean %.4f, inside %.1f %%\n", s->name,
                      want.renewal.value, mean, 100.0 * inside / RUNS);
        assert_in_range(inside, RUNS * 93 / 100, RUNS * 97 / 100);
        assert_true(fabs(mean - want.renewal.value) < 0.1 * got.renewal.half_width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(hidden_ones_do_not_count),
        cmocka_unit_test(intervals_hold_the_truth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
