/* store.h - state.db: everything that must survive a crash and is not personal data.
 *
 * SQLite in WAL mode, synchronous=FULL: when a call returns PT_OK it is on the disk. One
 * connection behind one lock, so any thread may call. The clock is a parameter. A damaged,
 * newer or unwritable database is an error that names the file, and nothing is released. */
#ifndef PT_STORE_H
#define PT_STORE_H

#include "crypto/prf.h"
#include "crypto/sign.h"
#include "policy/policy.h"

enum {
    STORE_SCHEMA = 3,
    STORE_TEXT_MAX = 8192,    /* one event, one question */
    STORE_KIND_MAX = 32,      /* of an event */
    STORE_BLOB_MAX = 1 << 20, /* one header, one answer */
    STORE_RECIPIENTS_MAX = 256,
    STORE_KINDS_MAX = 16,
};

enum store_mode {
    STORE_READ, /* beside a running daemon; no file is made */
    STORE_WRITE
};

struct store;
PT_MUST_USE enum pt_code store_open(struct store **out, const char *path, enum store_mode mode,
                                    struct pt_err *err);
void store_close(struct store *s);
/* PRAGMA integrity_check, for doctor. */
PT_MUST_USE enum pt_code store_check(struct store *s, struct pt_err *err);

/* Several calls, all or nothing. store_begin() takes the lock, store_commit() flushes to disk and
 * gives it back; so does store_rollback(), which is harmless after a commit. In between only the
 * thread that began may call. After a failed call, roll back. */
PT_MUST_USE enum pt_code store_begin(struct store *s, struct pt_err *err);
PT_MUST_USE enum pt_code store_commit(struct store *s, struct pt_err *err);
void store_rollback(struct store *s);

/* ---- events: the audit record, a hash chain. Text without personal data, "key=value ...". */
struct store_place {   /* where a row stands, for answers and receipts */
    uint64_t sequence; /* from 1 */
    struct digest hash;
};
PT_MUST_USE enum pt_code store_event(struct store_place *out, struct store *s, const char *kind,
                                     const char *fields, int64_t now_s, struct pt_err *err);
PT_MUST_USE enum pt_code store_event_head(struct store_place *out, struct store *s,
                                          struct pt_err *err);
/* Recompute the whole chain and every leaf. PT_EBADMSG: "state.db: event 17 was changed". */
PT_MUST_USE enum pt_code store_event_verify(struct store_place *head, struct store *s,
                                            struct pt_err *err);

struct store_event_row {
    uint64_t sequence;
    int64_t at_s;
    char kind[STORE_KIND_MAX + 1];
    char fields[STORE_TEXT_MAX + 1];
    struct digest salt; /* random; opens the entry to whoever is shown it */
};
/* The first event after a sequence number. */
PT_MUST_USE enum pt_code store_event_next(struct store_event_row *out, bool *found, struct store *s,
                                          uint64_t after, struct pt_err *err);

/* The last event of that kind whose fields hold both "KEY=VALUE" words. *found false: there is none. */
struct store_event_like {
    const char *kind, *one, *other;
};
PT_MUST_USE enum pt_code store_event_find(struct store_event_row *out, bool *found, struct store *s,
                                          const struct store_event_like *like, struct pt_err *err);

/* ---- the transparency log over the events (node/translog.h) ----
 * An event's entry commits to it under its salt, so that a published entry tells nothing about
 * fields that could be guessed. */
void store_event_entry(struct digest *out, const struct store_event_row *row);
/* Up to cap entries, the first of them of event after + 1; *n is how many. */
PT_MUST_USE enum pt_code store_entries(struct digest *out, size_t *n, size_t cap, struct store *s,
                                       uint64_t after, struct pt_err *err);
struct store_head { /* a tree head that was signed, or is about to be */
    uint64_t size;
    struct digest root;
    int64_t signed_s;
};
/* The first with a size above `above`; the last of all. */
PT_MUST_USE enum pt_code store_head_next(struct store_head *out, bool *found, struct store *s,
                                         uint64_t above, struct pt_err *err);
PT_MUST_USE enum pt_code store_head_last(struct store_head *out, bool *found, struct store *s,
                                         struct pt_err *err);
