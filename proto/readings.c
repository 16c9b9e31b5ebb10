#include "proto/readings.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const double TWO_SIDED_95 = 1.96;

static const char *const NAMES[MEASURE_COUNT] = {
    [MEASURE_DIFFERENCE] = "difference, share",
    [MEASURE_RATIO] = "ratio, times",
    [MEASURE_RATIO_LOW] = "ratio, at least",
    [MEASURE_RATIO_HIGH] = "ratio, at most",
    [MEASURE_EXTRA] = "extra, people",
    [MEASURE_PEOPLE] = "moved, people",
    [MEASURE_SHARE] = "moved, share",
    [MEASURE_LEFT_OUT] = "left out, cells",
    [MEASURE_ENTROPY] = "entropy, bits",
    [MEASURE_EFFECTIVE] = "categories, effective",
    [MEASURE_CONCENTRATION] = "concentration, HHI",
    [MEASURE_CATEGORIES] = "categories, shown",
    [MEASURE_RENEWAL] = "renewal, share",
    [MEASURE_RENEWAL_LOW] = "renewal, at least",
    [MEASURE_RENEWAL_HIGH] = "renewal, at most",
};

const char *const READINGS_MOVES[MOVE_COUNT] = {
    [MOVE_UP] = "up", [MOVE_DOWN] = "down", [MOVE_SAME] = "same", [MOVE_NET] = "net (up - down)"};

const char *readings_measure_name(enum reading_measure m)
{
    assert((size_t)m < MEASURE_COUNT);
    return NAMES[m];
}

bool readings_measure_parse(enum reading_measure *out, const char *name)
{
    for (size_t i = 0; i < MEASURE_COUNT; i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            *out = (enum reading_measure)i;
            return true;
        }
    }
    return false;
}

static struct figure hidden(enum figure_status status, enum figure_reason reason)
{
    return (struct figure){.status = status, .reason = reason};
}

static struct figure shown(double value, double variance)
{
    return (struct figure){.status = FIGURE_VALUE,
                           .value = value,
                           .half_width = TWO_SIDED_95 * sqrt(fmax(variance, 0))};
}

static bool refused(const struct estimate_in *in)
{
    return !(in->other_size[0] >= in->frame.minimum_audience);
}

static bool is_shown(const struct estimate_in *in, struct estimate e)
{
    return e.value >= estimate_threshold(&in->frame, sqrt(e.variance));
}

/* ---- lift ---------------------------------------------------------------------------------- */

struct rate { /* of one group: the part, the group, part/group */
    struct estimate part, whole, share;
    double covariance;
    bool in;
};

static struct rate rate_of(const struct estimate_in *in, const struct lift_at *at, size_t group)
{
    struct estimate_place part = {group, at->outcome};
    struct estimate_place whole = {group, 0};
    struct rate r = {0};

    if (at->groups_are_columns) {
        part = (struct estimate_place){at->outcome, group};
        whole = (struct estimate_place){0, group};
    }
    r.part = estimate_cell(in, part.row, part.column);
    r.whole = estimate_cell(in, whole.row, whole.column);
    r.in = is_shown(in, r.part) && is_shown(in, r.whole);
    if (!r.in)
        return r;
    double p = r.part.value / r.whole.value;
    r.covariance = estimate_covariance(in, part, whole);
    double variance = r.part.variance + p * p * r.whole.variance - 2 * p * r.covariance;
    r.share = (struct estimate){p, fmax(variance, 0) / (r.whole.value * r.whole.value)};
    return r;
}

