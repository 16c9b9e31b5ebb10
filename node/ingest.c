#include "node/ingest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"
#include "node/csvfile.h"
#include "node/hidden.h"
#include "node/idlist.h"
#include "node/ingest_row.h"
#include "node/people.h"
#include "node/spool.h"

enum { NO_COLUMN = CSV_FIELDS_MAX };

struct ingest { /* one run */
    const struct ingest_in *in;
    const struct policy_partner *me;
    struct ingest_report *report;
    struct ingest_row_shape shape;
    uint8_t *row; /* the one at hand, as ingest_row.h lays it out. Secret */
    struct spool *spool;
    struct people *people; /* of the part at hand */
    struct idlist suppressed;
    bool has_header;
    size_t width; /* fields of the header */
    size_t identifier, consent;
    size_t columns[POLICY_ATTRIBUTES_MAX];
};

static void note(struct ingest_lines *l, uint64_t line)
{
    if (l->count < INGEST_LINES_MAX)
        l->first[l->count] = line;
    l->count++;
}

/* ---- header ---- */

/* A file without a header would have its first customer read as column names: those are not to be
 * repeated in a message. */
static bool looks_like_data(const struct csv_row *row)
{
    for (size_t i = 0; i < row->field_count; i++) {
        size_t digits = 0;
        struct span f = row->fields[i];
        for (size_t k = 0; k < f.n; k++) {
            digits += f.p[k] >= '0' && f.p[k] <= '9';
            if (f.p[k] == '@')
                return true;
        }
        if (digits >= 6 || f.n > 64)
            return true;
    }
    return false;
}

static enum pt_code no_such_column(const struct csv_row *row, struct span name, const char *what,
                                   struct pt_err *err)
{
    struct buf names = {0};
    bool good = true;

    if (looks_like_data(row))
        return pt_fail(err, PT_EPARSE,
                       "line 1: no column \"%.*s\" (%s), and this line does not look like column "
                       "names: does the file begin with a header?",
                       (int)name.n, name.p, what);
    for (size_t i = 0; i < row->field_count && names.n < 200 && good; i++)
        good = buf_printf(&names, "%s%.*s", i > 0 ? ", " : "",
                          row->fields[i].n < 40 ? (int)row->fields[i].n : 40,
                          row->fields[i].n > 0 ? (const char *)row->fields[i].p : "");
    (void)pt_fail(err, PT_EPARSE,
                  "line 1: no column \"%.*s\" (%s); the file has: %.*s; is the delimiter right?",
                  (int)name.n, name.p, what, good ? (int)names.n : 0,
                  names.p != NULL ? (const char *)names.p : "");
    buf_free(&names);
    return PT_EPARSE;
}

static enum pt_code find_column(size_t *out, const struct csv_row *row, struct span name,
                                const char *what, struct pt_err *err)
{
    *out = NO_COLUMN;
    for (size_t i = 0; i < row->field_count; i++) {
        if (!span_eq_vartime(text_trim(row->fields[i]), name))
            continue;
        if (*out != NO_COLUMN)
            return pt_fail(err, PT_EPARSE, "line 1: two columns are named \"%.*s\" (%s)",
                           (int)name.n, name.p, what);
        *out = i;
    }
    return *out != NO_COLUMN ? PT_OK : no_such_column(row, name, what, err);
}

static enum pt_code take_header(struct ingest *g, const struct csv_row *row, struct pt_err *err)
{
    const struct map *m = g->in->map;
    enum pt_code rc = find_column(&g->identifier, row, m->identifier_column, "identifier", err);

    g->has_header = true;
    g->width = row->field_count;
    g->consent = NO_COLUMN;
    if (rc == PT_OK && m->consent_column.n > 0)
        rc = find_column(&g->consent, row, m->consent_column, "consent", err);
    for (size_t i = 0; i < m->attribute_count && rc == PT_OK; i++)
        rc = find_column(&g->columns[i], row, m->attributes[i].column, g->me->attributes[i].name,
                         err);
    return rc;
}

