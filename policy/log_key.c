#include "policy/log_key.h"

#include <stdio.h>

enum pt_code log_key_make(struct note_key *out, const struct policy *p, size_t partner,
                          enum note_kind kind, struct pt_err *err)
{
    char name[NOTE_NAME_MAX + 1];

    /* Names of a policy are lower case letters, digits, '-' and '_', at most POLICY_NAME_MAX. */
    _Static_assert(sizeof "patto//" + 2 * (size_t)POLICY_NAME_MAX <= sizeof name,
                   "a log's name fits");
    snprintf(name, sizeof name, "patto/%s/%s", p->federation, p->partners[partner].name);
    return note_key_make(out, span_z(name), kind, &p->partners[partner].node, err);
}

static bool counts(const struct policy *p, size_t owner, size_t i)
{
    return i != owner && (p->witnesses >> i & 1U) != 0;
}

size_t log_key_quorum(const struct policy *p, size_t owner)
{
    size_t others = 0;

    for (size_t i = 0; i < p->partner_count; i++)
        others += counts(p, owner, i);
    return p->witness_quorum < others ? p->witness_quorum : others;
}

size_t log_key_signed(const struct policy *p, size_t owner, const bool *by)
{
    size_t n = 0;

    for (size_t i = 0; i < p->partner_count; i++)
        n += counts(p, owner, i) && by[i];
    return n;
}
