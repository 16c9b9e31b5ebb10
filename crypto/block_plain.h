/* block_plain.h - block.h in plain C over ring.h: values in canonical order, secrets in Montgomery's
 * form. Each includer compiles it for its own instructions. */
#ifndef PT_BLOCK_PLAIN_H
#define PT_BLOCK_PLAIN_H

#include "crypto/block.h"
#include "crypto/ring_ntt.h"

static void plain_order(
    uint64_t a[RING_DEGREE]) /* NOLINT(readability-non-const-parameter): block_ops */
{
    (void)a;
}

static void plain_factor(uint64_t table[RING_DEGREE], const struct ring *r)
{
    ntt_forward(r, table);
    for (size_t i = 0; i < RING_DEGREE; i++)
        table[i] = ring_to_mont(r, table[i]);
}

static void plain_secret(uint64_t table[RING_DEGREE], const struct ring *r,
                         const int8_t s[RING_DEGREE])
{
    ntt_lift(r, table, s);
    plain_factor(table, r);
}

static void plain_product(uint64_t out[RING_DEGREE], const struct ring *r,
                          const uint64_t a[RING_DEGREE], const uint64_t table[RING_DEGREE])
{
    for (size_t i = 0; i < RING_DEGREE; i++)
        out[i] = ring_mul_mont(r, a[i], table[i]);
    ntt_backward(r, out);
}

static void plain_mask(uint8_t *out, const struct block_mask *in)
{
    const struct ring *r = in->ring;
    uint64_t *x = in->work;

    for (size_t i = 0; i < RING_DEGREE; i++)
        x[i] = ring_mul_mont(r, in->a[i], in->secret[i]);
    ntt_backward(r, x);
    for (size_t i = 0; i < RING_DEGREE; i++) {
        unsigned bits = in->error_bits[i];
        uint64_t error = (uint64_t)(bits & 1) + (bits >> 1 & 1) - (bits >> 2 & 1) - (bits >> 3 & 1);
        uint64_t value = in->values == NULL ? 0 : (uint64_t)(int64_t)in->values[i];
        x[i] += r->q + error + (value << in->delta_log2);
    }
    for (size_t i = 0; i < RING_DEGREE; i++) /* under 3q: 2q + 2^16 + 2 */
        x[i] = ring_less(ring_less(x[i], 2 * r->q), r->q);
    for (unsigned p = 0; p < r->coefficient_bytes; p++)
        for (size_t i = 0; i < RING_DEGREE; i++)
            out[(size_t)p * RING_DEGREE + i] = (uint8_t)(x[i] >> 8 * p);
}

/* lo and hi are the halves of 128 bits: products are below 2^96. */
static void plain_add(struct block_sum *sum, uint64_t *work, const struct ring *r,
                      const struct block_term *terms, size_t n)
{
    for (const struct block_term *t = terms; t < terms + n; t++) {
        ntt_lift(r, work, t->row);
        ntt_forward(r, work);
        for (size_t i = 0; i < RING_DEGREE; i++) {
            u128 product = (u128)work[i] * t->a[i];
            u128 s = ((u128)sum->hi[i] << 64 | sum->lo[i]) + product;
            sum->lo[i] = (uint64_t)s;
            sum->hi[i] = (uint64_t)(s >> 64);
        }
    }
}

static void plain_values(uint64_t out[RING_DEGREE], const struct block_sum *sum,
                         const struct ring *r)
{
    for (size_t i = 0; i < RING_DEGREE; i++)
        out[i] = ring_reduce_wide(r, (u128)sum->hi[i] << 64 | sum->lo[i]);
}

#define BLOCK_PLAIN_OPS                                                                            \
    {                                                                                              \
        .order = plain_order, .secret = plain_secret, .factor = plain_factor,                      \
        .product = plain_product, .mask = plain_mask, .add = plain_add, .values = plain_values,    \
        .adds_max = (uint64_t)1 << 31                                                              \
    }

#endif
