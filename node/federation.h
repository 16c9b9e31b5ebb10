/* federation.h - what this node does for a peer: evaluates its blinded points, takes part in an
 * epoch it proposes, answers its questions. The sessions themselves are proto/'s; here are the
 * stream that carries them and the host callbacks that reach data, budget and disk. */
#ifndef PT_FEDERATION_H
#define PT_FEDERATION_H

#include "node/rpc_core.h"

#define FEDERATION_METHOD "/patto.federation.v1.Federation/Session"

/* A table's evaluation may take minutes between two frames; a dead link shows by keepalive. */
extern const struct rpc_limits FEDERATION_LIMITS;

/* rpc_handler; arg is the struct daemon. */
enum pt_code federation_session(struct rpc_call *call, void *arg, struct pt_err *err);

#endif
