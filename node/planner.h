/* planner.h - the Planner service: what this company's own planners and operators ask of the node.
 * The listener (rpc_core.h) has checked the token before anything here runs. */
#ifndef PT_PLANNER_H
#define PT_PLANNER_H

#include "node/daemon.h"

/* Before the server starts. d outlives it. */
void planner_register(struct rpc_server *s, struct daemon *d);

#endif
