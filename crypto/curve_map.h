/* curve_map.h - ristretto255's map of uniform bytes (RFC 9496 section 4.3.4), to points and to encodings.
 *
 * What the map makes of 32 bytes is a point of the Jacobi quartic t^2 = s^4 + 486662 s^2 + 1, of which a
 * point of the curve is the image under an isogeny; and an encoding is an s. So two of them are added on
 * the quartic, and where the sum is only to be encoded it never leaves it: no square root is needed, one
 * inversion serves a chunk. (Hamburg, Decaf, CRYPTO 2015; for the sum: Billet and Joye, AAECC 2003.)
 * Over curve_lanes.h; constant time but where it says so. */
#ifndef PT_CURVE_MAP_H
#define PT_CURVE_MAP_H

#include "crypto/curve_lanes.h"

static const struct fe FE_QUARTIC_A = FE_CONST(486662, 0, 0, 0, 0); /* 2 (1 - d)/(1 + d) */
static const struct fe FE_INVSQRT_AD_MINUS_ONE =
    FE_CONST(0x702557fa2bf03, 0x514b7d1a82cc6, 0x7f89efd8b43a7, 0x1aef49ec23700, 0x79376fa30500);

struct quartic { /* the point (s, n/v) */
    struct fe s, n, v;
};

/* [RFC 9496 s4.3.4, MAP], in its names. */
struct mapping {
    struct fe r, u, v;
};

static inline void mapping_begin(struct mapping *m, const struct fe *t)
{
    struct fe c;

    fe_sqr(&m->r, t);
    fe_mul(&m->r, &m->r, &FE_SQRT_M1);
    fe_add(&m->u, &m->r, &FE_ONE);
    fe_mul(&m->u, &m->u, &FE_ONE_MINUS_D_SQ);
    fe_mul(&m->v, &m->r, &FE_D);
    fe_add(&m->v, &m->v, &FE_ONE);
    fe_neg(&m->v, &m->v); /* -1 - r d */
    fe_add(&c, &m->r, &FE_D);
    fe_mul(&m->v, &m->v, &c);
}

static inline void mapping_end(struct quartic *q, const struct mapping *m, const struct fe *t,
                               const struct fe *s, fe_mask is_square)
{
    struct fe s_prime;
    struct fe c;

    q->s = *s;
    q->v = m->v;
    fe_mul(&s_prime, s, t);
    fe_abs(&s_prime);
    fe_neg(&s_prime, &s_prime);
    fe_select(&q->s, &s_prime, (fe_mask)~is_square);
    fe_neg(&c, &FE_ONE);
    fe_select(&c, &m->r, (fe_mask)~is_square);
    fe_sub(&q->n, &m->r, &FE_ONE);
    fe_mul(&q->n, &q->n, &c);
    fe_mul(&q->n, &q->n, &FE_D_MINUS_ONE_SQ);
    fe_sub(&q->n, &q->n, &m->v);
}

static inline void elligator(struct quartic q[FE_WIDE], const struct fe t[FE_WIDE])
{
    struct mapping m[FE_WIDE];
    struct fe u[FE_WIDE];
    struct fe v[FE_WIDE];
    struct fe s[FE_WIDE];
    fe_mask is_square[FE_WIDE];

    for (int i = 0; i < FE_WIDE; i++) {
        mapping_begin(&m[i], &t[i]);
        u[i] = m[i].u;
        v[i] = m[i].v;
    }
    fe_sqrt_ratio(is_square, s, u, v);
    for (int i = 0; i < FE_WIDE; i++)
        mapping_end(&q[i], &m[i], &t[i], &s[i], is_square[i]);
}

/* The isogeny's image. A map whose v is zero has s = 0 and gives the identity. */
static inline void quartic_to_ge(struct ge *p, const struct quartic *q)
{
    struct fe w0;
    struct fe w1;
    struct fe w2;
    struct fe w3;

    fe_mul(&w0, &q->s, &q->v);
    fe_add(&w0, &w0, &w0);
    fe_mul(&w1, &q->n, &FE_SQRT_AD_MINUS_ONE);
    fe_sqr(&w3, &q->s);
    fe_sub(&w2, &FE_ONE, &w3);
    fe_add(&w3, &FE_ONE, &w3);
    fe_mul(&p->x, &w0, &w3);
    fe_mul(&p->y, &w2, &w1);
    fe_mul(&p->z, &w1, &w3);
    fe_mul(&p->t, &w0, &w2);
}

/* Both halves of 64 bytes, FE_WIDE times FE_LANES of them. */
static inline void map_halves(struct quartic a[FE_WIDE], struct quartic b[FE_WIDE],
                              const uint8_t (*wide)[64])
{
    struct fe t[FE_WIDE];

    for (int i = 0; i < FE_WIDE; i++)
        fe_load(&t[i], wide[(size_t)i * FE_LANES], sizeof *wide);
    elligator(a, t);
    for (int i = 0; i < FE_WIDE; i++)
        fe_load(&t[i], wide[(size_t)i * FE_LANES] + 32, sizeof *wide);
    elligator(b, t);
}

/* The sums of the maps of both halves. */
static inline void ge_map(struct ge p[FE_WIDE], const uint8_t (*wide)[64])
{
    struct quartic a[FE_WIDE];
    struct quartic b[FE_WIDE];
    struct ge_cached c;
    struct ge other;

    map_halves(a, b, wide);
    for (int i = 0; i < FE_WIDE; i++) {
        quartic_to_ge(&p[i], &a[i]);
        quartic_to_ge(&other, &b[i]);
        ge_cache(&c, &other);
        ge_add(&p[i], &p[i], &c);
    }
}

