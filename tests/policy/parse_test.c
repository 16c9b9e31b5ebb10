/* Goal: the policy file means what it shows, and nothing else is accepted.
 * Method: a full valid file, read value by value; then one defect at a time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "tests/policy_fixture.h"

static void three_reads_as_written(void **state)
{
    struct policy *p = fixture_three();
    struct fixture_partner keys;
    struct sign_public node;
    static const char *const names[] = {"drinkco", "freshmart", "homeware"};
    static const size_t index[] = {1, 0, 2};

    (void)state;
    assert_string_equal(p->federation, "alpine-groceries");
    assert_int_equal(p->version, 1);
    assert_false(p->has_previous);
    assert_string_equal(p->purpose, "joint-campaign-planning");
    assert_string_equal(p->legal_contact, "privacy@freshmart.example");
    assert_int_equal(p->retention_days, 30);
    /* `date -u -d 2026-01-01 +%s` and the first second of 2027 */
    assert_int_equal(p->valid_from_s, 1767225600);
    assert_int_equal(p->valid_until_s, 1798761600);
    assert_int_equal(p->identifier, IDENTIFIER_EMAIL);
    assert_int_equal(p->rules, RULES_UID2);
    assert_int_equal(p->slots_per_customer, 4);
    assert_int_equal(p->key_period_days, 90);
    assert_int_equal(p->evaluations_per_day, 2000000);
    assert_false(p->publishable);
    assert_int_equal(p->partner_count, 3);
    for (size_t i = 0; i < 3; i++) {
        fixture_partner_init(&keys, index[i], NULL);
        sign_key_public(&node, &keys.node);
        assert_string_equal(p->partners[i].name, names[i]);
        assert_memory_equal(p->partners[i].node.b, node.b, sizeof node.b);
        assert_memory_equal(p->partners[i].officer.id, keys.officer.id, 8);
        assert_memory_equal(p->partners[i].officer.key, keys.officer.key + 32, 32);
        assert_memory_equal(p->partners[i].certificate.b, keys.certificate.b, 32);
        assert_string_equal(p->partners[i].endpoint, keys.endpoint);
        assert_false(p->partners[i].neutral);
    }
    assert_string_equal(p->partners[0].basis, "legitimate-interests");
    assert_string_equal(p->partners[1].basis, "");
    const struct policy_attribute *buys = &p->partners[1].attributes[1];
    assert_string_equal(buys->name, "buys");
    assert_int_equal(buys->type, ATTRIBUTE_SET);
    assert_int_equal(buys->value_count, 8);
    assert_int_equal(buys->max_per_person, 3);
    assert_int_equal(policy_find_value(buys, span_z("frozen")), 7);
    assert_int_equal(policy_find_value(buys, span_z("beer")), -1);
    const struct policy_attribute *spend = &p->partners[1].attributes[2];
    assert_int_equal(spend->type, ATTRIBUTE_NUMBER);
    assert_true(fabs(spend->max - 500.0) < 1e-9);
    assert_string_equal(spend->unit, "EUR");
    assert_int_equal(p->partners[1].attributes[0].max_per_person, 1);
    assert_int_equal(p->rule[QUESTION_OVERLAP].askers, 7);
    assert_int_equal(p->rule[QUESTION_REACH].askers, 3);
    assert_int_equal(p->rule[QUESTION_CROSSTAB].pair_count, 5);
    assert_int_equal(p->privacy.budget_rho_nano, 200000000);
    assert_int_equal(p->privacy.delta_atto, 1000000000);
    assert_int_equal(p->privacy.table_rho_nano, 2000000);
    assert_int_equal(p->privacy.reach_rho_nano, 1000000);
    assert_int_equal(p->witnesses, 3);
    assert_int_equal(p->witness_quorum, 2); /* all */
    policy_free(p);
}

static void the_generated_fixture_parses_for_every_size(void **state)
{
    (void)state;
    for (size_t n = 2; n <= POLICY_PARTNERS_MAX; n++) {
        struct policy *p = fixture_policy(n);
        assert_int_equal(p->partner_count, n);
        policy_free(p);
    }
}

