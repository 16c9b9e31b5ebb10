#include "proto/estimate.h"

#include <assert.h>
#include <math.h>

static const double TWO_SIDED_95 = 1.96;
/* A figure whose error is over 40 % of itself says too little to be shown. PROTOCOL.md 5. */
static const double STANDARD_ERRORS_SHOWN = 2.5;

const char *figure_status_name(enum figure_status s)
{
    static const char *const NAMES[] = {
        [FIGURE_REFUSED] = "refused",
        [FIGURE_SUPPRESSED] = "suppressed",
        [FIGURE_VALUE] = "value",
    };
    assert((size_t)s < sizeof NAMES / sizeof NAMES[0]);
    return NAMES[s];
}

const char *figure_reason_name(enum figure_reason r)
{
    static const char *const NAMES[REASON_COUNT] = {
        [REASON_NONE] = "",
        [REASON_MINIMUM] = "below minimum_count or 2.5 standard errors",
        [REASON_EXPECTED] = "too few expected to compare with",
        [REASON_DERIVED] = "follows from a suppressed figure",
        [REASON_AUDIENCE] = "below minimum_audience",
        [REASON_POLICY] = "not permitted by the policy",
        [REASON_NOISE] = "no more than chance and noise explain",
        [REASON_FEW] = "too few customers in common to tell it from chance: it takes some 30,000",
        [REASON_EARLIER] = "no such table of an earlier epoch is kept",
        [REASON_RARE] = "found; how many follows from a count that is too small to be shown",
    };
    assert((size_t)r < REASON_COUNT);
    return NAMES[r];
}

static size_t width(const struct estimate_in *in)
{
    return in->column_count + 1;
}

static size_t cell_total(const struct estimate_in *in)
{
    return (in->row_count + 1) * width(in);
}

double estimate_kept_share(const struct estimate_frame *f)
{
    return f->kept / f->customers;
}

static double value_of(const struct estimate_in *in, size_t row, size_t column)
{
    return in->raw[column * (in->row_count + 1) + row] / estimate_kept_share(&in->frame);
}

/* r f/q of estimate.h: of the pairs in one slot how many are left where the other's person is a
 * customer of the recipient too. A small lambda cancels digits: there the series. */
double estimate_common_pairs(const struct estimate_frame *f)
{
    double lambda = f->customers / f->slot_count;
    double r = lambda < 1e-3 ? 0.5 - lambda / 6 : (lambda + expm1(-lambda)) / (lambda * lambda);

    return fmin(r * (f->looked_at > 0 ? f->looked_at : 1) / estimate_kept_share(f), 1);
}

/* F2 (g - T_b (1 - r/q)) / M: who of the other side shares a slot with a kept record by chance. */
static double collisions(const struct estimate_in *in, size_t row, size_t column)
{
    double size = fmax(in->other_size[column], 0);
    double common = fmin(fmax(value_of(in, 0, column), 0), size);

    return in->energy[row] * (size - common * (1 - estimate_common_pairs(&in->frame))) /
           in->frame.slot_count;
}

struct estimate estimate_cell(const struct estimate_in *in, size_t row, size_t column)
{
    const struct estimate_frame *f = &in->frame;
    assert(row <= in->row_count && column <= in->column_count);
    assert(f->slot_count > 0 && f->kept > 0 && f->kept <= f->customers);

    double q = estimate_kept_share(f);
    double value = value_of(in, row, column);
    bool body = (row > 0 && column > 0) || cell_total(in) == 1;
    double noise = body ? in->cell_variance : in->margin_variance;
    if (in->scheme_variance != NULL)
        noise += in->scheme_variance[column];
    double people = fmin(fmax(value, 0), f->customers);
    double kept = q * (1 - q) * people * (1 - people / f->customers);
    return (struct estimate){value, (noise + collisions(in, row, column) + kept) / (q * q)};
}

/* Of two indices of one side the one that holds whoever both hold; false: not known. */
static bool meet(size_t *out, size_t i, size_t j)
{
    *out = i != 0 ? i : j;
    return i == j || i == 0 || j == 0;
}

double estimate_covariance(const struct estimate_in *in, struct estimate_place x,
                           struct estimate_place y)
{
    const struct estimate_frame *f = &in->frame;
    size_t row;
    size_t column;

    if (!meet(&row, x.row, y.row) || !meet(&column, x.column, y.column))
        return 0;
    double q = estimate_kept_share(f);
    double both = fmax(value_of(in, row, column), 0);
    double apart = fmax(value_of(in, x.row, x.column), 0) * fmax(value_of(in, y.row, y.column), 0);
    double kept = q * (1 - q) * fmax(both - apart / f->customers, 0);
    return (collisions(in, row, column) + kept) / (q * q);
}

