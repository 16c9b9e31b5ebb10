/* group_sum.h - a back-end's half of group_msm.h over curve_lanes.h: decoding public points and
 * adding them up, in variable time. */
#ifndef PT_GROUP_SUM_H
#define PT_GROUP_SUM_H

#include "crypto/curve_sum.h"
#include "crypto/group_backend.h"
#include "crypto/group_msm.h"

enum { SUM_AHEAD = 6 }; /* steps between asking for a term and adding it */

enum {
    SUM_GROUP = FE_WIDE * FE_LANES,
    SUM_WIDE = FE_LANES == 8 ? 2 : 1, /* sums side by side: one computes while the other waits */
    SUM_LANES = SUM_WIDE * FE_LANES,
};
_Static_assert(MSM_LANES_MAX % SUM_LANES == 0, "lanes take whole shares of the events");

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

struct sum_state { /* of one window: the points so far, and their sums at the marks */
    struct sum_point running, at_marks;
    size_t marks[FE_LANES];
};

static const struct sum_point SUM_IDENTITY = {
    .m = FE_CONST(1, 0, 0, 0, 0), .p = FE_CONST(1, 0, 0, 0, 0), .z = FE_CONST(1, 0, 0, 0, 0)};

/* r = b in the lanes of mask, a in the others. Coordinate by coordinate: as a whole, a point is
 * copied by a string instruction, whose stores the loads after it wait for. */
FE_INLINE void sum_pick(struct sum_point *r, const struct sum_point *a, const struct sum_point *b,
                        fe_mask mask)
{
    fe_pick(&r->m, &a->m, &b->m, mask);
    fe_pick(&r->p, &a->p, &b->p, mask);
    fe_pick(&r->z, &a->z, &b->z, mask);
    fe_pick(&r->t, &a->t, &b->t, mask);
}

/* One event a lane. Points and marks are one formula, for lanes need not agree which it is. */
static inline void sum_step(struct sum_state *s, const uint8_t *const row[FE_LANES], fe_mask minus,
                            fe_mask mark)
{
    struct sum_point q;
    struct sum_point a;

    fe_load_rows(&q.p, &q.m, &q.t, row);
    fe_swap_if(&q.p, &q.m, minus);
    fe_negate_if(&q.t, minus);
    if (FE_LANES == 1 && mark == 0) {
        a = s->running;
        sum_two(&s->running, &a, &q, true);
        return;
    }
    fe_mul(&a.t, &s->running.t, &FE_2D);
    fe_pick(&q.m, &q.m, &s->running.m, mark);
    fe_pick(&q.p, &q.p, &s->running.p, mark);
    fe_pick(&q.z, &FE_ONE, &s->running.z, mark);
    fe_pick(&q.t, &q.t, &a.t, mark);
    sum_pick(&a, &s->running, &s->at_marks, mark);
    sum_two(&a, &a, &q, false);
    sum_pick(&s->running, &a, &s->running, mark);
    sum_pick(&s->at_marks, &s->at_marks, &a, mark);
}

static inline void sum_window(struct sum_state s[SUM_WIDE], const struct msm *m,
                              const struct group_term *term)
{
    const size_t steps = m->event_count / SUM_LANES;
    const uint8_t *row[FE_LANES];

    for (size_t w = 0; w < SUM_WIDE; w++)
        s[w] = (struct sum_state){.running = SUM_IDENTITY, .at_marks = SUM_IDENTITY};
    for (size_t i = 0; i < steps * SUM_WIDE; i++) {
        const size_t step = i / SUM_WIDE;
        const size_t w = i % SUM_WIDE;
        const size_t ahead = step + SUM_AHEAD < steps ? SUM_AHEAD : 0;
        fe_mask minus = 0;
        fe_mask mark = 0;

        /* No branch: which events are marks is as good as random. */
        for (int lane = 0; lane < FE_LANES; lane++) {
            const uint32_t *e = m->event + (w * FE_LANES + (size_t)lane) * steps + step;
            const uint64_t is_mark = *e / MSM_MARK & 1;

            row[lane] = term[*e / 4].b;
            mark |= fe_mask_lane(lane, is_mark);
            minus |= fe_mask_lane(lane, *e & 1);
            s[w].marks[lane] += is_mark;
            __builtin_prefetch(term[e[ahead] / 4].b);
            __builtin_prefetch(term[e[ahead] / 4].b + GROUP_TERM_BYTES / 2);
        }
        sum_step(&s[w], row, minus, mark);
    }
}

/* acc += what the lanes found: a lane's points count once for each of its own marks that follow, and
 * once for each mark of the lanes after it. */
static inline void sum_collect(struct ge *acc, const struct sum_state s[SUM_WIDE], unsigned bits)
{
    struct ge later = GE_IDENTITY;
    struct ge_cached c;
    struct ge_cached r[SUM_WIDE];
    struct ge p;
    size_t marks_after[SUM_LANES] = {0};

    for (size_t lane = SUM_LANES - 1; lane > 0; lane--)
        marks_after[lane - 1] = marks_after[lane] + s[lane / FE_LANES].marks[lane % FE_LANES];
    for (size_t w = 0; w < SUM_WIDE; w++) {
        sum_to_ge(&p, &s[w].at_marks);
        ge_cache(&c, &p);
        ge_add(acc, acc, &c);
        sum_to_ge(&p, &s[w].running);
        ge_cache(&r[w], &p);
    }
    for (unsigned bit = bits; SUM_LANES > 1 && bit-- > 0;) {
        ge_double(&later, &later);
        for (size_t w = 0; w < SUM_WIDE; w++) {
            fe_mask set = 0;
            for (int lane = 0; lane < FE_LANES; lane++)
                set |= fe_mask_lane(lane, marks_after[w * FE_LANES + (size_t)lane] >> bit & 1);
            ge_cache(&c, &GE_IDENTITY);
            ge_cached_select(&c, &r[w], set);
            ge_add(&later, &later, &c);
        }
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
    struct sum_state s[SUM_WIDE];

    for (unsigned w = m->window_count; w-- > 0;) {
        msm_sort_vartime(m, w);
        for (size_t v = 0; v < m->vector_count; v++) {
            for (unsigned i = 0; i < m->window_bits; i++)
                ge_double(&acc[v], &acc[v]);
            sum_window(s, m, m->term[v]);
            sum_collect(&acc[v], s, m->window_bits);
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