/* three.yaml with its first `from` replaced by `to`. */
static void changed(struct buf *out, const char *from, const char *to)
{
    struct buf text;

    *out = (struct buf){0};
    fixture_three_text(&text);
    assert_true(buf_u8(&text, 0));
    const char *all = (const char *)text.p;
    const char *at = strstr(all, from);
    if (at == NULL)
        fail_msg("three.yaml holds no %s", from);
    else
        assert_true(buf_printf(out, "%.*s%s%s", (int)(at - all), all, to, at + strlen(from)));
    buf_free(&text);
}

static const struct defect {
    const char *from, *to, *says;
} DEFECTS[] = {
    /* keys */
    {"    attributes:\n      segment", "    atributes:\n      segment",
     "line 25, column 5: partners.freshmart: unknown key 'atributes', did you mean 'attributes'?; "
     "expected one of endpoint, certificate, officer, node, basis, customers, attributes"},
    {"federation: alpine", "federatoin: alpine",
     "line 3, column 1: unknown key 'federatoin', did you mean 'federation'?; expected one of "
     "patto, federation"},
    {"  unit: person", "  entirely_new_key_from_the_future_version: 1\n  unit: person",
     "privacy: unknown key 'entirely_new_key_from_the_future_version'; expected one of unit"},
    {"  dpia: DPIA-2026-031\n", "", "line 8, column 3: legal: missing key 'dpia'"},
    {"version: 1\n", "", "line 2, column 1: missing key 'version'"},
    {"audit: {witnesses", "audits: {witnesses", "unknown key 'audits', did you mean 'audit'?"},
    {"privacy:\n  unit: person", "privacy: 7\nx:\n  unit: person", "unknown key 'x'"},
    {"legal:\n  basis", "legal: [1]\nx:\n  basis", "unknown key 'x'"},
    {"valid: {from: 2026-01-01, until: 2026-12-31}", "valid: 2026",
     "line 13, column 8: valid: expected a map of keys, found '2026'"},
    {"valid: {from: 2026-01-01, until: 2026-12-31}",
     "valid:", "valid: expected a map of keys, found nothing"},
    /* top level */
    {"patto: 1", "patto: 2",
     "line 2, column 8: patto: expected a whole number from 1 to 1, found '2'"},
    {"federation: alpine-groceries", "federation: Alpine",
     "federation: expected a name: a-z, then a-z, 0-9, '_' or '-', at most 32 characters, found "
     "'Alpine'"},
    {"federation: alpine-groceries", "federation: a234567890123456789012345678901234",
     "federation: expected a name"},
    {"federation: alpine-groceries", "federation: [a]",
     "expected a name: a-z, then a-z, 0-9, '_' "
     "or '-', at most 32 characters, found a "
     "list"},
    {"federation: alpine-groceries", "federation: al*ine", "federation: expected a name"},
    {"federation: alpine-groceries", "federation: ''", "found an empty text"},
    {"version: 1\n", "version: 0\n",
     "version: expected a whole number from 1 to 1000000000, found '0'"},
    {"version: 1\n", "version: 1.0\n", "found '1.0'"},
    {"version: 1\n", "version: -1\n", "found '-1'"},
    {"version: 1\n", "version: 4294967297\n", "found '4294967297'"},
    {"version: 1\n", "version: 99999999999999999999\n", "found '99999999999999999999'"},
    {"version: 1\n", "version: \"1\"\n", "found '1'"},
    {"version: 1\n", "version: {a: b}\n", "found a map"},
    {"version: 1\n", "version: 2\n",
     "line 4, column 10: version: version 2 must name the file before it as previous: sha256:"},
    {"version: 1\n", "version: 1\nprevious: sha256:00\n",
     "previous: expected sha256: and 64 hex digits, found 'sha256:00'"},
    {"version: 1\n", "version: 1\nprevious: [a]\n", "previous: expected sha256: and 64 hex digits"},
    {"version: 1\n",
     "version: 1\nprevious: "
     "sha256:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0\n",
     "version: version 1 is the first: leave 'previous' out"},
    {"purpose: joint-campaign-planning", "purpose: joint-campaign-planing",
     "purpose: expected one of joint-campaign-planning, audience-overlap, market-research, "
     "measurement, churn-prevention, product-development, found 'joint-campaign-planing', did you "
     "mean 'joint-campaign-planning'?"},
    {"purpose: joint-campaign-planning", "purpose: [measurement]", "found a list"},
    {"  basis: consent", "  basis: ' consent'", "legal.basis: expected one line of 1 to 200 bytes"},
    {"  basis: consent", "  basis: \"con\\nsent\"", "found 'con?sent'"},
    {"  basis: consent", "  basis: \"con\\u0085sent\"", "legal.basis: expected one line"},
    {"  basis: consent", "  basis: \"con\\u202esent\"", "legal.basis: expected one line"},
    {"  basis: consent", "  basis: \"con\\x7Fsent\"", "legal.basis: expected one line"},
    {"  basis: consent", "  basis: \"con\\0sent\"", "legal.basis: expected one line"},
    {"  basis: consent", "  basis: {}", "legal.basis: expected one line"},
    {"retention_days: 30", "retention_days: 0", "from 1 to 3650, found '0'"},
    {"retention_days: 30", "retention_days: 3651", "from 1 to 3650, found '3651'"},
    /* dates */
    {"from: 2026-01-01", "from: 2026-02-30",
     "line 13, column 15: valid.from: expected a date such as 2026-12-01, found '2026-02-30'"},
    {"from: 2026-01-01", "from: [2026]", "valid.from: expected a date"},
    {"from: 2026-01-01", "from: 2027-01-01", "valid: until is before from"},
    {"from: 2026-01-01", "from: 2025-11-26", "valid: 401 days; a policy holds for at most 400"},
    /* match */
    {"identifier: email", "identifier: e-mail",
     "match.identifier: expected one of email, phone, found 'e-mail', did you mean 'email'?"},
    {"normalisation: uid2", "normalisation: none", "one of uid2, google, meta, lowercase"},
    {"slots_per_customer: 4", "slots_per_customer: 3",
     "match.slots_per_customer: expected 2, 4 or 8, found 3"},
    {"slots_per_customer: 4", "slots_per_customer: 9", "from 2 to 8, found '9'"},
    {"slots_per_customer: 4", "slots_per_customer: 4\n  key_period_days: 29", "from 30 to 90"},
    {"slots_per_customer: 4", "slots_per_customer: 4\n  evaluations_per_day: 0", "from 1 to 10000"},
    {"legal:", "publishable: yes\nlegal:", "publishable: expected true or false, found 'yes'"},
    {"legal:", "publishable: 'true'\nlegal:", "publishable: expected true or false"},
    {"legal:", "publishable: true\nlegal:", "publishable: answers that may be published are not"},
    {"legal:", "publishable: [true]\nlegal:", "publishable: expected true or false, found a list"},
    /* partners */
    {"  freshmart:\n", "  Freshmart:\n", "line 19, column 3: partners.Freshmart: expected a name"},
    {"  drinkco:\n", "  freshmart:\n",
     "line 32, column 3: this key is set twice; it is also on line 19"},
    {"127.0.0.1:7001", "127.0.0.1",
     "partners.freshmart.endpoint: expected host:port, port from 1 to 65535"},
    {"127.0.0.1:7001", "127.0.0.1:0", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "127.0.0.1:65536", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "127.0.0.1:070001", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "'127.0.0.1:'", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "':7001'", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "bad_host:7001", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "'[::g]:7001'", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "'[]:7001'", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "'[::1:7001'", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "'::1]:7001'", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "'::1:7001'", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "\"a\\0b:7001\"", "endpoint: expected host:port"},
    {"127.0.0.1:7001", "[a]", "endpoint: expected host:port"},
    {"127.0.0.1:7002", "127.0.0.1:7001",
     "line 33, column 5: partners.drinkco: endpoint is the same as that of freshmart"},
    {"sha256:a1a1", "sha256:a1a", "partners.drinkco.certificate: expected sha256: and 64 hex"},
    {"sha256:a1a1", "sha512:a1a1", "partners.drinkco.certificate: expected sha256: and 64 hex"},
    {"sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
     "sha256:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0",
     "partners.drinkco: certificate is the same as that of freshmart"},
    {"RWRxcXFxcXFxcduZX+JRadFByrm7upK6oB+fLh7OffTLKsBRkPN/zB+d",
     "RWRwcHBwcHBwcGd6dNlk5KhP+lAlqLVTe1xKN61tFG6FR4Osc0aEogfE",
     "partners.drinkco: officer is the same as that of freshmart"},
    {"RWRxcXFxcXFxcduZ", "RURxcXFxcXFxcduZ",
     "partners.drinkco.officer: expected a minisign public key (RW...), found 'RURx"},
    {"officer: RWRx", "officer: [a]\n    x: RWRx", "partners.drinkco: unknown key 'x'"},
    {"RWRxcXFxcXFxcduZX+JRadFByrm7upK6oB+fLh7OffTLKsBRkPN/zB+d", "{}",
     "officer: expected a minisign public key (RW...), found a map"},
    {"ed25519:d04a", "ed25519:xx4a", "partners.drinkco.node: expected ed25519: and 64 hex digits"},
    {"ed25519:d04a", "rsa:d04a", "partners.drinkco.node: expected ed25519: and 64 hex digits"},
    {"ed25519:d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737",
     "ed25519:5c9c6df261c9cb840475776aaefcd944b405328fab28f9b3a95ef40490d3de84",
     "partners.drinkco: node is the same as that of freshmart"},
    {"ed25519:d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737", "[a]",
     "node: expected ed25519: and 64 hex digits, found a list"},
    {"customers: {min: 1, max: 1000000}", "customers: {min: 9, max: 8}",
     "partners.freshmart.customers: min is more than max"},
    {"customers: {min: 1, max: 1000000}", "customers: {min: 1}", "missing key 'max'"},
    {"    customers: {min: 1, max: 1000000}", "    role: neutral",
     "line 25, column 5: partners.freshmart: unknown key 'attributes'; expected one of role, "
     "endpoint, certificate, officer, node"},
    {"    basis: legitimate-interests\n    customers", "    role: witness\n    customers",
     "unknown key 'customers'"},
    /* attributes */
    {"type: category, values: [new, loyal, lapsed]", "type: categroy, values: [new, loyal, lapsed]",
     "partners.freshmart.attributes.segment.type: expected one of category, set, number, found "
     "'categroy', did you mean 'category'?"},
    {"{type: category, values: [new, loyal, lapsed]}", "{values: [new, loyal, lapsed]}",
     "line 26, column 16: partners.freshmart.attributes.segment: missing key 'type'"},
    {"{type: category, values: [new, loyal, lapsed]}", "[a]",
     "expected a map of keys, found a list"},
    {"type: category, values: [new, loyal, lapsed]",
     "type: category, values: [a], max_per_person: 1",
     "segment: unknown key 'max_per_person'; expected one of type, values"},
    {"values: [new, loyal, lapsed]", "values: []", "expected a list of 1 to 256 entries, found 0"},
    {"values: [new, loyal, lapsed]", "values: new", "values: expected a list, found 'new'"},
    {"[new, loyal, lapsed]", "[new, loyal, new]", "the value 'new' is listed twice"},
    {"[new, loyal, lapsed]", "['a=b']",
     "expected a value of 1 to 64 bytes without '=', ',' and ';', found 'a=b'"},
    {"[new, loyal, lapsed]", "['a,b']", "expected a value of 1 to 64 bytes"},
    {"[new, loyal, lapsed]", "['a;b']", "expected a value of 1 to 64 bytes"},
    {"[new, loyal, lapsed]", "[\"a\\tb\"]", "expected a value of 1 to 64 bytes"},
    {"[new, loyal, lapsed]", "[' a']", "expected a value of 1 to 64 bytes"},
    {"[new, loyal, lapsed]", "['a ']", "expected a value of 1 to 64 bytes"},
    {"[new, loyal, lapsed]", "[[a]]", "expected a value of 1 to 64 bytes"},
    {"[new, loyal, lapsed]", "[a1234567890123456789012345678901234567890123456789012345678901234]",
     "found 'a123456789012345678901234567890123456789...'"},
    {"max_per_person: 3", "max_per_person: 9",
     "buys.max_per_person: expected a whole number from 1 to 8, found '9'"},
    {"max_per_person: 3", "max_per_person: 0", "from 1 to 8, found '0'"},
    {"      spend: {", "      9spend: {", "partners.freshmart.attributes.9spend: expected a name"},
    {"min: 0, max: 500", "min: 500, max: 500", "attributes.spend: min must be less than max"},
    {"min: 0, max: 500", "min: 0, max: 5x", "spend.max: expected a number with at most 6 decimals"},
    {"min: 0, max: 500", "min: '0', max: 5",
     "spend.min: expected a number with at most 6 decimals"},
    {"min: 0, max: 500", "min: [0], max: 5",
     "spend.min: expected a number with at most 6 decimals"},
    {"min: 0, max: 500", "min: -1000000000001, max: 5", "spend.min: expected a number"},
    {"min: 0, max: 500", "min: 0.0000001, max: 5", "spend.min: expected a number"},
    {"unit: EUR", "unit: a-unit-longer-than-16", "spend.unit: expected one line of 1 to 16 bytes"},
    {", combine: sum", "", "spend: missing key 'combine'"},
    {"combine: sum", "combine: total", "combine: expected one of sum, mean, max, last"},
    /* questions */
    {"    ask: any\n", "    ask: all\n",
     "line 61, column 10: questions.overlap.ask: expected any, or a list of partners, found 'all'"},
    {"ask: [freshmart, drinkco]", "ask: [freshmart, drinkko]",
     "line 64, column 28: questions.reach.ask: expected a name under partners, found 'drinkko', "
     "did "
     "you mean 'drinkco'?"},
    {"ask: [freshmart, drinkco]", "ask: [freshmart, a-name-of-more-than-thirty-two-letters]",
     "questions.reach.ask: expected a name under partners, found 'a-name-of-more-than"},
    {"filters: [freshmart.segment, drinkco.tier]}",
     "filters: [freshmart.a-name-of-more-than-thirty-two-letters]}",
     "questions.reach.filters: expected an attribute of freshmart after the dot, found"},
    {"ask: [freshmart, drinkco]", "ask: [freshmart]", "expected a list of 2 to 3 entries, found 1"},
    {"ask: [freshmart, drinkco]", "ask: [freshmart, freshmart]", "freshmart is listed twice"},
    {"ask: [freshmart, drinkco]", "ask: [freshmart, [drinkco]]",
     "expected a name under partners, found a list"},
    {"  reach: {ask", "  reech: {ask",
     "questions: unknown key 'reech', did you mean 'reach'?; expected one of overlap, reach, "
     "crosstab"},
    {"  reach: {ask", "  affinity: {ask", "questions: unknown key 'affinity'; expected one of"},
    {"filters: [freshmart.segment, drinkco.tier]}", "filters: [freshmart.segmnt]}",
     "questions.reach.filters: expected an attribute of freshmart after the dot, found "
     "'freshmart.segmnt', did you mean 'segment'?"},
    {"filters: [freshmart.segment, drinkco.tier]}", "filters: [segment]}",
     "expected partner.attribute, found 'segment'"},
    {"filters: [freshmart.segment, drinkco.tier]}", "filters: [[a]]}",
     "expected partner.attribute, found a list"},
    {"filters: [freshmart.segment, drinkco.tier]}", "filters: [nobody.tier]}",
     "expected a name under partners, found 'nobody.tier'"},
    {"filters: [freshmart.segment, drinkco.tier]}", "filters: [drinkco.tier, drinkco.tier]}",
     "questions.reach.filters: listed twice"},
    {"filters: [freshmart.segment, drinkco.tier]}", "filters: drinkco.tier}",
     "filters: expected a list, found 'drinkco.tier'"},
    {"filters: [freshmart.segment, drinkco.tier]}", "pairs: []}", "reach: unknown key 'pairs'"},
    {"- [freshmart.segment, drinkco.tier]", "- [freshmart.segment]",
     "questions.crosstab.pairs: expected a list of 2 to 2 entries, found 1"},
    {"- [freshmart.segment, drinkco.tier]", "- [freshmart.spend, drinkco.tier]",
     "questions.crosstab.pairs: spend is a number; a table needs a category or a set"},
    {"- [freshmart.segment, drinkco.tier]", "- [freshmart.segment, freshmart.buys]",
     "pairs: both attributes are of freshmart; a pair joins two partners"},
    {"- [freshmart.segment, drinkco.tier]", "- [drinkco.buys, freshmart.buys]",
     "pairs: this pair is listed twice"},
    {"- [freshmart.segment, drinkco.tier]", "- [freshmart.buys, drinkco.buys]",
     "pairs: this pair is listed twice"},
    {"- [freshmart.segment, drinkco.tier]", "- [freshmart.segment, nobody.tier]",
     "expected a name under partners"},
    {"    pairs:\n", "    pairs: 7\nx:\n", "unknown key 'x'"},
    {"crosstab:\n    ask: any\n", "crosstab:\n    ask: any\n    pears: 1\n",
     "did you mean 'pairs'?"},
    /* privacy */
    {"unit: person", "unit: household", "privacy.unit: expected person, found 'household'"},
    {"minimum_count: 100", "minimum_count: 0",
     "privacy.minimum_count: expected a whole number from 1"},
    {"rho: 0.2,", "rho: 0,",
     "privacy.budget.rho: expected a number from 0.000000001 to 10, found '0'"},
    {"rho: 0.2,", "rho: 10.1,", "from 0.000000001 to 10, found '10.1'"},
    {"rho: 0.2,", "rho: 0.2000000001,", "found '0.2000000001'"},
    {"rho: 0.2,", "rho: x,", "found 'x'"},
    {"rho: 0.2,", "rho: -0.2,", "found '-0.2'"},
    {"delta: 1e-9", "delta: 0.5",
     "privacy.budget.delta: expected a number from 0.000000000000001 to 0.00001"},
    {"daily_rho: 0.01", "daily_rho: 0.3", "privacy.budget: daily_rho is more than rho"},
    {"lifetime_rho: 1.0", "lifetime_rho: 0.1", "privacy.budget: rho is more than lifetime_rho"},
    {"days: 90", "days: 401", "privacy.budget.days: expected a whole number from 1 to 400"},
    {"count_rho: 0.0005", "count_rho: 0.0000009", "from 0.000001 to 10, found '0.0000009'"},
    {", table_rho: 0.002", "", "privacy.cost: missing key 'table_rho'"},
    /* audit */
    {"witnesses: [freshmart, drinkco]", "witnesses: [freshmart, nobody]",
     "audit.witnesses: expected a name under partners, found 'nobody'"},
    {"witnesses: [freshmart, drinkco]", "witnesses: []",
     "expected a list of 1 to 3 entries, found 0"},
    {"quorum: all", "quorum: 3",
     "audit.quorum: expected all, or 1 to 2 of the witnesses, found '3'"},
    {"quorum: all", "quorum: 0", "audit.quorum: expected all, or 1 to 2 of the witnesses"},
    {"quorum: all", "quorum: most", "of the witnesses, found 'most'"},
    {"quorum: all", "quorum: [all]", "of the witnesses, found a list"},
};

