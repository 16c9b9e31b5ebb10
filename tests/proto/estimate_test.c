/* Goal: estimates are unbiased, as wide as they say, and hide what the policy hides.
 * Method: hand-computed cases for the arithmetic; simulation of keep-one and sum (tests/keepsum.h)
 * against the plain join for bias and variance (coverage: error_bars_test.c). Expected variances come from
 * reference/statistics/DERIVATIONS.md 1.2, written out here a second time, term by term. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/keepsum.h"

enum { PERSONS_MAX = 20000, SALTS = 2500 };

static struct keepsum_person persons[PERSONS_MAX];

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.9g is not %.9g within %.3g", got, want, tolerance);
}

/* ---- arithmetic, by hand ------------------------------------------------------------------- */

/* 2 x 1 table; q = 0.8, M = 1000. raw: column "all", then b1; in each "all", a1, a2. */
static struct estimate_in small_table(void)
{
    static const double raw[] = {800, 320, 8, 400, 240, 4};
    static const double energy[] = {1600, 800, 40};
    static const double own_size[] = {2000, 1000, 50};
    static const double other_size[] = {5000, 2500};
    static const double scheme[] = {1, 3};
    return (struct estimate_in){
        .frame = {.slot_count = 1000,
                  .kept = 1600,
                  .customers = 2000,
                  .minimum_count = 100,
                  .minimum_audience = 1000},
        .row_count = 2,
        .column_count = 1,
        .raw = raw,
        .energy = energy,
        .own_size = own_size,
        .other_size = other_size,
        .scheme_variance = scheme,
        .cell_variance = 10,
        .margin_variance = 40,
    };
}

/* Of customers in common in one slot just one was kept: half a pair each, a little less where a slot
 * holds more. E[1/(2 + Poisson(l))] over q, l = n/M = 2. */
static double common_pairs(void)
{
    return (2 - 1 + exp(-2)) / 4 / 0.8;
}

/* small_table's covariance of T_x and T_y by the cell of those in both, before noise. */
struct shared {
    double energy, size, common; /* F2 of its row; g of its column, those of them in common */
    double both, x, y;
};
static double shared(struct shared s)
{
    double strangers = s.energy * (s.size - s.common + s.common * common_pairs()) / 1000;
    return (strangers + 0.16 * (s.both - s.x * s.y / 2000)) / 0.64;
}

static void cell_is_the_formula(void **state)
{
    (void)state;
    struct estimate_in in = small_table();
    struct estimate total = estimate_cell(&in, 0, 0);
    struct estimate body = estimate_cell(&in, 1, 1);
    near(total.value, 1000, 1e-9);
    /* noise 40 + 1; 4,000 strangers and 1,000 in common beside 1600 kept; 1,000 of 2,000 kept */
    near(total.variance, (41 + 1.6 * (4000 + 1000 * common_pairs()) + 0.16 * 500) / 0.64, 1e-6);
    near(total.variance, (41 + 6967.667 + 80) / 0.64, 1e-2);
    near(body.value, 300, 1e-9);
    near(body.variance, (13 + 0.8 * (2000 + 500 * common_pairs()) + 0.16 * 300 * 0.85) / 0.64,
         1e-6);
    struct estimate_place ab = {1, 1};
    struct estimate_place b = {0, 1};
    near(estimate_covariance(&in, ab, b), shared((struct shared){800, 2500, 500, 300, 300, 500}),
         1e-9);
    near(estimate_covariance(&in, b, ab), estimate_covariance(&in, ab, b), 0);
    near(estimate_covariance(&in, (struct estimate_place){1, 0}, b),
         shared((struct shared){800, 2500, 500, 300, 400, 500}), 1e-9);
    near(estimate_covariance(&in, ab, (struct estimate_place){2, 1}), 0, 0); /* not known */
}

static void negative_values_stay_and_sizes_below_zero_add_no_variance(void **state)
{
    static const double raw[] = {-8};
    static const double size[] = {-3};
    static const double energy[] = {100};
    struct estimate_in in = small_table();
    (void)state;
    in.row_count = 0;
    in.column_count = 0;
    in.raw = raw;
    in.other_size = size;
    in.energy = energy;
    in.scheme_variance = NULL;
    struct estimate e = estimate_cell(&in, 0, 0);
    near(e.value, -10, 1e-12);
    near(e.variance, 10 / 0.64, 1e-12); /* a single cell is a body: cell_variance */
}

