/* Goal: a policy is frozen by a statement that one of its officers has signed, by the very lines
 * that stand in it, and by nothing else.
 * Method: statements of the example's officers, changed one thing at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/freeze.h"
#include "tests/policy_fixture.h"

static const char LINES[] = "patto freeze 1\n"
                            "federation: alpine-groceries\n"
                            "policy: sha256:%s\n"
                            "officer: %s\n"
                            "at: 2026-11-26T18:05:09Z\n"
                            "reason: a laptop was stolen\n"
                            "\n";

static void hash_hex(char out[65], const struct policy *p)
{
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", p->hash.b[i]);
}

/* Signed by partner `signer` of the fixture; the example's are 0, 1 and 2. */
static void statement(struct buf *out, const struct policy *p, const char *officer, size_t signer)
{
    struct fixture_partner who;
    struct buf signature = {0};
    struct pt_err err = {0};
    char hex[65];

    hash_hex(hex, p);
    assert_true(buf_printf(out, LINES, hex, officer));
    fixture_partner_init(&who, signer, NULL);
    assert_int_equal(minisign_sign(&signature, &who.officer, buf_span(out), "t", &err), PT_OK);
    assert_true(buf_add(out, signature.p, signature.n));
    buf_free(&signature);
}

static void expect(const struct policy *p, const struct buf *text, enum pt_code code,
                   const char *says)
{
    struct freeze f;
    struct pt_err err = {0};

    enum pt_code rc = freeze_check(&f, p, buf_span(text), &err);
    if (rc != code || (says != NULL && strstr(err.msg, says) == NULL))
        fail_msg("expected %d '%s', got %d '%s'", code, says, rc, err.msg);
}

static void an_officer_freezes(void **state)
{
    struct policy *p = fixture_three();
    struct buf text = {0};
    struct freeze f;
    struct pt_err err = {0};

    (void)state;
    statement(&text, p, "homeware", 2);
    assert_int_equal(freeze_check(&f, p, buf_span(&text), &err), PT_OK);
    assert_string_equal(f.officer, "homeware");
    assert_string_equal(f.reason, "a laptop was stolen");
    assert_int_equal(f.at_s, 1795716309); /* date -u -d 2026-11-26T18:05:09Z +%s */
    assert_memory_equal(f.policy.b, p->hash.b, 32);
    buf_free(&text);
    policy_free(p);
}

static void what_is_printed_is_read(void **state)
{
    struct freeze f = {.federation = "a-1", .officer = "b_2", .at_s = 1795716309};
    struct freeze again;
    struct buf out = {0};
    struct span lines;
    struct span signature;
    struct pt_err err = {0};

    (void)state;
    memset(f.policy.b, 0xab, sizeof f.policy.b);
    snprintf(f.reason, sizeof f.reason, "it: is so \xc3\xa9");
    assert_int_equal(freeze_print(&out, &f, &err), PT_OK);
    assert_int_equal(freeze_parse(&again, &lines, &signature, buf_span(&out), &err), PT_OK);
    assert_memory_equal(&again, &f, sizeof f);
    assert_int_equal(lines.n, out.n);
    assert_int_equal(signature.n, 0);
    buf_free(&out);
    static const char *const NO_LINE[] = {"", "two\nlines", " blank", "blank ", "\xff", "a\x1b[2J"};
    for (size_t i = 0; i < PT_LEN(NO_LINE); i++) {
        snprintf(f.reason, sizeof f.reason, "%s", NO_LINE[i]);
        assert_int_equal(freeze_print(&out, &f, &err), PT_ELIMIT);
    }
    buf_free(&out);
}

