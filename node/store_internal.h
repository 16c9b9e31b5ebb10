/* store_internal.h - for store*.c alone: the connection, and one statement as a cursor.
 *
 * A cursor's first failure sticks, as in struct rd: bind, step and read, and look once. */
#ifndef PT_STORE_INTERNAL_H
#define PT_STORE_INTERNAL_H

#include "node/store.h"

#include <pthread.h>

struct sqlite3;
struct sqlite3_stmt;

struct store {
    struct sqlite3 *db;
    char path[1024];
    pthread_mutex_t lock; /* recursive: held from store_begin() to its end */
    bool in_transaction;  /* under lock */
};

struct query {
    struct store *store;
    struct sqlite3_stmt *statement;
    int bound;    /* parameters so far */
    int rc;       /* SQLite's; 0 until something fails */
    bool damaged; /* a value that we could not have written */
};

/* Takes the lock until query_end(), which every query_begin() needs, failed or not. */
void query_begin(struct query *q, struct store *s, const char *sql);
void query_blob(struct query *q, struct span value);
void query_digest(struct query *q, const struct digest *value);
void query_text(struct query *q, const char *value);
void query_u64(struct query *q, uint64_t value); /* at most 2^63 - 1 */
void query_i64(struct query *q, int64_t value);
/* True when there is a(nother) row. False at the end and on failure. */
bool query_next(struct query *q);
void query_run(struct query *q); /* to the end, for what returns no row */
/* Columns from 0. */
uint64_t query_get_u64(struct query *q, int column);
int64_t query_get_i64(struct query *q, int column);
void query_get_digest(struct digest *out, struct query *q, int column);
void query_get_text(char *out, size_t cap, struct query *q, int column);
void query_get_blob(struct buf *out, struct query *q, int column);
/* The outcome as a sentence: `doing` says what was attempted. */
PT_MUST_USE enum pt_code query_end(struct query *q, const char *doing, struct pt_err *err);

enum { STORE_APPLICATION_ID = 0x7061747f };
/* SQL without parameters. */
PT_MUST_USE enum pt_code store_execute(struct store *s, const char *sql, const char *doing,
                                       struct pt_err *err);
/* From schema `from` (0: an empty file) to STORE_SCHEMA, in one transaction. */
PT_MUST_USE enum pt_code store_schema_raise(struct store *s, int64_t from, struct pt_err *err);

/* Give the event just written its leaf, and *row its salt; inside the same transaction. */
PT_MUST_USE enum pt_code store_leaf_append(struct store *s, struct store_event_row *row,
                                           struct pt_err *err);
/* Leaves for the events that have none: those of schema 1. */
PT_MUST_USE enum pt_code store_leaves_fill(struct store *s, struct pt_err *err);

/* A transaction when the caller has not begun one. Pass *own on; rc decides between the two ends. */
PT_MUST_USE enum pt_code store_scope_begin(bool *own, struct store *s, struct pt_err *err);
PT_MUST_USE enum pt_code store_scope_end(struct store *s, bool own, enum pt_code rc,
                                         struct pt_err *err);

#endif