/* Fieller: the roots of (y^2 - z^2 v_y) r^2 - 2 x y r + (x^2 - z^2 v_x). */
static void fieller(struct reading_lift *out, struct estimate x, struct estimate y)
{
    double z2 = TWO_SIDED_95 * TWO_SIDED_95;
    double a = y.value * y.value - z2 * y.variance;
    double b = x.value * y.value;
    double c = x.value * x.value - z2 * x.variance;
    double root = b * b - a * c;

    if (!(a > 0) || !(root >= 0)) {
        out->ratio = hidden(FIGURE_SUPPRESSED, REASON_EXPECTED);
        out->ratio_low = out->ratio;
        out->ratio_high = out->ratio;
        return;
    }
    double low = (b - sqrt(root)) / a;
    double high = (b + sqrt(root)) / a;
    out->ratio = shown(x.value / y.value, 0);
    out->ratio.half_width = fmax(high - out->ratio.value, out->ratio.value - low);
    out->ratio_low = shown(low, 0);
    out->ratio_high = shown(high, 0);
}

static void lift_all(struct reading_lift *out, struct figure f)
{
    *out = (struct reading_lift){f, f, f, f, f};
}

void readings_lift(struct reading_lift *out, const struct estimate_in *in, struct lift_at at)
{
    if (refused(in)) {
        lift_all(out, hidden(FIGURE_REFUSED, REASON_AUDIENCE));
        return;
    }
    struct rate e = rate_of(in, &at, at.exposed);
    struct rate u = rate_of(in, &at, at.control);
    if (!e.in || !u.in) { /* with the shown counts beside it, each measure tells the hidden one */
        lift_all(out, hidden(FIGURE_SUPPRESSED, REASON_DERIVED));
        return;
    }
    double p = u.share.value;
    out->difference = shown(e.share.value - p, e.share.variance + u.share.variance);
    out->extra = shown(e.part.value - e.whole.value * p,
                       e.part.variance + p * p * e.whole.variance - 2 * p * e.covariance +
                           e.whole.value * e.whole.value * u.share.variance);
    fieller(out, e.share, u.share);
}

/* ---- journey ------------------------------------------------------------------------------- */

struct sum { /* of cells of the body */
    struct estimate people;
    double covariance; /* with the total */
    size_t cells;
};

static bool moves(size_t move, size_t a, size_t b)
{
    return move == MOVE_UP ? b > a : move == MOVE_DOWN ? b < a : b == a;
}

static void add(struct sum *to, struct sum s)
{
    to->people.value += s.people.value;
    to->people.variance += s.people.variance;
    to->covariance += s.covariance;
    to->cells += s.cells;
}

/* What may be told; *left_out: cells that are not in it. */
static struct sum sum_of(size_t *left_out, const struct estimate_in *in, size_t move)
{
    struct sum told = {0};
    struct sum concealed = {0};

    for (size_t a = 1; a <= in->row_count; a++) {
        for (size_t b = 1; b <= in->column_count; b++) {
            struct estimate e = estimate_cell(in, a, b);
            struct sum one = {e, 0, 1};
            if (!moves(move, a, b))
                continue;
            one.covariance = estimate_covariance(in, (struct estimate_place){a, b},
                                                 (struct estimate_place){0, 0});
            add(is_shown(in, e) ? &told : &concealed, one);
        }
    }
    *left_out = concealed.cells;
    if (concealed.cells > 1 && is_shown(in, concealed.people)) {
        add(&told, concealed);
        *left_out = 0;
    }
    return told;
}

static void tell_move(struct reading_move *out, const struct estimate_in *in, const struct sum *s,
                      size_t left_out)
{
    struct estimate total = estimate_cell(in, 0, 0);
    double share = s->people.value / total.value;

    out->left_out = shown((double)left_out, 0);
    if (s->cells == 0)
        return;
    out->people = shown(s->people.value, s->people.variance);
    if (!is_shown(in, total))
        return;
    double variance =
        s->people.variance + share * share * total.variance - 2 * share * s->covariance;
    out->share = shown(share, fmax(variance, 0) / (total.value * total.value));
}

