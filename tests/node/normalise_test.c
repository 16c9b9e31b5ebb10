#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/base/text.h"
#include "node/normalise.h"

static const struct normalise_how *how(enum policy_identifier type, enum policy_rules rules,
                                       const char *code)
{
    static struct normalise_how h;

    h = (struct normalise_how){.type = type, .rules = rules, .encoding = ENCODING_RAW};
    assert_true(text_copy(h.country_code, sizeof h.country_code, span_z(code)));
    return &h;
}

/* Goal: UID2's published examples, bit for bit.
 * Source: unifiedid.com, "Normalization and Encoding": both tables of e-mail addresses and of
 * phone numbers, hashes as printed there. */
static void uid2_published(void **state)
{
    static const struct {
        enum policy_identifier type;
        const char *code, *raw, *normalised, *base64;
    } CASES[] = {
        {IDENTIFIER_EMAIL, "", "MyEmail@example.com", "myemail@example.com",
         "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U="},
        {IDENTIFIER_EMAIL, "", "MYEMAIL@example.com", "myemail@example.com",
         "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U="},
        {IDENTIFIER_EMAIL, "", "My.Email@example.com", "my.email@example.com",
         "4itTvG+HEnTzpiqzejyu1yFPwU1nYhWpaiQvz62hyB8="},
        {IDENTIFIER_EMAIL, "", "JANESAOIRSE@example.com", "janesaoirse@example.com",
         "1mcOepIAfxtf94Xx/IHlOqbT170GvfXEc83HKGwoS20="},
        {IDENTIFIER_EMAIL, "", "JaneSaoirse@example.com", "janesaoirse@example.com",
         "1mcOepIAfxtf94Xx/IHlOqbT170GvfXEc83HKGwoS20="},
        {IDENTIFIER_EMAIL, "", "jane.saoirse@example.com", "jane.saoirse@example.com",
         "sZZDLHuYmiypHIN5mVfFFdpT5sE6vyC3j+qU8RfpC/g="},
        {IDENTIFIER_EMAIL, "", "Jane.Saoirse@example.com", "jane.saoirse@example.com",
         "sZZDLHuYmiypHIN5mVfFFdpT5sE6vyC3j+qU8RfpC/g="},
        {IDENTIFIER_EMAIL, "", "JaneSaoirse+Work@example.com", "janesaoirse+work@example.com",
         "KKruSBUjDNO069iMUVImVQZm6RrAGZKeOtrD9mwogYA="},
        {IDENTIFIER_EMAIL, "", "JANE.SAOIRSE@gmail.com", "janesaoirse@gmail.com",
         "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8="},
        {IDENTIFIER_EMAIL, "", "Jane.Saoirse@gmail.com", "janesaoirse@gmail.com",
         "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8="},
        {IDENTIFIER_EMAIL, "", "JaneSaoirse+Work@gmail.com", "janesaoirse@gmail.com",
         "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8="},
        {IDENTIFIER_EMAIL, "", " user@example.com ", "user@example.com",
         "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="},
        {IDENTIFIER_PHONE, "", "1 (234) 567-8901", "+12345678901",
         "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4="},
        {IDENTIFIER_PHONE, "", "+12345678901", "+12345678901",
         "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4="},
        {IDENTIFIER_PHONE, "", "65 1243 5678", "+6512435678", NULL},
        {IDENTIFIER_PHONE, "61", "(02) 1234 5678", "+61212345678", NULL},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        const struct normalise_how *h = how(CASES[i].type, RULES_UID2, CASES[i].code);
        struct normalised got;
        struct digest digest;
        char base64[64];

        assert_int_equal(normalise_text(&got, h, span_z(CASES[i].raw)), NORMALISE_GOOD);
        assert_string_equal(got.text, CASES[i].normalised);
        assert_int_equal(got.n, strlen(CASES[i].normalised));
        assert_int_equal(normalise_digest(&digest, h, span_z(CASES[i].raw)), NORMALISE_GOOD);
        sodium_bin2base64(base64, sizeof base64, digest.b, 32, sodium_base64_VARIANT_ORIGINAL);
        if (CASES[i].base64 != NULL)
            assert_string_equal(base64, CASES[i].base64);
    }
}

/* Source: Meta, "Customer information parameters": em, ph, hashes as printed there. */
static void meta_published(void **state)
{
    struct digest digest;
    char hex[65];

    (void)state;
    assert_int_equal(normalise_digest(&digest, how(IDENTIFIER_EMAIL, RULES_META, ""),
                                      span_z("John_Smith@gmail.com")),
                     NORMALISE_GOOD);
    text_hex(hex, digest.b, 32);
    assert_string_equal(hex, "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f");
    assert_int_equal(
        normalise_digest(&digest, how(IDENTIFIER_PHONE, RULES_META, "1"), span_z("(650)555-1212")),
        NORMALISE_GOOD);
    text_hex(hex, digest.b, 32);
    assert_string_equal(hex, "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176");
}

