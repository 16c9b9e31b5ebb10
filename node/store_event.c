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

static enum pt_code append(struct store_place *out, struct store *s, const char *kind,
                           const char *fields, int64_t now_s, struct pt_err *err)
{
    struct store_place head;
    struct query q;

    if (store_event_head(&head, s, err) != PT_OK)
        return err->code;
    chain(&out->hash, &head, now_s, kind, fields);
    out->sequence = head.sequence + 1;
    query_begin(&q, s, "INSERT INTO events VALUES(?, ?, ?, ?, ?)");
    query_u64(&q, out->sequence);
    query_i64(&q, now_s);
    query_text(&q, kind);
    query_text(&q, fields);
    query_digest(&q, &out->hash);
    query_run(&q);
    return query_end(&q, "write the audit record", err);
}

enum pt_code store_event(struct store_place *out, struct store *s, const char *kind,
                         const char *fields, int64_t now_s, struct pt_err *err)
{
    bool own;
    enum pt_code rc;

    *out = (struct store_place){0};
    if (strlen(kind) > 32 || strlen(fields) > STORE_TEXT_MAX)
        return pt_fail(err, PT_EBUG, "an event of over %d bytes", STORE_TEXT_MAX);
    if ((rc = store_scope_begin(&own, s, err)) != PT_OK)
        return rc;
    rc = append(out, s, kind, fields, now_s, err);
    rc = store_scope_end(s, own, rc, err);
    if (rc != PT_OK)
        *out = (struct store_place){0};
    return rc;
}

enum pt_code store_event_verify(struct store_place *head, struct store *s, struct pt_err *err)
{
    struct store_place at = {0};
    uint64_t broken = 0;
    struct query q;

    *head = (struct store_place){0};
    query_begin(&q, s, "SELECT sequence, at_s, kind, fields, hash FROM events ORDER BY sequence");
    while (broken == 0 && query_next(&q)) {
        char kind[33];
        char fields[STORE_TEXT_MAX + 1];
        struct digest stored;
        struct digest computed;
        query_get_text(kind, sizeof kind, &q, 2);
        query_get_text(fields, sizeof fields, &q, 3);
        query_get_digest(&stored, &q, 4);
        chain(&computed, &at, query_get_i64(&q, 1), kind, fields);
        at.sequence++;
        if (query_get_u64(&q, 0) != at.sequence ||
            !span_eq_vartime(span_of(stored.b, sizeof stored.b),
                             span_of(computed.b, sizeof computed.b)))
            broken = at.sequence;
        at.hash = computed;
    }
    if (query_end(&q, "verify the audit record", err) != PT_OK)
        return err->code;
    if (broken != 0)
        return pt_fail(err, PT_EBADMSG,
                       "%s: event %" PRIu64 " of the audit record was changed or removed: keep the "
                       "file and tell your privacy officer",
                       s->path, broken);
    *head = at;
    return PT_OK;
}
