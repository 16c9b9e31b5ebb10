/* group_chunk.h - a back-end's chunk operations over curve_lanes.h: whole elements of FE_LANES
 * points, the last one filled up with lanes that nobody reads. */
#ifndef PT_GROUP_CHUNK_H
#define PT_GROUP_CHUNK_H

#include "crypto/curve_ladder.h"
#include "crypto/curve_map.h"
#include "crypto/curve_table.h"
#include "crypto/group_backend.h"
#include "crypto/scalar.h"

enum { CHUNK_POINTS = GE_CHUNK * FE_LANES };

struct chunk { /* decoded points, perhaps derived from secrets */
    struct ge p[GE_CHUNK];
    struct point encoded[CHUNK_POINTS];
    struct scalar scalar;
    struct scalar_digits recoded;
    struct scalar_windows recoded_windows;
    union { /* one after the other */
        uint8_t wide[CHUNK_POINTS][64];
        struct table_work blinded;
        struct {
            ladder_digits digits[GE_CHUNK];
            struct ladder ladder;
        };
    };
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

static inline void chunk_double_encode(struct point *out, struct chunk *c, size_t n)
{
    ge_double_encode(c->encoded, c->p, chunk_elements(n));
    memcpy(out, c->encoded, n * sizeof *out);
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
    chunk_double_encode(out, c, n);
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

struct map_chunk { /* each sum may name a customer */
    struct quartic_sum sums[GE_CHUNK];
    uint8_t group[FE_WIDE * FE_LANES][64];
    struct point encoded[CHUNK_POINTS];
};
PT_SECRET_TYPE(map_chunk);

/* Elements i to i + FE_WIDE - 1: lanes to spare repeat the first, for zeros' sum has no formula. */
static inline void chunk_group(struct map_chunk *c, const uint8_t (*wide)[64], size_t i, size_t n)
{
    const size_t at = i * FE_LANES;
    const size_t left = n - at < PT_LEN(c->group) ? n - at : PT_LEN(c->group);

    memcpy(c->group, wide + at, left * sizeof *wide);
    for (size_t spare = left; spare < PT_LEN(c->group); spare++)
        memcpy(c->group[spare], wide + at, sizeof *wide);
}

static inline void chunk_load_sums(struct map_chunk *c, const uint8_t (*wide)[64], size_t n)
{
    struct quartic a[FE_WIDE];
    struct quartic b[FE_WIDE];

    for (size_t i = 0; i < chunk_elements(n); i += FE_WIDE) {
        chunk_group(c, wide, i, n);
        map_halves(a, b, (const uint8_t(*)[64])c->group);
        for (size_t w = 0; w < FE_WIDE; w++)
            quartic_add(&c->sums[i + w], &a[w], &b[w]);
    }
}

/* If a lane is bad, all again on the curve, where every sum has a formula. By itself, so that
 * tests/ct/ct.supp names this branch and no other. */
static __attribute__((noinline)) void chunk_map_slowly(struct map_chunk *c, fe_mask bad,
                                                       const uint8_t (*wide)[64], size_t n)
{
    struct ge p[FE_WIDE];

    if (fe_mask_first_vartime(bad, FE_LANES) == FE_LANES)
        return;
    for (size_t i = 0; i < chunk_elements(n); i += FE_WIDE) {
        chunk_group(c, wide, i, n);
        ge_map(p, (const uint8_t(*)[64])c->group);
        ge_encode(&c->encoded[i * FE_LANES], p);
    }
}

static PT_CLEARS_REGISTERS void chunk_map(struct point *out, const uint8_t (*wide)[64], size_t n)
{
    PT_WIPED(map_chunk) c = {0};

    chunk_load_sums(&c, wide, n);
    const fe_mask bad = quartic_encode_all(c.encoded, c.sums, chunk_elements(n));
    chunk_map_slowly(&c, bad, wide, n);
    memcpy(out, c.encoded, n * sizeof *out);
}

/* Blinds as table_add_all() takes them: minus r_i where they are taken away, r_i/2 where encoding will
 * double. */
static inline void chunk_add_blinds(struct chunk *c, const struct group_blind *b, bool take_away,
                                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (take_away)
            scalar_negate(&c->scalar, &b->r[i]);
        else
            scalar_half(&c->scalar, &b->r[i]);
        scalar_recode_windows(&c->recoded_windows, &c->scalar);
        for (size_t w = 0; w < SCALAR_WINDOWS; w++)
            c->blinded.digits[i / FE_LANES][w][i % FE_LANES] = c->recoded_windows.d[w];
    }
    table_add_all(&c->blinded, b->table, chunk_elements(n));
}

static inline void chunk_to_blinded(struct chunk *c, size_t n)
{
    for (size_t i = 0; i < chunk_elements(n); i++)
        sum_from_ge(&c->blinded.acc[i], &c->p[i]);
}

static inline void chunk_load_terms(struct chunk *c, const struct group_term *in, size_t n)
{
    const uint8_t *row[FE_LANES];

    for (size_t i = 0; i < chunk_elements(n); i++) {
        for (size_t lane = 0; lane < FE_LANES; lane++) {
            const size_t at = i * FE_LANES + lane;
            row[lane] = in[at < n ? at : i * FE_LANES].b;
        }
        sum_from_rows(&c->blinded.acc[i], row);
    }
}

static inline void chunk_from_blinded(struct chunk *c, size_t n)
{
    for (size_t i = 0; i < chunk_elements(n); i++)
        sum_to_ge(&c->p[i], &c->blinded.acc[i]);
}

static PT_CLEARS_REGISTERS void chunk_map_blind(struct point *out, const struct group_blind *b,
                                                const uint8_t (*wide)[64], size_t n)
{
    PT_WIPED(chunk) c = {0};

    chunk_load_map(&c, wide, n);
    chunk_to_blinded(&c, n);
    chunk_add_blinds(&c, b, false, n);
    chunk_from_blinded(&c, n);
    chunk_double_encode(out, &c, n);
}

static PT_CLEARS_REGISTERS void chunk_mul_terms(struct point *out, const struct scalar *k,
                                                const struct group_term *in, size_t n)
{
    PT_WIPED(chunk) c = {0};

    chunk_load_terms(&c, in, n);
    chunk_from_blinded(&c, n);
    chunk_mul_encode(out, &c, k, 0, n);
}

static PT_CLEARS_REGISTERS void chunk_unblind_mul(struct point *out, const struct scalar *k,
                                                  const struct group_blind *b,
                                                  const struct group_term *in, size_t n)
{
    PT_WIPED(chunk) c = {0};

    chunk_load_terms(&c, in, n);
    chunk_add_blinds(&c, b, true, n);
    chunk_from_blinded(&c, n);
    chunk_mul_encode(out, &c, k, 0, n);
}

static PT_CLEARS_REGISTERS void chunk_blind_again(struct point *out, const struct group_blind *old,
                                                  const struct group_blind *b,
                                                  const struct group_term *in, size_t n)
{
    PT_WIPED(chunk) c = {0};

    chunk_load_terms(&c, in, n);
    chunk_add_blinds(&c, old, true, n);
    chunk_add_blinds(&c, b, false, n);
    chunk_from_blinded(&c, n);
    chunk_double_encode(out, &c, n);
}

#endif
