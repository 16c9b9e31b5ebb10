/* curve_lanes.h - points of edwards25519 in extended coordinates, and ristretto255's way in and out
 * (RFC 9496 section 4.3), over whatever field its includer brought: fe51.h (one lane) or
 * fe_ifma.h (eight). One source, so that back-ends agree bit for bit.
 *
 * A field brings struct fe, FE_LANES, FE_CONST, fe_mask (a bit or a word a lane) and fe_*(). For
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

enum { GE_CHUNK = 32 / FE_LANES }; /* elements that share one inversion a lane */

static const struct ge GE_IDENTITY = {.y = FE_CONST(1, 0, 0, 0, 0), .z = FE_CONST(1, 0, 0, 0, 0)};

static inline void fe_sqr_times(struct fe *r, const struct fe *a, int times)
{
    fe_sqr(r, a);
    while (--times > 0)
        fe_sqr(r, r);
}

/* r = z^(2^252 - 3), the exponent of a square root; r must not be z. */
static inline void fe_pow22523(struct fe *r, const struct fe *z)
{
    struct fe t0;
    struct fe t1;

    fe_sqr(&t0, z);             /* 2 */
    fe_sqr_times(&t1, &t0, 2);  /* 8 */
    fe_mul(&t1, z, &t1);        /* 9 */
    fe_mul(&t0, &t0, &t1);      /* 11 */
    fe_sqr(&t0, &t0);           /* 22 */
    fe_mul(&t0, &t1, &t0);      /* 31 = 2^5 - 1 */
    fe_sqr_times(&t1, &t0, 5);  /* 2^10 - 2^5 */
    fe_mul(&t0, &t1, &t0);      /* 2^10 - 1 */
    fe_sqr_times(&t1, &t0, 10); /* 2^20 - 2^10 */
    fe_mul(&t1, &t1, &t0);      /* 2^20 - 1 */
    fe_sqr_times(r, &t1, 20);   /* 2^40 - 2^20 */
    fe_mul(&t1, r, &t1);        /* 2^40 - 1 */
    fe_sqr_times(&t1, &t1, 10); /* 2^50 - 2^10 */
    fe_mul(&t0, &t1, &t0);      /* 2^50 - 1 */
    fe_sqr_times(&t1, &t0, 50); /* 2^100 - 2^50 */
    fe_mul(&t1, &t1, &t0);      /* 2^100 - 1 */
    fe_sqr_times(r, &t1, 100);  /* 2^200 - 2^100 */
    fe_mul(&t1, r, &t1);        /* 2^200 - 1 */
    fe_sqr_times(&t1, &t1, 50); /* 2^250 - 2^50 */
    fe_mul(&t0, &t1, &t0);      /* 2^250 - 1 */
    fe_sqr_times(&t0, &t0, 2);  /* 2^252 - 4 */
    fe_mul(r, &t0, z);          /* 2^252 - 3 */
}

/* 1/a = a^(p-2) = (a^(2^252-3))^8 * a^3; zero for zero. */
static inline void fe_invert(struct fe *r, const struct fe *a)
{
    struct fe t;
    struct fe cube;

    fe_sqr(&cube, a);
    fe_mul(&cube, &cube, a);
    fe_pow22523(&t, a);
    fe_sqr_times(&t, &t, 3);
    fe_mul(r, &t, &cube);
}

/* [RFC 9496 s4.2, SQRT_RATIO_M1]  r = |sqrt(u/v)|, or |sqrt(i*u/v)| when u/v is no square; all
 * ones when it is one. r must not be u or v. */
