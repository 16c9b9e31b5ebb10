/* The evaluator's side of reply.h. Rows are made, multiplied and forgotten window by window: of their exact data no
 * more is in memory than stays in the processor's caches. */
#include "proto/reply_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/large.h"
#include "crypto/noise.h"

/* Rows worked on at once: ciphertexts are read once for each batch, so large ones are fast ones. */
enum { ROWS_AT_ONCE = 64, ROWS_SIDE_BY_SIDE = 8 };
/* Bytes of a window of theirs. Rows of two limbs, which are two rows at most, are hashed limb by limb, and so are held as
 * a whole, up to the second bound. */
enum { WINDOW_BYTES = 1 << 22, WINDOW_BLOCKS_MAX = 64, ROW_MEMORY_MAX = 1 << 28 };

struct made_row {
    struct inner_hint *hint;
    struct blake2b_tree hash; /* of its entries so far */
    struct digest digest;
    uint64_t sum, size; /* of magnitudes; what the host counts */
    struct pt_err err;  /* code PT_OK: made so far */
};
struct making { /* secret: exact data of a few rows at a time */
    const struct reply_in *in;
    struct reply *out;
    struct budget_price price;
    struct digest key;
    int8_t *values; /* batch windows, limb by limb */
    uint64_t *dots; /* batch x column_count */
    struct made_row *made;
    struct inner_row *window; /* the rows of the batch, where they are in values */
    struct inner_dots *products;
    size_t batch; /* rows held at once */
    size_t first; /* of this batch */
    size_t rows;  /* in it */
    uint64_t slot_count;
    size_t limbs;
    uint64_t block_end;            /* blocks that the question looks at */
    uint64_t window_blocks;        /* of a window, but for the last */
    struct inner_blocks blocks;    /* of this window */
    struct inner_blocks looked_at; /* those of them that the question looks at */
    size_t slots;                  /* of this window */
};

static bool is_numbers(const struct question *q, size_t row)
{
    return q->kind == QUESTION_VALUE && row == REPLY_NUMBERS;
}

struct row_seed_in {
    const char *label;
    size_t row, group;
};

/* One PRF over what identifies the answer and the row's own content: any difference in either is
 * another noise and another mask. (By the question's name alone, a recipient could send a column
 * with one slot changed and read membership from the difference; PROTOCOL.md 4.) */
static void row_seed(struct key32 *out, const struct making *m, struct row_seed_in at,
                     const struct digest *row_digest)
{
    uint8_t place[8];

    store_u32le(place, (uint32_t)at.row);
    store_u32le(place + 4, (uint32_t)at.group);
    struct span parts[] = {span_of(m->key.b, sizeof m->key.b),
                           span_of(row_digest->b, sizeof row_digest->b),
                           span_of(place, sizeof place)};
    prf_derive(out, m->in->noise_key, at.label, parts, PT_LEN(parts));
}

/* One sample a variance, each from a stream of its own. */
static enum pt_code draw_noise(int64_t *out, const struct key32 *seed,
                               const struct noise_variance *v, size_t n)
{
    struct prg *g = NULL;
    enum pt_code rc = prg_new(&g, seed);

    for (size_t i = 0; i < n && rc == PT_OK; i++) {
        PT_WIPED(draw) d;
        draw_init(&d, g, i);
        rc = noise_gauss(&out[i], &d, v[i]);
    }
    prg_free(g);
    if (rc != PT_OK)
        explicit_bzero(out, n * sizeof *out);
    return rc;
}

/* In units of Z_q: (delta*sigma)^2, and never narrower than what keeps G' pseudorandom. */
static struct noise_variance cell_variance(const struct making *m, size_t row, size_t column,
                                           size_t group_columns)
{
    const struct question *q = m->in->question;
    bool margin = (q->kind == QUESTION_CROSSTAB && (row == 0 || column == 0)) ||
                  (q->kind == QUESTION_VALUE && column == 0);
    struct budget_variance b = margin ? m->price.margin : m->price.cell;
    u128 delta = rlwe_delta(m->in->rlwe);
    u128 least = inner_noise_min(group_columns);
    struct noise_variance v = {.num = (u128)b.num * delta * delta, .den = b.den};

    if (is_numbers(q,
                   row)) /* 50 times as wide; as an integer, not below it, so that num has room */
        v = (struct noise_variance){
            .num = (v.num * BUDGET_NUMBER * BUDGET_NUMBER + v.den - 1) / v.den, .den = 1};
    if (v.num < least * least * v.den)
        v.num = least * least * v.den;
    return v;
}

