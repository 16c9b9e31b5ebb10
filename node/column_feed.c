#include "node/column_feed.h"

#include "crypto/base/ct.h"
#include "node/hidden.h"
#include "node/packed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct slot { /* of the ring: one part */
    uint8_t *bytes;
    struct ask_part at;
};
struct column_feed {
    struct column_feed_in in;
    pthread_t thread;
    bool started;
    /* the thread's alone */
    uint8_t *packed; /* of the column being made, where own has none */
    uint8_t *block;
    int8_t block_values[RLWE_DEGREE];
    /* behind lock; a slot's bytes belong to the thread until it is counted in `made`, and again from
     * `taken` on */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct slot ring[COLUMN_FEED_AHEAD];
    uint64_t made, taken; /* parts so far */
    bool held;            /* the last one taken is still being read */
    bool stopping, over;  /* over: made everything, or err says why not */
    struct pt_err err;
};

/* ---- the thread ---- */

/* The slot of the part after the last one made, once it is free. NULL: nobody wants it any more. */
static struct slot *next_free(struct column_feed *f)
{
    struct slot *s = NULL;

    pthread_mutex_lock(&f->lock);
    while (!f->stopping && f->made - f->taken + f->held == COLUMN_FEED_AHEAD)
        pthread_cond_wait(&f->changed, &f->lock);
    if (!f->stopping)
        s = &f->ring[f->made % COLUMN_FEED_AHEAD];
    pthread_mutex_unlock(&f->lock);
    return s;
}

