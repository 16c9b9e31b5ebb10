/* fe51.h - arithmetic mod p = 2^255 - 19 in five limbs of 51 bits, portable and constant time.
 *
 * Bounds, which correctness rests on (tests/crypto/group_test.c drives them to the edge):
 *   tight  every limb < 2^51 + 2^18: what fe_mul, fe_sqr, fe_add, fe_sub, fe_neg and loads give
 *   loose  every limb < 2^54: what fe_add_loose of two tight elements, fe_sub_loose of any element
 *          minus a tight one or a sum of two, and up to three such sums give
 * fe_mul and fe_sqr take loose inputs: 77 * 2^54 * 2^54 < 2^115, so that a column's carry still
 * fits 64 bits. Everything else takes tight inputs unless it says so. */
#ifndef PT_FE51_H
#define PT_FE51_H

#include <string.h>

#include "crypto/base/ct.h"
#include "crypto/base/span.h"

struct fe {
    uint64_t v[5];
};

#define FE_MASK51 ((UINT64_C(1) << 51) - 1)

#define FE_INLINE static inline
typedef uint64_t fe_mask; /* all ones or all zeros */
enum { FE_LANES = 1, FE_WIDE = 1 };
#define FE_CONST(a, b, c, d, e)                                                                    \
    {                                                                                              \
        {                                                                                          \
            a, b, c, d, e                                                                          \
        }                                                                                          \
    }

/* One pass of carries: any limbs < 2^58 become tight. */
static inline void fe_carry(struct fe *r)
{
    r->v[1] += r->v[0] >> 51;
    r->v[2] += r->v[1] >> 51;
    r->v[3] += r->v[2] >> 51;
    r->v[4] += r->v[3] >> 51;
    r->v[0] = (r->v[0] & FE_MASK51) + 19 * (r->v[4] >> 51);
    r->v[1] &= FE_MASK51;
    r->v[2] &= FE_MASK51;
    r->v[3] &= FE_MASK51;
    r->v[4] &= FE_MASK51;
}

/* These are written out: gcc does not unroll them at -O2, and they are half of an addition. */
static inline void fe_add_loose(struct fe *r, const struct fe *a, const struct fe *b)
{
    r->v[0] = a->v[0] + b->v[0];
    r->v[1] = a->v[1] + b->v[1];
    r->v[2] = a->v[2] + b->v[2];
    r->v[3] = a->v[3] + b->v[3];
    r->v[4] = a->v[4] + b->v[4];
}

/* a + 4p - b: never negative for b < 2^53 - 76 a limb. */
static inline void fe_sub_loose(struct fe *r, const struct fe *a, const struct fe *b)
{
    const uint64_t low = (UINT64_C(1) << 53) - 76;
    const uint64_t high = (UINT64_C(1) << 53) - 4;

    r->v[0] = a->v[0] + low - b->v[0];
    r->v[1] = a->v[1] + high - b->v[1];
    r->v[2] = a->v[2] + high - b->v[2];
    r->v[3] = a->v[3] + high - b->v[3];
    r->v[4] = a->v[4] + high - b->v[4];
}

static inline void fe_add(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_add_loose(r, a, b);
    fe_carry(r);
}

static inline void fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_sub_loose(r, a, b);
    fe_carry(r);
}

/* A sum of tight elements that may be squared. */
static inline void fe_add_to_square(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_add_loose(r, a, b);
}

static inline void fe_neg(struct fe *r, const struct fe *a)
{
    static const struct fe zero;

    fe_sub(r, &zero, a);
}

/* Columns of a product, each < 2^115, to a tight element. Written out: gcc keeps an array of them
 * in memory, which costs a fifth of the multiplication. */
