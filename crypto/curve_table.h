/* curve_table.h - secret multiples of one public point, from a table of its multiples: no doublings, and
 * each addition's second operand has Z = 1. A table is read whole in every window.
 *
 * Over curve_sum.h and the field's fe_lookup(). Making a table takes as long as some thirty multiplications
 * with eight lanes. */
#ifndef PT_CURVE_TABLE_H
#define PT_CURVE_TABLE_H

#include "crypto/curve_sum.h"
#include "crypto/group_backend.h"
#include "crypto/scalar.h"

enum {
    TABLE_ELEMENTS = (SCALAR_WINDOWS + FE_LANES - 1) / FE_LANES, /* a window a lane */
};
_Static_assert((int)TABLE_MULTIPLES == 1 << (SCALAR_WINDOW_BITS - 1), "|digit| <= 16");
_Static_assert((int)TABLE_WINDOWS == (int)SCALAR_WINDOWS, "a window a digit");

/* Digit i of all lanes' scalars, side by side. */
typedef uint8_t table_digits[SCALAR_WINDOWS][FE_LANES];

static inline void ge_select(struct ge *r, const struct ge *a, fe_mask mask)
{
    fe_select(&r->x, &a->x, mask);
    fe_select(&r->y, &a->y, mask);
    fe_select(&r->z, &a->z, mask);
    fe_select(&r->t, &a->t, mask);
}

/* One element of windows: what table_make() holds of them until they have one inversion. */
struct table_row {
    struct ge multiple[TABLE_MULTIPLES];
    struct fe before[TABLE_MULTIPLES]; /* product of the z of those before */
};

/* y + x, y - x and 2dxy of one multiple, to its place in each lane's window. */
static inline void table_put(struct group_table *out, size_t first_window, size_t multiple,
                             const struct ge_cached *c)
{
    _Alignas(64) uint64_t word[FE_LANES][TABLE_LIMBS + 1]; /* what fe_store_rows() fills */
    uint8_t *row[FE_LANES];

    for (size_t lane = 0; lane < FE_LANES; lane++)
        row[lane] = (uint8_t *)word[lane];
    fe_store_rows(row, &c->y_plus_x, &c->y_minus_x, &c->t2d);
    for (size_t lane = 0; lane < FE_LANES && first_window + lane < TABLE_WINDOWS; lane++)
        for (size_t limb = 0; limb < TABLE_LIMBS; limb++)
            out->limb[first_window + lane][limb][multiple] = word[lane][limb];
}

static inline void table_element(struct group_table *out, size_t first_window, struct table_row *t,
                                 const struct ge *base)
{
    struct ge_cached c;
    struct fe acc = FE_ONE;
    struct fe z_inv;

    ge_cache(&c, base);
    for (size_t i = 0; i < TABLE_MULTIPLES; i++) {
        if (i == 0)
            t->multiple[0] = *base;
        else
            ge_add(&t->multiple[i], &t->multiple[i - 1], &c);
        t->before[i] = acc;
        fe_mul(&acc, &acc, &t->multiple[i].z);
    }
    fe_invert(&acc, &acc);
    for (size_t i = TABLE_MULTIPLES; i-- > 0;) {
        struct ge *p = &t->multiple[i];
        fe_mul(&z_inv, &acc, &t->before[i]);
        fe_mul(&acc, &acc, &p->z);
        fe_mul(&p->x, &p->x, &z_inv);
        fe_mul(&p->y, &p->y, &z_inv);
        p->z = FE_ONE;
        fe_mul(&p->t, &p->x, &p->y);
        ge_cache(&c, p);
        table_put(out, first_window, i, &c);
    }
}

/* Of a public point. false: it is malformed or the identity. */
static bool table_make(struct group_table *out, const struct point *base)
{
    struct point all[FE_WIDE * FE_LANES];
    fe_mask bad[FE_WIDE];
    struct ge p[FE_WIDE];
    struct ge first[TABLE_ELEMENTS];
    struct table_row row;

    for (size_t i = 0; i < PT_LEN(all); i++)
        all[i] = *base;
    ge_decode(bad, p, all);
    if (fe_mask_first_vartime(bad[0], 1) == 0)
        return false;
    for (size_t w = 0; w < (size_t)TABLE_ELEMENTS * FE_LANES; w++) {
        struct ge *to = &first[w / FE_LANES];
        if (w % FE_LANES == 0)
            *to = p[0];
        ge_select(to, &p[0], fe_mask_lane((int)(w % FE_LANES), 1));
        for (int i = 0; i < SCALAR_WINDOW_BITS; i++)
            ge_double(&p[0], &p[0]);
    }
    for (size_t e = 0; e < TABLE_ELEMENTS; e++)
        table_element(out, e * FE_LANES, &row, &first[e]);
    return true;
}

struct table_work { /* secret */
    struct sum_point acc[GE_CHUNK], chosen;
    table_digits digits[GE_CHUNK];
};

/* A function, as the ladder's steps are. */
static __attribute__((noinline)) void table_add(struct table_work *t, size_t e,
                                                const uint64_t window[TABLE_LIMBS][TABLE_MULTIPLES],
                                                const uint8_t digit[FE_LANES])
{
    struct sum_point *q = &t->chosen;

    const fe_mask minus = fe_lookup(&q->p, &q->m, &q->t, window, digit);
    fe_swap_if(&q->p, &q->m, minus);
    fe_negate_if(&q->t, minus);
    sum_two(&t->acc[e], &t->acc[e], q, true);
}

/* acc[e] += its digits times the table's point, lane by lane. A window serves all elements. */
static inline void table_add_all(struct table_work *t, const struct group_table *table,
                                 size_t elements)
{
    for (size_t w = 0; w < TABLE_WINDOWS; w++)
        for (size_t e = 0; e < elements; e++)
            table_add(t, e, table->limb[w], t->digits[e][w]);
}

#endif
