/* reach_talk.h - the conversations of reach over several partners, without I/O (PROTOCOL.md 6, 7).
 *
 * Asker with each party and node: ReachQuestion > ReachReady > ReachGo > ReachDone. Nothing is
 * charged before ReachGo, which the asker sends when all are ready. Sender with receiver: one item
 * of reach.h a session, ReachShare > ReachPart ... */
#ifndef PT_REACH_TALK_H
#define PT_REACH_TALK_H

#include "proto/reach.h"
#include "proto/salt_round.h"
#include "proto/session.h"

/* ---- asker: one with each of the others; the session is OPEN, what = WHAT_REACH ---- */

struct reach_question { /* borrowed until the session ends */
    struct span text;   /* canonical */
    struct digest run;
    struct span header; /* of the epoch, printed */
    const struct salt_result *epoch;
};
struct reach_asker {
    struct session *session;
    int state;
    struct reach_question question;
    uint64_t rho_nano; /* what ReachGo will charge there */
    int64_t counts[REGIONS_MAX];
    size_t count; /* of counts; 0: it opened nothing */
    uint64_t charged_nano, left_nano, audit_position;
    struct digest answer; /* reach_answer_hash() of what that party said */
};
/* What an event and a receipt say of an answer, and tell nobody what it was. PT_ENOMEM. */
PT_MUST_USE enum pt_code reach_answer_hash(struct digest *out, const struct digest *run,
                                           const struct wire_reach_done *done, struct pt_err *err);
PT_MUST_USE enum pt_code reach_asker_begin(struct reach_asker *a, struct session *s,
                                           const struct reach_question *q, struct outbox *out,
                                           struct pt_err *err);
bool reach_asker_ready(const struct reach_asker *a);
PT_MUST_USE enum pt_code reach_asker_go(struct reach_asker *a, struct outbox *out,
                                        struct pt_err *err);
bool reach_asker_done(const struct reach_asker *a); /* Finish is on its way */

/* ---- sender of one item ---- */

struct reach_sender {
    struct session *session;
    int state;
    const struct reach_item *item; /* borrowed */
    uint64_t offset;
};
PT_MUST_USE enum pt_code reach_sender_begin(struct reach_sender *s, struct session *session,
                                            const struct digest *run, const struct reach_item *item,
                                            struct outbox *out, struct pt_err *err);
/* The next part; after the last Finish. Call while true, and send what is queued in between. */
bool reach_sender_sending(const struct reach_sender *s);
PT_MUST_USE enum pt_code reach_sender_send(struct reach_sender *s, struct outbox *out,
                                           struct pt_err *err);

/* ---- accepter of both ---- */

struct reach_host {
    void *self;
    /* May this question be answered here? Checks policy, epoch and plan; nothing is charged yet. */
    enum pt_code (*question)(void *self, const struct wire_reach_question *q, uint64_t *rho_nano,
                             struct pt_err *err);
    /* May such an item come now? size is bounded by the host before it allocates. */
    enum pt_code (*share)(void *self, const struct wire_reach_share *s, struct pt_err *err);
    enum pt_code (*part)(void *self, struct span data, struct pt_err *err);
};
struct reach_accepter {
    struct session *session;
    int state;
    struct reach_host host;
    struct digest run;
    struct wire_reach_share share; /* being received */
    uint64_t offset;
};
PT_MUST_USE enum pt_code reach_accepter_begin(struct reach_accepter *a, struct session *s,
                                              struct reach_host host, struct pt_err *err);
/* All of an item is here, and its sender has signed all that it sent: not before may it be used. */
bool reach_accepter_received(const struct reach_accepter *a);
/* ReachGo has come: the host charges, works, and calls reach_accepter_done() or session_fail(). */
bool reach_accepter_working(const struct reach_accepter *a);
PT_MUST_USE enum pt_code reach_accepter_done(struct reach_accepter *a,
                                             const struct wire_reach_done *done, struct outbox *out,
                                             struct pt_err *err);

#endif
