#include "node/report_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/table.h"

enum { PEOPLE, MEAN, SUM, FIGURES, DECIMALS_MAX = 4 };

/* Two digits of the half width. */
static int decimals_of(const struct figure *f)
{
    if (!(f->half_width > 0) || !isfinite(f->half_width))
        return 0;
    return (int)fmin(fmax(1 - floor(log10(f->half_width)), 0), DECIMALS_MAX);
}

/* Half widths are rounded up, here as everywhere. */
static void show(struct table_cell *out, const struct figure *f, int decimals)
{
    double unit = pow(10, -decimals);

    if (f->status != FIGURE_VALUE) {
        snprintf(out->left, sizeof out->left, "%s", figure_status_name(f->status));
        out->tone = TONE_FAINT;
    } else if (decimals == 0) {
        table_number(out->left, f->value);
        table_number(out->right, ceil(f->half_width));
    } else {
        snprintf(out->left, sizeof out->left, "%.*f", decimals, f->value);
        snprintf(out->right, sizeof out->right, "%.*f", decimals,
                 ceil(f->half_width / unit) * unit);
    }
}

enum pt_code report_value(struct buf *out, const struct answer *a, bool colour, struct pt_err *err)
{
    const char *heads[FIGURES] = {[PEOPLE] = "people", [MEAN] = "mean", [SUM] = "sum"};
    struct table_cell *cells = calloc(FIGURES * a->cell_count + 1, sizeof *cells);
    const char **rows = calloc(a->cell_count + 1, sizeof *rows);
    enum pt_code rc = PT_OK;

    if (cells == NULL || rows == NULL) {
        rc = pt_fail(err, PT_ENOMEM, "report: no memory for %zu groups", a->cell_count);
        goto out;
    }
    for (size_t i = 0; i < a->cell_count; i++) {
        struct table_cell *line = &cells[FIGURES * i];
        rows[i] = a->cells[i].row;
        show(&line[PEOPLE], &a->cells[i].count, 0);
        show(&line[MEAN], &a->cells[i].derived, decimals_of(&a->cells[i].derived));
        show(&line[SUM], &a->cells[i].sum, decimals_of(&a->cells[i].sum));
    }
    const struct table t = {.row_count = a->cell_count,
                            .column_count = FIGURES,
                            .corner = a->rows,
                            .row_labels = rows,
                            .column_labels = heads,
                            .cells = cells};
    rc = table_write(out, &t, colour, err);
out:
    free(cells);
    free(rows);
    return rc;
}
