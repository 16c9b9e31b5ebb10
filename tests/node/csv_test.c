#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/csv.h"

/* What was read, as text: "line|field|field" and a newline a row. */
static enum pt_code print_row(void *context, const struct csv_row *row, struct pt_err *err)
{
    struct buf *out = context;

    (void)err;
    assert_true(buf_printf(out, "%" PRIu64, row->line));
    for (size_t i = 0; i < row->field_count; i++) {
        struct span f = row->fields[i];
        assert_true(f.n < 10000);
        assert_true(buf_printf(out, "|%.*s", (int)f.n, f.n > 0 ? (const char *)f.p : ""));
    }
    assert_true(buf_u8(out, '\n'));
    return PT_OK;
}

/* Feed text in pieces of `step` bytes; the rows, or "code: message". */
static void read_into(struct buf *out, struct span text, char delimiter, size_t step)
{
    struct csv_reader *r = NULL;
    struct pt_err err = {0};
    enum pt_code rc = csv_reader_new(&r, delimiter, (struct csv_handler){print_row, out}, &err);

    assert_int_equal(rc, PT_OK);
    for (size_t at = 0; at < text.n && rc == PT_OK; at += step) {
        size_t n = text.n - at < step ? text.n - at : step;
        rc = csv_reader_feed(r, span_of(text.p + at, n), &err);
    }
    if (rc == PT_OK)
        rc = csv_reader_finish(r, &err);
    if (rc != PT_OK) {
        assert_int_equal(rc, err.code);
        assert_true(buf_printf(out, "%s\n", err.msg));
    }
    csv_reader_free(r);
}

/* Goal: RFC 4180 and its common variants, wherever the bytes are cut.
 * Method: examples of the RFC's section 2 and of real exports, fed whole and in small pieces. */
