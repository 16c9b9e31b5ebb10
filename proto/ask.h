/* ask.h - one question between recipient and evaluator (PROTOCOL.md 4, 5, 7).
 *
 *     Question > Need > ColumnPart... > Reply... Answer > Finish > Receipt
 *
 * The evaluator checks, in this order: the asker's signature, the canonical text, the policy, one
 * ciphertext per column name and epoch, every byte of it; then, always: charge and record
 * (durable), compute, noise, reply. What leaves the evaluator was paid for. */
#ifndef PT_ASK_H
#define PT_ASK_H

#include "proto/reply.h"
#include "proto/session.h"

struct ask_column {
    struct span name;
    struct digest digest; /* reply_column_digest() */
    struct span bytes;    /* recipient: the ciphertext, e.g. a mapped file */
};

/* ---- recipient: the opener, session OPEN with what = WHAT_ASK ---- */
struct ask_recipient_in { /* all borrowed until the session ends */
    const struct question *question;
    struct epoch_pair pair;
    const struct rlwe *rlwe;
    const struct ask_column *columns; /* reply_column_count(), names in order */
    size_t column_count;
};
struct ask_recipient {
    struct session *session;
    int state;
    struct ask_recipient_in in;
    struct buf text;
    uint32_t need[WIRE_COLUMNS_MAX];
    size_t need_count, need_at; /* being sent: need[need_at] from need_offset */
    uint64_t need_offset;
    /* The answer: complete once ask_recipient_answered(). */
    struct buf *rows;
    size_t row_count, rows_seen;
    int64_t *sizes;
    uint64_t charged_nano, left_nano, audit_position;
    struct digest dataset;
    struct digest answer; /* hash of all that the owner signed, once answered: for its proof */
    struct signature signature;
};
/* Puts Question into out. */
PT_MUST_USE enum pt_code ask_recipient_begin(struct ask_recipient *r, struct session *s,
                                             const struct ask_recipient_in *in, struct outbox *out,
                                             struct pt_err *err);
/* Column bytes are still to be sent: call ask_recipient_send() until false, flushing out. */
bool ask_recipient_sending(const struct ask_recipient *r);
/* The next ColumnPart, of at most 1 MiB, into out. */
PT_MUST_USE enum pt_code ask_recipient_send(struct ask_recipient *r, struct outbox *out,
                                            struct pt_err *err);
bool ask_recipient_answered(const struct ask_recipient *r);
void ask_recipient_free(struct ask_recipient *r); /* {0} too */

/* ---- evaluator: the accepter ---- */
struct ask_charge {
    uint16_t recipient; /* partner index */
    struct digest key;  /* reply_key(): charged once, whatever happens after */
    struct span text;   /* canonical question */
    uint64_t charge_nano;
    struct digest session_id;
    struct signature question_signature; /* the asker's, over its question */
};
struct ask_account {
    bool paid_before;
    uint64_t left_nano, audit_position;
};
struct ask_host {
    void *self;
    /* Is this column of the recipient's, in this epoch, here already? PT_EDENIED: its name is
     * bound to another digest. */
    enum pt_code (*column_known)(void *self, const struct wire_column *c, bool *here,
                                 struct pt_err *err);
    /* Append to column `index` of this session; offsets come in order without a gap. */
    enum pt_code (*column_write)(void *self, size_t index, struct span bytes, struct pt_err *err);
    /* All bytes of column `index`, just written or known before; valid until the session ends. */
    enum pt_code (*column_map)(void *self, size_t index, const struct wire_column *c,
                               struct span *bytes, struct pt_err *err);
    /* Bytes, digest and coefficients are good: bind name to digest for the epoch, durably. */
    enum pt_code (*column_bind)(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err);
    /* Check caps, charge and record, durably (fsync) before returning PT_OK; a key seen before
     * costs nothing. PT_EDENIED: BUDGET_EXHAUSTED. */
    enum pt_code (*charge)(void *self, const struct ask_charge *c, struct ask_account *out,
                           struct pt_err *err);
    struct reply_host data;
};
struct ask_evaluator_in { /* all borrowed until the session ends */
    const struct epoch_header *header;
    const struct key32 *noise_key;
    struct ask_host host;
};
struct ask_evaluator {
    struct session *session;
    int state;
    struct ask_evaluator_in in;
    struct question question;
    struct epoch_pair pair;
    struct rlwe *rlwe;
    uint64_t column_bytes;
    struct buf text, names;
    struct wire_column *columns; /* names borrow from `names` */
    size_t column_count;
    bool needed[WIRE_COLUMNS_MAX];
    size_t part_column; /* being received */
    uint64_t part_offset;
    struct signature question_signature;
    uint64_t charged_nano; /* once answered */
    struct digest answer;  /* the same hash */
};
PT_MUST_USE enum pt_code ask_evaluator_begin(struct ask_evaluator *e, struct session *s,
                                             const struct ask_evaluator_in *in, struct pt_err *err);
/* Question understood, every column here and verified: call ask_evaluator_answer(). */
bool ask_evaluator_ready(const struct ask_evaluator *e);
/* Charge, compute, noise, reply: seconds to minutes. Fills out with Reply frames and Answer, or
 * with a Refusal; then the recipient finishes the session. */
PT_MUST_USE enum pt_code ask_evaluator_answer(struct ask_evaluator *e, struct outbox *out,
                                              struct pt_err *err);
void ask_evaluator_free(struct ask_evaluator *e); /* {0} too */

#endif
