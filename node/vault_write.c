/* What node/vault.h says of storing. */
#include "node/vault_format.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "node/hidden.h"

struct vault_writer {
    struct vault_place place; /* borrowed */
    struct vaultdir now;
    struct sealed_writer *dataset, *tokens; /* tokens NULL: none are carried over */
    struct vault_tokens old;                /* of the dataset that is replaced */
    uint64_t customers, token_count;
    struct digest last; /* of the rows so far */
};

/* ---- tokens ---- */

static enum pt_code put_pairs(struct sealed_writer *w, const struct vault_data *d,
                              struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (uint64_t i = 0; i < d->count && rc == PT_OK; i++) {
        if (!d->has_token[i])
            continue;
        rc = sealed_put(w, span_of(&d->digests[i], sizeof d->digests[i]), err);
        if (rc == PT_OK)
            rc = sealed_put(w, span_of(&d->tokens[i], sizeof d->tokens[i]), err);
    }
    return rc;
}

static enum pt_code begin_tokens(struct sealed_writer **out, const struct vault_place *at,
                                 const struct vaultdir *c, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    enum pt_code rc;

    vault_tokens_context(&context, at, c);
    if ((rc = vaultdir_tokens(path, at->dir, c, err)) == PT_OK)
        rc = sealed_create_headed(out, path, at->key, &context, sizeof(uint64_t), err);
    return rc;
}

/* With as many pairs as its head is to say. */
static enum pt_code end_tokens(struct sealed_writer *w, uint64_t count, struct pt_err *err)
{
    uint8_t head[8];
    enum pt_code rc;

    store_u64le(head, count);
    if ((rc = sealed_head(w, span_of(head, sizeof head), err)) == PT_OK)
        rc = sealed_commit(w, err);
    return rc;
}

static enum pt_code write_tokens(const struct vault_place *at, const struct vaultdir *c,
                                 const struct vault_data *d, struct pt_err *err)
{
    struct sealed_writer *w = NULL;
    enum pt_code rc = begin_tokens(&w, at, c, err);

    if (rc == PT_OK && (rc = put_pairs(w, d, err)) == PT_OK)
        rc = end_tokens(w, d->token_count, err);
    sealed_drop(w);
    return rc;
}

/* Tokens that cannot be read any more (another federation, a damaged file) are no loss that should stop
 * an ingest: those customers are evaluated afresh. */
static void forget_old(struct vault_writer *w)
{
    vault_tokens_close(&w->old);
    sealed_drop(w->tokens);
    w->tokens = NULL;
    w->token_count = 0;
    w->now.key_period[0] = '\0';
}

static enum pt_code begin_carrying(struct vault_writer *w, const struct vaultdir *was,
                                   struct pt_err *err)
{
    const enum pt_code rc = vault_tokens_open(&w->old, &w->place, was, err);

    if (rc != PT_OK)
        return rc == PT_ENOMEM ? rc : PT_OK;
    memcpy(w->now.key_period, was->key_period, sizeof w->now.key_period);
    return begin_tokens(&w->tokens, &w->place, &w->now, err);
}

static enum pt_code carry_over(struct vault_writer *w, struct vault_data *d, struct pt_err *err)
{
    if (d->token_count > 0 || d->key_period[0] != '\0')
        vault_forget_tokens(d); /* and otherwise their room stays no memory */
    if (w->tokens == NULL)
        return PT_OK;
    const enum pt_code rc = vault_tokens_give(&w->old, d, err);
    if (rc == PT_ENOMEM)
        return rc;
    if (rc != PT_OK) {
        vault_forget_tokens(d);
        forget_old(w);
        return PT_OK;
    }
    memcpy(d->key_period, w->now.key_period, sizeof d->key_period);
    w->token_count += d->token_count;
    return put_pairs(w->tokens, d, err);
}

/* ---- a dataset, group by group ---- */

static enum pt_code begin_dataset(struct vault_writer *w, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    enum pt_code rc;

    vault_dataset_context(&context, &w->now);
    if ((rc = vaultdir_dataset(path, w->place.dir, &w->now, err)) == PT_OK)
        rc = sealed_create_headed(&w->dataset, path, w->place.key, &context,
                                  sizeof(struct vault_head), err);
    return rc;
}

enum pt_code vault_writer_new(struct vault_writer **out, const struct vault_place *place,
                              struct pt_err *err)
{
    struct vault_writer *w = hidden_new(1, sizeof *w);
    struct vaultdir was;
    uint8_t random[8];
    bool there;
    enum pt_code rc;

