/* One answer as figures on a page; page_plan.h. */
#include "node/page_plan.h"

#include "node/html.h"
#include "node/report_surprise.h"
#include "node/svg.h"
#include "proto/readings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ABOUT_MAX = 512 };

/* What is drawn of a table: its derived figures where it has them. */
static const struct figure *figure_of(const struct answer *a, const struct answer_cell *c)
{
    if (a->kind == ANSWER_VALUE && c->count.status != FIGURE_VALUE)
        return &c->count; /* the count's reason is why the mean is hidden */
    return answer_has_derived(a->kind) && !answer_is_measure(c) ? &c->derived : &c->count;
}

static enum svg_unit unit_of(const struct answer *a)
{
    switch (a->kind) {
    case ANSWER_PROFILE:
    case ANSWER_ABSENT:
    case ANSWER_JOURNEY:
        return SVG_SHARE;
    case ANSWER_AFFINITY:
        return SVG_INDEX;
    case ANSWER_OVERLAP:
    case ANSWER_REACH:
    case ANSWER_CROSSTAB:
    case ANSWER_SURPRISE:
    case ANSWER_LIFT:
    case ANSWER_BUBBLE:
    case ANSWER_KIND_COUNT:
        break;
    case ANSWER_VALUE:
        return SVG_NUMBER;
    }
    return SVG_PEOPLE;
}

/* ---- single figures ---- */

static void bars_of(FILE *out, const struct answer *a, const char *about)
{
    struct svg_item *items = calloc(a->cell_count + 1, sizeof *items);
    char(*labels)[2 * ANSWER_WORD_MAX + 4] = calloc(a->cell_count + 1, sizeof *labels);
    struct svg_bars b = {
        .title = answer_kind_name(a->kind), .about = about, .items = items, .unit = SVG_PEOPLE};

    for (size_t i = 0; items != NULL && labels != NULL && i < a->cell_count; i++) {
        const struct answer_cell *c = &a->cells[i];
        if (strcmp(c->row, "only") == 0) /* drawn above, as regions */
            continue;
        snprintf(labels[i], sizeof labels[i], "%s %s", c->row, c->column);
        items[b.count++] = (struct svg_item){labels[i], c->count};
    }
    svg_bars(out, &b);
    free(items);
    free(labels);
}

/* Which of the names stand in "A & B". */
static uint32_t sets_of(const char *column, char names[SVG_SETS_MAX][POLICY_NAME_MAX + 1],
                        size_t *name_count)
{
    uint32_t sets = 0;

    while (*column != '\0') {
        const size_t n = strcspn(column, " ");
        size_t i = 0;
        while (i < *name_count && (strncmp(names[i], column, n) != 0 || names[i][n] != '\0'))
            i++;
        if (i == *name_count && i < SVG_SETS_MAX && n <= POLICY_NAME_MAX) {
            memcpy(names[i], column, n);
            names[i][n] = '\0';
            (*name_count)++;
        }
        if (i < SVG_SETS_MAX)
            sets |= 1U << i;
        column += n;
        column += strspn(column, " &");
    }
    return sets;
}

static void regions_of(FILE *out, const struct answer *a, const char *about)
{
    char names[SVG_SETS_MAX][POLICY_NAME_MAX + 1] = {{0}};
    const char *pointers[SVG_SETS_MAX];
    struct svg_region *regions = calloc(a->cell_count + 1, sizeof *regions);
    struct svg_upset u = {.title = "who reaches whom, alone and together",
                          .about = about,
                          .names = pointers,
                          .regions = regions};

    for (size_t i = 0; regions != NULL && i < a->cell_count; i++)
        if (strcmp(a->cells[i].row, "only") == 0)
            regions[u.region_count++] = (struct svg_region){
                sets_of(a->cells[i].column, names, &u.name_count), a->cells[i].count};
    for (size_t i = 0; i < SVG_SETS_MAX; i++)
        pointers[i] = names[i];
    if (u.region_count > 0)
        svg_upset(out, &u);
    free(regions);
}

