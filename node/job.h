/* job.h - how long work in the daemon tells the planner's client how far it is. */
#ifndef PT_JOB_H
#define PT_JOB_H

#include "crypto/base/span.h"
#include "node/rpc_core.h"

struct job { /* borrowed; callable from the job's own thread only */
    void *self;
    /* text is one line for people; "" while there is nothing to say. Fails when the client has
     * gone: the job stops then. */
    enum pt_code (*progress)(void *self, const char *stage, uint64_t done, uint64_t total,
                             const char *text, struct pt_err *err);
};

#endif
