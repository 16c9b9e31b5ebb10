#include "crypto/base/text.h"
#include "node/store_internal.h"

#include <inttypes.h>
#include <string.h>

/* Each row's hash covers the one before it, so a changed, removed or inserted row breaks the
 * chain from there on. */
static void chain(struct digest *out, const struct store_place *before, int64_t at_s,
                  const char *kind, const char *fields)
{
    uint8_t sequence[8];
    uint8_t at[8];

    store_u64le(sequence, before->sequence + 1);
    store_u64le(at, (uint64_t)at_s);
    hash_parts(out, "patto/event",
               (struct span[]){span_of(before->hash.b, sizeof before->hash.b),
                               span_of(sequence, sizeof sequence), span_of(at, sizeof at),
                               span_z(kind), span_z(fields)},
               5);
}

enum pt_code store_event_head(struct store_place *out, struct store *s, struct pt_err *err)
{
    struct query q;

    *out = (struct store_place){0};
    query_begin(&q, s, "SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1");
    if (query_next(&q)) {
        out->sequence = query_get_u64(&q, 0);
        query_get_digest(&out->hash, &q, 1);
    }
    return query_end(&q, "read the audit record", err);
}

static enum pt_code append(struct store_place *out, struct store *s, struct store_event_row *row,
                           struct pt_err *err)
{
    struct store_place head;
    struct query q;

    if (store_event_head(&head, s, err) != PT_OK)
        return err->code;
    chain(&out->hash, &head, row->at_s, row->kind, row->fields);
    out->sequence = row->sequence = head.sequence + 1;
    query_begin(&q, s, "INSERT INTO events VALUES(?, ?, ?, ?, ?)");
    query_u64(&q, out->sequence);
    query_i64(&q, row->at_s);
    query_text(&q, row->kind);
    query_text(&q, row->fields);
    query_digest(&q, &out->hash);
    query_run(&q);
    if (query_end(&q, "write the audit record", err) != PT_OK)
        return err->code;
    return store_leaf_append(s, row, err);
}

enum pt_code store_event(struct store_place *out, struct store *s, const char *kind,
                         const char *fields, int64_t now_s, struct pt_err *err)
{
    struct store_event_row row = {.at_s = now_s};
    bool own;
    enum pt_code rc;

    *out = (struct store_place){0};
    if (!text_copy(row.kind, sizeof row.kind, span_z(kind)) ||
        !text_copy(row.fields, sizeof row.fields, span_z(fields)))
        return pt_fail(err, PT_EBUG, "an event of over %d bytes", STORE_TEXT_MAX);
    if ((rc = store_scope_begin(&own, s, err)) != PT_OK)
        return rc;
    rc = append(out, s, &row, err);
    rc = store_scope_end(s, own, rc, err);
    if (rc != PT_OK)
        *out = (struct store_place){0};
    return rc;
}

static bool same(const struct digest *a, const struct digest *b)
{
    return span_eq_vartime(span_of(a->b, sizeof a->b), span_of(b->b, sizeof b->b));
}

static enum pt_code broken_at(const struct store *s, uint64_t sequence, struct pt_err *err)
{
    return pt_fail(err, PT_EBADMSG,
                   "%s: event %" PRIu64
                   " of the audit record was changed or removed: keep the file "
                   "and tell your privacy officer",
                   s->path, sequence);
}

/* One row of the query below against the chain so far. */
static bool row_holds(struct store_place *at, struct query *q)
{
    struct store_event_row row = {0};
    struct digest stored[2];
    struct digest computed[2];

    row.sequence = query_get_u64(q, 0);
    row.at_s = query_get_i64(q, 1);
    query_get_text(row.kind, sizeof row.kind, q, 2);
    query_get_text(row.fields, sizeof row.fields, q, 3);
    query_get_digest(&stored[0], q, 4);
    query_get_digest(&row.salt, q, 5);
    query_get_digest(&stored[1], q, 6);
    chain(&computed[0], at, row.at_s, row.kind, row.fields);
    store_event_entry(&computed[1], &row);
    at->sequence++;
    at->hash = computed[0];
    return row.sequence == at->sequence && same(&stored[0], &computed[0]) &&
           same(&stored[1], &computed[1]);
}

/* A leaf behind the last event: that event was removed. */
static enum pt_code check_last(const struct store_place *last, struct store *s, struct pt_err *err)
{
    uint64_t leaf = 0;
    struct query q;

    query_begin(&q, s, "SELECT coalesce(max(sequence), 0) FROM leaves");
    if (query_next(&q))
        leaf = query_get_u64(&q, 0);
    if (query_end(&q, "verify the audit record", err) != PT_OK)
        return err->code;
    return leaf == last->sequence ? PT_OK : broken_at(s, last->sequence + 1, err);
}

enum pt_code store_event_verify(struct store_place *head, struct store *s, struct pt_err *err)
{
    struct store_place at = {0};
    uint64_t broken = 0;
    struct query q;

    *head = (struct store_place){0};
    /* Without its leaf an event's columns are NULL, which is damage. */
    query_begin(&q, s,
                "SELECT sequence, at_s, kind, fields, hash, salt, entry"
                " FROM events LEFT JOIN leaves USING (sequence) ORDER BY sequence");
    while (broken == 0 && query_next(&q))
        if (!row_holds(&at, &q))
            broken = at.sequence;
    /* A value that nobody could have written is named as well. */
    q.damaged = q.damaged && broken == 0;
    if (query_end(&q, "verify the audit record", err) != PT_OK)
        return err->code;
    if (broken != 0)
        return broken_at(s, broken, err);
    if (check_last(&at, s, err) != PT_OK)
        return err->code;
    *head = at;
    return PT_OK;
}
