#include "proto/reply.h"

#include "crypto/base/large.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "crypto/noise.h"

/* ---- layout ---- */

static const struct policy_attribute *asked(const struct policy *p, uint16_t partner,
                                            uint16_t attribute)
{
    return &p->partners[partner].attributes[attribute];
}

size_t reply_column_count(const struct policy *p, const struct question *q)
{
    return question_has_axes(q->kind) ? 1 + asked(p, q->asker, q->rows)->value_count : 1;
}

size_t reply_counter_count(const struct policy *p, const struct question *q)
{
    if (q->kind != QUESTION_CROSSTAB && q->kind != QUESTION_VALUE)
        return 0;
    const struct policy_attribute *a = asked(p, q->asker, q->rows);
    return a->max_per_person < a->value_count ? a->max_per_person : 0;
}

size_t reply_row_count(const struct policy *p, const struct question *q)
{
    if (q->kind == QUESTION_VALUE)
        return REPLY_VALUE_ROWS;
    return q->kind == QUESTION_CROSSTAB ? 1 + asked(p, q->with, q->columns)->value_count : 1;
}

static size_t limb_count(const struct question *q)
{
    return q->kind == QUESTION_VALUE ? REPLY_LIMBS : 1;
}

size_t reply_row_values(const struct question *q, uint64_t slot_count)
{
    return limb_count(q) * (size_t)slot_count;
}

static bool is_numbers(const struct question *q, size_t row)
{
    return q->kind == QUESTION_VALUE && row == REPLY_NUMBERS;
}

size_t reply_group_count(size_t column_count)
{
    return (column_count + RLWE_COLUMNS_MAX - 1) / RLWE_COLUMNS_MAX;
}

uint64_t reply_slots(const struct question *q, uint64_t slot_count)
{
    uint64_t n = q->slots == QUESTION_SLOTS_SIXTEENTH ? slot_count / 16
                 : q->slots == QUESTION_SLOTS_QUARTER ? slot_count / 4
                                                      : slot_count;

    n = n < RLWE_DEGREE ? RLWE_DEGREE : n;
    return n < slot_count ? n : slot_count;
}

/* Columns in group g. */
static size_t group_size(size_t column_count, size_t g)
{
    size_t left = column_count - g * RLWE_COLUMNS_MAX;

    return left < RLWE_COLUMNS_MAX ? left : RLWE_COLUMNS_MAX;
}

size_t reply_row_bytes(const struct rlwe *c, size_t column_count)
{
    size_t n = 0;

    for (size_t g = 0; g < reply_group_count(column_count); g++)
        n += inner_reply_bytes(c, group_size(column_count, g));
    return n;
}

/* The asker's own filters, as the canonical text of the question has them: sorted, unique. */
static bool add_own_filters(struct buf *out, const char *asker, struct span text)
{
    char prefix[POLICY_NAME_MAX + 9];
    bool more = true;
    bool good = true;

    snprintf(prefix, sizeof prefix, "where=%s.", asker);
    size_t n = strlen(prefix);
    while (more && good) {
        struct span line = text_cut(&text, '\n', &more);
        if (line.n > n && span_eq_vartime(span_of(line.p, n), span_z(prefix)))
            good = buf_u8(out, '\n') && buf_add(out, line.p, line.n);
    }
    return good;
}

enum pt_code reply_column_name(struct buf *out, const struct policy *p, const struct question *q,
                               size_t index, struct pt_err *err)
{
    struct buf text = {0};
    size_t was = out->n;
    bool good;
    enum pt_code rc;

    const size_t table = reply_column_count(p, q);
    if (index >= table + reply_counter_count(p, q))
        return pt_fail(err, PT_EBUG, "column %zu of %zu", index, table);
    if ((rc = question_print(&text, p, q, err)) != PT_OK)
        return rc;
    if (index == 0) {
        good = buf_printf(out, "all");
    } else {
        const struct policy_attribute *a = asked(p, q->asker, q->rows);
        good = index < table ? buf_printf(out, "%s=%s", a->name, a->values[index - 1])
                             : buf_printf(out, "%s>%zu", a->name, index - table);
    }
    good = good && add_own_filters(out, p->partners[q->asker].name, buf_span(&text));
    buf_free(&text);
    if (good)
        return PT_OK;
    out->n = was;
    return pt_fail(err, PT_ENOMEM, "no memory for the name of column %zu", index);
}

