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

/* What follows the example of three partners, and how it is signed. */
struct next {
    struct buf before, after;
    struct policy *current, *policy;
    struct buf signatures[3], leaving[3];
};

static void next_make(struct next *n, const struct fixture_change *changes, size_t count)
{
    char previous[160] = "version: 2\nprevious: ";

    *n = (struct next){0};
    fixture_three_text(&n->before);
    fixture_three_text(&n->after);
    n->current = fixture_parse(buf_span(&n->before));
    policy_hash_text(previous + strlen(previous), &n->current->hash);
    memcpy(previous + strlen(previous), "\n", 2);
    fixture_replace(&n->after, (struct fixture_change){"version: 1\n", previous});
    for (size_t i = 0; i < count; i++)
        fixture_replace(&n->after, changes[i]);
    n->policy = fixture_parse(buf_span(&n->after));
}

static void next_free(struct next *n)
{
    for (size_t i = 0; i < 3; i++) {
        buf_free(&n->signatures[i]);
        buf_free(&n->leaving[i]);
    }
    buf_free(&n->before);
    buf_free(&n->after);
    policy_free(n->current);
    policy_free(n->policy);
}

/* The example's officers are those of the fixture's partners 0, 1 and 2. */
static void sign_as(struct buf *out, const struct next *n, const char *name)
{
    struct fixture_partner p;
    struct pt_err err = {0};

    for (size_t i = 0; i < 3; i++) {
        fixture_partner_init(&p, i, NULL);
        if (strcmp(p.name, name) != 0)
            continue;
        buf_free(out);
        assert_int_equal(minisign_sign(out, &p.officer, buf_span(&n->after), "v2", &err), PT_OK);
    }
    assert_true(out->n > 0);
}

static void sign_next(struct next *n, const char *name)
{
    int at = policy_find_partner(n->policy, name);

    if (at >= 0)
        sign_as(&n->signatures[at], n, name);
    else
        sign_as(&n->leaving[policy_find_partner(n->current, name)], n, name);
}

static void expect_change(const struct next *n, bool frozen, enum quorum_by by, const char *refusal)
{
    struct span signatures[3];
    struct span leaving[3];
    struct pt_err err = {0};
    enum quorum_by found;
    const struct quorum_change c = {.policy = n->policy,
                                    .file = buf_span(&n->after),
                                    .signatures = signatures,
                                    .current = n->current,
                                    .current_file = buf_span(&n->before),
                                    .leaving = leaving,
                                    .frozen = frozen};

    for (size_t i = 0; i < 3; i++) {
        signatures[i] = buf_span(&n->signatures[i]);
        leaving[i] = buf_span(&n->leaving[i]);
    }
    enum pt_code rc = quorum_check_change(&found, &c, &err);
    if (refusal == NULL && (rc != PT_OK || found != by))
        fail_msg("refused, or by others: %s", err.msg);
    if (refusal != NULL && (rc != PT_EDENIED || strstr(err.msg, refusal) == NULL))
        fail_msg("expected '%s', found '%s'", refusal, err.msg);
}

static void tightening_needs_one(void **state)
{
    static const struct fixture_change TIGHTER[] = {
        {"minimum_count: 100", "minimum_count: 200"},
        {"      - [freshmart.buys, homeware.buys]\n", ""},
    };
    struct next n;

    (void)state;
    next_make(&n, TIGHTER, PT_LEN(TIGHTER));
    expect_change(&n, false, QUORUM_ONE, "it needs one officer's signature and has none");
    sign_next(&n, "homeware");
    expect_change(&n, false, QUORUM_ONE, NULL);
    expect_change(&n, true, QUORUM_ONE, "the policy in force is frozen, and one officer alone");
    /* A wrong signature is no missing one: somebody is mistaken, or cheats. */
    sign_next(&n, "drinkco");
    n.signatures[0].p[n.signatures[0].n / 2] ^= 1;
    expect_change(&n, false, QUORUM_ONE, "not valid for this file: that of drinkco");
    sign_next(&n, "drinkco");
    sign_next(&n, "freshmart");
    expect_change(&n, true, QUORUM_ALL, NULL);
    next_free(&n);
}

