#include <inttypes.h>
#include <stdlib.h>

#include "crypto/base/text.h"
#include "node/rpc_internal.h"

/* --- channels --- */

/* NULL: err says why. */
static struct rpc_channel *channel_new(const struct rpc_limits *limits, struct pt_err *err)
{
    struct rpc_limits l;

    if (rpc_limits_resolve(&l, limits, err) != PT_OK)
        return NULL;
    struct rpc_channel *ch = calloc(1, sizeof *ch);
    if (ch)
        ch->limits = l;
    else
        (void)pt_fail(err, PT_ENOMEM, "RPC: out of memory");
    return ch;
}

/* Takes both, gives the channel away when it works. */
static enum pt_code channel_start(struct rpc_channel **out, struct rpc_channel *ch,
                                  const char *target, grpc_channel_credentials *credentials,
                                  struct pt_err *err)
{
    grpc_arg a[RPC_ARGS_MAX];
    grpc_channel_args args = rpc_channel_args(a, &ch->limits);

    if (credentials)
        ch->channel = grpc_channel_create(target, credentials, &args);
    grpc_channel_credentials_release(credentials);
    if (ch->channel) {
        *out = ch;
        return PT_OK;
    }
    rpc_channel_close(ch);
    return pt_fail(err, PT_ENOMEM, "RPC: gRPC could not make a channel to %s", target);
}

enum pt_code rpc_channel_open_federation(struct rpc_channel **out,
                                         const struct tls_identity *identity,
                                         const struct rpc_pin *peer, const char *endpoint,
                                         const struct rpc_limits *limits, struct pt_err *err)
{
    struct rpc_endpoint where;
    struct rpc_channel *ch;
    char target[300];

    *out = NULL;
    /* Nothing but a host and a port: gRPC would read other schemes into free text. */
    if (rpc_endpoint_parse(&where, endpoint, err) != PT_OK)
        return pt_wrap(err, "partner %s", peer->name);
    if (!(ch = channel_new(limits, err)))
        return err->code;
    (void)snprintf(target, sizeof target, "dns:///%s", endpoint);
    (void)snprintf(ch->who, sizeof ch->who, "partner %s at %s", peer->name, endpoint);
    ch->gate = rpc_gate_new();
    if (!ch->gate || rpc_gate_set_pins(ch->gate, peer, 1, err) != PT_OK) {
        rpc_channel_close(ch);
        return pt_fail(err, PT_ENOMEM, "RPC: out of memory");
    }
    return channel_start(out, ch, target, rpc_gate_channel_credentials(ch->gate, identity), err);
}

enum pt_code rpc_channel_open_planner(struct rpc_channel **out, const char *endpoint,
                                      struct span token, const struct rpc_limits *limits,
                                      struct pt_err *err)
{
    struct rpc_listen where;
    struct rpc_channel *ch;
    enum pt_code rc;

    *out = NULL;
    if (token.n > RPC_TOKEN_MAX)
        return pt_fail(err, PT_ELIMIT, "planner token: %zu bytes, at most %d", token.n,
                       RPC_TOKEN_MAX);
    /* The token travels in the clear, so never off this machine. */
    if ((rc = rpc_listen_resolve(&where, endpoint, true, err)) != PT_OK)
        return rc;
    if (!(ch = channel_new(limits, err)))
        return err->code;
    if (token.n > 0)
        memcpy(ch->token.b, token.p, token.n);
    ch->token.n = token.n;
    (void)snprintf(ch->who, sizeof ch->who, "the daemon at %.260s", endpoint);
    return channel_start(out, ch, where.address[0], grpc_insecure_credentials_create(), err);
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

static size_t token_header(grpc_metadata *md, const struct rpc_token *t)
{
    struct span scheme = span_z("Bearer ");
    uint8_t value[8 + RPC_TOKEN_MAX];

    memset(md, 0, sizeof *md);
    md->key = grpc_slice_from_static_string("authorization");
    memcpy(value, scheme.p, scheme.n);
    memcpy(value + scheme.n, t->b, t->n);
    /* gRPC's own copies of the token are beyond our wiping; they live as long as the call. */
    md->value = grpc_slice_from_copied_buffer((const char *)value, scheme.n + t->n);
    explicit_bzero(value, sizeof value);
    return t->n > 0;
}

static grpc_op headers_op(grpc_metadata *md, size_t count)
{
    grpc_op op;

    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_SEND_INITIAL_METADATA;
    op.data.send_initial_metadata.count = count;
    op.data.send_initial_metadata.metadata = md;
    return op;
}

static grpc_op their_headers_op(struct rpc_call *c)
{
    grpc_op op;

    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_INITIAL_METADATA;
    op.data.recv_initial_metadata.recv_initial_metadata = &c->initial_md;
    return op;
}

static grpc_op status_op(struct rpc_call *c)
{
    grpc_op op;

    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    op.data.recv_status_on_client.trailing_metadata = &c->trailing_md;
    op.data.recv_status_on_client.status = &c->status;
    op.data.recv_status_on_client.status_details = &c->status_detail;
    return op;
}

/* NULL: out of memory. */
static struct rpc_call *create(struct rpc_channel *ch, const char *method, uint32_t deadline_ms)
{
    struct rpc_call *c = rpc_call_make(&ch->limits);

