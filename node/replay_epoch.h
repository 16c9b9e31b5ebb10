/* replay_epoch.h - all that a node said in an epoch, made again and compared (PROTOCOL.md 8): each
 * session's record by replay_*.h, and the audit record, to see that no session is missing. */
#ifndef PT_REPLAY_EPOCH_H
#define PT_REPLAY_EPOCH_H

#include "node/replay_home.h"

struct replay_sum { /* of one kind of session */
    size_t sessions, same, differ, unchecked;
    size_t earlier; /* of those unchecked: tokens over data that were replaced before the epoch */
    size_t open;    /* without the peer's signature: broken off, or refused */
    uint64_t messages; /* ours, compared */
};
struct replay_report {
    struct replay_session *sessions;
    size_t count;
    struct replay_sum sums[WHAT_REACH + 1];
    const struct replay_session *first; /* that differs; NULL: none */
    const struct replay_session *gone;  /* the first that could not be checked; NULL: none */
    char missing[REPLAY_WORDS_MAX];     /* of which there is no record, or a damaged one; "" */
};
struct replay_steps { /* how far it is */
    void *self;
    void (*at)(void *self, size_t done, size_t total);
};
/* PT_OK whatever is found: look at the report. */
PT_MUST_USE enum pt_code replay_epoch(struct replay_report *out, struct replay_home *bed,
                                      const struct replay_steps *steps, struct pt_err *err);
void replay_report_free(struct replay_report *r);

#endif
