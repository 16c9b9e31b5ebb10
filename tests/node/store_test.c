#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "node/store.h"
#include "tests/scratch.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Goal: a new database is private, stays, and can be read beside its writer. */
static void opens_and_keeps(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct buf value;
    struct stat st;
    bool found;

    assert_int_equal(stat(scratch_path(state, "state.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(store_fact_put(s, "dataset.count", span_z("7"), &err), PT_OK);
    struct store *reader = open_store(state, STORE_READ);
    assert_int_equal(store_fact_find(&value, &found, reader, "dataset.count", &err), PT_OK);
    assert_true(found);
    assert_true(span_eq_vartime(buf_span(&value), span_z("7")));
    buf_free(&value);
    assert_int_not_equal(store_fact_put(reader, "x", span_z("1"), &err), PT_OK);
    store_close(reader);
    store_close(s);
    s = open_store(state, STORE_WRITE);
    assert_int_equal(store_check(s, &err), PT_OK);
    assert_int_equal(store_fact_find(&value, &found, s, "absent", &err), PT_OK);
    assert_false(found);
    store_close(s);
}

static void expect_refusal(void **state, enum store_mode mode, enum pt_code code, const char *says)
{
    struct pt_err err = {0};
    struct store *s = NULL;

    assert_int_equal(store_open(&s, scratch_path(state, "state.db"), mode, &err), code);
    assert_null(s);
    if (strstr(err.msg, says) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", says, err.msg);
}

/* Goal: what is not a sound database of this version is refused with a reason. */
static void refuses_what_is_not_ours(void **state)
{
    static const char JUNK[] = "this is a text file, and rather longer than sixteen bytes";

    expect_refusal(state, STORE_READ, PT_ESTATE, "not there yet");
    scratch_write(scratch_path(state, "state.db"), span_z(JUNK));
    expect_refusal(state, STORE_WRITE, PT_EIO, "is damaged");
    unlink(scratch_path(state, "state.db"));
    assert_int_equal(raw(state, "CREATE TABLE mine(x)"), SQLITE_OK);
    expect_refusal(state, STORE_WRITE, PT_EIO, "not a database of patto");
    unlink(scratch_path(state, "state.db"));
    store_close(open_store(state, STORE_WRITE));
    assert_int_equal(raw(state, "PRAGMA user_version = 4"), SQLITE_OK);
    expect_refusal(state, STORE_WRITE, PT_ESTATE, "newer patto (schema 4");
    assert_int_equal(raw(state, "PRAGMA user_version = 1"), SQLITE_OK);
    expect_refusal(state, STORE_READ, PT_ESTATE, "older patto (schema 1");
    assert_int_equal(raw(state, "PRAGMA user_version = 0"), SQLITE_OK);
    expect_refusal(state, STORE_WRITE, PT_EIO, "schema 0");
}

static int first_number(void *out, int count, char **values, char **names)
{
    (void)names;
    *(long *)out = count > 0 && values[0] != NULL ? strtol(values[0], NULL, 10) : 0;
    return 0;
}
static off_t events_page(void **state)
{
    sqlite3 *db;
    long page = 0;

    assert_int_equal(sqlite3_open(scratch_path(state, "state.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'events'",
                                  first_number, &page, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_true(page > 1);
    return (off_t)(page - 1) * 4096;
}
/* Goal: damage inside is found by store_check() and stops reads.
 * Method: overwrite the first page of the events. */
static void finds_damage(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_place place;
    char page[4096];

    for (int i = 0; i < 50; i++)
        assert_int_equal(store_event(&place, s, "test", "a=1", NOON_S, &err), PT_OK);
    store_close(s);
    memset(page, 0xa5, sizeof page);
    int fd = open(scratch_path(state, "state.db"), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, page, sizeof page, events_page(state)), sizeof page);
    close(fd);
    s = open_store(state, STORE_WRITE);
    assert_int_equal(store_check(s, &err), PT_EIO);
    assert_non_null(strstr(err.msg, "is damaged"));
    assert_int_not_equal(store_event(&place, s, "test", "a=1", NOON_S, &err), PT_OK);
    store_close(s);
}

/* Goal: the audit record is a chain; any change behind our back is found, at its place. */
static void chains_events(void **state)
{
    static const struct {
        const char *sql;
        const char *says;
    } TAMPER[] = {
        {"UPDATE events SET fields = 'n=9' WHERE sequence = 3", "event 3"},
        {"UPDATE events SET at_s = at_s + 1 WHERE sequence = 5", "event 5"},
        {"UPDATE events SET kind = 'other' WHERE sequence = 1", "event 1"},
        {"DELETE FROM events WHERE sequence = 2", "event 2"},
        {"UPDATE events SET hash = zeroblob(32) WHERE sequence = 4", "event 4"},
        {"UPDATE leaves SET salt = zeroblob(32) WHERE sequence = 2", "event 2"},
        {"UPDATE leaves SET entry = zeroblob(32) WHERE sequence = 3", "event 3"},
        {"DELETE FROM leaves WHERE sequence = 4", "event 4"},
        {"DELETE FROM events WHERE sequence = 5", "event 5"},
        {"DELETE FROM leaves WHERE sequence = 5", "event 5"},
    };
    struct pt_err err = {0};
    struct store_place place;
    struct store_place head;

    for (size_t i = 0; i < PT_LEN(TAMPER); i++) {
        struct store *s = open_store(state, STORE_WRITE);
        assert_int_equal(store_event_verify(&head, s, &err), PT_OK);
        assert_int_equal(head.sequence, 0);
        for (unsigned n = 1; n <= 5; n++) {
            char fields[16];
            snprintf(fields, sizeof fields, "n=%u", n);
            assert_int_equal(store_event(&place, s, "test", fields, NOON_S + n, &err), PT_OK);
            assert_int_equal(place.sequence, n);
        }
        assert_int_equal(store_event_verify(&head, s, &err), PT_OK);
        assert_int_equal(head.sequence, 5);
        assert_memory_equal(head.hash.b, place.hash.b, sizeof head.hash.b);
        store_close(s);
        assert_int_not_equal(raw(state, TAMPER[i].sql), SQLITE_OK); /* the triggers */
        assert_int_equal(raw(state, "DROP TRIGGER events_kept; DROP TRIGGER events_fixed;"
                                    "DROP TRIGGER leaves_kept; DROP TRIGGER leaves_fixed"),
                         SQLITE_OK);
        assert_int_equal(raw(state, TAMPER[i].sql), SQLITE_OK);
        s = open_store(state, STORE_READ);
        assert_int_equal(store_event_verify(&head, s, &err), PT_EBADMSG);
        if (strstr(err.msg, TAMPER[i].says) == NULL)
            fail_msg("expected \"%s\" in \"%s\"", TAMPER[i].says, err.msg);
        store_close(s);
        unlink(scratch_path(state, "state.db"));
    }
}

/* Goal: the hash of a row is what the header of store_event.c says, computed by hand. */
static void hashes_as_specified(void **state)
{
    static const uint8_t SEQUENCE[8] = {1};
    static const uint8_t AT[8] = {0x05};
    static const uint8_t ZERO[32] = {0};
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_place place;
    struct digest want;

    assert_int_equal(store_event(&place, s, "policy", "version=1", 5, &err), PT_OK);
    hash_parts(&want, "patto/event",
               (struct span[]){span_of(ZERO, 32), span_of(SEQUENCE, 8), span_of(AT, 8),
                               span_z("policy"), span_z("version=1")},
               5);
    assert_memory_equal(place.hash.b, want.b, sizeof want.b);
    store_close(s);
}

static void keeps_epochs(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_epoch e = {.number = 1, .id = digest_of(1), .created_s = NOON_S};
    struct store_epoch got;
    bool found;

    assert_int_equal(store_epoch_active(&got, &found, s, &err), PT_OK);
    assert_false(found);
    assert_true(buf_add(&e.header, "header", 6));
    assert_int_equal(store_epoch_activate(s, &e, &err), PT_OK);
    assert_int_equal(store_epoch_activate(s, &e, &err), PT_ESTATE);
    e.number = 4;
    e.id = digest_of(4);
    assert_true(buf_add(&e.signatures, "two", 3));
    assert_int_equal(store_epoch_activate(s, &e, &err), PT_OK);
    e.number = 3;
    e.id = digest_of(3);
    assert_int_equal(store_epoch_activate(s, &e, &err), PT_ESTATE);
    store_epoch_free(&e);
    store_close(s);
    s = open_store(state, STORE_WRITE);
    assert_int_equal(store_epoch_active(&got, &found, s, &err), PT_OK);
    assert_true(found);
    assert_int_equal(got.number, 4);
    assert_int_equal(got.created_s, NOON_S);
    assert_true(span_eq_vartime(buf_span(&got.header), span_z("header")));
    assert_true(span_eq_vartime(buf_span(&got.signatures), span_z("two")));
    store_epoch_free(&got);
    struct digest first = digest_of(1);
    assert_int_equal(store_epoch_find(&got, &found, s, &first, &err), PT_OK);
    assert_true(found);
    assert_int_equal(got.number, 1);
    store_epoch_free(&got);
    struct digest none = digest_of(3);
    assert_int_equal(store_epoch_find(&got, &found, s, &none, &err), PT_OK);
    assert_false(found);
    assert_int_equal(store_epoch_numbered(&got, &found, s, 4, &err), PT_OK);
    assert_true(found);
    struct digest fourth = digest_of(4);
    assert_memory_equal(got.id.b, fourth.b, sizeof fourth.b);
    store_epoch_free(&got);
    assert_int_equal(store_epoch_numbered(&got, &found, s, 3, &err), PT_OK);
    assert_false(found);
    store_close(s);
}

/* Goal: a name is bound to one digest for ever, per epoch, peer and direction. */
static void binds_columns(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_column c = {.epoch = digest_of(1), .peer = "b", .sent = true, .name = "x"};
    struct digest one = digest_of(10);
    struct digest two = digest_of(11);
    struct digest got;
    bool found;

    assert_int_equal(store_column_find(&got, &found, s, &c, &err), PT_OK);
    assert_false(found);
    assert_int_equal(store_column_bind(s, &c, &one, &err), PT_OK);
    assert_int_equal(store_column_bind(s, &c, &one, &err), PT_OK);
    assert_int_equal(store_column_bind(s, &c, &two, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "begin a new epoch"));
    store_close(s);
    s = open_store(state, STORE_WRITE);
    assert_int_equal(store_column_bind(s, &c, &two, &err), PT_EDENIED);
    assert_int_equal(store_column_find(&got, &found, s, &c, &err), PT_OK);
    assert_true(found);
    assert_memory_equal(got.b, one.b, sizeof got.b);
    c.sent = false;
    assert_int_equal(store_column_bind(s, &c, &two, &err), PT_OK);
    c.sent = true;
    c.peer = "c";
    assert_int_equal(store_column_bind(s, &c, &two, &err), PT_OK);
    c.epoch = digest_of(2);
    assert_int_equal(store_column_bind(s, &c, &one, &err), PT_OK);
    store_close(s);
}

/* Goal: the sum of a day never passes the limit; the next day begins at midnight UTC. */
static void counts_quotas(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_quota q = {.what = "evaluations", .peer = "b", .count = 60, .limit = 100};
    const int64_t midnight_s = NOON_S + 12 * 3600;
    uint64_t used;

    assert_int_equal(store_quota_take(&used, s, &q, NOON_S, &err), PT_OK);
    assert_int_equal(used, 60);
    assert_int_equal(store_quota_take(&used, s, &q, NOON_S, &err), PT_ELIMIT);
    assert_int_equal(used, 0);
    assert_non_null(strstr(err.msg, "today's quota of 100"));
    q.count = 40;
    store_close(s);
    s = open_store(state, STORE_WRITE);
    assert_int_equal(store_quota_take(&used, s, &q, midnight_s - 1, &err), PT_OK);
    assert_int_equal(used, 100);
    q.count = 1;
    assert_int_equal(store_quota_take(&used, s, &q, midnight_s - 1, &err), PT_ELIMIT);
    assert_int_equal(store_quota_take(&used, s, &q, midnight_s, &err), PT_OK);
    assert_int_equal(used, 1);
    q.peer = "c";
    assert_int_equal(store_quota_take(&used, s, &q, midnight_s - 1, &err), PT_OK);
    q.count = UINT64_MAX;
    assert_int_equal(store_quota_take(&used, s, &q, midnight_s, &err), PT_ELIMIT);
    store_close(s);
}

struct taker {
    struct store *s;
    uint64_t granted;
};

static void *take_fifty(void *arg)
{
    struct taker *t = arg;
    struct store_quota q = {.what = "evaluations", .peer = "b", .count = 1, .limit = 60};

    for (int i = 0; i < 50; i++) {
        struct pt_err err;
        uint64_t used;
        t->granted += store_quota_take(&used, t->s, &q, NOON_S, &err) == PT_OK;
    }
    return NULL;
}

/* Goal: threads share one store and one count. */
static void serves_threads(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct taker takers[3] = {{s, 0}, {s, 0}, {s, 0}};
    pthread_t threads[3];
    uint64_t granted = 0;

    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_fifty, &takers[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        granted += takers[i].granted;
    }
    assert_int_equal(granted, 60);
    store_close(s);
}

/* Goal: a transaction is all or nothing, and a rollback after a commit does nothing. */
static void rolls_back(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_place place;
    struct buf value;
    bool found;

    assert_int_equal(store_begin(s, &err), PT_OK);
    assert_int_equal(store_event(&place, s, "test", "a=1", NOON_S, &err), PT_OK);
    assert_int_equal(store_fact_put(s, "f", span_z("1"), &err), PT_OK);
    store_rollback(s);
    assert_int_equal(store_event_head(&place, s, &err), PT_OK);
    assert_int_equal(place.sequence, 0);
    assert_int_equal(store_fact_find(&value, &found, s, "f", &err), PT_OK);
    assert_false(found);
    assert_int_equal(store_begin(s, &err), PT_OK);
    assert_int_equal(store_fact_put(s, "f", span_z("2"), &err), PT_OK);
    assert_int_equal(store_commit(s, &err), PT_OK);
    store_rollback(s);
    assert_int_equal(store_fact_find(&value, &found, s, "f", &err), PT_OK);
    assert_true(found);
    buf_free(&value);
    store_close(s);
}

static void keeps_runs_and_answers(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_run r = {digest_of(1), "b", 1000, 3, 1};
    struct store_run got;
    struct digest id = digest_of(5);
    struct buf json;
    bool found;

    assert_int_equal(store_run_find(&got, &found, s, &r.id, "b", &err), PT_OK);
    assert_false(found);
    assert_int_equal(store_run_put(s, &r, NOON_S, &err), PT_OK);
    r.chunks_done = 2;
    assert_int_equal(store_run_put(s, &r, NOON_S, &err), PT_OK);
    assert_int_equal(store_run_find(&got, &found, s, &r.id, "b", &err), PT_OK);
    assert_true(found);
    assert_int_equal(got.chunks_done, 2);
    assert_int_equal(got.record_count, 1000);
    assert_int_equal(got.chunk_count, 3);
    assert_int_equal(store_run_find(&got, &found, s, &r.id, "c", &err), PT_OK);
    assert_false(found);
    assert_int_equal(store_answer_find(&json, &found, s, &id, &err), PT_OK);
    assert_false(found);
    assert_int_equal(store_answer_put(s, &id, span_z("{}"), NOON_S, &err), PT_OK);
    assert_int_equal(store_answer_find(&json, &found, s, &id, &err), PT_OK);
    assert_true(found);
    assert_true(span_eq_vartime(buf_span(&json), span_z("{}")));
    buf_free(&json);
    store_close(s);
}

/* Goal: what we would never write is refused as our own mistake, before the disk. */
static void refuses_oversize(void **state)
{
    static char fields[STORE_TEXT_MAX + 2];
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    struct store_place place;
    struct store_column c = {.peer = "b", .name = fields};
    struct digest d = digest_of(1);

    memset(fields, 'x', sizeof fields - 1);
    assert_int_equal(store_event(&place, s, "test", fields, NOON_S, &err), PT_EBUG);
    assert_int_equal(store_column_bind(s, &c, &d, &err), PT_EBUG);
    fields[STORE_TEXT_MAX] = '\0';
    assert_int_equal(store_event(&place, s, "test", fields, NOON_S, &err), PT_OK);
    assert_int_equal(store_event_verify(&place, s, &err), PT_OK);
    store_close(s);
}

static bool has_fact(struct store *s, const char *name)
{
    struct pt_err err = {0};
    struct buf value;
    bool found;

    assert_int_equal(store_fact_find(&value, &found, s, name, &err), PT_OK);
    buf_free(&value);
    return found;
}

/* Goal: facts about a digest go with the epochs whose headers hold it, and no others go. */
static void forgets_seeds(void **state)
{
    struct store *s = open_store(state, STORE_WRITE);
    struct pt_err err = {0};
    char name[5][80];

    for (uint8_t i = 0; i < 5; i++) {
        struct store_epoch e = {.number = i + 1U, .id = digest_of(i), .created_s = NOON_S + i};
        struct digest seed = digest_of((uint8_t)(0xa0 + i));
        char hex[65];
        text_hex(hex, seed.b, sizeof seed.b);
        (void)snprintf(name[i], sizeof name[i], "seed.%s", hex);
        assert_int_equal(store_fact_put(s, name[i], span_z("label"), &err), PT_OK);
        if (i == 4)
            continue; /* its round came to nothing */
        assert_true(buf_add(&e.header, "before", 6) && buf_add(&e.header, seed.b, sizeof seed.b));
        assert_int_equal(store_epoch_activate(s, &e, &err), PT_OK);
        store_epoch_free(&e);
    }
    assert_int_equal(store_fact_put(s, "seedling", span_z("x"), &err), PT_OK);
    assert_int_equal(store_epoch_forget(s, "seed.", NOON_S + 1, &err), PT_OK);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(has_fact(s, name[i]), i == 1 || i == 2 || i == 3);
    for (uint8_t i = 0; i < 5; i++) {
        struct digest seed = digest_of((uint8_t)(0xa0 + i));
        bool held;
        assert_int_equal(store_epoch_holds(&held, s, &seed, NOON_S + 1, &err), PT_OK);
        assert_int_equal(held, i == 1 || i == 2 || i == 3);
        assert_int_equal(store_epoch_holds(&held, s, &seed, NOON_S + 100, &err), PT_OK);
        assert_int_equal(held, i == 3);
    }
    assert_true(has_fact(s, "seedling"));
    /* The active epoch's is never forgotten, however old. */
    assert_int_equal(store_epoch_forget(s, "seed.", NOON_S + 100, &err), PT_OK);
    assert_false(has_fact(s, name[2]));
    assert_true(has_fact(s, name[3]));
    store_close(s);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(opens_and_keeps),
        CASE(refuses_what_is_not_ours),
        CASE(finds_damage),
        CASE(chains_events),
        CASE(keeps_epochs),
        CASE(forgets_seeds),
        CASE(hashes_as_specified),
        CASE(binds_columns),
        CASE(counts_quotas),
        CASE(serves_threads),
        CASE(rolls_back),
        CASE(refuses_oversize),
        CASE(keeps_runs_and_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
