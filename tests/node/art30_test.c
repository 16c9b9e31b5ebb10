#include "node/art30.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/policy_fixture.h"
#include "tests/scratch.h"

static struct home home;
static struct audit audit;

static void begin(void **state)
{
    struct pt_err err = {0};

    memset(&home, 0, sizeof home);
    home.policy = fixture_policy(3);
    snprintf(home.dir, sizeof home.dir, "%s", (const char *)*state);
    audit = (struct audit){.home = &home};
    assert_int_equal(store_open(&audit.store, scratch_path(state, "state.db"), STORE_WRITE, &err),
                     PT_OK);
}

static void end(void)
{
    store_close(audit.store);
    policy_free(home.policy);
}

static void add(const char *kind, const char *format, const char *name, int64_t at_s)
{
    struct store_place place;
    struct pt_err err = {0};
    char fields[128];

    snprintf(fields, sizeof fields, "%s%s", format, name);
    assert_int_equal(store_event(&place, audit.store, kind, fields, at_s, &err), PT_OK);
}

static const struct art30_kind *kind_of(const struct art30 *r, const char *kind)
{
    static const struct art30_kind NONE;

    for (size_t i = 0; i < r->kind_count; i++)
        if (strcmp(r->kinds[i].kind, kind) == 0)
            return &r->kinds[i];
    fail_msg("no %s", kind);
    return &NONE;
}

/* Goal: sums by partner and kind, of the period alone; nobody's are anybody else's. */
static void sums_are_of_the_period(void **state)
{
    static struct art30 r;
    struct pt_err err = {0};

    begin(state);
    const char *one = home.policy->partners[1].name;
    const char *two = home.policy->partners[2].name;
    add("charge", "rho=9 recipient=", one, 99);
    add("charge", "rho=0.5 recipient=", one, 100);
    add("charge", "rho=0.25 recipient=", one, 101);
    add("answered", "charged=0.5 recipient=", one, 101);
    add("answered", "charged=0 recipient=", two, 102);
    add("asked", "rho=0.125 with=", two, 103);
    add("received", "charged=0.125 with=", two, 104);
    add("evaluate", "points=5 peer=", two, 105);
    add("charge", "rho=1 recipient=", "somebody-gone", 106);
    add("forget", "dataset=", "none", 107);
    if (art30_gather(&r, &audit, 100, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_true(r.events == 9 && r.head.sequence == 10 && r.partner_count == 2);
    assert_string_equal(r.partners[0].name, one);
    assert_true(r.partners[0].charged_nano == 750000000 && r.partners[0].answered == 1);
    assert_true(r.partners[0].asked == 0 && r.partners[0].paid_nano == 0);
    assert_true(r.partners[1].charged_nano == 0 && r.partners[1].answered == 1);
    assert_true(r.partners[1].asked == 1 && r.partners[1].paid_nano == 125000000);
    assert_int_equal(r.partners[1].token_batches, 1);
    assert_int_equal(kind_of(&r, "charge")->count, 3);
    assert_true(kind_of(&r, "charge")->first_s == 100 && kind_of(&r, "charge")->last_s == 106);
    assert_false(r.published);
    end();
}

static void many_kinds_are_counted_together(void **state)
{
    static struct art30 r;
    struct pt_err err = {0};

    begin(state);
    for (int i = 0; i < ART30_KINDS_MAX + 3; i++) {
        char kind[16];
        snprintf(kind, sizeof kind, "kind%d", i);
        add(kind, "a=", "1", i);
    }
    assert_int_equal(art30_gather(&r, &audit, 0, &err), PT_OK);
    assert_true(r.kind_count == ART30_KINDS_MAX && r.other_kinds == 3);
    end();
}

/* A record that is not whole is reported on by nobody. */
static void a_broken_record_is_refused(void **state)
{
    static struct art30 r;
    struct pt_err err = {0};
    sqlite3 *db;

    begin(state);
    add("charge", "rho=1 recipient=", "a", 1);
    assert_int_equal(sqlite3_open(scratch_path(state, "state.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "DROP TRIGGER events_fixed; UPDATE events SET at_s = 2", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(art30_gather(&r, &audit, 0, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "event 1"));
    end();
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(sums_are_of_the_period),
        CASE(many_kinds_are_counted_together),
        CASE(a_broken_record_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
