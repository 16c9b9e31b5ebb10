#include "node/svg.h"

#include "node/html.h"
#include "node/table.h"

#include <math.h>
#include <string.h>

/* In units of the viewBox, which are pixels unless the page is narrow. */
enum { CHAR = 8 };
enum { BAR_WIDTH = 520, BAR_LINE = 44, BAR_LABEL_MAX = 44 };
enum { HEAT_LABEL = 140, HEAT_WIDTH = 84, HEAT_HEIGHT = 44, HEAT_HEAD = 34 };
enum { LEGEND_STEPS = 7, LEGEND_WIDTH = 22, LEGEND_LINE = 24, LEGEND_ROOM = 260 };

void svg_value(char out[SVG_TEXT_MAX], double v, enum svg_unit unit)
{
    if (unit == SVG_SHARE)
        snprintf(out, SVG_TEXT_MAX, "%.1f %%", 100 * v);
    else if (unit == SVG_POINTS)
        snprintf(out, SVG_TEXT_MAX, "%+.1f points", 100 * v);
    else if (unit == SVG_NUMBER)
        snprintf(out, SVG_TEXT_MAX, "%.2f", v);
    else
        table_number(out, v);
}

void svg_half_width(char out[SVG_TEXT_MAX], double v, enum svg_unit unit)
{
    out[0] = '\0';
    if (!(v > 0))
        return;
    if (unit == SVG_SHARE || unit == SVG_POINTS)
        snprintf(out, SVG_TEXT_MAX, "%.1f", ceil(1000 * v) / 10);
    else if (unit == SVG_NUMBER)
        snprintf(out, SVG_TEXT_MAX, "%.2f", ceil(100 * v) / 100);
    else
        table_number(out, ceil(v));
}

/* Bars shrink with the page; what has a figure in each cell scrolls. */
static void begin(FILE *out, int width, int height, const char *title, const char *about)
{
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\"%s role=\"img\">\n<title>",
            width, height, width, height, width == BAR_WIDTH ? " class=\"fit\"" : "");
    html_text(out, span_z(title));
    fputs("</title><desc>", out);
    html_text(out, span_z(about));
    fputs("</desc>\n", out);
}

/* At most `places` of it, cut with an ellipsis; the whole as a tooltip. */
static void label(FILE *out, const char *text, size_t places)
{
    size_t n = 0;
    size_t bytes = 0;

    while (text[bytes] != '\0' && n < places) {
        bytes++;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80)
            bytes++;
        n++;
    }
    bool whole = text[bytes] == '\0';
    html_text(out, span_of((const uint8_t *)text, bytes));
    if (whole)
        return;
    fputs("\xe2\x80\xa6<title>", out);
    html_text(out, span_z(text));
    fputs("</title>", out);
}

static void text_at(FILE *out, double x, double y, const char *anchor, const char *class)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor,
            class);
}

static const char *why_hidden(const struct figure *f)
{
    const char *why = figure_reason_name(f->reason);
    return why[0] != '\0' ? why : figure_status_name(f->status);
}

/* ---- bars ---- */

struct scale {
    double low, high; /* what the ends of the frame stand for */
    double at, width;
};

static double place(const struct scale *s, double v)
{
    double share = (v - s->low) / (s->high - s->low);
    return s->at + s->width * fmin(fmax(share, 0), 1);
}

static void widen(struct scale *s, const struct figure *f)
{
    if (f->status != FIGURE_VALUE)
        return;
    s->low = fmin(s->low, f->value - f->half_width);
    s->high = fmax(s->high, f->value + f->half_width);
}

static void error_bar(FILE *out, double from, double to, double y)
{
    fprintf(out, "<path class=\"err\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\"/>\n", from, y,
            to, from, y - 4, to, y - 4);
}

/* Label and value on a line, the bar under it: so it fits a narrow page too. */
static void bar(FILE *out, const struct scale *s, const struct svg_item *i, double y,
                enum svg_unit unit)
{
    const struct figure *f = &i->figure;
    char value[SVG_TEXT_MAX];
    char half[SVG_TEXT_MAX];

