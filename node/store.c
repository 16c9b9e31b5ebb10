#include "node/store.h"

#include "crypto/base/text.h"
#include "node/store_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };

/* What SQLite says, as something to do about it. */
static enum pt_code explain(struct store *s, int rc, struct pt_err *err)
{
    int cause = s->db != NULL ? sqlite3_system_errno(s->db) : 0;
    int primary = rc & 0xff;

    if (primary == SQLITE_FULL || cause == ENOSPC || cause == EDQUOT || cause == EFBIG)
        return pt_fail(err, PT_EIO, "%s: the disk is full: free some space and try again", s->path);
    if (primary == SQLITE_READONLY || primary == SQLITE_PERM || cause == EROFS || cause == EACCES)
        return pt_fail(err, PT_EIO, "%s cannot be written: make the home writable for this user",
                       s->path);
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
        return pt_fail(err, PT_EIO,
                       "%s is damaged, so what was spent is not known and nothing is answered: "
                       "keep the file, restore the newest backup of it",
                       s->path);
    if (primary == SQLITE_CANTOPEN)
        return pt_fail(err, PT_EIO, "%s cannot be opened: %s", s->path,
                       cause != 0 ? strerror(cause) : "no such file, or no permission");
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return pt_fail(err, PT_ESTATE, "%s is in use by another program: try again", s->path);
    if (primary == SQLITE_NOMEM)
        return pt_fail(err, PT_ENOMEM, "%s: out of memory", s->path);
    if (primary == SQLITE_IOERR)
        return pt_fail(err, PT_EIO, "%s: reading or writing failed: %s", s->path,
                       cause != 0 ? strerror(cause) : "input/output error");
    return pt_fail(err, PT_EBUG, "%s: SQLite: %s", s->path,
                   s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
}

static void lock(struct store *s)
{
    int rc = pthread_mutex_lock(&s->lock);
    assert(rc == 0);
    (void)rc;
}

static void unlock(struct store *s)
{
    int rc = pthread_mutex_unlock(&s->lock);
    assert(rc == 0);
    (void)rc;
}

void query_begin(struct query *q, struct store *s, const char *sql)
{
    *q = (struct query){.store = s};
    lock(s);
    q->rc = sqlite3_prepare_v2(s->db, sql, -1, &q->statement, NULL);
}

static void bound(struct query *q, int rc)
{
    if (q->rc == SQLITE_OK)
        q->rc = rc;
}

void query_blob(struct query *q, struct span value)
{
    /* A NULL pointer would bind NULL, not an empty blob. */
    const void *p = value.n > 0 ? (const void *)value.p : "";

    q->bound++;
    bound(q, q->rc == SQLITE_OK
                 ? sqlite3_bind_blob64(q->statement, q->bound, p, value.n, SQLITE_TRANSIENT)
                 : q->rc);
}

void query_digest(struct query *q, const struct digest *value)
{
    query_blob(q, span_of(value->b, sizeof value->b));
}

void query_text(struct query *q, const char *value)
{
    q->bound++;
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_text(q->statement, q->bound, value, -1, SQLITE_TRANSIENT);
}

void query_i64(struct query *q, int64_t value)
{
    q->bound++;
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_int64(q->statement, q->bound, value);
}

void query_u64(struct query *q, uint64_t value)
{
    if (value > INT64_MAX)
        bound(q, SQLITE_TOOBIG);
    query_i64(q, (int64_t)value);
}

bool query_next(struct query *q)
{
    if (q->rc != SQLITE_OK)
        return false;
    int rc = sqlite3_step(q->statement);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE)
        q->rc = sqlite3_extended_errcode(q->store->db);
    return false;
}

void query_run(struct query *q)
{
    while (query_next(q)) {
    }
}

int64_t query_get_i64(struct query *q, int column)
{
    if (sqlite3_column_type(q->statement, column) != SQLITE_INTEGER)
        q->damaged = true;
    return sqlite3_column_int64(q->statement, column);
}

