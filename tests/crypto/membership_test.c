/* Goal: the two sums of the column proof are what they are said to be, on every code path alike, at
 * the ends of all ranges too: VPMADD52 drops what is over 52 bits without a word, and doubles what is
 * over 53; the farthest from zero that these hold is q/2.
 * Method: products slot by slot with field2_mul(), which field2_test holds to schoolbook; the identity
 * that both sides meet in: the prover's polynomial at Gamma is the verifier's value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/membership.h"
#include "tests/inner_bed.h"

enum { DELTA = 1 << 16, KINDS = 5 };

static struct ring ring;
static uint64_t m[2][RING_DEGREE], chi[2][RING_DEGREE], formed[2][RING_DEGREE]; /* test state */
static uint8_t cls[RING_DEGREE];

typedef void check_fn(const struct membership_ops *ops);

static void on_every_path(check_fn *check)
{
    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        assert_true(ring_init(&ring, bytes));
        for (int path = 0; path < CPU_PATH_COUNT; path++) {
            const struct membership_ops *ops = membership_of((enum cpu_path)path);
            if (ops != NULL)
                check(ops);
        }
    }
}

/* Kind 0 is random, 1 all q - 1, 2 every other one zero, 3 all below q/2, 4 on either side of it. */
static uint64_t extreme(int kind, size_t i)
{
    if (kind >= 3)
        return ring.q / 2 + (kind == 4 && i % 2);
    return kind == 2 && i % 2 ? 0 : ring.q - 1;
}
static void fill(int kind)
{
    for (size_t i = 0; i < RING_DEGREE; i++) {
        for (size_t c = 0; c < 2; c++) {
            const uint64_t most = extreme(kind, i + c);
            m[c][i] = kind == 0 ? bed_mixed(4 * i + c) % ring.q : most;
            chi[c][i] = kind == 0 ? bed_mixed(4 * i + c + 2) % ring.q : most;
        }
        cls[i] = (uint8_t)(bed_mixed(i) % 15);
    }
}

static const struct membership_slots PROVER = {{m[0], m[1]}, {chi[0], chi[1]}};
static const struct membership_slots *slots_of(const struct membership_ops *ops)
{
    static const struct membership_slots SLOTS = {{formed[0], formed[1]}, {chi[0], chi[1]}};
    const uint64_t form = ops->form(&ring);

    for (size_t i = 0; i < RING_DEGREE; i++)
        for (size_t c = 0; c < 2; c++)
            formed[c][i] = (uint64_t)((u128)m[c][i] * form % ring.q);
    return &SLOTS;
}

static struct field2 at(uint64_t v[2][RING_DEGREE], size_t i)
{
    return (struct field2){v[0][i], v[1][i]};
}

static uint64_t constant(int kind, size_t i)
{
    return kind == 0 ? bed_mixed(i) % ring.q : extreme(kind, i);
}
static uint64_t times(uint64_t a, uint64_t b)
{
    return (uint64_t)((u128)a * b % ring.q);
}

/* From one path's form into another's. */
static void reform(struct membership_data *d, uint64_t from, uint64_t to)
{
    uint64_t by = to;

    for (uint64_t e = ring.q - 2, power = from; e > 0; e /= 2) {
        by = e % 2 ? times(by, power) : by;
        power = times(power, power);
    }
    for (size_t i = 0; i < MEMBERSHIP_QUARTIC; i++)
        d->quartic[i] = times(d->quartic[i], by);
    d->last = times(d->last, by);
    for (size_t i = 0; i < MEMBERSHIP_NEAR; i++)
        d->near[i] = times(d->near[i], by);
}
static struct field2 plus(struct field2 a, uint64_t b)
{
    return field2_add(&ring, a, (struct field2){b, 0});
}

/* Of two tables some rows are flat, of one, the other or both. */
static void fill_table(struct membership_table *table, int kind, size_t number)
{
    for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
        table->flat[d] = (d >> number & 1) != 0;
        for (size_t c = 0; c < MEMBERSHIP_CLASSES; c++) {
            const size_t of = table->flat[d] ? 0 : c;
            table->of[d][c] = kind == 0 ? bed_mixed(100 * d + of + 5000 * number) % ring.q
                                        : extreme(kind, 2 * of);
        }
    }
}

