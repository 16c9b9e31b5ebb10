#include "node/columns_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/columns_internal.h"
#include "node/hidden.h"

struct columns_view {
    const struct columns_map *whole;
    bool wanted[POLICY_ATTRIBUTES_MAX];
    size_t room; /* records that fit */
    struct vault_column columns[POLICY_ATTRIBUTES_MAX];
    struct vault_data data;
    struct columns_map map;
};

const struct columns_map *columns_view_map(const struct columns_view *v)
{
    return &v->map;
}

static void free_records(struct columns_view *v)
{
    hidden_free(v->map.slot);
    hidden_free(v->map.row);
    hidden_free(v->map.sign);
    hidden_free(v->map.kept);
    v->map.slot = v->map.row = NULL;
    v->map.sign = NULL;
    v->map.kept = NULL;
    for (size_t i = 0; i < POLICY_ATTRIBUTES_MAX; i++) {
        hidden_free(v->columns[i].category);
        hidden_free(v->columns[i].set);
        hidden_free(v->columns[i].number);
        hidden_free(v->map.cut[i]);
        v->columns[i].category = NULL;
        v->columns[i].set = v->map.cut[i] = NULL;
        v->columns[i].number = NULL;
    }
    v->room = 0;
}

void columns_view_free(struct columns_view *v)
{
    if (v == NULL)
        return;
    free_records(v);
    explicit_bzero(v, sizeof *v);
    free(v);
}

/* What selectors of a question can look at (columns.h). */
static void find_wanted(struct columns_view *v, const struct question *q)
{
    const uint16_t me = v->whole->partner;
    const size_t count = v->whole->data->column_count;

    for (size_t i = 0; i < q->filter_count; i++)
        if (q->filters[i].on.partner == me && q->filters[i].on.attribute < count)
            v->wanted[q->filters[i].on.attribute] = true;
    if (!question_has_axes(q->kind))
        return;
    if (q->asker == me && q->rows < count)
        v->wanted[q->rows] = true;
    if (q->with == me && q->columns < count)
        v->wanted[q->columns] = true;
}

enum pt_code columns_view_new(struct columns_view **out, const struct columns_view_in *in,
                              struct pt_err *err)
{
    struct columns_view *v = calloc(1, sizeof *v);

    *out = v;
    if (v == NULL)
        return pt_fail(err, PT_ENOMEM, "a view of customers: no memory");
    v->whole = in->map;
    find_wanted(v, in->question);
    v->data =
        (struct vault_data){.columns = v->columns, .column_count = in->map->data->column_count};
    for (size_t i = 0; i < v->data.column_count; i++)
        v->columns[i] = (struct vault_column){.type = in->map->data->columns[i].type,
                                              .words = in->map->data->columns[i].words};
    v->map = (struct columns_map){
        .data = &v->data, .me = in->map->me, .partner = in->map->partner, .dense = true};
    return PT_OK;
}

static bool room_for_column(struct columns_view *v, size_t i, size_t n)
{
    struct vault_column *c = &v->columns[i];

    if (c->type == ATTRIBUTE_CATEGORY)
        return (c->category = hidden_new(n, sizeof *c->category)) != NULL;
    if (c->type == ATTRIBUTE_NUMBER)
        return (c->number = hidden_new(n, sizeof *c->number)) != NULL;
    if (v->whole->cut[i] != NULL &&
        (v->map.cut[i] = hidden_new(n, c->words * sizeof *c->set)) == NULL)
        return false;
    return (c->set = hidden_new(n, c->words * sizeof *c->set)) != NULL;
}

static bool room_for(struct columns_view *v, size_t n)
{
    if (n <= v->room)
        return true;
    free_records(v);
    n += n / 8; /* the next window has about as many */
    v->map.slot = hidden_new(n, sizeof *v->map.slot);
    v->map.row = hidden_new(n, sizeof *v->map.row);
    v->map.sign = hidden_new(n, sizeof *v->map.sign);
    v->map.kept = hidden_new(n, sizeof *v->map.kept);
    bool good =
        v->map.slot != NULL && v->map.row != NULL && v->map.sign != NULL && v->map.kept != NULL;
    for (size_t i = 0; i < v->data.column_count && good; i++)
        good = !v->wanted[i] || room_for_column(v, i, n);
    if (!good) {
        free_records(v);
        return false;
    }
    for (size_t i = 0; i < n; i++) /* its columns lie as its records do */
        v->map.row[i] = (uint32_t)i;
    v->room = n;
    return true;
}

/* set: `words` a row of data, or a record of the whole map. */
static void take_set(uint64_t *out, const uint64_t *set, const uint32_t *row,
                     const struct columns_placed *placed, size_t n, size_t words)
{
    for (size_t i = 0; i < n; i++) {
        const size_t at = row != NULL ? row[placed[i].record] : placed[i].record;
        for (size_t w = 0; w < words; w++)
            out[i * words + w] = set[at * words + w];
    }
}

static void take_column(struct columns_view *v, size_t i, const struct columns_placed *placed,
                        size_t n)
{
    const struct columns_map *w = v->whole;
    const struct vault_column *from = &w->data->columns[i];
    struct vault_column *to = &v->columns[i];

    if (to->type == ATTRIBUTE_CATEGORY) {
        for (size_t k = 0; k < n; k++)
            to->category[k] = from->category[w->row[placed[k].record]];
    } else if (to->type == ATTRIBUTE_NUMBER) {
        for (size_t k = 0; k < n; k++)
            to->number[k] = from->number[w->row[placed[k].record]];
    } else {
        take_set(to->set, from->set, w->row, placed, n, to->words);
        if (w->cut[i] != NULL)
            take_set(v->map.cut[i], w->cut[i], NULL, placed, n, to->words);
    }
}

enum pt_code columns_view_move(struct columns_view *v, uint64_t first, size_t slots,
                               struct pt_err *err)
{
    const struct columns_map *w = v->whole;
    const bool last = first <= w->m && slots == w->m - first;

    if (first % COLUMNS_BUCKET != 0 || first > w->m || slots > w->m - first ||
        (slots % COLUMNS_BUCKET != 0 && !last))
        return pt_fail(err, PT_EBUG, "a view of %zu slots from %" PRIu64 " on", slots, first);
    const size_t b = (size_t)(first / COLUMNS_BUCKET);
    const size_t end = b + (slots + COLUMNS_BUCKET - 1) / COLUMNS_BUCKET;
    const struct columns_placed *placed = w->by_slot + w->bucket[b];
    const size_t n = w->bucket[end] - w->bucket[b];
    if (!room_for(v, n > 0 ? n : 1))
        return pt_fail(err, PT_ENOMEM, "a view of customers: no memory");
    v->map.m = slots;
    v->map.rows = n;
    v->map.kept_count = 0;
    for (size_t i = 0; i < n; i++) {
        v->map.slot[i] = placed[i].slot - (uint32_t)first;
        v->map.sign[i] = placed[i].sign;
        v->map.kept[i] = placed[i].kept;
        v->map.kept_count += placed[i].kept;
    }
    for (size_t i = 0; i < v->data.column_count; i++)
        if (v->wanted[i])
            take_column(v, i, placed, n);
    v->data.count = n;
    return PT_OK;
}
