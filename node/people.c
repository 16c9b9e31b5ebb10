#include "node/people.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "node/digestset.h"

struct column {
    uint16_t *category;
    uint64_t *set;
    double *number;
    uint32_t *times; /* number, COMBINE_MEAN: how many were added */
    size_t words;
};

struct people {
    const struct policy_partner *me;
    struct digestset seen;
    size_t cap; /* of what follows: as many as seen has room for */
    uint8_t *refused;
    struct column columns[POLICY_ATTRIBUTES_MAX];
};

enum pt_code people_new(struct people **out, const struct policy_partner *me, struct pt_err *err)
{
    struct people *p = calloc(1, sizeof *p);

    *out = NULL;
    if (p == NULL)
        return pt_fail(err, PT_ENOMEM, "customers: not enough memory");
    assert(me->attribute_count <= POLICY_ATTRIBUTES_MAX);
    p->me = me;
    digestset_init(&p->seen);
    for (size_t i = 0; i < me->attribute_count; i++)
        if (me->attributes[i].type == ATTRIBUTE_SET)
            p->columns[i].words = (me->attributes[i].value_count + 63) / 64;
    *out = p;
    return PT_OK;
}

static void free_wiped(void *p, size_t n)
{
    if (p != NULL)
        explicit_bzero(p, n);
    free(p);
}

static void free_column(struct column *c, size_t used)
{
    free_wiped(c->category, used * sizeof *c->category);
    free_wiped(c->set, used * c->words * sizeof *c->set);
    free_wiped(c->number, used * sizeof *c->number);
    free(c->times);
    *c = (struct column){.words = c->words};
}

void people_free(struct people *p)
{
    if (p == NULL)
        return;
    size_t used = p->seen.count; /* room beyond was never written to */
    digestset_free(&p->seen);
    free(p->refused);
    for (size_t i = 0; i < p->me->attribute_count; i++)
        free_column(&p->columns[i], used);
    explicit_bzero(p, sizeof *p);
    free(p);
}

/* *array from was to now elements, the new ones zero; not realloc, which would leave a copy. */
static bool grow(void *array, size_t was, size_t now, size_t width)
{
    void *old;
    void *fresh = calloc(now, width);

    if (fresh == NULL)
        return false;
    memcpy(&old, array, sizeof old);
    if (was > 0) {
        memcpy(fresh, old, was * width);
        free_wiped(old, was * width);
    }
    memcpy(array, &fresh, sizeof fresh);
    return true;
}

static bool grow_column(struct column *c, const struct policy_attribute *a, size_t was, size_t now)
{
    if (a->type == ATTRIBUTE_SET)
        return grow(&c->set, was, now, c->words * sizeof *c->set);
    if (a->type == ATTRIBUTE_CATEGORY)
        return grow(&c->category, was, now, sizeof *c->category);
    return grow(&c->number, was, now, sizeof *c->number) &&
           grow(&c->times, was, now, sizeof *c->times);
}

static void start(struct people *p, size_t person)
{
    for (size_t i = 0; i < p->me->attribute_count; i++) {
        if (p->columns[i].category != NULL)
            p->columns[i].category[person] = VAULT_NONE;
        if (p->columns[i].number != NULL)
            p->columns[i].number[person] = (double)NAN;
    }
}

enum pt_code people_add(size_t *person, struct people *p, const struct digest *d)
{
    bool added = false;
    enum pt_code rc = digestset_add(person, &added, &p->seen, d);

    if (rc != PT_OK)
        return rc;
    /* After a failure below the columns are shorter than p->cap says for some: only wiping the
     * whole follows, and that is why cap is set last and wiping takes the old one. */
    if (p->cap < p->seen.cap) {
        if (!grow(&p->refused, p->cap, p->seen.cap, 1))
            return PT_ENOMEM;
        for (size_t i = 0; i < p->me->attribute_count; i++)
            if (!grow_column(&p->columns[i], &p->me->attributes[i], p->cap, p->seen.cap))
                return PT_ENOMEM;
        p->cap = p->seen.cap;
    }
    if (added)
        start(p, *person);
    return PT_OK;
}