static void check_prove(const struct membership_ops *ops)
{
    struct membership_table table[MEMBERSHIP_SUMS_MAX];

    for (int kind = 0; kind < KINDS * MEMBERSHIP_SUMS_MAX; kind++) {
        const size_t count = 1 + (size_t)kind / KINDS;
        struct field2 got[MEMBERSHIP_SUMS_MAX][MEMBERSHIP_DEGREE] = {{{1, 2}}}; /* are added to */
        struct field2 want[MEMBERSHIP_SUMS_MAX][MEMBERSHIP_DEGREE] = {{{1, 2}}};
        const struct membership_sum sums[] = {{got[0], &table[0]}, {got[1], &table[1]}};
        fill(kind % KINDS);
        for (size_t k = 0; k < MEMBERSHIP_SUMS_MAX; k++)
            fill_table(&table[k], kind % KINDS, k);
        ops->prove(sums, count, &ring, &PROVER, cls);
        for (size_t i = 0; i < RING_DEGREE; i++) {
            struct field2 power = at(chi, i);
            for (size_t d = 0; d < MEMBERSHIP_DEGREE; d++) {
                power = field2_mul(&ring, power, at(m, i));
                for (size_t k = 0; k < count; k++)
                    want[k][d] = field2_add(&ring, want[k][d],
                                            field2_scale(&ring, power, table[k].of[d][cls[i]]));
            }
        }
        assert_memory_equal(got, want, sizeof got);
    }
}

static void every_path_proves_alike(void **state)
{
    (void)state;
    on_every_path(check_prove);
}

static void check_verify(const struct membership_ops *ops)
{
    for (int kind = 0; kind < KINDS * 2; kind++) {
        struct membership_squares squares = {.count = 1 + (size_t)kind / KINDS};
        struct membership_squares plain = squares;
        struct field2 got = {3, 4};
        struct field2 want = {3, 4};
        fill(kind % KINDS);
        for (size_t i = 0; i < squares.count; i++) {
            plain.of[i] = constant(kind % KINDS, i);
            squares.of[i] = times(plain.of[i], ops->form(&ring));
        }
        ops->verify(&got, &ring, slots_of(ops), &squares);
        for (size_t i = 0; i < RING_DEGREE; i++) {
            const struct field2 square = field2_mul(&ring, at(m, i), at(m, i));
            struct field2 product = field2_mul(&ring, at(chi, i), at(m, i));
            for (size_t k = 0; k < squares.count; k++)
                product = field2_mul(&ring, product, plus(square, plain.of[k]));
            want = field2_add(&ring, want, product);
        }
        assert_memory_equal(&got, &want, sizeof got);
    }
}

static void every_path_verifies_alike(void **state)
{
    (void)state;
    on_every_path(check_verify);
}

/* U, V, W and K W of one slot, multiplied factor by factor, and the tally's product. */
static void data_products(struct field2 out[5], const struct membership_factors *f, size_t i)
{
    const struct field2 k = at(m, i);
    const struct field2 y = field2_mul(&ring, k, k);
    const struct field2 y2 = field2_mul(&ring, y, y);
    struct field2 u = at(chi, i);

    for (size_t j = 0; j < MEMBERSHIP_SHARED; j++)
        u = field2_mul(&ring, u, plus(y, f->shared[j]));
    out[0] = u;
    for (size_t j = 0; j < MEMBERSHIP_NEAR; j++)
        out[j + 1] = field2_mul(&ring, out[j], plus(y, f->near[j]));
    out[3] = field2_mul(&ring, out[2], k);
    const struct field2 linear = plus(field2_scale(&ring, y, f->tally[1]), f->tally[0]);
    out[4] = field2_mul(&ring, u, field2_add(&ring, y2, linear));
}