uint64_t query_get_u64(struct query *q, int column)
{
    int64_t v = query_get_i64(q, column);

    if (v < 0)
        q->damaged = true;
    return v < 0 ? 0 : (uint64_t)v;
}

void query_get_digest(struct digest *out, struct query *q, int column)
{
    const void *p = sqlite3_column_blob(q->statement, column);

    *out = (struct digest){{0}};
    if (p == NULL || sqlite3_column_bytes(q->statement, column) != (int)sizeof out->b)
        q->damaged = true;
    else
        memcpy(out->b, p, sizeof out->b);
}

void query_get_text(char *out, size_t cap, struct query *q, int column)
{
    const unsigned char *p = sqlite3_column_text(q->statement, column);
    size_t n = (size_t)sqlite3_column_bytes(q->statement, column);

    out[0] = '\0';
    if (p == NULL || n >= cap || memchr(p, 0, n) != NULL) {
        q->damaged = true;
        return;
    }
    memcpy(out, p, n);
    out[n] = '\0';
}

void query_get_blob(struct buf *out, struct query *q, int column)
{
    const void *p = sqlite3_column_blob(q->statement, column);
    size_t n = (size_t)sqlite3_column_bytes(q->statement, column);

    out->n = 0;
    if (n > 0 && (p == NULL || !buf_add(out, p, n)))
        bound(q, SQLITE_NOMEM);
}

enum pt_code query_end(struct query *q, const char *doing, struct pt_err *err)
{
    struct store *s = q->store;
    enum pt_code rc = PT_OK;

    if (q->rc != SQLITE_OK)
        rc = explain(s, q->rc, err);
    else if (q->damaged)
        rc = explain(s, SQLITE_CORRUPT, err);
    sqlite3_finalize(q->statement);
    unlock(s);
    *q = (struct query){0};
    return rc == PT_OK ? PT_OK : pt_wrap(err, "%s", doing);
}

enum pt_code store_execute(struct store *s, const char *sql, const char *doing, struct pt_err *err)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        return PT_OK;
    explain(s, sqlite3_extended_errcode(s->db), err);
    return pt_wrap(err, "%s", doing);
}

enum pt_code store_begin(struct store *s, struct pt_err *err)
{
    lock(s);
    assert(!s->in_transaction);
    /* IMMEDIATE: the write lock now, so that what is read cannot change before it is used. */
    if (store_execute(s, "BEGIN IMMEDIATE", "begin a transaction", err) != PT_OK) {
        unlock(s);
        return err->code;
    }
    s->in_transaction = true;
    return PT_OK;
}

enum pt_code store_commit(struct store *s, struct pt_err *err)
{
    assert(s->in_transaction);
    if (store_execute(s, "COMMIT", "commit", err) != PT_OK) {
        store_rollback(s);
        return err->code;
    }
    s->in_transaction = false;
    unlock(s);
    return PT_OK;
}

void store_rollback(struct store *s)
{
    lock(s);
    if (s->in_transaction) {
        /* Fails only when SQLite has rolled back by itself already. */
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        s->in_transaction = false;
        unlock(s);
    }
    unlock(s);
}

enum pt_code store_scope_begin(bool *own, struct store *s, struct pt_err *err)
{
    lock(s);
    *own = !s->in_transaction;
    enum pt_code rc = *own ? store_begin(s, err) : PT_OK;
    unlock(s);
    return rc;
}

enum pt_code store_scope_end(struct store *s, bool own, enum pt_code rc, struct pt_err *err)
{
    if (!own)
        return rc;
    if (rc == PT_OK)
        return store_commit(s, err);
    store_rollback(s);
    return rc;
}

static enum pt_code read_number(int64_t *out, struct store *s, const char *sql, struct pt_err *err)
{
    struct query q;

    *out = 0;
    query_begin(&q, s, sql);
    if (query_next(&q))
        *out = query_get_i64(&q, 0);
    return query_end(&q, "open the database", err);
}

