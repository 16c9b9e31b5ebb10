#include "crypto/digit_sum.h"

static void add_leaf(struct digit_sum *s, size_t bytes, uint8_t counts)
{
    for (size_t i = 0; i < bytes; i++)
        s->plain[i] = (uint16_t)(s->plain[i] + (s->planes[i] & counts));
}
static void add_sums(struct digit_sum *s, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        s->weighted[i] += s->plain[i];
}

/* Planes of sums to numbers: below 2^56 and 2^63 before they are reduced. */
static void put_together(struct digit_sum *s, const struct ring *r, size_t n)
{
    memset(s->u, 0, n * sizeof *s->u);
    memset(s->v, 0, n * sizeof *s->v);
    for (unsigned p = 0; p < r->coefficient_bytes; p++)
        for (size_t i = 0; i < n; i++) {
            s->u[i] += (uint64_t)s->plain[p * n + i] << 8 * p;
            s->v[i] += (uint64_t)s->weighted[p * n + i] << 8 * p;
        }
    for (size_t i = 0; i < n; i++) {
        s->u[i] = ring_reduce(r, s->u[i]);
        s->v[i] = ring_reduce(r, s->v[i]);
    }
}

enum pt_code digit_sum(struct digit_sum *s, const struct ring *r, const struct digit_leaves *in)
{
    const size_t bytes = residues_bytes(r, in->n);
    enum pt_code rc;

    memset(s->plain, 0, bytes * sizeof *s->plain);
    memset(s->weighted, 0, bytes * sizeof *s->weighted);
    /* From the last leaf down, the sum so far is added again at each step: leaf l counts l times. */
    for (size_t l = GGM_LEAVES; l-- > 0;) {
        if ((rc = residues_draw(s->planes, r, in->of[l], in->number, in->n)) != PT_OK)
            return rc;
        add_leaf(s, bytes, (uint8_t)~ct_mask_eq(l, in->hole));
        if (l > 0)
            add_sums(s, bytes);
    }
    put_together(s, r, in->n);
    return PT_OK;
}
