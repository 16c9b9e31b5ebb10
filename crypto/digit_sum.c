#include "crypto/aes_wide.h"
#include "crypto/cpu.h"
#include "crypto/digit_sum_plain.h"

static void group_portable(uint16_t *plain, uint32_t *weighted, const struct digit_group *in)
{
    add_group(plain, weighted, in);
}

/* Wider registers than AVX2's gain nothing here. */
static void (*const ADD[CPU_PATH_COUNT])(uint16_t *, uint32_t *, const struct digit_group *) = {
    [CPU_PORTABLE] = group_portable, [CPU_AVX2] = digit_group_avx2, [CPU_IFMA] = digit_group_avx2};

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

/* What residues_draw() draws; the rare vector with a number to replace takes that way. */
static enum pt_code draw_wide(uint8_t *planes, const struct ring *r, const struct key32 *key,
                              const struct digit_leaves *in)
{
    struct prg *g = NULL;
    enum pt_code rc;

    aes_wide_stream(planes, key, in->number, 0, residues_bytes(r, in->n));
    if (residues_valid(r, planes, in->n))
        return PT_OK;
    if ((rc = prg_new(&g, key)) == PT_OK)
        rc = residues_draw(planes, r, g, in->number, in->n);
    prg_free(g);
    return rc;
}

static enum pt_code draw_leaf(uint8_t *planes, const struct ring *r, size_t l,
                              const struct digit_leaves *in)
{
    if (in->keys != NULL && aes_wide_usable())
        return draw_wide(planes, r, &in->keys[l], in);
    return residues_draw(planes, r, in->of[l], in->number, in->n);
}

enum pt_code digit_sum(struct digit_sum *s, const struct ring *r, const struct digit_leaves *in)
{
    const size_t bytes = residues_bytes(r, in->n);
    enum pt_code rc;

    memset(s->plain, 0, bytes * sizeof *s->plain);
    memset(s->weighted, 0, bytes * sizeof *s->weighted);
    for (size_t first = GGM_LEAVES; first > 0;) {
        struct digit_group group = {.planes = s->planes, .bytes = bytes};
        first -= DIGIT_GROUP;
        group.again = first > 0 ? UINT32_MAX : 0;
        for (size_t i = 0; i < DIGIT_GROUP; i++) {
            rc = draw_leaf(s->planes[i], r, first + i, in);
            if (rc != PT_OK)
                return rc;
            group.counts[i] = (uint8_t)~ct_mask_eq(first + i, in->hole);
        }
        ADD[cpu_path()](s->plain, s->weighted, &group);
    }
    put_together(s, r, in->n);
    return PT_OK;
}
