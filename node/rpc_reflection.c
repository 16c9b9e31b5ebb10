/* grpc.reflection.v1 and v1alpha, as rpc_core.h declares them. The two are the same messages
 * under two names, so one handler serves both. Descriptors are looked up in the serialised
 * FileDescriptorSet itself, by field number (google/protobuf/descriptor.proto). */
#include <stdlib.h>

#include "crypto/base/text.h"
#include "node/rpc_internal.h"
#include "proto/reflection.pb-c.h"

enum {
    FILES_MAX = 64,
    REQUEST_MAX = 4096, /* bytes; also bounds what protobuf-c allocates */
    SET_FILE = 1,
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    ANY_NAME = 1,
};

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

struct rpc_reflection {
    struct span file[FILES_MAX]; /* one FileDescriptorProto each; borrowed */
    size_t file_count;
};

/* --- reading the descriptors --- */

static bool read_varint(uint64_t *out, struct rd *r)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = rd_u8(r);
        *out |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return !r->bad;
    }
    r->bad = true;
    return false;
}

/* The next length-delimited field; scalars are stepped over. False at the end. */
static bool next_field(uint64_t *number, struct span *bytes, struct rd *r)
{
    uint64_t tag, n;

    while (r->at < r->in.n && read_varint(&tag, r)) {
        *number = tag >> 3;
        switch (tag & 7) {
        case 0:
            (void)read_varint(&n, r);
            break;
        case 1:
            (void)rd_take(r, 8);
            break;
        case 2:
            if (!read_varint(&n, r))
                return false;
            *bytes = rd_take(r, n);
            return !r->bad;
        case 5:
            (void)rd_take(r, 4);
            break;
        default:
            r->bad = true;
            return false;
        }
    }
    return false;
}

/* The first field of that number; empty when there is none. */
static struct span field_of(struct span message, uint64_t wanted)
{
    struct rd r = {.in = message};
    struct span bytes;
    uint64_t number;

    while (next_field(&number, &bytes, &r))
        if (number == wanted)
            return bytes;
    return (struct span){0};
}

enum pt_code rpc_reflection_new(struct rpc_reflection **out, struct span descriptors,
                                struct pt_err *err)
{
    struct rd r = {.in = descriptors};
    struct span bytes;
    uint64_t number;
    struct rpc_reflection *it = calloc(1, sizeof *it);

    *out = NULL;
    if (!it)
        return pt_fail(err, PT_ENOMEM, "reflection: out of memory");
    while (it->file_count < FILES_MAX && next_field(&number, &bytes, &r))
        if (number == SET_FILE)
            it->file[it->file_count++] = bytes;
    if (!rd_done(&r) || it->file_count == 0) {
        free(it);
        return pt_fail(err, PT_EBUG, "reflection: not a set of 1..%d descriptors; report this",
                       FILES_MAX);
    }
    *out = it;
    return PT_OK;
}

void rpc_reflection_free(struct rpc_reflection *it)
{
    free(it);
}

static int file_named(const struct rpc_reflection *it, struct span name)
{
    for (size_t i = 0; i < it->file_count; i++)
        if (span_eq_vartime(field_of(it->file[i], FILE_NAME), name))
            return (int)i;
    return -1;
}

/* Does symbol begin with prefix, at a dot or at its end? *rest is what follows. */
static bool step_into(struct span *rest, struct span symbol, struct span prefix)
{
    if (prefix.n > symbol.n || !span_eq_vartime(span_of(symbol.p, prefix.n), prefix))
        return false;
    if (prefix.n < symbol.n && symbol.p[prefix.n] != '.')
        return false;
    size_t n = prefix.n < symbol.n ? prefix.n + 1 : prefix.n;
    *rest = span_of(symbol.p + n, symbol.n - n);
    return true;
}

/* Is symbol something in this file, or below it (a method of a service, a nested message)? */
static bool file_holds(struct span file, struct span symbol)
{
    struct span package = field_of(file, FILE_PACKAGE), local = symbol, bytes, rest;
    struct rd r = {.in = file};
    uint64_t number;

    if (package.n > 0 && !step_into(&local, symbol, package))
        return false;
    while (next_field(&number, &bytes, &r)) {
        if (number != FILE_MESSAGE && number != FILE_ENUM && number != FILE_SERVICE)
            continue;
        if (step_into(&rest, local, field_of(bytes, ANY_NAME)))
            return true;
    }
    return false;
}

static int file_of_symbol(const struct rpc_reflection *it, struct span symbol)
{
    for (size_t i = 0; i < it->file_count; i++)
        if (file_holds(it->file[i], symbol))
            return (int)i;
    return -1;
}

static void add_file(int list[FILES_MAX], size_t *n, int file)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i] == file)
            return;
    if (file >= 0 && *n < FILES_MAX)
        list[(*n)++] = file;
}

/* The file and, after it, everything it imports. */
static size_t with_imports(int list[FILES_MAX], const struct rpc_reflection *it, int file)
{
    size_t n = 0;

    add_file(list, &n, file);
    for (size_t i = 0; i < n; i++) {
        struct rd r = {.in = it->file[list[i]]};
        struct span bytes;
        uint64_t number;

        while (next_field(&number, &bytes, &r))
            if (number == FILE_DEPENDENCY)
                add_file(list, &n, file_named(it, bytes));
    }
    return n;
}

