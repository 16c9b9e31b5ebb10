/* Goal: every rule fires on the defect it is about and not without it, and says the line.
 * Method: tests/policy/three.yaml with one change a rule; a rule that no row here makes fire, or
 * none keeps silent, fails the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "policy/lint.h"
#include "tests/policy_fixture.h"

enum { RULES_MIN = 40, RULES_MAX = 100 };
static const int64_t NOW_S = 1782000000; /* 2026-06-21 */

/* Everything about which the example as it stands would have findings, put right. */
static const struct fixture_change RIGHT[] = {
    {"127.0.0.1:7001", "node.freshmart.example:7443"},
    {"127.0.0.1:7002", "node.drinkco.example:7443"},
    {"127.0.0.1:7003", "node.homeware.example:7443"},
    {"    basis: legitimate-interests\n", ""},
    {"valid: {from: 2026-01-01, until: 2026-12-31}",
     "valid: {from: 2026-03-01, until: 2026-11-30}"},
    {"customers: {min: 1, max: 1000000}", "customers: {min: 5000, max: 1000000}"},
    {"customers: {min: 1, max: 1000000}", "customers: {min: 5000, max: 1000000}"},
    {"customers: {min: 1, max: 1000000}", "customers: {min: 5000, max: 1000000}"},
    {"rho: 0.2, delta", "rho: 0.05, delta"},
    {"lifetime_rho: 1.0", "lifetime_rho: 0.2"},
    {"    filters: [freshmart.segment, freshmart.buys, freshmart.spend, drinkco.tier, "
     "drinkco.buys,\n"
     "              drinkco.spend, homeware.segment]",
     "    filters: [freshmart.segment, drinkco.tier, homeware.segment]"},
    {"      spend: {type: number, min: 0, max: 500, unit: EUR, combine: sum}\n", ""},
    {"      spend: {type: number, min: 0, max: 300, unit: EUR, combine: sum}\n", ""},
    {"      spend: {type: number, min: 0, max: 800, unit: EUR, combine: sum}\n", ""},
    {"witnesses: [freshmart, drinkco]", "witnesses: [freshmart, drinkco, homeware, notary]"},
    {"questions:\n",
     "  notary:\n    role: neutral\n    endpoint: node.notary.example:7443\n"
     "    certificate: sha256:a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3\n"
     "    officer: RWRzc3Nzc3NzcyFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsT\n"
     "    node: ed25519:304040e364c10f2bec9c1fe500a1cd4c247c89d650a01ed7e82caba867877c21\n"
     "questions:\n"},
};

static void make_text(struct buf *out, const struct fixture_change *more, size_t count)
{
    fixture_three_text(out);
    for (size_t i = 0; i < PT_LEN(RIGHT); i++)
        fixture_replace(out, RIGHT[i]);
    for (size_t i = 0; i < count && more[i].from != NULL; i++)
        fixture_replace(out, more[i]);
}

static uint32_t lines_of(struct span s)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

static void run_text(struct lint_report *out, const struct buf *text, const struct span *signatures)
{
    struct pt_err err = {0};
    struct policy *p = fixture_parse(buf_span(text));
    const struct lint_in in = {
        .policy = p, .file = buf_span(text), .signatures = signatures, .now_s = NOW_S};

    assert_int_equal(lint_run(out, &in, &err), PT_OK);
    for (size_t i = 0; i < out->count; i++)
        assert_true(out->findings[i].line <= lines_of(buf_span(text)));
    policy_free(p);
}

static const struct lint_finding *found(const struct lint_report *r, const char *id)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->findings[i].rule->id, id) == 0)
            return &r->findings[i];
    return NULL;
}