void readings_journey(struct reading_move out[MOVE_COUNT], const struct estimate_in *in)
{
    struct figure no = refused(in) ? hidden(FIGURE_REFUSED, REASON_AUDIENCE)
                                   : hidden(FIGURE_SUPPRESSED, REASON_DERIVED);
    struct sum s[MOVE_COUNT] = {0};
    size_t left_out[MOVE_COUNT];

    for (size_t i = 0; i < MOVE_COUNT; i++)
        out[i] = (struct reading_move){no, no, no};
    if (refused(in))
        return;
    for (size_t i = 0; i < MOVE_NET; i++)
        s[i] = sum_of(&left_out[i], in, i);
    add(&s[MOVE_NET], s[MOVE_UP]);
    add(&s[MOVE_NET], s[MOVE_DOWN]);
    s[MOVE_NET].people.value = s[MOVE_UP].people.value - s[MOVE_DOWN].people.value;
    s[MOVE_NET].covariance = s[MOVE_UP].covariance - s[MOVE_DOWN].covariance;
    left_out[MOVE_NET] = left_out[MOVE_UP] + left_out[MOVE_DOWN];
    for (size_t i = 0; i < MOVE_COUNT; i++)
        tell_move(&out[i], in, &s[i], left_out[i]);
}

/* ---- bubble -------------------------------------------------------------------------------- */

struct spread { /* sums over the shown cells of one row */
    double total, variance, count;
    double entropy; /* nats, before its bias is taken out */
};

static double share_of(const struct spread *s, struct estimate e)
{
    return e.value / s->total;
}

static struct spread spread_of(const struct estimate_in *in, size_t row)
{
    struct spread s = {0};

    for (size_t b = 1; b <= in->column_count; b++) {
        struct estimate e = estimate_cell(in, row, b);
        if (!is_shown(in, e) || !(e.value > 0))
            continue;
        s.count++;
        s.total += e.value;
        s.variance += e.variance;
    }
    for (size_t b = 1; b <= in->column_count; b++) {
        struct estimate e = estimate_cell(in, row, b);
        if (is_shown(in, e) && e.value > 0)
            s.entropy -= share_of(&s, e) * log(share_of(&s, e));
    }
    return s;
}

static void tell_spread(struct reading_bubble *out, const struct estimate_in *in, size_t row,
                        const struct spread *s)
{
    double square = s->total * s->total;
    double bias = 0;
    double h_variance = 0;
    double squares = 0;
    double c_variance = 0;

    for (size_t b = 1; b <= in->column_count; b++) {
        struct estimate e = estimate_cell(in, row, b);
        if (is_shown(in, e) && e.value > 0)
            squares += e.value * e.value - e.variance;
    }
    double hhi = squares / (square - s->variance);
    for (size_t b = 1; b <= in->column_count; b++) {
        struct estimate e = estimate_cell(in, row, b);
        if (!is_shown(in, e) || !(e.value > 0))
            continue;
        double v = e.variance;
        double p = share_of(s, e);
        double slope = log(p) + s->entropy;
        double bend = v / (e.value * s->total);
        bias += 0.5 * (v * (1 + 2 * slope) / square - bend);
        h_variance += v * slope * slope / square + 0.5 * bend * bend;
        c_variance += 4 * v * (p - hhi) * (p - hhi) / square + 2 * v * v / (square * square);
    }
    double h = s->entropy - bias;
    double effective = exp(h - h_variance / 2);
    out->entropy = shown(h / log(2), h_variance / (log(2) * log(2)));
    out->effective = shown(effective, effective * effective * h_variance);
    out->concentration = shown(hhi, c_variance);
}

void readings_bubble(struct reading_bubble *out, const struct estimate_in *in, size_t row)
{
    struct figure no = hidden(FIGURE_SUPPRESSED, REASON_DERIVED);

    if (refused(in))
        no = hidden(FIGURE_REFUSED, REASON_AUDIENCE);
    *out = (struct reading_bubble){no, no, no, no};
    if (refused(in))
        return;
    struct spread s = spread_of(in, row);
    out->categories = shown(s.count, 0);
    if (s.count >= 2 && s.total * s.total > s.variance)
        tell_spread(out, in, row, &s);
}
