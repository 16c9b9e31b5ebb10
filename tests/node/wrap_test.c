/* Goal: no line is wider than 80 columns where a break is possible, and no word is lost.
 * Method: words with a width known beforehand, printed to memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/wrap.h"

/* What comes of it, after 20 columns of something else. */
static char *wrapped(const char *text)
{
    char *out = NULL;
    size_t n = 0;
    struct wrap w = {.out = open_memstream(&out, &n), .indent = 7};
    assert_non_null(w.out);
    w.at = fprintf(w.out, "%20s", "usage:");
    wrap_words(&w, text);
    wrap_end(&w);
    fclose(w.out);
    return out;
}

static void words_begin_a_line_where_they_do_not_fit(void **state)
{
    char text[160];
    (void)state;
    snprintf(text, sizeof text, "%059d b %072d", 0, 0); /* 20 + 1 + 59 is a whole line */
    char *out = wrapped(text);
    char want[256];
    snprintf(want, sizeof want, "%20s %059d\n       b\n       %072d\n", "usage:", 0, 0);
    assert_string_equal(out, want);
    free(out);
}

static void a_long_list_is_broken_at_a_bar(void **state)
{
    (void)state;
    char *out = wrapped("one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|"
                        "fourteen|fifteen --with P");
    assert_string_equal(out,
                        "              usage:\n"
                        "       one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
                        "thirteen|\n"
                        "       fourteen|fifteen --with P\n");
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_begin_a_line_where_they_do_not_fit),
        cmocka_unit_test(a_long_list_is_broken_at_a_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
