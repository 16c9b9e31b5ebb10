/* membership.h in plain C, for any processor. */
#include "crypto/membership.h"

#include "crypto/base/ct.h"
#include "crypto/residues.h"

enum { CHUNK = 8, NON_SQUARE = 5 };

static uint64_t plain_form(const struct ring *r)
{
    return ring_to_mont(r, 1);
}

/* (a*b + c*d) / 2^64 mod q, for factors below 5q. */
static inline uint64_t mul_pair(const struct ring *r, uint64_t a, uint64_t b, uint64_t c,
                                uint64_t d)
{
    const u128 sum = (u128)a * b + (u128)c * d;
    const uint64_t m = (uint64_t)sum * r->neg_qinv;

    return ring_less((uint64_t)((sum + (u128)m * r->q) >> 64), r->q);
}
static inline struct field2 mul(const struct ring *r, struct field2 a, struct field2 b)
{
    return (struct field2){mul_pair(r, a.c0, b.c0, a.c1, NON_SQUARE * b.c1),
                           mul_pair(r, a.c0, b.c1, a.c1, b.c0)};
}
static inline struct field2 at(const uint64_t *const coordinates[2], size_t i)
{
    return (struct field2){coordinates[0][i], coordinates[1][i]};
}

/* of[c][i]: all ones when slot i of a chunk is of class c. */
struct chunk_masks {
    uint64_t of[MEMBERSHIP_CLASSES][CHUNK];
};
static void masks_make(struct chunk_masks *m, const uint8_t cls[CHUNK])
{
    for (uint64_t c = 0; c < MEMBERSHIP_CLASSES; c++)
        for (size_t i = 0; i < CHUNK; i++)
            m->of[c][i] = ct_mask_eq(cls[i], c);
}
/* The whole row is read for every slot: an address would show the class. */
static void look_up(uint64_t out[CHUNK], const struct chunk_masks *m,
                    const uint64_t row[MEMBERSHIP_CLASSES])
{
    memset(out, 0, CHUNK * sizeof *out);
    for (size_t c = 0; c < MEMBERSHIP_CLASSES; c++)
        for (size_t i = 0; i < CHUNK; i++)
            out[i] |= m->of[c][i] & row[c];
}

struct wide_sum { /* secret */
    u128 c0, c1;
};

struct wide_sums { /* of each polynomial: secret */
    struct wide_sum of[MEMBERSHIP_SUMS_MAX][MEMBERSHIP_DEGREE];
};
struct proving {
    const struct membership_sum *sums;
    size_t count;
    const struct ring *r;
};

static void add_entries(struct wide_sum *sum, const struct field2 power[CHUNK],
                        const uint64_t entry[CHUNK])
{
    for (size_t i = 0; i < CHUNK; i++) {
        sum->c0 += (u128)power[i].c0 * entry[i];
        sum->c1 += (u128)power[i].c1 * entry[i];
    }
}

/* CHUNK slots, of which `in` holds the first. */
static void prove_chunk(struct wide_sums *wide, const struct proving *p,
                        const struct membership_slots *in, const struct chunk_masks *m)
{
    struct field2 power[CHUNK];
    struct field2 base[CHUNK];
    uint64_t entry[CHUNK];

    for (size_t i = 0; i < CHUNK; i++) {
        power[i] = at(in->chi, i);
        base[i] = (struct field2){ring_to_mont(p->r, in->k[0][i]), ring_to_mont(p->r, in->k[1][i])};
    }
    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
        for (size_t i = 0; i < CHUNK; i++)
            power[i] = mul(p->r, power[i], base[i]);
        for (size_t k = 0; k < p->count; k++) {
            look_up(entry, m, p->sums[k].table->of[d]);
            add_entries(&wide->of[k][d], power, entry);
        }
    }
}

