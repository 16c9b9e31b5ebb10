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

/* Nobody counts under its own log: of a, b and c as witnesses two can sign that of a. */
static void a_quorum_is_of_the_others(void **state)
{
    static const struct {
        uint32_t witnesses, quorum;
        size_t owner, needed;
        bool by[3];
        size_t had;
    } rows[] = {
        {7, 3, 0, 2, {true, true, false}, 1}, /* all */
        {7, 2, 0, 2, {false, true, true}, 2}, {7, 1, 0, 1, {false, false, true}, 1},
        {3, 2, 2, 2, {true, false, true}, 1}, /* the owner is none */
        {3, 2, 0, 1, {false, true, true}, 1}, /* c is none */
        {1, 1, 0, 0, {true, true, true}, 0},  /* its own only witness: nobody can */
    };
    struct policy_partner partners[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(rows); i++) {
        const struct policy p = {.partners = partners,
                                 .partner_count = 3,
                                 .witnesses = rows[i].witnesses,
                                 .witness_quorum = rows[i].quorum};
        assert_int_equal(log_key_quorum(&p, rows[i].owner), rows[i].needed);
        assert_int_equal(log_key_signed(&p, rows[i].owner, rows[i].by), rows[i].had);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_ids),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(a_quorum_is_of_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
