#include <inttypes.h>
#include <stdlib.h>

#include "crypto/base/text.h"
#include "node/rpc_internal.h"

/* --- channels --- */

static enum pt_code channel_new(struct rpc_channel **out, const struct rpc_limits *limits,
                                struct pt_err *err)
{
    struct rpc_limits l;
    enum pt_code rc;

    *out = NULL;
    if ((rc = rpc_limits_resolve(&l, limits, err)) != PT_OK)
        return rc;
    if (!(*out = calloc(1, sizeof **out)))
        return pt_fail(err, PT_ENOMEM, "RPC: out of memory");
    (*out)->limits = l;
    return PT_OK;
}

/* Takes the credentials. */
static enum pt_code channel_start(struct rpc_channel **ch, const char *target,
                                  grpc_channel_credentials *credentials, struct pt_err *err)
{
    grpc_arg a[RPC_ARGS_MAX];
    grpc_channel_args args = rpc_channel_args(a, &(*ch)->limits);

    if (credentials)
        (*ch)->channel = grpc_channel_create(target, credentials, &args);
    grpc_channel_credentials_release(credentials);
    if ((*ch)->channel)
        return PT_OK;
    rpc_channel_close(*ch);
    *ch = NULL;
    return pt_fail(err, PT_ENOMEM, "RPC: gRPC could not make a channel to %s", target);
}

enum pt_code rpc_channel_open_federation(struct rpc_channel **out,
                                         const struct tls_identity *identity,
                                         const struct rpc_pin *peer, const char *endpoint,
                                         const struct rpc_limits *limits, struct pt_err *err)
{
    struct rpc_endpoint where;
    char target[300];
    enum pt_code rc;

    *out = NULL;
    /* Nothing but a host and a port: gRPC would read other schemes into free text. */
    if ((rc = rpc_endpoint_parse(&where, endpoint, err)) != PT_OK)
        return pt_wrap(err, "partner %s", peer->name);
    if ((rc = channel_new(out, limits, err)) != PT_OK)
        return rc;
    (void)snprintf(target, sizeof target, "dns:///%s", endpoint);
    (void)snprintf((*out)->who, sizeof(*out)->who, "partner %s at %s", peer->name, endpoint);
    (*out)->gate = rpc_gate_new();
    if (!(*out)->gate || rpc_gate_set_pins((*out)->gate, peer, 1, err) != PT_OK) {
        rpc_channel_close(*out);
        *out = NULL;
        return pt_fail(err, PT_ENOMEM, "RPC: out of memory");
    }
    return channel_start(out, target, rpc_gate_channel_credentials((*out)->gate, identity), err);
}

enum pt_code rpc_channel_open_planner(struct rpc_channel **out, const char *endpoint,
                                      struct span token, const struct rpc_limits *limits,
                                      struct pt_err *err)
{
    enum pt_code rc;
    struct rpc_listen where;

    *out = NULL;
    if (token.n > RPC_TOKEN_MAX)
        return pt_fail(err, PT_ELIMIT, "planner token: %zu bytes, at most %d", token.n,
                       RPC_TOKEN_MAX);
    /* The token travels in the clear, so never off this machine. */
    if ((rc = rpc_listen_resolve(&where, endpoint, true, err)) != PT_OK)
        return rc;
    if ((rc = channel_new(out, limits, err)) != PT_OK)
        return rc;
    memcpy((*out)->token.b, token.p ? token.p : (const uint8_t *)"", token.n);
    (*out)->token.n = token.n;
    (void)snprintf((*out)->who, sizeof(*out)->who, "the daemon at %.260s", endpoint);
    return channel_start(out, where.unix_path ? endpoint : where.address[0],
                         grpc_insecure_credentials_create(), err);
}

void rpc_channel_close(struct rpc_channel *ch)
{
    if (!ch)
        return;
    if (ch->channel)
        grpc_channel_destroy(ch->channel);
    rpc_gate_unref(ch->gate);
    rpc_token_wipe(&ch->token);
    free(ch);
}

/* --- calls --- */

