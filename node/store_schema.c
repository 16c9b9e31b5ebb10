/* The tables, and how an older database comes to have them. */
#include "node/store_internal.h"

#include <stdio.h>

/* Charges and events are never changed and never go: the triggers stop our own mistakes, the
 * hash chain shows anybody else's. */
static const char FIRST[] =
    "CREATE TABLE events(sequence INTEGER PRIMARY KEY, at_s INTEGER NOT NULL, kind TEXT NOT NULL,"
    "  fields TEXT NOT NULL, hash BLOB NOT NULL CHECK(length(hash) = 32)) STRICT;"
    "CREATE TABLE charges(question_id BLOB PRIMARY KEY CHECK(length(question_id) = 32),"
    "  recipient TEXT NOT NULL, kind TEXT NOT NULL, epoch BLOB NOT NULL CHECK(length(epoch) = 32),"
    "  rho_nano INTEGER NOT NULL CHECK(rho_nano >= 0), charged_at_s INTEGER NOT NULL,"
    "  policy BLOB NOT NULL CHECK(length(policy) = 32), question TEXT NOT NULL,"
    "  event INTEGER NOT NULL UNIQUE REFERENCES events(sequence)) STRICT;"
    "CREATE INDEX charges_recipient ON charges(recipient, charged_at_s);"
    "CREATE TRIGGER events_kept BEFORE DELETE ON events"
    "  BEGIN SELECT RAISE(ABORT, 'events are kept'); END;"
    "CREATE TRIGGER events_fixed BEFORE UPDATE ON events"
    "  BEGIN SELECT RAISE(ABORT, 'events are fixed'); END;"
    "CREATE TRIGGER charges_kept BEFORE DELETE ON charges"
    "  BEGIN SELECT RAISE(ABORT, 'charges are kept'); END;"
    "CREATE TRIGGER charges_fixed BEFORE UPDATE ON charges"
    "  BEGIN SELECT RAISE(ABORT, 'charges are fixed'); END;"
    "CREATE TABLE epochs(number INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL UNIQUE CHECK(length(id) = 32), header BLOB NOT NULL,"
    "  signatures BLOB NOT NULL, created_s INTEGER NOT NULL) STRICT;"
    "CREATE TABLE columns(epoch BLOB NOT NULL, peer TEXT NOT NULL, sent INTEGER NOT NULL,"
    "  name TEXT NOT NULL, digest BLOB NOT NULL CHECK(length(digest) = 32),"
    "  PRIMARY KEY(epoch, peer, sent, name)) STRICT;"
    "CREATE TABLE quotas(what TEXT NOT NULL, peer TEXT NOT NULL, day INTEGER NOT NULL,"
    "  taken INTEGER NOT NULL CHECK(taken >= 0), PRIMARY KEY(what, peer, day)) STRICT;"
    "CREATE TABLE runs(id BLOB NOT NULL CHECK(length(id) = 32), peer TEXT NOT NULL,"
    "  record_count INTEGER NOT NULL, chunk_count INTEGER NOT NULL, chunks_done INTEGER NOT NULL,"
    "  changed_s INTEGER NOT NULL, PRIMARY KEY(id, peer)) STRICT;"
    "CREATE TABLE answers(question_id BLOB PRIMARY KEY CHECK(length(question_id) = 32),"
    "  json BLOB NOT NULL, at_s INTEGER NOT NULL) STRICT;"
    "CREATE TABLE facts(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;";

/* Each event's leaf in the transparency log, and the tree heads that were signed. */
static const char LOG[] =
    "CREATE TABLE leaves(sequence INTEGER PRIMARY KEY REFERENCES events(sequence),"
    "  salt BLOB NOT NULL CHECK(length(salt) = 32),"
    "  entry BLOB NOT NULL CHECK(length(entry) = 32)) STRICT;"
    "CREATE TABLE heads(size INTEGER PRIMARY KEY CHECK(size > 0),"
    "  root BLOB NOT NULL CHECK(length(root) = 32), signed_s INTEGER NOT NULL) STRICT;"
    "CREATE TRIGGER leaves_kept BEFORE DELETE ON leaves"
    "  BEGIN SELECT RAISE(ABORT, 'leaves are kept'); END;"
    "CREATE TRIGGER leaves_fixed BEFORE UPDATE ON leaves"
    "  BEGIN SELECT RAISE(ABORT, 'leaves are fixed'); END;"
    "CREATE TRIGGER heads_kept BEFORE DELETE ON heads"
    "  BEGIN SELECT RAISE(ABORT, 'heads are kept'); END;"
    "CREATE TRIGGER heads_fixed BEFORE UPDATE ON heads"
    "  BEGIN SELECT RAISE(ABORT, 'heads are fixed'); END;";

/* What is known of columns that peers proved. Columns received under an older schema are unproved. */
static const char PROOFS[] =
    "ALTER TABLE columns ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE proofs(session BLOB NOT NULL CHECK(length(session) = 32),"
    "  first INTEGER NOT NULL, sent INTEGER NOT NULL,"
    "  commitment BLOB NOT NULL CHECK(length(commitment) = 32),"
    "  challenge BLOB NOT NULL CHECK(length(challenge) = 32),"
    "  PRIMARY KEY(session, first, sent)) STRICT;"
    "CREATE TABLE unproved(epoch BLOB NOT NULL CHECK(length(epoch) = 32), peer TEXT NOT NULL,"
    "  at_s INTEGER NOT NULL, PRIMARY KEY(epoch, peer)) STRICT;"
    "CREATE TRIGGER proofs_kept BEFORE DELETE ON proofs"
    "  BEGIN SELECT RAISE(ABORT, 'challenges are kept'); END;"
    "CREATE TRIGGER proofs_fixed BEFORE UPDATE ON proofs"
    "  BEGIN SELECT RAISE(ABORT, 'challenges are fixed'); END;"
    "CREATE TRIGGER unproved_kept BEFORE DELETE ON unproved"
    "  BEGIN SELECT RAISE(ABORT, 'refusals are kept'); END;";

/* STEPS[i] leads from schema i to i + 1. A row never changes once it was released. */
static const struct step {
    const char *sql;
    enum pt_code (*fill)(struct store *s, struct pt_err *err); /* may be NULL */
} STEPS[] = {
    {FIRST, NULL},
    {LOG, store_leaves_fill},
    {PROOFS, NULL},
};
_Static_assert(PT_LEN(STEPS) == STORE_SCHEMA, "a step for each schema");

static enum pt_code run_steps(struct store *s, int64_t from, struct pt_err *err)
{
    char stamp[96];
    enum pt_code rc = PT_OK;

    for (int64_t i = from; rc == PT_OK && i < STORE_SCHEMA; i++) {
        rc = store_execute(s, STEPS[i].sql, "make the tables", err);
        if (rc == PT_OK && STEPS[i].fill != NULL)
            rc = STEPS[i].fill(s, err);
    }
    snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             STORE_APPLICATION_ID, STORE_SCHEMA);
    return rc == PT_OK ? store_execute(s, stamp, "stamp the database", err) : rc;
}

enum pt_code store_schema_raise(struct store *s, int64_t from, struct pt_err *err)
{
    if (store_begin(s, err) != PT_OK)
        return err->code;
    if (run_steps(s, from, err) == PT_OK)
        return store_commit(s, err);
    store_rollback(s);
    return err->code;
}
