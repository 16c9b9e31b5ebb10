#include "node/batch.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "crypto/noise.h"

enum { PAD_MEAN = 1100, PAD_SCALE = 50 }; /* PROTOCOL.md 5, batch sizes */

enum pt_code batch_rows(struct batch *b, const struct vault_data *data, struct pt_err *err)
{
    b->data = data;
    b->todo = malloc((data->count + 1) * sizeof *b->todo);
    if (b->todo == NULL)
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    for (uint64_t i = 0; i < data->count; i++)
        if (!data->has_token[i])
            b->todo[b->todo_count++] = (uint32_t)i; /* VAULT_ROWS_MAX */
    return PT_OK;
}

/* "patto-id-v1" || federation || key period || identifier type (PROTOCOL.md 1). */
static enum pt_code make_prefix(struct batch *b, const struct policy *p, const char *key_period,
                                struct pt_err *err)
{
    static const char domain[] = "patto-id-v1";

    if (!buf_add(&b->prefix, domain, sizeof domain - 1) ||
        !buf_field(&b->prefix, span_z(p->federation)) ||
        !buf_field(&b->prefix, span_z(key_period)) ||
        !buf_field(&b->prefix, span_z(policy_identifier_name(p->identifier))))
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    return PT_OK;
}

static enum pt_code pad(struct batch *b, struct pt_err *err)
{
    PT_WIPED(key32) key = {0};
    PT_WIPED(draw) draw = {0};
    struct prg *prg = NULL;
    int64_t noise;
    enum pt_code rc;

    prf_derive(&key, &b->seed, "patto/batch-size/1", NULL, 0);
    if ((rc = prg_new(&prg, &key)) != PT_OK)
        return pt_fail(err, rc, "padding the batch: no cipher");
    draw_init(&draw, prg, 0);
    rc = noise_laplace(&noise, &draw, PAD_SCALE, PAD_MEAN);
    prg_free(prg);
    if (rc != PT_OK)
        return pt_fail(err, rc, "padding the batch: no randomness");
    b->point_count = b->todo_count + (uint64_t)(PAD_MEAN + noise);
    b->plan = (struct tokenise_plan){.point_count = b->point_count,
                                     .chunk_points = TOKENISE_CHUNK_POINTS};
    return PT_OK;
}

enum pt_code batch_plan(struct batch *b, const struct home *h, const char *key_period,
                        struct pt_err *err)
{
    enum pt_code rc = make_prefix(b, h->policy, key_period, err);

    batch_seed(b, h, &b->label);
    return rc == PT_OK ? pad(b, err) : rc;
}

void batch_seed(struct batch *b, const struct home *h, const struct key32 *label)
{
    b->label = *label;
    home_batch_seed(&b->seed, h, span_of(label->b, sizeof label->b));
}

void batch_free(struct batch *b)
{
    free(b->todo);
    buf_free(&b->prefix);
    explicit_bzero(b, sizeof *b);
}

void batch_seed_hash(struct digest *out, const struct batch *b)
{
    const struct span seed = span_of(b->seed.b, sizeof b->seed.b);

    hash_parts(out, "patto/batch-seed-hash/1", &seed, 1);
}

/* ---- chunks ---- */

/* Of what goes to hop. */
static void chunk_key(struct blind_key *out, const struct batch *b, uint32_t number, uint32_t hop)
{
    uint8_t n[8] = {0};
    const struct span part = span_of(n, sizeof n);

    store_u32le(n, number);
    store_u32le(n + 4, hop);
    prf_derive(&out->k, &b->seed, "patto/blind/2", &part, 1);
}

/* Digests of one chunk: customers first, then padding, which nobody can tell apart once blinded. */
static struct digest *chunk_digests(const struct batch *b, uint32_t number, size_t n)
{
    uint64_t first = (uint64_t)number * b->plan.chunk_points;
    struct digest *out = calloc(n, sizeof *out);

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        uint64_t at = first + i;
        uint8_t label[8] = {0};
        struct key32 dummy;
        const struct span part = span_of(label, sizeof label);

        if (at < b->todo_count) {
            out[i] = b->data->digests[b->todo[at]];
            continue;
        }
        store_u64le(label, at);
        prf_derive(&dummy, &b->seed, "patto/padding/1", &part, 1);
        memcpy(out[i].b, dummy.b, sizeof out[i].b);
    }
    return out;
}

static void digests_free(struct digest *d, size_t n)
{
    explicit_bzero(d, n * sizeof *d);
    free(d);
}

enum pt_code batch_blind(struct point *points, const struct batch *b, uint32_t number,
                         struct pt_err *err)
{
    PT_WIPED(blind_key) key = {0};
    size_t n = tokenise_chunk_size(&b->plan, number);
    struct digest *digests = chunk_digests(b, number, n);

