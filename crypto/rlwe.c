#include "crypto/rlwe.h"

#include <inttypes.h>
#include <stdlib.h>

#include <sodium.h>

#include "crypto/base/ct.h"
#include "crypto/block.h"
#include "crypto/inner.h"
#include "crypto/prg.h"

/* Streams of a key's seed: nonce k the errors of block k, this one the secret. */
#define STREAM_SECRET UINT64_MAX

struct rlwe {
    struct ring ring;
    struct prg *public_stream;
    enum rlwe_set set;
    uint64_t slot_count, block_count; /* block_count is K: the rerandomiser's block is extra */
    unsigned delta_log2;
};

struct rlwe_key {                             /* in locked memory, with the scratch its use needs */
    _Alignas(64) uint64_t table[RLWE_DEGREE]; /* of s, as this machine's code path takes it */
    uint64_t work[RLWE_DEGREE], expanded[RLWE_DEGREE];
    int8_t secret[RLWE_DEGREE]; /* coefficients */
    uint8_t error_bits[RLWE_DEGREE];
    struct prg *errors;
    enum rlwe_set set;
    uint64_t block_count;
    uint64_t used[((1 << RLWE_SLOTS_LOG2_MAX) / RLWE_DEGREE + 1 + 63) / 64]; /* a bit a block */
};

struct rlwe_plain { /* of one block */
    uint64_t block;
    const int8_t *values;
};

static uint64_t root_ceil(u128 x)
{
    u128 root = 0;

    for (int bit = 63; bit >= 0; bit--) {
        u128 next = root | (u128)1 << bit;
        if (next * next <= x)
            root = next;
    }
    return (uint64_t)(root * root == x ? root : root + 1);
}

/* Does a phase of at most max_abs counts, its noise and its error keep clear of q/2? */
static bool fits(const struct rlwe *c, const struct rlwe_shape *s, unsigned delta_log2)
{
    /* Rows of +-128 and the rerandomiser: sum a^2 eta/2 + sigma_u^2 d (eta/2 + 2/3). */
    u128 error = root_ceil((u128)s->slot_count * 128 * 128 + 25 * RLWE_DEGREE * 5 / 3 + 1);
    u128 noise = (u128)s->sigma_max << delta_log2;

    if (noise < inner_noise_min(RLWE_COLUMNS_MAX))
        noise = inner_noise_min(RLWE_COLUMNS_MAX);
    u128 reach = (((u128)s->max_abs + 1) << delta_log2) + 12 * noise + 12 * error;
    return 2 * reach < c->ring.q;
}

static enum pt_code check_shape(const struct rlwe_shape *s, struct pt_err *err)
{
    if (s->slot_count < 1 || s->slot_count > (uint64_t)1 << RLWE_SLOTS_LOG2_MAX)
        return pt_fail(err, PT_ELIMIT, "lattice: %" PRIu64 " slots; choose 1 to 2^%d",
                       s->slot_count, RLWE_SLOTS_LOG2_MAX);
    if (s->max_abs >> 48 != 0 || s->sigma_max >> 48 != 0)
        return pt_fail(err, PT_ELIMIT,
                       "lattice: largest count %" PRIu64 " and noise width %" PRIu64
                       " must both be under 2^48",
                       s->max_abs, s->sigma_max);
    return PT_OK;
}

enum pt_code rlwe_new(struct rlwe **out, const struct rlwe_shape *shape,
                      const struct digest *public_seed, struct pt_err *err)
{
    static const unsigned BYTES[] = {[RLWE_P32] = 4, [RLWE_P40] = 5, [RLWE_P48] = 6};
    struct rlwe *c = NULL;
    struct key32 seed; /* public: prg.h takes one type of key */
    enum pt_code rc;

    *out = NULL;
    if ((rc = check_shape(shape, err)) != PT_OK)
        return rc;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return pt_fail(err, PT_ENOMEM, "lattice: no memory for the tables");
    if (sodium_init() < 0 || (unsigned)shape->set >= PT_LEN(BYTES) ||
        !ring_init(&c->ring, BYTES[shape->set])) {
        rc = pt_fail(err, PT_EBUG, "lattice: no parameter set %d", (int)shape->set);
        goto out;
    }
    c->set = shape->set;
    c->slot_count = shape->slot_count;
    c->block_count = (shape->slot_count + RLWE_DEGREE - 1) / RLWE_DEGREE;
    c->delta_log2 = RLWE_DELTA_LOG2_MAX;
    while (c->delta_log2 >= RLWE_DELTA_LOG2_MIN && !fits(c, shape, c->delta_log2))
        c->delta_log2--;
    if (c->delta_log2 < RLWE_DELTA_LOG2_MIN) {
        rc =
            pt_fail(err, PT_ELIMIT,
                    "lattice: counts up to %" PRIu64 " with noise of width %" PRIu64
                    " over %" PRIu64 " slots do not fit %u-byte coefficients; take a larger set",
                    shape->max_abs, shape->sigma_max, shape->slot_count, c->ring.coefficient_bytes);
        goto out;
    }
    memcpy(seed.b, public_seed->b, sizeof seed.b);
    if ((rc = prg_new(&c->public_stream, &seed)) != PT_OK)
        (void)pt_fail(err, rc, "lattice: no memory for the cipher");
out:
    if (rc == PT_OK)
        *out = c;
    else
        rlwe_free(c);
    return rc;
}

