/* double_mod.h - four residues mod an odd q < 2^48 at once, as integers in doubles: what AVX2 has in place
 * of 64-bit products. With a fused multiply-add both halves of a product of two doubles are exact: h is
 * a*b rounded to 53 bits, fma(a, b, -h) what rounding took away.
 *
 * A residue is any integer of the class, of either sign; comments give bounds in units of q. Rounding to
 * nearest is taken for granted. Constant time: no operand is subnormal, infinite or NaN.
 *
 * Bounds: let p = |a*b| / q < 2^51. A quotient is p times (1 + e) for each of its roundings, |e| <= 2^-53:
 * of dm_mul() three (1/q, h, their product), of dm_mul_by() two (w/q, the product). So it is off by 3p or
 * 2p times 2^-53, and what is left is within 1/2 + 3p/2^53 or 1/2 + 2p/2^53 of zero: 5/4 or 1 at the most,
 * and much nearer 1/2 where p is small. q < 2^48 and |a*b| < 16 q^2/2 give p < 2^51. tests/crypto/
 * double_mod_test.c drives all of it to the edge. */
#ifndef PT_DOUBLE_MOD_H
#define PT_DOUBLE_MOD_H

#include <immintrin.h>
#include <stdint.h>

#define DM_INLINE static inline __attribute__((always_inline))
enum { DM_LANES = 4 };

struct dm { /* q and 1/q, in all lanes */
    __m256d q, inverse;
};

DM_INLINE __m256d dm_all(double x)
{
    return _mm256_set1_pd(x);
}
DM_INLINE struct dm dm_of(uint64_t q)
{
    return (struct dm){dm_all((double)q), dm_all(1.0 / (double)q)};
}

/* 2^52: doubles from there to 2^53 count in ones, and hold the number in their low bits. */
DM_INLINE __m256d dm_from(__m256i x) /* x < 2^52 */
{
    const __m256d two52 = dm_all(0x1p52);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, _mm256_castpd_si256(two52))),
                         two52);
}
DM_INLINE __m256i dm_to(__m256d x) /* an integer in [0, 2^52) */
{
    const __m256d two52 = dm_all(0x1p52);
    return _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(x, two52)),
                            _mm256_castpd_si256(two52));
}

DM_INLINE __m256d dm_round(__m256d x)
{
    return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* h + l less the multiple of q that `quotient` is near. Exact: |h - round(quotient) q| < 2^53, and a multiple
 * of what h counts in. */
DM_INLINE __m256d dm_less(__m256d h, __m256d l, __m256d quotient, struct dm m)
{
    return _mm256_add_pd(_mm256_fnmadd_pd(dm_round(quotient), m.q, h), l);
}
/* a * b for |a * b| < 2^51 q, within 1/2 + 3p/2^53. */
DM_INLINE __m256d dm_mul(__m256d a, __m256d b, struct dm m)
{
    const __m256d h = _mm256_mul_pd(a, b);
    return dm_less(h, _mm256_fmsub_pd(a, b, h), _mm256_mul_pd(h, m.inverse), m);
}
/* The same for a w known beforehand, with w / q beside it: the quotient does not wait for the product.
 * Within 1/2 + 2p/2^53. */
DM_INLINE __m256d dm_mul_by(__m256d a, __m256d w, __m256d w_over_q, struct dm m)
{
    const __m256d h = _mm256_mul_pd(a, w);
    return dm_less(h, _mm256_fmsub_pd(a, w, h), _mm256_mul_pd(a, w_over_q), m);
}
/* |x| < 2^52 to within 1/2, and by less than one besides: |x|/q is off by less than 2/q. */
DM_INLINE __m256d dm_reduce(__m256d x, struct dm m)
{
    return _mm256_fnmadd_pd(dm_round(_mm256_mul_pd(x, m.inverse)), m.q, x);
}
/* |x| < q, to [0, q). */
DM_INLINE __m256d dm_canonical(__m256d x, struct dm m)
{
    return _mm256_add_pd(x, _mm256_and_pd(m.q, _mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_LT_OQ)));
}

#endif