static void one_defect_one_sentence(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < PT_LEN(DEFECTS); i++) {
        const struct defect *d = &DEFECTS[i];
        struct buf text;
        struct policy *p;
        struct pt_err err = {0};
        changed(&text, d->from, d->to);
        enum pt_code rc = policy_parse(&p, buf_span(&text), &err);
        if (rc != PT_EPARSE || p != NULL || strstr(err.msg, d->says) == NULL ||
            strncmp(err.msg, "line ", 5) != 0) {
            print_error("%s\n    says (%d): %s\n", d->to, rc, err.msg);
            wrong++;
        }
        buf_free(&text);
    }
    assert_int_equal(wrong, 0);
}

/* What the example leaves to its defaults, and other spellings of the same. */
static void what_is_optional_may_be_said(void **state)
{
    struct buf text;

    (void)state;
    changed(&text, "slots_per_customer: 4",
            "slots_per_customer: 8\n  key_period_days: 30\n  evaluations_per_day: 500");
    struct policy *p = fixture_parse(buf_span(&text));
    assert_int_equal(p->slots_per_customer, 8);
    assert_int_equal(p->key_period_days, 30);
    assert_int_equal(p->evaluations_per_day, 500);
    policy_free(p);
    buf_free(&text);

    changed(&text, "table_rho: 0.002}", "table_rho: 2e-3, reach_rho: 0.004}\n");
    p = fixture_parse(buf_span(&text));
    assert_int_equal(p->privacy.reach_rho_nano, 4000000);
    assert_int_equal(p->privacy.table_rho_nano, 2000000);
    policy_free(p);
    buf_free(&text);

    changed(&text, "legal:", "publishable: false\nlegal:");
    p = fixture_parse(buf_span(&text));
    assert_false(p->publishable);
    policy_free(p);
    buf_free(&text);

    changed(&text, "min: 0, max: 500, unit: EUR", "min: -12.5, max: 0.000001");
    p = fixture_parse(buf_span(&text));
    assert_true(fabs(p->partners[1].attributes[2].min + 12.5) < 1e-12);
    assert_true(fabs(p->partners[1].attributes[2].max - 1e-6) < 1e-15);
    assert_string_equal(p->partners[1].attributes[2].unit, "");
    policy_free(p);
    buf_free(&text);

    changed(&text, "127.0.0.1:7001", "'[2001:db8::1]:65535'");
    p = fixture_parse(buf_span(&text));
    assert_string_equal(p->partners[1].endpoint, "[2001:db8::1]:65535");
    policy_free(p);
    buf_free(&text);

    changed(&text, "version: 1\n",
            "version: 4\nprevious: "
            "SHA\n");
    struct pt_err err;
    assert_int_equal(policy_parse(&p, buf_span(&text), &err), PT_EPARSE);
    buf_free(&text);
    changed(&text, "version: 1\n",
            "version: 4\nprevious: "
            "sha256:A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a001\n");
    p = fixture_parse(buf_span(&text));
    assert_true(p->has_previous);
    assert_int_equal(p->previous.b[0], 0xA0);
    assert_int_equal(p->previous.b[31], 1);
    policy_free(p);
    buf_free(&text);
}

