#include "crypto/column_verify.h"

#include <sodium.h>

#include "crypto/base/ct.h"
#include "crypto/prg.h"

enum state { CHOSEN, ACCEPTED, COMMITTED, CHALLENGED, REFUSED };
static const char *const STATE_NAME[] = {[CHOSEN] = "the trees are awaited",
                                         [ACCEPTED] = "a commitment is awaited",
                                         [COMMITTED] = "the challenge is to be drawn",
                                         [CHALLENGED] = "an answer is awaited",
                                         [REFUSED] = "it was refused, which is final"};

struct column_verifier {
    const struct rlwe *c;
    struct vole_verifier *vole;
    enum state state;
    bool consistent; /* the trees; secret until the answer is judged */
    uint64_t vectors;
    size_t count;
    struct proof_vector *columns[RLWE_COLUMNS_MAX]; /* NULL: there is none */
    struct vole_vector mask;
    struct key32 challenge; /* public once sent */
};

void column_verifier_free(struct column_verifier *v)
{
    if (v == NULL)
        return;
    proof_vectors_free(v->columns, v->count);
    vole_verifier_free(v->vole);
    sodium_free(v);
}

/* The state it is in, and REFUSED until the step has succeeded. */
static enum pt_code step(struct column_verifier *v, enum state must, struct pt_err *err)
{
    if (v->state != must)
        return pt_fail(err, PT_ESTATE, "column proof: not while %s", STATE_NAME[v->state]);
    v->state = REFUSED;
    return PT_OK;
}

enum pt_code column_verifier_new(struct column_verifier **out, struct buf *choices,
                                 const struct proof_setup *setup, struct pt_err *err)
{
    const size_t bytes = proof_choices_bytes(setup->c);
    struct column_verifier *v = NULL;
    size_t cap;
    enum pt_code rc;

    *out = NULL;
    if ((rc = proof_possible(setup->c, err)) != PT_OK)
        return rc;
    v = proof_secret_new(1, sizeof *v);
    if (v == NULL || !pt_add(choices->n, bytes, &cap) || !buf_reserve(choices, cap)) {
        column_verifier_free(v);
        return pt_fail(err, PT_ENOMEM, "column proof: no memory");
    }
    v->c = setup->c;
    rc = vole_verifier_new(&v->vole, choices->p + choices->n, rlwe_ring(v->c), setup->session,
                           setup->seed);
    if (rc != PT_OK) {
        column_verifier_free(v);
        return pt_fail(err, rc, "column proof: no keys for the session");
    }
    choices->n += bytes;
    *out = v;
    return PT_OK;
}

enum pt_code column_verifier_accept(struct column_verifier *v, struct span trees,
                                    struct pt_err *err)
{
    enum pt_code rc = step(v, CHOSEN, err);

    if (rc != PT_OK)
        return rc;
    rc = vole_verifier_accept(v->vole, &v->consistent, trees);
    if (rc == PT_EBADMSG)
        return pt_fail(err, rc, "column proof: the recipient's trees are malformed");
    if (rc != PT_OK)
        return pt_fail(err, rc, "column proof: no keys for the session");
    v->state = ACCEPTED;
    return PT_OK;
}

struct keying {
    const struct column_verifier *v;
    struct span commitment;
    uint64_t first; /* number of the batch's first vector */
    const struct parallel *parallel;
};

static enum pt_code keys_of_one(void *self, struct proof_vector *vector, size_t j,
                                struct vole_room *room)
{
    const struct keying *k = self;
    const size_t bytes = vole_correction_bytes(rlwe_ring(k->v->c), RLWE_DEGREE, false);
    const struct vole_job job = {
        .number = k->first + j, .n = RLWE_DEGREE, .parallel = k->parallel, .room = room};

    return vole_keys(&vector->digits, k->v->vole, span_of(k->commitment.p + j * bytes, bytes),
                     &job);
}

