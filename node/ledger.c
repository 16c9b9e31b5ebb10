#include "node/ledger.h"

#include "crypto/base/text.h"
#include "node/clock.h"

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

/* Questions see the reserve as spent. */
static struct budget_spent with_reserve(const struct policy *p, const struct budget_spent *spent,
                                        int64_t now_s)
{
    struct budget_spent sum;

    budget_reserve(&sum, p, LEDGER_REFRESH_RHO_NANO, now_s);
    sum.period_nano += spent->period_nano; /* sums of int64, and at most half of a cap */
    sum.today_nano += spent->today_nano;
    sum.lifetime_nano += spent->lifetime_nano;
    return sum;
}

uint64_t ledger_left(const struct policy *p, const struct budget_spent *spent, int64_t now_s)
{
    struct budget_spent all = with_reserve(p, spent, now_s);

    return budget_left(p, &all);
}

enum budget_cap ledger_binds(const struct policy *p, const struct budget_spent *spent,
                             int64_t now_s)
{
    struct budget_spent all = with_reserve(p, spent, now_s);

    return budget_binds(p, &all);
}

/* No room for a size even in the reserve: what that stops, and until when. */
static enum pt_code no_upkeep(const struct policy *p, const struct ledger_charge *c,
                              const struct budget_spent *spent, int64_t now_s, struct pt_err *err)
{
    const struct policy_privacy *caps = &p->privacy;
    char until[80] = "tomorrow (UTC)";
    char date[11];

    if (c->rho_nano + spent->period_nano > caps->budget_rho_nano) {
        clock_date(date, budget_period_end_s(p, now_s));
        snprintf(until, sizeof until, "on %s, when the next budget period begins", date);
    }
    if (c->rho_nano + spent->lifetime_nano > caps->lifetime_rho_nano)
        snprintf(until, sizeof until, "under a new policy that raises lifetime_rho");
    return pt_fail(err, PT_EDENIED,
                   "privacy.budget, line %" PRIu32 ": the budget of %s here is spent, so it cannot "
                   "be told the padded size of our data, and neither tokens nor an epoch can be "
                   "made with it; try again %s",
                   caps->budget_line, c->recipient, until);
}

static enum pt_code check_caps(const struct policy *p, const struct ledger_charge *c,
                               const struct budget_spent *spent, int64_t now_s, struct pt_err *err)
{
    struct budget_spent all = with_reserve(p, spent, now_s);
    struct pt_err without_reserve = {0};

    if (c->upkeep)
        return budget_check(p, spent, c->rho_nano, err) == PT_OK
                   ? PT_OK
                   : no_upkeep(p, c, spent, now_s, err);
    if (budget_check(p, &all, c->rho_nano, err) == PT_OK)
        return PT_OK;
    if (budget_check(p, spent, c->rho_nano, &without_reserve) == PT_OK)
        return pt_wrap(err, "beside what is kept for tokens and epochs");
    return PT_EDENIED;
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
    out->left_nano = c->upkeep ? budget_left(p, &spent) : ledger_left(p, &spent, now_s);
    if (found)
        return check_paid(out, &known, c, err);
    if (check_caps(p, c, &spent, now_s, err) != PT_OK || record(out, s, p, c, now_s, err) != PT_OK)
        return err->code;
    /* check_caps() passed, so the tightest cap holds the charge. */
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

static void asked_fact(char name[POLICY_NAME_MAX + 16], const char *owner)
{
    snprintf(name, POLICY_NAME_MAX + 16, "asked.%s", owner);
}

enum pt_code ledger_asked(uint64_t *out_nano, struct store *s, const char *owner,
                          struct pt_err *err)
{
    char name[POLICY_NAME_MAX + 16];
    struct buf value = {0};
    bool found;

    *out_nano = 0;
    asked_fact(name, owner);
    enum pt_code rc = store_fact_find(&value, &found, s, name, err);
    if (rc == PT_OK && found && !text_u64(buf_span(&value), out_nano))
        rc = pt_fail(err, PT_EIO, "state.db: \"%s\" is not as patto writes it", name);
    buf_free(&value);
    return rc;
}

enum pt_code ledger_asked_add(struct store *s, const char *owner, uint64_t charged_nano,
                              struct pt_err *err)
{
    char name[POLICY_NAME_MAX + 16];
    char text[24];
    uint64_t sum;
    enum pt_code rc;

    if (charged_nano == 0)
        return PT_OK;
    asked_fact(name, owner);
    if ((rc = store_begin(s, err)) != PT_OK)
        return rc;
    if ((rc = ledger_asked(&sum, s, owner, err)) == PT_OK) {
        sum = sum > UINT64_MAX - charged_nano ? UINT64_MAX : sum + charged_nano;
        snprintf(text, sizeof text, "%" PRIu64, sum);
        if ((rc = store_fact_put(s, name, span_z(text), err)) == PT_OK)
            rc = store_commit(s, err);
    }
    store_rollback(s);
    return rc;
}