/* ---- values ---- */

static bool consents(const struct ingest *g, const struct csv_row *row)
{
    const struct map *m = g->in->map;

    if (g->consent == NO_COLUMN)
        return true;
    for (size_t i = 0; i < m->consent_accept_count; i++)
        if (span_eq_vartime(text_trim(row->fields[g->consent]), m->consent_accept[i]))
            return true;
    return false;
}

/* Optional sign, digits, optional decimals: no exponent, no thousands mark, at most 18 digits. */
static bool read_number(double *out, struct span s, char decimal)
{
    uint64_t digits = 0;
    double scale = 1;
    size_t n = 0;
    bool point = false;
    bool negative = s.n > 0 && s.p[0] == '-';

    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s.p++, s.n--;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == (uint8_t)decimal && !point) {
            point = true;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9' || ++n > 18)
            return false;
        digits = 10 * digits + (uint64_t)(s.p[i] - '0');
        scale *= point ? 10 : 1;
    }
    *out = (negative ? -(double)digits : (double)digits) / scale;
    return n > 0;
}

static void take_word(struct ingest *g, size_t attribute, struct span word, uint64_t line)
{
    const struct map_attribute *a = &g->in->map->attributes[attribute];
    struct ingest_attribute *r = &g->report->attributes[attribute];
    struct span s = text_trim(word);

    if (s.n == 0)
        return; /* nothing known: not a wrong value */
    int value = map_find_word(a, s);
    r->seen++;
    if (value >= 0)
        ingest_row_value(g->row, &g->shape, attribute, (uint16_t)value);
    else if (a->drop_others)
        r->dropped++;
    else
        note(&r->outside, line);
}

static void take_number(struct ingest *g, size_t attribute, struct span cell, uint64_t line)
{
    struct ingest_attribute *r = &g->report->attributes[attribute];
    struct span s = text_trim(cell);
    double number;

    if (s.n == 0)
        return;
    r->seen++;
    if (read_number(&number, s, g->in->map->attributes[attribute].decimal))
        ingest_row_number(g->row, &g->shape, attribute, number);
    else
        note(&r->outside, line);
}

static void take_cell(struct ingest *g, size_t attribute, struct span cell, uint64_t line)
{
    char separator = g->in->map->attributes[attribute].separator;
    bool more = true;

    if (g->me->attributes[attribute].type == ATTRIBUTE_NUMBER) {
        take_number(g, attribute, cell, line);
        return;
    }
    if (separator == '\0') {
        take_word(g, attribute, cell, line);
        return;
    }
    while (more) {
        struct span word = text_cut(&cell, separator, &more);
        take_word(g, attribute, word, line);
    }
}

/* The first bits of the digest: parts follow each other as digests do. */
static size_t part_of(const struct digest *d)
{
    _Static_assert(SPOOL_PARTS == 1 << 10, "ten bits");
    return (size_t)d->b[0] << 2 | d->b[1] >> 6;
}

static enum pt_code take_row(void *context, const struct csv_row *row, struct pt_err *err)
{
    struct ingest *g = context;
    struct ingest_report *r = g->report;
    struct digest digest;

    if (!g->has_header)
        return take_header(g, row, err);
    r->rows++;
    if (row->field_count != g->width) {
        note(&r->width, row->line);
        return PT_OK;
    }
    switch (normalise_digest(&digest, &g->in->map->identifier, row->fields[g->identifier])) {
    case NORMALISE_EMPTY:
        note(&r->empty, row->line);
        return PT_OK;
    case NORMALISE_MALFORMED:
        note(&r->malformed, row->line);
        return PT_OK;
    case NORMALISE_GOOD:
        break;
    }
    if (digestset_has(&g->suppressed.set, &digest)) {
        r->rows_suppressed++;
        return PT_OK;
    }
    if (g->in->forgotten != NULL && forgotten_find(g->in->forgotten, &digest) != NULL) {
        r->rows_forgotten++;
        return PT_OK;
    }
    ingest_row_start(g->row, &g->shape, &digest);
    if (consents(g, row)) {
        for (size_t i = 0; i < g->in->map->attribute_count; i++)
            take_cell(g, i, row->fields[g->columns[i]], row->line);
    } else {
        r->rows_refused++;
        ingest_row_refuse(g->row);
    }
    return spool_put(g->spool, part_of(&digest), g->row, err);
}

