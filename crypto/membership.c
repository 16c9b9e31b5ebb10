#include "crypto/membership.h"

/* 64-bit products have no AVX2 instruction: that path is the plain one. */
static const struct membership_ops *const OF_PATH[CPU_PATH_COUNT] = {
    [CPU_PORTABLE] = &membership_portable,
    [CPU_AVX2] = &membership_portable,
    [CPU_IFMA] = &membership_ifma};

const struct membership_ops *membership_of(enum cpu_path path)
{
    return cpu_usable(path) ? OF_PATH[path] : NULL;
}

const struct membership_ops *membership_best(void)
{
    return OF_PATH[cpu_path()];
}

enum { ERRORS = 5 }; /* -2..2 */

static const struct {
    size_t roots;
    int64_t lowest; /* of a run of roots, of which there are one or three */
    size_t run;
} SETS[MEMBERSHIP_SET_COUNT] = {[MEMBERSHIP_DATA] = {15, -2, ERRORS},
                                [MEMBERSHIP_RERANDOMISER] = {5, -2, ERRORS},
                                [MEMBERSHIP_SECRET] = {3, -1, 3}};

/* Root i of a set, in the order of classes. */
static int64_t root_of(enum membership_set set, size_t i, uint64_t delta)
{
    const size_t run = SETS[set].run;
    const int64_t weight = SETS[set].roots > run ? (int64_t)(i / run) - 1 : 0;

    return weight * (int64_t)delta + (int64_t)(i % run) + SETS[set].lowest;
}

void membership_table_make(struct membership_table *t, const struct ring *r,
                           enum membership_set set, uint64_t delta)
{
    const size_t roots = SETS[set].roots;

    memset(t, 0, sizeof *t);
    for (size_t cls = 0; cls < roots; cls++) {
        /* Coefficients of prod over roots of (M + (x - root) Z), by powers of Z. */
        uint64_t by_z[MEMBERSHIP_DEGREE + 1] = {1};
        for (size_t i = 0; i < roots; i++) {
            const int64_t away = root_of(set, cls, delta) - root_of(set, i, delta);
            for (size_t z = i + 1; z > 0; z--)
                by_z[z] =
                    ring_add(r, by_z[z], ring_mul(r, by_z[z - 1], ring_reduce_signed(r, away)));
        }
        for (size_t d = 1; d <= roots; d++)
            t->of[d - 1][cls] = by_z[roots - d];
    }
}

void membership_classes(uint8_t cls[RING_DEGREE], const uint8_t error_bits[RING_DEGREE],
                        const int8_t *values)
{
    for (size_t i = 0; i < RING_DEGREE; i++) {
        const unsigned bits = error_bits[i];
        cls[i] = (uint8_t)(2 + (bits & 1) + (bits >> 1 & 1) - (bits >> 2 & 1) - (bits >> 3 & 1));
    }
    for (size_t i = 0; i < RING_DEGREE && values != NULL; i++)
        cls[i] = (uint8_t)(cls[i] + ERRORS * (values[i] + 1));
}

void membership_squares_make(struct membership_squares *s, const struct ring *r,
                             enum membership_set set, uint64_t delta, struct field2 gamma)
{
    const uint64_t form = membership_best()->form(r);
    const struct field2 square = field2_scale(r, field2_mul(r, gamma, gamma), form);

    s->count = 0;
    for (size_t i = 0; i < SETS[set].roots; i++) {
        const int64_t root = root_of(set, i, delta);
        if (root > 0)
            s->of[s->count++] = field2_scale(r, square, ring_reduce_signed(r, -root * root));
    }
}
