#include "node/rpc_core.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/rpc_internal.h"

void rpc_init(void)
{
    /* Message-sized blocks come and go at a high rate; by default glibc returns each to the
     * kernel and faults it in again, which costs more CPU than TLS does. */
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    /* A heap a core, not eight: each keeps the largest chunks that it ever held. */
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    mallopt(M_ARENA_MAX, cores > 0 ? (int)cores : 1);
    /* gRPC writes every failed handshake to stderr otherwise; refusals are ours to report.
     * Someone who asks for its words still gets them. */
    (void)setenv("GRPC_VERBOSITY", "NONE", 0);
    grpc_init();
}

void rpc_shutdown(void)
{
    /* grpc_shutdown() would leave the cleaning up to a thread that exit() then interrupts. */
    grpc_shutdown_blocking();
}

gpr_timespec rpc_in_ms(int64_t ms)
{
    if (ms < 0)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value ? value : standard;
}

enum pt_code rpc_limits_resolve(struct rpc_limits *out, const struct rpc_limits *in,
                                struct pt_err *err)
{
    struct rpc_limits l = in ? *in : (struct rpc_limits){0};

    *out = (struct rpc_limits){
        .message_bytes = or_default(l.message_bytes, RPC_MESSAGE_DEFAULT),
        .window_bytes = or_default(l.window_bytes, 4 << 20),
        .io_timeout_ms = or_default(l.io_timeout_ms, 60000),
        .connect_timeout_ms = or_default(l.connect_timeout_ms, 10000),
        .keepalive_ms = or_default(l.keepalive_ms, 30000),
        .keepalive_timeout_ms = or_default(l.keepalive_timeout_ms, 10000),
        .max_calls = or_default(l.max_calls, 256),
        .max_calls_peer = or_default(l.max_calls_peer, 32),
        .call_ms = l.call_ms,
    };
    if (out->message_bytes > RPC_MESSAGE_MAX)
        return pt_fail(err, PT_ELIMIT, "RPC limits: messages of %" PRIu32 " bytes, at most %d",
                       out->message_bytes, RPC_MESSAGE_MAX);
    return PT_OK;
}

/* gRPC's structs want char * and only read it. */
static char *unconst(const char *z)
{
    char *p;

    memcpy(&p, &z, sizeof p);
    return p;
}

static void add(grpc_channel_args *args, const char *key, uint32_t value)
{
    int v = value > INT32_MAX ? INT32_MAX : (int)value;

    args->args[args->num_args++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER, .key = unconst(key), .value.integer = v};
}

static grpc_channel_args common_args(grpc_arg *a, const struct rpc_limits *l)
{
    grpc_channel_args args = {0, a};

    /* The exact limit is rpc_call_copy()'s, which says so; gRPC's own ends a call without words. */
    add(&args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, 2 * l->message_bytes);
    add(&args, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, l->message_bytes);
    add(&args, GRPC_ARG_KEEPALIVE_TIME_MS, l->keepalive_ms);
    add(&args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, l->keepalive_timeout_ms);
    add(&args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0); /* else pings stop after two */
    add(&args, GRPC_ARG_MAX_METADATA_SIZE, 8192);
    add(&args, GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0); /* ciphertext does not compress */
    add(&args, GRPC_ARG_ENABLE_CHANNELZ, 0);
    /* A fixed window. The default, bandwidth probing, lets the window, and so the memory that a
     * reader slower than its link costs, grow to a hundred megabytes and more. */
    add(&args, GRPC_ARG_HTTP2_BDP_PROBE, 0);
    add(&args, GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, l->window_bytes);
    return args;
}

