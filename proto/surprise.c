#include "proto/surprise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TWO_SIDED_95 = 1.959963984540054;

/* What the table says, apart from its margins, and what is computed from it. K own categories by L
 * of the other side's. Categories whose margin is hidden take no part. */
struct work {
    const struct estimate_in *in;
    size_t rows, columns;
    struct estimate total;
    struct estimate *row, *column; /* margins */
    bool *row_in, *column_in;      /* takes part */
    double *r, *v;                 /* r_ab = T_ab/E_ab - 1 and its variance, by rows */
    double *expected;              /* E_ab */
    double *weight;                /* w_b: 1 / mean of v over the rows */
    double *likeness, *noise;      /* sums over all b of w_b r_ab r_a'b, and of w_b^2 v_ab v_a'b */
};

static bool shown(const struct estimate_in *in, struct estimate e)
{
    return e.value >= estimate_threshold(&in->frame, sqrt(e.variance));
}

static void read_margins(struct work *w)
{
    for (size_t a = 0; a < w->rows; a++) {
        w->row[a] = estimate_cell(w->in, a + 1, 0);
        w->row_in[a] = shown(w->in, w->row[a]);
    }
    for (size_t b = 0; b < w->columns; b++) {
        w->column[b] = estimate_cell(w->in, 0, b + 1);
        w->column_in[b] = shown(w->in, w->column[b]);
    }
}

static double clip_share(double x)
{
    return fmin(fmax(x, 0), 1);
}

/* v_ab: the variance of the index, with what the counts of one table share (estimate.h: DERIVATIONS 3
 * adds up the margins' as if they were apart, which is too wide where sampling outweighs the owner's
 * noise), and the customers' own chance: the question is whether a pair is rarer than two independent
 * tastes would make it (a Poisson variance, thinned by both margins). */
static void read_cells(struct work *w)
{
    for (size_t a = 0; a < w->rows; a++) {
        for (size_t b = 0; b < w->columns; b++) {
            size_t i = a * w->columns + b;
            if (!w->row_in[a] || !w->column_in[b])
                continue;
            struct estimate index = estimate_index(w->in, a + 1, b + 1);
            double e = fmax(w->row[a].value * w->column[b].value / w->total.value, 1);
            double chance = e * clip_share(1 - w->row[a].value / w->total.value) *
                            clip_share(1 - w->column[b].value / w->total.value);
            w->expected[i] = e;
            w->r[i] = index.value - 1;
            w->v[i] = index.variance + chance / (e * e);
        }
    }
}

static void weigh_columns(struct work *w)
{
    for (size_t b = 0; b < w->columns; b++) {
        double sum = 0;
        double count = 0;
        for (size_t a = 0; w->column_in[b] && a < w->rows; a++) {
            sum += w->row_in[a] ? w->v[a * w->columns + b] : 0;
            count += w->row_in[a];
        }
        w->weight[b] = sum > 0 ? count / sum : 0;
    }
}

/* Sums over every column; column b's own part is taken out again where b is predicted. */
static void compare_two(struct work *w, size_t a, size_t other)
{
    double likeness = 0;
    double noise = 0;

    for (size_t b = 0; b < w->columns; b++) {
        size_t i = a * w->columns + b;
        size_t j = other * w->columns + b;
        likeness += w->weight[b] * w->r[i] * w->r[j];
        noise += w->weight[b] * w->weight[b] * w->v[i] * w->v[j];
    }
    w->likeness[a * w->rows + other] = likeness;
    w->noise[a * w->rows + other] = noise;
}

/* Toward zero by `by`, which is what noise alone makes of a likeness. */
static double soften(double x, double by)
{
    return copysign(fmax(fabs(x) - by, 0), x);
}

/* Likeness of rows a and other as the columns apart from b show it, weights summing to 1. */
static double likeness_without(const struct work *w, size_t a, size_t other, size_t b, double rest)
{
    size_t i = a * w->columns + b;
    size_t j = other * w->columns + b;
    double weight = w->weight[b];
    double likeness = w->likeness[a * w->rows + other] - weight * w->r[i] * w->r[j];
    double noise = w->noise[a * w->rows + other] - weight * weight * w->v[i] * w->v[j];

    return soften(likeness / rest, sqrt(fmax(noise, 0)) / rest);
}

struct prediction {
    double p, variance;
};

/* p_ab = sum over a' of k_aa' r_a'b, with k from the other columns only: under "as predicted" z is
 * a standard normal whatever the weights are. */
static struct prediction predict(const struct work *w, size_t a, size_t b, double rest)
{
    struct prediction out = {0};
    double scale = 0;

    for (size_t c = 0; c < w->columns; c++) /* noise of a row's likeness with itself */
        scale += c == b ? 0 : w->weight[c] * w->v[a * w->columns + c] / rest;
    for (size_t other = 0; other < w->rows; other++) {
        if (other == a || !w->row_in[other])
            continue;
        double k = likeness_without(w, a, other, b, rest);
        scale += fabs(k);
        out.p += k * w->r[other * w->columns + b];
        out.variance += k * k * w->v[other * w->columns + b];
    }
    scale = fmax(scale, 1e-12);
    return (struct prediction){out.p / scale, out.variance / (scale * scale)};
}

static struct figure hidden(enum figure_reason reason)
{
    return (struct figure){.status = FIGURE_SUPPRESSED, .reason = reason};
}

