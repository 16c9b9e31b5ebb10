/* Goal: calls carry bytes faithfully, end with the right reason, and only the right parties get
 * in. Method: both ends in this process over loopback and Unix sockets; the refusals are also
 * tried by a TLS client of OpenSSL's own, which shares no code with ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "node/rpc_core.h"
#include "node/tls.h"

enum { MIB = 1 << 20, WAIT_MS = 8000 };

static const char TOKEN[] = "0123456789abcdef0123456789abcdef";
static const char ECHO[] = "/patto.test.Test/Echo";
static const char FAIL[] = "/patto.test.Test/Fail";
static const char HANG[] = "/patto.test.Test/Hang";
static const char STREAM[] = "/patto.test.Test/Stream";
static const char WHOAMI[] = "/patto.test.Test/WhoAmI";
static const char EARLY[] = "/patto.test.Test/Early";

static struct tls_identity server_id, alpha_id, beta_id, stranger_id, expired_id;
static atomic_int handlers_run, handlers_cancelled;

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- handlers --- */

static enum pt_code echo(struct rpc_call *c, void *arg, struct pt_err *err)
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
static enum pt_code refuse(struct rpc_call *c, void *arg, struct pt_err *err)
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
static enum pt_code hang(struct rpc_call *c, void *arg, struct pt_err *err)
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
static enum pt_code stream(struct rpc_call *c, void *arg, struct pt_err *err)
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

static enum pt_code whoami(struct rpc_call *c, void *arg, struct pt_err *err)
{
    const struct rpc_pin *peer = rpc_call_peer(c);

    (void)arg;
    atomic_fetch_add(&handlers_run, 1);
    return rpc_send(c, span_z(peer ? peer->name : "nobody"), err);
}

/* Ends well without reading. */
static enum pt_code early(struct rpc_call *c, void *arg, struct pt_err *err)
{
    (void)arg;
    return rpc_send(c, span_z("enough"), err);
}

/* --- fixtures --- */

static void add_handlers(struct rpc_server *s)
{
    rpc_server_handle(s, ECHO, echo, NULL);
    rpc_server_handle(s, FAIL, refuse, NULL);
    rpc_server_handle(s, HANG, hang, NULL);
    rpc_server_handle(s, STREAM, stream, NULL);
    rpc_server_handle(s, WHOAMI, whoami, NULL);
    rpc_server_handle(s, EARLY, early, NULL);
}

static struct rpc_pin pin_of(const char *name, const struct tls_identity *id)
{
    struct rpc_pin p = {.certificate = id->fingerprint};

    (void)snprintf(p.name, sizeof p.name, "%s", name);
    return p;
}

static struct rpc_server *federation(const struct rpc_limits *limits)
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

static struct rpc_server *planner(const struct rpc_limits *limits)
{
    struct rpc_server *s;
    struct pt_err err = {0};

    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), limits, &err), PT_OK);
    add_handlers(s);
    assert_int_equal(rpc_server_start(s, "127.0.0.1:0", &err), PT_OK);
    return s;
}

static void endpoint_of(char out[64], const struct rpc_server *s)
{
    (void)snprintf(out, 64, "127.0.0.1:%u", rpc_server_port(s));
}