static inline void fe_fold(struct fe *r, u128 c0, u128 c1, u128 c2, u128 c3, u128 c4)
{
    c1 += (uint64_t)(c0 >> 51);
    c2 += (uint64_t)(c1 >> 51);
    c3 += (uint64_t)(c2 >> 51);
    c4 += (uint64_t)(c3 >> 51);
    const u128 low = (u128)(uint64_t)(c4 >> 51) * 19 + ((uint64_t)c0 & FE_MASK51);

    r->v[0] = (uint64_t)low & FE_MASK51;
    r->v[1] = ((uint64_t)c1 & FE_MASK51) + (uint64_t)(low >> 51);
    r->v[2] = (uint64_t)c2 & FE_MASK51;
    r->v[3] = (uint64_t)c3 & FE_MASK51;
    r->v[4] = (uint64_t)c4 & FE_MASK51;
}

static inline void fe_mul(struct fe *r, const struct fe *x, const struct fe *y)
{
    const uint64_t *a = x->v;
    const uint64_t *b = y->v;
    /* 2^255 = 19: what passes the fifth limb comes back at the first, times 19. */
    const uint64_t c1 = 19 * b[1];
    const uint64_t c2 = 19 * b[2];
    const uint64_t c3 = 19 * b[3];
    const uint64_t c4 = 19 * b[4];
    fe_fold(
        r,
        (u128)a[0] * b[0] + (u128)a[1] * c4 + (u128)a[2] * c3 + (u128)a[3] * c2 + (u128)a[4] * c1,
        (u128)a[0] * b[1] + (u128)a[1] * b[0] + (u128)a[2] * c4 + (u128)a[3] * c3 + (u128)a[4] * c2,
        (u128)a[0] * b[2] + (u128)a[1] * b[1] + (u128)a[2] * b[0] + (u128)a[3] * c4 +
            (u128)a[4] * c3,
        (u128)a[0] * b[3] + (u128)a[1] * b[2] + (u128)a[2] * b[1] + (u128)a[3] * b[0] +
            (u128)a[4] * c4,
        (u128)a[0] * b[4] + (u128)a[1] * b[3] + (u128)a[2] * b[2] + (u128)a[3] * b[1] +
            (u128)a[4] * b[0]);
}

static inline void fe_sqr(struct fe *r, const struct fe *x)
{
    const uint64_t *a = x->v;
    const uint64_t d0 = 2 * a[0];
    const uint64_t d1 = 2 * a[1];
    const uint64_t e3 = 19 * a[3];
    const uint64_t e4 = 19 * a[4];
    fe_fold(r, (u128)a[0] * a[0] + (u128)d1 * e4 + (u128)(2 * a[2]) * e3,
            (u128)d0 * a[1] + (u128)(2 * a[2]) * e4 + (u128)a[3] * e3,
            (u128)d0 * a[2] + (u128)a[1] * a[1] + (u128)(2 * a[3]) * e4,
            (u128)d0 * a[3] + (u128)d1 * a[2] + (u128)a[4] * e4,
            (u128)d0 * a[4] + (u128)d1 * a[3] + (u128)a[2] * a[2]);
}

/* "Wide" is a step that eight lanes need between a product and a sum (fe_ifma.h); one lane does not:
 * products are tight, sums of two and differences loose. */
static inline void fe_mul_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_mul(r, a, b);
}

static inline void fe_sqr_wide(struct fe *r, const struct fe *a)
{
    fe_sqr(r, a);
}

static inline void fe_mul_minuend(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_mul(r, a, b);
}

static inline void fe_sqr_minuend(struct fe *r, const struct fe *a)
{
    fe_sqr(r, a);
}

static inline void fe_minuend(struct fe *r, const struct fe *a)
{
    *r = *a;
}

static inline void fe_add_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_add_loose(r, a, b);
}

static inline void fe_sub_wide(struct fe *r, const struct fe *a, const struct fe *b)
{
    fe_sub_loose(r, a, b);
}

static inline void fe_narrow(struct fe *r, const struct fe *a)
{
    *r = *a;
}

/* For what will only be a first factor, or will be multiplied by tight elements only. */
static inline void fe_narrow_first(struct fe *r, const struct fe *a)
{
    fe_narrow(r, a);
}

