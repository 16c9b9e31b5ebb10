/* session.h - one conversation of two nodes without any I/O (PROTOCOL.md 7): the envelope, the
 * greeting, the end. What happens in between is a table of rows attached by tokenise.h, salt.h
 * or ask.h. The same code runs under gRPC, in simulation and under the fuzzer.
 *
 * The host reads frames and calls session_step(), then sends whatever the outbox holds, in order,
 * also after an error (it may hold a Refusal). After SESSION_FAILED every step fails. Deadlines
 * are the host's: it stops calling. One thread owns a session. */
#ifndef PT_SESSION_H
#define PT_SESSION_H

#include "proto/outbox.h"
#include "proto/transcript.h"
#include "proto/wire.h"

enum { SESSION_VERSION = 3 };

/* Whether an officer has stopped the policy (policy/freeze.h). Asked before each frame that is sent
 * or taken. {0}: nobody is asked. */
struct session_stop {
    void *self;
    /* *statement: borrowed, as long as the host lives. */
    bool (*stopped)(void *self, struct span *statement);
    /* The peer says so: PT_OK when it stands under an officer's key; then we are stopped too. */
    enum pt_code (*take)(void *self, struct span statement, struct pt_err *err);
};

/* Sees every frame that a session takes or queues, in that order: before anything of it leaves. When
 * it fails, so does the session: what cannot be written down is not said. {0}: nobody watches. */
struct session_said {
    bool sent;
    const struct frame *frame; /* borrowed, as its bytes are */
    struct span bytes;
    const struct digest *chain; /* of this direction, with the frame */
};
struct session_watch {
    void *self;
    enum pt_code (*said)(void *self, const struct session_said *s, struct pt_err *err);
};

/* What this node is, the same in all its sessions of an epoch. Borrowed: outlives them. */
struct session_self {
    const struct policy *policy;
    uint16_t partner; /* index of this node */
    const struct sign_key *key;
    struct digest epoch_id;   /* epoch_header_id(); zeros when there is none. Must be equal for ASK
                             * only: tokens and a new epoch need no old epoch in common */
    uint32_t key_period;      /* must be equal for TOKENISE and EPOCH; an ASK's is its epoch's */
    struct point oprf_public; /* K_j of this key period */
    const char *build;
    struct session_stop stop;
};

enum session_state {
    SESSION_START,     /* nothing said yet */
    SESSION_GREETED,   /* opener: Hello sent */
    SESSION_OPEN,      /* both greeted: the attached rows decide */
    SESSION_FINISHING, /* opener: Finish sent */
    SESSION_DONE,      /* both hold the other's signature over the transcript */
    SESSION_FAILED
};
const char *session_state_name(enum session_state s);

/* The rows of one protocol. A frame is accepted only by the row for the present state; the state
 * becomes `next` when run() succeeds, unless run() has set another itself. state 0 is FAILED in
 * every protocol; no row starts there. */
struct session;
struct session_row {
    int in;
    enum frame_kind on;
    enum pt_code (*run)(void *self, const struct frame *f, struct outbox *out, struct pt_err *err);
    int next;
};
struct session_protocol {
    const char *name; /* "tokenise, peer" */
    enum session_what what;
    bool opener; /* which side runs these rows */
    const struct session_row *rows;
    size_t row_count;
    const char *const *state_names; /* by state */
    int done;                       /* the state in which the opener may say Finish */
};

struct session_receipt { /* what both signed: keep it beside the audit record */
    struct digest session_id, sent, received; /* transcript without the two closing frames */
    struct signature own, peer;
};

struct session {
    const struct session_self *self;
    struct session_watch watch;
    bool opener;
    enum session_state state;
    enum session_what what; /* accepter: known once OPEN */
    uint16_t peer;          /* partner index */
    uint32_t next_sent, next_received;
    struct transcript transcript;
    struct digest nonce, hello_hash;
    struct digest id; /* hash of both greetings: binds every later signature to this session */
    struct point peer_oprf_public;
    char peer_build[WIRE_BUILD_MAX + 1];
    enum refusal because; /* what the step under way would tell the peer */
    enum refusal refusal; /* why it ended, ours or the peer's; REFUSAL_NONE while it has not */
    bool refused_by_peer;
    struct session_receipt receipt; /* complete when DONE */
    const struct session_protocol *protocol;
    void *protocol_self;
    int *protocol_state;
};

/* Opener: puts Hello into out. nonce: 32 fresh random bytes. */
struct session_to {
    uint16_t peer;
    enum session_what what;
    struct digest nonce;
    struct session_watch watch;
};
PT_MUST_USE enum pt_code session_open(struct session *s, const struct session_self *self,
                                      struct session_to to, struct outbox *out, struct pt_err *err);
/* Accepter: peer is whoever the TLS certificate is pinned to; to.what is not looked at. */
void session_accept(struct session *s, const struct session_self *self, struct session_to from);

/* Take one frame. On failure the state is FAILED, err says why, s->refusal names it, and out ends
 * with the Refusal that the peer should get, if any. Errors: PT_EBADMSG the peer's bytes are
 * wrong; PT_EDENIED, PT_EPEER the peer refused, or we did; PT_ESTATE not now. */
PT_MUST_USE enum pt_code session_step(struct session *s, struct span frame, struct outbox *out,
                                      struct pt_err *err);
/* End it from our side: Refusal into out, FAILED. No-op once DONE or FAILED. */
void session_refuse(struct session *s, enum refusal why, struct outbox *out);
/* The stream ended. PT_OK only in SESSION_DONE: else PT_EPEER saying where it stood. */
PT_MUST_USE enum pt_code session_ended(struct session *s, struct pt_err *err);

/* ---- for the protocols (tokenise.c, salt.c, ask.c) ---- */

/* From now on p's rows take the frames; *state is theirs. PT_ESTATE: not OPEN, or another `what`. */
PT_MUST_USE enum pt_code session_attach(struct session *s, const struct session_protocol *p,
                                        void *self, int *state, struct pt_err *err);
/* Number, encode and queue f; in the transcript from here on. */
PT_MUST_USE enum pt_code session_send(struct session *s, struct frame *f, struct outbox *out,
                                      struct pt_err *err);
/* Opener, protocol done: Finish. */
PT_MUST_USE enum pt_code session_finish(struct session *s, struct outbox *out, struct pt_err *err);
/* The reason that the peer is given when the current step fails; else it follows from the code.
 *     return session_because(s, REFUSAL_QUOTA), pt_fail(err, PT_EDENIED, ...); */
void session_because(struct session *s, enum refusal why);
/* A step outside session_step() failed (a host's callback, a send): FAILED, Refusal into out. */
enum pt_code session_fail(struct session *s, struct outbox *out, struct pt_err *err);
const char *session_peer_name(const struct session *s);
/* Sign fields(session id, body) with the node's key; check the peer's. */
PT_MUST_USE enum pt_code session_sign(struct signature *out, const struct session *s,
                                      const char *label, struct span body, struct pt_err *err);
PT_MUST_USE enum pt_code session_verify(const struct signature *sig, const struct session *s,
                                        const char *label, struct span body, struct pt_err *err);

#endif
