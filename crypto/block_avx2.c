/* Compiled with AVX2 and FMA (Makefile, CFLAGS_ARCH), and run only where there are both.
 *
 * Four values a register, as integers in doubles of either sign (double_mod.h): AVX2 has no products of
 * 64 bits. Bounds are in units of q < 2^48; what a product by a root gives is within 1/2 + b/32 of zero for
 * a factor within b, as roots are within 1/2 and the quotient's error within b q 2^-53.
 *
 * Order: place 16g + 4r + b holds what is canonical place 16g + 4b + r. The first nine layers pair whole
 * registers; then each group of 16 is transposed and the last two do too. */
#include "crypto/block.h"

#ifdef __FMA__

#include <string.h>

#include "crypto/double_mod.h"

enum { LANES = DM_LANES, GROUP = 16, PLANES = 6 };
#define INLINE DM_INLINE
#define UNROLL _Pragma("GCC unroll 8")

typedef __m256d vec;

INLINE vec load(const uint64_t *p)
{
    return _mm256_loadu_pd((const double *)(const void *)p);
}
INLINE void store(uint64_t *p, vec x)
{
    _mm256_storeu_pd((double *)(void *)p, x);
}
INLINE __m256i load_words(const uint64_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
INLINE void store_words(uint64_t *p, __m256i x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, x);
}

/* Within q/2 of zero. */
INLINE vec centred(uint64_t x, uint64_t q)
{
    return dm_all((double)(int64_t)(x > q / 2 ? x - q : x));
}

struct root { /* w and w / q, four times the same or a lane each */
    vec w, over_q;
};
INLINE struct root root_all(const struct ring_doubles *d, size_t i)
{
    return (struct root){_mm256_broadcast_sd(&d->w[i]), _mm256_broadcast_sd(&d->over_q[i])};
}
INLINE struct root root_lanes(const struct ring_doubles *d, size_t i)
{
    return (struct root){_mm256_loadu_pd(&d->w[i]), _mm256_loadu_pd(&d->over_q[i])};
}

/* x + w*y and x - w*y. From 1 at first, a bound b becomes b + 1/2 + b/32: 8 after eleven layers, which
 * is 2^51 where q is 2^48. */
INLINE void forward(vec *x, vec *y, struct root w, struct dm m)
{
    const vec b = dm_mul_by(*y, w.w, w.over_q, m);

    *y = _mm256_sub_pd(*x, b);
    *x = _mm256_add_pd(*x, b);
}
/* x + y, the sum of both bounds, and (x - y) * w, below 1 where that sum is below 16. */
INLINE void backward(vec *x, vec *y, struct root w, struct dm m)
{
    const vec difference = _mm256_sub_pd(*x, *y);

    *x = _mm256_add_pd(*x, *y);
    *y = dm_mul_by(difference, w.w, w.over_q, m);
}

