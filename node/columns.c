#include "node/columns_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/slot.h"
#include "node/hidden.h"

void columns_free(struct columns_map *map)
{
    if (map == NULL)
        return;
    hidden_free(map->row);
    hidden_free(map->slot);
    hidden_free(map->sign);
    hidden_free(map->kept);
    hidden_free(map->by_slot);
    hidden_free(map->bucket);
    for (size_t i = 0; i < POLICY_ATTRIBUTES_MAX; i++)
        hidden_free(map->cut[i]);
    explicit_bzero(map, sizeof *map);
    free(map);
}

static bool comes_first(const struct columns_map *map, const uint64_t *priority, size_t a, size_t b)
{
    const struct token *tokens = map->data->tokens;

    if (priority[a] != priority[b])
        return priority[a] < priority[b];
    return memcmp(&tokens[map->row[a]], &tokens[map->row[b]], sizeof *tokens) < 0;
}

/* Slot, sign and priority of every record; then which one each slot keeps. */
static enum pt_code place_records(struct columns_map *map, const struct digest *salt)
{
    size_t n = (size_t)map->rows;
    uint64_t *priority = hidden_new(n, sizeof *priority);
    uint32_t *first = hidden_new((size_t)map->m, sizeof *first); /* 1 + record; 0: none yet */
    size_t at = 0;

    if (priority == NULL || first == NULL) {
        hidden_free(priority);
        hidden_free(first);
        return PT_ENOMEM;
    }
    for (uint64_t row = 0; row < map->data->count; row++) {
        PT_WIPED(slot_place) p;
        if (!map->data->has_token[row])
            continue;
        slot_of(&p, salt, &map->data->tokens[row], map->m);
        map->row[at] = (uint32_t)row;
        map->slot[at] = (uint32_t)p.slot;
        map->sign[at] = p.sign;
        priority[at] = p.priority;
        uint32_t *holder = &first[p.slot];
        if (*holder == 0 || comes_first(map, priority, at, *holder - 1))
            *holder = (uint32_t)at + 1;
        at++;
    }
    for (uint64_t slot = 0; slot < map->m; slot++)
        if (first[slot] != 0) {
            map->kept[first[slot] - 1] = 1;
            map->kept_count++;
        }
    hidden_free(priority);
    hidden_free(first);
    return PT_OK;
}

static size_t bucket_count(uint64_t m)
{
    return (size_t)((m + COLUMNS_BUCKET - 1) / COLUMNS_BUCKET);
}

/* Counting: a record keeps its place among those of its bucket. */
static void order_by_slot(struct columns_map *map)
{
    const size_t buckets = bucket_count(map->m);

    for (uint64_t i = 0; i < map->rows; i++)
        map->bucket[map->slot[i] / COLUMNS_BUCKET]++;
    for (size_t b = 1; b <= buckets;
         b++) /* each is where its bucket ends, and the one after it begins */
        map->bucket[b] += map->bucket[b - 1];
    for (uint64_t i = map->rows; i-- > 0;)
        map->by_slot[--map->bucket[map->slot[i] / COLUMNS_BUCKET]] =
            (struct columns_placed){(uint32_t)i, map->slot[i], map->sign[i], map->kept[i]};
}

static size_t members(const uint64_t *set, size_t words)
{
    size_t n = 0;

    for (size_t w = 0; w < words; w++)
        n += (size_t)__builtin_popcountll(set[w]);
    return n;
}

/* Keep of `set` the `keep` values whose truncation keys are smallest. A function of this person's
 * token and own values alone: whoever else is in the data changes nothing here (PROTOCOL.md 5). */
static void cut_set(uint64_t *set, size_t words, size_t keep, const struct digest *salt,
                    const struct token *token)
{
    struct {
        uint64_t key;
        uint32_t value;
    } stay[POLICY_VALUES_MAX];
    size_t n = 0;

    for (uint32_t value = 0; value < words * 64; value++) {
        if ((set[value / 64] >> value % 64 & 1) == 0)
            continue;
        uint64_t key = slot_truncation_key(salt, token, value);
        size_t at = n;
        /* Insertion into a short sorted list; what falls off its end is cut. */
        while (at > 0 && stay[at - 1].key > key)
            at--;
        if (at == keep)
            continue;
        n += n < keep;
        memmove(&stay[at + 1], &stay[at], (n - 1 - at) * sizeof stay[0]);
        stay[at].key = key;
        stay[at].value = value;
    }
    memset(set, 0, words * sizeof *set);
    for (size_t i = 0; i < n; i++)
        set[stay[i].value / 64] |= UINT64_C(1) << stay[i].value % 64;
    explicit_bzero(stay, sizeof stay);
}

static enum pt_code cut_column(struct columns_map *map, size_t column, const struct digest *salt)
{
    const struct vault_column *c = &map->data->columns[column];
    size_t keep = map->me->attributes[column].max_per_person;
    size_t n = (size_t)map->rows;
    size_t words = c->words;
    uint64_t *cut = NULL;