/* commitment: of the length due. */
static enum pt_code keys_of_all(struct column_verifier *v, struct span commitment,
                                const struct parallel *parallel)
{
    const size_t before = v->count * vole_correction_bytes(rlwe_ring(v->c), RLWE_DEGREE, false);
    struct keying keying = {v, commitment, v->vectors, parallel};
    const struct vole_job mask = {.number = v->vectors + v->count,
                                  .n = PROOF_MASK_VECTOR,
                                  .drawn = true,
                                  .parallel = parallel};
    const struct proof_making making = {&keying, keys_of_one};
    enum pt_code rc;

    v->vectors += v->count + 1;
    rc = proof_vectors_make(v->columns, v->count, parallel, &making);
    return rc == PT_OK ? vole_keys(&v->mask, v->vole,
                                   span_of(commitment.p + before, commitment.n - before), &mask)
                       : rc;
}

enum pt_code column_verifier_commit(struct column_verifier *v, struct span commitment,
                                    size_t column_count, const struct parallel *parallel,
                                    struct pt_err *err)
{
    enum pt_code rc = step(v, ACCEPTED, err);

    if (rc != PT_OK)
        return rc;
    if (column_count < 1 || column_count > RLWE_COLUMNS_MAX)
        return pt_fail(err, PT_ELIMIT, "column proof: %zu columns; a batch has 1 to %d",
                       column_count, RLWE_COLUMNS_MAX);
    if (commitment.n != proof_commitment_bytes(v->c, column_count))
        return pt_fail(err, PT_EBADMSG, "column proof: a commitment of %zu bytes, not %zu",
                       commitment.n, proof_commitment_bytes(v->c, column_count));
    v->count = column_count;
    rc = keys_of_all(v, commitment, parallel);
    if (rc == PT_EBADMSG)
        return pt_fail(err, rc, "column proof: the commitment holds a number that is too large");
    if (rc != PT_OK)
        return pt_fail(err, rc, "column proof: no keys for %zu columns", column_count);
    v->state = COMMITTED;
    return PT_OK;
}

enum pt_code column_verifier_challenge(struct column_verifier *v, struct span challenge,
                                       struct pt_err *err)
{
    enum pt_code rc = step(v, COMMITTED, err);

    if (rc != PT_OK)
        return rc;
    if (challenge.n != PROOF_CHALLENGE_BYTES)
        return pt_fail(err, PT_EBUG, "column proof: a challenge of %zu bytes, not %d", challenge.n,
                       PROOF_CHALLENGE_BYTES);
    memcpy(v->challenge.b, challenge.p, sizeof v->challenge.b);
    v->state = CHALLENGED;
    return PT_OK;
}

/* Strips take blocks as the prover's do. */
enum { STRIPS_MAX = 64 };
struct slots {
    const struct column_verifier *v;
    const struct prg *g;
    const struct verify_columns *in;
    struct membership_squares squares[MEMBERSHIP_SET_COUNT]; /* of the small sets */
    struct membership_data data;
    struct field2 side[PROOF_SIDES];
    struct proof_room *room;
    struct field2 (*sums)[MEMBERSHIP_SET_COUNT]; /* a strip and a column each */
    struct field2 (*tally)[PROOF_SIDES + 1];     /* a strip each; and the sum of all chi of data */
    enum pt_code rc[STRIPS_MAX];
    size_t strips;
    struct parallel_pieces blocks;
};

static void add_all(struct field2 *sum, const struct ring *r, uint64_t (*chi)[RLWE_DEGREE])
{
    uint64_t all[2] = {0, 0}; /* under 2048 q */

    for (size_t i = 0; i < RLWE_DEGREE; i++) {
        all[0] += chi[0][i];
        all[1] += chi[1][i];
    }
    *sum = field2_add(r, *sum, (struct field2){ring_reduce(r, all[0]), ring_reduce(r, all[1])});
}