static void check_verify_data(const struct membership_ops *ops)
{
    const uint64_t best = membership_best()->form(&ring);

    for (int kind = 0; kind < KINDS; kind++) {
        struct membership_data_sums got = {{{1, 2}, {3, 4}, {5, 6}, {7, 8}}}; /* are added to */
        struct membership_data_sums want = got;
        struct field2 tally = membership_tally_value(&ring, &(struct membership_data){0}, &got);
        struct membership_factors f;
        struct membership_data d;
        fill(kind);
        for (size_t j = 0; j < MEMBERSHIP_SHARED; j++)
            f.shared[j] = constant(kind, j);
        for (size_t j = 0; j < MEMBERSHIP_NEAR; j++) {
            f.near[j] = constant(kind, 5 + j);
            f.tally[j] = constant(kind, 7 + j);
        }
        membership_data_of(&d, &ring, &f);
        /* What rest makes of the sums that were there before. */
        for (size_t j = 0; j < MEMBERSHIP_NEAR; j++)
            tally = field2_add(&ring, tally, field2_scale(&ring, got.of[j], d.rest[j]));
        reform(&d, best, ops->form(&ring));
        ops->verify_data(&got, &ring, slots_of(ops), &d);
        for (size_t i = 0; i < RING_DEGREE; i++) {
            struct field2 product[5];
            data_products(product, &f, i);
            for (size_t j = 0; j < 4; j++)
                want.of[j] = field2_add(&ring, want.of[j], product[j]);
            tally = field2_add(&ring, tally, product[4]);
        }
        assert_memory_equal(&got, &want, sizeof got);
        const struct field2 value = membership_tally_value(&ring, &d, &got);
        assert_memory_equal(&value, &tally, sizeof tally);
    }
}

static void every_path_verifies_data_alike(void **state)
{
    (void)state;
    on_every_path(check_verify_data);
}

static void check_rest(const struct membership_ops *ops)
{
    static uint8_t planes[6 * RING_DEGREE];
    static uint64_t l[RING_DEGREE], want[RING_DEGREE];

    for (int kind = 0; kind < KINDS; kind++) {
        u128 sum = 0;
        fill(kind);
        for (size_t i = 0; i < RING_DEGREE; i++) {
            for (unsigned p = 0; p < ring.coefficient_bytes; p++)
                planes[p * RING_DEGREE + i] = (uint8_t)(chi[0][i] >> 8 * p);
            want[i] = (m[0][i] + chi[0][i]) % ring.q;
            sum = (sum + (u128)m[0][i] * chi[1][i]) % ring.q;
        }
        memcpy(l, m[0], sizeof l);
        ops->add(l, &ring, planes);
        assert_memory_equal(l, want, sizeof l);
        assert_int_equal(ops->dot(&ring, m[0], chi[1], RING_DEGREE), (uint64_t)sum);
        assert_int_equal(ops->dot(&ring, m[0], chi[1], 0), 0);
    }
}

static void every_path_adds_and_multiplies_alike(void **state)
{
    (void)state;
    on_every_path(check_rest);
}

static int64_t x_of(uint8_t class, int set)
{
    if (set == MEMBERSHIP_SECRET)
        return class - 1;
    return set == MEMBERSHIP_RERANDOMISER
               ? class - 2
               : (int64_t)(class / 5 - 1) * DELTA + (int64_t)(class % 5) - 2;
}

/* M becomes L = M / Gamma + x, as the verifier's slots. */
static const struct membership_slots *make_keys(int set, struct field2 gamma)
{
    static const struct membership_slots SLOTS = {{m[0], m[1]}, {chi[0], chi[1]}};
    const struct field2 inverse = field2_inverse(&ring, gamma);

    for (size_t i = 0; i < RING_DEGREE; i++) {
        const struct field2 l = plus(field2_mul(&ring, at(m, i), inverse),
                                     ring_reduce_signed(&ring, x_of(cls[i], set)));
        m[0][i] = l.c0;
        m[1][i] = l.c1;
    }
    return &SLOTS;
}

/* The tally's Z^15 is -1 where nobody stands, which both sides know how to add up. */
static struct field2 empty_slots(struct field2 gamma)
{
    const struct field2 power = field2_power(&ring, gamma, MEMBERSHIP_DEGREE);
    struct field2 sum = {0, 0};

