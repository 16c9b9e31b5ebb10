#include "crypto/membership.h"

static const struct membership_ops *const OF_PATH[CPU_PATH_COUNT] = {[CPU_PORTABLE] =
                                                                         &membership_portable,
                                                                     [CPU_AVX2] = &membership_avx2,
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
                                [MEMBERSHIP_SECRET] = {3, -1, 3},
                                [MEMBERSHIP_TALLY] = {15, -2, ERRORS}};

/* Root i of a set, in the order of classes. */
static int64_t root_of(enum membership_set set, size_t i, uint64_t delta)
{
    const size_t run = SETS[set].run;
    const int64_t weight = SETS[set].roots > run ? (int64_t)(i / run) - 1 : 0;

    return weight * (int64_t)delta + (int64_t)(i % run) + SETS[set].lowest;
}

/* The tally is prod (y - (delta + e)^2) * (c0 + c1 y + c2 y^2), y = x^2: the second factor makes it -1
 * where y is 0, 1 or 4, which three points determine. */
enum { FREE = 3 };
static void tally_factor(uint64_t c[FREE], const struct ring *r, uint64_t delta)
{
    static const int64_t AT[FREE] = {0, 1, 4};

    memset(c, 0, FREE * sizeof *c);
    for (size_t k = 0; k < FREE; k++) {
        uint64_t below = ring_reduce_signed(r, -1);
        for (size_t i = 0; i < SETS[MEMBERSHIP_TALLY].roots; i++) {
            const int64_t root = root_of(MEMBERSHIP_TALLY, i, delta);
            if (root > 2)
                below = ring_mul(r, below, ring_reduce_signed(r, AT[k] - root * root));
        }
        /* Lagrange: of (y - a)(y - b), which is AT's others' */
        const int64_t a = AT[(k + 1) % FREE];
        const int64_t b = AT[(k + 2) % FREE];
        below = ring_mul(r, below, ring_reduce_signed(r, (AT[k] - a) * (AT[k] - b)));
        const uint64_t value = ring_inverse(r, below);
        c[0] = ring_add(r, c[0], ring_mul(r, value, ring_reduce_signed(r, a * b)));
        c[1] = ring_add(r, c[1], ring_mul(r, value, ring_reduce_signed(r, -a - b)));
        c[2] = ring_add(r, c[2], value);
    }
}

/* by_z, of degree n, times (first + second Z); its new degree. */
static size_t times(uint64_t *by_z, size_t n, const struct ring *r, uint64_t second)
{
    for (size_t z = n + 1; z > 0; z--)
        by_z[z] = ring_add(r, by_z[z], ring_mul(r, by_z[z - 1], second));
    return n + 1;
}

/* by_z times c0 Z^4 + c1 L^2 Z^2 + c2 L^4, where L = M + x Z. */
static void times_factor(uint64_t by_z[MEMBERSHIP_DEGREE + 1], const struct ring *r,
                         const uint64_t c[FREE], uint64_t x)
{
    uint64_t sum[MEMBERSHIP_DEGREE + 1] = {0};
    uint64_t power[MEMBERSHIP_DEGREE + 1];
    size_t n = 10;

    memcpy(power, by_z, sizeof power);
    for (size_t k = 0; k < FREE; k++) {
        const size_t shift = 4 - 2 * k;
        for (size_t z = 0; z <= n; z++)
            sum[z + shift] = ring_add(r, sum[z + shift], ring_mul(r, power[z], c[k]));
        for (int twice = 0; twice < 2 && k + 1 < FREE; twice++)
            n = times(power, n, r, x);
    }
    memcpy(by_z, sum, sizeof sum);
}

void membership_table_make(struct membership_table *t, const struct ring *r,
                           enum membership_set set, uint64_t delta)
{
    const bool tally = set == MEMBERSHIP_TALLY;
    const size_t roots = SETS[set].roots;
    const size_t degree = tally ? MEMBERSHIP_DEGREE - 1 : roots;
    uint64_t c[FREE];

