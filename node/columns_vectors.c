/* The vectors of columns.h. */
#include <math.h>
#include <string.h>

#include "node/columns_internal.h"
#include "node/packed.h"

/* One condition of a selector, resolved to the array it looks at. */
struct condition {
    const uint16_t *category;
    const uint64_t *set; /* at the word that holds the value */
    const double *number;
    size_t words;
    bool by_record; /* set: of the cut sets, which lie by placed record and not by row */
    bool at_least;
    bool
        counts; /* of category or set, whose `words` words begin at `set`: more than `value` values */
    uint16_t value;
    double bound_micro;
};
struct conditions {
    struct condition c[COLUMNS_FILTERS_MAX + 2];
    size_t n;
};

static bool add_value(struct conditions *out, const struct columns_map *map, uint16_t attribute,
                      uint16_t value, bool cut)
{
    const struct vault_column *c = &map->data->columns[attribute];
    struct condition *k = &out->c[out->n++];
    const uint64_t *set = c->set;

    if (c->type == ATTRIBUTE_NUMBER || value >= map->me->attributes[attribute].value_count)
        return false;
    if (c->type == ATTRIBUTE_CATEGORY) {
        *k = (struct condition){.category = c->category, .value = value};
        return true;
    }
    *k = (struct condition){.words = c->words, .value = value % 64};
    k->by_record = cut && map->cut[attribute] != NULL;
    if (k->by_record)
        set = map->cut[attribute];
    k->set = set + value / 64;
    return true;
}

/* What is not known is NaN, which is not above anything. */
static bool add_known(struct conditions *out, const struct columns_map *map, uint16_t attribute)
{
    if (attribute >= map->data->column_count ||
        map->data->columns[attribute].type != ATTRIBUTE_NUMBER)
        return false;
    out->c[out->n++] = (struct condition){
        .number = map->data->columns[attribute].number, .at_least = true, .bound_micro = -HUGE_VAL};
    return true;
}

static bool add_counter(struct conditions *out, const struct columns_map *map, uint16_t attribute,
                        uint16_t more_than)
{
    const struct vault_column *c = &map->data->columns[attribute];
    const bool cut = map->cut[attribute] != NULL;

    if (c->type == ATTRIBUTE_NUMBER)
        return false;
    out->c[out->n++] = (struct condition){.category = c->category,
                                          .set = cut ? map->cut[attribute] : c->set,
                                          .words = c->words,
                                          .by_record = cut,
                                          .counts = true,
                                          .value = more_than};
    return true;
}

static bool resolve(struct conditions *out, const struct columns_map *map,
                    const struct columns_selector *which)
{
    *out = (struct conditions){0};
    for (size_t i = 0; i < which->filter_count; i++) {
        const struct question_filter *f = &which->filters[i];
        if (f->on.partner != map->partner)
            continue;
        if (out->n == COLUMNS_FILTERS_MAX || f->on.attribute >= map->data->column_count)
            return false;
        const struct vault_column *c = &map->data->columns[f->on.attribute];
        if (f->op == FILTER_EQ) {
            if (!add_value(out, map, f->on.attribute, f->value, false))
                return false;
            continue;
        }
        if (c->type != ATTRIBUTE_NUMBER)
            return false;
        out->c[out->n++] = (struct condition){.number = c->number,
                                              .at_least = f->op == FILTER_GE,
                                              .bound_micro = (double)f->bound_micro};
    }
    if (which->has_number && !add_known(out, map, which->number))
        return false;
    if (which->has_counter)
        return which->attribute < map->data->column_count &&
               add_counter(out, map, which->attribute, which->value);
    if (!which->has_category)
        return true;
    return which->attribute < map->data->column_count &&
           add_value(out, map, which->attribute, which->value, true);
}

enum { BLOCK = 1024 };
struct picked { /* 1 for a record that is selected; secret */
    uint8_t is[BLOCK];
};
PT_SECRET_TYPE(picked);
struct range {
    size_t first, n;
};

static uint8_t number_holds(const struct condition *c, double number)
{
    /* In millionths, as the question is written: 0.1 + 0.2 is then 0.3. NaN holds nowhere. */
    double micro = rint(number * 1e6);

    return c->at_least ? micro >= c->bound_micro : micro <= c->bound_micro;
}

