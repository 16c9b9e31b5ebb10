/* Compiled with AVX2 and FMA (Makefile, CFLAGS_ARCH), and run only where there are both.
 *
 * Four slots a register, as integers in doubles of either sign (field2_doubles.h), so that form() is 1. */
#include "crypto/membership.h"

#ifdef __FMA__

#include "crypto/field2_doubles.h"

enum { GROUP = 32, VECTORS = GROUP / DM_LANES, PLANES = 6 };
#define ROLLED _Pragma("GCC unroll 1")

/* Slots 2i, 2i+1 and 16+2i, 17+2i of a group: where interleave() leaves them. */
DM_INLINE __m256d load_pairs(const uint64_t *p, size_t i)
{
    const __m128i *const at = (const __m128i *)(const void *)(p + 2 * i);

    return dm_from(_mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(at)),
                                           _mm_loadu_si128(at + GROUP / 4), 1));
}
DM_INLINE void store_pairs(uint64_t *p, size_t i, __m256d x)
{
    __m128i *const at = (__m128i *)(void *)(p + 2 * i);
    const __m256i words = dm_to(x);

    _mm_storeu_si128(at, _mm256_castsi256_si128(words));
    _mm_storeu_si128(at + GROUP / 4, _mm256_extracti128_si256(words, 1));
}
DM_INLINE __m256i load_bytes(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
/* From planes of bytes, lowest first, of a group's numbers: 2^52 + number, as doubles. */
DM_INLINE void interleave(__m256d out[VECTORS], const __m256i plane[PLANES])
{
    const __m256i exponent = _mm256_set1_epi16(0x4330);
    __m256i words[3][2];
    __m256i low[4];
    __m256i high[4];

    UNROLL
    for (size_t i = 0; i < 3; i++) {
        words[i][0] = _mm256_unpacklo_epi8(plane[2 * i], plane[2 * i + 1]);
        words[i][1] = _mm256_unpackhi_epi8(plane[2 * i], plane[2 * i + 1]);
    }
    UNROLL
    for (size_t i = 0; i < 2; i++) {
        low[2 * i] = _mm256_unpacklo_epi16(words[0][i], words[1][i]);
        low[2 * i + 1] = _mm256_unpackhi_epi16(words[0][i], words[1][i]);
        high[2 * i] = _mm256_unpacklo_epi16(words[2][i], exponent);
        high[2 * i + 1] = _mm256_unpackhi_epi16(words[2][i], exponent);
    }
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        out[2 * i] = _mm256_castsi256_pd(_mm256_unpacklo_epi32(low[i], high[i]));
        out[2 * i + 1] = _mm256_castsi256_pd(_mm256_unpackhi_epi32(low[i], high[i]));
    }
}

static uint64_t avx2_form(const struct ring *r)
{
    (void)r;
    return 1;
}

/* A table's rows by planes of bytes: entries within q/2 of zero, and half of 2^(8 planes) more. */
struct row_planes {
    uint8_t of[MEMBERSHIP_DEGREE][PLANES][MEMBERSHIP_CLASSES];
};
static void row_planes_make(struct row_planes *p, const struct ring *r,
                            const struct membership_table *table)
{
    const uint64_t half = (uint64_t)1 << (8 * r->coefficient_bytes - 1);

    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++)
        for (size_t c = 0; c < MEMBERSHIP_CLASSES; c++) {
            const uint64_t entry = table->of[d][c];
            const uint64_t above = ct_mask_lt(r->q / 2, entry);
            const uint64_t shifted = entry + half - (above & r->q);
            for (size_t plane = 0; plane < PLANES; plane++)
                p->of[d][plane][c] = (uint8_t)(shifted >> 8 * plane);
        }
}

/* Entries of one row for a group, whatever the classes: sixteen bytes are a permutation's table. */
DM_INLINE void look_up(__m256d out[VECTORS], uint8_t row[PLANES][MEMBERSHIP_CLASSES],
                       __m256i classes, __m256d taken, const size_t planes)
{
    __m256i plane[PLANES];

    UNROLL
    for (size_t i = 0; i < PLANES; i++)
        plane[i] = i >= planes ? _mm256_setzero_si256()
                               : _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(
                                                         (const __m128i *)(const void *)row[i])),
                                                     classes);
    interleave(out, plane);
    UNROLL
    for (size_t i = 0; i < VECTORS; i++)
        out[i] = _mm256_sub_pd(out[i], taken);
}