/* Goal: where the four rule sets differ, and where none accepts. NULL: malformed. */
static void rules_differ_as_specified(void **state)
{
    static const struct {
        enum policy_identifier type;
        const char *code, *raw;
        const char *want[4]; /* uid2, google, meta, lowercase */
    } CASES[] = {
        {IDENTIFIER_EMAIL,
         "",
         "A.B+c@Gmail.com",
         {"ab@gmail.com", "ab+c@gmail.com", "a.b+c@gmail.com", "a.b+c@gmail.com"}},
        {IDENTIFIER_EMAIL,
         "",
         "A.B+c@GoogleMail.com",
         {"a.b+c@googlemail.com", "ab+c@googlemail.com", "a.b+c@googlemail.com",
          "a.b+c@googlemail.com"}},
        {IDENTIFIER_EMAIL,
         "",
         "A.B+c@mail.gmail.com",
         {"a.b+c@mail.gmail.com", "a.b+c@mail.gmail.com", "a.b+c@mail.gmail.com",
          "a.b+c@mail.gmail.com"}},
        {IDENTIFIER_EMAIL,
         "",
         "+x@gmail.com",
         {NULL, "+x@gmail.com", "+x@gmail.com", "+x@gmail.com"}},
        {IDENTIFIER_EMAIL, "", "...@gmail.com", {NULL, NULL, "...@gmail.com", "...@gmail.com"}},
        {IDENTIFIER_EMAIL,
         "",
         "\xc3\x89mile@Stra\xc3\x9f"
         "e.DE", /* É, ß */
         {"\xc3\xa9mile@stra\xc3\x9f"
          "e.de",
          "\xc3\xa9mile@stra\xc3\x9f"
          "e.de",
          "\xc3\xa9mile@stra\xc3\x9f"
          "e.de",
          "\xc3\xa9mile@stra\xc3\x9f"
          "e.de"}},
        {IDENTIFIER_PHONE,
         "",
         "+43 (0)664 / 123-45.67",
         {"+436641234567", "+436641234567", "436641234567", "+436641234567"}},
        {IDENTIFIER_PHONE,
         "",
         "0043 664 1234567",
         {"+436641234567", "+436641234567", "436641234567", "+436641234567"}},
        {IDENTIFIER_PHONE,
         "43",
         "0664 1234567",
         {"+436641234567", "+436641234567", "436641234567", "+436641234567"}},
        {IDENTIFIER_PHONE,
         "43",
         "+49 30 1234567",
         {"+49301234567", "+49301234567", "49301234567", "+49301234567"}},
        {IDENTIFIER_PHONE,
         "39",
         "06 1234 5678",
         {"+390612345678", "+390612345678", "390612345678", "+390612345678"}},
        {IDENTIFIER_PHONE, "", "0664 1234567", {NULL, NULL, NULL, NULL}},      /* whose country? */
        {IDENTIFIER_PHONE, "", "+1234567890123456", {NULL, NULL, NULL, NULL}}, /* 16 digits */
        {IDENTIFIER_PHONE,
         "",
         "+123456789012345",
         {"+123456789012345", "+123456789012345", "123456789012345", "+123456789012345"}},
        {IDENTIFIER_PHONE, "", "+43664", {NULL, NULL, NULL, NULL}},
        {IDENTIFIER_PHONE,
         "",
         "1234567890123456789012345678901234567890",
         {NULL, NULL, NULL, NULL}},
        {IDENTIFIER_PHONE, "", "555 CALL NOW", {NULL, NULL, NULL, NULL}},
        {IDENTIFIER_PHONE, "", "43 +664 1234567", {NULL, NULL, NULL, NULL}},
        {IDENTIFIER_PHONE, "", "+", {NULL, NULL, NULL, NULL}},
        {IDENTIFIER_PHONE, "43", "-", {NULL, NULL, NULL, NULL}},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++)
        for (int rules = 0; rules < 4; rules++) {
            const struct normalise_how *h =
                how(CASES[i].type, (enum policy_rules)rules, CASES[i].code);
            const char *want = CASES[i].want[rules];
            struct normalised got;
            enum normalise_result r = normalise_text(&got, h, span_z(CASES[i].raw));

            assert_int_equal(r, want == NULL ? NORMALISE_MALFORMED : NORMALISE_GOOD);
            assert_string_equal(got.text, want == NULL ? "" : want);
        }
}