static void a_count_below_either_threshold_is_suppressed(void **state)
{
    struct estimate_in in = small_table();
    struct figure out[6];
    (void)state;
    estimate_crosstab(out, &in);
    double s = sqrt(estimate_cell(&in, 0, 0).variance); /* 105: threshold 263, not 100 */
    near(estimate_threshold(&in.frame, s), 2.5 * s, 1e-9);
    near(estimate_threshold(&in.frame, 1), 100, 0);
    assert_int_equal(out[0].status, FIGURE_VALUE);
    near(out[0].value, 1000, 1e-9);
    near(out[0].half_width, 1.96 * s, 1e-6);
    /* 10 and 5 people: suppressed, and nothing of the value is left in the cell. */
    for (int i = 4; i < 6; i++) {
        assert_int_equal(out[i].status, FIGURE_SUPPRESSED);
        assert_int_equal(out[i].reason, REASON_MINIMUM);
        near(out[i].value, 0, 0);
        near(out[i].half_width, 0, 0);
    }
}

static void profile_and_affinity_follow_their_formulas(void **state)
{
    struct estimate_in in = small_table();
    struct figure out[6];
    (void)state;
    struct estimate ab = estimate_cell(&in, 1, 1);
    struct estimate a = estimate_cell(&in, 1, 0);
    struct estimate b = estimate_cell(&in, 0, 1);
    struct estimate t = estimate_cell(&in, 0, 0);
    estimate_profile(out, &in);
    near(out[2].value, 1, 0); /* column "all" */
    near(out[3].value, 300.0 / 400, 1e-12);
    double ab_a = shared((struct shared){800, 2500, 500, 300, 300, 400});
    near(out[3].half_width, 1.96 * sqrt(ab.variance + 0.5625 * a.variance - 2 * 0.75 * ab_a) / 400,
         1e-9);
    near(out[1].value, 0.5, 1e-12);
    assert_int_equal(out[5].status, FIGURE_SUPPRESSED);
    assert_int_equal(out[5].reason, REASON_DERIVED);

    estimate_affinity(out, &in);
    double expected = 400.0 * 500 / 1000;
    near(out[3].value, 100 * 300 / expected, 1e-9);
    double ab_b = shared((struct shared){800, 2500, 500, 300, 300, 500});
    double ab_t = shared((struct shared){800, 2500, 500, 300, 300, 1000});
    double a_b = shared((struct shared){800, 2500, 500, 300, 400, 500});
    double a_t = shared((struct shared){800, 5000, 1000, 400, 400, 1000});
    double b_t = shared((struct shared){1600, 2500, 500, 500, 500, 1000});
    double relative = ab.variance / 90000 + a.variance / 160000 + b.variance / 250000 +
                      t.variance / 1000000 +
                      2 * (-ab_a / (300 * 400) - ab_b / (300 * 500) + ab_t / (300 * 1000) +
                           a_b / (400 * 500) - a_t / (400 * 1000) - b_t / (500 * 1000));
    near(out[3].half_width, 1.96 * 150 * sqrt(relative), 1e-9);
    near(out[0].value, 100, 0);
    near(out[1].value, 100, 0);
    near(out[2].value, 100, 0);
    assert_int_equal(out[5].status, FIGURE_SUPPRESSED);
    assert_int_equal(out[5].reason, REASON_DERIVED); /* its row's margin is hidden */
}

