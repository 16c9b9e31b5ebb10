/* lint.h - what a privacy officer should look at twice before signing: rules in a table, findings
 * with the line and the actual numbers. A policy with findings is a valid policy; signing is the
 * officer's. No files and no clock: signatures and the time come in. */
#ifndef PT_LINT_H
#define PT_LINT_H

#include "policy/policy.h"

enum { LINT_WORDS_MAX = 400 };
enum lint_severity { LINT_NOTE, LINT_WARNING, LINT_ERROR };
const char *lint_severity_name(enum lint_severity s); /* "warning" */

struct lint_in { /* borrowed */
    const struct policy *policy;
    struct span file;
    const struct span *signatures; /* by partner; NULL: not looked at */
    int64_t now_s;
};
struct lint;
struct lint_rule {
    const char *id; /* "P020" */
    enum lint_severity severity;
    const char *title; /* a line: what the rule is about */
    void (*test)(struct lint *l, const struct lint_in *in);
    const char *advice; /* what to write instead */
    const char *source; /* where the rule comes from */
};
/* The table, in three files: what is formal, what is lost of privacy, what is told of people. */
extern const struct lint_rule *const LINT_FORM, *const LINT_PRIVACY, *const LINT_DATA;
extern const size_t LINT_FORM_COUNT, LINT_PRIVACY_COUNT, LINT_DATA_COUNT;
size_t lint_rule_count(void); /* by id */
const struct lint_rule *lint_rule_at(size_t i);

struct lint_finding {
    const struct lint_rule *rule;
    uint32_t line; /* of the policy; 0: the file as a whole */
    char what[LINT_WORDS_MAX];
};
struct lint_report { /* by rule, then by line as found */
    struct lint_finding *findings;
    size_t count;
    size_t errors, warnings, notes;
};
/* Run every rule. PT_ENOMEM. Free with lint_report_free(), also after failure. */
PT_MUST_USE enum pt_code lint_run(struct lint_report *out, const struct lint_in *in,
                                  struct pt_err *err);
void lint_report_free(struct lint_report *r);

/* For rules: one finding of the rule under test. */
PT_PRINTF(3, 4) void lint_find(struct lint *l, uint32_t line, const char *what, ...);

#endif
