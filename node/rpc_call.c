#include <grpc/byte_buffer_reader.h>
#include <grpc/support/alloc.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "node/rpc_internal.h"

enum {
    STATUS_WAIT_MS = 1000,
    /* After a message of so many bytes the next one is asked for before this one is handed out: gRPC passes
     * none on that nobody waits for, and the connection would stand still while a part of a column is
     * looked at. So a call holds one message more. */
    AHEAD_FROM = 1 << 16
};

struct rpc_call *rpc_call_make(const struct rpc_limits *limits)
{
    struct rpc_call *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->cq = grpc_completion_queue_create_for_pluck(NULL);
    c->io_timeout_ms = limits->io_timeout_ms;
    c->message_bytes = limits->message_bytes;
    c->until = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    pthread_mutex_init(&c->final_lock, NULL);
    grpc_metadata_array_init(&c->initial_md);
    grpc_metadata_array_init(&c->trailing_md);
    grpc_metadata_array_init(&c->request_md);
    grpc_call_details_init(&c->details);
    c->status_detail = grpc_empty_slice();
    return c;
}

/* What was asked for and is wanted no more: gRPC writes to the call until it is over. */
static void drop_receive(struct rpc_call *c)
{
    if (!c->receiving)
        return;
    grpc_call_cancel(c->call, NULL);
    (void)grpc_completion_queue_pluck(c->cq, rpc_tag(c, RPC_TAG_RECV), rpc_in_ms(-1), NULL);
    if (c->received)
        grpc_byte_buffer_destroy(c->received);
}

void rpc_call_destroy(struct rpc_call *c)
{
    if (!c)
        return;
    drop_receive(c);
    grpc_metadata_array_destroy(&c->initial_md); /* the array; its elements are the call's */
    grpc_metadata_array_destroy(&c->trailing_md);
    grpc_metadata_array_destroy(&c->request_md);
    grpc_call_details_destroy(&c->details);
    grpc_slice_unref(c->status_detail);
    if (c->call)
        grpc_call_unref(c->call);
    grpc_completion_queue_shutdown(c->cq);
    gpr_timespec forever = gpr_inf_future(GPR_CLOCK_REALTIME);
    while (grpc_completion_queue_pluck(c->cq, NULL, forever, NULL).type != GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(c->cq);
    pthread_mutex_destroy(&c->final_lock);
    free(c);
}

bool rpc_call_start(struct rpc_call *c, const grpc_op *ops, size_t n, int tag)
{
    if (grpc_call_start_batch(c->call, ops, n, rpc_tag(c, tag), NULL) == GRPC_CALL_OK)
        return true;
    /* Two operations of one kind at once, or a message after the end: a caller's mistake. */
    atomic_store(&c->broken, true);
    grpc_call_cancel(c->call, NULL);
    return false;
}

static bool past_deadline(const struct rpc_call *c)
{
    return gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), c->until) >= 0;
}

/* On a server the words reach the caller. */
static void give_up(struct rpc_call *c)
{
    bool overdue = past_deadline(c);

    atomic_store(overdue ? &c->overdue : &c->timed_out, true);
    atomic_store(&c->broken, true);
    grpc_call_cancel_with_status(c->call, GRPC_STATUS_DEADLINE_EXCEEDED,
                                 overdue ? "the call was not over in the time it may take in all"
                                         : "no progress within the I/O timeout",
                                 NULL);
}

/* gRPC reads and writes a batch's memory until its tag comes out of the queue, so on a timeout
 * cancel the call and wait on: cancelling completes every operation promptly. */
bool rpc_call_await(struct rpc_call *c, int tag, int64_t timeout_ms)
{
    gpr_timespec until = gpr_time_min(rpc_in_ms(timeout_ms), c->until);
    grpc_event ev = grpc_completion_queue_pluck(c->cq, rpc_tag(c, tag), until, NULL);

    if (ev.type == GRPC_QUEUE_TIMEOUT) {
        give_up(c);
        (void)grpc_completion_queue_pluck(c->cq, rpc_tag(c, tag), rpc_in_ms(-1), NULL);
        return false;
    }
    return ev.type == GRPC_OP_COMPLETE && ev.success;
}

