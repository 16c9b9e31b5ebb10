/* Butterflies are Harvey's (arXiv:1205.2926): values stay below 4q between layers and are brought
 * below q once, at the end; 4q < 2^50 leaves ample room in 64 bits. */
#include "crypto/ring.h"

static const struct {
    unsigned coefficient_bytes;
    uint64_t q, psi; /* largest prime 1 mod 4096 under 2^(8*bytes); a primitive 4096th root */
} PRIMES[] = {
    {4, 4294955009, 3199275160},
    {5, 1099511590913, 207354324323},
    {6, 281474976694273, 159483539026509},
};

/* w * y mod q, below 2q, for any y. */
static inline uint64_t mul_root(uint64_t y, struct ring_root w, uint64_t q)
{
    uint64_t quotient = (uint64_t)((u128)w.w_shoup * y >> 64);
    return w.w * y - quotient * q;
}

/* Set-up arithmetic on public numbers: variable time. */
static uint64_t mul_vartime(uint64_t a, uint64_t b, uint64_t q)
{
    return (uint64_t)((u128)a * b % q);
}
static uint64_t power_vartime(uint64_t a, uint64_t e, uint64_t q)
{
    uint64_t p = 1;

    for (; e > 0; e >>= 1) {
        if (e & 1)
            p = mul_vartime(p, a, q);
        a = mul_vartime(a, a, q);
    }
    return p;
}
static struct ring_root root_of(uint64_t w, uint64_t q)
{
    return (struct ring_root){w, (uint64_t)(((u128)w << 64) / q)};
}
static unsigned reverse_bits(unsigned i)
{
    unsigned v = 0;

    for (int b = 0; b < RING_DEGREE_LOG2; b++)
        v |= (i >> b & 1) << (RING_DEGREE_LOG2 - 1 - b);
    return v;
}

bool ring_init(struct ring *r, unsigned coefficient_bytes)
{
    size_t set = 0;

    while (set < PT_LEN(PRIMES) && PRIMES[set].coefficient_bytes != coefficient_bytes)
        set++;
    if (set == PT_LEN(PRIMES))
        return false;
    uint64_t q = PRIMES[set].q;
    uint64_t psi = PRIMES[set].psi;
    r->q = q;
    r->psi = psi;
    r->coefficient_bytes = coefficient_bytes;
    r->barrett = (uint64_t)(((u128)1 << 64) / q);
    r->r2 = power_vartime(2, 128, q);
    r->neg_qinv = 1;
    for (int i = 0; i < 6; i++) /* Newton: right bits double from one */
        r->neg_qinv *= 2 - q * r->neg_qinv;
    r->neg_qinv = 0 - r->neg_qinv;
    r->degree_inverse = root_of(power_vartime(RING_DEGREE, q - 2, q), q);
    uint64_t psi_inverse = power_vartime(psi, q - 2, q);
    uint64_t w = 1;
    uint64_t w_inverse = 1;
    for (unsigned i = 0; i < RING_DEGREE; i++) {
        r->root[reverse_bits(i)] = root_of(w, q);
        r->root_inverse[reverse_bits(i)] = root_of(w_inverse, q);
        w = mul_vartime(w, psi, q);
        w_inverse = mul_vartime(w_inverse, psi_inverse, q);
    }
    return true;
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

void ring_ntt(const struct ring *r, uint64_t a[RING_DEGREE])
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

void ring_ntt_inverse(const struct ring *r, uint64_t a[RING_DEGREE])
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

uint64_t ring_reduce_signed(const struct ring *r, int64_t x)
{
    uint64_t negative = ct_mask_top((uint64_t)x);
    uint64_t magnitude = ring_reduce(r, ((uint64_t)x ^ negative) - negative);
    uint64_t opposite = ring_less(r->q - magnitude, r->q); /* zero stays zero */
    return ct_select(negative, opposite, magnitude);
}

uint64_t ring_reduce_wide(const struct ring *r, u128 x)
{
    uint64_t high = ring_reduce(r, (uint64_t)(x >> 64));

    for (int shift = 48; shift >= 0; shift -= 16) /* high < 2^48: 16 more bits fit each time */
        high = ring_reduce(r, high << 16 | ((uint64_t)x >> shift & 0xffff));
    return high;
}

void ring_lift(const struct ring *r, uint64_t out[RING_DEGREE], const int8_t v[RING_DEGREE])
{
    for (size_t i = 0; i < RING_DEGREE; i++) {
        uint64_t x = (uint64_t)(int64_t)v[i];
        out[i] = x + (ct_mask_top(x) & r->q);
    }
}
