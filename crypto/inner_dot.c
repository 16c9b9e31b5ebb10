/* The products of inner.h. */
#include "crypto/inner_dot.h"

#include <stdlib.h>
#include <string.h>

void inner_row_block(int8_t out[RLWE_DEGREE], const struct rlwe *c, const int8_t *limb, uint64_t k)
{
    const uint64_t left = rlwe_slot_count(c) - k * RLWE_DEGREE;
    const size_t n = left < RLWE_DEGREE ? (size_t)left : RLWE_DEGREE;

    memcpy(out, limb, n);
    memset(out + n, 0, RLWE_DEGREE - n);
}

/* sum over p of plane[p] * 2^(8p), mod q. |plane[p]| < 2^43. */
static uint64_t join_planes(const struct ring *r, const int64_t plane[DOT_PLANES_MAX])
{
    uint64_t v = 0;

    for (unsigned p = r->coefficient_bytes; p-- > 0;)
        v = ring_reduce_signed(r, (int64_t)(v << 8) + plane[p]);
    return v;
}

uint64_t inner_dot_join(const struct ring *r, dot_sums *sums, size_t row, size_t column)
{
    int64_t plane[DOT_PLANES_MAX];

    for (unsigned p = 0; p < DOT_PLANES_MAX; p++)
        plane[p] = sums[column][p][row];
    uint64_t v = join_planes(r, plane);
    explicit_bzero(plane, sizeof plane);
    return v;
}

struct
    part { /* secret: rows, and sums over them of blocks of every column; one thread's at a time */
    int8_t rows[DOT_ROWS_MAX][DOT_BLOCKS_MAX * RLWE_DEGREE]; /* stays in the second cache */
    uint8_t blocks[DOT_BLOCKS_MAX * RLWE_BLOCK_BYTES_MAX];   /* of a column that is read */
    dot_sums *sums;                                          /* by group of rows, then by column */
    enum pt_code rc;
};
struct inner_dots {
    const struct rlwe *c;
    struct inner_dot_in in; /* its rows: those that are being added */
    struct part *parts;
    size_t part_count;
    struct inner_blocks blocks;    /* being added */
    struct parallel_pieces pieces; /* of them, DOT_BLOCKS_MAX at a time */
};
struct
    group { /* rows [first, first + n), n at most DOT_ROWS_MAX, of one limb; blocks [k, k + blocks) */
    size_t first, n;
    bool more;
    uint64_t k;
    size_t blocks;
};

static size_t sums_count(const struct inner_dots *d)
{
    return (d->in.row_count + DOT_ROWS_MAX - 1) / DOT_ROWS_MAX * d->in.column_count;
}

/* false: none of them has this limb. */
static bool take_rows(struct part *w, const struct inner_dots *d, const struct group *g)
{
    bool any = false;

    for (size_t i = 0; i < g->n; i++) {
        const struct inner_row *row = &d->in.rows[g->first + i];
        const int8_t *limb = g->more ? row->more : row->values;
        any = any || limb != NULL;
        if (limb == NULL)
            memset(w->rows[i], 0, g->blocks * RLWE_DEGREE);
        for (size_t b = 0; b < g->blocks && limb != NULL; b++)
            inner_row_block(w->rows[i] + b * RLWE_DEGREE, d->c,
                            limb + (g->k + b - row->first) * RLWE_DEGREE, g->k + b);
    }
    return any;
}

/* These blocks of every column, times these rows. */
static enum pt_code multiply_group(struct part *w, const struct inner_dots *d,
                                   const struct group *g)
{
    const struct inner_dot_in *in = &d->in;
    const struct column_bytes columns = {in->columns, in->reader};
    const size_t bytes = rlwe_block_bytes(d->c);
    dot_sums *sums = w->sums + g->first / DOT_ROWS_MAX * in->column_count;
    dot_fn *multiply = dot_best();
    struct dot_in one = {.rows = w->rows[0],
                         .row_count = g->n,
                         .row_stride = sizeof w->rows[0],
                         .block_count = g->blocks,
                         .planes = rlwe_ring(d->c)->coefficient_bytes};

    if (!take_rows(w, d, g))
        return PT_OK;
    for (size_t j = 0; j < in->column_count; j++) {
        one.blocks = column_bytes_at(&columns, j, g->k * bytes, w->blocks, g->blocks * bytes);
        if (one.blocks == NULL)
            return PT_EIO;
        if (!rlwe_blocks_valid(d->c, span_of(one.blocks, g->blocks * bytes)))
            return PT_EBADMSG;
        one.next = in->reader == NULL && j + 1 < in->column_count
                       ? in->columns[j + 1].p + g->k * bytes
                       : one.blocks;
        multiply(sums[j], &one);
    }
    return PT_OK;
}

