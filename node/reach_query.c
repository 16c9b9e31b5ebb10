#include "node/reach_query.h"

#include "node/clock.h"
#include "proto/wire_planner.h"

#include <stdlib.h>

/* A run is charged anew, and its noise is fresh: so what it said is kept, and the same question is
 * answered from there. */
static enum pt_code key_of(struct digest *out, const struct reach_question_in *in,
                           struct pt_err *err)
{
    struct buf text = {0};
    enum pt_code rc = question_print(&text, in->daemon->home->policy, in->question, err);
    const struct span parts[] = {span_of(snapshot_id(in->epoch)->b, 32), buf_span(&text)};

    if (rc == PT_OK)
        hash_parts(out, "patto/reach/answer/1", parts, PT_LEN(parts));
    buf_free(&text);
    return rc;
}

static enum pt_code known_answer(struct answer *out, bool *found, struct daemon *d,
                                 const struct digest *key, struct pt_err *err)
{
    struct planner_update *update = calloc(1, sizeof *update);
    struct buf kept = {0};
    enum pt_code rc = update == NULL ? pt_fail(err, PT_ENOMEM, "a known answer: no memory")
                                     : store_answer_find(&kept, found, d->store, key, err);

    if (rc == PT_OK && *found &&
        (rc = planner_update_decode(update, buf_span(&kept), err)) == PT_OK) {
        *out = update->answer;
        out->charged_rho_nano = 0;
        out->repeated = true;
        out->left_unknown = true; /* since then others may have been asked */
    }
    buf_free(&kept);
    free(update);
    return rc;
}

static enum pt_code keep_answer(const struct answer *a, struct daemon *d, const struct digest *key,
                                struct pt_err *err)
{
    struct buf bytes = {0};
    enum pt_code rc = planner_update_answer(&bytes, a, err);

    if (rc == PT_OK)
        rc = store_answer_put(d->store, key, buf_span(&bytes), clock_now_s(), err);
    buf_free(&bytes);
    return rc;
}

enum pt_code reach_query(struct answer *out, enum refusal *refusal,
                         const struct reach_question_in *in, struct pt_err *err)
{
    struct reach_opened opened = {.refusal = REFUSAL_NONE};
    struct digest key;
    bool found = false;
    enum pt_code rc;

    *refusal = REFUSAL_NONE;
    if ((rc = key_of(&key, in, err)) != PT_OK ||
        (rc = known_answer(out, &found, in->daemon, &key, err)) != PT_OK || found)
        return rc;
    rc = reach_ask(&opened, in, err);
    *refusal = opened.refusal;
    if (rc != PT_OK || (rc = answer_fill_reach(out, in->daemon->home->policy, in->question,
                                               &opened.plan, opened.counts, err)) != PT_OK)
        return rc;
    out->charged_rho_nano = opened.charged_nano;
    out->left_rho_nano = opened.left_nano;
    out->audit_position = opened.audit_position;
    snprintf(out->receipts, sizeof out->receipts, "%s", opened.receipts);
    snprintf(out->hashes, sizeof out->hashes, "%s", opened.hashes);
    return keep_answer(out, in->daemon, &key, err);
}