static enum pt_code noisy_size(struct making *m, size_t row, uint64_t size,
                               const struct digest *row_digest)
{
    PT_WIPED(key32) seed = {0};
    const struct budget_variance *b =
        is_numbers(m->in->question, row) ? &m->price.square : &m->price.margin;
    struct noise_variance v = {.num = b->num, .den = b->den};
    int64_t noise = 0;
    enum pt_code rc;

    row_seed(&seed, m, (struct row_seed_in){"patto/reply/size/1", row, 0}, row_digest);
    if ((rc = draw_noise(&noise, &seed, &v, 1)) == PT_OK)
        m->out->sizes[row] = (int64_t)size + noise;
    return rc;
}

struct group { /* columns [first, first + n) of one row */
    size_t row, index, first, n;
    const uint64_t *dots; /* of the row */
    const struct column_reader *reader;
};

static bool read_in_group(void *self, size_t j, uint64_t at, uint8_t *out, size_t out_bytes)
{
    const struct group *g = self;

    return g->reader->fetch(g->reader->self, g->first + j, at, out, out_bytes);
}

static enum pt_code reply_group(uint8_t *out, const struct making *m, struct group *g,
                                const struct inner_hint *hint, const struct digest *row_digest)
{
    PT_WIPED(key32) noise_seed = {0};
    PT_WIPED(key32) mask_seed = {0};
    struct noise_variance variance[RLWE_COLUMNS_MAX];
    int64_t noise[RLWE_COLUMNS_MAX];
    enum pt_code rc;

    row_seed(&noise_seed, m, (struct row_seed_in){"patto/reply/noise/1", g->row, g->index},
             row_digest);
    row_seed(&mask_seed, m, (struct row_seed_in){"patto/reply/mask/1", g->row, g->index},
             row_digest);
    for (size_t j = 0; j < g->n; j++)
        variance[j] = cell_variance(m, g->row, g->first + j, g->n);
    if ((rc = draw_noise(noise, &noise_seed, variance, g->n)) != PT_OK)
        return rc;
    const struct column_reader reader = {g, read_in_group};
    struct inner_reply_in reply = {.hint = hint,
                                   .dot = g->dots + g->first,
                                   .noise = noise,
                                   .columns = m->in->columns + g->first,
                                   .column_count = g->n,
                                   .reader = g->reader != NULL ? &reader : NULL};
    rc = inner_reply(out, m->in->rlwe, &reply, &mask_seed);
    explicit_bzero(noise, sizeof noise);
    return rc;
}

/* The sum of magnitudes bounds every inner product: within max_abs nothing wraps. */
static bool within_bound(const struct making *m, size_t i)
{
    const struct epoch_pair *pair = &m->in->pair;
    const uint64_t each = is_numbers(m->in->question, m->first + i) ? BUDGET_NUMBER : 1;

    return m->made[i].sum <= each * pair->header->participants[pair->evaluator].padded_size;
}

static uint64_t sum_of_magnitudes(const int8_t *values, size_t n)
{
    uint64_t sum = 0;
    size_t at = 0;

    /* A length known here is compiled to vectors. */
    for (; at + RLWE_DEGREE <= n; at += RLWE_DEGREE) {
        uint32_t block = 0;
        for (size_t i = 0; i < RLWE_DEGREE; i++)
            block += (uint32_t)abs(values[at + i]);
        sum += block;
    }
    for (; at < n; at++)
        sum += (uint64_t)abs(values[at]);
    return sum;
}

/* Row i of the batch, of which everything is known but the rerandomiser. */
static enum pt_code answer_row(struct making *m, size_t i)
{
    const struct rlwe *c = m->in->rlwe;
    size_t row = m->first + i;
    struct buf *out = &m->out->rows[row];
    enum pt_code rc = PT_OK;