void rlwe_free(struct rlwe *c)
{
    if (c == NULL)
        return;
    prg_free(c->public_stream);
    free(c);
}

uint64_t rlwe_block_count(const struct rlwe *c)
{
    return c->block_count;
}
uint64_t rlwe_slot_count(const struct rlwe *c)
{
    return c->slot_count;
}
size_t rlwe_block_bytes(const struct rlwe *c)
{
    return (size_t)c->ring.coefficient_bytes * RLWE_DEGREE;
}
size_t rlwe_column_bytes(const struct rlwe *c)
{
    return (size_t)(c->block_count + 1) * rlwe_block_bytes(c);
}
uint32_t rlwe_delta(const struct rlwe *c)
{
    return (uint32_t)1 << c->delta_log2;
}
const struct ring *rlwe_ring(const struct rlwe *c)
{
    return &c->ring;
}

/* Word i of stream k, cut to the bytes of a coefficient, is place i; one that is not below q gives
 * way to the next such word after the first 2048. Public numbers: rejection may take its time. */
enum pt_code rlwe_expand(const struct rlwe *c, uint64_t k, uint64_t a[RLWE_DEGREE])
{
    const uint64_t mask = ((uint64_t)1 << 8 * c->ring.coefficient_bytes) - 1;
    const uint64_t most = c->ring.q - 1;
    uint64_t above = 0; /* the top bit: one is above, as not one block in thousands has */
    struct draw spare;

    if (prg_read(c->public_stream, k, 0, a, RLWE_DEGREE * sizeof *a) != PT_OK)
        return PT_EBUG;
    for (size_t i = 0; i < RLWE_DEGREE; i++) {
        a[i] = load_u64le((const uint8_t *)&a[i]) & mask;
        above |= most - a[i];
    }
    if (above >> 63 == 0)
        return PT_OK;
    draw_init(&spare, c->public_stream, k);
    spare.block = RLWE_DEGREE / 2; /* two words a block of the cipher */
    for (size_t i = 0; i < RLWE_DEGREE; i++)
        while (a[i] >= c->ring.q)
            a[i] = draw_u64(&spare) & mask;
    return spare.bad ? PT_EBUG : PT_OK;
}

/* Coefficient i is floor(3 * word[i] / 2^64) - 1: uniform in {-1,0,+1} but for 2^-63. */
static enum pt_code draw_secret(struct rlwe_key *k, const struct ring *r)
{
    if (prg_read(k->errors, STREAM_SECRET, 0, k->work, sizeof k->work) != PT_OK)
        return PT_EBUG;
    for (size_t i = 0; i < RLWE_DEGREE; i++) {
        uint64_t word = load_u64le((const uint8_t *)&k->work[i]);
        k->secret[i] = (int8_t)((int)((u128)word * 3 >> 64) - 1);
    }
    block_best()->secret(k->table, r, k->secret);
    return PT_OK;
}

enum pt_code rlwe_key_new(struct rlwe_key **out, const struct rlwe *c, const struct key32 *seed)
{
    struct rlwe_key *k = sodium_malloc(sizeof *k);
    enum pt_code rc;

    *out = NULL;
    if (k == NULL)
        return PT_ENOMEM;
    memset(k, 0, sizeof *k);
    k->set = c->set;
    k->block_count = c->block_count;
    if ((rc = prg_new(&k->errors, seed)) != PT_OK || (rc = draw_secret(k, &c->ring)) != PT_OK) {
        rlwe_key_free(k);
        return rc;
    }
    *out = k;
    return PT_OK;
}

void rlwe_key_free(struct rlwe_key *k)
{
    if (k == NULL)
        return;
    prg_free(k->errors);
    sodium_free(k); /* wipes */
}

/* Is some value outside {-1,0,+1}? Nothing but the answer depends on the values. */
static bool out_of_range(const int8_t *values)
{
    uint32_t below_zero = 0;

    for (size_t i = 0; i < RLWE_DEGREE; i++)
        below_zero |= 2 - (uint32_t)(uint8_t)(values[i] + 1); /* of 0, 1, 2 alone it is not */
    return ct_mask_top((uint64_t)below_zero << 32) != 0;
}

/* May k encrypt this block of these values now? */
static enum pt_code may_encrypt(const struct rlwe *c, const struct rlwe_key *k, uint64_t block,
                                const int8_t *values)
{
    if (k->set != c->set || k->block_count != c->block_count)
        return PT_EBUG;
    if (block > c->block_count)
        return PT_ELIMIT;
    if ((values == NULL) != (block == c->block_count))
        return PT_EBUG;
    if (k->used[block / 64] >> block % 64 & 1)
        return PT_ESTATE;
    return values != NULL && out_of_range(values) ? PT_ELIMIT : PT_OK;
}

