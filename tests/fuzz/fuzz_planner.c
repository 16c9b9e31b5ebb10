/* Properties of planner messages: a refusal has a reason; what is accepted keeps the bounds of
 * wire_planner.h and, said again, is the same bytes from then on.
 *
 * Input: a byte of which message, then its bytes. */
#include <stdlib.h>
#include <string.h>

#include "proto/wire_planner.h"

enum which { QUERY, EPOCH, STATUS, PROGRESS, UPDATE, WHICH_COUNT };

static void good(enum pt_code rc)
{
    if (rc != PT_OK)
        __builtin_trap();
}

/* Decode bytes, append what that says to out. PT_OK, or err is set. */
static enum pt_code query(struct buf *out, struct span bytes, struct pt_err *err)
{
    struct planner_query q;
    struct planner_in in = {0};
    enum pt_code rc = planner_query_decode(&q, &in, bytes, err);

    if (rc == PT_OK && q.where_count > QUESTION_FILTERS_MAX)
        __builtin_trap();
    if (rc == PT_OK)
        good(planner_query_encode(out, &q, err));
    planner_in_free(&in);
    return rc;
}

static enum pt_code epoch(struct buf *out, struct span bytes, struct pt_err *err)
{
    struct planner_epoch e;
    struct planner_in in = {0};
    enum pt_code rc = planner_epoch_decode(&e, &in, bytes, err);

    if (rc == PT_OK && e.participant_count > POLICY_PARTNERS_MAX)
        __builtin_trap();
    if (rc == PT_OK)
        good(planner_epoch_encode(out, &e, err));
    planner_in_free(&in);
    return rc;
}

static enum pt_code status(struct buf *out, struct span bytes, struct pt_err *err)
{
    static struct planner_status s;
    enum pt_code rc = planner_status_decode(&s, bytes, err);

    if (rc == PT_OK &&
        (s.partner_count > PLANNER_STATUS_PARTNERS_MAX || s.note_count > PLANNER_NOTES_MAX))
        __builtin_trap();
    if (rc == PT_OK)
        good(planner_status_encode(out, &s, err));
    return rc;
}

static enum pt_code progress(struct buf *out, struct span bytes, struct pt_err *err)
{
    static struct planner_progress p;
    enum pt_code rc = planner_progress_decode(&p, bytes, err);

    if (rc == PT_OK)
        good(planner_progress_encode(out, &p, err));
    return rc;
}

static enum pt_code update(struct buf *out, struct span bytes, struct pt_err *err)
{
    static struct planner_update u;
    enum pt_code rc = planner_update_decode(&u, bytes, err);

    if (rc == PT_OK && u.is_answer) {
        if (u.answer.cell_count > ANSWER_CELLS_MAX)
            __builtin_trap();
        good(planner_update_answer(out, &u.answer, err));
        answer_free(&u.answer);
    } else if (rc == PT_OK) {
        good(planner_update_progress(out, &u.progress, err));
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static enum pt_code (*const say[WHICH_COUNT])(struct buf *, struct span, struct pt_err *) = {
        [QUERY] = query,       [EPOCH] = epoch,   [STATUS] = status,
        [PROGRESS] = progress, [UPDATE] = update,
    };
    struct buf once = {0};
    struct buf twice = {0};
    struct pt_err err = {0};

    if (size < 1)
        return 0;
    enum which which = (enum which)(data[0] % WHICH_COUNT);
    if (say[which](&once, span_of(data + 1, size - 1), &err) != PT_OK) {
        if (err.msg[0] == '\0')
            __builtin_trap();
        return 0;
    }
    good(say[which](&twice, buf_span(&once), &err));
    if (!span_eq_vartime(buf_span(&once), buf_span(&twice)))
        __builtin_trap();
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