    text_at(out, s->at, y + 15, "start", "lab");
    label(out, i->label, BAR_LABEL_MAX);
    fputs("</text>", out);
    if (f->status != FIGURE_VALUE) {
        text_at(out, s->at, y + 33, "start", "hid");
        fprintf(out, "%s: ", figure_status_name(f->status));
        html_text(out, span_z(why_hidden(f)));
        fputs("</text>\n", out);
        return;
    }
    double zero = place(s, 0);
    double end = place(s, f->value);
    fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fv18\"/>", zero, y + 19);
    fprintf(out, "<rect class=\"bar%s%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\"/>",
            f->value < 0 ? " under" : "", fabs(f->value) < f->half_width ? " weak" : "",
            fmin(zero, end), y + 22, fabs(end - zero));
    if (f->half_width > 0)
        error_bar(out, place(s, f->value - f->half_width), place(s, f->value + f->half_width),
                  y + 28);
    svg_value(value, f->value, unit);
    svg_half_width(half, f->half_width, unit);
    text_at(out, s->at + s->width, y + 15, "end", "num");
    fprintf(out, "%s", value);
    if (half[0] != '\0')
        fprintf(out, "<tspan class=\"pm\"> \xc2\xb1 %s</tspan>", half);
    fputs("</text>\n", out);
}

void svg_bars(FILE *out, const struct svg_bars *b)
{
    struct scale s = {.at = 8, .width = BAR_WIDTH - 16};
    int height = (int)b->count * BAR_LINE + 8;

    for (size_t i = 0; i < b->count; i++)
        widen(&s, &b->items[i].figure);
    if (!(s.high > s.low))
        s.high = s.low + 1;
    begin(out, BAR_WIDTH, height, b->title, b->about);
    for (size_t i = 0; i < b->count; i++)
        bar(out, &s, &b->items[i], (double)i * BAR_LINE, b->unit);
    fputs("</svg>\n", out);
}

/* ---- heat map ---- */

static double largest(const struct svg_heat *h)
{
    double most = 0;

    for (size_t i = 0; i < h->row_count * h->column_count; i++)
        if (h->figures[i].status == FIGURE_VALUE)
            most = fmax(most, h->figures[i].value);
    return most > 0 ? most : 1;
}

/* How strong, 0..1, and which hue. An index whose interval holds 100 has none: it says nothing. */
static double strength(const struct svg_heat *h, const struct figure *f, double most,
                       const char **class)
{
    *class = "more";
    if (h->unit != SVG_INDEX)
        return fmin(fmax(f->value / most, 0), 1);
    if (f->value - f->half_width <= 100 && f->value + f->half_width >= 100)
        return 0;
    if (f->value < 100)
        *class = "less";
    return fmin(fabs(log2(fmax(f->value, 25) / 100)), 1);
}

static double opacity(double strong)
{
    return 0.04 + 0.5 * strong;
}

/* A frame with a stroke through it. */
static void hidden_box(FILE *out, const int box[4])
{
    fprintf(out,
            "<rect class=\"none\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
            "<path class=\"cut\" d=\"M%d %dL%d %d\"/>",
            box[0], box[1], box[2], box[3], box[0] + box[2] / 10, box[1] + box[3] - box[3] / 5,
            box[0] + box[2] - box[2] / 10, box[1] + box[3] / 5);
}

static void heat_cell(FILE *out, const struct svg_heat *h, const struct figure *f, double most,
                      const int at[2])
{
    const int x = at[0];
    const int y = at[1];
    const char *class;
    char value[SVG_TEXT_MAX];
    char half[SVG_TEXT_MAX];

    if (f->status != FIGURE_VALUE) {
        const int box[4] = {x, y, HEAT_WIDTH - 2, HEAT_HEIGHT - 2};
        fputs("<g>", out);
        hidden_box(out, box);
        fprintf(out, "<title>%s: ", figure_status_name(f->status));
        html_text(out, span_z(why_hidden(f)));
        fputs("</title></g>\n", out);
        return;
    }
    double strong = strength(h, f, most, &class);
    fprintf(out,
            "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "fill-opacity=\"%.2f\"/>",
            class, x, y, HEAT_WIDTH - 2, HEAT_HEIGHT - 2, opacity(strong));
    svg_value(value, f->value, h->unit);
    svg_half_width(half, f->half_width, h->unit);
    text_at(out, x + HEAT_WIDTH / 2.0 - 1, y + (half[0] != '\0' ? 19 : 26), "middle", "num");
    fprintf(out, "%s</text>", value);
    if (half[0] != '\0') {
        text_at(out, x + HEAT_WIDTH / 2.0 - 1, y + 35, "middle", "pm");
        fprintf(out, "\xc2\xb1 %s</text>", half);
    }
    fputc('\n', out);
}

