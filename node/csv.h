/* csv.h - rows out of CSV bytes that arrive piece by piece: RFC 4180, strictly, with any delimiter,
 * CRLF, LF or CR, quoted newlines and a byte order mark. The one door to libcsv.
 *
 * Bytes in, rows out by a callback; no files. Fields hold personal data: whatever held one is wiped
 * and no error repeats one. Blank lines are passed over; spaces around an unquoted field are cut. */
#ifndef PT_CSV_H
#define PT_CSV_H

#include "crypto/base/span.h"

enum {
    CSV_FIELD_MAX = 1 << 20, /* bytes */
    CSV_ROW_MAX = 4 << 20,   /* bytes, all its fields */
    CSV_FIELDS_MAX = 4096,   /* columns */
};

struct csv_row {
    const struct span *fields; /* valid UTF-8 without NUL; borrowed for the call only */
    size_t field_count;
    uint64_t line; /* where the row begins, from 1 */
};

struct csv_handler {
    /* Anything but PT_OK, with *err filled, stops the reading. */
    enum pt_code (*row)(void *context, const struct csv_row *row, struct pt_err *err);
    void *context;
};

struct csv_reader;
PT_MUST_USE enum pt_code csv_reader_new(struct csv_reader **out, char delimiter,
                                        struct csv_handler handler, struct pt_err *err);
void csv_reader_free(struct csv_reader *r); /* wipes */

/* The next bytes of the file, cut anywhere. PT_EPARSE "line 7: ...": a stray quote, bytes that are
 * not UTF-8; PT_ELIMIT: a field, a row or the number of columns; or what the handler returned.
 * After a failure only csv_reader_free(). */
PT_MUST_USE enum pt_code csv_reader_feed(struct csv_reader *r, struct span bytes,
                                         struct pt_err *err);
/* The file has ended: hands over a last row without a line end. PT_EPARSE: inside a quote. */
PT_MUST_USE enum pt_code csv_reader_finish(struct csv_reader *r, struct pt_err *err);

#endif
