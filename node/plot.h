/* plot.h - small plots for a terminal: curves over a frame, and bars.
 *
 * Braille dots and eighths of blocks where the locale is UTF-8, ASCII elsewhere; colour only on a
 * terminal and never under NO_COLOR. A frame fills the width to the column. It knows numbers and
 * captions only; captions are the caller's, and plain. */
#ifndef PT_PLOT_H
#define PT_PLOT_H

#include "crypto/base/span.h"

#include <stdio.h>

enum { PLOT_COLUMNS = 80, PLOT_COLUMNS_MAX = 240, PLOT_ROWS_MAX = 60, PLOT_SERIES_MAX = 4 };

struct plot_style {
    bool unicode, colour;
    size_t columns; /* 20..PLOT_COLUMNS_MAX */
};
/* For out: LC_ALL, LC_CTYPE or LANG says UTF-8; NO_COLOR and whether out is a terminal. */
struct plot_style plot_style_of(FILE *out);

struct plot_series {
    const char *name;
    const double *x; /* ascending; NULL: evenly spaced over the whole frame */
    const double *y; /* NaN: nothing there */
    size_t count;    /* one point is drawn as a point */
};
struct plot {
    const char *title;
    const struct plot_series *series; /* the first is solid, the others are told apart */
    size_t series_count;
    double x_min, x_max;       /* where any series has an x */
    double y_max;              /* top of the frame; 0: the largest y */
    const char *x_from, *x_to; /* under the ends of the frame */
    size_t rows;               /* of the frame, 2..PLOT_ROWS_MAX */
};
/* Title, legend, frame: every line ends with \n and none is wider than the style's columns.
 * PT_ENOMEM; PT_EBUG: a shape out of range. */
PT_MUST_USE enum pt_code plot_print(struct buf *out, const struct plot *p,
                                    const struct plot_style *style, struct pt_err *err);
/* Exactly `cells` columns, filled for a share of 0..1 (held to it). False: no memory. */
PT_MUST_USE bool plot_bar(struct buf *out, double share, size_t cells,
                          const struct plot_style *style);

#endif