/* A sum (s, t) on the quartic with s = n/d, on its way to an encoding. Its image has x = g/tc and y = f/e
 * with f = d^2 - n^2 and e = d^2 + n^2. */
struct quartic_sum {
    struct fe n, d, g, tc, v;
    struct fe before; /* product over the sums before this one of what they invert */
};

static inline void quartic_add(struct quartic_sum *r, const struct quartic *a,
                               const struct quartic *b)
{
    struct fe p;
    struct fe pp;
    struct fe t;
    struct fe u;

    fe_mul(&t, &a->s, &b->n);
    fe_mul(&t, &t, &a->v);
    fe_mul(&u, &b->s, &a->n);
    fe_mul(&u, &u, &b->v);
    fe_add(&r->n, &t, &u); /* over v, s1 t2 + s2 t1 */
    fe_mul(&p, &a->s, &b->s);
    fe_sqr(&pp, &p);
    fe_mul(&r->v, &a->v, &b->v);
    fe_sub(&t, &FE_ONE, &pp);
    fe_mul(&r->d, &r->v, &t); /* over v, 1 - s1^2 s2^2 */
    fe_mul(&r->g, &r->n, &t);
    fe_add(&r->g, &r->g, &r->g);
    /* over v and (1 - s1^2 s2^2)^2, the sum's t: (1 + p^2)(t1 t2 + A p) + 2 p (s1^2 + s2^2) */
    fe_mul(&p, &r->v, &p);
    fe_mul(&t, &a->n, &b->n);
    fe_mul(&u, &p, &FE_QUARTIC_A);
    fe_add(&t, &t, &u);
    fe_add(&pp, &FE_ONE, &pp);
    fe_mul(&r->tc, &pp, &t);
    fe_sqr(&t, &a->s);
    fe_sqr(&u, &b->s);
    fe_add(&t, &t, &u);
    fe_add(&t, &t, &t);
    fe_mul(&t, &t, &p);
    fe_add(&r->tc, &r->tc, &t);
    fe_mul(&r->tc, &r->tc, &FE_SQRT_AD_MINUS_ONE);
    fe_mul(&r->v, &r->v, &FE_INVSQRT_AD_MINUS_ONE);
}

struct quartic_parts { /* products that inverting and encoding need */
    struct fe nn, dd, nd, e, f, tce;
};

static inline void quartic_parts_of(struct quartic_parts *p, struct fe *all,
                                    const struct quartic_sum *q)
{
    fe_sqr(&p->nn, &q->n);
    fe_sqr(&p->dd, &q->d);
    fe_mul(&p->nd, &q->n, &q->d);
    fe_add(&p->e, &p->dd, &p->nn);
    fe_sub(&p->f, &p->dd, &p->nn);
    fe_mul(&p->tce, &q->tc, &p->e);
    fe_mul(all, &p->nd, &p->f);
    fe_mul(all, all, &p->tce);
}

/* w = 1/(n d f tc e). The encoding is |s| with s^2 = (1 - y)/(1 + y), for that one of the points of the same
 * element (RFC 9496 section 4.3.2) that has xy and x not negative. Where xy is not negative already, s or
 * 1/s; else the point is (iy, ix), and the quartic says (1 - ix)/(1 + ix) = ((tc - ig) v / f)^2. */
static inline void quartic_encode(struct point *out, const struct quartic_sum *q,
                                  struct quartic_parts *p, const struct fe *w)
{
    struct fe a;
    struct fe x;
    struct fe t;

    fe_mul(&a, w, &p->nd);
    fe_mul(&a, &a, &p->f); /* 1/(tc e) */
    fe_mul(&x, &a, &q->g);
    fe_mul(&t, &x, &p->f); /* xy */
    const fe_mask rotate = fe_mask_negative(&t);
    fe_mul(&x, &x, &p->e);
    fe_mul(&a, &a, &p->f);
    fe_mul(&a, &a, &q->tc);
    fe_mul(&a, &a, &FE_SQRT_M1); /* iy */
    fe_select(&x, &a, rotate);
    const fe_mask other = fe_mask_negative(&x);
    fe_mul(&t, &q->g, &FE_SQRT_M1);
    fe_negate_if(&t, other);
    fe_sub(&t, &q->tc, &t);
    fe_mul(&t, &t, &q->v);
    fe_select(&p->nn, &p->dd, other);
    fe_select(&p->nn, &t, rotate);
    fe_select(&p->f, &p->nd, rotate);
    fe_mul(&t, w, &p->tce);
    fe_mul(&t, &t, &p->f);
    fe_mul(&t, &t, &p->nn);
    fe_abs(&t);
    fe_store(out->b, sizeof *out, &t);
}

/* out[i] = encoding of sum i lane by lane, n <= GE_CHUNK. In lanes of the mask some product is zero, and
 * out is of no use: one is the identity, or a sum that its formula does not have. Uniform bytes meet that
 * with probability 2^-250, and who hashes cannot bring it about: that it shows in time tells nothing. */
static inline fe_mask quartic_encode_all(struct point *out, struct quartic_sum *q, size_t n)
{
    struct quartic_parts p;
    struct fe acc = FE_ONE;
    struct fe all;
    struct fe w;

    for (size_t i = 0; i < n; i++) {
        quartic_parts_of(&p, &all, &q[i]);
        q[i].before = acc;
        fe_mul(&acc, &acc, &all);
    }
    const fe_mask bad = fe_mask_zero(&acc);
    fe_invert(&acc, &acc);
    for (size_t i = n; i-- > 0;) {
        quartic_parts_of(&p, &all, &q[i]);
        fe_mul(&w, &acc, &q[i].before);
        fe_mul(&acc, &acc, &all);
        quartic_encode(&out[i * FE_LANES], &q[i], &p, &w);
    }
    return bad;
}

#endif
