#include "proto/regions.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const double TWO_SIDED_95 = 1.96;
static const double STANDARD_ERRORS = 2.5;

/* x[V] = sum of x[m] over the subsets m of V. */
static void sum_subsets(double *x, const struct regions *r)
{
    for (unsigned bit = 0; bit < r->in.party_count; bit++)
        for (size_t v = 0; v < r->cells; v++)
            if (v >> bit & 1)
                x[v] += x[v ^ (size_t)1 << bit];
}

/* x[m] = sum of x[V] over the supersets V of m; sign -1: its inverse, with signs. */
static void sum_supersets(double *x, const struct regions *r, double sign)
{
    for (unsigned bit = 0; bit < r->in.party_count; bit++)
        for (size_t v = 0; v < r->cells; v++)
            if (!(v >> bit & 1))
                x[v] += sign * x[v | (size_t)1 << bit];
}

/* M times the inverse of sum_subsets() over ln z. */
static void exact_regions(struct regions *r)
{
    double *n = r->exact;

    for (size_t v = 0; v < r->cells; v++)
        n[v] = r->usable[v] ? r->in.slot_count * log(r->z[v]) : (double)NAN;
    for (unsigned bit = 0; bit < r->in.party_count; bit++)
        for (size_t v = 0; v < r->cells; v++)
            if (v >> bit & 1)
                n[v] -= n[v ^ (size_t)1 << bit];
}

void regions_begin(struct regions *r, const struct regions_in *in)
{
    assert(in->party_count >= 2 && in->party_count <= REGIONS_PARTIES_MAX && in->slot_count >= 1);
    *r = (struct regions){.in = *in, .cells = (size_t)1 << in->party_count};
    for (size_t m = 0; m < r->cells; m++)
        r->h[m] = r->z[m] = (double)in->counts[m] - in->dummy_mean;
    sum_subsets(r->z, r);
    r->z[r->cells - 1] = in->slot_count;
    for (size_t v = 0; v < r->cells; v++) {
        double noise = in->dummy_variance * (double)((size_t)1 << __builtin_popcountll(v));
        r->usable[v] = r->z[v] > STANDARD_ERRORS * sqrt(noise + fmax(r->z[v], 0)) && r->z[v] > 0;
    }
    exact_regions(r);
}

static struct figure hidden(enum figure_reason reason)
{
    return (struct figure){.status = FIGURE_SUPPRESSED, .reason = reason};
}

static struct figure shown(const struct regions *r, double value, double variance)
{
    double s = sqrt(fmax(variance, 0));

    if (!(value >= fmax(r->in.minimum_count, STANDARD_ERRORS * s)))
        return hidden(REASON_MINIMUM);
    return (struct figure){.status = FIGURE_VALUE, .value = value, .half_width = TWO_SIDED_95 * s};
}

/* Coefficients of ln z(V): b_V = sum over T >= V of (-1)^(|T|-|V|) c_T. */
static bool coefficients(double b[REGIONS_MAX], const struct regions *r, const double *c)
{
    memcpy(b, c, r->cells * sizeof *b);
    b[0] = 0;
    sum_supersets(b, r, -1);
    for (size_t v = 0; v < r->cells; v++)
        if (b[v] != 0 && !r->usable[v])
            return false;
    return true;
}

struct figure regions_sum(const struct regions *r, const double c[REGIONS_MAX])
{
    const double m = r->in.slot_count;
    double b[REGIONS_MAX];
    double w[REGIONS_MAX] = {0};
    double value = 0;
    double square = 0; /* sum h W^2 */
    double cross = 0;  /* sum h W */
    double noise = 0;  /* sum W^2 */
    double people = 0; /* sum c^2 n: the Poisson variance of the people themselves */

    if (!coefficients(b, r, c))
        return hidden(REASON_DERIVED);
    for (size_t v = 0; v < r->cells; v++) {
        if (b[v] == 0)
            continue;
        value += m * b[v] * log(r->z[v] / m);             /* /m changes nothing, as c[0] = 0 */
        w[v] = v + 1 < r->cells ? m * b[v] / r->z[v] : 0; /* all: M, no noise */
    }
    sum_supersets(w, r, 1);
    for (size_t v = 0; v < r->cells; v++) {
        square += r->h[v] * w[v] * w[v];
        cross += r->h[v] * w[v];
        noise += w[v] * w[v];
        if (v > 0 && c[v] != 0) /* a lone region may be lost in the noise though the sum is not */
            people += c[v] * c[v] * (isnan(r->exact[v]) ? 0 : r->exact[v]);
    }
    double variance = square - cross * cross / m - people + r->in.dummy_variance * noise;
    return shown(r, value, variance);
}

/* c_T = 1 where T meets `meets` (0: any), avoids `avoids`, and has n members (0: any). */
struct choice {
    unsigned meets, avoids, holds, n;
};
static struct figure choose(const struct regions *r, struct choice which)
{
    double c[REGIONS_MAX] = {0};

    for (unsigned t = 1; t < r->cells; t++)
        c[t] = (which.meets == 0 || (t & which.meets) != 0) && (t & which.avoids) == 0 &&
               (t & which.holds) == which.holds &&
               (which.n == 0 || (unsigned)__builtin_popcount(t) == which.n);
    return regions_sum(r, c);
}

struct figure regions_reach(const struct regions *r, unsigned set)
{
    return choose(r, (struct choice){.meets = set});
}

struct figure regions_exactly(const struct regions *r, unsigned set)
{
    return choose(r, (struct choice){.holds = set, .avoids = (unsigned)(r->cells - 1) & ~set});
}

struct figure regions_frequency(const struct regions *r, unsigned n)
{
    return choose(r, (struct choice){.n = n});
}

struct figure regions_adds(const struct regions *r, unsigned set, unsigned before)
{
    return choose(r, (struct choice){.meets = set, .avoids = before});
}

/* What a sum over `cells` cells should hold, and does. */
static bool holds(const struct regions_in *in, double sum, double expected, double cells)
{
    const double error = sqrt(cells * in->dummy_variance);

    return fabs(sum - cells * in->dummy_mean - expected) <= REGIONS_FIT * error + 0.5;
}

bool regions_fit(const struct regions_in *in, unsigned party, uint64_t marked)
{
    const size_t cells = (size_t)1 << in->party_count;
    double all = 0;
    double own = 0;

    for (size_t m = 0; m < cells; m++) {
        all += (double)in->counts[m];
        own += m >> party & 1 ? (double)in->counts[m] : 0;
    }
    return holds(in, all, in->slot_count, (double)cells) &&
           holds(in, own, (double)marked, (double)cells / 2);
}
