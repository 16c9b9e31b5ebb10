#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "crypto/base/ct.h"
#include "node/rpc_internal.h"

enum {
    HANDLER_STACK_BYTES = 2 << 20,
    BUSY_TIMEOUT_MS = 1000,
};

/* --- one call --- */

/* Send the status, wait for the call's end, free it. */
static void finish(struct rpc_call *c, enum pt_code code)
{
    grpc_metadata md;
    grpc_op ops[2];
    size_t n = 0;

    (void)rpc_call_settle(c);
    rpc_call_set_deadline(c, 0); /* the status itself has the I/O timeout */
    memset(ops, 0, sizeof ops);
    memset(&md, 0, sizeof md);
    md.key = grpc_slice_from_static_string(RPC_CODE_TRAILER);
    md.value = grpc_slice_from_static_string(rpc_code_name(code));
    grpc_slice detail = grpc_slice_from_copied_string(c->detail);
    if (!c->headers_sent)
        ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
    grpc_status_code status = c->answer != GRPC_STATUS_OK ? c->answer : rpc_status_of(code);
    ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[n].data.send_status_from_server.status = code == PT_OK ? GRPC_STATUS_OK : status;
    ops[n].data.send_status_from_server.status_details = c->detail[0] ? &detail : NULL;
    ops[n].data.send_status_from_server.trailing_metadata_count = code != PT_OK;
    ops[n++].data.send_status_from_server.trailing_metadata = &md;
    if (rpc_call_start(c, ops, n, RPC_TAG_SEND))
        (void)rpc_call_await(c, RPC_TAG_SEND, c->io_timeout_ms);
    grpc_slice_unref(detail);
    if (!rpc_call_final(c, c->io_timeout_ms)) {
        grpc_call_cancel(c->call, NULL);
        (void)rpc_call_final(c, -1);
    }
    rpc_call_destroy(c);
}

/* The handshake asked already; the pins may have changed since. */
static enum pt_code check_certificate(struct rpc_call *c, struct pt_err *err)
{
    grpc_auth_context *context = grpc_call_auth_context(c->call);
    struct span pem = {0};
    enum pt_code rc = PT_EDENIED;

    if (context) {
        grpc_auth_property_iterator it =
            grpc_auth_context_find_properties_by_name(context, GRPC_X509_PEM_CERT_PROPERTY_NAME);
        const grpc_auth_property *cert = grpc_auth_property_iterator_next(&it);
        if (cert)
            pem = span_of(cert->value, cert->value_length);
        rc = rpc_gate_admit(&c->peer, c->server->gate, pem, err);
        grpc_auth_context_release(context);
    }
    c->has_peer = rc == PT_OK;
    if (rc == PT_OK)
        return PT_OK;
    rpc_call_detail(c, "your certificate is not in this node's policy, or not in its dates");
    return PT_EDENIED;
}

static enum pt_code check_token(struct rpc_call *c, struct pt_err *err)
{
    static const char SCHEME[] = "Bearer ";
    const struct rpc_token *want = &c->server->token;
    size_t scheme = sizeof SCHEME - 1;
    struct span got;

    /* Exactly one header: two could be read differently by whoever stands in between. The length
     * of a token is public, its bytes are not. */
    if (rpc_metadata_find(&got, &c->request_md, "authorization") == 1 &&
        got.n == scheme + want->n && memcmp(got.p, SCHEME, scheme) == 0 &&
        ct_equal(got.p + scheme, want->b, want->n))
        return PT_OK;
    c->answer = GRPC_STATUS_UNAUTHENTICATED;
    rpc_call_detail(c, "a bearer token is needed: 'authorization: Bearer ' and the token that "
                       "this node keeps in its home");
    rpc_gate_refuse(c->server->gate, RPC_REFUSED_TOKEN, NULL, "a call without the planner token");
    return pt_fail(err, PT_EDENIED, "%s", c->detail);
}

static const struct rpc_method *find_method(const struct rpc_server *s, grpc_slice name)
{
    for (size_t i = 0; i < s->method_count; i++)
        if (grpc_slice_str_cmp(name, s->methods[i].name) == 0)
            return &s->methods[i];
    return NULL;
}

static enum pt_code dispatch(struct rpc_call *c, struct pt_err *err)
{
    struct rpc_server *s = c->server;
    const struct rpc_method *m = find_method(s, c->details.method);
    enum pt_code rc = PT_OK;

