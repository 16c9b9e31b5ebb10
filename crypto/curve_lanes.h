/* curve_lanes.h - points of edwards25519 in extended coordinates, and ristretto255's way in and out
 * (RFC 9496 section 4.3), over whatever field its includer brought: fe51.h (one lane),
 * fe_avx2.h (four) or fe_ifma.h (eight). One source, so that back-ends agree bit for bit.
 *
 * A field brings struct fe, FE_LANES, FE_WIDE, FE_CONST, fe_mask (a bit or a word a lane) and fe_*(). For
 * group_*.c only: everyone else speaks encodings. Constant time throughout, but for _vartime. A
 * point here may come from a secret: who puts one on the stack wipes it. */
#ifndef PT_CURVE_LANES_H
#define PT_CURVE_LANES_H

#include "crypto/base/wipe.h"
#include "crypto/group.h"

/* RFC 9496 section 4.1; FE_2D is 2*d. */
static const struct fe FE_ONE = FE_CONST(1, 0, 0, 0, 0);
static const struct fe FE_TWO = FE_CONST(2, 0, 0, 0, 0);
static const struct fe FE_D =
    FE_CONST(0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff);
static const struct fe FE_SQRT_M1 =
    FE_CONST(0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d);
static const struct fe FE_INVSQRT_A_MINUS_D =
    FE_CONST(0xfdaa805d40ea, 0x2eb482e57d339, 0x7610274bc58, 0x6510b613dc8ff, 0x786c8905cfaff);
static const struct fe FE_2D =
    FE_CONST(0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff);
static const struct fe FE_INV_2D =
    FE_CONST(0x793b66e4fc18, 0x184279542e25e, 0x3739ecc16bbad, 0x390cac5884533, 0x60483f690a6ae);
static const struct fe FE_SQRT_AD_MINUS_ONE =
    FE_CONST(0x7f6a0497b2e1b, 0x1836f0a97afd2, 0x7d747f6be7638, 0x456079e7e6498, 0x376931bf2b834);
static const struct fe FE_ONE_MINUS_D_SQ =
    FE_CONST(0x409c1945fc176, 0x719abc6a1fc4f, 0x1c37f90b20684, 0x6bccca55eedf, 0x29072a8b2b3e);
static const struct fe FE_D_MINUS_ONE_SQ =
    FE_CONST(0x55aaa44ed4d20, 0x59603c3332635, 0x26d3baf4a7928, 0x120a66e6997a9, 0x5968b37af66c2);

struct ge { /* x = X/Z, y = Y/Z, xy = T/Z; tight */
    struct fe x, y, z, t;
};
struct ge_cached { /* Y+X, Y-X, 2Z, 2dT: the second operand of an addition */
    struct fe y_plus_x, y_minus_x, z2, t2d;
};

/* Elements that share one inversion a lane. */
enum { GE_CHUNK = FE_LANES == 8 ? 15 : 32 / FE_LANES };
_Static_assert(GE_CHUNK % FE_WIDE == 0, "a chunk is whole groups");

static const struct ge GE_IDENTITY = {.y = FE_CONST(1, 0, 0, 0, 0), .z = FE_CONST(1, 0, 0, 0, 0)};

/* FE_WIDE elements at a time where a long chain of products would wait for each of them: the field
 * says how many its processors keep busy. An inversion has but one. */
static __attribute__((noinline)) void wide_sqr_again(struct fe r[FE_WIDE], int times)
{
    for (int n = 0; n < times; n++)
        for (int i = 0; i < FE_WIDE; i++)
            fe_sqr(&r[i], &r[i]);
}
static __attribute__((noinline)) void one_sqr_again(struct fe *r, int times)
{
    struct fe x = *r;

    for (int n = 0; n < times; n++)
        fe_sqr(&x, &x);
    *r = x;
}

/* width: FE_WIDE or one. */
FE_INLINE void each_sqr(struct fe *r, const struct fe *a, int times, int width)
{
    for (int i = 0; i < width; i++)
        r[i] = a[i];
    if (width == 1)
        one_sqr_again(r, times);
    else
        wide_sqr_again(r, times);
}

FE_INLINE void each_mul(struct fe *r, const struct fe *a, const struct fe *b, int width)
{
    for (int i = 0; i < width; i++)
        fe_mul(&r[i], &a[i], &b[i]);
}