void people_add_value(struct people *p, size_t person, size_t attribute, uint16_t value)
{
    struct column *c = &p->columns[attribute];

    assert(value < p->me->attributes[attribute].value_count);
    if (c->category != NULL)
        c->category[person] = value;
    else
        c->set[person * c->words + value / 64] |= UINT64_C(1) << value % 64;
}

void people_add_values(struct people *p, size_t person, size_t attribute, const uint8_t *set)
{
    const struct column *c = &p->columns[attribute];

    for (size_t w = 0; w < c->words; w++)
        c->set[person * c->words + w] |= load_u64le(set + 8 * w);
}

void people_add_number(struct people *p, size_t person, size_t attribute, double number)
{
    struct column *c = &p->columns[attribute];
    double *sum = &c->number[person];

    switch (p->me->attributes[attribute].combine) {
    case COMBINE_SUM:
    case COMBINE_MEAN:
        *sum = isnan(*sum) ? number : *sum + number;
        break;
    case COMBINE_MAX:
        *sum = isnan(*sum) || number > *sum ? number : *sum;
        break;
    case COMBINE_LAST:
        *sum = number;
        break;
    }
    c->times[person]++;
}

void people_refuse(struct people *p, size_t person)
{
    p->refused[person] = 1;
}

/* ---- in the order of their digests ---- */

static int compare_digests(const void *a, const void *b, void *digests)
{
    const struct digest *d = digests;
    uint32_t x;
    uint32_t y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return memcmp(&d[x], &d[y], sizeof *d);
}

/* The numbers of all who did not refuse, ascending by digest. */
static size_t sort_people(uint32_t *order, const struct people *p)
{
    size_t count = 0;

    for (size_t i = 0; i < p->seen.count; i++)
        if (p->refused[i] == 0)
            order[count++] = (uint32_t)i;
    qsort_r(order, count, sizeof *order, compare_digests, p->seen.digests);
    return count;
}

static double final_number(const struct policy_attribute *a, const struct column *c, size_t person,
                           uint64_t *clipped)
{
    double v = c->number[person];

    if (isnan(v))
        return v;
    if (a->combine == COMBINE_MEAN)
        v /= c->times[person];
    if (v >= a->min && v <= a->max)
        return v;
    (*clipped)++;
    return v < a->min ? a->min : a->max;
}

struct sorted {
    const uint32_t *order;
    size_t n;
};

static void copy_column(struct vault_column *to, const struct policy_attribute *a,
                        const struct column *c, struct sorted by, uint64_t *clipped)
{
    for (size_t row = 0; row < by.n; row++) {
        const size_t person = by.order[row];
        if (to->type == ATTRIBUTE_CATEGORY)
            to->category[row] = c->category[person];
        else if (to->type == ATTRIBUTE_SET)
            memcpy(&to->set[row * c->words], &c->set[person * c->words], c->words * sizeof *c->set);
        else
            to->number[row] = final_number(a, c, person, clipped);
    }
}

/* Array by array, each given up once it is copied: the rows exist twice, but never all of them. */
static void move_rows(struct vault_data *out, struct people_counts *counts, struct people *p,
                      struct sorted by)
{
    const size_t used = p->seen.count;

    for (size_t row = 0; row < by.n; row++)
        out->digests[row] = p->seen.digests[by.order[row]];
    digestset_free(&p->seen);
    for (size_t i = 0; i < p->me->attribute_count; i++) {
        struct column *c = &p->columns[i];
        copy_column(&out->columns[i], &p->me->attributes[i], c, by, &counts->clipped[i]);
        free_column(c, used);
    }
}

enum pt_code people_finish(struct vault_data **out, struct people_counts *counts, struct people *p,
                           struct pt_err *err)
{
    size_t room = p->seen.count + 1;
    uint32_t *order = calloc(room, sizeof *order);
    enum pt_code rc;

    *out = NULL;
    *counts = (struct people_counts){0};
    digestset_close(&p->seen);
    if (order == NULL)
        return pt_fail(err, PT_ENOMEM, "customers: not enough memory");
    const size_t n = sort_people(order, p);
    counts->refused = p->seen.count - n;
    if ((rc = vault_data_new(out, p->me, n, err)) == PT_OK)
        move_rows(*out, counts, p, (struct sorted){order, n});
    free_wiped(order, room * sizeof *order);
    return rc;
}
