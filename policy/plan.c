#include "policy/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/schema.h"

static const char *const ASKS[] = {"overlap",  "reach",    "crosstab", "profile",
                                   "affinity", "surprise", "absent",   "lift",
                                   "journey",  "bubble",   "value",    NULL};

struct reader { /* what the rows of the file share */
    struct plan *plan;
    const struct yaml_node *audiences; /* NULL: none */
};

#define AT(field) offsetof(struct plan, field)
#define OF(field) offsetof(struct plan_question, field)

static enum pt_code format_version(void *base, const struct schema_key *key,
                                   const struct schema_at *at, struct pt_err *err)
{
    uint32_t unused = 0;

    (void)base;
    return schema_u32(&unused, key, at, err);
}

/* ---- conditions ---- */

/* Into the plan's own words, each with a NUL behind. */
static enum pt_code add_where(struct plan_question *q, const struct schema_at *at,
                              struct pt_err *err)
{
    struct plan *plan = ((struct reader *)at->context)->plan;

    if (at->node->kind != YAML_SCALAR || !schema_is_line(at->node->text))
        return schema_fail(at, err, "expected a condition such as segment=loyal");
    if (q->where_count == QUESTION_FILTERS_MAX)
        return schema_fail(at, err, "more than %d conditions for one question",
                           QUESTION_FILTERS_MAX);
    q->where[q->where_count++] = plan->words.n;
    if (buf_add(&plan->words, at->node->text.p, at->node->text.n) && buf_u8(&plan->words, '\0'))
        return PT_OK;
    return pt_fail(err, PT_ENOMEM, "a plan: no memory");
}

static enum pt_code add_list(struct plan_question *q, const struct schema_at *at,
                             struct pt_err *err)
{
    enum pt_code rc = schema_list(at, 1, QUESTION_FILTERS_MAX, err);

    for (size_t i = 0; rc == PT_OK && i < at->node->child_count; i++) {
        const struct schema_at item = {&at->node->children[i], at->path, at->context};
        rc = add_where(q, &item, err);
    }
    return rc;
}

static enum pt_code read_where(void *base, const struct schema_key *key, const struct schema_at *at,
                               struct pt_err *err)
{
    (void)key;
    return add_list(base, at, err);
}

static enum pt_code read_audience(void *base, const struct schema_key *key,
                                  const struct schema_at *at, struct pt_err *err)
{
    const struct reader *r = at->context;
    const char *names[PLAN_AUDIENCES_MAX];
    char room[PLAN_AUDIENCES_MAX][POLICY_NAME_MAX + 1];
    char guess[SCHEMA_SHOWN_MAX];
    char found[SCHEMA_SHOWN_MAX];
    size_t n = 0;

    (void)key;
    for (size_t i = 0; r->audiences != NULL && i < r->audiences->child_count; i++) {
        const struct yaml_node *a = &r->audiences->children[i];
        if (at->node->kind == YAML_SCALAR && span_eq_vartime(a->key, at->node->text)) {
            const struct schema_at list = {a, at->path, at->context};
            return add_list(base, &list, err);
        }
        if (n < PLAN_AUDIENCES_MAX && text_copy(room[n], sizeof room[n], a->key)) {
            names[n] = room[n];
            n++;
        }
    }
    schema_show(found, at->node);
    schema_suggest(guess, at->node->kind == YAML_SCALAR ? at->node->text : span_z(""), names, n);
    return schema_fail(at, err, "expected a name under audiences, found %s%s", found, guess);
}

/* ---- questions ---- */

static enum pt_code read_with(void *base, const struct schema_key *key, const struct schema_at *at,
                              struct pt_err *err)
{
    struct plan_question *q = base;
    const struct yaml_node *node = at->node;
    size_t count = node->kind == YAML_LIST ? node->child_count : 1;

    (void)key;
    if (node->kind == YAML_MAP || count == 0 || count > POLICY_PARTNERS_MAX)
        return schema_fail(at, err, "expected a partner, or a list of them");
    for (size_t i = 0; i < count; i++) {
        const struct schema_at item = {node->kind == YAML_LIST ? &node->children[i] : node,
                                       at->path, at->context};
        size_t at_end = strlen(q->with);
        if (item.node->kind != YAML_SCALAR || !schema_is_name(item.node->text) ||
            item.node->text.n > POLICY_NAME_MAX)
            return schema_fail(&item, err, "expected the name of a partner");
        snprintf(q->with + at_end, sizeof q->with - at_end, "%s%.*s", i > 0 ? "," : "",
                 (int)item.node->text.n, (const char *)item.node->text.p);
    }
    return PT_OK;
}

static const struct schema_key QUESTION[] = {
    {"id", schema_name, .offset = OF(id), .max = POLICY_NAME_MAX},
    {"ask", schema_word_text, .offset = OF(ask), .max = POLICY_NAME_MAX, .words = ASKS},
    {"with", .fill = read_with},
    {"rows", schema_text, .offset = OF(rows), .max = 2 * POLICY_NAME_MAX + 1, .optional = true},
    {"columns", schema_text, .offset = OF(columns), .max = 2 * POLICY_NAME_MAX + 1,
     .optional = true},
    {"audience", .fill = read_audience, .optional = true},
    {"where", .fill = read_where, .optional = true},
    {0},
};