static void absent_follows_its_formula_and_tells_no_hidden_count(void **state)
{
    struct estimate_in in = small_table();
    struct figure out[6];
    (void)state;
    struct estimate a = estimate_cell(&in, 1, 0);
    struct estimate t = estimate_cell(&in, 0, 0);
    in.frame.minimum_count = 1;
    estimate_absent(out, &in);
    near(out[0].value, 1, 0); /* everybody is in "all" */
    near(out[1].value, 1, 0);
    near(out[2].value, 0.4, 1e-12); /* the base: 400 of 1000 */
    double a_t = shared((struct shared){800, 5000, 1000, 400, 400, 1000});
    near(out[2].half_width, 1.96 * sqrt(a.variance + 0.16 * t.variance - 0.8 * a_t) / 1000, 1e-9);
    /* 400 - 300 = 100 of row 1 are not among the column's 500 of 1000; too few beside their error */
    assert_int_equal(out[3].status, FIGURE_SUPPRESSED);
    assert_int_equal(out[3].reason, REASON_DERIVED);
    static const double raw[] = {80000, 32000, 800, 40000, 24000, 400};
    in.raw = raw; /* the same a hundred times over, but for row 2 */
    struct estimate ab = estimate_cell(&in, 1, 1);
    struct estimate b = estimate_cell(&in, 0, 1);
    a = estimate_cell(&in, 1, 0);
    t = estimate_cell(&in, 0, 0);
    estimate_absent(out, &in);
    near(out[3].value, 0.2, 1e-12);
    /* More in common than either side has customers: all of the other's are, and none is a sample. */
    double in_ab = shared((struct shared){800, 2500, 2500, 0, 0, 0});
    a_t = shared((struct shared){800, 5000, 5000, 0, 0, 0});
    double b_t = shared((struct shared){1600, 2500, 2500, 0, 0, 0});
    double covariances = -0.2 * a_t - 0.04 * b_t + in_ab * (-1 + 0.2 + 0.2 - 0.2);
    near(out[3].half_width,
         1.96 *
             sqrt(a.variance + ab.variance + 0.04 * (t.variance + b.variance) + 2 * covariances) /
             50000,
         1e-9);
    /* 1,000 of the total less 500 in the column: the joint count is shown, so may the rest be. */
    in.frame.minimum_count = 30001; /* the joint count is 30,000 */
    estimate_absent(out, &in);
    assert_int_equal(out[3].status, FIGURE_SUPPRESSED);
    assert_int_equal(out[3].reason, REASON_DERIVED);
}

static void an_index_never_tells_a_hidden_count(void **state)
{
    static const double raw[] = {8000, 4000, 4000, 40}; /* 2500 expected, 50 there */
    static const double energy[] = {16, 16};
    static const double size[] = {5000, 2500};
    struct estimate_in in = small_table();
    struct figure out[4];
    (void)state;
    in.row_count = 1;
    in.raw = raw;
    in.energy = energy;
    in.other_size = size;
    estimate_crosstab(out, &in);
    assert_int_equal(out[3].status, FIGURE_SUPPRESSED);
    estimate_affinity(out, &in);
    assert_int_equal(out[3].status, FIGURE_SUPPRESSED);
    assert_int_equal(out[3].reason, REASON_DERIVED);
    static const double few[] = {8000, 1200, 1200, 1200}; /* 225 expected, 1500 there */
    in.raw = few;
    in.frame.minimum_count = 100;
    estimate_affinity(out, &in);
    assert_int_equal(out[3].status, FIGURE_VALUE);
    near(out[3].value, 100 * 1500 / 225.0, 1e-9);
    in.frame.minimum_count = 226;
    estimate_affinity(out, &in);
    assert_int_equal(out[3].status, FIGURE_SUPPRESSED);
    assert_int_equal(out[3].reason, REASON_EXPECTED);
}

static void a_small_audience_refuses_every_figure(void **state)
{
    struct estimate_in in = small_table();
    struct figure out[6];
    struct estimate_reach r;
    (void)state;
    in.frame.minimum_audience = 5000.5;
    void (*const readings[])(struct figure *, const struct estimate_in *) = {
        estimate_crosstab, estimate_profile, estimate_affinity, estimate_absent};
    for (size_t k = 0; k < sizeof readings / sizeof readings[0]; k++) {
        readings[k](out, &in);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(out[i].status, FIGURE_REFUSED);
            assert_int_equal(out[i].reason, REASON_AUDIENCE);
            near(out[i].value, 0, 0);
        }
    }
    estimate_reach(&r, &in);
    const struct figure all[] = {r.base.overlap, r.base.own,   r.base.other,
                                 r.own_adds,     r.other_adds, r.reach};
    for (int i = 0; i < 6; i++)
        assert_int_equal(all[i].status, FIGURE_REFUSED);
    in.frame.minimum_audience = (double)NAN; /* a broken number must not open the door */
    estimate_reach(&r, &in);
    assert_int_equal(r.reach.status, FIGURE_REFUSED);
}

