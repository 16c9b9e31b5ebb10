/* Compiled with AVX-512 IFMA (Makefile, CFLAGS_ARCH), and run only where there is IFMA.
 *
 * Order: place 64g + 8r + b holds what is canonical place 64g + 8b + r. The first eight layers pair
 * whole registers; then each group of 64 is transposed and the last three do too. */
#include "crypto/block.h"

#ifdef __AVX512IFMA__

#include <string.h>

#include "crypto/ntt_ifma.h"

static void ifma_order(uint64_t a[RING_DEGREE])
{
    for (size_t g = 0; g < RING_DEGREE; g += GROUP) {
        vec v[LANES];
        UNROLL
        for (size_t i = 0; i < LANES; i++)
            v[i] = load(a + g + LANES * i);
        transpose(v);
        UNROLL
        for (size_t i = 0; i < LANES; i++)
            store(a + g + LANES * i, v[i]);
    }
}

INLINE vec widen(const int8_t *p)
{
    return _mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

/* Eight registers to where they belong: i is the first one's place. */
INLINE void store_far(uint64_t a[RING_DEGREE], size_t i, const vec x[LANES])
{
    UNROLL
    for (size_t k = 0; k < LANES; k++)
        store(a + i + RING_DEGREE / LANES * k, x[k]);
}
/* The last six layers of group g: x in this path's order. */
INLINE void last_layers(vec x[LANES], const uint64_t a[RING_DEGREE], const struct ring *r, size_t g,
                        struct modulus m)
{
    const struct three outer = three_all(&r->broad, GROUPS + g);
    const struct three inner = three_lanes(r->lanes[g]);

    UNROLL
    for (size_t k = 0; k < LANES; k++)
        x[k] = load(a + GROUP * g + LANES * k);
    forward_three(x, &outer, m);
    transpose(x);
    forward_three(x, &inner, m);
}

/* Coefficients < 2q to values < 24q, or 14q where wide, in this path's order: low 52 bits. */
INLINE void transform(uint64_t a[RING_DEGREE], const struct ring *r, const bool wide)
{
    const struct modulus m = modulus_of(r);
    const struct three top = three_all(&r->broad, 1);
    vec x[LANES];

    for (size_t i = 0; i < RING_DEGREE / LANES; i += LANES) {
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            x[k] = load(a + i + RING_DEGREE / LANES * k);
        forward_three(x, &top, m);
        store_far(a, i, x);
    }
    for (size_t k = 0; k < LANES; k++)
        forward_two(a + RING_DEGREE / LANES * k, &r->broad, k, m, wide);
    for (size_t g = 0; g < GROUPS; g++) {
        last_layers(x, a, r, g, m);
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            store(a + GROUP * g + LANES * k, x[k]);
    }
}

/* A row's bytes through all layers but the last six. */
INLINE void begin_row(uint64_t work[RING_DEGREE], const struct ring *r, const int8_t *row,
                      const bool wide)
{
    const struct modulus m = modulus_of(r);
    const struct three top = three_all(&r->broad, 1);
    vec x[LANES];

    for (size_t i = 0; i < RING_DEGREE / LANES; i += LANES) {
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            x[k] = widen(row + i + RING_DEGREE / LANES * k);
        if (wide) {
            UNROLL
            for (size_t k = 0; k < LANES; k++)
                x[k] = _mm512_add_epi64(x[k], m.q);
            forward_three(x, &top, m);
        } else {
            forward_small(x, &top, r, m);
        }
        store_far(work, i, x);
    }
    for (size_t k = 0; k < LANES; k++)
        forward_two(work + RING_DEGREE / LANES * k, &r->broad, k, m, wide);
}

/* lo and hi are sums of the halves of products, 52 bits each: hi * 2^52 + lo. Those of a group stay in
 * registers while all terms are added. */
INLINE void add_terms(struct block_sum *sum, uint64_t *work, const struct ring *r,
                      const struct block_term *terms, size_t n, const bool wide)
{
    const struct modulus m = modulus_of(r);

    for (size_t t = 0; t < n; t++)
        begin_row(work + t * RING_DEGREE, r, terms[t].row, wide);
    for (size_t g = 0; g < GROUPS; g++) {
        vec lo[LANES];
        vec hi[LANES];
        UNROLL
        for (size_t k = 0; k < LANES; k++) {
            lo[k] = load(sum->lo + GROUP * g + LANES * k);
            hi[k] = load(sum->hi + GROUP * g + LANES * k);
        }
        for (size_t t = 0; t < n; t++) {
            vec x[LANES];
            last_layers(x, work + t * RING_DEGREE, r, g, m);
            UNROLL
            for (size_t k = 0; k < LANES; k++) {
                const vec y = load(terms[t].a + GROUP * g + LANES * k);
                lo[k] = _mm512_madd52lo_epu64(lo[k], x[k], y);
                hi[k] = _mm512_madd52hi_epu64(hi[k], x[k], y);
            }
        }
        UNROLL
        for (size_t k = 0; k < LANES; k++) {
            store(sum->lo + GROUP * g + LANES * k, lo[k]);
            store(sum->hi + GROUP * g + LANES * k, hi[k]);
        }
    }
}

/* a * table, values in this path's order, to coefficients < 2q. log2: values are below q << log2 before
 * their layers and twice that after each; wide, before each two or three layers once more. */
INLINE void multiply_back(uint64_t out[RING_DEGREE], const struct ring *r,
                          const uint64_t a[RING_DEGREE], const uint64_t table[RING_DEGREE],
                          const bool wide)
{
    const struct modulus m = modulus_of(r);
    const vec qinv = all((0 - r->neg_qinv) & (((uint64_t)1 << 52) - 1));
    const struct three top = three_all(&r->broad_inverse, 1);

    for (size_t g = 0; g < GROUPS; g++) {
        const size_t at = GROUP * g;
        const struct three outer = three_all(&r->broad_inverse, GROUPS + g);
        const struct three inner = three_lanes(r->lanes_inverse[g]);
        vec x[LANES];
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            x[k] = times_mont(load(a + at + LANES * k), load(table + at + LANES * k), qinv, m);
        backward_three(x, &inner, 1, m);
        UNROLL
        for (size_t k = 0; k < LANES && wide; k++)
            x[k] = reduce(x[k], m);
        transpose(x);
        backward_three(x, &outer, wide ? 1 : 4, m);
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            store(out + at + LANES * k, wide ? reduce(x[k], m) : x[k]);
    }
    for (size_t k = 0; k < LANES; k++)
        backward_two(out + RING_DEGREE / LANES * k, &r->broad_inverse, k, wide ? 1 : 7, m, wide);
    for (size_t i = 0; i < RING_DEGREE / LANES; i += LANES) {
        vec x[LANES];
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            x[k] = load(out + i + RING_DEGREE / LANES * k);
        backward_three(x, &top, wide ? 1 : 9, m);
        UNROLL
        for (size_t k = 0; k < LANES; k++)
            store(out + i + RING_DEGREE / LANES * k, _mm512_and_si512(reduce(x[k], m), m.low52));
    }
}

/* A function for each: copies of them in every caller would be large. */
#define ALONE static __attribute__((noinline)) void
ALONE ntt_narrow(uint64_t a[RING_DEGREE], const struct ring *r)
{
    transform(a, r, false);
}
ALONE ntt_wide(uint64_t a[RING_DEGREE], const struct ring *r)
{
    transform(a, r, true);
}
ALONE add_narrow(struct block_sum *sum, uint64_t *work, const struct ring *r,
                 const struct block_term *terms, size_t n)
{
    add_terms(sum, work, r, terms, n, false);
}
ALONE add_wide(struct block_sum *sum, uint64_t *work, const struct ring *r,
               const struct block_term *terms, size_t n)
{
    add_terms(sum, work, r, terms, n, true);
}
ALONE multiply_narrow(uint64_t out[RING_DEGREE], const struct ring *r,
                      const uint64_t a[RING_DEGREE], const uint64_t table[RING_DEGREE])
{
    multiply_back(out, r, a, table, false);
}
ALONE multiply_wide(uint64_t out[RING_DEGREE], const struct ring *r, const uint64_t a[RING_DEGREE],
                    const uint64_t table[RING_DEGREE])
{
    multiply_back(out, r, a, table, true);
}
/* out < 2q. */
static void multiply(uint64_t out[RING_DEGREE], const struct ring *r, const uint64_t a[RING_DEGREE],
                     const uint64_t table[RING_DEGREE])
{
    (r->coefficient_bytes <= 5 ? multiply_narrow : multiply_wide)(out, r, a, table);
}

/* v + q: below 2q. */
INLINE void lift(uint64_t out[RING_DEGREE], const int8_t v[RING_DEGREE], struct modulus m)
{
    for (size_t i = 0; i < RING_DEGREE; i += LANES)
        store(out + i, _mm512_add_epi64(widen(v + i), m.q));
}

/* Values * 2^52 / 2048: Montgomery's form for 52 bits, and the inverse transform's factor with it. */
static void ifma_factor(uint64_t table[RING_DEGREE], const struct ring *r)
{
    const struct modulus m = modulus_of(r);

    (r->coefficient_bytes <= 5 ? ntt_narrow : ntt_wide)(table, r);
    for (size_t i = 0; i < RING_DEGREE; i += LANES)
        store(table + i, less(_mm512_and_si512(reduce(load(table + i), m), m.low52), m.q));
    for (size_t i = 0; i < RING_DEGREE; i++)
        table[i] = ring_mul_mont(r, table[i], r->to_mont52_over_degree);
}

static void ifma_secret(uint64_t table[RING_DEGREE], const struct ring *r,
                        const int8_t s[RING_DEGREE])
{
    lift(table, s, modulus_of(r));
    ifma_factor(table, r);
}

static void ifma_product(uint64_t out[RING_DEGREE], const struct ring *r,
                         const uint64_t a[RING_DEGREE], const uint64_t table[RING_DEGREE])
{
    const struct modulus m = modulus_of(r);

    multiply(out, r, a, table);
    for (size_t i = 0; i < RING_DEGREE; i += LANES)
        store(out + i, less(load(out + i), m.q));
}

/* What is added to a slot of a product: e + 2^delta_log2 * b, one of fifteen numbers mod q. */
enum { ERRORS = 5, SUMMANDS = 2 * LANES };
INLINE void summands_of(uint64_t t[SUMMANDS], const struct block_mask *in)
{
    const uint64_t q = in->ring->q;

    for (unsigned i = 0; i < SUMMANDS; i++)
        t[i] = ring_less(q + ((uint64_t)(i / ERRORS) << in->delta_log2) + i % ERRORS -
                             ((uint64_t)1 << in->delta_log2) - 2,
                         q);
}

/* Which it is, 64 at once: ERRORS * (b + 1) + e + 2. e is centred binomial, eta = 2: how many of bits 0
 * and 1 are set, less bits 2 and 3. */
INLINE void classes(uint8_t out[RING_DEGREE], const struct block_mask *in)
{
    const vec ones = _mm512_set1_epi8(0x55);
    const vec two = _mm512_set1_epi8(3);

    for (size_t i = 0; i < RING_DEGREE; i += 64) {
        vec x = _mm512_loadu_si512(in->error_bits + i);
        vec counts = _mm512_sub_epi8(x, _mm512_and_si512(_mm512_srli_epi16(x, 1), ones));
        vec plus = _mm512_and_si512(counts, two);
        vec minus = _mm512_and_si512(_mm512_srli_epi16(counts, 2), two);
        vec cls = _mm512_add_epi8(_mm512_sub_epi8(plus, minus), _mm512_set1_epi8(ERRORS + 2));
        if (in->values != NULL) {
            const vec b = _mm512_loadu_si512(in->values + i);
            const vec doubled = _mm512_add_epi8(b, b);
            cls = _mm512_add_epi8(_mm512_add_epi8(cls, b), _mm512_add_epi8(doubled, doubled));
        }
        _mm512_storeu_si512(out + i, cls);
    }
}

/* Four planes of eight registers, a 128-bit lane each: planes[p] becomes lane p of all four, in order. */
INLINE void lanes_to_planes(vec planes[4], const vec v[4], const int count)
{
    const vec low[2] = {_mm512_shuffle_i64x2(v[0], v[1], 0x44),
                        _mm512_shuffle_i64x2(v[2], v[3], 0x44)};

    planes[0] = _mm512_shuffle_i64x2(low[0], low[1], 0x88);
    planes[1] = _mm512_shuffle_i64x2(low[0], low[1], 0xdd);
    if (count > 2) {
        const vec high[2] = {_mm512_shuffle_i64x2(v[0], v[1], 0xee),
                             _mm512_shuffle_i64x2(v[2], v[3], 0xee)};
        planes[2] = _mm512_shuffle_i64x2(high[0], high[1], 0x88);
        planes[3] = _mm512_shuffle_i64x2(high[0], high[1], 0xdd);
    }
}

/* 64 coefficients to their bytes. First those of neighbours come together, a word a plane; then of two
 * registers all words of four planes; then whole planes. */
INLINE void put(uint8_t *out, vec v[LANES], const unsigned planes)
{
    static const uint8_t NEIGHBOURS[16] = {0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15};
#define WORDS_OF(p) p, 8 + p, 16 + p, 24 + p, 32 + p, 40 + p, 48 + p, 56 + p
    static const uint16_t WORDS[2][32] = {{WORDS_OF(0), WORDS_OF(1), WORDS_OF(2), WORDS_OF(3)},
                                          {WORDS_OF(4), WORDS_OF(5), WORDS_OF(6), WORDS_OF(7)}};
#undef WORDS_OF
    const vec neighbours =
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)NEIGHBOURS));
    vec half[4];
    vec plane[4];

    UNROLL
    for (int i = 0; i < LANES; i++)
        v[i] = _mm512_shuffle_epi8(v[i], neighbours);
    UNROLL
    for (unsigned first = 0; first < planes; first += 4) {
        const vec words = _mm512_loadu_si512(WORDS[first / 4]);
        UNROLL
        for (int i = 0; i < 4; i++)
            half[i] = _mm512_permutex2var_epi16(v[2 * i], words, v[2 * i + 1]);
        lanes_to_planes(plane, half, first == 0 ? 4 : 2);
        UNROLL
        for (unsigned p = 0; p < 4; p++)
            if (first + p < planes)
                _mm512_storeu_si512(out + (size_t)(first + p) * RING_DEGREE, plane[p]);
    }
}