static bool final_locked(struct rpc_call *c, int64_t timeout_ms)
{
    if (!c->final_done) {
        grpc_event ev = grpc_completion_queue_pluck(c->cq, rpc_tag(c, RPC_TAG_FINAL),
                                                    rpc_in_ms(timeout_ms), NULL);
        c->final_done = ev.type == GRPC_OP_COMPLETE;
    }
    return c->final_done;
}

bool rpc_call_final(struct rpc_call *c, int64_t timeout_ms)
{
    pthread_mutex_lock(&c->final_lock);
    bool done = final_locked(c, timeout_ms);
    pthread_mutex_unlock(&c->final_lock);
    return done;
}

static enum pt_code explain_overdue(const struct rpc_call *c, struct pt_err *err)
{
    return pt_fail(err, PT_EPEER,
                   "%s had not finished after %" PRIu32 " s, the most a call may take",
                   c->server ? "the caller" : c->channel->who, c->total_ms / 1000);
}

/* Why an operation failed: the server's status on the client. Never PT_OK. */
static enum pt_code explain(struct rpc_call *c, struct pt_err *err)
{
    if (atomic_load(&c->overdue))
        return explain_overdue(c, err);
    if (!c->server) {
        /* The status follows a failed operation at once, unless messages that nobody has read
         * hold it back: then a later receive, or rpc_call_close(), finds it. */
        bool known = rpc_call_final(c, STATUS_WAIT_MS);
        enum pt_code rc = known ? rpc_call_status(c, err) : PT_OK;
        return rc != PT_OK ? rc
                           : pt_fail(err, PT_EPEER, "%s ended the call early", c->channel->who);
    }
    if (atomic_load(&c->timed_out))
        return pt_fail(err, PT_EPEER, "the caller made no progress within %" PRIu32 " ms",
                       c->io_timeout_ms);
    return pt_fail(err, PT_EPEER, "the caller went away");
}

static enum pt_code broken(struct rpc_call *c, struct pt_err *err)
{
    atomic_store(&c->broken, true);
    return explain(c, err);
}

/* A server may end before it has read all. What it said until then can still be received, so on
 * the client a failed send alone does not break the call. */
static enum pt_code send_failed(struct rpc_call *c, struct pt_err *err)
{
    if (c->server || atomic_load(&c->broken))
        return broken(c, err);
    if (atomic_exchange(&c->send_broken, true))
        return pt_fail(err, PT_EPEER, "%s ended the call early", c->channel->who);
    return explain(c, err);
}

/* --- traffic --- */

static atomic_uint_fast64_t sent_bytes, received_bytes;

void rpc_traffic(uint64_t *sent, uint64_t *received)
{
    *sent = sent_bytes;
    *received = received_bytes;
}

static bool with_partner(const struct rpc_call *c)
{
    return c->server ? c->has_peer : c->channel->gate != NULL;
}

/* --- sending --- */

bool rpc_call_settle(struct rpc_call *c)
{
    if (c->sending == NULL)
        return true;
    const bool sent = rpc_call_await(c, RPC_TAG_SEND, c->io_timeout_ms);
    grpc_byte_buffer_destroy(c->sending);
    c->sending = NULL;
    if (sent && with_partner(c))
        atomic_fetch_add(&sent_bytes, c->sending_bytes);
    return sent;
}

/* After what is under way; takes bb in every case. */
static enum pt_code begin_buffer(struct rpc_call *c, grpc_byte_buffer *bb, struct pt_err *err)
{
    grpc_op ops[2];
    size_t n = 0;
    const size_t bytes = grpc_byte_buffer_length(bb);
    const bool settled = rpc_call_settle(c);

    memset(ops, 0, sizeof ops);
    if (c->server && !c->headers_sent) {
        ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
        c->headers_sent = true;
    }
    ops[n].op = GRPC_OP_SEND_MESSAGE;
    ops[n++].data.send_message.send_message = bb;
    if (settled && !atomic_load(&c->broken) && !atomic_load(&c->send_broken) &&
        rpc_call_start(c, ops, n, RPC_TAG_SEND)) {
        c->sending = bb;
        c->sending_bytes = bytes;
        return PT_OK;
    }
    grpc_byte_buffer_destroy(bb);
    return send_failed(c, err);
}

enum pt_code rpc_send_wait(struct rpc_call *c, struct pt_err *err)
{
    return rpc_call_settle(c) ? PT_OK : send_failed(c, err);
}

