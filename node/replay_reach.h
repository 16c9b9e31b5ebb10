/* replay_reach.h - a run of reach made again at one of its parties or nodes (PROTOCOL.md 6): what
 * came is taken from the records of all its sessions, own slots from the vault, seeds, keys and
 * dummies from the epoch's seed; then every item that left, and the histogram that was told. */
#ifndef PT_REPLAY_REACH_H
#define PT_REPLAY_REACH_H

#include "node/replay_home.h"

/* sessions: all of one run, whatever their role. Their results are filled. */
PT_MUST_USE enum pt_code replay_reach_run(struct replay_home *bed, struct replay_session **sessions,
                                          size_t count, struct pt_err *err);

#endif
