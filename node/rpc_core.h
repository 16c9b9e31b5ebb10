/* rpc_core.h - blocking, thread-per-call gRPC: bytes in, bytes out.
 *
 * One thread runs one call, so protocol code is straight-line: send, recv, send. A second thread
 * may share a call if one only sends and the other only receives. Errors stick: after a failed
 * receive every operation fails at once, after a failed send every later send (a client may still
 * receive what a server said before it ended early), and rpc_call_close() says why.
 * Two kinds of listener: Federation (mutual TLS, certificates pinned by fingerprint, PROTOCOL.md
 * 7) and Planner (loopback or Unix socket, bearer token). Knows nothing of messages: proto/wire.c
 * packs them. Close every stream with a message of its own: a cancelled call can look ended. */
#ifndef PT_RPC_CORE_H
#define PT_RPC_CORE_H

#include "crypto/prf.h"

enum {
    RPC_MESSAGE_DEFAULT = 4 << 20, /* bytes; larger messages are refused by both ends */
    RPC_MESSAGE_MAX = 8 << 20,
    RPC_PINS_MAX = 64,
    RPC_NAME_MAX = 32,    /* POLICY_NAME_MAX */
    RPC_DETAIL_MAX = 511, /* bytes of status text shown to the other end */
    RPC_TOKEN_MAX = 256,  /* bytes of a bearer token; visible ASCII */
    RPC_TOKEN_MIN = 32,
    RPC_METHODS_MAX = 64, /* handlers a server */
    RPC_GRACE_MS = 5000,
};

struct rpc_server;
struct rpc_channel;
struct rpc_call;
struct tls_identity; /* node/tls.h */

/* A zero means the default given here. */
struct rpc_limits {
    uint32_t message_bytes; /* RPC_MESSAGE_DEFAULT; at most RPC_MESSAGE_MAX */
    /* unread bytes held a stream, beside one message: 4 MiB; >= bandwidth x round trip */
    uint32_t window_bytes;
    uint32_t io_timeout_ms;        /* longest wait for one send or receive: 60 s */
    uint32_t connect_timeout_ms;   /* client: longest wait for a connection: 10 s */
    uint32_t keepalive_ms;         /* ping when the link is silent this long: 30 s */
    uint32_t keepalive_timeout_ms; /* drop the link when a ping is unanswered: 10 s */
    uint32_t max_calls;            /* server: calls in progress, all peers together: 256 */
    uint32_t
        max_calls_peer; /* of them, one pinned peer's: 32, so that seven leave the eighth room */
    uint32_t call_ms;   /* server: a whole call, until its handler says otherwise: no limit */
};

/* One certificate we accept, by SHA-256 of its DER. */
struct rpc_pin {
    char name[RPC_NAME_MAX + 1]; /* the partner's, from the policy */
    struct digest certificate;
};

/* Why a connection or a call was turned away before any handler ran. */
enum rpc_refusal_kind { RPC_REFUSED_CERTIFICATE, RPC_REFUSED_TOKEN, RPC_REFUSED_BUSY };
struct rpc_refusal {
    enum rpc_refusal_kind kind;
    struct digest certificate; /* RPC_REFUSED_CERTIFICATE: what was shown; zero when unreadable */
    const char *reason;        /* one sentence, safe to log */
};

struct rpc_counts { /* since the server was made */
    uint64_t calls, refused_certificates, refused_tokens, refused_busy;
    uint32_t active;
};

/* gRPC's start and end: once each, first and last in main(). Never fork in between (use
 * posix_spawn), and block signals before, so that gRPC's threads inherit the mask. */
void rpc_init(void);
void rpc_shutdown(void);
/* Bytes of messages to and from partners (calls over mutual TLS) since the process began. */
void rpc_traffic(uint64_t *sent, uint64_t *received);

/* --- server --- */

/* Runs in a thread of its own, once a call. What it returns becomes the call's status: *err is
 * the caller's answer on a Planner listener; on a Federation listener a peer sees the code alone
 * unless the handler chose words with rpc_call_detail(). */
typedef enum pt_code rpc_handler(struct rpc_call *call, void *arg, struct pt_err *err);