static enum pt_code send_buffer(struct rpc_call *c, grpc_byte_buffer *bb, struct pt_err *err)
{
    const enum pt_code rc = begin_buffer(c, bb, err);

    return rc == PT_OK ? rpc_send_wait(c, err) : rc;
}

static enum pt_code check_size(const struct rpc_call *c, size_t n, struct pt_err *err)
{
    if (n > c->message_bytes)
        return pt_fail(err, PT_ELIMIT, "RPC: a message of %zu bytes to send, at most %" PRIu32, n,
                       c->message_bytes);
    return PT_OK;
}

enum pt_code rpc_send(struct rpc_call *c, struct span message, struct pt_err *err)
{
    enum pt_code rc = check_size(c, message.n, err);

    if (rc != PT_OK)
        return rc;
    /* "Sent" does not mean that gRPC no longer reads the bytes, hence a copy. */
    const char *bytes = message.n > 0 ? (const char *)message.p : "";
    grpc_slice s = grpc_slice_from_copied_buffer(bytes, message.n);
    grpc_byte_buffer *bb = grpc_raw_byte_buffer_create(&s, 1); /* takes its own reference */
    grpc_slice_unref(s);
    return send_buffer(c, bb, err);
}

static void release(void *held)
{
    struct buf *b = held;

    buf_free(b);
    free(b);
}

enum pt_code rpc_send_begin(struct rpc_call *c, struct buf *message, struct pt_err *err)
{
    struct buf *held = NULL;
    enum pt_code rc = check_size(c, message->n, err);

    if (rc != PT_OK || message->n == 0) {
        buf_free(message);
        return rc != PT_OK ? rc : rpc_send(c, (struct span){0}, err);
    }
    if (!(held = malloc(sizeof *held))) {
        buf_free(message);
        return pt_fail(err, PT_ENOMEM, "RPC: out of memory");
    }
    *held = *message;
    *message = (struct buf){0};
    grpc_slice s = grpc_slice_new_with_user_data(held->p, held->n, release, held);
    grpc_byte_buffer *bb = grpc_raw_byte_buffer_create(&s, 1);
    grpc_slice_unref(s);
    return begin_buffer(c, bb, err);
}

enum pt_code rpc_send_take(struct rpc_call *c, struct buf *message, struct pt_err *err)
{
    const enum pt_code rc = rpc_send_begin(c, message, err);

    return rc == PT_OK ? rpc_send_wait(c, err) : rc;
}

enum pt_code rpc_call_send_end(struct rpc_call *c, struct pt_err *err)
{
    grpc_op op;

    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    if (c->send_ended)
        return PT_OK;
    c->send_ended = true;
    const bool settled = rpc_call_settle(c);
    if (atomic_load(&c->broken))
        return broken(c, err);
    if (settled && rpc_call_start(c, &op, 1, RPC_TAG_SEND) &&
        rpc_call_await(c, RPC_TAG_SEND, c->io_timeout_ms))
        return PT_OK;
    /* The server ended first, and may have said all: receiving will tell. */
    return atomic_load(&c->broken) ? broken(c, err) : PT_OK;
}

/* --- receiving --- */

enum pt_code rpc_call_copy(struct buf *out, grpc_byte_buffer *bb, size_t max, struct pt_err *err)
{
    grpc_byte_buffer_reader r;
    grpc_slice *s = NULL;
    size_t n = grpc_byte_buffer_length(bb);

    if (n > max)
        return pt_fail(err, PT_ELIMIT, "RPC: a message of %zu bytes came, at most %zu", n, max);
    bool good = buf_reserve(out, n);
    if (!good)
        return pt_fail(err, PT_ENOMEM, "RPC: no memory for a message of %zu bytes", n);
    if (!grpc_byte_buffer_reader_init(&r, bb)) /* undecodable compression */
        return pt_fail(err, PT_EBADMSG, "RPC: a message is compressed in a way unknown here");
    while (good && grpc_byte_buffer_reader_peek(&r, &s))
        good = buf_add(out, GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
    grpc_byte_buffer_reader_destroy(&r);
    return good ? PT_OK : pt_fail(err, PT_ENOMEM, "RPC: no memory for a message");
}

/* The other end sends nothing more: by wish, or by accident? */
static enum pt_code stream_end(bool *ended, struct rpc_call *c, struct pt_err *err)
{
    if (c->server) {
        /* A half-close leaves the call open; a reset closes it. The closing may be announced a
         * moment later, so look twice, and never trust this alone: protocols carry their own
         * end marker. */
        if (rpc_call_final(c, 0) || rpc_call_final(c, 1))
            return broken(c, err);
        *ended = true;
        return PT_OK;
    }
    if (!rpc_call_final(c, c->io_timeout_ms) || c->status != GRPC_STATUS_OK)
        return broken(c, err);
    *ended = true;
    return PT_OK;
}

static bool begin_receive(struct rpc_call *c)
{
    grpc_op op;

    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_MESSAGE;
    op.data.recv_message.recv_message = &c->received;
    c->receiving = c->receiving || rpc_call_start(c, &op, 1, RPC_TAG_RECV);
    return c->receiving;
}

enum pt_code rpc_call_receive(struct buf *message, bool *ended, struct rpc_call *c,
                              struct pt_err *err)
{
    enum pt_code rc;

