/* tokenise_run.h - tokens for all customers that have none: blind here, through every other key
 * holder in name order, verify at each hop, finish here (PROTOCOL.md 2).
 *
 * One thread a hop, bounded queues between them, so that computing here and at each peer
 * overlaps. Blinds are erased chunk by chunk; tokens are sealed to disk when the batch is done. */
#ifndef PT_TOKENISE_RUN_H
#define PT_TOKENISE_RUN_H

#include "node/daemon.h"
#include "node/job.h"

/* Caller holds d->job. PT_OK also when there was nothing to do. */
PT_MUST_USE enum pt_code tokenise_run(struct daemon *d, const struct job *job, struct pt_err *err);

#endif
