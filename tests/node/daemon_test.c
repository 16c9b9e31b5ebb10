/* Goal: the daemon's log has one line an event, whatever strangers made it say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/daemon.h"

static void a_line_an_event(void **state)
{
    struct daemon d = {.log = tmpfile()};
    char line[2048];
    char long_word[3000];

    (void)state;
    assert_non_null(d.log);
    memset(long_word, 'x', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    daemon_log(&d, "session with %s ended", "a\n2026-01-01 00:00:00 all is well\x1b[1A");
    daemon_log(&d, "%s", long_word);
    rewind(d.log);
    assert_non_null(fgets(line, sizeof line, d.log));
    assert_string_equal(line + strlen("2026-01-01 00:00:00"),
                        " session with a?2026-01-01 00:00:00 all is well?[1A ended\n");
    assert_non_null(fgets(line, sizeof line, d.log));
    assert_int_equal(line[strlen(line) - 1], '\n');
    assert_null(fgets(line, sizeof line, d.log));
    fclose(d.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_line_an_event)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
