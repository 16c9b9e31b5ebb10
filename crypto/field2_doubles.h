/* field2_doubles.h - field2.h on four lanes of integers in doubles of either sign (double_mod.h), and sums of
 * products of them. Of membership_avx2.c alone.
 *
 * Products are exact in two parts: added to a large number they lose what is below its last place,
 * which a second multiply-add with what was taken finds again. Parts of several products are summed
 * apart, and reduced once. The large number is a multiple of q: it need not be taken away. */
#ifndef PT_FIELD2_DOUBLES_H
#define PT_FIELD2_DOUBLES_H

#include "crypto/double_mod.h"
#include "crypto/field2.h"

enum { NON_SQUARE = 5, TERMS = RING_DEGREE / DM_LANES };
#define UNROLL _Pragma("GCC unroll 8")

struct lanes2 {
    __m256d c0, c1;
};

/* A multiple of q, in the middle of the doubles that count in units of `unit`: sums of products of
 * magnitude below `range` q^2 leave it there. A part below is within unit/2 of zero. */
struct split {
    double start, unit;
};
static struct split split_of(const struct ring *r, double range)
{
    const double q = (double)(int64_t)r->q;
    const uint64_t middle = ((uint64_t)3 << 51) / r->q * r->q; /* > 23/16 * 2^52, as q < 2^48 */
    double unit = 1;

    while (unit * 0x1p52 * (7.0 / 16) < range * q * q)
        unit *= 2;
    return (struct split){(double)(int64_t)middle * unit, unit};
}

struct modulus {
    __m256d start; /* of sums that are reduced */
    struct dm m;
};
static struct modulus modulus_of(const struct ring *r, double range)
{
    return (struct modulus){dm_all(split_of(r, range).start), dm_of(r->q)};
}

/* Rounded, as 2^52 + 2^51 has no fractions. |x| < 2^51 */
DM_INLINE __m256d whole(__m256d x, __m256d inverse)
{
    const __m256d middle = dm_all(0x1.8p52);

    return _mm256_sub_pd(_mm256_fmadd_pd(x, inverse, middle), middle);
}
/* |x| < 2^52 to within q/2 of zero. */
DM_INLINE __m256d centre(__m256d x, const struct modulus *m)
{
    return _mm256_fnmadd_pd(whole(x, m->m.inverse), m->m.q, x);
}
/* The sum `high`, from m->start on, and what is missing of it. The quotient is off by a half, and by
 * start/q * 2^-53 for the inverse, a quarter at most. */
DM_INLINE __m256d reduce(__m256d high, __m256d low, const struct modulus *m)
{
    return _mm256_add_pd(centre(high, m), low);
}
DM_INLINE __m256d mul(__m256d a, __m256d b, const struct modulus *m)
{
    const __m256d high = _mm256_fmadd_pd(a, b, m->start);

    return reduce(high, _mm256_fmadd_pd(a, b, _mm256_sub_pd(m->start, high)), m);
}
/* a*b + c*d */
DM_INLINE __m256d mul_pair(struct lanes2 a, struct lanes2 b, const struct modulus *m)
{
    const __m256d first = _mm256_fmadd_pd(a.c0, b.c0, m->start);
    const __m256d high = _mm256_fmadd_pd(a.c1, b.c1, first);
    const __m256d low0 = _mm256_fmadd_pd(a.c0, b.c0, _mm256_sub_pd(m->start, first));
    const __m256d low1 = _mm256_fmadd_pd(a.c1, b.c1, _mm256_sub_pd(first, high));

    return reduce(high, _mm256_add_pd(low0, low1), m);
}
DM_INLINE __m256d times_five(__m256d a)
{
    return _mm256_mul_pd(a, dm_all(NON_SQUARE));
}
/* five: 5 b.c1. */
DM_INLINE struct lanes2 mul2(struct lanes2 a, struct lanes2 b, __m256d five,
                             const struct modulus *m)
{
    return (struct lanes2){mul_pair(a, (struct lanes2){b.c0, five}, m),
                           mul_pair(a, (struct lanes2){b.c1, b.c0}, m)};
}

/* Sums of products that are not reduced: the parts above as the doubles' own bits, of which each has
 * start's, since 512 of them would leave a double's range; those below, under 2^52. */
struct product_sum {
    __m256i high;
    __m256d low;
};
DM_INLINE void add_product(struct product_sum *s, __m256d a, __m256d b, __m256d start)
{
    const __m256d high = _mm256_fmadd_pd(a, b, start);

    s->high = _mm256_add_epi64(s->high, _mm256_castpd_si256(high));
    s->low = _mm256_add_pd(s->low, _mm256_fmadd_pd(a, b, _mm256_sub_pd(start, high)));
}
/* Of `terms` products a lane. */
static uint64_t gather(const struct ring *r, const struct product_sum *s, struct split split,
                       size_t terms)
{
    uint64_t high[DM_LANES];
    double low[DM_LANES];
    uint64_t start;
    int64_t rest = 0;
    uint64_t units = 0;

    memcpy(&start, &split.start, sizeof start);
    _mm256_storeu_si256((__m256i *)(void *)high, s->high);
    _mm256_storeu_pd(low, s->low);
    for (size_t i = 0; i < DM_LANES; i++) {
        units += high[i] - terms * start;
        rest += (int64_t)low[i];
    }
    /* Under 2^107 of either sign: a multiple of q makes it positive. */
    const i128 sum = (i128)(int64_t)units * (int64_t)split.unit + rest;
    return ring_reduce_wide(r, ((u128)r->q << 62) + (u128)sum);
}

#endif
