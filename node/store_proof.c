/* Proofs of columns: what is proved, which challenges were given, who was refused. */
#include "crypto/base/text.h"
#include "node/store_internal.h"

#include <stdio.h>
#include <string.h>

static void column_key(struct query *q, const struct store_column *c)
{
    query_digest(q, &c->epoch);
    query_text(q, c->peer);
    query_u64(q, c->sent ? 1 : 0);
    query_text(q, c->name);
}

static enum pt_code prove(struct store *s, const struct store_column *c,
                          const struct digest *digest, struct pt_err *err)
{
    struct query q;
    enum pt_code rc = store_column_bind(s, c, digest, err);

    if (rc != PT_OK)
        return rc;
    query_begin(&q, s,
                "UPDATE columns SET proved = 1"
                " WHERE epoch = ? AND peer = ? AND sent = ? AND name = ?");
    column_key(&q, c);
    query_run(&q);
    return query_end(&q, "record a proved column", err);
}

enum pt_code store_column_prove(struct store *s, const struct store_column *c,
                                const struct digest *digest, struct pt_err *err)
{
    bool own;
    enum pt_code rc = store_scope_begin(&own, s, err);

    return rc == PT_OK ? store_scope_end(s, own, prove(s, c, digest, err), err) : rc;
}

enum pt_code store_column_proved(bool *out, struct store *s, const struct store_column *c,
                                 struct pt_err *err)
{
    struct query q;

    *out = false;
    query_begin(
        &q, s, "SELECT proved FROM columns WHERE epoch = ? AND peer = ? AND sent = ? AND name = ?");
    column_key(&q, c);
    if (query_next(&q))
        *out = query_get_u64(&q, 0) == 1;
    const enum pt_code rc = query_end(&q, "look up a proved column", err);
    *out = *out && rc == PT_OK;
    return rc;
}

static enum pt_code challenge(struct store *s, const struct store_proof *p, struct pt_err *err)
{
    bool found;
    struct query q;

    query_begin(&q, s, "SELECT 1 FROM proofs WHERE session = ? AND first = ? AND sent = ?");
    query_digest(&q, &p->session);
    query_u64(&q, p->first);
    query_u64(&q, p->sent ? 1 : 0);
    found = query_next(&q);
    if (query_end(&q, "look up a proof's challenge", err) != PT_OK)
        return err->code;
    if (found)
        return pt_fail(err, PT_EDENIED,
                       "a second challenge for one commitment of a column proof: it would show the "
                       "columns' keys");
    query_begin(&q, s, "INSERT INTO proofs VALUES(?, ?, ?, ?, ?)");
    query_digest(&q, &p->session);
    query_u64(&q, p->first);
    query_u64(&q, p->sent ? 1 : 0);
    query_digest(&q, &p->commitment);
    query_digest(&q, &p->challenge);
    query_run(&q);
    return query_end(&q, "record a proof's challenge", err);
}

enum pt_code store_proof_challenge(struct store *s, const struct store_proof *p, struct pt_err *err)
{
    bool own;
    enum pt_code rc = store_scope_begin(&own, s, err);

    return rc == PT_OK ? store_scope_end(s, own, challenge(s, p, err), err) : rc;
}

static enum pt_code refuse(struct store *s, const struct store_proof_refusal *r, int64_t now_s,
                           struct pt_err *err)
{
    const struct {
        const char *name;
        const struct digest *value;
    } rows[] = {{"epoch", &r->epoch},
                {"proof", &r->session},
                {"commitment", &r->commitment},
                {"answer", &r->answer}};
    struct store_place place;
    struct query q;
    char fields[512];
    char hex[65];
    size_t n;

    query_begin(&q, s, "INSERT OR IGNORE INTO unproved VALUES(?, ?, ?)");
    query_digest(&q, &r->epoch);
    query_text(&q, r->peer);
    query_i64(&q, now_s);
    query_run(&q);
    if (query_end(&q, "record that a proof was refused", err) != PT_OK)
        return err->code;
    n = (size_t)snprintf(fields, sizeof fields, "peer=%s what=proof reason=NOT_PROVED", r->peer);
    for (size_t i = 0; i < PT_LEN(rows) && n < sizeof fields; i++) {
        text_hex(hex, rows[i].value->b, sizeof rows[i].value->b);
        n += (size_t)snprintf(fields + n, sizeof fields - n, " %s=%s", rows[i].name, hex);
    }
    return store_event(&place, s, "refused", fields, now_s, err);
}

enum pt_code store_proof_refuse(struct store *s, const struct store_proof_refusal *r, int64_t now_s,
                                struct pt_err *err)
{
    bool own;
    enum pt_code rc = store_scope_begin(&own, s, err);

    return rc == PT_OK ? store_scope_end(s, own, refuse(s, r, now_s, err), err) : rc;
}

enum pt_code store_proof_refused(bool *out, struct store *s, const struct digest *epoch,
                                 const char *peer, struct pt_err *err)
{
    struct query q;

    *out = false;
    query_begin(&q, s, "SELECT 1 FROM unproved WHERE epoch = ? AND peer = ?");
    query_digest(&q, epoch);
    query_text(&q, peer);
    *out = query_next(&q);
    const enum pt_code rc = query_end(&q, "look up a refused proof", err);
    *out = *out && rc == PT_OK;
    return rc;
}