#define COLUMN_DIGEST "patto/column/2"
void reply_column_digest(struct digest *out, struct span bytes)
{
    blake2b_tree_digest(out, COLUMN_DIGEST, bytes);
}

void reply_column_digest_end(struct digest *out, struct blake2b_tree *h)
{
    blake2b_tree_digest_end(out, COLUMN_DIGEST, h);
}

/* ---- what an answer depends on ---- */

enum pt_code reply_key(struct digest *out, const struct reply_in *in, struct pt_err *err)
{
    const struct epoch_header *h = in->pair.header;
    struct digest epoch;
    struct buf text = {0};
    enum pt_code rc;

    *out = (struct digest){0};
    if ((rc = epoch_header_id(&epoch, h, err)) != PT_OK ||
        (rc = question_print(&text, in->policy, in->question, err)) != PT_OK)
        goto out;
    struct span parts[] = {
        span_of(epoch.b, sizeof epoch.b),
        span_z(h->participants[in->pair.recipient].name),
        span_z(h->participants[in->pair.evaluator].name),
        buf_span(&text),
        span_of(in->column_digests, in->column_count * sizeof *in->column_digests),
        span_of(h->participants[in->pair.evaluator].dataset.b, sizeof(struct digest)),
        span_of(in->policy->hash.b, sizeof in->policy->hash.b),
    };
    hash_parts(out, "patto/reply/key/1", parts, PT_LEN(parts));
out:
    buf_free(&text);
    return rc;
}

void reply_price(struct budget_price *out, const struct reply_in *in)
{
    budget_price(out, in->policy, in->question, rlwe_delta(in->rlwe));
}

/* ---- evaluator ---- */

/* Rows held at once: ciphertexts are read once for each batch, so large ones are fast ones. */
enum { ROWS_AT_ONCE = 64, ROWS_SIDE_BY_SIDE = 8, ROW_MEMORY_MAX = 1 << 28 };

struct made_row {
    struct digest digest;
    struct pt_err err; /* code PT_OK: made */
};
struct making { /* secret: exact data of a few rows at a time */
    const struct reply_in *in;
    struct reply *out;
    struct budget_price price;
    struct digest key;
    int8_t *values; /* batch x row_values */
    uint64_t *dots; /* batch x column_count */
    struct made_row *made;
    size_t batch; /* rows held at once */
    size_t first; /* of this batch */
    size_t rows;  /* in it */
    uint64_t slot_count;
    size_t row_values;
    uint64_t block_end; /* blocks that the question looks at */
};

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

/* The sum of |values| bounds every inner product: within max_abs nothing wraps. */
static bool within_bound(const struct making *m, size_t row, const int8_t *values)
{
    const struct epoch_pair *pair = &m->in->pair;
    uint64_t each = is_numbers(m->in->question, row) ? BUDGET_NUMBER : 1;
    uint64_t sum = 0;

    uint64_t at = 0;

    /* A length known here is compiled to vectors. */
    for (; at + RLWE_DEGREE <= m->row_values; at += RLWE_DEGREE) {
        uint32_t block = 0;
        for (size_t i = 0; i < RLWE_DEGREE; i++)
            block += (uint32_t)abs(values[at + i]);
        sum += block;
    }
    for (; at < m->row_values; at++)
        sum += (uint64_t)abs(values[at]);
    return sum <= each * pair->header->participants[pair->evaluator].padded_size;
}

/* Row i of the batch, of which everything is known but the rerandomiser. */
static enum pt_code answer_row(struct making *m, size_t i, const struct inner_hint *hint)
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
                              .n = group_size(m->in->column_count, g),
                              .dots = m->dots + i * m->in->column_count,
                              .reader = m->in->reader};
        rc = reply_group(out->p + out->n, m, &group, hint, &m->made[i].digest);
        out->n += inner_reply_bytes(c, group.n);
    }
    return rc;
}

