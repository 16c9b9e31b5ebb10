#include "crypto/column_prove.h"

#include <sodium.h>

#include "crypto/prg.h"

struct batch {    /* secret */
    size_t count; /* 0: no batch is open */
    struct proof_vector *columns[RLWE_COLUMNS_MAX];
    struct vole_vector mask;
    uint64_t mask_x[PROOF_MASK_VECTOR];
};
struct column_prover {
    const struct rlwe *c;
    struct vole_prover *vole;
    uint64_t vectors; /* committed so far */
    struct batch batch;
};

void column_prover_free(struct column_prover *p)
{
    if (p == NULL)
        return;
    proof_vectors_free(p->batch.columns, p->batch.count);
    vole_prover_free(p->vole);
    sodium_free(p);
}

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "column proof: no memory");
}

/* Room for n more bytes at the end of b, which are then written through the result. */
static uint8_t *room_for(struct buf *b, size_t n)
{
    size_t cap;

    return pt_add(b->n, n, &cap) && buf_reserve(b, cap) ? b->p + b->n : NULL;
}

enum pt_code column_prover_new(struct column_prover **out, struct buf *trees,
                               const struct proof_setup *setup, struct span choices,
                               struct pt_err *err)
{
    const size_t bytes = proof_trees_bytes(setup->c);
    struct column_prover *p = NULL;
    uint8_t *to;
    enum pt_code rc;

    *out = NULL;
    if ((rc = proof_possible(setup->c, err)) != PT_OK)
        return rc;
    p = proof_secret_new(1, sizeof *p);
    to = room_for(trees, bytes);
    if (p == NULL || to == NULL) {
        column_prover_free(p);
        return no_memory(err);
    }
    p->c = setup->c;
    rc = vole_prover_new(&p->vole, to, rlwe_ring(p->c), setup->session, choices, setup->seed);
    if (rc != PT_OK) {
        column_prover_free(p);
        return rc == PT_EBADMSG
                   ? pt_fail(err, rc, "column proof: the evaluator's choices are malformed")
                   : pt_fail(err, rc, "column proof: no keys for the session");
    }
    trees->n += bytes;
    *out = p;
    return PT_OK;
}

struct committing {
    const struct column_prover *p;
    const struct prove_columns *in;
    uint64_t first; /* number of the batch's first vector */
    uint8_t *to;
};

static enum pt_code commit_one(void *self, struct proof_vector *v, size_t j, struct vole_room *room)
{
    const struct committing *c = self;
    const struct ring *r = rlwe_ring(c->p->c);
    const struct vole_job job = {
        .number = c->first + j, .n = RLWE_DEGREE, .parallel = c->in->parallel, .room = room};

    ring_lift(r, v->x, rlwe_key_secret(c->in->keys[j]));
    return vole_commit(&v->digits, c->to + j * vole_correction_bytes(r, RLWE_DEGREE, false),
                       c->p->vole, v->x, &job);
}

static enum pt_code commit_all(struct column_prover *p, uint8_t *to, const struct prove_columns *in)
{
    const size_t each = vole_correction_bytes(rlwe_ring(p->c), RLWE_DEGREE, false);
    struct batch *b = &p->batch;
    struct committing committing = {p, in, p->vectors, to};
    const struct vole_job mask = {.number = p->vectors + in->count,
                                  .n = PROOF_MASK_VECTOR,
                                  .drawn = true,
                                  .parallel = in->parallel};
    const struct proof_making making = {&committing, commit_one};
    enum pt_code rc;

    p->vectors += in->count + 1; /* whatever happens: no number is used twice */
    rc = proof_vectors_make(b->columns, in->count, in->parallel, &making);
    return rc == PT_OK ? vole_commit(&b->mask, to + in->count * each, p->vole, b->mask_x, &mask)
                       : rc;
}

static void close_batch(struct column_prover *p)
{
    proof_vectors_free(p->batch.columns, p->batch.count);
    explicit_bzero(&p->batch, sizeof p->batch);
}

enum pt_code column_prover_commit(struct column_prover *p, struct buf *out,
                                  const struct prove_columns *in, struct pt_err *err)
{
    uint8_t *to;
    enum pt_code rc;

    if (in->count < 1 || in->count > RLWE_COLUMNS_MAX)
        return pt_fail(err, PT_ELIMIT, "column proof: %zu columns; a batch has 1 to %d", in->count,
                       RLWE_COLUMNS_MAX);
    if (p->batch.count > 0)
        return pt_fail(err, PT_ESTATE, "column proof: the last batch waits for its challenge");
    const size_t bytes = proof_commitment_bytes(p->c, in->count);
    p->batch.count = in->count;
    to = room_for(out, bytes);
    rc = to == NULL ? PT_ENOMEM : commit_all(p, to, in);
    if (rc != PT_OK) {
        close_batch(p);
        return pt_fail(err, rc, "column proof: no commitment to %zu columns", in->count);
    }
    out->n += bytes;
    return PT_OK;
}