/* --- answering --- */

static enum pt_code send_response(struct rpc_call *c, const Response *r, struct pt_err *err)
{
    struct buf m = {0};
    size_t n = grpc__reflection__v1__server_reflection_response__get_packed_size(r);

    if (!buf_reserve(&m, n))
        return pt_fail(err, PT_ENOMEM, "reflection: out of memory");
    m.n = grpc__reflection__v1__server_reflection_response__pack(r, m.p);
    return rpc_send_take(c, &m, err);
}

static Response response_to(Request *q)
{
    Response r;

    grpc__reflection__v1__server_reflection_response__init(&r);
    r.valid_host = q->host;
    r.original_request = q;
    return r;
}

static enum pt_code reply_error(struct rpc_call *c, Request *q, grpc_status_code code,
                                struct pt_err *err)
{
    static char NOT_FOUND[] = "no such file or symbol";
    static char NO_EXTENSIONS[] = "there are no extensions here";
    Grpc__Reflection__V1__ErrorResponse e;
    Response r = response_to(q);

    grpc__reflection__v1__error_response__init(&e);
    e.error_code = (int32_t)code;
    e.error_message = code == GRPC_STATUS_NOT_FOUND ? NOT_FOUND : NO_EXTENSIONS;
    r.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    r.error_response = &e;
    return send_response(c, &r, err);
}

static enum pt_code reply_files(struct rpc_call *c, Request *q, const struct rpc_reflection *it,
                                int file, struct pt_err *err)
{
    Grpc__Reflection__V1__FileDescriptorResponse f;
    ProtobufCBinaryData raw[FILES_MAX];
    int list[FILES_MAX];
    Response r = response_to(q);

    if (file < 0)
        return reply_error(c, q, GRPC_STATUS_NOT_FOUND, err);
    grpc__reflection__v1__file_descriptor_response__init(&f);
    f.n_file_descriptor_proto = with_imports(list, it, file);
    f.file_descriptor_proto = raw;
    for (size_t i = 0; i < f.n_file_descriptor_proto; i++) {
        const uint8_t *p = it->file[list[i]].p;
        raw[i].len = it->file[list[i]].n;
        memcpy(&raw[i].data, &p, sizeof p); /* protobuf-c only reads it */
    }
    r.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    r.file_descriptor_response = &f;
    return send_response(c, &r, err);
}

/* What this server serves, from its methods: the other listener's services are not listed. */
static enum pt_code reply_services(struct rpc_call *c, Request *q, struct pt_err *err)
{
    Grpc__Reflection__V1__ListServiceResponse l;
    Grpc__Reflection__V1__ServiceResponse s[RPC_METHODS_MAX], *p[RPC_METHODS_MAX];
    char names[RPC_METHODS_MAX][sizeof c->server->methods[0].name];
    Response r = response_to(q);
    size_t n = 0;

    for (size_t i = 0; i < c->server->method_count; i++) {
        const char *method = c->server->methods[i].name + 1; /* "/package.Service/Method" */
        size_t k = 0;

        (void)snprintf(names[n], sizeof names[n], "%.*s", (int)strcspn(method, "/"), method);
        while (k < n && strcmp(names[k], names[n]) != 0)
            k++;
        if (k < n)
            continue;
        grpc__reflection__v1__service_response__init(&s[n]);
        s[n].name = names[n];
        p[n] = &s[n];
        n++;
    }
    grpc__reflection__v1__list_service_response__init(&l);
    l.n_service = n;
    l.service = p;
    r.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    r.list_services_response = &l;
    return send_response(c, &r, err);
}

static enum pt_code answer(struct rpc_call *c, const struct rpc_reflection *it, Request *q,
                           struct pt_err *err)
{
    if (q->message_request_case ==
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES)
        return reply_services(c, q, err);
    if (q->message_request_case ==
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME)
        return reply_files(c, q, it, file_named(it, span_z(q->file_by_filename)), err);
    if (q->message_request_case ==
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL)
        return reply_files(c, q, it, file_of_symbol(it, span_z(q->file_containing_symbol)), err);
    return reply_error(c, q, GRPC_STATUS_UNIMPLEMENTED, err);
}

static enum pt_code info(struct rpc_call *c, void *arg, struct pt_err *err)
{
    const struct rpc_reflection *it = arg;
    struct buf m = {0};
    bool ended = false;
    enum pt_code rc;

    while ((rc = rpc_recv(&m, &ended, c, err)) == PT_OK && !ended) {
        Request *q = NULL;

        if (m.n <= REQUEST_MAX)
            q = grpc__reflection__v1__server_reflection_request__unpack(NULL, m.n, m.p);
        rc = q ? answer(c, it, q, err)
               : pt_fail(err, PT_EPARSE, "not a ServerReflectionRequest of at most %d bytes",
                         REQUEST_MAX);
        grpc__reflection__v1__server_reflection_request__free_unpacked(q, NULL);
        if (rc != PT_OK)
            break;
    }
    buf_free(&m);
    return rc;
}

void rpc_reflection_register(struct rpc_reflection *it, struct rpc_server *s)
{
    rpc_server_handle(s, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", info, it);
    rpc_server_handle(s, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", info,
                      it);
}