static inline void fe_narrow_sum(struct fe *r, const struct fe *a)
{
    *r = *a;
}

/* r = a where mask is all ones, unchanged where it is zero. */
static inline void fe_select(struct fe *r, const struct fe *a, uint64_t mask)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = ct_select(mask, a->v[i], r->v[i]);
}

/* r = b where mask is all ones, a where it is zero. */
static inline void fe_pick(struct fe *r, const struct fe *a, const struct fe *b, uint64_t mask)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = ct_select(mask, b->v[i], a->v[i]);
}

/* r |= a where mask is all ones: cheaper than fe_select, for a r that starts at zero. */
static inline void fe_or(struct fe *r, const struct fe *a, uint64_t mask)
{
    for (int i = 0; i < 5; i++)
        r->v[i] |= a->v[i] & mask;
}

/* r |= a small number where mask is all ones. */
static inline void fe_or_small(struct fe *r, int small, uint64_t mask)
{
    r->v[0] |= (uint64_t)small & mask;
}

static inline void fe_swap_if(struct fe *a, struct fe *b, uint64_t mask)
{
    const struct fe t = *a;

    fe_select(a, b, mask);
    fe_select(b, &t, mask);
}

/* sum = a + b and difference = a - b; the other way round where mask is all ones. */
static inline void fe_both_wide(struct fe *sum, struct fe *difference, const struct fe *a,
                                const struct fe *b, uint64_t mask)
{
    fe_add_wide(sum, a, b);
    fe_sub_wide(difference, a, b);
    fe_swap_if(sum, difference, mask);
}

static inline void fe_negate_if(struct fe *r, uint64_t mask)
{
    struct fe minus;

    fe_neg(&minus, r);
    fe_select(r, &minus, mask);
}

/* The representative in 0..p-1. */
static inline void fe_freeze(struct fe *r, const struct fe *a)
{
    struct fe t = *a;

    fe_carry(&t);
    fe_carry(&t);
    /* Now t < 2p. over = 1 exactly when t >= p, that is when t + 19 reaches 2^255. */
    uint64_t over = (t.v[0] + 19) >> 51;
    for (int i = 1; i < 5; i++)
        over = (t.v[i] + over) >> 51;
    t.v[0] += 19 * over;
    for (int i = 0; i < 4; i++) {
        t.v[i + 1] += t.v[i] >> 51;
        t.v[i] &= FE_MASK51;
    }
    t.v[4] &= FE_MASK51;
    *r = t;
}

static inline uint64_t fe_mask_zero(const struct fe *a)
{
    struct fe t;

    fe_freeze(&t, a);
    return ct_mask_zero(t.v[0] | t.v[1] | t.v[2] | t.v[3] | t.v[4]);
}

/* "Negative" is RFC 9496's word for odd. */
static inline uint64_t fe_mask_negative(const struct fe *a)
{
    struct fe t;

    fe_freeze(&t, a);
    return ct_barrier(0 - (t.v[0] & 1));
}

static inline void fe_abs(struct fe *r)
{
    fe_negate_if(r, fe_mask_negative(r));
}

/* Little endian; bit 255 is ignored (RFC 9496 section 4.3.4). */
static inline void fe_load(struct fe *r, const uint8_t *b, size_t stride)
{
    (void)stride; /* between lanes: here is one */
    const uint64_t w0 = load_u64le(b);
    const uint64_t w1 = load_u64le(b + 8);
    const uint64_t w2 = load_u64le(b + 16);
    const uint64_t w3 = load_u64le(b + 24);

    r->v[0] = w0 & FE_MASK51;
    r->v[1] = (w0 >> 51 | w1 << 13) & FE_MASK51;
    r->v[2] = (w1 >> 38 | w2 << 26) & FE_MASK51;
    r->v[3] = (w2 >> 25 | w3 << 39) & FE_MASK51;
    r->v[4] = w3 >> 12 & FE_MASK51;
}