/* What the data's polynomial is in these slots, and the tally's. */
static void check_data(const struct slots *s, size_t strip, size_t j,
                       const struct membership_slots *in)
{
    const struct ring *r = rlwe_ring(s->v->c);
    const enum proof_side side = proof_side_of(&s->in->tally, j);
    struct field2 *const sum = &s->sums[strip * s->in->count + j][MEMBERSHIP_DATA];
    PT_WIPED(membership_data_sums) sums = {{{0, 0}}};

    membership_best()->verify_data(&sums, r, in, &s->data);
    *sum = field2_add(r, *sum, membership_data_value(&sums));
    if (side != PROOF_SIDES)
        s->tally[strip][side] =
            field2_add(r, s->tally[strip][side], membership_tally_value(r, &s->data, &sums));
}

/* Of column j those blocks that are the column's own, side by side. */
static enum pt_code fetch(const uint8_t **out, const struct slots *s, size_t strip, size_t j,
                          struct proof_blocks blocks)
{
    const struct rlwe *c = s->v->c;
    const struct column_bytes columns = {s->in->columns, s->in->reader};
    const size_t bytes = rlwe_block_bytes(c);
    const uint64_t all = rlwe_block_count(c) + 1;
    const uint64_t own = blocks.first < all ? all - blocks.first : 0;
    const size_t n = own < blocks.n ? (size_t)own : blocks.n;

    *out = NULL;
    if (n == 0)
        return PT_OK;
    *out = column_bytes_at(&columns, j, blocks.first * bytes, s->room[strip].read, n * bytes);
    if (*out == NULL)
        return PT_EIO;
    return rlwe_blocks_valid(c, span_of(*out, n * bytes)) ? PT_OK : PT_EBADMSG;
}

/* Column j in block k, which is the strip's b-th in hand; own: the column's bytes of all that are, or
 * NULL. */
static void verify_block(const struct slots *s, size_t strip, size_t j, size_t b, uint64_t k,
                         const uint8_t *own)
{
    const struct column_verifier *v = s->v;
    const struct ring *r = rlwe_ring(v->c);
    const enum membership_set set = proof_set_of(v->c, k);
    struct proof_room *room = &s->room[strip];
    uint64_t(*const chi)[RLWE_DEGREE] = room->block[b].chi;
    const struct membership_slots slots = {{room->k[0], room->k[1]}, {chi[0], chi[1]}};

    proof_room_multiply(room, v->c, v->columns[j], b, k);
    if (k <= rlwe_block_count(v->c))
        membership_best()->add(room->k[0], r, own + b * rlwe_block_bytes(v->c));
    if (set == MEMBERSHIP_DATA)
        check_data(s, strip, j, &slots);
    else
        membership_best()->verify(&s->sums[strip * s->in->count + j][set], r, &slots,
                                  &s->squares[set]);
}

static enum pt_code verify_blocks(const struct slots *s, size_t strip, struct proof_blocks blocks)
{
    const struct rlwe *c = s->v->c;
    struct proof_room *room = &s->room[strip];
    enum pt_code rc = proof_room_enter(room, c, s->g, blocks);
    const uint8_t *own = NULL;

    for (size_t j = 0; j < s->in->count && rc == PT_OK; j++) {
        rc = fetch(&own, s, strip, j, blocks);
        for (size_t b = 0; b < blocks.n && rc == PT_OK; b++)
            verify_block(s, strip, j, b, blocks.first + b, own);
    }
    for (size_t b = 0; b < blocks.n && rc == PT_OK && s->in->tally.counters > 0; b++)
        if (proof_set_of(c, blocks.first + b) == MEMBERSHIP_DATA)
            add_all(&s->tally[strip][PROOF_SIDES], rlwe_ring(c), room->block[b].chi);
    return rc;
}

static void verify_strip(void *context, size_t i)
{
    struct slots *s = context;
    struct proof_blocks blocks;

    while (proof_blocks_take(&blocks, &s->blocks, s->v->c)) {
        const enum pt_code rc = verify_blocks(s, i, blocks);
        if (s->rc[i] == PT_OK)
            s->rc[i] = rc;
    }
}

/* In each slot the counted columns' tallies less the counters', each one less than what it counts: the
 * difference of the columns' numbers makes up for that. */
