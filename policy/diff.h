/* diff.h - what changes between two versions of a policy, and for whom: each change is tighter,
 * looser or neutral, with the reason.
 *
 * The walk goes over both files key by key, by a table of what each key does. It fails closed: a
 * key that the table does not know, or a change that cannot be ordered, is looser. Tighter means
 * that no partner, in no sequence of questions, can learn more under the new policy than under
 * the old. Notes: version and previous always differ and are no change; comments are none. */
#ifndef PT_DIFF_H
#define PT_DIFF_H

#include "policy/policy.h"
#include "policy/yaml.h"

enum { DIFF_PATH_MAX = 200, DIFF_SHOWN_MAX = 72 };
enum diff_effect { DIFF_NEUTRAL, DIFF_TIGHTER, DIFF_LOOSER };
const char *diff_effect_name(enum diff_effect e); /* "tighter" */

struct diff_side { /* a policy and the bytes that it was read from; borrowed */
    const struct policy *policy;
    struct span file;
};
struct diff_change {
    enum diff_effect effect;
    char path[DIFF_PATH_MAX];                           /* "privacy.minimum_count" */
    char before[DIFF_SHOWN_MAX], after[DIFF_SHOWN_MAX]; /* cut; empty: it was not there */
    const char *reason;
    uint32_t old_line, new_line; /* 0: it is not in that file */
};
struct diff_report { /* in the order of the files */
    struct diff_change *changes;
    size_t count, tighter, looser, neutral;
};
/* PT_EPARSE, PT_ENOMEM. Free with diff_report_free(), also after failure. */
PT_MUST_USE enum pt_code diff_run(struct diff_report *out, const struct diff_side *before,
                                  const struct diff_side *after, struct pt_err *err);
void diff_report_free(struct diff_report *r);
/* Something changed, and nothing of it is looser or neutral. */
bool diff_only_tighter(const struct diff_report *r);

/* ---- for the table in diff_rules.c ---- */

struct diff { /* one comparison at work */
    const struct diff_side *before, *after;
    struct diff_report *report;
    size_t cap;
    bool no_memory;
};
struct diff_at { /* a place in both files; a node is NULL where there is none */
    const struct yaml_node *before, *after;
    char path[DIFF_PATH_MAX];
    char pattern[DIFF_PATH_MAX]; /* the path with '*' for names of the policy's own */
};
struct diff_rule {
    const char *pattern;
    void (*compare)(struct diff *d, const struct diff_rule *r, const struct diff_at *at);
    enum diff_effect more, less; /* a number that grows or falls, what is added or taken away */
    const char *more_reason, *less_reason;
    const char *preset; /* what holds when the key is left out; NULL: nothing does */
    unsigned scale;     /* numbers: digits after the point */
};
extern const struct diff_rule *const DIFF_RULES;
extern const size_t DIFF_RULE_COUNT;
/* NULL: the table does not know such a key. */
const struct diff_rule *diff_rule_find(const char *pattern);

void diff_walk(struct diff *d, const struct diff_at *at);
/* The child of that key, on either side; named: the key is a name of the policy's own. */
void diff_child(struct diff_at *out, const struct diff_at *at, struct span key, bool named);
void diff_add(struct diff *d, enum diff_effect effect, const char *reason, const char *path,
              const struct yaml_node *before, const struct yaml_node *after);
/* A scalar's characters, a list's items between brackets; cut at the size of out. */
void diff_show(char out[DIFF_SHOWN_MAX], const struct yaml_node *node);

#endif