static inline void fe_store(uint8_t *b, size_t stride, const struct fe *a)
{
    (void)stride;
    struct fe t;

    fe_freeze(&t, a);
    store_u64le(b, t.v[0] | t.v[1] << 51);
    store_u64le(b + 8, t.v[1] >> 13 | t.v[2] << 38);
    store_u64le(b + 16, t.v[2] >> 26 | t.v[3] << 25);
    store_u64le(b + 24, t.v[3] >> 39 | t.v[4] << 12);
}

/* fe_load(), and a mask of lanes whose 256 bits are not below p. */
static inline fe_mask fe_load_strict(struct fe *r, const uint8_t *b, size_t stride)
{
    uint8_t again[32];

    fe_load(r, b, stride);
    fe_store(again, sizeof again, r);
    return ~(ct_mask_eq(load_u64le(again), load_u64le(b)) &
             ct_mask_eq(load_u64le(again + 8), load_u64le(b + 8)) &
             ct_mask_eq(load_u64le(again + 16), load_u64le(b + 16)) &
             ct_mask_eq(load_u64le(again + 24), load_u64le(b + 24)));
}

/* Three elements beside each other in 128 bytes a lane, as limbs; row[i] is lane i. */
static inline void fe_load_rows(struct fe *a, struct fe *b, struct fe *c,
                                const uint8_t *const row[FE_LANES])
{
    memcpy(a, row[0], sizeof *a);
    memcpy(b, row[0] + sizeof *a, sizeof *b);
    memcpy(c, row[0] + 2 * sizeof *a, sizeof *c);
}

static inline void fe_store_rows(uint8_t *const row[FE_LANES], const struct fe *a,
                                 const struct fe *b, const struct fe *c)
{
    memcpy(row[0], a, sizeof *a);
    memcpy(row[0] + sizeof *a, b, sizeof *b);
    memcpy(row[0] + 2 * sizeof *a, c, sizeof *c);
}

/* What a digit of 0..31 stands for, of a table's window: the elements of its row |digit - 16| - 1, or
 * 1, 1 and 0 for 16. table[5 * e + i][row] is limb i of element e. All ones are returned when it is below 16. */
static inline fe_mask fe_lookup(struct fe *a, struct fe *b, struct fe *c,
                                const uint64_t table[15][16], const uint8_t digit[FE_LANES])
{
    struct fe *const to[3] = {a, b, c};
    const uint64_t d = digit[0];
    const fe_mask minus = ct_barrier((d >> 4) - 1);
    const fe_mask none = ct_mask_eq(d, 16);
    const uint64_t row = ct_select(minus, d ^ 15, (d - 1) & 15) | (none & 16);
    fe_mask is[16];

    for (size_t j = 0; j < 16; j++)
        is[j] = ct_mask_eq(row, j);
    for (size_t i = 0; i < 15; i++) {
        uint64_t v = none & (i == 0 || i == 5);
        for (size_t j = 0; j < 16; j++)
            v |= table[i][j] & is[j];
        to[i / 5]->v[i % 5] = v;
    }
    return minus;
}

/* Of a digit in -8..8: is[j] = all ones when it is j or -j. All ones are returned when it is below zero. */
static inline fe_mask fe_mask_digits(fe_mask is[9], const int8_t digits[FE_LANES])
{
    const uint64_t minus = ct_barrier(0 - ((uint64_t)digits[0] >> 63));
    const uint64_t size = ((uint64_t)digits[0] ^ minus) - minus;

    for (uint64_t j = 0; j <= 8; j++)
        is[j] = ct_mask_eq(size, j);
    return minus;
}

/* A mask that is `bit` in this lane and zero elsewhere. */
static inline fe_mask fe_mask_lane(int lane, uint64_t bit)
{
    (void)lane;
    return ct_barrier(0 - bit);
}

/* First lane below n that is set, or n. For masks that are public. */
static inline size_t fe_mask_first_vartime(fe_mask m, size_t n)
{
    return n > 0 && m != 0 ? 0 : n;
}

#endif