static bool send_headers(struct rpc_call *c)
{
    uint8_t value[sizeof "Bearer " + RPC_TOKEN_MAX];
    const struct rpc_token *t = &c->channel->token;
    grpc_metadata md;
    grpc_op ops[2];

    memset(ops, 0, sizeof ops);
    memset(&md, 0, sizeof md);
    md.key = grpc_slice_from_static_string("authorization");
    memcpy(value, "Bearer ", 7);
    memcpy(value + 7, t->b, t->n);
    /* gRPC's own copies of the token are beyond our wiping; they live as long as the call. */
    md.value = grpc_slice_from_copied_buffer((const char *)value, 7 + t->n);
    explicit_bzero(value, sizeof value);
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].data.send_initial_metadata.count = t->n > 0;
    ops[0].data.send_initial_metadata.metadata = &md;
    ops[1].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[1].data.recv_initial_metadata.recv_initial_metadata = &c->initial_md;
    /* Plucked only when the call closes: nobody waits for headers. */
    bool good = rpc_call_start(c, ops, 2, RPC_TAG_START);
    grpc_slice_unref(md.value);
    return good;
}

/* Under its own tag from the start, so that the status is there when a send or receive fails. */
static bool await_status(struct rpc_call *c)
{
    grpc_op op;

    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    op.data.recv_status_on_client.trailing_metadata = &c->trailing_md;
    op.data.recv_status_on_client.status = &c->status;
    op.data.recv_status_on_client.status_details = &c->status_detail;
    return rpc_call_start(c, &op, 1, RPC_TAG_FINAL);
}

enum pt_code rpc_call_open(struct rpc_call **out, struct rpc_channel *ch, const char *method,
                           uint32_t deadline_ms, struct pt_err *err)
{
    struct rpc_call *c = rpc_call_make(&ch->limits);

    *out = NULL;
    if (!c)
        return pt_fail(err, PT_ENOMEM, "RPC: out of memory");
    c->channel = ch;
    c->deadline_ms = deadline_ms;
    grpc_slice name = grpc_slice_from_copied_string(method);
    c->call =
        grpc_channel_create_call(ch->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->cq, name, NULL,
                                 rpc_in_ms(deadline_ms ? (int64_t)deadline_ms : -1), NULL);
    grpc_slice_unref(name);
    bool started = send_headers(c);
    bool waiting = started && await_status(c);
    if (waiting) {
        *out = c;
        return PT_OK;
    }
    if (started)
        (void)rpc_call_await(c, RPC_TAG_START, -1);
    rpc_call_destroy(c);
    return pt_fail(err, PT_EBUG, "RPC: gRPC refused to begin %s; report this", method);
}

enum pt_code rpc_call_close(struct rpc_call *c, struct pt_err *err)
{
    struct buf unread = {0};
    struct pt_err ignored;
    bool ended = false;

    if (!c)
        return PT_OK;
    /* A server may wait for our end before it gives its status; and the status comes after the
     * messages, so unread ones would hold it back. Whatever fails here, the status says why. */
    enum pt_code rc = PT_OK;
    if (!atomic_load(&c->broken))
        rc = rpc_call_send_end(c, &ignored);
    do
        rc = rpc_call_receive(&unread, &ended, c, &ignored);
    while (rc == PT_OK && !ended);
    buf_free(&unread);
    if (!rpc_call_final(c, c->io_timeout_ms)) {
        atomic_store(&c->timed_out, true);
        grpc_call_cancel(c->call, NULL);
        (void)rpc_call_final(c, -1);
    }
    (void)rpc_call_await(c, RPC_TAG_START, -1);
    rc = rpc_call_status(c, err);
    rpc_call_destroy(c);
    return rc;
}

enum pt_code rpc_unary(struct buf *reply, struct rpc_channel *ch, const struct rpc_request *request,
                       struct pt_err *err)
{
    struct rpc_call *c = NULL;
    bool ended = false;
    enum pt_code rc;

