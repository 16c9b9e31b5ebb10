#include "crypto/column_proof.h"

#include <sodium.h>

#include "crypto/block.h"
#include "crypto/prg.h"

/* Streams of a challenge: the kind in the top byte. */
enum { CHI, WEIGHTS, ROWS, TALLY };
static uint64_t stream(uint64_t kind, uint64_t index)
{
    return kind << 56 | index;
}

enum pt_code proof_possible(const struct rlwe *c, struct pt_err *err)
{
    if (field2_exists(rlwe_ring(c)))
        return PT_OK;
    return pt_fail(err, PT_ELIMIT,
                   "column proof: none for %u-byte coefficients (P32): 5 is a square modulo their "
                   "prime; take P40 or P48",
                   rlwe_ring(c)->coefficient_bytes);
}

size_t proof_choices_bytes(const struct rlwe *c)
{
    return vole_choices_bytes(rlwe_ring(c));
}
size_t proof_trees_bytes(const struct rlwe *c)
{
    return vole_trees_bytes(rlwe_ring(c));
}
size_t proof_commitment_bytes(const struct rlwe *c, size_t column_count)
{
    const struct ring *r = rlwe_ring(c);

    return column_count * vole_correction_bytes(r, RLWE_DEGREE, false) +
           vole_correction_bytes(r, PROOF_MASK_VECTOR, true);
}
size_t proof_answer_bytes(const struct rlwe *c)
{
    return residues_bytes(rlwe_ring(c), PROOF_ROWS + 2 * MEMBERSHIP_DEGREE) + sizeof(struct digest);
}

void *proof_secret_new(size_t count, size_t each)
{
    size_t bytes;
    void *p = pt_mul(count, each, &bytes) ? sodium_malloc(bytes) : NULL;

    if (p != NULL)
        memset(p, 0, bytes);
    return p;
}

static enum pt_code draw(uint64_t *out, const struct ring *r, const struct prg *g, uint64_t nonce,
                         size_t n)
{
    uint8_t planes[RESIDUES_PLANES_MAX];
    enum pt_code rc = residues_draw(planes, r, g, nonce, n);

    residues_read(out, r, planes, n);
    return rc;
}

enum pt_code proof_chi(uint64_t *chi[2], const struct rlwe *c, const struct prg *g, uint64_t block)
{
    enum pt_code rc = PT_OK;

    for (uint64_t i = 0; i < 2 && rc == PT_OK; i++)
        rc = draw(chi[i], rlwe_ring(c), g, stream(CHI, 2 * block + i), RLWE_DEGREE);
    return rc;
}

enum pt_code proof_weights(struct field2 of[RLWE_COLUMNS_MAX], const struct rlwe *c,
                           const struct prg *g)
{
    uint64_t drawn[2 * RLWE_COLUMNS_MAX];
    enum pt_code rc = draw(drawn, rlwe_ring(c), g, stream(WEIGHTS, 0), PT_LEN(drawn));

    for (size_t j = 0; j < RLWE_COLUMNS_MAX; j++)
        of[j] = (struct field2){drawn[2 * j], drawn[2 * j + 1]};
    return rc;
}

bool proof_tally_valid(const struct proof_tally *t, size_t column_count)
{
    size_t end;

    return t->counters == 0 || (pt_add(t->first, t->counted, &end) &&
                                pt_add(end, t->counters, &end) && end <= column_count);
}

enum proof_side proof_side_of(const struct proof_tally *t, size_t column)
{
    if (t->counters == 0 || column < t->first)
        return PROOF_SIDES;
    if (column < t->first + t->counted)
        return PROOF_COUNTED;
    return column < t->first + t->counted + t->counters ? PROOF_COUNTER : PROOF_SIDES;
}

enum pt_code proof_tally_weights(struct field2 of[PROOF_SIDES], const struct rlwe *c,
                                 const struct prg *g)
{
    const struct ring *r = rlwe_ring(c);
    uint64_t drawn[2];
    const enum pt_code rc = draw(drawn, r, g, stream(TALLY, 0), PT_LEN(drawn));

    of[PROOF_COUNTED] = (struct field2){drawn[0], drawn[1]};
    of[PROOF_COUNTER] = (struct field2){ring_sub(r, 0, drawn[0]), ring_sub(r, 0, drawn[1])};
    return rc;
}

