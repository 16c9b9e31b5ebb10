/* peer.h - this node as the opener of a session with a partner: one channel, one stream, one
 * session of proto/session.h pumped over it. */
#ifndef PT_PEER_H
#define PT_PEER_H

#include "node/daemon.h"
#include "node/recorder.h"
#include "proto/session.h"

struct peer { /* {0} is a valid closed one */
    struct rpc_channel *channel;
    struct rpc_call *call;
    struct session session;
    struct recorder *record;
    struct daemon *daemon;
    struct outbox out;
    struct buf frame;
    const char *name; /* the partner's, of the policy */
};

/* Connect and greet: PT_OK leaves the session OPEN. PT_EPEER: absent or slow, with its endpoint;
 * PT_EDENIED: it refused, with the named reason. */
PT_MUST_USE enum pt_code peer_open(struct peer *p, struct daemon *d,
                                   const struct session_self *self, uint16_t partner,
                                   enum session_what what, struct pt_err *err);
/* Send all that the session has queued. */
PT_MUST_USE enum pt_code peer_flush(struct peer *p, struct pt_err *err);
/* The same, but for the last frame, which may still be under way: for many in a row. What becomes of
 * it the next flush tells, of either kind. */
PT_MUST_USE enum pt_code peer_flush_begin(struct peer *p, struct pt_err *err);
/* Take one frame from the partner, then flush. */
PT_MUST_USE enum pt_code peer_step(struct peer *p, struct pt_err *err);
/* Step until both have signed the transcript. */
PT_MUST_USE enum pt_code peer_finish(struct peer *p, struct pt_err *err);
/* After a refusal of ours: until the partner has read it and ends the call, which is true, or makes no
 * progress. A call that is closed at once may lose what it said last. */
PT_MUST_USE bool peer_linger(struct peer *p);
void peer_close(struct peer *p);

#endif