/* A strip takes block after block, as many as it gets to: sums are exact, so who added what does not show. */
enum { STRIPS_MAX = 64 };
struct slots {
    const struct column_prover *p;
    const struct prg *g; /* of the challenge */
    const struct prove_columns *in;
    struct membership_table table[MEMBERSHIP_SET_COUNT];
    struct proof_room *room;                   /* a strip each */
    struct field2 (*sums)[MEMBERSHIP_DEGREE];  /* a strip and a column each */
    struct field2 (*tally)[MEMBERSHIP_DEGREE]; /* a strip and a side each */
    enum pt_code rc[STRIPS_MAX];
    size_t strips;
    struct parallel_pieces blocks;
};

/* The classes of x in block k of column j. */
static enum pt_code classes(struct proof_room *room, const struct slots *s, size_t j, uint64_t k)
{
    const struct rlwe *c = s->p->c;
    enum pt_code rc;

    if (k > rlwe_block_count(c)) {
        const int8_t *secret = rlwe_key_secret(s->in->keys[j]);
        for (size_t i = 0; i < RLWE_DEGREE; i++)
            room->cls[i] = (uint8_t)(secret[i] + 1);
        return PT_OK;
    }
    if ((rc = rlwe_key_errors(room->error_bits, s->in->keys[j], k)) != PT_OK)
        return rc;
    if (k == rlwe_block_count(c)) {
        membership_classes(room->cls, room->error_bits, NULL);
        return PT_OK;
    }
    s->in->values.block(s->in->values.self, room->values, j, k);
    membership_classes(room->cls, room->error_bits, room->values);
    return PT_OK;
}

/* Column j in block k, which is the strip's b-th in hand. */
static enum pt_code prove_block(const struct slots *s, size_t strip, size_t j, size_t b, uint64_t k)
{
    const struct column_prover *p = s->p;
    struct proof_room *room = &s->room[strip];
    uint64_t(*const chi)[RLWE_DEGREE] = room->block[b].chi;
    const struct membership_slots slots = {{room->k[0], room->k[1]}, {chi[0], chi[1]}};
    const enum proof_side side =
        k < rlwe_block_count(p->c) ? proof_side_of(&s->in->tally, j) : PROOF_SIDES;
    const struct membership_sum sums[MEMBERSHIP_SUMS_MAX] = {
        {s->sums[strip * s->in->count + j], &s->table[proof_set_of(p->c, k)]},
        {side != PROOF_SIDES ? s->tally[strip * PROOF_SIDES + side] : NULL,
         &s->table[MEMBERSHIP_TALLY]}};
    enum pt_code rc;

    proof_room_multiply(room, p->c, p->batch.columns[j], b, k);
    if ((rc = classes(room, s, j, k)) != PT_OK)
        return rc;
    membership_best()->prove(sums, side != PROOF_SIDES ? 2 : 1, rlwe_ring(p->c), &slots, room->cls);
    return PT_OK;
}

static enum pt_code prove_blocks(const struct slots *s, size_t strip, struct proof_blocks blocks)
{
    enum pt_code rc = proof_room_enter(&s->room[strip], s->p->c, s->g, blocks);

    for (size_t j = 0; j < s->in->count && rc == PT_OK; j++)
        for (size_t b = 0; b < blocks.n && rc == PT_OK; b++)
            rc = prove_block(s, strip, j, b, blocks.first + b);
    return rc;
}

static void prove_strip(void *context, size_t i)
{
    struct slots *s = context;
    struct proof_blocks blocks;

    while (s->rc[i] == PT_OK && proof_blocks_take(&blocks, &s->blocks, s->p->c))
        s->rc[i] = prove_blocks(s, i, blocks);
}

/* sums[d-1] is of Z^(15-d). */
static void add_weighed(struct field2 coefficient[MEMBERSHIP_DEGREE], const struct ring *r,
                        const struct field2 sums[MEMBERSHIP_DEGREE], struct field2 weight)
{
    for (size_t d = 1; d <= MEMBERSHIP_DEGREE; d++) {
        struct field2 *to = &coefficient[MEMBERSHIP_DEGREE - d];
        *to = field2_add(r, *to, field2_mul(r, weight, sums[d - 1]));
    }
}

/* coefficient[z] of Z^z: all columns, each with its weight. That of Z^15 is 0: each slot's numbers are
 * roots, and a tally's two sides are equal. */
