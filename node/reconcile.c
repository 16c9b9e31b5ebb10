#include "node/reconcile.h"

#include "crypto/base/text.h"
#include "node/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Events about a question, and what their amount is called. */
enum role { ASKED, PAID, CHARGED };
static const struct event_kind {
    const char *kind, *peer, *amount;
    enum role role;
} KINDS[] = {
    {"asked", "with", "rho", ASKED},
    {"received", "with", "charged", PAID},
    {"charge", "recipient", "rho", CHARGED},
};

void reconcile_free(struct reconcile *r)
{
    free(r->lines);
    free(r->slots);
    *r = (struct reconcile){0};
}

bool reconcile_bad(enum reconcile_verdict v)
{
    return v == RECONCILE_MISSING || v == RECONCILE_AMOUNT;
}

const char *reconcile_name(enum reconcile_verdict v)
{
    static const char *const NAMES[] = {"equal", "never charged", "newer than the export",
                                        "MISSING ON ONE SIDE", "AMOUNTS DIFFER"};
    return NAMES[v];
}

/* Slots of the index hold a line's number plus one. Ids are digests: any eight bytes of one are as
 * good as a hash of it, and a partner who makes them collide slows its own comparison down. */
static size_t slot_of(const struct reconcile *r, const struct digest *id, bool ours)
{
    size_t at = (size_t)(load_u64le(id->b) + ours) & (r->slot_count - 1);

    for (; r->slots[at] != 0; at = (at + 1) & (r->slot_count - 1)) {
        const struct reconcile_line *l = &r->lines[r->slots[at] - 1];
        if (l->ours == ours && memcmp(l->id.b, id->b, sizeof id->b) == 0)
            break;
    }
    return at;
}

/* Twice as many lines, and four slots to a line. */
static bool grow(struct reconcile *r)
{
    size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
    struct reconcile_line *more = reallocarray(r->lines, cap, sizeof *more);

    if (more == NULL)
        return false;
    r->lines = more;
    size_t *slots = calloc(4 * cap, sizeof *slots);
    if (slots == NULL)
        return false;
    free(r->slots);
    r->slots = slots;
    r->slot_count = 4 * cap;
    r->cap = cap;
    for (size_t i = 0; i < r->count; i++)
        r->slots[slot_of(r, &r->lines[i].id, r->lines[i].ours)] = i + 1;
    return true;
}

static struct reconcile_line *line_of(struct reconcile *r, const struct digest *id, bool we_asked)
{
    if (r->count == r->cap && !grow(r))
        return NULL;
    size_t at = slot_of(r, id, we_asked);
    if (r->slots[at] != 0)
        return &r->lines[r->slots[at] - 1];
    r->lines[r->count] = (struct reconcile_line){.id = *id, .ours = we_asked};
    r->slots[at] = ++r->count;
    return &r->lines[r->count - 1];
}

struct seen { /* one event, read */
    const struct event_kind *kind;
    struct digest id;
    char what[AUDIT_VALUE_MAX];
    uint64_t nano, position;
};

static bool read_fields(struct seen *s, const struct store_event_row *row)
{
    char amount[AUDIT_VALUE_MAX];
    char question[AUDIT_VALUE_MAX];
    char position[AUDIT_VALUE_MAX];
    bool found[3];
    bool told;

    audit_field(question, &found[0], row->fields, "question");
    audit_field(s->what, &found[1], row->fields, "kind");
    audit_field(amount, &found[2], row->fields, s->kind->amount);
    audit_field(position, &told, row->fields, "position");
    if (told && !text_u64(span_z(position), &s->position))
        return false;
    return found[0] && found[1] && found[2] &&
           text_unhex(s->id.b, sizeof s->id.b, span_z(question)) && strlen(s->what) <= 16 &&
           text_decimal(span_z(amount), 9, &s->nano) && s->nano <= INT64_MAX;
}

static const struct event_kind *kind_of(const struct store_event_row *row, const char *peer)
{
    char who[AUDIT_VALUE_MAX];
    bool found;

    for (size_t i = 0; i < PT_LEN(KINDS); i++) {
        if (strcmp(row->kind, KINDS[i].kind) != 0)
            continue;
        audit_field(who, &found, row->fields, KINDS[i].peer);
        return found && strcmp(who, peer) == 0 ? &KINDS[i] : NULL;
    }
    return NULL;
}

/* Charges for padded sizes are no questions: whoever reads the size does not ask for it. */
static bool is_question(const char *kind)
{
    return strcmp(kind, "batch") != 0 && strcmp(kind, "size") != 0;
}

static void note(struct reconcile_line *l, const struct seen *s, const struct store_event_row *row,
                 bool ours)
{
    uint64_t *event = ours ? &l->our_event : &l->their_event;

    if (*event == 0)
        *event = row->sequence;
    if (l->at_s == 0 || (ours && l->at_s > row->at_s))
        l->at_s = row->at_s;
    (void)text_copy(l->kind, sizeof l->kind, span_z(s->what));
    switch (s->kind->role) {
    case ASKED: /* each time with the same price, which the policy sets */
        l->asked = true;
        l->asked_nano = s->nano;
        break;
    case PAID:
        l->paid = l->paid || s->nano > 0;
        l->paid_nano += s->nano;
        if (l->their_position == 0)
            l->their_position = s->position;
        break;
    case CHARGED:
        l->charged = true;
        l->charged_nano += s->nano;
        break;
    }
}

enum pt_code reconcile_add(struct reconcile *r, const struct store_event_row *row, bool ours,
                           const char *peer, struct pt_err *err)
{
    struct seen s = {.kind = kind_of(row, peer)};
    struct reconcile_line *l;

    if (s.kind == NULL)
        return PT_OK;
    if (!read_fields(&s, row))
        return pt_fail(err, PT_EBADMSG, "event %" PRIu64 " of the %s record cannot be read",
                       row->sequence, ours ? "own" : "partner's");
    if (!is_question(s.what))
        return PT_OK;
    /* The asker writes "asked" and "received", the owner "charge". */
    l = line_of(r, &s.id, ours == (s.kind->role != CHARGED));
    if (l == NULL)
        return pt_fail(err, PT_ENOMEM, "comparing records: no memory");
    note(l, &s, row, ours);
    return PT_OK;
}

/* Whoever charged us told where in its log: if it has shown that much, the charge must be there.
 * Without that only its clock is left. */
static bool is_newer(const struct reconcile_line *l, struct reconcile_shown shown)
{
    if (l->our_event == 0 || l->their_event != 0)
        return false;
    return l->their_position > 0 ? l->their_position > shown.entries : l->at_s > shown.until_s;
}

static enum reconcile_verdict judge(const struct reconcile_line *l, struct reconcile_shown shown)
{
    if (l->charged && l->asked && l->charged_nano != l->asked_nano)
        return RECONCILE_AMOUNT;
    if (l->charged && l->paid && l->charged_nano != l->paid_nano)
        return RECONCILE_AMOUNT;
    if (l->charged && l->asked)
        return RECONCILE_EQUAL;
    /* Paid or charged, and the other side has nothing that answers to it. */
    if (is_newer(l, shown))
        return RECONCILE_NEWER;
    if (l->charged || l->paid)
        return RECONCILE_MISSING;
    return RECONCILE_FREE;
}

void reconcile_judge(struct reconcile *r, struct reconcile_shown shown)
{
    for (size_t i = 0; i < r->count; i++)
        r->lines[i].verdict = judge(&r->lines[i], shown);
}
