/* regions.h - from an opened histogram of 2^N counts to people: reach of every set of partners, and
 * how many are reached by just these (PROTOCOL.md 6; reference/statistics, section 4).
 *
 * h = counts - dummies' mean; z(V) = slots whose mask is within V = sum of h_m over m in V, and M,
 * which is known, where V is all: the sum of all h would only bring its noise in. A person falls into one of M slots, so with n_T people in exactly the partners T,
 *     sum over T not within (all \ S) of n_T = -M ln(z(all \ S) / M)        linear counting
 *     n_T = M sum over V in T of (-1)^(|T|-|V|) ln z(V)
 * Everything here is one linear form sum c_T n_T = M sum b_V ln z(V), with (V = all left out of W)
 *     s^2 = sum h W^2 - (sum h W)^2 / M - sum c_T^2 n_T + sigma_t^2 sum W^2,  W_m = M sum_{V >= m} b_V / z(V)
 * Doubles only: the counts are noisy already. Sets of partners are bit masks. */
#ifndef PT_REGIONS_H
#define PT_REGIONS_H

#include "proto/estimate.h"

#include <stdint.h>

enum { REGIONS_PARTIES_MAX = 8, REGIONS_MAX = 1 << REGIONS_PARTIES_MAX };

struct regions_in {
    unsigned party_count;  /* 2 to REGIONS_PARTIES_MAX */
    double slot_count;     /* M */
    const int64_t *counts; /* 2^N, as opened: dummies in them */
    double dummy_mean;     /* of all nodes together, a cell */
    double dummy_variance; /* sigma_t^2 */
    double minimum_count;
};
struct regions { /* filled by regions_begin() */
    struct regions_in in;
    size_t cells;
    double h[REGIONS_MAX], z[REGIONS_MAX];
    double exact[REGIONS_MAX]; /* n_T; NAN where a z it needs is too small */
    bool usable[REGIONS_MAX];  /* z(V) > 2.5 of its standard errors */
};
void regions_begin(struct regions *r, const struct regions_in *in);

/* sum of c[T] n_T over T; c[0] is not looked at (whom nobody reaches is not known).
 * REASON_DERIVED where a z(V) that it needs is lost in the noise; else as counts are shown. */
struct figure regions_sum(const struct regions *r, const double c[REGIONS_MAX]);
/* People reached by at least one of `set`; by all of `set` and no other; by exactly n partners; by
 * `set` and not by any partner in `before` (what it adds to them). */
struct figure regions_reach(const struct regions *r, unsigned set);
struct figure regions_exactly(const struct regions *r, unsigned set);
struct figure regions_frequency(const struct regions *r, unsigned n);
struct figure regions_adds(const struct regions *r, unsigned set, unsigned before);

/* The asker's spot check of what the nodes opened: it knows how many slots there are, and in how many
 * of them it put its own bit (bit `party` of a mask; marked, exact: the asker's own). Both are in the
 * counts, but for the dummies: sum h = M, sum of h_m over m with the bit = marked, each within
 * REGIONS_FIT standard errors of as many cells' dummies. An honest run fails once in 10^12. */
enum { REGIONS_FIT = 7 };
bool regions_fit(const struct regions_in *in, unsigned party, uint64_t marked);

#endif