/* A part: row m->first + i of the host's data, its digest, its noisy size. */
static void make_row(void *context, size_t i)
{
    struct making *m = context;
    const struct reply_in *in = m->in;
    struct made_row *made = &m->made[i];
    size_t row = m->first + i;
    int8_t *values = m->values + i * m->row_values;
    uint64_t size = 0;
    enum pt_code rc;

    made->err = (struct pt_err){0};
    if (in->host.row(in->host.self, in->question, row, values, &size, &made->err) != PT_OK)
        return;
    if (!within_bound(m, row, values)) {
        (void)!pt_fail(&made->err, PT_EBUG, "row %zu holds more people than the epoch announced",
                       row);
        return;
    }
    epoch_values_digest(&made->digest, values, m->row_values);
    if ((rc = noisy_size(m, row, size, &made->digest)) != PT_OK)
        (void)!pt_fail(&made->err, rc, "the size of row %zu: no noise could be drawn", row);
}

/* Row i of the batch. */
static struct inner_row row_of(const struct making *m, size_t i)
{
    const int8_t *values = m->values + i * m->row_values;
    bool limbs = is_numbers(m->in->question, m->first + i);

    return (struct inner_row){.values = values, .more = limbs ? values + m->slot_count : NULL};
}

static size_t strips(const struct making *m, size_t rows)
{
    size_t width = parallel_width(&m->in->host.parallel);
    size_t count = (rows + ROWS_SIDE_BY_SIDE - 1) / ROWS_SIDE_BY_SIDE;

    count = (count + width - 1) / width * width; /* nobody waits for the last one */
    return count < rows ? count : rows;
}

/* A part: hints and replies of a few rows side by side, whose a_k are then expanded once. */
static void finish_strip(void *context, size_t strip)
{
    struct making *m = context;
    size_t count = strips(m, m->rows);
    size_t first = m->rows * strip / count;
    size_t n = m->rows * (strip + 1) / count - first;
    struct inner_hint *hints[ROWS_SIDE_BY_SIDE] = {NULL};
    struct inner_row rows[ROWS_SIDE_BY_SIDE];
    const struct inner_blocks looked_at = {0, m->block_end};
    const struct inner_blocks rest = {m->block_end, rlwe_block_count(m->in->rlwe)};
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < n && rc == PT_OK; i++) {
        rows[i] = row_of(m, first + i);
        rc = inner_hint_new(&hints[i], m->in->rlwe);
    }
    if (rc == PT_OK)
        rc = inner_hints_add(hints, m->in->rlwe, rows, n, looked_at);
    for (size_t i = 0; i < n && rc == PT_OK; i++)
        rc = inner_hint_skip(hints[i], m->in->rlwe, rest);
    for (size_t i = 0; i < n; i++) {
        if (rc == PT_OK)
            rc = answer_row(m, first + i, hints[i]);
        if (rc != PT_OK)
            (void)!pt_fail(&m->made[first + i].err, rc, "row %zu: the reply could not be computed",
                           m->first + first + i);
        inner_hint_free(hints[i]);
    }
}

/* The first failure in the order of rows, so that threads do not show. */
static enum pt_code all_made(const struct making *m, size_t n, struct pt_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (m->made[i].err.code != PT_OK) {
            *err = m->made[i].err;
            return err->code;
        }
    return PT_OK;
}

/* Rows [m->first, m->first + n): the host's data, the products, noise, replies. */
static enum pt_code make_rows(struct making *m, size_t n, struct pt_err *err)
{
    const struct reply_in *in = m->in;
    const struct parallel *parallel = &in->host.parallel;
    struct inner_row rows[ROWS_AT_ONCE];
    const struct inner_dot_in dot = {.rows = rows,
                                     .row_count = n,
                                     .columns = in->columns,
                                     .column_count = in->column_count,
                                     .parallel = parallel,
                                     .block_end = m->block_end,
                                     .reader = in->reader};
    enum pt_code rc;

