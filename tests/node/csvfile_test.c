/* Goal: rows of a file longer than one read, with progress to its end; errors name the path. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/csvfile.h"
#include "tests/scratch.h"

struct seen {
    uint64_t rows, bytes, calls, total;
    uint64_t stop_at; /* row; 0: never */
};

static enum pt_code take(void *context, const struct csv_row *row, struct pt_err *err)
{
    struct seen *s = context;

    assert_int_equal(row->field_count, 2);
    assert_int_equal(row->line, ++s->rows);
    return s->rows == s->stop_at ? pt_fail(err, PT_EPARSE, "line %" PRIu64 ": enough", row->line)
                                 : PT_OK;
}

static void progress(void *context, uint64_t bytes, uint64_t total)
{
    struct seen *s = context;

    assert_true(bytes >= s->bytes);
    s->bytes = bytes;
    s->total = total;
    s->calls++;
}

static void reads_long_files(void **state)
{
    struct seen s = {0};
    struct buf text = {0};
    struct pt_err err = {0};
    const char *path = scratch_path(state, "long.csv");
    const struct csvfile in = {
        .path = path, .delimiter = ';', .handler = {take, &s}, .progress = progress, .context = &s};

    for (int i = 0; i < 100000; i++)
        assert_true(buf_printf(&text, "%d;x\n", i));
    scratch_write(path, buf_span(&text));
    assert_int_equal(csvfile_read(&in, &err), PT_OK);
    assert_int_equal(s.rows, 100000);
    assert_int_equal(s.bytes, text.n);
    assert_int_equal(s.total, text.n);
    assert_true(s.calls > 2);
    s = (struct seen){.stop_at = 70000};
    assert_int_equal(csvfile_read(&in, &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "long.csv: line 70000: enough"));
    buf_free(&text);
}

static void names_what_is_wrong(void **state)
{
    struct seen s = {0};
    struct pt_err err = {0};
    struct csvfile in = {
        .path = scratch_path(state, "absent"), .delimiter = ',', .handler = {take, &s}};

    assert_int_equal(csvfile_read(&in, &err), PT_EIO);
    assert_non_null(strstr(err.msg, "absent"));
    in.path = scratch_path(state, "empty");
    scratch_write(in.path, span_z(""));
    assert_int_equal(csvfile_read(&in, &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "the file is empty"));
    in.path = scratch_path(state, "quote");
    scratch_write(in.path, span_z("a,b\n\"c,d\n"));
    assert_int_equal(csvfile_read(&in, &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "quote: line 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_long_files, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(names_what_is_wrong, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