/* Groups first, the number second, however the file has them. */
static void a_value_is_a_group_and_a_number(void **state)
{
    static const struct fixture_change BAD[] = {
        {"[freshmart.segment, drinkco.spend]", "[freshmart.segment, drinkco.tier]"},
        {"[freshmart.segment, drinkco.spend]", "[freshmart.spend, drinkco.spend]"},
        {"[freshmart.segment, drinkco.spend]", "[freshmart.segment, freshmart.spend]"},
        {"[freshmart.segment, drinkco.spend]", "[drinkco.spend, freshmart.buys]"},
        {"[freshmart.segment, drinkco.spend]", "[drinkco.spend]"},
        {"    filters: [freshmart.segment, drinkco.tier]\n    pairs:\n      - [freshmart.segment, "
         "drinkco.spend]",
         "    numbers: []\n    pairs:\n      - [freshmart.segment, drinkco.spend]"},
    };
    static const char *const SAYS[PT_LEN(BAD)] = {
        "line 78, column 9: questions.value.pairs: expected a category or a set of one partner and "
        "a number of another",
        "line 78, column 9: questions.value.pairs: expected a category or a set of one partner and "
        "a number of another",
        "both attributes are of freshmart; a pair joins two partners",
        "this pair is listed twice",
        "questions.value.pairs: expected a list of 2",
        "questions.value: unknown key 'numbers'",
    };
    struct policy *p = fixture_value();
    const struct policy_rule *r = &p->rule[QUESTION_VALUE];
    struct pt_err err = {0};

    (void)state;
    assert_true(r->present);
    assert_int_equal(r->line, 74);
    assert_int_equal(r->pairs_line, 77);
    assert_int_equal(r->pair_count, 3);
    for (size_t i = 0; i < r->pair_count; i++) {
        assert_int_equal(r->pairs[i].a.partner, i < 2 ? 1 : 0); /* names in order: drinkco is 0 */
        assert_int_equal(
            p->partners[r->pairs[i].b.partner].attributes[r->pairs[i].b.attribute].type,
            ATTRIBUTE_NUMBER);
    }
    policy_free(p);
    for (size_t i = 0; i < PT_LEN(BAD); i++) {
        struct buf text;
        fixture_value_text(&text);
        fixture_replace(&text, BAD[i]);
        assert_int_equal(policy_parse(&p, buf_span(&text), &err), PT_EPARSE);
        if (strstr(err.msg, SAYS[i]) == NULL)
            fail_msg("'%s' does not say '%s'", err.msg, SAYS[i]);
        buf_free(&text);
    }
}

