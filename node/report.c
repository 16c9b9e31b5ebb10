#include "node/report.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/text.h"
#include "node/cmd_json.h"
#include "node/plot.h"
#include "node/report_measures.h"
#include "node/report_surprise.h"
#include "node/report_value.h"
#include "node/table.h"

/* Label, figure with its error bar, a gap, a bar: within TABLE_COLUMNS. */
enum { BAR_LABEL_MAX = 40, BAR_BYTES = 4 * TABLE_BAR_CELLS + 1 };

bool report_wants_colour(int fd)
{
    const char *no_color = getenv("NO_COLOR"); /* https://no-color.org */
    return isatty(fd) == 1 && (no_color == NULL || no_color[0] == '\0');
}

static double rho(uint64_t nano)
{
    return (double)nano / 1e9;
}

static const char *reason_of(const struct answer *a, const struct figure *f)
{
    if (f->status == FIGURE_REFUSED && a->refusal[0] != '\0')
        return a->refusal;
    return figure_reason_name(f->reason);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *number_or_null(bool there, double v)
{
    json_t *number = there ? json_real(v) : NULL; /* json_real refuses what is not finite */
    return number != NULL ? number : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

/* Takes the reference to value. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return value != NULL && json_object_set_new(object, key, value) == 0;
}

/* "index", "index_low", "index_high", "index_reason". */
static bool put_interval(json_t *cell, const char *name, const struct answer *a,
                         const struct figure *f)
{
    bool there = f->status == FIGURE_VALUE;
    char key[32];

    bool ok = put(cell, name, number_or_null(there, f->value));
    snprintf(key, sizeof key, "%s_low", name);
    ok = ok && put(cell, key, number_or_null(there, f->value - f->half_width));
    snprintf(key, sizeof key, "%s_high", name);
    ok = ok && put(cell, key, number_or_null(there, f->value + f->half_width));
    snprintf(key, sizeof key, "%s_reason", name);
    return ok && put(cell, key, text_or_null(reason_of(a, f)));
}

static bool put_share(json_t *cell, const struct answer *a, const struct figure *f)
{
    bool there = f->status == FIGURE_VALUE;
    return put(cell, "share", number_or_null(there, f->value)) &&
           put(cell, "share_half_width", number_or_null(there, f->half_width)) &&
           put(cell, "share_reason", text_or_null(reason_of(a, f)));
}

/* found: also where the joint count is too small for the missing people to be told. */
static bool put_missing(json_t *cell, const struct answer *a, const struct answer_cell *c)
{
    const struct figure *f = &c->derived;
    bool there = f->status == FIGURE_VALUE;
    return put(cell, "found", json_boolean(report_surprise_found(c))) &&
           put(cell, "missing", number_or_null(there, f->value)) &&
           put(cell, "missing_half_width", number_or_null(there, f->half_width)) &&
           put(cell, "missing_reason", text_or_null(reason_of(a, f))) &&
           put(cell, "expected", number_or_null(c->expected > 0, c->expected));
}

static bool put_derived(json_t *cell, const struct answer *a, const struct answer_cell *c)
{
    if (answer_is_measure(c))
        return true;
    switch (a->kind) {
    case ANSWER_AFFINITY:
        return put_interval(cell, "index", a, &c->derived);
    case ANSWER_VALUE:
        return put_interval(cell, "mean", a, &c->derived) && put_interval(cell, "sum", a, &c->sum);
    case ANSWER_PROFILE:
    case ANSWER_ABSENT:
    case ANSWER_JOURNEY:
        return put_share(cell, a, &c->derived);
    case ANSWER_SURPRISE:
        return put_missing(cell, a, c);
    case ANSWER_OVERLAP:
    case ANSWER_REACH:
    case ANSWER_CROSSTAB:
    case ANSWER_LIFT:
    case ANSWER_BUBBLE:
    case ANSWER_KIND_COUNT:
        break;
    }
    return true;
}

static bool add_cell(json_t *cells, const struct answer *a, const struct answer_cell *c)
{
    bool there = c->count.status == FIGURE_VALUE;
    json_t *cell = json_object();
    bool ok = cell != NULL && put(cell, "row", json_string(c->row)) &&
              put(cell, "column", json_string(c->column)) &&
              put(cell, "status", json_string(figure_status_name(c->count.status))) &&
              put(cell, "value", number_or_null(there, c->count.value)) &&
              put(cell, "half_width", number_or_null(there, c->count.half_width)) &&
              put(cell, "reason", text_or_null(reason_of(a, &c->count))) && put_derived(cell, a, c);

    if (!ok) {
        json_decref(cell);
        return false;
    }
    return json_array_append_new(cells, cell) == 0;
}

static json_t *digest_json(const struct digest *d)
{
    char text[72];
    policy_hash_text(text, d);
    return json_string(text);
}

/* "drinkco=HEX": what its owner signed, as the receipt has it. */
static json_t *hashes_json(const char *hashes)
{
    json_t *list = json_array();
    struct span rest = span_z(hashes);
    bool more = rest.n > 0;
    bool found;

    while (more) {
        struct span hash = text_cut(&rest, ',', &more);
        struct span owner = text_cut(&hash, '=', &found);
        json_array_append_new(list, json_pack("{s:s%, s:s%}", "owner", (const char *)owner.p,
                                              owner.n, "hash", (const char *)hash.p, hash.n));
    }
    return list;
}

static bool fill_json(json_t *root, json_t *cells, const struct answer *a)
{
    bool ok =
        put(root, "question", json_string(a->question)) &&
        put(root, "policy", digest_json(&a->policy)) && put(root, "epoch", json_string(a->epoch)) &&
        (a->since[0] == '\0' || put(root, "renewal_since", json_string(a->since))) &&
        put(root, "charged_rho", json_real(rho(a->charged_rho_nano))) &&
        put(root, "left_rho", a->left_unknown ? json_null() : json_real(rho(a->left_rho_nano))) &&
        json_object_set(root, "cells", cells) == 0 &&
        put(root, "kind", json_string(answer_kind_name(a->kind))) &&
        put(root, "asker", json_string(a->asker)) && put(root, "with", json_string(a->with)) &&
        put(root, "rows", text_or_null(a->rows)) &&
        put(root, "columns", text_or_null(a->columns)) &&
        put(root, "slots", text_or_null(answer_slots(a))) &&
        put(root, "confidence", json_real(0.95)) &&
        put(root, "repeated", json_boolean(a->repeated)) &&
        put(root, "refusal", text_or_null(a->refusal)) &&
        put(root, "own_data", digest_json(&a->own_data)) &&
        put(root, "other_data", digest_json(&a->other_data)) &&
        put(root, "audit_position", json_integer((json_int_t)a->audit_position)) &&
        put(root, "receipts", cmd_json_names(a->receipts)) &&
        put(root, "answers", hashes_json(a->hashes)) && put(root, "build", json_string(a->build)) &&
        put(root, "threat_model", json_string(a->threat_model));
    for (size_t i = 0; ok && i < a->cell_count; i++)
        ok = add_cell(cells, a, &a->cells[i]);
    return ok;
}

static bool write_json(struct buf *out, const struct answer *a, bool line)
{
    json_t *root = json_object();
    json_t *cells = json_array();
    char *text = NULL;

    if (root != NULL && cells != NULL && fill_json(root, cells, a))
        text = json_dumps(root, (line ? JSON_COMPACT : JSON_INDENT(1)) | JSON_REAL_PRECISION(12));
    bool ok = text != NULL && buf_printf(out, "%s\n", text);
    free(text);
    json_decref(cells);
    json_decref(root);
    return ok;
}

/* ---- CSV ----------------------------------------------------------------------------------- */

/* RFC 4180, section 2: quote what holds a separator, a quote or a line break; double the quotes. */
static bool csv_text(struct buf *out, const char *text)
{
    bool ok = true;
    if (strpbrk(text, ",\"\r\n") == NULL)
        return buf_add(out, text, strlen(text));
    ok = buf_u8(out, '"');
    for (const char *p = text; ok && *p != '\0'; p++)
        ok = (*p != '"' || buf_u8(out, '"')) && buf_u8(out, (uint8_t)*p);
    return ok && buf_u8(out, '"');
}

static bool csv_number(struct buf *out, bool there, double v)
{
    return buf_u8(out, ',') && (!there || !isfinite(v) || buf_printf(out, "%.12g", v));
}

static bool is_share(enum answer_kind k)
{
    return k == ANSWER_PROFILE || k == ANSWER_ABSENT || k == ANSWER_JOURNEY;
}

static bool csv_interval(struct buf *out, const struct figure *f)
{
    bool there = f->status == FIGURE_VALUE;

    return csv_number(out, there, f->value) && csv_number(out, there, f->value - f->half_width) &&
           csv_number(out, there, f->value + f->half_width);
}

static bool csv_cell(struct buf *out, const struct answer *a, const struct answer_cell *c)
{
    bool there = c->count.status == FIGURE_VALUE;
    bool derived = c->derived.status == FIGURE_VALUE;
    double value = c->derived.value;
    double half_width = c->derived.half_width;
    bool ok = csv_text(out, c->row) && buf_u8(out, ',') && csv_text(out, c->column) &&
              buf_printf(out, ",%s", figure_status_name(c->count.status)) &&
              csv_number(out, there, c->count.value) &&
              csv_number(out, there, c->count.half_width) && buf_u8(out, ',') &&
              csv_text(out, reason_of(a, &c->count));

    if (a->kind == ANSWER_AFFINITY || a->kind == ANSWER_VALUE)
        ok = ok && csv_interval(out, &c->derived);
    if (a->kind == ANSWER_VALUE)
        ok = ok && csv_interval(out, &c->sum);
    if (is_share(a->kind) || a->kind == ANSWER_SURPRISE)
        ok = ok && csv_number(out, derived, value) && csv_number(out, derived, half_width);
    if (a->kind == ANSWER_SURPRISE)
        ok = ok && csv_number(out, c->expected > 0, c->expected) &&
             buf_printf(out, ",%s", report_surprise_found(c) ? "yes" : "no");
    return ok && buf_printf(out, "\r\n");
}

static bool write_csv(struct buf *out, const struct answer *a)
{
    static const char *const MORE[ANSWER_KIND_COUNT] = {
        [ANSWER_AFFINITY] = ",index,index_low,index_high",
        [ANSWER_PROFILE] = ",share,share_half_width",
        [ANSWER_ABSENT] = ",share,share_half_width",
        [ANSWER_JOURNEY] = ",share,share_half_width",
        [ANSWER_SURPRISE] = ",missing,missing_half_width,expected,found",
        [ANSWER_VALUE] = ",mean,mean_low,mean_high,sum,sum_low,sum_high",
    };
    const char *more = MORE[a->kind] != NULL ? MORE[a->kind] : "";
    bool ok = buf_printf(out, "row,column,status,value,half_width,reason%s\r\n", more);
    for (size_t i = 0; ok && i < a->cell_count; i++)
        ok = csv_cell(out, a, &a->cells[i]);
    return ok;
}

/* ---- table --------------------------------------------------------------------------------- */

/* Half widths are rounded up: an error bar never looks smaller than it is. */
static void show_count(struct table_cell *out, const struct figure *f)
{
    table_number(out->left, f->value);
    if (f->half_width > 0)
        table_number(out->right, ceil(f->half_width));
}

static void show_share(struct table_cell *out, const struct figure *f)
{
    snprintf(out->left, sizeof out->left, "%.1f", 100 * f->value);
    if (f->half_width > 0)
        snprintf(out->right, sizeof out->right, "%.1f", ceil(1000 * f->half_width) / 10);
}

static void show_index(struct table_cell *out, const struct figure *f)
{
    show_count(out, f);
    if (f->value - f->half_width > 100)
        out->tone = TONE_HIGH;
    if (f->value + f->half_width < 100)
        out->tone = TONE_LOW;
}

static const struct figure *figure_of(const struct answer *a, const struct answer_cell *c)
{
    if (a->kind == ANSWER_VALUE && c->count.status != FIGURE_VALUE)
        return &c->count; /* whose reason is why the mean is hidden too */
    return answer_has_derived(a->kind) && !answer_is_measure(c) ? &c->derived : &c->count;
}

static void show(struct table_cell *out, const struct answer *a, const struct answer_cell *c)
{
    const struct figure *f = figure_of(a, c);

    if (f->status != FIGURE_VALUE) {
        snprintf(out->left, sizeof out->left, "%s", figure_status_name(f->status));
        out->tone = TONE_FAINT;
    } else if (is_share(a->kind)) {
        show_share(out, f);
    } else if (a->kind == ANSWER_AFFINITY) {
        show_index(out, f);
    } else {
        show_count(out, f);
    }
}

/* How many cells share the first row's label: the table's width. Answers come over a wire, so the
 * shape is measured and not believed. */
static size_t table_width(const struct answer *a, size_t cell_count)
{
    size_t width = 0;
    while (width < cell_count && strcmp(a->cells[width].row, a->cells[0].row) == 0)
        width++;
    return width > 0 && cell_count % width == 0 ? width : 1;
}

struct drawing { /* what struct table borrows */
    const char **rows, **columns, **bars;
    struct buf bar_text;
    char (*joined)[2 * ANSWER_WORD_MAX + 2];
    struct table_cell *cells;
};

static void drawing_free(struct drawing *d)
{
    free(d->rows);
    free(d->columns);
    free(d->bars);
    buf_free(&d->bar_text);
    free(d->joined);
    free(d->cells);
}

/* A bar behind each figure that is shown, as long as it is against the largest. Where labels leave no
 * room there are none. */
static enum pt_code make_bars(struct drawing *d, const struct answer *a, size_t n, bool unicode)
{
    const struct plot_style plain = {.unicode = unicode};
    double most = 0;
    size_t widest = 0;

    for (size_t i = 0; i < n; i++) {
        const struct figure *f = &a->cells[i].count;
        size_t width = table_text_width(d->joined[i]);
        widest = width > widest ? width : widest;
        most = f->status == FIGURE_VALUE ? fmax(most, f->value) : most;
    }
    if (widest > BAR_LABEL_MAX || !(most > 0))
        return PT_OK;
    if ((d->bars = calloc(n + 1, sizeof d->bars[0])) == NULL ||
        !buf_reserve(&d->bar_text, n * BAR_BYTES)) /* so that the texts stay where they are */
        return PT_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct figure *f = &a->cells[i].count;
        d->bars[i] = (const char *)d->bar_text.p + d->bar_text.n;
        if ((f->status == FIGURE_VALUE &&
             !plot_bar(&d->bar_text, f->value / most, TABLE_BAR_CELLS, &plain)) ||
            !buf_u8(&d->bar_text, '\0'))
            return PT_ENOMEM;
    }
    return PT_OK;
}

static enum pt_code draw(struct buf *out, const struct answer *a, const struct report_style *style,
                         struct pt_err *err)
{
    bool single = !question_has_axes(answer_question_kind(a->kind));
    size_t n = answer_table_cells(a);
    size_t width = single ? 1 : table_width(a, n);
    size_t height = n / width;
    struct drawing d = {.rows = calloc(height + 1, sizeof d.rows[0]),
                        .columns = calloc(width + 1, sizeof d.columns[0]),
                        .joined = calloc(height + 1, sizeof d.joined[0]),
                        .cells = calloc(n + 1, sizeof d.cells[0])};
    struct table t = {.row_count = height,
                      .column_count = width,
                      .corner = a->rows,
                      .row_labels = d.rows,
                      .column_labels = d.columns,
                      .cells = d.cells};
    enum pt_code rc;

    if (d.rows == NULL || d.columns == NULL || d.joined == NULL || d.cells == NULL) {
        rc = pt_fail(err, PT_ENOMEM, "report: no memory for %zu cells", n);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        show(&d.cells[i], a, &a->cells[i]);
    for (size_t r = 0; r < height; r++) {
        const struct answer_cell *c = &a->cells[r * width];
        snprintf(d.joined[r], sizeof d.joined[r], "%-9s%s", c->row, c->column);
        d.rows[r] = single ? d.joined[r] : c->row;
    }
    for (size_t c = 0; c < width; c++)
        d.columns[c] = single ? "people" : a->cells[c].column;
    if (single && style->bars && make_bars(&d, a, n, style->unicode) != PT_OK) {
        rc = pt_fail(err, PT_ENOMEM, "report: no memory for bars");
        goto out;
    }
    t.bars = d.bars;
    rc = table_write(out, &t, style->colour, err);
out:
    drawing_free(&d);
    return rc;
}

static enum pt_code put_title(struct buf *out, const struct answer *a, struct pt_err *err)
{
    static const char *const SAYS[ANSWER_KIND_COUNT] = {
        [ANSWER_OVERLAP] = "customers in common",
        [ANSWER_REACH] = "people reached together",
        [ANSWER_CROSSTAB] = "customers in common",
        [ANSWER_PROFILE] = "% of each row's customers in common",
        [ANSWER_AFFINITY] = "index: 100 is as often as chance",
        [ANSWER_SURPRISE] = "pairs rarer than like customers would make them",
        [ANSWER_ABSENT] = "% of those in common who are not in the column",
        [ANSWER_LIFT] = "exposed against control",
        [ANSWER_JOURNEY] = "% of each row's customers in common; columns: the stage there",
        [ANSWER_BUBBLE] = "how alike, and how much renewed",
        [ANSWER_VALUE] = "customers in common of whom the number is known",
    };
    char line[QUESTION_TEXT_MAX];
    struct span rest = span_z(a->question);
    enum pt_code rc;

    if (a->kind == ANSWER_VALUE) /* the number with its unit, by the groups */
        snprintf(line, sizeof line, "value of %s with %s: %s by %s (%s)", a->asker, a->with,
                 a->cell_count > 0 ? a->cells[0].column : a->columns, a->rows, SAYS[a->kind]);
    else
        snprintf(line, sizeof line, "%s of %s with %s%s%s%s%s (%s)", answer_kind_name(a->kind),
                 a->asker, a->with, a->rows[0] == '\0' ? "" : ": ", a->rows,
                 a->rows[0] == '\0' ? "" : " by ", a->columns, SAYS[a->kind]);
    rc = table_paragraph(out, line, 0, err);
    while (rc == PT_OK && rest.n > 0) {
        bool found;
        struct span filter = text_cut(&rest, '\n', &found);
        if (filter.n <= 6 || memcmp(filter.p, "where=", 6) != 0)
            continue;
        snprintf(line, sizeof line, "where %.*s", (int)(filter.n - 6), (const char *)filter.p + 6);
        rc = table_paragraph(out, line, 2, err);
    }
    if (rc == PT_OK && !buf_u8(out, '\n'))
        rc = pt_fail(err, PT_ENOMEM, "report: no memory for the title");
    return rc;
}

/* Each reason that hides a cell of this table, once. */
static enum pt_code put_reasons(struct buf *out, const struct answer *a, struct pt_err *err)
{
    bool seen[REASON_COUNT] = {false};
    char line[ANSWER_SENTENCE_MAX + 32];
    enum pt_code rc = PT_OK;

    for (size_t i = 0; rc == PT_OK && i < a->cell_count; i++) {
        const struct figure *f = figure_of(a, &a->cells[i]);
        if (f->status == FIGURE_VALUE || (size_t)f->reason >= REASON_COUNT || seen[f->reason])
            continue;
        seen[f->reason] = true;
        snprintf(line, sizeof line, "%s: %s", figure_status_name(f->status), reason_of(a, f));
        rc = table_paragraph(out, line, 0, err);
    }
    return rc;
}

/* A line each, as `patto audit receipt` takes them within the home. */
static bool put_receipts(struct buf *out, const char *names)
{
    struct span rest = span_z(names);
    bool more = true;
    bool good = true;

    while (more && good) {
        struct span name = text_cut(&rest, ',', &more);
        good = buf_printf(out, "receipt %.*s\n", (int)name.n, (const char *)name.p);
    }
    return good;
}

static enum pt_code put_origin(struct buf *out, const struct answer *a, struct pt_err *err)
{
    char line[ANSWER_SENTENCE_MAX];
    char charged[32];
    char left[32];
    char policy[72];
    enum pt_code rc;

    text_put_decimal(charged, a->charged_rho_nano, 9);
    text_put_decimal(left, a->left_rho_nano, 9);
    policy_hash_text(policy, &a->policy);
    snprintf(line, sizeof line, "charged rho %s%s, left %s; audit position %llu; epoch %s", charged,
             a->repeated ? " (asked before: nothing new)" : "",
             a->left_unknown ? "as the owner's ledger says" : left,
             (unsigned long long)a->audit_position, a->epoch);
    if ((a->since[0] != '\0' &&
         !buf_printf(out, "%% renewed: of the shares, since epoch %s.\n", a->since)) ||
        !buf_printf(out, "\xc2\xb1 is the 95 %% interval: the owner's noise and slot sampling.\n"))
        return pt_fail(err, PT_ENOMEM, "report: no memory");
    if ((rc = table_paragraph(out, line, 0, err)) != PT_OK)
        return rc;
    if (answer_slots(a)[0] != '\0' &&
        !buf_printf(out, "a look at %s of the slots, charged as a question of its own\n",
                    strcmp(answer_slots(a), "1") == 0 ? "all" : answer_slots(a)))
        return pt_fail(err, PT_ENOMEM, "report: no memory");
    if (!buf_printf(out, "policy %s\n%s\n", policy, a->build) ||
        (a->receipts[0] != '\0' && !put_receipts(out, a->receipts)))
        return pt_fail(err, PT_ENOMEM, "report: no memory");
    return PT_OK;
}

static enum pt_code write_table(struct buf *out, const struct answer *a,
                                const struct report_style *style, struct pt_err *err)
{
    enum pt_code rc;

    if ((rc = put_title(out, a, err)) != PT_OK)
        return rc;
    bool list = a->kind == ANSWER_SURPRISE;
    bool measured = answer_table_cells(a) < a->cell_count;
    if (list)
        rc = report_surprise(out, a, style->colour, err);
    else if (a->kind == ANSWER_VALUE)
        rc = report_value(out, a, style->colour, err);
    else if (a->kind != ANSWER_BUBBLE || !measured) /* whose table says nothing that it does not */
        rc = draw(out, a, style, err);
    if (rc == PT_OK && measured && a->kind != ANSWER_BUBBLE && !buf_u8(out, '\n'))
        rc = pt_fail(err, PT_ENOMEM, "report: no memory");
    if (rc == PT_OK && measured)
        rc = report_measures(out, a, style->colour, err);
    if (rc != PT_OK)
        return rc;
    if (!buf_u8(out, '\n'))
        return pt_fail(err, PT_ENOMEM, "report: no memory");
    if (!list && (rc = put_reasons(out, a, err)) != PT_OK)
        return rc;
    if ((rc = put_origin(out, a, err)) != PT_OK)
        return rc;
    return table_paragraph(out, a->threat_model, 0, err);
}

enum pt_code report_write(struct buf *out, const struct answer *a, const struct report_style *style,
                          struct pt_err *err)
{
    bool ok;

    if (style->format == REPORT_TABLE)
        return write_table(out, a, style, err);
    ok = style->format == REPORT_JSON ? write_json(out, a, style->line) : write_csv(out, a);
    return ok ? PT_OK : pt_fail(err, PT_ENOMEM, "report: no memory for %zu cells", a->cell_count);
}
