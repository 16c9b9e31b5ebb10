#include "crypto/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"

/* RFC 4648 section 10. */
static void rfc4648_vectors(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(pairs); i++) {
        struct buf text = {0};
        uint8_t raw[8];
        size_t n;
        assert_true(buf_printf(&text, "x"));
        assert_true(base64_print(&text, span_z(pairs[i][0])));
        assert_true(text_eq(span_of(text.p + 1, text.n - 1), pairs[i][1]));
        assert_int_equal(base64_length(strlen(pairs[i][0])), strlen(pairs[i][1]));
        assert_true(base64_parse(raw, sizeof raw, &n, span_z(pairs[i][1])));
        assert_true(span_eq_vartime(span_of(raw, n), span_z(pairs[i][0])));
        assert_true(base64_parse_exactly(raw, n, span_z(pairs[i][1])));
        assert_false(base64_parse_exactly(raw, n + 1, span_z(pairs[i][1])));
        if (n > 0)
            assert_false(base64_parse(raw, n - 1, &n, span_z(pairs[i][1])));
        buf_free(&text);
    }
}

static void one_value_has_one_text(void **state)
{
    static const char *const bad[] = {
        "Zg",    "Zg=",  "Zg===",    "Zh==",  "Zm9=", "Zg==\n", " Zg==",
        "Z g==", "Zg=a", "Zg==Zg==", "Zm9v=", "Zm-_", "====",   "=",
    };
    uint8_t raw[32];
    size_t n;

    (void)state;
    for (size_t i = 0; i < PT_LEN(bad); i++)
        assert_false(base64_parse(raw, sizeof raw, &n, span_z(bad[i])));
    assert_false(base64_parse(raw, sizeof raw, &n, span_of("\0AAA", 4)));
    /* Each byte in each place: 64 characters are digits; the last place may also be padding. */
    for (size_t at = 0; at < 4; at++) {
        size_t accepted = 0;
        for (unsigned c = 0; c < 256; c++) {
            uint8_t text[4] = {'A', 'A', 'A', 'A'};
            text[at] = (uint8_t)c;
            accepted += base64_parse(raw, sizeof raw, &n, span_of(text, 4));
        }
        assert_int_equal(accepted, at == 3 ? 65 : 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc4648_vectors),
        cmocka_unit_test(one_value_has_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