static void judge(struct surprise_cell *out, const struct work *w, size_t a, size_t b)
{
    size_t i = a * w->columns + b;
    double rest = 0;

    *out = (struct surprise_cell){.missing = hidden(REASON_DERIVED)};
    if (!w->row_in[a] || !w->column_in[b])
        return;
    for (size_t c = 0; c < w->columns; c++)
        rest += c == b ? 0 : w->weight[c];
    struct estimate cell = estimate_cell(w->in, a + 1, b + 1);
    double least =
        fmax(SURPRISE_EXPECTED_MIN, estimate_threshold(&w->in->frame, sqrt(cell.variance)));
    out->expected = w->expected[i];
    out->missing = hidden(REASON_EXPECTED);
    /* Chosen by margins alone, so that the choice cannot favour what chance made rare. */
    if (!(rest > 0) || !(w->expected[i] >= least))
        return;
    struct prediction p = predict(w, a, b, rest);
    double error = sqrt(w->v[i] + p.variance);
    out->index = 100 * (1 + p.p);
    out->z = (p.p - w->r[i]) / error;
    out->missing = (struct figure){.status = FIGURE_VALUE,
                                   .value = w->expected[i] * (p.p - w->r[i]),
                                   .half_width = TWO_SIDED_95 * w->expected[i] * error};
    if (!shown(w->in, cell)) /* from E and p the hidden count would follow */
        out->missing = hidden(REASON_RARE);
}

bool surprise_found(const struct surprise_cell *c)
{
    return c->missing.status == FIGURE_VALUE || c->missing.reason == REASON_RARE;
}

static int downwards(const void *a, const void *b)
{
    double x = 0;
    double y = 0;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (y > x) - (y < x);
}

static bool tested(const struct surprise_cell *c)
{
    return c->index != 0 || c->z != 0;
}

/* Benjamini and Hochberg's step-up rule, one-sided: the least z that is still found. */
static enum pt_code least_found(double *out, const struct surprise_cell *cells, size_t n)
{
    double *z = calloc(n, sizeof *z);
    size_t m = 0;

    *out = (double)INFINITY;
    if (z == NULL)
        return PT_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (tested(&cells[i]))
            z[m++] = cells[i].z;
    qsort(z, m, sizeof *z, downwards);
    for (size_t i = m; i-- > 0 && isinf(*out);) {
        double p = 0.5 * erfc(z[i] / sqrt(2));
        if (p <= SURPRISE_FALSE_SHARE * (double)(i + 1) / (double)m)
            *out = z[i];
    }
    free(z);
    return PT_OK;
}

static enum pt_code mark_found(struct surprise_cell *cells, size_t n)
{
    double least;
    enum pt_code rc = least_found(&least, cells, n);

    for (size_t i = 0; rc == PT_OK && i < n; i++)
        if (tested(&cells[i]) && !(cells[i].z >= least))
            cells[i].missing = hidden(REASON_NOISE);
    return rc;
}

static void work_free(struct work *w)
{
    free(w->row);
    free(w->column);
    free(w->row_in);
    free(w->column_in);
    free(w->r);
    free(w->v);
    free(w->expected);
    free(w->weight);
    free(w->likeness);
    free(w->noise);
}

static bool work_room(struct work *w)
{
    size_t cells = w->rows * w->columns;

    w->row = calloc(w->rows, sizeof *w->row);
    w->column = calloc(w->columns, sizeof *w->column);
    w->row_in = calloc(w->rows, sizeof *w->row_in);
    w->column_in = calloc(w->columns, sizeof *w->column_in);
    w->r = calloc(cells, sizeof *w->r);
    w->v = calloc(cells, sizeof *w->v);
    w->expected = calloc(cells, sizeof *w->expected);
    w->weight = calloc(w->columns, sizeof *w->weight);
    w->likeness = calloc(w->rows * w->rows, sizeof *w->likeness);
    w->noise = calloc(w->rows * w->rows, sizeof *w->noise);
    return w->row != NULL && w->column != NULL && w->row_in != NULL && w->column_in != NULL &&
           w->r != NULL && w->v != NULL && w->expected != NULL && w->weight != NULL &&
           w->likeness != NULL && w->noise != NULL;
}

double surprise_matched_min(const struct estimate_in *in)
{
    double share = in->frame.looked_at > 0 ? in->frame.looked_at : 1;

    return SURPRISE_MATCHED_MIN * fmax(1, sqrt(in->cell_variance) / share / SURPRISE_DEFAULT_SIGMA);
}

enum pt_code surprise_find(struct surprise_cell *out, const struct estimate_in *in)
{
    struct work w = {.in = in,
                     .rows = in->row_count,
                     .columns = in->column_count,
                     .total = estimate_cell(in, 0, 0)};
    size_t n = w.rows * w.columns;
    enum pt_code rc = PT_OK;

    bool refused = !(in->other_size[0] >= in->frame.minimum_audience);
    if (refused || !(w.total.value >= surprise_matched_min(in))) {
        for (size_t i = 0; i < n; i++)
            out[i] = (struct surprise_cell){
                .missing = {.status = refused ? FIGURE_REFUSED : FIGURE_SUPPRESSED,
                            .reason = refused ? REASON_AUDIENCE : REASON_FEW}};
        return PT_OK;
    }
    if (!work_room(&w)) {
        rc = PT_ENOMEM;
        goto out;
    }
    read_margins(&w);
    read_cells(&w);
    weigh_columns(&w);
    for (size_t i = 0; i < w.rows * w.rows; i++)
        compare_two(&w, i / w.rows, i % w.rows);
    for (size_t i = 0; i < n; i++)
        judge(&out[i], &w, i / w.columns, i % w.columns);
    rc = mark_found(out, n);
out:
    work_free(&w);
    return rc;
}
