/* planner_client.h - how a command talks to its own running node: finds the home's planner
 * address and token, opens the channel, and turns "nobody there" into what to do about it. */
#ifndef PT_PLANNER_CLIENT_H
#define PT_PLANNER_CLIENT_H

#include "node/cli.h"
#include "node/rpc_core.h"

struct planner_client { /* {0} is a valid closed one */
    struct rpc_channel *channel;
    char name[RPC_NAME_MAX + 1]; /* this node */
};

/* Starts gRPC; planner_client_close() ends it, and is called after a failure too. PT_EIO,
 * PT_EDENIED: the home. The daemon is looked for when it is first called. */
PT_MUST_USE enum pt_code planner_client_open(struct planner_client *out, const char *home_dir,
                                             struct pt_err *err);
void planner_client_close(struct planner_client *c);

/* One request, a stream of updates: each goes to take() until it fails or the stream ends.
 * PT_EPEER: "no patto serves HOME: start it with ...". */
struct planner_call {
    const char *method; /* "Query" */
    struct span request;
    void *self;
    enum pt_code (*take)(void *self, struct span update, struct pt_err *err);
};
PT_MUST_USE enum pt_code planner_client_stream(struct planner_client *c,
                                               const struct planner_call *call, struct pt_err *err);
/* A stream of Progress drawn as a bar on cli->log, its last text printed on cli->out: tokenise,
 * epoch. */
PT_MUST_USE enum pt_code planner_client_run(struct cli *cli, const char *method,
                                            struct span request, struct pt_err *err);

#endif
