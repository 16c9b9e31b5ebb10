#include "crypto/inner.h"

#include <stdlib.h>

#include <sodium.h>

#include "crypto/base/ct.h"
#include "crypto/block.h"
#include "crypto/gauss.h"
#include "crypto/inner_dot.h"
#include "crypto/prg.h"

enum { SIGMA_U = 5, ROW_LIMBS = 2 };
enum { STREAM_U, STREAM_F }; /* of a reply's seed */

struct scratch { /* secret: what using a hint needs meanwhile */
    _Alignas(64) uint64_t row[RLWE_DEGREE];
    uint64_t expanded[RLWE_DEGREE];
    uint64_t work[BLOCK_TERMS_MAX * RLWE_DEGREE];
    int8_t padded[ROW_LIMBS][RLWE_DEGREE];
};
struct inner_hint { /* in locked memory */
    /* Values of G: what is reduced already, in canonical order, and what came since. */
    _Alignas(64) struct block_sum sum;
    uint64_t added_since;
    uint64_t reduced[RLWE_DEGREE];
    uint64_t added[((1 << RLWE_SLOTS_LOG2_MAX) / RLWE_DEGREE + 63) / 64]; /* a bit a block */
    uint64_t added_count;
    struct scratch *scratch;
};
struct lead { /* a hint with the scratch that others share */
    struct inner_hint hint;
    struct scratch scratch;
};

enum pt_code inner_hint_new(struct inner_hint **out, const struct rlwe *c)
{
    struct lead *lead = sodium_malloc(sizeof *lead);

    (void)c; /* every set has one shape of hint */
    *out = NULL;
    if (lead == NULL)
        return PT_ENOMEM;
    memset(lead, 0, sizeof *lead);
    lead->hint.scratch = &lead->scratch;
    *out = &lead->hint;
    return PT_OK;
}

enum pt_code inner_hint_new_beside(struct inner_hint **out, const struct inner_hint *lead)
{
    *out = sodium_malloc(sizeof **out);
    if (*out == NULL)
        return PT_ENOMEM;
    memset(*out, 0, sizeof **out);
    (*out)->scratch = lead->scratch;
    return PT_OK;
}

void inner_hint_free(struct inner_hint *h)
{
    sodium_free(h); /* wipes; takes NULL; of a lead its address is the hint's */
}

/* The entries of block k of a limb that begins there, where they are; of the last block, if it is not whole, made
 * whole in room. */
static const int8_t *row_block(int8_t room[RLWE_DEGREE], const struct rlwe *c, const int8_t *limb,
                               uint64_t k)
{
    if ((k + 1) * RLWE_DEGREE <= rlwe_slot_count(c))
        return limb;
    inner_row_block(room, c, limb, k);
    return room;
}

/* All of G in h->reduced. */
static void gather(struct inner_hint *h, const struct rlwe *c)
{
    const struct ring *r = rlwe_ring(c);

    block_best()->values(h->scratch->row, &h->sum, r);
    for (size_t i = 0; i < RLWE_DEGREE; i++)
        h->reduced[i] = ring_add(r, h->reduced[i], h->scratch->row[i]);
    h->sum = (struct block_sum){{0}, {0}};
    h->added_since = 0;
}

/* tau(a_k), in this machine's order. */
static enum pt_code expand_reversed(uint64_t a[RLWE_DEGREE], const struct rlwe *c, uint64_t k)
{
    enum pt_code rc = rlwe_expand(c, k, a);

    if (rc != PT_OK)
        return rc;
    block_best()->order(a);
    for (size_t i = 0; i < RLWE_DEGREE / 2; i++) {
        uint64_t t = a[i];
        a[i] = a[RLWE_DEGREE - 1 - i];
        a[RLWE_DEGREE - 1 - i] = t;
    }
    return PT_OK;
}

/* G += terms, whose a are reversed and ordered. */
static void accumulate(struct inner_hint *h, const struct rlwe *c, const struct block_term *terms,
                       size_t n)
{
    if (h->added_since + n > block_best()->adds_max)
        gather(h, c);
    block_best()->add(&h->sum, h->scratch->work, rlwe_ring(c), terms, n);
    h->added_since += n;
}