    if (digests == NULL)
        return pt_fail(err, PT_ENOMEM, "blinding: no memory");
    chunk_key(&key, b, number, 0);
    enum pt_code rc = oprf_blind(points, &key, buf_span(&b->prefix), digests, n, &b->parallel);
    digests_free(digests, n);
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "blinding: no memory, or a bound was exceeded");
}

enum pt_code batch_blind_again(struct point *points, const struct batch *b,
                               const struct batch_chunk *c, struct pt_err *err)
{
    PT_WIPED(blind_key) old = {0};
    PT_WIPED(blind_key) key = {0};
    const struct oprf_again_in in = {.old = &old,
                                     .key = &key,
                                     .public_key = c->public_key,
                                     .points = c->points,
                                     .n = c->n,
                                     .parallel = &b->parallel};

    chunk_key(&old, b, c->number, c->hop);
    chunk_key(&key, b, c->number, c->hop + 1);
    enum pt_code rc = oprf_blind_again(points, &in);
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "a chunk cannot be blinded for the next partner");
}

enum pt_code batch_finish(struct token *tokens, const struct batch *b, const struct oprf_key *own,
                          const struct batch_chunk *c, struct pt_err *err)
{
    PT_WIPED(blind_key) key = {0};
    struct digest *digests = chunk_digests(b, c->number, c->n);

    if (digests == NULL)
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    const struct oprf_finish_in in = {.prefix = buf_span(&b->prefix),
                                      .digests = digests,
                                      .evaluated = c->points,
                                      .n = c->n,
                                      .public_key = c->public_key,
                                      .holders = c->hop + 1,
                                      .parallel = &b->parallel};
    chunk_key(&key, b, c->number, c->hop);
    enum pt_code rc = oprf_finish(tokens, own, &key, in);
    digests_free(digests, c->n);
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "a chunk of tokens cannot be finished");
}

/* ---- the note ---- */

enum { NOTE_VERSION = 3 };

/* Rows as runs: how many are left out, how many are in. */
static bool print_rows(struct buf *out, const struct batch_note *n)
{
    uint64_t next = 0;

    for (uint64_t i = 0; i < n->row_count;) {
        uint64_t run = 1;
        while (i + run < n->row_count && n->rows[i + run] == n->rows[i] + run)
            run++;
        if (!buf_u32le(out, n->rows[i] - (uint32_t)next) || !buf_u32le(out, (uint32_t)run))
            return false;
        next = n->rows[i] + run;
        i += run;
    }
    return true;
}

enum pt_code batch_note_print(struct buf *out, const struct batch_note *n, struct pt_err *err)
{
    if (!buf_u32le(out, NOTE_VERSION) || !buf_u32le(out, n->hop) ||
        !buf_add(out, n->label.b, sizeof n->label.b) || !buf_field(out, span_z(n->generation)) ||
        !buf_add(out, n->before.b, sizeof n->before.b) || !buf_u64le(out, n->row_count) ||
        !print_rows(out, n))
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    return PT_OK;
}

static bool parse_rows(struct batch_note *out, struct rd *r)
{
    uint64_t at = 0;
    uint64_t filled = 0;

    while (filled < out->row_count && !r->bad) {
        uint64_t gap = rd_u32le(r);
        uint64_t run = rd_u32le(r);
        at += gap;
        if (run == 0 || run > out->row_count - filled || at + run > VAULT_ROWS_MAX ||
            (gap == 0 && filled > 0))
            return false;
        for (uint64_t i = 0; i < run; i++)
            out->rows[filled++] = (uint32_t)at++;
    }
    return rd_done(r);
}

enum pt_code batch_note_parse(struct batch_note *out, struct span in, struct pt_err *err)
{
    struct rd r = {.in = in};
    uint32_t version = rd_u32le(&r);

    *out = (struct batch_note){.hop = rd_u32le(&r)};
    rd_into(&r, out->label.b, sizeof out->label.b);
    struct span generation = rd_field(&r, sizeof out->generation - 1);
    rd_into(&r, out->before.b, sizeof out->before.b);
    uint64_t count = rd_u64le(&r);
    if (version > 0 && version < NOTE_VERSION)
        return pt_fail(err, PT_ESTATE,
                       "these tokens were made by an older patto, which made batches "
                       "otherwise");
    if (version != NOTE_VERSION || r.bad || out->hop >= POLICY_PARTNERS_MAX ||
        count > VAULT_ROWS_MAX || !text_copy(out->generation, sizeof out->generation, generation))
        return pt_fail(err, PT_EBADMSG, "the note of a token batch is malformed");
    out->rows = calloc((size_t)count + 1, sizeof *out->rows);
    if (out->rows == NULL)
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    out->row_count = count;
    if (parse_rows(out, &r))
        return PT_OK;
    batch_note_free(out);
    return pt_fail(err, PT_EBADMSG, "the note of a token batch is malformed");
}

void batch_note_free(struct batch_note *n)
{
    free(n->rows);
    explicit_bzero(n, sizeof *n);
}
