#include "policy/quorum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/diff.h"
#include "policy/names.h"

enum { LIST_MAX = 160 };

static void add_name(char list[LIST_MAX], const char *name)
{
    size_t n = strlen(list);

    snprintf(list + n, LIST_MAX - n, "%s%s", n == 0 ? "" : ", ", name);
}

struct votes { /* how the partners of a policy have signed its file */
    char missing[LIST_MAX], wrong[LIST_MAX];
    size_t good;
};

static void count_votes(struct votes *out, const struct policy *p, struct span file,
                        const struct span *signatures)
{
    struct pt_err why = {0};

    *out = (struct votes){0};
    for (size_t i = 0; i < p->partner_count; i++) {
        const struct policy_partner *partner = &p->partners[i];
        if (signatures[i].n == 0)
            add_name(out->missing, partner->name);
        else if (minisign_verify(&partner->officer, file, signatures[i], &why) != PT_OK)
            add_name(out->wrong, partner->name);
        else
            out->good++;
    }
}

static enum pt_code refuse_votes(const struct votes *v, struct pt_err *err)
{
    return pt_fail(err, PT_EDENIED,
                   "the policy is not signed by all: %s%s%s%s%s; each officer named runs "
                   "`patto policy sign policy.yaml --key KEY --as NAME` on this very file and "
                   "sends policy.yaml.NAME.minisig",
                   v->missing[0] == '\0' ? "" : "no signature of ", v->missing,
                   v->missing[0] != '\0' && v->wrong[0] != '\0' ? "; " : "",
                   v->wrong[0] == '\0' ? "" : "not valid for this file: that of ", v->wrong);
}

enum pt_code quorum_check_signatures(const struct policy *p, struct span file,
                                     const struct span *signatures, struct pt_err *err)
{
    struct votes v;

    count_votes(&v, p, file, signatures);
    return v.missing[0] == '\0' && v.wrong[0] == '\0' ? PT_OK : refuse_votes(&v, err);
}

/* Partners of the current policy that the new one no longer names, each by its own signature. */
static enum pt_code check_leaving(size_t *good, const struct quorum_change *c, struct pt_err *err)
{
    struct pt_err why = {0};

    for (size_t i = 0; i < c->current->partner_count; i++) {
        const struct policy_partner *partner = &c->current->partners[i];
        if (policy_find_partner(c->policy, partner->name) >= 0)
            continue;
        if (c->leaving[i].n == 0 ||
            minisign_verify(&partner->officer, c->file, c->leaving[i], &why) != PT_OK)
            return pt_fail(err, PT_EDENIED,
                           "%s would leave the federation: that needs its own officer's "
                           "signature, or those of all who stay",
                           partner->name);
        (*good)++;
    }
    return PT_OK;
}

/* Nothing is wrong, something is missing, and this is why one signature is not enough. */
static enum pt_code need_all(const struct votes *v, const char *why, struct pt_err *err)
{
    return pt_fail(err, PT_EDENIED,
                   "the policy is not signed by all: no signature of %s. All are needed: %s. "
                   "`patto policy diff OLD NEW` explains, `patto policy sign` signs",
                   v->missing, why);
}

static enum pt_code check_tightening(const struct quorum_change *c, const struct votes *v,
                                     const struct diff_report *r, struct pt_err *err)
{
    char why[DIFF_PATH_MAX + 200];
    size_t good = v->good;

    for (size_t i = 0; i < r->count; i++)
        if (r->changes[i].effect != DIFF_TIGHTER) {
            const struct diff_change *first = &r->changes[i];
            snprintf(why, sizeof why, "%s, line %" PRIu32 ", is %s (%s)", first->path,
                     first->new_line != 0 ? first->new_line : first->old_line,
                     diff_effect_name(first->effect), first->reason);
            return need_all(v, why, err);
        }
    if (r->count == 0)
        return need_all(v, "nothing in it is tighter than in the policy in force", err);
    if (check_leaving(&good, c, err) != PT_OK)
        return err->code;
    if (good == 0)
        return pt_fail(err, PT_EDENIED,
                       "the policy only tightens the one in force: it needs one officer's "
                       "signature and has none: patto policy sign policy.yaml --key KEY --as NAME");
    return PT_OK;
}

enum pt_code quorum_check_change(enum quorum_by *by, const struct quorum_change *c,
                                 struct pt_err *err)
{
    const struct diff_side after = {.policy = c->policy, .file = c->file};
    const struct diff_side before = {.policy = c->current, .file = c->current_file};
    struct diff_report r = {0};
    struct votes v;
    enum pt_code rc;

    *by = QUORUM_ALL;
    count_votes(&v, c->policy, c->file, c->signatures);
    if (v.missing[0] == '\0' && v.wrong[0] == '\0')
        return PT_OK;
    if (v.wrong[0] != '\0' || c->current == NULL)
        return refuse_votes(&v, err);
    if (c->frozen)
        return need_all(&v, "the policy in force is frozen, and one officer alone does not lift it",
                        err);
    *by = QUORUM_ONE;
    if ((rc = diff_run(&r, &before, &after, err)) == PT_OK)
        rc = check_tightening(c, &v, &r, err);
    diff_report_free(&r);
    return rc;
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
                                     const struct digest *base, struct pt_err *err)
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
    if (span_eq_vartime(span_of(p->previous.b, 32), span_of(current->hash.b, 32)) ||
        (base != NULL && span_eq_vartime(span_of(p->previous.b, 32), span_of(base->b, 32))))
        return PT_OK;
    if (p->version != current->version + 1)
        return pt_fail(err, PT_EDENIED,
                       "version %" PRIu32 " is running, the file is version %" PRIu32
                       ": join the versions between one by one",
                       current->version, p->version);
    policy_hash_text(offered, &p->previous);
    return pt_fail(err, PT_EDENIED,
                   "version %" PRIu32 " names %s as the file before it, but %s is running; "
                   "all partners must start from one file",
                   p->version, offered, running);
}