    if (s->planner && (!m || !m->open) && (rc = check_token(c, err)) != PT_OK)
        return rc;
    if (!m) {
        c->answer = GRPC_STATUS_UNIMPLEMENTED;
        rpc_call_detail(c, "no such method here");
        return pt_fail(err, PT_EBADMSG, "%s", c->detail);
    }
    pthread_mutex_lock(&s->gate->lock);
    s->gate->counts.calls++;
    pthread_mutex_unlock(&s->gate->lock);
    rc = m->fn(c, m->arg, err);
    /* Sentences stay home, except on the planner's side of the house. */
    if (rc != PT_OK && s->planner && !c->detail[0])
        rpc_call_detail(c, "%s", err->msg);
    return rc;
}

static void *handler_thread(void *arg)
{
    struct rpc_call *c = arg;
    struct rpc_server *s = c->server;
    struct rpc_pin peer = c->peer; /* finish() frees the call */
    bool has_peer = c->has_peer;
    struct pt_err err = {0};

    rpc_call_set_deadline(c, s->limits.call_ms);
    finish(c, dispatch(c, &err));
    rpc_place_leave(s, has_peer ? &peer : NULL);
    return NULL;
}

static void *refusal_thread(void *arg)
{
    struct rpc_call *c = arg;
    struct rpc_server *s = c->server;

    finish(c, c->entry);
    rpc_refusing_end(s);
    return NULL;
}

/* --- accepting --- */

/* Ask for one more call; each request has its own rpc_call, which is also its tag. */
static void request_call(struct rpc_server *s)
{
    struct rpc_call *c = rpc_call_make(&s->limits);

    if (!c)
        return; /* one acceptor's slot fewer; gRPC itself aborts when memory has really ended */
    c->server = s;
    if (grpc_server_request_call(s->server, &c->call, &c->details, &c->request_md, c->cq, s->cq,
                                 c) != GRPC_CALL_OK)
        rpc_call_destroy(c); /* shutting down */
}

static bool start_thread(struct rpc_call *c, void *(*run)(void *))
{
    pthread_attr_t how;
    pthread_t t;

    if (pthread_attr_init(&how) != 0)
        return false;
    bool good = pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED) == 0 &&
                pthread_attr_setstacksize(&how, HANDLER_STACK_BYTES) == 0 &&
                pthread_create(&t, &how, run, c) == 0;
    (void)pthread_attr_destroy(&how);
    return good;
}

/* Never waits for the caller: a slow one may not hold the acceptor. */
static void refuse(struct rpc_server *s, struct rpc_call *c)
{
    c->io_timeout_ms = BUSY_TIMEOUT_MS;
    if (rpc_refusing_begin(s)) {
        if (start_thread(c, refusal_thread))
            return;
        rpc_refusing_end(s);
    }
    grpc_call_cancel_with_status(c->call, GRPC_STATUS_RESOURCE_EXHAUSTED, c->detail, NULL);
    (void)rpc_call_final(c, -1);
    rpc_call_destroy(c);
}

static void refuse_busy(struct rpc_server *s, struct rpc_call *c, enum rpc_place why)
{
    char reason[160];

    c->entry = PT_EPEER;
    c->answer = GRPC_STATUS_RESOURCE_EXHAUSTED;
    if (why == RPC_PLACE_SHARE_USED)
        rpc_call_detail(
            c, "too many calls of this partner in progress, at most %" PRIu32 "; try again later",
            s->limits.max_calls_peer);
    else
        rpc_call_detail(c, "too many calls in progress; try again later");
    if (why == RPC_PLACE_SHARE_USED)
        (void)snprintf(reason, sizeof reason, "%s has %" PRIu32 " calls in progress, its share",
                       c->peer.name, s->limits.max_calls_peer);
    else
        (void)snprintf(reason, sizeof reason, "too many calls in progress");
    rpc_gate_refuse(s->gate, RPC_REFUSED_BUSY, NULL, reason);
    refuse(s, c);
}

static void accept_call(struct rpc_server *s, struct rpc_call *c)
{
    struct pt_err err = {0};
    grpc_op op; /* every server call starts this once; it also tells of a cancellation */

    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    op.data.recv_close_on_server.cancelled = &c->cancelled;
    if (!rpc_call_start(c, &op, 1, RPC_TAG_FINAL)) {
        rpc_call_destroy(c);
        return;
    }
    if (!s->planner && (c->entry = check_certificate(c, &err)) != PT_OK) {
        refuse(s, c);
        return;
    }
    enum rpc_place e = rpc_place_take(s, c);
    if (e == RPC_PLACE_TAKEN && start_thread(c, handler_thread))
        return;
    if (e == RPC_PLACE_TAKEN)
        rpc_place_leave(s, c->has_peer ? &c->peer : NULL);
    refuse_busy(s, c, e);
}

