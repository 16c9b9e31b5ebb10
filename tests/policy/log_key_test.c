#include "policy/log_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The vkey that tests/tlog/make.py printed for this name and key. */
static void names_and_ids(void **state)
{
    static const char want[] =
        "patto/alpine/drinkco+6fd8fa10+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    struct policy_partner partner = {.name = "drinkco"};
    struct policy p = {.federation = "alpine", .partners = &partner, .partner_count = 1};
    struct note_key k;
    struct note_key other;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(note_key_parse(&k, span_z(want), &err), PT_OK);
    partner.node = k.public_key;
    assert_int_equal(log_key_make(&other, &p, 0, NOTE_ED25519, &err), PT_OK);
    assert_string_equal(other.name, "patto/alpine/drinkco");
    assert_memory_equal(other.id, k.id, sizeof k.id);
    assert_int_equal(log_key_make(&other, &p, 0, NOTE_COSIGNATURE, &err), PT_OK);
    assert_memory_not_equal(other.id, k.id, sizeof k.id);
}

static void the_longest_names_fit(void **state)
{
    static struct policy_partner partner;
    static struct policy p = {.partners = &partner, .partner_count = 1};
    struct note_key k;
    struct pt_err err = {0};

    (void)state;
    memset(partner.name, 'a', POLICY_NAME_MAX);
    memset(p.federation, 'b', POLICY_NAME_MAX);
    assert_int_equal(log_key_make(&k, &p, 0, NOTE_ED25519, &err), PT_OK);
    assert_int_equal(strlen(k.name), 7 + 2 * POLICY_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_ids),
        cmocka_unit_test(the_longest_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
