#include "crypto/ring_ntt.h"

static const struct {
    unsigned coefficient_bytes;
    uint64_t q, psi; /* largest prime 1 mod 4096 under 2^(8*bytes); a primitive 4096th root */
} PRIMES[] = {
    {4, 4294955009, 3199275160},
    {5, 1099511590913, 207354324323},
    {6, 281474976694273, 159483539026509},
};

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

/* Lane b of group g is the eighth g * 8 + b of the last-but-two layer. */
static void lanes_of(uint64_t out[7][2][RING_LANES], const struct ring_root *root, size_t g)
{
    for (size_t b = 0; b < RING_LANES; b++) {
        size_t eighth = RING_LANES * g + b;
        for (size_t k = 0; k < 7; k++) {
            size_t layer = k == 0 ? 0 : k < 3 ? 1 : 2;
            size_t at = ((size_t)256 << layer) + (eighth << layer) + k - ((1U << layer) - 1);
            out[k][0][b] = root[at].w;
            out[k][1][b] = root[at].w_shoup >> 12;
        }
    }
}

static void broad_of(struct ring_broad *b, const struct ring_root *root)
{
    for (size_t i = 0; i < RING_BROAD; i++) {
        b->w[i] = root[i].w;
        b->quotient[i] = root[i].w_shoup >> 12;
    }
}

static void doubles_of(struct ring_doubles *d, const struct ring_root root[RING_DEGREE], uint64_t q)
{
    for (size_t i = 0; i < RING_DEGREE; i++) {
        const size_t place = i < RING_DEGREE / 2 ? i : i / 8 * 8 + i % 2 * 4 + i % 8 / 2;
        const uint64_t w = root[i].w;
        d->w[place] = (double)(int64_t)(w > q / 2 ? w - q : w);
        d->over_q[place] = d->w[place] / (double)(int64_t)q;
    }
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
    for (size_t g = 0; g < RING_GROUPS; g++) {
        lanes_of(r->lanes[g], r->root, g);
        lanes_of(r->lanes_inverse[g], r->root_inverse, g);
    }
    broad_of(&r->broad, r->root);
    broad_of(&r->broad_inverse, r->root_inverse);
    doubles_of(&r->doubles, r->root, q);
    doubles_of(&r->doubles_inverse, r->root_inverse, q);
    r->first_two[0] = mul_vartime(r->root[1].w, r->root[2].w, q);
    r->first_two[1] = q - mul_vartime(r->root[1].w, r->root[3].w, q);
    r->to_mont52_over_degree = mul_vartime(power_vartime(2, 116, q), r->degree_inverse.w, q);
    return true;
}

void ring_ntt(const struct ring *r, uint64_t a[RING_DEGREE])
{
    ntt_forward(r, a);
}

void ring_ntt_inverse(const struct ring *r, uint64_t a[RING_DEGREE])
{
    ntt_backward(r, a);
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
    ntt_lift(r, out, v);
}
