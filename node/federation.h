/* federation.h - what this node does for a peer: evaluates its blinded points, takes part in an
 * epoch it proposes, answers its questions. The sessions themselves are proto/'s; here are the
 * stream that carries them and the host callbacks that reach data, budget and disk. */
#ifndef PT_FEDERATION_H
#define PT_FEDERATION_H

#include "node/rpc_core.h"

#define FEDERATION_METHOD "/patto.federation.v1.Federation/Session"

/* How long one node waits for the other's next frame. A session that is not yet greeted, or that
 * holds up everybody's epoch, gets little; one whose peer computes a table gets much (a dead link
 * shows sooner, by keepalive). */
enum {
    FEDERATION_GREETING_MS = 30 * 1000,
    FEDERATION_EPOCH_MS = 60 * 1000,
    FEDERATION_WORK_MS = 300 * 1000,
    FEDERATION_ANSWER_MS = 3600 * 1000,
};
/* How long a session may last in all: a peer that always sends just in time is cut off too. A
 * cut run of tokens goes on where it was; columns that have come need not come again. */
enum {
    FEDERATION_GREETING_TOTAL_MS = 60 * 1000,
    FEDERATION_EPOCH_TOTAL_MS = 15 * 60 * 1000,
    FEDERATION_TOTAL_MS = 6 * 3600 * 1000,
};
extern const struct rpc_limits FEDERATION_LIMITS;

/* rpc_handler; arg is the struct daemon. */
enum pt_code federation_session(struct rpc_call *call, void *arg, struct pt_err *err);

#endif
