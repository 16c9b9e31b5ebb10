/* rpc_fixture.h - servers, channels and identities for tests of the RPC layer: both ends in one
 * process, over loopback. Include cmocka.h before. */
#ifndef PT_TESTS_RPC_FIXTURE_H
#define PT_TESTS_RPC_FIXTURE_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node/rpc_core.h"
#include "node/tls.h"

enum { MIB = 1 << 20, WAIT_MS = 60000 };

static const char TOKEN[] = "0123456789abcdef0123456789abcdef";
static const char ECHO[] = "/patto.test.Test/Echo";
static const char FAIL[] = "/patto.test.Test/Fail";
static const char HANG[] = "/patto.test.Test/Hang";
static const char STREAM[] = "/patto.test.Test/Stream";
static const char WHOAMI[] = "/patto.test.Test/WhoAmI";
static const char EARLY[] = "/patto.test.Test/Early";
static const char ONE[] = "/patto.test.Test/One";

static struct tls_identity server_id, alpha_id, beta_id, stranger_id, expired_id;
static atomic_int handlers_run, handlers_cancelled;

static inline int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- handlers --- */

static inline enum pt_code echo(struct rpc_call *c, void *arg, struct pt_err *err)
{
    struct buf m = {0};
    bool ended = false;
    enum pt_code rc;

    (void)arg;
    atomic_fetch_add(&handlers_run, 1);
    while ((rc = rpc_recv(&m, &ended, c, err)) == PT_OK && !ended)
        if ((rc = rpc_send(c, buf_span(&m), err)) != PT_OK)
            break;
    buf_free(&m);
    return rc;
}

/* The request is a pt_code's number; a second byte asks for words to a peer. */
static inline enum pt_code refuse(struct rpc_call *c, void *arg, struct pt_err *err)
{
    struct buf m = {0};
    enum pt_code rc = rpc_recv_one(&m, c, err);

    (void)arg;
    if (rc == PT_OK && m.n == 2)
        rpc_call_detail(c, "POLICY_MISMATCH \x1b[31m");
    if (rc == PT_OK)
        rc = pt_fail(err, (enum pt_code)m.p[0], "query: the reason is secret-free and %d long", 7);
    buf_free(&m);
    return rc;
}

/* Computes until cancelled. */
static inline enum pt_code hang(struct rpc_call *c, void *arg, struct pt_err *err)
{
    struct timespec tick = {.tv_nsec = 1000000};

    (void)arg;
    atomic_fetch_add(&handlers_run, 1);
    int64_t until = now_ms() + WAIT_MS;
    while (!rpc_call_cancelled(c) && now_ms() < until)
        nanosleep(&tick, NULL);
    if (rpc_call_cancelled(c))
        atomic_fetch_add(&handlers_cancelled, 1);
    return pt_fail(err, PT_EPEER, "cancelled");
}

/* Sends 64 x 1 MiB of a pattern. */
static inline enum pt_code stream(struct rpc_call *c, void *arg, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    (void)arg;
    for (int i = 0; i < 64 && rc == PT_OK; i++) {
        struct buf m = {0};
        assert_true(buf_reserve(&m, MIB));
        memset(m.p, i, MIB);
        m.n = MIB;
        rc = rpc_send_take(c, &m, err);
        assert_null(m.p);
    }
    return rc;
}

static inline enum pt_code whoami(struct rpc_call *c, void *arg, struct pt_err *err)
{
    const struct rpc_pin *peer = rpc_call_peer(c);

    (void)arg;
    atomic_fetch_add(&handlers_run, 1);
    return rpc_send(c, span_z(peer ? peer->name : "nobody"), err);
}

/* Ends well without reading. */
static inline enum pt_code early(struct rpc_call *c, void *arg, struct pt_err *err)
{
    (void)arg;
    return rpc_send(c, span_z("enough"), err);
}

/* Ends well after one message, whatever else comes. */
static inline enum pt_code one(struct rpc_call *c, void *arg, struct pt_err *err)
{
    struct buf m = {0};
    const enum pt_code rc = rpc_recv_one(&m, c, err);

    (void)arg;
    buf_free(&m);
    return rc;
}

/* --- fixtures --- */

static inline void add_handlers(struct rpc_server *s)
{
    rpc_server_handle(s, ECHO, echo, NULL);
    rpc_server_handle(s, FAIL, refuse, NULL);
    rpc_server_handle(s, HANG, hang, NULL);
    rpc_server_handle(s, STREAM, stream, NULL);
    rpc_server_handle(s, WHOAMI, whoami, NULL);
    rpc_server_handle(s, EARLY, early, NULL);
    rpc_server_handle(s, ONE, one, NULL);
}

