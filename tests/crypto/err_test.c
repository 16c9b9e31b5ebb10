#include "crypto/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fail_keeps_code_and_sentence(void **state)
{
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(pt_fail(&err, PT_EPARSE, "line %d: no '%c'", 7, '='), PT_EPARSE);
    assert_int_equal(err.code, PT_EPARSE);
    assert_string_equal(err.msg, "line 7: no '='");
}

static void wrap_says_what_was_attempted(void **state)
{
    struct pt_err err = {0};

    (void)state;
    (void)pt_fail(&err, PT_EIO, "disk full");
    assert_int_equal(pt_wrap(&err, "write %s", "log"), PT_EIO);
    assert_int_equal(pt_wrap(&err, "epoch %d", 3), PT_EIO);
    assert_string_equal(err.msg, "epoch 3: write log: disk full");
}

/* Goal: a sentence that is too long is cut, the cause staying readable however often it is
 * wrapped: the head is cut to 160 characters, the tail to 340. */
static void long_sentences_are_cut(void **state)
{
    char text[1000];
    struct pt_err err = {0};

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)pt_fail(&err, PT_ELIMIT, "cause %s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    (void)pt_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.msg), 160 + 2 + 340);
    assert_non_null(strstr(err.msg, ": cause xxx"));
}

/* Goal: what a caller or a file put into a sentence can neither begin a line of a log nor drive a
 * terminal, and a sentence that is cut remains UTF-8. */
static void sentences_are_one_plain_line(void **state)
{
    struct pt_err err = {0};

    (void)state;
    (void)pt_fail(&err, PT_EUSAGE, "no partner '%s'", "x\n2026-01-01 all is well\x1b[1A");
    assert_string_equal(err.msg, "no partner 'x?2026-01-01 all is well?[1A'");
    (void)pt_wrap(&err, "%s", "q\r\xc2\x85");
    assert_string_equal(err.msg, "q???: no partner 'x?2026-01-01 all is well?[1A'");
    (void)pt_fail(&err, PT_EUSAGE, "%510s\xc3\xa9", "");
    assert_int_equal(err.msg[510], '?');
    assert_int_equal(err.msg[511], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_keeps_code_and_sentence),
        cmocka_unit_test(wrap_says_what_was_attempted),
        cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(sentences_are_one_plain_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
