#include "node/own_columns.h"

#include "crypto/base/ct.h"
#include "crypto/base/text.h"
#include "crypto/blake2b_tree.h"
#include "node/hidden.h"
#include "node/packed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "own columns: no memory");
}

static const char *partner_name(const struct own_columns *o)
{
    return o->in.daemon->home->policy->partners[o->in.question->with].name;
}

static size_t packed_bytes(const struct own_columns *o)
{
    return (size_t)rlwe_block_count(o->in.rlwe) * PACKED_BLOCK;
}

static enum pt_code make_room(struct own_columns *o, struct pt_err *err)
{
    struct parallel parallel = pool_parallel(o->in.daemon->pool);
    /* Four strips a thread, and none waits long for the last one; then it is said how far this has come. */
    const size_t width = parallel_width(&parallel) * OWN_COLUMNS_SIDE_BY_SIDE * 4;
    const size_t fit = OWN_COLUMNS_MEMORY / packed_bytes(o);
    const struct policy *p = o->in.daemon->home->policy;

    o->table_count = reply_column_count(p, o->in.question);
    o->count = o->table_count + ask_counter_count(p, o->in.question, o->in.rlwe);
    assert(o->count > 0);
    o->keep = o->count <= fit;
    o->at_once = fit < 1 ? 1 : fit > width ? width : fit;
    o->at_once = o->at_once < o->count ? o->at_once : o->count;
    o->columns = calloc(o->count, sizeof *o->columns);
    o->keys = calloc(o->count, sizeof(struct rlwe_key *));
    o->asked = calloc(o->count, sizeof *o->asked);
    o->energy = calloc(o->count, sizeof *o->energy);
    o->own_size = calloc(o->count, sizeof *o->own_size);
    return o->columns != NULL && o->keys != NULL && o->asked != NULL && o->energy != NULL &&
                   o->own_size != NULL
               ? PT_OK
               : no_memory(err);
}

enum pt_code own_columns_packed(uint8_t *packed, struct columns_sums *sums,
                                const struct columns_map *map, const struct own_columns_which *at)
{
    const struct question *q = at->question;
    const size_t i = at->index;
    const bool counter = i >= at->table_count;
    const size_t value = counter ? i - at->table_count : i - 1; /* of "all" not looked at */
    const struct columns_selector which = {.filters = q->filters,
                                           .filter_count = q->filter_count,
                                           .has_category = !counter && i > 0,
                                           .has_counter = counter,
                                           .attribute = q->rows,
                                           .value = (uint16_t)value};

    return columns_recipient(packed, sums, map, &which, reply_slots(q, columns_slots(map)));
}

/* Values of column i, packed, and what is known of them but the ciphertext. */
static enum pt_code make_values(struct column_made *out, struct own_columns *o, size_t i,
                                struct pt_err *err)
{
    const struct own_columns_which which = {o->in.question, i, o->table_count};
    struct own_column *c = &o->columns[i];
    PT_WIPED(columns_sums) sums = {0};

    if ((c->packed = hidden_new(1, packed_bytes(o))) == NULL)
        return no_memory(err);
    const enum pt_code rc = own_columns_packed(c->packed, &sums, snapshot_map(o->in.epoch), &which);
    if (rc != PT_OK)
        return pt_fail(err, rc, "own columns could not be made");
    out->energy = sums.energy;
    out->size = sums.audience;
    packed_values_digest(&out->values, c->packed, snapshot_header(o->in.epoch)->slot_count);
    packed_digest(&c->content, c->packed, rlwe_block_count(o->in.rlwe));
    c->values = out->values;
    return PT_OK;
}

/* ---- columns side by side ---- */

struct strip { /* columns [first, first + n), made by one thread */
    struct own_columns *o;
    size_t first, n;
    struct pt_err err; /* code PT_OK: made */
};
struct making { /* one column, whose digest is not known yet */
    size_t column;
    struct digest name; /* of columns_made.h */
    struct column_made made;
    struct blake2b_tree hash;
    uint8_t *block;
    int8_t values[RLWE_DEGREE]; /* of one block */
};

enum pt_code own_columns_key(struct rlwe_key **out, const struct own_columns_in *in,
                             struct span name, const struct digest *values, struct pt_err *err)
{
    PT_WIPED(key32) seed = {0};
    const struct epoch_column column = {.name = name, .values = values};
    enum pt_code rc;

