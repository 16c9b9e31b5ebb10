/* Reach over several partners as an answer: answer_fill_reach(). */
#include "proto/answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reach.h"

enum { LABEL_SHORTEST = 4 };

struct filling {
    struct answer *a;
    const struct policy *p;
    const struct reach_plan *plan;
    const struct regions *r;
    uint16_t party[POLICY_PARTNERS_MAX]; /* by bit */
};

/* "freshmart | drinkco": names are cut alike when all do not fit. */
static void join_names(char out[ANSWER_WORD_MAX], const struct filling *f, unsigned set,
                       const char *between)
{
    size_t count = (size_t)__builtin_popcount(set);
    size_t room = (ANSWER_WORD_MAX - 1) / count;
    size_t each = room > strlen(between) + LABEL_SHORTEST ? room - strlen(between) : LABEL_SHORTEST;
    size_t n = 0;

    for (unsigned bit = 0; bit < f->plan->party_count && n < ANSWER_WORD_MAX; bit++)
        if ((set >> bit & 1) != 0)
            n += (size_t)snprintf(out + n, ANSWER_WORD_MAX - n, "%s%.*s", n > 0 ? between : "",
                                  (int)each, f->p->partners[f->party[bit]].name);
}

static void put(struct filling *f, const char *row, const char *column, struct figure figure)
{
    struct answer_cell *c = &f->a->cells[f->a->cell_count++];

    snprintf(c->row, sizeof c->row, "%s", row);
    snprintf(c->column, sizeof c->column, "%s", column);
    c->count = figure;
}

/* Sets of `size` partners, in the order of their masks. */
static void put_sets(struct filling *f, const char *row, const char *between, unsigned size)
{
    char names[ANSWER_WORD_MAX];

    for (unsigned set = 1; set < 1U << f->plan->party_count; set++) {
        if ((unsigned)__builtin_popcount(set) != size)
            continue;
        join_names(names, f, set, between);
        put(f, row, names,
            strcmp(row, "reach") == 0 ? regions_reach(f->r, set) : regions_exactly(f->r, set));
    }
}

static void put_all(struct filling *f)
{
    const unsigned all = (1U << f->plan->party_count) - 1;
    char words[ANSWER_WORD_MAX];

    for (unsigned size = f->plan->party_count; size > 0; size--)
        put_sets(f, "reach", " | ", size);
    for (unsigned bit = 0; bit < f->plan->party_count; bit++)
        put(f, "adds", f->p->partners[f->party[bit]].name,
            regions_adds(f->r, 1U << bit, all & ~(1U << bit)));
    for (unsigned n = 1; n <= f->plan->party_count; n++) {
        snprintf(words, sizeof words, "%u partner%s", n, n > 1 ? "s" : "");
        put(f, "exactly", words, regions_frequency(f->r, n));
    }
    for (unsigned size = f->plan->party_count; size > 0; size--)
        put_sets(f, "only", " & ", size);
}

/* The second lock on small audiences: each other party's own noisy size. */
static bool audience_too_small(const struct filling *f, uint16_t asker)
{
    double least = (double)f->p->privacy.minimum_audience;

    for (unsigned bit = 0; bit < f->plan->party_count; bit++) {
        struct figure size = regions_reach(f->r, 1U << bit);
        if (f->party[bit] != asker && !(size.status == FIGURE_VALUE && size.value >= least))
            return true;
    }
    return false;
}

static void refuse_all(struct answer *a)
{
    for (size_t i = 0; i < a->cell_count; i++)
        a->cells[i].count = (struct figure){.status = FIGURE_REFUSED, .reason = REASON_AUDIENCE};
    snprintf(a->refusal, sizeof a->refusal,
             "a partner's noisy audience is below privacy.minimum_audience: ask with fewer or "
             "wider filters");
}

/* What two of the three could see is said in every answer (PROTOCOL.md 6). */
static void say_nodes(struct answer *a, const struct policy *p, const struct reach_plan *plan)
{
    snprintf(a->threat_model, sizeof a->threat_model,
             "Opened by the nodes of %s, %s and %s, whom the epoch's salt chose: private against "
             "any partners and one of these three. Two of them together could see which of its "
             "customers each partner shares with the others. Two honest nodes' noise makes it "
             "differentially private at the stated rho. Nobody can check that the customers "
             "loaded are real.",
             p->partners[plan->node[0]].name, p->partners[plan->node[1]].name,
             p->partners[plan->node[2]].name);
}

enum pt_code answer_fill_reach(struct answer *a, const struct policy *p, const struct question *q,
                               const struct reach_plan *plan, const int64_t *counts,
                               struct pt_err *err)
{
    struct regions_in in;
    size_t cells = 2 * (((size_t)1 << plan->party_count) - 1) + 2 * (size_t)plan->party_count;
    struct regions *r = calloc(1, sizeof *r);
    struct filling f = {.a = a, .p = p, .plan = plan, .r = r};
    enum pt_code rc = r == NULL ? pt_fail(err, PT_ENOMEM, "answer: no memory for regions") : PT_OK;

    reach_regions(&in, plan, counts);
    in.minimum_count = (double)p->privacy.minimum_count;
    if (rc != PT_OK || (rc = answer_describe(a, ANSWER_REACH, p, q, err)) != PT_OK)
        goto out;
    a->cells = calloc(cells, sizeof *a->cells);
    if (a->cells == NULL) {
        rc = pt_fail(err, PT_ENOMEM, "answer: no memory for %zu cells", cells);
        goto out;
    }
    for (uint16_t i = 0; i < p->partner_count; i++)
        if (reach_is_party(plan, i))
            f.party[reach_bit(plan, i)] = i;
    regions_begin(r, &in);
    put_all(&f);
    assert(a->cell_count == cells);
    if (audience_too_small(&f, q->asker))
        refuse_all(a);
    say_nodes(a, p, plan);
out:
    free(r);
    return rc;
}