static enum pt_code read_questions(void *base, const struct schema_key *key,
                                   const struct schema_at *at, struct pt_err *err)
{
    struct plan *plan = base;
    char path[SCHEMA_PATH_MAX];
    char number[24];
    enum pt_code rc = schema_list(at, 1, PLAN_QUESTIONS_MAX, err);

    (void)key;
    if (rc != PT_OK)
        return rc;
    plan->questions = calloc(at->node->child_count, sizeof *plan->questions);
    if (plan->questions == NULL)
        return pt_fail(err, PT_ENOMEM, "a plan: no memory");
    for (size_t i = 0; i < at->node->child_count && rc == PT_OK; i++) {
        struct plan_question *q = &plan->questions[plan->question_count++];
        snprintf(number, sizeof number, "%zu", i);
        struct schema_at item = schema_child(path, at, &at->node->children[i], span_z(number));
        q->line = item.node->line;
        if ((rc = schema_read(q, QUESTION, &item, err)) != PT_OK)
            return rc;
        for (size_t k = 0; k < i; k++)
            if (strcmp(plan->questions[k].id, q->id) == 0)
                return schema_fail(&item, err, "id %s is taken, on line %" PRIu32, q->id,
                                   plan->questions[k].line);
    }
    return rc;
}

/* Read by the questions that name them; here only that they are lists under names. */
static enum pt_code check_audiences(void *base, const struct schema_key *key,
                                    const struct schema_at *at, struct pt_err *err)
{
    (void)base;
    (void)key;
    if (at->node->kind != YAML_MAP || at->node->child_count > PLAN_AUDIENCES_MAX)
        return schema_fail(at, err, "expected at most %d names, each with a list of conditions",
                           PLAN_AUDIENCES_MAX);
    for (size_t i = 0; i < at->node->child_count; i++) {
        const struct schema_at item = {&at->node->children[i], at->path, at->context};
        if (!schema_is_name(item.node->key))
            return schema_fail(&item, err, "expected a name of a-z, 0-9, '-' and '_'");
        if (schema_list(&item, 1, QUESTION_FILTERS_MAX, err) != PT_OK)
            return err->code;
    }
    return PT_OK;
}

static const struct schema_key PLAN[] = {
    {"patto-plan", format_version, .min = 1, .max = 1},
    {"name", schema_name, .offset = AT(name), .max = POLICY_NAME_MAX},
    {"asker", schema_name, .offset = AT(asker), .max = POLICY_NAME_MAX},
    {"budget_rho", schema_u64, .offset = AT(budget_nano), .min = 1, .max = 100000000000, .scale = 9,
     .optional = true},
    {"audiences", .fill = check_audiences, .optional = true},
    {"questions", .fill = read_questions},
    {0},
};

static enum pt_code read_plan(struct plan *p, struct span file, struct pt_err *err)
{
    struct yaml *y = NULL;
    struct reader r = {.plan = p};
    enum pt_code rc;

    if (file.n > PLAN_FILE_MAX)
        return pt_fail(err, PT_ELIMIT, "a plan of %zu bytes; at most %d are read", file.n,
                       PLAN_FILE_MAX);
    if ((rc = yaml_parse(&y, file, err)) != PT_OK)
        return rc;
    const struct schema_at root = {.node = yaml_root(y), .path = "", .context = &r};
    if (root.node->kind == YAML_MAP)
        r.audiences = yaml_get(root.node, "audiences");
    rc = schema_read(p, PLAN, &root, err);
    yaml_free(y);
    return rc;
}

enum pt_code plan_parse(struct plan **out, struct span file, struct pt_err *err)
{
    struct plan *p = calloc(1, sizeof *p);
    enum pt_code rc;

    *out = NULL;
    if (p == NULL)
        return pt_fail(err, PT_ENOMEM, "a plan: no memory");
    if ((rc = read_plan(p, file, err)) != PT_OK) {
        plan_free(p);
        return rc;
    }
    *out = p;
    return PT_OK;
}

void plan_free(struct plan *p)
{
    if (p == NULL)
        return;
    free(p->questions);
    buf_free(&p->words);
    free(p);
}

enum pt_code plan_question_make(struct question *out, const struct policy *p,
                                const struct plan *plan, const struct plan_question *q,
                                enum question_kind kind, struct pt_err *err)
{
    const char *where[QUESTION_FILTERS_MAX];
    const struct question_words words = {.kind = question_kind_name(kind),
                                         .asker = plan->asker,
                                         .with = q->with,
                                         .rows = q->rows[0] != '\0' ? q->rows : NULL,
                                         .columns = q->columns[0] != '\0' ? q->columns : NULL,
                                         .where = where,
                                         .where_count = q->where_count};

    for (size_t i = 0; i < q->where_count; i++)
        where[i] = (const char *)plan->words.p + q->where[i];
    return question_from_words(out, p, &words, err);
}
