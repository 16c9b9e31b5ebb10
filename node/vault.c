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
#include "node/vault_format.h"

/* Columns are stored as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vault files are little endian");

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
enum pt_code vault_schema(struct digest *out, const struct vault_place *at, struct pt_err *err)
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
        hash_parts(out, "patto/vault-schema-2", &part, 1); /* 2: rows in groups */
    buf_free(&b);
    return good ? PT_OK : pt_fail(err, PT_ENOMEM, "vault: not enough memory");
}

void vault_dataset_context(struct digest *out, const struct vaultdir *c)
{
    const struct span parts[] = {span_of(&c->schema, sizeof c->schema), span_z(c->generation)};
    hash_parts(out, "patto/vault-dataset-2", parts, PT_LEN(parts));
}

/* Tokens follow from digest, federation, key period and type of identifier: not from attributes. */
void vault_tokens_context(struct digest *out, const struct vault_place *at,
                          const struct vaultdir *c)
{
    const struct span parts[] = {
        span_z(at->policy->federation), span_z(at->policy->partners[at->me].name),
        span_z(at->policy->identifier == IDENTIFIER_EMAIL ? "email" : "phone"),
        span_z(c->key_period), span_z(c->generation)};
    hash_parts(out, "patto/vault-tokens-1", parts, PT_LEN(parts));
}

/* ---- tokens on disk ---- */

enum pt_code vault_tokens_open(struct vault_tokens *t, const struct vault_place *at,
                               const struct vaultdir *c, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    uint8_t head[8];
    enum pt_code rc;

    *t = (struct vault_tokens){0};
    vault_tokens_context(&context, at, c);
    if ((rc = vaultdir_tokens(path, at->dir, c, err)) != PT_OK ||
        (rc = sealed_open(&t->reader, path, at->key, &context, err)) != PT_OK ||
        (rc = sealed_get(head, sizeof head, t->reader, err)) != PT_OK)
        vault_tokens_close(t);
    else
        t->left = load_u64le(head);
    return rc;
}

void vault_tokens_close(struct vault_tokens *t)
{
    sealed_close(t->reader);
    explicit_bzero(t, sizeof *t);
}

/* *there false: no pair is left. */
static enum pt_code next_pair(bool *there, struct vault_tokens *t, struct pt_err *err)
{
    enum pt_code rc;

    *there = t->has || t->left > 0;
    if (t->has || t->left == 0)
        return PT_OK;
    if ((rc = sealed_get(&t->pair, sizeof t->pair, t->reader, err)) != PT_OK)
        return rc;
    t->left--;
    t->has = true;
    return PT_OK;
}

/* Both ascend: one pass. */
enum pt_code vault_tokens_give(struct vault_tokens *t, struct vault_data *d, struct pt_err *err)
{
    uint64_t row = 0;
    bool there;
    enum pt_code rc;

    while ((rc = next_pair(&there, t, err)) == PT_OK && there) {
        while (row < d->count &&
               memcmp(&d->digests[row], &t->pair.digest, sizeof t->pair.digest) < 0)
            row++;
        if (row == d->count)
            return PT_OK; /* this pair may be one of the rows to come */
        t->has = false;
        if (memcmp(&d->digests[row], &t->pair.digest, sizeof t->pair.digest) != 0)
            continue;
        d->tokens[row] = t->pair.token;
        d->token_count += d->has_token[row] == 0;
        d->has_token[row] = 1;
    }
    return rc;
}

enum pt_code vault_tokens_end(struct vault_tokens *t, struct pt_err *err)
{
    bool there;
    enum pt_code rc;

    while ((rc = next_pair(&there, t, err)) == PT_OK && there)
        t->has = false;
    return rc == PT_OK ? sealed_end(t->reader, err) : rc;
}

static enum pt_code read_tokens(struct vault_data *d, const struct vault_place *at,
                                const struct vaultdir *c, struct pt_err *err)
{
    struct vault_tokens t;
    enum pt_code rc = vault_tokens_open(&t, at, c, err);

    if (rc == PT_OK && (rc = vault_tokens_give(&t, d, err)) == PT_OK)
        rc = vault_tokens_end(&t, err);
    vault_tokens_close(&t);
    if (rc == PT_OK)
        memcpy(d->key_period, c->key_period, sizeof d->key_period);
    return rc;
}

