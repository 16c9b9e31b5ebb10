/* Goal: people in every region and union of three and four partners come back from the opened
 * histogram, with error bars that hold.
 * Method: people thrown into slots, bits OR-ed, dummies' noise added; unions and regions over many
 * salts against the truth, and each formula once more as PROTOCOL.md 6 prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/span.h"
#include "proto/regions.h"
#include "tests/keepsum.h"

enum { RUNS = 240, PEOPLE_MAX = 40000, SLOTS = 1 << 16 };
static const double SIGMA2 = 1000; /* rho 0.001 */
static uint8_t masks[PEOPLE_MAX];
static size_t people;
static double truth[REGIONS_MAX];

/* Everybody is with each partner or not, leaning on how much they like partners at all. */
static void populate(unsigned parties, size_t n)
{
    uint64_t random = 77;

    memset(truth, 0, sizeof truth);
    people = 0;
    for (size_t i = 0; i < n; i++) {
        double like = keepsum_uniform(&random);
        uint8_t m = 0;
        for (unsigned p = 0; p < parties; p++)
            if (keepsum_uniform(&random) < 0.15 + 0.5 * like * like)
                m |= (uint8_t)(1U << p);
        if (m != 0)
            masks[people++] = m;
        truth[m]++;
    }
    truth[0] = 0;
}

static void throw(int64_t counts[REGIONS_MAX], unsigned parties, uint64_t salt)
{
    static uint8_t slots[SLOTS];
    uint64_t random = keepsum_mix(salt);
    size_t cells = (size_t)1 << parties;

    memset(slots, 0, sizeof slots);
    memset(counts, 0, REGIONS_MAX * sizeof *counts);
    for (size_t i = 0; i < people; i++)
        slots[keepsum_mix(salt * PEOPLE_MAX + i) % SLOTS] |= masks[i];
    for (size_t s = 0; s < SLOTS; s++)
        counts[slots[s]]++;
    for (size_t m = 0; m < cells; m++) /* three nodes, sigma^2 / 2 each, mean 500 */
        counts[m] += 1500 + llround(sqrt(1.5 * SIGMA2) * keepsum_gauss(&random));
}

static struct regions_in in_of(unsigned parties, const int64_t *counts)
{
    return (struct regions_in){.party_count = parties,
                               .slot_count = SLOTS,
                               .counts = counts,
                               .dummy_mean = 1500,
                               .dummy_variance = 1.5 * SIGMA2,
                               .minimum_count = 1};
}

/* ---- the formulas, as they are printed ---- */

static double z_of(const int64_t *counts, unsigned v, unsigned all)
{
    double z = 0;
    if (v == all) /* known: the sum of all h would only bring its noise in */
        return SLOTS;
    for (unsigned m = 0; m <= v; m++)
        z += (m & ~v) == 0 ? (double)counts[m] - 1500 : 0;
    return z;
}

static bool within(unsigned set, unsigned of)
{
    return (set & ~of) == 0;
}

static int sign(unsigned set, unsigned of)
{
    return __builtin_popcount(set ^ of) % 2 == 0 ? 1 : -1;
}

static void check_union(unsigned parties, unsigned s, const int64_t *counts,
                        const struct regions *r)
{
    const unsigned all = (1U << parties) - 1;
    double u = -SLOTS * log(z_of(counts, all & ~s, all) / SLOTS);
    double lambda = u / SLOTS;
    double s2 = SLOTS * (exp(lambda) - lambda - 1) +
                1.5 * SIGMA2 * pow(2, (double)parties - __builtin_popcount(s)) * exp(2 * lambda);
    struct figure f = regions_reach(r, s);

    assert_int_equal(f.status, FIGURE_VALUE);
    assert_true(fabs(f.value - u) < 1e-6 * SLOTS);
    /* Printed for the expected counts of empty slots, computed from the noisy ones. */
    assert_true(fabs(f.half_width / (1.96 * sqrt(s2)) - 1) < 0.02);
}

static double weight(unsigned m, unsigned t, const int64_t *counts, unsigned all)
{
    double w = 0;
    for (unsigned v = 0; v <= t; v++)
        if (within(v, t) && within(m, v) && v != all)
            w += SLOTS * sign(v, t) / z_of(counts, v, all);
    return w;
}

static void check_region(unsigned parties, unsigned t, const int64_t *counts,
                         const struct regions *r)
{
    const unsigned all = (1U << parties) - 1;
    double n = 0;
    double square = 0;
    double cross = 0;
    double weights = 0;
    for (unsigned v = 0; v <= t; v++)
        if (within(v, t))
            n += SLOTS * sign(v, t) * log(z_of(counts, v, all));
    for (unsigned m = 0; m <= t; m++) {
        if (!within(m, t))
            continue;
        double w = weight(m, t, counts, all);
        double h = (double)counts[m] - 1500;
        square += h * w * w;
        cross += h * w;
        weights += w * w;
    }
    double s2 = square - cross * cross / SLOTS - n + 1.5 * SIGMA2 * weights;
    struct figure f = regions_exactly(r, t);
    if (f.status != FIGURE_VALUE)
        return;
    assert_true(fabs(f.value - n) < 1e-6 * SLOTS);
    assert_true(fabs(f.half_width - 1.96 * sqrt(s2)) < 1e-6 * f.half_width);
}