/* A Federation listener: TLS with our identity; only the pinned certificates get as far as
 * HTTP/2. Certificates in force are trusted as long as they are pinned, and refused when out of
 * their own dates. Both are copied. limits may be NULL. */
PT_MUST_USE enum pt_code rpc_server_new_federation(struct rpc_server **out,
                                                   const struct tls_identity *identity,
                                                   const struct rpc_pin *pins, size_t pin_count,
                                                   const struct rpc_limits *limits,
                                                   struct pt_err *err);
/* A Planner listener: no TLS, so rpc_server_start() refuses anything but loopback and Unix
 * sockets. token: RPC_TOKEN_MIN..RPC_TOKEN_MAX bytes, secret, copied, compared in constant time. */
PT_MUST_USE enum pt_code rpc_server_new_planner(struct rpc_server **out, struct span token,
                                                const struct rpc_limits *limits,
                                                struct pt_err *err);
/* method is "/package.Service/Method". Before start only; arg outlives the server. */
void rpc_server_handle(struct rpc_server *s, const char *method, rpc_handler *fn, void *arg);
/* The same, without a token: for health checks. A certificate is still needed on Federation. */
void rpc_server_handle_open(struct rpc_server *s, const char *method, rpc_handler *fn, void *arg);
/* Called at each refusal, on any thread, possibly several at once; must return soon. */
void rpc_server_on_refusal(struct rpc_server *s, void (*fn)(void *arg, const struct rpc_refusal *r),
                           void *arg);
/* address: "host:port", "[v6]:port" (port 0 picks one) or "unix:/path" (made with mode 0600; a
 * stale socket file is replaced). Fails: PT_ESTATE (in use), PT_EUSAGE (unusable address or not
 * loopback), PT_EIO. */
PT_MUST_USE enum pt_code rpc_server_start(struct rpc_server *s, const char *address,
                                          struct pt_err *err);
uint16_t rpc_server_port(const struct rpc_server *s); /* the one bound; 0 on a Unix socket */
/* Replace the pins at run time: a new policy was adopted. Connections of a certificate that is
 * no longer pinned get no further call. */
PT_MUST_USE enum pt_code rpc_server_set_pins(struct rpc_server *s, const struct rpc_pin *pins,
                                             size_t pin_count, struct pt_err *err);
struct rpc_counts rpc_server_counts(struct rpc_server *s);
/* Stop accepting, let calls finish for grace_ms, cancel the rest, wait for every handler to
 * return, free. NULL is fine. Not from a handler. */
void rpc_server_free(struct rpc_server *s, uint32_t grace_ms);

/* Standard services. Health is served without a token. */
struct rpc_health;
PT_MUST_USE enum pt_code rpc_health_new(struct rpc_health **out, struct pt_err *err);
void rpc_health_register(struct rpc_health *h, struct rpc_server *s);
/* service "" is the whole server, which begins as not serving. */
void rpc_health_set(struct rpc_health *h, const char *service, bool serving);
/* Everything not serving and all watches end: before rpc_server_free(). */
void rpc_health_stop(struct rpc_health *h);
void rpc_health_free(struct rpc_health *h); /* after every server it is registered with */

/* Reflection v1 and v1alpha over a serialised FileDescriptorSet, which outlives the server
 * (patto_descriptors). Needs the token, as every other method does. */
struct rpc_reflection;
PT_MUST_USE enum pt_code rpc_reflection_new(struct rpc_reflection **out, struct span descriptors,
                                            struct pt_err *err);
void rpc_reflection_register(struct rpc_reflection *it, struct rpc_server *s);
void rpc_reflection_free(struct rpc_reflection *it);

/* --- client --- */

/* To a partner: TLS with our identity, and the server must show exactly the pinned certificate
 * and prove its key. endpoint is "host:port". Connects when first used. Everything is copied. */
PT_MUST_USE enum pt_code rpc_channel_open_federation(
    struct rpc_channel **out, const struct tls_identity *identity, const struct rpc_pin *peer,
    const char *endpoint, const struct rpc_limits *limits, struct pt_err *err);
