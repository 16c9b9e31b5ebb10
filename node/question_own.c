/* The asker's own columns, and what names a question by them. */
#include "node/question_internal.h"

#include <stdlib.h>
#include <string.h>

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "a question: no memory");
}

/* The plain values of column i: one buffer for each that is prepared at once. */
static int8_t *values_of(const struct query *q, size_t i)
{
    return q->values + i % q->at_once * q->value_count;
}

static enum pt_code encrypt(struct query *q, size_t i, const struct blobs_at *at,
                            const struct digest *file_name, struct pt_err *err)
{
    struct fileio_new file = {.fd = -1};
    uint64_t blocks = rlwe_block_count(q->rlwe);
    size_t block_bytes = rlwe_block_bytes(q->rlwe);
    uint8_t *block = malloc(block_bytes);
    enum pt_code rc;

    if (block == NULL)
        return no_memory(err);
    rc = blob_begin(&file, at, file_name, err);
    for (uint64_t k = 0; rc == PT_OK && k <= blocks; k++) {
        rc = rlwe_encrypt_block(block, q->rlwe, q->keys[i], k,
                                k < blocks ? values_of(q, i) + k * RLWE_DEGREE : NULL);
        rc = rc == PT_OK ? fileio_add(&file, span_of(block, block_bytes), err)
                         : pt_fail(err, rc, "encrypting a column");
    }
    free(block);
    if (rc == PT_OK)
        return fileio_commit(&file, err);
    fileio_abandon(&file);
    return rc;
}

/* The ciphertext is a pure function of epoch seed, name and values, so a file that is there under
 * the digest of both is the one we would make. */
static enum pt_code have_ciphertext(struct query *q, size_t i, const struct digest *values_digest,
                                    struct pt_err *err)
{
    struct own_column *c = &q->columns[i];
    const struct span parts[] = {buf_span(&c->name), span_of(values_digest->b, 32)};
    const struct blobs_at at = {.home = q->daemon->home,
                                .epoch = snapshot_id(q->epoch),
                                .peer = q->policy->partners[q->question.with].name,
                                .sent = true};
    PT_WIPED(key32) name_key = {0};
    struct digest file_name;
    bool found;
    enum pt_code rc;

    /* Keyed: a plain digest of the values in a file name would let a guess be checked. */
    prf_derive(&name_key, snapshot_seed(q->epoch), "patto/column-file/1", parts, PT_LEN(parts));
    memcpy(file_name.b, name_key.b, sizeof file_name.b);
    if ((rc = blob_map(&c->map, &found, &at, &file_name, rlwe_column_bytes(q->rlwe), err)) !=
            PT_OK ||
        found)
        return rc;
    if ((rc = encrypt(q, i, &at, &file_name, err)) != PT_OK ||
        (rc = blob_map(&c->map, &found, &at, &file_name, rlwe_column_bytes(q->rlwe), err)) != PT_OK)
        return rc;
    return found ? PT_OK : pt_fail(err, PT_EIO, "an encrypted column has gone from the disk");
}

static enum pt_code own_values(struct query *q, size_t i, struct pt_err *err)
{
    const struct columns_selector which = {.filters = q->question.filters,
                                           .filter_count = q->question.filter_count,
                                           .has_category = i > 0,
                                           .attribute = q->question.rows,
                                           .value = i > 0 ? (uint16_t)(i - 1) : 0};
    const struct columns_map *map = snapshot_map(q->epoch);
    uint64_t energy;
    uint64_t size;
    enum pt_code rc = columns_recipient(values_of(q, i), &energy, map, &which);

    if (rc == PT_OK)
        rc = columns_audience_count(&size, map, &which);
    if (rc != PT_OK)
        return pt_fail(err, rc, "own columns could not be made");
    q->energy[i] = (double)energy;
    q->own_size[i] = (double)size;
    return PT_OK;
}

static enum pt_code prepare_column(struct query *q, size_t i, struct pt_err *err)
{
    struct own_column *c = &q->columns[i];
    struct digest values;
    PT_WIPED(key32) seed = {0};
    enum pt_code rc;

