/* freeze_run.h - what a running node does when an officer stops its policy: it writes that into its
 * record, tells every partner, and says so in every session from then on. */
#ifndef PT_FREEZE_RUN_H
#define PT_FREEZE_RUN_H

#include "node/daemon.h"
#include "proto/session.h"

/* For sessions: are we stopped, and what to do when a partner says that we should be. */
struct session_stop freeze_run_hooks(struct daemon *d);
/* For frozen_new(); self is the daemon. */
void freeze_run_noticed(void *self, const struct frozen_state *s);

#endif
