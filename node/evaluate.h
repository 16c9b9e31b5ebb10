/* evaluate.h - the host behind ask_evaluator: rows from the epoch's columns, ciphertexts on disk,
 * charges in the ledger. One partner's question, from its stream to the reply. */
#ifndef PT_EVALUATE_H
#define PT_EVALUATE_H

#include "node/blobs.h"
#include "node/columns_view.h"
#include "node/daemon.h"
#include "node/question_log.h"
#include "node/write_behind.h"
#include "proto/ask.h"

/* Ciphertexts a peer may send a day: the largest table four times, 5 GB at 2^20 slots and 22 GB at
 * 2^22. They are kept until the next epoch. */
enum { EVALUATE_COLUMNS_A_DAY = 4 * WIRE_COLUMNS_MAX };

struct evaluate_column { /* one of the question's ciphertexts */
    struct fileio_new file;
    bool writing;
    struct blob_map map;
};
struct evaluate {
    struct daemon *daemon;
    struct snapshot *epoch; /* borrowed from the session */
    struct session *session;
    struct ask_evaluator ask;
    struct evaluate_column columns[WIRE_COLUMNS_MAX];
    struct write_behind *writer; /* of the columns that come; NULL: none did */
    struct columns_view *view;   /* of the rows being made */
    struct question_note note;   /* of the question, once charged */
    bool charged, begun;
};
/* Attach to an open session. `epoch` outlives e. */
PT_MUST_USE enum pt_code evaluate_begin(struct evaluate *e, struct daemon *d,
                                        struct snapshot *epoch, struct session *s,
                                        struct pt_err *err);
/* After each step: once everything is here, charge, compute and reply. */
PT_MUST_USE enum pt_code evaluate_answer_if_ready(struct evaluate *e, struct outbox *out,
                                                  struct pt_err *err);
void evaluate_end(struct evaluate *e); /* {0} too */

/* reply.h's window() and row() over the epoch's columns, for the answer and for its audit. *view is NULL at
 * first, and freed by the caller. */
PT_MUST_USE enum pt_code evaluate_window(struct columns_view **view, const struct columns_map *map,
                                         const struct question *q, const struct reply_part *at,
                                         struct pt_err *err);
PT_MUST_USE enum pt_code evaluate_row(const struct columns_view *view, const struct question *q,
                                      const struct reply_part *at, int8_t *values, uint64_t *size,
                                      struct pt_err *err);

#endif
