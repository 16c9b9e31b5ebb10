/* renewal.h - has the company changed? The composition of one row of a table against the same row of
 * an earlier epoch: pure arithmetic on figures that are paid for.
 *
 * Both epochs draw their own noise and their own slots, so that their errors are independent. */
#ifndef PT_RENEWAL_H
#define PT_RENEWAL_H

#include "proto/estimate.h"

/* With p_b = T_b/S and p'_b = T'_b/S' over the categories shown both times, d_b = p_b - p'_b:
 *   renewal R = sum d_b^2 / (sum p_b^2 + sum p'_b^2) = 1 - C,  C the overlap of Morisita and Horn
 *               [Horn 1966]: 0 where the shares are as they were, 1 where nothing is in common
 * Noise makes squares too large: with v_b = s_b^2, V = sum v_b and
 *   w_b = (v_b (1 - 2 p_b) + p_b^2 V) / S^2, the variance of a share,
 * sum (w_b + w'_b) is taken from numerator N and denominator D. Unclamped: below 0 is "no change".
 * The error of R grows with R itself: s^2(R) = a R + c,
 *   c = 2 sum (w_b + w'_b)^2 / D^2, the second order, all there is when nothing changed,
 *   a = (sum v_b ((g_b - sum g p)/S)^2 + sum v'_b ((g'_b - sum g' p')/S')^2) / (sum d_b^2 / D),
 *       g_b = 2 (d_b - R p_b)/D,  g'_b = -2 (d_b + R p'_b)/D                       [delta method]
 * The 95 % set is that of the score, as Wilson's for a rate: all r >= 0 with
 *   (R - r)^2 <= 1.96^2 (a r + c)
 * low and high are its ends, without half widths; the half width of the renewal is the longer side. */
struct renewal {
    struct figure renewal, low, high;
};
/* now, then: n figures each, one a category. Hidden, REASON_DERIVED, where fewer than two categories
 * are shown both times. */
void renewal_estimate(struct renewal *out, const struct figure *now, const struct figure *then,
                      size_t n);

#endif
