/* wire_planner.h - messages of the Planner service as plain C structs, both directions: the node
 * and the command line use the same code. Unknown fields are ignored (any client of a later
 * planner.proto may call); texts with NUL, enums out of range and oversizes are refused. */
#ifndef PT_WIRE_PLANNER_H
#define PT_WIRE_PLANNER_H

#include "proto/answer.h"
#include "proto/wire.h"

enum {
    PLANNER_REQUEST_MAX = 1 << 16,
    PLANNER_UPDATE_MAX = 32 << 20, /* an answer of 257 x 257 cells fits */
    PLANNER_MEMORY_MAX = 64 << 20,
    PLANNER_TEXT_MAX = 512,
    PLANNER_NOTES_MAX = 16,
    PLANNER_STATUS_PARTNERS_MAX = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX,
};

struct planner_query { /* texts NUL-terminated, never NULL: "" is absent */
    const char *kind, *with, *rows, *columns;
    const char *const *where;
    size_t where_count; /* <= QUESTION_FILTERS_MAX */
    const char *slots;
};
struct planner_epoch {
    const char *const *participants; /* none: every partner that answers */
    size_t participant_count;
};
struct planner_progress {
    char stage[64], text[PLANNER_TEXT_MAX];
    uint64_t done, total; /* total 0: unknown */
};
struct planner_partner {
    char name[POLICY_NAME_MAX + 1];
    char endpoint[262];
    bool neutral, in_epoch;
    uint64_t spent_nano, left_nano; /* this partner's, at our node */
};
struct planner_status {
    char build[WIRE_BUILD_MAX + 1];
    char federation[POLICY_NAME_MAX + 1], self[POLICY_NAME_MAX + 1];
    uint32_t policy_version;
    char policy_hash[72]; /* "sha256:..." */
    int64_t policy_valid_until_s;
    uint64_t customers, tokens; /* our own */
    uint32_t key_period;
    uint64_t epoch_number; /* 0: none */
    char epoch_id[65];     /* hex */
    uint64_t slots;
    struct planner_partner partners[PLANNER_STATUS_PARTNERS_MAX];
    size_t partner_count;
    uint64_t audit_position;
    uint64_t sent_bytes, received_bytes; /* messages with partners since the daemon started */
    char notes[PLANNER_NOTES_MAX][PLANNER_TEXT_MAX];
    size_t note_count;
};

/* Owns what a decoded request borrows; {0} is a valid empty one. */
struct planner_in {
    void *message;
    const char **words;
};
void planner_in_free(struct planner_in *in);

/* Encoding appends to out: PT_ENOMEM, PT_EBUG. Decoding: PT_EBADMSG, PT_ELIMIT, PT_ENOMEM.
 * StatusRequest and TokeniseRequest are empty: no bytes. */
PT_MUST_USE enum pt_code planner_query_encode(struct buf *out, const struct planner_query *q,
                                              struct pt_err *err);
PT_MUST_USE enum pt_code planner_query_decode(struct planner_query *q, struct planner_in *in,
                                              struct span bytes, struct pt_err *err);
PT_MUST_USE enum pt_code planner_epoch_encode(struct buf *out, const struct planner_epoch *e,
                                              struct pt_err *err);
PT_MUST_USE enum pt_code planner_epoch_decode(struct planner_epoch *e, struct planner_in *in,
                                              struct span bytes, struct pt_err *err);
PT_MUST_USE enum pt_code planner_status_encode(struct buf *out, const struct planner_status *s,
                                               struct pt_err *err);
PT_MUST_USE enum pt_code planner_status_decode(struct planner_status *s, struct span bytes,
                                               struct pt_err *err);
PT_MUST_USE enum pt_code planner_progress_encode(struct buf *out, const struct planner_progress *p,
                                                 struct pt_err *err);
PT_MUST_USE enum pt_code planner_progress_decode(struct planner_progress *p, struct span bytes,
                                                 struct pt_err *err);
/* QueryUpdate: exactly one of the two. */
PT_MUST_USE enum pt_code planner_update_progress(struct buf *out, const struct planner_progress *p,
                                                 struct pt_err *err);
PT_MUST_USE enum pt_code planner_update_answer(struct buf *out, const struct answer *a,
                                               struct pt_err *err);
/* *is_answer says which was filled in; free the answer with answer_free(). */
struct planner_update {
    bool is_answer;
    struct planner_progress progress;
    struct answer answer;
};
PT_MUST_USE enum pt_code planner_update_decode(struct planner_update *u, struct span bytes,
                                               struct pt_err *err);

#endif