static void addresses_that_are_none(void **state)
{
    static const char *const MALFORMED[] = {
        "a",
        "@",
        "a@",
        "@b.c",
        "a@b",
        "a@b@c.d",
        "a b@c.d",
        "a@b c.d",
        "a@.b.c",
        "a@b.c.",
        "a@b..c",
        "a\x7f@b.c",
        "a@b.c,new", /* lines of tables and of address books */
        "17,a@b.c",
        "a@b.c;",
        "<a@b.c>",
        "a@b.c>",
        "\"a\"@b.c",
        "mailto:a@b.c",
        "a@[1.2.3.4]",
        "a@b.c/d",
        "a\t@b.c",
        "\xe9@b.c",
        "a\xc2\xa0@b.c",
        "a\xe2\x80\x8b@b.c",
        "a\xed\xa0\x80@b.c",
        "a\xf4\x90\x80\x80@b.c",
        "a\xc0\xaf@b.c",
    };
    const struct normalise_how *h = how(IDENTIFIER_EMAIL, RULES_UID2, "");
    struct normalised got;
    struct digest digest;
    char longest[300];

    (void)state;
    for (size_t i = 0; i < PT_LEN(MALFORMED); i++) {
        assert_int_equal(normalise_text(&got, h, span_z(MALFORMED[i])), NORMALISE_MALFORMED);
        assert_int_equal(got.n, 0);
    }
    assert_int_equal(normalise_text(&got, h, span_z("o'neil+x/y=z!#$%&*?^_`{|}~@\xc3\xa4-b_c.d9")),
                     NORMALISE_GOOD);
    assert_int_equal(normalise_text(&got, h, span_z(" \t\r\n")), NORMALISE_EMPTY);
    assert_int_equal(normalise_digest(&digest, h, (struct span){0}), NORMALISE_EMPTY);
    assert_int_equal(normalise_text(&got, h, span_of("a\0@b.c", 6)), NORMALISE_MALFORMED);
    memset(longest, 'a', sizeof longest);
    memcpy(longest + 250, "@b.c", 5);
    assert_int_equal(normalise_text(&got, h, span_z(longest)), NORMALISE_GOOD);
    assert_int_equal(got.n, 254);
    memcpy(longest + 250, "a@b.c", 6);
    assert_int_equal(normalise_text(&got, h, span_z(longest)), NORMALISE_MALFORMED);
}

/* Goal: a hashed column gives the very digest of the raw one, and slips are seen. */
static void hashed_columns(void **state)
{
    static const struct {
        enum normalise_encoding encoding;
        const char *cell;
        enum normalise_result want;
    } CASES[] = {
        {ENCODING_SHA256_HEX, "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514",
         NORMALISE_GOOD},
        {ENCODING_SHA256_HEX, " B4C9A289323B21A01C3E940F150EB9B8C542587F1ABFD8F0E1CC1FFC5E475514\n",
         NORMALISE_GOOD},
        {ENCODING_SHA256_BASE64, "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=", NORMALISE_GOOD},
        {ENCODING_SHA256_BASE64, "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ",
         NORMALISE_MALFORMED},
        {ENCODING_SHA256_BASE64,
         "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQAAA==", NORMALISE_MALFORMED},
        {ENCODING_SHA256_BASE64, "tMmi", NORMALISE_MALFORMED},
        {ENCODING_SHA256_BASE64,
         "\xdeMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=", NORMALISE_MALFORMED},
        {ENCODING_SHA256_HEX, "user@example.com", NORMALISE_MALFORMED},
        {ENCODING_SHA256_HEX, "b4c9", NORMALISE_MALFORMED},
        {ENCODING_SHA256_HEX, "", NORMALISE_EMPTY},
        {ENCODING_SHA256_HEX, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         NORMALISE_EMPTY},
        {ENCODING_SHA256_BASE64, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", NORMALISE_EMPTY},
    };
    struct normalise_how h = *how(IDENTIFIER_EMAIL, RULES_UID2, "");
    const struct digest zero = {0};
    struct digest want;
    struct digest got;

    (void)state;
    assert_int_equal(normalise_digest(&want, &h, span_z("USER@example.com")), NORMALISE_GOOD);
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        h.encoding = CASES[i].encoding;
        assert_int_equal(normalise_digest(&got, &h, span_z(CASES[i].cell)), CASES[i].want);
        assert_memory_equal(&got, CASES[i].want == NORMALISE_GOOD ? &want : &zero, sizeof got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uid2_published),
        cmocka_unit_test(meta_published),
        cmocka_unit_test(rules_differ_as_specified),
        cmocka_unit_test(addresses_that_are_none),
        cmocka_unit_test(hashed_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
