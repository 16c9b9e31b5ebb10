/* rpc_internal.h - what the files behind rpc_core.h share: gRPC's types and our structs.
 *
 * Completion queues, as in gRPC's own synchronous C++ API: every call owns one PLUCK queue; its
 * thread starts a batch and plucks that batch's tag, so there is no event loop and no state
 * machine. A server owns one NEXT queue besides, on which new calls, and the end of shutdown, are
 * announced to a small pool of acceptors. Fixed tags are enough, because a call has at most one
 * operation of each kind under way. */
#ifndef PT_RPC_INTERNAL_H
#define PT_RPC_INTERNAL_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/status.h>
#include <grpc/support/time.h>

#include "crypto/base/wipe.h"
#include "node/rpc_core.h"
#include "node/tls.h"

enum { RPC_TAG_SEND = 1, RPC_TAG_RECV, RPC_TAG_START, RPC_TAG_FINAL };
enum { RPC_ARGS_MAX = 32 };

/* The token with its length, "Bearer " not included. */
struct rpc_token { /* secret */
    uint8_t b[RPC_TOKEN_MAX];
    size_t n;
};
PT_SECRET_TYPE(rpc_token);

/* Who may come in, and whom we may reach. Shared with gRPC's handshakes, which may outlive the
 * server or channel by a moment: counted, freed by the last. */
struct rpc_gate {
    atomic_int refs;
    pthread_mutex_t lock; /* guards pins, refused, counts */
    struct rpc_pin pins[RPC_PINS_MAX];
    size_t pin_count;
    char refused[192]; /* why the last certificate was, until one is admitted */
    struct rpc_counts counts;
    pthread_mutex_t notify_lock; /* guards the two below, and is held during the call */
    void (*on_refusal)(void *arg, const struct rpc_refusal *r);
    void *on_refusal_arg;
};

struct rpc_gate *rpc_gate_new(void); /* NULL: out of memory */
void rpc_gate_unref(struct rpc_gate *g);
PT_MUST_USE enum pt_code rpc_gate_set_pins(struct rpc_gate *g, const struct rpc_pin *pins,
                                           size_t pin_count, struct pt_err *err);
/* Count and report. */
void rpc_gate_refuse(struct rpc_gate *g, enum rpc_refusal_kind kind,
                     const struct digest *certificate, const char *reason);
/* Copies the pin that the PEM matches now. PT_EDENIED: not pinned, or out of its dates. */
PT_MUST_USE enum pt_code rpc_gate_admit(struct rpc_pin *out, struct rpc_gate *g, struct span pem,
                                        struct pt_err *err);
/* TLS credentials whose handshake asks the gate. Ours to release. NULL: gRPC refused. */
grpc_server_credentials *rpc_gate_server_credentials(struct rpc_gate *g,
                                                     const struct tls_identity *id);
grpc_channel_credentials *rpc_gate_channel_credentials(struct rpc_gate *g,
                                                       const struct tls_identity *id);

struct rpc_method {
    char name[128];
    rpc_handler *fn;
    void *arg;
    bool open; /* no token asked */
};

enum { RPC_ACCEPTORS = 2, RPC_ACCEPTS_PER_THREAD = 8 };

/* What a pinned peer holds of the server's calls. */
struct rpc_share {
    char name[RPC_NAME_MAX + 1];
    uint32_t active; /* 0: the entry is free */
};

struct rpc_server {
    grpc_server *server;
    grpc_server_credentials *credentials;
    grpc_completion_queue *cq;
    struct rpc_limits limits;
    struct rpc_gate *gate;
    bool planner;
    struct rpc_token token; /* planner */
    struct rpc_method methods[RPC_METHODS_MAX];
    size_t method_count;
    pthread_t acceptor[RPC_ACCEPTORS];
    size_t acceptor_count;
    uint16_t port;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t idle;
    uint32_t active;   /* handlers running */
    uint32_t refusing; /* threads that only say no */
    struct rpc_share shares[RPC_PINS_MAX];
    bool stopped; /* the shutdown notification has arrived */
};

struct rpc_channel {
    grpc_channel *channel;
    struct rpc_limits limits;
    struct rpc_gate *gate; /* federation; NULL for the planner */
    struct rpc_token token;
    char who[RPC_NAME_MAX + 300]; /* "partner beta at host:port", for sentences */
};

struct rpc_call {
    grpc_call *call;
    grpc_completion_queue *cq;
    struct rpc_server *server;   /* NULL on the client */
    struct rpc_channel *channel; /* NULL on the server */
    gpr_timespec until;          /* monotonic: the end of the whole call */
    uint32_t total_ms;           /* ... as it was set; 0: none */
    uint32_t io_timeout_ms, message_bytes;
    char tag[RPC_TAG_FINAL + 1]; /* see rpc_tag() */
    grpc_byte_buffer *sending;   /* under way since rpc_send_begin(); the sender's thread's */
    size_t sending_bytes;        /* gRPC empties the buffer */
    grpc_byte_buffer *received;  /* where the receive under way puts a message */
    bool receiving;              /* one is under way; the receiver's thread's */
    atomic_bool broken;          /* sticky: an operation failed */
    atomic_bool send_broken;     /* client: sending failed; there may be more to receive */
    atomic_bool timed_out;       /* ... by our own I/O timeout */
    atomic_bool overdue;         /* ... by rpc_call_set_deadline() */
    atomic_bool cancelled_here;  /* ... by rpc_call_cancel() */
    bool final_done;             /* RPC_TAG_FINAL has been plucked; under the lock */
    pthread_mutex_t final_lock;
    /* client */
    grpc_metadata_array initial_md, trailing_md;
    grpc_slice status_detail;
    grpc_status_code status;
    uint32_t deadline_ms;
    bool send_ended;
    /* server */
    bool headers_sent, has_peer;
    int cancelled;
    enum pt_code entry;      /* why no handler runs */
    grpc_status_code answer; /* a standard service's; GRPC_STATUS_OK: as the code says */
    grpc_call_details details;
    grpc_metadata_array request_md;
    struct rpc_pin peer;
    char detail[RPC_DETAIL_MAX + 1];
};