/* A set is a few words, whatever is in them. */
static void narrow_by_number(struct picked *p, const struct condition *c,
                             const struct columns_map *map, struct range at)
{
    const uint32_t *row = map->row + at.first;

    for (size_t i = 0; i < at.n; i++) {
        size_t n;
        if (c->category != NULL)
            n = c->category[row[i]] != VAULT_NONE;
        else
            n = columns_members(&c->set[(c->by_record ? at.first + i : row[i]) * c->words],
                                c->words);
        p->is[i] &= n > c->value;
    }
}

/* Whole blocks where records lie as rows do: loops of a length known here are compiled to vectors. */
static void narrow_whole_category(struct picked *restrict p, const uint16_t *restrict category,
                                  uint16_t value)
{
    for (size_t i = 0; i < BLOCK; i++)
        p->is[i] &= category[i] == value;
}

static void narrow_whole_set(struct picked *restrict p, const uint64_t *restrict set, unsigned bit)
{
    for (size_t i = 0; i < BLOCK; i++)
        p->is[i] &= (uint8_t)(set[i] >> bit & 1);
}

static bool narrow_whole(struct picked *p, const struct condition *c, const struct columns_map *map,
                         struct range at)
{
    if (at.n < BLOCK || c->counts || !(map->dense || c->by_record))
        return false;
    if (c->category != NULL)
        narrow_whole_category(p, c->category + at.first, c->value);
    else if (c->set != NULL && c->words == 1)
        narrow_whole_set(p, c->set + at.first, c->value);
    else
        return false;
    return true;
}

/* One loop for each kind of condition: what differs is asked once a block, not once a record. */
static void narrow(struct picked *p, const struct condition *c, const struct columns_map *map,
                   struct range at)
{
    const uint32_t *row = map->row + at.first;

    if (narrow_whole(p, c, map, at))
        return;
    if (c->counts) {
        narrow_by_number(p, c, map, at);
    } else if (c->category != NULL) {
        for (size_t i = 0; i < at.n; i++)
            p->is[i] &= c->category[row[i]] == c->value;
    } else if (c->set != NULL && c->by_record) {
        for (size_t i = 0; i < at.n; i++)
            p->is[i] &= (uint8_t)(c->set[(at.first + i) * c->words] >> c->value & 1);
    } else if (c->set != NULL) {
        for (size_t i = 0; i < at.n; i++)
            p->is[i] &= (uint8_t)(c->set[row[i] * c->words] >> c->value & 1);
    } else {
        for (size_t i = 0; i < at.n; i++)
            p->is[i] &= c->number != NULL ? number_holds(c, c->number[row[i]]) : 0;
    }
}

static struct range next_block(const struct columns_map *map, size_t first)
{
    size_t left = (size_t)map->rows - first;

    return (struct range){first, left < BLOCK ? left : BLOCK};
}

/* Are records i to i + 7 of a block all left out? */
static bool none_of_eight(const struct picked *p, size_t i)
{
    uint64_t eight;

    memcpy(&eight, p->is + i, sizeof eight);
    return eight == 0;
}

/* Clears what is beyond at.n, so that blocks may be read eight records at a time. */
static void pick(struct picked *p, const struct conditions *all, const struct columns_map *map,
                 struct range at)
{
    memset(p->is, 1, at.n);
    memset(p->is + at.n, 0, BLOCK - at.n);
    for (size_t i = 0; i < all->n; i++)
        narrow(p, &all->c[i], map, at);
}

/* The picked ones of a block that their slots keep; how many of them are below slot_end. */
static size_t put_kept(uint8_t *packed, const struct picked *p, const struct columns_map *map,
                       struct range at, uint64_t slot_end)
{
    size_t count = 0;

    for (size_t i = 0; i < at.n; i++) {
        if (i % 8 == 0 && none_of_eight(p, i)) {
            i += 7;
        } else if ((p->is[i] & map->kept[at.first + i]) != 0) {
            packed_put(packed, map->slot[at.first + i], map->sign[at.first + i]);
            count += map->slot[at.first + i] < slot_end;
        }
    }
    return count;
}

static uint32_t count_picked(const struct picked *p)
{
    uint32_t n = 0;

    for (size_t i = 0; i < BLOCK; i++)
        n += p->is[i];
    return n;
}