    reply->n = 0;
    if ((rc = rpc_call_open(&c, ch, request->method, request->deadline_ms, err)) != PT_OK)
        return rc;
    if ((rc = rpc_send(c, request->message, err)) == PT_OK &&
        (rc = rpc_call_send_end(c, err)) == PT_OK)
        rc = rpc_recv(reply, &ended, c, err);
    /* Failed here, or there? Only there is the status the better answer. */
    bool here = rc != PT_OK && !atomic_load(&c->broken);
    if (here)
        rpc_call_cancel(c);
    struct pt_err close_err = {0};
    enum pt_code closed = rpc_call_close(c, &close_err);
    if (closed != PT_OK && !here) {
        *err = close_err;
        rc = closed;
    }
    if (rc == PT_OK && ended)
        rc = pt_fail(err, PT_EBADMSG, "%s sent no reply to %s", ch->who, request->method);
    if (rc != PT_OK)
        reply->n = 0;
    return rc;
}

/* --- what a status means --- */

/* Text from the other end, fit for a terminal. A partner's is held to plain ASCII. */
static void printable(char out[RPC_DETAIL_MAX + 1], struct span text, bool ascii)
{
    size_t n = text.n < RPC_DETAIL_MAX ? text.n : RPC_DETAIL_MAX;

    for (size_t i = 0; i < n; i++) {
        uint8_t b = text.p[i];
        bool plain = b >= 0x20 && b != 0x7f && (b < 0x80 || !ascii);
        out[i] = (char)(plain ? b : '?');
    }
    out[n] = 0;
}

static enum pt_code unreachable(const struct rpc_channel *ch, const char *detail,
                                struct pt_err *err)
{
    char refused[sizeof ch->gate->refused] = "";

    if (ch->gate) {
        pthread_mutex_lock(&ch->gate->lock);
        memcpy(refused, ch->gate->refused, sizeof refused);
        pthread_mutex_unlock(&ch->gate->lock);
    }
    if (*refused)
        return pt_fail(err, PT_EPEER, "%s was not trusted: %s", ch->who, refused);
    if (ch->gate)
        return pt_fail(err, PT_EPEER,
                       "no connection to %s (%.200s); is it running, and does its policy hold "
                       "this node's certificate?",
                       ch->who, detail);
    return pt_fail(err, PT_EPEER, "no connection to %s (%.200s); is `patto serve` running?",
                   ch->who, detail);
}

enum pt_code rpc_call_status(const struct rpc_call *c, struct pt_err *err)
{
    const struct rpc_channel *ch = c->channel;
    char detail[RPC_DETAIL_MAX + 1];
    struct span name;
    enum pt_code code;

    if (c->status == GRPC_STATUS_OK)
        return PT_OK;
    printable(detail, rpc_slice_span(&c->status_detail), ch->gate != NULL);
    if (rpc_metadata_find(&name, &c->trailing_md, RPC_CODE_TRAILER) == 1 &&
        rpc_code_read(&code, name) && code != PT_OK) {
        if (!ch->gate && *detail)
            return pt_fail(err, code, "%s", detail); /* our own daemon's sentence, as it is */
        return pt_fail(err, code, "%s answered %s%s%s", ch->who, rpc_code_name(code),
                       *detail ? ": " : "", detail);
    }
    if (atomic_load(&c->timed_out))
        return pt_fail(err, PT_EPEER, "%s made no progress within %" PRIu32 " ms", ch->who,
                       c->io_timeout_ms);
    if (c->status == GRPC_STATUS_DEADLINE_EXCEEDED)
        return pt_fail(err, PT_EPEER, "%s had not finished after %" PRIu32 " ms", ch->who,
                       c->deadline_ms);
    if (atomic_load(&c->cancelled_here))
        return pt_fail(err, PT_ESTATE, "the call to %s was cancelled", ch->who);
    if (c->status == GRPC_STATUS_UNAVAILABLE)
        return unreachable(ch, detail, err);
    return pt_fail(err, rpc_code_of(c->status), "%s answered with status %d: %.200s", ch->who,
                   (int)c->status, detail);
}
