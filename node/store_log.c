/* Leaves of the transparency log, and the heads that were signed. */
#include "node/store_internal.h"

#include <inttypes.h>
#include <string.h>

void store_event_entry(struct digest *out, const struct store_event_row *row)
{
    uint8_t sequence[8];
    uint8_t at[8];

    store_u64le(sequence, row->sequence);
    store_u64le(at, (uint64_t)row->at_s);
    hash_parts(out, "patto/event/entry/1",
               (struct span[]){span_of(row->salt.b, sizeof row->salt.b),
                               span_of(sequence, sizeof sequence), span_of(at, sizeof at),
                               span_z(row->kind), span_z(row->fields)},
               5);
}

enum pt_code store_leaf_append(struct store *s, struct store_event_row *row, struct pt_err *err)
{
    struct digest entry;
    struct key32 salt;
    struct query q;

    key32_random(&salt);
    memcpy(row->salt.b, salt.b, sizeof row->salt.b);
    store_event_entry(&entry, row);
    query_begin(&q, s, "INSERT INTO leaves VALUES(?, ?, ?)");
    query_u64(&q, row->sequence);
    query_digest(&q, &row->salt);
    query_digest(&q, &entry);
    query_run(&q);
    return query_end(&q, "write an event's leaf", err);
}

/* An event without its leaf, after a sequence number. */
static enum pt_code next_bare(struct store_event_row *out, bool *found, struct store *s,
                              uint64_t after, struct pt_err *err)
{
    struct query q;

    *out = (struct store_event_row){0};
    query_begin(&q, s,
                "SELECT sequence, at_s, kind, fields FROM events WHERE sequence > ?"
                " ORDER BY sequence LIMIT 1");
    query_u64(&q, after);
    if ((*found = query_next(&q))) {
        out->sequence = query_get_u64(&q, 0);
        out->at_s = query_get_i64(&q, 1);
        query_get_text(out->kind, sizeof out->kind, &q, 2);
        query_get_text(out->fields, sizeof out->fields, &q, 3);
    }
    return query_end(&q, "read the audit record", err);
}

enum pt_code store_leaves_fill(struct store *s, struct pt_err *err)
{
    struct store_event_row row = {0};
    bool found = true;
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && (rc = next_bare(&row, &found, s, row.sequence, err)) == PT_OK && found)
        rc = store_leaf_append(s, &row, err);
    return rc;
}

enum pt_code store_event_next(struct store_event_row *out, bool *found, struct store *s,
                              uint64_t after, struct pt_err *err)
{
    struct query q;

    *out = (struct store_event_row){0};
    query_begin(&q, s,
                "SELECT sequence, at_s, kind, fields, salt FROM events JOIN leaves USING (sequence)"
                " WHERE sequence > ? ORDER BY sequence LIMIT 1");
    query_u64(&q, after);
    if ((*found = query_next(&q))) {
        out->sequence = query_get_u64(&q, 0);
        out->at_s = query_get_i64(&q, 1);
        query_get_text(out->kind, sizeof out->kind, &q, 2);
        query_get_text(out->fields, sizeof out->fields, &q, 3);
        query_get_digest(&out->salt, &q, 4);
    }
    return query_end(&q, "read the audit record", err);
}

enum pt_code store_event_find(struct store_event_row *out, bool *found, struct store *s,
                              const struct store_event_like *like, struct pt_err *err)
{
    uint64_t sequence = 0;
    struct query q;

    *found = false;
    query_begin(&q, s,
                "SELECT coalesce(max(sequence), 0) FROM events WHERE kind = ?"
                " AND instr(' ' || fields || ' ', ' ' || ? || ' ') > 0"
                " AND instr(' ' || fields || ' ', ' ' || ? || ' ') > 0");
    query_text(&q, like->kind);
    query_text(&q, like->one);
    query_text(&q, like->other);
    if (query_next(&q))
        sequence = query_get_u64(&q, 0);
    if (query_end(&q, "look through the audit record", err) != PT_OK)
        return err->code;
    return sequence > 0 ? store_event_next(out, found, s, sequence - 1, err) : PT_OK;
}

enum pt_code store_entries(struct digest *out, size_t *n, size_t cap, struct store *s,
                           uint64_t after, struct pt_err *err)
{
    struct query q;

    *n = 0;
    query_begin(&q, s,
                "SELECT sequence, entry FROM leaves JOIN events USING (sequence) WHERE sequence > "
                "? ORDER BY sequence LIMIT ?");
    query_u64(&q, after);
    query_u64(&q, cap);
    while (*n < cap && query_next(&q)) {
        if (query_get_u64(&q, 0) != after + *n + 1)
            q.damaged = true;
        query_get_digest(&out[(*n)++], &q, 1);
    }
    enum pt_code rc = query_end(&q, "read the leaves of the log", err);
    if (rc != PT_OK)
        *n = 0;
    return rc;
}

static enum pt_code read_head(struct store_head *out, bool *found, struct query *q,
                              struct pt_err *err)
{
    *out = (struct store_head){0};
    if ((*found = query_next(q))) {
        out->size = query_get_u64(q, 0);
        query_get_digest(&out->root, q, 1);
        out->signed_s = query_get_i64(q, 2);
    }
    return query_end(q, "read the signed tree heads", err);
}

enum pt_code store_head_next(struct store_head *out, bool *found, struct store *s, uint64_t above,
                             struct pt_err *err)
{
    struct query q;

    query_begin(&q, s,
                "SELECT size, root, signed_s FROM heads WHERE size > ? ORDER BY size LIMIT 1");
    query_u64(&q, above);
    return read_head(out, found, &q, err);
}

enum pt_code store_head_last(struct store_head *out, bool *found, struct store *s,
                             struct pt_err *err)
{
    struct query q;

    query_begin(&q, s, "SELECT size, root, signed_s FROM heads ORDER BY size DESC LIMIT 1");
    return read_head(out, found, &q, err);
}

static enum pt_code add_head(struct store *s, const struct store_head *h, struct pt_err *err)
{
    struct store_head last;
    struct query q;
    bool found;

    if (store_head_last(&last, &found, s, err) != PT_OK)
        return err->code;
    if (found && h->size == last.size &&
        span_eq_vartime(span_of(h->root.b, sizeof h->root.b),
                        span_of(last.root.b, sizeof last.root.b)))
        return PT_OK;
    if (h->size == 0 || (found && h->size <= last.size))
        return pt_fail(err, PT_EDENIED,
                       "a tree head of %" PRIu64 " events after one of %" PRIu64
                       " was signed: the log would fork",
                       h->size, last.size);
    query_begin(&q, s, "INSERT INTO heads VALUES(?, ?, ?)");
    query_u64(&q, h->size);
    query_digest(&q, &h->root);
    query_i64(&q, h->signed_s);
    query_run(&q);
    return query_end(&q, "record a tree head", err);
}

enum pt_code store_head_add(struct store *s, const struct store_head *h, struct pt_err *err)
{
    bool own;
    enum pt_code rc = store_scope_begin(&own, s, err);

    if (rc != PT_OK)
        return rc;
    return store_scope_end(s, own, add_head(s, h, err), err);
}
