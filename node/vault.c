#include "node/vault.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "node/hidden.h"
#include "node/sealed.h"
#include "node/vaultdir.h"

/* Columns are stored as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vault files are little endian");

struct pair { /* how tokens lie on disk: they need no dataset to be read */
    struct digest digest;
    struct token token;
};

#define LOADING_CUSTOMERS "loading customers (restore the vault folder, or ingest again)"
#define LOADING_TOKENS    "loading tokens (restore the vault folder, or ingest again)"

/* ---- in memory ---- */

static bool column_new(struct vault_column *c, const struct policy_attribute *a, size_t count)
{
    c->type = a->type;
    if (a->type == ATTRIBUTE_SET) {
        c->words = (a->value_count + 63) / 64;
        c->set = hidden_new(count, c->words * sizeof *c->set);
        return c->set != NULL;
    }
    if (a->type == ATTRIBUTE_CATEGORY) {
        c->category = hidden_new(count, sizeof *c->category);
        for (size_t i = 0; c->category != NULL && i < count; i++)
            c->category[i] = VAULT_NONE;
        return c->category != NULL;
    }
    c->number = hidden_new(count, sizeof *c->number);
    for (size_t i = 0; c->number != NULL && i < count; i++)
        c->number[i] = (double)NAN;
    return c->number != NULL;
}

enum pt_code vault_data_new(struct vault_data **out, const struct policy_partner *me,
                            uint64_t count, struct pt_err *err)
{
    struct vault_data *d;
    size_t room = count > 0 ? (size_t)count : 1; /* there is no empty page */
    bool good;

    *out = NULL;
    if (count > VAULT_ROWS_MAX)
        return pt_fail(err, PT_ELIMIT, "%" PRIu64 " customers: a node takes at most %d", count,
                       VAULT_ROWS_MAX);
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return pt_fail(err, PT_ENOMEM, "customer data: not enough memory");
    d->count = count;
    d->digests = hidden_new(room, sizeof *d->digests);
    d->tokens = hidden_new(room, sizeof *d->tokens);
    d->has_token = hidden_new(room, 1);
    d->columns = calloc(me->attribute_count + 1, sizeof *d->columns);
    good = d->digests != NULL && d->tokens != NULL && d->has_token != NULL && d->columns != NULL;
    for (size_t i = 0; good && i < me->attribute_count; i++) {
        d->column_count = i + 1;
        good = column_new(&d->columns[i], &me->attributes[i], room);
    }
    if (!good) {
        vault_data_free(d);
        return pt_fail(err, PT_ENOMEM, "customer data: not enough memory for %" PRIu64 " rows",
                       count);
    }
    *out = d;
    return PT_OK;
}

void vault_data_free(struct vault_data *d)
{
    if (d == NULL)
        return;
    hidden_free(d->digests);
    hidden_free(d->tokens);
    hidden_free(d->has_token);
    for (size_t i = 0; i < d->column_count; i++) {
        hidden_free(d->columns[i].category);
        hidden_free(d->columns[i].set);
        hidden_free(d->columns[i].number);
    }
    free(d->columns);
    explicit_bzero(d, sizeof *d);
    free(d);
}

void vault_forget_tokens(struct vault_data *data)
{
    explicit_bzero(data->tokens, (size_t)data->count * sizeof *data->tokens);
    memset(data->has_token, 0, (size_t)data->count);
    data->token_count = 0;
    data->key_period[0] = '\0';
}

static void move_bytes(void *array, uint64_t to, uint64_t from, size_t bytes)
{
    if (array != NULL && to != from)
        memcpy((uint8_t *)array + to * bytes, (const uint8_t *)array + from * bytes, bytes);
}

static void wipe_from(void *array, uint64_t first, uint64_t end, size_t bytes)
{
    if (array != NULL)
        explicit_bzero((uint8_t *)array + first * bytes, (size_t)(end - first) * bytes);
}

