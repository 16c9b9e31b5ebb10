#include "node/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "tests/scratch.h"

static void fields_are_read_by_key(void **state)
{
    static const struct {
        const char *fields, *key, *value; /* NULL: absent */
    } CASES[] = {
        {"a=1", "a", "1"},     {"a=1 b=2", "b", "2"}, {"aa=1 a=2", "a", "2"},
        {"a= b=2", "a", ""},   {"a=x=y", "a", "x=y"}, {"  a=1  b=2 ", "b", "2"},
        {"a=1 a=2", "a", "1"}, {"", "a", NULL},       {"b=1", "a", NULL},
        {"=1", "a", NULL},
    };
    char value[AUDIT_VALUE_MAX];
    char longer[AUDIT_VALUE_MAX + 8];
    bool found;

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        audit_field(value, &found, CASES[i].fields, CASES[i].key);
        assert_int_equal(found, CASES[i].value != NULL);
        assert_string_equal(value, CASES[i].value != NULL ? CASES[i].value : "");
    }
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "a=", 2);
    longer[sizeof longer - 1] = '\0';
    audit_field(value, &found, longer, "a");
    assert_false(found);
    assert_string_equal(value, "");
}

static void partners_see_what_is_about_them(void **state)
{
    static const struct {
        const char *kind, *fields;
        bool drinkco;
    } CASES[] = {
        {"charge", "kind=overlap recipient=drinkco rho=1", true},
        {"charge", "kind=overlap recipient=drinkcompany rho=1", false},
        {"evaluate", "peer=homeware points=1", false},
        {"asked", "with=drinkco", true},
        {"asked", "with=homeware peer=drinkco", false}, /* another's too */
        {"policy", "version=1", true},
        {"epoch", "number=1", false},
        {"epoch", "number=1 participants=drinkco,homeware", true},
        {"epoch", "number=1 participants=freshmart,drinkco", true},
        {"epoch", "number=1 participants=freshmart,drinkcompany", false},
        {"epoch", "number=1 participants=", false},
        {"ingest", "dataset=0", false},
        {"forget", "dataset=0", false},
        {"tokenise", "points=0", false},
    };
    struct store_event_row *row = calloc(1, sizeof *row);

    (void)state;
    assert_non_null(row);
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        snprintf(row->kind, sizeof row->kind, "%s", CASES[i].kind);
        snprintf(row->fields, sizeof row->fields, "%s", CASES[i].fields);
        if (audit_concerns(row, "drinkco") != CASES[i].drinkco)
            fail_msg("%s %s", CASES[i].kind, CASES[i].fields);
    }
    free(row);
}

struct seen {
    uint64_t count, last, stop_at;
};

static enum pt_code see(void *self, const struct store_event_row *row, struct pt_err *err)
{
    struct seen *s = self;

    s->count++;
    s->last = row->sequence;
    return row->sequence == s->stop_at ? pt_fail(err, PT_EIO, "enough") : PT_OK;
}

static void events_come_in_order(void **state)
{
    struct audit a = {0};
    struct seen s = {0};
    struct store_place place;
    struct pt_err err = {0};

    assert_int_equal(store_open(&a.store, scratch_path(state, "state.db"), STORE_WRITE, &err),
                     PT_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(store_event(&place, a.store, "test", "a=1", i, &err), PT_OK);
    assert_int_equal(audit_each(&a, 0, see, &s, &err), PT_OK);
    assert_true(s.count == 5 && s.last == 5);
    s = (struct seen){0};
    assert_int_equal(audit_each(&a, 3, see, &s, &err), PT_OK);
    assert_true(s.count == 2 && s.last == 5);
    s = (struct seen){.stop_at = 2};
    assert_int_equal(audit_each(&a, 0, see, &s, &err), PT_EIO);
    assert_int_equal(s.count, 2);
    audit_close(&a);
    audit_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read_by_key),
        cmocka_unit_test(partners_see_what_is_about_them),
        cmocka_unit_test_setup_teardown(events_come_in_order, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