/* Secret; of its slots chi M^d, M, five times its second coordinate, a row's entries. */
struct group {
    struct lanes2 power[VECTORS], base[VECTORS];
    __m256d five[VECTORS], entry[VECTORS];
};
DM_INLINE void group_enter(struct group *g, const struct membership_slots *in, size_t t,
                           const struct modulus *m)
{
    for (size_t i = 0; i < VECTORS; i++) {
        g->power[i] = (struct lanes2){centre(load_pairs(in->chi[0] + t, i), m),
                                      centre(load_pairs(in->chi[1] + t, i), m)};
        g->base[i] = (struct lanes2){centre(load_pairs(in->k[0] + t, i), m),
                                     centre(load_pairs(in->k[1] + t, i), m)};
        g->five[i] = centre(times_five(g->base[i].c1), m);
    }
}
/* Apart from add_entries(), or the processor's window fills up with sums that wait for powers. */
DM_INLINE void group_raise(struct group *g, const struct modulus *m)
{
    ROLLED
    for (size_t i = 0; i < VECTORS; i++)
        g->power[i] = mul2(g->power[i], g->base[i], g->five[i], m);
}
DM_INLINE void add_entries(struct product_sum s[2], const struct group *g, __m256d start)
{
    struct product_sum s0 = s[0];
    struct product_sum s1 = s[1];

    ROLLED
    for (size_t i = 0; i < VECTORS; i++) {
        add_product(&s0, g->power[i].c0, g->entry[i], start);
        add_product(&s1, g->power[i].c1, g->entry[i], start);
    }
    s[0] = s0;
    s[1] = s1;
}

/* Sums as integers: the bits of 2^52 + 2^51 + x. */
static uint64_t gather_whole(const struct ring *r, __m256i sum)
{
    const double middle = 0x1.8p52;
    uint64_t lanes[DM_LANES];
    uint64_t start;
    uint64_t all = 0;

    memcpy(&start, &middle, sizeof start);
    _mm256_storeu_si256((__m256i *)(void *)lanes, sum);
    for (size_t i = 0; i < DM_LANES; i++)
        all += lanes[i] - TERMS * start;
    return ring_reduce_signed(r, (int64_t)all); /* 2048 under 2^48 */
}

struct whole_sum { /* of lanes, as gather_whole() has it */
    __m256i c0, c1;
};
DM_INLINE void add_whole(struct whole_sum *s, struct lanes2 x)
{
    const __m256d middle = dm_all(0x1.8p52);

    s->c0 = _mm256_add_epi64(s->c0, _mm256_castpd_si256(_mm256_add_pd(x.c0, middle)));
    s->c1 = _mm256_add_epi64(s->c1, _mm256_castpd_si256(_mm256_add_pd(x.c1, middle)));
}
DM_INLINE void whole_to(struct field2 *to, const struct ring *r, const struct whole_sum *s)
{
    *to = field2_add(r, *to, (struct field2){gather_whole(r, s->c0), gather_whole(r, s->c1)});
}
struct proving { /* secret: sums and a group */
    struct product_sum sum[MEMBERSHIP_SUMS_MAX][MEMBERSHIP_DEGREE][2];
    struct whole_sum flat[MEMBERSHIP_DEGREE]; /* of powers, where all classes have one entry */
    struct row_planes rows[MEMBERSHIP_SUMS_MAX];
    struct group group;
    __m256d start, taken;
};
DM_INLINE void prove_group(struct proving *p, const struct membership_sum *sums, const size_t count,
                           __m256i classes, const size_t planes, const struct modulus *m)
{
    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
        group_raise(&p->group, m);
        if (sums[0].table->flat[d] || sums[count - 1].table->flat[d]) {
            ROLLED
            for (size_t i = 0; i < VECTORS; i++)
                add_whole(&p->flat[d], p->group.power[i]);
        }
        for (size_t k = 0; k < count; k++) {
            if (sums[k].table->flat[d])
                continue;
            look_up(p->group.entry, p->rows[k].of[d], classes, p->taken, planes);
            add_entries(p->sum[k][d], &p->group, p->start);
        }
    }
}
DM_INLINE void prove(const struct membership_sum *sums, const size_t count, const struct ring *r,
                     const struct membership_slots *in, const uint8_t cls[RING_DEGREE],
                     const size_t planes)
{
    const struct modulus m = modulus_of(r, 0.875);
    const struct split split = split_of(r, 0.4375);
    struct proving p;

    memset(&p.sum, 0, sizeof p.sum);
    memset(&p.flat, 0, sizeof p.flat);
    p.start = dm_all(split.start);
    p.taken = dm_all(0x1p52 + (double)((int64_t)1 << (8 * r->coefficient_bytes - 1)));
    for (size_t k = 0; k < count; k++)
        row_planes_make(&p.rows[k], r, sums[k].table);
    for (size_t t = 0; t < RING_DEGREE; t += GROUP) {
        group_enter(&p.group, in, t, &m);
        prove_group(&p, sums, count, load_bytes(cls + t), planes, &m);
    }
    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
        struct field2 powers = {0, 0};
        if (sums[0].table->flat[d] || sums[count - 1].table->flat[d])
            whole_to(&powers, r, &p.flat[d]);
        for (size_t k = 0; k < count; k++) {
            const struct membership_table *table = sums[k].table;
            const struct field2 sum =
                table->flat[d] ? field2_scale(r, powers, table->of[d][0])
                               : (struct field2){gather(r, &p.sum[k][d][0], split, TERMS),
                                                 gather(r, &p.sum[k][d][1], split, TERMS)};
            sums[k].to[d] = field2_add(r, sums[k].to[d], sum);
        }
    }
}