static void all_else_needs_all(void **state)
{
    static const struct {
        struct fixture_change changes[2];
        size_t count;
        const char *refusal;
    } cases[] = {
        {{{"minimum_count: 100", "minimum_count: 99"}, {"days: 90", "days: 91"}},
         2,
         "privacy.minimum_count, line 77, is looser (smaller cells are shown)"},
        {{{"minimum_count: 100", "minimum_count: 101"}, {"JCA-2026-014", "JCA-2026-015"}},
         2,
         "legal.arrangement, line 10, is neutral"},
        {{{"minimum_count: 100", "minimum_count: 100 # the same"}},
         1,
         "nothing in it is tighter than in the policy in force"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct next n;
        next_make(&n, cases[i].changes, cases[i].count);
        sign_next(&n, "freshmart");
        sign_next(&n, "drinkco");
        expect_change(&n, false, QUORUM_ALL, cases[i].refusal);
        expect_change(&n, false, QUORUM_ALL, "no signature of homeware");
        sign_next(&n, "homeware");
        expect_change(&n, false, QUORUM_ALL, NULL);
        next_free(&n);
    }
}

static void who_leaves_says_so(void **state)
{
    static const struct fixture_change LEAVES[] = {
        {", homeware.segment]", "]"},
        {"      - [freshmart.buys, homeware.buys]\n", ""},
        {"      - [homeware.buys, drinkco.buys]\n", ""},
    };
    struct next n;

    (void)state;
    next_make(&n, LEAVES, PT_LEN(LEAVES));
    const char *text = (const char *)n.after.p;
    size_t from = (size_t)(strstr(text, "  homeware:\n") - text);
    size_t to = (size_t)(strstr(text, "questions:\n") - text);
    memmove(n.after.p + from, n.after.p + to, n.after.n - to);
    n.after.n -= to - from;
    policy_free(n.policy);
    n.policy = fixture_parse(buf_span(&n.after));
    sign_next(&n, "freshmart"); /* one of those who stay does not put another out */
    expect_change(&n, false, QUORUM_ONE, "homeware would leave the federation: that needs its own");
    sign_as(&n.leaving[policy_find_partner(n.current, "homeware")], &n, "freshmart");
    expect_change(&n, false, QUORUM_ONE, "homeware would leave the federation: that needs its own");
    buf_free(&n.signatures[policy_find_partner(n.policy, "freshmart")]);
    sign_next(&n, "homeware");
    expect_change(&n, false, QUORUM_ONE, NULL);
    /* All who stay may part with it without asking. */
    buf_free(&n.leaving[policy_find_partner(n.current, "homeware")]);
    sign_next(&n, "freshmart");
    sign_next(&n, "drinkco");
    expect_change(&n, false, QUORUM_ALL, NULL);
    next_free(&n);
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
        {fork3, v1, NULL}, /* a number may be left out; what counts is the file before */
        {v3, v1, "version 1 is running, the file is version 3: join the versions between"},
        {fork3, v2, "all partners must start from one file"},
        {other1, v1, "this home belongs to federation alpine, the file to pacific"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        enum pt_code rc = quorum_check_succession(cases[i].next, cases[i].current, NULL, &err);
        assert_int_equal(rc, cases[i].refusal == NULL ? PT_OK : PT_EDENIED);
        if (cases[i].refusal != NULL && strstr(err.msg, cases[i].refusal) == NULL)
            fail_msg("case %zu says: %s", i, err.msg);
    }
    /* Partners who tightened version 1 apart from each other come together under one that all
     * have signed: it names the file that all had. */
    assert_int_equal(quorum_check_succession(fork3, v2, &v1->hash, &err), PT_OK);
    assert_int_equal(quorum_check_succession(fork3, v2, &v3->hash, &err), PT_EDENIED);
    assert_int_equal(quorum_check_succession(fork2, v2, &v3->hash, &err), PT_EDENIED);
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
        cmocka_unit_test(tightening_needs_one),
        cmocka_unit_test(all_else_needs_all),
        cmocka_unit_test(who_leaves_says_so),
        cmocka_unit_test(dates_bound_it_to_the_second),
        cmocka_unit_test(versions_only_go_up_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