/* r = z^(2^252 - 3), the exponent of a square root; r must not be z. */
FE_INLINE void each_pow22523(struct fe *r, const struct fe *z, int width)
{
    struct fe t0[FE_WIDE];
    struct fe t1[FE_WIDE];

    each_sqr(t0, z, 1, width);   /* 2 */
    each_sqr(t1, t0, 2, width);  /* 8 */
    each_mul(t1, z, t1, width);  /* 9 */
    each_mul(t0, t0, t1, width); /* 11 */
    each_sqr(t0, t0, 1, width);  /* 22 */
    each_mul(t0, t1, t0, width); /* 31 = 2^5 - 1 */
    each_sqr(t1, t0, 5, width);  /* 2^10 - 2^5 */
    each_mul(t0, t1, t0, width); /* 2^10 - 1 */
    each_sqr(t1, t0, 10, width); /* 2^20 - 2^10 */
    each_mul(t1, t1, t0, width); /* 2^20 - 1 */
    each_sqr(r, t1, 20, width);  /* 2^40 - 2^20 */
    each_mul(t1, r, t1, width);  /* 2^40 - 1 */
    each_sqr(t1, t1, 10, width); /* 2^50 - 2^10 */
    each_mul(t0, t1, t0, width); /* 2^50 - 1 */
    each_sqr(t1, t0, 50, width); /* 2^100 - 2^50 */
    each_mul(t1, t1, t0, width); /* 2^100 - 1 */
    each_sqr(r, t1, 100, width); /* 2^200 - 2^100 */
    each_mul(t1, r, t1, width);  /* 2^200 - 1 */
    each_sqr(t1, t1, 50, width); /* 2^250 - 2^50 */
    each_mul(t0, t1, t0, width); /* 2^250 - 1 */
    each_sqr(t0, t0, 2, width);  /* 2^252 - 4 */
    each_mul(r, t0, z, width);   /* 2^252 - 3 */
}

static __attribute__((noinline)) void fe_pow22523(struct fe r[FE_WIDE], const struct fe z[FE_WIDE])
{
    each_pow22523(r, z, FE_WIDE);
}

/* 1/a = a^(p-2) = (a^(2^252-3))^8 * a^3; zero for zero. */
static inline void fe_invert(struct fe *r, const struct fe *a)
{
    struct fe t;
    struct fe cube;

    fe_sqr(&cube, a);
    fe_mul(&cube, &cube, a);
    each_pow22523(&t, a, 1);
    one_sqr_again(&t, 3);
    fe_mul(r, &t, &cube);
}

/* [RFC 9496 s4.2, SQRT_RATIO_M1]  r = |sqrt(u/v)|, or |sqrt(i*u/v)| when u/v is no square; all
 * ones in is_square when it is one. r must not be u or v. */
static inline void fe_sqrt_ratio(fe_mask is_square[FE_WIDE], struct fe r[FE_WIDE],
                                 const struct fe u[FE_WIDE], const struct fe v[FE_WIDE])
{
    struct fe uv3[FE_WIDE];
    struct fe t[FE_WIDE];
    struct fe check;
    struct fe ui;

    for (int i = 0; i < FE_WIDE; i++) {
        fe_sqr(&uv3[i], &v[i]);
        fe_mul(&uv3[i], &uv3[i], &v[i]);
        fe_sqr(&t[i], &uv3[i]);
        fe_mul(&t[i], &t[i], &v[i]); /* v^7 */
        fe_mul(&t[i], &t[i], &u[i]);
        fe_mul(&uv3[i], &uv3[i], &u[i]);
    }
    fe_pow22523(r, t);
    for (int i = 0; i < FE_WIDE; i++) {
        fe_mul(&r[i], &r[i], &uv3[i]); /* u v^3 (u v^7)^((p-5)/8) */
        fe_sqr(&check, &r[i]);
        fe_mul(&check, &check, &v[i]);
        fe_mul(&ui, &u[i], &FE_SQRT_M1);
        fe_sub(&t[i], &check, &u[i]);
        const fe_mask correct = fe_mask_zero(&t[i]);
        fe_add(&t[i], &check, &u[i]);
        const fe_mask flipped = fe_mask_zero(&t[i]);
        fe_add(&t[i], &check, &ui);
        const fe_mask flipped_i = fe_mask_zero(&t[i]);
        fe_mul(&t[i], &r[i], &FE_SQRT_M1);
        fe_select(&r[i], &t[i], flipped | flipped_i);
        fe_abs(&r[i]);
        is_square[i] = correct | flipped;
    }
}