    *out = NULL;
    if (w == NULL)
        return pt_fail(err, PT_ENOMEM, "storing customers: not enough memory");
    w->place = *place;
    /* A `current` that is damaged must not keep anyone from ingesting again. */
    if (vaultdir_read(&was, &there, place->dir, err) != PT_OK)
        there = false;
    randombytes_buf(random, sizeof random);
    text_hex(w->now.generation, random, sizeof random);
    if ((rc = vault_schema(&w->now.schema, place, err)) == PT_OK &&
        (rc = begin_dataset(w, err)) == PT_OK && there && was.key_period[0] != '\0')
        rc = begin_carrying(w, &was, err);
    if (rc != PT_OK) {
        vault_writer_drop(w);
        return pt_wrap(err, "storing customers");
    }
    *out = w;
    return PT_OK;
}

void vault_writer_drop(struct vault_writer *w)
{
    if (w == NULL)
        return;
    sealed_drop(w->dataset);
    sealed_drop(w->tokens);
    vault_tokens_close(&w->old);
    hidden_free(w);
}

static bool ascending(const struct vault_writer *w, const struct vault_data *d)
{
    if (w->customers > 0 && memcmp(&w->last, &d->digests[0], sizeof w->last) >= 0)
        return false;
    for (uint64_t i = 1; i < d->count; i++)
        if (memcmp(&d->digests[i - 1], &d->digests[i], sizeof *d->digests) >= 0)
            return false;
    return true;
}

static enum pt_code put_group(struct sealed_writer *w, struct vault_data *d, struct pt_err *err)
{
    struct vault_part parts[POLICY_ATTRIBUTES_MAX + 1];
    const size_t n = vault_parts(parts, d, 0, d->count);
    uint8_t head[8];
    enum pt_code rc;

    store_u64le(head, d->count);
    rc = sealed_put(w, span_of(head, sizeof head), err);
    for (size_t i = 0; i < n && rc == PT_OK; i++)
        rc = sealed_put(w, span_of(parts[i].p, parts[i].n), err);
    return rc;
}

enum pt_code vault_writer_add(struct vault_writer *w, struct vault_data *rows, struct pt_err *err)
{
    enum pt_code rc;

    if (rows->count == 0)
        return PT_OK;
    if (!ascending(w, rows))
        return pt_fail(err, PT_EBUG, "storing customers: rows do not ascend by digest");
    if (rows->count > VAULT_ROWS_MAX - w->customers)
        return pt_fail(err, PT_ELIMIT, "more customers than a node takes, which is %d",
                       VAULT_ROWS_MAX);
    if ((rc = carry_over(w, rows, err)) != PT_OK ||
        (rc = put_group(w->dataset, rows, err)) != PT_OK)
        return pt_wrap(err, "storing customers");
    w->last = rows->digests[rows->count - 1];
    w->customers += rows->count;
    return PT_OK;
}

/* What of the old tokens was not asked for is read too: a damaged file carries nothing over. */
static enum pt_code end_carrying(struct vault_writer *w, struct pt_err *err)
{
    enum pt_code rc;

    if (w->tokens == NULL)
        return PT_OK;
    if ((rc = vault_tokens_end(&w->old, err)) == PT_OK)
        return end_tokens(w->tokens, w->token_count, err);
    if (rc == PT_ENOMEM)
        return rc;
    forget_old(w);
    return PT_OK;
}

enum pt_code vault_writer_commit(struct vault_stored *out, struct vault_writer *w,
                                 const struct vault_stats *stats, struct pt_err *err)
{
    const struct vault_head head = {.count = w->customers, .stats = *stats};
    const char *dir = w->place.dir;

    if (end_carrying(w, err) != PT_OK ||
        sealed_head(w->dataset, span_of(&head, sizeof head), err) != PT_OK ||
        sealed_commit(w->dataset, err) != PT_OK || vaultdir_write(dir, &w->now, err) != PT_OK) {
        struct pt_err ignored;
        (void)!vaultdir_sweep(dir, &ignored); /* the first error is the one to report */
        return pt_wrap(err, "storing customers");
    }
    *out = (struct vault_stored){.customers = w->customers, .tokens = w->token_count};
    memcpy(out->generation, w->now.generation, sizeof out->generation);
    memcpy(out->key_period, w->now.key_period, sizeof out->key_period);
    return vaultdir_sweep(dir, err);
}

/* ---- at once ---- */

enum pt_code vault_store_dataset(const struct vault_place *place, struct vault_data *data,
                                 struct pt_err *err)
{
    struct vault_writer *w = NULL;
    struct vault_stored stored = {0};
    enum pt_code rc;

    if ((rc = vault_writer_new(&w, place, err)) != PT_OK)
        return rc;
    assert(w != NULL);
    if ((rc = vault_writer_add(w, data, err)) == PT_OK)
        rc = vault_writer_commit(&stored, w, &data->stats, err);
    vault_writer_drop(w);
    if (rc != PT_OK)
        return rc;
    if (stored.key_period[0] == '\0' && data->key_period[0] != '\0')
        vault_forget_tokens(data); /* the file of the old ones ended badly */
    memcpy(data->key_period, stored.key_period, sizeof data->key_period);
    memcpy(data->generation, stored.generation, sizeof data->generation);
    return PT_OK;
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