/* a: a_k in the code path's order. */
static enum pt_code encrypt(uint8_t *out, const struct rlwe *c, struct rlwe_key *k,
                            const struct rlwe_plain *in, const uint64_t *a)
{
    const struct block_mask mask = {.ring = &c->ring,
                                    .a = a,
                                    .secret = k->table,
                                    .error_bits = k->error_bits,
                                    .values = in->values,
                                    .delta_log2 = c->delta_log2,
                                    .work = k->work};
    enum pt_code rc = may_encrypt(c, k, in->block, in->values);

    if (rc != PT_OK)
        return rc;
    if (prg_read(k->errors, in->block, 0, k->error_bits, sizeof k->error_bits) != PT_OK)
        return PT_EBUG;
    k->used[in->block / 64] |= (uint64_t)1 << in->block % 64;
    block_best()->mask(out, &mask);
    return PT_OK;
}

enum pt_code rlwe_encrypt_columns(const struct rlwe *c, const struct rlwe_column *columns, size_t n,
                                  uint64_t block)
{
    uint64_t *a = n > 0 ? columns[0].key->expanded : NULL;
    enum pt_code rc = PT_OK;

    if (n > 0 && block <= c->block_count)
        rc = rlwe_expand(c, block, a);
    if (n > 0 && rc == PT_OK)
        block_best()->order(a);
    for (size_t i = 0; i < n && rc == PT_OK; i++) {
        const struct rlwe_plain plain = {block, columns[i].values};
        rc = encrypt(columns[i].out, c, columns[i].key, &plain, a);
    }
    for (size_t i = 0; i < n && rc != PT_OK; i++)
        memset(columns[i].out, 0, rlwe_block_bytes(c));
    return rc;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): written through the struct */
enum pt_code rlwe_encrypt_block(uint8_t *out, const struct rlwe *c, struct rlwe_key *k,
                                uint64_t block, const int8_t *values)
{
    const struct rlwe_column one = {out, k, values};

    return rlwe_encrypt_columns(c, &one, 1, block);
}

/* One block, exactly: byte by byte from the top, which coefficients are below q already and which
 * are equal to it so far. Loops without a branch, that the compiler makes vectors of. */
static bool all_below(const uint8_t *block, unsigned coefficient_bytes, uint64_t q)
{
    uint8_t below[RLWE_DEGREE] = {0};
    uint8_t equal[RLWE_DEGREE];
    uint8_t all = 0xff;

    memset(equal, 0xff, sizeof equal);
    for (unsigned p = coefficient_bytes; p-- > 0;) {
        const uint8_t *plane = block + (size_t)p * RLWE_DEGREE;
        const uint8_t byte = (uint8_t)(q >> 8 * p);
        for (size_t i = 0; i < RLWE_DEGREE; i++) {
            below[i] |= equal[i] & (uint8_t) - (plane[i] < byte);
            equal[i] &= (uint8_t) - (plane[i] == byte);
        }
    }
    for (size_t i = 0; i < RLWE_DEGREE; i++)
        all &= below[i];
    return all == 0xff;
}

/* Every q here starts with two bytes of ones, so only a block that holds such a coefficient needs
 * the exact look: one block in 32. */
static bool starts_high(const uint8_t *block, unsigned coefficient_bytes)
{
    const uint8_t *top = block + (size_t)(coefficient_bytes - 1) * RLWE_DEGREE;
    const uint8_t *next = top - RLWE_DEGREE;
    uint8_t found = 0; /* a byte wide, so that the compiler makes vectors of the loop */

    for (size_t i = 0; i < RLWE_DEGREE; i++)
        found |= (uint8_t) - ((top[i] & next[i]) == 0xff);
    return found != 0;
}

bool rlwe_blocks_valid(const struct rlwe *c, struct span in)
{
    size_t bytes = rlwe_block_bytes(c);
    unsigned planes = c->ring.coefficient_bytes;

    if (in.n % bytes != 0)
        return false;
    for (size_t at = 0; at < in.n; at += bytes)
        if (starts_high(in.p + at, planes) && !all_below(in.p + at, planes, c->ring.q))
            return false;
    return true;
}

uint64_t rlwe_key_product(const struct rlwe *c, const struct rlwe_key *k,
                          const uint64_t g[RLWE_DEGREE])
{
    int64_t sum = 0; /* 2048 * 2^48 at most */

    for (size_t i = 0; i < RLWE_DEGREE; i++)
        sum += (int64_t)g[i] * k->secret[i];
    return ring_reduce_signed(&c->ring, sum);
}

const int8_t *rlwe_key_secret(const struct rlwe_key *k)
{
    return k->secret;
}

enum pt_code rlwe_key_errors(uint8_t bits[RLWE_DEGREE], const struct rlwe_key *k, uint64_t block)
{
    return prg_read(k->errors, block, 0, bits, RLWE_DEGREE);
}
