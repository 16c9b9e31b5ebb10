/* value.h - sum and mean of the evaluator's number by the recipient's groups: pure arithmetic.
 *
 * PROTOCOL.md 3 and DESIGN.md "The questions". The number is an integer v in 0..100, clipped and
 * scaled by the policy's bounds, and centred: w = v - 50. So one person moves an inner product by 50
 * at most. What comes in is already noisy: post-processing. Knows nothing of where it came from;
 * who owns the number is the evaluator, as a recipient's columns hold -1, 0 and 1 only. */
#ifndef PT_VALUE_H
#define PT_VALUE_H

#include "proto/estimate.h"

/* One answer releases, of a person who is in "all" and in C_A groups at most, all at once: counts and
 * sums of all groups and of "all", the evaluator's size and its sum of squares. Each has a Gaussian of
 * its own; zCDP adds up (budget.h has the parts), so that what is charged covers the whole. */
struct value_in {
    /* The counts asked with it: rows are the groups, no columns; "all" of the evaluator are those
     * whose number is known. Noise: of groups cell_variance, of "all" margin_variance. Borrowed, as
     * raw is. */
    const struct estimate_in *counts;
    const double *raw;       /* 1+row_count: F.W + noise, W[slot] = sum of sign*w */
    double variance;         /* of a group's noise there */
    double all_variance;     /* of that of "all" */
    double scheme_variance;  /* of the scheme's error in both */
    double square_sum;       /* the evaluator's sum of w^2 over its own, noisy */
    double minimum, maximum; /* the policy's bounds, minimum < maximum */
};
struct value_figures {
    struct figure count;     /* people in common whose number is known */
    struct figure mean, sum; /* in the number's own unit */
};

/* T of a group, 0: of all; estimate_cell, at the group's noise. */
struct estimate value_count(const struct estimate_in *counts, size_t row);
/* out: 1+row_count. The figures' counts alone. */
void value_counts(struct figure *out, const struct estimate_in *counts);

/* out: 1+row_count. With S = raw/q, T the count, u = S/T, middle and scale = (maximum - minimum)/100:
 *   mean = middle + scale u,          s^2 = scale^2 (s_S^2 + u^2 s_T^2 - 2 u cov) / T^2  [delta method]
 *   sum  = middle T + scale S,        s^2 = middle^2 s_T^2 + scale^2 s_S^2 + 2 middle scale cov
 * s_T^2 is value_count's, and the same with weights, of W2 = square_sum, m2 = W2/g^:
 *   s_S^2 = (noise + F2 (W2 - m2 T_0 (1 - r/q))/M + q(1-q) (m2 T - S^2/n)) / q^2
 *   cov   = (F2 u_0 (g^ - T_0 (1 - r/q))/M + q(1-q) S (1 - T/n)) / q^2
 * [DERIVATIONS 1.2 with g(person) = w]. Not released and taken to be alike: the mean square in all
 * groups (m2, but not below u^2), and the mean of those in common and of strangers (u_0).
 * Both are hidden where the count is: of sum and mean it would follow. The rounding of v, half a
 * hundredth of the range at most, is not in the half width. */
void value_estimate(struct value_figures *out, const struct value_in *in);

#endif
