/* salt.h - how the partners present fix an epoch (PROTOCOL.md 3): each commits to its share of the
 * salt, its data and its seed; all reveal; all sign the header that follows. An initiator relays
 * over one session with each of the others; every statement is signed by its author over the
 * round (policy, number, attempt, key period, participants), so it can relay but not forge.
 *
 *     Propose > Commit > Commits > Reveal > Reveals > HeaderSignature > HeaderSignatures > EpochDone */
#ifndef PT_SALT_H
#define PT_SALT_H

#include "proto/salt_round.h"

struct salt_host {
    void *self;
    /* May this round (number, attempt, participants) begin? Asked before anything of ours is said
     * in it, so what saying our size costs is charged here. PT_EDENIED: over EPOCH_RETRIES_MAX
     * today (QUOTA, or what session_because() said). PT_ESTATE: a number that does not follow the
     * last epoch's (EPOCH_MISMATCH). PT_EPEER: not now (BUSY). Counts the attempt. */
    enum pt_code (*allow)(void *self, const struct salt_round *r, struct pt_err *err);
    /* The header is complete and signed by all: keep it, durably. */
    enum pt_code (*adopt)(void *self, const struct salt_result *r, struct pt_err *err);
};

/* Responder: one session, accepted, what = WHAT_EPOCH. session_step() does the rest; adopt() is
 * called before EpochDone leaves. */
struct salt_responder {
    struct session *session;
    int state;
    struct salt_host host;
    struct salt_round round;
};
PT_MUST_USE enum pt_code salt_responder_begin(struct salt_responder *r, struct session *s,
                                              const struct salt_own *own, struct salt_host host,
                                              struct pt_err *err);
void salt_responder_wipe(struct salt_responder *r);

/* Initiator: sessions[i] is OPEN with the i-th other participant. Loop: session_step() each
 * session with its next frame; when salt_initiator_ready(), call salt_initiator_next(), which
 * fills every outs[i]; after the last phase adopt() runs and all sessions get Finish.
 * A failing session fails the round: err names who aborted. */
struct salt_initiator;
struct salt_link {
    struct salt_initiator *initiator;
    struct session *session;
    int state;
    int at; /* participant index */
};
struct salt_initiator {
    struct salt_host host;
    struct salt_round round;
    int phase;
    struct salt_link links[POLICY_PARTNERS_MAX];
    size_t link_count;
};
struct salt_initiator_in {
    struct session *const *sessions;
    size_t session_count;
    uint64_t number;
    uint32_t attempt;
    const struct salt_own *own;
    struct salt_host host;
};
/* Calls allow(), then puts Propose into each outs[i]. */
PT_MUST_USE enum pt_code salt_initiator_begin(struct salt_initiator *e,
                                              const struct salt_initiator_in *in,
                                              struct outbox *outs, struct pt_err *err);
/* Everyone has answered the present phase. */
bool salt_initiator_ready(const struct salt_initiator *e);
/* *done: the epoch is adopted and Finish is on its way to all. */
PT_MUST_USE enum pt_code salt_initiator_next(struct salt_initiator *e, struct outbox *outs,
                                             bool *done, struct pt_err *err);
/* The round failed with one: tell the others, so that nobody waits. */
void salt_initiator_abort(struct salt_initiator *e, struct outbox *outs);
void salt_initiator_wipe(struct salt_initiator *e);

#endif
