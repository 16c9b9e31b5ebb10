/* freeze.h - one officer stops a federation: a statement about one policy, signed with the key that
 * this policy names for the officer. It stands until another version of the policy is in force.
 *
 *     patto freeze 1
 *     federation: alpine-groceries
 *     policy: sha256:9f2c...
 *     officer: freshmart
 *     at: 2026-11-26T18:05:00Z
 *     reason: a laptop with the node's backup was stolen
 *
 *     untrusted comment: ...            the four lines of a minisign signature over all lines above
 *
 * the empty line included, so that `minisign -V` verifies it as well. Everything here is public. */
#ifndef PT_FREEZE_H
#define PT_FREEZE_H

#include "policy/policy.h"

enum { FREEZE_TEXT_MAX = 2048 };

struct freeze {
    char federation[POLICY_NAME_MAX + 1];
    struct digest policy; /* hash of the file that is frozen */
    char officer[POLICY_NAME_MAX + 1];
    int64_t at_s; /* UTC, by the officer's clock */
    char reason[POLICY_TEXT_MAX + 1];
};

/* The statement's lines, to be signed. PT_ELIMIT: a reason of no or several lines. PT_ENOMEM. */
PT_MUST_USE enum pt_code freeze_print(struct buf *out, const struct freeze *f, struct pt_err *err);
/* Lines and signature as in a file. PT_EPARSE. *lines and *signature borrow from text. */
PT_MUST_USE enum pt_code freeze_parse(struct freeze *out, struct span *lines,
                                      struct span *signature, struct span text, struct pt_err *err);
/* Does one of p's officers freeze p with it? PT_EDENIED: another policy, no officer of that name, or
 * not its signature. PT_EPARSE. */
PT_MUST_USE enum pt_code freeze_check(struct freeze *out, const struct policy *p, struct span text,
                                      struct pt_err *err);

#endif
