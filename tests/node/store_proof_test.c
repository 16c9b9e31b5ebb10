/* Goal: what decides whether a peer's columns are computed with survives a restart: which are proved,
 * which commitments have their challenge, who was refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "node/store.h"
#include "tests/scratch.h"

#include <sqlite3.h>

static struct store *opened(void **state)
{
    struct pt_err err = {0};
    struct store *s = NULL;

    if (store_open(&s, scratch_path(state, "state.db"), STORE_WRITE, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return s;
}

static struct store *opened_again(void **state, struct store *s)
{
    store_close(s);
    return opened(state);
}

static struct digest digest_of(uint8_t fill)
{
    struct digest d;

    memset(d.b, fill, sizeof d.b);
    return d;
}

static bool proved(struct store *s, const struct store_column *c)
{
    struct pt_err err = {0};
    bool is = false;

    assert_int_equal(store_column_proved(&is, s, c, &err), PT_OK);
    return is;
}

static void a_column_is_proved_once_and_for_all(void **state)
{
    struct store_column c = {.epoch = digest_of(1), .peer = "ada", .name = "all"};
    const struct digest one = digest_of(2);
    const struct digest two = digest_of(3);
    struct store *s = opened(state);
    struct pt_err err = {0};

    assert_false(proved(s, &c));
    assert_int_equal(store_column_bind(s, &c, &one, &err), PT_OK);
    assert_false(proved(s, &c)); /* bound is not proved */
    assert_int_equal(store_column_prove(s, &c, &one, &err), PT_OK);
    s = opened_again(state, s);
    assert_true(proved(s, &c));
    assert_int_equal(store_column_prove(s, &c, &two, &err), PT_EDENIED);
    assert_int_equal(store_column_prove(s, &c, &one, &err), PT_OK);
    c.name = "buys=dairy"; /* neither another column, */
    assert_false(proved(s, &c));
    assert_int_equal(store_column_prove(s, &c, &two, &err), PT_OK);
    c.epoch = digest_of(4); /* nor another epoch, */
    assert_false(proved(s, &c));
    c.epoch = digest_of(1);
    c.peer = "bea"; /* nor another peer, */
    assert_false(proved(s, &c));
    c.peer = "ada";
    c.sent = true; /* nor what we send */
    assert_false(proved(s, &c));
    store_close(s);
}

/* Goal: two challenges for one mask vector are never recorded, so neither sent nor answered. */
static void a_commitment_has_one_challenge(void **state)
{
    struct store_proof p = {.session = digest_of(1),
                            .first = 64,
                            .sent = true,
                            .commitment = digest_of(2),
                            .challenge = digest_of(3)};
    struct store *s = opened(state);
    struct pt_err err = {0};

    assert_int_equal(store_proof_challenge(s, &p, &err), PT_OK);
    s = opened_again(state, s);
    assert_int_equal(store_proof_challenge(s, &p, &err), PT_EDENIED);
    p.challenge = digest_of(4);
    assert_int_equal(store_proof_challenge(s, &p, &err), PT_EDENIED);
    p.commitment = digest_of(5); /* the mask vector has the session's name and the batch's place */
    assert_int_equal(store_proof_challenge(s, &p, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "a second challenge"));
    p.first = 0;
    assert_int_equal(store_proof_challenge(s, &p, &err), PT_OK);
    p.sent = false;
    assert_int_equal(store_proof_challenge(s, &p, &err), PT_OK);
    p.session = digest_of(6);
    assert_int_equal(store_proof_challenge(s, &p, &err), PT_OK);
    store_close(s);
}

static bool refused(struct store *s, uint8_t epoch, const char *peer)
{
    const struct digest id = digest_of(epoch);
    struct pt_err err = {0};
    bool is = false;

    assert_int_equal(store_proof_refused(&is, s, &id, peer, &err), PT_OK);
    return is;
}

static void a_refusal_is_for_its_epoch_and_peer(void **state)
{
    const struct store_proof_refusal r = {.epoch = digest_of(1),
                                          .peer = "ada",
                                          .session = digest_of(0xab),
                                          .commitment = digest_of(0xcd),
                                          .answer = digest_of(0xef)};
    static struct store_event_row row;
    struct store *s = opened(state);
    struct pt_err err = {0};
    bool found = false;

    assert_false(refused(s, 1, "ada"));
    assert_int_equal(store_proof_refuse(s, &r, 1796990400, &err), PT_OK);
    s = opened_again(state, s);
    assert_true(refused(s, 1, "ada"));
    assert_false(refused(s, 1, "bea"));
    assert_false(refused(s, 2, "ada"));
    assert_int_equal(store_event_next(&row, &found, s, 0, &err), PT_OK);
    assert_true(found);
    assert_string_equal(row.kind, "refused");
    assert_non_null(strstr(row.fields, "peer=ada what=proof reason=NOT_PROVED epoch=0101"));
    assert_non_null(strstr(row.fields, " commitment=cdcd"));
    assert_non_null(strstr(row.fields, " answer=efef"));
    store_close(s);
}

/* Goal: columns that a build without proofs took are not computed with before they are proved.
 * Method: a database as schema 2 has it. */
static void older_columns_are_unproved(void **state)
{
    const struct store_column c = {.epoch = digest_of(1), .peer = "ada", .name = "all"};
    const struct digest one = digest_of(2);
    struct store *s = opened(state);
    struct pt_err err = {0};
    struct digest bound;
    bool found = false;
    sqlite3 *db;

    assert_int_equal(store_column_prove(s, &c, &one, &err), PT_OK);
    store_close(s);
    assert_int_equal(sqlite3_open(scratch_path(state, "state.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "ALTER TABLE columns DROP COLUMN proved; DROP TABLE proofs;"
                                  "DROP TABLE unproved; PRAGMA user_version = 2",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    s = opened(state);
    assert_int_equal(store_column_find(&bound, &found, s, &c, &err), PT_OK);
    assert_true(found);
    assert_false(proved(s, &c));
    assert_int_equal(store_column_prove(s, &c, &one, &err), PT_OK);
    assert_true(proved(s, &c));
    store_close(s);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_column_is_proved_once_and_for_all),
        CASE(a_commitment_has_one_challenge),
        CASE(a_refusal_is_for_its_epoch_and_peer),
        CASE(older_columns_are_unproved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