static inline fe_mask fe_sqrt_ratio(struct fe *r, const struct fe *u, const struct fe *v)
{
    struct fe v3;
    struct fe t;
    struct fe check;
    struct fe ui;

    fe_sqr(&v3, v);
    fe_mul(&v3, &v3, v);
    fe_sqr(&t, &v3);
    fe_mul(&t, &t, v); /* v^7 */
    fe_mul(&t, &t, u);
    fe_pow22523(r, &t);
    fe_mul(r, r, &v3);
    fe_mul(r, r, u); /* u v^3 (u v^7)^((p-5)/8) */
    fe_sqr(&check, r);
    fe_mul(&check, &check, v);
    fe_mul(&ui, u, &FE_SQRT_M1);
    fe_sub(&t, &check, u);
    fe_mask correct = fe_mask_zero(&t);
    fe_add(&t, &check, u);
    fe_mask flipped = fe_mask_zero(&t);
    fe_add(&t, &check, &ui);
    fe_mask flipped_i = fe_mask_zero(&t);
    fe_mul(&t, r, &FE_SQRT_M1);
    fe_select(r, &t, flipped | flipped_i);
    fe_abs(r);
    return correct | flipped;
}

/* Points of FE_LANES encodings; the mask says which are malformed or the identity, and those
 * lanes hold the identity. */
static inline fe_mask ge_decode(struct ge *p, const struct point *in)
{
    struct fe s;
    struct fe u1;
    struct fe u2;
    struct fe u2_sqr;
    struct fe v;
    struct fe inv;
    struct fe t;

    /* Canonical: below p, bit 255 clear and even. Zero would be the identity. */
    fe_mask bad = fe_load_strict(&s, in->b, sizeof *in);
    bad |= fe_mask_negative(&s) | fe_mask_zero(&s);
    fe_sqr(&t, &s);
    fe_sub(&u1, &FE_ONE, &t);
    fe_add(&u2, &FE_ONE, &t);
    fe_sqr(&u2_sqr, &u2);
    fe_sqr(&v, &u1);
    fe_mul(&v, &v, &FE_D);
    fe_add(&v, &v, &u2_sqr);
    fe_neg(&v, &v); /* -(d u1^2) - u2^2 */
    fe_mul(&t, &v, &u2_sqr);
    bad |= (fe_mask)~fe_sqrt_ratio(&inv, &FE_ONE, &t);
    fe_mul(&t, &inv, &u2);  /* den_x */
    fe_mul(&inv, &inv, &t); /* with v: den_y */
    fe_mul(&inv, &inv, &v);
    fe_mul(&p->x, &s, &t);
    fe_add(&p->x, &p->x, &p->x);
    fe_abs(&p->x);
    fe_mul(&p->y, &u1, &inv);
    fe_mul(&p->t, &p->x, &p->y);
    p->z = FE_ONE;
    bad |= fe_mask_negative(&p->t) | fe_mask_zero(&p->y);
    fe_select(&p->x, &GE_IDENTITY.x, bad);
    fe_select(&p->y, &GE_IDENTITY.y, bad);
    fe_select(&p->t, &GE_IDENTITY.t, bad);
    return bad;
}

