#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/config.h"

static void reads_and_writes(void **state)
{
    struct config c = {.name = "fresh-mart_1",
                       .listen = "[2001:db8::1]:7443",
                       .planner = "127.0.0.1:7444",
                       .threads = 3};
    struct config got;
    struct pt_err err = {0};
    struct buf text = {0};

    (void)state;
    assert_int_equal(config_print(&text, &c, &err), PT_OK);
    assert_int_equal(config_parse(&got, buf_span(&text), &err), PT_OK);
    assert_string_equal(got.name, c.name);
    assert_string_equal(got.listen, c.listen);
    assert_string_equal(got.planner, c.planner);
    assert_int_equal(got.threads, 3);
    buf_free(&text);
    assert_int_equal(
        config_parse(&got, span_z("patto: 1\nname: a\nlisten: h:1\nplanner: unix\n"), &err), PT_OK);
    assert_in_range(got.threads, 1, CONFIG_THREADS_MAX); /* all of the machine's */
}

/* One defect a row; the message says where and what would do. */
static void refuses(void **state)
{
    static const struct {
        const char *text, *says;
    } ROWS[] = {
        {"", "the file is empty"},
        {"- a\n", "expected keys and values"},
        {"patto: 1\nname: a\nlisten: h:1\n", "planner is missing"},
        {"patto: 2\nname: a\nlisten: h:1\nplanner: unix\n", "line 1, column 8: patto: expected 1"},
        {"patto: 1\nname: Fresh\nlisten: h:1\nplanner: unix\n",
         "line 2, column 7: name: a name is"},
        {"patto: 1\nname: a\nlisten: h\nplanner: unix\n", "line 3, column 9: listen: an address"},
        {"patto: 1\nname: a\nlisten: h:1\nplanner: example.net:5\n", "must be on this machine"},
        {"patto: 1\nname: a\nlisten: h:1\nplanner: unix\nthreads: 999\n", "expected 0 (all cores)"},
        {"patto: 1\nname: a\nlisten: h:1\nplanner: unix\nthread: 1\n",
         "line 5, column 1: unknown key"},
        {"patto: 1\nname: [a]\nlisten: h:1\nplanner: unix\n", "name takes one short value"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        struct config c;
        struct pt_err err = {0};
        assert_int_equal(config_parse(&c, span_z(ROWS[i].text), &err), PT_EPARSE);
        if (strstr(err.msg, ROWS[i].says) == NULL)
            fail_msg("row %zu: expected \"%s\" in \"%s\"", i, ROWS[i].says, err.msg);
        assert_string_equal(c.name, "");
    }
}

static void checks_names(void **state)
{
    static const char *const GOOD[] = {"a", "freshmart", "a-b_9",
                                       "abcdefghijklmnopqrstuvwxyzabcdef"};
    static const char *const BAD[] = {
        "", "A", "9a", "-a", "a b", "a/b", "a.b", "ä", "abcdefghijklmnopqrstuvwxyzabcdefg"};
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(GOOD); i++)
        assert_int_equal(config_check_name(GOOD[i], &err), PT_OK);
    for (size_t i = 0; i < PT_LEN(BAD); i++)
        assert_int_equal(config_check_name(BAD[i], &err), PT_EUSAGE);
}

static void checks_addresses(void **state)
{
    static const struct {
        const char *address;
        bool good, loopback;
    } ROWS[] = {
        {"127.0.0.1:1", true, true},
        {"127.255.0.9:65535", true, true},
        {"[::1]:7443", true, true},
        {"0.0.\\0.0:7443", false, false}, /* node.yaml would read it otherwise than it is printed */
        {"localhost:7443", true, true},
        {"0.0.0.0:7443", true, false},
        {"[::]:7443", true, false},
        {"fresh.example.net:7443", true, false},
        {"127.evil.example:80", true, false},
        {"1270.0.0.1:80", true, false},
        {"", false, false},
        {"host", false, false},
        {"host:", false, false},
        {":80", false, false},
        {"host:0", false, false},
        {"host:080", false, false},
        {"host:65536", false, false},
        {"host:7x", false, false},
        {"::1:80", false, false},
        {"[]:80", false, false},
        {"ho st:80", false, false},
        {"unix:/a:80", false, false},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        struct pt_err err = {0};
        enum pt_code any = config_check_address(ROWS[i].address, false, &err);
        enum pt_code near = config_check_address(ROWS[i].address, true, &err);
        if ((any == PT_OK) != ROWS[i].good || (near == PT_OK) != ROWS[i].loopback)
            fail_msg("%s: %d, %d", ROWS[i].address, any, near);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(checks_names),
        cmocka_unit_test(checks_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
