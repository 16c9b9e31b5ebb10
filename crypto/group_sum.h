/* group_sum.h - a back-end's half of group_msm.h over curve_lanes.h: decoding public points and
 * adding them up, in variable time. */
#ifndef PT_GROUP_SUM_H
#define PT_GROUP_SUM_H

#include "crypto/curve_sum.h"
#include "crypto/group_backend.h"
#include "crypto/group_msm.h"

enum { SUM_GROUP = FE_WIDE * FE_LANES };
_Static_assert((int)FE_LANES <= (int)MSM_LANES_MAX, "rows have room");

/* A term is y + x, y - x and 2dxy of a point with Z = 1. */
static size_t sum_terms_vartime(struct group_term *out, const struct point *in, size_t n)
{
    struct point group[SUM_GROUP] = {0};
    struct group_term spare;
    uint8_t *row[SUM_GROUP];
    struct ge p[FE_WIDE];
    fe_mask bad[FE_WIDE];
    struct ge_cached c;

    for (size_t at = 0; at < n; at += SUM_GROUP) {
        const size_t left = n - at < SUM_GROUP ? n - at : SUM_GROUP;

        memcpy(group, in + at, left * sizeof *in);
        ge_decode(bad, p, group);
        for (size_t i = 0; i < SUM_GROUP; i++) {
            row[i] = i < left ? out[at + i].b : spare.b;
            if (i < left &&
                fe_mask_first_vartime(bad[i / FE_LANES], i % FE_LANES + 1) == i % FE_LANES)
                return at + i;
        }
        for (size_t w = 0; w < FE_WIDE; w++) {
            ge_cache(&c, &p[w]);
            fe_store_rows(row + w * FE_LANES, &c.y_plus_x, &c.y_minus_x, &c.t2d);
        }
    }
    return n;
}

static const struct sum_point SUM_IDENTITY = {
    .m = FE_CONST(1, 0, 0, 0, 0), .p = FE_CONST(1, 0, 0, 0, 0), .z = FE_CONST(1, 0, 0, 0, 0)};

/* The identity as fe_load_rows() takes it. */
static inline void sum_no_point(struct msm_bucket *out)
{
    struct group_term spare = {0};
    uint8_t *pmt[FE_LANES];
    uint8_t *z[FE_LANES];

    for (int lane = 0; lane < FE_LANES; lane++) {
        pmt[lane] = lane == 0 ? out->pmt.b : spare.b;
        z[lane] = lane == 0 ? out->z.b : spare.b;
    }
    fe_store_rows(pmt, &SUM_IDENTITY.p, &SUM_IDENTITY.m, &SUM_IDENTITY.t);
    fe_store_rows(z, &SUM_IDENTITY.z, &SUM_IDENTITY.z, &SUM_IDENTITY.z);
}

/* The terms of one step's lanes, as they are to be added. */
static inline void sum_load(struct sum_point *q, const uint32_t *event,
                            const struct group_term *term, const struct group_term *none)
{
    const uint32_t *ahead = event + (size_t)MSM_AHEAD * FE_LANES;
    const uint8_t *row[FE_LANES];
    fe_mask minus = 0;

    for (int lane = 0; lane < FE_LANES; lane++) {
        const uint32_t e = event[lane];
        row[lane] = e == MSM_NO_POINT ? none->b : term[e / 2].b;
        minus |= fe_mask_lane(lane, e & 1);
        if (ahead[lane] != MSM_NO_POINT) {
            __builtin_prefetch(term[ahead[lane] / 2].b);
            __builtin_prefetch(term[ahead[lane] / 2].b + GROUP_TERM_BYTES / 2);
        }
    }
    fe_load_rows(&q->p, &q->m, &q->t, row);
    fe_swap_if(&q->p, &q->m, minus);
    fe_negate_if(&q->t, minus);
}

/* The sums of a row's lanes to their buckets. */
static inline void sum_store(struct msm *m, const uint32_t size[FE_LANES],
                             const struct sum_point *a)
{
    struct msm_bucket nobody = {0};
    uint8_t *pmt[FE_LANES];
    uint8_t *z[FE_LANES];
    struct fe t2d;

    for (int lane = 0; lane < FE_LANES; lane++) {
        struct msm_bucket *to = size[lane] > 0 ? &m->bucket[size[lane] - 1] : &nobody;
        pmt[lane] = to->pmt.b;
        z[lane] = to->z.b;
    }
    fe_mul(&t2d, &a->t, &FE_2D);
    fe_store_rows(pmt, &a->p, &a->m, &t2d);
    fe_store_rows(z, &a->z, &a->z, &a->z);
}