    if (keep >= map->me->attributes[column].value_count)
        return PT_OK;
    for (size_t i = 0; i < n; i++) {
        const struct token *token = &map->data->tokens[map->row[i]];
        if (members(&c->set[map->row[i] * words], words) <= keep)
            continue;
        if (cut == NULL) {
            cut = hidden_new(n, words * sizeof *cut);
            if (cut == NULL)
                return PT_ENOMEM;
            for (size_t k = 0; k < n; k++)
                memcpy(&cut[k * words], &c->set[map->row[k] * words], words * sizeof *cut);
            map->cut[column] = cut;
        }
        cut_set(&cut[i * words], words, keep, salt, token);
    }
    return PT_OK;
}

enum pt_code columns_place(struct columns_map **out, const struct columns_in *in,
                           struct pt_err *err)
{
    struct columns_map *map;
    uint64_t n = 0;
    enum pt_code rc = PT_ENOMEM;

    *out = NULL;
    if (in->m == 0 || (in->m & (in->m - 1)) != 0 || in->m > COLUMNS_SLOTS_MAX)
        return pt_fail(err, PT_ELIMIT,
                       "placing customers: %" PRIu64 " slots; a power of two up to %d is needed",
                       in->m, COLUMNS_SLOTS_MAX);
    for (uint64_t row = 0; row < in->data->count; row++)
        n += in->data->has_token[row] != 0;
    if (n == 0)
        return pt_fail(err, PT_ESTATE, "placing customers: none has a token yet; tokenise first");
    map = calloc(1, sizeof *map);
    if (map == NULL)
        return pt_fail(err, PT_ENOMEM, "placing customers: not enough memory");
    map->data = in->data;
    map->me = in->me;
    map->partner = in->partner;
    map->m = in->m;
    map->rows = n;
    map->dense = n == in->data->count;
    map->row = hidden_new((size_t)n, sizeof *map->row);
    map->slot = hidden_new((size_t)n, sizeof *map->slot);
    map->sign = hidden_new((size_t)n, sizeof *map->sign);
    map->kept = hidden_new((size_t)n, sizeof *map->kept);
    map->by_slot = hidden_new((size_t)n, sizeof *map->by_slot);
    map->bucket = hidden_new(bucket_count(in->m) + 1, sizeof *map->bucket);
    if (map->row != NULL && map->slot != NULL && map->sign != NULL && map->kept != NULL &&
        map->by_slot != NULL && map->bucket != NULL)
        rc = place_records(map, &in->salt);
    if (rc == PT_OK)
        order_by_slot(map);
    for (size_t i = 0; i < in->data->column_count && rc == PT_OK; i++)
        if (in->data->columns[i].type == ATTRIBUTE_SET)
            rc = cut_column(map, i, &in->salt);
    if (rc != PT_OK) {
        columns_free(map);
        return pt_fail(err, rc, "placing customers: not enough memory");
    }
    *out = map;
    return PT_OK;
}

uint64_t columns_slots(const struct columns_map *map)
{
    return map->m;
}

uint64_t columns_rows(const struct columns_map *map)
{
    return map->rows;
}

uint64_t columns_kept(const struct columns_map *map)
{
    return map->kept_count;
}

uint64_t columns_kept_below(const struct columns_map *map, uint64_t slot_end)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < map->rows; i++)
        count += map->kept[i] & (uint64_t)(map->slot[i] < slot_end);
    return count;
}

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
            n = members(&c->set[(c->by_record ? at.first + i : row[i]) * c->words], c->words);
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

/* The picked ones of a block that their slots keep; how many. */
static size_t put_kept(int8_t *values, const struct picked *p, const struct columns_map *map,
                       struct range at)
{
    size_t count = 0;

    for (size_t i = 0; i < at.n; i++) {
        if (i % 8 == 0 && none_of_eight(p, i)) {
            i += 7;
        } else if ((p->is[i] & map->kept[at.first + i]) != 0) {
            values[map->slot[at.first + i]] = map->sign[at.first + i];
            count++;
        }
    }
    return count;
}

enum pt_code columns_recipient(int8_t *values, uint64_t *square_sum, const struct columns_map *map,
                               const struct columns_selector *which)
{
    PT_WIPED(picked) p = {0};
    struct conditions all;
    uint64_t count = 0;

    memset(values, 0, (size_t)map->m);
    if (square_sum != NULL)
        *square_sum = 0;
    if (!resolve(&all, map, which))
        return PT_EBUG;
    for (size_t first = 0; first < map->rows; first += BLOCK) {
        const struct range at = next_block(map, first);
        pick(&p, &all, map, at);
        count += put_kept(values, &p, map, at);
    }
    if (square_sum != NULL)
        *square_sum = count;
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
        uint32_t in_block = 0;
        pick(&p, &all, map, at);
        for (size_t i = 0; i < BLOCK; i++)
            in_block += p.is[i];
        *out += in_block;
    }
    return PT_OK;
}
