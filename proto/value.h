/* value.h - sum and mean of the evaluator's number by the recipient's groups: pure arithmetic.
 *
 * PROTOCOL.md 3 and DESIGN.md "The questions". The number is an integer v in 0..100, clipped and
 * scaled by the policy's bounds, and centred: w = v - 50. So one person moves an inner product by 50
 * at most. What comes in is already noisy: post-processing. Knows nothing of where it came from;
 * who owns the number is the evaluator, as a recipient's columns hold -1, 0 and 1 only. */
#ifndef PT_VALUE_H
#define PT_VALUE_H

#include "proto/estimate.h"

struct value_in {
    /* The counts asked with it: rows are the groups, no columns; "all" of the evaluator are those
     * whose number is known. Borrowed, as raw is. */
    const struct estimate_in *counts;
    const double *raw;       /* 1+row_count: F.W + noise, W[slot] = sum of sign*w */
    double variance;         /* of that noise, the scheme's error included */
    double square_sum;       /* the evaluator's sum of w^2 over its own, noisy */
    double minimum, maximum; /* the policy's bounds, minimum < maximum */
};
struct value_figures {
    struct figure mean, sum; /* in the number's own unit */
};

/* out: 1+row_count. With S = raw/q, T the count, u = S/T, middle and scale = (maximum - minimum)/100:
 *   mean = middle + scale u,          s^2 = scale^2 (s_S^2 + u^2 s_T^2 - 2 u cov) / T^2  [delta method]
 *   sum  = middle T + scale S,        s^2 = middle^2 s_T^2 + scale^2 s_S^2 + 2 middle scale cov
 * s_T^2 is estimate_cell's, and the same with weights, of W2 = square_sum, m2 = W2/g^:
 *   s_S^2 = (noise + F2 (W2 - m2 T_0 (1 - r/q))/M + q(1-q) (m2 T - S^2/n)) / q^2
 *   cov   = (F2 u_0 (g^ - T_0 (1 - r/q))/M + q(1-q) S (1 - T/n)) / q^2
 * [DERIVATIONS 1.2 with g(person) = w]. Not released and taken to be alike: the mean square in all
 * groups (m2, but not below u^2), and the mean of those in common and of strangers (u_0).
 * Both are hidden where the count is: of sum and mean it would follow. The rounding of v, half a
 * hundredth of the range at most, is not in the half width. */
void value_estimate(struct value_figures *out, const struct value_in *in);

#endif
