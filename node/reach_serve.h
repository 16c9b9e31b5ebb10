/* reach_serve.h - this node's part in another's question of reach (PROTOCOL.md 6): checks it,
 * charges for it, works as party and node, and takes what partners deliver for runs under way. */
#ifndef PT_REACH_SERVE_H
#define PT_REACH_SERVE_H

#include "node/question_log.h"
#include "node/reach_desk.h"
#include "proto/reach_talk.h"

struct reach_serve { /* {0} is a valid ended one */
    struct daemon *daemon;
    struct snapshot *epoch; /* borrowed; NULL: this node has no customers */
    struct session *session;
    struct reach_accepter accepter;
    struct reach_run *run;
    struct question question;
    struct buf text;
    struct digest run_id, epoch_id;
    struct reach_item item; /* being received */
    struct question_note note;
    bool charged;
};
/* Under what a party charges for a run: both sides can compute it. */
struct reach_run_name {
    const struct digest *run, *epoch, *policy;
    struct span text;
};
void reach_charge_id(struct digest *out, const struct reach_run_name *n);
PT_MUST_USE enum pt_code reach_serve_begin(struct reach_serve *s, struct daemon *d,
                                           struct snapshot *epoch, struct session *session,
                                           struct pt_err *err);
/* After ReachGo: charge, work, ReachDone into out. Nothing otherwise. */
PT_MUST_USE enum pt_code reach_serve_if_ready(struct reach_serve *s, struct outbox *out,
                                              struct pt_err *err);
void reach_serve_end(struct reach_serve *s);

/* Own slots of a question, for asker and helpers alike: slot_count bytes. PT_ENOMEM, PT_EBUG. */
PT_MUST_USE enum pt_code reach_vector(struct buf *out, const struct snapshot *epoch,
                                      const struct question *q, struct pt_err *err);

#endif
