/* Goal: plots are what they say to the character, fill the width, and stay plain where they must.
 * Method: shapes so small that their dots were set by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/plot.h"
#include "node/table.h"

static const double RISE[] = {0, 1};
static const double HALF[] = {0.5, 0.5};
/* 10 columns inside the frame of 20. */
static const struct plot_series BOTH[] = {{"up", NULL, RISE, 2}, {"cap", NULL, HALF, 2}};

static char *print(const struct plot *p, struct plot_style style)
{
    struct buf b = {0};
    struct pt_err err = {0};

    if (plot_print(&b, p, &style, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_true(buf_u8(&b, 0));
    char *text = strdup((const char *)b.p);
    buf_free(&b);
    return text;
}

static void ascii_to_the_character(void **state)
{
    const struct plot p = {.title = "t",
                           .series = BOTH,
                           .series_count = 2,
                           .y_max = 1,
                           .x_from = "a",
                           .x_to = "z",
                           .rows = 3};
    /* Row 0 is 1, row 2 is 0; at column x the rise is x/9: a quarter lies between 2 and 3. */
    static const char want[] = "t\n"
                               "  *** up   +++ cap\n"
                               "       1+       ***|\n"
                               "        |+++*****++|\n"
                               "       0+****      |\n"
                               "        +----------+\n"
                               "         a        z\n";
    char *got = print(&p, (struct plot_style){.columns = 20});

    (void)state;
    /* Steep steps are filled from row to row, so columns 3 and 7 hold both of theirs. */
    assert_string_equal(got, want);
    free(got);
}

/* One row of cells is four dots high and a cell two wide: a rise from the lowest to the highest
 * dot over 10 cells, 20 dot columns, four or five columns a step. */
static void braille_to_the_dot(void **state)
{
    const struct plot p = {.title = "t",
                           .series = BOTH,
                           .series_count = 1,
                           .y_max = 1,
                           .x_from = "",
                           .x_to = "",
                           .rows = 2};
    /* y of dot column x is 7 - round(7x/19); steps of one need no filling beyond neighbours. */
    uint8_t mask[2][10] = {{0}};
    static const uint8_t BIT[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    struct buf want = {0};
    char *got;
    long last = 7;

    (void)state;
    for (long x = 0; x < 20; x++) {
        long y = 7 - lround(7.0 * (double)x / 19.0);
        for (long k = y; k <= last; k++)
            mask[k / 4][x / 2] |= BIT[k % 4][x % 2];
        last = y;
    }
    assert_true(buf_printf(&want, "t\n  ⠒⠒⠒ up\n"));
    for (int row = 0; row < 2; row++) {
        assert_true(buf_printf(&want, "       %d┤", 1 - row));
        for (int i = 0; i < 10; i++) {
            uint8_t m = mask[row][i];
            char cell[4] = {(char)0xe2, (char)(0xa0 | m >> 6), (char)(0x80 | (m & 63)), 0};
            assert_true(buf_printf(&want, "%s", m != 0 ? cell : " "));
        }
        assert_true(buf_printf(&want, "│\n"));
    }
    assert_true(buf_printf(&want, "        └──────────┘\n%19s\n", "") && buf_u8(&want, 0));
    got = print(&p, (struct plot_style){.unicode = true, .columns = 20});
    assert_string_equal(got, (const char *)want.p);
    free(got);
    buf_free(&want);
}

/* Goal: at 80 columns every line of the frame takes exactly 80 places, and none more, whatever the
 * values: beyond the top, NaN, infinite, one point, none. */
static void fills_the_width(void **state)
{
    static const double wild[] = {0, 5, (double)NAN, -3, (double)INFINITY, 1e300, 0.2};
    static const double at[] = {0, 1, 2, 3, 4, 5, 6};
    const struct plot_series series[] = {{"wild", at, wild, 7},
                                         {"point", at + 3, wild + 6, 1},
                                         {"none", NULL, wild, 0},
                                         {"even", NULL, wild, 7}};
    const struct plot p = {.title = "t",
                           .series = series,
                           .series_count = 4,
                           .x_max = 10,
                           .y_max = 1,
                           .x_from = "2026-12-01",
                           .x_to = "2027-02-28",
                           .rows = 6};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char *got = print(&p, (struct plot_style){.unicode = i == 1, .columns = 80});
        size_t number = 0;
        for (char *line = strtok(got, "\n"); line != NULL; line = strtok(NULL, "\n"), number++) {
            size_t width = table_text_width(line);
            assert_true(width <= 80);
            if (number >= 2 && number <= 8) /* six rows and the foot */
                assert_int_equal(width, 80);
            if (number == 9) /* captions end one before the frame does */
                assert_int_equal(width, 79);
        }
        assert_int_equal(number, 10);
        free(got);
    }
}

static void colour_only_when_asked(void **state)
{
    const struct plot p = {
        .title = "t", .series = BOTH, .series_count = 2, .x_from = "", .x_to = "", .rows = 4};
    char *plain = print(&p, (struct plot_style){.unicode = true, .columns = 40});
    char *bright = print(&p, (struct plot_style){.unicode = true, .colour = true, .columns = 40});
    char *to = bright;

    (void)state;
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(bright, "\033[36m"));
    /* Without its escapes the bright one is the plain one. */
    for (const char *from = bright; *from != '\0';) {
        if (*from == '\033')
            from = strchr(from, 'm') + 1;
        else
            *to++ = *from++;
    }
    *to = '\0';
    assert_string_equal(bright, plain);
    free(plain);
    free(bright);
}

static void bars_to_the_eighth(void **state)
{
    static const struct {
        double share;
        const char *unicode, *ascii;
    } cases[] = {
        {0, "    ", "...."},       {1, "████", "####"},     {0.5, "██  ", "##.."},
        {0.53125, "██▏ ", "##.."}, {0.999, "███▉", "####"}, {7, "████", "####"},
        {-1, "    ", "...."},      {1e-9, "▏   ", "...."},  {(double)NAN, "    ", "...."},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++)
        for (int k = 0; k < 2; k++) {
            const struct plot_style s = {.unicode = k == 0, .columns = 80};
            struct buf b = {0};
            assert_true(plot_bar(&b, cases[i].share, 4, &s) && buf_u8(&b, 0));
            assert_string_equal((const char *)b.p, k == 0 ? cases[i].unicode : cases[i].ascii);
            buf_free(&b);
        }
}

/* Goal: the locale decides as setlocale() would, a file never gets colour. */
static void style_follows_the_environment(void **state)
{
    static const struct {
        const char *all, *ctype, *lang;
        bool unicode;
    } cases[] = {
        {NULL, NULL, NULL, false},          {NULL, NULL, "C", false},
        {NULL, NULL, "it_IT.UTF-8", true},  {NULL, "C", "it_IT.UTF-8", false},
        {"C", "C.UTF-8", "C.UTF-8", false}, {"C.utf8", NULL, "C", true},
        {"", "", "C.UTF-8", true},
    };
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        const char *const values[] = {cases[i].all, cases[i].ctype, cases[i].lang};
        static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
        for (size_t k = 0; k < 3; k++) {
            unsetenv(names[k]);
            if (values[k] != NULL)
                setenv(names[k], values[k], 1);
        }
        struct plot_style s = plot_style_of(file);
        assert_int_equal(s.unicode, cases[i].unicode);
        assert_false(s.colour);
        assert_int_equal(s.columns, 80);
    }
    fclose(file);
    FILE *terminal = fopen("/dev/ptmx", "w");
    assert_non_null(terminal);
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    assert_true(plot_style_of(terminal).colour);
    setenv("TERM", "dumb", 1);
    assert_false(plot_style_of(terminal).colour);
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    assert_false(plot_style_of(terminal).colour);
    fclose(terminal);
}

static void refuses_impossible_shapes(void **state)
{
    struct plot p = {.title = "t", .series = BOTH, .series_count = 1, .x_from = "", .x_to = ""};
    const struct plot_style style = {.columns = 80};
    struct pt_err err = {0};
    struct buf b = {0};

    (void)state;
    assert_int_equal(plot_print(&b, &p, &style, &err), PT_EBUG); /* no rows */
    p.rows = 5;
    p.series_count = PLOT_SERIES_MAX + 1;
    assert_int_equal(plot_print(&b, &p, &style, &err), PT_EBUG);
    p.series_count = 1;
    assert_int_equal(plot_print(&b, &p, &(struct plot_style){.columns = 19}, &err), PT_EBUG);
    assert_int_equal(b.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_to_the_character),
        cmocka_unit_test(braille_to_the_dot),
        cmocka_unit_test(fills_the_width),
        cmocka_unit_test(colour_only_when_asked),
        cmocka_unit_test(bars_to_the_eighth),
        cmocka_unit_test(style_follows_the_environment),
        cmocka_unit_test(refuses_impossible_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
