#include "crypto/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "tests/tlog_fixture.h"

#define ROOT "T19QcRjAUDTGuU+wuZLvH385eZU8utG0M+pvAnYGde8="

static void texts_are_read_strictly(void **state)
{
    static const char *const good[] = {"a\n0\n" ROOT "\n",
                                       "a/b.c\n9223372036854775807\n" ROOT "\n"};
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "three lines"},
        {"a\n1\n", "three lines"},
        {"a\n1\n" ROOT, "three lines"},
        {"a\n1\n" ROOT "\nextension\n", "more than three"},
        {"cosignature/v1\ntime 1\na\n1\n" ROOT "\n", "more than three"},
        {"a b\n1\n" ROOT "\n", "first line"},
        {"a+b\n1\n" ROOT "\n", "first line"},
        {"\n1\n" ROOT "\n", "first line"},
        {"a\n01\n" ROOT "\n", "second line"},
        {"a\n-1\n" ROOT "\n", "second line"},
        {"a\n\n" ROOT "\n", "second line"},
        {"a\n1 \n" ROOT "\n", "second line"},
        {"a\n9223372036854775808\n" ROOT "\n", "second line"},
        {"a\n1\nT19QcRjAUDTGuU+wuZLvH385eZU8utG0M+pvAnYGde8\n", "third line"},
        {"a\n1\nT19QcRjAUDTGuU+wuZLvH385eZU8utG0M+pvAnYGdQ==\n", "third line"},
        {"a\n1\n" ROOT " \n", "third line"},
    };
    struct checkpoint c;
    struct checkpoint none = {0};
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(good); i++) {
        struct buf again = {0};
        assert_int_equal(checkpoint_parse(&c, span_z(good[i]), &err), PT_OK);
        assert_int_equal(checkpoint_print(&again, &c, &err), PT_OK);
        assert_true(text_eq(buf_span(&again), good[i]));
        buf_free(&again);
    }
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        assert_int_equal(checkpoint_parse(&c, span_z(bad[i].text), &err), PT_EPARSE);
        assert_memory_equal(&c, &none, sizeof c);
        assert_non_null(strstr(err.msg, bad[i].says));
    }
}

/* The other implementation's checkpoint, signed again by us: the same bytes. */
static void signing_is_the_other_implementations(void **state)
{
    struct tlog_fixture f = tlog_fixture_load();
    const struct checkpoint_trust trust = {.log = &f.log};
    struct checkpoint c;
    struct buf again;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(checkpoint_open(&c, NULL, buf_span(&f.checkpoint), &trust, &err), PT_OK);
    assert_int_equal(c.size, TLOG_FIXTURE_ENTRIES);
    assert_string_equal(c.origin, f.log.name);
    assert_int_equal(checkpoint_sign(&again, &c, &f.secret[0], &err), PT_OK);
    assert_true(span_eq_vartime(buf_span(&again), buf_span(&f.checkpoint)));
    buf_free(&again);
    c.origin[0] = ' ';
    assert_int_equal(checkpoint_sign(&again, &c, &f.secret[0], &err), PT_EPARSE);
    assert_null(again.p);
    tlog_fixture_free(&f);
}

static void trust_is_in_the_log_first(void **state)
{
    struct tlog_fixture f = tlog_fixture_load();
    struct checkpoint_trust trust = {.log = &f.log, .witnesses = f.witness, .witness_count = 2};
    struct note_seal seals[2];
    struct checkpoint c;
    struct pt_err err = {0};
    struct buf stripped = {0};

    (void)state;
    assert_int_equal(checkpoint_open(&c, seals, buf_span(&f.cosigned), &trust, &err), PT_OK);
    assert_true(seals[0].good && seals[1].good);
    assert_int_equal(checkpoint_open(&c, seals, buf_span(&f.checkpoint), &trust, &err), PT_OK);
    assert_false(seals[0].good || seals[1].good);

    /* Witnesses alone do not make a checkpoint. */
    const char *first = memmem(f.cosigned.p, f.cosigned.n, "\n\n", 2);
    const char *second = strchr(first + 2, '\n');
    assert_true(buf_add(&stripped, f.cosigned.p, (size_t)(first + 2 - (char *)f.cosigned.p)));
    assert_true(
        buf_add(&stripped, second + 1, f.cosigned.n - (size_t)(second + 1 - (char *)f.cosigned.p)));
    assert_int_equal(checkpoint_open(&c, seals, buf_span(&stripped), &trust, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "not signed by its log"));
    assert_int_equal(c.size, 0);

    /* Another log's key, though it has signed the same text. */
    struct note_key other;
    assert_int_equal(note_key_make(&other, span_z("patto/alpine/freshmart"), NOTE_ED25519,
                                   &f.log.public_key, &err),
                     PT_OK);
    trust.log = &other;
    assert_int_equal(checkpoint_open(&c, seals, buf_span(&f.cosigned), &trust, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "another log"));

    trust.log = &f.log;
    trust.witness_count = NOTE_KEYS_MAX;
    struct note_seal many[NOTE_KEYS_MAX];
    assert_int_equal(checkpoint_open(&c, many, buf_span(&f.cosigned), &trust, &err), PT_EBUG);
    buf_free(&stripped);
    tlog_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_strictly),
        cmocka_unit_test(signing_is_the_other_implementations),
        cmocka_unit_test(trust_is_in_the_log_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
