#include "node/report_measures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/table.h"
#include "proto/readings.h"

static const struct {
    const char *head;
    double scale;
    int decimals; /* 0: a count, with thousands separators */
} SHOWN[MEASURE_COUNT] = {
    [MEASURE_DIFFERENCE] = {"% points", 100, 1},   [MEASURE_RATIO] = {"ratio", 1, 2},
    [MEASURE_RATIO_LOW] = {"at least", 1, 2},      [MEASURE_RATIO_HIGH] = {"at most", 1, 2},
    [MEASURE_EXTRA] = {"extra people", 1, 0},      [MEASURE_PEOPLE] = {"people", 1, 0},
    [MEASURE_LEFT_OUT] = {"cells left out", 1, 0}, [MEASURE_SHARE] = {"% of all", 100, 1},
    [MEASURE_ENTROPY] = {"entropy, bits", 1, 2},   [MEASURE_EFFECTIVE] = {"effective", 1, 2},
    [MEASURE_CONCENTRATION] = {"HHI", 1, 3},       [MEASURE_CATEGORIES] = {"of categories", 1, 0},
    [MEASURE_RENEWAL] = {"% renewed", 100, 1},     [MEASURE_RENEWAL_LOW] = {"at least", 100, 1},
    [MEASURE_RENEWAL_HIGH] = {"at most", 100, 1},
};

/* Half widths are rounded up, here as everywhere. */
static void show(struct table_cell *out, const struct answer_cell *c, enum reading_measure m)
{
    const struct figure *f = &c->count;
    int decimals = SHOWN[m].decimals;
    double unit = pow(10, -decimals);

    if (f->status != FIGURE_VALUE) {
        snprintf(out->left, sizeof out->left, "%s", figure_status_name(f->status));
        out->tone = TONE_FAINT;
        return;
    }
    double half_width = ceil(f->half_width * SHOWN[m].scale / unit) * unit;
    if (decimals == 0) {
        table_number(out->left, f->value);
        if (f->half_width > 0)
            table_number(out->right, half_width);
        return;
    }
    snprintf(out->left, sizeof out->left, "%.*f", decimals, f->value * SHOWN[m].scale);
    /* Of a ratio the two sides differ: they stand beside it. */
    if (f->half_width > 0 && m != MEASURE_RATIO && m != MEASURE_RENEWAL)
        snprintf(out->right, sizeof out->right, "%.*f", decimals, half_width);
}

/* How many lead with one label: the measures of one thing. Cells come over a wire: measured. */
static size_t group_width(const struct answer_cell *cells, size_t n)
{
    size_t width = 0;
    while (width < n && strcmp(cells[width].column, cells[0].column) == 0)
        width++;
    return width > 0 && n % width == 0 ? width : 1;
}

static const char *corner(const struct answer *a)
{
    return a->kind == ANSWER_LIFT      ? "group, outcome"
           : a->kind == ANSWER_JOURNEY ? "moved"
                                       : a->rows;
}

enum pt_code report_measures(struct buf *out, const struct answer *a, bool colour,
                             struct pt_err *err)
{
    size_t before = answer_table_cells(a);
    size_t n = a->cell_count - before;
    const struct answer_cell *first = &a->cells[before];
    size_t width = n > 0 ? group_width(first, n) : 1;
    struct table_cell *cells = calloc(n + 1, sizeof *cells);
    const char **rows = calloc(n / width + 1, sizeof *rows);
    const char **heads = calloc(width, sizeof *heads);
    enum pt_code rc = PT_OK;

    if (cells == NULL || rows == NULL || heads == NULL) {
        rc = pt_fail(err, PT_ENOMEM, "report: no memory for %zu measures", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        enum reading_measure m = MEASURE_PEOPLE;
        if (!readings_measure_parse(&m, first[i].row))
            continue;
        show(&cells[i], &first[i], m);
        rows[i / width] = first[i].column;
        heads[i % width] = SHOWN[m].head;
    }
    for (size_t i = 0; i < n; i++) { /* where the sender's cells are none of ours */
        rows[i / width] = rows[i / width] != NULL ? rows[i / width] : "";
        heads[i % width] = heads[i % width] != NULL ? heads[i % width] : "";
    }
    const struct table t = {.row_count = n / width,
                            .column_count = width,
                            .corner = corner(a),
                            .row_labels = rows,
                            .column_labels = heads,
                            .cells = cells};
    if (n > 0)
        rc = table_write(out, &t, colour, err);
out:
    free(cells);
    free(rows);
    free(heads);
    return rc;
}
