#include "crypto/note.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "crypto/base64.h"
#include "tests/tlog_fixture.h"

/* The vector of C2SP signed-note. */
static const char VKEY[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
#define TEXT "This is an example message.\n"
#define LINE                                                                                       \
    "\xe2\x80\x94 example.com/foo "                                                                \
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=" \
    "\n"
/* Of a key that nobody here knows. */
#define OTHER "\xe2\x80\x94 example.com/bar AAAAAAA=\n"

static enum pt_code verify(struct note_seal *seal, const char *note, struct pt_err *err)
{
    struct note_key k;
    struct note n;
    enum pt_code rc;

    assert_int_equal(note_key_parse(&k, span_z(VKEY), err), PT_OK);
    rc = note_parse(&n, span_z(note), err);
    return rc != PT_OK ? rc : note_verify(seal, &n, &k, 1, err);
}

static void published_note_verifies(void **state)
{
    struct note_seal seal = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(verify(&seal, TEXT "\n" LINE, &err), PT_OK);
    assert_true(seal.good);
    assert_int_equal(seal.time_s, 0);
    /* Unknown keys are passed over, before and after; a known one may sign twice. */
    assert_int_equal(verify(&seal, TEXT "\n" OTHER LINE OTHER LINE, &err), PT_OK);
    assert_true(seal.good);
}

static void what_is_not_that_note_is_refused(void **state)
{
    static const struct {
        const char *note;
        enum pt_code code;
        const char *says;
    } cases[] = {
        {"this is an example message.\n\n" LINE, PT_EDENIED, "does not belong"},
        {TEXT "\n" OTHER, PT_EDENIED, "not signed by a known key"},
        /* The last empty line divides: the first note is text of the second. */
        {TEXT "\n" LINE "\n" OTHER, PT_EDENIED, "known key"},
        {TEXT "\n" LINE "\n" LINE, PT_EDENIED, "does not belong"},
        {TEXT "\n", PT_EPARSE, "without a signature"},
        {TEXT, PT_EPARSE, "not a signed note"},
        {"", PT_EPARSE, "not a signed note"},
        {"\n", PT_EPARSE, "not a signed note"},
        {"\n\n", PT_EPARSE, "without a signature"},
        {"a\tb\n\n" LINE, PT_EPARSE, "not a signed note"},
        {"a\x7f\n\n" LINE, PT_EPARSE, "not a signed note"},
        {"a\xff\n\n" LINE, PT_EPARSE, "not a signed note"},
        {TEXT "\n" LINE "x", PT_EPARSE, "line 2"},
        {TEXT "\n- example.com/foo AAAAAAA=\n", PT_EPARSE, "line 1"},
        {TEXT "\n\xe2\x80\x94 example.com/foo\n", PT_EPARSE, "line 1"},
        {TEXT "\n\xe2\x80\x94  AAAAAAA=\n", PT_EPARSE, "line 1"},
        {TEXT "\n\xe2\x80\x94 a+b AAAAAAA=\n", PT_EPARSE, "line 1"},
        {TEXT "\n\xe2\x80\x94 a AAAAAAA\n", PT_EPARSE, "line 1"},
        {TEXT "\n\xe2\x80\x94 a AAAAAAB=\n", PT_EPARSE, "line 1"},
        {TEXT "\n\xe2\x80\x94 a AAAAAA==\n", PT_EPARSE, "line 1"}, /* an id alone */
        {TEXT "\n\xe2\x80\x94 a AAAAAAA= \n", PT_EPARSE, "line 1"},
        {TEXT "\n\xe2\x80\x94 a\xc2\xa0z AAAAAAA=\n", PT_EPARSE, "line 1"},
        /* The id of the known key over other bytes, short ones too. */
        {TEXT "\n" LINE "\xe2\x80\x94 example.com/foo Uw2QOgA=\n", PT_EDENIED, "does not belong"},
    };
    struct note_seal seal = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct pt_err err = {0};
        seal.good = false;
        assert_int_equal(verify(&seal, cases[i].note, &err), cases[i].code);
        assert_false(seal.good);
        assert_non_null(strstr(err.msg, cases[i].says));
    }
}