static struct rpc_channel *to_federation(const struct rpc_server *s, const struct tls_identity *id,
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

static struct rpc_channel *to_planner(const struct rpc_server *s, const char *token,
                                      const struct rpc_limits *limits)
{
    struct rpc_channel *ch;
    struct pt_err err = {0};
    char endpoint[64];

    endpoint_of(endpoint, s);
    assert_int_equal(rpc_channel_open_planner(&ch, endpoint, span_z(token), limits, &err), PT_OK);
    return ch;
}

static enum pt_code ask(struct buf *reply, struct rpc_channel *ch, const char *method,
                        struct span message, struct pt_err *err)
{
    struct rpc_request r = {.method = method, .message = message, .deadline_ms = WAIT_MS};

    *err = (struct pt_err){0};
    return rpc_unary(reply, ch, &r, err);
}

/* One call that must come back as PT_OK with these words. */
static void expect_words(struct rpc_channel *ch, const char *method, const char *words)
{
    struct buf reply = {0};
    struct pt_err err;

    if (ask(&reply, ch, method, (struct span){0}, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_true(span_eq_vartime(buf_span(&reply), span_z(words)));
    buf_free(&reply);
}

/* One call that must fail with this code and these words. */
static void expect_failure(struct rpc_channel *ch, const char *method, enum pt_code code,
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

/* --- bytes --- */

static void echo_sizes(struct rpc_channel *ch)
{
    static const size_t SIZES[] = {0, 1, 5, 0, 65536, MIB, RPC_MESSAGE_DEFAULT, 0};
    struct rpc_call *c;
    struct pt_err err = {0};
    struct buf back = {0};
    uint8_t *bytes = malloc(RPC_MESSAGE_DEFAULT);
    bool ended;

    assert_non_null(bytes);
    assert_int_equal(RAND_bytes(bytes, RPC_MESSAGE_DEFAULT), 1);
    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    for (size_t i = 0; i < PT_LEN(SIZES); i++) {
        if (rpc_send(c, span_of(bytes, SIZES[i]), &err) != PT_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(rpc_recv(&back, &ended, c, &err), PT_OK);
        assert_false(ended);
        assert_true(span_eq_vartime(buf_span(&back), span_of(bytes, SIZES[i])));
    }
    assert_int_equal(rpc_call_send_end(c, &err), PT_OK);
    assert_int_equal(rpc_recv(&back, &ended, c, &err), PT_OK);
    assert_true(ended);
    assert_int_equal(back.n, 0);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    buf_free(&back);
    free(bytes);
}

static void bytes_come_back_over_tls(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);

    (void)state;
    echo_sizes(ch);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

static void bytes_come_back_over_a_unix_socket(void **state)
{
    char dir[] = "/tmp/patto-rpc-XXXXXX", address[64];
    struct rpc_server *s, *second;
    struct rpc_channel *ch;
    struct pt_err err = {0};
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(address, sizeof address, "unix:%s/s", dir);
    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
    add_handlers(s);
    assert_int_equal(rpc_server_start(s, address, &err), PT_OK);
    assert_int_equal(rpc_server_port(s), 0);
    assert_int_equal(stat(address + 5, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(rpc_channel_open_planner(&ch, address, span_z(TOKEN), NULL, &err), PT_OK);
    echo_sizes(ch);
    /* A second server must not push the first off its socket. */
    assert_int_equal(rpc_server_new_planner(&second, span_z(TOKEN), NULL, &err), PT_OK);
    assert_int_equal(rpc_server_start(second, address, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "in use"));
    rpc_server_free(second, 0);
    expect_words(ch, WHOAMI, "nobody");
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
    (void)unlink(address + 5);
    assert_int_equal(rmdir(dir), 0);
}

/* A daemon that was killed leaves its socket behind; a file that is no socket is somebody's. */
static void a_stale_socket_is_replaced_but_no_file(void **state)
{
    char dir[] = "/tmp/patto-rpc-XXXXXX", address[64];
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct rpc_server *s;
    struct pt_err err = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(address, sizeof address, "unix:%s/s", dir);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", address + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    (void)close(fd);
    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
    assert_int_equal(rpc_server_start(s, address, &err), PT_OK);
    rpc_server_free(s, 0);
    (void)unlink(address + 5);
    FILE *f = fopen(address + 5, "w");
    assert_non_null(f);
    (void)fclose(f);
    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
    assert_int_equal(rpc_server_start(s, address, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "no socket"));
    rpc_server_free(s, 0);
    assert_int_equal(unlink(address + 5), 0);
    assert_int_equal(rmdir(dir), 0);
}

struct job {
    struct rpc_channel *ch;
    int failures;
};

static void *many_echoes(void *arg)
{
    struct job *j = arg;

    for (int i = 0; i < 8; i++) {
        uint8_t bytes[4096];
        struct buf reply = {0};
        struct pt_err err;

        memset(bytes, i + 1, sizeof bytes);
        if (ask(&reply, j->ch, ECHO, span_of(bytes, sizeof bytes), &err) != PT_OK ||
            !span_eq_vartime(buf_span(&reply), span_of(bytes, sizeof bytes)))
            j->failures++;
        buf_free(&reply);
    }
    return NULL;
}

static void many_calls_at_once(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch[2] = {to_federation(s, &alpha_id, NULL),
                                 to_federation(s, &beta_id, NULL)};
    struct job jobs[24];
    pthread_t t[PT_LEN(jobs)];

    (void)state;
    for (size_t i = 0; i < PT_LEN(jobs); i++) {
        jobs[i] = (struct job){.ch = ch[i % 2]};
        assert_int_equal(pthread_create(&t[i], NULL, many_echoes, &jobs[i]), 0);
    }
    for (size_t i = 0; i < PT_LEN(jobs); i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(jobs[i].failures, 0);
    }
    assert_int_equal(rpc_server_counts(s).calls, 8 * PT_LEN(jobs));
    rpc_channel_close(ch[0]);
    rpc_channel_close(ch[1]);
    rpc_server_free(s, WAIT_MS);
}

static void a_stream_is_whole_and_its_speed_is_told(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};
    bool ended = false;
    int64_t began = now_ms();
    unsigned count = 0;

    (void)state;
    assert_int_equal(rpc_call_open(&c, ch, STREAM, WAIT_MS, &err), PT_OK);
    while (rpc_recv(&m, &ended, c, &err) == PT_OK && !ended) {
        assert_int_equal(m.n, MIB);
        assert_int_equal(m.p[0], count);
        assert_int_equal(m.p[MIB - 1], count);
        count++;
    }
    assert_true(ended);
    assert_int_equal(count, 64);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    int64_t took = now_ms() - began;
    printf("64 MiB over mutual TLS in %lld ms\n", (long long)took);
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

/* --- how calls end --- */

static void every_code_comes_back(void **state)
{
    struct rpc_server *s = planner(NULL), *f = federation(NULL);
    struct rpc_channel *own = to_planner(s, TOKEN, NULL);
    struct rpc_channel *peer = to_federation(f, &alpha_id, NULL);

    (void)state;
    for (uint8_t code = PT_ENOMEM; code <= PT_EBUG; code++) {
        uint8_t request[2] = {code, 0};
        struct buf reply = {0};
        struct pt_err err;

        assert_int_equal(ask(&reply, own, FAIL, span_of(request, 1), &err), code);
        assert_string_equal(err.msg, "query: the reason is secret-free and 7 long");
        /* To a peer the code alone; words only when chosen, and no escape sequence gets out. */
        assert_int_equal(ask(&reply, peer, FAIL, span_of(request, 1), &err), code);
        assert_null(strstr(err.msg, "secret"));
        assert_non_null(strstr(err.msg, "partner gamma at 127.0.0.1:"));
        assert_int_equal(ask(&reply, peer, FAIL, span_of(request, 2), &err), code);
        assert_non_null(strstr(err.msg, "POLICY_MISMATCH ?[31m"));
        buf_free(&reply);
    }
    rpc_channel_close(own);
    rpc_channel_close(peer);
    rpc_server_free(s, WAIT_MS);
    rpc_server_free(f, WAIT_MS);
}

static void unknown_method_and_early_end(void **state)
{
    struct rpc_server *s = planner(NULL);
    struct rpc_channel *ch = to_planner(s, TOKEN, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};
    bool ended;

    (void)state;
    expect_failure(ch, "/patto.test.Test/Nope", PT_EBADMSG, "no such method");
    expect_words(ch, EARLY, "enough");
    assert_int_equal(rpc_call_open(&c, ch, EARLY, WAIT_MS, &err), PT_OK);
    /* Sending on fails sooner or later, but the answer and the status remain to be had. */
    for (int i = 0; i < 200 && rpc_send(c, span_z("more"), &err) == PT_OK; i++)
        (void)usleep(1000);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    assert_int_equal(rpc_call_open(&c, ch, EARLY, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_EBADMSG);
    assert_int_equal(rpc_recv(&m, &ended, c, &err), PT_OK);
    assert_true(ended);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

static void wait_for(const atomic_int *what, int value)
{
    int64_t until = now_ms() + WAIT_MS;

    while (atomic_load(what) < value && now_ms() < until)
        (void)usleep(1000);
    assert_true(atomic_load(what) >= value);
}

static void a_cancelled_client_stops_the_handler(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_call *c;
    struct pt_err err = {0};

    (void)state;
    atomic_store(&handlers_run, 0);
    atomic_store(&handlers_cancelled, 0);
    assert_int_equal(rpc_call_open(&c, ch, HANG, 0, &err), PT_OK);
    wait_for(&handlers_run, 1);
    assert_false(rpc_call_cancelled(c));
    rpc_call_cancel(c);
    assert_true(rpc_call_cancelled(c));
    assert_int_equal(rpc_send(c, span_z("x"), &err), PT_ESTATE);
    assert_int_equal(rpc_call_close(c, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "cancelled"));
    wait_for(&handlers_cancelled, 1);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

static void deadlines_and_silence_end_calls(void **state)
{
    struct rpc_limits quick = {.io_timeout_ms = 150};
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_channel *hasty = to_federation(s, &alpha_id, &quick);
    struct rpc_request r = {.method = HANG, .deadline_ms = 150};
    struct buf reply = {0};
    struct pt_err err = {0};

    (void)state;
    int64_t began = now_ms();
    assert_int_equal(rpc_unary(&reply, ch, &r, &err), PT_EPEER);
    assert_non_null(strstr(err.msg, "had not finished after 150 ms"));
    assert_int_equal(ask(&reply, hasty, HANG, (struct span){0}, &err), PT_EPEER);
    assert_non_null(strstr(err.msg, "no progress within 150 ms"));
    assert_true(now_ms() - began < 3000);
    rpc_channel_close(ch);
    rpc_channel_close(hasty);
    rpc_server_free(s, WAIT_MS);
}

/* The server's grace passes, its handlers see the cancellation, and nothing is left running. */
static void stopping_ends_running_calls(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_call *c[4];
    struct pt_err err = {0};

    (void)state;
    atomic_store(&handlers_run, 0);
    atomic_store(&handlers_cancelled, 0);
    for (size_t i = 0; i < PT_LEN(c); i++)
        assert_int_equal(rpc_call_open(&c[i], ch, HANG, 0, &err), PT_OK);
    wait_for(&handlers_run, 4);
    assert_int_equal(rpc_server_counts(s).active, 4);
    int64_t began = now_ms();
    rpc_server_free(s, 100);
    assert_true(now_ms() - began >= 90);
    assert_true(now_ms() - began < 4000);
    assert_int_equal(atomic_load(&handlers_cancelled), 4);
    for (size_t i = 0; i < PT_LEN(c); i++)
        assert_int_equal(rpc_call_close(c[i], &err), PT_EPEER);
    expect_failure(ch, WHOAMI, PT_EPEER, "no connection to partner gamma at 127.0.0.1:");
    rpc_channel_close(ch);
}

static void too_large_is_refused(void **state)
{
    struct rpc_limits small = {.message_bytes = 1000};
    struct rpc_limits wrong = {.message_bytes = RPC_MESSAGE_MAX + 1};
    struct rpc_server *s = planner(&small), *none;
    struct rpc_channel *ch = to_planner(s, TOKEN, NULL);
    struct rpc_channel *narrow = to_planner(s, TOKEN, &small);
    uint8_t *bytes = calloc(1, MIB);
    struct buf reply = {0};
    struct rpc_call *c;
    struct pt_err err = {0};

    (void)state;
    assert_non_null(bytes);
    assert_int_equal(ask(&reply, ch, ECHO, span_of(bytes, 1000), &err), PT_OK);
    assert_int_equal(reply.n, 1000);
    assert_int_equal(ask(&reply, ch, ECHO, span_of(bytes, 1001), &err), PT_ELIMIT);
    assert_non_null(strstr(err.msg, "1001 bytes came, at most 1000"));
    assert_int_equal(ask(&reply, narrow, STREAM, (struct span){0}, &err), PT_ELIMIT);
    /* Far over it gRPC itself ends the call, by one code or another. */
    assert_int_not_equal(ask(&reply, ch, ECHO, span_of(bytes, MIB), &err), PT_OK);
    /* Our own limit is met before anything is sent, and the call goes on. */
    assert_int_equal(rpc_call_open(&c, narrow, ECHO, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_send(c, span_of(bytes, 1001), &err), PT_ELIMIT);
    assert_non_null(strstr(err.msg, "at most 1000"));
    assert_int_equal(rpc_send(c, span_of(bytes, 10), &err), PT_OK);
    assert_int_equal(rpc_recv_one(&reply, c, &err), PT_OK);
    assert_int_equal(reply.n, 10);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    assert_int_equal(rpc_server_new_planner(&none, span_z(TOKEN), &wrong, &err), PT_ELIMIT);
    assert_null(none);
    free(bytes);
    buf_free(&reply);
    rpc_channel_close(ch);
    rpc_channel_close(narrow);
    rpc_server_free(s, WAIT_MS);
}

static void too_many_are_refused(void **state)
{
    struct rpc_limits one = {.max_calls = 1};
    struct rpc_server *s = planner(&one);
    struct rpc_channel *ch = to_planner(s, TOKEN, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_send(c, span_z("x"), &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK); /* its handler runs */
    expect_failure(ch, WHOAMI, PT_EPEER, "too many calls");
    assert_int_equal(rpc_server_counts(s).refused_busy, 1);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    int64_t until = now_ms() + WAIT_MS;
    while (rpc_server_counts(s).active > 0 && now_ms() < until)
        (void)usleep(1000);
    expect_words(ch, WHOAMI, "nobody");
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

/* Both ends send 16 MiB at once, a thread each way: nothing waits for the other for ever. */
static void *send_all(void *arg)
{
    struct rpc_call *c = arg;
    struct pt_err err = {0};
    uint8_t *bytes = malloc(MIB);

    if (!bytes)
        return c;
    for (int i = 0; i < 16; i++) {
        memset(bytes, i, MIB);
        if (rpc_send(c, span_of(bytes, MIB), &err) != PT_OK)
            break;
    }
    free(bytes);
    return rpc_call_send_end(c, &err) == PT_OK ? NULL : c; /* NULL: all went out */
}

static void both_ways_at_once(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &beta_id, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};
    bool ended = false;
    unsigned count = 0;
    pthread_t t;
    void *failed = NULL;

    (void)state;
    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    assert_int_equal(pthread_create(&t, NULL, send_all, c), 0);
    while (rpc_recv(&m, &ended, c, &err) == PT_OK && !ended) {
        assert_int_equal(m.n, MIB);
        assert_int_equal(m.p[MIB / 2], count);
        count++;
    }
    pthread_join(t, &failed);
    assert_null(failed);
    assert_int_equal(count, 16);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

/* --- who gets in --- */

static void a_wrong_token_is_refused(void **state)
{
    static const char *WRONG[] = {"0123456789abcdef0123456789abcdeF", "0123456789abcdef", "",
                                  "0123456789abcdef0123456789abcdef0"};
    struct rpc_server *s = planner(NULL);

    (void)state;
    atomic_store(&handlers_run, 0);
    for (size_t i = 0; i < PT_LEN(WRONG); i++) {
        struct rpc_channel *ch = to_planner(s, WRONG[i], NULL);
        expect_failure(ch, WHOAMI, PT_EDENIED, "bearer token");
        expect_failure(ch, "/patto.test.Test/Nope", PT_EDENIED, "bearer token");
        rpc_channel_close(ch);
    }
    assert_int_equal(atomic_load(&handlers_run), 0);
    assert_int_equal(rpc_server_counts(s).refused_tokens, 2 * PT_LEN(WRONG));
    struct rpc_channel *ch = to_planner(s, TOKEN, NULL);
    expect_words(ch, WHOAMI, "nobody");
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

static void short_tokens_and_far_addresses_are_refused(void **state)
{
    static const struct {
        const char *address;
        enum pt_code code;
        const char *says;
    } ROWS[] = {
        {"0.0.0.0:0", PT_EUSAGE, "loopback"},
        {"[::]:0", PT_EUSAGE, "loopback"},
        {"192.0.2.1:7444", PT_EUSAGE, "loopback"},
        {"127.0.0.1", PT_EUSAGE, "HOST:PORT"},
        {"127.0.0.1:65536", PT_EUSAGE, "HOST:PORT"},
        {":7444", PT_EUSAGE, "HOST:PORT"},
        {"dns:///127.0.0.1:7444", PT_EUSAGE, "HOST:PORT"},
        {"unix:relative", PT_EUSAGE, "ABSOLUTE"},
        {"unix:/no/such/folder/s", PT_EIO, "cannot listen"},
    };
    struct rpc_server *s;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(rpc_server_new_planner(&s, span_z("short"), NULL, &err), PT_ELIMIT);
    assert_null(s);
    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        struct rpc_channel *ch;

        assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
        assert_int_equal(rpc_server_start(s, ROWS[i].address, &err), ROWS[i].code);
        if (!strstr(err.msg, ROWS[i].says))
            fail_msg("'%s' does not say '%s'", err.msg, ROWS[i].says);
        rpc_server_free(s, 0);
        if (ROWS[i].code == PT_EUSAGE) /* and the client sends its token nowhere else either */
            assert_int_equal(
                rpc_channel_open_planner(&ch, ROWS[i].address, span_z(TOKEN), NULL, &err),
                PT_EUSAGE);
    }
}

static void a_port_in_use_is_named(void **state)
{
    struct rpc_server *first = planner(NULL), *second;
    struct pt_err err = {0};
    char endpoint[64];

    (void)state;
    endpoint_of(endpoint, first);
    assert_int_equal(rpc_server_new_planner(&second, span_z(TOKEN), NULL, &err), PT_OK);
    assert_int_equal(rpc_server_start(second, endpoint, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, endpoint));
    assert_non_null(strstr(err.msg, "in use"));
    rpc_server_free(second, 0);
    rpc_server_free(first, WAIT_MS);
}

struct heard {
    atomic_int count;
    struct digest certificate;
};

static void on_refusal(void *arg, const struct rpc_refusal *r)
{
    struct heard *h = arg;

    h->certificate = r->certificate;
    if (r->kind == RPC_REFUSED_CERTIFICATE && strstr(r->reason, "certificate"))
        atomic_fetch_add(&h->count, 1);
}

static void only_pinned_certificates_get_in(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *alpha = to_federation(s, &alpha_id, NULL);
    struct rpc_channel *beta = to_federation(s, &beta_id, NULL);
    struct rpc_channel *stranger = to_federation(s, &stranger_id, NULL);
    struct rpc_channel *expired = to_federation(s, &expired_id, NULL);
    struct heard heard = {0};

    (void)state;
    rpc_server_on_refusal(s, on_refusal, &heard);
    expect_words(alpha, WHOAMI, "alpha");
    expect_words(beta, WHOAMI, "beta");
    atomic_store(&handlers_run, 0);
    expect_failure(stranger, WHOAMI, PT_EPEER, "does its policy hold this node's certificate");
    wait_for(&heard.count, 1);
    assert_memory_equal(heard.certificate.b, stranger_id.fingerprint.b, 32);
    expect_failure(expired, WHOAMI, PT_EPEER, "no connection");
    wait_for(&heard.count, 2);
    assert_memory_equal(heard.certificate.b, expired_id.fingerprint.b, 32);
    assert_int_equal(atomic_load(&handlers_run), 0);
    assert_int_equal(rpc_server_counts(s).refused_certificates, atomic_load(&heard.count));
    rpc_channel_close(alpha);
    rpc_channel_close(beta);
    rpc_channel_close(stranger);
    rpc_channel_close(expired);
    rpc_server_free(s, WAIT_MS);
}

/* A new policy drops alpha, whose connection stands, and admits the stranger. */
static void pins_are_replaced_while_running(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *alpha = to_federation(s, &alpha_id, NULL);
    struct rpc_pin pin = pin_of("newcomer", &stranger_id), *many;
    struct pt_err err = {0};

    (void)state;
    expect_words(alpha, WHOAMI, "alpha");
    assert_int_equal(rpc_server_set_pins(s, &pin, 1, &err), PT_OK);
    expect_failure(alpha, WHOAMI, PT_EDENIED, "not in this node's policy");
    struct rpc_channel *stranger = to_federation(s, &stranger_id, NULL);
    expect_words(stranger, WHOAMI, "newcomer");
    assert_non_null(many = calloc(RPC_PINS_MAX + 1, sizeof *many));
    assert_int_equal(rpc_server_set_pins(s, many, RPC_PINS_MAX + 1, &err), PT_ELIMIT);
    expect_words(stranger, WHOAMI, "newcomer");
    free(many);
    rpc_channel_close(alpha);
    rpc_channel_close(stranger);
    rpc_server_free(s, WAIT_MS);
}

/* The other direction: whoever answers at the endpoint must be the pinned server. */
static void another_server_is_not_trusted(void **state)
{
    struct rpc_pin pins[] = {pin_of("alpha", &alpha_id)};
    const struct tls_identity *others[] = {&stranger_id, &expired_id};
    char endpoint[64];
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(others); i++) {
        struct rpc_pin expected = pin_of("gamma", i == 0 ? &server_id : &expired_id);
        struct rpc_server *s;
        struct rpc_channel *ch;

        assert_int_equal(rpc_server_new_federation(&s, others[i], pins, 1, NULL, &err), PT_OK);
        add_handlers(s);
        assert_int_equal(rpc_server_start(s, "127.0.0.1:0", &err), PT_OK);
        endpoint_of(endpoint, s);
        assert_int_equal(
            rpc_channel_open_federation(&ch, &alpha_id, &expected, endpoint, NULL, &err), PT_OK);
        atomic_store(&handlers_run, 0);
        expect_failure(ch, WHOAMI, PT_EPEER, i == 0 ? "is not in the policy" : "expired on");
        assert_int_equal(atomic_load(&handlers_run), 0);
        rpc_channel_close(ch);
        rpc_server_free(s, WAIT_MS);
    }
}

static void endpoints_are_hosts_and_ports(void **state)
{
    static const char *BAD[] = {"unix:/tmp/x", "ipv4:127.0.0.1:1", "host",
                                "host:",       "ho st:1",          "a/b:1"};
    struct rpc_pin pin = pin_of("gamma", &server_id);
    struct rpc_channel *ch;
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(BAD); i++) {
        assert_int_equal(rpc_channel_open_federation(&ch, &alpha_id, &pin, BAD[i], NULL, &err),
                         PT_EUSAGE);
        assert_non_null(strstr(err.msg, "partner gamma: "));
        assert_null(ch);
    }
    assert_int_equal(
        rpc_channel_open_federation(&ch, &alpha_id, &pin, "nobody.invalid:7443", NULL, &err),
        PT_OK);
    rpc_channel_close(ch);
}

/* --- an outside TLS client --- */

static int dial(const struct rpc_server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(rpc_server_port(s))};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* Does the server speak HTTP/2 (a SETTINGS frame) to a client with this certificate and key? */
static bool speaks_to(const struct rpc_server *s, X509 *certificate, EVP_PKEY *key)
{
    static const unsigned char ALPN[] = "\x02h2";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    unsigned char b[9];

    if (certificate) {
        assert_int_equal(SSL_CTX_use_certificate(ctx, certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    }
    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, ALPN, 3), 0);
    SSL *ssl = SSL_new(ctx);
    int fd = dial(s);
    SSL_set_fd(ssl, fd);
    bool spoke = SSL_connect(ssl) == 1 && SSL_read(ssl, b, sizeof b) == (int)sizeof b && b[3] == 4;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(fd);
    return spoke;
}

/* A key that claims the public half of `real` and has the private half of another. */
static EVP_PKEY *forged(EVP_PKEY *real)
{
    EVP_PKEY *other = EVP_EC_gen("P-256"), *out = NULL;
    BIGNUM *secret = NULL;
    uint8_t point[65];
    char group[] = "P-256";
    size_t n = 0;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();

    assert_int_equal(EVP_PKEY_get_bn_param(other, OSSL_PKEY_PARAM_PRIV_KEY, &secret), 1);
    assert_int_equal(EVP_PKEY_get_octet_string_param(real, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                                     point, sizeof point, &n),
                     1);
    assert_int_equal(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                     1);
    assert_int_equal(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret), 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &out, EVP_PKEY_KEYPAIR, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_clear_free(secret);
    EVP_PKEY_free(other);
    return out;
}

static X509 *certificate_of(const struct tls_identity *id)
{
    BIO *bio = BIO_new_mem_buf(id->certificate_pem.p, (int)id->certificate_pem.n);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return x;
}

static EVP_PKEY *key_of(const struct tls_identity *id)
{
    BIO *bio = BIO_new_mem_buf(id->key_pem.p, (int)id->key_pem.n);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return key;
}

/* Certificates are public: showing alpha's must not be enough. */
static void a_certificate_without_its_key_is_worth_nothing(void **state)
{
    struct rpc_server *s = federation(NULL);
    X509 *alpha = certificate_of(&alpha_id), *stranger = certificate_of(&stranger_id);
    EVP_PKEY *key = key_of(&alpha_id), *false_key = forged(key);
    EVP_PKEY *stranger_key = key_of(&stranger_id);

    (void)state;
    assert_true(speaks_to(s, alpha, key)); /* so the refusals below mean something */
    assert_false(speaks_to(s, alpha, false_key));
    assert_false(speaks_to(s, stranger, stranger_key));
    assert_false(speaks_to(s, NULL, NULL));
    assert_true(speaks_to(s, alpha, key));
    assert_int_equal(rpc_server_counts(s).calls, 0);
    X509_free(alpha);
    X509_free(stranger);
    EVP_PKEY_free(key);
    EVP_PKEY_free(false_key);
    EVP_PKEY_free(stranger_key);
    rpc_server_free(s, WAIT_MS);
}

static void garbage_does_no_harm(void **state)
{
    static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct rpc_server *servers[] = {federation(NULL), planner(NULL)};
    struct rpc_channel *ch[] = {to_federation(servers[0], &alpha_id, NULL),
                                to_planner(servers[1], TOKEN, NULL)};
    uint8_t noise[8192], back[256];

    (void)state;
    for (size_t i = 0; i < PT_LEN(servers); i++) {
        for (int round = 0; round < 8; round++) {
            int fd = dial(servers[i]);
            assert_int_equal(RAND_bytes(noise, sizeof noise), 1);
            if (round & 1)
                memcpy(noise, PREFACE, sizeof PREFACE - 1);
            (void)send(fd, noise, (size_t)1 << (round + 5), MSG_NOSIGNAL);
            (void)shutdown(fd, SHUT_WR);
            while (recv(fd, back, sizeof back, 0) > 0)
                ;
            (void)close(fd);
        }
        expect_words(ch[i], WHOAMI, i == 0 ? "alpha" : "nobody");
        rpc_channel_close(ch[i]);
        rpc_server_free(servers[i], WAIT_MS);
    }
}

static struct tls_identity identity(const char *name, int64_t now_s, uint32_t days)
{
    struct tls_subject who = {.name = name, .host = "127.0.0.1", .now_s = now_s, .days = days};
    struct tls_identity id;
    struct pt_err err = {0};

    assert_int_equal(tls_identity_new(&id, &who, &err), PT_OK);
    return id;
}

static int setup(void **state)
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

static int teardown(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_over_tls),
        cmocka_unit_test(bytes_come_back_over_a_unix_socket),
        cmocka_unit_test(a_stale_socket_is_replaced_but_no_file),
        cmocka_unit_test(many_calls_at_once),
        cmocka_unit_test(a_stream_is_whole_and_its_speed_is_told),
        cmocka_unit_test(every_code_comes_back),
        cmocka_unit_test(unknown_method_and_early_end),
        cmocka_unit_test(a_cancelled_client_stops_the_handler),
        cmocka_unit_test(deadlines_and_silence_end_calls),
        cmocka_unit_test(stopping_ends_running_calls),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(both_ways_at_once),
        cmocka_unit_test(a_wrong_token_is_refused),
        cmocka_unit_test(short_tokens_and_far_addresses_are_refused),
        cmocka_unit_test(a_port_in_use_is_named),
        cmocka_unit_test(only_pinned_certificates_get_in),
        cmocka_unit_test(pins_are_replaced_while_running),
        cmocka_unit_test(another_server_is_not_trusted),
        cmocka_unit_test(endpoints_are_hosts_and_ports),
        cmocka_unit_test(a_certificate_without_its_key_is_worth_nothing),
        cmocka_unit_test(garbage_does_no_harm),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