/* One function for each: their sums together would be too much for a stack. */
#define ALONE static __attribute__((noinline)) void
ALONE prove_one(const struct membership_sum *sums, const struct ring *r,
                const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, 1, r, in, cls, PLANES - 1);
}
ALONE prove_one_wide(const struct membership_sum *sums, const struct ring *r,
                     const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, 1, r, in, cls, PLANES);
}
ALONE prove_two(const struct membership_sum *sums, const struct ring *r,
                const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, MEMBERSHIP_SUMS_MAX, r, in, cls, PLANES - 1);
}
ALONE prove_two_wide(const struct membership_sum *sums, const struct ring *r,
                     const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    prove(sums, MEMBERSHIP_SUMS_MAX, r, in, cls, PLANES);
}

static void avx2_prove(const struct membership_sum *sums, size_t count, const struct ring *r,
                       const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    if (r->coefficient_bytes < PLANES)
        (count == 1 ? prove_one : prove_two)(sums, r, in, cls);
    else
        (count == 1 ? prove_one_wide : prove_two_wide)(sums, r, in, cls);
}

DM_INLINE __m256d load_centred(const uint64_t *p, const struct modulus *m)
{
    return centre(dm_from(_mm256_loadu_si256((const __m256i *)(const void *)p)), m);
}

DM_INLINE __m256d all_centred(uint64_t x, const struct modulus *m)
{
    return centre(dm_from(_mm256_set1_epi64x((long long)x)), m);
}
DM_INLINE struct lanes2 load_centred2(const uint64_t *const p[2], size_t i, const struct modulus *m)
{
    return (struct lanes2){load_centred(p[0] + i, m), load_centred(p[1] + i, m)};
}

/* Wide: q is of 48 bits, and factors do not stay below q without being brought there. */
DM_INLINE __m256d less(__m256d x, const struct modulus *m, const bool wide)
{
    return wide ? centre(x, m) : x;
}
DM_INLINE struct lanes2 square_of(struct lanes2 k, const struct modulus *m, const bool wide)
{
    return (struct lanes2){mul_pair(k, (struct lanes2){k.c0, less(times_five(k.c1), m, wide)}, m),
                           mul(k.c0, _mm256_add_pd(k.c1, k.c1), m)};
}
DM_INLINE struct lanes2 sum_of(struct lanes2 a, struct lanes2 b, const struct modulus *m,
                               const bool wide)
{
    return (struct lanes2){less(_mm256_add_pd(a.c0, b.c0), m, wide),
                           less(_mm256_add_pd(a.c1, b.c1), m, wide)};
}
/* b of F_q */
DM_INLINE struct lanes2 plus(struct lanes2 a, __m256d b, const struct modulus *m, const bool wide)
{
    return (struct lanes2){less(_mm256_add_pd(a.c0, b), m, wide), a.c1};
}
DM_INLINE struct lanes2 mul_lanes2(struct lanes2 a, struct lanes2 b, const struct modulus *m,
                                   const bool wide)
{
    return mul2(a, b, less(times_five(b.c1), m, wide), m);
}