static void add_tally(struct field2 *out, const struct slots *s, struct field2 lift,
                      struct field2 gamma)
{
    const struct ring *r = rlwe_ring(s->v->c);
    const struct proof_tally *t = &s->in->tally;
    const struct field2 power = field2_power(r, gamma, MEMBERSHIP_DEGREE);
    const uint64_t more =
        ring_reduce_signed(r, (int64_t)t->counted - (int64_t)t->counters); /* public */

    for (size_t i = 0; i < s->strips && t->counters > 0; i++) {
        for (size_t side = 0; side < PROOF_SIDES; side++)
            *out = field2_add(r, *out,
                              field2_mul(r, s->side[side], field2_mul(r, lift, s->tally[i][side])));
        *out = field2_add(
            r, *out,
            field2_mul(r, s->side[PROOF_COUNTED],
                       field2_scale(r, field2_mul(r, power, s->tally[i][PROOF_SIDES]), more)));
    }
}

/* What the answer's polynomial must be at Gamma, masks included. */
static void expected(struct field2 *out, const struct slots *s, const struct field2 *weight,
                     struct field2 gamma)
{
    const struct column_verifier *v = s->v;
    const struct ring *r = rlwe_ring(v->c);
    struct field2 lift[MEMBERSHIP_SET_COUNT];
    struct field2 power = {1, 0};

    for (int set = 0; set < MEMBERSHIP_SET_COUNT; set++)
        lift[set] = membership_lift(r, (enum membership_set)set, rlwe_delta(v->c), gamma);

    *out = (struct field2){0, 0};
    for (size_t i = 0; i < s->strips * v->count; i++)
        for (size_t set = 0; set < MEMBERSHIP_SET_COUNT; set++)
            *out = field2_add(
                r, *out,
                field2_mul(r, weight[i % v->count], field2_mul(r, lift[set], s->sums[i][set])));
    add_tally(out, s, lift[MEMBERSHIP_TALLY], gamma);
    for (size_t i = 0; i < PROOF_MASKS; i++, power = field2_mul(r, power, gamma))
        *out = field2_add(r, *out, field2_mul(r, power, proof_mask(r, &v->mask, i)));
}

static enum pt_code value_at_gamma(struct field2 *out, const struct column_verifier *v,
                                   const struct prg *g, const struct verify_columns *in)
{
    const struct ring *r = rlwe_ring(v->c);
    const struct field2 gamma = vole_gamma(v->vole);
    struct field2 weight[RLWE_COLUMNS_MAX];
    struct slots s = {.v = v, .g = g, .in = in};
    enum pt_code rc = proof_weights(weight, v->c, g);

    if (rc == PT_OK)
        rc = proof_tally_weights(s.side, v->c, g);
    s.strips =
        parallel_width(in->parallel) < STRIPS_MAX ? parallel_width(in->parallel) : STRIPS_MAX;
    s.room = proof_secret_new(s.strips, sizeof *s.room);
    s.sums = proof_secret_new(s.strips * in->count, sizeof *s.sums);
    s.tally = proof_secret_new(s.strips, sizeof *s.tally);
    if (rc != PT_OK || s.room == NULL || s.sums == NULL || s.tally == NULL) {
        rc = rc != PT_OK ? rc : PT_ENOMEM;
        goto out;
    }
    membership_data_make(&s.data, r, rlwe_delta(v->c));
    for (int set = MEMBERSHIP_RERANDOMISER; set <= MEMBERSHIP_SECRET; set++)
        membership_squares_make(&s.squares[set], r, (enum membership_set)set, rlwe_delta(v->c));
    parallel_run(in->parallel, s.strips, verify_strip, &s);
    for (size_t i = 0; i < s.strips && rc == PT_OK; i++)
        rc = s.rc[i];
    expected(out, &s, weight, gamma);
out:
    sodium_free(s.room);
    sodium_free(s.sums);
    sodium_free(s.tally);
    explicit_bzero(&s, sizeof s);
    return rc;
}