static bool any_added(const struct inner_hint *h, uint64_t first, uint64_t end)
{
    for (uint64_t k = first; k < end; k++)
        if (h->added[k / 64] >> k % 64 & 1)
            return true;
    return false;
}

/* These blocks of a row, both limbs; a: their tau(a_k). */
static void add_blocks(struct inner_hint *h, const struct rlwe *c, struct inner_row row,
                       struct inner_blocks blocks, uint64_t (*a)[RLWE_DEGREE])
{
    const int8_t *const limb[ROW_LIMBS] = {row.values, row.more};
    const size_t limbs = row.more != NULL ? ROW_LIMBS : 1;
    struct block_term terms[BLOCK_TERMS_MAX];
    size_t n = 0;

    for (uint64_t k = blocks.first; k < blocks.end; k++) {
        if (n + limbs > BLOCK_TERMS_MAX) {
            accumulate(h, c, terms, n);
            n = 0;
        }
        for (size_t i = 0; i < limbs; i++)
            terms[n++] = (struct block_term){
                row_block(h->scratch->padded[i], c, limb[i] + (k - row.first) * RLWE_DEGREE, k),
                a[k - blocks.first]};
        h->added[k / 64] |= (uint64_t)1 << k % 64;
        h->added_count++;
    }
    if (n > 0)
        accumulate(h, c, terms, n);
}

enum pt_code inner_hint_skip(struct inner_hint *h, const struct rlwe *c, struct inner_blocks blocks)
{
    if (blocks.end > rlwe_block_count(c) || blocks.first > blocks.end)
        return PT_ELIMIT;
    if (any_added(h, blocks.first, blocks.end))
        return PT_ESTATE;
    for (uint64_t k = blocks.first; k < blocks.end; k++) {
        h->added[k / 64] |= (uint64_t)1 << k % 64;
        h->added_count++;
    }
    return PT_OK;
}

/* Blocks of a row at once: its sums stay in the first caches meanwhile. */
enum { TOGETHER = 8 };

enum pt_code inner_hints_add(struct inner_hint *const *hints, const struct rlwe *c,
                             const struct inner_row *rows, size_t n, struct inner_blocks blocks)
{
    enum pt_code rc;

    if (blocks.end > rlwe_block_count(c) || blocks.first > blocks.end)
        return PT_ELIMIT;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].first > blocks.first)
            return PT_ELIMIT;
        if (any_added(hints[i], blocks.first, blocks.end))
            return PT_ESTATE;
    }
    uint64_t(*a)[RLWE_DEGREE] = malloc(TOGETHER * sizeof *a); /* public */
    rc = a == NULL ? PT_ENOMEM : PT_OK;
    for (uint64_t k = blocks.first; k < blocks.end && rc == PT_OK; k += TOGETHER) {
        const size_t count = blocks.end - k < TOGETHER ? (size_t)(blocks.end - k) : TOGETHER;
        for (size_t b = 0; b < count && rc == PT_OK; b++)
            rc = expand_reversed(a[b], c, k + b);
        for (size_t i = 0; i < n && rc == PT_OK; i++)
            add_blocks(hints[i], c, rows[i], (struct inner_blocks){k, k + count}, a);
    }
    free(a);
    return rc;
}

enum pt_code inner_hint_add(struct inner_hint *h, const struct rlwe *c, struct inner_row row,
                            uint64_t first, uint64_t end)
{
    return inner_hints_add(&h, c, &row, 1, (struct inner_blocks){first, end});
}

enum pt_code inner_hint_merge(struct inner_hint *dst, const struct rlwe *c,
                              const struct inner_hint *src)
{
    const struct ring *r = rlwe_ring(c);

    for (size_t i = 0; i < PT_LEN(dst->added); i++)
        if (dst->added[i] & src->added[i])
            return PT_ESTATE;
    for (size_t i = 0; i < PT_LEN(dst->added); i++)
        dst->added[i] |= src->added[i];
    dst->added_count += src->added_count;
    block_best()->values(dst->scratch->row, &src->sum, r);
    for (size_t i = 0; i < RLWE_DEGREE; i++)
        dst->reduced[i] =
            ring_add(r, dst->reduced[i], ring_add(r, src->reduced[i], dst->scratch->row[i]));
    return PT_OK;
}

