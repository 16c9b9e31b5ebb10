/* svg.h - figures for a page, drawn as SVG: bars with error bars, a heat map, an UpSet plot.
 *
 * Every figure has a title and a description for those who hear it, colours of html.h (two hues that
 * colour-blind readers tell apart, light and dark), and shows what is hidden as hidden. It knows
 * numbers and labels only; labels are escaped here. */
#ifndef PT_SVG_H
#define PT_SVG_H

#include "proto/estimate.h"

#include <stdint.h>
#include <stdio.h>

enum svg_unit { SVG_PEOPLE, SVG_SHARE, SVG_POINTS, SVG_INDEX, SVG_NUMBER };
enum { SVG_SETS_MAX = 8, SVG_COLUMNS_MAX = 24, SVG_TEXT_MAX = 64 };

struct svg_item {
    const char *label;
    struct figure figure;
};
struct svg_bars { /* all borrowed, as below */
    const char *title, *about;
    const struct svg_item *items;
    size_t count;
    enum svg_unit unit;
};
/* A bar a line; zero is drawn, and error bars may cross it: such a bar is pale. Below zero it has
 * the other hue. */
void svg_bars(FILE *out, const struct svg_bars *b);

struct svg_heat {
    const char *title, *about;
    const char *const *rows;
    const char *const *columns;
    size_t row_count, column_count;
    const struct figure *figures; /* by rows */
    enum svg_unit unit;           /* SVG_INDEX: two hues around 100, where the interval leaves it */
};
/* A legend below says which colour is how much, and what is hidden where something is. */
void svg_heat(FILE *out, const struct svg_heat *h);

struct svg_region { /* people who are with just these */
    uint32_t sets;  /* bit i: names[i] */
    struct figure figure;
};
struct svg_upset {
    const char *title, *about;
    const char *const *names;
    size_t name_count; /* at most SVG_SETS_MAX */
    const struct svg_region *regions;
    size_t region_count;
};
/* Largest first; at most SVG_COLUMNS_MAX are drawn, and it says how many are not. */
void svg_upset(FILE *out, const struct svg_upset *u);

/* "12,345", "12.3 %", "+1.2 points", "127", "3.14"; what the half width says, rounded up: "210", "" when 0. */
void svg_value(char out[SVG_TEXT_MAX], double v, enum svg_unit unit);
void svg_half_width(char out[SVG_TEXT_MAX], double v, enum svg_unit unit);

#endif