/* Durable before the signature is made. PT_EDENIED: not above the last, or of another root. */
PT_MUST_USE enum pt_code store_head_add(struct store *s, const struct store_head *h,
                                        struct pt_err *err);

/* ---- charges: rows of the ledger. Use ledger.h, which checks the budget. */
struct store_charge {
    struct digest question_id;
    char recipient[POLICY_NAME_MAX + 1];
    char kind[17];
    struct digest epoch;
    uint64_t rho_nano;
    int64_t charged_at_s;
    struct digest policy;
    struct store_place event;
};
PT_MUST_USE enum pt_code store_charge_find(struct store_charge *out, bool *found, struct store *s,
                                           const struct digest *question_id, struct pt_err *err);
PT_MUST_USE enum pt_code store_charge_insert(struct store *s, const struct store_charge *c,
                                             struct span question, struct pt_err *err);
/* Sum of rho charged to recipient at or after since_s; the future counts too, so that a clock
 * set back never finds new budget. */
PT_MUST_USE enum pt_code store_charge_sum(uint64_t *out_nano, struct store *s,
                                          const char *recipient, int64_t since_s,
                                          struct pt_err *err);
/* Everybody who was ever charged, ascending; *count of them. PT_ELIMIT: over STORE_RECIPIENTS_MAX. */
PT_MUST_USE enum pt_code store_charge_recipients(char (*out)[POLICY_NAME_MAX + 1], size_t *count,
                                                 struct store *s, struct pt_err *err);
struct store_kind { /* charges of one kind */
    char kind[17];
    uint64_t count, rho_nano;
};
/* By kind, ascending, at most STORE_KINDS_MAX; what recipient was ever charged for. */
PT_MUST_USE enum pt_code store_charge_kinds(struct store_kind out[STORE_KINDS_MAX], size_t *count,
                                            struct store *s, const char *recipient,
                                            struct pt_err *err);
/* Add what was charged on each of nano[0..day_count) UTC days from first_s on to it; what lies
 * later goes to the last, as a clock set back leaves it (store_charge_sum). recipient NULL: all. */
struct store_days {
    int64_t first_s; /* a midnight */
    uint64_t *nano;
    size_t day_count;
};
PT_MUST_USE enum pt_code store_charge_days(const struct store_days *days, struct store *s,
                                           const char *recipient, struct pt_err *err);

/* ---- epochs */
struct store_epoch {
    uint64_t number;
    struct digest id;      /* of the header */
    struct buf header;     /* signed bytes */
    struct buf signatures; /* as the protocol keeps them */
    int64_t created_s;
};
void store_epoch_free(struct store_epoch *e);
/* Record and make active, in one transaction. PT_ESTATE: the number is taken or not above the last. */
PT_MUST_USE enum pt_code store_epoch_activate(struct store *s, const struct store_epoch *e,
                                              struct pt_err *err);
/* *found false, *out empty: there is none. */
PT_MUST_USE enum pt_code store_epoch_active(struct store_epoch *out, bool *found, struct store *s,
                                            struct pt_err *err);
/* Remove facts "PREFIX" + 64 hexadecimal digits whose digest stands in no header of the active
 * epoch or of one made at or after since_s: what rounds that came to nothing left behind, and what
 * is kept no longer. */
PT_MUST_USE enum pt_code store_epoch_forget(struct store *s, const char *prefix, int64_t since_s,
                                            struct pt_err *err);
/* Does digest stand in the header of the active epoch or of one made at or after since_s? */
PT_MUST_USE enum pt_code store_epoch_holds(bool *out, struct store *s, const struct digest *digest,
                                           int64_t since_s, struct pt_err *err);
PT_MUST_USE enum pt_code store_epoch_numbered(struct store_epoch *out, bool *found, struct store *s,
                                              uint64_t number, struct pt_err *err);
PT_MUST_USE enum pt_code store_epoch_find(struct store_epoch *out, bool *found, struct store *s,
                                          const struct digest *id, struct pt_err *err);