size_t inner_reply_bytes(const struct rlwe *c, size_t column_count)
{
    return (RLWE_DEGREE + column_count) * rlwe_ring(c)->coefficient_bytes;
}

static void put(uint8_t *out, uint64_t v, unsigned coefficient_bytes)
{
    for (unsigned p = 0; p < coefficient_bytes; p++)
        out[p] = (uint8_t)(v >> 8 * p);
}
static uint64_t get(const uint8_t *in, unsigned coefficient_bytes)
{
    uint64_t v = 0;

    for (unsigned p = 0; p < coefficient_bytes; p++)
        v |= (uint64_t)in[p] << 8 * p;
    return v;
}

struct reply_work { /* secret, in locked memory */
    int8_t u[RLWE_DEGREE], f[RLWE_DEGREE];
    dot_sums sums;
    struct inner_hint masked; /* G, then G' */
    struct scratch scratch;
    uint8_t last[RLWE_BLOCK_BYTES_MAX]; /* c_K of a column that is read */
};

/* out = G + tau(a_K)*u + f, coefficients. */
static enum pt_code put_masked_hint(uint8_t *out, const struct rlwe *c, struct reply_work *w)
{
    const struct ring *r = rlwe_ring(c);
    struct inner_hint *g = &w->masked;
    struct scratch *t = &w->scratch;
    const struct block_term one = {w->u, t->expanded};

    if (expand_reversed(t->expanded, c, rlwe_block_count(c)) != PT_OK)
        return PT_EBUG;
    accumulate(g, c, &one, 1);
    gather(g, c);
    memcpy(t->row, g->reduced, sizeof t->row);
    ring_ntt_inverse(r, t->row);
    ring_lift(r, t->expanded, w->f);
    for (size_t i = 0; i < RLWE_DEGREE; i++)
        put(out + i * r->coefficient_bytes, ring_add(r, t->row[i], t->expanded[i]),
            r->coefficient_bytes);
    return PT_OK;
}

/* v = dot + <u, c_K> + n of column j. */
static enum pt_code mask_scalar(uint64_t *v, const struct rlwe *c, struct reply_work *w,
                                const struct inner_reply_in *in, size_t j)
{
    const struct ring *r = rlwe_ring(c);
    const size_t bytes = rlwe_block_bytes(c);
    const struct column_bytes columns = {in->columns, in->reader};
    const uint8_t *last = column_bytes_at(&columns, j, in->columns[j].n - bytes, w->last, bytes);
    const struct dot_in dot = {.rows = w->u,
                               .row_count = 1,
                               .row_stride = RLWE_DEGREE,
                               .blocks = last,
                               .next = last,
                               .block_count = 1,
                               .planes = r->coefficient_bytes};

    if (last == NULL)
        return PT_EIO;
    if (!rlwe_blocks_valid(c, span_of(last, bytes)))
        return PT_EBADMSG;
    memset(w->sums, 0, sizeof w->sums);
    dot_best()(w->sums, &dot);
    *v = ring_add(r, ring_reduce(r, in->dot[j]), inner_dot_join(r, &w->sums, 0, 0));
    *v = ring_add(r, *v, ring_reduce_signed(r, in->noise[j]));
    return PT_OK;
}

static enum pt_code check_reply(const struct rlwe *c, const struct inner_reply_in *in)
{
    if (in->column_count < 1 || in->column_count > RLWE_COLUMNS_MAX)
        return PT_ELIMIT;
    if (in->hint->added_count != rlwe_block_count(c))
        return PT_ESTATE;
    for (size_t j = 0; j < in->column_count; j++)
        if (in->columns[j].n != rlwe_column_bytes(c))
            return PT_EBADMSG;
    return PT_OK;
}

