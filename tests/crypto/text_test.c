#include "crypto/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void integers(void **state)
{
    static const struct {
        const char *text;
        bool ok64, ok32;
        uint64_t value;
    } CASES[] = {
        {"0", true, true, 0},
        {"007", true, true, 7},
        {"4294967295", true, true, UINT32_MAX},
        {"4294967296", true, false, UINT64_C(4294967296)},
        {"18446744073709551615", true, false, UINT64_MAX},
        {"18446744073709551616", false, false, 0},
        {"99999999999999999999", false, false, 0},
        {"", false, false, 0},
        {"-1", false, false, 0},
        {"+1", false, false, 0},
        {" 1", false, false, 0},
        {"1 ", false, false, 0},
        {"1a", false, false, 0},
        {"0x1", false, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        uint64_t v64 = 99;
        uint32_t v32 = 99;
        struct span s = span_z(CASES[i].text);

        assert_int_equal(text_u64(s, &v64), CASES[i].ok64);
        assert_true(v64 == (CASES[i].ok64 ? CASES[i].value : 99));
        assert_int_equal(text_u32(s, &v32), CASES[i].ok32);
        assert_true(v32 == (CASES[i].ok32 ? CASES[i].value : 99));
    }
}

/* Goal: decimals are exact in units of 10^-scale, or refused. */
static void decimals(void **state)
{
    static const struct {
        const char *text;
        unsigned scale;
        bool ok;
        uint64_t value;
    } CASES[] = {
        {"0.0005", 9, true, 500000},
        {"0.0005", 4, true, 5},
        {"0.0005", 3, false, 0}, /* inexact */
        {"0.2", 9, true, 200000000},
        {"1e-9", 9, true, 1},
        {"1e-9", 12, true, 1000},
        {"1e-10", 9, false, 0},
        {"12", 0, true, 12},
        {"12.50", 1, true, 125},
        {"1.5e3", 0, true, 1500},
        {"2e2", 2, true, 20000},
        {"0.000", 0, true, 0},
        {"18.446744073709551615", 18, true, UINT64_MAX},
        {"18.446744073709551616", 18, false, 0},
        {"19", 18, false, 0},
        {"3e29", 9, false, 0},
        {"0e30", 9, true, 0},
        {"1e31", 0, false, 0},
        {"99999999999999999999", 0, false, 0},
        {"99999999999999999.99999", 0, false, 0},
        {"0.1234567890123456789", 20, false, 0}, /* more digits than we keep */
        {"1.", 9, false, 0},
        {".5", 9, false, 0},
        {"", 9, false, 0},
        {"1e", 9, false, 0},
        {"1e-", 9, false, 0},
        {"1e+3", 9, false, 0},
        {"1e2e3", 9, false, 0},
        {"-1", 9, false, 0},
        {"1.-5", 9, false, 0},
        {"1.5x", 9, false, 0},
        {"nan", 9, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        uint64_t v = 0;

        if (text_decimal(span_z(CASES[i].text), CASES[i].scale, &v) != CASES[i].ok ||
            (CASES[i].ok && v != CASES[i].value))
            fail_msg("%s at scale %u", CASES[i].text, CASES[i].scale);
    }
}

static void decimals_print_back(void **state)
{
    static const struct {
        uint64_t v;
        unsigned scale;
        const char *text;
    } CASES[] = {
        {0, 9, "0"},
        {500000, 9, "0.0005"},
        {1, 9, "0.000000001"},
        {200000000, 9, "0.2"},
        {12000000000, 9, "12"},
        {125, 1, "12.5"},
        {12, 0, "12"},
        {UINT64_MAX, 18, "18.446744073709551615"},
        {UINT64_MAX, 0, "18446744073709551615"},
        {100, 0, "100"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        char out[32];
        uint64_t back;

        text_put_decimal(out, CASES[i].v, CASES[i].scale);
        assert_string_equal(out, CASES[i].text);
        assert_true(text_decimal(span_z(out), CASES[i].scale, &back));
        assert_true(back == CASES[i].v);
    }
}

static void trim_and_cut(void **state)
{
    struct span s = span_z(" \t a b\t ");
    bool found;

    (void)state;
    assert_true(text_eq(text_trim(s), "a b"));
    assert_true(text_eq(text_trim(span_z(" \t")), ""));
    assert_true(text_eq(text_trim(span_z("x")), "x"));
    assert_int_equal(text_trim((struct span){0}).n, 0);
    s = span_z("a=b=c");
    assert_true(text_eq(text_cut(&s, '=', &found), "a") && found);
    assert_true(text_eq(s, "b=c"));
    assert_true(text_eq(text_cut(&s, ':', &found), "b=c"));
    assert_false(found);
    assert_int_equal(s.n, 0);
    assert_int_equal(text_cut(&s, ':', &found).n, 0);
    assert_false(found);
    s = span_z("=");
    assert_true(text_eq(text_cut(&s, '=', &found), "") && found && s.n == 0);
    assert_false(text_eq(span_z("abc"), "ab"));
    assert_false(text_eq(span_z("abc"), "abd"));
}

static void copies_are_bounded(void **state)
{
    char out[4] = "zzz";

    (void)state;
    assert_true(text_copy(out, sizeof out, span_z("abc")));
    assert_string_equal(out, "abc");
    assert_false(text_copy(out, sizeof out, span_z("abcd")));
    assert_string_equal(out, "");
    assert_false(text_copy(out, sizeof out, span_of("a\0b", 3)));
    assert_string_equal(out, "");
    assert_true(text_copy(out, sizeof out, (struct span){0}));
    assert_string_equal(out, "");
}

static void hex_round_trips(void **state)
{
    uint8_t all[256];
    uint8_t back[256];
    char text[513];

    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    text_hex(text, all, sizeof all);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text + 512 - 6, "fdfeff", 7);
    assert_true(text_unhex(back, sizeof back, span_z(text)));
    assert_memory_equal(all, back, sizeof all);
    assert_true(text_unhex(back, 2, span_z("aBCd")));
    assert_int_equal(back[0], 0xab);
    assert_int_equal(back[1], 0xcd);
    assert_false(text_unhex(back, 2, span_z("abc")));
    assert_false(text_unhex(back, 1, span_z("abcd")));
    /* Neighbours of the digits and letters in ASCII, in either place. */
    static const char BAD[] = "/:@G`g\x10\x19 ";
    for (size_t i = 0; i < sizeof BAD - 1; i++) {
        const char first[3] = {BAD[i], '0', '\0'};
        const char second[3] = {'0', BAD[i], '\0'};
        assert_false(text_unhex(back, 1, span_z(first)));
        assert_false(text_unhex(back, 1, span_z(second)));
    }
}

/* Goal: nothing that moves a cursor, begins a line or reorders text gets through; words in any
 * script do. */
static void lines_are_plain(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"plain ~!", "plain ~!"},
        {"a\nb\r\tc", "a?b??c"},
        {"\x1b[2J\x07\x7f", "?[2J??"},
        {"\xc2\x9bm", "??m"},                       /* CSI as one character */
        {"\x9bm", "?m"},                            /* ... and as a stray byte */
        {"\xe2\x80\xaeno\xe2\x80\xac", "???no???"}, /* right-to-left override */
        {"\xe2\x80\xa8", "???"},                    /* line separator */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "???x???"},   /* isolate */
        {"\xef\xbb\xbf", "???"},
        {"M\xc3\xbcller \xe6\x97\xa5 \xf0\x9f\x8d\x8e",
         "M\xc3\xbcller \xe6\x97\xa5 \xf0\x9f\x8d\x8e"},
        {"cut \xe6\x97", "cut ??"},
        {"\xc0\x8a", "??"},           /* a newline in two bytes */
        {"\xed\xa0\x80", "???"},      /* a surrogate */
        {"\xf4\x90\x80\x80", "????"}, /* above U+10FFFF */
        {"\xf8\x88\x80\x80\x80", "?????"},
        {"\xef\xbf\xbf", "???"},
    };
    char text[64];
    uint32_t code;

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        assert_true(text_copy(text, sizeof text, span_z(cases[i].in)));
        text_make_line(text);
        assert_string_equal(text, cases[i].out);
    }
    assert_int_equal(text_utf8(&code, (struct span){0}), 0);
    assert_int_equal(text_utf8(&code, span_z("\xe6\x97\xa5")), 3);
    assert_int_equal(code, 0x65e5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(decimals),
        cmocka_unit_test(decimals_print_back),
        cmocka_unit_test(trim_and_cut),
        cmocka_unit_test(copies_are_bounded),
        cmocka_unit_test(hex_round_trips),
        cmocka_unit_test(lines_are_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
