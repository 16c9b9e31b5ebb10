/* Goal: the standard health service answers as its specification says. Method: requests and
 * replies through protobuf-c's code of health.proto, over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "node/rpc_core.h"
#include "proto/health.pb-c.h"

enum { WAIT_MS = 8000 };
enum { UNKNOWN = 3, SERVING = 1, NOT_SERVING = 2 }; /* health.proto's ServingStatus */

static const char TOKEN[] = "0123456789abcdef0123456789abcdef";
static const char CHECK[] = "/grpc.health.v1.Health/Check";
static const char WATCH[] = "/grpc.health.v1.Health/Watch";

struct fixture {
    struct rpc_server *server;
    struct rpc_health *health;
    struct rpc_channel *anyone, *owner;
};

static int setup(void **state)
{
    static struct fixture f;
    struct pt_err err = {0};
    char endpoint[64];

    rpc_init();
    assert_int_equal(rpc_health_new(&f.health, &err), PT_OK);
    assert_int_equal(rpc_server_new_planner(&f.server, span_z(TOKEN), NULL, &err), PT_OK);
    rpc_health_register(f.health, f.server);
    assert_int_equal(rpc_server_start(f.server, "127.0.0.1:0", &err), PT_OK);
    (void)snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", rpc_server_port(f.server));
    assert_int_equal(rpc_channel_open_planner(&f.anyone, endpoint, (struct span){0}, NULL, &err),
                     PT_OK);
    assert_int_equal(rpc_channel_open_planner(&f.owner, endpoint, span_z(TOKEN), NULL, &err),
                     PT_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    rpc_channel_close(f->anyone);
    rpc_channel_close(f->owner);
    rpc_server_free(f->server, WAIT_MS);
    rpc_health_free(f->health);
    rpc_shutdown();
    return 0;
}

static size_t encode(uint8_t out[256], const char *service)
{
    Grpc__Health__V1__HealthCheckRequest q;
    char name[200];

    grpc__health__v1__health_check_request__init(&q);
    (void)snprintf(name, sizeof name, "%s", service);
    q.service = name;
    return grpc__health__v1__health_check_request__pack(&q, out);
}

static int decode(const struct buf *m)
{
    Grpc__Health__V1__HealthCheckResponse *r =
        grpc__health__v1__health_check_response__unpack(NULL, m->n, m->p);

    assert_non_null(r);
    int status = (int)r->status;
    grpc__health__v1__health_check_response__free_unpacked(r, NULL);
    return status;
}

static enum pt_code ask(int *status, struct rpc_channel *ch, const char *service,
                        struct pt_err *err)
{
    uint8_t bytes[256];
    struct rpc_request r = {.method = CHECK, .deadline_ms = WAIT_MS};
    struct buf reply = {0};

    r.message = span_of(bytes, encode(bytes, service));
    enum pt_code rc = rpc_unary(&reply, ch, &r, err);
    *status = rc == PT_OK ? decode(&reply) : -1;
    buf_free(&reply);
    return rc;
}

/* Without a token: a supervisor's probe cannot show one. */
static void check_tells_anyone(void **state)
{
    struct fixture *f = *state;
    struct pt_err err = {0};
    int status;

    assert_int_equal(ask(&status, f->anyone, "", &err), PT_OK);
    assert_int_equal(status, NOT_SERVING); /* until the daemon says it is ready */
    rpc_health_set(f->health, "", true);
    rpc_health_set(f->health, "patto.planner.v1.Planner", true);
    assert_int_equal(ask(&status, f->anyone, "", &err), PT_OK);
    assert_int_equal(status, SERVING);
    assert_int_equal(ask(&status, f->anyone, "patto.planner.v1.Planner", &err), PT_OK);
    assert_int_equal(status, SERVING);
    assert_int_equal(ask(&status, f->anyone, "nobody", &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "unknown service"));
}

static void hostile_requests_are_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t CUT[] = {0x0a, 0x7f, 'x'}; /* says 127 bytes, has one */
    uint8_t large[1000] = {0};
    struct rpc_request r = {.method = CHECK, .message = {CUT, sizeof CUT}, .deadline_ms = WAIT_MS};
    struct buf reply = {0};
    struct pt_err err = {0};

    assert_int_equal(rpc_unary(&reply, f->anyone, &r, &err), PT_EPARSE);
    r.message = span_of(large, sizeof large);
    assert_int_equal(rpc_unary(&reply, f->anyone, &r, &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "at most 512 bytes"));
    /* A watch holds a thread, so it is not for anyone. */
    r.method = WATCH;
    assert_int_equal(rpc_unary(&reply, f->anyone, &r, &err), PT_EDENIED);
    buf_free(&reply);
}

static void watch_follows_changes_to_the_end(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[256];
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};
    bool ended;

    rpc_health_set(f->health, "late", false);
    assert_int_equal(rpc_call_open(&c, f->owner, WATCH, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_send(c, span_of(bytes, encode(bytes, "late")), &err), PT_OK);
    assert_int_equal(rpc_recv(&m, &ended, c, &err), PT_OK);
    assert_int_equal(decode(&m), NOT_SERVING);
    rpc_health_set(f->health, "late", true);
    assert_int_equal(rpc_recv(&m, &ended, c, &err), PT_OK);
    assert_int_equal(decode(&m), SERVING);
    rpc_health_stop(f->health);
    assert_int_equal(rpc_recv(&m, &ended, c, &err), PT_OK);
    assert_int_equal(decode(&m), NOT_SERVING);
    assert_int_equal(rpc_recv(&m, &ended, c, &err), PT_EPEER);
    assert_non_null(strstr(err.msg, "stopping"));
    assert_int_equal(rpc_call_close(c, &err), PT_EPEER);
    buf_free(&m);
}

/* Watching what is unknown is allowed by the specification, and says so. */
static void watch_of_the_unknown(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[256];
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};

    assert_int_equal(rpc_call_open(&c, f->owner, WATCH, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_send(c, span_of(bytes, encode(bytes, "nobody")), &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_int_equal(decode(&m), UNKNOWN);
    rpc_call_cancel(c);
    assert_int_equal(rpc_call_close(c, &err), PT_ESTATE);
    buf_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_tells_anyone),
        cmocka_unit_test(hostile_requests_are_refused),
        cmocka_unit_test(watch_of_the_unknown),
        cmocka_unit_test(watch_follows_changes_to_the_end),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