static void reach_adds_up_and_hides_what_gives_a_hidden_overlap_away(void **state)
{
    struct estimate_in in = small_table();
    struct estimate_reach r;
    (void)state;
    in.row_count = 0;
    in.column_count = 0;
    estimate_reach(&r, &in);
    double s2 = (10 + 1 + 1.6 * (4000 + 1000 * common_pairs()) + 80) / 0.64;
    near(r.base.own.value, 2000, 0);
    near(r.base.own.half_width, 0, 0);
    near(r.base.other.value, 5000, 0);
    near(r.base.other.half_width, 1.96 * sqrt(40), 1e-9);
    near(r.own_adds.value, 1000, 1e-9);
    near(r.own_adds.half_width, 1.96 * sqrt(s2), 1e-6);
    near(r.other_adds.value, 4000, 1e-9);
    near(r.other_adds.half_width, 1.96 * sqrt(s2 + 40), 1e-6);
    near(r.reach.value, 6000, 1e-9);
    near(r.reach.half_width, 1.96 * sqrt(s2 + 40), 1e-6);
    in.frame.minimum_count = 1001;
    estimate_reach(&r, &in);
    assert_int_equal(r.base.overlap.status, FIGURE_SUPPRESSED);
    assert_int_equal(r.base.own.status, FIGURE_VALUE);
    assert_int_equal(r.own_adds.status, FIGURE_SUPPRESSED);
    assert_int_equal(r.other_adds.reason, REASON_DERIVED);
    assert_int_equal(r.reach.reason, REASON_DERIVED);
}

static void names_are_words(void **state)
{
    (void)state;
    assert_string_equal(figure_status_name(FIGURE_VALUE), "value");
    assert_string_equal(figure_status_name(FIGURE_SUPPRESSED), "suppressed");
    assert_string_equal(figure_status_name(FIGURE_REFUSED), "refused");
    assert_string_equal(figure_reason_name(REASON_NONE), "");
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        assert_true(strlen(figure_reason_name((enum figure_reason)r)) > 10);
}

/* ---- simulation ---------------------------------------------------------------------------- */

/* own and other customers with `common` in both; categories lean on a latent taste, so that
 * cells, filters and membership are correlated (unbiasedness must not need independence). */
static size_t populate(size_t own, size_t other, size_t common, uint64_t seed)
{
    size_t count = own + other - common;
    assert_true(count <= PERSONS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct keepsum_person *p = &persons[i];
        double taste = keepsum_uniform(&seed);
        *p = (struct keepsum_person){.own = i < own, .other = i >= own - common};
        p->rows = p->columns = 1;
        for (unsigned c = 1; c <= 3; c++) {
            double lean = 0.5 * (taste < 0.35 * c);
            p->rows |= (uint32_t)(keepsum_uniform(&seed) < 0.2 + lean) << c;
            p->columns |= (uint32_t)(keepsum_uniform(&seed) < 0.15 + lean) << c;
        }
    }
    return count;
}

struct moments {
    double n, sum, sum2, stated; /* of T^ - truth; of the stated variance */
};

static void add(struct moments *m, double error, double stated_variance)
{
    m->n += 1;
    m->sum += error;
    m->sum2 += error * error;
    m->stated += stated_variance;
}

/* E[1/(2 + Poisson(lambda))] */
static double shared_slot(double lambda)
{
    double term = exp(-lambda);
    double sum = 0;
    for (int k = 0; k < 40; k++) {
        sum += term / (2 + k);
        term *= lambda / (k + 1);
    }
    return sum;
}

/* DERIVATIONS.md 1.2, "Variance, exact up to O(1/M)": over (T^ q), divided by q^2. Its (1-O(lambda))
 * is 1-T/|A| here: given how many are kept, they are a sample of A without replacement. */
