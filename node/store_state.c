/* The smaller tables: columns, quotas, runs, answers, facts. */
#include "node/store_internal.h"

#include <inttypes.h>
#include <string.h>

enum { DAY_S = 86400 };

static void column_key(struct query *q, const struct store_column *c)
{
    query_digest(q, &c->epoch);
    query_text(q, c->peer);
    query_u64(q, c->sent ? 1 : 0);
    query_text(q, c->name);
}

enum pt_code store_column_find(struct digest *out, bool *found, struct store *s,
                               const struct store_column *c, struct pt_err *err)
{
    struct query q;

    *out = (struct digest){{0}};
    *found = false;
    query_begin(
        &q, s, "SELECT digest FROM columns WHERE epoch = ? AND peer = ? AND sent = ? AND name = ?");
    column_key(&q, c);
    if (query_next(&q)) {
        *found = true;
        query_get_digest(out, &q, 0);
    }
    return query_end(&q, "look up a column", err);
}

static enum pt_code bind(struct store *s, const struct store_column *c, const struct digest *digest,
                         struct pt_err *err)
{
    struct digest known;
    bool found;
    struct query q;

    if (store_column_find(&known, &found, s, c, err) != PT_OK)
        return err->code;
    if (found &&
        !span_eq_vartime(span_of(known.b, sizeof known.b), span_of(digest->b, sizeof digest->b)))
        return pt_fail(err, PT_EDENIED,
                       "a second ciphertext for one column in one epoch %s %s: its data changed; "
                       "begin a new epoch",
                       c->sent ? "to" : "from", c->peer);
    if (found)
        return PT_OK;
    query_begin(&q, s, "INSERT INTO columns VALUES(?, ?, ?, ?, ?, 0)");
    column_key(&q, c);
    query_digest(&q, digest);
    query_run(&q);
    return query_end(&q, "record a column", err);
}

enum pt_code store_column_bind(struct store *s, const struct store_column *c,
                               const struct digest *digest, struct pt_err *err)
{
    bool own;
    enum pt_code rc;

    if (strlen(c->name) > STORE_TEXT_MAX)
        return pt_fail(err, PT_EBUG, "a column name of over %d bytes", STORE_TEXT_MAX);
    if ((rc = store_scope_begin(&own, s, err)) != PT_OK)
        return rc;
    return store_scope_end(s, own, bind(s, c, digest, err), err);
}

/* Days of the clock, also before 1970. */
static int64_t day_of(int64_t now_s)
{
    return now_s >= 0 ? now_s / DAY_S : -((-now_s + DAY_S - 1) / DAY_S);
}

static enum pt_code take(uint64_t *used, struct store *s, const struct store_quota *quota,
                         int64_t day, struct pt_err *err)
{
    uint64_t taken = 0;
    struct query q;

    query_begin(&q, s, "SELECT taken FROM quotas WHERE what = ? AND peer = ? AND day = ?");
    query_text(&q, quota->what);
    query_text(&q, quota->peer);
    query_i64(&q, day);
    if (query_next(&q))
        taken = query_get_u64(&q, 0);
    if (query_end(&q, "read a quota", err) != PT_OK)
        return err->code;
    if (taken > quota->limit || quota->count > quota->limit - taken)
        return pt_fail(err, PT_ELIMIT,
                       "%s%s%s: today's quota of %" PRIu64 " is used up: try again tomorrow (UTC)",
                       quota->what, quota->peer[0] != '\0' ? " for " : "", quota->peer,
                       quota->limit);
    query_begin(&q, s,
                "INSERT INTO quotas VALUES(?1, ?2, ?3, ?4)"
                " ON CONFLICT DO UPDATE SET taken = taken + ?4");
    query_text(&q, quota->what);
    query_text(&q, quota->peer);
    query_i64(&q, day);
    query_u64(&q, quota->count);
    query_run(&q);
    *used = taken + quota->count;
    return query_end(&q, "count towards a quota", err);
}

