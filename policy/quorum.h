/* quorum.h - may this policy run here and now? Signatures, dates, succession.
 * Texts and the clock come in; files and keys stay outside. */
#ifndef PT_QUORUM_H
#define PT_QUORUM_H

#include "policy/policy.h"

/* signatures[i] is the text of policy.yaml.NAME.minisig for policy.partners[i], empty when absent.
 * PT_EDENIED naming every partner whose signature is missing or wrong, and how to get it. */
PT_MUST_USE enum pt_code quorum_check_signatures(const struct policy *p, struct span file,
                                                 const struct span *signatures, struct pt_err *err);
/* PT_EDENIED: not yet valid, or expired, with both dates. */
PT_MUST_USE enum pt_code quorum_check_dates(const struct policy *p, int64_t now_s,
                                            struct pt_err *err);
/* May p follow current (NULL: the first)? Versions only go up by one and name the hash before;
 * the federation stays. The same file again is PT_OK. */
PT_MUST_USE enum pt_code quorum_check_succession(const struct policy *p,
                                                 const struct policy *current, struct pt_err *err);

#endif