grpc_channel_args rpc_server_args(grpc_arg *a, const struct rpc_limits *l)
{
    grpc_channel_args args = common_args(a, l);

    add(&args, GRPC_ARG_ALLOW_REUSEPORT, 0);          /* a second server must fail to bind */
    add(&args, GRPC_ARG_MAX_CONCURRENT_STREAMS, 128); /* a connection */
    add(&args, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000);
    add(&args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    add(&args, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
    return args;
}

grpc_channel_args rpc_channel_args(grpc_arg *a, const struct rpc_limits *l)
{
    grpc_channel_args args = common_args(a, l);

    add(&args, GRPC_ARG_ENABLE_HTTP_PROXY, 0);         /* http_proxy is for the web */
    add(&args, GRPC_ARG_ENABLE_RETRIES, 0);            /* no keeping of what was sent */
    add(&args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1); /* this channel, this connection */
    add(&args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    add(&args, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, l->connect_timeout_ms);
    add(&args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
    add(&args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
    add(&args, GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, l->connect_timeout_ms);
    return args;
}

static const struct code_row {
    const char *name;
    grpc_status_code status;
} CODES[] = {
    [PT_OK] = {"OK", GRPC_STATUS_OK},
    [PT_ENOMEM] = {"ENOMEM", GRPC_STATUS_RESOURCE_EXHAUSTED},
    [PT_EIO] = {"EIO", GRPC_STATUS_INTERNAL},
    [PT_EPARSE] = {"EPARSE", GRPC_STATUS_INVALID_ARGUMENT},
    [PT_ELIMIT] = {"ELIMIT", GRPC_STATUS_RESOURCE_EXHAUSTED},
    [PT_EBADMSG] = {"EBADMSG", GRPC_STATUS_DATA_LOSS},
    [PT_ESTATE] = {"ESTATE", GRPC_STATUS_FAILED_PRECONDITION},
    [PT_EDENIED] = {"EDENIED", GRPC_STATUS_PERMISSION_DENIED},
    [PT_EPEER] = {"EPEER", GRPC_STATUS_UNAVAILABLE},
    [PT_EUSAGE] = {"EUSAGE", GRPC_STATUS_INVALID_ARGUMENT},
    [PT_EBUG] = {"EBUG", GRPC_STATUS_INTERNAL},
};

grpc_status_code rpc_status_of(enum pt_code code)
{
    return (size_t)code < PT_LEN(CODES) ? CODES[code].status : GRPC_STATUS_INTERNAL;
}

const char *rpc_code_name(enum pt_code code)
{
    return (size_t)code < PT_LEN(CODES) ? CODES[code].name : "EBUG";
}

bool rpc_code_read(enum pt_code *out, struct span name)
{
    for (size_t i = 0; i < PT_LEN(CODES); i++)
        if (span_eq_vartime(name, span_z(CODES[i].name))) {
            *out = (enum pt_code)i;
            return true;
        }
    return false;
}

/* For statuses that gRPC itself, or somebody else's server, made. */
enum pt_code rpc_code_of(grpc_status_code status)
{
    static const enum pt_code OF[] = {
        [GRPC_STATUS_OK] = PT_OK,
        [GRPC_STATUS_CANCELLED] = PT_ESTATE,
        [GRPC_STATUS_UNKNOWN] = PT_EPEER,
        [GRPC_STATUS_INVALID_ARGUMENT] = PT_EUSAGE,
        [GRPC_STATUS_DEADLINE_EXCEEDED] = PT_EPEER,
        [GRPC_STATUS_NOT_FOUND] = PT_ESTATE,
        [GRPC_STATUS_ALREADY_EXISTS] = PT_ESTATE,
        [GRPC_STATUS_PERMISSION_DENIED] = PT_EDENIED,
        [GRPC_STATUS_RESOURCE_EXHAUSTED] = PT_ELIMIT,
        [GRPC_STATUS_FAILED_PRECONDITION] = PT_ESTATE,
        [GRPC_STATUS_ABORTED] = PT_ESTATE,
        [GRPC_STATUS_OUT_OF_RANGE] = PT_ELIMIT,
        [GRPC_STATUS_UNIMPLEMENTED] = PT_EBADMSG,
        [GRPC_STATUS_INTERNAL] = PT_EPEER,
        [GRPC_STATUS_UNAVAILABLE] = PT_EPEER,
        [GRPC_STATUS_DATA_LOSS] = PT_EBADMSG,
        [GRPC_STATUS_UNAUTHENTICATED] = PT_EDENIED,
    };

    return (size_t)status < PT_LEN(OF) ? OF[status] : PT_EPEER;
}

struct span rpc_slice_span(const grpc_slice *s)
{
    return span_of(GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
}

size_t rpc_metadata_find(struct span *out, const grpc_metadata_array *md, const char *key)
{
    size_t count = 0;

    *out = (struct span){0};
    for (size_t i = 0; i < md->count; i++) {
        if (grpc_slice_str_cmp(md->metadata[i].key, key) != 0)
            continue;
        if (count++ == 0)
            *out = rpc_slice_span(&md->metadata[i].value);
    }
    return count;
}