    epoch_column_seed(&seed, snapshot_seed(in->epoch), in->pair, &column);
    rc = rlwe_key_new(out, in->rlwe, &seed);
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "a column key: no memory that can be locked");
}

static void name_made(struct digest *out, const struct own_columns *o, const struct own_column *c)
{
    PT_WIPED(key32) made = {0};
    const struct span parts[] = {span_z(partner_name(o)), buf_span(&c->name)};

    prf_derive(&made, snapshot_seed(o->in.epoch), "patto/column-made/2", parts, PT_LEN(parts));
    memcpy(out->b, made.b, sizeof out->b);
}

/* Name and key of column i, and its digest if it was encrypted before: an epoch's data do not change, so
 * that its values are a function of epoch, pair and name. They are made when they were not, or when a
 * question looks at other slots of them. */
static enum pt_code begin_column(struct making *m, bool *known, struct own_columns *o, size_t i,
                                 struct pt_err *err)
{
    struct own_column *c = &o->columns[i];
    const uint64_t slot_end = reply_slots(o->in.question, snapshot_header(o->in.epoch)->slot_count);
    PT_WIPED(column_made) was = {0};
    enum pt_code rc;

    *m = (struct making){.column = i};
    if ((rc = reply_column_name(&c->name, o->in.daemon->home->policy, o->in.question, i, err)) !=
        PT_OK)
        return rc;
    name_made(&m->name, o, c);
    *known = columns_made_find(&was, o->in.daemon->made, &m->name);
    m->made = was;
    if ((!*known || was.slot_end != slot_end) && (rc = make_values(&m->made, o, i, err)) != PT_OK)
        return rc;
    m->made.slot_end = slot_end;
    if (*known && !ct_equal(&was.values, &m->made.values, sizeof was.values))
        return pt_fail(err, PT_EBUG, "column %zu has changed within an epoch", i);
    c->digest = was.digest;
    o->energy[i] = (double)m->made.energy;
    o->own_size[i] = (double)m->made.size;
    return own_columns_key(&o->keys[i], &o->in, buf_span(&c->name), &m->made.values, err);
}

static enum pt_code hash_block(struct making *m, size_t n, struct own_columns *o, uint64_t k,
                               struct pt_err *err)
{
    const struct rlwe *c = o->in.rlwe;
    struct rlwe_column side[OWN_COLUMNS_SIDE_BY_SIDE];
    const bool last = k == rlwe_block_count(c);
    enum pt_code rc;

    for (size_t i = 0; i < n; i++) {
        if (!last)
            packed_block(m[i].values, o->columns[m[i].column].packed, k);
        side[i] = (struct rlwe_column){
            .out = m[i].block, .key = o->keys[m[i].column], .values = last ? NULL : m[i].values};
    }
    if ((rc = rlwe_encrypt_columns(c, side, n, k)) != PT_OK)
        return pt_fail(err, rc, "encrypting a column");
    for (size_t i = 0; i < n; i++)
        blake2b_tree_add(&m[i].hash, span_of(m[i].block, rlwe_block_bytes(c)));
    return PT_OK;
}

/* Side by side, and of the ciphertexts the digests alone are kept. */
static enum pt_code hash_columns(struct making *m, size_t n, struct own_columns *o,
                                 struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < n && rc == PT_OK; i++) {
        m[i].block = malloc(rlwe_block_bytes(o->in.rlwe));
        rc = m[i].block == NULL ? no_memory(err) : PT_OK;
        blake2b_tree_begin(&m[i].hash);
    }
    for (uint64_t k = 0; k <= rlwe_block_count(o->in.rlwe) && rc == PT_OK && n > 0; k++)
        rc = hash_block(m, n, o, k, err);
    for (size_t i = 0; i < n; i++) {
        struct own_column *c = &o->columns[m[i].column];
        free(m[i].block);
        if (rc != PT_OK)
            continue;
        reply_column_digest_end(&c->digest, &m[i].hash);
        m[i].made.digest = c->digest;
        columns_made_keep(o->in.daemon->made, &m[i].name, &m[i].made);
    }
    return rc;
}

