/* replay_salt.h - the round that made an epoch, made again: as its responder in one session, as its
 * initiator in one with each of the others, whose records are read side by side. */
#ifndef PT_REPLAY_SALT_H
#define PT_REPLAY_SALT_H

#include "node/replay_home.h"
#include "proto/salt.h"

struct replay_salt_link { /* one session of the round */
    struct replay_salt *round;
    struct replay_facts facts;
    struct session_self self;
    struct oprf_key key;
    struct replay_file file;
    struct replay replay;
    struct session *session; /* once open */
};
struct replay_salt { /* too large for the stack */
    struct replay_home *bed;
    struct pt_err gone;
    struct salt_own own;
    struct salt_initiator initiator;
    struct salt_responder responder;
    struct outbox outs[POLICY_PARTNERS_MAX];
    struct replay_salt_link *links;
    size_t link_count;
    bool begun;
};
/* sessions: all of one round, all of one role. Their results are filled. */
PT_MUST_USE enum pt_code replay_salt_run(struct replay_home *bed, struct replay_session **sessions,
                                         size_t count, struct pt_err *err);

#endif