static void the_table_is_whole(void **state)
{
    (void)state;
    assert_in_range(lint_rule_count(), RULES_MIN, RULES_MAX);
    for (size_t i = 0; i < lint_rule_count(); i++) {
        const struct lint_rule *r = lint_rule_at(i);
        assert_true(strlen(r->id) == 4 && r->id[0] == 'P');
        assert_true(i == 0 || strcmp(r->id, lint_rule_at(i - 1)->id) > 0);
        assert_true(strlen(r->title) > 5 && strlen(r->advice) > 10 && strlen(r->source) > 3);
        assert_non_null(r->test);
    }
    assert_null(lint_rule_at(lint_rule_count()));
    assert_string_equal(lint_severity_name(LINT_NOTE), "note");
    assert_string_equal(lint_severity_name(LINT_WARNING), "warning");
    assert_string_equal(lint_severity_name(LINT_ERROR), "error");
    assert_string_equal(lint_severity_name((enum lint_severity)9), "error"); /* fails closed */
}

static void a_policy_in_order_has_no_findings(void **state)
{
    struct lint_report r;
    struct buf text = {0};

    (void)state;
    make_text(&text, NULL, 0);
    run_text(&r, &text, NULL);
    for (size_t i = 0; i < r.count; i++)
        print_message("%s line %u: %s\n", r.findings[i].rule->id, (unsigned)r.findings[i].line,
                      r.findings[i].what);
    assert_int_equal(r.count, 0);
    lint_report_free(&r);
    buf_free(&text);
}

