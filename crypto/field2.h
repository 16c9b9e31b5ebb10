/* field2.h - F = F_q[w]/(w^2-5), over the primes of ring.h: the field in which a verifier holds its
 * key of the column proof (PROTOCOL.md 4). 2 * coefficient_bytes bytes wide.
 *
 * It is a field where 5 is no square: for P40 and P48. Modulo P32's prime it is one, and its 64 bits
 * would be too few besides. Constant time in all operands; every coordinate in and out is < q. */
#ifndef PT_FIELD2_H
#define PT_FIELD2_H

#include "crypto/base/wipe.h"
#include "crypto/ring.h"

struct field2 { /* c0 + c1 w */
    uint64_t c0, c1;
};
PT_SECRET_TYPE(field2);

/* Is 5 no square modulo q? */
bool field2_exists(const struct ring *r);

static inline uint64_t ring_mul(const struct ring *r, uint64_t a, uint64_t b)
{
    return ring_mul_mont(r, ring_mul_mont(r, a, b), r->r2);
}
static inline uint64_t ring_sub(const struct ring *r, uint64_t a, uint64_t b)
{
    return ring_less(a + r->q - b, r->q);
}
static inline struct field2 field2_add(const struct ring *r, struct field2 a, struct field2 b)
{
    return (struct field2){ring_add(r, a.c0, b.c0), ring_add(r, a.c1, b.c1)};
}
uint64_t ring_inverse(const struct ring *r, uint64_t a); /* 0 of 0 */
struct field2 field2_mul(const struct ring *r, struct field2 a, struct field2 b);
/* a * s, s of F_q. */
struct field2 field2_scale(const struct ring *r, struct field2 a, uint64_t s);
/* 1/a; 0 of 0. */
struct field2 field2_inverse(const struct ring *r, struct field2 a);
/* a^e; e is public. */
struct field2 field2_power(const struct ring *r, struct field2 a, unsigned e);

#endif