/* To our own daemon: "127.0.0.1:port" or "unix:/path". */
PT_MUST_USE enum pt_code rpc_channel_open_planner(struct rpc_channel **out, const char *endpoint,
                                                  struct span token,
                                                  const struct rpc_limits *limits,
                                                  struct pt_err *err);
void rpc_channel_close(struct rpc_channel *ch); /* after all its calls; NULL is fine */

/* Begin a call. deadline_ms: for the whole of it; 0 means none. Succeeds without a connection:
 * an absent server shows at the first send or receive. */
PT_MUST_USE enum pt_code rpc_call_open(struct rpc_call **out, struct rpc_channel *ch,
                                       const char *method, uint32_t deadline_ms,
                                       struct pt_err *err);
/* No more messages from us. PT_OK also when the server has ended first: receiving will tell. */
PT_MUST_USE enum pt_code rpc_call_send_end(struct rpc_call *call, struct pt_err *err);
/* Discard what is unread, wait for the server's status, free. The server's pt_code comes back as
 * it was; no connection, a broken one and a deadline are PT_EPEER and name the endpoint.
 * To leave early: rpc_call_cancel() first. NULL is fine and PT_OK. */
PT_MUST_USE enum pt_code rpc_call_close(struct rpc_call *call, struct pt_err *err);

/* One request, one reply. *reply is emptied first. */
struct rpc_request {
    const char *method;
    struct span message;
    uint32_t deadline_ms; /* 0: none */
};
PT_MUST_USE enum pt_code rpc_unary(struct buf *reply, struct rpc_channel *ch,
                                   const struct rpc_request *request, struct pt_err *err);

/* --- both ends --- */

/* One message, copied. Blocks while the other end is slow; returning means "on its way". */
PT_MUST_USE enum pt_code rpc_send(struct rpc_call *call, struct span message, struct pt_err *err);
/* The same without the copy: takes the bytes, which are wiped and freed when sent, and on
 * failure; *message is left empty. */
PT_MUST_USE enum pt_code rpc_send_take(struct rpc_call *call, struct buf *message,
                                       struct pt_err *err);
/* The same without waiting until it is on its way: one message may be under way while the next is
 * made, which this or any other sending waits for first. What failed is told by the next sending, or by
 * rpc_send_wait(), which only waits. */
PT_MUST_USE enum pt_code rpc_send_begin(struct rpc_call *call, struct buf *message,
                                        struct pt_err *err);
PT_MUST_USE enum pt_code rpc_send_wait(struct rpc_call *call, struct pt_err *err);
/* The next message into *message (emptied first, its memory reused). *ended, and an empty
 * message: the other end has finished sending. An empty message with *ended false is one. */
PT_MUST_USE enum pt_code rpc_recv(struct buf *message, bool *ended, struct rpc_call *call,
                                  struct pt_err *err);
/* As rpc_recv(), where the stream may not end: PT_EBADMSG then. */
PT_MUST_USE enum pt_code rpc_recv_one(struct buf *message, struct rpc_call *call,
                                      struct pt_err *err);

/* Replaces rpc_limits.io_timeout_ms for this call: the other end has long work to do. */
void rpc_call_set_io_timeout(struct rpc_call *call, uint32_t timeout_ms);
/* The call may last so long from now, however steadily the other end trickles: then it is
 * cancelled, with a reason that says so. 0: no limit. Not while another thread shares the call. */
void rpc_call_set_deadline(struct rpc_call *call, uint32_t total_ms);
void rpc_call_cancel(struct rpc_call *call);    /* from any thread; unblocks send and recv */
bool rpc_call_cancelled(struct rpc_call *call); /* cheap; poll it in long computations */

/* --- in a handler --- */

/* The pin that the caller's certificate matched; NULL on a Planner listener. Lives as long as
 * the call. */
const struct rpc_pin *rpc_call_peer(const struct rpc_call *call);
/* Value of a request header (lower-case name), or an empty span with p NULL. Lives as long as
 * the call. "authorization" reads as absent: the token stops at the door. */
struct span rpc_call_header(const struct rpc_call *call, const char *name);
/* Words for the caller beside the code: what a peer may read, so nothing that depends on data. */
PT_PRINTF(2, 3) void rpc_call_detail(struct rpc_call *call, const char *fmt, ...);

#endif
