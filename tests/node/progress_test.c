#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/clock.h"
#include "node/progress.h"

#include <unistd.h>

/* A pseudo-terminal: what is written to *out can be read from the returned descriptor. */
static int open_terminal(FILE **out)
{
    int master = posix_openpt(2 /* O_RDWR */);

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    *out = fopen(ptsname(master), "w");
    assert_non_null(*out);
    return master;
}

/* Goal: a bar after the first second, wiped at the end; nothing for what is short. */
static void draws_on_a_terminal(void **state)
{
    struct progress p;
    FILE *out;
    char text[512];
    int master = open_terminal(&out);

    (void)state;
    progress_begin(&p, out, "short", 100, 5000);
    progress_at(&p, 50, 5999);
    progress_end(&p);
    progress_begin(&p, out, "reading", 200, 5000);
    progress_at(&p, 100, 7000);
    progress_at(&p, 101, 7001); /* too soon */
    progress_end(&p);
    fclose(out);
    size_t n = 0;
    for (ssize_t got = 1; got > 0 && n<sizeof text - 1; n += got> 0 ? (size_t)got : 0)
        got = read(master, text + n, sizeof text - 1 - n);
    assert_true(n > 4);
    text[n] = '\0';
    assert_null(strstr(text, "short"));
    assert_non_null(strstr(text, "reading  [###############...............]  50 %  2 s left"));
    assert_string_equal(text + n - 4, "\r\033[K");
    close(master);
}

static void silent_elsewhere(void **state)
{
    struct progress p;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    (void)state;
    progress_begin(&p, out, "reading", 200, 0);
    progress_at(&p, 100, 9000);
    progress_end(&p);
    progress_begin(&p, NULL, "reading", 0, 0);
    progress_at(&p, 100, 9000);
    progress_end(&p);
    fclose(out);
    assert_int_equal(bytes, 0);
    free(text);
}

/* `date -u -d @N` says the same. */
static void prints_times(void **state)
{
    char date[11];
    char time[20];

    (void)state;
    clock_date(date, 951782400);
    assert_string_equal(date, "2000-02-29");
    clock_time(time, 1796990399);
    assert_string_equal(time, "2026-12-11 11:59:59");
    clock_time(time, -1);
    assert_string_equal(time, "1969-12-31 23:59:59");
    clock_date(date, 253402300800 * 1000); /* a year of more than four digits */
    assert_true(strlen(date) <= 10);
    assert_true(clock_now_s() > 1700000000);
    int64_t before_ms = clock_mono_ms();
    assert_true(clock_mono_ms() >= before_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_on_a_terminal),
        cmocka_unit_test(silent_elsewhere),
        cmocka_unit_test(prints_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