/* True when the queue goes on. */
static bool accept_one(struct rpc_server *s)
{
    grpc_event ev = grpc_completion_queue_next(s->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);

    if (ev.type == GRPC_QUEUE_SHUTDOWN)
        return false;
    if (ev.type != GRPC_OP_COMPLETE)
        return true;
    if (ev.tag == s) { /* the server's shutdown is complete */
        pthread_mutex_lock(&s->lock);
        s->stopped = true;
        pthread_cond_broadcast(&s->idle);
        pthread_mutex_unlock(&s->lock);
    } else if (ev.success) {
        request_call(s);
        accept_call(s, ev.tag);
    } else {
        rpc_call_destroy(ev.tag); /* a request given up by the shutdown */
    }
    return true;
}

static void *acceptor_thread(void *arg)
{
    struct rpc_server *s = arg;

    while (accept_one(s))
        ;
    return NULL;
}

/* --- the server --- */

static void init_locks(struct rpc_server *s)
{
    pthread_condattr_t how;

    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(&s->idle, &how);
    pthread_condattr_destroy(&how);
    pthread_mutex_init(&s->lock, NULL);
}

/* NULL: err says why. */
static struct rpc_server *server_new(const struct rpc_limits *limits, struct pt_err *err)
{
    struct rpc_limits l;
    grpc_arg a[RPC_ARGS_MAX];

    if (rpc_limits_resolve(&l, limits, err) != PT_OK)
        return NULL;
    struct rpc_server *s = calloc(1, sizeof *s);
    struct rpc_gate *gate = rpc_gate_new();
    if (!s || !gate) {
        free(s);
        rpc_gate_unref(gate);
        (void)pt_fail(err, PT_ENOMEM, "RPC: out of memory");
        return NULL;
    }
    s->limits = l;
    s->gate = gate;
    init_locks(s);
    grpc_channel_args args = rpc_server_args(a, &l);
    s->server = grpc_server_create(&args, NULL);
    s->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(s->server, s->cq, NULL);
    return s;
}

enum pt_code rpc_server_new_federation(struct rpc_server **out, const struct tls_identity *identity,
                                       const struct rpc_pin *pins, size_t pin_count,
                                       const struct rpc_limits *limits, struct pt_err *err)
{
    struct rpc_server *s = server_new(limits, err);
    enum pt_code rc;

    *out = NULL;
    if (!s)
        return err->code;
    if ((rc = rpc_gate_set_pins(s->gate, pins, pin_count, err)) != PT_OK) {
        rpc_server_free(s, 0);
        return rc;
    }
    if (!(s->credentials = rpc_gate_server_credentials(s->gate, identity))) {
        rpc_server_free(s, 0);
        return pt_fail(err, PT_ENOMEM, "RPC: gRPC did not take this node's certificate");
    }
    *out = s;
    return PT_OK;
}

enum pt_code rpc_server_new_planner(struct rpc_server **out, struct span token,
                                    const struct rpc_limits *limits, struct pt_err *err)
{
    *out = NULL;
    if (token.n < RPC_TOKEN_MIN || token.n > RPC_TOKEN_MAX)
        return pt_fail(err, PT_ELIMIT, "planner token: %zu bytes, must be %d..%d", token.n,
                       RPC_TOKEN_MIN, RPC_TOKEN_MAX);
    struct rpc_server *s = server_new(limits, err);
    if (!s)
        return err->code;
    s->planner = true;
    memcpy(s->token.b, token.p, token.n);
    s->token.n = token.n;
    s->credentials = grpc_insecure_server_credentials_create();
    *out = s;
    return PT_OK;
}

static void add_method(struct rpc_server *s, struct rpc_method m, const char *name)
{
    assert(s->method_count < RPC_METHODS_MAX && strlen(name) < sizeof m.name &&
           s->acceptor_count == 0);
    (void)snprintf(m.name, sizeof m.name, "%s", name);
    s->methods[s->method_count++] = m;
}

void rpc_server_handle(struct rpc_server *s, const char *method, rpc_handler *fn, void *arg)
{
    add_method(s, (struct rpc_method){.fn = fn, .arg = arg}, method);
}

void rpc_server_handle_open(struct rpc_server *s, const char *method, rpc_handler *fn, void *arg)
{
    add_method(s, (struct rpc_method){.fn = fn, .arg = arg, .open = true}, method);
}

void rpc_server_on_refusal(struct rpc_server *s, void (*fn)(void *arg, const struct rpc_refusal *r),
                           void *arg)
{
    pthread_mutex_lock(&s->gate->notify_lock);
    s->gate->on_refusal = fn;
    s->gate->on_refusal_arg = arg;
    pthread_mutex_unlock(&s->gate->notify_lock);
}

