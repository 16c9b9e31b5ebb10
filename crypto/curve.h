/* curve.h - points of edwards25519 in extended coordinates, and ristretto255's way in and out
 * (RFC 9496 section 4.3). For group.c and group_msm.c only: everyone else speaks encodings.
 *
 * Constant time throughout; which encoding is malformed is public. A point here may come from a
 * secret: who puts one on the stack wipes it. */
#ifndef PT_CURVE_H
#define PT_CURVE_H

#include "crypto/fe51.h"
#include "crypto/group.h"

struct ge { /* x = X/Z, y = Y/Z, xy = T/Z; tight */
    struct fe x, y, z, t;
};
struct ge_cached { /* Y+X, Y-X, 2Z, 2dT: the second operand of an addition */
    struct fe y_plus_x, y_minus_x, z2, t2d;
};
struct ge_affine { /* the same with Z = 1, for public points */
    struct fe y_plus_x, y_minus_x, t2d;
};

enum { GE_CHUNK = 32 }; /* points that share one inversion */

extern const struct ge GE_IDENTITY;

/* True when `in` is canonical and not the identity; p is the identity otherwise. */
PT_MUST_USE bool ge_decode(struct ge *p, const struct point *in);
void ge_encode(struct point *out, const struct ge *p);
/* out[i] = encoding of 2*p[i], n <= GE_CHUNK: no square root is needed, one inversion serves all. */
void ge_double_encode(struct point *out, const struct ge *p, size_t n);
void ge_map(struct ge *p, const uint8_t wide[64]);

void ge_cache(struct ge_cached *out, const struct ge *p);
void ge_to_affine(struct ge_affine *out,
                  const struct ge *decoded); /* Z = 1: straight from decode */
void ge_add(struct ge *r, const struct ge *p, const struct ge_cached *q);
/* r = p + q, or p - q; variable time in `minus`. */
void ge_add_affine_vartime(struct ge *r, const struct ge *p, const struct ge_affine *q, bool minus);
void ge_double(struct ge *r, const struct ge *p);
/* p = (sum digit[i] * 16^i) * p, digits in -8..8. Secret digits, secret point. */
void ge_mul(struct ge *p, const int8_t digit[64]);

#endif
