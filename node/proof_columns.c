#include "node/proof_columns.h"

#include "node/hidden.h"
#include "node/packed.h"

#include <stdlib.h>

void proof_columns_free(struct proof_columns *p)
{
    for (size_t i = 0; i < RLWE_COLUMNS_MAX; i++) {
        rlwe_key_free(p->made_keys[i]);
        hidden_free(p->made[i]);
    }
    *p = (struct proof_columns){0};
}

static void block_of(void *self, int8_t out[RLWE_DEGREE], size_t j, uint64_t k)
{
    const struct proof_columns *p = self;

    packed_block(out, p->values[j], k);
}

struct strip { /* every so manieth column of the batch, made by one thread */
    struct proof_columns *p;
    const uint32_t *index;
    size_t first, step;
    struct pt_err err; /* of the first that could not be made */
    size_t failed;
};

/* The key under which column i, these values, was encrypted. */
static enum pt_code derive_key(struct strip *s, size_t i)
{
    const struct proof_columns_in *in = &s->p->in;
    PT_WIPED(key32) seed = {0};
    struct digest content;
    struct buf name = {0};
    enum pt_code rc = reply_column_name(&name, in->policy, in->question, s->index[i], &s->err);

    if (rc == PT_OK) {
        const struct epoch_column column = {.name = buf_span(&name), .values = &content};
        packed_values_digest(&content, s->p->made[i], snapshot_header(in->epoch)->slot_count);
        epoch_column_seed(&seed, snapshot_seed(in->epoch), in->pair, &column);
        rc = rlwe_key_new(&s->p->made_keys[i], in->rlwe, &seed);
        if (rc != PT_OK)
            rc = pt_fail(&s->err, rc, "a column key: no memory that can be locked");
    }
    buf_free(&name);
    return rc;
}

static enum pt_code make_values(struct strip *s, size_t i)
{
    struct proof_columns *p = s->p;
    const struct proof_columns_in *in = &p->in;
    const size_t table = reply_column_count(in->policy, in->question);
    const struct own_columns_which which = {in->question, s->index[i], table};
    PT_WIPED(columns_sums) sums = {0};

    if ((p->made[i] = hidden_new(1, p->column_bytes)) == NULL)
        return pt_fail(&s->err, PT_ENOMEM, "a proof of columns: no memory");
    const enum pt_code rc = own_columns_packed(p->made[i], &sums, snapshot_map(in->epoch), &which);
    if (rc != PT_OK)
        return pt_fail(&s->err, rc, "own columns could not be made");
    p->values[i] = p->made[i];
    return in->own == NULL ? derive_key(s, i) : PT_OK;
}

static enum pt_code make_one(struct strip *s, size_t i)
{
    struct proof_columns *p = s->p;
    const struct own_columns *own = p->in.own;
    enum pt_code rc = PT_OK;

    if (own != NULL)
        p->values[i] = own->columns[s->index[i]].packed;
    if (p->values[i] == NULL)
        rc = make_values(s, i);
    p->keys[i] = own != NULL ? own->keys[s->index[i]] : p->made_keys[i];
    return rc;
}

static void make_strip(void *context, size_t strip)
{
    struct strip *s = (struct strip *)context + strip;
    enum pt_code rc = PT_OK;

    s->failed = s->first;
    for (size_t i = s->first; i < s->p->count && rc == PT_OK; i += s->step) {
        s->failed = i;
        rc = make_one(s, i);
    }
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
    p->column_bytes = (size_t)rlwe_block_count(in->rlwe) * PACKED_BLOCK;
    if (n < 1 || n > RLWE_COLUMNS_MAX)
        return pt_fail(err, PT_EBUG, "a proof of %zu columns at once", n);
    strips = calloc(count, sizeof *strips);
    if (strips == NULL)
        return pt_fail(err, PT_ENOMEM, "a proof of columns: no memory");
    for (size_t i = 0; i < count; i++)
        strips[i] = (struct strip){.p = p, .index = index, .first = i, .step = count};
    parallel_run(in->parallel, count, make_strip, strips);
    const enum pt_code rc = first_failure(strips, count, err);
    free(strips);
    *out = (struct prove_columns){
        .count = n, .keys = p->keys, .values = {p, block_of}, .parallel = in->parallel};
    return rc;
}
