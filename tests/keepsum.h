/* keepsum.h - the slot estimator of PROTOCOL.md 3 in plain sight, for tests: the recipient keeps
 * one record a slot, the evaluator sums all of its own, and the inner products get Gaussian noise.
 * No cryptography: persons fall into slots by a callback, so real slots fit as well. Deterministic. */
#ifndef PT_TESTS_KEEPSUM_H
#define PT_TESTS_KEEPSUM_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/estimate.h"

enum { KEEPSUM_SIDE_MAX = 24 }; /* categories a side, "all" not counted */

uint64_t keepsum_mix(uint64_t x);        /* SplitMix64's output function */
double keepsum_uniform(uint64_t *state); /* [0,1), state moves on */
double keepsum_gauss(uint64_t *state);   /* standard normal */

struct keepsum_person {
    bool own, other;        /* customer of the recipient, of the evaluator */
    uint32_t rows, columns; /* bit 0: passes that side's filters; bit c: category c, from 1 */
    int number;             /* the evaluator's, centred: -50..50 */
};
struct keepsum_place {
    uint64_t slot, priority;
    int sign;
};
struct keepsum_world {
    const struct keepsum_person *persons;
    size_t person_count;
    uint64_t slot_count;
    size_t row_count, column_count;
    double cell_variance, margin_variance;
    /* A value: counts and sums of the groups travel at cell_variance, those of all at margin_variance
     * (sums at 50^2 times that), and the sum of squares at its own. */
    bool value;
    double square_variance;
    double minimum_count, minimum_audience;
    uint64_t prefix; /* only the first of the slots are multiplied; 0: all */
    struct keepsum_place (*place)(const void *ctx, uint64_t salt,
                                  size_t person); /* NULL: keepsum_mix */
    const void *ctx;
};
struct keepsum_run { /* owns its arrays; `in` borrows from them */
    struct estimate_in in;
    double raw[(KEEPSUM_SIDE_MAX + 1) * (KEEPSUM_SIDE_MAX + 1)];
    double energy[KEEPSUM_SIDE_MAX + 1], own_size[KEEPSUM_SIDE_MAX + 1];
    double other_size[KEEPSUM_SIDE_MAX + 1];
    double other_true[KEEPSUM_SIDE_MAX + 1];
    double
        number_raw[KEEPSUM_SIDE_MAX + 1]; /* F.W + noise of the numbers, "all" of the evaluator */
    double square_sum;                    /* sum of number^2 there, noisy */
};
void keepsum_run(struct keepsum_run *out, const struct keepsum_world *w, uint64_t salt);
/* The plain join: persons in both, with row category a and column category b (0: the filters). */
double keepsum_truth(const struct keepsum_world *w, size_t a, size_t b);

#endif