static void sixteen_signatures_and_more_are_read(void **state)
{
    struct buf note = {0};
    struct note n;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(note_begin(&note, span_z(TEXT), &err), PT_OK);
    for (size_t i = 0; i < NOTE_SIGNATURES_MAX; i++)
        assert_true(buf_printf(&note, "%s", OTHER));
    assert_int_equal(note_parse(&n, buf_span(&note), &err), PT_OK);
    assert_int_equal(n.line_count, NOTE_SIGNATURES_MAX);
    assert_true(buf_printf(&note, "%s", OTHER));
    assert_int_equal(note_parse(&n, buf_span(&note), &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "over 64"));
    buf_free(&note);
    assert_true(buf_reserve(&note, NOTE_BYTES_MAX + 1));
    memset(note.p, 'a', NOTE_BYTES_MAX + 1);
    note.n = NOTE_BYTES_MAX + 1;
    assert_int_equal(note_parse(&n, buf_span(&note), &err), PT_EPARSE);
    buf_free(&note);
}

static void keys_have_one_text(void **state)
{
    static const char *const bad[] = {
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    };
    struct note_key k;
    struct buf text = {0};
    struct pt_err err = {0};
    char long_name[NOTE_NAME_MAX + 2];

    (void)state;
    assert_int_equal(note_key_parse(&k, span_z(VKEY), &err), PT_OK);
    assert_int_equal(k.kind, NOTE_ED25519);
    assert_int_equal(note_key_print(&text, &k, &err), PT_OK);
    assert_true(text_eq(buf_span(&text), VKEY));
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        assert_int_equal(note_key_parse(&k, span_z(bad[i]), &err), PT_EPARSE);
        assert_int_equal(k.name[0], 0);
    }
    /* Unicode's White_Space, a plus sign, a control character, no UTF-8. */
    static const char *const no_name[] = {"",       "a b",    "a+b",      "\u00a0a", "a\u1680b",
                                          "\u2000", "\u200a", "a\u202f",  "\u205f",  "a\u3000",
                                          "a\tb",   "\xff",   "a\xe3\x80"};
    for (size_t i = 0; i < PT_LEN(no_name); i++)
        assert_false(note_name_ok(span_z(no_name[i])));
    assert_true(note_name_ok(span_z("\u00e9\u1fff\u203f/\u3001")));
    memset(long_name, 'n', sizeof long_name);
    assert_true(note_name_ok(span_of(long_name, NOTE_NAME_MAX)));
    assert_false(note_name_ok(span_of(long_name, NOTE_NAME_MAX + 1)));
    buf_free(&text);
}

/* Goal: what we sign is what the other implementation signs (Ed25519 is deterministic).
 * Method: the seeds of tests/tlog/make.py; its note, byte for byte. */
static void our_lines_are_the_other_implementations(void **state)
{
    struct tlog_fixture f = tlog_fixture_load();
    struct buf note = {0};
    struct note want;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(note_parse(&want, buf_span(&f.cosigned), &err), PT_OK);
    assert_int_equal(note_begin(&note, want.text, &err), PT_OK);
    assert_int_equal(note_sign(&note, &f.log, &f.secret[0], want.text, &err), PT_OK);
    for (uint64_t i = 0; i < 2; i++)
        assert_int_equal(note_cosign(&note, &f.witness[i], &f.secret[1 + i], want.text,
                                     TLOG_FIXTURE_TIME_S + i, &err),
                         PT_OK);
    assert_true(span_eq_vartime(buf_span(&note), buf_span(&f.cosigned)));
    buf_free(&note);
    tlog_fixture_free(&f);
}

