/* quorum.h - may this policy run here and now? Signatures, dates, succession.
 * Texts and the clock come in; files and keys stay outside. */
#ifndef PT_QUORUM_H
#define PT_QUORUM_H

#include "policy/policy.h"

/* signatures[i] is the text of policy.yaml.NAME.minisig for policy.partners[i], empty when absent.
 * PT_EDENIED naming every partner whose signature is missing or wrong, and how to get it. */
PT_MUST_USE enum pt_code quorum_check_signatures(const struct policy *p, struct span file,
                                                 const struct span *signatures, struct pt_err *err);
/* Who has to sign what follows a policy in force: all, unless it only tightens (diff.h). Then one
 * officer of the policy in force is enough, and whoever leaves must have signed too. */
enum quorum_by { QUORUM_ALL, QUORUM_ONE };
struct quorum_change { /* borrowed */
    const struct policy *policy;
    struct span file;
    const struct span *signatures; /* as above */
    const struct policy *current;  /* NULL: the first one here, for which all must sign */
    struct span current_file;
    /* leaving[i]: policy.yaml.NAME.minisig of current->partners[i], which the new policy no longer
     * names; empty when it does, or when there is none. */
    const struct span *leaving;
    bool frozen; /* an officer has stopped the current policy: one alone does not lift that */
};
/* PT_EDENIED as above, and why all are needed: the first change that is not tighter. A signature
 * that is there and wrong is refused in any case. PT_EPARSE, PT_ENOMEM. */
PT_MUST_USE enum pt_code quorum_check_change(enum quorum_by *by, const struct quorum_change *c,
                                             struct pt_err *err);
/* PT_EDENIED: not yet valid, or expired, with both dates. */
PT_MUST_USE enum pt_code quorum_check_dates(const struct policy *p, int64_t now_s,
                                            struct pt_err *err);
/* May p follow current (NULL: the first)? Versions only go up and name the hash before; the
 * federation stays. The same file again is PT_OK. base (NULL: none other): the last policy before
 * current that all had signed. A policy that all have signed may name that one instead, so that
 * partners who tightened it apart come together again. */
PT_MUST_USE enum pt_code quorum_check_succession(const struct policy *p,
                                                 const struct policy *current,
                                                 const struct digest *base, struct pt_err *err);

#endif