/* ---- tables ---- */

/* How many cells share the first row's label. Answers come over a wire: measured, not believed. */
static size_t width_of(const struct answer *a, size_t n)
{
    size_t width = 0;

    while (width < n && strcmp(a->cells[width].row, a->cells[0].row) == 0)
        width++;
    return width > 0 && n % width == 0 ? width : 1;
}

/* Margins lead rows and columns. A share has its row's whole for a base, and the whole table's row
 * to compare with; of an index the margins are 100. */
static void heat_of(FILE *out, const struct answer *a, const char *about)
{
    const size_t n = answer_table_cells(a);
    const size_t width = width_of(a, n);
    const size_t top = unit_of(a) == SVG_SHARE ? 0 : 1;
    const size_t height = n / width;
    struct svg_heat h = {.title = answer_kind_name(a->kind), .about = about, .unit = unit_of(a)};

    if (width < 2 || height <= top)
        return;
    h.column_count = width - 1;
    h.row_count = height - top;
    struct figure *figures = calloc(h.row_count * h.column_count, sizeof *figures);
    const char **rows = calloc(h.row_count, sizeof *rows);
    const char **columns = calloc(h.column_count, sizeof *columns);
    for (size_t r = 0; figures != NULL && rows != NULL && columns != NULL && r < h.row_count; r++) {
        const struct answer_cell *line = &a->cells[(r + top) * width];
        rows[r] = line->row;
        for (size_t c = 0; c < h.column_count; c++) {
            columns[c] = line[c + 1].column;
            figures[r * h.column_count + c] = *figure_of(a, &line[c + 1]);
        }
    }
    h.figures = figures;
    h.rows = rows;
    h.columns = columns;
    if (figures != NULL && rows != NULL && columns != NULL)
        svg_heat(out, &h);
    free(figures);
    free(rows);
    free(columns);
}

/* One measure of each thing measured, as bars. */
static void measure_of(FILE *out, const struct answer *a, enum reading_measure m,
                       enum svg_unit unit)
{
    struct svg_item *items = calloc(a->cell_count + 1, sizeof *items);
    struct svg_bars b = {.title = readings_measure_name(m),
                         .about = readings_measure_name(m),
                         .items = items,
                         .unit = unit};

    for (size_t i = answer_table_cells(a); items != NULL && i < a->cell_count; i++)
        if (strcmp(a->cells[i].row, readings_measure_name(m)) == 0)
            items[b.count++] = (struct svg_item){a->cells[i].column, a->cells[i].count};
    if (b.count > 0) {
        fputs("<h4>", out);
        html_text(out, span_z(b.title));
        fputs("</h4>\n", out);
        svg_bars(out, &b);
    }
    free(items);
}

static int by_missing(const void *a, const void *b)
{
    const double x = ((const struct svg_item *)a)->figure.value;
    const double y = ((const struct svg_item *)b)->figure.value;

    return (x < y) - (x > y);
}

/* How many people are missing, most first. */
static void missing_of(FILE *out, const struct answer *a, const char *about)
{
    struct svg_item *items = calloc(a->cell_count + 1, sizeof *items);
    char(*labels)[2 * ANSWER_WORD_MAX + 4] = calloc(a->cell_count + 1, sizeof *labels);
    struct svg_bars b = {
        .title = "people missing", .about = about, .items = items, .unit = SVG_PEOPLE};

    for (size_t i = 0; items != NULL && labels != NULL && i < answer_table_cells(a); i++) {
        const struct answer_cell *c = &a->cells[i];
        if (c->derived.status != FIGURE_VALUE)
            continue;
        snprintf(labels[i], sizeof labels[i], "%s, %s", c->row, c->column);
        items[b.count++] = (struct svg_item){labels[i], c->derived};
    }
    if (b.count > 0) {
        qsort(items, b.count, sizeof *items, by_missing);
        fputs("<h4>people missing, by pair</h4>\n", out);
        svg_bars(out, &b);
    }
    free(items);
    free(labels);
}