/* An empty file becomes ours; any other must be ours, and is brought to this schema by whoever may
 * write. */
static enum pt_code adopt(struct store *s, enum store_mode mode, struct pt_err *err)
{
    int64_t tables;
    int64_t id;
    int64_t schema;

    if (read_number(&tables, s, "SELECT count(*) FROM sqlite_schema", err) != PT_OK ||
        read_number(&id, s, "PRAGMA application_id", err) != PT_OK ||
        read_number(&schema, s, "PRAGMA user_version", err) != PT_OK)
        return err->code;
    if (tables == 0 && id == 0 && mode == STORE_WRITE)
        return store_schema_raise(s, 0, err);
    if (id != STORE_APPLICATION_ID)
        return pt_fail(err, PT_EIO, "%s is not a database of patto's: move it away", s->path);
    if (schema > STORE_SCHEMA)
        return pt_fail(err, PT_ESTATE,
                       "%s was written by a newer patto (schema %lld, this one knows %d): install "
                       "that version",
                       s->path, (long long)schema, STORE_SCHEMA);
    if (schema < 1)
        return pt_fail(err, PT_EIO, "%s has schema %lld, which no patto wrote", s->path,
                       (long long)schema);
    if (schema < STORE_SCHEMA && mode == STORE_READ)
        return pt_fail(err, PT_ESTATE,
                       "%s was written by an older patto (schema %lld, this one writes %d): "
                       "`patto serve` brings it up to date",
                       s->path, (long long)schema, STORE_SCHEMA);
    return schema < STORE_SCHEMA ? store_schema_raise(s, schema, err) : PT_OK;
}

static enum pt_code open_database(struct store *s, enum store_mode mode, struct pt_err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE |
                (mode == STORE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);

    if (mode == STORE_WRITE) {
        /* Made here, not by SQLite, for its permissions. */
        int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return pt_fail(err, PT_EIO, "%s cannot be opened: %s", s->path, strerror(errno));
        close(fd);
    } else if (access(s->path, F_OK) != 0) {
        return pt_fail(err, PT_ESTATE, "%s is not there yet: `patto join` makes it", s->path);
    }
    int rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);
    if (rc != SQLITE_OK)
        return explain(s, rc, err);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, 8 * STORE_BLOB_MAX);
    if (store_execute(s,
                      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                      "PRAGMA foreign_keys = ON;",
                      "open the database", err) != PT_OK)
        return err->code;
    if (mode == STORE_READ)
        return store_execute(s, "PRAGMA query_only = ON", "open the database", err);
    return store_execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
                         "open the database", err);
}

enum pt_code store_open(struct store **out, const char *path, enum store_mode mode,
                        struct pt_err *err)
{
    struct store *s = calloc(1, sizeof *s);
    pthread_mutexattr_t recursive;

    *out = NULL;
    if (s == NULL)
        return pt_fail(err, PT_ENOMEM, "%s: out of memory", path);
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&s->lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    if (!text_copy(s->path, sizeof s->path, span_z(path)))
        pt_fail(err, PT_ELIMIT, "the path of the database is over %zu bytes", sizeof s->path - 1);
    else if (open_database(s, mode, err) == PT_OK && adopt(s, mode, err) == PT_OK) {
        *out = s;
        return PT_OK;
    }
    store_close(s);
    return err->code;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    store_rollback(s);
    sqlite3_close(s->db);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

enum pt_code store_check(struct store *s, struct pt_err *err)
{
    struct query q;
    char verdict[256] = "";

    query_begin(&q, s, "PRAGMA integrity_check(1)");
    if (query_next(&q))
        query_get_text(verdict, sizeof verdict, &q, 0);
    query_run(&q);
    if (query_end(&q, "check the database", err) != PT_OK)
        return err->code;
    return strcmp(verdict, "ok") == 0 ? PT_OK : explain(s, SQLITE_CORRUPT, err);
}