/* A derived figure's slope by each count that it is made of. */
struct slope {
    struct estimate_place at;
    double by;
};

/* Delta method: sum of d_i d_j cov(T_i, T_j). */
static double propagate(const struct estimate_in *in, const struct slope *s, size_t n)
{
    double variance = 0;

    for (size_t i = 0; i < n; i++) {
        variance += s[i].by * s[i].by * estimate_cell(in, s[i].at.row, s[i].at.column).variance;
        for (size_t j = 0; j < i; j++)
            variance += 2 * s[i].by * s[j].by * estimate_covariance(in, s[i].at, s[j].at);
    }
    return fmax(variance, 0);
}

double estimate_threshold(const struct estimate_frame *f, double standard_error)
{
    return fmax(f->minimum_count, STANDARD_ERRORS_SHOWN * standard_error);
}

static struct figure hidden(enum figure_status status, enum figure_reason reason)
{
    return (struct figure){.status = status, .reason = reason};
}

static struct figure shown(double value, double variance)
{
    return (struct figure){
        .status = FIGURE_VALUE, .value = value, .half_width = TWO_SIDED_95 * sqrt(variance)};
}

/* A count of people: shown when it meets the threshold. Not-a-number fails the comparison. */
static struct figure count_figure(const struct estimate_frame *f, struct estimate e)
{
    if (!(e.value >= estimate_threshold(f, sqrt(e.variance))))
        return hidden(FIGURE_SUPPRESSED, REASON_MINIMUM);
    return shown(e.value, e.variance);
}

static bool audience_too_small(const struct estimate_in *in)
{
    return !(in->other_size[0] >= in->frame.minimum_audience);
}

static void refuse_all(struct figure *out, size_t figure_count)
{
    for (size_t i = 0; i < figure_count; i++)
        out[i] = hidden(FIGURE_REFUSED, REASON_AUDIENCE);
}

void estimate_overlap(struct estimate_overlap *out, const struct estimate_in *in)
{
    if (audience_too_small(in)) {
        refuse_all(&out->overlap, 1);
        refuse_all(&out->own, 1);
        refuse_all(&out->other, 1);
        return;
    }
    out->overlap = count_figure(&in->frame, estimate_cell(in, 0, 0));
    /* The asker knows its own customers: exact, and no threshold hides them from itself. */
    out->own = shown(in->own_size[0], 0);
    out->other =
        count_figure(&in->frame, (struct estimate){in->other_size[0], in->margin_variance});
}

void estimate_reach(struct estimate_reach *out, const struct estimate_in *in)
{
    estimate_overlap(&out->base, in);
    if (audience_too_small(in)) {
        refuse_all(&out->own_adds, 1);
        refuse_all(&out->other_adds, 1);
        refuse_all(&out->reach, 1);
        return;
    }
    /* |f| - T^ beside |f| gives T^ back, so what is derived of a hidden overlap is hidden. */
    if (out->base.overlap.status != FIGURE_VALUE || out->base.other.status != FIGURE_VALUE) {
        out->own_adds = hidden(FIGURE_SUPPRESSED, REASON_DERIVED);
        out->other_adds = out->own_adds;
        out->reach = out->own_adds;
        return;
    }
    struct estimate t = estimate_cell(in, 0, 0);
    double own = in->own_size[0];
    double other = in->other_size[0];
    double both_variance = t.variance + in->margin_variance;
    out->own_adds = count_figure(&in->frame, (struct estimate){own - t.value, t.variance});
    out->other_adds = count_figure(&in->frame, (struct estimate){other - t.value, both_variance});
    out->reach = count_figure(&in->frame, (struct estimate){own + other - t.value, both_variance});
}

void estimate_crosstab(struct figure *out, const struct estimate_in *in)
{
    if (audience_too_small(in)) {
        refuse_all(out, cell_total(in));
        return;
    }
    for (size_t a = 0; a <= in->row_count; a++)
        for (size_t b = 0; b <= in->column_count; b++)
            out[a * width(in) + b] = count_figure(&in->frame, estimate_cell(in, a, b));
}

/* T_ab / T_a, or why not. */
static struct figure share_figure(const struct estimate_in *in, size_t a, size_t b)
{
    struct estimate part = estimate_cell(in, a, b);
    struct estimate whole = estimate_cell(in, a, 0);
    if (count_figure(&in->frame, whole).status != FIGURE_VALUE ||
        count_figure(&in->frame, part).status != FIGURE_VALUE)
        return hidden(FIGURE_SUPPRESSED, REASON_DERIVED);
    double share = part.value / whole.value;
    const struct slope slopes[] = {{{a, b}, 1 / whole.value}, {{a, 0}, -share / whole.value}};
    return shown(share, propagate(in, slopes, 2));
}

