#include "node/csv.h"

#include <assert.h>
#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/normalise.h"

struct csv_reader {
    struct csv_parser parser;
    struct csv_handler handler;
    struct buf text;                    /* the fields of the row so far, end to end */
    size_t field_end[CSV_FIELDS_MAX];   /* in text */
    struct span fields[CSV_FIELDS_MAX]; /* made when the row is whole */
    size_t field_count;
    uint8_t mark[3]; /* the first bytes, until it is known whether they are a byte order mark */
    size_t mark_n;
    bool begun;
    bool after_cr; /* a '\n' now ends no further line */
    uint64_t line, row_line;
    enum pt_code rc; /* of a callback: libcsv's own cannot fail */
    struct pt_err *err;
};

/* libcsv grows one buffer, for the field it is in. It is given the largest at once, so that the
 * bound holds and growth never leaves an unwiped copy behind; pages never touched cost nothing.
 * It asks for room before it looks at a byte, also at the one that ends the field. */
enum { FIELD_ROOM = CSV_FIELD_MAX + 1 };

static void *field_grow(void *old, size_t n)
{
    if (n > FIELD_ROOM)
        return NULL;
    return old != NULL ? old : calloc(1, FIELD_ROOM);
}

static void take_field(void *bytes, size_t n, void *context)
{
    struct csv_reader *r = context;
    struct span s = span_of(bytes, n);

    if (r->rc != PT_OK)
        return;
    if (r->field_count == CSV_FIELDS_MAX)
        r->rc = pt_fail(r->err, PT_ELIMIT, "line %" PRIu64 ": more than %d columns", r->row_line,
                        CSV_FIELDS_MAX);
    else if (n > CSV_ROW_MAX - r->text.n)
        r->rc = pt_fail(r->err, PT_ELIMIT, "line %" PRIu64 ": a row of more than %d MiB",
                        r->row_line, CSV_ROW_MAX >> 20);
    else if (!normalise_is_utf8(s) || (n > 0 && memchr(bytes, 0, n) != NULL))
        r->rc = pt_fail(r->err, PT_EPARSE,
                        "line %" PRIu64 ": not UTF-8 text; convert the file first, for instance "
                        "with iconv -f WINDOWS-1252 -t UTF-8",
                        r->row_line);
    else if (!buf_add(&r->text, bytes, n))
        r->rc = pt_fail(r->err, PT_ENOMEM, "line %" PRIu64 ": not enough memory", r->row_line);
    else
        r->field_end[r->field_count++] = r->text.n;
}

static void take_row(int end_character, void *context)
{
    struct csv_reader *r = context;
    size_t at = 0;

    (void)end_character;
    if (r->rc != PT_OK)
        return;
    for (size_t i = 0; i < r->field_count; i++) {
        r->fields[i] = (struct span){r->text.p + at, r->field_end[i] - at};
        at = r->field_end[i];
    }
    struct csv_row row = {r->fields, r->field_count, r->row_line};
    r->rc = r->handler.row(r->handler.context, &row, r->err);
    r->text.n = r->field_count = 0;
}

enum pt_code csv_reader_new(struct csv_reader **out, char delimiter, struct csv_handler handler,
                            struct pt_err *err)
{
    struct csv_reader *r = calloc(1, sizeof *r);

    *out = NULL;
    assert(delimiter != '"' && delimiter != '\r' && delimiter != '\n' && delimiter != '\0');
    /* Reserved, so that a row of empty fields has an address too. */
    if (r == NULL || !buf_reserve(&r->text, 4096) ||
        csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        if (r != NULL)
            buf_free(&r->text);
        free(r);
        return pt_fail(err, PT_ENOMEM, "reading CSV: not enough memory");
    }
    csv_set_delim(&r->parser, (unsigned char)delimiter);
    csv_set_realloc_func(&r->parser, field_grow);
    csv_set_blk_size(&r->parser, 4096);
    r->handler = handler;
    r->line = r->row_line = 1;
    *out = r;
    return PT_OK;
}

