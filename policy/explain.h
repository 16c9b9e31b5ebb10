/* explain.h - a policy in sentences: who may learn what about whom, at what price, what never, and
 * what happens when it ends. In English and Italian, each sentence with the lines of the file that
 * it comes from. No files, no clock. */
#ifndef PT_EXPLAIN_H
#define PT_EXPLAIN_H

#include "policy/policy.h"

enum explain_language { EXPLAIN_EN, EXPLAIN_IT, EXPLAIN_LANGUAGES };
enum explain_section {
    EXPLAIN_WHO,
    EXPLAIN_WHY,
    EXPLAIN_DATA,
    EXPLAIN_ASK,
    EXPLAIN_NEVER,
    EXPLAIN_BUDGET,
    EXPLAIN_MATCH,
    EXPLAIN_TRUST,
    EXPLAIN_TIME,
    EXPLAIN_RECORD,
    EXPLAIN_SECTIONS
};
enum { EXPLAIN_LINES_MAX = 6, EXPLAIN_ARGS_MAX = 8 };

struct explain_in { /* borrowed */
    const struct policy *policy;
    struct span file; /* that it was parsed from */
    enum explain_language language;
    int partner; /* whose view: what it may learn, and others about its customers; -1: all */
};
struct explain_sentence {
    enum explain_section section;
    char *text; /* UTF-8, one line */
    uint32_t lines[EXPLAIN_LINES_MAX];
    size_t line_count; /* at least one */
};
struct explain {
    struct explain_sentence *sentences; /* in reading order */
    size_t count;
};
/* PT_EPARSE (never for a file that policy_parse() took), PT_ENOMEM. Free also after failure. */
PT_MUST_USE enum pt_code explain_run(struct explain *out, const struct explain_in *in,
                                     struct pt_err *err);
void explain_free(struct explain *e);
const char *explain_section_title(enum explain_section s, enum explain_language l);

/* ---- the words: explain_words.c ---- */

enum explain_id { /* one sentence each */
#define EXPLAIN(id, en, it) SAY_##id,
#include "policy/explain_words.inc"
#undef EXPLAIN
                  SAY_COUNT
};
/* "{1} takes part ..."; {1}..{8} are arguments. */
const char *explain_template(enum explain_id id, enum explain_language l);
/* A word of the policy file, such as a purpose; itself when there is no other name for it. */
const char *explain_word(const char *word, enum explain_language l);

#endif
