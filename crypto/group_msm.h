/* group_msm.h - how group_msm.c and a back-end (group_sum.h) share the work of a weighted sum of
 * public points. Variable time: for group.c's back-ends only.
 *
 * Scalars are read in windows of c bits, as digits of -2^(c-1)..2^(c-1). In a window, points of one digit
 * size are added up in a bucket (Pippenger), and
 *     sum (digit size) * point  =  sum over sizes s, falling, of (sum of the buckets down to s).
 * Buckets of about as many points stand in a row, a lane each, so that a row's lanes add side by side and
 * hardly ever wait; a lane that has no more points adds the identity. */
#ifndef PT_GROUP_MSM_H
#define PT_GROUP_MSM_H

#include "crypto/group.h"

enum {
    MSM_LANES_MAX = 8,
    MSM_AHEAD = 6, /* steps between asking for a term and adding it */
};
#define MSM_NO_POINT UINT32_MAX

struct msm_scalar { /* |k| plus half a digit in each window, so that digits need no carries */
    uint64_t v[4];
    bool minus;
};
struct msm_bucket { /* a point as group_sum.h has it: y + x, y - x and 2dt; z */
    struct group_term pmt, z;
};
struct msm {
    size_t n, vector_count;
    const struct group_term *const *term;
    unsigned window_bits, window_count;
    struct msm_scalar *k;
    /* of a window */
    int16_t *digit;
    size_t row_count;
    uint32_t *steps; /* of a row: as many as its fullest bucket has points */
    uint32_t *size;  /* of a row's lanes: whose bucket; 0: nobody's */
    /* Row by row, step by step, lane by lane: 2*index + (1 to subtract), or MSM_NO_POINT, as all are in the
     * MSM_AHEAD steps after the last. */
    uint32_t *event;
    struct msm_bucket *bucket; /* of sizes 1 to 2^(c-1) */
    /* to sort with: sizes by how many points they have; how many sizes have so many; a size's next event */
    uint32_t *order, *count, *with, *next;
};

static inline size_t msm_sizes(const struct msm *m)
{
    return (size_t)1 << (m->window_bits - 1);
}
/* Lays a window out for so many lanes. */
void msm_sort_vartime(struct msm *m, unsigned window, size_t lanes);

#endif