void vault_move_row(struct vault_data *d, uint64_t to, uint64_t from)
{
    move_bytes(d->digests, to, from, sizeof *d->digests);
    move_bytes(d->tokens, to, from, sizeof *d->tokens);
    move_bytes(d->has_token, to, from, 1);
    for (size_t i = 0; i < d->column_count; i++) {
        move_bytes(d->columns[i].category, to, from, sizeof(uint16_t));
        move_bytes(d->columns[i].set, to, from, d->columns[i].words * sizeof(uint64_t));
        move_bytes(d->columns[i].number, to, from, sizeof(double));
    }
}

void vault_cut(struct vault_data *d, uint64_t count)
{
    assert(count <= d->count);
    wipe_from(d->digests, count, d->count, sizeof *d->digests);
    wipe_from(d->tokens, count, d->count, sizeof *d->tokens);
    wipe_from(d->has_token, count, d->count, 1);
    for (size_t i = 0; i < d->column_count; i++) {
        wipe_from(d->columns[i].category, count, d->count, sizeof(uint16_t));
        wipe_from(d->columns[i].set, count, d->count, d->columns[i].words * sizeof(uint64_t));
        wipe_from(d->columns[i].number, count, d->count, sizeof(double));
    }
    d->count = count;
    d->token_count = 0;
    for (uint64_t i = 0; i < count; i++)
        d->token_count += d->has_token[i] != 0;
}

static bool ascending(const struct digest *d, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++)
        if (memcmp(&d[i - 1], &d[i], sizeof *d) >= 0)
            return false;
    return true;
}

/* ---- what files are bound to ---- */

static bool put_attribute(struct buf *b, const struct policy_attribute *a)
{
    bool good = buf_field(b, span_z(a->name)) && buf_u32le(b, (uint32_t)a->type) &&
                buf_u32le(b, (uint32_t)a->value_count);

    for (size_t i = 0; good && i < a->value_count; i++)
        good = buf_field(b, span_z(a->values[i]));
    if (a->type == ATTRIBUTE_NUMBER)
        good = good && buf_u32le(b, (uint32_t)a->combine) && buf_add(b, &a->min, sizeof a->min) &&
               buf_add(b, &a->max, sizeof a->max);
    return good;
}

/* Everything in the policy that decides what the stored bytes mean. max_per_person is not in it:
 * sets are stored whole. */
static enum pt_code schema_of(struct digest *out, const struct vault_place *at, struct pt_err *err)
{
    const struct policy_partner *me = &at->policy->partners[at->me];
    struct buf b = {0};
    bool good = buf_field(&b, span_z(at->policy->federation)) && buf_field(&b, span_z(me->name)) &&
                buf_u32le(&b, (uint32_t)at->policy->identifier) &&
                buf_u32le(&b, (uint32_t)at->policy->rules);

    for (size_t i = 0; good && i < me->attribute_count; i++)
        good = put_attribute(&b, &me->attributes[i]);
    struct span part = buf_span(&b);
    if (good)
        hash_parts(out, "patto/vault-schema", &part, 1);
    buf_free(&b);
    return good ? PT_OK : pt_fail(err, PT_ENOMEM, "vault: not enough memory");
}

static void dataset_context(struct digest *out, const struct vaultdir *c)
{
    const struct span parts[] = {span_of(&c->schema, sizeof c->schema), span_z(c->generation)};
    hash_parts(out, "patto/vault-dataset-1", parts, PT_LEN(parts));
}

/* Tokens follow from digest, federation, key period and type of identifier: not from attributes. */
static void tokens_context(struct digest *out, const struct vault_place *at,
                           const struct vaultdir *c)
{
    const struct span parts[] = {
        span_z(at->policy->federation), span_z(at->policy->partners[at->me].name),
        span_z(at->policy->identifier == IDENTIFIER_EMAIL ? "email" : "phone"),
        span_z(c->key_period), span_z(c->generation)};
    hash_parts(out, "patto/vault-tokens-1", parts, PT_LEN(parts));
}

/* ---- tokens on disk ---- */