INLINE void transpose(vec v[4])
{
    const vec a = _mm256_unpacklo_pd(v[0], v[1]);
    const vec b = _mm256_unpackhi_pd(v[0], v[1]);
    const vec c = _mm256_unpacklo_pd(v[2], v[3]);
    const vec d = _mm256_unpackhi_pd(v[2], v[3]);

    v[0] = _mm256_permute2f128_pd(a, c, 0x20);
    v[1] = _mm256_permute2f128_pd(b, d, 0x20);
    v[2] = _mm256_permute2f128_pd(a, c, 0x31);
    v[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

/* Moves bits only: of doubles and of integers alike. */
static void avx2_order(uint64_t a[RING_DEGREE])
{
    for (size_t g = 0; g < RING_DEGREE; g += GROUP) {
        vec v[4];
        UNROLL
        for (size_t i = 0; i < 4; i++)
            v[i] = load(a + g + LANES * i);
        transpose(v);
        UNROLL
        for (size_t i = 0; i < 4; i++)
            store(a + g + LANES * i, v[i]);
    }
}

/* Three layers over eight registers: pairs 4 apart, 2 apart, next to each other; roots first, 2*first.. and
 * 4*first.. of a table in the order of ring.h. */
INLINE void forward_three(vec x[8], const struct ring_doubles *d, size_t first, struct dm m)
{
    UNROLL
    for (size_t i = 0; i < 4; i++)
        forward(&x[i], &x[i + 4], root_all(d, first), m);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        forward(&x[(i & 2) * 2 + (i & 1)], &x[(i & 2) * 2 + (i & 1) + 2],
                root_all(d, 2 * first + i / 2), m);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        forward(&x[2 * i], &x[2 * i + 1], root_all(d, 4 * first + i), m);
}
/* The same, of bytes in -128..127: products with roots of 40 bits are whole numbers of 46, no quotients are
 * needed, and two layers multiply by the roots' products. To within 200, which is 2^48. */
INLINE void forward_small(vec x[8], const struct ring *r, struct dm m)
{
    const struct ring_doubles *d = &r->doubles;
    const vec both = centred(r->first_two[0], r->q);
    const vec less_both = centred(r->first_two[1], r->q);

    UNROLL
    for (size_t i = 0; i < 2; i++) {
        const vec first = _mm256_mul_pd(root_all(d, 1).w, x[i + 4]);
        const vec plus = _mm256_fmadd_pd(both, x[i + 6], _mm256_mul_pd(root_all(d, 2).w, x[i + 2]));
        const vec minus =
            _mm256_fmadd_pd(less_both, x[i + 6], _mm256_mul_pd(root_all(d, 3).w, x[i + 2]));
        const vec a = _mm256_add_pd(x[i], first);
        const vec b = _mm256_sub_pd(x[i], first);
        x[i] = _mm256_add_pd(a, plus);
        x[i + 2] = _mm256_sub_pd(a, plus);
        x[i + 4] = _mm256_add_pd(b, minus);
        x[i + 6] = _mm256_sub_pd(b, minus);
    }
    UNROLL
    for (size_t i = 0; i < 4; i++)
        forward(&x[2 * i], &x[2 * i + 1], root_all(d, 4 + i), m);
}
/* From within 4/3 to below 1: the first four are sums, of eight at most and below 16, and reduced. */
INLINE void backward_three(vec x[8], const struct ring_doubles *d, size_t first, struct dm m)
{
    UNROLL
    for (size_t i = 0; i < 4; i++)
        backward(&x[2 * i], &x[2 * i + 1], root_all(d, 4 * first + i), m);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        backward(&x[(i & 2) * 2 + (i & 1)], &x[(i & 2) * 2 + (i & 1) + 2],
                 root_all(d, 2 * first + i / 2), m);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        backward(&x[i], &x[i + 4], root_all(d, first), m);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        x[i] = dm_reduce(x[i], m);
}
/* Two layers over four registers: pairs 2 apart, then next to each other. */
INLINE void forward_two(vec x[4], const struct ring_doubles *d, size_t first, struct dm m)
{
    const struct root w = root_all(d, first);

    forward(&x[0], &x[2], w, m);
    forward(&x[1], &x[3], w, m);
    forward(&x[0], &x[1], root_all(d, 2 * first), m);
    forward(&x[2], &x[3], root_all(d, 2 * first + 1), m);
}
/* From b to within 4/3 for b < 4: the first is the sum of four, below 16, and reduced; the second is the
 * sum of two products by roots, 1 + 2b/16 and less than 3/2 at most; the third is a product of less than 1.
 * Where b is within 4/3 the second is within 1 + 2b/16, which is within 4/3 again. */
INLINE void backward_two(vec x[4], const struct ring_doubles *d, size_t first, struct dm m)
{
    const struct root w = root_all(d, first);

    backward(&x[0], &x[1], root_all(d, 2 * first), m);
    backward(&x[2], &x[3], root_all(d, 2 * first + 1), m);
    backward(&x[0], &x[2], w, m);
    backward(&x[1], &x[3], w, m);
    x[0] = dm_reduce(x[0], m);
}

/* Layers 1 to 3: eighths of the whole. */
INLINE void forward_top(uint64_t a[RING_DEGREE], const struct ring *r, struct dm m)
{
    for (size_t i = 0; i < RING_DEGREE / 8; i += LANES) {
        vec x[8];
        UNROLL
        for (size_t k = 0; k < 8; k++)
            x[k] = load(a + i + RING_DEGREE / 8 * k);
        forward_three(x, &r->doubles, 1, m);
        UNROLL
        for (size_t k = 0; k < 8; k++)
            store(a + i + RING_DEGREE / 8 * k, x[k]);
    }
}
INLINE void backward_top(uint64_t a[RING_DEGREE], const struct ring *r, struct dm m)
{
    for (size_t i = 0; i < RING_DEGREE / 8; i += LANES) {
        vec x[8];
        UNROLL
        for (size_t k = 0; k < 8; k++)
            x[k] = load(a + i + RING_DEGREE / 8 * k);
        backward_three(x, &r->doubles_inverse, 1, m);
        UNROLL
        for (size_t k = 0; k < 8; k++)
            store(a + i + RING_DEGREE / 8 * k, x[k]);
    }
}
/* Two layers in pieces of 4 * quarter: layers 4 and 5, of `pieces` = 8, and 6 and 7, of 32. */
INLINE void forward_middle(uint64_t a[RING_DEGREE], const struct ring *r, const size_t pieces,
                           struct dm m)
{
    const size_t quarter = RING_DEGREE / pieces / 4;

    for (size_t at = 0; at < pieces; at++)
        for (size_t i = 0; i < quarter; i += LANES) {
            uint64_t *p = a + 4 * quarter * at + i;
            vec x[4];
            UNROLL
            for (size_t k = 0; k < 4; k++)
                x[k] = load(p + quarter * k);
            forward_two(x, &r->doubles, pieces + at, m);
            UNROLL
            for (size_t k = 0; k < 4; k++)
                store(p + quarter * k, x[k]);
        }
}
INLINE void backward_middle(uint64_t a[RING_DEGREE], const struct ring *r, const size_t pieces,
                            struct dm m)
{
    const size_t quarter = RING_DEGREE / pieces / 4;

    for (size_t at = 0; at < pieces; at++)
        for (size_t i = 0; i < quarter; i += LANES) {
            uint64_t *p = a + 4 * quarter * at + i;
            vec x[4];
            UNROLL
            for (size_t k = 0; k < 4; k++)
                x[k] = load(p + quarter * k);
            backward_two(x, &r->doubles_inverse, pieces + at, m);
            UNROLL
            for (size_t k = 0; k < 4; k++)
                store(p + quarter * k, x[k]);
        }
}
/* Layers 8 to 11: a group of sixteen, two layers on either side of a transposition. */
INLINE void forward_group(vec x[4], const struct ring_doubles *d, size_t g, struct dm m)
{
    const struct root w = root_lanes(d, 512 + 4 * g);

    forward_two(x, d, 128 + g, m);
    transpose(x);
    forward(&x[0], &x[2], w, m);
    forward(&x[1], &x[3], w, m);
    forward(&x[0], &x[1], root_lanes(d, 1024 + 8 * g), m);
    forward(&x[2], &x[3], root_lanes(d, 1024 + 8 * g + 4), m);
}
/* From within 2/3 to within 4/3: the first two layers leave what is within 8/3. */
INLINE void backward_group(vec x[4], const struct ring_doubles *d, size_t g, struct dm m)
{
    const struct root w = root_lanes(d, 512 + 4 * g);

    backward(&x[0], &x[1], root_lanes(d, 1024 + 8 * g), m);
    backward(&x[2], &x[3], root_lanes(d, 1024 + 8 * g + 4), m);
    backward(&x[0], &x[2], w, m);
    backward(&x[1], &x[3], w, m);
    transpose(x);
    backward_two(x, d, 128 + g, m);
}

INLINE void forward_rest(uint64_t a[RING_DEGREE], const struct ring *r, struct dm m)
{
    forward_middle(a, r, 8, m);
    forward_middle(a, r, 32, m);
    for (size_t g = 0; g < RING_DEGREE / GROUP; g++) {
        vec x[4];
        UNROLL
        for (size_t k = 0; k < 4; k++)
            x[k] = load(a + GROUP * g + LANES * k);
        forward_group(x, &r->doubles, g, m);
        UNROLL
        for (size_t k = 0; k < 4; k++)
            store(a + GROUP * g + LANES * k, x[k]);
    }
}
/* Coefficients below 1, as doubles, to values below 8 in this path's order. */
static void ntt(uint64_t a[RING_DEGREE], const struct ring *r)
{
    const struct dm m = dm_of(r->q);

    forward_top(a, r, m);
    forward_rest(a, r, m);
}

/* a (integers < q, this path's order) times table, to 2048 times the coefficients, below 1, as doubles. */
INLINE void multiply(uint64_t out[RING_DEGREE], const struct ring *r, const uint64_t a[RING_DEGREE],
                     const uint64_t table[RING_DEGREE])
{
    const struct dm m = dm_of(r->q);

    for (size_t g = 0; g < RING_DEGREE / GROUP; g++) {
        vec x[4];
        UNROLL
        for (size_t k = 0; k < 4; k++)
            x[k] = dm_mul(dm_from(load_words(a + GROUP * g + LANES * k)),
                          load(table + GROUP * g + LANES * k), m);
        backward_group(x, &r->doubles_inverse, g, m);
        UNROLL
        for (size_t k = 0; k < 4; k++)
            store(out + GROUP * g + LANES * k, x[k]);
    }
    backward_middle(out, r, 32, m);
    backward_middle(out, r, 8, m);
    backward_top(out, r, m);
}

/* Values over 2048: the inverse transform's factor with them. Below 1: the quotient's error is under 3/8. */
INLINE void table_of(uint64_t table[RING_DEGREE], const struct ring *r)
{
    const struct dm m = dm_of(r->q);
    const vec over_degree =
        dm_reduce(dm_from(_mm256_set1_epi64x((long long)r->degree_inverse.w)), m);

    ntt(table, r);
    for (size_t i = 0; i < RING_DEGREE; i += LANES)
        store(table + i, dm_mul(load(table + i), over_degree, m));
}

static void avx2_factor(uint64_t table[RING_DEGREE], const struct ring *r)
{
    for (size_t i = 0; i < RING_DEGREE; i += LANES)
        store(table + i, dm_from(load_words(table + i)));
    table_of(table, r);
}

INLINE void widen(uint64_t out[RING_DEGREE], const int8_t v[RING_DEGREE])
{
    for (size_t i = 0; i < RING_DEGREE; i += LANES) {
        const __m128i four = _mm_loadu_si32(v + i);
        store(out + i, _mm256_cvtepi32_pd(_mm_cvtepi8_epi32(four)));
    }
}

static void avx2_secret(uint64_t table[RING_DEGREE], const struct ring *r,
                        const int8_t s[RING_DEGREE])
{
    widen(table, s);
    table_of(table, r);
}

static void avx2_product(uint64_t out[RING_DEGREE], const struct ring *r,
                         const uint64_t a[RING_DEGREE], const uint64_t table[RING_DEGREE])
{
    const struct dm m = dm_of(r->q);

    multiply(out, r, a, table);
    for (size_t i = 0; i < RING_DEGREE; i += LANES)
        store_words(out + i, dm_to(dm_canonical(load(out + i), m)));
}

/* Centred binomial, eta = 2, of 32 at once: how many of bits 0 and 1 are set, less bits 2 and 3. */
INLINE __m256i errors(const uint8_t *bits)
{
    const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)bits);
    const __m256i two = _mm256_set1_epi8(3);
    const __m256i counts =
        _mm256_sub_epi8(x, _mm256_and_si256(_mm256_srli_epi16(x, 1), _mm256_set1_epi8(0x55)));

    return _mm256_sub_epi8(_mm256_and_si256(counts, two),
                           _mm256_and_si256(_mm256_srli_epi16(counts, 2), two));
}

