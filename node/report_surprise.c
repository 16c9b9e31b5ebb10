#include "node/report_surprise.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/table.h"

enum { FOUND_COLUMNS = 3, LABEL_MAX = 2 * ANSWER_WORD_MAX + 8 };

bool report_surprise_found(const struct answer_cell *c)
{
    return c->derived.status == FIGURE_VALUE || c->derived.reason == REASON_RARE;
}

struct ranked { /* a cell, in the order in which it is told */
    const struct answer_cell *cell;
};
struct list {
    struct ranked *ranked;
    size_t count;
};

/* Rows stay in the policy's order, which is the order of the cells; within one the counted pairs
 * come first, most people first. */
static int by_rank(const void *a, const void *b)
{
    const struct answer_cell *x = ((const struct ranked *)a)->cell;
    const struct answer_cell *y = ((const struct ranked *)b)->cell;

    if (strcmp(x->row, y->row) != 0)
        return x < y ? -1 : 1;
    if (x->derived.status != y->derived.status)
        return x->derived.status == FIGURE_VALUE ? -1 : 1;
    return (x->derived.value < y->derived.value) - (x->derived.value > y->derived.value);
}

static void put_count(struct table_cell *out, const struct figure *f)
{
    if (f->status != FIGURE_VALUE) {
        snprintf(out->left, sizeof out->left, "few");
        out->tone = TONE_FAINT;
        return;
    }
    table_number(out->left, f->value);
    snprintf(out->right, sizeof out->right, "%.0f", ceil(f->half_width));
}

static enum pt_code put_table(struct buf *out, const struct list *l, bool colour,
                              struct pt_err *err)
{
    static const char *const HEADS[FOUND_COLUMNS] = {"by chance", "found", "missing"};
    struct table_cell *cells = calloc(l->count * FOUND_COLUMNS, sizeof *cells);
    char(*labels)[LABEL_MAX] = calloc(l->count, sizeof *labels);
    const char **rows = calloc(l->count, sizeof *rows);
    enum pt_code rc = PT_ENOMEM;

    if (cells == NULL || labels == NULL || rows == NULL) {
        (void)pt_fail(err, rc, "report: no memory for %zu pairs", l->count);
        goto out;
    }
    for (size_t i = 0; i < l->count; i++) {
        const struct answer_cell *c = l->ranked[i].cell;
        struct table_cell *line = &cells[i * FOUND_COLUMNS];
        snprintf(labels[i], sizeof labels[i], "%s, %s", c->row, c->column);
        rows[i] = labels[i];
        table_number(line[0].left, c->expected);
        put_count(&line[1], &c->count);
        put_count(&line[2], &c->derived);
    }
    const struct table t = {.row_count = l->count,
                            .column_count = FOUND_COLUMNS,
                            .corner = "yours, theirs",
                            .row_labels = rows,
                            .column_labels = HEADS,
                            .cells = cells};
    rc = table_write(out, &t, colour, err);
out:
    free(cells);
    free(labels);
    free(rows);
    return rc;
}

/* "Rarely" only where fewer do than chance alone would have; else they only fall behind their like. */
void report_surprise_sentence(char out[REPORT_SURPRISE_MAX], const struct answer *a,
                              const struct answer_cell *c)
{
    char people[TABLE_TEXT_MAX] = "";
    char how_many[TABLE_TEXT_MAX + 64] = "the joint count is too small to be shown";
    bool rare =
        c->derived.status != FIGURE_VALUE || c->count.value + c->count.half_width < c->expected;

    if (c->derived.status == FIGURE_VALUE) {
        table_number(people, c->derived.value);
        snprintf(how_many, sizeof how_many, "%s \xc2\xb1 %.0f more people would be expected",
                 people, ceil(c->derived.half_width));
    }
    snprintf(out, REPORT_SURPRISE_MAX, "Those with %s (%s) at %s %s %s (%s) at %s%s: %s.", c->row,
             a->rows, a->asker, rare ? "rarely have" : "have", c->column, a->columns, a->with,
             rare ? ", though those who resemble them do"
                  : " less often than those who resemble them",
             how_many);
}

static enum pt_code put_sentence(struct buf *out, const struct answer *a,
                                 const struct answer_cell *c, struct pt_err *err)
{
    char line[REPORT_SURPRISE_MAX];

    report_surprise_sentence(line, a, c);
    return table_paragraph(out, line, 0, err);
}

/* Why nothing was found: the commonest reason is the same for all cells when it is REASON_FEW. */
static enum pt_code put_nothing(struct buf *out, const struct answer *a, struct pt_err *err)
{
    char line[ANSWER_SENTENCE_MAX + 64];

    for (size_t i = 0; i < a->cell_count; i++) {
        const struct figure *f = &a->cells[i].derived;
        if (f->reason != REASON_FEW && f->status != FIGURE_REFUSED)
            continue;
        snprintf(line, sizeof line, "Nothing can be said: %s.",
                 f->status == FIGURE_REFUSED && a->refusal[0] != '\0'
                     ? a->refusal
                     : figure_reason_name(f->reason));
        return table_paragraph(out, line, 0, err);
    }
    return table_paragraph(out,
                           "Nothing found: no pair is rarer than chance and noise explain, as far "
                           "as this many customers can tell.",
                           0, err);
}

enum pt_code report_surprise(struct buf *out, const struct answer *a, bool colour,
                             struct pt_err *err)
{
    struct list l = {.ranked = calloc(a->cell_count + 1, sizeof *l.ranked)};
    enum pt_code rc;

    if (l.ranked == NULL)
        return pt_fail(err, PT_ENOMEM, "report: no memory for %zu pairs", a->cell_count);
    for (size_t i = 0; i < a->cell_count; i++)
        if (report_surprise_found(&a->cells[i]))
            l.ranked[l.count++].cell = &a->cells[i];
    qsort(l.ranked, l.count, sizeof *l.ranked, by_rank);
    rc = l.count == 0 ? put_nothing(out, a, err) : put_table(out, &l, colour, err);
    if (rc == PT_OK && l.count > 0 && !buf_u8(out, '\n'))
        rc = pt_fail(err, PT_ENOMEM, "report: no memory");
    for (size_t i = 0; i < l.count && rc == PT_OK; i++)
        rc = put_sentence(out, a, l.ranked[i].cell, err);
    if (rc == PT_OK && l.count > 0)
        rc = table_paragraph(
            out,
            "Of the pairs found in one table, on average at most a tenth are chance "
            "(Benjamini-Hochberg).",
            0, err);
    free(l.ranked);
    return rc;
}