struct decoding { /* of one element: RFC 9496 section 4.3.1's names */
    struct fe s, u1, u2, v;
};

/* u2_sqr times v, whose inverse square root gives x and y. */
static inline void decoding_begin(struct decoding *d, struct fe *u2_sqr_v)
{
    struct fe t;

    fe_sqr(&t, &d->s);
    fe_sub(&d->u1, &FE_ONE, &t);
    fe_add(&d->u2, &FE_ONE, &t);
    fe_sqr(&t, &d->u2);
    fe_sqr(&d->v, &d->u1);
    fe_mul(&d->v, &d->v, &FE_D);
    fe_add(&d->v, &d->v, &t);
    fe_neg(&d->v, &d->v); /* -(d u1^2) - u2^2 */
    fe_mul(u2_sqr_v, &d->v, &t);
}

/* bad: lanes already known to be. */
static inline fe_mask decoding_end(struct ge *p, const struct decoding *d, const struct fe *inv,
                                   fe_mask bad)
{
    struct fe den_x;
    struct fe den_y;

    fe_mul(&den_x, inv, &d->u2);
    fe_mul(&den_y, inv, &den_x);
    fe_mul(&den_y, &den_y, &d->v);
    fe_mul(&p->x, &d->s, &den_x);
    fe_add(&p->x, &p->x, &p->x);
    fe_abs(&p->x);
    fe_mul(&p->y, &d->u1, &den_y);
    fe_mul(&p->t, &p->x, &p->y);
    p->z = FE_ONE;
    bad |= fe_mask_negative(&p->t) | fe_mask_zero(&p->y);
    fe_select(&p->x, &GE_IDENTITY.x, bad);
    fe_select(&p->y, &GE_IDENTITY.y, bad);
    fe_select(&p->t, &GE_IDENTITY.t, bad);
    return bad;
}

/* Points of FE_WIDE times FE_LANES encodings; the masks say which are malformed or the identity,
 * and those lanes hold the identity. */
static inline void ge_decode(fe_mask bad[FE_WIDE], struct ge p[FE_WIDE], const struct point *in)
{
    struct decoding d[FE_WIDE];
    struct fe ones[FE_WIDE];
    struct fe t[FE_WIDE];
    struct fe inv[FE_WIDE];
    fe_mask is_square[FE_WIDE];

    for (int i = 0; i < FE_WIDE; i++) {
        /* Canonical: below p, bit 255 clear and even. Zero would be the identity. */
        bad[i] = fe_load_strict(&d[i].s, in[(size_t)i * FE_LANES].b, sizeof *in);
        bad[i] |= fe_mask_negative(&d[i].s) | fe_mask_zero(&d[i].s);
        decoding_begin(&d[i], &t[i]);
        ones[i] = FE_ONE;
    }
    fe_sqrt_ratio(is_square, inv, ones, t);
    for (int i = 0; i < FE_WIDE; i++)
        bad[i] = decoding_end(&p[i], &d[i], &inv[i], bad[i] | (fe_mask)~is_square[i]);
}

struct encoding {
    struct fe u1, u2;
};

static inline void encoding_end(struct point *out, const struct ge *p, struct encoding *e,
                                const struct fe *inv)
{
    struct fe z_inv;
    struct fe t;
    struct fe x = p->x;
    struct fe y = p->y;

    fe_mul(&e->u1, inv, &e->u1); /* den1 */
    fe_mul(&e->u2, inv, &e->u2); /* den2 */
    fe_mul(&z_inv, &e->u1, &e->u2);
    fe_mul(&z_inv, &z_inv, &p->t);
    fe_mul(&t, &p->t, &z_inv);
    const fe_mask rotate = fe_mask_negative(&t);
    fe_mul(&t, &p->y, &FE_SQRT_M1);
    fe_select(&x, &t, rotate);
    fe_mul(&t, &p->x, &FE_SQRT_M1);
    fe_select(&y, &t, rotate);
    fe_mul(&t, &e->u1, &FE_INVSQRT_A_MINUS_D);
    fe_select(&e->u2, &t, rotate); /* den_inv */
    fe_mul(&t, &x, &z_inv);
    fe_negate_if(&y, fe_mask_negative(&t));
    fe_sub(&t, &p->z, &y);
    fe_mul(&t, &t, &e->u2);
    fe_abs(&t);
    fe_store(out->b, sizeof *out, &t);
}