static void count_made(struct column_feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->made++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

struct cutting { /* a column's bytes into parts */
    struct slot *slot;
    uint32_t column;
    uint64_t offset; /* of the bytes that come next */
    uint64_t bytes;  /* of the whole column */
};

/* false: nobody wants more. */
static bool begin_part(struct column_feed *f, struct cutting *c)
{
    if (c->slot != NULL)
        return true;
    if ((c->slot = next_free(f)) == NULL)
        return false;
    c->slot->at = (struct ask_part){.column = c->column, .offset = c->offset};
    return true;
}

/* n more bytes are in the part that was begun. */
static void count_bytes(struct column_feed *f, struct cutting *c, size_t n)
{
    struct ask_part *at = &c->slot->at;

    at->bytes += n;
    c->offset += n;
    if (at->bytes < WIRE_PART_MAX && c->offset < c->bytes)
        return;
    count_made(f);
    c->slot = NULL;
}

/* A block that ends in another part than it begins in. false: nobody wants more. */
static bool cut(struct column_feed *f, struct cutting *c, struct span in)
{
    while (in.n > 0) {
        if (!begin_part(f, c))
            return false;
        const size_t room = WIRE_PART_MAX - c->slot->at.bytes;
        const size_t n = in.n < room ? in.n : room;
        memcpy(c->slot->bytes + c->slot->at.bytes, in.p, n);
        in = span_of(in.p + n, in.n - n);
        count_bytes(f, c, n);
    }
    return true;
}

static enum pt_code unwanted(struct pt_err *err)
{
    return pt_fail(err, PT_ESTATE, "columns are not wanted any more");
}

static enum pt_code encrypt(struct column_feed *f, uint32_t column, struct rlwe_key *key,
                            struct pt_err *err)
{
    const struct rlwe *c = f->in.own->in.rlwe;
    const uint64_t last = rlwe_block_count(c);
    const size_t bytes = rlwe_block_bytes(c);
    const uint8_t *kept = f->in.own->columns[column].packed;
    const uint8_t *packed = kept != NULL ? kept : f->packed;
    struct cutting to = {.column = column, .bytes = rlwe_column_bytes(c)};

    for (uint64_t k = 0; k <= last; k++) {
        if (k < last)
            packed_block(f->block_values, packed, k);
        if (!begin_part(f, &to))
            return unwanted(err);
        const bool whole = WIRE_PART_MAX - to.slot->at.bytes >= bytes;
        const struct rlwe_column one = {.out =
                                            whole ? to.slot->bytes + to.slot->at.bytes : f->block,
                                        .key = key,
                                        .values = k < last ? f->block_values : NULL};
        const enum pt_code rc = rlwe_encrypt_columns(c, &one, 1, k);
        if (rc != PT_OK)
            return pt_fail(err, rc, "encrypting a column");
        if (whole)
            count_bytes(f, &to, bytes);
        else if (!cut(f, &to, span_of(f->block, bytes)))
            return unwanted(err);
    }
    return PT_OK;
}

static enum pt_code make_values(struct column_feed *f, uint32_t column, struct digest *values,
                                struct pt_err *err)
{
    const struct own_columns *o = f->in.own;
    const struct own_columns_which which = {o->in.question, column, o->table_count};
    const size_t blocks = (size_t)rlwe_block_count(o->in.rlwe);
    PT_WIPED(columns_sums) sums = {0};

    if (f->packed == NULL && (f->packed = hidden_new(blocks, PACKED_BLOCK)) == NULL)
        return pt_fail(err, PT_ENOMEM, "sending columns: no memory");
    const enum pt_code rc = own_columns_packed(f->packed, &sums, snapshot_map(o->in.epoch), &which);
    if (rc != PT_OK)
        return pt_fail(err, rc, "own columns could not be made");
    packed_values_digest(values, f->packed, rlwe_slot_count(o->in.rlwe));
    return PT_OK;
}

static enum pt_code take_kept(struct digest *values, const struct own_column *c, uint64_t blocks,
                              struct pt_err *err)
{
    struct digest content;

    packed_digest(&content, c->packed, blocks);
    if (!ct_equal(&content, &c->content, sizeof content))
        return pt_fail(err, PT_EBUG, "a column's values have changed while they were kept");
    *values = c->values;
    return PT_OK;
}

/* The key follows from the values that are encrypted here, and from no others: were they not those
 * whose digest was announced, the partner would refuse them, and no key would have been used twice. */
static enum pt_code make_column(struct column_feed *f, uint32_t column, struct pt_err *err)
{
    const struct own_columns *o = f->in.own;
    const struct own_column *c = &o->columns[column];
    struct rlwe_key *key = NULL;
    struct digest values;
    enum pt_code rc = c->packed != NULL ? take_kept(&values, c, rlwe_block_count(o->in.rlwe), err)
                                        : make_values(f, column, &values, err);

    if (rc == PT_OK)
        rc = own_columns_key(&key, &o->in, buf_span(&c->name), &values, err);
    if (rc == PT_OK)
        rc = encrypt(f, column, key, err);
    rlwe_key_free(key);
    return rc;
}

static void *make_all(void *arg)
{
    struct column_feed *f = arg;
    struct pt_err err = {0};
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < f->in.need_count && rc == PT_OK; i++)
        rc = make_column(f, f->in.need[i], &err);
    pthread_mutex_lock(&f->lock);
    f->over = true;
    f->err = err;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- its reader ---- */

enum pt_code column_feed_part(struct column_feed *f, struct span *out, const struct ask_part *at,
                              struct pt_err *err)
{
    const struct slot *s = NULL;

    *out = (struct span){0};
    pthread_mutex_lock(&f->lock);
    f->held = false;
    pthread_cond_broadcast(&f->changed);
    while (f->made == f->taken && !f->over)
        pthread_cond_wait(&f->changed, &f->lock);
    if (f->made > f->taken) {
        s = &f->ring[f->taken++ % COLUMN_FEED_AHEAD];
        f->held = true;
    } else if (f->err.code != PT_OK) {
        *err = f->err;
    } else {
        (void)!pt_fail(err, PT_EBUG, "more of the columns is asked for than there is");
    }
    pthread_mutex_unlock(&f->lock);
    if (s == NULL)
        return err->code;
    if (s->at.column != at->column || s->at.offset != at->offset || s->at.bytes != at->bytes)
        return pt_fail(err, PT_EBUG, "another part of the columns is next");
    *out = span_of(s->bytes, s->at.bytes);
    return PT_OK;
}

enum pt_code column_feed_new(struct column_feed **out, const struct column_feed_in *in,
                             struct pt_err *err)
{
    struct column_feed *f = hidden_new(1, sizeof *f); /* a block's plain values are in it */
    bool good = f != NULL;

    *out = f;
    if (!good)
        return pt_fail(err, PT_ENOMEM, "sending columns: no memory");
    f->in = *in;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->block = malloc(rlwe_block_bytes(in->own->in.rlwe));
    good = f->block != NULL;
    for (size_t i = 0; i < COLUMN_FEED_AHEAD && good; i++)
        good = (f->ring[i].bytes = malloc(WIRE_PART_MAX)) != NULL;
    good = good && (f->started = pthread_create(&f->thread, NULL, make_all, f) == 0);
    return good ? PT_OK : pt_fail(err, PT_ENOMEM, "sending columns: no memory, or no thread");
}

void column_feed_free(struct column_feed *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    if (f->started)
        pthread_join(f->thread, NULL);
    for (size_t i = 0; i < COLUMN_FEED_AHEAD; i++)
        free(f->ring[i].bytes);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    hidden_free(f->packed);
    free(f->block);
    hidden_free(f);
}