INLINE void finish(uint8_t *out, const struct block_mask *in, const uint8_t cls[RING_DEGREE],
                   const unsigned planes)
{
    const struct modulus m = modulus_of(in->ring);
    uint64_t summands[SUMMANDS];

    summands_of(summands, in);
    const vec low = load(summands);
    const vec high = load(summands + LANES);
    for (size_t i = 0; i < RING_DEGREE; i += GROUP) {
        vec v[LANES];
        UNROLL
        for (size_t k = 0; k < LANES; k++) {
            const vec index = _mm512_cvtepu8_epi64(
                _mm_loadl_epi64((const __m128i *)(const void *)(cls + i + LANES * k)));
            v[k] = _mm512_add_epi64(load(in->work + i + LANES * k),
                                    _mm512_permutex2var_epi64(low, index, high));
            v[k] = less(less(v[k], m.q2), m.q); /* under 3q */
        }
        put(out + i, v, planes);
    }
}

static void ifma_mask(uint8_t *out, const struct block_mask *in)
{
    const struct ring *r = in->ring;
    uint8_t cls[RING_DEGREE];

    multiply(in->work, r, in->a, in->secret);
    classes(cls, in);
    if (r->coefficient_bytes == 4)
        finish(out, in, cls, 4);
    else if (r->coefficient_bytes == 5)
        finish(out, in, cls, 5);
    else
        finish(out, in, cls, 6);
    explicit_bzero(cls, sizeof cls);
}

static void ifma_add(struct block_sum *sum, uint64_t *work, const struct ring *r,
                     const struct block_term *terms, size_t n)
{
    (r->coefficient_bytes <= 5 ? add_narrow : add_wide)(sum, work, r, terms, n);
}

static void ifma_values(uint64_t out[RING_DEGREE], const struct block_sum *sum,
                        const struct ring *r)
{
    for (size_t i = 0; i < RING_DEGREE; i++)
        out[i] = ring_reduce_wide(r, ((u128)sum->hi[i] << 52) + sum->lo[i]);
    ifma_order(out); /* its own inverse */
}

const struct block_ops block_ifma = {.order = ifma_order,
                                     .secret = ifma_secret,
                                     .factor = ifma_factor,
                                     .product = ifma_product,
                                     .mask = ifma_mask,
                                     .add = ifma_add,
                                     .values = ifma_values,
                                     .adds_max = 4096}; /* of 52 bits each in 64 */

#else

#include "crypto/block_plain.h"

const struct block_ops block_ifma = BLOCK_PLAIN_OPS;

#endif
