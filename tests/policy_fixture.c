#include "tests/policy_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/base/text.h"

static const char *const NAMES[] = {"freshmart", "drinkco", "homeware"};

void fixture_partner_init(struct fixture_partner *out, size_t i, const char *name)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    uint8_t unused[crypto_sign_PUBLICKEYBYTES];

    *out = (struct fixture_partner){0};
    if (name != NULL)
        snprintf(out->name, sizeof out->name, "%s", name);
    else if (i < PT_LEN(NAMES))
        snprintf(out->name, sizeof out->name, "%s", NAMES[i]);
    else
        snprintf(out->name, sizeof out->name, "partner%zu", i);
    snprintf(out->endpoint, sizeof out->endpoint, "127.0.0.1:%zu", 7001 + i);
    memset(out->certificate.b, 0xA0 + (int)i, sizeof out->certificate.b);
    memset(seed, 0x10 + (int)i, sizeof seed);
    crypto_sign_seed_keypair(unused, out->node.b, seed);
    memset(seed, 0x40 + (int)i, sizeof seed);
    crypto_sign_seed_keypair(unused, out->officer.key, seed);
    memset(out->officer.id, 0x70 + (int)i, sizeof out->officer.id);
}

static void add_partner(struct buf *out, const struct fixture_partner *p)
{
    struct sign_public node;
    struct minisign_public officer;
    char officer_text[MINISIGN_PUBLIC_TEXT + 1];
    char node_text[65];
    char certificate[65];

    sign_key_public(&node, &p->node);
    minisign_key_public(&officer, &p->officer);
    minisign_public_print(officer_text, &officer);
    text_hex(node_text, node.b, sizeof node.b);
    text_hex(certificate, p->certificate.b, sizeof p->certificate.b);
    assert_true(buf_printf(out,
                           "  %s:\n%s    endpoint: %s\n    certificate: sha256:%s\n"
                           "    officer: %s\n    node: ed25519:%s\n",
                           p->name, p->neutral ? "    role: neutral\n" : "", p->endpoint,
                           certificate, officer_text, node_text));
    if (p->neutral)
        return;
    assert_true(buf_printf(
        out, "    customers: {min: 1, max: 1000000}\n"
             "    attributes:\n"
             "      segment: {type: category, values: [new, loyal, lapsed]}\n"
             "      buys: {type: set, values: [dairy, fruit, vegetables, bakery, meat, drinks, "
             "coffee, snacks, frozen, household], max_per_person: 3}\n"
             "      spend: {type: number, min: 0, max: 500, unit: EUR, combine: sum}\n"));
}

static void add_filters(struct buf *out, const struct fixture_partner *p, size_t count)
{
    const char *comma = "";

    assert_true(buf_printf(out, "filters: ["));
    for (size_t i = 0; i < count; i++) {
        if (p[i].neutral)
            continue;
        assert_true(buf_printf(out, "%s%s.segment, %s.buys, %s.spend", comma, p[i].name, p[i].name,
                               p[i].name));
        comma = ", ";
    }
    assert_true(buf_printf(out, "]"));
}

static size_t add_pair(struct buf *out, const char *comma, const char *a, const char *b)
{
    assert_true(buf_printf(out, "%s[%s, %s]", comma, a, b));
    return 1;
}

static void add_pairs(struct buf *out, const struct fixture_partner *p, size_t count)
{
    static const char *const SIDES[][2] = {
        {"buys", "buys"}, {"buys", "segment"}, {"segment", "buys"}};
    char a[80];
    char b[80];
    size_t added = 0;

    assert_true(buf_printf(out, "pairs: ["));
    for (size_t s = 0; s < PT_LEN(SIDES); s++)
        for (size_t i = 0; i < count; i++)
            for (size_t j = i + 1; j < count; j++) {
                if (p[i].neutral || p[j].neutral || added == POLICY_PAIRS_MAX)
                    continue;
                snprintf(a, sizeof a, "%s.%s", p[i].name, SIDES[s][0]);
                snprintf(b, sizeof b, "%s.%s", p[j].name, SIDES[s][1]);
                added += add_pair(out, added == 0 ? "" : ", ", a, b);
            }
    assert_true(buf_printf(out, "]"));
}

