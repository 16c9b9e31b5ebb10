/* query_call.h - one question through this home's daemon, with a bar while it works. */
#ifndef PT_QUERY_CALL_H
#define PT_QUERY_CALL_H

#include "node/planner_client.h"
#include "proto/wire_planner.h"

/* *out is the caller's to free, after a failure too. log: where the bar is drawn. */
PT_MUST_USE enum pt_code query_call(struct answer *out, struct planner_client *client,
                                    const struct planner_query *q, FILE *log, struct pt_err *err);

#endif
