#include <stdint.h>
#include <stdlib.h>

#include "node/csv.h"
#include "node/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A digest of all rows: any difference in cutting, order or content shows. */
struct seen {
    uint64_t hash, rows, last_line;
};

static enum pt_code take(void *context, const struct csv_row *row, struct pt_err *err)
{
    struct seen *s = context;

    (void)err;
    if (row->line < s->last_line || row->field_count == 0)
        __builtin_trap(); /* lines go forward; a row has a field */
    s->last_line = row->line;
    s->rows++;
    for (size_t i = 0; i < row->field_count; i++) {
        struct span f = row->fields[i];
        if (!normalise_is_utf8(f))
            __builtin_trap();
        s->hash = (s->hash ^ f.n) * 1099511628211U;
        for (size_t k = 0; k < f.n; k++) {
            if (f.p[k] == 0)
                __builtin_trap();
            s->hash = (s->hash ^ f.p[k]) * 1099511628211U;
        }
    }
    s->hash = (s->hash ^ row->line) * 1099511628211U;
    return PT_OK;
}

static enum pt_code read_all(struct seen *out, struct span bytes, char delimiter, size_t step)
{
    struct csv_reader *r = NULL;
    struct pt_err err = {0};
    enum pt_code rc;

    *out = (struct seen){0};
    if (csv_reader_new(&r, delimiter, (struct csv_handler){take, out}, &err) != PT_OK)
        abort();
    rc = PT_OK;
    for (size_t at = 0; at < bytes.n && rc == PT_OK; at += step)
        rc = csv_reader_feed(r, span_of(bytes.p + at, bytes.n - at < step ? bytes.n - at : step),
                             &err);
    if (rc == PT_OK)
        rc = csv_reader_finish(r, &err);
    if (rc != PT_OK && err.msg[0] == '\0')
        __builtin_trap(); /* refused without a reason */
    csv_reader_free(r);
    return rc;
}

/* Property: what is read does not depend on how the bytes are cut into pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char DELIMITERS[] = ",;\t|";
    struct seen whole;
    struct seen pieces;

    if (size < 2)
        return 0;
    char delimiter = DELIMITERS[data[0] % 4];
    size_t step = 1 + data[1] % 7;
    struct span text = span_of(data + 2, size - 2);
    enum pt_code a = read_all(&whole, text, delimiter, size);
    enum pt_code b = read_all(&pieces, text, delimiter, step);
    if (a != b || whole.rows != pieces.rows || whole.hash != pieces.hash)
        __builtin_trap();
    return 0;
}
