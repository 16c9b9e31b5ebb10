/* reach_ask.h - this node as the asker of reach over several partners (PROTOCOL.md 6): greets every
 * party and node, lets all begin when all are ready, does its own part, and reads the histogram. */
#ifndef PT_REACH_ASK_H
#define PT_REACH_ASK_H

#include "node/daemon.h"
#include "node/job.h"
#include "policy/question.h"
#include "proto/answer.h"
#include "proto/reach.h"
#include "proto/regions.h"

struct reach_opened { /* what came of a run */
    struct reach_plan plan;
    int64_t counts[REGIONS_MAX];
    uint64_t charged_nano;   /* at each of the other parties */
    uint64_t left_nano;      /* the least that one of them leaves */
    uint64_t audit_position; /* in the log of the first of them */
    char receipts[ANSWER_RECEIPTS_MAX], hashes[ANSWER_RECEIPTS_MAX]; /* as an answer has them */
    enum refusal refusal; /* after a failure: the word by which a partner refused, if one did */
};
struct reach_question_in { /* borrowed */
    struct daemon *daemon;
    struct snapshot *epoch;
    const struct question *question;
    const struct job *job;
};
/* PT_EPEER, PT_EDENIED, ...: names who failed or refused. Parties that were ready and had begun may
 * have charged. */
PT_MUST_USE enum pt_code reach_ask(struct reach_opened *out, const struct reach_question_in *in,
                                   struct pt_err *err);

#endif