/* Places 2i, 2i+1 and 16+2i, 17+2i of 32: in that order planes() leaves bytes in theirs. */
INLINE vec load_pairs(const uint64_t *p, size_t i)
{
    const double *const at = (const double *)(const void *)p + 2 * i;

    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(at)), _mm_loadu_pd(at + 16), 1);
}
/* To bytes: of 32 numbers < 2^48 each plane. */
INLINE void planes(__m256i out[PLANES], const __m256i x[8])
{
    const __m256i beside = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0,
                                            8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
    __m256i low[4];  /* bytes 0 to 3 of eight numbers */
    __m256i high[4]; /* 4 to 7 */

    UNROLL
    for (size_t i = 0; i < 4; i++) {
        const __m256i a = _mm256_shuffle_epi8(x[2 * i], beside);
        const __m256i b = _mm256_shuffle_epi8(x[2 * i + 1], beside);
        low[i] = _mm256_unpacklo_epi16(a, b);
        high[i] = _mm256_unpackhi_epi16(a, b);
    }
    for (size_t half = 0; half < 2; half++) {
        const __m256i *const from = half == 0 ? low : high;
        const __m256i a0 = _mm256_unpacklo_epi32(from[0], from[1]);
        const __m256i a1 = _mm256_unpackhi_epi32(from[0], from[1]);
        const __m256i b0 = _mm256_unpacklo_epi32(from[2], from[3]);
        const __m256i b1 = _mm256_unpackhi_epi32(from[2], from[3]);
        out[4 * half] = _mm256_unpacklo_epi64(a0, b0);
        out[4 * half + 1] = _mm256_unpackhi_epi64(a0, b0);
        if (half == 0) {
            out[2] = _mm256_unpacklo_epi64(a1, b1);
            out[3] = _mm256_unpackhi_epi64(a1, b1);
        }
    }
}