static void make_strip(void *context, size_t index)
{
    struct strip *s = (struct strip *)context + index;
    struct own_columns *o = s->o;
    struct making *m = hidden_new(s->n, sizeof *m);
    size_t n = 0;
    enum pt_code rc = PT_OK;

    if (m == NULL) {
        (void)!no_memory(&s->err);
        goto out;
    }
    for (size_t i = s->first; i < s->first + s->n && rc == PT_OK; i++) {
        bool known = false;
        rc = begin_column(&m[n], &known, o, i, &s->err);
        n += rc == PT_OK && !known;
    }
    if (rc == PT_OK)
        rc = hash_columns(m, n, o, &s->err);
    for (size_t i = s->first; i < s->first + s->n && rc == PT_OK; i++) {
        const struct own_column *c = &o->columns[i];
        o->asked[i] = (struct ask_column){.name = buf_span(&c->name),
                                          .digest = c->digest,
                                          .bytes = rlwe_column_bytes(o->in.rlwe)};
    }
out:
    hidden_free(m);
}

/* One name, one ciphertext, for ever: a changed one would tell what changed. */
static enum pt_code bind_column(struct own_columns *o, size_t i, struct pt_err *err)
{
    char name[WIRE_COLUMN_NAME_MAX + 1];
    const struct store_column column = {
        .epoch = *snapshot_id(o->in.epoch), .peer = partner_name(o), .sent = true, .name = name};

    if (!text_copy(name, sizeof name, buf_span(&o->columns[i].name)))
        return pt_fail(err, PT_ELIMIT, "too many filters for one column name");
    return store_column_bind(o->in.daemon->store, &column, &o->columns[i].digest, err);
}

/* Columns [first, first + n), n <= at_once, shared out evenly. */
static enum pt_code make_some(struct own_columns *o, size_t first, size_t n, struct pt_err *err)
{
    struct parallel parallel = pool_parallel(o->in.daemon->pool);
    size_t width = parallel_width(&parallel);
    size_t least = (n + OWN_COLUMNS_SIDE_BY_SIDE - 1) / OWN_COLUMNS_SIDE_BY_SIDE;
    size_t count = (least + width - 1) / width * width; /* nobody waits for the last one */
    struct strip *strips;
    enum pt_code rc = PT_OK;

    count = count < n ? count : n;
    assert(count > 0);
    strips = calloc(count, sizeof *strips);
    if (strips == NULL)
        return no_memory(err);
    for (size_t i = 0; i < count; i++)
        strips[i] = (struct strip){
            .o = o, .first = first + n * i / count, .n = n * (i + 1) / count - n * i / count};
    parallel_run(&parallel, count, make_strip, strips);
    for (size_t i = 0; i < count && rc == PT_OK; i++) /* the first, so that threads do not show */
        if (strips[i].err.code != PT_OK) {
            *err = strips[i].err;
            rc = err->code;
        }
    free(strips);
    for (size_t i = first; i < first + n && rc == PT_OK; i++)
        rc = bind_column(o, i, err);
    return rc;
}

static void forget_values(struct own_columns *o, size_t first, size_t n)
{
    for (size_t i = first; i < first + n && o->columns != NULL; i++) {
        hidden_free(o->columns[i].packed);
        o->columns[i].packed = NULL;
    }
}

enum pt_code own_columns_prepare(struct own_columns *o, const struct own_columns_in *in,
                                 const struct job *job, struct pt_err *err)
{
    enum pt_code rc;

    *o = (struct own_columns){.in = *in};
    rc = make_room(o, err);
    for (size_t first = 0; rc == PT_OK && first < o->count; first += o->at_once) {
        const size_t left = o->count - first;
        const size_t n = left < o->at_once ? left : o->at_once;
        rc = job->progress(job->self, "encrypting columns", first, o->count, "", err);
        if (rc == PT_OK)
            rc = make_some(o, first, n, err);
        if (!o->keep)
            forget_values(o, first, n);
    }
    return rc;
}

void own_columns_free(struct own_columns *o)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->columns != NULL)
            buf_free(&o->columns[i].name);
        if (o->keys != NULL)
            rlwe_key_free(o->keys[i]);
    }
    forget_values(o, 0, o->count);
    if (o->columns != NULL)
        explicit_bzero(o->columns, o->count * sizeof *o->columns);
    free(o->columns);
    free(o->keys);
    free(o->asked);
    free(o->energy);
    free(o->own_size);
    *o = (struct own_columns){0};
}
