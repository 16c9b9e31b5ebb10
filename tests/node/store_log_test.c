#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "node/store.h"
#include "tests/scratch.h"

#include <sqlite3.h>

static const int64_t NOON_S = 1796990400; /* 2026-12-11 12:00:00 UTC */

static struct store *open_store(void **state, enum store_mode mode)
{
    struct pt_err err = {0};
    struct store *s = NULL;

    if (store_open(&s, scratch_path(state, "state.db"), mode, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return s;
}

/* Run SQL behind the store's back. Returns SQLite's code. */
static int raw(void **state, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(scratch_path(state, "state.db"), &db), SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return rc;
}

static struct digest digest_of(uint8_t fill)
{
    struct digest d;

    memset(d.b, fill, sizeof d.b);
    return d;
}

/* Goal: an event's entry is the commitment of store_log.c, computed by hand, under a salt of its own;
 * entries come in order, from anywhere. */
static void entries_as_specified(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    static struct store_event_row row[2];
    struct pt_err err = {0};
    struct store_place place;
    struct digest entries[3];
    struct digest want;
    uint8_t sequence[8] = {2};
    static const uint8_t AT[8] = {0x05};
    bool found;
    size_t n;

    for (int i = 0; i < 3; i++)
        assert_int_equal(store_event(&place, s, "policy", "version=1", 5, &err), PT_OK);
    assert_int_equal(store_event_next(&row[0], &found, s, 0, &err), PT_OK);
    assert_true(found && row[0].sequence == 1);
    assert_int_equal(store_event_next(&row[1], &found, s, 1, &err), PT_OK);
    assert_true(found && row[1].sequence == 2 && row[1].at_s == 5);
    assert_string_equal(row[1].fields, "version=1");
    assert_memory_not_equal(row[0].salt.b, row[1].salt.b, 32);
    hash_parts(&want, "patto/event/entry/1",
               (struct span[]){span_of(row[1].salt.b, 32), span_of(sequence, 8), span_of(AT, 8),
                               span_z("policy"), span_z("version=1")},
               5);
    assert_int_equal(store_entries(entries, &n, 3, s, 0, &err), PT_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(entries[1].b, want.b, 32);
    assert_int_equal(store_entries(entries, &n, 1, s, 1, &err), PT_OK);
    assert_int_equal(n, 1);
    assert_memory_equal(entries[0].b, want.b, 32);
    assert_int_equal(store_entries(entries, &n, 3, s, 3, &err), PT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(store_event_next(&row[0], &found, s, 3, &err), PT_OK);
    assert_false(found);
    store_close(s);
    assert_int_equal(raw(state, "DROP TRIGGER leaves_kept; DELETE FROM leaves WHERE sequence = 2"),
                     SQLITE_OK);
    s = open_store(state, STORE_READ);
    assert_int_equal(store_entries(entries, &n, 3, s, 0, &err), PT_EIO);
    assert_int_equal(n, 0);
    store_close(s);
}

/* Goal: a database of schema 1 gets leaves for its events, once, and keeps its chain.
 * Method: what schema 2 added is taken away again. */
static void an_older_schema_is_brought_up(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_place before;
    struct store_place after;
    struct digest first[7];
    struct digest again[7];
    size_t n;

    for (int i = 0; i < 7; i++)
        assert_int_equal(store_event(&before, s, "test", "a=1", NOON_S, &err), PT_OK);
    store_close(s);
    assert_int_equal(raw(state, "ALTER TABLE columns DROP COLUMN proved; DROP TABLE proofs;"
                                "DROP TABLE unproved; DROP TABLE leaves; DROP TABLE heads;"
                                "PRAGMA user_version = 1"),
                     SQLITE_OK);
    s = open_store(state, STORE_WRITE);
    assert_int_equal(store_event_verify(&after, s, &err), PT_OK);
    assert_int_equal(after.sequence, 7);
    assert_memory_equal(after.hash.b, before.hash.b, 32);
    assert_int_equal(store_entries(first, &n, 7, s, 0, &err), PT_OK);
    assert_int_equal(n, 7);
    assert_memory_not_equal(first[0].b, first[1].b, 32);
    store_close(s);
    s = open_store(state, STORE_WRITE);
    assert_int_equal(store_entries(again, &n, 7, s, 0, &err), PT_OK);
    assert_memory_equal(first, again, sizeof first);
    store_close(s);
    assert_int_not_equal(raw(state, "DELETE FROM leaves"), SQLITE_OK);
    assert_int_not_equal(raw(state, "UPDATE leaves SET salt = zeroblob(32)"), SQLITE_OK);
}

/* Goal: heads only grow, and none is signed twice with another root. */
static void heads_only_grow(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_head h = {.size = 5, .root = digest_of(5), .signed_s = NOON_S};
    struct store_head got;
    bool found;

    assert_int_equal(store_head_last(&got, &found, s, &err), PT_OK);
    assert_false(found);
    assert_int_equal(store_head_add(s, &h, &err), PT_OK);
    assert_int_equal(store_head_add(s, &h, &err), PT_OK);
    h.root = digest_of(6);
    assert_int_equal(store_head_add(s, &h, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "fork"));
    h.size = 4;
    assert_int_equal(store_head_add(s, &h, &err), PT_EDENIED);
    h.size = 0;
    assert_int_equal(store_head_add(s, &h, &err), PT_EDENIED);
    h.size = 9;
    assert_int_equal(store_head_add(s, &h, &err), PT_OK);
    assert_int_equal(store_head_last(&got, &found, s, &err), PT_OK);
    assert_true(found && got.size == 9 && got.root.b[0] == 6);
    assert_int_equal(store_head_next(&got, &found, s, 0, &err), PT_OK);
    assert_true(found && got.size == 5 && got.signed_s == NOON_S);
    assert_int_equal(store_head_next(&got, &found, s, 9, &err), PT_OK);
    assert_false(found);
    store_close(s);
    assert_int_not_equal(raw(state, "DELETE FROM heads"), SQLITE_OK);
    assert_int_not_equal(raw(state, "UPDATE heads SET size = 10 WHERE size = 9"), SQLITE_OK);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(entries_as_specified),
        CASE(an_older_schema_is_brought_up),
        CASE(heads_only_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
