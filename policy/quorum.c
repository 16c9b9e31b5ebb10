#include "policy/quorum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/names.h"

enum { LIST_MAX = 160 };

static void add_name(char list[LIST_MAX], const char *name)
{
    size_t n = strlen(list);

    snprintf(list + n, LIST_MAX - n, "%s%s", n == 0 ? "" : ", ", name);
}

enum pt_code quorum_check_signatures(const struct policy *p, struct span file,
                                     const struct span *signatures, struct pt_err *err)
{
    char missing[LIST_MAX] = "";
    char wrong[LIST_MAX] = "";
    struct pt_err why = {0};

    for (size_t i = 0; i < p->partner_count; i++) {
        const struct policy_partner *partner = &p->partners[i];
        if (signatures[i].n == 0)
            add_name(missing, partner->name);
        else if (minisign_verify(&partner->officer, file, signatures[i], &why) != PT_OK)
            add_name(wrong, partner->name);
    }
    if (missing[0] == '\0' && wrong[0] == '\0')
        return PT_OK;
    return pt_fail(err, PT_EDENIED,
                   "the policy is not signed by all: %s%s%s%s%s; each officer named runs "
                   "`patto policy sign policy.yaml --key KEY --as NAME` on this very file and "
                   "sends policy.yaml.NAME.minisig",
                   missing[0] == '\0' ? "" : "no signature of ", missing,
                   missing[0] != '\0' && wrong[0] != '\0' ? "; " : "",
                   wrong[0] == '\0' ? "" : "not valid for this file: that of ", wrong);
}

enum pt_code quorum_check_dates(const struct policy *p, int64_t now_s, struct pt_err *err)
{
    char from[NAMES_DATE_BYTES];
    char until[NAMES_DATE_BYTES];

    if (now_s >= p->valid_from_s && now_s < p->valid_until_s)
        return PT_OK;
    names_print_date(from, p->valid_from_s);
    names_print_date(until, p->valid_until_s - 1);
    return pt_fail(err, PT_EDENIED,
                   "valid, line %" PRIu32 ": the policy is in force from %s until %s (UTC) and %s",
                   p->valid_line, from, until,
                   now_s < p->valid_from_s ? "has not begun; wait, or check this machine's clock"
                                           : "has expired; agree on the next version and sign it");
}

enum pt_code quorum_check_succession(const struct policy *p, const struct policy *current,
                                     struct pt_err *err)
{
    char running[72];
    char offered[72];

    if (current == NULL || span_eq_vartime(span_of(p->hash.b, 32), span_of(current->hash.b, 32)))
        return PT_OK;
    policy_hash_text(running, &current->hash);
    policy_hash_text(offered, &p->hash);
    if (strcmp(p->federation, current->federation) != 0)
        return pt_fail(err, PT_EDENIED,
                       "this home belongs to federation %s, the file to %s; a home of its own is "
                       "needed: `patto init`",
                       current->federation, p->federation);
    if (p->version < current->version)
        return pt_fail(err, PT_EDENIED,
                       "downgrade refused: version %" PRIu32 " is running, the file is version "
                       "%" PRIu32 "; to go back, sign its content as version %" PRIu32,
                       current->version, p->version, current->version + 1);
    if (p->version == current->version)
        return pt_fail(err, PT_EDENIED,
                       "two files of version %" PRIu32 ": %s is running, %s is offered; give the "
                       "changed one version %" PRIu32 " and previous: %s, and sign it anew",
                       p->version, running, offered, p->version + 1, running);
    if (p->version != current->version + 1)
        return pt_fail(err, PT_EDENIED,
                       "version %" PRIu32 " is running, the file is version %" PRIu32
                       ": join the versions between one by one",
                       current->version, p->version);
    if (!span_eq_vartime(span_of(p->previous.b, 32), span_of(current->hash.b, 32))) {
        policy_hash_text(offered, &p->previous);
        return pt_fail(err, PT_EDENIED,
                       "version %" PRIu32 " names %s as the file before it, but %s is running; "
                       "all partners must start from one file",
                       p->version, offered, running);
    }
    return PT_OK;
}
