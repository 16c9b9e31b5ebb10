/* Readings of a table that are more than a figure a cell: what their table must be, and their
 * measures' cells behind it. */
#include "proto/answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/readings.h"
#include "proto/renewal.h"

#define CONTROL "control"

enum { LIFT_MEASURES = 5, JOURNEY_MEASURES = 3, BUBBLE_MEASURES = 7 };

struct axes {
    const struct policy_attribute *rows, *columns;
};

static struct axes axes_of(const struct policy *p, const struct question *q)
{
    return (struct axes){&p->partners[q->asker].attributes[q->rows],
                         &p->partners[q->with].attributes[q->columns]};
}

bool answer_is_measure(const struct answer_cell *c)
{
    enum reading_measure m;
    return readings_measure_parse(&m, c->row);
}

size_t answer_table_cells(const struct answer *a)
{
    size_t n = 0;
    while (n < a->cell_count && !answer_is_measure(&a->cells[n]))
        n++;
    return n;
}

/* Index of the control group, -1: the attribute has none. Of a set one may be in both groups. */
static int control_of(const struct policy_attribute *a)
{
    return a->type == ATTRIBUTE_CATEGORY ? policy_find_value(a, span_z(CONTROL)) : -1;
}

static enum pt_code check_lift(struct axes x, struct pt_err *err)
{
    bool rows = control_of(x.rows) >= 0;
    bool columns = control_of(x.columns) >= 0;

    if (rows != columns)
        return PT_OK;
    return pt_fail(err, PT_EUSAGE,
                   "lift compares exposed customers with a control group: of %s and %s %s must be "
                   "a category with a value \"" CONTROL "\"%s",
                   x.rows->name, x.columns->name, rows ? "just one" : "one",
                   rows ? ", the other the outcome" : "; the other is the outcome");
}

static enum pt_code check_journey(struct axes x, struct pt_err *err)
{
    bool same = x.rows->type == ATTRIBUTE_CATEGORY && x.columns->type == ATTRIBUTE_CATEGORY &&
                x.rows->value_count == x.columns->value_count;

    for (size_t i = 0; same && i < x.rows->value_count; i++)
        same = strcmp(x.rows->values[i], x.columns->values[i]) == 0;
    if (same)
        return PT_OK;
    return pt_fail(err, PT_EUSAGE,
                   "journey needs the same stages in the same order on both sides: %s and %s are "
                   "not two categories with one list of values",
                   x.rows->name, x.columns->name);
}

enum pt_code answer_check(enum answer_kind k, const struct policy *p, const struct question *q,
                          struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    if (q->kind != QUESTION_CROSSTAB)
        return PT_OK;
    struct axes x = axes_of(p, q);
    if (k == ANSWER_LIFT)
        rc = check_lift(x, err);
    if (k == ANSWER_JOURNEY)
        rc = check_journey(x, err);
    if (rc != PT_OK)
        return rc;
    size_t cells = (x.rows->value_count + 1) * (x.columns->value_count + 1);
    if (cells + answer_measure_count(k, p, q) > ANSWER_CELLS_MAX)
        return pt_fail(err, PT_EUSAGE, "%s of %s by %s would have over %d figures",
                       answer_kind_name(k), x.rows->name, x.columns->name, ANSWER_CELLS_MAX);
    return PT_OK;
}

size_t answer_measure_count(enum answer_kind k, const struct policy *p, const struct question *q)
{
    struct axes x = axes_of(p, q);
    bool columns = control_of(x.columns) >= 0;
    size_t groups = columns ? x.columns->value_count : x.rows->value_count;
    size_t outcomes = columns ? x.rows->value_count : x.columns->value_count;

    if (k == ANSWER_LIFT)
        return LIFT_MEASURES * (groups - 1) * outcomes;
    if (k == ANSWER_JOURNEY)
        return (size_t)JOURNEY_MEASURES * MOVE_COUNT;
    return k == ANSWER_BUBBLE ? BUBBLE_MEASURES * (x.rows->value_count + 1) : 0;
}

/* Every reading of a table writes its measures one after another. */
struct pen {
    struct answer_cell *at;
    const char *group, *outcome; /* "exposed, bought"; outcome NULL: the group alone */
};

static void put(struct pen *pen, enum reading_measure m, struct figure f)
{
    struct answer_cell *c = pen->at++;

    snprintf(c->row, sizeof c->row, "%s", readings_measure_name(m));
    snprintf(c->column, sizeof c->column, "%s%s%s", pen->group, pen->outcome != NULL ? ", " : "",
             pen->outcome != NULL ? pen->outcome : "");
    c->count = f;
}

