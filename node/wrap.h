/* wrap.h - words to lines of at most 80 columns, for what people read on a terminal. */
#ifndef PT_WRAP_H
#define PT_WRAP_H

#include <stdio.h>

enum { WRAP_COLUMNS = 80 };

struct wrap {
    FILE *out;
    int indent; /* spaces before every further line */
    int at;     /* columns used on this line */
};

/* The words of text, a space before each but the first of a line. A word wider than a line is
 * broken after a '|', or stays whole. Columns are counted in characters of UTF-8. */
void wrap_words(struct wrap *w, const char *text);
/* As printf and wrap_words(); at most 255 bytes of text. */
void wrap_printf(struct wrap *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wrap_end(struct wrap *w); /* the end of the line; the next begins at column 0 */

#endif