DM_INLINE void verify(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                      const struct membership_squares *squares, const bool wide)
{
    const struct modulus m = modulus_of(r, wide ? 1.75 : 7);
    __m256d square[MEMBERSHIP_SQUARES_MAX];
    struct whole_sum s = {_mm256_setzero_si256(), _mm256_setzero_si256()};

    for (size_t i = 0; i < squares->count; i++)
        square[i] = all_centred(squares->of[i], &m);
    for (size_t t = 0; t < RING_DEGREE; t += DM_LANES) {
        const struct lanes2 k = load_centred2(in->k, t, &m);
        const struct lanes2 y = square_of(k, &m, wide);
        struct lanes2 product = mul_lanes2(load_centred2(in->chi, t, &m), k, &m, wide);
        for (size_t i = 0; i < squares->count; i++)
            product = mul_lanes2(product, plus(y, square[i], &m, wide), &m, wide);
        add_whole(&s, product);
    }
    whole_to(to, r, &s);
}

/* Two registers of slots at once: one alone would wait for its own products. */
enum { ROWS = 2, DATA_SUMS = MEMBERSHIP_NEAR + 2 };
struct constants { /* of membership_data */
    __m256d quartic[MEMBERSHIP_QUARTIC], last, near[MEMBERSHIP_NEAR];
};
static void constants_make(struct constants *c, const struct membership_data *d,
                           const struct modulus *m)
{
    for (size_t i = 0; i < MEMBERSHIP_QUARTIC; i++)
        c->quartic[i] = all_centred(d->quartic[i], m);
    c->last = all_centred(d->last, m);
    for (size_t i = 0; i < MEMBERSHIP_NEAR; i++)
        c->near[i] = all_centred(d->near[i], m);
}
struct checked { /* secret: of a register of slots */
    struct lanes2 k, y, z, last, product;
};
#define SIDE_BY_SIDE(i)                                                                            \
    UNROLL                                                                                         \
    for (size_t i = 0; i < ROWS; i++)

/* U of slots from t on. */
DM_INLINE void check_shared(struct checked c[ROWS], const struct membership_slots *in, size_t t,
                            const struct constants *with, const struct modulus *m, const bool wide)
{
    SIDE_BY_SIDE(i)
    {
        c[i].k = load_centred2(in->k, t + DM_LANES * i, m);
        c[i].y = square_of(c[i].k, m, wide);
    }
    SIDE_BY_SIDE(i)
    {
        const struct lanes2 chi = load_centred2(in->chi, t + DM_LANES * i, m);
        const struct lanes2 first = plus(c[i].y, with->quartic[0], m, wide);
        c[i].z = plus(mul_lanes2(first, c[i].y, m, wide), with->quartic[1], m, wide);
        c[i].last = mul_lanes2(chi, plus(c[i].y, with->last, m, wide), m, wide);
    }
    SIDE_BY_SIDE(i)
    {
        /* Of so many terms it would be too large for a factor. */
        const struct lanes2 other =
            plus(sum_of(c[i].z, c[i].y, m, true), with->quartic[2], m, wide);
        const struct lanes2 quartic =
            plus(mul_lanes2(c[i].z, other, m, wide), with->quartic[3], m, wide);
        c[i].product = mul_lanes2(c[i].last, quartic, m, wide);
    }
}

