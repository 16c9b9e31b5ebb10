#include "node/query_watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double percent_of(const struct figure *f)
{
    if (f->status != FIGURE_VALUE || !(f->value > 0))
        return (double)INFINITY;
    return 100 * f->half_width / f->value;
}

/* Which figures the question is about: not the sizes beside an overlap, not a table's margins. */
static bool is_asked_for(const struct answer *a, const struct answer_cell *c)
{
    if (a->kind == ANSWER_OVERLAP || a->kind == ANSWER_REACH)
        return strcmp(c->row, answer_kind_name(a->kind)) == 0;
    return strcmp(c->row, ANSWER_ALL) != 0 && strcmp(c->column, ANSWER_ALL) != 0;
}

static int upwards(const void *a, const void *b)
{
    double x = 0;
    double y = 0;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

enum pt_code query_watch_percent(double *out, const struct answer *a, struct pt_err *err)
{
    const size_t count = answer_table_cells(a);
    double *each = calloc(count + 1, sizeof *each);
    size_t n = 0;

    *out = (double)INFINITY;
    if (each == NULL)
        return pt_fail(err, PT_ENOMEM, "an answer's width: no memory");
    for (size_t i = 0; i < count; i++)
        if (is_asked_for(a, &a->cells[i]))
            each[n++] = percent_of(&a->cells[i].count);
    qsort(each, n, sizeof *each, upwards);
    if (n > 0)
        *out = each[(n - 1) / 2];
    free(each);
    return PT_OK;
}

static enum pt_code look(struct query_watch *out, const struct query_watch_host *host,
                         enum question_slots slots, struct pt_err *err)
{
    struct answer a = {0};
    enum pt_code rc;

    if ((rc = host->ask(host->self, &a, question_slots_name(slots), err)) == PT_OK) {
        out->looks++;
        out->charged_nano += a.charged_rho_nano;
        memcpy(out->refusal, a.refusal, sizeof out->refusal);
        rc = query_watch_percent(&out->percent, &a, err);
    }
    if (rc == PT_OK)
        rc = host->show(host->self, &a, err);
    answer_free(&a);
    return rc;
}

enum pt_code query_watch(struct query_watch *out, const struct query_watch_host *host,
                         double until_percent, struct pt_err *err)
{
    *out = (struct query_watch){.percent = (double)INFINITY};
    for (int s = QUESTION_SLOTS_SIXTEENTH; s <= QUESTION_SLOTS_LAST; s++) {
        enum pt_code rc = look(out, host, (enum question_slots)s, err);
        if (rc != PT_OK || out->refusal[0] != '\0')
            return rc;
        if (s < QUESTION_SLOTS_LAST && until_percent > 0 && out->percent <= until_percent) {
            out->enough = true;
            return PT_OK;
        }
    }
    return PT_OK;
}
