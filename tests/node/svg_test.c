/* Goal: figures say what the numbers say: lengths in proportion, error bars where the interval ends,
 * hidden things hidden, labels escaped.
 * Method: what is drawn is read back from the text and compared with arithmetic. */
#include "node/svg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/span.h"
#include "node/html.h"

static struct figure value(double v, double half_width)
{
    return (struct figure){.status = FIGURE_VALUE, .value = v, .half_width = half_width};
}

/* What a careless sender might leave behind: it must not show. */
static struct figure hidden(void)
{
    return (struct figure){
        .status = FIGURE_SUPPRESSED, .reason = REASON_MINIMUM, .value = 77777, .half_width = 66666};
}

struct drawn {
    char *text;
    size_t n;
    FILE *out;
};

static void begin(struct drawn *d)
{
    d->out = open_memstream(&d->text, &d->n);
    assert_non_null(d->out);
}

static void end(struct drawn *d)
{
    assert_int_equal(fclose(d->out), 0);
    assert_null(strstr(d->text, "77777"));
    assert_null(strstr(d->text, "77,777"));
    assert_null(strstr(d->text, "66666"));
    assert_non_null(strstr(d->text, "<title>"));
    assert_non_null(strstr(d->text, "<desc>"));
}

static size_t times(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

/* The number after the k-th `key`. */
static double number(const char *text, const char *key, size_t k)
{
    const char *p = text;

    for (size_t i = 0; i <= k; i++) {
        p = strstr(p, key);
        assert_non_null(p);
        p += strlen(key);
    }
    return strtod(p, NULL);
}

static void near_to(double is, double want, double by)
{
    assert_true(is >= want - by && is <= want + by);
}

static void bars_are_in_proportion(void **state)
{
    const struct svg_item items[] = {{"a < b", value(1000, 0)},
                                     {"half", value(500, 250)},
                                     {"gone", hidden()},
                                     {"below", value(-250, 0)}};
    const struct svg_bars b = {.title = "t & t", .about = "d", .items = items, .count = 4};
    struct drawn d;

    (void)state;
    begin(&d);
    svg_bars(d.out, &b);
    end(&d);
    assert_int_equal(times(d.text, "class=\"bar"), 3);
    assert_int_equal(times(d.text, "class=\"err\""), 1);
    assert_non_null(strstr(d.text, "a &lt; b"));
    assert_non_null(strstr(d.text, "t &amp; t"));
    assert_non_null(strstr(d.text, "suppressed: "));
    assert_non_null(strstr(d.text, "\xc2\xb1 250"));
    /* The frame stands for -250..1000. */
    const char *first = strstr(d.text, "class=\"bar");
    double full = number(first, "width=\"", 0);
    const char *second = strstr(first + 1, "class=\"bar");
    double half = number(second, "width=\"", 0);
    const char *third = strstr(second + 1, "class=\"bar");
    double minus = number(third, "width=\"", 0);
    near_to(half / full, 0.5, 0.002);
    near_to(minus / full, 0.25, 0.002);
    near_to(number(third, "x=\"", 0) + minus, number(first, "x=\"", 0), 0.2);
    assert_int_equal(times(d.text, "class=\"bar under\""), 1);
    assert_int_equal(times(d.text, " weak"), 0);
    /* 250 to 750: the error bar is as long as the bar of 500. */
    const char *err = strstr(d.text, "class=\"err\" d=\"M");
    double from = number(err, "d=\"M", 0);
    double to = number(err, "H", 0);
    near_to(to - from, half, 0.2);
    near_to(from + half / 2, number(second, "x=\"", 0) + half, 0.2);
    free(d.text);
}

/* Goal: a bar whose interval holds zero is pale; what is hidden has no axis through its words. */
static void bars_say_what_is_more_than_noise(void **state)
{
    const struct svg_item items[] = {{"a", value(-0.02, 0.03)},
                                     {"b", value(0.02, 0.03)},
                                     {"c", value(0.109, 0.01)},
                                     {"d", hidden()}};
    const struct svg_bars b = {
        .title = "t", .about = "d", .items = items, .count = 4, .unit = SVG_POINTS};
    struct drawn d;

    (void)state;
    begin(&d);
    svg_bars(d.out, &b);
    end(&d);
    assert_int_equal(times(d.text, "class=\"bar under weak\""), 1);
    assert_int_equal(times(d.text, "class=\"bar weak\""), 1);
    assert_int_equal(times(d.text, "class=\"bar\""), 1);
    assert_int_equal(times(d.text, "class=\"axis\""), 3);
    assert_non_null(strstr(d.text, ">+10.9 points<"));
    assert_non_null(strstr(d.text, ">-2.0 points<"));
    free(d.text);
}

/* Goal: all hidden, or none at all, is no division by zero and no bar. */
static void nothing_to_draw(void **state)
{
    const struct svg_item one = {"x", hidden()};
    struct drawn d;

    (void)state;
    for (size_t n = 0; n < 2; n++) {
        const struct svg_bars b = {.title = "t", .about = "d", .items = &one, .count = n};
        begin(&d);
        svg_bars(d.out, &b);
        end(&d);
        assert_int_equal(times(d.text, "class=\"bar"), 0);
        assert_null(strstr(d.text, "nan"));
        free(d.text);
    }
}

/* Goal: an index has a hue only where its interval leaves 100 out. */
static void heat_shows_what_is_more_than_noise(void **state)
{
    static const char *const ROWS[] = {"dairy", "a label that is much too long to stand there"};
    static const char *const COLUMNS[] = {"beer", "wine", "tea"};
    const struct figure figures[] = {value(200, 10), value(50, 10), value(104, 5),
                                     value(96, 3),   hidden(),      value(400, 1)};
    const struct svg_heat h = {.title = "t",
                               .about = "d",
                               .rows = ROWS,
                               .columns = COLUMNS,
                               .row_count = 2,
                               .column_count = 3,
                               .figures = figures,
                               .unit = SVG_INDEX};
    struct drawn d;

    (void)state;
    begin(&d);
    svg_heat(d.out, &h);
    end(&d);
    /* The legend has three of the one hue, three of the other, and its middle. */
    assert_int_equal(times(d.text, "class=\"less\""), 2 + 3);
    assert_int_equal(times(d.text, "class=\"more\""), 3 + 4); /* the faint one has no strength */
    assert_int_equal(times(d.text, "class=\"none\""), 1 + 1);
    assert_non_null(strstr(d.text, ">half, 50<"));
    assert_non_null(strstr(d.text, ">twice, 200<"));
    assert_non_null(strstr(d.text, ">hidden, not zero<"));
    near_to(number(d.text, "fill-opacity=\"", 0), 0.54, 1e-9); /* twice, half: full */
    near_to(number(d.text, "fill-opacity=\"", 1), 0.54, 1e-9);
    near_to(number(d.text, "fill-opacity=\"", 2), 0.04, 1e-9); /* 104 +- 5 */
    near_to(number(d.text, "fill-opacity=\"", 4), 0.54, 1e-9); /* held at full */
    assert_non_null(
        strstr(d.text, "\xe2\x80\xa6<title>a label that is much too long to stand there"));
    free(d.text);
}

/* Goal: the legend of shares ends where the map does, in colour and number; nothing hidden, nothing
 * said of it. */
static void legend_says_how_much(void **state)
{
    static const char *const NAMES[] = {"one", "two"};
    const struct figure figures[] = {value(0.5, 0.01), value(0.25, 0.01)};
    const struct svg_heat h = {.title = "t",
                               .about = "d",
                               .rows = NAMES,
                               .columns = NAMES,
                               .row_count = 1,
                               .column_count = 2,
                               .figures = figures,
                               .unit = SVG_SHARE};
    struct drawn d;

    (void)state;
    begin(&d);
    svg_heat(d.out, &h);
    end(&d);
    assert_int_equal(times(d.text, "class=\"more\""), 2 + 7);
    near_to(number(d.text, "fill-opacity=\"", 0), 0.54, 1e-9);
    near_to(number(d.text, "fill-opacity=\"", 1), 0.29, 1e-9);
    near_to(number(d.text, "fill-opacity=\"", 2), 0.04, 1e-9); /* nothing */
    near_to(number(d.text, "fill-opacity=\"", 5), 0.29, 1e-9); /* half of the most */
    near_to(number(d.text, "fill-opacity=\"", 8), 0.54, 1e-9);
    assert_non_null(strstr(d.text, ">0.0 %<"));
    assert_int_equal(times(d.text, ">50.0 %<"), 2);
    assert_null(strstr(d.text, "hidden"));
    /* It is inside the frame, below the map. */
    const char *frame = strstr(d.text, "viewBox=\"0 0 ");
    assert_non_null(frame);
    assert_true(number(frame, "height=\"", 0) >= 34 + 44 + 24);
    free(d.text);
}

static void upset_is_in_order(void **state)
{
    static const char *const NAMES[] = {"ada", "bea", "cleo"};
    const struct svg_region regions[] = {
        {1, value(10, 1)}, {7, hidden()}, {5, value(300, 20)}, {2, value(40, 4)}};
    const struct svg_upset u = {.title = "t",
                                .about = "d",
                                .names = NAMES,
                                .name_count = 3,
                                .regions = regions,
                                .region_count = 4};
    struct drawn d;

    (void)state;
    begin(&d);
    svg_upset(d.out, &u);
    end(&d);
    const char *most = strstr(d.text, ">300<");
    const char *next = strstr(d.text, ">40<");
    const char *least = strstr(d.text, ">10<");
    const char *gone = strstr(d.text, ">hidden<");
    assert_true(most != NULL && next > most && least > next && gone > least);
    assert_int_equal(times(d.text, "class=\"bar\""), 3);
    assert_int_equal(times(d.text, "class=\"dot\""), 1 + 3 + 2 + 1);
    assert_int_equal(times(d.text, "class=\"hole\""), 12 - 7);
    assert_int_equal(times(d.text, "class=\"dots\""), 2); /* one through two, one through three */
    free(d.text);
}

/* Goal: of many regions the largest are drawn, and the others are told of. */
static void upset_is_bounded(void **state)
{
    static const char *const NAMES[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct svg_region regions[255];
    const struct svg_upset u = {.title = "t",
                                .about = "d",
                                .names = NAMES,
                                .name_count = 8,
                                .regions = regions,
                                .region_count = 255};
    struct drawn d;

    (void)state;
    for (uint32_t i = 0; i < 255; i++)
        regions[i] = (struct svg_region){i + 1, value(1000 + i, 1)};
    begin(&d);
    svg_upset(d.out, &u);
    end(&d);
    assert_int_equal(times(d.text, "class=\"bar\""), SVG_COLUMNS_MAX);
    assert_non_null(strstr(d.text, ">1,254<"));
    assert_non_null(strstr(d.text, "231 smaller ones are in the table"));
    free(d.text);
}

/* Goal: a half width is never rounded to look smaller than it is. */
static void half_widths_round_up(void **state)
{
    char text[SVG_TEXT_MAX];

    (void)state;
    svg_half_width(text, 210.01, SVG_PEOPLE);
    assert_string_equal(text, "211");
    svg_half_width(text, 0.0121, SVG_SHARE);
    assert_string_equal(text, "1.3");
    svg_half_width(text, 0, SVG_SHARE);
    assert_string_equal(text, "");
    svg_value(text, 12345.4, SVG_PEOPLE);
    assert_string_equal(text, "12,345");
    svg_value(text, 0.1234, SVG_SHARE);
    assert_string_equal(text, "12.3 %");
}

static void html_is_escaped(void **state)
{
    struct drawn d;

    (void)state;
    begin(&d);
    html_text(d.out, span_z("<a href=\"x\" b='y'>&"));
    assert_int_equal(fclose(d.out), 0);
    assert_string_equal(d.text, "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
    free(d.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_are_in_proportion),
        cmocka_unit_test(bars_say_what_is_more_than_noise),
        cmocka_unit_test(legend_says_how_much),
        cmocka_unit_test(nothing_to_draw),
        cmocka_unit_test(heat_shows_what_is_more_than_noise),
        cmocka_unit_test(upset_is_in_order),
        cmocka_unit_test(upset_is_bounded),
        cmocka_unit_test(half_widths_round_up),
        cmocka_unit_test(html_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
