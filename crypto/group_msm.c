/* group_msm.c - sums of many products by the bucket method (Pippenger), in variable time: its
 * operands are public. Each window of c bits sorts the points into 2^(c-1) buckets by the size of
 * their digit; a bucket's points are added once, whatever the digit, and running sums weigh the
 * buckets. About 5 us a point at 2^16 points, of which decoding takes more than half. */
#include <stdlib.h>

#include "crypto/fe51.h"

#include "crypto/curve_lanes.h"

enum { WINDOW_MAX = 13, SCALAR_BITS = 253, WORDS = 5 };

struct term {
    struct ge_affine p;
    uint64_t k[WORDS]; /* the scalar plus a half digit in every window: digits need no carries */
};

struct msm {
    struct term *term;
    struct ge *bucket;
    size_t term_count;
    unsigned window_bits, window_count;
};

/* Additions: one a point, two a bucket, in every window. */
static unsigned best_window(size_t n)
{
    unsigned best = 2;
    size_t best_cost = SIZE_MAX;

    for (unsigned c = 2; c <= WINDOW_MAX; c++) {
        size_t cost = (SCALAR_BITS / c + 1) * (n + ((size_t)2 << (c - 1)));
        if (cost < best_cost) {
            best_cost = cost;
            best = c;
        }
    }
    return best;
}

static void add_half_digits(const struct msm *m, uint64_t k[WORDS], const struct scalar *s)
{
    u128 t = 0;
    uint64_t half[WORDS] = {0};

    for (unsigned w = 0; w < m->window_count; w++) {
        unsigned bit = w * m->window_bits + m->window_bits - 1;
        half[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    for (size_t i = 0; i < WORDS; i++) {
        t += (u128)half[i] + (i < 4 ? load_u64le(s->b + 8 * i) : 0);
        k[i] = (uint64_t)t;
        t >>= 64;
    }
}

/* -2^(c-1) .. 2^(c-1) - 1 */
static int digit_of(const struct msm *m, const struct term *t, unsigned window)
{
    unsigned bit = window * m->window_bits;
    uint64_t v = t->k[bit / 64] >> bit % 64;

    if (bit % 64 + m->window_bits > 64)
        v |= t->k[bit / 64 + 1] << (64 - bit % 64);
    return (int)(v & ((UINT64_C(1) << m->window_bits) - 1)) - (1 << (m->window_bits - 1));
}

/* acc += sum over terms of (digit in this window) * point. */
static void add_window(struct ge *acc, const struct msm *m, unsigned window)
{
    const size_t bucket_count = (size_t)1 << (m->window_bits - 1);
    struct ge running = GE_IDENTITY;
    struct ge_cached c;

    for (size_t i = 0; i < bucket_count; i++)
        m->bucket[i] = GE_IDENTITY;
    for (size_t i = 0; i < m->term_count; i++) {
        int digit = digit_of(m, &m->term[i], window);
        if (digit == 0)
            continue;
        struct ge *b = &m->bucket[(digit < 0 ? -digit : digit) - 1];
        ge_add_affine_vartime(b, b, &m->term[i].p, digit < 0);
    }
    /* 1*b[0] + 2*b[1] + ...: every running sum is added once, from the top. */
    for (size_t i = bucket_count; i-- > 0;) {
        ge_cache(&c, &m->bucket[i]);
        ge_add(&running, &running, &c);
        ge_cache(&c, &running);
        ge_add(acc, acc, &c);
    }
}

size_t group_msm_vartime(struct point *out, const struct scalar *k, const struct point *in,
                         size_t n)
{
    struct msm m = {.term_count = n, .window_bits = best_window(n)};
    size_t rc = GROUP_ALL_GOOD;
    struct ge acc = GE_IDENTITY;
    struct ge p;

    *out = (struct point){{0}};
    if (n == 0)
        return GROUP_ALL_GOOD;
    m.window_count = SCALAR_BITS / m.window_bits + 1; /* a bit over: half digits may carry */
    m.term = calloc(n, sizeof *m.term);
    m.bucket = calloc((size_t)1 << (m.window_bits - 1), sizeof *m.bucket);
    if (m.term == NULL || m.bucket == NULL) {
        rc = GROUP_NO_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        if (ge_decode(&p, &in[i]) != 0) {
            rc = i;
            goto out;
        }
        ge_to_affine(&m.term[i].p, &p);
        add_half_digits(&m, m.term[i].k, &k[i]);
    }
    for (unsigned w = m.window_count; w-- > 0;) {
        for (unsigned i = 0; i < m.window_bits; i++)
            ge_double(&acc, &acc);
        add_window(&acc, &m, w);
    }
    ge_encode(out, &acc);
out:
    free(m.term);
    free(m.bucket);
    return rc;
}
