#include "node/proof_columns.h"

#include "node/hidden.h"
#include "node/own_columns.h"

#include <stdlib.h>

void proof_columns_free(struct proof_columns *p)
{
    for (size_t i = 0; i < RLWE_COLUMNS_MAX; i++)
        rlwe_key_free(p->made[i]);
    hidden_free(p->values);
    *p = (struct proof_columns){0};
}

/* A block's values, two bits each: byte i holds value + 1 of slots i, 512 + i, 1024 + i and 1536 + i. */
#define PACKED ((size_t)RLWE_DEGREE / 4)

static void pack(uint8_t out[PACKED], const int8_t values[RLWE_DEGREE])
{
    for (size_t i = 0; i < PACKED; i++)
        out[i] = (uint8_t)((values[i] + 1) | (values[PACKED + i] + 1) << 2 |
                           (values[2 * PACKED + i] + 1) << 4 | (values[3 * PACKED + i] + 1) << 6);
}

static void unpack(int8_t out[RLWE_DEGREE], const uint8_t in[PACKED])
{
    for (size_t part = 0; part < 4; part++)
        for (size_t i = 0; i < PACKED; i++)
            out[part * PACKED + i] = (int8_t)((in[i] >> 2 * part & 3) - 1);
}

static void block_of(void *self, int8_t out[RLWE_DEGREE], size_t j, uint64_t k)
{
    const struct proof_columns *p = self;

    unpack(out, p->values + j * p->column_bytes + k * PACKED);
}

struct strip { /* every so manieth column of the batch, made by one thread */
    struct proof_columns *p;
    const uint32_t *index;
    size_t first, step;
    struct pt_err err; /* of the first that could not be made */
    size_t failed;
};

/* The key under which column i, these values, was encrypted. */
static enum pt_code derive_key(struct strip *s, size_t i, const int8_t *values)
{
    const struct proof_columns_in *in = &s->p->in;
    PT_WIPED(key32) seed = {0};
    struct digest content;
    struct buf name = {0};
    enum pt_code rc = reply_column_name(&name, in->policy, in->question, s->index[i], &s->err);

    if (rc == PT_OK) {
        const struct epoch_column column = {.name = buf_span(&name), .values = &content};
        epoch_values_digest(&content, values, snapshot_header(in->epoch)->slot_count);
        epoch_column_seed(&seed, snapshot_seed(in->epoch), in->pair, &column);
        rc = rlwe_key_new(&s->p->made[i], in->rlwe, &seed);
        if (rc != PT_OK)
            rc = pt_fail(&s->err, rc, "a column key: no memory that can be locked");
    }
    buf_free(&name);
    return rc;
}

/* values: room for whole blocks, zeros after the last slot. */
static enum pt_code make_one(struct strip *s, size_t i, int8_t *values)
{
    struct proof_columns *p = s->p;
    const struct proof_columns_in *in = &p->in;
    const size_t table = reply_column_count(in->policy, in->question);
    enum pt_code rc =
        own_columns_values(values, NULL, NULL, snapshot_map(in->epoch),
                           &(struct own_columns_which){in->question, s->index[i], table});

    if (rc != PT_OK)
        rc = pt_fail(&s->err, rc, "own columns could not be made");
    else if (in->keys == NULL)
        rc = derive_key(s, i, values);
    if (rc != PT_OK)
        return rc;
    p->keys[i] = in->keys != NULL ? in->keys[s->index[i]] : p->made[i];
    for (size_t k = 0; k * PACKED < p->column_bytes; k++)
        pack(p->values + i * p->column_bytes + k * PACKED, values + k * RLWE_DEGREE);
    return PT_OK;
}

static void make_strip(void *context, size_t strip)
{
    struct strip *s = (struct strip *)context + strip;
    int8_t *values = hidden_new(s->p->column_bytes, RLWE_DEGREE / PACKED);
    enum pt_code rc = PT_OK;

    s->failed = s->first;
    if (values == NULL)
        rc = pt_fail(&s->err, PT_ENOMEM, "a proof of columns: no memory");
    for (size_t i = s->first; i < s->p->count && rc == PT_OK; i += s->step) {
        s->failed = i;
        rc = make_one(s, i, values);
    }
    hidden_free(values);
}

/* What went wrong with the first column that could not be made, so that threads do not show. */
static enum pt_code first_failure(const struct strip *strips, size_t count, struct pt_err *err)
{
    const struct strip *first = NULL;

    for (size_t i = 0; i < count; i++)
        if (strips[i].err.code != PT_OK && (first == NULL || strips[i].failed < first->failed))
            first = &strips[i];
    if (first == NULL)
        return PT_OK;
    *err = first->err;
    return err->code;
}

enum pt_code proof_columns_make(struct proof_columns *p, struct prove_columns *out,
                                const struct proof_columns_in *in, const uint32_t *index,
                                struct pt_err *err)
{
    const size_t n = out->count;
    const size_t width = parallel_width(in->parallel);
    const size_t count = width < n ? width : n;
    struct strip *strips;

    proof_columns_free(p);
    *p = (struct proof_columns){.in = *in, .count = n};
    p->column_bytes = (size_t)rlwe_block_count(in->rlwe) * PACKED;
    if (n < 1 || n > RLWE_COLUMNS_MAX)
        return pt_fail(err, PT_EBUG, "a proof of %zu columns at once", n);
    strips = calloc(count, sizeof *strips);
    p->values = hidden_new(n, p->column_bytes);
    if (strips == NULL || p->values == NULL) {
        free(strips);
        return pt_fail(err, PT_ENOMEM, "a proof of columns: no memory");
    }
    for (size_t i = 0; i < count; i++)
        strips[i] = (struct strip){.p = p, .index = index, .first = i, .step = count};
    parallel_run(in->parallel, count, make_strip, strips);
    const enum pt_code rc = first_failure(strips, count, err);
    free(strips);
    *out = (struct prove_columns){
        .count = n, .keys = p->keys, .values = {p, block_of}, .parallel = in->parallel};
    return rc;
}
