/* log_talk.h - conversations about transparency logs, without I/O (PROTOCOL.md 7; C2SP tlog-witness).
 *
 *     owner of a log > witness       AddHead > HeadCosigned, or HeadConflict, and then once more
 *     who was answered > the owner   ProofAsk > EventProof > HeadCosigned
 *
 * What is signed, kept and believed is the hosts'. The session's what is WHAT_LOG: it needs the same
 * policy and no epoch in common. */
#ifndef PT_LOG_TALK_H
#define PT_LOG_TALK_H

#include "crypto/merkle_proof.h"
#include "proto/session.h"

/* ---- opener: the owner of a log, to a witness ---- */

struct log_submit_host {
    void *self;
    /* The head and its proof from old_size on. note stays valid until the session ends.
     * PT_ESTATE: there is none, for the witness has seen more than there is here. */
    enum pt_code (*head)(void *self, uint64_t old_size, struct span *note,
                         struct merkle_proof *proof, struct pt_err *err);
    /* The witness's line under it. PT_EDENIED: it is not. */
    enum pt_code (*cosigned)(void *self, struct span line, struct pt_err *err);
};
struct log_submit {
    struct session *session;
    int state;
    struct log_submit_host host;
    bool again; /* one conflict has been */
};
/* old_size: what the witness is thought to know. */
PT_MUST_USE enum pt_code log_submit_begin(struct log_submit *l, struct session *s,
                                          const struct log_submit_host *host, uint64_t old_size,
                                          struct outbox *out, struct pt_err *err);

/* ---- opener: who was answered, to the owner ---- */

struct log_fetch_host {
    void *self;
    /* Check the proof, remember its head, cosign it: the line goes into *line. */
    enum pt_code (*proof)(void *self, struct span text, const struct merkle_proof *proof,
                          struct buf *line, struct pt_err *err);
};
struct log_fetch {
    struct session *session;
    int state;
    struct log_fetch_host host;
};
PT_MUST_USE enum pt_code log_fetch_begin(struct log_fetch *l, struct session *s,
                                         const struct log_fetch_host *host,
                                         const struct wire_proof_ask *ask, struct outbox *out,
                                         struct pt_err *err);

/* ---- accepter of both ---- */

struct log_accept_host {
    void *self;
    /* PT_OK: the cosignature is in *line, or *line is empty and *known says what was seen last. */
    enum pt_code (*add_head)(void *self, const struct wire_add_head *w,
                             const struct merkle_proof *proof, struct buf *line, uint64_t *known,
                             struct pt_err *err);
    /* The proof of the answered event, for this peer alone. */
    enum pt_code (*proof)(void *self, const struct wire_proof_ask *ask, struct buf *text,
                          struct merkle_proof *proof, struct pt_err *err);
    /* The peer's line under the head of that proof. */
    enum pt_code (*cosigned)(void *self, struct span line, struct pt_err *err);
};
struct log_accept {
    struct session *session;
    int state;
    struct log_accept_host host;
};
PT_MUST_USE enum pt_code log_accept_begin(struct log_accept *l, struct session *s,
                                          const struct log_accept_host *host, struct pt_err *err);

#endif
