#include "node/store_internal.h"

#include <inttypes.h>

void store_epoch_free(struct store_epoch *e)
{
    buf_free(&e->header);
    buf_free(&e->signatures);
    *e = (struct store_epoch){0};
}

static enum pt_code last_number(uint64_t *out, struct store *s, struct pt_err *err)
{
    struct query q;

    *out = 0;
    query_begin(&q, s, "SELECT coalesce(max(number), 0) FROM epochs");
    if (query_next(&q))
        *out = query_get_u64(&q, 0);
    return query_end(&q, "read the epochs", err);
}

static enum pt_code insert(struct store *s, const struct store_epoch *e, struct pt_err *err)
{
    uint64_t last;
    struct query q;

    if (last_number(&last, s, err) != PT_OK)
        return err->code;
    if (e->number <= last)
        return pt_fail(err, PT_ESTATE, "epoch %" PRIu64 " does not follow epoch %" PRIu64,
                       e->number, last);
    query_begin(&q, s, "INSERT INTO epochs VALUES(?, ?, ?, ?, ?)");
    query_u64(&q, e->number);
    query_digest(&q, &e->id);
    query_blob(&q, buf_span(&e->header));
    query_blob(&q, buf_span(&e->signatures));
    query_i64(&q, e->created_s);
    query_run(&q);
    return query_end(&q, "write the epoch", err);
}

enum pt_code store_epoch_activate(struct store *s, const struct store_epoch *e, struct pt_err *err)
{
    bool own;
    enum pt_code rc;

    if (e->header.n > STORE_BLOB_MAX || e->signatures.n > STORE_BLOB_MAX)
        return pt_fail(err, PT_EBUG, "an epoch header of over %d bytes", STORE_BLOB_MAX);
    if ((rc = store_scope_begin(&own, s, err)) != PT_OK)
        return rc;
    return store_scope_end(s, own, insert(s, e, err), err);
}

static enum pt_code read_epoch(struct store_epoch *out, bool *found, struct query *q,
                               struct pt_err *err)
{
    if (query_next(q)) {
        *found = true;
        out->number = query_get_u64(q, 0);
        query_get_digest(&out->id, q, 1);
        query_get_blob(&out->header, q, 2);
        query_get_blob(&out->signatures, q, 3);
        out->created_s = query_get_i64(q, 4);
    }
    if (query_end(q, "read the epoch", err) == PT_OK)
        return PT_OK;
    store_epoch_free(out);
    *found = false;
    return err->code;
}

/* The newest is the active one. */
enum pt_code store_epoch_active(struct store_epoch *out, bool *found, struct store *s,
                                struct pt_err *err)
{
    struct query q;

    *out = (struct store_epoch){0};
    *found = false;
    query_begin(&q, s,
                "SELECT number, id, header, signatures, created_s FROM epochs"
                " ORDER BY number DESC LIMIT 1");
    return read_epoch(out, found, &q, err);
}

enum pt_code store_epoch_find(struct store_epoch *out, bool *found, struct store *s,
                              const struct digest *id, struct pt_err *err)
{
    struct query q;

    *out = (struct store_epoch){0};
    *found = false;
    query_begin(&q, s, "SELECT number, id, header, signatures, created_s FROM epochs WHERE id = ?");
    query_digest(&q, id);
    return read_epoch(out, found, &q, err);
}

enum pt_code store_epoch_numbered(struct store_epoch *out, bool *found, struct store *s,
                                  uint64_t number, struct pt_err *err)
{
    struct query q;

    *out = (struct store_epoch){0};
    *found = false;
    query_begin(&q, s,
                "SELECT number, id, header, signatures, created_s FROM epochs WHERE number = ?");
    query_u64(&q, number);
    return read_epoch(out, found, &q, err);
}

enum pt_code store_epoch_holds(bool *out, struct store *s, const struct digest *digest,
                               int64_t since_s, struct pt_err *err)
{
    struct query q;

    *out = true; /* until it is known: a record is kept rather than lost */
    query_begin(&q, s,
                "SELECT EXISTS (SELECT 1 FROM epochs"
                " WHERE (created_s >= ?1 OR number = (SELECT max(number) FROM epochs))"
                " AND instr(header, ?2) > 0)");
    query_i64(&q, since_s);
    query_digest(&q, digest);
    if (query_next(&q))
        *out = query_get_u64(&q, 0) != 0;
    return query_end(&q, "look for an epoch", err);
}

enum pt_code store_epoch_forget(struct store *s, const char *prefix, int64_t since_s,
                                struct pt_err *err)
{
    struct query q;

    query_begin(&q, s,
                "DELETE FROM facts WHERE substr(name, 1, length(?1)) = ?1 AND NOT EXISTS"
                " (SELECT 1 FROM epochs"
                "  WHERE (created_s >= ?2 OR number = (SELECT max(number) FROM epochs))"
                "  AND instr(hex(header), upper(substr(name, length(?1) + 1))) > 0)");
    query_text(&q, prefix);
    query_i64(&q, since_s);
    query_run(&q);
    return query_end(&q, "forget what belongs to no epoch", err);
}
