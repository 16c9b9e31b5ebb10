/* group_chunk.h - a back-end's chunk operations over curve_lanes.h: whole elements of FE_LANES
 * points, the last one filled up with lanes that nobody reads. */
#ifndef PT_GROUP_CHUNK_H
#define PT_GROUP_CHUNK_H

#include "crypto/curve_ladder.h"
#include "crypto/group_backend.h"
#include "crypto/scalar.h"

enum { CHUNK_POINTS = GE_CHUNK * FE_LANES };

struct chunk { /* decoded points, perhaps derived from secrets */
    struct ge p[GE_CHUNK];
    struct point encoded[CHUNK_POINTS];
    uint8_t wide[CHUNK_POINTS][64];
    ladder_digits digits[GE_CHUNK];
    struct scalar_digits recoded;
    struct ladder ladder;
};
PT_SECRET_TYPE(chunk);

static inline size_t chunk_elements(size_t n)
{
    return (n + FE_LANES - 1) / FE_LANES;
}

static inline size_t chunk_decode(struct chunk *c, const struct point *in, size_t n)
{
    fe_mask bad[FE_WIDE];

    memcpy(c->encoded, in, n * sizeof *in);
    for (size_t i = 0; i < chunk_elements(n); i += FE_WIDE) {
        ge_decode(bad, &c->p[i], &c->encoded[i * FE_LANES]);
        for (size_t w = 0; w < FE_WIDE && (i + w) * FE_LANES < n; w++) {
            const size_t at = (i + w) * FE_LANES;
            const size_t left = n - at < FE_LANES ? n - at : FE_LANES;
            const size_t first = fe_mask_first_vartime(bad[w], left);

            if (first < left)
                return at + first;
        }
    }
    return n;
}

static inline void chunk_load_map(struct chunk *c, const uint8_t (*wide)[64], size_t n)
{
    memcpy(c->wide, wide, n * sizeof *wide);
    for (size_t i = 0; i < chunk_elements(n); i += FE_WIDE)
        ge_map(&c->p[i], (const uint8_t(*)[64])c->wide[i * FE_LANES]);
}

static inline void chunk_put_digits(struct chunk *c, size_t i)
{
    for (size_t step = 0; step < SCALAR_DIGITS; step++)
        c->digits[i / FE_LANES][step][i % FE_LANES] = c->recoded.d[step];
}

/* By way of k/2: doubling while encoding needs no square root. A stride of 0 is one scalar for all. */
static inline void chunk_mul_encode(struct point *out, struct chunk *c, const struct scalar *k,
                                    size_t stride, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || stride > 0)
            scalar_recode_half(&c->recoded, &k[i * stride]);
        chunk_put_digits(c, i);
    }
    for (size_t i = 0; i < chunk_elements(n); i++)
        ge_mul(&c->p[i], &c->ladder, c->digits[i]);
    ge_double_encode(c->encoded, c->p, chunk_elements(n));
    memcpy(out, c->encoded, n * sizeof *out);
}

static PT_CLEARS_REGISTERS size_t chunk_check(const struct point *in, size_t n)
{
    PT_WIPED(chunk) c = {0};

    return chunk_decode(&c, in, n);
}

static PT_CLEARS_REGISTERS size_t chunk_mul(struct point *out, const struct scalar *k,
                                            size_t stride, const struct point *in, size_t n)
{
    PT_WIPED(chunk) c = {0};
    size_t good = chunk_decode(&c, in, n);

    if (good == n)
        chunk_mul_encode(out, &c, k, stride, n);
    return good;
}

static PT_CLEARS_REGISTERS void chunk_map(struct point *out, const uint8_t (*wide)[64], size_t n)
{
    PT_WIPED(chunk) c = {0};

    chunk_load_map(&c, wide, n);
    for (size_t i = 0; i < chunk_elements(n); i += FE_WIDE)
        ge_encode(&c.encoded[i * FE_LANES], &c.p[i]);
    memcpy(out, c.encoded, n * sizeof *out);
}

static PT_CLEARS_REGISTERS void chunk_map_mul(struct point *out, const struct scalar *k,
                                              const uint8_t (*wide)[64], size_t n)
{
    PT_WIPED(chunk) c = {0};

    chunk_load_map(&c, wide, n);
    chunk_mul_encode(out, &c, k, 1, n);
}

#endif