enum pt_code store_quota_take(uint64_t *used, struct store *s, const struct store_quota *quota,
                              int64_t now_s, struct pt_err *err)
{
    bool own;
    enum pt_code rc;

    *used = 0;
    if ((rc = store_scope_begin(&own, s, err)) != PT_OK)
        return rc;
    rc = store_scope_end(s, own, take(used, s, quota, day_of(now_s), err), err);
    if (rc != PT_OK)
        *used = 0;
    return rc;
}

enum pt_code store_run_put(struct store *s, const struct store_run *r, int64_t now_s,
                           struct pt_err *err)
{
    struct query q;

    query_begin(&q, s, "INSERT OR REPLACE INTO runs VALUES(?, ?, ?, ?, ?, ?)");
    query_digest(&q, &r->id);
    query_text(&q, r->peer);
    query_u64(&q, r->record_count);
    query_u64(&q, r->chunk_count);
    query_u64(&q, r->chunks_done);
    query_i64(&q, now_s);
    query_run(&q);
    return query_end(&q, "record the progress of a batch", err);
}

enum pt_code store_run_find(struct store_run *out, bool *found, struct store *s,
                            const struct digest *id, const char *peer, struct pt_err *err)
{
    struct query q;

    *out = (struct store_run){.id = *id, .peer = peer};
    *found = false;
    query_begin(
        &q, s, "SELECT record_count, chunk_count, chunks_done FROM runs WHERE id = ? AND peer = ?");
    query_digest(&q, id);
    query_text(&q, peer);
    if (query_next(&q)) {
        *found = true;
        out->record_count = query_get_u64(&q, 0);
        out->chunk_count = query_get_u64(&q, 1);
        out->chunks_done = query_get_u64(&q, 2);
    }
    return query_end(&q, "read the progress of a batch", err);
}

enum pt_code store_answer_put(struct store *s, const struct digest *question_id, struct span json,
                              int64_t now_s, struct pt_err *err)
{
    struct query q;

    if (json.n > STORE_BLOB_MAX)
        return pt_fail(err, PT_EBUG, "an answer of over %d bytes", STORE_BLOB_MAX);
    query_begin(&q, s, "INSERT OR REPLACE INTO answers VALUES(?, ?, ?)");
    query_digest(&q, question_id);
    query_blob(&q, json);
    query_i64(&q, now_s);
    query_run(&q);
    return query_end(&q, "keep an answer", err);
}

/* One blob by its key: answers and facts are read alike. */
static enum pt_code find_blob(struct buf *out, bool *found, struct query *q, const char *doing,
                              struct pt_err *err)
{
    *out = (struct buf){0};
    *found = false;
    if (query_next(q)) {
        *found = true;
        query_get_blob(out, q, 0);
    }
    if (query_end(q, doing, err) == PT_OK)
        return PT_OK;
    buf_free(out);
    *found = false;
    return err->code;
}

enum pt_code store_answer_find(struct buf *out, bool *found, struct store *s,
                               const struct digest *question_id, struct pt_err *err)
{
    struct query q;

    query_begin(&q, s, "SELECT json FROM answers WHERE question_id = ?");
    query_digest(&q, question_id);
    return find_blob(out, found, &q, "read an answer", err);
}

enum pt_code store_fact_put(struct store *s, const char *name, struct span value,
                            struct pt_err *err)
{
    struct query q;

    if (value.n > STORE_BLOB_MAX)
        return pt_fail(err, PT_EBUG, "a fact of over %d bytes", STORE_BLOB_MAX);
    query_begin(&q, s, "INSERT OR REPLACE INTO facts VALUES(?, ?)");
    query_text(&q, name);
    query_blob(&q, value);
    query_run(&q);
    return query_end(&q, "record a fact", err);
}

enum pt_code store_fact_find(struct buf *out, bool *found, struct store *s, const char *name,
                             struct pt_err *err)
{
    struct query q;

    query_begin(&q, s, "SELECT value FROM facts WHERE name = ?");
    query_text(&q, name);
    return find_blob(out, found, &q, "read a fact", err);
}