static void a_cosignature_counts_for_its_time_and_text(void **state)
{
    struct tlog_fixture f = tlog_fixture_load();
    struct note n;
    struct note_seal seals[2];
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(note_parse(&n, buf_span(&f.cosigned), &err), PT_OK);
    assert_int_equal(note_verify(seals, &n, f.witness, 2, &err), PT_OK);
    for (uint64_t i = 0; i < 2; i++) {
        assert_true(seals[i].good);
        assert_int_equal(seals[i].time_s, TLOG_FIXTURE_TIME_S + i);
    }
    /* Each bit of the time is signed. */
    for (size_t byte = 0; byte < 8; byte++) {
        struct buf copy = {0};
        assert_true(buf_add(&copy, f.cosigned.p, f.cosigned.n));
        tlog_fixture_flip(&copy, "witness3 ", 4 + byte);
        assert_int_equal(note_parse(&n, buf_span(&copy), &err), PT_OK);
        assert_int_equal(note_verify(seals, &n, f.witness, 2, &err), PT_EDENIED);
        assert_non_null(strstr(err.msg, "witness3"));
        assert_false(seals[0].good); /* one that is wrong rejects the note */
        buf_free(&copy);
    }
    tlog_fixture_free(&f);
}

/* A known name and identifier over bytes of another length, or over none, is a wrong signature. */
static void payloads_have_one_length(void **state)
{
    struct tlog_fixture f = tlog_fixture_load();
    const struct note_key *const keys[] = {&f.log, &f.witness[0]};

    (void)state;
    for (size_t i = 0; i < 2 * 100; i++) {
        const struct note_key *k = keys[i % 2];
        uint8_t raw[128] = {0};
        size_t n = 4 + i / 2;
        struct buf text = {0};
        struct note note;
        struct note_seal seal;
        struct pt_err err = {0};
        memcpy(raw, k->id, 4);
        assert_true(buf_printf(&text, "text\n\n\u2014 %s ", k->name) &&
                    base64_print(&text, span_of(raw, n)) && buf_u8(&text, '\n'));
        if (note_parse(&note, buf_span(&text), &err) == PT_OK) {
            assert_int_not_equal(note_verify(&seal, &note, k, 1, &err), PT_OK);
            assert_false(seal.good);
        }
        buf_free(&text);
    }
    tlog_fixture_free(&f);
}

/* A signature of one kind is none of another. */
static void kinds_are_kept_apart(void **state)
{
    struct tlog_fixture f = tlog_fixture_load();
    struct buf note = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(note_sign(&note, &f.witness[0], &f.secret[1], span_z(TEXT), &err), PT_EBUG);
    assert_int_equal(note_cosign(&note, &f.log, &f.secret[0], span_z(TEXT), 1, &err), PT_EBUG);
    assert_int_equal(
        note_sign(&note, &f.log, &f.secret[0], span_z("cosignature/v1\ntime 1\na\n"), &err),
        PT_EBUG);
    assert_int_equal(note_sign(&note, &f.log, &f.secret[0], span_z("no end"), &err), PT_EBUG);
    assert_int_equal(note_begin(&note, span_z("a\rb\n"), &err), PT_EPARSE);
    assert_int_equal(note.n, 0);
    /* What sign_make() signs begins with NUL bytes, which no note's text may hold. */
    const char labelled[] = "\x05\0\0\0patto\0\0\0\0\n";
    assert_int_equal(
        note_sign(&note, &f.log, &f.secret[0], span_of(labelled, sizeof labelled - 1), &err),
        PT_EBUG);
    buf_free(&note);
    tlog_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_note_verifies),
        cmocka_unit_test(what_is_not_that_note_is_refused),
        cmocka_unit_test(sixteen_signatures_and_more_are_read),
        cmocka_unit_test(keys_have_one_text),
        cmocka_unit_test(our_lines_are_the_other_implementations),
        cmocka_unit_test(a_cosignature_counts_for_its_time_and_text),
        cmocka_unit_test(payloads_have_one_length),
        cmocka_unit_test(kinds_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
