/* curve_ladder.h - a secret multiple of each lane's point, FE_WIDE groups of lanes at once: four bits
 * a step, from a table that is read whole. Over curve_lanes.h; constant time. */
#ifndef PT_CURVE_LADDER_H
#define PT_CURVE_LADDER_H

#include "crypto/curve_lanes.h"

struct ladder {
    struct ge_cached multiple[8]; /* 1P..8P */
    struct ge_cached chosen;
    struct ge_sum sum;
    struct ge acc;
};
/* chosen = digit i * P lane by lane, reading the whole table. */
static inline void ladder_choose(struct ladder *l, const int8_t (*digit)[64], int i)
{
    struct ge_cached c = {0};
    int8_t size[FE_LANES];
    fe_mask minus = 0;

    for (int lane = 0; lane < FE_LANES; lane++) {
        const uint8_t d = (uint8_t)digit[lane][i];
        const uint64_t negative = ct_barrier((uint64_t)d >> 7);
        size[lane] = (int8_t)((d ^ (uint8_t)(0 - negative)) + (uint8_t)negative);
        minus |= fe_mask_lane(lane, negative);
    }
    const fe_mask none = fe_mask_equal(size, 0);
    fe_or(&c.y_plus_x, &FE_ONE, none);
    fe_or(&c.y_minus_x, &FE_ONE, none);
    fe_or(&c.z2, &FE_TWO, none);
    for (int j = 0; j < 8; j++) {
        const fe_mask mask = fe_mask_equal(size, j + 1);
        fe_or(&c.y_plus_x, &l->multiple[j].y_plus_x, mask);
        fe_or(&c.y_minus_x, &l->multiple[j].y_minus_x, mask);
        fe_or(&c.z2, &l->multiple[j].z2, mask);
        fe_or(&c.t2d, &l->multiple[j].t2d, mask);
    }
    fe_swap_if(&c.y_plus_x, &c.y_minus_x, minus);
    fe_negate_if(&c.t2d, minus);
    l->chosen.y_plus_x = c.y_plus_x;
    l->chosen.y_minus_x = c.y_minus_x;
    l->chosen.z2 = c.z2;
    l->chosen.t2d = c.t2d;
    explicit_bzero(size, sizeof size);
}

/* The hot bodies are functions: copies of them would leave the processor's cache of decoded
 * instructions, which costs a third of the whole. Steps of the ladders alternate, so that one
 * computes while the other waits. */
#define LADDER_STEP static __attribute__((noinline)) void

LADDER_STEP ladders_begin(struct ladder l[FE_WIDE], const struct ge p[FE_WIDE])
{
    for (int w = 0; w < FE_WIDE; w++) {
        l[w].acc = p[w];
        ge_cache(&l[w].multiple[0], &p[w]);
    }
#pragma GCC unroll 1
    for (int i = 1; i < 8; i++) {
        for (int w = 0; w < FE_WIDE; w++) {
            ge_add(&l[w].acc, &l[w].acc, &l[w].multiple[0]);
            ge_cache(&l[w].multiple[i], &l[w].acc);
        }
    }
    for (int w = 0; w < FE_WIDE; w++)
        l[w].acc = GE_IDENTITY;
}

/* Leaves the accumulators' t to ladders_add(). */
LADDER_STEP ladders_double(struct ladder l[FE_WIDE])
{
    for (int w = 0; w < FE_WIDE; w++)
        sum_double(&l[w].sum, &l[w].acc);
    for (int w = 0; w < FE_WIDE; w++)
        sum_project(&l[w].acc, &l[w].sum);
}

LADDER_STEP ladders_add(struct ladder l[FE_WIDE])
{
    for (int w = 0; w < FE_WIDE; w++)
        fe_mul(&l[w].acc.t, &l[w].sum.e, &l[w].sum.h);
    for (int w = 0; w < FE_WIDE; w++)
        sum_add(&l[w].sum, &l[w].acc, &l[w].chosen);
    for (int w = 0; w < FE_WIDE; w++)
        sum_project(&l[w].acc, &l[w].sum);
}

/* p[w] = (sum digit[w * FE_LANES + lane][i] * 16^i) * p[w], digits in -8..8. Secret digits, secret
 * points. */
static inline void ge_mul(struct ge p[FE_WIDE], struct ladder l[FE_WIDE], const int8_t (*digit)[64])
{
    ladders_begin(l, p);
    for (int i = 63; i >= 0; i--) {
        for (int w = 0; w < FE_WIDE; w++)
            ladder_choose(&l[w], digit + (size_t)w * FE_LANES, i);
        for (int j = 0; j < 4; j++)
            ladders_double(l);
        ladders_add(l);
    }
    for (int w = 0; w < FE_WIDE; w++)
        sum_extend(&p[w], &l[w].sum);
}

#endif
