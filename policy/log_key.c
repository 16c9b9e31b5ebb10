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
