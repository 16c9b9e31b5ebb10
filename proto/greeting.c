#include "proto/greeting.h"

#include <inttypes.h>

#include "crypto/base/text.h"

static const char *own_name(const struct session *s)
{
    return s->self->policy->partners[s->self->partner].name;
}

/* After Hello: its hash. After Welcome, whose body holds that hash: the session's id. */
static void keep_hash(struct session *s, enum frame_kind kind, struct span body)
{
    struct digest hello = s->hello_hash;
    struct span parts[] = {span_of(hello.b, sizeof hello.b), body};

    hash_parts(kind == FRAME_HELLO ? &s->hello_hash : &s->id, "patto/session/1", parts,
               PT_LEN(parts));
}

static bool greeting_body(struct buf *b, const struct wire_greeting *g)
{
    return buf_u32le(b, g->version) && buf_field(b, g->federation) &&
           buf_add(b, g->policy_hash.b, sizeof g->policy_hash.b) &&
           buf_add(b, g->epoch_id.b, sizeof g->epoch_id.b) && buf_field(b, g->from) &&
           buf_field(b, g->to) && buf_field(b, g->build) && buf_u32le(b, (uint32_t)g->what) &&
           buf_add(b, g->nonce.b, sizeof g->nonce.b) && buf_u32le(b, g->key_period) &&
           buf_add(b, g->oprf_public.b, sizeof g->oprf_public.b) &&
           buf_add(b, g->hello_hash.b, sizeof g->hello_hash.b);
}

static const char *greeting_label(const struct frame *f)
{
    return f->kind == FRAME_HELLO ? "patto/hello/1" : "patto/welcome/1";
}

enum pt_code greeting_make(struct frame *f, struct session *s, enum frame_kind kind,
                           struct pt_err *err)
{
    const struct session_self *self = s->self;
    struct wire_greeting *g = &f->u.greeting;
    struct buf body = {0};

    *f = (struct frame){.kind = kind};
    *g = (struct wire_greeting){.version = SESSION_VERSION,
                                .federation = span_z(self->policy->federation),
                                .policy_hash = self->policy->hash,
                                .epoch_id = self->epoch_id,
                                .from = span_z(own_name(s)),
                                .to = span_z(session_peer_name(s)),
                                .build = span_z(self->build),
                                .what = s->what,
                                .nonce = s->nonce,
                                .key_period = self->key_period,
                                .oprf_public = self->oprf_public,
                                .hello_hash = s->hello_hash};
    if (!greeting_body(&body, g)) {
        buf_free(&body);
        return pt_fail(err, PT_ENOMEM, "no memory to greet %s", session_peer_name(s));
    }
    sign_make(&g->signature, self->key, greeting_label(f), buf_span(&body));
    keep_hash(s, kind, buf_span(&body));
    buf_free(&body);
    return PT_OK;
}

static enum pt_code differ(struct session *s, enum refusal why, struct pt_err *err,
                           const char *what)
{
    session_because(s, why);
    return pt_fail(err, why == REFUSAL_BAD_MESSAGE ? PT_EBADMSG : PT_EDENIED, "%s: %s",
                   session_peer_name(s), what);
}

static enum pt_code check_policy(struct session *s, const struct digest *theirs, struct pt_err *err)
{
    const struct policy *p = s->self->policy;
    char ours[72];
    char other[72];

    if (span_eq_vartime(span_of(theirs->b, 32), span_of(p->hash.b, 32)))
        return PT_OK;
    policy_hash_text(ours, &p->hash);
    policy_hash_text(other, theirs);
    session_because(s, REFUSAL_POLICY_MISMATCH);
    return pt_fail(err, PT_EDENIED,
                   "POLICY_MISMATCH: %s runs policy %s, we run %s; agree on one and join it",
                   session_peer_name(s), other, ours);
}

/* Everything that must be equal on both sides. Version first: another one may sign differently. */
static enum pt_code check_greeting(struct session *s, const struct frame *f, struct span body,
                                   struct pt_err *err)
{
    const struct wire_greeting *g = &f->u.greeting;
    const struct session_self *self = s->self;
    enum pt_code rc;

    if (g->version != SESSION_VERSION) {
        session_because(s, REFUSAL_VERSION);
        return pt_fail(err, PT_EDENIED, "VERSION: %s speaks version %" PRIu32 ", we speak %d",
                       session_peer_name(s), g->version, SESSION_VERSION);
    }
    if (!text_eq(g->from, session_peer_name(s)) || !text_eq(g->to, own_name(s)))
        return differ(s, REFUSAL_WRONG_PARTY, err,
                      "WRONG_PARTY: the greeting names other parties than the certificates");
    if ((rc = check_policy(s, &g->policy_hash, err)) != PT_OK)
        return rc;
    if (!text_eq(g->federation, self->policy->federation))
        return differ(s, REFUSAL_POLICY_MISMATCH, err,
                      "POLICY_MISMATCH: it is in another federation");
    if (!sign_check(&g->signature, &self->policy->partners[s->peer].node, greeting_label(f), body))
        return differ(s, REFUSAL_NOT_SIGNED, err,
                      "NOT_SIGNED: its greeting is not signed with the node key in the policy");
    if (g->what == WHAT_ASK &&
        !span_eq_vartime(span_of(g->epoch_id.b, 32), span_of(self->epoch_id.b, 32)))
        return differ(s, REFUSAL_EPOCH_MISMATCH, err,
                      "EPOCH_MISMATCH: it is in another epoch; run `patto epoch` first");
    if (g->what != WHAT_ASK && g->key_period != self->key_period)
        return differ(s, REFUSAL_EPOCH_MISMATCH, err,
                      "EPOCH_MISMATCH: it is in another key period; check both clocks");
    if (g->what == WHAT_TOKENISE && group_check(&g->oprf_public, 1) != GROUP_ALL_GOOD)
        return differ(s, REFUSAL_BAD_MESSAGE, err, "its token key is not a point of the group");
    return PT_OK;
}

enum pt_code greeting_take(struct session *s, const struct frame *f, struct pt_err *err)
{
    const struct wire_greeting *g = &f->u.greeting;
    struct buf body = {0};
    enum pt_code rc;

    if (!greeting_body(&body, g))
        rc = pt_fail(err, PT_ENOMEM, "no memory to read the greeting of %s", session_peer_name(s));
    else
        rc = check_greeting(s, f, buf_span(&body), err);
    if (rc == PT_OK)
        keep_hash(s, f->kind, buf_span(&body));
    buf_free(&body);
    if (rc != PT_OK)
        return rc;
    s->peer_oprf_public = g->oprf_public;
    if (!text_copy(s->peer_build, sizeof s->peer_build, g->build))
        return pt_fail(err, PT_EBADMSG, "%s names no build", session_peer_name(s));
    return PT_OK;
}