static inline struct rpc_pin pin_of(const char *name, const struct tls_identity *id)
{
    struct rpc_pin p = {.certificate = id->fingerprint};

    (void)snprintf(p.name, sizeof p.name, "%s", name);
    return p;
}

static inline struct rpc_server *federation(const struct rpc_limits *limits)
{
    struct rpc_pin pins[] = {pin_of("alpha", &alpha_id), pin_of("beta", &beta_id),
                             pin_of("old", &expired_id)};
    struct rpc_server *s;
    struct pt_err err = {0};

    assert_int_equal(rpc_server_new_federation(&s, &server_id, pins, 3, limits, &err), PT_OK);
    add_handlers(s);
    assert_int_equal(rpc_server_start(s, "127.0.0.1:0", &err), PT_OK);
    assert_int_not_equal(rpc_server_port(s), 0);
    return s;
}

static inline struct rpc_server *planner(const struct rpc_limits *limits)
{
    struct rpc_server *s;
    struct pt_err err = {0};

    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), limits, &err), PT_OK);
    add_handlers(s);
    assert_int_equal(rpc_server_start(s, "127.0.0.1:0", &err), PT_OK);
    return s;
}

static inline void endpoint_of(char out[64], const struct rpc_server *s)
{
    (void)snprintf(out, 64, "127.0.0.1:%u", rpc_server_port(s));
}

static inline struct rpc_channel *to_federation(const struct rpc_server *s,
                                                const struct tls_identity *id,
                                                const struct rpc_limits *limits)
{
    struct rpc_pin pin = pin_of("gamma", &server_id);
    struct rpc_channel *ch;
    struct pt_err err = {0};
    char endpoint[64];

    endpoint_of(endpoint, s);
    assert_int_equal(rpc_channel_open_federation(&ch, id, &pin, endpoint, limits, &err), PT_OK);
    return ch;
}

static inline struct rpc_channel *to_planner(const struct rpc_server *s, const char *token,
                                             const struct rpc_limits *limits)
{
    struct rpc_channel *ch;
    struct pt_err err = {0};
    char endpoint[64];

    endpoint_of(endpoint, s);
    assert_int_equal(rpc_channel_open_planner(&ch, endpoint, span_z(token), limits, &err), PT_OK);
    return ch;
}

static inline enum pt_code ask(struct buf *reply, struct rpc_channel *ch, const char *method,
                               struct span message, struct pt_err *err)
{
    struct rpc_request r = {.method = method, .message = message, .deadline_ms = WAIT_MS};

    *err = (struct pt_err){0};
    return rpc_unary(reply, ch, &r, err);
}

/* One call that must come back as PT_OK with these words. */
static inline void expect_words(struct rpc_channel *ch, const char *method, const char *words)
{
    struct buf reply = {0};
    struct pt_err err;

    if (ask(&reply, ch, method, (struct span){0}, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_true(span_eq_vartime(buf_span(&reply), span_z(words)));
    buf_free(&reply);
}

/* One call that must fail with this code and these words. */
static inline void expect_failure(struct rpc_channel *ch, const char *method, enum pt_code code,
                                  const char *says)
{
    struct buf reply = {0};
    struct pt_err err;

    assert_int_equal(ask(&reply, ch, method, (struct span){0}, &err), code);
    if (!strstr(err.msg, says))
        fail_msg("'%s' does not say '%s'", err.msg, says);
    assert_int_equal(reply.n, 0);
    buf_free(&reply);
}

static inline void wait_for(const atomic_int *what, int value)
{
    int64_t until = now_ms() + WAIT_MS;

    while (atomic_load(what) < value && now_ms() < until)
        (void)usleep(1000);
    assert_true(atomic_load(what) >= value);
}

static inline struct tls_identity identity(const char *name, int64_t now_s, uint32_t days)
{
    struct tls_subject who = {.name = name, .host = "127.0.0.1", .now_s = now_s, .days = days};
    struct tls_identity id;
    struct pt_err err = {0};

    assert_int_equal(tls_identity_new(&id, &who, &err), PT_OK);
    return id;
}

static inline int rpc_setup(void **state)
{
    int64_t now_s = (int64_t)time(NULL);

    (void)state;
    rpc_init();
    server_id = identity("gamma", now_s, 0);
    alpha_id = identity("alpha", now_s, 0);
    beta_id = identity("beta", now_s, 0);
    stranger_id = identity("alpha", now_s, 0); /* names prove nothing */
    expired_id = identity("old", now_s - INT64_C(10) * 86400, 5);
    return 0;
}

static inline int rpc_teardown(void **state)
{
    (void)state;
    tls_identity_free(&server_id);
    tls_identity_free(&alpha_id);
    tls_identity_free(&beta_id);
    tls_identity_free(&stranger_id);
    tls_identity_free(&expired_id);
    rpc_shutdown();
    return 0;
}

#endif
