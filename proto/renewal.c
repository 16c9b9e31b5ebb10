#include "proto/renewal.h"

#include <math.h>

static const double TWO_SIDED_95 = 1.96;

struct side { /* one epoch, over the categories that count */
    const struct figure *figures;
    double total, variance;
};
struct scale {
    double r, d; /* R and D */
};

static bool counts(const struct figure *now, const struct figure *then)
{
    return now->status == FIGURE_VALUE && then->status == FIGURE_VALUE && now->value > 0 &&
           then->value > 0;
}

static double variance_of(const struct figure *f)
{
    return f->half_width * f->half_width / (TWO_SIDED_95 * TWO_SIDED_95);
}

static double share(const struct side *s, size_t b)
{
    return s->figures[b].value / s->total;
}

static double share_variance(const struct side *s, size_t b)
{
    const double p = share(s, b);

    return (variance_of(&s->figures[b]) * (1 - 2 * p) + p * p * s->variance) /
           (s->total * s->total);
}

struct change {         /* of all that count */
    double squares;     /* sum d^2 */
    double both;        /* sum p^2 + sum p'^2 */
    double noise;       /* sum (w + w') */
    double noise_twice; /* sum (w + w')^2 */
};

static struct change change_of(const struct side *now, const struct side *then, size_t n)
{
    struct change c = {0};

    for (size_t b = 0; b < n; b++) {
        if (!counts(&now->figures[b], &then->figures[b]))
            continue;
        const double p = share(now, b);
        const double q = share(then, b);
        const double w = share_variance(now, b) + share_variance(then, b);
        c.squares += (p - q) * (p - q);
        c.both += p * p + q * q;
        c.noise += w;
        c.noise_twice += w * w;
    }
    return c;
}

static double slope(const struct side *s, const struct side *other, size_t b, struct scale by)
{
    return 2 * (share(s, b) - share(other, b) - by.r * share(s, b)) / by.d;
}

/* One side's part of s^2. */
static double slope_variance(const struct side *s, const struct side *other, size_t n,
                             struct scale by)
{
    double mean = 0;
    double sum = 0;

    for (size_t b = 0; b < n; b++)
        if (counts(&s->figures[b], &other->figures[b]))
            mean += slope(s, other, b, by) * share(s, b);
    for (size_t b = 0; b < n; b++) {
        if (!counts(&s->figures[b], &other->figures[b]))
            continue;
        const double g = (slope(s, other, b, by) - mean) / s->total;
        sum += variance_of(&s->figures[b]) * g * g;
    }
    return sum;
}

static struct figure exactly(double value)
{
    return (struct figure){.status = FIGURE_VALUE, .value = value};
}

/* The ends of the set: a quadratic in r. */
static void tell(struct renewal *out, struct scale by, double a, double c)
{
    const double z2 = TWO_SIDED_95 * TWO_SIDED_95;
    const double middle = by.r + z2 * a / 2;
    const double reach = sqrt(fmax(z2 * (z2 * a * a / 4 + a * by.r + c), 0));
    const double high = fmax(middle + reach, 0);
    const double low = fmax(middle - reach, 0);

    out->low = exactly(low);
    out->high = exactly(high);
    out->renewal = exactly(by.r);
    out->renewal.half_width = fmax(fabs(by.r - low), fabs(high - by.r));
}

void renewal_estimate(struct renewal *out, const struct figure *now, const struct figure *then,
                      size_t n)
{
    struct side a = {.figures = now};
    struct side b = {.figures = then};
    size_t shown = 0;

    const struct figure no = {.status = FIGURE_SUPPRESSED, .reason = REASON_DERIVED};
    *out = (struct renewal){no, no, no};
    for (size_t i = 0; i < n; i++) {
        if (!counts(&now[i], &then[i]))
            continue;
        shown++;
        a.total += now[i].value;
        a.variance += variance_of(&now[i]);
        b.total += then[i].value;
        b.variance += variance_of(&then[i]);
    }
    if (shown < 2)
        return;
    const struct change c = change_of(&a, &b, n);
    const struct scale by = {(c.squares - c.noise) / (c.both - c.noise), c.both - c.noise};
    if (!(by.d > 0))
        return;
    const double first = slope_variance(&a, &b, n, by) + slope_variance(&b, &a, n, by);
    tell(out, by, c.squares > 0 ? first * by.d / c.squares : 0, 2 * c.noise_twice / (by.d * by.d));
}
