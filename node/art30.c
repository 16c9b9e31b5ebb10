#include "node/art30.h"

#include "crypto/base/text.h"
#include "policy/log_key.h"

#include <string.h>

static void count_kind(struct art30 *r, const struct store_event_row *row)
{
    struct art30_kind *k = NULL;

    for (size_t i = 0; i < r->kind_count && k == NULL; i++)
        if (strcmp(r->kinds[i].kind, row->kind) == 0)
            k = &r->kinds[i];
    if (k == NULL && r->kind_count == ART30_KINDS_MAX) {
        r->other_kinds++;
        return;
    }
    if (k == NULL) {
        k = &r->kinds[r->kind_count++];
        memcpy(k->kind, row->kind, sizeof k->kind);
        k->first_s = row->at_s;
    }
    k->count++;
    k->last_s = row->at_s;
}

/* Which of a partner's sums an event adds to. */
static const struct sum {
    const char *kind, *peer, *amount; /* amount NULL: only counted */
    size_t count_at, amount_at;
} SUMS[] = {
    {"answered", "recipient", NULL, offsetof(struct art30_partner, answered), 0},
    {"charge", "recipient", "rho", SIZE_MAX, offsetof(struct art30_partner, charged_nano)},
    {"received", "with", "charged", SIZE_MAX, offsetof(struct art30_partner, paid_nano)},
    {"asked", "with", NULL, offsetof(struct art30_partner, asked), 0},
    {"evaluate", "peer", NULL, offsetof(struct art30_partner, token_batches), 0},
};

static uint64_t *field_at(struct art30_partner *p, size_t at)
{
    return (uint64_t *)(void *)((uint8_t *)p + at);
}

static void add_to(struct art30_partner *p, const struct sum *s, const char *fields)
{
    char amount[AUDIT_VALUE_MAX];
    uint64_t nano = 0;
    bool found;

    if (s->count_at != SIZE_MAX)
        ++*field_at(p, s->count_at);
    if (s->amount == NULL)
        return;
    audit_field(amount, &found, fields, s->amount);
    if (found && text_decimal(span_z(amount), 9, &nano))
        *field_at(p, s->amount_at) += nano;
}

static enum pt_code on_event(void *self, const struct store_event_row *row, struct pt_err *err)
{
    struct art30 *r = self;
    char name[AUDIT_VALUE_MAX];
    bool found;

    (void)err;
    if (row->at_s < r->since_s)
        return PT_OK;
    r->events++;
    count_kind(r, row);
    for (size_t i = 0; i < PT_LEN(SUMS); i++) {
        if (strcmp(row->kind, SUMS[i].kind) != 0)
            continue;
        audit_field(name, &found, row->fields, SUMS[i].peer);
        for (size_t j = 0; found && j < r->partner_count; j++)
            if (strcmp(r->partners[j].name, name) == 0)
                add_to(&r->partners[j], &SUMS[i], row->fields);
    }
    return PT_OK;
}

static enum pt_code read_checkpoint(struct art30 *r, const struct audit *a, struct pt_err *err)
{
    struct translog *log = NULL;
    struct buf note = {0};
    struct note_key key;
    const struct checkpoint_trust trust = {.log = &key};
    enum pt_code rc;

    if ((rc = store_event_verify(&r->head, a->store, err)) == PT_OK &&
        (rc = translog_open(&log, a->home, a->store, err)) == PT_OK &&
        (rc = log_key_make(&key, a->home->policy, a->home->self, NOTE_ED25519, err)) == PT_OK &&
        (rc = translog_read(&note, &r->published, log, err)) == PT_OK && r->published)
        rc = checkpoint_open(&r->checkpoint, NULL, buf_span(&note), &trust, err);
    buf_free(&note);
    translog_close(log);
    return rc;
}

enum pt_code art30_gather(struct art30 *out, const struct audit *a, int64_t since_s,
                          struct pt_err *err)
{
    const struct policy *p = a->home->policy;
    enum pt_code rc;

    *out = (struct art30){.since_s = since_s};
    for (size_t i = 0; i < p->partner_count && out->partner_count < ART30_PARTNERS_MAX; i++)
        if (i != a->home->self)
            out->partners[out->partner_count++] = (struct art30_partner){
                .name = p->partners[i].name, .neutral = p->partners[i].neutral};
    if ((rc = read_checkpoint(out, a, err)) != PT_OK)
        return rc;
    return audit_each(a, 0, on_event, out, err);
}