/* A batch's name: an address that is this call's own. */
static inline void *rpc_tag(struct rpc_call *c, int tag)
{
    return &c->tag[tag];
}
/* A moment in gRPC's monotonic time; negative: never. */
gpr_timespec rpc_in_ms(int64_t ms);

/* Defaults filled in. PT_ELIMIT: message_bytes over RPC_MESSAGE_MAX. */
PT_MUST_USE enum pt_code rpc_limits_resolve(struct rpc_limits *out, const struct rpc_limits *in,
                                            struct pt_err *err);
/* Channel arguments of either end; a has RPC_ARGS_MAX entries. */
grpc_channel_args rpc_server_args(grpc_arg *a, const struct rpc_limits *l);
grpc_channel_args rpc_channel_args(grpc_arg *a, const struct rpc_limits *l);

/* pt_code and gRPC status. Several codes share a status, so the exact one also travels in the
 * trailer "patto-code". */
#define RPC_CODE_TRAILER "patto-code"
grpc_status_code rpc_status_of(enum pt_code code);
enum pt_code rpc_code_of(grpc_status_code status);
const char *rpc_code_name(enum pt_code code);
bool rpc_code_read(enum pt_code *out, struct span name);
/* The bytes of a slice, as long as the slice itself stays where it is. */
struct span rpc_slice_span(const grpc_slice *s);
/* How often key occurs, and its first value; an empty span when never. */
size_t rpc_metadata_find(struct span *out, const grpc_metadata_array *md, const char *key);

/* NULL: out of memory. */
struct rpc_call *rpc_call_make(const struct rpc_limits *limits);
/* All operations must have been plucked. NULL is fine. */
void rpc_call_destroy(struct rpc_call *c);
bool rpc_call_start(struct rpc_call *c, const grpc_op *ops, size_t n, int tag);
/* Wait for a batch; false when it failed or timed out, and the call is then over. */
bool rpc_call_await(struct rpc_call *c, int tag, int64_t timeout_ms);
/* Has the final operation (client: status received; server: call closed) completed? 0 polls. */
bool rpc_call_final(struct rpc_call *c, int64_t timeout_ms);
/* The message under way, if any, is sent, or has failed: false. */
bool rpc_call_settle(struct rpc_call *c);
/* rpc_recv() whatever has failed before: to drain. */
PT_MUST_USE enum pt_code rpc_call_receive(struct buf *message, bool *ended, struct rpc_call *c,
                                          struct pt_err *err);
/* Append a received message's bytes to *out. PT_ELIMIT over max. */
PT_MUST_USE enum pt_code rpc_call_copy(struct buf *out, grpc_byte_buffer *bb, size_t max,
                                       struct pt_err *err);
/* The status that has arrived, as a code and a sentence. */
enum pt_code rpc_call_status(const struct rpc_call *c, struct pt_err *err);

/* Room for one more call? A peer's calls are counted apart, so that none can use up what all
 * share; and so are the threads that only say no. */
enum { RPC_REFUSING_MAX = 32 };
enum rpc_place { RPC_PLACE_TAKEN, RPC_PLACE_FULL, RPC_PLACE_SHARE_USED };
enum rpc_place rpc_place_take(struct rpc_server *s, const struct rpc_call *c);
/* peer: NULL on a Planner listener. */
void rpc_place_leave(struct rpc_server *s, const struct rpc_pin *peer);
bool rpc_refusing_begin(struct rpc_server *s); /* false: say no by a reset alone */
void rpc_refusing_end(struct rpc_server *s);

/* Where a server listens: numeric addresses, checked to be free before gRPC binds them, as it
 * hides the reason why it could not. */
enum { RPC_LISTEN_MAX = 8 };
struct rpc_listen {
    char address[RPC_LISTEN_MAX][128]; /* as gRPC reads them */
    size_t count;
    const char *unix_path; /* borrowed from the address; NULL for TCP */
};
PT_MUST_USE enum pt_code rpc_listen_resolve(struct rpc_listen *out, const char *address,
                                            bool loopback_only, struct pt_err *err);
/* Is address i free? PT_ESTATE (in use), PT_EUSAGE, PT_EIO otherwise. */
PT_MUST_USE enum pt_code rpc_listen_probe(const struct rpc_listen *l, size_t i, struct pt_err *err);
/* Split "host:port" or "[v6]:port". PT_EUSAGE otherwise. */
struct rpc_endpoint {
    char host[256];
    uint16_t port;
};
PT_MUST_USE enum pt_code rpc_endpoint_parse(struct rpc_endpoint *out, const char *text,
                                            struct pt_err *err);

#endif