/* error + 2^delta_log2 * value of 32 places from t on. */
INLINE void addends(int32_t out[32], const struct block_mask *in, size_t t)
{
    const __m128i shift = _mm_cvtsi32_si128((int)in->delta_log2);
    const __m256i e = errors(in->error_bits + t);
    const __m128i half[2] = {_mm256_castsi256_si128(e), _mm256_extracti128_si256(e, 1)};

    UNROLL
    for (size_t i = 0; i < 32; i += 8) {
        const __m128i eight = i % 16 == 0 ? half[i / 16] : _mm_srli_si128(half[i / 16], 8);
        __m256i sum = _mm256_cvtepi8_epi32(eight);
        if (in->values != NULL) {
            const __m256i b = _mm256_cvtepi8_epi32(_mm_loadu_si64(in->values + t + i));
            sum = _mm256_add_epi32(sum, _mm256_sll_epi32(b, shift));
        }
        _mm256_storeu_si256((__m256i *)(void *)(out + i), sum);
    }
}

/* The product is within 5/6 (the last layer's, of what is below 11), an addend at most 2^16 + 2: their sum
 * is below 1. */
static void avx2_mask(uint8_t *out, const struct block_mask *in)
{
    const struct ring *r = in->ring;
    const struct dm m = dm_of(r->q);
    int32_t addend[32];
    __m256i x[8];
    __m256i plane[PLANES];

    multiply(in->work, r, in->a, in->secret);
    for (size_t t = 0; t < RING_DEGREE; t += 32) {
        addends(addend, in, t);
        UNROLL
        for (size_t i = 0; i < 8; i++) {
            const size_t first = i / 2 * 4;
            const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(addend + first));
            const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(addend + 16 + first));
            const __m128i four = i % 2 == 0 ? _mm_unpacklo_epi64(a, b) : _mm_unpackhi_epi64(a, b);
            const vec product = load_pairs(in->work + t, i);
            x[i] = dm_to(dm_canonical(_mm256_add_pd(product, _mm256_cvtepi32_pd(four)), m));
        }
        planes(plane, x);
        for (size_t p = 0; p < r->coefficient_bytes; p++)
            _mm256_storeu_si256((__m256i *)(void *)(out + p * RING_DEGREE + t), plane[p]);
    }
    explicit_bzero(addend, sizeof addend);
}

