/* group_sum.h - a back-end's half of group_msm.h over curve_lanes.h: decoding public points and
 * adding them up, in variable time. */
#ifndef PT_GROUP_SUM_H
#define PT_GROUP_SUM_H

#include "crypto/curve_lanes.h"
#include "crypto/group_backend.h"
#include "crypto/group_msm.h"

enum { SUM_AHEAD = 6 }; /* steps between asking for a term and adding it */

/* A term is y + x, y - x and 2dxy of a point with Z = 1. */
static size_t sum_terms_vartime(struct msm_term *out, const struct point *in, size_t n)
{
    struct point chunk[FE_LANES] = {0};
    struct msm_term spare[FE_LANES];
    uint8_t *row[FE_LANES];
    struct ge p;
    struct ge_cached c;

    for (size_t at = 0; at < n; at += FE_LANES) {
        const size_t left = n - at < FE_LANES ? n - at : FE_LANES;

        memcpy(chunk, in + at, left * sizeof *in);
        const size_t first = fe_mask_first_vartime(ge_decode(&p, chunk), left);
        if (first < left)
            return at + first;
        ge_cache(&c, &p);
        for (size_t i = 0; i < FE_LANES; i++)
            row[i] = i < left ? out[at + i].b : spare[i].b;
        fe_store_rows(row, &c.y_plus_x, &c.y_minus_x, &c.t2d);
    }
    return n;
}

struct sum_state { /* of one window: the points so far, and their sums at the marks */
    struct ge running, at_marks;
    size_t marks[FE_LANES];
};

/* One event a lane. Points and marks are one formula, for lanes need not agree which it is. */
static inline void sum_step(struct sum_state *s, const uint8_t *const row[FE_LANES], fe_mask minus,
                            fe_mask mark)
{
    struct ge_cached q = {.z2 = FE_TWO};
    struct ge_cached r;
    struct ge p = s->running;

    fe_load_rows(&q.y_plus_x, &q.y_minus_x, &q.t2d, row);
    fe_swap_if(&q.y_plus_x, &q.y_minus_x, minus);
    fe_negate_if(&q.t2d, minus);
    if (FE_LANES == 1 && mark == 0) {
        ge_add(&s->running, &p, &q);
        return;
    }
    ge_cache(&r, &p);
    ge_cached_select(&q, &r, mark);
    ge_select(&p, &s->at_marks, mark);
    ge_add(&p, &p, &q);
    ge_select(&s->running, &p, (fe_mask)~mark);
    ge_select(&s->at_marks, &p, mark);
}

static inline void sum_window(struct sum_state *s, const struct msm *m, const struct msm_term *term)
{
    const size_t steps = m->event_count / FE_LANES;
    const uint8_t *row[FE_LANES];

    *s = (struct sum_state){.running = GE_IDENTITY, .at_marks = GE_IDENTITY};
    for (size_t step = 0; step < steps; step++) {
        fe_mask minus = 0;
        fe_mask mark = 0;

        for (int lane = 0; lane < FE_LANES; lane++) {
            const uint32_t *e = m->event + (size_t)lane * steps + step;
            const uint64_t is_mark = *e == MSM_MARK;

            row[lane] = is_mark != 0 ? term[0].b : term[*e / 2].b;
            mark |= fe_mask_lane(lane, is_mark);
            minus |= fe_mask_lane(lane, *e & 1);
            s->marks[lane] += is_mark;
            if (step + SUM_AHEAD < steps && e[SUM_AHEAD] != MSM_MARK) {
                __builtin_prefetch(term[e[SUM_AHEAD] / 2].b);
                __builtin_prefetch(term[e[SUM_AHEAD] / 2].b + MSM_TERM_BYTES / 2);
            }
        }
        sum_step(s, row, minus, mark);
    }
}

/* acc += what the lanes found: a lane's points count once for each of its own marks that follow, and
 * once for each mark of the lanes after it. */
static inline void sum_collect(struct ge *acc, const struct sum_state *s, unsigned bits)
{
    struct ge later = GE_IDENTITY;
    struct ge_cached c;
    struct ge_cached r;
    size_t marks_after[FE_LANES] = {0};

    for (int lane = FE_LANES - 1; lane > 0; lane--)
        marks_after[lane - 1] = marks_after[lane] + s->marks[lane];
    ge_cache(&c, &s->at_marks);
    ge_add(acc, acc, &c);
    ge_cache(&r, &s->running);
    for (unsigned bit = bits; FE_LANES > 1 && bit-- > 0;) {
        fe_mask set = 0;
        for (int lane = 0; lane < FE_LANES; lane++)
            set |= fe_mask_lane(lane, marks_after[lane] >> bit & 1);
        ge_double(&later, &later);
        ge_cache(&c, &GE_IDENTITY);
        ge_cached_select(&c, &r, set);
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
    struct ge acc[MSM_VECTORS] = {GE_IDENTITY, GE_IDENTITY};
    struct point lanes[FE_LANES];
    struct sum_state s;

    for (unsigned w = m->window_count; w-- > 0;) {
        msm_sort_vartime(m, w);
        for (size_t v = 0; v < m->vector_count; v++) {
            for (unsigned i = 0; i < m->window_bits; i++)
                ge_double(&acc[v], &acc[v]);
            sum_window(&s, m, m->term[v]);
            sum_collect(&acc[v], &s, m->window_bits);
        }
    }
    for (size_t v = 0; v < m->vector_count; v++) {
        for (size_t by = FE_LANES / 2; by > 0; by /= 2)
            sum_fold(&acc[v], by);
        ge_encode(lanes, &acc[v]);
        out[v] = lanes[0];
    }
}

#endif
