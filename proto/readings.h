/* readings.h - three readings of a table that is already paid for: lift, journey, bubble.
 *
 * DESIGN.md, "The questions". T_ab is a cell, T_a and T_b margins, T the total (estimate.h). All of
 * it is post-processing of what the owner's noise already covers. A measure is hidden where a count
 * that it would give away is hidden. Variances count what two cells share (estimate_covariance):
 * a rate and its base are wrong together. Rows are the recipient's, columns the evaluator's. */
#ifndef PT_READINGS_H
#define PT_READINGS_H

#include "proto/estimate.h"

enum reading_measure {
    MEASURE_DIFFERENCE,
    MEASURE_RATIO,
    MEASURE_RATIO_LOW,
    MEASURE_RATIO_HIGH,
    MEASURE_EXTRA,
    MEASURE_PEOPLE,
    MEASURE_SHARE,
    MEASURE_LEFT_OUT,
    MEASURE_ENTROPY,
    MEASURE_EFFECTIVE,
    MEASURE_CONCENTRATION,
    MEASURE_CATEGORIES,
    MEASURE_RENEWAL,
    MEASURE_RENEWAL_LOW,
    MEASURE_RENEWAL_HIGH,
    MEASURE_COUNT
};
/* "difference, share": a comma and the unit. No value of a policy has a comma, so that such a label
 * is told from a category's. */
const char *readings_measure_name(enum reading_measure m);
/* False when name is none of them. */
bool readings_measure_parse(enum reading_measure *out, const char *name);

/* Lift: exposed e against control u, who of them are in the outcome c.
 *   p_e = T_ec/T_e, p_u = T_uc/T_u, s_p^2 = (s_gc^2 + p^2 s_g^2 - 2 p cov(T_gc, T_g)) / T_g^2
 *   difference = p_e - p_u, s^2 = s_pe^2 + s_pu^2                             [delta method]
 *   ratio      = p_e / p_u; its 95 % set is Fieller's: all r with
 *                (p_e - r p_u)^2 <= 1.96^2 (s_pe^2 + r^2 s_pu^2)              [Fieller 1954]
 *   extra      = T_ec - T_e p_u: conversions that the control's rate does not explain,
 *                s^2 = s_ec^2 + p_u^2 s_e^2 - 2 p_u cov(T_ec, T_e) + T_e^2 s_pu^2
 * Fieller and not the delta method for the ratio: a small control rate may be wrong by 40 % of
 * itself and still be shown, and r is then far from normal, while p_e - r p_u is as normal as the
 * counts are. ratio_low and ratio_high are that set, each without a half width; the half width of
 * the ratio is the longer side. No bounded set: hidden, REASON_EXPECTED. */
struct reading_lift {
    struct figure difference, ratio, ratio_low, ratio_high, extra;
};
struct lift_at {
    bool groups_are_columns;          /* else rows */
    size_t exposed, control, outcome; /* from 1 */
};
void readings_lift(struct reading_lift *out, const struct estimate_in *in, struct lift_at at);

/* Journey: the same ordered stages on both sides. A person of cell (a, b) stands b - a stages
 * further with the other side.
 *   up = sum over b > a of T_ab, down: b < a, same: b = a, net = up - down
 *   s^2 = sum of s_ab^2 (nobody is in two cells); share = people / T,
 *   s_share^2 = (s^2 + share^2 s_T^2 - 2 share cov(people, T)) / T^2
 * A sum takes in its hidden cells where they are two or more and together meet a count's threshold:
 * else they would be told by what is shown beside it, and it is the sum of the shown ones. left_out:
 * how many cells that leaves out; each holds few, and share is then of T all the same. */
enum { MOVE_UP, MOVE_DOWN, MOVE_SAME, MOVE_NET, MOVE_COUNT };
extern const char *const READINGS_MOVES[MOVE_COUNT];
struct reading_move {
    struct figure people, share, left_out;
};
void readings_journey(struct reading_move out[MOVE_COUNT], const struct estimate_in *in);

/* Bubble: are the others' categories of one row all alike? Over the shown cells of row a (0: of all
 * in common), S = sum of T_ab, p_b = T_ab / S, v_b = s_ab^2:
 *   entropy H = -sum p_b log2 p_b, less its bias by noise, as Miller and Madow's but with the
 *     variances that are known:   bias = 1/2 sum v_b (-1/(T_ab S) + (1 + 2(ln p_b + H))/S^2)
 *     s^2 = sum v_b (ln p_b + H)^2 / S^2 + 1/2 sum (v_b / (T_ab S))^2         [both in nats]
 *   effective = exp(H - s^2/2), s = effective s_H       [Hill number of order 1]
 *   concentration = sum (T_ab^2 - v_b) / (S^2 - sum v_b): numerator and denominator are unbiased
 *     s^2 = sum v_b (2 (p_b - h) / S)^2 + 2 sum v_b^2 / S^4            [Herfindahl-Hirschman]
 * The last term of each s^2 is of second order: without it an even distribution, whose slope is
 * zero, would seem exact. categories: how many are shown; below two the rest is hidden. */
struct reading_bubble {
    struct figure entropy, effective, concentration, categories;
};
void readings_bubble(struct reading_bubble *out, const struct estimate_in *in, size_t row);

#endif
