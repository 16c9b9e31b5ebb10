/* Goal: a tool that knows nothing but the standard finds every method of the listener it is
 * connected to, with everything it needs to call them. Method: ask as such a tool does, through
 * protobuf-c's code of reflection.proto; expectations are read off the .proto files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "node/rpc_core.h"
#include "proto/reflection.pb-c.h"

enum { WAIT_MS = 8000, NOT_FOUND = 5, UNIMPLEMENTED = 12 };

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

extern const unsigned char patto_descriptors[];
extern const size_t patto_descriptors_bytes;

static const char TOKEN[] = "0123456789abcdef0123456789abcdef";
static const char V1[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
static const char V1ALPHA[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

struct fixture {
    struct rpc_server *server;
    struct rpc_reflection *reflection;
    struct rpc_channel *owner;
};

static enum pt_code nothing(struct rpc_call *c, void *arg, struct pt_err *err)
{
    (void)c;
    (void)arg;
    return pt_fail(err, PT_ESTATE, "nothing here");
}

static int setup(void **state)
{
    static struct fixture f;
    struct pt_err err = {0};
    char endpoint[64];

    rpc_init();
    assert_int_equal(rpc_reflection_new(&f.reflection,
                                        span_of(patto_descriptors, patto_descriptors_bytes), &err),
                     PT_OK);
    assert_int_equal(rpc_server_new_planner(&f.server, span_z(TOKEN), NULL, &err), PT_OK);
    rpc_reflection_register(f.reflection, f.server);
    rpc_server_handle(f.server, "/patto.planner.v1.Planner/Status", nothing, NULL);
    rpc_server_handle(f.server, "/patto.planner.v1.Planner/Query", nothing, NULL);
    assert_int_equal(rpc_server_start(f.server, "127.0.0.1:0", &err), PT_OK);
    (void)snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", rpc_server_port(f.server));
    assert_int_equal(rpc_channel_open_planner(&f.owner, endpoint, span_z(TOKEN), NULL, &err),
                     PT_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    rpc_channel_close(f->owner);
    rpc_server_free(f->server, WAIT_MS);
    rpc_reflection_free(f->reflection);
    rpc_shutdown();
    return 0;
}

/* The answer to one question; free with ..._free_unpacked(). */
static Response *ask(const struct fixture *f, const char *method, int what, const char *text)
{
    struct rpc_request r = {.method = method, .deadline_ms = WAIT_MS};
    struct buf reply = {0};
    struct pt_err err = {0};
    uint8_t bytes[512];
    char words[200];
    Request q;

    (void)snprintf(words, sizeof words, "%s", text);
    grpc__reflection__v1__server_reflection_request__init(&q);
    q.message_request_case =
        (Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase)what;
    q.list_services = words; /* the union's strings share their place */
    r.message = span_of(bytes, grpc__reflection__v1__server_reflection_request__pack(&q, bytes));
    if (rpc_unary(&reply, f->owner, &r, &err) != PT_OK)
        fail_msg("%s", err.msg);
    Response *a = grpc__reflection__v1__server_reflection_response__unpack(NULL, reply.n, reply.p);
    assert_non_null(a);
    assert_non_null(a->original_request);
    assert_int_equal(a->original_request->message_request_case, what);
    buf_free(&reply);
    return a;
}

static void release(Response *a)
{
    grpc__reflection__v1__server_reflection_response__free_unpacked(a, NULL);
}

enum { BY_NAME = 3, BY_SYMBOL = 4, EXTENSIONS = 6, LIST = 7 }; /* fields of the request */

static void lists_what_this_listener_serves(void **state)
{
    static const char *VERSIONS[] = {V1, V1ALPHA};

    for (size_t v = 0; v < PT_LEN(VERSIONS); v++) {
        Response *a = ask(*state, VERSIONS[v], LIST, "*");
        assert_non_null(a->list_services_response);
        assert_int_equal(a->list_services_response->n_service, 3);
        assert_string_equal(a->list_services_response->service[0]->name,
                            "grpc.reflection.v1.ServerReflection");
        assert_string_equal(a->list_services_response->service[1]->name,
                            "grpc.reflection.v1alpha.ServerReflection");
        assert_string_equal(a->list_services_response->service[2]->name,
                            "patto.planner.v1.Planner");
        release(a);
    }
}