static double exact_variance(const struct keepsum_world *w, size_t a, size_t b, double q)
{
    double own = 0;
    double stranger = 0;
    double common = 0;
    double customers = 0;
    for (size_t i = 0; i < w->person_count; i++) {
        const struct keepsum_person *p = &w->persons[i];
        customers += p->own;
        own += p->own && (p->rows >> a & 1);
        stranger += p->other && !p->own && (p->columns >> b & 1);
        common += p->other && p->own && (p->columns >> b & 1);
    }
    double m = (double)w->slot_count;
    double truth = keepsum_truth(w, a, b);
    double sampled = q * (1 - q) * truth * (1 - truth / customers);
    double pairs = (q * own * stranger + shared_slot(customers / m) * own * common) / m;
    double noise = a > 0 && b > 0 ? w->cell_variance : w->margin_variance;
    return (sampled + pairs + noise) / (q * q);
}

/* PROTOCOL.md 10.3: bias within 3 standard errors of 0, variance within 10 % of the formula, the
 * stated one within 2 % of it: also where all customers are the same. */
static void unbiased_and_as_wide_as_derived(void **state)
{
    static const struct {
        const char *name;
        size_t own, other, common;
        uint64_t slots;
        double cell_variance;
    } cases[] = {
        {"sparse, noisy", 1000, 1200, 300, 1 << 13, 1000},
        {"sampling alone", 1500, 1500, 500, 1 << 13, 0},
        {"nothing in common", 1000, 1000, 0, 1 << 13, 100},
        {"the same customers", 1500, 1500, 1500, 1 << 13, 25},
        {"two slots a customer", 2000, 1000, 600, 1 << 12, 25},
    };
    static struct keepsum_run run;
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct keepsum_world w = {.persons = persons,
                                  .slot_count = cases[c].slots,
                                  .row_count = 3,
                                  .column_count = 3,
                                  .cell_variance = cases[c].cell_variance,
                                  .margin_variance = 4 * cases[c].cell_variance};
        struct moments m[2] = {0};
        double q = 0;
        w.person_count = populate(cases[c].own, cases[c].other, cases[c].common, 11 + c);
        for (uint64_t salt = 0; salt < SALTS; salt++) {
            keepsum_run(&run, &w, 1000 * (c + 1) + salt * 7919);
            struct estimate all = estimate_cell(&run.in, 0, 0);
            struct estimate cell = estimate_cell(&run.in, 2, 1);
            add(&m[0], all.value - keepsum_truth(&w, 0, 0), all.variance);
            add(&m[1], cell.value - keepsum_truth(&w, 2, 1), cell.variance);
            q += run.in.frame.kept / run.in.frame.customers / SALTS;
        }
        for (int k = 0; k < 2; k++) {
            double bias = m[k].sum / m[k].n;
            double variance = m[k].sum2 / m[k].n - bias * bias;
            double exact = exact_variance(&w, k ? 2 : 0, k ? 1 : 0, q);
            double stated = m[k].stated / m[k].n;
            print_message("%-22s %s bias %+.2f (s.e. %.2f) variance %.0f exact %.0f stated %.0f\n",
                          cases[c].name, k ? "cell" : "all ", bias, sqrt(variance / m[k].n),
                          variance, exact, stated);
            assert_true(fabs(bias) <= 3 * sqrt(variance / m[k].n));
            assert_true(fabs(variance / exact - 1) < 0.10);
            assert_true(fabs(stated / exact - 1) < 0.02);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell_is_the_formula),
        cmocka_unit_test(negative_values_stay_and_sizes_below_zero_add_no_variance),
        cmocka_unit_test(a_count_below_either_threshold_is_suppressed),
        cmocka_unit_test(profile_and_affinity_follow_their_formulas),
        cmocka_unit_test(absent_follows_its_formula_and_tells_no_hidden_count),
        cmocka_unit_test(an_index_never_tells_a_hidden_count),
        cmocka_unit_test(a_small_audience_refuses_every_figure),
        cmocka_unit_test(reach_adds_up_and_hides_what_gives_a_hidden_overlap_away),
        cmocka_unit_test(names_are_words),
        cmocka_unit_test(unbiased_and_as_wide_as_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