/* Mean and sum of each group, as bars. */
static void values_of(FILE *out, const struct answer *a, bool sum, const char *title)
{
    struct svg_item *items = calloc(a->cell_count + 1, sizeof *items);
    struct svg_bars b = {
        .title = title, .about = title, .items = items, .unit = sum ? SVG_PEOPLE : SVG_NUMBER};

    for (size_t i = 0; items != NULL && i < a->cell_count; i++)
        items[b.count++] =
            (struct svg_item){a->cells[i].row, sum ? a->cells[i].sum : a->cells[i].derived};
    fputs("<h4>", out);
    html_text(out, span_z(title));
    fputs("</h4>\n", out);
    svg_bars(out, &b);
    free(items);
}

static void draw_value(FILE *out, const struct answer *a)
{
    char title[ABOUT_MAX];
    const char *number = a->cell_count > 0 ? a->cells[0].column : a->columns;

    snprintf(title, sizeof title, "mean of %s", number);
    values_of(out, a, false, title);
    snprintf(title, sizeof title, "sum of %s", number);
    values_of(out, a, true, title);
}

static void sentences_of(FILE *out, const struct answer *a)
{
    char line[REPORT_SURPRISE_MAX];
    bool any = false;

    fputs("<ul class=\"say\">\n", out);
    for (size_t i = 0; i < answer_table_cells(a); i++) {
        if (!report_surprise_found(&a->cells[i]))
            continue;
        report_surprise_sentence(line, a, &a->cells[i]);
        fputs("<li>", out);
        html_text(out, span_z(line));
        fputs("</li>\n", out);
        any = true;
    }
    fputs("</ul>\n", out);
    fputs(any ? "<p class=\"note\">Of the pairs found in one table, on average at most a tenth are "
                "chance (Benjamini-Hochberg).</p>\n"
              : "<p>Nothing found: no pair is rarer than chance and noise explain, as far as this "
                "many customers can tell.</p>\n",
          out);
}

/* ---- the table behind ---- */

static void put_figure(FILE *out, const struct figure *f, const char *refusal, enum svg_unit unit)
{
    char value[SVG_TEXT_MAX];
    char half[SVG_TEXT_MAX];

    if (f->status != FIGURE_VALUE) {
        fprintf(out, "<td class=\"hid\">%s: ", figure_status_name(f->status));
        html_text(out, span_z(f->status == FIGURE_REFUSED && refusal[0] != '\0'
                                  ? refusal
                                  : figure_reason_name(f->reason)));
        fputs("</td>", out);
        return;
    }
    svg_value(value, f->value, unit);
    svg_half_width(half, f->half_width, unit);
    fprintf(out, "<td class=\"num\" data-value=\"%.12g\" data-half-width=\"%.12g\">%s%s%s</td>",
            f->value, f->half_width, value, half[0] != '\0' ? " \xc2\xb1 " : "", half);
}

static enum svg_unit count_unit(const struct answer_cell *c)
{
    const char *comma = strchr(c->row, ',');

    if (!answer_is_measure(c))
        return SVG_PEOPLE;
    if (strcmp(c->row, readings_measure_name(MEASURE_DIFFERENCE)) == 0)
        return SVG_POINTS;
    if (comma != NULL && strcmp(comma, ", share") == 0)
        return SVG_SHARE;
    return comma != NULL && strcmp(comma, ", people") == 0 ? SVG_PEOPLE : SVG_NUMBER;
}

