/* question_run.h - one question of this node's own planner: decide, encrypt what is not yet
 * encrypted, ask the partner, open, estimate (PROTOCOL.md 3, 4). This node is the recipient. */
#ifndef PT_QUESTION_RUN_H
#define PT_QUESTION_RUN_H

#include "node/daemon.h"
#include "node/job.h"
#include "proto/wire_planner.h"

/* *out is the caller's to free, also after a failure. A question that the policy, the budget or
 * the audience's size refuses is an answer whose cells say so; PT_OK. */
PT_MUST_USE enum pt_code question_run(struct answer *out, struct daemon *d,
                                      const struct planner_query *query, const struct job *job,
                                      struct pt_err *err);

#endif
