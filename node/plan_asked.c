#include "node/plan_asked.h"

#include "crypto/base/text.h"
#include "node/audit.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400 };

struct span_of_time {
    int64_t period_s, today_s; /* their first seconds */
};

static void add(struct budget_spent *to, uint64_t nano, int64_t at_s, const struct span_of_time *t)
{
    to->lifetime_nano += nano;
    if (at_s >= t->period_s)
        to->period_nano += nano;
    if (at_s >= t->today_s)
        to->today_nano += nano;
}

static void look_at(struct budget_spent *out, const struct policy *p,
                    const struct store_event_row *row, const struct span_of_time *t)
{
    char name[AUDIT_VALUE_MAX];
    char amount[AUDIT_VALUE_MAX];
    uint64_t nano = 0;
    bool found;

    if (strcmp(row->kind, "received") != 0)
        return;
    audit_field(name, &found, row->fields, "with");
    audit_field(amount, &found, row->fields, "charged");
    if (!found || !text_decimal(span_z(amount), 9, &nano))
        return;
    for (size_t i = 0; i < p->partner_count && i < PLAN_ASKED_MAX; i++)
        if (strcmp(p->partners[i].name, name) == 0)
            add(&out[i], nano, row->at_s, t);
}

enum pt_code plan_asked_read(struct budget_spent out[PLAN_ASKED_MAX], struct store *s,
                             const struct policy *p, int64_t now_s, struct pt_err *err)
{
    const struct span_of_time t = {budget_period_start_s(p, now_s), now_s - now_s % DAY_S};
    struct store_event_row *row = calloc(1, sizeof *row);
    bool found = true;
    enum pt_code rc = PT_OK;

    memset(out, 0, PLAN_ASKED_MAX * sizeof *out);
    if (row == NULL)
        return pt_fail(err, PT_ENOMEM, "reading what was asked: no memory");
    while ((rc = store_event_next(row, &found, s, row->sequence, err)) == PT_OK && found)
        look_at(out, p, row, &t);
    free(row);
    return rc;
}