static void finish(struct proof_vector *v, const struct ring *r, struct field2 by)
{
    for (size_t i = 0; i < RLWE_DEGREE; i++) {
        const struct field2 m = field2_mul(r, vole_join(r, &v->digits, i), by);
        v->plain[0][i] = m.c0;
        v->plain[1][i] = m.c1;
        v->factor[0][i] = ring_sub(r, 0, m.c0);
        v->factor[1][i] = ring_sub(r, 0, m.c1);
    }
    block_best()->factor(v->factor[0], r);
    block_best()->factor(v->factor[1], r);
}

/* ---- a batch's vectors ---- */

struct makers {
    struct proof_vector **columns;
    size_t count;
    const struct proof_making *making;
    struct parallel_pieces taken;
    enum pt_code rc[RLWE_COLUMNS_MAX]; /* a column each */
};

static enum pt_code make_vector(struct makers *m, size_t j, struct vole_room *room)
{
    m->columns[j] = proof_secret_new(1, sizeof **m->columns);
    return m->columns[j] == NULL ? PT_ENOMEM
                                 : m->making->make(m->making->self, m->columns[j], j, room);
}

/* A part: vector after vector, as many as it gets to. */
static void make_vectors(void *context, size_t index)
{
    struct makers *m = context;
    struct vole_room *room = NULL;
    const enum pt_code rc = vole_room_new(&room);

    (void)index;
    for (uint64_t j = parallel_take(&m->taken, 1); j < m->count; j = parallel_take(&m->taken, 1))
        m->rc[j] = rc == PT_OK ? make_vector(m, (size_t)j, room) : rc;
    vole_room_free(room);
}

enum pt_code proof_vectors_make(struct proof_vector **columns, size_t count,
                                const struct parallel *parallel, const struct proof_making *making)
{
    struct makers m = {.columns = columns, .count = count, .making = making};
    const size_t width = parallel_width(parallel);
    enum pt_code rc = PT_OK;

    if (count >= width)
        parallel_run(parallel, width, make_vectors, &m);
    for (size_t j = 0; j < count && count < width; j++) /* then digits are shared out */
        m.rc[j] = make_vector(&m, j, NULL);
    for (size_t j = 0; j < count && rc == PT_OK; j++)
        rc = m.rc[j];
    if (rc != PT_OK)
        proof_vectors_free(columns, count);
    return rc;
}

void proof_vectors_free(struct proof_vector **columns, size_t count)
{
    for (size_t j = 0; j < count; j++) {
        sodium_free(columns[j]);
        columns[j] = NULL;
    }
}

struct finishing {
    struct proof_vector *const *columns;
    const struct ring *ring;
    struct field2 by;
};
static void finish_one(void *context, size_t j)
{
    const struct finishing *f = context;

    finish(f->columns[j], f->ring, f->by);
}

void proof_vectors_finish(struct proof_vector *const *columns, size_t count,
                          const struct parallel *parallel, const struct ring *r, struct field2 by)
{
    struct finishing f = {columns, r, by};

    parallel_run(parallel, count, finish_one, &f);
}

/* One row of one vector: n numbers and what stands beside them, both multiples of RING_LANES. */
struct row {
    const struct vole_vector *digits;
    const uint64_t *x; /* NULL: none */
    size_t n;
};
static void add_row(struct proof_digits *out, const struct ring *r, size_t row,
                    const uint64_t *weights, struct row in)
{
    const struct membership_ops *ops = membership_best();

    if (in.x != NULL)
        out->x[row] = ring_add(r, out->x[row], ops->dot(r, weights, in.x, in.n));
    for (size_t d = 0; d < vole_digit_count(r); d++)
        out->y[row][d] =
            ring_add(r, out->y[row][d], ops->dot(r, weights, in.digits->digit[d], in.n));
}

/* A row's mask has coefficient one: E picks the others and must not be able to cancel it. Every other
 * element of the mask vector is checked like a column: else R could add terms of its choice to the
 * slot check, which the degree argument does not cover. */
static void mask_weights(uint64_t *weights, size_t row)
{
    for (size_t i = PROOF_MASKED; i < PROOF_MASK_VECTOR; i++)
        weights[i] = i == PROOF_MASKED + row ? 1 : 0;
}

