/* Goal: what is forecast is what the formulas give, and attacks measure what noise lets through.
 * Method: suppression and half width of a count in closed form; the bound by the normal's table; an
 * attack on noise that is too weak must be seen. */
#include "proto/simulate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/noise.h"
#include "policy/budget.h"
#include "proto/attack.h"
#include "tests/policy_fixture.h"

struct stream {
    struct prg *prg;
    struct draw draw;
};

static void begin(struct stream *s, uint8_t tag)
{
    assert_int_equal(prg_new(&s->prg, &(struct key32){{tag}}), PT_OK);
    draw_init(&s->draw, s->prg, 0);
}

static void end(struct stream *s)
{
    draw_wipe(&s->draw);
    prg_free(s->prg);
}

static double phi(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* Overlap of 20,000 with 50,000 in 2^18 slots, some in common. T^ is normal around T with
 *   s^2 = (noise + F2 g / M + q (1 - q) T) / q^2                                  [PROTOCOL.md 3]
 * where q = M (1 - e^(-n/M)) / n and F2 = q n; noise = 1 / (2 * 0.0005) = 1000. It is shown when it
 * reaches max(100, 2.5 s), hence with probability Phi((T - threshold) / s). */
static void a_count_is_shown_as_often_as_computed(void **state)
{
    static const double OVERLAPS[] = {0.002, 0.006, 0.0115, 0.02, 0.05};
    struct policy *p = fixture_three();
    const struct question q = {
        .kind = QUESTION_OVERLAP, .asker = 1, .with = 0, .rho_nano = p->privacy.count_rho_nano};
    const double n = 20000;
    const double g = 50000;
    const double m = 262144;
    const double kept = m * (1 - exp(-n / m)) / n;
    struct stream s;
    struct pt_err err = {0};

    (void)state;
    begin(&s, 1);
    for (size_t i = 0; i < PT_LEN(OVERLAPS); i++) {
        const struct simulate_in in = {.policy = p,
                                       .question = &q,
                                       .kind = ANSWER_OVERLAP,
                                       .own = n,
                                       .other = g,
                                       .overlap = OVERLAPS[i],
                                       .slots = 262144,
                                       .rounds = 4000};
        struct simulate_out out;
        double t = OVERLAPS[i] * n;
        double sd = sqrt(1000 + kept * n * g / m + kept * (1 - kept) * t) / kept;
        double shown = phi((t - fmax(100, 2.5 * sd)) / sd);
        assert_int_equal(simulate_question(&out, &in, &s.draw, &err), PT_OK);
        assert_int_equal(out.cells, 1);
        /* Three standard errors of a rate, and what the threshold's own noise adds. */
        assert_true(fabs(out.shown - shown) <= 3 * sqrt(0.25 / 4000) + 0.01);
        assert_true(fabs(out.group - t) < 1e-6);
        if (shown > 0.99)
            assert_true(fabs(out.half_width / (1.96 * sd) - 1) < 0.02);
    }
    end(&s);
    policy_free(p);
}

static void small_audiences_are_refused(void **state)
{
    struct policy *p = fixture_three();
    const struct question q = {
        .kind = QUESTION_OVERLAP, .asker = 1, .with = 0, .rho_nano = p->privacy.count_rho_nano};
    const struct simulate_in in = {.policy = p,
                                   .question = &q,
                                   .kind = ANSWER_OVERLAP,
                                   .own = 20000,
                                   .other = 500, /* minimum_audience is 1000 */
                                   .overlap = 1,
                                   .slots = 65536,
                                   .rounds = 100};
    struct simulate_out out;
    struct stream s;
    struct pt_err err = {0};

    (void)state;
    begin(&s, 2);
    assert_int_equal(simulate_question(&out, &in, &s.draw, &err), PT_OK);
    assert_true(out.refused > 0.99 && out.shown < 0.01);
    end(&s);
    policy_free(p);
}

/* 2 Phi(mu / 2) - 1 of mu = sqrt(2 rho): rho 0.01 gives 2 Phi(0.0707) - 1 = 0.0564, rho 0.2 gives
 * 2 Phi(0.3162) - 1 = 0.2482, rho 2 gives 2 Phi(1) - 1 = 0.6827. */
static void the_bound_is_that_of_two_normals(void **state)
{
    (void)state;
    assert_true(fabs(attack_bound(10000000) - 0.0564) < 0.0001);
    assert_true(fabs(attack_bound(200000000) - 0.2482) < 0.0001);
    assert_true(fabs(attack_bound(2000000000) - 0.6827) < 0.0001);
}

/* A quarter of the variance: mu twice as large. */
static enum pt_code weak(void *self, int64_t *out, struct draw *random, uint64_t num, uint64_t den)
{
    (void)self;
    return noise_gauss(out, random, (struct noise_variance){num, 4 * den});
}

static void weak_noise_is_seen_and_honest_noise_holds(void **state)
{
    struct policy *p = fixture_three();
    struct stream s;
    struct pt_err err = {0};

    (void)state;
    begin(&s, 3);
    for (int honest = 0; honest < 2; honest++) {
        const struct attack_in in = {.policy = p,
                                     .kind = ATTACK_PERIOD,
                                     .noise = honest ? ATTACK_NOISE
                                                     : (struct attack_noise){.draw = weak},
                                     .trials = 2000};
        struct attack_out out;
        assert_int_equal(attack_run(&out, &in, &s.draw, &err), PT_OK);
        assert_true(out.possible && out.questions == 319); /* 0.2 / 0.000625039 */
        assert_int_equal(out.broken, !honest);
        assert_true(out.low < out.advantage && out.advantage < out.high);
        if (honest) /* the optimal attack attains the bound */
            assert_true(out.low < out.bound && out.bound < out.high + 0.02);
    }
    end(&s);
    policy_free(p);
}

static void what_may_not_be_asked_is_not_attacked(void **state)
{
    struct policy *p = fixture_three();
    struct attack_in in = {.policy = p, .kind = ATTACK_TABLE, .noise = ATTACK_NOISE, .trials = 100};
    struct attack_out out;
    struct stream s;
    struct pt_err err = {0};

    (void)state;
    begin(&s, 4);
    p->rule[QUESTION_CROSSTAB].present = false;
    assert_int_equal(attack_run(&out, &in, &s.draw, &err), PT_OK);
    assert_false(out.possible);
    in.kind = ATTACK_ONE;
    assert_int_equal(attack_run(&out, &in, &s.draw, &err), PT_OK);
    assert_true(out.possible);
    assert_true(out.bound > 0.0140 && out.bound < 0.0142); /* rho 0.000625 */
    end(&s);
    policy_free(p);
}

/* Of the groups a value is hidden or shown by, and of an attack on all that it releases: sigma = 26.90
 * (budget_test.c) where 60 % of 20,000 are common, in thirds by Zipf's law, and the largest noise is
 * that of all, at 53.8. */
static void a_value_is_forecast_and_attacked(void **state)
{
    struct policy *p = fixture_value();
    struct pt_err err = {0};
    const struct question_words w = {.kind = "value",
                                     .asker = "freshmart",
                                     .with = "drinkco",
                                     .rows = "segment",
                                     .columns = "spend"};
    struct question q;
    struct simulate_out out;
    struct attack_out attacked;
    struct stream s;

    (void)state;
    begin(&s, 5);
    assert_int_equal(question_from_words(&q, p, &w, &err), PT_OK);
    const struct simulate_in in = {.policy = p,
                                   .question = &q,
                                   .kind = ANSWER_VALUE,
                                   .own = 20000,
                                   .other = 20000,
                                   .overlap = 0.6,
                                   .slots = 1 << 27, /* so that noise alone is left */
                                   .rounds = 200};
    assert_int_equal(simulate_question(&out, &in, &s.draw, &err), PT_OK);
    assert_int_equal(out.cells, 4);
    assert_true(out.shown == 1 && out.group == 12000);
    assert_true(fabs(out.half_width - 1.96 * 26.90 * (2 + 3) / 4) < 0.5);
    struct attack_in attack = {
        .policy = p, .kind = ATTACK_VALUE, .noise = ATTACK_NOISE, .trials = 4000};
    p->privacy.table_rho_nano = 500000000; /* 2 Phi(0.5) - 1 = 0.383 */
    assert_int_equal(attack_run(&attacked, &attack, &s.draw, &err), PT_OK);
    assert_true(attacked.possible && !attacked.broken && attacked.questions == 1);
    assert_true(attacked.bound > 0.382 && attacked.bound < 0.384);
    assert_true(attacked.low < attacked.bound && attacked.bound < attacked.high + 0.02);
    attack.noise = (struct attack_noise){.draw = weak};
    assert_int_equal(attack_run(&attacked, &attack, &s.draw, &err), PT_OK);
    assert_true(attacked.broken);
    p->rule[QUESTION_VALUE].present = false;
    assert_int_equal(attack_run(&attacked, &attack, &s.draw, &err), PT_OK);
    assert_false(attacked.possible);
    end(&s);
    policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_is_shown_as_often_as_computed),
        cmocka_unit_test(small_audiences_are_refused),
        cmocka_unit_test(the_bound_is_that_of_two_normals),
        cmocka_unit_test(weak_noise_is_seen_and_honest_noise_holds),
        cmocka_unit_test(what_may_not_be_asked_is_not_attacked),
        cmocka_unit_test(a_value_is_forecast_and_attacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