enum pt_code columns_recipient(uint8_t *packed, struct columns_sums *sums,
                               const struct columns_map *map, const struct columns_selector *which,
                               uint64_t slot_end)
{
    PT_WIPED(picked) p = {0};
    struct conditions all;

    packed_clear(packed, (map->m + RLWE_DEGREE - 1) / RLWE_DEGREE);
    *sums = (struct columns_sums){0};
    if (!resolve(&all, map, which))
        return PT_EBUG;
    for (size_t first = 0; first < map->rows; first += BLOCK) {
        const struct range at = next_block(map, first);
        pick(&p, &all, map, at);
        sums->audience += count_picked(&p);
        sums->energy += put_kept(packed, &p, map, at, slot_end);
    }
    return PT_OK;
}

/* At most four records a slot on average: a true sum never gets near the ends. A hostile file could,
 * and must not wrap around to the other sign. */
static void add_sign(int8_t *value, int8_t sign)
{
    int sum = *value + sign;

    *value = (int8_t)(sum > 127 ? 127 : sum < -127 ? -127 : sum);
}

enum pt_code columns_evaluator(int8_t *values, const struct columns_map *map,
                               const struct columns_selector *which)
{
    PT_WIPED(picked) p = {0};
    struct conditions all;

    memset(values, 0, (size_t)map->m);
    if (!resolve(&all, map, which))
        return PT_EBUG;
    for (size_t first = 0; first < map->rows; first += BLOCK) {
        const struct range at = next_block(map, first);
        pick(&p, &all, map, at);
        for (size_t i = 0; i < at.n; i++) {
            if (i % 8 == 0 && none_of_eight(&p, i))
                i += 7;
            else if (p.is[i] != 0)
                add_sign(&values[map->slot[first + i]], map->sign[first + i]);
        }
    }
    return PT_OK;
}

enum { CENTRE = 50, LIMB_MAX = 127 };

static int held(int v, int most)
{
    return v > most ? most : v < -most ? -most : v;
}

/* v - 50, v = 0..100: every person's own number and the policy's bounds, and nothing else. */
static int centred(double number, const struct policy_attribute *a)
{
    double clipped = fmin(fmax(number, a->min), a->max);

    return (int)rint(2 * CENTRE * ((clipped - a->min) / (a->max - a->min))) - CENTRE;
}

enum pt_code columns_numbers(int8_t *values, uint64_t *square_sum, const struct columns_map *map,
                             const struct columns_selector *which)
{
    PT_WIPED(picked) p = {0};
    struct conditions all;
    int8_t *more = values + map->m;

    memset(values, 0, 2 * (size_t)map->m);
    *square_sum = 0;
    if (!which->has_number || !resolve(&all, map, which))
        return PT_EBUG;
    const double *numbers = map->data->columns[which->number].number;
    const struct policy_attribute *a = &map->me->attributes[which->number];
    for (size_t first = 0; first < map->rows; first += BLOCK) {
        const struct range at = next_block(map, first);
        pick(&p, &all, map, at);
        for (size_t i = 0; i < at.n; i++) {
            if (p.is[i] == 0)
                continue;
            uint32_t slot = map->slot[first + i];
            int w = centred(numbers[map->row[first + i]], a);
            int sum = held(values[slot] + more[slot] + map->sign[first + i] * w, 2 * LIMB_MAX);
            values[slot] = (int8_t)held(sum, LIMB_MAX);
            more[slot] = (int8_t)(sum - values[slot]);
            *square_sum += (uint64_t)(w * w);
        }
    }
    return PT_OK;
}

enum pt_code columns_any(uint8_t *values, const struct columns_map *map,
                         const struct columns_selector *which)
{
    PT_WIPED(picked) p = {0};
    struct conditions all;

    memset(values, 0, (size_t)map->m);
    if (!resolve(&all, map, which))
        return PT_EBUG;
    for (size_t first = 0; first < map->rows; first += BLOCK) {
        const struct range at = next_block(map, first);
        pick(&p, &all, map, at);
        for (size_t i = 0; i < at.n; i++)
            values[map->slot[first + i]] |= p.is[i];
    }
    return PT_OK;
}

enum pt_code columns_audience_count(uint64_t *out, const struct columns_map *map,
                                    const struct columns_selector *which)
{
    PT_WIPED(picked) p = {0};
    struct conditions all;

    *out = 0;
    if (!resolve(&all, map, which))
        return PT_EBUG;
    for (size_t first = 0; first < map->rows; first += BLOCK) {
        const struct range at = next_block(map, first);
        pick(&p, &all, map, at);
        *out += count_picked(&p);
    }
    return PT_OK;
}