static void the_hash_is_that_of_the_bytes(void **state)
{
    struct buf text;
    struct policy *a;
    struct policy *b;

    (void)state;
    a = fixture_three();
    changed(&text, "# Three", "# three"); /* a comment is signed, too */
    b = fixture_parse(buf_span(&text));
    assert_memory_not_equal(a->hash.b, b->hash.b, sizeof a->hash.b);
    policy_free(a);
    policy_free(b);
    buf_free(&text);
}

static void neutral_partners_have_no_customers(void **state)
{
    struct fixture_partner partners[4];
    struct buf text;
    struct policy *p;
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        fixture_partner_init(&partners[i], i, NULL);
    snprintf(partners[3].name, sizeof partners[3].name, "auditor");
    partners[3].neutral = true;
    fixture_policy_text(&text, partners, 4);
    p = fixture_parse(buf_span(&text)); /* auditor, drinkco, freshmart, homeware */
    assert_true(p->partners[0].neutral);
    assert_int_equal(p->partners[0].attribute_count, 0);
    assert_int_equal(p->rule[QUESTION_OVERLAP].askers, 14); /* any: those with customers */
    policy_free(p);
    /* A neutral partner cannot be named as one who asks. */
    char *any = strstr((char *)text.p, "ask: any");
    assert_non_null(any);
    struct buf named = {0};
    assert_true(buf_printf(&named, "%.*sask: [auditor, drinkco]%.*s", (int)(any - (char *)text.p),
                           (char *)text.p, (int)(text.n - (size_t)(any + 8 - (char *)text.p)),
                           any + 8));
    assert_int_equal(policy_parse(&p, buf_span(&named), &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "auditor is neutral: it has no customers to ask about"));
    buf_free(&named);
    buf_free(&text);
    /* One company alone is no federation, whoever watches. */
    partners[1].neutral = true;
    partners[2].neutral = true;
    fixture_policy_text(&text, partners, 4);
    assert_int_equal(policy_parse(&p, buf_span(&text), &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "expected 2 to 8 partners with customers, found 1"));
    buf_free(&text);
}

