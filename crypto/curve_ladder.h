/* curve_ladder.h - a secret multiple of each lane's point: four bits a step, from a table that is read
 * whole. One ladder at a time: a doubling has products enough to keep the multipliers busy, and its
 * table stays in the first cache. Over curve_lanes.h; constant time. */
#ifndef PT_CURVE_LADDER_H
#define PT_CURVE_LADDER_H

#include "crypto/curve_lanes.h"
#include "crypto/scalar.h"

enum { LADDER_BITS = 4, LADDER_MULTIPLES = 8 };
/* The parts of a multiple, as struct ge_cached has them. */
enum ladder_part { PART_Y_PLUS_X, PART_Y_MINUS_X, PART_2Z, PART_2DT, LADDER_PARTS };
_Static_assert((int)LADDER_PARTS == (int)LADDER_BITS, "one part is chosen beside each doubling");
_Static_assert((int)LADDER_MULTIPLES == 8, "as many as fe_mask_digits() tells apart");

/* Digit i of all lanes' scalars, side by side. */
typedef int8_t ladder_digits[SCALAR_DIGITS][FE_LANES];

struct ladder {
    struct fe multiple[LADDER_PARTS][LADDER_MULTIPLES]; /* of 1P..8P */
    struct fe chosen[LADDER_PARTS];
    fe_mask is[LADDER_MULTIPLES + 1]; /* the digit's size, lane by lane */
    fe_mask minus;
    struct ge_cached first;
    struct ge_sum sum;
    struct ge acc;
};

/* chosen = that part of |digit| * P lane by lane, reading all multiples. The identity's are 1, 1, 2, 0. */
FE_INLINE void ladder_choose(struct ladder *l, int part)
{
    static const int of_identity[LADDER_PARTS] = {1, 1, 2, 0};
    struct fe c = FE_CONST(0, 0, 0, 0, 0);

    for (int j = 0; j < LADDER_MULTIPLES; j++)
        fe_or(&c, &l->multiple[part][j], l->is[j + 1]);
    fe_or_small(&c, of_identity[part], l->is[0]);
    l->chosen[part] = c;
}

/* All of the sign but for t's, which is left to the sum. */
FE_INLINE void ladder_sign(struct ladder *l)
{
    fe_swap_if(&l->chosen[PART_Y_PLUS_X], &l->chosen[PART_Y_MINUS_X], l->minus);
}

static inline void ladder_keep(struct ladder *l, int i)
{
    struct ge_cached c;

    ge_cache(&c, &l->acc);
    l->multiple[PART_Y_PLUS_X][i] = c.y_plus_x;
    l->multiple[PART_Y_MINUS_X][i] = c.y_minus_x;
    l->multiple[PART_2Z][i] = c.z2;
    l->multiple[PART_2DT][i] = c.t2d;
    explicit_bzero(&c, sizeof c);
}

/* The hot bodies are functions: copies of them would leave the processor's cache of decoded
 * instructions, which costs a third of the whole. */
#define LADDER_STEP static __attribute__((noinline)) void

LADDER_STEP ladder_begin(struct ladder *l, const struct ge *p)
{
    l->acc = *p;
    ge_cache(&l->first, p);
    ladder_keep(l, 0);
#pragma GCC unroll 1
    for (int i = 1; i < LADDER_MULTIPLES; i++) {
        ge_add(&l->acc, &l->acc, &l->first);
        ladder_keep(l, i);
    }
}

/* acc = the chosen multiple, without its t, which a doubling does not read. */
LADDER_STEP ladder_enter(struct ladder *l)
{
    for (int part = 0; part < LADDER_PARTS; part++)
        ladder_choose(l, part);
    ladder_sign(l);
    fe_sub(&l->acc.x, &l->chosen[PART_Y_PLUS_X], &l->chosen[PART_Y_MINUS_X]);
    fe_add(&l->acc.y, &l->chosen[PART_Y_PLUS_X], &l->chosen[PART_Y_MINUS_X]);
    l->acc.z = l->chosen[PART_2Z];
}

/* Leaves the accumulator's t to ladder_add(). A part of the multiple is chosen meanwhile: loads use
 * ports that products leave idle. */
LADDER_STEP ladder_double(struct ladder *l, int part)
{
    sum_double(&l->sum, &l->acc);
    ladder_choose(l, part);
    sum_project(&l->acc, &l->sum);
}

LADDER_STEP ladder_add(struct ladder *l)
{
    const struct fe *const c = l->chosen;

    ladder_sign(l);
    fe_mul(&l->acc.t, &l->sum.e, &l->sum.h);
    const struct ge_cached q = {c[PART_Y_PLUS_X], c[PART_Y_MINUS_X], c[PART_2Z], c[PART_2DT]};
    sum_add(&l->sum, &l->acc, &q, l->minus);
    sum_project(&l->acc, &l->sum);
}

/* p = (sum digits[i][lane] * 16^i) * p, digits in -8..8. Secret digits, secret points. */
static inline void ge_mul(struct ge *p, struct ladder *l, ladder_digits digits)
{
    ladder_begin(l, p);
    l->minus = fe_mask_digits(l->is, digits[SCALAR_DIGITS - 1]);
    ladder_enter(l);
    for (int i = SCALAR_DIGITS - 2; i >= 0; i--) {
        l->minus = fe_mask_digits(l->is, digits[i]);
        for (int part = 0; part < LADDER_PARTS; part++)
            ladder_double(l, part);
        ladder_add(l);
    }
    sum_extend(p, &l->sum);
}

#endif