void csv_reader_free(struct csv_reader *r)
{
    if (r == NULL)
        return;
    if (r->parser.entry_buf != NULL)
        explicit_bzero(r->parser.entry_buf, r->parser.entry_size);
    csv_free(&r->parser);
    buf_free(&r->text);
    explicit_bzero(r, sizeof *r);
    free(r);
}

static enum pt_code parser_error(struct csv_reader *r, struct pt_err *err)
{
    int why = csv_error(&r->parser);

    if (r->rc != PT_OK)
        return r->rc;
    if (why == CSV_EPARSE)
        return pt_fail(err, PT_EPARSE,
                       "line %" PRIu64 ": a quote in the middle of a field; a field with quotes is "
                       "written \"like \"\"this\"\"\"",
                       r->line);
    if (r->parser.entry_pos < FIELD_ROOM)
        return pt_fail(err, PT_ENOMEM, "line %" PRIu64 ": not enough memory", r->row_line);
    return pt_fail(err, PT_ELIMIT,
                   "line %" PRIu64 ": a field of more than %d MiB in the row that begins here; is "
                   "a quote never closed?",
                   r->row_line, CSV_FIELD_MAX >> 20);
}

/* Up to and with the end of the line that p is in, or all of it. */
static size_t line_bytes(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '\n' || p[i] == '\r')
            return i + 1;
    return n;
}

/* Line by line, since libcsv does not count them. CR LF is one end, also when cut between. */
static enum pt_code feed_lines(struct csv_reader *r, struct span s, struct pt_err *err)
{
    while (s.n > 0) {
        size_t n = line_bytes(s.p, s.n);
        uint8_t last = s.p[n - 1];
        bool rest_of_crlf = r->after_cr && s.p[0] == '\n';
        if (r->field_count == 0 && r->parser.pstate == 0) /* between rows */
            r->row_line = r->line;
        if (csv_parse(&r->parser, s.p, n, take_field, take_row, r) != n || r->rc != PT_OK)
            return parser_error(r, err);
        if ((last == '\n' && !rest_of_crlf) || last == '\r')
            r->line++;
        r->after_cr = last == '\r';
        s.p += n;
        s.n -= n;
    }
    return PT_OK;
}

static enum pt_code feed_mark(struct csv_reader *r, struct pt_err *err)
{
    static const uint8_t utf8[3] = {0xef, 0xbb, 0xbf};
    const uint8_t *m = r->mark;

    r->begun = true;
    if (r->mark_n >= 2 && ((m[0] == 0xff && m[1] == 0xfe) || (m[0] == 0xfe && m[1] == 0xff)))
        return pt_fail(err, PT_EPARSE,
                       "line 1: the file is UTF-16; convert it first, for instance with iconv -f "
                       "UTF-16 -t UTF-8");
    if (r->mark_n == 3 && memcmp(m, utf8, 3) == 0)
        return PT_OK;
    return feed_lines(r, span_of(m, r->mark_n), err);
}

enum pt_code csv_reader_feed(struct csv_reader *r, struct span bytes, struct pt_err *err)
{
    enum pt_code rc;

    r->err = err;
    while (!r->begun && bytes.n > 0) {
        r->mark[r->mark_n++] = *bytes.p++;
        bytes.n--;
        if (r->mark_n == sizeof r->mark && (rc = feed_mark(r, err)) != PT_OK)
            return rc;
    }
    return feed_lines(r, bytes, err);
}

enum pt_code csv_reader_finish(struct csv_reader *r, struct pt_err *err)
{
    enum pt_code rc;

    r->err = err;
    if (!r->begun && (rc = feed_mark(r, err)) != PT_OK)
        return rc;
    if (csv_fini(&r->parser, take_field, take_row, r) != 0) {
        if (r->rc != PT_OK || csv_error(&r->parser) != CSV_EPARSE)
            return parser_error(r, err);
        return pt_fail(err, PT_EPARSE,
                       "line %" PRIu64 ": a quote in the row that begins here is never closed",
                       r->row_line);
    }
    return r->rc;
}