/* ---- from rows to customers ---- */

static enum pt_code merge_row(void *self, const uint8_t *row, struct pt_err *err)
{
    struct ingest *g = self;

    return ingest_row_merge(g->people, row, &g->shape) == PT_OK
               ? PT_OK
               : pt_fail(err, PT_ENOMEM, "customers: not enough memory");
}

static enum pt_code merge_part(struct ingest *g, size_t part, struct pt_err *err)
{
    const struct spool_taker to = {merge_row, g};
    struct ingest_report *r = g->report;
    struct vault_data *rows = NULL;
    struct people_counts counts;
    enum pt_code rc;

    if ((rc = people_new(&g->people, g->me, err)) == PT_OK &&
        (rc = spool_take(g->spool, part, &to, err)) == PT_OK &&
        (rc = people_finish(&rows, &counts, g->people, err)) == PT_OK) {
        r->customers += rows->count;
        r->customers_refused += counts.refused;
        for (size_t i = 0; i < r->attribute_count; i++)
            r->attributes[i].clipped += counts.clipped[i];
        rc = g->in->take(g->in->context, rows, err);
    }
    vault_data_free(rows);
    people_free(g->people);
    g->people = NULL;
    return rc;
}

static enum pt_code merge_all(struct ingest *g, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t part = 0; part < SPOOL_PARTS && rc == PT_OK; part++) {
        if (g->in->progress != NULL)
            g->in->progress(g->in->context, "putting customers in order", part, SPOOL_PARTS);
        rc = merge_part(g, part, err);
    }
    return rc;
}

/* ---- files ---- */

static void draw(void *context, uint64_t bytes, uint64_t bytes_total)
{
    const struct ingest *g = context;

    if (g->in->progress != NULL)
        g->in->progress(g->in->context, "reading customers", bytes, bytes_total);
}

static enum pt_code read_suppression(struct ingest *g, struct pt_err *err)
{
    const struct map *m = g->in->map;

    if (m->suppression_path[0] == '\0' ||
        idlist_read(&g->suppressed, m->suppression_path, &m->suppression, err) == PT_OK)
        return PT_OK;
    return pt_wrap(err, "suppression list");
}

/* ---- verdict ---- */

static bool too_many(uint64_t bad, uint64_t of, uint32_t micro)
{
    return (double)bad * 1e6 > (double)micro * (double)of;
}

static enum pt_code check_shares(const struct ingest *g, struct pt_err *err)
{
    const struct ingest_report *r = g->report;
    uint32_t most = g->in->map->bad_micro;
    double percent = most / 1e4;
    char lines[120];

