#include "node/columns_internal.h"

#include <inttypes.h>
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
        if (columns_members(&c->set[map->row[i] * words], words) <= keep)
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