static inline void ge_encode(struct point *out, const struct ge *p)
{
    struct fe u1;
    struct fe u2;
    struct fe inv;
    struct fe z_inv;
    struct fe t;
    struct fe x = p->x;
    struct fe y = p->y;

    fe_add(&u1, &p->z, &p->y);
    fe_sub(&t, &p->z, &p->y);
    fe_mul(&u1, &u1, &t);
    fe_mul(&u2, &p->x, &p->y);
    fe_sqr(&t, &u2);
    fe_mul(&t, &t, &u1);
    (void)fe_sqrt_ratio(&inv, &FE_ONE, &t); /* always a square for a point of the group */
    fe_mul(&u1, &inv, &u1);                 /* den1 */
    fe_mul(&u2, &inv, &u2);                 /* den2 */
    fe_mul(&z_inv, &u1, &u2);
    fe_mul(&z_inv, &z_inv, &p->t);
    fe_mul(&t, &p->t, &z_inv);
    fe_mask rotate = fe_mask_negative(&t);
    fe_mul(&t, &p->y, &FE_SQRT_M1);
    fe_select(&x, &t, rotate);
    fe_mul(&t, &p->x, &FE_SQRT_M1);
    fe_select(&y, &t, rotate);
    fe_mul(&t, &u1, &FE_INVSQRT_A_MINUS_D);
    fe_select(&u2, &t, rotate); /* den_inv */
    fe_mul(&t, &x, &z_inv);
    fe_negate_if(&y, fe_mask_negative(&t));
    fe_sub(&t, &p->z, &y);
    fe_mul(&t, &t, &u2);
    fe_abs(&t);
    fe_store(out->b, sizeof *out, &t);
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

/* [RFC 9496 s4.3.4, MAP] */
static inline void elligator(struct ge *p, const struct fe *t)
{
    struct fe r;
    struct fe u;
    struct fe v;
    struct fe s;
    struct fe s_prime;
    struct fe c;
    struct fe n;

    fe_sqr(&r, t);
    fe_mul(&r, &r, &FE_SQRT_M1);
    fe_add(&u, &r, &FE_ONE);
    fe_mul(&u, &u, &FE_ONE_MINUS_D_SQ);
    fe_mul(&v, &r, &FE_D);
    fe_add(&v, &v, &FE_ONE);
    fe_neg(&v, &v); /* -1 - r d */
    fe_add(&c, &r, &FE_D);
    fe_mul(&v, &v, &c);
    fe_mask not_square = (fe_mask)~fe_sqrt_ratio(&s, &u, &v);
    fe_mul(&s_prime, &s, t);
    fe_abs(&s_prime);
    fe_neg(&s_prime, &s_prime);
    fe_select(&s, &s_prime, not_square);
    fe_neg(&c, &FE_ONE);
    fe_select(&c, &r, not_square);
    fe_sub(&n, &r, &FE_ONE);
    fe_mul(&n, &n, &c);
    fe_mul(&n, &n, &FE_D_MINUS_ONE_SQ);
    fe_sub(&n, &n, &v);
    fe_mul(&u, &s, &v);
    fe_add(&u, &u, &u);                    /* w0 = 2 s v */
    fe_mul(&n, &n, &FE_SQRT_AD_MINUS_ONE); /* w1 */
    fe_sqr(&v, &s);
    fe_sub(&r, &FE_ONE, &v); /* w2 = 1 - s^2 */
    fe_add(&v, &FE_ONE, &v); /* w3 = 1 + s^2 */
    fe_mul(&p->x, &u, &v);
    fe_mul(&p->y, &r, &n);
    fe_mul(&p->z, &n, &v);
    fe_mul(&p->t, &u, &r);
}

static inline void ge_cache(struct ge_cached *out, const struct ge *p)
{
    fe_add_loose(&out->y_plus_x, &p->y, &p->x);
    fe_sub_loose(&out->y_minus_x, &p->y, &p->x);
    fe_add(&out->z2, &p->z, &p->z);
    fe_mul(&out->t2d, &p->t, &FE_2D);
}

/* A sum before its last products: x = ef, y = gh, z = fg, t = eh. Loose. */
struct ge_sum {
    struct fe e, f, g, h;
};

static inline void sum_project(struct ge *r, const struct ge_sum *s)
{
    fe_mul(&r->x, &s->e, &s->f);
    fe_mul(&r->y, &s->g, &s->h);
    fe_mul(&r->z, &s->f, &s->g);
}

static inline void sum_extend(struct ge *r, const struct ge_sum *s)
{
    sum_project(r, s);
    fe_mul(&r->t, &s->e, &s->h);
}

/* Does not read p->t. */
static inline void sum_double(struct ge_sum *s, const struct ge *p)
{
    struct fe a;
    struct fe b;
    struct fe c;
    struct fe t;

    fe_sqr(&a, &p->x);
    fe_sqr(&b, &p->y);
    fe_add_loose(&t, &p->x, &p->y);
    fe_sqr(&t, &t);
    fe_sqr(&c, &p->z);
    fe_add_loose(&s->h, &a, &b);
    fe_sub_loose(&s->e, &s->h, &t);
    fe_sub_loose(&s->g, &a, &b);
    fe_add_loose(&c, &c, &c);
    fe_add_loose(&s->f, &s->g, &c);
}

static inline void sum_add(struct ge_sum *s, const struct ge *p, const struct ge_cached *q)
{
    struct fe a;
    struct fe b;
    struct fe c;
    struct fe d;

    fe_sub_loose(&a, &p->y, &p->x);
    fe_mul(&a, &a, &q->y_minus_x);
    fe_add_loose(&b, &p->y, &p->x);
    fe_mul(&b, &b, &q->y_plus_x);
    fe_mul(&c, &p->t, &q->t2d);
    fe_mul(&d, &p->z, &q->z2);
    fe_sub_loose(&s->e, &b, &a);
    fe_add_loose(&s->h, &b, &a);
    fe_sub_loose(&s->f, &d, &c);
    fe_add_loose(&s->g, &d, &c);
}

static inline void ge_add(struct ge *r, const struct ge *p, const struct ge_cached *q)
{
    struct ge_sum s;

    sum_add(&s, p, q);
    sum_extend(r, &s);
}

/* Lanes are 64 bytes apart. */
static inline void ge_map(struct ge *p, const uint8_t *wide)
{
    struct fe t;
    struct ge q;
    struct ge_cached c;

    fe_load(&t, wide, 64);
    elligator(p, &t);
    fe_load(&t, wide + 32, 64);
    elligator(&q, &t);
    ge_cache(&c, &q);
    ge_add(p, p, &c);
}

/* r = a in the lanes of mask, unchanged in the others. */
static inline void ge_select(struct ge *r, const struct ge *a, fe_mask mask)
{
    fe_select(&r->x, &a->x, mask);
    fe_select(&r->y, &a->y, mask);
    fe_select(&r->z, &a->z, mask);
    fe_select(&r->t, &a->t, mask);
}

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

struct ladder {
    struct ge_cached multiple[8]; /* 1P..8P */
    struct ge_cached chosen;
    struct ge_sum sum;
    struct ge acc;
};
PT_SECRET_TYPE(ladder);

/* chosen = digit i * P lane by lane, reading the whole table. */
static inline void ladder_choose(struct ladder *l, const int8_t (*digit)[64], int i)
{
    struct ge_cached c = {0};
    struct fe t;
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
    t = c.y_plus_x;
    fe_select(&c.y_plus_x, &c.y_minus_x, minus);
    fe_select(&c.y_minus_x, &t, minus);
    fe_negate_if(&c.t2d, minus);
    l->chosen = c;
    explicit_bzero(size, sizeof size);
}

/* p = (sum digit[lane][i] * 16^i) * p, digits in -8..8. Secret digits, secret point. */
static inline void ge_mul(struct ge *p, const int8_t (*digit)[64])
{
    PT_WIPED(ladder) l = {0};

    l.acc = *p;
    ge_cache(&l.multiple[0], p);
    for (int i = 1; i < 8; i++) {
        ge_add(&l.acc, &l.acc, &l.multiple[0]);
        ge_cache(&l.multiple[i], &l.acc);
    }
    l.acc = GE_IDENTITY;
    for (int i = 63; i >= 0; i--) {
        for (int j = 0; j < 3; j++) {
            sum_double(&l.sum, &l.acc);
            sum_project(&l.acc, &l.sum);
        }
        sum_double(&l.sum, &l.acc);
        sum_extend(&l.acc, &l.sum);
        ladder_choose(&l, digit, i);
        sum_add(&l.sum, &l.acc, &l.chosen);
        sum_project(&l.acc, &l.sum);
    }
    sum_extend(p, &l.sum);
}

#endif
