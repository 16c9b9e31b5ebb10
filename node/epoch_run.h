/* epoch_run.h - making an epoch: this node's part, whether it proposes or responds, and the
 * proposing itself. The agreement is proto/salt.h's. */
#ifndef PT_EPOCH_RUN_H
#define PT_EPOCH_RUN_H

#include "node/daemon.h"
#include "node/job.h"
#include "proto/salt.h"

/* Sessions for an epoch that one partner may begin here a day, whether or not they end in one. */
enum { EPOCH_SESSIONS_A_DAY = 64 };
/* Count one of `peer`: each loads the vault, keeps a seed and holds the job lock before a round is
 * even proposed. PT_EDENIED: no more today. */
PT_MUST_USE enum pt_code epoch_session_take(struct daemon *d, const char *peer, struct pt_err *err);
/* This node's data and fresh salt share. PT_ESTATE: tokens are missing. */
PT_MUST_USE enum pt_code epoch_prepare(struct salt_own *own, struct dataset *data, struct daemon *d,
                                       struct pt_err *err);
/* May this round begin, on `initiator`'s word? Numbers only go up, and not far ahead of the clock;
 * at most EPOCH_RETRIES_MAX rounds a day may fail. The size that we are about to announce is
 * charged to every partner that will read it, once a dataset.
 * PT_ESTATE: the number. PT_EDENIED: too many rounds. PT_ELIMIT: a partner's budget. */
PT_MUST_USE enum pt_code epoch_allow(struct daemon *d, const char *initiator,
                                     const struct salt_round *r, const struct dataset *data,
                                     struct pt_err *err);
/* Keep the agreed header, put it in force. Takes data's rows. */
PT_MUST_USE enum pt_code epoch_adopt(struct daemon *d, const struct salt_result *r,
                                     struct dataset *data, struct pt_err *err);

/* Propose an epoch to `names` (or, when there are none, to every partner that answers). */
PT_MUST_USE enum pt_code epoch_run(struct daemon *d, const char *const *names, size_t name_count,
                                   const struct job *job, struct pt_err *err);

#endif