static enum pt_code multiply_blocks(struct part *w, const struct inner_dots *d, uint64_t k,
                                    size_t n)
{
    enum pt_code rc = PT_OK;

    for (size_t first = 0; first < d->in.row_count && rc == PT_OK; first += DOT_ROWS_MAX) {
        const size_t left = d->in.row_count - first;
        struct group g = {first, left < DOT_ROWS_MAX ? left : DOT_ROWS_MAX, false, k, n};
        if ((rc = multiply_group(w, d, &g)) != PT_OK)
            break;
        g.more = true;
        rc = multiply_group(w, d, &g);
    }
    return rc;
}

static void run_part(void *context, size_t index)
{
    struct inner_dots *d = context;
    struct part *w = &d->parts[index];

    while (w->rc == PT_OK) {
        const uint64_t k = d->blocks.first + parallel_take(&d->pieces, DOT_BLOCKS_MAX);
        if (k >= d->blocks.end)
            break;
        const uint64_t left = d->blocks.end - k;
        w->rc = multiply_blocks(w, d, k, left < DOT_BLOCKS_MAX ? (size_t)left : DOT_BLOCKS_MAX);
    }
}

/* Sums are exact in integers, so how blocks are shared out does not show. */
static bool make_parts(struct inner_dots *d)
{
    const size_t width = parallel_width(d->in.parallel);
    const uint64_t blocks = d->in.block_end > 0 ? d->in.block_end : rlwe_block_count(d->c);

    d->part_count = width < blocks ? width : (size_t)blocks;
    d->parts = calloc(d->part_count, sizeof *d->parts);
    for (size_t i = 0; d->parts != NULL && i < d->part_count; i++) {
        d->parts[i].sums = calloc(sums_count(d) + 1, sizeof(dot_sums));
        if (d->parts[i].sums == NULL)
            return false;
    }
    return d->parts != NULL;
}

enum pt_code inner_dots_new(struct inner_dots **out, const struct rlwe *c,
                            const struct inner_dot_in *in)
{
    struct inner_dots *d;

    *out = NULL;
    if (in->block_end > rlwe_block_count(c))
        return PT_ELIMIT;
    for (size_t j = 0; j < in->column_count; j++)
        if (in->columns[j].n != rlwe_column_bytes(c))
            return PT_EBADMSG;
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return PT_ENOMEM;
    d->c = c;
    d->in = *in;
    if (!make_parts(d)) {
        inner_dots_free(d);
        return PT_ENOMEM;
    }
    *out = d;
    return PT_OK;
}

enum pt_code inner_dots_add(struct inner_dots *d, const struct inner_row *rows,
                            struct inner_blocks blocks)
{
    if (blocks.end > rlwe_block_count(d->c) || blocks.first > blocks.end)
        return PT_ELIMIT;
    for (size_t i = 0; i < d->in.row_count; i++)
        if (rows[i].first > blocks.first)
            return PT_ELIMIT;
    d->in.rows = rows;
    d->blocks = blocks;
    d->pieces = (struct parallel_pieces){0};
    parallel_run(d->in.parallel, d->part_count, run_part, d);
    for (size_t i = 0; i < d->part_count; i++)
        if (d->parts[i].rc != PT_OK)
            return d->parts[i].rc;
    return PT_OK;
}

void inner_dots_take(uint64_t *dot, const struct inner_dots *d)
{
    const struct ring *r = rlwe_ring(d->c);
    const size_t columns = d->in.column_count;

    memset(dot, 0, d->in.row_count * columns * sizeof *dot);
    for (size_t n = 0; n < d->part_count; n++)
        for (size_t i = 0; i < d->in.row_count; i++) {
            dot_sums *sums = d->parts[n].sums + i / DOT_ROWS_MAX * columns;
            for (size_t j = 0; j < columns; j++)
                dot[i * columns + j] =
                    ring_add(r, dot[i * columns + j], inner_dot_join(r, sums, i % DOT_ROWS_MAX, j));
        }
}

void inner_dots_free(struct inner_dots *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; d->parts != NULL && i < d->part_count; i++) {
        if (d->parts[i].sums != NULL)
            explicit_bzero(d->parts[i].sums, sums_count(d) * sizeof(dot_sums));
        free(d->parts[i].sums);
        explicit_bzero(d->parts[i].rows, sizeof d->parts[i].rows);
    }
    free(d->parts);
    free(d);
}

enum pt_code inner_dot(uint64_t *dot, const struct rlwe *c, struct inner_dot_in in)
{
    struct inner_dots *d = NULL;
    enum pt_code rc;

    memset(dot, 0, in.row_count * in.column_count * sizeof *dot);
    if ((rc = inner_dots_new(&d, c, &in)) == PT_OK && in.row_count > 0 && in.column_count > 0)
        rc = inner_dots_add(
            d, in.rows,
            (struct inner_blocks){0, in.block_end > 0 ? in.block_end : rlwe_block_count(c)});
    if (rc == PT_OK && in.row_count > 0 && in.column_count > 0)
        inner_dots_take(dot, d);
    inner_dots_free(d);
    return rc;
}
