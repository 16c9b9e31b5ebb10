#include "proto/value.h"

#include <assert.h>
#include <math.h>

static const double TWO_SIDED_95 = 1.96;
static const double CENTRED_MAX = 50; /* |v - 50| */

/* What all groups of one answer share. */
struct shared {
    double kept_share;
    double mean_square; /* m2: of a person's w^2 */
    double mean;        /* u_0 */
    double strangers; /* g^ - T_0 (1 - r/q): persons of the evaluator who may meet a kept record */
};

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

static struct shared share(const struct value_in *in)
{
    const struct estimate_in *counts = in->counts;
    double size = fmax(counts->other_size[0], 1);
    double common = clamp(estimate_cell(counts, 0, 0).value, 0, size);
    struct shared s = {.kept_share = estimate_kept_share(&counts->frame)};

    s.strangers = size - common * (1 - estimate_common_pairs(&counts->frame));
    s.mean_square = clamp(in->square_sum / size, 0, CENTRED_MAX * CENTRED_MAX);
    /* Only errors are made of it, so that few in common do no harm. */
    s.mean = clamp(in->raw[0] / s.kept_share / fmax(common, 1), -CENTRED_MAX, CENTRED_MAX);
    return s;
}

/* estimate.h takes whatever has no column for a margin. */
struct estimate value_count(const struct estimate_in *counts, size_t row)
{
    struct estimate e = estimate_cell(counts, row, 0);
    double q = estimate_kept_share(&counts->frame);

    assert(counts->column_count == 0);
    if (row > 0)
        e.variance += (counts->cell_variance - counts->margin_variance) / (q * q);
    return e;
}

struct pair { /* S and T of a group */
    struct estimate sum, count;
    double covariance;
};

static struct pair pair_of(const struct value_in *in, const struct shared *s, size_t row)
{
    const struct estimate_in *counts = in->counts;
    const struct estimate_frame *f = &counts->frame;
    double q = s->kept_share;
    double per_person = counts->energy[row] * s->strangers / f->slot_count;
    struct pair p = {.count = value_count(counts, row)};
    double noise = (row > 0 ? in->variance : in->all_variance) + in->scheme_variance;

    p.sum.value = in->raw[row] / q;
    double people = clamp(p.count.value, 0, f->customers);
    double total = clamp(p.sum.value, -CENTRED_MAX * people, CENTRED_MAX * people);
    double squares = people > 0 ? fmax(s->mean_square * people, total * total / people) : 0;
    double kept = q * (1 - q) * (squares - total * total / f->customers);
    double kept_both = q * (1 - q) * total * (1 - people / f->customers);
    p.sum.variance = (noise + per_person * s->mean_square + kept) / (q * q);
    p.covariance = (per_person * s->mean + kept_both) / (q * q);
    return p;
}

static struct figure shown(double value, double variance)
{
    return (struct figure){.status = FIGURE_VALUE,
                           .value = value,
                           .half_width = TWO_SIDED_95 * sqrt(fmax(variance, 0))};
}

static struct value_figures figures_of(const struct value_in *in, const struct pair *p)
{
    double scale = (in->maximum - in->minimum) / (2 * CENTRED_MAX);
    double middle = in->minimum + CENTRED_MAX * scale;
    double t = p->count.value;
    double u = p->sum.value / t;
    double mean_variance =
        (p->sum.variance + u * u * p->count.variance - 2 * u * p->covariance) / (t * t);
    double sum_variance = middle * middle * p->count.variance + scale * scale * p->sum.variance +
                          2 * middle * scale * p->covariance;

    return (struct value_figures){.count = shown(t, p->count.variance),
                                  .mean = shown(middle + scale * u, scale * scale * mean_variance),
                                  .sum = shown(middle * t + scale * p->sum.value, sum_variance)};
}

static bool audience_too_small(const struct estimate_in *counts)
{
    return !(counts->other_size[0] >= counts->frame.minimum_audience);
}

/* Not-a-number fails the comparison. */
static struct figure count_figure(const struct estimate_in *counts, struct estimate e)
{
    if (audience_too_small(counts))
        return (struct figure){.status = FIGURE_REFUSED, .reason = REASON_AUDIENCE};
    if (!(e.value >= estimate_threshold(&counts->frame, sqrt(e.variance))))
        return (struct figure){.status = FIGURE_SUPPRESSED, .reason = REASON_MINIMUM};
    return shown(e.value, e.variance);
}

void value_counts(struct figure *out, const struct estimate_in *counts)
{
    for (size_t a = 0; a <= counts->row_count; a++)
        out[a] = count_figure(counts, value_count(counts, a));
}

void value_estimate(struct value_figures *out, const struct value_in *in)
{
    const struct estimate_in *counts = in->counts;
    assert(counts->column_count == 0 && in->minimum < in->maximum);

    struct shared s = share(in);
    for (size_t a = 0; a <= counts->row_count; a++) {
        struct pair p = pair_of(in, &s, a);
        struct figure count = count_figure(counts, p.count);
        struct figure hidden = {.status = count.status, .reason = REASON_DERIVED};
        if (count.status == FIGURE_REFUSED)
            hidden.reason = count.reason;
        out[a] = count.status == FIGURE_VALUE ? figures_of(in, &p)
                                              : (struct value_figures){count, hidden, hidden};
    }
}
