#include "node/query_call.h"

#include "node/clock.h"
#include "node/progress.h"

#include <string.h>

struct waiting {
    struct progress bar;
    FILE *log;
    char stage[64];
    bool open, answered;
    struct answer answer;
};

static void draw(struct waiting *w, const struct planner_progress *p)
{
    if (!w->open || strcmp(w->stage, p->stage) != 0) {
        if (w->open)
            progress_end(&w->bar);
        memcpy(w->stage, p->stage, sizeof w->stage);
        progress_begin(&w->bar, w->log, w->stage, p->total, clock_mono_ms());
        w->open = true;
    }
    progress_at(&w->bar, p->done, clock_mono_ms());
}

static enum pt_code take(void *self, struct span bytes, struct pt_err *err)
{
    struct waiting *w = self;
    struct planner_update u = {0};
    enum pt_code rc;

    if ((rc = planner_update_decode(&u, bytes, err)) != PT_OK)
        return rc;
    if (!u.is_answer) {
        draw(w, &u.progress);
        return PT_OK;
    }
    if (w->answered) {
        answer_free(&u.answer);
        return pt_fail(err, PT_EBADMSG, "the daemon answered twice: is it another version?");
    }
    w->answer = u.answer;
    w->answered = true;
    return PT_OK;
}

enum pt_code query_call(struct answer *out, struct planner_client *client,
                        const struct planner_query *q, FILE *log, struct pt_err *err)
{
    struct waiting w = {.log = log};
    struct buf request = {0};
    enum pt_code rc = planner_query_encode(&request, q, err);

    if (rc == PT_OK)
        rc = planner_client_stream(
            client,
            &(struct planner_call){
                .method = "Query", .request = buf_span(&request), .self = &w, .take = take},
            err);
    if (rc == PT_OK && !w.answered)
        rc = pt_fail(err, PT_EPEER, "the daemon hung up without an answer; its log says why");
    if (w.open)
        progress_end(&w.bar);
    buf_free(&request);
    *out = w.answer;
    return rc;
}