static enum pt_code write_tokens(const struct vault_place *at, const struct vaultdir *c,
                                 const struct vault_data *d, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct sealed_writer *w = NULL;
    uint8_t head[8];
    enum pt_code rc;

    tokens_context(&context, at, c);
    store_u64le(head, d->token_count);
    if ((rc = vaultdir_tokens(path, at->dir, c, err)) != PT_OK ||
        (rc = sealed_create(&w, path, at->key, &context, err)) != PT_OK)
        return rc;
    rc = sealed_put(w, span_of(head, sizeof head), err);
    for (uint64_t i = 0; i < d->count && rc == PT_OK; i++) {
        if (!d->has_token[i])
            continue;
        rc = sealed_put(w, span_of(&d->digests[i], sizeof d->digests[i]), err);
        if (rc == PT_OK)
            rc = sealed_put(w, span_of(&d->tokens[i], sizeof d->tokens[i]), err);
    }
    if (rc == PT_OK)
        rc = sealed_commit(w, err);
    sealed_drop(w);
    return rc;
}

/* Give d the tokens that file c holds for its digests. Both ascend: one pass. */
static enum pt_code read_tokens(struct vault_data *d, const struct vault_place *at,
                                const struct vaultdir *c, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct sealed_reader *r = NULL;
    struct pair p = {0};
    uint8_t head[8];
    uint64_t row = 0;
    enum pt_code rc;

    tokens_context(&context, at, c);
    if ((rc = vaultdir_tokens(path, at->dir, c, err)) != PT_OK ||
        (rc = sealed_open(&r, path, at->key, &context, err)) != PT_OK ||
        (rc = sealed_get(head, sizeof head, r, err)) != PT_OK)
        goto out;
    for (uint64_t left = load_u64le(head); left > 0; left--) {
        if ((rc = sealed_get(&p, sizeof p, r, err)) != PT_OK)
            goto out;
        while (row < d->count && memcmp(&d->digests[row], &p.digest, sizeof p.digest) < 0)
            row++;
        if (row == d->count || memcmp(&d->digests[row], &p.digest, sizeof p.digest) != 0)
            continue;
        d->tokens[row] = p.token;
        d->token_count += d->has_token[row] == 0;
        d->has_token[row] = 1;
    }
    rc = sealed_end(r, err);
out:
    explicit_bzero(&p, sizeof p);
    sealed_close(r);
    if (rc == PT_OK)
        memcpy(d->key_period, c->key_period, sizeof d->key_period);
    else
        vault_forget_tokens(d);
    return rc;
}

/* ---- the dataset on disk ---- */

/* The arrays of d in file order: one place that reading and writing share. */
struct part {
    void *p;
    size_t n;
};
static size_t parts_of(struct part parts[POLICY_ATTRIBUTES_MAX + 2], struct vault_data *d)
{
    size_t rows = (size_t)d->count;
    size_t n = 0;

    parts[n++] = (struct part){&d->stats, sizeof d->stats};
    parts[n++] = (struct part){d->digests, rows * sizeof *d->digests};
    for (size_t i = 0; i < d->column_count; i++) {
        struct vault_column *c = &d->columns[i];
        if (c->type == ATTRIBUTE_CATEGORY)
            parts[n++] = (struct part){c->category, rows * sizeof *c->category};
        else if (c->type == ATTRIBUTE_SET)
            parts[n++] = (struct part){c->set, rows * c->words * sizeof *c->set};
        else
            parts[n++] = (struct part){c->number, rows * sizeof *c->number};
    }
    return n;
}

static enum pt_code write_dataset(const struct vault_place *at, const struct vaultdir *c,
                                  struct vault_data *d, struct pt_err *err)
{
    struct part parts[POLICY_ATTRIBUTES_MAX + 2];
    size_t n = parts_of(parts, d);
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct sealed_writer *w = NULL;
    uint8_t head[8];
    enum pt_code rc;