    if (!buf_reserve(out, reply_row_bytes(c, m->in->column_count)))
        return PT_ENOMEM;
    for (size_t g = 0; g < reply_group_count(m->in->column_count) && rc == PT_OK; g++) {
        struct group group = {.row = row,
                              .index = g,
                              .first = g * RLWE_COLUMNS_MAX,
                              .n = reply_group_size(m->in->column_count, g),
                              .dots = m->dots + i * m->in->column_count,
                              .reader = m->in->reader};
        rc = reply_group(out->p + out->n, m, &group, m->made[i].hint, &m->made[i].digest);
        out->n += inner_reply_bytes(c, group.n);
    }
    return rc;
}

/* ---- one window ---- */

static int8_t *values_of(const struct making *m, size_t i)
{
    return m->values + i * m->limbs * m->window_blocks * RLWE_DEGREE;
}

/* A part: row i of the batch, this window of the host's data. */
static void make_row(void *context, size_t i)
{
    struct making *m = context;
    const struct reply_in *in = m->in;
    struct made_row *made = &m->made[i];
    const struct reply_part at = {
        .row = m->first + i, .first = m->blocks.first * RLWE_DEGREE, .slots = m->slots};
    int8_t *values = values_of(m, i);
    uint64_t size = 0;

    if (in->host.row(in->host.self, in->question, &at, values, &size, &made->err) != PT_OK)
        return;
    made->size += size;
    made->sum += sum_of_magnitudes(values, m->limbs * m->slots);
    if (!within_bound(m, i)) {
        (void)!pt_fail(&made->err, PT_EBUG, "row %zu holds more people than the epoch announced",
                       at.row);
        return;
    }
    blake2b_tree_add(&made->hash, span_of(values, m->limbs * m->slots));
    m->window[i] =
        (struct inner_row){.values = values,
                           .more = is_numbers(in->question, at.row) ? values + m->slots : NULL,
                           .first = m->blocks.first};
}

static size_t strips(const struct making *m)
{
    const size_t width = parallel_width(&m->in->host.parallel);
    size_t count = (m->rows + ROWS_SIDE_BY_SIDE - 1) / ROWS_SIDE_BY_SIDE;

    count = (count + width - 1) / width * width; /* nobody waits for the last one */
    return count < m->rows ? count : m->rows;
}

struct strip { /* rows [first, first + n) of the batch: one thread's, with scratch in common */
    size_t first, n;
};
static struct strip strip_of(const struct making *m, size_t index)
{
    const size_t count = strips(m);
    assert(count > 0);
    const size_t first = m->rows * index / count;

    return (struct strip){first, m->rows * (index + 1) / count - first};
}

static void row_failed(struct making *m, size_t i, enum pt_code rc)
{
    (void)!pt_fail(&m->made[i].err, rc, "row %zu: the reply could not be computed", m->first + i);
}

/* A part: what this window adds to the hints of a few rows side by side, whose a_k are expanded once. */
static void hint_strip(void *context, size_t index)
{
    struct making *m = context;
    const struct strip s = strip_of(m, index);
    struct inner_hint *hints[ROWS_SIDE_BY_SIDE] = {NULL};

    for (size_t i = 0; i < s.n; i++)
        hints[i] = m->made[s.first + i].hint;
    const enum pt_code rc =
        inner_hints_add(hints, m->in->rlwe, m->window + s.first, s.n, m->looked_at);
    if (rc != PT_OK)
        row_failed(m, s.first, rc);
}

/* The first failure in the order of rows, so that threads do not show. */
static enum pt_code all_made(const struct making *m, struct pt_err *err)
{
    for (size_t i = 0; i < m->rows; i++)
        if (m->made[i].err.code != PT_OK) {
            *err = m->made[i].err;
            return err->code;
        }
    return PT_OK;
}

static enum pt_code no_products(const struct making *m, enum pt_code rc, struct pt_err *err)
{
    return rc == PT_OK
               ? PT_OK
               : pt_fail(err, rc, "rows from %zu: their products could not be computed", m->first);
}