    parallel_run(parallel, n, make_row, m);
    if ((rc = all_made(m, n, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of(m, i);
    if ((rc = inner_dot(m->dots, in->rlwe, dot)) != PT_OK)
        return pt_fail(err, rc, "rows from %zu: their products could not be computed", m->first);
    m->rows = n;
    parallel_run(parallel, strips(m, n), finish_strip, m);
    return all_made(m, n, err);
}

static bool making_memory(struct making *m)
{
    size_t rows = m->out->row_count;
    size_t bytes;
    size_t cells;

    assert(rows > 0 && m->in->column_count > 0 && m->slot_count > 0);
    m->row_values = reply_row_values(m->in->question, m->slot_count);
    m->batch = (size_t)(ROW_MEMORY_MAX /
                        (m->row_values < ROW_MEMORY_MAX ? m->row_values : ROW_MEMORY_MAX));
    m->batch = m->batch > ROWS_AT_ONCE ? ROWS_AT_ONCE : m->batch;
    m->batch = m->batch > rows ? rows : m->batch;
    if (!pt_mul(m->batch, m->row_values, &bytes) || !pt_mul(m->batch, m->in->column_count, &cells))
        return false;
    m->values = large_new(bytes);
    m->dots = calloc(cells, sizeof *m->dots);
    m->made = calloc(m->batch, sizeof *m->made);
    return m->values != NULL && m->dots != NULL && m->made != NULL;
}

static bool reply_room(struct reply *out)
{
    out->rows = calloc(out->row_count, sizeof *out->rows);
    out->sizes = calloc(out->row_count, sizeof *out->sizes);
    return out->rows != NULL && out->sizes != NULL;
}

static void wipe_row(void *context, size_t i)
{
    struct making *m = context;

    explicit_bzero(m->values + i * m->row_values, m->row_values);
}

static void making_wipe(struct making *m)
{
    if (m->values != NULL)
        parallel_run(&m->in->host.parallel, m->batch, wipe_row, m);
    if (m->dots != NULL)
        explicit_bzero(m->dots, m->batch * m->in->column_count * sizeof *m->dots);
    free(m->values);
    free(m->dots);
    free(m->made);
}

enum pt_code reply_make(struct reply *out, const struct reply_in *in, struct pt_err *err)
{
    const uint64_t slot_count = in->pair.header->slot_count;
    struct making m = {.in = in,
                       .out = out,
                       .slot_count = slot_count,
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
    for (; m.first < out->row_count && rc == PT_OK; m.first += m.batch)
        rc = make_rows(&m, out->row_count - m.first < m.batch ? out->row_count - m.first : m.batch,
                       err);
    making_wipe(&m);
    if (rc != PT_OK)
        reply_free(out);
    return rc;
}

void reply_free(struct reply *r)
{
    for (size_t i = 0; r->rows != NULL && i < r->row_count; i++)
        buf_free(&r->rows[i]);
    free(r->rows);
    free(r->sizes);
    *r = (struct reply){0};
}

/* ---- recipient ---- */

static enum pt_code open_row(double *values, const struct reply_open_in *in, struct span row,
                             struct pt_err *err)
{
    double delta = rlwe_delta(in->rlwe);
    int64_t raw[RLWE_COLUMNS_MAX];
    struct rd r = {.in = row};

    for (size_t g = 0; g < reply_group_count(in->column_count); g++) {
        size_t first = g * RLWE_COLUMNS_MAX;
        size_t n = group_size(in->column_count, g);
        struct span part = rd_take(&r, inner_reply_bytes(in->rlwe, n));
        if (r.bad || inner_open(raw, in->rlwe, part, in->keys + first, n) != PT_OK)
            return pt_fail(err, PT_EBADMSG,
                           "a reply is cut, or holds a coefficient that is not below q");
        for (size_t j = 0; j < n; j++)
            values[first + j] = (double)raw[j] / delta;
    }
    return rd_done(&r) ? PT_OK
                       : pt_fail(err, PT_EBADMSG, "a reply is %zu bytes too long", r.in.n - r.at);
}

enum pt_code reply_open(double *values, const struct reply_open_in *in, struct pt_err *err)
{
    for (size_t i = 0; i < in->row_count; i++)
        if (open_row(values + i * in->column_count, in, in->rows[i], err) != PT_OK) {
            memset(values, 0, in->row_count * in->column_count * sizeof *values);
            return pt_wrap(err, "row %zu of %zu", i, in->row_count);
        }
    return PT_OK;
}