DM_INLINE void verify_data(struct membership_data_sums *to, const struct ring *r,
                           const struct membership_slots *in, const struct membership_data *d,
                           const bool wide)
{
    const struct modulus m = modulus_of(r, wide ? 1.75 : 7);
    struct constants with;
    struct whole_sum s[DATA_SUMS];

    constants_make(&with, d, &m);
    for (size_t i = 0; i < DATA_SUMS; i++)
        s[i] = (struct whole_sum){_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t t = 0; t < RING_DEGREE; t += (size_t)ROWS * DM_LANES) {
        struct checked c[ROWS];
        check_shared(c, in, t, &with, &m, wide);
        UNROLL
        for (size_t n = 0; n < DATA_SUMS; n++)
            SIDE_BY_SIDE(i)
            {
                const struct lanes2 by =
                    n < MEMBERSHIP_NEAR ? plus(c[i].y, with.near[n], &m, wide) : c[i].k;
                add_whole(&s[n], c[i].product);
                if (n + 1 < DATA_SUMS)
                    c[i].product = mul_lanes2(c[i].product, by, &m, wide);
            }
    }
    for (size_t i = 0; i < DATA_SUMS; i++)
        whole_to(&to->of[i], r, &s[i]);
}

ALONE verify_narrow(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                    const struct membership_squares *squares)
{
    verify(to, r, in, squares, false);
}
ALONE verify_wide(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                  const struct membership_squares *squares)
{
    verify(to, r, in, squares, true);
}
ALONE data_narrow(struct membership_data_sums *to, const struct ring *r,
                  const struct membership_slots *in, const struct membership_data *d)
{
    verify_data(to, r, in, d, false);
}
ALONE data_wide(struct membership_data_sums *to, const struct ring *r,
                const struct membership_slots *in, const struct membership_data *d)
{
    verify_data(to, r, in, d, true);
}

static void avx2_verify(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                        const struct membership_squares *squares)
{
    (r->coefficient_bytes >= PLANES ? verify_wide : verify_narrow)(to, r, in, squares);
}

static void avx2_verify_data(struct membership_data_sums *to, const struct ring *r,
                             const struct membership_slots *in, const struct membership_data *d)
{
    (r->coefficient_bytes >= PLANES ? data_wide : data_narrow)(to, r, in, d);
}

static void avx2_add(uint64_t *l, const struct ring *r, const uint8_t *planes)
{
    const struct modulus m = modulus_of(r, 1);
    const __m256d two52 = dm_all(0x1p52);
    __m256i plane[PLANES] = {_mm256_setzero_si256()};
    __m256d c[VECTORS];

    for (size_t t = 0; t < RING_DEGREE; t += GROUP) {
        for (size_t p = 0; p < r->coefficient_bytes; p++)
            plane[p] =
                _mm256_loadu_si256((const __m256i *)(const void *)(planes + t + p * RING_DEGREE));
        interleave(c, plane);
        for (size_t i = 0; i < VECTORS; i++) {
            const __m256d sum = _mm256_add_pd(load_pairs(l + t, i), _mm256_sub_pd(c[i], two52));
            store_pairs(l + t, i, dm_canonical(centre(sum, &m), m.m));
        }
    }
}

static uint64_t avx2_dot(const struct ring *r, const uint64_t *a, const uint64_t *b, size_t n)
{
    const struct modulus m = modulus_of(r, 1);
    const struct split split = split_of(r, 0.4375);
    const __m256d start = dm_all(split.start);
    uint64_t all = 0;

    for (size_t at = 0; at < n; at += RING_DEGREE) {
        const size_t count = n - at < RING_DEGREE ? n - at : RING_DEGREE;
        struct product_sum s[2] = {{_mm256_setzero_si256(), _mm256_setzero_pd()},
                                   {_mm256_setzero_si256(), _mm256_setzero_pd()}};
        for (size_t i = at; i < at + count; i += RING_LANES) {
            add_product(&s[0], load_centred(a + i, &m), load_centred(b + i, &m), start);
            add_product(&s[1], load_centred(a + i + DM_LANES, &m),
                        load_centred(b + i + DM_LANES, &m), start);
        }
        for (size_t i = 0; i < 2; i++)
            all = ring_add(r, all, gather(r, &s[i], split, count / RING_LANES));
    }
    return all;
}

const struct membership_ops membership_avx2 = {.form = avx2_form,
                                               .prove = avx2_prove,
                                               .verify = avx2_verify,
                                               .verify_data = avx2_verify_data,
                                               .add = avx2_add,
                                               .dot = avx2_dot};

#else

const struct membership_ops membership_avx2 = {0};

#endif