/* One defect a row, in a policy that is otherwise in order. `says`: a part of the finding. */
static const struct {
    const char *id, *says;
    struct fixture_change change[2];
} CASES[] = {
    {"P002", "has expired", {{"until: 2026-11-30", "until: 2026-05-01"}}},
    {"P003", "valid for 3", {{"from: 2026-03-01", "from: 2025-11-01"}}},
    {"P004", "ends in ", {{"until: 2026-11-30", "until: 2026-07-01"}}},
    {"P005",
     "is the word",
     {{"purpose_words: Plan the 2026 summer campaign together, without sharing customers.\n", ""}}},
    {"P006",
     "told in 4 letters",
     {{"Plan the 2026 summer campaign together, without sharing customers.", "Plan"}}},
    {"P007", "legal basis is \"none\"", {{"basis: consent", "basis: none"}}},
    {"P008", "arrangement", {{"arrangement: JCA-2026-014", "arrangement: TBD"}}},
    {"P009", "impact assessment is \"n/a\"", {{"dpia: DPIA-2026-031", "dpia: n/a"}}},
    {"P010", "no contact point", {{"  contact: privacy@freshmart.example\n", ""}}},
    {"P011", "kept for 120 days", {{"retention_days: 30", "retention_days: 120"}}},
    {"P012", "kept for 900 days", {{"retention_days: 30", "retention_days: 900"}}},
    {"P013", "legitimate", {{"basis: consent", "basis: legitimate interests"}}},
    {"P014",
     "drinkco relies on \"contract\"",
     {{"    certificate: sha256:a1", "    basis: contract\n    certificate: sha256:a1"}}},
    {"P015",
     "officer's key of drinkco is the node's key of drinkco",
     {{"ed25519:d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737",
       "ed25519:db995fe25169d141cab9bbba92baa01f9f2e1ece7df4cb2ac05190f37fcc1f9d"}}},
    {"P016", "which others cannot reach", {{"node.drinkco.example:7443", "localhost:7443"}}},
    {"P017", "a private address", {{"node.drinkco.example:7443", "10.1.2.3:7443"}}},
    {"P018", "are on one host", {{"node.drinkco.example:7443", "node.freshmart.example:7444"}}},
    {"P019",
     "the only witness",
     {{"witnesses: [freshmart, drinkco, homeware, notary]", "witnesses: [drinkco]"}}},
    {"P020", "are partners themselves", {{"homeware, notary]", "homeware]"}}},
    {"P021", "homeware is no witness", {{"drinkco, homeware, notary]", "drinkco, notary]"}}},
    {"P030", "counts from 5 people", {{"minimum_count: 100", "minimum_count: 5"}}},
    {"P031", "counts from 30 people", {{"minimum_count: 100", "minimum_count: 30"}}},
    {"P032", "audiences of 50 people", {{"minimum_audience: 1000", "minimum_audience: 50"}}},
    {"P033", "audiences of 500 people", {{"minimum_audience: 1000", "minimum_audience: 500"}}},
    {"P034", "no count below 5000", {{"minimum_count: 100", "minimum_count: 5000"}}},
    {"P035", "a table costs epsilon 1.", {{"table_rho: 0.002", "table_rho: 0.02"}}},
    {"P036", "a table costs epsilon 6.", {{"table_rho: 0.002", "table_rho: 0.5"}}},
    {"P037", "noise of a count is +-", {{"count_rho: 0.0005", "count_rho: 0.008"}}},
    {"P038", "four times minimum_count", {{"count_rho: 0.0005", "count_rho: 0.000005"}}},
    {"P039",
     "one partner may learn epsilon 1",
     {{"rho: 0.05, delta", "rho: 0.6, delta"}, {"lifetime_rho: 0.2", "lifetime_rho: 1.2"}}},
    {"P040",
     "one partner may learn epsilon 2",
     {{"rho: 0.05, delta", "rho: 2, delta"}, {"lifetime_rho: 0.2", "lifetime_rho: 4"}}},
    {"P041",
     "all 2 others together",
     {{"rho: 0.05, delta", "rho: 0.6, delta"}, {"lifetime_rho: 0.2", "lifetime_rho: 2.4"}}},
    {"P042", "the lifetime cap is", {{"lifetime_rho: 0.2", "lifetime_rho: 2"}}},
    {"P043", "may be spent in one", {{"daily_rho: 0.01", "daily_rho: 0.05"}}},
    {"P044", "does not pay for a table", {{"daily_rho: 0.01", "daily_rho: 0.001"}}},
    {"P045", "every 3 days", {{"days: 90, daily", "days: 3, daily"}}},
    {"P046", "not below one in", {{"delta: 1e-9", "delta: 0.000005"}}},
    {"P047", "close to one in", {{"delta: 1e-9", "delta: 0.0000005"}}},
    {"P048",
     "cells of some",
     {{"table_rho: 0.002", "table_rho: 0.00005"}, {"max: 1000000", "max: 20000"}}},
    {"P049",
     "counts up to 6 values",
     {{"frozen]\n        max_per_person: 3", "frozen]\n        max_per_person: 6"}}},
    {"P060",
     "looks like an identifier",
     {{"      tier: {type", "      phone_no: {type: category, "
                            "values: [a, b]}\n      tier: {type"}}},
    {"P061", "special category", {{"[basic, silver, gold]", "[basic, silver, gold, Disabled]"}}},
    {"P062", "a fine place", {{"[basic, silver, gold]", "[basic, silver, gold, zip1010]"}}},
    {"P063",
     "date of birth",
     {{"      tier: {type", "      birthday: {type: category, "
                            "values: [a, b]}\n      tier: {type"}}},
    {"P064", "data of minors", {{"[basic, silver, gold]", "[basic, silver, gold, kinderclub]"}}},
    {"P065", "a person's finances", {{"[basic, silver, gold]", "[basic, silver, gold, income]"}}},
    {"P067", "has one value", {{"[basic, silver, gold]", "[basic]"}}},
    {"P068",
     "counts every value",
     {{"tier: {type: category, values: [basic, silver, gold]}",
       "tier: {type: set, values: [basic, silver, gold], "
       "max_per_person: 3}"}}},
    {"P069",
     "is in no question",
     {{"      tier: {type", "      colour: {type: category, "
                            "values: [a, b]}\n      tier: {type"}}},
    {"P070",
     "filtered at any bound",
     {{"      tier: {type", "      spend: {type: number, min: 0, max: 5, combine: sum}\n"
                            "      tier: {type"},
      {"filters: [freshmart.segment, drinkco.tier, homeware.segment]",
       "filters: [drinkco.spend]"}}},
    {"P071",
     "split homeware into 3 groups",
     {{"    endpoint: node.homeware.example:7443\n"
       "    certificate: sha256:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\n"
       "    officer: RWRycnJycnJyciFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsS\n"
       "    node: ed25519:204040e364c10f2bec9c1fe500a1cd4c247c89d650a01ed7e82caba867877c21\n"
       "    customers: {min: 5000, max: 1000000}",
       "    endpoint: node.homeware.example:7443\n"
       "    certificate: sha256:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\n"
       "    officer: RWRycnJycnJyciFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsS\n"
       "    node: ed25519:204040e364c10f2bec9c1fe500a1cd4c247c89d650a01ed7e82caba867877c21\n"
       "    customers: {min: 2000, max: 2500}"}}},
    {"P072",
     "may neither ask nor be asked",
     {{"  crosstab:\n    ask: any", "  crosstab:\n    ask: [freshmart, drinkco]"}}},
    {"P073",
     "has no part in reach",
     {{"filters: [freshmart.segment, drinkco.tier]}",
       "filters: [freshmart.segment, homeware.segment]}"}}},
    {"P076", "telephone", {{"identifier: email", "identifier: phone"}}},
    {"P077",
     "may be evaluated",
     {{"slots_per_customer: 4", "slots_per_customer: 4\n  evaluations_per_day: 5000000"}}},
    {"P078",
     "gets no tokens in a day",
     {{"slots_per_customer: 4", "slots_per_customer: 4\n  evaluations_per_day: 5000"}}},
    {"P079", "two slots", {{"slots_per_customer: 4", "slots_per_customer: 2"}}},
    {"P080", "lower case alone", {{"normalisation: uid2", "normalisation: lowercase"}}},
    {"P081", "as few as 20", {{"min: 5000", "min: 20"}}},
    {"P082", "has at most 900", {{"{min: 5000, max: 1000000}", "{min: 1, max: 900}"}}},
    {"P083", "says much", {{"{min: 5000, max: 1000000}", "{min: 5000, max: 9000}"}}},
};