static void table_of(FILE *out, const struct answer *a)
{
    bool derived = answer_has_derived(a->kind);
    bool value = a->kind == ANSWER_VALUE;

    fprintf(out,
            "<details><summary>All %zu figures</summary><div class=\"wide\"><table><thead><tr>"
            "<th>yours</th><th>theirs</th><th>people</th>%s%s%s%s</tr></thead>\n<tbody>\n",
            a->cell_count, derived ? "<th>" : "",
            value     ? "mean"
            : derived ? answer_kind_name(a->kind)
                      : "",
            derived ? "</th>" : "", value ? "<th>sum</th>" : "");
    for (size_t i = 0; i < a->cell_count; i++) {
        const struct answer_cell *c = &a->cells[i];
        fputs("<tr><td>", out);
        html_text(out, span_z(c->row));
        fputs("</td><td>", out);
        html_text(out, span_z(c->column));
        fputs("</td>", out);
        put_figure(out, &c->count, a->refusal, count_unit(c));
        if (derived && !answer_is_measure(c))
            put_figure(out, &c->derived, a->refusal, unit_of(a));
        if (value)
            put_figure(out, &c->sum, a->refusal, SVG_PEOPLE);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div></details>\n", out);
}

/* Each reason that hides a figure, once. */
static void reasons_of(FILE *out, const struct answer *a)
{
    bool seen[REASON_COUNT] = {false};

    for (size_t i = 0; i < a->cell_count; i++) {
        const struct figure *f = figure_of(a, &a->cells[i]);
        if (f->status == FIGURE_VALUE || (size_t)f->reason >= REASON_COUNT || seen[f->reason])
            continue;
        seen[f->reason] = true;
        fprintf(out, "<p class=\"note\">%s: ", figure_status_name(f->status));
        html_text(out, span_z(f->status == FIGURE_REFUSED && a->refusal[0] != '\0'
                                  ? a->refusal
                                  : figure_reason_name(f->reason)));
        fputs(".</p>\n", out);
    }
}

static void draw(FILE *out, const struct answer *a, const char *about)
{
    switch (a->kind) {
    case ANSWER_REACH:
        regions_of(out, a, about);
        bars_of(out, a, about);
        break;
    case ANSWER_CROSSTAB:
    case ANSWER_PROFILE:
    case ANSWER_AFFINITY:
    case ANSWER_ABSENT:
        heat_of(out, a, about);
        break;
    case ANSWER_JOURNEY:
        heat_of(out, a, about);
        measure_of(out, a, MEASURE_SHARE, SVG_SHARE);
        break;
    case ANSWER_LIFT:
        measure_of(out, a, MEASURE_DIFFERENCE, SVG_POINTS);
        measure_of(out, a, MEASURE_EXTRA, SVG_PEOPLE);
        break;
    case ANSWER_BUBBLE:
        measure_of(out, a, MEASURE_EFFECTIVE, SVG_NUMBER);
        measure_of(out, a, MEASURE_CONCENTRATION, SVG_NUMBER);
        if (a->since[0] != '\0')
            measure_of(out, a, MEASURE_RENEWAL, SVG_SHARE);
        break;
    case ANSWER_SURPRISE:
        missing_of(out, a, about);
        sentences_of(out, a);
        break;
    case ANSWER_VALUE:
        draw_value(out, a);
        break;
    case ANSWER_OVERLAP:
    case ANSWER_KIND_COUNT:
        bars_of(out, a, about);
        break;
    }
}

void page_answer(FILE *out, const struct answer *a)
{
    char about[ABOUT_MAX];

    snprintf(about, sizeof about, "%s of %s with %s: the table below has every figure",
             answer_kind_name(a->kind), a->asker, a->with);
    fputs("<figure>\n", out);
    draw(out, a, about);
    fputs("</figure>\n", out);
    if (a->kind == ANSWER_AFFINITY)
        fputs("<p class=\"note\">100 is as often as chance would have it; coloured where the 95 % "
              "interval leaves 100 out.</p>\n",
              out);
    if (a->kind == ANSWER_LIFT)
        fputs(
            "<p class=\"note\">Against the control group: points of the share, and people whom its "
            "share does not explain. Pale where the 95 % interval holds 0.</p>\n",
            out);
    if (a->kind != ANSWER_SURPRISE)
        reasons_of(out, a);
    table_of(out, a);
}