    if (too_many(r->width.count, r->rows, most)) {
        ingest_list_lines(lines, sizeof lines, &r->width, 5);
        return pt_fail(err, PT_ELIMIT,
                       "%s: %" PRIu64 " of %" PRIu64 " rows have not the %zu fields of the header, "
                       "more than max_bad_share (%g %%); lines %s; is a delimiter unquoted?",
                       g->in->path, r->width.count, r->rows, g->width, percent, lines);
    }
    for (size_t i = 0; i < r->attribute_count; i++) {
        const struct ingest_attribute *a = &r->attributes[i];
        const struct policy_attribute *p = &g->me->attributes[i];
        if (!too_many(a->outside.count, a->seen, most))
            continue;
        ingest_list_lines(lines, sizeof lines, &a->outside, 5);
        return pt_fail(err, PT_ELIMIT,
                       "%s: %s: %" PRIu64 " of %" PRIu64 " values are %s, more than max_bad_share "
                       "(%g %%); lines %s; correct the file, or %s in the map",
                       g->in->path, p->name, a->outside.count, a->seen,
                       p->type == ATTRIBUTE_NUMBER ? "no numbers" : "not among the policy's",
                       percent, lines,
                       p->type == ATTRIBUTE_NUMBER ? "set decimal:" : "list words under values:");
    }
    return PT_OK;
}

static enum pt_code check_count(const struct ingest *g, struct pt_err *err)
{
    const struct ingest_report *r = g->report;
    uint64_t n = r->customers;

    if (n >= g->me->customers_min && n <= g->me->customers_max)
        return PT_OK;
    return pt_fail(err, PT_ELIMIT,
                   "%s: %" PRIu64 " customers, and the policy says %s has %" PRIu64 " to %" PRIu64
                   " (customers); of %" PRIu64 " rows %" PRIu64 " had no identifier, %" PRIu64
                   " a malformed one, %" PRIu64 " no consent, %" PRIu64 " were suppressed",
                   g->in->path, n, g->me->name, g->me->customers_min, g->me->customers_max, r->rows,
                   r->empty.count, r->malformed.count, r->rows_refused, r->rows_suppressed);
}

static void fill_stats(struct ingest *g)
{
    struct ingest_report *r = g->report;

    r->stats = (struct vault_stats){.ingested_s = g->in->now_s,
                                    .rows_read = r->rows,
                                    .rows_empty = r->empty.count,
                                    .rows_malformed = r->malformed.count + r->width.count,
                                    .rows_refused = r->rows_refused,
                                    .rows_suppressed = r->rows_suppressed + r->rows_forgotten};
    for (size_t i = 0; i < r->attribute_count; i++)
        r->stats.values_dropped += r->attributes[i].dropped + r->attributes[i].outside.count;
}

static enum pt_code finish(struct ingest *g, struct pt_err *err)
{
    enum pt_code rc;

    if (!g->has_header || g->report->rows == 0)
        return pt_fail(err, PT_EPARSE, "%s: the file has %s", g->in->path,
                       g->has_header ? "a header and no rows" : "no header line");
    if ((rc = check_shares(g, err)) != PT_OK || (rc = merge_all(g, err)) != PT_OK)
        return rc;
    fill_stats(g);
    return check_count(g, err);
}

static enum pt_code prepare(struct ingest *g, struct pt_err *err)
{
    const size_t bytes = ingest_row_lay_out(&g->shape, g->me);

    idlist_init(&g->suppressed);
    g->row = hidden_new(1, bytes);
    if (g->row == NULL)
        return pt_fail(err, PT_ENOMEM, "customers: not enough memory");
    return spool_new(&g->spool, g->in->spool_dir, bytes, err);
}

enum pt_code ingest_run(struct ingest_report *report, const struct ingest_in *in,
                        struct pt_err *err)
{
    struct ingest g = {.in = in, .me = &in->policy->partners[in->me], .report = report};
    const struct csvfile file = {.path = in->path,
                                 .delimiter = in->map->delimiter,
                                 .handler = {take_row, &g},
                                 .progress = draw,
                                 .context = &g};
    enum pt_code rc;

    *report = (struct ingest_report){.attribute_count = in->map->attribute_count};
    if ((rc = prepare(&g, err)) == PT_OK && (rc = read_suppression(&g, err)) == PT_OK &&
        (rc = csvfile_read(&file, err)) == PT_OK)
        rc = finish(&g, err);
    spool_free(g.spool);
    hidden_free(g.row);
    idlist_free(&g.suppressed);
    return rc;
}