static void finds_files_by_name_and_symbol(void **state)
{
    static const struct {
        int what;
        const char *text, *file; /* NULL: must not be found */
    } ROWS[] = {
        {BY_NAME, "proto/planner.proto", "proto/planner.proto"},
        {BY_NAME, "proto/health.proto", "proto/health.proto"},
        {BY_NAME, "planner.proto", NULL},
        {BY_NAME, "", NULL},
        {BY_SYMBOL, "patto.planner.v1.Planner", "proto/planner.proto"},
        {BY_SYMBOL, "patto.planner.v1.Planner.Query", "proto/planner.proto"},
        {BY_SYMBOL, "patto.planner.v1.StatusRequest", "proto/planner.proto"},
        {BY_SYMBOL, "grpc.health.v1.HealthCheckResponse.ServingStatus", "proto/health.proto"},
        {BY_SYMBOL, "grpc.reflection.v1.ServerReflection", "proto/reflection.proto"},
        {BY_SYMBOL, "grpc.reflection.v1alpha.ErrorResponse", "proto/reflection_v1alpha.proto"},
        {BY_SYMBOL, "patto.planner.v1.Plan", NULL},
        {BY_SYMBOL, "patto.planner.v1", NULL},
        {BY_SYMBOL, "Planner", NULL},
        {BY_SYMBOL, "", NULL},
    };

    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        Response *a = ask(*state, V1, ROWS[i].what, ROWS[i].text);

        if (ROWS[i].file) {
            assert_int_equal(a->message_response_case, 4);
            assert_true(a->file_descriptor_response->n_file_descriptor_proto >= 1);
            const ProtobufCBinaryData *d = a->file_descriptor_response->file_descriptor_proto;
            size_t n = strlen(ROWS[i].file);
            /* A FileDescriptorProto begins with field 1, its name. */
            assert_true(d->len > n + 2 && d->data[0] == 0x0a && d->data[1] == n);
            assert_memory_equal(d->data + 2, ROWS[i].file, n);
        } else {
            assert_int_equal(a->message_response_case, 7);
            assert_int_equal(a->error_response->error_code, NOT_FOUND);
        }
        release(a);
    }
    Response *a = ask(*state, V1, EXTENSIONS, "patto.planner.v1.StatusRequest");
    assert_int_equal(a->error_response->error_code, UNIMPLEMENTED);
    release(a);
}

/* A field a { number << 3 | 2, length, bytes } by hand, for files that nobody's protoc wrote. */
static void imports_come_along_once(void **state)
{
    /* a imports b and c; b imports c; c imports a. */
    static const uint8_t SET[] = {
        0x0a, 9, 0x0a, 1, 'a', 0x1a, 1, 'b', 0x1a, 1, 'c', /* file a */
        0x0a, 6, 0x0a, 1, 'b', 0x1a, 1, 'c',               /* file b */
        0x0a, 6, 0x0a, 1, 'c', 0x1a, 1, 'a',               /* file c */
    };
    const struct fixture *f = *state;
    struct rpc_reflection *r;
    struct rpc_server *s;
    struct fixture own = {0};
    struct pt_err err = {0};
    char endpoint[64];

    (void)f;
    assert_int_equal(rpc_reflection_new(&r, span_of(SET, sizeof SET), &err), PT_OK);
    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
    rpc_reflection_register(r, s);
    assert_int_equal(rpc_server_start(s, "127.0.0.1:0", &err), PT_OK);
    (void)snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", rpc_server_port(s));
    assert_int_equal(rpc_channel_open_planner(&own.owner, endpoint, span_z(TOKEN), NULL, &err),
                     PT_OK);
    Response *a = ask(&own, V1, BY_NAME, "b");
    assert_int_equal(a->file_descriptor_response->n_file_descriptor_proto, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(a->file_descriptor_response->file_descriptor_proto[i].data[2], "bca"[i]);
    release(a);
    rpc_channel_close(own.owner);
    rpc_server_free(s, WAIT_MS);
    rpc_reflection_free(r);
}

static void broken_descriptors_are_refused(void **state)
{
    struct rpc_reflection *r;
    struct pt_err err = {0};
    static const uint8_t ENDLESS[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x80, 0x80};

    (void)state;
    assert_int_equal(rpc_reflection_new(&r, (struct span){0}, &err), PT_EBUG);
    assert_int_equal(
        rpc_reflection_new(&r, span_of(patto_descriptors, patto_descriptors_bytes - 1), &err),
        PT_EBUG);
    assert_int_equal(rpc_reflection_new(&r, span_of(ENDLESS, sizeof ENDLESS), &err), PT_EBUG);
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_what_this_listener_serves),
        cmocka_unit_test(finds_files_by_name_and_symbol),
        cmocka_unit_test(imports_come_along_once),
        cmocka_unit_test(broken_descriptors_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
