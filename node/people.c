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

void people_free(struct people *p)
{
    if (p == NULL)
        return;
    digestset_free(&p->seen);
    free(p->refused);
    for (size_t i = 0; i < p->me->attribute_count; i++) {
        struct column *c = &p->columns[i];
        free_wiped(c->category, p->cap * sizeof *c->category);
        free_wiped(c->set, p->cap * c->words * sizeof *c->set);
        free_wiped(c->number, p->cap * sizeof *c->number);
        free(c->times);
    }
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

struct rank { /* sorts by digest; the prefix decides all but hostile cases */
    uint64_t prefix;
    const struct digest *digest;
};

static int compare_ranks(const void *a, const void *b)
{
    const struct rank *x = a;
    const struct rank *y = b;

    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    return memcmp(x->digest, y->digest, sizeof *x->digest);
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

static void copy_person(struct vault_data *out, size_t row, const struct people *p, size_t person,
                        struct people_counts *counts)
{
    out->digests[row] = p->seen.digests[person];
    for (size_t i = 0; i < p->me->attribute_count; i++) {
        const struct column *c = &p->columns[i];
        struct vault_column *to = &out->columns[i];
        if (to->type == ATTRIBUTE_CATEGORY)
            to->category[row] = c->category[person];
        else if (to->type == ATTRIBUTE_SET)
            memcpy(&to->set[row * c->words], &c->set[person * c->words], c->words * sizeof *c->set);
        else
            to->number[row] = final_number(&p->me->attributes[i], c, person, &counts->clipped[i]);
    }
}

enum pt_code people_finish(struct vault_data **out, struct people_counts *counts,
                           const struct people *p, struct pt_err *err)
{
    size_t room = p->seen.count + 1;
    struct rank *order = calloc(room, sizeof *order);
    size_t n = 0;
    enum pt_code rc;

    *out = NULL;
    *counts = (struct people_counts){0};
    if (order == NULL)
        return pt_fail(err, PT_ENOMEM, "customers: not enough memory");
    for (size_t i = 0; i < p->seen.count; i++) {
        const struct digest *d = &p->seen.digests[i];
        counts->refused += p->refused[i];
        if (!p->refused[i])
            order[n++] = (struct rank){__builtin_bswap64(load_u64le(d->b)), d};
    }
    qsort(order, n, sizeof *order, compare_ranks);
    if ((rc = vault_data_new(out, p->me, n, err)) == PT_OK)
        for (size_t row = 0; row < n; row++)
            copy_person(*out, row, p, (size_t)(order[row].digest - p->seen.digests), counts);
    free_wiped(order, room * sizeof *order);
    return rc;
}