INLINE vec widen_four(const int8_t *p)
{
    int32_t four;

    memcpy(&four, p, sizeof four);
    return _mm256_cvtepi32_pd(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(four)));
}
/* ntt() of a row's bytes: values below 8, or below 210 where q < 2^40. */
static void ntt_row(uint64_t work[RING_DEGREE], const struct ring *r, const int8_t row[RING_DEGREE])
{
    const struct dm m = dm_of(r->q);

    if (r->coefficient_bytes > 5) {
        widen(work, row);
        ntt(work, r);
        return;
    }
    for (size_t i = 0; i < RING_DEGREE / 8; i += LANES) {
        vec x[8];
        UNROLL
        for (size_t k = 0; k < 8; k++)
            x[k] = widen_four(row + i + RING_DEGREE / 8 * k);
        forward_small(x, r, m);
        UNROLL
        for (size_t k = 0; k < 8; k++)
            store(work + i + RING_DEGREE / 8 * k, x[k]);
    }
    forward_rest(work, r, m);
}

/* A sum of products, each below 5/4 as the quotient's error is under 3/4, in lo alone: the bits of
 * 1.5 * 2^52 + x count x in ones. */
enum { ADDS_MAX = 1 << 14 };
static void avx2_add(struct block_sum *sum, uint64_t *work, const struct ring *r,
                     const struct block_term *terms, size_t n)
{
    const struct dm m = dm_of(r->q);
    const vec zero = dm_all(0x1.8p52);

    for (const struct block_term *t = terms; t < terms + n; t++) {
        ntt_row(work, r, t->row);
        for (size_t i = 0; i < RING_DEGREE; i += LANES) {
            const vec product = dm_mul(load(work + i), dm_from(load_words(t->a + i)), m);
            const __m256i count = _mm256_sub_epi64(
                _mm256_castpd_si256(_mm256_add_pd(product, zero)), _mm256_castpd_si256(zero));
            store_words(sum->lo + i, _mm256_add_epi64(load_words(sum->lo + i), count));
        }
    }
}

static void avx2_values(uint64_t out[RING_DEGREE], const struct block_sum *sum,
                        const struct ring *r)
{
    for (size_t i = 0; i < RING_DEGREE; i++)
        out[i] = ring_reduce_signed(r, (int64_t)sum->lo[i]);
    avx2_order(out); /* its own inverse */
}

const struct block_ops block_avx2 = {.order = avx2_order,
                                     .secret = avx2_secret,
                                     .factor = avx2_factor,
                                     .product = avx2_product,
                                     .mask = avx2_mask,
                                     .add = avx2_add,
                                     .values = avx2_values,
                                     .adds_max = ADDS_MAX};

#else

#include "crypto/block_plain.h"

const struct block_ops block_avx2 = BLOCK_PLAIN_OPS;

#endif
