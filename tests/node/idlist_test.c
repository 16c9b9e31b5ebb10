/* Goal: every person of a list is found by line, and a line that cannot be read stops it all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "node/idlist.h"
#include "tests/scratch.h"

static const struct normalise_how RAW = {.type = IDENTIFIER_EMAIL, .rules = RULES_UID2};

static enum pt_code read_text(struct idlist *l, void **state, const char *text,
                              const struct normalise_how *how, struct pt_err *err)
{
    const char *path = scratch_path(state, "list.txt");

    idlist_init(l);
    scratch_write(path, span_z(text));
    return idlist_read(l, path, how, err);
}

static void finds_people_by_line(void **state)
{
    struct idlist l;
    struct pt_err err = {0};
    struct digest d;
    size_t number;

    /* A byte order mark, CRLF, blank lines, spaces, quotes, the same person in another spelling. */
    assert_int_equal(read_text(&l, state,
                               "\xef\xbb\xbf"
                               "a@example.com\r\n\r\n  B@Example.com \r\n\"c@example.com\"\r\n"
                               "A@EXAMPLE.com\r\n",
                               &RAW, &err),
                     PT_OK);
    assert_int_equal(l.set.count, 3);
    static const struct {
        const char *email;
        uint64_t line;
    } people[] = {{"a@example.com", 1}, {"b@example.com", 3}, {"c@example.com", 4}};
    for (size_t i = 0; i < PT_LEN(people); i++) {
        crypto_hash_sha256(d.b, (const uint8_t *)people[i].email, strlen(people[i].email));
        assert_true(digestset_find(&number, &l.set, &d));
        assert_int_equal(l.lines[number], people[i].line);
    }
    crypto_hash_sha256(d.b, (const uint8_t *)"d@example.com", 13);
    assert_false(digestset_find(&number, &l.set, &d));
    idlist_free(&l);
}

static void many_lines_keep_theirs(void **state)
{
    struct idlist l;
    struct buf text = {0};
    struct pt_err err = {0};

    for (int i = 0; i < 5000; i++)
        assert_true(buf_printf(&text, "%sp%d@example.com\n", i % 10 == 9 ? "\n" : "", i));
    assert_true(buf_u8(&text, 0));
    assert_int_equal(read_text(&l, state, (const char *)text.p, &RAW, &err), PT_OK);
    assert_int_equal(l.set.count, 5000);
    assert_int_equal(l.lines[0], 1);
    assert_int_equal(l.lines[8], 9);
    assert_int_equal(l.lines[9], 11);
    assert_int_equal(l.lines[4999], 5500);
    idlist_free(&l);
    buf_free(&text);
}

static void a_bad_line_stops_it(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"a@example.com\nemail\n", "list.txt: line 2: not an identifier"},
        {"email\na@example.com\n", "line 1: not an identifier (a list has no heading)"},
        {"a@example.com\n\nb@example.com\tc@example.com\n", "line 3: not an identifier"},
        {"b@example.com\nno \xff utf8@example.com\n", "line 2"},
        {"\"a@example.com\n", "line 1"},
    };
    struct idlist l;
    struct pt_err err = {0};

    for (size_t i = 0; i < PT_LEN(cases); i++) {
        assert_int_equal(read_text(&l, state, cases[i].text, &RAW, &err), PT_EPARSE);
        if (strstr(err.msg, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i].says);
        assert_null(strchr(err.msg, '@')); /* never a value */
        idlist_free(&l);
    }
    idlist_init(&l);
    assert_int_equal(idlist_read(&l, scratch_path(state, "absent"), &RAW, &err), PT_EIO);
    idlist_free(&l);
    assert_int_equal(read_text(&l, state, "", &RAW, &err), PT_OK);
    assert_int_equal(l.set.count, 0);
    idlist_free(&l);
}

static void encodings_have_names(void **state)
{
    enum normalise_encoding e;
    struct idlist raw;
    struct idlist hashed;
    struct normalise_how how = RAW;
    struct pt_err err = {0};

    assert_true(idlist_encoding(&e, "raw") && e == ENCODING_RAW);
    assert_true(idlist_encoding(&e, "sha256-base64") && e == ENCODING_SHA256_BASE64);
    assert_true(idlist_encoding(&how.encoding, "sha256-hex"));
    assert_false(idlist_encoding(&e, "md5"));
    assert_false(idlist_encoding(&e, ""));
    /* SHA-256("a@example.com"), by sha256sum */
    assert_int_equal(read_text(&hashed, state,
                               "08168cd80dfd534ab0f10af10f1303fe00af2d43ab5c1432360d137f8197e17a\n",
                               &how, &err),
                     PT_OK);
    assert_int_equal(read_text(&raw, state, "a@example.com\n", &RAW, &err), PT_OK);
    assert_memory_equal(&raw.set.digests[0], &hashed.set.digests[0], sizeof(struct digest));
    idlist_free(&raw);
    idlist_free(&hashed);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(finds_people_by_line),
        CASE(many_lines_keep_theirs),
        CASE(a_bad_line_stops_it),
        CASE(encodings_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
