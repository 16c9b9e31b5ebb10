#include "node/last_table.h"

#include "proto/wire_planner.h"

#include <stdlib.h>
#include <string.h>

enum age { NEWEST, BEFORE, AGES };

static void key_of(struct digest *out, const struct answer *a, enum age age)
{
    static const char *const NAMES[AGES] = {"newest", "before"};
    const struct span parts[] = {span_z(NAMES[age]), span_z(a->question)};

    hash_parts(out, "patto/table/1", parts, PT_LEN(parts));
}

/* *bytes is empty when there is none. */
static enum pt_code find(struct buf *bytes, struct store *s, const struct answer *a, enum age age,
                         struct pt_err *err)
{
    struct digest key;
    bool found;

    key_of(&key, a, age);
    return store_answer_find(bytes, &found, s, &key, err);
}

static enum pt_code keep(struct store *s, const struct answer *a, enum age age, struct span bytes,
                         int64_t now_s, struct pt_err *err)
{
    struct digest key;

    key_of(&key, a, age);
    return store_answer_put(s, &key, bytes, now_s, err);
}

static enum pt_code decode(struct planner_update *out, struct span bytes, struct pt_err *err)
{
    enum pt_code rc = planner_update_decode(out, bytes, err);

    return rc == PT_OK ? PT_OK : pt_wrap(err, "a table kept from an earlier epoch");
}

/* *then: what is kept of another epoch, if anything is. What is newest and of another epoch moves
 * back before a takes its place. */
static enum pt_code earlier(struct planner_update *then, struct store *s, const struct answer *a,
                            int64_t now_s, struct pt_err *err)
{
    struct buf bytes = {0};
    enum pt_code rc = find(&bytes, s, a, NEWEST, err);

    if (rc == PT_OK && bytes.n > 0 && (rc = decode(then, buf_span(&bytes), err)) == PT_OK) {
        if (strcmp(then->answer.epoch, a->epoch) != 0) {
            rc = keep(s, a, BEFORE, buf_span(&bytes), now_s, err);
        } else {
            answer_free(&then->answer);
            *then = (struct planner_update){0};
            buf_free(&bytes);
            rc = find(&bytes, s, a, BEFORE, err);
            if (rc == PT_OK && bytes.n > 0)
                rc = decode(then, buf_span(&bytes), err);
        }
    }
    buf_free(&bytes);
    return rc;
}

static enum pt_code keep_newest(struct store *s, const struct answer *a, int64_t now_s,
                                struct pt_err *err)
{
    struct buf bytes = {0};
    enum pt_code rc = planner_update_answer(&bytes, a, err);

    if (rc == PT_OK && bytes.n <= STORE_BLOB_MAX)
        rc = keep(s, a, NEWEST, buf_span(&bytes), now_s, err);
    buf_free(&bytes);
    return rc;
}

enum pt_code last_table(struct answer *a, struct store *s, int64_t now_s, struct pt_err *err)
{
    struct planner_update *then = calloc(1, sizeof *then);
    enum pt_code rc;

    if (then == NULL)
        return pt_fail(err, PT_ENOMEM, "renewal: no memory");
    if ((rc = earlier(then, s, a, now_s, err)) == PT_OK &&
        (rc = keep_newest(s, a, now_s, err)) == PT_OK)
        rc = answer_renew(a, &then->answer, err);
    answer_free(&then->answer);
    free(then);
    return rc;
}
