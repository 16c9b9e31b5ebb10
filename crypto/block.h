/* block.h - one block of 2048 coefficients, the bulk of encrypting a column and of a row's hint
 * (PROTOCOL.md 4). Internal to crypto/rlwe and crypto/inner.
 *
 * A code path may keep values in an order of its own (a permutation within each 64 of ring.h's
 * canonical order) and tables of its own form; what goes in by order() and comes out by values()
 * and mask() is the same on every path, bit for bit. Constant time in rows, keys and errors. */
#ifndef PT_BLOCK_H
#define PT_BLOCK_H

#include "crypto/cpu.h"
#include "crypto/ring.h"

struct block_sum { /* secret: a sum of products of values, unreduced; {0} is zero */
    uint64_t lo[RING_DEGREE], hi[RING_DEGREE];
};
enum { BLOCK_TERMS_MAX = 4 };
struct block_term { /* secret: entries of a row, and a_k in this path's order, < q */
    const int8_t *row;
    const uint64_t *a;
};
struct block_mask { /* a_k * s + e + 2^delta_log2 * b, of one block and column */
    const struct ring *ring;
    const uint64_t *a;         /* this path's order; public */
    const uint64_t *secret;    /* from secret(); of this path */
    const uint8_t *error_bits; /* 2048 bytes: bits 0 and 1 less bits 2 and 3 */
    const int8_t *values;      /* b: 2048 of {-1,0,+1}; NULL: zeros */
    unsigned delta_log2;       /* at most 16 */
    uint64_t *work;            /* RING_DEGREE, secret: overwritten */
};
struct block_ops {
    /* Canonical order to this path's, in place. Reversal (tau) is reversal in either. */
    void (*order)(uint64_t a[RING_DEGREE]);
    /* table: what mask() multiplies by, from the coefficients of s. */
    void (*secret)(uint64_t table[RING_DEGREE], const struct ring *r, const int8_t s[RING_DEGREE]);
    /* table: what product() multiplies by, in place from coefficients < q. */
    void (*factor)(uint64_t table[RING_DEGREE], const struct ring *r);
    /* out: coefficients in [0, q) of a (this path's order) times factor()'s element. */
    void (*product)(uint64_t out[RING_DEGREE], const struct ring *r, const uint64_t a[RING_DEGREE],
                    const uint64_t table[RING_DEGREE]);
    /* out: coefficient_bytes planes of RING_DEGREE bytes, every coefficient in [0, q). */
    void (*mask)(uint8_t *out, const struct block_mask *in);
    /* sum += values of row times a, over n <= BLOCK_TERMS_MAX terms. work: as many times RING_DEGREE,
     * secret, overwritten. At most adds_max terms between two calls of values(). */
    void (*add)(struct block_sum *sum, uint64_t *work, const struct ring *r,
                const struct block_term *terms, size_t n);
    /* out: the sum in [0, q), canonical order. */
    void (*values)(uint64_t out[RING_DEGREE], const struct block_sum *sum, const struct ring *r);
    uint64_t adds_max;
};

extern const struct block_ops block_portable, block_avx2, block_ifma;
/* The one that cpu_path() runs. */
const struct block_ops *block_best(void);
/* The one of a path; for tests and benches. NULL: this machine cannot run it. */
const struct block_ops *block_of(enum cpu_path path);

#endif