/* Do all digits carry one x? Y follows from the keys and X. */
static enum pt_code check_digits(bool *good, const struct column_verifier *v, const struct prg *g,
                                 const uint64_t x[PROOF_ROWS], struct span hash)
{
    const struct ring *r = rlwe_ring(v->c);
    const struct proof_vectors vectors = {v->count, v->columns, &v->mask, NULL};
    PT_WIPED(proof_digits) digits;
    struct digest made;
    enum pt_code rc = proof_digits_make(&digits, v->c, g, &vectors);

    for (size_t row = 0; row < PROOF_ROWS; row++)
        for (size_t d = 0; d < vole_digit_count(r); d++)
            digits.y[row][d] = ring_sub(r, digits.y[row][d], vole_digit_times(v->vole, d, x[row]));
    proof_digits_hash(&made, v->c, &digits);
    *good = ct_equal(made.b, hash.p, sizeof made.b);
    return rc;
}

/* numbers: X of each row, then the polynomial's coefficients. *good is all that is said of them. */
static enum pt_code judge(bool *good, struct column_verifier *v, const uint64_t *numbers,
                          struct span hash, const struct verify_columns *in)
{
    const struct ring *r = rlwe_ring(v->c);
    const struct field2 gamma = vole_gamma(v->vole);
    PT_WIPED(field2) inverse = field2_inverse(r, gamma);
    struct field2 claimed = {0, 0};
    struct field2 due = {0, 0};
    struct prg *g = NULL;
    bool one_x = false;
    enum pt_code rc = prg_new(&g, &v->challenge);

    *good = false;
    if (rc != PT_OK)
        return rc;
    /* Of Gamma 0, once in q^2 sessions, nothing is proved. */
    proof_vectors_finish(v->columns, v->count, in->parallel, r, inverse);
    rc = check_digits(&one_x, v, g, numbers, hash);
    if (rc == PT_OK)
        rc = value_at_gamma(&due, v, g, in);
    prg_free(g);
    for (size_t z = MEMBERSHIP_DEGREE; z-- > 0;)
        claimed = field2_add(
            r, field2_mul(r, claimed, gamma),
            (struct field2){numbers[PROOF_ROWS + 2 * z], numbers[PROOF_ROWS + 2 * z + 1]});
    *good = one_x & v->consistent & ct_equal(&claimed, &due, sizeof due);
    explicit_bzero(&due, sizeof due);
    explicit_bzero(&claimed, sizeof claimed);
    return rc;
}

static bool lengths_are_right(const struct column_verifier *v, struct span answer,
                              const struct verify_columns *in)
{
    if (in->count != v->count || !proof_tally_valid(&in->tally, in->count) ||
        answer.n != proof_answer_bytes(v->c))
        return false;
    for (size_t j = 0; j < in->count; j++)
        if (in->columns[j].n != rlwe_column_bytes(v->c))
            return false;
    return true;
}

enum pt_code column_verifier_check(struct column_verifier *v, struct span answer,
                                   const struct verify_columns *in, struct pt_err *err)
{
    const struct ring *r = rlwe_ring(v->c);
    uint64_t numbers[PROOF_ROWS + 2 * MEMBERSHIP_DEGREE];
    bool good = false;
    enum pt_code rc = step(v, CHALLENGED, err);

    if (rc != PT_OK)
        return rc;
    if (lengths_are_right(v, answer, in) && residues_valid(r, answer.p, PT_LEN(numbers))) {
        const size_t at = residues_bytes(r, PT_LEN(numbers));
        residues_read(numbers, r, answer.p, PT_LEN(numbers));
        rc = judge(&good, v, numbers, span_of(answer.p + at, answer.n - at), in);
    }
    proof_vectors_free(v->columns, v->count);
    explicit_bzero(&v->mask, sizeof v->mask);
    if (rc != PT_OK && rc != PT_EBADMSG)
        return pt_fail(err, rc, "column proof: could not be checked");
    if (rc != PT_OK || !good)
        return pt_fail(err, PT_EBADMSG, "column proof: refused; the session is over");
    v->state = ACCEPTED;
    return PT_OK;
}