    dataset_context(&context, c);
    store_u64le(head, d->count);
    if ((rc = vaultdir_dataset(path, at->dir, c, err)) != PT_OK ||
        (rc = sealed_create(&w, path, at->key, &context, err)) != PT_OK)
        return rc;
    rc = sealed_put(w, span_of(head, sizeof head), err);
    for (size_t i = 0; i < n && rc == PT_OK; i++)
        rc = sealed_put(w, span_of(parts[i].p, parts[i].n), err);
    if (rc == PT_OK)
        rc = sealed_commit(w, err);
    sealed_drop(w);
    return rc;
}

static enum pt_code read_dataset(struct vault_data **out, const struct vault_place *at,
                                 const struct vaultdir *c, struct pt_err *err)
{
    struct part parts[POLICY_ATTRIBUTES_MAX + 2];
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct sealed_reader *r = NULL;
    struct vault_data *d = NULL;
    uint8_t head[8];
    enum pt_code rc;

    dataset_context(&context, c);
    if ((rc = vaultdir_dataset(path, at->dir, c, err)) != PT_OK ||
        (rc = sealed_open(&r, path, at->key, &context, err)) != PT_OK ||
        (rc = sealed_get(head, sizeof head, r, err)) != PT_OK)
        goto out;
    if (load_u64le(head) > sealed_left(r) / sizeof(struct digest)) {
        rc = pt_fail(err, PT_EBADMSG, "reading %s: it was cut short", path);
        goto out;
    }
    if ((rc = vault_data_new(&d, &at->policy->partners[at->me], load_u64le(head), err)) != PT_OK)
        goto out;
    assert(d != NULL);
    size_t n = parts_of(parts, d);
    for (size_t i = 0; i < n && rc == PT_OK; i++)
        rc = sealed_get(parts[i].p, parts[i].n, r, err);
    if (rc == PT_OK)
        rc = sealed_end(r, err);
    memcpy(d->generation, c->generation, sizeof d->generation);
out:
    sealed_close(r);
    if (rc != PT_OK) {
        vault_data_free(d);
        d = NULL;
    }
    *out = d;
    return rc;
}

enum pt_code vault_sweep(const char *dir, struct pt_err *err)
{
    return vaultdir_sweep(dir, err);
}

/* What `current` names, made for this policy. */
static enum pt_code in_force(struct vaultdir *c, const struct vault_place *place,
                             struct pt_err *err)
{
    struct digest schema;
    bool there;

    if (vaultdir_read(c, &there, place->dir, err) != PT_OK ||
        schema_of(&schema, place, err) != PT_OK)
        return pt_wrap(err, LOADING_CUSTOMERS);
    if (!there)
        return pt_fail(err, PT_ESTATE, "no customers yet: run patto ingest FILE --map MAP.yaml");
    if (memcmp(&schema, &c->schema, sizeof schema) != 0)
        return pt_fail(err, PT_ESTATE,
                       "the policy now describes other attributes or identifiers than those that "
                       "were ingested: run patto ingest again");
    return PT_OK;
}

enum pt_code vault_load(struct vault_data **out, const struct vault_place *place,
                        struct pt_err *err)
{
    struct vaultdir c;
    enum pt_code rc;

    *out = NULL;
    if ((rc = in_force(&c, place, err)) != PT_OK)
        return rc;
    if (read_dataset(out, place, &c, err) != PT_OK)
        return pt_wrap(err, LOADING_CUSTOMERS);
    if (c.key_period[0] == '\0')
        return PT_OK;
    if (read_tokens(*out, place, &c, err) != PT_OK) {
        vault_data_free(*out);
        *out = NULL;
        return pt_wrap(err, LOADING_TOKENS);
    }
    return PT_OK;
}

static enum pt_code first_number(uint64_t *out, const struct vault_place *place, const char *path,
                                 const struct digest *context, struct pt_err *err)
{
    struct sealed_reader *r = NULL;
    uint8_t head[8] = {0};
    enum pt_code rc;

    if ((rc = sealed_open(&r, path, place->key, context, err)) == PT_OK)
        rc = sealed_get(head, sizeof head, r, err);
    sealed_close(r);
    *out = load_u64le(head);
    return rc;
}

