/* receipt.h - the proof that an answer was given: a .tlog-proof (crypto/tlog_proof.h) of the owner's
 * event `answered`, whose head both nodes have signed. It says who asked, under which policy, of
 * which data, at what price, and the hash of what was answered; it verifies with the policy alone.
 *
 * `extra` opens the event (the tree holds only its commitment):
 *     "patto/event/1", sequence, time, kind, salt in hex, fields: a line each */
#ifndef PT_RECEIPT_H
#define PT_RECEIPT_H

#include "crypto/tlog_proof.h"
#include "node/store.h"
#include "policy/policy.h"

enum { RECEIPT_PARTNERS_MAX = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX };

/* The event and where it stands, as the owner writes it; note is a checkpoint. */
PT_MUST_USE enum pt_code receipt_print(struct buf *out, const struct store_event_row *row,
                                       const struct merkle_proof *path, struct span note,
                                       struct pt_err *err);

struct receipt { /* verified */
    struct store_event_row event;
    struct checkpoint head;
    uint16_t owner, asker;                /* partners of the policy */
    bool signed_by[RECEIPT_PARTNERS_MAX]; /* who has cosigned the head */
    int64_t signed_s;                     /* when the asker did; 0: it has not */
};
/* PT_EPARSE: its form. PT_EDENIED: another policy's, not signed by the owner's log, not in the tree, or not
 * of an answer; the sentence says which. */
PT_MUST_USE enum pt_code receipt_read(struct receipt *out, struct span text, const struct policy *p,
                                      struct pt_err *err);
/* A field of the event, "" when there is none. */
void receipt_field(char out[512], const struct receipt *r, const char *key);
/* The head's part of the text: the note. PT_EPARSE. */
PT_MUST_USE enum pt_code receipt_note(struct span *note, struct span text, struct pt_err *err);

#endif
