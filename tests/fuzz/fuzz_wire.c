/* Property: what is read as a frame is written as the same bytes; what is not has a reason. */
#include "proto/wire.h"
#include "proto/wire_planner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void planner(struct span bytes)
{
    struct planner_query q;
    struct planner_epoch e;
    struct planner_in in = {0};
    static struct planner_update u;
    static struct planner_status s;
    struct pt_err err = {0};

    if (planner_query_decode(&q, &in, bytes, &err) == PT_OK)
        planner_in_free(&in);
    if (planner_epoch_decode(&e, &in, bytes, &err) == PT_OK)
        planner_in_free(&in);
    if (planner_update_decode(&u, bytes, &err) == PT_OK && u.is_answer)
        answer_free(&u.answer);
    if (planner_status_decode(&s, bytes, &err) != PT_OK && err.msg[0] == '\0')
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_err err = {0};
    struct wire_in in = {0};
    struct buf again = {0};

    planner(span_of(data, size));
    if (wire_decode(&in, span_of(data, size), &err) != PT_OK) {
        if (err.msg[0] == '\0' || in.message != NULL)
            __builtin_trap(); /* refused without a reason, or half read */
        return 0;
    }
    if (wire_encode(&again, &in.frame, &err) != PT_OK || again.n != size)
        __builtin_trap();
    wire_in_free(&in);
    buf_free(&again);
    return 0;
}
