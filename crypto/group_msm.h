/* group_msm.h - how group_msm.c and a back-end (group_sum.h) share the work of a weighted sum of
 * public points. Variable time: for group.c's back-ends only.
 *
 * Scalars are read in windows of c bits, as digits of -2^(c-1)..2^(c-1). In a window, points stand
 * in order of falling digit size with a mark after each size, down to 1, so that
 *     sum (digit size) * point  =  sum over marks of (sum of all points before the mark):
 * one addition a point and one a mark, and nothing is kept but the two running sums. The list may be
 * cut anywhere: a part's points count once more for each mark that follows in later parts. So lanes
 * take parts of equal length, whatever the digits. */
#ifndef PT_GROUP_MSM_H
#define PT_GROUP_MSM_H

#include "crypto/group.h"

enum { MSM_LANES_MAX = 16, MSM_MARK = 2 };

struct msm_scalar { /* |k| plus half a digit in each window, so that digits need no carries */
    uint64_t v[4];
    bool minus;
};
struct msm {
    size_t n, vector_count;
    const struct group_term *const *term;
    struct msm_scalar *k;
    uint32_t *start; /* a size's place in event */
    int16_t *digit;
    uint32_t *event; /* 4*index + (1 to subtract), or MSM_MARK; a multiple of MSM_LANES_MAX */
    size_t event_count;
    unsigned window_bits, window_count;
};

/* Lays m->event out for a window. */
void msm_sort_vartime(struct msm *m, unsigned window);

#endif
