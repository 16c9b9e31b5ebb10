/* policy_file.h - a policy file and the signatures beside it, read and not yet judged. */
#ifndef PT_POLICY_FILE_H
#define PT_POLICY_FILE_H

#include "policy/policy.h"

enum { POLICY_FILE_SIGNERS = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX };

struct policy_file {  /* {0} is a valid empty one */
    const char *path; /* borrowed */
    struct policy *policy;
    struct buf file;
    struct buf texts[POLICY_FILE_SIGNERS];
    struct span signatures[POLICY_FILE_SIGNERS]; /* by partner; empty: there is none */
    size_t signature_count;
};
/* PATH and PATH.NAME.minisig for every partner, as far as they are there. PT_EIO, PT_EPARSE. */
PT_MUST_USE enum pt_code policy_file_load(struct policy_file *out, const char *path,
                                          struct pt_err *err);
/* The signatures beside f's file of partners of `before` that f no longer names: whoever leaves says so
 * itself. out: by partner of before, empty where there is none; texts own them. */
PT_MUST_USE enum pt_code policy_file_leaving(struct buf texts[POLICY_FILE_SIGNERS],
                                             struct span out[POLICY_FILE_SIGNERS],
                                             const struct policy_file *f,
                                             const struct policy *before, struct pt_err *err);
void policy_file_free(struct policy_file *f);

#endif
