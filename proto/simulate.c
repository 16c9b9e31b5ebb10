#include "proto/simulate.h"

#include <math.h>
#include <stdlib.h>

#include "crypto/noise.h"
#include "crypto/rlwe.h"
#include "policy/budget.h"
#include "proto/value.h"

static const double LEAN = 0.3;

struct side { /* shares of each value, of "all" at 0; what passes the filters */
    double share[POLICY_VALUES_MAX + 1];
    double passes;
    size_t count; /* values, "all" not counted */
};
struct world {
    const struct simulate_in *in;
    struct side own, other;
    double common, kept;
    struct estimate_in estimate;
    double *raw, *energy, *own_size, *other_size;
    struct figure *figures;
    size_t cells;
};

/* Zipf, scaled so that the shares add up to how many values a person has. */
static void shares_of(struct side *s, const struct policy_attribute *a)
{
    double sum = 0;

    s->count = a == NULL ? 0 : a->value_count;
    s->share[0] = 1;
    for (size_t i = 1; i <= s->count; i++)
        sum += 1.0 / (double)i;
    for (size_t i = 1; i <= s->count; i++)
        s->share[i] = fmin(0.9, (double)a->max_per_person / (double)i / sum);
}

/* The share of a partner's customers that passes one condition. */
static double passing(const struct policy *p, const struct question_filter *f)
{
    const struct policy_attribute *a = &p->partners[f->on.partner].attributes[f->on.attribute];
    struct side s;

    if (f->op == FILTER_EQ) {
        shares_of(&s, a);
        return s.share[f->value + 1];
    }
    double at = ((double)f->bound_micro * 1e-6 - a->min) / (a->max - a->min);
    at = fmin(1, fmax(0, at));
    return f->op == FILTER_GE ? 1 - at : at;
}

static double lean(size_t a, size_t b)
{
    if (a == 0 || b == 0)
        return 1;
    return (a + b) % 2 == 0 ? 1 + LEAN : 1 - LEAN;
}

static double truth(const struct world *w, size_t a, size_t b)
{
    return w->common * w->own.passes * w->other.passes * w->own.share[a] * w->other.share[b] *
           lean(a, b);
}

/* Of a value the groups' counts have the noise of a cell. */
static struct estimate cell(const struct world *w, size_t a, size_t b)
{
    return w->in->kind == ANSWER_VALUE ? value_count(&w->estimate, a)
                                       : estimate_cell(&w->estimate, a, b);
}

static enum pt_code normal(double *out, struct draw *random, double variance, struct pt_err *err)
{
    int64_t v;
    enum pt_code rc =
        noise_gauss(&v, random, (struct noise_variance){(u128)fmax(1, ceil(variance)), 1});

    *out = (double)v;
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "simulating: no randomness");
}

/* One answer, as it would come home: first what is expected, whose variance estimate.h knows, then
 * the errors; a column's margin last, since its other cells' variances look at it. */
static enum pt_code draw_answer(struct world *w, struct draw *random, struct pt_err *err)
{
    struct estimate_in *e = &w->estimate;
    const double q = w->kept / w->in->own;
    enum pt_code rc = PT_OK;

    for (size_t b = 0; b <= e->column_count && rc == PT_OK; b++) {
        double *column = &w->raw[b * (1 + e->row_count)];
        double by;
        w->other_size[b] = w->in->other * w->other.passes * w->other.share[b];
        for (size_t a = 0; a <= e->row_count; a++)
            column[a] = q * truth(w, a, b);
        for (size_t a = e->row_count + 1; a-- > 0 && rc == PT_OK;) {
            rc = normal(&by, random, q * q * cell(w, a, b).variance, err);
            column[a] += by;
        }
        if (rc == PT_OK)
            rc = normal(&by, random, e->margin_variance, err);
        w->other_size[b] += by;
    }
    return rc;
}

static void read_figures(struct world *w)
{
    struct estimate_overlap overlap;
    struct estimate_reach reach;

    switch (w->in->kind) {
    case ANSWER_OVERLAP:
        estimate_overlap(&overlap, &w->estimate);
        w->figures[0] = overlap.overlap;
        return;
    case ANSWER_REACH:
        estimate_reach(&reach, &w->estimate);
        w->figures[0] = reach.reach;
        return;
    case ANSWER_PROFILE:
    case ANSWER_AFFINITY:
    case ANSWER_CROSSTAB:
    case ANSWER_SURPRISE:
    case ANSWER_ABSENT:
    case ANSWER_LIFT:
    case ANSWER_JOURNEY:
    case ANSWER_BUBBLE:
    case ANSWER_KIND_COUNT:
        break;
    case ANSWER_VALUE:
        value_counts(w->figures, &w->estimate);
        return;
    }
    /* The counts decide what is hidden, whatever is read from them. */
    estimate_crosstab(w->figures, &w->estimate);
}

