/* ring.h - Z_q[X]/(X^2048+1) for the three primes of PROTOCOL.md 4, q = 1 mod 4096.
 *
 * Canonical evaluation order, frozen on the wire by the seed expansion: place i holds the value at
 * psi^(2*brv(i)+1), brv reversing the 11 bits of i. In that order tau (X -> 1/X) is reversal:
 * the value of tau(a) in place i is that of a in place 2047-i.
 * Constant time in all coefficients; every coefficient in and out is < q. */
#ifndef PT_RING_H
#define PT_RING_H

#include "crypto/base/ct.h"
#include "crypto/base/span.h"

enum { RING_DEGREE_LOG2 = 11, RING_DEGREE = 1 << RING_DEGREE_LOG2 };
enum { RING_LANES = 8, RING_GROUPS = RING_DEGREE / (RING_LANES * RING_LANES) };

struct ring_root { /* a power w of psi, and floor(w * 2^64 / q) beside it */
    uint64_t w, w_shoup;
};
/* For four lanes at once (block_avx2.c): roots within q/2 of zero, and their quotients by q. Of each eight
 * of the last layer those at even places come first. */
struct ring_doubles {
    double w[RING_DEGREE];
    double over_q[RING_DEGREE];
};
/* For eight lanes at once (block_ifma.c), where all take one root: what is not in the last three layers, and
 * floor(w * 2^52 / q) beside it. */
enum { RING_BROAD = RING_DEGREE / RING_LANES };
struct ring_broad {
    uint64_t w[RING_BROAD];
    uint64_t quotient[RING_BROAD];
};
struct ring { /* public; immutable once made */
    uint64_t q, psi;
    unsigned coefficient_bytes;
    uint64_t barrett;  /* floor(2^64 / q) */
    uint64_t neg_qinv; /* -1/q mod 2^64 */
    uint64_t r2;       /* 2^128 mod q */
    struct ring_root degree_inverse;
    struct ring_root root[RING_DEGREE], root_inverse[RING_DEGREE];
    struct ring_broad broad, broad_inverse;
    /* Of each group of 64 places the roots of the last three layers (1, 2 and 4 of them), a lane each: [0] w,
     * [1] floor(w * 2^52 / q). */
    uint64_t lanes[RING_GROUPS][7][2][RING_LANES], lanes_inverse[RING_GROUPS][7][2][RING_LANES];
    uint64_t to_mont52_over_degree; /* 2^(64+52) / 2048 mod q */
    uint64_t first_two[2];          /* root 1 times root 2, and less root 1 times root 3 */
    struct ring_doubles doubles, doubles_inverse; /* of root and root_inverse */
};

/* coefficient_bytes 4, 5, 6: the sets P32, P40, P48. False for any other. */
PT_MUST_USE bool ring_init(struct ring *r, unsigned coefficient_bytes);

/* In place, coefficients to values in canonical order, and back. */
void ring_ntt(const struct ring *r, uint64_t a[RING_DEGREE]);
void ring_ntt_inverse(const struct ring *r, uint64_t a[RING_DEGREE]);

/* x - m if that is not negative, else x.  x < 2^63. */
static inline uint64_t ring_less(uint64_t x, uint64_t m)
{
    uint64_t d = x - m;
    return d + (ct_mask_top(d) & m);
}
/* x mod q, for any x. Barrett: the quotient is short by one at most. */
static inline uint64_t ring_reduce(const struct ring *r, uint64_t x)
{
    uint64_t quotient = (uint64_t)((u128)x * r->barrett >> 64);
    return ring_less(x - quotient * r->q, r->q);
}
uint64_t ring_reduce_signed(const struct ring *r, int64_t x);
uint64_t ring_reduce_wide(const struct ring *r, u128 x);
static inline uint64_t ring_add(const struct ring *r, uint64_t a, uint64_t b)
{
    return ring_less(a + b, r->q);
}
/* a * b / 2^64 mod q, and a * 2^64 mod q: Montgomery's product and his form. */
static inline uint64_t ring_mul_mont(const struct ring *r, uint64_t a, uint64_t b)
{
    u128 product = (u128)a * b;
    uint64_t m = (uint64_t)product * r->neg_qinv;
    return ring_less((uint64_t)((product + (u128)m * r->q) >> 64), r->q);
}
static inline uint64_t ring_to_mont(const struct ring *r, uint64_t a)
{
    return ring_mul_mont(r, a, r->r2);
}
/* out[i] = v[i] mod q. */
void ring_lift(const struct ring *r, uint64_t out[RING_DEGREE], const int8_t v[RING_DEGREE]);

#endif
