#include "node/ledger.h"

#include "crypto/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400 };

static int64_t day_start_s(int64_t now_s)
{
    int64_t into = now_s % DAY_S;

    return now_s - (into < 0 ? into + DAY_S : into);
}

enum pt_code ledger_spent(struct budget_spent *out, struct store *s, const struct policy *p,
                          const char *recipient, int64_t now_s, struct pt_err *err)
{
    int64_t period_s = budget_period_start_s(p, now_s);

    *out = (struct budget_spent){0};
    if (store_charge_sum(&out->period_nano, s, recipient, period_s, err) != PT_OK ||
        store_charge_sum(&out->today_nano, s, recipient, day_start_s(now_s), err) != PT_OK ||
        store_charge_sum(&out->lifetime_nano, s, recipient, INT64_MIN, err) != PT_OK) {
        *out = (struct budget_spent){0};
        return err->code;
    }
    return PT_OK;
}

/* Known id: the same recipient, kind and price, or somebody computes ids wrongly. */
static enum pt_code check_paid(struct ledger_result *out, const struct store_charge *known,
                               const struct ledger_charge *c, struct pt_err *err)
{
    if (strcmp(known->recipient, c->recipient) != 0 || strcmp(known->kind, c->kind) != 0 ||
        known->rho_nano != c->rho_nano)
        return pt_fail(err, PT_EBUG,
                       "the ledger knows this question id with another recipient, kind or price");
    out->already_paid = true;
    out->event = known->event;
    return PT_OK;
}

static enum pt_code record(struct ledger_result *out, struct store *s, const struct policy *p,
                           const struct ledger_charge *c, int64_t now_s, struct pt_err *err)
{
    struct store_charge row = {.question_id = c->question_id,
                               .epoch = c->epoch,
                               .rho_nano = c->rho_nano,
                               .charged_at_s = now_s,
                               .policy = p->hash};
    char fields[512];
    char id[65];
    char rho[32];

    if (!text_copy(row.recipient, sizeof row.recipient, span_z(c->recipient)) ||
        !text_copy(row.kind, sizeof row.kind, span_z(c->kind)))
        return pt_fail(err, PT_EBUG, "a charge for a name or kind that is too long");
    text_hex(id, c->question_id.b, sizeof c->question_id.b);
    text_put_decimal(rho, c->rho_nano, 9);
    snprintf(fields, sizeof fields,
             "kind=%s recipient=%s rho=%s question=%s policy-version=%" PRIu32, row.kind,
             row.recipient, rho, id, p->version);
    if (store_event(&row.event, s, "charge", fields, now_s, err) != PT_OK ||
        store_charge_insert(s, &row, c->question, err) != PT_OK)
        return err->code;
    out->charged_nano = c->rho_nano;
    out->event = row.event;
    return PT_OK;
}

/* Inside the transaction. */
static enum pt_code charge(struct ledger_result *out, struct store *s, const struct policy *p,
                           const struct ledger_charge *c, int64_t now_s, struct pt_err *err)
{
    struct store_charge known;
    struct budget_spent spent;
    bool found;

    if (store_charge_find(&known, &found, s, &c->question_id, err) != PT_OK ||
        ledger_spent(&spent, s, p, c->recipient, now_s, err) != PT_OK)
        return err->code;
    out->left_nano = budget_left(p, &spent);
    if (found)
        return check_paid(out, &known, c, err);
    if (budget_check(p, &spent, c->rho_nano, err) != PT_OK ||
        record(out, s, p, c, now_s, err) != PT_OK)
        return err->code;
    /* budget_check() passed, so the tightest cap holds the charge. */
    out->left_nano -= c->rho_nano;
    return PT_OK;
}

enum pt_code ledger_charge(struct ledger_result *out, struct store *s, const struct policy *p,
                           const struct ledger_charge *c, int64_t now_s, struct pt_err *err)
{
    enum pt_code rc;

    *out = (struct ledger_result){0};
    if (store_begin(s, err) != PT_OK)
        return pt_wrap(err, "ledger");
    if ((rc = charge(out, s, p, c, now_s, err)) == PT_OK)
        rc = store_commit(s, err);
    else
        store_rollback(s);
    if (rc == PT_OK)
        return PT_OK;
    *out = (struct ledger_result){0};
    return rc == PT_EDENIED ? rc : pt_wrap(err, "ledger");
}