/* out: FE_WIDE times FE_LANES. */
static inline void ge_encode(struct point *out, const struct ge p[FE_WIDE])
{
    struct encoding e[FE_WIDE];
    struct fe ones[FE_WIDE];
    struct fe t[FE_WIDE];
    struct fe inv[FE_WIDE];
    fe_mask is_square[FE_WIDE]; /* always, for a point of the group */

    for (int i = 0; i < FE_WIDE; i++) {
        fe_add(&e[i].u1, &p[i].z, &p[i].y);
        fe_sub(&t[i], &p[i].z, &p[i].y);
        fe_mul(&e[i].u1, &e[i].u1, &t[i]);
        fe_mul(&e[i].u2, &p[i].x, &p[i].y);
        fe_sqr(&t[i], &e[i].u2);
        fe_mul(&t[i], &t[i], &e[i].u1);
        ones[i] = FE_ONE;
    }
    fe_sqrt_ratio(is_square, inv, ones, t);
    for (int i = 0; i < FE_WIDE; i++)
        encoding_end(&out[(size_t)i * FE_LANES], &p[i], &e[i], &inv[i]);
}

/* What the encoding of 2P needs, in terms of P: with e = 2XY, f = ZZ + dTT, g = YY + XX and
 * h = ZZ - dTT, 2P = (ef : gh : fg : eh), and the one inversion in its encoding is of efgh. */
struct doubled {
    struct fe e, f, g, h, eg, fh;
    struct fe before; /* product of efgh of the points before this one */
    fe_mask zero;     /* efgh = 0: 2P is the identity */
};
struct doubled_chunk {
    struct doubled d[GE_CHUNK];
};
PT_SECRET_TYPE(doubled_chunk);

static inline void doubled_of(struct doubled *d, const struct ge *p)
{
    struct fe a;
    struct fe b;

    fe_mul(&a, &p->x, &p->y);
    fe_add(&d->e, &a, &a);
    fe_sqr(&a, &p->x);
    fe_sqr(&b, &p->y);
    fe_add(&d->g, &a, &b);
    fe_sqr(&a, &p->z);
    fe_sqr(&b, &p->t);
    fe_mul(&b, &b, &FE_D);
    fe_add(&d->f, &a, &b);
    fe_sub(&d->h, &a, &b);
    fe_mul(&d->eg, &d->e, &d->g);
    fe_mul(&d->fh, &d->f, &d->h);
}

/* w = 1/(efgh), or anything when d->zero. */
static inline void doubled_encode(struct point *out, struct doubled *d, struct fe *w)
{
    static const struct fe zero = FE_CONST(0, 0, 0, 0, 0);
    struct fe z_inv;
    struct fe t_inv;
    struct fe t;
    struct fe magic = FE_INVSQRT_A_MINUS_D;

    fe_select(w, &zero, d->zero);
    fe_mul(&z_inv, &d->eg, w);
    fe_mul(&t_inv, &d->fh, w);
    fe_mul(&t, &d->eg, &z_inv);
    fe_mask rotate = fe_mask_negative(&t);
    struct fe minus_e;
    struct fe f_times_i;
    fe_neg(&minus_e, &d->e);
    fe_mul(&f_times_i, &d->f, &FE_SQRT_M1);
    fe_select(&d->e, &d->g, rotate);
    fe_select(&d->g, &minus_e, rotate);
    fe_select(&d->h, &f_times_i, rotate);
    fe_select(&magic, &FE_SQRT_M1, rotate);
    fe_mul(&t, &d->h, &d->e);
    fe_mul(&t, &t, &z_inv);
    fe_negate_if(&d->g, fe_mask_negative(&t));
    fe_sub(&t, &d->h, &d->g);
    fe_mul(&t, &t, &magic);
    fe_mul(&z_inv, &d->g, &t_inv);
    fe_mul(&t, &t, &z_inv);
    fe_abs(&t);
    fe_store(out->b, sizeof *out, &t);
}

/* out[i] = encoding of 2*p[i] lane by lane, n <= GE_CHUNK: no square root is needed, one inversion
 * serves all. */