    memset(t, 0, sizeof *t);
    tally_factor(c, r, delta);
    for (size_t cls = 0; cls < roots; cls++) {
        /* Coefficients of prod over roots of (M + (x - root) Z), by powers of Z. */
        uint64_t by_z[MEMBERSHIP_DEGREE + 4] = {1};
        const int64_t x = root_of(set, cls, delta);
        size_t n = 0;
        for (size_t i = 0; i < roots; i++) {
            const int64_t root = root_of(set, i, delta);
            if (!tally || root > 2 || root < -2)
                n = times(by_z, n, r, ring_reduce_signed(r, x - root));
        }
        if (tally)
            times_factor(by_z, r, c, ring_reduce_signed(r, x));
        for (size_t d = 1; d <= degree; d++)
            t->of[d - 1][cls] = by_z[degree - d];
    }
    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
        t->flat[d] = true;
        for (size_t cls = 1; cls < roots; cls++)
            t->flat[d] = t->flat[d] && t->of[d][cls] == t->of[d][0];
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

/* 1 / form(): how much smaller roots are than in membership_lift()'s polynomial. */
static uint64_t smaller(const struct ring *r)
{
    return ring_inverse(r, membership_best()->form(r));
}
static uint64_t minus_square(const struct ring *r, int64_t root)
{
    const uint64_t small = ring_mul(r, ring_reduce_signed(r, root), smaller(r));

    return ring_sub(r, 0, ring_mul(r, small, small));
}

void membership_squares_make(struct membership_squares *s, const struct ring *r,
                             enum membership_set set, uint64_t delta)
{
    s->count = 0;
    for (size_t i = 0; i < SETS[set].roots; i++) {
        const int64_t root = root_of(set, i, delta);
        if (root > 0)
            s->of[s->count++] = ring_mul(r, minus_square(r, root), membership_best()->form(r));
    }
}

/* of: what y has added to it in each factor. From y^4 + a_3 y^3 + a_2 y^2 + a_1 y + a_0, coefficient by
 * coefficient. */
static void quartic_make(uint64_t q[MEMBERSHIP_QUARTIC], const struct ring *r,
                         const uint64_t of[MEMBERSHIP_QUARTIC])
{
    const uint64_t half = r->q / 2 + 1;
    uint64_t a[MEMBERSHIP_QUARTIC + 1] = {1};

    for (size_t n = 0; n < MEMBERSHIP_QUARTIC; n++) {
        for (size_t i = n + 1; i > 0; i--)
            a[i] = ring_add(r, ring_mul(r, a[i], of[n]), a[i - 1]);
        a[0] = ring_mul(r, a[0], of[n]);
    }
    q[0] = ring_mul(r, ring_sub(r, a[3], 1), half);
    const uint64_t rest = ring_sub(r, ring_sub(r, a[2], ring_mul(r, q[0], q[0])), q[0]);
    q[1] = ring_sub(r, a[1], ring_mul(r, q[0], rest));
    q[2] = ring_sub(r, rest, ring_add(r, q[1], q[1]));
    q[3] = ring_sub(r, a[0], ring_mul(r, q[1], ring_add(r, q[1], q[2])));
}

void membership_data_of(struct membership_data *d, const struct ring *r,
                        const struct membership_factors *f)
{
    const uint64_t form = membership_best()->form(r);
    const uint64_t *near = f->near;

    quartic_make(d->quartic, r, f->shared);
    for (size_t i = 0; i < MEMBERSHIP_QUARTIC; i++)
        d->quartic[i] = ring_mul(r, d->quartic[i], form);
    d->last = ring_mul(r, f->shared[MEMBERSHIP_QUARTIC], form);
    for (size_t i = 0; i < MEMBERSHIP_NEAR; i++)
        d->near[i] = ring_mul(r, near[i], form);
    /* y^2 + t_1 y + t_0 - (y + n_0) (y + n_1) = e_1 (y + n_0) + e_0 */
    d->rest[1] = ring_sub(r, f->tally[1], ring_add(r, near[0], near[1]));
    d->rest[0] = ring_sub(r, f->tally[0], ring_mul(r, near[0], ring_add(r, near[1], d->rest[1])));
}

void membership_data_make(struct membership_data *d, const struct ring *r, uint64_t delta)
{
    const uint64_t small = ring_mul(r, smaller(r), smaller(r)); /* of y */
    struct membership_factors f = {0};
    uint64_t c[FREE];
    size_t shared = 0;
    size_t near = 0;

    for (size_t i = 0; i < SETS[MEMBERSHIP_DATA].roots; i++) {
        const int64_t root = root_of(MEMBERSHIP_DATA, i, delta);
        if (root > 2)
            f.shared[shared++] = minus_square(r, root);
        else if (root > 0)
            f.near[near++] = minus_square(r, root);
    }
    tally_factor(c, r, delta);
    const uint64_t first = ring_mul(r, small, ring_inverse(r, c[2]));
    f.tally[1] = ring_mul(r, c[1], first);
    f.tally[0] = ring_mul(r, c[0], ring_mul(r, first, small));
    membership_data_of(d, r, &f);
}

struct field2 membership_data_value(const struct membership_data_sums *sums)
{
    return sums->of[MEMBERSHIP_NEAR + 1];
}

struct field2 membership_tally_value(const struct ring *r, const struct membership_data *d,
                                     const struct membership_data_sums *sums)
{
    struct field2 value = sums->of[MEMBERSHIP_NEAR];

    for (size_t i = 0; i < MEMBERSHIP_NEAR; i++)
        value = field2_add(r, value, field2_scale(r, sums->of[i], d->rest[i]));
    return value;
}

struct field2 membership_lift(const struct ring *r, enum membership_set set, uint64_t delta,
                              struct field2 gamma)
{
    const bool tally = set == MEMBERSHIP_TALLY;
    const size_t degree = tally ? MEMBERSHIP_DEGREE - 1 : SETS[set].roots;
    const uint64_t form = membership_best()->form(r);
    struct field2 lift = field2_power(r, gamma, MEMBERSHIP_DEGREE);
    uint64_t c[FREE];

    for (size_t i = 0; i < degree; i++)
        lift = field2_scale(r, lift, form);
    tally_factor(c, r, delta);
    return tally ? field2_scale(r, lift, c[FREE - 1]) : lift;
}