/* With "any port" the first address bound chooses for all. */
static void fix_port(struct rpc_listen *l, int port)
{
    for (size_t i = 0; i < l->count; i++) {
        char *colon = strrchr(l->address[i], ':');
        size_t at = (size_t)(colon + 1 - l->address[i]);
        (void)snprintf(colon + 1, sizeof l->address[i] - at, "%d", port);
    }
}

static enum pt_code bind_all(struct rpc_server *s, struct rpc_listen *l, struct pt_err *err)
{
    enum pt_code rc = PT_OK;
    size_t bound = 0;

    for (size_t i = 0; i < l->count; i++) {
        rc = rpc_listen_probe(l, i, err);
        if (rc == PT_EUSAGE)
            continue; /* "localhost" names ::1 on machines without IPv6 too */
        if (rc != PT_OK)
            return rc;
        int port = grpc_server_add_http2_port(s->server, l->address[i], s->credentials);
        if (port == 0)
            return pt_fail(err, PT_EIO, "cannot listen on %s", l->address[i]);
        if (bound++ > 0 || l->unix_path)
            continue;
        s->port = (uint16_t)port;
        fix_port(l, port);
    }
    if (bound == 0)
        return rc;
    /* The token guards the moment before; the umask is the whole process's and stays. */
    if (l->unix_path && chmod(l->unix_path, 0600) < 0)
        return pt_fail(err, PT_EIO, "%s: %s", l->unix_path, strerror(errno));
    return PT_OK;
}

enum pt_code rpc_server_start(struct rpc_server *s, const char *address, struct pt_err *err)
{
    struct rpc_listen l;
    enum pt_code rc;

    if ((rc = rpc_listen_resolve(&l, address, s->planner, err)) != PT_OK ||
        (rc = bind_all(s, &l, err)) != PT_OK)
        return rc;
    grpc_server_start(s->server);
    for (int i = 0; i < RPC_ACCEPTORS * RPC_ACCEPTS_PER_THREAD; i++)
        request_call(s);
    for (int i = 0; i < RPC_ACCEPTORS; i++)
        if (pthread_create(&s->acceptor[s->acceptor_count], NULL, acceptor_thread, s) == 0)
            s->acceptor_count++;
    if (s->acceptor_count == 0)
        return pt_fail(err, PT_EIO, "RPC: the system allows no more threads");
    return PT_OK;
}

uint16_t rpc_server_port(const struct rpc_server *s)
{
    return s->port;
}

enum pt_code rpc_server_set_pins(struct rpc_server *s, const struct rpc_pin *pins, size_t pin_count,
                                 struct pt_err *err)
{
    return rpc_gate_set_pins(s->gate, pins, pin_count, err);
}

struct rpc_counts rpc_server_counts(struct rpc_server *s)
{
    pthread_mutex_lock(&s->gate->lock);
    struct rpc_counts counts = s->gate->counts;
    pthread_mutex_unlock(&s->gate->lock);
    pthread_mutex_lock(&s->lock);
    counts.active = s->active;
    pthread_mutex_unlock(&s->lock);
    return counts;
}

/* --- stopping --- */

static struct timespec in_future(uint32_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static bool still_busy(const struct rpc_server *s)
{
    return !s->stopped || s->active > 0 || s->refusing > 0;
}

static void drain(struct rpc_server *s, uint32_t grace_ms)
{
    struct timespec until = in_future(grace_ms);
    int waited = 0;

    pthread_mutex_lock(&s->lock);
    while (still_busy(s) && waited == 0)
        waited = pthread_cond_timedwait(&s->idle, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
    if (waited != 0)
        grpc_server_cancel_all_calls(s->server); /* idle connections close too */
    pthread_mutex_lock(&s->lock);
    while (still_busy(s))
        pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void rpc_server_free(struct rpc_server *s, uint32_t grace_ms)
{
    if (!s)
        return;
    grpc_server_shutdown_and_notify(s->server, s->cq, s); /* no new calls */
    if (s->acceptor_count > 0)
        drain(s, grace_ms);
    while (!s->stopped) /* never started: nobody else reads the queue */
        (void)accept_one(s);
    grpc_completion_queue_shutdown(s->cq);
    for (size_t i = 0; i < s->acceptor_count; i++)
        pthread_join(s->acceptor[i], NULL);
    while (accept_one(s))
        ;
    grpc_server_destroy(s->server);
    grpc_completion_queue_destroy(s->cq);
    grpc_server_credentials_release(s->credentials);
    rpc_server_on_refusal(s, NULL, NULL); /* a late handshake may still refuse */
    rpc_gate_unref(s->gate);
    rpc_token_wipe(&s->token);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->idle);
    free(s);
}