static bool hides(const struct svg_heat *h)
{
    for (size_t i = 0; i < h->row_count * h->column_count; i++)
        if (h->figures[i].status != FIGURE_VALUE)
            return true;
    return false;
}

/* The colours from least to most, with what the ends stand for. */
static void legend(FILE *out, const struct svg_heat *h, double most, int y)
{
    const int box[4] = {HEAT_LABEL, y + LEGEND_LINE, LEGEND_WIDTH, 14};
    char from[SVG_TEXT_MAX] = "half, 50";
    char to[SVG_TEXT_MAX] = "twice, 200";

    if (h->unit != SVG_INDEX) {
        svg_value(from, 0, h->unit);
        svg_value(to, most, h->unit);
    }
    text_at(out, HEAT_LABEL - 10, y + 12, "end", "pm");
    fprintf(out, "%s</text>", from);
    for (int i = 0; i < LEGEND_STEPS; i++) {
        double at = (double)i / (LEGEND_STEPS - 1);
        double strong = h->unit == SVG_INDEX ? fabs(2 * at - 1) : at;
        fprintf(out,
                "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\" "
                "fill-opacity=\"%.2f\"/>",
                h->unit == SVG_INDEX && at < 0.5 ? "less" : "more", HEAT_LABEL + i * LEGEND_WIDTH,
                y, LEGEND_WIDTH, opacity(strong));
    }
    text_at(out, HEAT_LABEL + LEGEND_STEPS * LEGEND_WIDTH + 10, y + 12, "start", "pm");
    fprintf(out, "%s</text>\n", to);
    if (!hides(h))
        return;
    hidden_box(out, box);
    text_at(out, HEAT_LABEL + LEGEND_WIDTH + 10, y + LEGEND_LINE + 12, "start", "pm");
    fputs("hidden, not zero</text>\n", out);
}

void svg_heat(FILE *out, const struct svg_heat *h)
{
    const double most = largest(h);
    const int wide = (int)h->column_count * HEAT_WIDTH;
    const int below = HEAT_HEAD + (int)h->row_count * HEAT_HEIGHT;

    begin(out, HEAT_LABEL + (wide > LEGEND_ROOM ? wide : LEGEND_ROOM) + 8,
          below + (hides(h) ? 3 : 2) * LEGEND_LINE, h->title, h->about);
    for (size_t c = 0; c < h->column_count; c++) {
        text_at(out, HEAT_LABEL + (double)c * HEAT_WIDTH + HEAT_WIDTH / 2.0 - 1, HEAT_HEAD - 12,
                "middle", "lab");
        label(out, h->columns[c], HEAT_WIDTH / CHAR);
        fputs("</text>\n", out);
    }
    for (size_t r = 0; r < h->row_count; r++) {
        text_at(out, HEAT_LABEL - 10, HEAT_HEAD + (double)r * HEAT_HEIGHT + HEAT_HEIGHT / 2.0 + 4,
                "end", "lab");
        label(out, h->rows[r], HEAT_LABEL / CHAR);
        fputs("</text>\n", out);
        for (size_t c = 0; c < h->column_count; c++) {
            const int at[2] = {HEAT_LABEL + (int)c * HEAT_WIDTH, HEAT_HEAD + (int)r * HEAT_HEIGHT};
            heat_cell(out, h, &h->figures[r * h->column_count + c], most, at);
        }
    }
    legend(out, h, most, below + 12);
    fputs("</svg>\n", out);
}