/* Walk the table with what an inner cell and the defined cells beside it are. */
static void derive(struct figure *out, const struct estimate_in *in, bool row_defined,
                   double defined, struct figure (*one)(const struct estimate_in *, size_t, size_t))
{
    if (audience_too_small(in)) {
        refuse_all(out, cell_total(in));
        return;
    }
    for (size_t a = 0; a <= in->row_count; a++)
        for (size_t b = 0; b <= in->column_count; b++)
            out[a * width(in) + b] =
                b == 0 || (a == 0 && row_defined) ? shown(defined, 0) : one(in, a, b);
}

void estimate_profile(struct figure *out, const struct estimate_in *in)
{
    derive(out, in, false, 1, share_figure);
}

static bool is_shown(const struct estimate_in *in, struct estimate e)
{
    return count_figure(&in->frame, e).status == FIGURE_VALUE;
}

/* (T_a - T_ab) / (T - T_b); b = 0: T_a / T. */
static struct figure absent_figure(const struct estimate_in *in, size_t a, size_t b)
{
    struct estimate row = estimate_cell(in, a, 0);
    struct estimate total = estimate_cell(in, 0, 0);
    struct estimate both = {0, 0};
    struct estimate column = {0, 0};

    if (b > 0) {
        both = estimate_cell(in, a, b);
        column = estimate_cell(in, 0, b);
        /* Of the margins and the share the joint count would follow. */
        if (!is_shown(in, both) || !is_shown(in, column))
            return hidden(FIGURE_SUPPRESSED, REASON_DERIVED);
    }
    double whole = total.value - column.value;
    double share = (row.value - both.value) / whole;
    const struct slope slopes[] = {{{a, 0}, 1 / whole},
                                   {{0, 0}, -share / whole},
                                   {{a, b}, -1 / whole},
                                   {{0, b}, share / whole}};
    struct estimate rest = {row.value - both.value,
                            b > 0 ? row.variance + both.variance : row.variance};
    struct estimate others = {whole, total.variance + column.variance};
    if (!is_shown(in, row) || !is_shown(in, total) || !is_shown(in, rest) || !is_shown(in, others))
        return hidden(FIGURE_SUPPRESSED, REASON_DERIVED);
    return shown(share, propagate(in, slopes, b > 0 ? 4 : 2));
}

void estimate_absent(struct figure *out, const struct estimate_in *in)
{
    if (audience_too_small(in)) {
        refuse_all(out, cell_total(in));
        return;
    }
    for (size_t a = 0; a <= in->row_count; a++)
        for (size_t b = 0; b <= in->column_count; b++)
            out[a * width(in) + b] = a == 0 ? shown(1, 0) : absent_figure(in, a, b);
}

struct estimate estimate_index(const struct estimate_in *in, size_t row, size_t column)
{
    const double a = estimate_cell(in, row, 0).value;
    const double b = estimate_cell(in, 0, column).value;
    const double total = estimate_cell(in, 0, 0).value;
    const double index = estimate_cell(in, row, column).value * total / (a * b);
    const struct slope slopes[] = {{{row, column}, total / (a * b)},
                                   {{row, 0}, -index / a},
                                   {{0, column}, -index / b},
                                   {{0, 0}, index / total}};

    return (struct estimate){index, propagate(in, slopes, 4)};
}

static struct figure index_figure(const struct estimate_in *in, size_t a, size_t b)
{
    struct estimate cell = estimate_cell(in, a, b);
    struct estimate row = estimate_cell(in, a, 0);
    struct estimate column = estimate_cell(in, 0, b);
    struct estimate total = estimate_cell(in, 0, 0);
    const struct estimate_frame *f = &in->frame;

    if (count_figure(f, row).status != FIGURE_VALUE ||
        count_figure(f, column).status != FIGURE_VALUE ||
        count_figure(f, total).status != FIGURE_VALUE)
        return hidden(FIGURE_SUPPRESSED, REASON_DERIVED);
    /* The index times what is expected is the count: where that is hidden, so is this. */
    if (count_figure(f, cell).status != FIGURE_VALUE)
        return hidden(FIGURE_SUPPRESSED, REASON_DERIVED);
    double expected = row.value * column.value / total.value;
    if (!(expected >= estimate_threshold(f, sqrt(cell.variance))))
        return hidden(FIGURE_SUPPRESSED, REASON_EXPECTED);
    struct estimate index = estimate_index(in, a, b);
    return shown(100 * index.value, 100 * 100 * index.variance);
}

void estimate_affinity(struct figure *out, const struct estimate_in *in)
{
    derive(out, in, true, 100, index_figure);
}
