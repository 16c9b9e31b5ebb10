/* A number's sum and mean by groups as an answer: answer_fill_value(). */
#include "proto/answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/value.h"

static const struct policy_attribute *groups_of(const struct policy *p, const struct question *q)
{
    return &p->partners[q->asker].attributes[q->rows];
}

enum pt_code answer_label_value(struct answer *a, const struct policy *p, const struct question *q,
                                struct pt_err *err)
{
    const struct policy_attribute *groups = groups_of(p, q);
    const struct policy_attribute *number = &p->partners[q->with].attributes[q->columns];

    assert(q->kind == QUESTION_VALUE && a->cells == NULL);
    a->cells = calloc(groups->value_count + 1, sizeof *a->cells);
    if (a->cells == NULL)
        return pt_fail(err, PT_ENOMEM, "answer: no memory for %zu groups", groups->value_count);
    a->cell_count = groups->value_count + 1;
    for (size_t i = 0; i < a->cell_count; i++) {
        struct answer_cell *c = &a->cells[i];
        snprintf(c->row, sizeof c->row, "%s", i == 0 ? ANSWER_ALL : groups->values[i - 1]);
        snprintf(c->column, sizeof c->column, "%s%s%s", number->name,
                 number->unit[0] != '\0' ? ", " : "", number->unit);
    }
    return PT_OK;
}

enum pt_code answer_fill_value(struct answer *a, const struct policy *p, const struct question *q,
                               const struct value_in *in, struct pt_err *err)
{
    size_t groups = groups_of(p, q)->value_count;
    struct value_figures *figures = NULL;
    enum pt_code rc;

    if (in->counts->row_count != groups || in->counts->column_count != 0)
        return pt_fail(err, PT_EBUG, "answer: %zu groups for a value of %zu", in->counts->row_count,
                       groups);
    if ((rc = answer_describe(a, ANSWER_VALUE, p, q, err)) != PT_OK ||
        (rc = answer_label_value(a, p, q, err)) != PT_OK)
        return rc;
    figures = calloc(a->cell_count, sizeof *figures);
    if (figures == NULL)
        return pt_fail(err, PT_ENOMEM, "answer: no memory for %zu figures", a->cell_count);
    value_estimate(figures, in);
    for (size_t i = 0; i < a->cell_count; i++) {
        a->cells[i].count = figures[i].count;
        a->cells[i].derived = figures[i].mean;
        a->cells[i].sum = figures[i].sum;
    }
    if (figures[0].count.status == FIGURE_REFUSED)
        snprintf(a->refusal, sizeof a->refusal, "%s", ANSWER_SMALL_AUDIENCE);
    free(figures);
    return PT_OK;
}