/* Rules whose defect takes more than a replaced phrase: they have tests of their own below. */
static const char *const ELSEWHERE[] = {"P001", "P022", "P066", "P074", "P075"};

static void every_rule_fires_on_its_defect(void **state)
{
    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct lint_report r;
        struct buf text = {0};
        make_text(&text, CASES[i].change, PT_LEN(CASES[i].change));
        run_text(&r, &text, NULL);
        const struct lint_finding *f = found(&r, CASES[i].id);
        if (f == NULL)
            fail_msg("%s does not fire", CASES[i].id);
        if (strstr(f->what, CASES[i].says) == NULL)
            fail_msg("%s says: %s", CASES[i].id, f->what);
        lint_report_free(&r);
        buf_free(&text);
    }
}

/* What a rule about words and addresses must know, and what it must leave alone. */
static const struct {
    const char *id;
    struct fixture_change change;
    bool fires;
} SPELLINGS[] = {
    {"P007", {"basis: consent", "basis: TBD"}, true},
    {"P007",
     {"    certificate: sha256:a1", "    basis: Unknown\n    certificate: sha256:a1"},
     true},
    {"P007", {"basis: consent", "basis: testament"}, false},
    {"P010", {"contact: privacy@freshmart.example", "contact: Todo"}, true},
    {"P013", {"basis: consent", "basis: Legitimate Interests"}, true},
    {"P013", {"basis: consent", "basis: legittimo interesse"}, true},
    {"P013", {"basis: consent", "basis: contract"}, false},
    {"P013",
     {"    certificate: sha256:a1", "    basis: LEGITIMATE INTEREST\n    certificate: sha256:a1"},
     true},
    {"P014",
     {"    certificate: sha256:a1", "    basis: consent\n    certificate: sha256:a1"},
     false},
    {"P016", {"node.drinkco.example:", "127.0.0.9:"}, true},
    {"P016", {"node.drinkco.example:", "LocalHost:"}, true},
    {"P016", {"node.drinkco.example:7443", "'[::1]:7443'"}, true},
    {"P016", {"node.drinkco.example:", "0.0.0.0:"}, true},
    {"P016", {"node.drinkco.example:", "128.0.0.1:"}, false},
    {"P017", {"node.drinkco.example:", "192.168.0.1:"}, true},
    {"P017", {"node.drinkco.example:", "169.254.0.1:"}, true},
    {"P017", {"node.drinkco.example:", "172.16.0.1:"}, true},
    {"P017", {"node.drinkco.example:", "172.31.255.1:"}, true},
    {"P017", {"node.drinkco.example:", "172.15.0.1:"}, false},
    {"P017", {"node.drinkco.example:", "172.32.0.1:"}, false},
    {"P017", {"node.drinkco.example:", "172.example:"}, false},
    {"P017", {"node.drinkco.example:", "11.0.0.1:"}, false},
    {"P017", {"node.drinkco.example:7443", "'[FD00::1]:7443'"}, true},
    {"P017", {"node.drinkco.example:7443", "'[fe80::1]:7443'"}, true},
    {"P017", {"node.drinkco.example:7443", "'[2001:db8::1]:7443'"}, false},
    {"P018", {"node.drinkco.example:", "node.freshmore.example:"}, false},
};