    message->n = 0;
    *ended = false;
    const bool arrived = begin_receive(c) && rpc_call_await(c, RPC_TAG_RECV, c->io_timeout_ms);
    grpc_byte_buffer *bb = c->received;
    c->receiving = false;
    c->received = NULL;
    if (!arrived) {
        if (bb)
            grpc_byte_buffer_destroy(bb);
        return broken(c, err);
    }
    if (!bb)
        return stream_end(ended, c, err);
    if (grpc_byte_buffer_length(bb) >= AHEAD_FROM)
        (void)begin_receive(c); /* where it cannot, the next receive says so */
    rc = rpc_call_copy(message, bb, c->message_bytes, err);
    grpc_byte_buffer_destroy(bb);
    if (rc == PT_OK) {
        if (with_partner(c))
            atomic_fetch_add(&received_bytes, message->n);
        return PT_OK;
    }
    message->n = 0;
    atomic_store(&c->broken, true);
    if (!c->server)
        grpc_call_cancel(c->call, NULL); /* a server's status says it, if there is time */
    return rc;
}

enum pt_code rpc_recv(struct buf *message, bool *ended, struct rpc_call *c, struct pt_err *err)
{
    if (!atomic_load(&c->broken))
        return rpc_call_receive(message, ended, c, err);
    message->n = 0;
    *ended = false;
    return broken(c, err);
}

enum pt_code rpc_recv_one(struct buf *message, struct rpc_call *c, struct pt_err *err)
{
    bool ended;
    enum pt_code rc = rpc_recv(message, &ended, c, err);

    if (rc == PT_OK && ended)
        return pt_fail(err, PT_EBADMSG, "%s ended the stream where a message was due",
                       c->server ? "the caller" : c->channel->who);
    return rc;
}

/* --- cancelling, and what a handler may ask --- */

void rpc_call_cancel(struct rpc_call *c)
{
    atomic_store(&c->cancelled_here, true);
    atomic_store(&c->broken, true);
    grpc_call_cancel(c->call, NULL);
}

bool rpc_call_cancelled(struct rpc_call *c)
{
    if (atomic_load(&c->broken))
        return true;
    if (past_deadline(c)) {
        give_up(c);
        return true;
    }
    /* The call's other thread may be waiting inside: it will see for itself. */
    if (pthread_mutex_trylock(&c->final_lock) != 0)
        return false;
    bool done = final_locked(c, 0);
    pthread_mutex_unlock(&c->final_lock);
    return done && (!c->server || c->cancelled);
}

void rpc_call_set_io_timeout(struct rpc_call *c, uint32_t timeout_ms)
{
    c->io_timeout_ms = timeout_ms;
}

void rpc_call_set_deadline(struct rpc_call *c, uint32_t total_ms)
{
    c->total_ms = total_ms;
    c->until = total_ms ? rpc_in_ms((int64_t)total_ms) : gpr_inf_future(GPR_CLOCK_MONOTONIC);
}

const struct rpc_pin *rpc_call_peer(const struct rpc_call *c)
{
    return c->has_peer ? &c->peer : NULL;
}

struct span rpc_call_header(const struct rpc_call *c, const char *name)
{
    struct span value = {0};

    if (strcmp(name, "authorization") != 0)
        (void)rpc_metadata_find(&value, &c->request_md, name);
    return value;
}

void rpc_call_detail(struct rpc_call *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(c->detail, sizeof c->detail, fmt, ap);
    va_end(ap);
}