static inline void ge_double_encode(struct point *out, const struct ge *p, size_t n)
{
    PT_WIPED(doubled_chunk) c = {0};
    struct fe acc = FE_ONE;
    struct fe efgh;
    struct fe w;

    for (size_t i = 0; i < n; i++) {
        struct doubled *d = &c.d[i];
        doubled_of(d, &p[i]);
        fe_mul(&efgh, &d->eg, &d->fh);
        d->zero = fe_mask_zero(&efgh);
        fe_select(&efgh, &FE_ONE, d->zero);
        d->before = acc;
        fe_mul(&acc, &acc, &efgh);
    }
    fe_invert(&acc, &acc);
    for (size_t i = n; i-- > 0;) {
        struct doubled *d = &c.d[i];
        fe_mul(&w, &acc, &d->before);
        fe_mul(&efgh, &d->eg, &d->fh);
        fe_select(&efgh, &FE_ONE, d->zero);
        fe_mul(&acc, &acc, &efgh);
        doubled_encode(&out[i * FE_LANES], d, &w);
    }
}

static inline void ge_cache(struct ge_cached *out, const struct ge *p)
{
    fe_add(&out->y_plus_x, &p->y, &p->x);
    fe_sub(&out->y_minus_x, &p->y, &p->x);
    fe_add(&out->z2, &p->z, &p->z);
    fe_mul(&out->t2d, &p->t, &FE_2D);
}

/* A sum before its last products: x = ef, y = gh, z = gf, t = eh. e and g are first factors. */
struct ge_sum {
    struct fe e, f, g, h;
};

FE_INLINE void sum_project(struct ge *r, const struct ge_sum *s)
{
    fe_mul(&r->x, &s->e, &s->f);
    fe_mul(&r->y, &s->g, &s->h);
    fe_mul(&r->z, &s->g, &s->f);
}

FE_INLINE void sum_extend(struct ge *r, const struct ge_sum *s)
{
    sum_project(r, s);
    fe_mul(&r->t, &s->e, &s->h);
}

/* Does not read p->t. */
FE_INLINE void sum_double(struct ge_sum *s, const struct ge *p)
{
    struct fe a;
    struct fe b;
    struct fe c;
    struct fe d;
    struct fe t;

    fe_sqr_minuend(&a, &p->x);
    fe_sqr_wide(&b, &p->y);
    fe_add_to_square(&t, &p->x, &p->y);
    fe_sqr_wide(&t, &t);
    fe_sqr_wide(&c, &p->z);
    fe_add_wide(&d, &a, &b);
    fe_narrow(&s->h, &d);
    fe_sub_wide(&d, &d, &t);
    fe_narrow_first(&s->e, &d);
    fe_sub_wide(&d, &a, &b);
    fe_narrow_first(&s->g, &d);
    fe_add_wide(&c, &c, &c);
    fe_add_wide(&d, &d, &c);
    fe_narrow_sum(&s->f, &d);
}

/* q's parts but for t2d are those of the point added; t2d is minus its own in the lanes of minus. */
FE_INLINE void sum_add(struct ge_sum *s, const struct ge *p, const struct ge_cached *q,
                       fe_mask minus)
{
    struct fe a;
    struct fe b;
    struct fe c;
    struct fe d;
    struct fe t;

    fe_sub_loose(&a, &p->y, &p->x);
    fe_mul_wide(&a, &a, &q->y_minus_x);
    fe_add_loose(&b, &p->y, &p->x);
    fe_mul_minuend(&b, &b, &q->y_plus_x);
    fe_mul_wide(&c, &p->t, &q->t2d);
    fe_mul_minuend(&d, &p->z, &q->z2);
    fe_sub_wide(&t, &b, &a);
    fe_narrow_first(&s->e, &t);
    fe_add_wide(&t, &b, &a);
    fe_narrow(&s->h, &t);
    fe_both_wide(&a, &b, &d, &c, minus);
    fe_narrow(&s->f, &b);
    fe_narrow_first(&s->g, &a);
}

static inline void ge_add(struct ge *r, const struct ge *p, const struct ge_cached *q)
{
    struct ge_sum s;

    sum_add(&s, p, q, 0);
    sum_extend(r, &s);
}

/* r = a in the lanes of mask, unchanged in the others. */
static inline void ge_cached_select(struct ge_cached *r, const struct ge_cached *a, fe_mask mask)
{
    fe_select(&r->y_plus_x, &a->y_plus_x, mask);
    fe_select(&r->y_minus_x, &a->y_minus_x, mask);
    fe_select(&r->z2, &a->z2, mask);
    fe_select(&r->t2d, &a->t2d, mask);
}

static inline void ge_double(struct ge *r, const struct ge *p)
{
    struct ge_sum s;

    sum_double(&s, p);
    sum_extend(r, &s);
}

#endif
