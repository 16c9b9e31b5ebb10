#include "node/question_log.h"

#include "crypto/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct words { /* how one kind of event is written */
    const char *event, *peer, *amount, *outcome;
};

static bool print_made(struct buf *out, const struct question_made *m)
{
    const struct {
        const char *name;
        const struct digest *value;
    } rows[] = {{"policy", &m->policy},
                {"dataset", &m->dataset},
                {"asker_dataset", &m->asker_dataset},
                {"answer", &m->answer}};
    char hex[65];
    bool good = buf_printf(out, " epoch=%" PRIu64 " build=%s", m->epoch, m->build);

    for (size_t i = 0; good && i < PT_LEN(rows); i++) {
        text_hex(hex, rows[i].value->b, sizeof rows[i].value->b);
        good = buf_printf(out, " %s=%s", rows[i].name, hex);
    }
    return good;
}

static enum pt_code write_event(struct store *s, const struct words *w,
                                const struct question_note *n, int64_t now_s, struct pt_err *err)
{
    struct store_place place;
    struct buf fields = {0};
    char id[65];
    char rho[32];
    enum pt_code rc;

    text_hex(id, n->id.b, sizeof n->id.b);
    text_put_decimal(rho, n->rho_nano, 9);
    bool good = buf_printf(&fields, "kind=%s %s=%s question=%s %s=%s%s%s", n->kind, w->peer,
                           n->peer, id, w->amount, rho, w->outcome != NULL ? " outcome=" : "",
                           w->outcome != NULL ? w->outcome : "");
    if (n->position > 0)
        good = good && buf_printf(&fields, " position=%" PRIu64, n->position);
    if (n->made != NULL)
        good = good && print_made(&fields, n->made);
    good = good && buf_u8(&fields, '\0');
    rc = good ? store_event(&place, s, w->event, (const char *)fields.p, now_s, err)
              : pt_fail(err, PT_ENOMEM, "a question's event: no memory");
    buf_free(&fields);
    return rc;
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