static enum pt_code prove_slots(struct field2 coefficient[MEMBERSHIP_DEGREE],
                                const struct column_prover *p, const struct prg *g,
                                const struct prove_columns *in)
{
    const struct ring *r = rlwe_ring(p->c);
    struct field2 weight[RLWE_COLUMNS_MAX];
    struct field2 side[PROOF_SIDES];
    struct slots s = {.p = p, .g = g, .in = in};
    enum pt_code rc = proof_weights(weight, p->c, g);

    if (rc == PT_OK)
        rc = proof_tally_weights(side, p->c, g);
    s.strips =
        parallel_width(in->parallel) < STRIPS_MAX ? parallel_width(in->parallel) : STRIPS_MAX;
    s.room = proof_secret_new(s.strips, sizeof *s.room);
    s.sums = proof_secret_new(s.strips * in->count, sizeof *s.sums);
    s.tally = proof_secret_new(s.strips * PROOF_SIDES, sizeof *s.tally);
    if (rc != PT_OK || s.room == NULL || s.sums == NULL || s.tally == NULL) {
        rc = rc != PT_OK ? rc : PT_ENOMEM;
        goto out;
    }
    for (int set = 0; set < MEMBERSHIP_SET_COUNT; set++)
        membership_table_make(&s.table[set], r, (enum membership_set)set, rlwe_delta(p->c));
    parallel_run(in->parallel, s.strips, prove_strip, &s);
    for (size_t i = 0; i < s.strips; i++) {
        rc = rc != PT_OK ? rc : s.rc[i];
        for (size_t j = 0; j < in->count; j++)
            add_weighed(coefficient, r, s.sums[i * in->count + j], weight[j]);
        for (size_t j = 0; j < PROOF_SIDES; j++)
            add_weighed(coefficient, r, s.tally[i * PROOF_SIDES + j], side[j]);
    }
out:
    sodium_free(s.room);
    sodium_free(s.sums);
    sodium_free(s.tally);
    return rc;
}

/* sum Z^i (MAC_i + x_i Z): uniform in all fifteen coefficients but the one that E knows anyway. */
static void add_masks(struct field2 coefficient[MEMBERSHIP_DEGREE], const struct column_prover *p)
{
    const struct ring *r = rlwe_ring(p->c);
    const struct batch *b = &p->batch;

    for (size_t i = 0; i < PROOF_MASKS; i++) {
        const struct field2 x = {b->mask_x[2 * i], b->mask_x[2 * i + 1]};
        coefficient[i] = field2_add(r, coefficient[i], proof_mask(r, &b->mask, i));
        coefficient[i + 1] = field2_add(r, coefficient[i + 1], x);
    }
}

static enum pt_code answer(struct column_prover *p, uint8_t *to, const struct prg *g,
                           const struct prove_columns *in)
{
    const struct ring *r = rlwe_ring(p->c);
    struct batch *b = &p->batch;
    const struct proof_vectors vectors = {b->count, b->columns, &b->mask, b->mask_x};
    struct field2 coefficient[MEMBERSHIP_DEGREE] = {{0, 0}};
    uint64_t numbers[PROOF_ROWS + 2 * MEMBERSHIP_DEGREE];
    static const struct field2 by = {1, 0};
    PT_WIPED(proof_digits) digits;
    struct digest hash;
    enum pt_code rc = proof_digits_make(&digits, p->c, g, &vectors);

    if (rc == PT_OK)
        proof_vectors_finish(b->columns, b->count, in->parallel, r, by);
    if (rc != PT_OK || (rc = prove_slots(coefficient, p, g, in)) != PT_OK)
        return rc;
    add_masks(coefficient, p);
    memcpy(numbers, digits.x, sizeof digits.x);
    for (size_t z = 0; z < MEMBERSHIP_DEGREE; z++) {
        numbers[PROOF_ROWS + 2 * z] = coefficient[z].c0;
        numbers[PROOF_ROWS + 2 * z + 1] = coefficient[z].c1;
    }
    proof_digits_hash(&hash, p->c, &digits);
    residues_write(to, r, numbers, PT_LEN(numbers));
    memcpy(to + residues_bytes(r, PT_LEN(numbers)), hash.b, sizeof hash.b);
    return PT_OK;
}

enum pt_code column_prover_answer(struct column_prover *p, struct buf *out, struct span challenge,
                                  const struct prove_columns *in, struct pt_err *err)
{
    const size_t bytes = proof_answer_bytes(p->c);
    struct key32 seed; /* public: prg.h takes one type of key */
    struct prg *g = NULL;
    uint8_t *to;
    enum pt_code rc;

    if (challenge.n != PROOF_CHALLENGE_BYTES)
        return pt_fail(err, PT_EBADMSG, "column proof: a challenge of %zu bytes, not %d",
                       challenge.n, PROOF_CHALLENGE_BYTES);
    if (p->batch.count == 0)
        return pt_fail(err, PT_ESTATE,
                       "column proof: no commitment waits for a challenge; each is answered once");
    if (in->count != p->batch.count || !proof_tally_valid(&in->tally, in->count))
        return pt_fail(err, PT_EBUG,
                       "column proof: %zu columns were committed to, not %zu, or a tally of others",
                       p->batch.count, in->count);
    memcpy(seed.b, challenge.p, sizeof seed.b);
    to = room_for(out, bytes);
    rc = to == NULL ? PT_ENOMEM : prg_new(&g, &seed);
    if (rc == PT_OK)
        rc = answer(p, to, g, in);
    prg_free(g);
    close_batch(p); /* whatever happened: one challenge a commitment */
    if (rc != PT_OK)
        return pt_fail(err, rc, "column proof: no answer");
    out->n += bytes;
    return PT_OK;
}