void fixture_policy_text(struct buf *out, const struct fixture_partner *partners, size_t count)
{
    *out = (struct buf){0};
    assert_true(buf_printf(out, "patto: 1\nfederation: test-federation\nversion: 1\n"
                                "purpose: joint-campaign-planning\n"
                                "legal:\n  basis: consent\n  arrangement: JCA-TEST\n"
                                "  dpia: DPIA-TEST\n  retention_days: 30\n"
                                "valid: {from: 2026-01-01, until: 2026-12-31}\n"
                                "match:\n  identifier: email\n  normalisation: uid2\n"
                                "  slots_per_customer: 4\npartners:\n"));
    for (size_t i = 0; i < count; i++)
        add_partner(out, &partners[i]);
    assert_true(buf_printf(out, "questions:\n"));
    for (int k = 0; k < QUESTION_VALUE; k++) {
        assert_true(
            buf_printf(out, "  %s: {ask: any, ", question_kind_name((enum question_kind)k)));
        add_filters(out, partners, count);
        if (k == QUESTION_CROSSTAB) {
            assert_true(buf_printf(out, ", "));
            add_pairs(out, partners, count);
        }
        assert_true(buf_printf(out, "}\n"));
    }
    assert_true(buf_printf(
        out,
        "privacy:\n  unit: person\n  minimum_count: 100\n  minimum_audience: 1000\n"
        "  budget: {rho: 0.2, delta: 1e-9, days: 90, daily_rho: 0.01, lifetime_rho: 1.0}\n"
        "  cost: {count_rho: 0.0005, table_rho: 0.002}\n"
        "audit: {witnesses: [%s], quorum: all}\n",
        partners[0].name));
}

struct policy *fixture_parse(struct span text)
{
    struct policy *p;
    struct pt_err err = {0};

    if (policy_parse(&p, text, &err) != PT_OK)
        fail_msg("fixture policy: %s", err.msg);
    return p;
}

struct policy *fixture_policy(size_t count)
{
    struct fixture_partner partners[POLICY_PARTNERS_MAX];
    struct buf text;

    assert_in_range(count, 2, POLICY_PARTNERS_MAX);
    for (size_t i = 0; i < count; i++)
        fixture_partner_init(&partners[i], i, NULL);
    fixture_policy_text(&text, partners, count);
    struct policy *p = fixture_parse(buf_span(&text));
    buf_free(&text);
    return p;
}

void fixture_read(struct buf *out, const char *path)
{
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");

    *out = (struct buf){0};
    if (f == NULL)
        fail_msg("%s cannot be opened", path);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        assert_true(buf_add(out, chunk, n));
    fclose(f);
}

void fixture_three_text(struct buf *out)
{
    fixture_read(out, "tests/policy/three.yaml");
}

struct policy *fixture_three(void)
{
    struct buf text;

    fixture_three_text(&text);
    struct policy *p = fixture_parse(buf_span(&text));
    buf_free(&text);
    return p;
}

void fixture_value_text(struct buf *out)
{
    fixture_three_text(out);
    fixture_replace(out, (struct fixture_change){"privacy:\n  unit",
                                                 "  value:\n"
                                                 "    ask: [freshmart, drinkco]\n"
                                                 "    filters: [freshmart.segment, drinkco.tier]\n"
                                                 "    pairs:\n"
                                                 "      - [freshmart.segment, drinkco.spend]\n"
                                                 "      - [drinkco.spend, freshmart.buys]\n"
                                                 "      - [drinkco.tier, freshmart.spend]\n"
                                                 "privacy:\n  unit"});
}

struct policy *fixture_value(void)
{
    struct buf text;

    fixture_value_text(&text);
    struct policy *p = fixture_parse(buf_span(&text));
    buf_free(&text);
    return p;
}

void fixture_replace(struct buf *text, struct fixture_change c)
{
    const uint8_t *at = memmem(text->p, text->n, c.from, strlen(c.from));
    struct buf out = {0};

    if (at == NULL)
        fail_msg("'%s' is not in the example", c.from);
    size_t head = (size_t)(at - text->p);
    size_t tail = head + strlen(c.from);
    assert_true(buf_add(&out, text->p, head) && buf_add(&out, c.to, strlen(c.to)) &&
                buf_add(&out, text->p + tail, text->n - tail));
    buf_free(text);
    *text = out;
}
