#include "node/question_log.h"

#include "crypto/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct words { /* how one kind of event is written */
    const char *event, *peer, *amount, *outcome;
};

static enum pt_code write_event(struct store *s, const struct words *w,
                                const struct question_note *n, int64_t now_s, struct pt_err *err)
{
    struct store_place place;
    char fields[512];
    char id[65];
    char rho[32];

    text_hex(id, n->id.b, sizeof n->id.b);
    text_put_decimal(rho, n->rho_nano, 9);
    snprintf(fields, sizeof fields, "kind=%s %s=%s question=%s %s=%s%s%s", n->kind, w->peer,
             n->peer, id, w->amount, rho, w->outcome != NULL ? " outcome=" : "",
             w->outcome != NULL ? w->outcome : "");
    if (n->position > 0)
        snprintf(fields + strlen(fields), sizeof fields - strlen(fields), " position=%" PRIu64,
                 n->position);
    return store_event(&place, s, w->event, fields, now_s, err);
}

enum pt_code question_log_asked(struct store *s, const struct question_note *n, int64_t now_s,
                                struct pt_err *err)
{
    static const struct words WORDS = {.event = "asked", .peer = "with", .amount = "rho"};

    return write_event(s, &WORDS, n, now_s, err);
}

enum pt_code question_log_received(struct store *s, const struct question_note *n, bool answered,
                                   int64_t now_s, struct pt_err *err)
{
    const struct words words = {.event = "received",
                                .peer = "with",
                                .amount = "charged",
                                .outcome = answered ? "answered" : "refused"};

    return write_event(s, &words, n, now_s, err);
}

enum pt_code question_log_answered(struct store *s, const struct question_note *n, bool answered,
                                   int64_t now_s, struct pt_err *err)
{
    const struct words words = {.event = "answered",
                                .peer = "recipient",
                                .amount = "charged",
                                .outcome = answered ? "answered" : "refused"};

    return write_event(s, &words, n, now_s, err);
}

/* Who is refused can come back at once, and would fill the disk with the record of it. */
enum pt_code question_log_refused(struct store *s, const struct question_refusal *r, int64_t now_s,
                                  struct pt_err *err)
{
    const struct store_quota quota = {
        .what = "refusals", .peer = r->peer, .count = 1, .limit = QUESTION_LOG_REFUSALS_A_DAY};
    struct store_place place;
    char fields[256];
    uint64_t used;
    enum pt_code rc = store_quota_take(&used, s, &quota, now_s, err);

    if (rc != PT_OK)
        return rc == PT_ELIMIT ? PT_OK : rc;
    snprintf(fields, sizeof fields, "peer=%s what=%s reason=%s%s", r->peer, r->what, r->reason,
             used == QUESTION_LOG_REFUSALS_A_DAY ? " more=uncounted" : "");
    return store_event(&place, s, "refused", fields, now_s, err);
}
