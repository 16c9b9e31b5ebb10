/* question_internal.h - for question_*.c alone: a question of this node's while it is asked. */
#ifndef PT_QUESTION_INTERNAL_H
#define PT_QUESTION_INTERNAL_H

#include "node/blobs.h"
#include "node/peer.h"
#include "node/question_log.h"
#include "node/question_run.h"
#include "proto/ask.h"

/* One own column: its ciphertext, the key that opens answers to it, and what the estimate needs. */
struct own_column {
    struct buf name;
    struct blob_map map;
    struct digest digest;
    struct pt_err err; /* code PT_OK: prepared */
};

struct query {
    struct daemon *daemon;
    const struct job *job;
    const struct policy *policy;
    struct snapshot *epoch;
    enum answer_kind kind;
    struct question question;
    struct epoch_pair pair;
    struct rlwe *rlwe;
    size_t column_count, row_count;
    struct own_column *columns;
    struct rlwe_key **keys;
    double *energy, *own_size, *other_size, *scheme, *raw;
    int8_t *values; /* at_once times value_count */
    size_t at_once, value_count;
    struct session_self self;
    struct oprf_key key;
    struct peer peer;
    struct ask_recipient ask;
    struct ask_column *asked;
    struct question_note note; /* once prepared: its id and price */
};

/* Own columns: made, encrypted or found on the disk, and bound to their names for the epoch. */
PT_MUST_USE enum pt_code question_own_prepare(struct query *q, struct pt_err *err);
/* q->note: the question's id and price, as the owner's ledger will have them. */
PT_MUST_USE enum pt_code question_own_name(struct query *q, struct pt_err *err);

#endif