    if ((rc = reply_column_name(&c->name, q->policy, &q->question, i, err)) != PT_OK ||
        (rc = own_values(q, i, err)) != PT_OK)
        return rc;
    epoch_values_digest(&values, values_of(q, i), snapshot_header(q->epoch)->slot_count);
    const struct epoch_column column = {.name = buf_span(&c->name), .values = &values};
    epoch_column_seed(&seed, snapshot_seed(q->epoch), &q->pair, &column);
    if ((rc = rlwe_key_new(&q->keys[i], q->rlwe, &seed)) != PT_OK)
        return pt_fail(err, rc, "a column key: no memory that can be locked");
    if ((rc = have_ciphertext(q, i, &values, err)) != PT_OK)
        return rc;
    blob_digest(&c->digest, q->daemon->seen, &c->map);
    q->asked[i] =
        (struct ask_column){.name = buf_span(&c->name), .digest = c->digest, .bytes = c->map.bytes};
    return PT_OK;
}

/* One name, one ciphertext, for ever: a changed one would tell what changed. */
static enum pt_code bind_column(struct query *q, size_t i, struct pt_err *err)
{
    char name[WIRE_COLUMN_NAME_MAX + 1];
    const struct store_column key = {.epoch = *snapshot_id(q->epoch),
                                     .peer = q->policy->partners[q->question.with].name,
                                     .sent = true,
                                     .name = name};
    struct span s = buf_span(&q->columns[i].name);

    if (s.n >= sizeof name)
        return pt_fail(err, PT_ELIMIT, "too many filters for one column name");
    memcpy(name, s.p, s.n);
    name[s.n] = '\0';
    return store_column_bind(q->daemon->store, &key, &q->columns[i].digest, err);
}

struct batch { /* columns [first, first + n), n <= at_once */
    struct query *q;
    size_t first, n;
};

static void prepare_part(void *context, size_t i)
{
    const struct batch *b = context;
    struct own_column *c = &b->q->columns[b->first + i];

    (void)!prepare_column(b->q, b->first + i, &c->err);
}

static enum pt_code prepare_batch(struct batch *b, struct pt_err *err)
{
    struct parallel parallel = pool_parallel(b->q->daemon->pool);
    enum pt_code rc;

    parallel_run(&parallel, b->n, prepare_part, b);
    for (size_t i = b->first; i < b->first + b->n; i++) {
        if (b->q->columns[i].err.code != PT_OK) {
            *err = b->q->columns[i].err;
            return err->code;
        }
        if ((rc = bind_column(b->q, i, err)) != PT_OK)
            return rc;
    }
    return PT_OK;
}

enum pt_code question_own_prepare(struct query *q, struct pt_err *err)
{
    struct batch b = {.q = q};
    enum pt_code rc;

    for (; b.first < q->column_count; b.first += b.n) {
        size_t left = q->column_count - b.first;
        b.n = left < q->at_once ? left : q->at_once;
        if ((rc = q->job->progress(q->job->self, "encrypting columns", b.first, q->column_count, "",
                                   err)) != PT_OK ||
            (rc = prepare_batch(&b, err)) != PT_OK)
            return rc;
    }
    return PT_OK;
}

enum pt_code question_own_name(struct query *q, struct pt_err *err)
{
    struct digest *digests = calloc(q->column_count, sizeof *digests);
    struct reply_in in = {.policy = q->policy,
                          .question = &q->question,
                          .pair = q->pair,
                          .rlwe = q->rlwe,
                          .column_digests = digests,
                          .column_count = q->column_count};
    struct budget_price price;
    enum pt_code rc;

    if (digests == NULL)
        return no_memory(err);
    for (size_t i = 0; i < q->column_count; i++)
        digests[i] = q->columns[i].digest;
    reply_price(&price, &in);
    q->note = (struct question_note){.kind = question_kind_name(q->question.kind),
                                     .peer = q->policy->partners[q->question.with].name,
                                     .rho_nano = price.charge_nano};
    rc = reply_key(&q->note.id, &in, err);
    free(digests);
    return rc;
}
