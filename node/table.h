/* table.h - aligned text tables for a terminal of 80 columns.
 *
 * Widths are those of the screen, not bytes: labels are UTF-8. A table too wide is cut into blocks
 * of columns, each with its row labels. Knows nothing of what the words mean. */
#ifndef PT_TABLE_H
#define PT_TABLE_H

#include "crypto/base/span.h"

enum {
    TABLE_COLUMNS = 80,
    TABLE_ROW_LABEL_MAX = 60,
    TABLE_HEAD_MAX = 36,
    TABLE_TEXT_MAX = 36,
    TABLE_BAR_CELLS = 20
};

enum table_tone { TONE_PLAIN, TONE_FAINT, TONE_HIGH, TONE_LOW };
struct table_cell {
    char left[TABLE_TEXT_MAX];  /* "12,345", or a word such as "suppressed" */
    char right[TABLE_TEXT_MAX]; /* half width, printed behind +-; "" when there is none */
    enum table_tone tone;
};
struct table { /* all borrowed */
    size_t row_count, column_count;
    const char *corner; /* heads the row labels */
    const char *const
        *row_labels; /* UTF-8; over TABLE_ROW_LABEL_MAX places: cut, with an ellipsis */
    const char *const *column_labels; /* likewise, TABLE_HEAD_MAX */
    const struct table_cell *cells;   /* by rows */
    const char *const *bars; /* a text behind each row, TABLE_BAR_CELLS places; NULL: none */
};

/* Append. Colour: bold heads, tones. PT_ENOMEM. */
PT_MUST_USE enum pt_code table_write(struct buf *out, const struct table *t, bool colour,
                                     struct pt_err *err);
/* Places on the screen that a UTF-8 text takes; a stray byte takes one. */
size_t table_text_width(const char *text);
/* Append text in lines of at most TABLE_COLUMNS places, broken at spaces, each indented. */
PT_MUST_USE enum pt_code table_paragraph(struct buf *out, const char *text, size_t indent,
                                         struct pt_err *err);
/* "-1,234" of a rounded number; "1.23e+20" when it is too large to be a count. */
void table_number(char out[TABLE_TEXT_MAX], double v);

#endif
