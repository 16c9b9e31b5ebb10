/* Goal: a policy runs only when all have signed these very bytes, in date, after its predecessor.
 * Method: sign with the fixture's officers, then take away one thing at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/quorum.h"
#include "tests/policy_fixture.h"

struct signed_policy {
    struct fixture_partner partners[3];
    struct buf text;
    struct policy *p;
    struct buf signatures[3]; /* in the policy's order */
    struct span spans[3];
};

static void setup(struct signed_policy *s)
{
    struct pt_err err = {0};

    for (size_t i = 0; i < 3; i++)
        fixture_partner_init(&s->partners[i], i, NULL);
    s->partners[2].neutral = true; /* whoever is named signs */
    fixture_policy_text(&s->text, s->partners, 3);
    s->p = fixture_parse(buf_span(&s->text));
    for (size_t i = 0; i < 3; i++) {
        int at = policy_find_partner(s->p, s->partners[i].name);
        assert_true(at >= 0);
        assert_int_equal(minisign_sign(&s->signatures[at], &s->partners[i].officer,
                                       buf_span(&s->text), "version 1", &err),
                         PT_OK);
        s->spans[at] = buf_span(&s->signatures[at]);
    }
}

static void teardown(struct signed_policy *s)
{
    for (size_t i = 0; i < 3; i++)
        buf_free(&s->signatures[i]);
    buf_free(&s->text);
    policy_free(s->p);
}

static void every_partner_signs(void **state)
{
    struct signed_policy s = {0};
    struct pt_err err = {0};

    (void)state;
    setup(&s);
    assert_int_equal(quorum_check_signatures(s.p, buf_span(&s.text), s.spans, &err), PT_OK);
    /* drinkco, freshmart, homeware: one missing, one wrong */
    struct span kept = s.spans[0];
    s.spans[0] = (struct span){0};
    assert_int_equal(quorum_check_signatures(s.p, buf_span(&s.text), s.spans, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "not signed by all: no signature of drinkco; each officer"));
    assert_non_null(strstr(err.msg, "patto policy sign policy.yaml --key KEY --as NAME"));
    s.spans[1] = kept;
    assert_int_equal(quorum_check_signatures(s.p, buf_span(&s.text), s.spans, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "no signature of drinkco; not valid for this file: that of "
                                    "freshmart;"));
    s.spans[0] = kept;
    s.spans[1] = buf_span(&s.signatures[1]);
    /* A neutral partner signs too. */
    s.spans[2] = (struct span){0};
    assert_int_equal(quorum_check_signatures(s.p, buf_span(&s.text), s.spans, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "no signature of homeware;"));
    s.spans[2] = buf_span(&s.signatures[2]);
    /* One byte of the file, even in a comment, and nobody has signed it. */
    assert_true(buf_printf(&s.text, "#"));
    assert_int_equal(quorum_check_signatures(s.p, buf_span(&s.text), s.spans, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "that of drinkco, freshmart, homeware;"));
    assert_null(strstr(err.msg, "no signature"));
    teardown(&s);
}

static void dates_bound_it_to_the_second(void **state)
{
    struct policy *p = fixture_policy(2); /* 2026-01-01 to 2026-12-31 */
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(quorum_check_dates(p, 1767225600, &err), PT_OK);
    assert_int_equal(quorum_check_dates(p, 1798761599, &err), PT_OK);
    assert_int_equal(quorum_check_dates(p, 1767225599, &err), PT_EDENIED);
    assert_string_equal(err.msg, "valid, line 10: the policy is in force from 2026-01-01 until "
                                 "2026-12-31 (UTC) and has not begun; wait, or check this "
                                 "machine's clock");
    assert_int_equal(quorum_check_dates(p, 1798761600, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "has expired; agree on the next version and sign it"));
    policy_free(p);
}

/* A policy of that version; previous NULL: not named. */
static struct policy *version(unsigned number, const struct policy *previous,
                              const char *federation)
{
    struct fixture_partner partners[2];
    struct buf text;
    struct buf changed = {0};
    char hash[72];

    for (size_t i = 0; i < 2; i++)
        fixture_partner_init(&partners[i], i, NULL);
    fixture_policy_text(&text, partners, 2);
    const char *rest = strstr((const char *)text.p, "purpose:");
    assert_non_null(rest);
    assert_true(
        buf_printf(&changed, "patto: 1\nfederation: %s\nversion: %u\n", federation, number));
    if (previous != NULL) {
        policy_hash_text(hash, &previous->hash);
        assert_true(buf_printf(&changed, "previous: %s\n", hash));
    }
    assert_true(buf_add(&changed, rest, text.n - (size_t)(rest - (const char *)text.p)));
    struct policy *p = fixture_parse(buf_span(&changed));
    buf_free(&text);
    buf_free(&changed);
    return p;
}

static void versions_only_go_up_by_one(void **state)
{
    struct policy *v1 = version(1, NULL, "alpine");
    struct policy *other1 = version(1, NULL, "pacific");
    struct policy *v2 = version(2, v1, "alpine");
    struct policy *v3 = version(3, v2, "alpine");
    struct policy *fork2 = version(2, v3, "alpine");
    struct policy *fork3 = version(3, v1, "alpine");
    struct pt_err err = {0};
    const struct {
        const struct policy *next, *current;
        const char *refusal;
    } cases[] = {
        {v1, NULL, NULL},
        {v3, NULL, NULL}, /* who joins late begins there */
        {v2, v1, NULL},
        {v3, v2, NULL},
        {v2, v2, NULL},
        {v1, v2,
         "downgrade refused: version 2 is running, the file is version 1; to go back, "
         "sign its content as version 3"},
        {fork2, v2, "two files of version 2: sha256:"},
        {v3, v1, "version 1 is running, the file is version 3: join the versions between"},
        {fork3, v2, "all partners must start from one file"},
        {other1, v1, "this home belongs to federation alpine, the file to pacific"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        enum pt_code rc = quorum_check_succession(cases[i].next, cases[i].current, &err);
        assert_int_equal(rc, cases[i].refusal == NULL ? PT_OK : PT_EDENIED);
        if (cases[i].refusal != NULL && strstr(err.msg, cases[i].refusal) == NULL)
            fail_msg("case %zu says: %s", i, err.msg);
    }
    policy_free(v1);
    policy_free(other1);
    policy_free(v2);
    policy_free(v3);
    policy_free(fork2);
    policy_free(fork3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_partner_signs),
        cmocka_unit_test(dates_bound_it_to_the_second),
        cmocka_unit_test(versions_only_go_up_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
