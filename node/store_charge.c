#include "crypto/base/text.h"
#include "node/store_internal.h"
#include "policy/question.h"

#include <string.h>

enum pt_code store_charge_find(struct store_charge *out, bool *found, struct store *s,
                               const struct digest *question_id, struct pt_err *err)
{
    struct query q;

    *out = (struct store_charge){.question_id = *question_id};
    *found = false;
    query_begin(&q, s,
                "SELECT recipient, charges.kind, epoch, rho_nano, charged_at_s, policy, event, hash"
                " FROM charges JOIN events ON sequence = event WHERE question_id = ?");
    query_digest(&q, question_id);
    if (query_next(&q)) {
        *found = true;
        query_get_text(out->recipient, sizeof out->recipient, &q, 0);
        query_get_text(out->kind, sizeof out->kind, &q, 1);
        query_get_digest(&out->epoch, &q, 2);
        out->rho_nano = query_get_u64(&q, 3);
        out->charged_at_s = query_get_i64(&q, 4);
        query_get_digest(&out->policy, &q, 5);
        out->event.sequence = query_get_u64(&q, 6);
        query_get_digest(&out->event.hash, &q, 7);
    }
    if (query_end(&q, "look into the ledger", err) == PT_OK)
        return PT_OK;
    *out = (struct store_charge){0};
    *found = false;
    return err->code;
}

enum pt_code store_charge_insert(struct store *s, const struct store_charge *c,
                                 struct span question, struct pt_err *err)
{
    char text[QUESTION_TEXT_MAX + 1];
    struct query q;

    if (!text_copy(text, sizeof text, question))
        return pt_fail(err, PT_EBUG, "a question's text of over %d bytes, or not text",
                       QUESTION_TEXT_MAX);
    query_begin(&q, s, "INSERT INTO charges VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_digest(&q, &c->question_id);
    query_text(&q, c->recipient);
    query_text(&q, c->kind);
    query_digest(&q, &c->epoch);
    query_u64(&q, c->rho_nano);
    query_i64(&q, c->charged_at_s);
    query_digest(&q, &c->policy);
    query_text(&q, text);
    query_u64(&q, c->event.sequence);
    query_run(&q);
    return query_end(&q, "write the ledger", err);
}

enum pt_code store_charge_sum(uint64_t *out_nano, struct store *s, const char *recipient,
                              int64_t since_s, struct pt_err *err)
{
    struct query q;

    *out_nano = 0;
    /* sum() of integers fails on overflow instead of rounding: refused, never under-counted. */
    query_begin(&q, s,
                "SELECT coalesce(sum(rho_nano), 0) FROM charges"
                " WHERE recipient = ? AND charged_at_s >= ?");
    query_text(&q, recipient);
    query_i64(&q, since_s);
    if (query_next(&q))
        *out_nano = query_get_u64(&q, 0);
    return query_end(&q, "add up the ledger", err);
}

enum pt_code store_charge_recipients(char (*out)[POLICY_NAME_MAX + 1], size_t *count,
                                     struct store *s, struct pt_err *err)
{
    struct query q;
    bool more = false;

    *count = 0;
    query_begin(&q, s, "SELECT DISTINCT recipient FROM charges ORDER BY recipient");
    while (query_next(&q) && !more) {
        more = *count == STORE_RECIPIENTS_MAX;
        if (!more)
            query_get_text(out[(*count)++], POLICY_NAME_MAX + 1, &q, 0);
    }
    if (query_end(&q, "read the ledger", err) != PT_OK)
        return err->code;
    return more ? pt_fail(err, PT_ELIMIT, "the ledger knows over %d partners", STORE_RECIPIENTS_MAX)
                : PT_OK;
}

enum pt_code store_charge_kinds(struct store_kind out[STORE_KINDS_MAX], size_t *count,
                                struct store *s, const char *recipient, struct pt_err *err)
{
    struct query q;

    *count = 0;
    query_begin(&q, s,
                "SELECT kind, count(*), sum(rho_nano) FROM charges WHERE recipient = ?"
                " GROUP BY kind ORDER BY kind LIMIT ?");
    query_text(&q, recipient);
    query_u64(&q, STORE_KINDS_MAX);
    while (query_next(&q)) {
        struct store_kind *k = &out[(*count)++];
        query_get_text(k->kind, sizeof k->kind, &q, 0);
        k->count = query_get_u64(&q, 1);
        k->rho_nano = query_get_u64(&q, 2);
    }
    return query_end(&q, "add up the ledger by kind", err);
}

enum pt_code store_charge_days(const struct store_days *days, struct store *s,
                               const char *recipient, struct pt_err *err)
{
    struct query q;

    query_begin(&q, s,
                "SELECT min((charged_at_s - ?1) / 86400, ?2) AS day, sum(rho_nano) FROM charges"
                " WHERE charged_at_s >= ?1 AND (?3 = '' OR recipient = ?3) GROUP BY day");
    query_i64(&q, days->first_s);
    query_u64(&q, days->day_count > 0 ? days->day_count - 1 : 0);
    query_text(&q, recipient != NULL ? recipient : "");
    while (query_next(&q)) {
        uint64_t day = query_get_u64(&q, 0);
        if (day < days->day_count)
            days->nano[day] += query_get_u64(&q, 1);
    }
    return query_end(&q, "add up the ledger by day", err);
}