/* Every byte of lines and signature matters, but for the signature's untrusted comment. */
static void nothing_else_freezes(void **state)
{
    struct policy *p = fixture_three();
    struct buf text = {0};

    (void)state;
    statement(&text, p, "homeware", 1); /* drinkco's officer in homeware's name */
    expect(p, &text, PT_EDENIED, "the signature of homeware's officer");
    buf_free(&text);
    statement(&text, p, "nobody", 0);
    expect(p, &text, PT_EDENIED, "names no partner nobody");
    buf_free(&text);
    p->hash.b[3] ^= 1;
    statement(&text, p, "homeware", 2);
    p->hash.b[3] ^= 1;
    expect(p, &text, PT_EDENIED, "another policy than the one in force");
    buf_free(&text);
    statement(&text, p, "homeware", 2);
    const char *comment = strstr((const char *)text.p, "untrusted comment:");
    assert_non_null(comment);
    size_t lines = (size_t)(comment - (const char *)text.p);
    for (size_t i = 0; i < lines; i++) {
        struct freeze f;
        struct pt_err err = {0};
        text.p[i] ^= 1;
        if (freeze_check(&f, p, buf_span(&text), &err) == PT_OK)
            fail_msg("byte %zu does not matter", i);
        text.p[i] ^= 1;
    }
    expect(p, &text, PT_OK, NULL);
    text.n = lines; /* unsigned */
    expect(p, &text, PT_EDENIED, "the signature of homeware's officer");
    buf_free(&text);
    policy_free(p);
}

/* Lines that nobody may have signed in good faith: read strictly, or not at all. */
static void lines_are_read_strictly(void **state)
{
    static const struct fixture_change DEFECTS[] = {
        {"patto freeze 1", "patto freeze 2"},
        {"federation: a", "federation: A"},
        {"federation: ", "federation:"},
        {"federation: ", "federatiom: "},
        {"officer: b", "officer: "},
        {"officer: b", "officer: 1b"},
        {"officer: b", "Officer: b"},
        {"sha256:a", "sha256:A"},
        {"sha256:", "sha512:"},
        {"policy: sha256:", "policy: sha256"},
        {"T18:", " 18:"},
        {"18:05:09Z", "18:05:09 "},
        {"18:05:09Z", "18.05:09Z"},
        {"18:05:09Z", "18:05.09Z"},
        {"18:05:09Z", "18:05:09+0Z"},
        {"18:05:09Z", "24:05:09Z"},
        {"18:05:09Z", "18:60:09Z"},
        {"18:05:09Z", "18:05:60Z"},
        {"18:05:09Z", "1x:05:09Z"},
        {"18:05:09Z", "x8:05:09Z"},
        {"18:05:09Z", "18:/5:09Z"},
        {"18:05:09Z", "18:05:0/Z"},
        {"2026-11-26", "2026-11-31"},
        {"reason: w", "reason:  w"},
        {"reason: why", "reason: "},
        {"reason: why\n\n", "reason: why\n"},
        {"reason: why\n\n", "reason: why\nmore: x\n\n"},
        {"at: ", "at:\n"},
    };
    const struct freeze good = {
        .federation = "a", .policy = {{0xab}}, .officer = "b", .at_s = 1795716309, .reason = "why"};
    static const struct freeze empty;

    (void)state;
    for (size_t i = 0; i < PT_LEN(DEFECTS); i++) {
        struct freeze f;
        struct buf text = {0};
        struct span lines;
        struct span signature;
        struct pt_err err = {0};
        assert_int_equal(freeze_print(&text, &good, &err), PT_OK);
        fixture_replace(&text, DEFECTS[i]);
        if (freeze_parse(&f, &lines, &signature, buf_span(&text), &err) != PT_EPARSE)
            fail_msg("'%s' instead of '%s' is read", DEFECTS[i].to, DEFECTS[i].from);
        assert_memory_equal(&f, &empty, sizeof f);
        assert_int_equal(lines.n + signature.n, 0);
        buf_free(&text);
    }
}

/* A signature under a policy freezes nothing, and one under a statement signs no policy. */
static void a_policy_is_no_statement(void **state)
{
    struct policy *p = fixture_three();
    struct policy *q = NULL;
    struct buf text = {0};
    struct pt_err err = {0};

    (void)state;
    fixture_three_text(&text);
    expect(p, &text, PT_EPARSE, NULL);
    buf_free(&text);
    statement(&text, p, "homeware", 2);
    assert_int_equal(policy_parse(&q, buf_span(&text), &err), PT_EPARSE);
    buf_free(&text);
    policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_officer_freezes),       cmocka_unit_test(what_is_printed_is_read),
        cmocka_unit_test(nothing_else_freezes),     cmocka_unit_test(lines_are_read_strictly),
        cmocka_unit_test(a_policy_is_no_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
