/* grpc.health.v1, as rpc_core.h declares it. A table of a few names under one lock; watchers wait
 * on a condition, and wake now and then to notice that their client has gone. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "node/rpc_internal.h"
#include "proto/health.pb-c.h"

enum {
    SERVICES_MAX = 16,
    REQUEST_MAX = 512, /* bytes; also bounds what protobuf-c allocates */
    REQUEST_WAIT_MS = 2000,
    UNKNOWN = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN,
    SERVING = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING,
    NOT_SERVING = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING,
};

struct rpc_health {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct {
        char name[128];
        int status;
    } service[SERVICES_MAX];
    size_t service_count;
    bool closing;
};

enum pt_code rpc_health_new(struct rpc_health **out, struct pt_err *err)
{
    struct rpc_health *h = calloc(1, sizeof *h);
    pthread_condattr_t how;

    *out = h;
    if (!h)
        return pt_fail(err, PT_ENOMEM, "health: out of memory");
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(&h->changed, &how);
    pthread_condattr_destroy(&how);
    pthread_mutex_init(&h->lock, NULL);
    h->service[0].status = NOT_SERVING; /* the whole server, "" */
    h->service_count = 1;
    return PT_OK;
}

void rpc_health_free(struct rpc_health *h)
{
    if (!h)
        return;
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void rpc_health_set(struct rpc_health *h, const char *service, bool serving)
{
    size_t i = 0;

    pthread_mutex_lock(&h->lock);
    while (i < h->service_count && strcmp(h->service[i].name, service) != 0)
        i++;
    assert(i < SERVICES_MAX);
    if (i == h->service_count)
        (void)snprintf(h->service[h->service_count++].name, sizeof h->service[0].name, "%s",
                       service);
    h->service[i].status = serving ? SERVING : NOT_SERVING;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

void rpc_health_stop(struct rpc_health *h)
{
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < h->service_count; i++)
        h->service[i].status = NOT_SERVING;
    h->closing = true;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

static int status_of(const struct rpc_health *h, const char *service) /* lock held */
{
    for (size_t i = 0; i < h->service_count; i++)
        if (strcmp(h->service[i].name, service) == 0)
            return h->service[i].status;
    return UNKNOWN;
}

/* The service's name, to be freed; NULL: err says why. */
static char *read_request(struct rpc_call *c, struct pt_err *err)
{
    Grpc__Health__V1__HealthCheckRequest *q = NULL;
    char *service = NULL;
    struct buf m = {0};

    if (rpc_recv_one(&m, c, err) == PT_OK) {
        if (m.n <= REQUEST_MAX)
            q = grpc__health__v1__health_check_request__unpack(NULL, m.n, m.p);
        service = q ? strdup(q->service) : NULL;
        if (!service)
            (void)pt_fail(err, PT_EPARSE, "health: not a HealthCheckRequest of at most %d bytes",
                          REQUEST_MAX);
    }
    grpc__health__v1__health_check_request__free_unpacked(q, NULL);
    buf_free(&m);
    return service;
}

static enum pt_code send_status(struct rpc_call *c, int status, struct pt_err *err)
{
    Grpc__Health__V1__HealthCheckResponse r;
    uint8_t bytes[16];

    grpc__health__v1__health_check_response__init(&r);
    r.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    assert(grpc__health__v1__health_check_response__get_packed_size(&r) <= sizeof bytes);
    size_t n = grpc__health__v1__health_check_response__pack(&r, bytes);
    return rpc_send(c, span_of(bytes, n), err);
}

static enum pt_code check(struct rpc_call *c, void *arg, struct pt_err *err)
{
    struct rpc_health *h = arg;

    rpc_call_set_io_timeout(c, REQUEST_WAIT_MS); /* nobody showed a token: no thread for long */
    char *service = read_request(c, err);
    if (!service)
        return err->code;
    pthread_mutex_lock(&h->lock);
    int status = status_of(h, service);
    pthread_mutex_unlock(&h->lock);
    free(service);
    if (status != UNKNOWN)
        return send_status(c, status, err);
    c->answer = GRPC_STATUS_NOT_FOUND; /* as the standard says */
    rpc_call_detail(c, "unknown service");
    return pt_fail(err, PT_ESTATE, "health: unknown service");
}

/* The status once it differs from `told`; `told` itself when a second has passed without. */
static int next_status(struct rpc_health *h, const char *service, int told, bool *closing)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&h->lock);
    int waited = 0;
    while (status_of(h, service) == told && !h->closing && waited == 0)
        waited = pthread_cond_timedwait(&h->changed, &h->lock, &until);
    int status = status_of(h, service);
    *closing = h->closing;
    pthread_mutex_unlock(&h->lock);
    return status;
}

static enum pt_code watch(struct rpc_call *c, void *arg, struct pt_err *err)
{
    struct rpc_health *h = arg;
    bool closing = false;
    int told = -1;
    enum pt_code rc = PT_OK;
    char *service = read_request(c, err);

    if (!service)
        return err->code;
    while (rc == PT_OK && !closing && !rpc_call_cancelled(c)) {
        int status = next_status(h, service, told, &closing);
        if (status != told)
            rc = send_status(c, status, err);
        told = status;
    }
    free(service);
    if (rc != PT_OK)
        return rc;
    rpc_call_detail(c, "the server is stopping");
    return pt_fail(err, PT_EPEER, "the server is stopping");
}

void rpc_health_register(struct rpc_health *h, struct rpc_server *s)
{
    rpc_server_handle_open(s, "/grpc.health.v1.Health/Check", check, h);
    rpc_server_handle(s, "/grpc.health.v1.Health/Watch", watch, h);
}