/* ---- the dataset on disk ---- */

size_t vault_parts(struct vault_part parts[POLICY_ATTRIBUTES_MAX + 1], struct vault_data *d,
                   uint64_t first, uint64_t rows)
{
    const size_t n_rows = (size_t)rows;
    size_t n = 0;

    parts[n++] = (struct vault_part){d->digests + first, n_rows * sizeof *d->digests};
    for (size_t i = 0; i < d->column_count; i++) {
        struct vault_column *c = &d->columns[i];
        if (c->type == ATTRIBUTE_CATEGORY)
            parts[n++] = (struct vault_part){c->category + first, n_rows * sizeof *c->category};
        else if (c->type == ATTRIBUTE_SET)
            parts[n++] =
                (struct vault_part){c->set + first * c->words, n_rows * c->words * sizeof *c->set};
        else
            parts[n++] = (struct vault_part){c->number + first, n_rows * sizeof *c->number};
    }
    return n;
}

static enum pt_code read_groups(struct vault_data *d, struct sealed_reader *r, const char *path,
                                struct pt_err *err)
{
    struct vault_part parts[POLICY_ATTRIBUTES_MAX + 1];
    enum pt_code rc = PT_OK;

    for (uint64_t first = 0; first < d->count && rc == PT_OK;) {
        uint8_t head[8];
        if ((rc = sealed_get(head, sizeof head, r, err)) != PT_OK)
            return rc;
        const uint64_t rows = load_u64le(head);
        if (rows == 0 || rows > d->count - first)
            return pt_fail(err, PT_EBADMSG, "reading %s: it is not as it was written", path);
        const size_t n = vault_parts(parts, d, first, rows);
        for (size_t i = 0; i < n && rc == PT_OK; i++)
            rc = sealed_get(parts[i].p, parts[i].n, r, err);
        first += rows;
    }
    return rc;
}

static enum pt_code read_dataset(struct vault_data **out, const struct vault_place *at,
                                 const struct vaultdir *c, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct sealed_reader *r = NULL;
    struct vault_data *d = NULL;
    struct vault_head head;
    enum pt_code rc;

    vault_dataset_context(&context, c);
    if ((rc = vaultdir_dataset(path, at->dir, c, err)) != PT_OK ||
        (rc = sealed_open(&r, path, at->key, &context, err)) != PT_OK ||
        (rc = sealed_get(&head, sizeof head, r, err)) != PT_OK)
        goto out;
    if (head.count > sealed_left(r) / sizeof(struct digest)) {
        rc = pt_fail(err, PT_EBADMSG, "reading %s: it was cut short", path);
        goto out;
    }
    if ((rc = vault_data_new(&d, &at->policy->partners[at->me], head.count, err)) != PT_OK)
        goto out;
    assert(d != NULL);
    d->stats = head.stats;
    if ((rc = read_groups(d, r, path, err)) == PT_OK)
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
        vault_schema(&schema, place, err) != PT_OK)
        return pt_wrap(err, LOADING_CUSTOMERS);
    if (!there)
        return pt_fail(err, PT_ESTATE, "no customers yet: run patto ingest FILE --map MAP.yaml");
    if (memcmp(&schema, &c->schema, sizeof schema) != 0)
        return pt_fail(err, PT_ESTATE,
                       "the policy now describes other attributes or identifiers than those that "
                       "were ingested, or an older patto wrote them: run patto ingest again");
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
    assert(*out != NULL);
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
    vault_dataset_context(&context, &c);
    if (vaultdir_dataset(path, place->dir, &c, err) != PT_OK ||
        first_number(&out->customers, place, path, &context, err) != PT_OK)
        return pt_wrap(err, LOADING_CUSTOMERS);
    if (c.key_period[0] == '\0')
        return PT_OK;
    vault_tokens_context(&context, place, &c);
    if (vaultdir_tokens(path, place->dir, &c, err) != PT_OK ||
        first_number(&out->tokens, place, path, &context, err) != PT_OK)
        return pt_wrap(err, LOADING_TOKENS);
    return PT_OK;
}