static void regions_are_the_printed_formulas(void **state)
{
    static struct regions r;
    int64_t counts[REGIONS_MAX];

    (void)state;
    for (unsigned parties = 2; parties <= 5; parties++) {
        populate(parties, 30000);
        throw(counts, parties, 5);
        struct regions_in in = in_of(parties, counts);
        regions_begin(&r, &in);
        for (unsigned s = 1; s < 1U << parties; s++) {
            check_union(parties, s, counts, &r);
            check_region(parties, s, counts, &r);
        }
    }
}

/* ---- bias and coverage ---- */

struct judged {
    double n, sum, square, inside, stated;
    bool hidden; /* at least once: what is left would be a choice, so it is not judged */
};

static void judge(struct judged *j, struct figure f, double wanted)
{
    if (f.status != FIGURE_VALUE) {
        j->hidden = true;
        return;
    }
    double error = f.value - wanted;
    j->n++;
    j->sum += error;
    j->square += error * error;
    j->inside += fabs(error) <= f.half_width;
    j->stated += f.half_width * f.half_width / (1.96 * 1.96);
}

static void expect(const char *what, unsigned which, const struct judged *j, double *inside,
                   double *total)
{
    double bias = j->sum / j->n;
    double variance = j->square / j->n - bias * bias;

    if (j->hidden)
        return;
    if (fabs(bias) > 3.5 * sqrt(variance / j->n))
        fail_msg("%s %u: bias %.1f, standard error %.1f", what, which, bias, sqrt(variance / j->n));
    /* 240 runs: a sample variance is good to 9 %. */
    if (fabs(variance / (j->stated / j->n) - 1) > 0.30)
        fail_msg("%s %u: variance %.0f, stated %.0f", what, which, variance, j->stated / j->n);
    *inside += j->inside;
    *total += j->n;
}

static double truth_where(unsigned parties, unsigned meets, unsigned avoids, unsigned n)
{
    double sum = 0;
    for (unsigned t = 1; t < 1U << parties; t++)
        if ((t & meets) != 0 && (t & avoids) == 0 &&
            (n == 0 || (unsigned)__builtin_popcount(t) == n))
            sum += truth[t];
    return sum;
}

static void check(unsigned parties)
{
    static struct regions r;
    const unsigned all = (1U << parties) - 1;
    struct judged reach[16] = {0};
    struct judged exact[16] = {0};
    struct judged often[5] = {0};
    struct judged adds = {0};
    double inside = 0;
    double total = 0;
    int64_t counts[REGIONS_MAX];

    populate(parties, 30000);
    for (uint64_t salt = 0; salt < RUNS; salt++) {
        throw(counts, parties, salt + 1);
        struct regions_in in = in_of(parties, counts);
        regions_begin(&r, &in);
        for (unsigned s = 1; s <= all; s++) {
            judge(&reach[s], regions_reach(&r, s), truth_where(parties, s, 0, 0));
            judge(&exact[s], regions_exactly(&r, s), truth[s]);
        }
        for (unsigned n = 1; n <= parties; n++)
            judge(&often[n], regions_frequency(&r, n), truth_where(parties, all, 0, n));
        judge(&adds, regions_adds(&r, 2, 5), truth_where(parties, 2, 5, 0));
    }
    for (unsigned s = 1; s <= all; s++) {
        expect("reach", s, &reach[s], &inside, &total);
        expect("exactly", s, &exact[s], &inside, &total);
    }
    for (unsigned n = 1; n <= parties; n++)
        expect("frequency", n, &often[n], &inside, &total);
    expect("adds", 2, &adds, &inside, &total);
    print_message("%u partners: %.1f %% of %.0f figures inside\n", parties, 100 * inside / total,
                  total);
    assert_true(total > 0.8 * RUNS * (2.0 * all + parties + 1));
    assert_true(inside > 0.93 * total && inside < 0.97 * total);
}

static void three_partners_come_back(void **state)
{
    (void)state;
    check(3);
}

static void four_partners_come_back(void **state)
{
    (void)state;
    check(4);
}

/* Next to no empty slot: ln z means nothing, so nothing is said. */
static void full_slots_say_nothing(void **state)
{
    static struct regions r;
    int64_t counts[REGIONS_MAX] = {1510, 1520, 1500, 60000};

    (void)state;
    struct regions_in in = in_of(2, counts);
    regions_begin(&r, &in);
    struct figure f = regions_reach(&r, 3);
    assert_int_equal(f.status, FIGURE_SUPPRESSED);
    assert_int_equal(f.reason, REASON_DERIVED);
    assert_true(f.value == 0 && f.half_width == 0);
}

static void small_counts_are_not_shown(void **state)
{
    static struct regions r;
    int64_t counts[REGIONS_MAX];

    (void)state;
    populate(3, 30000);
    throw(counts, 3, 9);
    struct regions_in in = in_of(3, counts);
    in.minimum_count = truth[7] * 2;
    regions_begin(&r, &in);
    assert_int_equal(regions_exactly(&r, 7).status, FIGURE_SUPPRESSED);
    assert_int_equal(regions_exactly(&r, 7).reason, REASON_MINIMUM);
    assert_int_equal(regions_reach(&r, 7).status, FIGURE_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_the_printed_formulas),
        cmocka_unit_test(three_partners_come_back),
        cmocka_unit_test(four_partners_come_back),
        cmocka_unit_test(full_slots_say_nothing),
        cmocka_unit_test(small_counts_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