static void numbers_of_things_are_bounded(void **state)
{
    struct fixture_partner partners[17];
    struct buf text;
    struct policy *p;
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(partners); i++)
        fixture_partner_init(&partners[i], i, NULL);
    fixture_policy_text(&text, partners, 9);
    assert_int_equal(policy_parse(&p, buf_span(&text), &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "expected 2 to 8 partners with customers, found 9"));
    buf_free(&text);
    for (size_t i = 2; i < 11; i++)
        partners[i].neutral = true;
    fixture_policy_text(&text, partners, 11);
    assert_int_equal(policy_parse(&p, buf_span(&text), &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "at most 8 neutral partners, found 9"));
    buf_free(&text);
    fixture_policy_text(&text, partners, 17);
    assert_int_equal(policy_parse(&p, buf_span(&text), &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "17 partners; at most 16 are accepted"));
    buf_free(&text);
    changed(&text, "partners:\n", "partners: none\nx:\n");
    assert_int_equal(policy_parse(&p, buf_span(&text), &err), PT_EPARSE);
    buf_free(&text);

    struct buf large = {0};
    fixture_three_text(&text);
    assert_true(buf_add(&large, text.p, text.n));
    while (large.n < POLICY_FILE_MAX)
        assert_true(buf_u8(&large, '#'));
    p = fixture_parse(buf_span(&large)); /* exactly at the limit */
    policy_free(p);
    assert_true(buf_u8(&large, '#'));
    assert_int_equal(policy_parse(&p, buf_span(&large), &err), PT_ELIMIT);
    assert_string_equal(err.msg, "a policy of 1048577 bytes; at most 1048576 are read");
    buf_free(&large);
    buf_free(&text);
    policy_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_reads_as_written),
        cmocka_unit_test(the_generated_fixture_parses_for_every_size),
        cmocka_unit_test(one_defect_one_sentence),
        cmocka_unit_test(what_is_optional_may_be_said),
        cmocka_unit_test(a_value_is_a_group_and_a_number),
        cmocka_unit_test(the_hash_is_that_of_the_bytes),
        cmocka_unit_test(neutral_partners_have_no_customers),
        cmocka_unit_test(numbers_of_things_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
