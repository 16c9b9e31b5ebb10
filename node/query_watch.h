/* query_watch.h - one question in three looks: at a sixteenth, a quarter and all of the slots.
 *
 * Each look is a question of its own (policy/question.h, enum question_slots): charged as its rho says,
 * an eighth, an eighth and three quarters of the price, with noise of its own. It stops when the answer is
 * exact enough, and has then paid for the looks it took. Who asks and who shows is the caller's. */
#ifndef PT_QUERY_WATCH_H
#define PT_QUERY_WATCH_H

#include "proto/answer.h"

struct query_watch_host {
    void *self;
    enum pt_code (*ask)(void *self, struct answer *out, const char *slots, struct pt_err *err);
    enum pt_code (*show)(void *self, const struct answer *a, struct pt_err *err);
};
struct query_watch {
    size_t looks; /* that were answered or refused */
    uint64_t charged_nano;
    double percent; /* query_watch_percent() of the last */
    bool enough;    /* it stopped before the last look */
    char refusal
        [ANSWER_SENTENCE_MAX]; /* of the last look, "" when it was answered: no further one */
};
/* until_percent: stop when percent is at most that; 0: never. PT_OK also after a refusal. */
PT_MUST_USE enum pt_code query_watch(struct query_watch *out, const struct query_watch_host *host,
                                     double until_percent, struct pt_err *err);

/* The half width in percent of the figure: of an overlap's or a reach's; of a table the one that half
 * of its inner counts do not exceed. INFINITY where what is hidden decides. */
PT_MUST_USE enum pt_code query_watch_percent(double *out, const struct answer *a,
                                             struct pt_err *err);

#endif
