#include "policy/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FINDINGS_MAX = 4096 };

struct lint { /* findings of one rule join the report */
    struct lint_report *report;
    const struct lint_rule *rule;
    size_t cap;
    bool no_memory;
};

const char *lint_severity_name(enum lint_severity s)
{
    static const char *const NAMES[] = {"note", "warning", "error"};

    return (size_t)s < PT_LEN(NAMES) ? NAMES[s] : "error";
}

size_t lint_rule_count(void)
{
    return LINT_FORM_COUNT + LINT_PRIVACY_COUNT + LINT_DATA_COUNT;
}

const struct lint_rule *lint_rule_at(size_t i)
{
    if (i < LINT_FORM_COUNT)
        return &LINT_FORM[i];
    i -= LINT_FORM_COUNT;
    if (i < LINT_PRIVACY_COUNT)
        return &LINT_PRIVACY[i];
    i -= LINT_PRIVACY_COUNT;
    return i < LINT_DATA_COUNT ? &LINT_DATA[i] : NULL;
}

static bool grow(struct lint *l)
{
    size_t cap = l->cap == 0 ? 32 : 2 * l->cap;
    struct lint_finding *more;

    if (l->report->count < l->cap)
        return true;
    if (cap > FINDINGS_MAX)
        return false;
    more = realloc(l->report->findings, cap * sizeof *more);
    if (more == NULL) {
        l->no_memory = true;
        return false;
    }
    l->report->findings = more;
    l->cap = cap;
    return true;
}

void lint_find(struct lint *l, uint32_t line, const char *what, ...)
{
    struct lint_report *r = l->report;
    va_list ap;

    if (!grow(l))
        return;
    struct lint_finding *f = &r->findings[r->count++];
    *f = (struct lint_finding){.rule = l->rule, .line = line};
    va_start(ap, what);
    vsnprintf(f->what, sizeof f->what, what, ap); /* may be cut, never overflows */
    va_end(ap);
    r->errors += l->rule->severity == LINT_ERROR;
    r->warnings += l->rule->severity == LINT_WARNING;
    r->notes += l->rule->severity == LINT_NOTE;
}

enum pt_code lint_run(struct lint_report *out, const struct lint_in *in, struct pt_err *err)
{
    struct lint l = {.report = out};

    *out = (struct lint_report){0};
    for (size_t i = 0; i < lint_rule_count(); i++) {
        l.rule = lint_rule_at(i);
        l.rule->test(&l, in);
    }
    return l.no_memory ? pt_fail(err, PT_ENOMEM, "lint: no memory for the findings") : PT_OK;
}

void lint_report_free(struct lint_report *r)
{
    free(r->findings);
    *r = (struct lint_report){0};
}
