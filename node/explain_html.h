/* explain_html.h - `policy explain --html`: sentences and, beside them, the file they come from, on
 * one page that needs nothing else. */
#ifndef PT_EXPLAIN_HTML_H
#define PT_EXPLAIN_HTML_H

#include "policy/explain.h"

#include <stdio.h>

void explain_html_print(FILE *out, const struct explain *e, const struct explain_in *in);

#endif
