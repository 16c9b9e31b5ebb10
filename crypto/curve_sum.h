/* curve_sum.h - points in the coordinates that long rows of additions like. Over curve_lanes.h; constant
 * time. */
#ifndef PT_CURVE_SUM_H
#define PT_CURVE_SUM_H

#include "crypto/curve_lanes.h"

/* A point as additions want it: y - x, y + x, z, t. */
struct sum_point {
    struct fe m, p, z, t;
};

/* r = a + b; b->t is 2d times its t, and z_is_one says that b->z need not be looked at. */
FE_INLINE void sum_two(struct sum_point *r, const struct sum_point *a, const struct sum_point *b,
                       bool z_is_one)
{
    struct ge_sum s;
    struct fe m;
    struct fe p;
    struct fe c;
    struct fe d;
    struct fe t;

    fe_mul_wide(&m, &a->m, &b->m);
    fe_mul_minuend(&p, &a->p, &b->p);
    fe_mul_wide(&c, &a->t, &b->t);
    if (z_is_one)
        fe_minuend(&d, &a->z);
    else
        fe_mul_minuend(&d, &a->z, &b->z);
    fe_add_wide(&d, &d, &d);
    fe_sub_wide(&t, &p, &m);
    fe_narrow_first(&s.e, &t);
    fe_add_wide(&t, &p, &m);
    fe_narrow(&s.h, &t);
    fe_sub_wide(&t, &d, &c);
    fe_narrow(&s.f, &t);
    fe_add_wide(&t, &d, &c);
    fe_narrow_first(&s.g, &t);
    fe_mul_wide(&m, &s.e, &s.f);    /* x */
    fe_mul_minuend(&p, &s.g, &s.h); /* y */
    fe_sub_wide(&t, &p, &m);
    fe_narrow(&r->m, &t);
    fe_add_wide(&t, &p, &m);
    fe_narrow(&r->p, &t);
    fe_mul(&r->z, &s.g, &s.f);
    fe_mul(&r->t, &s.e, &s.h);
}

/* Twice the coordinates: the same point. */
static inline void sum_to_ge(struct ge *r, const struct sum_point *a)
{
    struct sum_point s = *a;

    fe_carry(&s.m);
    fe_carry(&s.p);
    fe_sub(&r->x, &s.p, &s.m);
    fe_add(&r->y, &s.p, &s.m);
    fe_add(&r->z, &s.z, &s.z);
    fe_add(&r->t, &s.t, &s.t);
}

/* Terms of a point a lane: y + x, y - x and 2dxy, with Z = 1. */
static inline void sum_from_rows(struct sum_point *r, const uint8_t *const row[FE_LANES])
{
    struct fe t2d;

    fe_load_rows(&r->p, &r->m, &t2d, row);
    r->z = FE_ONE;
    fe_mul(&r->t, &t2d, &FE_INV_2D);
}

static inline void sum_from_ge(struct sum_point *r, const struct ge *a)
{
    fe_sub(&r->m, &a->y, &a->x);
    fe_add(&r->p, &a->y, &a->x);
    r->z = a->z;
    r->t = a->t;
}

#endif