static void put_lift(struct pen *pen, struct axes x, const struct estimate_in *in)
{
    bool columns = control_of(x.columns) >= 0;
    const struct policy_attribute *groups = columns ? x.columns : x.rows;
    const struct policy_attribute *outcomes = columns ? x.rows : x.columns;
    size_t control = (size_t)control_of(groups);

    for (size_t g = 0; g < groups->value_count; g++) {
        for (size_t o = 0; g != control && o < outcomes->value_count; o++) {
            struct reading_lift r = {0};
            const struct lift_at at = {columns, g + 1, control + 1, o + 1};
            if (in != NULL)
                readings_lift(&r, in, at);
            pen->group = groups->values[g];
            pen->outcome = outcomes->values[o];
            put(pen, MEASURE_DIFFERENCE, r.difference);
            put(pen, MEASURE_RATIO, r.ratio);
            put(pen, MEASURE_RATIO_LOW, r.ratio_low);
            put(pen, MEASURE_RATIO_HIGH, r.ratio_high);
            put(pen, MEASURE_EXTRA, r.extra);
        }
    }
}

static void put_journey(struct pen *pen, const struct estimate_in *in)
{
    struct reading_move moves[MOVE_COUNT] = {0};

    if (in != NULL)
        readings_journey(moves, in);
    for (size_t i = 0; i < MOVE_COUNT; i++) {
        pen->group = READINGS_MOVES[i];
        put(pen, MEASURE_PEOPLE, moves[i].people);
        put(pen, MEASURE_SHARE, moves[i].share);
        put(pen, MEASURE_LEFT_OUT, moves[i].left_out);
    }
}

/* answer_renew() overwrites them. */
static void put_renewal(struct pen *pen, struct figure f)
{
    put(pen, MEASURE_RENEWAL, f);
    put(pen, MEASURE_RENEWAL_LOW, f);
    put(pen, MEASURE_RENEWAL_HIGH, f);
}

static void put_bubble(struct pen *pen, struct axes x, const struct estimate_in *in)
{
    static const struct figure none_earlier = {FIGURE_SUPPRESSED, REASON_EARLIER, 0, 0};

    for (size_t a = 0; a <= x.rows->value_count; a++) {
        struct reading_bubble r = {0};
        if (in != NULL)
            readings_bubble(&r, in, a);
        pen->group = a == 0 ? ANSWER_ALL : x.rows->values[a - 1];
        put(pen, MEASURE_ENTROPY, r.entropy);
        put(pen, MEASURE_EFFECTIVE, r.effective);
        put(pen, MEASURE_CONCENTRATION, r.concentration);
        put(pen, MEASURE_CATEGORIES, r.categories);
        put_renewal(pen, in == NULL ? (struct figure){0} : none_earlier);
    }
}

void answer_fill_measures(struct answer *a, const struct policy *p, const struct question *q,
                          const struct estimate_in *in)
{
    struct axes x = axes_of(p, q);
    struct pen pen = {.at = &a->cells[(x.rows->value_count + 1) * (x.columns->value_count + 1)]};

    if (a->kind == ANSWER_LIFT)
        put_lift(&pen, x, in);
    if (a->kind == ANSWER_JOURNEY)
        put_journey(&pen, in);
    if (a->kind == ANSWER_BUBBLE)
        put_bubble(&pen, x, in);
    assert(pen.at <= a->cells + a->cell_count);
}

/* Cells of one table, in one order: the same policy, or one that changed nothing here. */
static bool same_table(const struct answer *a, const struct answer *b, size_t n)
{
    if (n != answer_table_cells(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(a->cells[i].row, b->cells[i].row) != 0 ||
            strcmp(a->cells[i].column, b->cells[i].column) != 0)
            return false;
    return true;
}

static size_t width_of_rows(const struct answer *a, size_t n)
{
    size_t width = 0;
    while (width < n && strcmp(a->cells[width].row, a->cells[0].row) == 0)
        width++;
    return width;
}

enum pt_code answer_renew(struct answer *now, const struct answer *then, struct pt_err *err)
{
    const size_t n = answer_table_cells(now);
    const size_t width = width_of_rows(now, n);
    struct answer_cell *at = &now->cells[n];
    struct figure *figures;

    if (now->kind != ANSWER_BUBBLE || width < 2 || !same_table(now, then, n) ||
        now->cell_count != n + n / width * BUBBLE_MEASURES)
        return PT_OK;
    if ((figures = calloc(2 * width, sizeof *figures)) == NULL)
        return pt_fail(err, PT_ENOMEM, "renewal: no memory for %zu categories", width);
    for (size_t row = 0; row < n / width; row++, at += BUBBLE_MEASURES) {
        struct renewal r;
        for (size_t b = 1; b < width; b++) { /* column 0 is all of them */
            figures[b] = now->cells[row * width + b].count;
            figures[width + b] = then->cells[row * width + b].count;
        }
        renewal_estimate(&r, figures + 1, figures + width + 1, width - 1);
        at[BUBBLE_MEASURES - 3].count = r.renewal;
        at[BUBBLE_MEASURES - 2].count = r.low;
        at[BUBBLE_MEASURES - 1].count = r.high;
    }
    snprintf(now->since, sizeof now->since, "%s", then->epoch);
    free(figures);
    return PT_OK;
}
