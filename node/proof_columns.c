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

struct one { /* column i of the batch, made by one thread */
    struct proof_columns *p;
    uint32_t index;
    size_t i;
    struct pt_err err;
};

/* The key under which these values were encrypted. */
static enum pt_code derive_key(struct one *o, const int8_t *values)
{
    const struct proof_columns_in *in = &o->p->in;
    PT_WIPED(key32) seed = {0};
    struct digest content;
    struct buf name = {0};
    enum pt_code rc = reply_column_name(&name, in->policy, in->question, o->index, &o->err);

    if (rc == PT_OK) {
        const struct epoch_column column = {.name = buf_span(&name), .values = &content};
        epoch_values_digest(&content, values, snapshot_header(in->epoch)->slot_count);
        epoch_column_seed(&seed, snapshot_seed(in->epoch), in->pair, &column);
        rc = rlwe_key_new(&o->p->made[o->i], in->rlwe, &seed);
        if (rc != PT_OK)
            rc = pt_fail(&o->err, rc, "a column key: no memory that can be locked");
    }
    buf_free(&name);
    return rc;
}

static void make_one(void *context, size_t i)
{
    struct one *o = (struct one *)context + i;
    const struct proof_columns_in *in = &o->p->in;
    int8_t *values = o->p->values + i * o->p->value_bytes;
    const size_t table = reply_column_count(in->policy, in->question);
    enum pt_code rc =
        own_columns_values(values, NULL, NULL, snapshot_map(in->epoch),
                           &(struct own_columns_which){in->question, o->index, table});

    if (rc != PT_OK)
        rc = pt_fail(&o->err, rc, "own columns could not be made");
    else if (in->keys == NULL)
        rc = derive_key(o, values);
    if (rc != PT_OK)
        return;
    o->p->keys[i] = in->keys != NULL ? in->keys[o->index] : o->p->made[i];
    o->p->of[i] = values;
}

enum pt_code proof_columns_make(struct proof_columns *p, struct prove_columns *out,
                                const struct proof_columns_in *in, const uint32_t *index,
                                struct pt_err *err)
{
    const size_t n = out->count;
    struct one *ones;
    enum pt_code rc = PT_OK;

    proof_columns_free(p);
    *p = (struct proof_columns){.in = *in, .count = n};
    p->value_bytes = (size_t)snapshot_header(in->epoch)->slot_count;
    if (n < 1 || n > RLWE_COLUMNS_MAX)
        return pt_fail(err, PT_EBUG, "a proof of %zu columns at once", n);
    ones = calloc(n, sizeof *ones);
    p->values = hidden_new(n, p->value_bytes);
    if (ones == NULL || p->values == NULL) {
        free(ones);
        return pt_fail(err, PT_ENOMEM, "a proof of columns: no memory");
    }
    for (size_t i = 0; i < n; i++)
        ones[i] = (struct one){.p = p, .index = index[i], .i = i};
    parallel_run(in->parallel, n, make_one, ones);
    for (size_t i = 0; i < n && rc == PT_OK; i++)
        if (ones[i].err.code != PT_OK) {
            *err = ones[i].err;
            rc = err->code;
        }
    free(ones);
    *out = (struct prove_columns){
        .count = n, .keys = p->keys, .values = p->of, .parallel = in->parallel};
    return rc;
}
