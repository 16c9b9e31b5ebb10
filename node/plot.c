#include "node/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LABEL = 8, DOTS_X = 2, DOTS_Y = 4 };

static const char *const COLOURS[PLOT_SERIES_MAX] = {"\033[36m", "\033[33m", "\033[35m",
                                                     "\033[32m"};
static const char ASCII_MARKS[] = "*+ox";
/* How a series shows without colour: on which dot columns it is drawn. */
static const struct {
    size_t on, of;
    const char *legend;
} DASHES[PLOT_SERIES_MAX] = {{1, 1, "⠒⠒⠒"}, {3, 6, "⠒ ⠒"}, {1, 2, "⠂⠂⠂"}, {1, 4, "⠂ ⠂"}};

static bool says_utf8(const char *locale)
{
    return strstr(locale, "UTF-8") != NULL || strstr(locale, "utf8") != NULL ||
           strstr(locale, "utf-8") != NULL || strstr(locale, "UTF8") != NULL;
}

struct plot_style plot_style_of(FILE *out)
{
    static const char *const NAMES[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *none = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    struct plot_style s = {.columns = PLOT_COLUMNS};

    /* The first of the three that is set decides, as in setlocale(). */
    for (size_t i = 0; i < PT_LEN(NAMES); i++) {
        const char *v = getenv(NAMES[i]);
        if (v == NULL || v[0] == '\0')
            continue;
        s.unicode = says_utf8(v);
        break;
    }
    s.colour = (none == NULL || none[0] == '\0') && isatty(fileno(out)) == 1 &&
               (terminal == NULL || strcmp(terminal, "dumb") != 0);
    return s;
}

/* ---- the canvas ---- */

struct canvas {
    size_t columns, rows;  /* cells */
    size_t dots_x, dots_y; /* a cell */
    uint8_t *mask;         /* a cell: the dots that are set, bit y * DOTS_X + x */
    uint8_t *owner;        /* a cell: 1 + the series that drew there last; 0: none */
};

static void dot(struct canvas *c, size_t x, size_t y, size_t series)
{
    size_t cell = y / c->dots_y * c->columns + x / c->dots_x;

    c->mask[cell] |= (uint8_t)(1U << (y % c->dots_y * DOTS_X + x % c->dots_x));
    c->owner[cell] = (uint8_t)(series + 1);
}

/* y at a place of the frame, 0..1 from left to right; NaN where the series says nothing. */
static double value_at(const struct plot *p, const struct plot_series *s, double place)
{
    double at = p->x_min + place * (p->x_max - p->x_min);
    size_t i = 0;

    if (s->x == NULL) {
        double even = place * (double)(s->count - 1);
        i = s->count > 1 && even >= (double)(s->count - 1) ? s->count - 2 : (size_t)even;
        return s->count == 1 ? s->y[0] : s->y[i] + (even - (double)i) * (s->y[i + 1] - s->y[i]);
    }
    if (at < s->x[0] || at > s->x[s->count - 1])
        return (double)NAN;
    while (i + 2 < s->count && s->x[i + 1] <= at)
        i++;
    if (s->count == 1 || s->x[i + 1] <= s->x[i])
        return s->y[i];
    return s->y[i] + (at - s->x[i]) / (s->x[i + 1] - s->x[i]) * (s->y[i + 1] - s->y[i]);
}

/* A line from column to column; steep ones are filled, so that the line never breaks. */
static void draw(struct canvas *c, const struct plot *p, size_t series, double y_max)
{
    size_t wide = c->columns * c->dots_x;
    size_t high = c->rows * c->dots_y;
    bool dashed = c->dots_x > 1;
    bool before = false;
    size_t last = 0;

    for (size_t x = 0; x < wide; x++) {
        double v = value_at(p, &p->series[series], (double)x / (double)(wide - 1));
        if (!isfinite(v)) {
            before = false;
            continue;
        }
        double up = fmin(fmax(v / y_max, 0.0), 1.0) * (double)(high - 1);
        size_t y = high - 1 - (size_t)lround(up);
        size_t from = before && last < y ? last : y;
        size_t to = before && last > y ? last : y;
        before = true;
        last = y;
        if (dashed && x % DASHES[series].of >= DASHES[series].on)
            continue;
        for (size_t k = from; k <= to; k++)
            dot(c, x, k, series);
    }
}

/* ---- printing ---- */

/* The Braille cell of a mask: Unicode numbers its dots column by column, the lowest row last. */
static bool put_braille(struct buf *out, uint8_t mask)
{
    static const uint8_t BITS[DOTS_X * DOTS_Y] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    uint8_t code = 0;

    for (size_t i = 0; i < PT_LEN(BITS); i++)
        if ((mask >> i & 1) != 0)
            code |= BITS[i];
    const uint8_t utf8[3] = {0xe2, (uint8_t)(0xa0 | code >> 6), (uint8_t)(0x80 | (code & 0x3f))};
    return buf_add(out, utf8, sizeof utf8);
}

static bool put_cells(struct buf *out, const struct canvas *c, size_t row,
                      const struct plot_style *s)
{
    uint8_t colour = 0;
    bool good = true;

    for (size_t i = row * c->columns; i < (row + 1) * c->columns && good; i++) {
        uint8_t owner = c->owner[i];
        if (s->colour && owner != 0 && owner != colour) {
            colour = owner;
            good = buf_printf(out, "%s", COLOURS[owner - 1]);
        }
        if (!good || owner == 0)
            good = good && buf_u8(out, ' ');
        else
            good = s->unicode ? put_braille(out, c->mask[i])
                              : buf_u8(out, (uint8_t)ASCII_MARKS[owner - 1]);
    }
    return good && (colour == 0 || buf_printf(out, "\033[0m"));
}

static bool put_repeated(struct buf *out, const char *z, size_t n)
{
    bool good = true;

    for (size_t i = 0; i < n && good; i++)
        good = buf_printf(out, "%s", z);
    return good;
}

static bool put_legend(struct buf *out, const struct plot *p, const struct plot_style *s)
{
    bool good = buf_printf(out, "%s\n", p->title);

    for (size_t i = 0; i < p->series_count && good; i++) {
        const char mark[4] = {ASCII_MARKS[i], ASCII_MARKS[i], ASCII_MARKS[i], '\0'};
        good = buf_printf(out, "%s%s%s%s %s", i == 0 ? "  " : "   ", s->colour ? COLOURS[i] : "",
                          s->unicode ? DASHES[i].legend : mark, s->colour ? "\033[0m" : "",
                          p->series[i].name);
    }
    return good && buf_u8(out, '\n');
}

static bool put_frame(struct buf *out, const struct plot *p, const struct canvas *c,
                      const struct plot_style *s, double y_max)
{
    static const char *const UNICODE[] = {"┤", "│", "└", "─", "┘"};
    static const char *const ASCII[] = {"+", "|", "+", "-", "+"};
    const char *const *art = s->unicode ? UNICODE : ASCII;
    bool good = true;

    for (size_t row = 0; row < c->rows && good; row++) {
        bool label = row == 0 || row == c->rows - 1;
        if (label)
            good = buf_printf(out, "%*.4g%s", LABEL, row == 0 ? y_max : 0.0, art[0]);
        else
            good = buf_printf(out, "%*s%s", LABEL, "", art[1]);
        good = good && put_cells(out, c, row, s) && buf_printf(out, "%s\n", art[1]);
    }
    size_t from = strlen(p->x_from);
    size_t to = strlen(p->x_to);
    size_t gap = from + to < c->columns ? c->columns - from - to : 1;
    return good && buf_printf(out, "%*s%s", LABEL, "", art[2]) &&
           put_repeated(out, art[3], c->columns) && buf_printf(out, "%s\n", art[4]) &&
           buf_printf(out, "%*s%s%*s%s\n", LABEL + 1, "", p->x_from, (int)gap, "", p->x_to);
}

static double top_of(const struct plot *p)
{
    double top = p->y_max;

    for (size_t i = 0; i < p->series_count && p->y_max <= 0; i++)
        for (size_t k = 0; k < p->series[i].count; k++)
            if (isfinite(p->series[i].y[k]) && p->series[i].y[k] > top)
                top = p->series[i].y[k];
    return top > 0 ? top : 1.0;
}

enum pt_code plot_print(struct buf *out, const struct plot *p, const struct plot_style *style,
                        struct pt_err *err)
{
    struct canvas c = {.rows = p->rows,
                       .dots_x = style->unicode ? DOTS_X : 1,
                       .dots_y = style->unicode ? DOTS_Y : 1};
    bool good;