static enum pt_code reply_with(uint8_t *out, const struct rlwe *c, const struct inner_reply_in *in,
                               const struct prg *stream, struct reply_work *w)
{
    unsigned bytes = rlwe_ring(c)->coefficient_bytes;
    enum pt_code rc;

    if ((rc = gauss_draw(w->u, stream, STREAM_U)) != PT_OK ||
        (rc = gauss_draw(w->f, stream, STREAM_F)) != PT_OK)
        return rc;
    w->masked = *in->hint;
    w->masked.scratch = &w->scratch;
    if ((rc = put_masked_hint(out, c, w)) != PT_OK)
        return rc;
    for (size_t j = 0; j < in->column_count && rc == PT_OK; j++) {
        uint64_t v = 0;
        rc = mask_scalar(&v, c, w, in, j);
        put(out + (RLWE_DEGREE + j) * bytes, v, bytes);
    }
    return rc;
}

enum pt_code inner_reply(uint8_t *out, const struct rlwe *c, const struct inner_reply_in *in,
                         const struct key32 *seed)
{
    struct prg *stream = NULL;
    struct reply_work *w = NULL;
    enum pt_code rc;

    if ((rc = check_reply(c, in)) != PT_OK || (rc = prg_new(&stream, seed)) != PT_OK)
        goto out;
    w = sodium_malloc(sizeof *w);
    rc = w == NULL ? PT_ENOMEM : reply_with(out, c, in, stream, w);
out:
    if (rc != PT_OK)
        explicit_bzero(out, inner_reply_bytes(c, in->column_count));
    sodium_free(w); /* wipes */
    prg_free(stream);
    return rc;
}

uint64_t inner_noise_min(size_t column_count)
{
    /* 16^2 * columns * 2048 * (eta^2 + 1), and the smallest root not below it. */
    u128 square = (u128)column_count * 256 * RLWE_DEGREE * (RLWE_ETA * RLWE_ETA + 1);
    u128 root = 0;

    for (int bit = 62; bit >= 0; bit--) {
        u128 next = root | (u128)1 << bit;
        if (next * next < square)
            root = next;
    }
    return square == 0 ? 0 : (uint64_t)root + 1;
}

double inner_error_variance(const struct rlwe *c, double row_energy)
{
    double delta = rlwe_delta(c);
    double rerandomiser = SIGMA_U * SIGMA_U * (double)RLWE_DEGREE * (RLWE_ETA / 2.0 + 2.0 / 3.0);

    return (row_energy * (RLWE_ETA / 2.0) + rerandomiser) / (delta * delta);
}

enum pt_code inner_open(int64_t *value, const struct rlwe *c, struct span reply,
                        struct rlwe_key *const *keys, size_t column_count)
{
    const struct ring *r = rlwe_ring(c);
    unsigned bytes = r->coefficient_bytes;

    if (column_count < 1 || column_count > RLWE_COLUMNS_MAX)
        return PT_ELIMIT;
    memset(value, 0, column_count * sizeof *value);
    if (reply.n != inner_reply_bytes(c, column_count))
        return PT_EBADMSG;
    for (size_t i = 0; i < RLWE_DEGREE + column_count; i++)
        if (get(reply.p + i * bytes, bytes) >= r->q)
            return PT_EBADMSG;
    uint64_t *g = calloc(RLWE_DEGREE, sizeof *g); /* came over the wire: no secret */
    if (g == NULL)
        return PT_ENOMEM;
    for (size_t i = 0; i < RLWE_DEGREE; i++)
        g[i] = get(reply.p + i * bytes, bytes);
    for (size_t j = 0; j < column_count; j++) {
        uint64_t v = get(reply.p + (RLWE_DEGREE + j) * bytes, bytes);
        uint64_t phase = ring_add(r, v, r->q - rlwe_key_product(c, keys[j], g));
        uint64_t upper = ct_mask_lt(r->q / 2, phase); /* centred: above q/2 is below zero */
        value[j] = (int64_t)(phase - (upper & r->q));
    }
    free(g);
    return PT_OK;
}
