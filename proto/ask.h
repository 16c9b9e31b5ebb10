/* ask.h - one question between recipient and evaluator (PROTOCOL.md 4, 5, 7).
 *
 *     Question > Need > ColumnPart... > (ask_proof.h) > Reply... Answer > Finish > Receipt
 *
 * The evaluator checks, in this order: the asker's signature, the canonical text, the policy, one
 * ciphertext per column name and epoch, every byte of it, the proof that it is well formed; then,
 * always: charge and record (durable), compute, noise, reply. What leaves the evaluator was paid for. */
#ifndef PT_ASK_H
#define PT_ASK_H

#include "proto/ask_proof.h"
#include "proto/intake.h"
#include "proto/reply.h"
#include "proto/session.h"

struct ask_column {
    struct span name;
    struct digest digest; /* reply_column_digest() */
    uint64_t bytes;       /* recipient: how long the ciphertext is */
};
struct ask_part { /* of a ciphertext, 1..WIRE_PART_MAX bytes */
    uint32_t column;
    uint64_t offset;
    size_t bytes;
};
struct ask_source { /* where the recipient's ciphertexts come from, once they are needed */
    void *self;
    /* Just these bytes, valid until the next call. Columns come in the order of Need, offsets from 0
     * without a gap. */
    enum pt_code (*part)(void *self, struct span *out, const struct ask_part *at,
                         struct pt_err *err);
};

/* Columns beyond reply_column_count() that prove how many of the table's values a person has at most:
 * reply_counter_count(), or 0 where table and counters are too many for one batch of ask_proof.h. */
size_t ask_counter_count(const struct policy *p, const struct question *q, const struct rlwe *c);

/* ---- recipient: the opener, session OPEN with what = WHAT_ASK ---- */
struct ask_recipient_in { /* all borrowed until the session ends */
    const struct question *question;
    struct epoch_pair pair;
    const struct rlwe *rlwe;
    const struct ask_column *columns; /* the table's and its counters, names in order */
    size_t column_count;
    struct ask_source source;
    struct ask_prover_host prover;
};
struct ask_recipient {
    struct session *session;
    int state;
    struct ask_recipient_in in;
    struct buf text;
    size_t table_count; /* reply_column_count() */
    uint32_t need[WIRE_COLUMNS_MAX];
    size_t need_count, need_at; /* being sent: need[need_at] from need_offset */
    uint64_t need_offset;
    struct digest *proved; /* of the columns needed, in order */
    struct ask_prover prover;
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
/* Columns, or a proof's commitment, are still to be sent: call ask_recipient_send() until false,
 * flushing out. */
bool ask_recipient_sending(const struct ask_recipient *r);
/* The next frame, of at most 1 MiB, into out. */
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
    /* Was a proof of this recipient's refused in this epoch? Then it is answered nothing. */
    enum pt_code (*barred)(void *self, bool *barred, struct pt_err *err);
    /* Is this column of the recipient's, in this epoch, here already, and proved? PT_EDENIED: its
     * name is bound to another digest. */
    enum pt_code (*column_known)(void *self, const struct wire_column *c, bool *here,
                                 struct pt_err *err);
    /* Append to column `index` of this session; offsets come in order without a gap. */
    enum pt_code (*column_write)(void *self, size_t index, struct span bytes, struct pt_err *err);
    /* All bytes of column `index`, kept or known before; valid until the session ends. Where there is
     * column_read(), bytes->p is not looked at, but their number is. */
    enum pt_code (*column_map)(void *self, size_t index, const struct wire_column *c,
                               struct span *bytes, struct pt_err *err);
    /* May be NULL. Bytes [at, at + n) of a column that is mapped; false: they cannot be read. Any thread. */
    bool (*column_read)(void *self, size_t index, uint64_t at, uint8_t *out, size_t n);
    /* All of it came, under its digest and with good coefficients. It is not proved yet. */
    enum pt_code (*column_keep)(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err);
    /* It is proved: bind name to digest for the epoch, and say so, durably. */
    enum pt_code (*column_bind)(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err);
    /* Check caps, charge and record, durably (fsync) before returning PT_OK; a key seen before
     * costs nothing. PT_EDENIED: BUDGET_EXHAUSTED. */
    enum pt_code (*charge)(void *self, const struct ask_charge *c, struct ask_account *out,
                           struct pt_err *err);
    /* Of ask_checker_host. */
    enum pt_code (*proof_challenged)(void *self, const struct ask_proof_once *o,
                                     struct pt_err *err);
    enum pt_code (*proof_refused)(void *self, const struct ask_proof_refusal *r,
                                  struct pt_err *err);
    struct reply_host data;
};
struct ask_evaluator_in { /* all borrowed until the session ends */
    const struct epoch_header *header;
    const struct key32 *noise_key;
    const struct key32 *epoch_seed; /* of what a proof draws */
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
    struct wire_column *columns;      /* names borrow from `names` */
    size_t column_count, table_count; /* with counters, without */
    uint32_t need[WIRE_COLUMNS_MAX];
    size_t need_count, need_at; /* being received: need[need_at] */
    struct digest *proved;      /* of the columns needed, in order */
    struct ask_checker checker;
    uint64_t part_offset;
    struct intake intake; /* of the column being received */
    struct signature question_signature;
    uint64_t charged_nano; /* once answered */
    struct digest answer;  /* the same hash */
};
PT_MUST_USE enum pt_code ask_evaluator_begin(struct ask_evaluator *e, struct session *s,
                                             const struct ask_evaluator_in *in, struct pt_err *err);
/* A batch's proof is here: call ask_evaluator_check(), which takes seconds. On failure out holds the
 * Refusal. */
bool ask_evaluator_checking(const struct ask_evaluator *e);
PT_MUST_USE enum pt_code ask_evaluator_check(struct ask_evaluator *e, struct outbox *out,
                                             struct pt_err *err);
/* Question understood, every column here and proved: call ask_evaluator_answer(). */
bool ask_evaluator_ready(const struct ask_evaluator *e);
/* Charge, compute, noise, reply: seconds to minutes. Fills out with Reply frames and Answer, or
 * with a Refusal; then the recipient finishes the session. */
PT_MUST_USE enum pt_code ask_evaluator_answer(struct ask_evaluator *e, struct outbox *out,
                                              struct pt_err *err);
void ask_evaluator_free(struct ask_evaluator *e); /* {0} too */

#endif