enum pt_code proof_digits_make(struct proof_digits *out, const struct rlwe *c, const struct prg *g,
                               const struct proof_vectors *in)
{
    const struct ring *r = rlwe_ring(c);
    uint64_t *weights = proof_secret_new(RLWE_DEGREE, sizeof *weights);
    enum pt_code rc = weights == NULL ? PT_ENOMEM : PT_OK;

    memset(out, 0, sizeof *out);
    for (size_t j = 0; j <= in->count && rc == PT_OK; j++)
        for (size_t row = 0; row < PROOF_ROWS && rc == PT_OK; row++) {
            const bool mask = j == in->count;
            const uint64_t *x = mask ? in->mask_x : in->columns[j]->x;
            const struct row one = {mask ? in->mask : &in->columns[j]->digits,
                                    in->mask_x == NULL ? NULL : x,
                                    mask ? PROOF_MASK_VECTOR : RLWE_DEGREE};
            rc = draw(weights, r, g, stream(ROWS, j * PROOF_ROWS + row), one.n);
            if (mask)
                mask_weights(weights, row);
            if (rc == PT_OK)
                add_row(out, r, row, weights, one);
        }
    sodium_free(weights);
    return rc;
}

void proof_digits_hash(struct digest *out, const struct rlwe *c, const struct proof_digits *in)
{
    const size_t digits = vole_digit_count(rlwe_ring(c));
    uint8_t bytes[PROOF_ROWS * VOLE_DIGITS_MAX * 8];
    size_t n = 0;

    for (size_t row = 0; row < PROOF_ROWS; row++)
        for (size_t d = 0; d < digits; d++, n += 8)
            store_u64le(bytes + n, in->y[row][d]);
    const struct span all = span_of(bytes, n);
    hash_parts(out, "patto/column-proof/digits", &all, 1);
    explicit_bzero(bytes, sizeof bytes);
}

struct field2 proof_mask(const struct ring *r, const struct vole_vector *mask, size_t i)
{
    static const struct field2 W = {0, 1};

    return field2_add(r, vole_join(r, mask, 2 * i),
                      field2_mul(r, W, vole_join(r, mask, 2 * i + 1)));
}

bool proof_blocks_take(struct proof_blocks *out, struct parallel_pieces *taken,
                       const struct rlwe *c)
{
    const uint64_t end = rlwe_block_count(c) + 2;
    const uint64_t first = parallel_take(taken, PROOF_TOGETHER);
    const uint64_t left = first < end ? end - first : 0;

    *out = (struct proof_blocks){first, left < PROOF_TOGETHER ? (size_t)left : PROOF_TOGETHER};
    return left > 0;
}

enum pt_code proof_room_enter(struct proof_room *room, const struct rlwe *c, const struct prg *g,
                              struct proof_blocks blocks)
{
    enum pt_code rc = PT_OK;

    for (size_t b = 0; b < blocks.n && rc == PT_OK; b++) {
        const uint64_t k = blocks.first + b;
        uint64_t *chi[2] = {room->block[b].chi[0], room->block[b].chi[1]};
        rc = proof_chi(chi, c, g, k);
        if (rc != PT_OK || k > rlwe_block_count(c))
            continue;
        if ((rc = rlwe_expand(c, k, room->block[b].a)) == PT_OK)
            block_best()->order(room->block[b].a);
    }
    return rc;
}

void proof_room_multiply(struct proof_room *room, const struct rlwe *c,
                         const struct proof_vector *v, size_t b, uint64_t k)
{
    for (size_t i = 0; i < 2; i++) {
        if (k > rlwe_block_count(c))
            memcpy(room->k[i], v->plain[i], sizeof room->k[i]);
        else
            block_best()->product(room->k[i], rlwe_ring(c), room->block[b].a, v->factor[i]);
    }
}

enum membership_set proof_set_of(const struct rlwe *c, uint64_t k)
{
    if (k < rlwe_block_count(c))
        return MEMBERSHIP_DATA;
    return k == rlwe_block_count(c) ? MEMBERSHIP_RERANDOMISER : MEMBERSHIP_SECRET;
}