static void plain_prove(const struct membership_sum *sums, size_t count, const struct ring *r,
                        const struct membership_slots *in, const uint8_t cls[RING_DEGREE])
{
    const struct proving p = {sums, count, r};
    struct wide_sums wide = {0}; /* products under 2^96, 2048 of them */
    struct chunk_masks masks;

    for (size_t t = 0; t < RING_DEGREE; t += CHUNK) {
        const struct membership_slots chunk = {{in->k[0] + t, in->k[1] + t},
                                               {in->chi[0] + t, in->chi[1] + t}};
        masks_make(&masks, cls + t);
        prove_chunk(&wide, &p, &chunk, &masks);
    }
    for (size_t k = 0; k < count; k++)
        for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
            const struct wide_sum *w = &wide.of[k][d];
            sums[k].to[d] =
                field2_add(r, sums[k].to[d],
                           (struct field2){ring_reduce_wide(r, w->c0), ring_reduce_wide(r, w->c1)});
        }
}

static inline struct field2 plus(const struct ring *r, struct field2 a, uint64_t b)
{
    return (struct field2){ring_add(r, a.c0, b), a.c1};
}

static void plain_verify(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                         const struct membership_squares *squares)
{
    struct field2 all = {0, 0}; /* under 2048 q */

    for (size_t t = 0; t < RING_DEGREE; t++) {
        const struct field2 l = at(in->k, t);
        const struct field2 square = mul(r, l, l);
        struct field2 product = mul(r, at(in->chi, t), l);
        for (size_t i = 0; i < squares->count; i++)
            product = mul(r, product, plus(r, square, squares->of[i]));
        all.c0 += product.c0;
        all.c1 += product.c1;
    }
    *to = field2_add(r, *to, (struct field2){ring_reduce(r, all.c0), ring_reduce(r, all.c1)});
}

static void plain_verify_data(struct membership_data_sums *to, const struct ring *r,
                              const struct membership_slots *in, const struct membership_data *d)
{
    struct membership_data_sums all = {{{0, 0}}}; /* under 2048 q */

    for (size_t t = 0; t < RING_DEGREE; t++) {
        const struct field2 l = at(in->k, t);
        const struct field2 y = mul(r, l, l);
        const struct field2 z = plus(r, mul(r, plus(r, y, d->quartic[0]), y), d->quartic[1]);
        const struct field2 other = plus(r, field2_add(r, z, y), d->quartic[2]);
        const struct field2 quartic = plus(r, mul(r, other, z), d->quartic[3]);
        const struct field2 last = mul(r, at(in->chi, t), plus(r, y, d->last));
        struct field2 product = mul(r, last, quartic);
        for (size_t i = 0; i < PT_LEN(all.of); i++) {
            all.of[i].c0 += product.c0;
            all.of[i].c1 += product.c1;
            if (i < MEMBERSHIP_NEAR + 1)
                product = mul(r, product, i < MEMBERSHIP_NEAR ? plus(r, y, d->near[i]) : l);
        }
    }
    for (size_t i = 0; i < PT_LEN(all.of); i++)
        to->of[i] =
            field2_add(r, to->of[i],
                       (struct field2){ring_reduce(r, all.of[i].c0), ring_reduce(r, all.of[i].c1)});
}

static void plain_add(uint64_t *l, const struct ring *r, const uint8_t *planes)
{
    for (size_t i = 0; i < RING_DEGREE; i++) {
        uint64_t c = 0;
        for (unsigned p = r->coefficient_bytes; p-- > 0;)
            c = c << 8 | planes[(size_t)p * RING_DEGREE + i];
        l[i] = ring_add(r, l[i], c);
    }
}

static uint64_t plain_dot(const struct ring *r, const uint64_t *a, const uint64_t *b, size_t n)
{
    u128 sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (u128)a[i] * b[i];
    return ring_reduce_wide(r, sum);
}

const struct membership_ops membership_portable = {.form = plain_form,
                                                   .prove = plain_prove,
                                                   .verify = plain_verify,
                                                   .verify_data = plain_verify_data,
                                                   .add = plain_add,
                                                   .dot = plain_dot};