/* ---- columns: one ciphertext per name, epoch and direction, for ever. */
struct store_column {
    struct digest epoch;
    const char *peer; /* the other node */
    bool sent;        /* we encrypted it for peer; otherwise peer's, known to us */
    const char *name; /* canonical, at most STORE_TEXT_MAX */
};
/* Bind name to digest, or check that it is bound to it. PT_EDENIED: bound to another digest
 * (PROTOCOL.md 4: never a second ciphertext under one key). */
PT_MUST_USE enum pt_code store_column_bind(struct store *s, const struct store_column *c,
                                           const struct digest *digest, struct pt_err *err);
PT_MUST_USE enum pt_code store_column_find(struct digest *out, bool *found, struct store *s,
                                           const struct store_column *c, struct pt_err *err);
/* Bind, and say that a peer's column is proved to be well formed. */
PT_MUST_USE enum pt_code store_column_prove(struct store *s, const struct store_column *c,
                                            const struct digest *digest, struct pt_err *err);
/* *out: it is bound, and proved. */
PT_MUST_USE enum pt_code store_column_proved(bool *out, struct store *s,
                                             const struct store_column *c, struct pt_err *err);

/* ---- proofs of columns (PROTOCOL.md 4): a commitment has one challenge, a refusal is final. */
struct store_proof {
    struct digest session; /* with first: the mask vector that a second challenge would undo */
    uint32_t first;
    bool sent; /* we prove; otherwise the peer does */
    struct digest commitment, challenge;
};
/* PT_EDENIED: there is a challenge already, this or another. */
PT_MUST_USE enum pt_code store_proof_challenge(struct store *s, const struct store_proof *p,
                                               struct pt_err *err);
struct store_proof_refusal { /* of a peer, in an epoch */
    struct digest epoch;
    const char *peer;
    struct digest session, commitment, answer;
};
/* Recorded, with an event, once an epoch and peer. */
PT_MUST_USE enum pt_code store_proof_refuse(struct store *s, const struct store_proof_refusal *r,
                                            int64_t now_s, struct pt_err *err);
PT_MUST_USE enum pt_code store_proof_refused(bool *out, struct store *s, const struct digest *epoch,
                                             const char *peer, struct pt_err *err);

/* ---- quotas: counted durably before the work is done; a UTC day each. */
struct store_quota {
    const char *what; /* "evaluations", "salt" */
    const char *peer; /* "" when it is nobody's in particular */
    uint64_t count, limit;
};
/* PT_ELIMIT: taken + count > limit; nothing is taken then. *used: today's sum afterwards. */
PT_MUST_USE enum pt_code store_quota_take(uint64_t *used, struct store *s,
                                          const struct store_quota *q, int64_t now_s,
                                          struct pt_err *err);

/* ---- tokenise runs: how far a batch got, so that it resumes by chunk number. */
struct store_run {
    struct digest id; /* of the batch: names it on both sides */
    const char *peer; /* this hop */
    uint64_t record_count, chunk_count, chunks_done;
};
PT_MUST_USE enum pt_code store_run_put(struct store *s, const struct store_run *r, int64_t now_s,
                                       struct pt_err *err);
/* out->peer borrows from the argument. */
PT_MUST_USE enum pt_code store_run_find(struct store_run *out, bool *found, struct store *s,
                                        const struct digest *id, const char *peer,
                                        struct pt_err *err);

/* ---- what came of the recipient's own questions, as JSON, by the key that the owner charges. */
PT_MUST_USE enum pt_code store_answer_put(struct store *s, const struct digest *question_id,
                                          struct span json, int64_t now_s, struct pt_err *err);
PT_MUST_USE enum pt_code store_answer_find(struct buf *out, bool *found, struct store *s,
                                           const struct digest *question_id, struct pt_err *err);

/* ---- small facts by name, as text; `status` shows those it knows:
 *     policy          hash of the policy last joined             (join)
 *     dataset.count   customers, decimal   dataset.at  seconds   (ingest)
 *     tokens.count    of them with tokens  tokens.period         (serve) */
PT_MUST_USE enum pt_code store_fact_put(struct store *s, const char *name, struct span value,
                                        struct pt_err *err);
PT_MUST_USE enum pt_code store_fact_find(struct buf *out, bool *found, struct store *s,
                                         const char *name, struct pt_err *err);

#endif