    if (p->series_count > PLOT_SERIES_MAX || p->rows < 2 || p->rows > PLOT_ROWS_MAX ||
        style->columns < 20 || style->columns > PLOT_COLUMNS_MAX)
        return pt_fail(err, PT_EBUG, "a plot of %zu series, %zu rows, %zu columns", p->series_count,
                       p->rows, style->columns);
    double y_max = top_of(p);
    c.columns = style->columns - LABEL - 2;
    c.mask = calloc(c.rows, c.columns);
    c.owner = calloc(c.rows, c.columns);
    good = c.mask != NULL && c.owner != NULL;
    /* The first last, so that it lies on top. */
    for (size_t i = p->series_count; i > 0 && good; i--)
        if (p->series[i - 1].count > 0)
            draw(&c, p, i - 1, y_max);
    good = good && put_legend(out, p, style) && put_frame(out, p, &c, style, y_max);
    free(c.mask);
    free(c.owner);
    return good ? PT_OK : pt_fail(err, PT_ENOMEM, "a plot: out of memory");
}

bool plot_bar(struct buf *out, double share, size_t cells, const struct plot_style *style)
{
    static const char *const EIGHTHS[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double held = isfinite(share) ? fmin(fmax(share, 0.0), 1.0) : 0.0;
    size_t eighths = (size_t)(held * (double)cells * 8.0);
    size_t full = eighths / 8;

    /* What has been spent at all shows. */
    if (held > 0 && eighths == 0)
        eighths = 1;
    if (!style->unicode) {
        full += eighths % 8 >= 4;
        return put_repeated(out, "#", full) && put_repeated(out, ".", cells - full);
    }
    if (full == cells)
        return put_repeated(out, "█", cells);
    return put_repeated(out, "█", full) && buf_printf(out, "%s", EIGHTHS[eighths % 8]) &&
           put_repeated(out, " ", cells - full - 1);
}
