/* The UpSet plot: which partners, as dots; how many people are with just these, as bars above. */
#include "node/svg.h"

#include "node/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL = 150, STEP = 64, TOP = 26, PLOT = 150, ROW = 26, FOOT = 30 };

struct ranked { /* a region, in the order in which it is drawn */
    const struct svg_region *region;
};

/* By value, what is hidden last; of equals, the order given. */
static int by_size(const void *a, const void *b)
{
    const struct svg_region *x = ((const struct ranked *)a)->region;
    const struct svg_region *y = ((const struct ranked *)b)->region;
    bool shown_x = x->figure.status == FIGURE_VALUE;
    bool shown_y = y->figure.status == FIGURE_VALUE;

    if (shown_x != shown_y)
        return shown_x ? -1 : 1;
    if (shown_x && x->figure.value != y->figure.value)
        return x->figure.value > y->figure.value ? -1 : 1;
    return x < y ? -1 : 1;
}

static void text_at(FILE *out, double x, double y, const char *anchor, const char *class)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor,
            class);
}

static void bar(FILE *out, const struct figure *f, double x, double most)
{
    char value[SVG_TEXT_MAX];
    char half[SVG_TEXT_MAX];
    const double base = TOP + PLOT;

    if (f->status != FIGURE_VALUE) {
        const char *why = figure_reason_name(f->reason);
        text_at(out, x, base - 6, "middle", "hid");
        fprintf(out, "hidden<title>%s: ", figure_status_name(f->status));
        html_text(out, span_z(why));
        fputs("</title></text>\n", out);
        return;
    }
    double top = base - PLOT * fmin(fmax(f->value / most, 0), 1);
    double high = base - PLOT * fmin(fmax((f->value + f->half_width) / most, 0), 1);
    double low = base - PLOT * fmin(fmax((f->value - f->half_width) / most, 0), 1);
    svg_value(value, f->value, SVG_PEOPLE);
    svg_half_width(half, f->half_width, SVG_PEOPLE);
    fprintf(out,
            "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"26\" height=\"%.1f\"/>"
            "<path class=\"err\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh8M%.1f %.1fh8\"/>",
            x - 13, top, base - top, x, high, low, x - 4, high, x - 4, low);
    text_at(out, x, high - 7, "middle", "num");
    fprintf(out, "%s<title>%s \xc2\xb1 %s</title></text>\n", value, value, half);
}

/* Dots of the partners that are in, and a line through them. */
static void dots(FILE *out, const struct svg_upset *u, uint32_t sets, double x)
{
    int first = -1;
    int last = -1;

    for (size_t i = 0; i < u->name_count; i++) {
        bool in = (sets >> i & 1) != 0;
        fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%zu\" r=\"6\"/>", in ? "dot" : "hole",
                x, TOP + PLOT + FOOT + i * ROW);
        if (in && first < 0)
            first = (int)i;
        if (in)
            last = (int)i;
    }
    if (first < last)
        fprintf(out, "<path class=\"dots\" d=\"M%.1f %dV%d\"/>", x, TOP + PLOT + FOOT + first * ROW,
                TOP + PLOT + FOOT + last * ROW);
    fputc('\n', out);
}

void svg_upset(FILE *out, const struct svg_upset *u)
{
    struct ranked *order = calloc(u->region_count + 1, sizeof *order);
    size_t shown = u->region_count < SVG_COLUMNS_MAX ? u->region_count : SVG_COLUMNS_MAX;
    size_t names = u->name_count < SVG_SETS_MAX ? u->name_count : SVG_SETS_MAX;
    double most = 1;

    if (order == NULL)
        return; /* the table behind the figure has it all */
    for (size_t i = 0; i < u->region_count; i++) {
        const struct figure *f = &u->regions[i].figure;
        order[i].region = &u->regions[i];
        if (f->status == FIGURE_VALUE)
            most = fmax(most, f->value + f->half_width);
    }
    qsort(order, u->region_count, sizeof *order, by_size);
    int height = (int)(TOP + PLOT + FOOT + names * ROW + (shown < u->region_count ? LABEL / 6 : 0));
    fprintf(out, "<svg viewBox=\"0 0 %zu %d\" width=\"%zu\" height=\"%d\" role=\"img\">\n<title>",
            LABEL + shown * STEP + 8, height, LABEL + shown * STEP + 8, height);
    html_text(out, span_z(u->title));
    fputs("</title><desc>", out);
    html_text(out, span_z(u->about));
    fputs("</desc>\n", out);
    fprintf(out, "<path class=\"axis\" d=\"M%d %dH%zu\"/>\n", LABEL - 6, TOP + PLOT,
            LABEL + shown * STEP);
    for (size_t i = 0; i < names; i++) {
        text_at(out, LABEL - 16, (double)(TOP + PLOT + FOOT + 5 + i * ROW), "end", "lab");
        html_text(out, span_z(u->names[i]));
        fputs("</text>\n", out);
    }
    for (size_t i = 0; i < shown; i++) {
        double x = LABEL + (double)i * STEP + STEP / 2.0;
        bar(out, &order[i].region->figure, x, most);
        dots(out, u, order[i].region->sets, x);
    }
    if (shown < u->region_count) {
        text_at(out, LABEL, height - 6, "start", "hid");
        fprintf(out, "%zu smaller ones are in the table</text>\n", u->region_count - shown);
    }
    fputs("</svg>\n", out);
    free(order);
}