static void spellings_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < PT_LEN(SPELLINGS); i++) {
        struct lint_report r;
        struct buf text = {0};
        make_text(&text, &SPELLINGS[i].change, 1);
        run_text(&r, &text, NULL);
        if ((found(&r, SPELLINGS[i].id) != NULL) != SPELLINGS[i].fires)
            fail_msg("%s and '%s'", SPELLINGS[i].id, SPELLINGS[i].change.to);
        lint_report_free(&r);
        buf_free(&text);
    }
}

static void no_rule_is_without_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < lint_rule_count(); i++) {
        bool covered = false;
        for (size_t k = 0; k < PT_LEN(CASES); k++)
            covered = covered || strcmp(CASES[k].id, lint_rule_at(i)->id) == 0;
        for (size_t k = 0; k < PT_LEN(ELSEWHERE); k++)
            covered = covered || strcmp(ELSEWHERE[k], lint_rule_at(i)->id) == 0;
        if (!covered)
            fail_msg("%s has no case", lint_rule_at(i)->id);
    }
}

static void a_missing_signature_is_found(void **state)
{
    static const struct span none[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX];
    struct lint_report r;
    struct buf text = {0};

    (void)state;
    make_text(&text, NULL, 0);
    run_text(&r, &text, none);
    const struct lint_finding *f = found(&r, "P001");
    assert_non_null(f);
    assert_non_null(strstr(f->what, "no signature of drinkco, freshmart, homeware, notary"));
    assert_int_equal(r.errors, 1);
    lint_report_free(&r);
    buf_free(&text);
}

static void reach_over_partners_alone_is_found(void **state)
{
    static const struct fixture_change more[] = {
        {"reach: {ask: [freshmart, drinkco], filters: [freshmart.segment, drinkco.tier]}",
         "reach: {ask: any}"},
        {NULL, NULL}};
    struct lint_report r;
    struct buf text = {0};

    (void)state;
    make_text(&text, more, 1);
    run_text(&r, &text, NULL);
    assert_null(found(&r, "P022")); /* there is a neutral node */
    lint_report_free(&r);
    buf_free(&text);
    fixture_three_text(&text);
    fixture_replace(&text, more[0]);
    run_text(&r, &text, NULL);
    assert_non_null(found(&r, "P022"));
    lint_report_free(&r);
    buf_free(&text);
}

