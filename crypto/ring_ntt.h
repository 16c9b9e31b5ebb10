/* ring_ntt.h - the transforms of ring.h in plain C, for each includer's instructions.
 *
 * Butterflies are Harvey's (arXiv:1205.2926): values stay below 4q between layers and are brought
 * below q once, at the end; 4q < 2^50 leaves ample room in 64 bits. */
#ifndef PT_RING_NTT_H
#define PT_RING_NTT_H

#include "crypto/ring.h"

/* w * y mod q, below 2q, for any y. */
static inline uint64_t mul_root(uint64_t y, struct ring_root w, uint64_t q)
{
    uint64_t quotient = (uint64_t)((u128)w.w_shoup * y >> 64);
    return w.w * y - quotient * q;
}

/* One group of butterflies of a layer: half pairs, at lo[i] and lo[half + i]. */
static inline void forward(uint64_t *lo, size_t half, struct ring_root w, uint64_t q)
{
    for (size_t i = 0; i < half; i++) {
        uint64_t x = ring_less(lo[i], 2 * q);
        uint64_t y = mul_root(lo[half + i], w, q);
        lo[i] = x + y;
        lo[half + i] = x + 2 * q - y;
    }
}
static inline void backward(uint64_t *lo, size_t half, struct ring_root w, uint64_t q)
{
    for (size_t i = 0; i < half; i++) {
        uint64_t x = lo[i];
        uint64_t y = lo[half + i];
        lo[i] = ring_less(x + y, 2 * q);
        lo[half + i] = mul_root(x + 2 * q - y, w, q);
    }
}

static inline void ntt_forward(const struct ring *r, uint64_t a[RING_DEGREE])
{
    uint64_t q = r->q;

    for (size_t groups = 1; groups < RING_DEGREE; groups *= 2) {
        size_t half = RING_DEGREE / groups / 2;
        for (size_t g = 0; g < groups; g++)
            forward(a + 2 * half * g, half, r->root[groups + g], q);
    }
    for (size_t i = 0; i < RING_DEGREE; i++)
        a[i] = ring_less(ring_less(a[i], 2 * q), q);
}

static inline void ntt_backward(const struct ring *r, uint64_t a[RING_DEGREE])
{
    uint64_t q = r->q;

    for (size_t groups = RING_DEGREE / 2; groups > 0; groups /= 2) {
        size_t half = RING_DEGREE / groups / 2;
        for (size_t g = 0; g < groups; g++)
            backward(a + 2 * half * g, half, r->root_inverse[groups + g], q);
    }
    for (size_t i = 0; i < RING_DEGREE; i++)
        a[i] = ring_less(mul_root(a[i], r->degree_inverse, q), q);
}

static inline void ntt_lift(const struct ring *r, uint64_t out[RING_DEGREE],
                            const int8_t v[RING_DEGREE])
{
    for (size_t i = 0; i < RING_DEGREE; i++) {
        uint64_t x = (uint64_t)(int64_t)v[i];
        out[i] = x + (ct_mask_top(x) & r->q);
    }
}

#endif