enum pt_code vault_count(struct vault_counts *out, const struct vault_place *place,
                         struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct vaultdir c;
    enum pt_code rc;

    *out = (struct vault_counts){0};
    if ((rc = in_force(&c, place, err)) != PT_OK)
        return rc;
    dataset_context(&context, &c);
    if (vaultdir_dataset(path, place->dir, &c, err) != PT_OK ||
        first_number(&out->customers, place, path, &context, err) != PT_OK)
        return pt_wrap(err, LOADING_CUSTOMERS);
    if (c.key_period[0] == '\0')
        return PT_OK;
    tokens_context(&context, place, &c);
    if (vaultdir_tokens(path, place->dir, &c, err) != PT_OK ||
        first_number(&out->tokens, place, path, &context, err) != PT_OK)
        return pt_wrap(err, LOADING_TOKENS);
    return PT_OK;
}

enum pt_code vault_store_dataset(const struct vault_place *place, struct vault_data *data,
                                 struct pt_err *err)
{
    struct vaultdir was;
    struct vaultdir now = {0};
    uint8_t random[8];
    bool there;

    if (!ascending(data->digests, data->count))
        return pt_fail(err, PT_EBUG, "storing customers: rows do not ascend by digest");
    if (data->token_count > 0 || data->key_period[0] != '\0')
        vault_forget_tokens(data); /* and otherwise their room stays no memory */
    /* A `current` that is damaged must not keep anyone from ingesting again. */
    if (vaultdir_read(&was, &there, place->dir, err) != PT_OK)
        there = false;
    if (schema_of(&now.schema, place, err) != PT_OK)
        return pt_wrap(err, "storing customers");
    randombytes_buf(random, sizeof random);
    text_hex(now.generation, random, sizeof random);
    /* Tokens that cannot be read any more (another federation, a damaged file) are no loss that
     * should stop this: those customers are evaluated afresh. */
    if (there && was.key_period[0] != '\0' && read_tokens(data, place, &was, err) == PT_ENOMEM)
        return pt_wrap(err, "carrying tokens over");
    memcpy(now.key_period, data->key_period, sizeof now.key_period);
    if (write_dataset(place, &now, data, err) != PT_OK ||
        (now.key_period[0] != '\0' && write_tokens(place, &now, data, err) != PT_OK) ||
        vaultdir_write(place->dir, &now, err) != PT_OK) {
        struct pt_err ignored;
        (void)!vaultdir_sweep(place->dir, &ignored); /* the first error is the one to report */
        return pt_wrap(err, "storing customers");
    }
    memcpy(data->generation, now.generation, sizeof now.generation);
    return vaultdir_sweep(place->dir, err);
}

enum pt_code vault_store_tokens(const struct vault_place *place, struct vault_data *data,
                                const char *key_period, struct pt_err *err)
{
    struct vaultdir c;
    bool there;

    if (!vaultdir_is_period(span_z(key_period)))
        return pt_fail(err, PT_EBUG, "storing tokens: \"%s\" is no name of a key period",
                       key_period);
    if (vaultdir_read(&c, &there, place->dir, err) != PT_OK)
        return pt_wrap(err, "storing tokens");
    if (!there || strcmp(c.generation, data->generation) != 0)
        return pt_fail(err, PT_ESTATE,
                       "storing tokens: customers were ingested again meanwhile; tokenise those");
    bool changed = strcmp(c.key_period, key_period) != 0;
    snprintf(c.key_period, sizeof c.key_period, "%s", key_period);
    data->token_count = 0;
    for (uint64_t i = 0; i < data->count; i++)
        data->token_count += data->has_token[i] != 0;
    if (write_tokens(place, &c, data, err) != PT_OK ||
        (changed && vaultdir_write(place->dir, &c, err) != PT_OK))
        return pt_wrap(err, "storing tokens");
    memcpy(data->key_period, c.key_period, sizeof c.key_period);
    return changed ? vaultdir_sweep(place->dir, err) : PT_OK;
}