/* Blocks [first, ...) of all rows of the batch. */
static enum pt_code make_window(struct making *m, uint64_t first, struct pt_err *err)
{
    const struct reply_host *host = &m->in->host;
    const uint64_t count = rlwe_block_count(m->in->rlwe);
    const uint64_t end = first + m->window_blocks < count ? first + m->window_blocks : count;
    const uint64_t left = m->slot_count - first * RLWE_DEGREE;
    enum pt_code rc = PT_OK;

    m->blocks = (struct inner_blocks){first, end};
    m->looked_at = (struct inner_blocks){first, end < m->block_end ? end : m->block_end};
    m->slots = (size_t)((end - first) * RLWE_DEGREE < left ? (end - first) * RLWE_DEGREE : left);
    const struct reply_part at = {.first = first * RLWE_DEGREE, .slots = m->slots};
    if (host->window != NULL)
        rc = host->window(host->self, m->in->question, &at, err);
    if (rc != PT_OK)
        return rc;
    parallel_run(&host->parallel, m->rows, make_row, m);
    if ((rc = all_made(m, err)) != PT_OK || m->looked_at.end <= first)
        return rc;
    if ((rc = inner_dots_add(m->products, m->window, m->looked_at)) != PT_OK)
        return no_products(m, rc, err);
    parallel_run(&host->parallel, strips(m), hint_strip, m);
    return all_made(m, err);
}

/* ---- one batch of rows ---- */

static enum pt_code begin_row(struct making *m, size_t i, const struct inner_hint *lead)
{
    struct made_row *made = &m->made[i];

    *made = (struct made_row){0};
    blake2b_tree_begin(&made->hash);
    return lead == NULL ? inner_hint_new(&made->hint, m->in->rlwe)
                        : inner_hint_new_beside(&made->hint, lead);
}

static enum pt_code begin_batch(struct making *m, struct pt_err *err)
{
    const struct reply_in *in = m->in;
    const struct inner_dot_in products = {.row_count = m->rows,
                                          .columns = in->columns,
                                          .column_count = in->column_count,
                                          .parallel = &in->host.parallel,
                                          .block_end = m->block_end,
                                          .reader = in->reader};

    for (size_t k = 0; k < strips(m); k++) {
        const struct strip s = strip_of(m, k);
        for (size_t i = 0; i < s.n; i++) {
            const enum pt_code rc = begin_row(m, s.first + i, i > 0 ? m->made[s.first].hint : NULL);
            if (rc != PT_OK)
                return pt_fail(err, rc, "row %zu: no memory that can be locked",
                               m->first + s.first + i);
        }
    }
    return no_products(m, inner_dots_new(&m->products, in->rlwe, &products), err);
}

static void end_batch(struct making *m)
{
    inner_dots_free(m->products);
    m->products = NULL;
    for (size_t i = m->rows; i-- > 0;) { /* a lead goes last */
        inner_hint_free(m->made[i].hint);
        explicit_bzero(&m->made[i], sizeof m->made[i]);
    }
}

/* A part: sizes and replies of a few rows, once all of their windows are done. */
static void finish_strip(void *context, size_t index)
{
    struct making *m = context;
    const struct strip s = strip_of(m, index);
    const struct inner_blocks rest = {m->block_end, rlwe_block_count(m->in->rlwe)};

    for (size_t i = s.first; i < s.first + s.n; i++) {
        struct made_row *made = &m->made[i];
        epoch_values_digest_end(&made->digest, &made->hash);
        enum pt_code rc = noisy_size(m, m->first + i, made->size, &made->digest);
        if (rc != PT_OK) {
            (void)!pt_fail(&made->err, rc, "the size of row %zu: no noise could be drawn",
                           m->first + i);
            return;
        }
        rc = inner_hint_skip(made->hint, m->in->rlwe, rest);
        if (rc == PT_OK)
            rc = answer_row(m, i);
        if (rc != PT_OK) {
            row_failed(m, i, rc);
            return;
        }
    }
}

/* Rows [m->first, m->first + m->rows): the host's data, the products, noise, replies. */
static enum pt_code make_rows(struct making *m, struct pt_err *err)
{
    const uint64_t blocks = rlwe_block_count(m->in->rlwe);
    enum pt_code rc = begin_batch(m, err);