static inline void sum_rows(struct msm *m, const struct group_term *term,
                            const struct msm_bucket *none)
{
    const uint32_t *event = m->event;
    struct sum_point acc;
    struct sum_point q;

    for (size_t row = 0; row < m->row_count; row++) {
        sum_load(&q, event, term, &none->pmt);
        acc = (struct sum_point){q.m, q.p, FE_ONE, q.t};
        fe_mul(&acc.t, &q.t, &FE_INV_2D);
        for (size_t step = 1; step < m->steps[row]; step++) {
            event += FE_LANES;
            sum_load(&q, event, term, &none->pmt);
            sum_two(&acc, &acc, &q, true);
        }
        event += FE_LANES;
        sum_store(m, m->size + row * FE_LANES, &acc);
    }
}

/* The buckets of each lane's sizes number i: lane l has l * each + 1 to l * each + each. */
static inline void sum_buckets(struct sum_point *q, const struct msm *m, size_t i, size_t each,
                               const struct msm_bucket *none)
{
    const uint8_t *pmt[FE_LANES];
    const uint8_t *z[FE_LANES];
    struct fe spare[2];

    for (size_t lane = 0; lane < FE_LANES; lane++) {
        const size_t size = lane * each + i;
        const bool some = size <= msm_sizes(m) && m->count[size] > 0;
        const struct msm_bucket *b = some ? &m->bucket[size - 1] : none;
        pmt[lane] = b->pmt.b;
        z[lane] = b->z.b;
    }
    fe_load_rows(&q->p, &q->m, &q->t, pmt);
    fe_load_rows(&q->z, &spare[0], &spare[1], z);
}

/* acc += sum of size * bucket. A lane adds up its sizes, falling, and what it has so far after each of them;
 * l * each times all that it has is then missing. */
static inline void sum_collect(struct ge *acc, const struct msm *m, const struct msm_bucket *none)
{
    const size_t each = (msm_sizes(m) + FE_LANES - 1) / FE_LANES;
    const unsigned bits = FE_LANES > 1 ? m->window_bits : 0; /* one lane begins at no size */
    struct sum_point running = SUM_IDENTITY;
    struct sum_point total = SUM_IDENTITY;
    struct sum_point q;
    struct ge later = GE_IDENTITY;
    struct ge_cached c;
    struct ge_cached all;
    struct ge p;

    for (size_t i = each; i > 0; i--) {
        sum_buckets(&q, m, i, each, none);
        sum_two(&running, &running, &q, false);
        q = running;
        fe_mul(&q.t, &running.t, &FE_2D);
        sum_two(&total, &total, &q, false);
    }
    sum_to_ge(&p, &total);
    ge_cache(&c, &p);
    ge_add(acc, acc, &c);
    sum_to_ge(&p, &running);
    ge_cache(&all, &p);
    for (unsigned bit = bits; bit-- > 0;) {
        fe_mask set = 0;
        for (size_t lane = 0; lane < FE_LANES; lane++)
            set |= fe_mask_lane((int)lane, lane * each >> bit & 1);
        ge_double(&later, &later);
        ge_cache(&c, &GE_IDENTITY);
        ge_cached_select(&c, &all, set);
        ge_add(&later, &later, &c);
    }
    ge_cache(&c, &later);
    ge_add(acc, acc, &c);
}

/* Lane i = lane i + lane i + by, around. */
static inline void sum_fold(struct ge *p, size_t by)
{
    struct fe *const part[4] = {&p->x, &p->y, &p->z, &p->t};
    uint8_t lanes[2 * FE_LANES][32];
    struct ge q;
    struct fe *const turned[4] = {&q.x, &q.y, &q.z, &q.t};
    struct ge_cached c;

    for (size_t i = 0; i < PT_LEN(part); i++) {
        fe_store(lanes[0], sizeof *lanes, part[i]);
        memcpy(lanes[FE_LANES], lanes[0], FE_LANES * sizeof *lanes);
        fe_load(turned[i], lanes[by], sizeof *lanes);
    }
    ge_cache(&c, &q);
    ge_add(p, p, &c);
}

static void sum_all_vartime(struct point *out, struct msm *m)
{
    struct ge acc[GROUP_SUMS_MAX] = {GE_IDENTITY, GE_IDENTITY};
    struct ge last[FE_WIDE] = {GE_IDENTITY};
    struct point lanes[SUM_GROUP];
    struct msm_bucket none = {0};

    sum_no_point(&none);
    for (unsigned w = m->window_count; w-- > 0;) {
        msm_sort_vartime(m, w, FE_LANES);
        for (size_t v = 0; v < m->vector_count; v++) {
            for (unsigned i = 0; i < m->window_bits; i++)
                ge_double(&acc[v], &acc[v]);
            sum_rows(m, m->term[v], &none);
            sum_collect(&acc[v], m, &none);
        }
    }
    for (size_t v = 0; v < m->vector_count; v++) {
        for (size_t by = FE_LANES / 2; by > 0; by /= 2)
            sum_fold(&acc[v], by);
        last[0] = acc[v];
        ge_encode(lanes, last);
        out[v] = lanes[0];
    }
}

#endif