static void many_values_and_many_partners_are_found(void **state)
{
    struct lint_report r;
    struct buf text = {0};
    struct buf values = {0};
    struct fixture_partner partners[4];

    (void)state;
    assert_true(buf_printf(&values, "[basic, silver, gold"));
    for (int i = 0; i < 70; i++)
        assert_true(buf_printf(&values, ", v%d", i));
    assert_true(buf_printf(&values, "]") && buf_u8(&values, 0));
    const struct fixture_change more = {"[basic, silver, gold]", (const char *)values.p};
    make_text(&text, &more, 1);
    run_text(&r, &text, NULL);
    assert_non_null(strstr(found(&r, "P066")->what, "has 73 values"));
    assert_null(found(&r, "P075"));
    lint_report_free(&r);
    buf_free(&text);
    buf_free(&values);
    for (size_t i = 0; i < 4; i++)
        fixture_partner_init(&partners[i], i, NULL);
    fixture_policy_text(&text, partners, 4);
    run_text(&r, &text, NULL);
    assert_non_null(found(&r, "P075"));
    lint_report_free(&r);
    buf_free(&text);
}

/* A number that is asked for is of use; and who has the groups must be able to ask. */
static void a_value_is_looked_at_as_a_table_is(void **state)
{
    static const struct fixture_change CHANGES[] = {
        {"values: [water, soda, beer, wine, juice, coffee, tea, spirits, sparkling, syrup]\n"
         "        max_per_person: 3\n",
         "values: [water, soda, beer, wine, juice, coffee, tea, spirits, sparkling, syrup]\n"
         "        max_per_person: 3\n"
         "      spend: {type: number, min: 0, max: 300, unit: EUR, combine: sum}\n"},
        {"privacy:\n  unit",
         "  value: {ask: any, pairs: [[freshmart.segment, drinkco.spend]]}\nprivacy:\n  unit"},
        {"value: {ask: any", "value: {ask: [freshmart, homeware]"},
    };
    static const char *const WHAT[] = {"drinkco.spend is in no question", NULL,
                                       "a pair of freshmart and drinkco, of whom one may neither"};

    (void)state;
    for (size_t n = 1; n <= PT_LEN(CHANGES); n++) {
        struct lint_report r;
        struct buf text = {0};
        bool said = false;
        make_text(&text, CHANGES, n);
        run_text(&r, &text, NULL);
        for (size_t i = 0; WHAT[n - 1] != NULL && i < r.count; i++)
            said = said || strstr(r.findings[i].what, WHAT[n - 1]) != NULL;
        assert_int_equal(said, WHAT[n - 1] != NULL);
        if (n == 2)
            assert_int_equal(found(&r, "P069") != NULL, false);
        lint_report_free(&r);
        buf_free(&text);
    }
}

static void nothing_to_ask_is_found(void **state)
{
    struct buf text = {0};
    struct lint_report r;
    (void)state;
    make_text(&text, NULL, 0);
    uint8_t *from = memmem(text.p, text.n, "questions:\n  overlap", 20);
    uint8_t *to = memmem(text.p, text.n, "privacy:\n", 9);
    assert_true(from != NULL && to > from);
    size_t head = (size_t)(from - text.p);
    struct buf out = {0};
    assert_true(buf_add(&out, text.p, head) && buf_printf(&out, "questions: {}\n") &&
                buf_add(&out, to, text.n - (size_t)(to - text.p)));
    run_text(&r, &out, NULL);
    assert_non_null(found(&r, "P074"));
    lint_report_free(&r);
    buf_free(&text);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(a_policy_in_order_has_no_findings),
        cmocka_unit_test(every_rule_fires_on_its_defect),
        cmocka_unit_test(spellings_are_known),
        cmocka_unit_test(no_rule_is_without_a_case),
        cmocka_unit_test(a_missing_signature_is_found),
        cmocka_unit_test(reach_over_partners_alone_is_found),
        cmocka_unit_test(many_values_and_many_partners_are_found),
        cmocka_unit_test(a_value_is_looked_at_as_a_table_is),
        cmocka_unit_test(nothing_to_ask_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