    for (uint64_t k = 0; k < blocks && rc == PT_OK; k += m->window_blocks)
        rc = make_window(m, k, err);
    if (rc == PT_OK) {
        inner_dots_take(m->dots, m->products);
        parallel_run(&m->in->host.parallel, strips(m), finish_strip, m);
        rc = all_made(m, err);
    }
    end_batch(m);
    return rc;
}

/* How many rows at once, and how much of them. */
static void lay_out(struct making *m)
{
    const size_t row_values = reply_row_values(m->in->question, m->slot_count);
    const size_t fit = ROW_MEMORY_MAX / (row_values < ROW_MEMORY_MAX ? row_values : ROW_MEMORY_MAX);
    const size_t most = m->limbs > 1 && fit < ROWS_AT_ONCE ? fit : ROWS_AT_ONCE;
    const uint64_t blocks = rlwe_block_count(m->in->rlwe);
    const size_t rows = m->out->row_count;

    assert(rows > 0 && m->in->column_count > 0 && m->slot_count > 0);
    m->batch = rows < most ? rows : most;
    const uint64_t window = WINDOW_BYTES / RLWE_DEGREE / m->batch;
    m->window_blocks = m->limbs > 1                 ? blocks
                       : window < WINDOW_BLOCKS_MAX ? window
                                                    : WINDOW_BLOCKS_MAX;
    m->window_blocks = m->window_blocks < blocks ? m->window_blocks : blocks;
}

static bool making_memory(struct making *m)
{
    size_t bytes;
    size_t cells;

    lay_out(m);
    if (!pt_mul(m->batch * m->limbs, (size_t)m->window_blocks * RLWE_DEGREE, &bytes) ||
        !pt_mul(m->batch, m->in->column_count, &cells))
        return false;
    m->values = large_new(bytes);
    m->dots = calloc(cells, sizeof *m->dots);
    m->made = calloc(m->batch, sizeof *m->made);
    m->window = calloc(m->batch, sizeof *m->window);
    return m->values != NULL && m->dots != NULL && m->made != NULL && m->window != NULL;
}

static bool reply_room(struct reply *out)
{
    out->rows = calloc(out->row_count, sizeof *out->rows);
    out->sizes = calloc(out->row_count, sizeof *out->sizes);
    return out->rows != NULL && out->sizes != NULL;
}

static void making_wipe(struct making *m)
{
    if (m->values != NULL)
        explicit_bzero(m->values, m->batch * m->limbs * (size_t)m->window_blocks * RLWE_DEGREE);
    if (m->dots != NULL)
        explicit_bzero(m->dots, m->batch * m->in->column_count * sizeof *m->dots);
    free(m->values);
    free(m->dots);
    free(m->made);
    free(m->window);
}

enum pt_code reply_make(struct reply *out, const struct reply_in *in, struct pt_err *err)
{
    const uint64_t slot_count = in->pair.header->slot_count;
    struct making m = {.in = in,
                       .out = out,
                       .slot_count = slot_count,
                       .limbs = reply_limb_count(in->question),
                       .block_end =
                           (reply_slots(in->question, slot_count) + RLWE_DEGREE - 1) / RLWE_DEGREE};
    enum pt_code rc;

    *out = (struct reply){.row_count = reply_row_count(in->policy, in->question)};
    if (in->column_count != reply_column_count(in->policy, in->question))
        return pt_fail(err, PT_EBUG, "%zu columns for a question of %zu", in->column_count,
                       reply_column_count(in->policy, in->question));
    reply_price(&m.price, in);
    if ((rc = reply_key(&m.key, in, err)) != PT_OK)
        return rc;
    if (!reply_room(out) || !making_memory(&m))
        rc = pt_fail(err, PT_ENOMEM, "no memory for %zu rows of %" PRIu64 " slots", m.batch,
                     m.slot_count);
    for (; m.first < out->row_count && rc == PT_OK; m.first += m.batch) {
        const size_t left = out->row_count - m.first;
        m.rows = left < m.batch ? left : m.batch;
        rc = make_rows(&m, err);
    }
    making_wipe(&m);
    if (rc != PT_OK)
        reply_free(out);
    return rc;
}
