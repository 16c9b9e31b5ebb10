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
    struct scalar_digits digits[CHUNK_POINTS];
    struct scalar half;
    struct ladder ladder[FE_WIDE];
};
PT_SECRET_TYPE(chunk);

/* Whole groups of FE_WIDE. */
static inline size_t chunk_elements(size_t n)
{
    const size_t group = (size_t)FE_WIDE * FE_LANES;

    return (n + group - 1) / group * FE_WIDE;
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
    for (size_t i = 0; i < chunk_elements(n); i++)
        ge_map(&c->p[i], c->wide[i * FE_LANES]);
}

/* By way of k/2: doubling while encoding needs no square root. */
static inline void chunk_mul_encode(struct point *out, struct chunk *c, const struct scalar *k,
                                    size_t stride, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (stride == 0 && i > 0) { /* one scalar for all */
            c->digits[i] = c->digits[0];
            continue;
        }
        scalar_half(&c->half, &k[i * stride]);
        scalar_recode(&c->digits[i], &c->half);
    }
    for (size_t i = 0; i < chunk_elements(n); i += FE_WIDE)
        ge_mul(&c->p[i], c->ladder, (const int8_t(*)[64])c->digits[i * FE_LANES].d);
    ge_double_encode(c->encoded, c->p, chunk_elements(n));
    memcpy(out, c->encoded, n * sizeof *out);
}

static size_t chunk_check(const struct point *in, size_t n)
{
    PT_WIPED(chunk) c = {0};

    return chunk_decode(&c, in, n);
}

static size_t chunk_mul(struct point *out, const struct scalar *k, size_t stride,
                        const struct point *in, size_t n)
{
    PT_WIPED(chunk) c = {0};
    size_t good = chunk_decode(&c, in, n);

    if (good == n)
        chunk_mul_encode(out, &c, k, stride, n);
    return good;
}

static void chunk_map(struct point *out, const uint8_t (*wide)[64], size_t n)
{
    PT_WIPED(chunk) c = {0};

    chunk_load_map(&c, wide, n);
    for (size_t i = 0; i < chunk_elements(n); i += FE_WIDE)
        ge_encode(&c.encoded[i * FE_LANES], &c.p[i]);
    memcpy(out, c.encoded, n * sizeof *out);
}

static void chunk_map_mul(struct point *out, const struct scalar *k, const uint8_t (*wide)[64],
                          size_t n)
{
    PT_WIPED(chunk) c = {0};

    chunk_load_map(&c, wide, n);
    chunk_mul_encode(out, &c, k, 1, n);
}

#endif
