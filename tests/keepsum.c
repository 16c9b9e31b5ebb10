#include "tests/keepsum.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

uint64_t keepsum_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

double keepsum_uniform(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ULL;
    return (double)(keepsum_mix(*state) >> 11) * 0x1p-53;
}

double keepsum_gauss(uint64_t *state)
{
    const double tau = 6.283185307179586;
    double radius = sqrt(-2 * log(1 - keepsum_uniform(state)));
    return radius * cos(tau * keepsum_uniform(state));
}

static struct keepsum_place place_of(const struct keepsum_world *w, uint64_t salt, size_t person)
{
    if (w->place != NULL)
        return w->place(w->ctx, salt, person);
    uint64_t h = keepsum_mix(keepsum_mix(salt) ^ (uint64_t)person * 0xd6e8feb86659fd93ULL);
    return (struct keepsum_place){.slot = h % w->slot_count,
                                  .priority = keepsum_mix(h),
                                  .sign = keepsum_mix(h + 1) & 1 ? -1 : 1};
}

struct slot {
    size_t kept; /* 1 + index of the recipient's record, 0: none */
    uint64_t priority;
    int kept_sign;
    int sum[KEEPSUM_SIDE_MAX + 1]; /* the evaluator's, a category each */
    int number;
};

static void drop_in(struct slot *slots, const struct keepsum_world *w, size_t person,
                    struct keepsum_place at)
{
    const struct keepsum_person *who = &w->persons[person];
    struct slot *s = &slots[at.slot];

    if (who->own && (s->kept == 0 || at.priority < s->priority)) {
        s->kept = person + 1;
        s->priority = at.priority;
        s->kept_sign = at.sign;
    }
    for (size_t b = 0; who->other && b <= w->column_count; b++)
        if (who->columns >> b & 1)
            s->sum[b] += at.sign;
    if (who->other && (who->columns & 1))
        s->number += at.sign * who->number;
}

static void multiply(struct keepsum_run *out, const struct slot *s, const struct keepsum_world *w)
{
    uint32_t rows = w->persons[s->kept - 1].rows;

    out->in.frame.kept += 1;
    for (size_t a = 0; a <= w->row_count; a++) {
        if (!(rows >> a & 1))
            continue;
        out->energy[a] += 1;
        out->number_raw[a] += s->kept_sign * s->number;
        for (size_t b = 0; b <= w->column_count; b++)
            out->raw[b * (w->row_count + 1) + a] += s->kept_sign * s->sum[b];
    }
}

static void count_sizes(struct keepsum_run *out, const struct keepsum_world *w)
{
    for (size_t i = 0; i < w->person_count; i++) {
        const struct keepsum_person *p = &w->persons[i];
        out->in.frame.customers += p->own;
        for (size_t a = 0; a <= w->row_count; a++)
            out->own_size[a] += p->own && (p->rows >> a & 1);
        for (size_t b = 0; b <= w->column_count; b++)
            out->other_true[b] += p->other && (p->columns >> b & 1);
        if (p->other && (p->columns & 1))
            out->square_sum += p->number * p->number;
    }
}

static void add_noise(struct keepsum_run *out, const struct keepsum_world *w, uint64_t salt)
{
    uint64_t state = keepsum_mix(salt ^ 0x6e6f697365ULL);
    bool single = w->row_count == 0 && w->column_count == 0;

    for (size_t a = 0; a <= w->row_count; a++) {
        for (size_t b = 0; b <= w->column_count; b++) {
            bool body = single || (a > 0 && (w->value || b > 0));
            out->raw[b * (w->row_count + 1) + a] +=
                sqrt(body ? w->cell_variance : w->margin_variance) * keepsum_gauss(&state);
        }
    }
    for (size_t b = 0; b <= w->column_count; b++)
        out->other_size[b] = out->other_true[b] + sqrt(w->margin_variance) * keepsum_gauss(&state);
}

static void add_number_noise(struct keepsum_run *out, const struct keepsum_world *w, uint64_t salt)
{
    uint64_t state = keepsum_mix(salt ^ 0x6e756d626572ULL);

    for (size_t a = 0; a <= w->row_count; a++)
        out->number_raw[a] +=
            50 * sqrt(a > 0 ? w->cell_variance : w->margin_variance) * keepsum_gauss(&state);
    out->square_sum += sqrt(w->square_variance) * keepsum_gauss(&state);
}

void keepsum_run(struct keepsum_run *out, const struct keepsum_world *w, uint64_t salt)
{
    struct slot *slots = calloc(w->slot_count, sizeof slots[0]);

    assert(slots != NULL);
    assert(w->row_count <= KEEPSUM_SIDE_MAX && w->column_count <= KEEPSUM_SIDE_MAX);
    *out = (struct keepsum_run){0};
    for (size_t i = 0; i < w->person_count; i++)
        if (w->persons[i].own || w->persons[i].other)
            drop_in(slots, w, i, place_of(w, salt, i));
    const uint64_t end = w->prefix > 0 ? w->prefix : w->slot_count;
    for (uint64_t i = 0; i < end; i++)
        if (slots[i].kept != 0)
            multiply(out, &slots[i], w);
    free(slots);
    count_sizes(out, w);
    add_noise(out, w, salt);
    add_number_noise(out, w, salt);
    out->in.frame.slot_count = (double)w->slot_count;
    out->in.frame.looked_at = w->prefix > 0 ? (double)w->prefix / (double)w->slot_count : 0;
    out->in.frame.minimum_count = w->minimum_count;
    out->in.frame.minimum_audience = w->minimum_audience;
    out->in.row_count = w->row_count;
    out->in.column_count = w->column_count;
    out->in.raw = out->raw;
    out->in.energy = out->energy;
    out->in.own_size = out->own_size;
    out->in.other_size = out->other_size;
    out->in.cell_variance = w->cell_variance;
    out->in.margin_variance = w->margin_variance;
}

double keepsum_truth(const struct keepsum_world *w, size_t a, size_t b)
{
    double count = 0;
    for (size_t i = 0; i < w->person_count; i++) {
        const struct keepsum_person *p = &w->persons[i];
        count += p->own && p->other && (p->rows >> a & 1) && (p->columns >> b & 1);
    }
    return count;
}
