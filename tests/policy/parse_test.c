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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_reads_as_written),
        cmocka_unit_test(the_generated_fixture_parses_for_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