    for (size_t i = 0; i < RING_DEGREE; i++)
        if (cls[i] / 5 == 1)
            sum = field2_add(&ring, sum, field2_mul(&ring, at(chi, i), power));
    return field2_scale(&ring, sum, ring.q - 1);
}

static struct field2 verified(const struct membership_ops *ops, int set,
                              const struct membership_slots *slots)
{
    struct field2 value = {0, 0};
    struct membership_squares squares;
    struct membership_data_sums sums = {{{0, 0}}};
    struct membership_data d;

    if (set == MEMBERSHIP_RERANDOMISER || set == MEMBERSHIP_SECRET) {
        membership_squares_make(&squares, &ring, (enum membership_set)set, DELTA);
        ops->verify(&value, &ring, slots, &squares);
        return value;
    }
    membership_data_make(&d, &ring, DELTA);
    ops->verify_data(&sums, &ring, slots, &d);
    return set == MEMBERSHIP_TALLY ? membership_tally_value(&ring, &d, &sums)
                                   : membership_data_value(&sums);
}

static void check_set(int set, size_t roots)
{
    const struct membership_ops *ops = membership_best();
    const struct field2 gamma = {bed_mixed(1) % ring.q, bed_mixed(2) % ring.q};
    struct field2 sum[MEMBERSHIP_DEGREE] = {{0, 0}};
    struct field2 claimed = {0, 0};
    struct field2 value;
    struct membership_table table;

    membership_table_make(&table, &ring, (enum membership_set)set, DELTA);
    fill(0);
    for (size_t i = 0; i < RING_DEGREE; i++)
        cls[i] = (uint8_t)(cls[i] % roots);
    ops->prove(&(struct membership_sum){sum, &table}, 1, &ring, &PROVER, cls);
    if (set == MEMBERSHIP_TALLY)
        claimed = empty_slots(gamma);
    value = verified(ops, set, make_keys(set, gamma));
    value =
        field2_mul(&ring, value, membership_lift(&ring, (enum membership_set)set, DELTA, gamma));
    for (size_t d = 1; d <= MEMBERSHIP_DEGREE; d++) /* Z^(15-d) */
        claimed =
            field2_add(&ring, claimed,
                       field2_mul(&ring, sum[d - 1],
                                  field2_power(&ring, gamma, (unsigned)(MEMBERSHIP_DEGREE - d))));
    assert_memory_equal(&claimed, &value, sizeof value);
}

/* For each class of each set: prod over the set of (M + (x - r) Z), all 16 coefficients, the table's
 * and a zero above; and at Z = Gamma it is the verifier's product. */
static void both_sides_meet(void **state)
{
    static const size_t ROOTS[MEMBERSHIP_SET_COUNT] = {15, 5, 3, 15};

    (void)state;
    for (unsigned bytes = 5; bytes <= 6; bytes++)
        for (int set = 0; set < MEMBERSHIP_SET_COUNT; set++) {
            assert_true(ring_init(&ring, bytes));
            check_set(set, ROOTS[set]);
        }
}

static void classes_are_weight_and_error(void **state)
{
    static uint8_t bits[RING_DEGREE];
    static int8_t values[RING_DEGREE];

    (void)state;
    for (size_t i = 0; i < RING_DEGREE; i++) {
        bits[i] = (uint8_t)i;
        values[i] = (int8_t)((int)(i % 3) - 1);
    }
    for (int with = 0; with < 2; with++) {
        membership_classes(cls, bits, with ? values : NULL);
        for (size_t i = 0; i < RING_DEGREE; i++) {
            const int error = __builtin_popcount(bits[i] & 3U) - __builtin_popcount(bits[i] & 12U);
            assert_int_equal(cls[i], error + 2 + (with ? 5 * (values[i] + 1) : 0));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_proves_alike),
        cmocka_unit_test(every_path_verifies_alike),
        cmocka_unit_test(every_path_verifies_data_alike),
        cmocka_unit_test(every_path_adds_and_multiplies_alike),
        cmocka_unit_test(both_sides_meet),
        cmocka_unit_test(classes_are_weight_and_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