static void count(struct simulate_out *out, const struct world *w)
{
    double shown = 0;
    double width = 0;
    double relative = 0;

    out->refused += w->figures[0].reason == REASON_AUDIENCE;
    for (size_t i = 0; i < w->cells; i++) {
        if (w->figures[i].status != FIGURE_VALUE)
            continue;
        shown++;
        width += w->figures[i].half_width;
        relative += w->figures[i].half_width / fmax(1, w->figures[i].value);
    }
    out->shown += shown / (double)w->cells;
    if (shown > 0) {
        out->half_width += width / shown;
        out->relative += relative / shown;
    }
}

static enum pt_code make_world(struct world *w, struct pt_err *err)
{
    const struct simulate_in *in = w->in;
    const struct question *q = in->question;
    const struct policy *p = in->policy;
    bool table = q->kind == QUESTION_CROSSTAB;
    bool groups = question_has_axes(q->kind);
    struct budget_price price;

    shares_of(&w->own, groups ? &p->partners[q->asker].attributes[q->rows] : NULL);
    shares_of(&w->other, table ? &p->partners[q->with].attributes[q->columns] : NULL);
    w->own.passes = w->other.passes = 1;
    for (size_t i = 0; i < q->filter_count; i++) {
        struct side *s = q->filters[i].on.partner == q->asker ? &w->own : &w->other;
        s->passes *= passing(p, &q->filters[i]);
    }
    w->common = in->overlap * fmin(in->own, in->other);
    /* A slot is kept unless nobody of ours falls into it. */
    w->kept = (double)in->slots * -expm1(-in->own / (double)in->slots);
    w->cells = (1 + w->own.count) * (1 + w->other.count);
    w->raw = calloc(w->cells, sizeof *w->raw);
    w->figures = calloc(w->cells, sizeof *w->figures);
    w->energy = calloc(1 + w->own.count, sizeof *w->energy);
    w->own_size = calloc(1 + w->own.count, sizeof *w->own_size);
    w->other_size = calloc(1 + w->other.count, sizeof *w->other_size);
    if (w->raw == NULL || w->figures == NULL || w->energy == NULL || w->own_size == NULL ||
        w->other_size == NULL)
        return pt_fail(err, PT_ENOMEM, "simulating: no memory");
    for (size_t a = 0; a <= w->own.count; a++) {
        w->own_size[a] = in->own * w->own.passes * w->own.share[a];
        w->energy[a] = w->kept / in->own * w->own_size[a];
    }
    budget_price(&price, p, q, 1U << RLWE_DELTA_LOG2_MAX);
    w->estimate = (struct estimate_in){
        .frame = {.slot_count = (double)in->slots,
                  .kept = w->kept,
                  .customers = in->own,
                  .minimum_count = (double)p->privacy.minimum_count,
                  .minimum_audience = (double)p->privacy.minimum_audience},
        .row_count = w->own.count,
        .column_count = w->other.count,
        .raw = w->raw,
        .energy = w->energy,
        .own_size = w->own_size,
        .other_size = w->other_size,
        .cell_variance = (double)price.cell.num / (double)price.cell.den,
        .margin_variance = (double)price.margin.num / (double)price.margin.den};
    return PT_OK;
}

enum pt_code simulate_question(struct simulate_out *out, const struct simulate_in *in,
                               struct draw *random, struct pt_err *err)
{
    struct world w = {.in = in};
    const double rounds = (double)in->rounds;
    enum pt_code rc = make_world(&w, err);

    *out = (struct simulate_out){.cells = w.cells};
    for (size_t i = 0; i < in->rounds && rc == PT_OK; i++)
        if ((rc = draw_answer(&w, random, err)) == PT_OK) {
            read_figures(&w);
            count(out, &w);
        }
    out->group = w.common * w.own.passes * w.other.passes;
    out->shown /= rounds;
    out->half_width /= rounds;
    out->relative /= rounds;
    out->refused /= rounds;
    free(w.raw);
    free(w.figures);
    free(w.energy);
    free(w.own_size);
    free(w.other_size);
    return rc;
}
