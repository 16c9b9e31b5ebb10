/* html.h - text and pages for a browser: escaped, self-contained, light and dark, printable. */
#ifndef PT_HTML_H
#define PT_HTML_H

#include "crypto/base/span.h"

#include <stdio.h>

/* Text as HTML and SVG show it: & < > " ' escaped. */
void html_text(FILE *out, struct span text);
/* From <!DOCTYPE to <body>. A page may load nothing and run nothing (its own policy says so).
 * style: behind the colours --ink --soft --line --paper --mark --link that all pages share. */
void html_begin(FILE *out, const char *language, const char *title, const char *style);
void html_end(FILE *out);

#endif