    if (!c)
        return NULL;
    c->channel = ch;
    c->deadline_ms = deadline_ms;
    grpc_slice name = grpc_slice_from_copied_string(method);
    c->call =
        grpc_channel_create_call(ch->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->cq, name, NULL,
                                 rpc_in_ms(deadline_ms ? (int64_t)deadline_ms : -1), NULL);
    grpc_slice_unref(name);
    return c;
}

enum pt_code rpc_call_open(struct rpc_call **out, struct rpc_channel *ch, const char *method,
                           uint32_t deadline_ms, struct pt_err *err)
{
    struct rpc_call *c = create(ch, method, deadline_ms);
    grpc_metadata md;

    *out = NULL;
    if (!c)
        return pt_fail(err, PT_ENOMEM, "RPC: out of memory");
    /* Headers are plucked only when the call closes: nobody waits for them. The status has its own
     * tag, so that it is there when a send or receive fails. */
    grpc_op headers[2] = {headers_op(&md, token_header(&md, &ch->token)), their_headers_op(c)};
    grpc_op status = status_op(c);
    bool started = rpc_call_start(c, headers, 2, RPC_TAG_START);
    bool waiting = started && rpc_call_start(c, &status, 1, RPC_TAG_FINAL);
    grpc_slice_unref(md.value);
    if (waiting) {
        *out = c;
        return PT_OK;
    }
    if (started)
        (void)rpc_call_await(c, RPC_TAG_START, -1);
    rpc_call_destroy(c);
    return pt_fail(err, PT_EBUG, "RPC: gRPC refused to begin %s; report this", method);
}

/* The status, by our own patience at the latest. */
static void wait_final(struct rpc_call *c)
{
    if (rpc_call_final(c, c->io_timeout_ms))
        return;
    atomic_store(&c->timed_out, true);
    grpc_call_cancel(c->call, NULL);
    (void)rpc_call_final(c, -1);
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
    if (!atomic_load(&c->broken) && rpc_call_send_end(c, &ignored) != PT_OK)
        atomic_store(&c->broken, true);
    (void)rpc_call_settle(c); /* of a broken call it is over already */
    while (!ended && rpc_call_receive(&unread, &ended, c, &ignored) == PT_OK)
        ;
    buf_free(&unread);
    wait_final(c);
    (void)rpc_call_await(c, RPC_TAG_START, -1);
    enum pt_code rc = rpc_call_status(c, err);
    rpc_call_destroy(c);
    return rc;
}

/* All of a unary call in one batch: it completes when the status is in. A server may answer, and
 * end, before it has read the request; sending then fails and the answer stands. */
static bool exchange(struct rpc_call *c, grpc_byte_buffer **reply, struct span message)
{
    grpc_slice s = grpc_slice_from_copied_buffer((const char *)message.p, message.n);
    grpc_byte_buffer *sent = grpc_raw_byte_buffer_create(&s, 1); /* its own reference */
    grpc_metadata md;
    grpc_op ops[6];

    grpc_slice_unref(s);
    memset(ops, 0, sizeof ops);
    ops[0] = headers_op(&md, token_header(&md, &c->channel->token));
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = sent;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3] = their_headers_op(c);
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = reply;
    ops[5] = status_op(c);
    bool started = rpc_call_start(c, ops, 6, RPC_TAG_FINAL);
    if (started)
        wait_final(c);
    grpc_slice_unref(md.value);
    grpc_byte_buffer_destroy(sent);
    return started;
}

enum pt_code rpc_unary(struct buf *reply, struct rpc_channel *ch, const struct rpc_request *request,
                       struct pt_err *err)
{
    struct span message = request->message.n > 0 ? request->message : span_z("");
    grpc_byte_buffer *bytes = NULL;
    enum pt_code rc;

    reply->n = 0;
    if (message.n > ch->limits.message_bytes)
        return pt_fail(err, PT_ELIMIT, "%s: a message of %zu bytes, at most %" PRIu32,
                       request->method, message.n, ch->limits.message_bytes);
    struct rpc_call *c = create(ch, request->method, request->deadline_ms);
    if (!c)
        return pt_fail(err, PT_ENOMEM, "RPC: out of memory");
    if (!exchange(c, &bytes, message))
        rc = pt_fail(err, PT_EBUG, "RPC: gRPC refused to begin %s; report this", request->method);
    else if ((rc = rpc_call_status(c, err)) == PT_OK && !bytes)
        rc = pt_fail(err, PT_EBADMSG, "%s sent no reply to %s", ch->who, request->method);
    else if (rc == PT_OK)
        rc = rpc_call_copy(reply, bytes, c->message_bytes, err);
    if (bytes)
        grpc_byte_buffer_destroy(bytes);
    rpc_call_destroy(c);
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
    /* gRPC's words name a socket that is not there, which helps nobody here. */
    return pt_fail(err, PT_EPEER,
                   "no connection to %s; start it: patto --home HOME serve, and see `patto --home "
                   "HOME doctor`",
                   ch->who);
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
    if (c->status == GRPC_STATUS_DEADLINE_EXCEEDED && c->deadline_ms > 0)
        return pt_fail(err, PT_EPEER, "%s had not finished after %" PRIu32 " ms", ch->who,
                       c->deadline_ms);
    if (atomic_load(&c->cancelled_here))
        return pt_fail(err, PT_ESTATE, "the call to %s was cancelled", ch->who);
    if (c->status == GRPC_STATUS_UNAVAILABLE)
        return unreachable(ch, detail, err);
    return pt_fail(err, rpc_code_of(c->status), "%s answered with status %d: %.200s", ch->who,
                   (int)c->status, detail);
}
