/* question_internal.h - for question_*.c alone: a question of this node's while it is asked. */
#ifndef PT_QUESTION_INTERNAL_H
#define PT_QUESTION_INTERNAL_H

#include "node/column_feed.h"
#include "node/peer.h"
#include "node/proof_columns.h"
#include "node/question_log.h"
#include "node/question_run.h"
#include "proto/ask.h"

struct query {
    struct daemon *daemon;
    const struct job *job;
    const struct policy *policy;
    struct snapshot *epoch;
    enum answer_kind kind;
    struct question question;
    struct epoch_pair pair;
    struct rlwe *rlwe;
    struct own_columns own;
    struct column_feed *feed; /* once the partner needs some of them */
    size_t row_count;
    double *other_size, *scheme, *raw;
    struct session_self self;
    struct oprf_key key;
    struct peer peer;
    struct ask_recipient ask;
    struct parallel parallel;
    struct proof_columns proof; /* the batch being proved */
    struct question_note note;  /* once prepared: its id and price */
};

/* q->note: the question's id and price, as the owner's ledger will have them. */
PT_MUST_USE enum pt_code question_own_name(struct query *q, struct pt_err *err);

#endif