static void rows_and_errors(void **state)
{
    static const struct {
        const char *text;
        char delimiter;
        const char *want;
    } CASES[] = {
        {"aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", ',', "1|aaa|bbb|ccc\n2|zzz|yyy|xxx\n"},
        {"aaa,bbb,ccc\r\nzzz,yyy,xxx", ',', "1|aaa|bbb|ccc\n2|zzz|yyy|xxx\n"},
        {"\"aaa\",\"b \r\nbb\",\"ccc\"\r\nzzz,yyy,xxx\r\n", ',',
         "1|aaa|b \r\nbb|ccc\n3|zzz|yyy|xxx\n"},
        {"\"aaa\",\"b\"\"bb\",\"ccc\"\n", ',', "1|aaa|b\"bb|ccc\n"},
        {"a;b;\"c;d\"\n", ';', "1|a|b|c;d\n"},
        {"a\t b \tc\n", '\t', "1|a|b|c\n"},
        {"\xef\xbb\xbfid,x\n1,2\n", ',', "1|id|x\n2|1|2\n"},
        {"\xef\xbb\xbf\"id\",x\n", ',', "1|id|x\n"},
        {"a,b\rc,d\r\re,f\r", ',', "1|a|b\n2|c|d\n4|e|f\n"},
        {"a\n\n\nb\n", ',', "1|a\n4|b\n"},
        {"a,,\n,,\n", ',', "1|a||\n2|||\n"},
        {"\xc3\xa9,\xf0\x9f\x8d\x8e\n", ',', "1|\xc3\xa9|\xf0\x9f\x8d\x8e\n"},
        {"x", ',', "1|x\n"},
        {"", ',', ""},
        {"ok,1\n\xe9,2\n", ',',
         "1|ok|1\nline 2: not UTF-8 text; convert the file first, for instance with iconv -f "
         "WINDOWS-1252 -t UTF-8\n"},
        {"ok\n\"never\nclosed,\n", ',',
         "1|ok\nline 2: a quote in the row that begins here is never closed\n"},
        {"ok\nfive 5\" pipe\n", ',',
         "1|ok\nline 2: a quote in the middle of a field; a field with quotes is written \"like "
         "\"\"this\"\"\"\n"},
        {"ok\n\"a\"b\n", ',',
         "1|ok\nline 2: a quote in the middle of a field; a field with quotes is written \"like "
         "\"\"this\"\"\"\n"},
        {"\xff\xfe"
         "a",
         ',',
         "line 1: the file is UTF-16; convert it first, for instance with iconv -f UTF-16 -t "
         "UTF-8\n"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++)
        for (size_t step = 1; step <= 64; step = step < 4 ? step + 1 : 4 * step) {
            struct buf got = {0};
            read_into(&got, span_z(CASES[i].text), CASES[i].delimiter, step);
            assert_true(buf_u8(&got, 0));
            assert_string_equal((const char *)got.p, CASES[i].want);
            buf_free(&got);
        }
}

static void nul_byte_is_refused(void **state)
{
    struct buf got = {0};

    (void)state;
    read_into(&got, span_of("a,b\nc\0d,e\n", 10), ',', 100);
    assert_true(buf_u8(&got, 0));
    assert_non_null(strstr((const char *)got.p, "line 2: not UTF-8"));
    buf_free(&got);
}

static enum pt_code count_bytes(void *context, const struct csv_row *row, struct pt_err *err)
{
    size_t *bytes = context;

    (void)err;
    for (size_t i = 0; i < row->field_count; i++)
        *bytes += row->fields[i].n;
    return PT_OK;
}

static enum pt_code feed_long(size_t field_bytes, size_t field_count, size_t *seen,
                              struct pt_err *err)
{
    struct csv_reader *r = NULL;
    char *field = malloc(field_bytes + 1);
    enum pt_code rc;

    assert_non_null(field);
    memset(field, 'a', field_bytes);
    field[field_bytes] = ',';
    *seen = 0;
    rc = csv_reader_new(&r, ',', (struct csv_handler){count_bytes, seen}, err);
    assert_int_equal(rc, PT_OK);
    rc = csv_reader_feed(r, span_z("head\n"), err);
    for (size_t i = 0; i < field_count && rc == PT_OK; i++)
        rc = csv_reader_feed(r, span_of(field, field_bytes + 1), err);
    if (rc == PT_OK)
        rc = csv_reader_finish(r, err);
    csv_reader_free(r);
    free(field);
    return rc;
}

/* Goal: every bound holds, at it and one over it; the message names the line, not the content. */
static void bounds(void **state)
{
    struct pt_err err = {0};
    size_t seen;

    (void)state;
    assert_int_equal(feed_long(CSV_FIELD_MAX, 1, &seen, &err), PT_OK);
    assert_int_equal(seen, CSV_FIELD_MAX + 4);
    assert_int_equal(feed_long(CSV_FIELD_MAX + 1, 1, &seen, &err), PT_ELIMIT);
    assert_string_equal(err.msg, "line 2: a field of more than 1 MiB in the row that begins here; "
                                 "is a quote never closed?");
    assert_int_equal(feed_long(10u << 20, 1, &seen, &err), PT_ELIMIT);
    assert_int_equal(feed_long(CSV_FIELD_MAX, 5, &seen, &err), PT_ELIMIT);
    assert_string_equal(err.msg, "line 2: a row of more than 4 MiB");
    assert_int_equal(feed_long(1, CSV_FIELDS_MAX - 1, &seen, &err), PT_OK);
    assert_int_equal(feed_long(1, CSV_FIELDS_MAX + 1, &seen, &err), PT_ELIMIT);
    assert_string_equal(err.msg, "line 2: more than 4096 columns");
}

static enum pt_code stop_at_two(void *context, const struct csv_row *row, struct pt_err *err)
{
    int *calls = context;

    (*calls)++;
    return row->line == 2 ? pt_fail(err, PT_EDENIED, "enough") : PT_OK;
}

static void the_handler_stops_it(void **state)
{
    struct csv_reader *r = NULL;
    struct pt_err err = {0};
    int calls = 0;

    (void)state;
    assert_int_equal(csv_reader_new(&r, ',', (struct csv_handler){stop_at_two, &calls}, &err),
                     PT_OK);
    assert_int_equal(csv_reader_feed(r, span_z("a\nb\nc\nd\n"), &err), PT_EDENIED);
    assert_string_equal(err.msg, "enough");
    assert_int_equal(calls, 2);
    csv_reader_free(r);
    csv_reader_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_errors),
        cmocka_unit_test(nul_byte_is_refused),
        cmocka_unit_test(bounds),
        cmocka_unit_test(the_handler_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
