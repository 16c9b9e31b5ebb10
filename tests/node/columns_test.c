#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/slot.h"
#include "node/columns.h"
#include "tests/columns_fixture.h"
#include "tests/vault_fixture.h"

static struct columns_map *place(const struct fixture *f, const struct vault_data *d, uint64_t m,
                                 uint8_t salt)
{
    struct columns_map *map = NULL;
    struct pt_err err = {0};
    const struct columns_in in = {
        .data = d, .me = &f->partner, .partner = 0, .salt = {.b = {salt, 1}}, .m = m};

    assert_int_equal(columns_place(&map, &in, &err), PT_OK);
    assert_int_equal(columns_slots(map), m);
    return map;
}

/* Independent of the module: has row i `value` of the set, after cutting to the three values whose
 * truncation keys are smallest? By ranking, not by insertion. */
static bool in_cut_set(const struct vault_data *d, const struct digest *salt, uint64_t i,
                       uint32_t value)
{
    const uint64_t *set = &d->columns[FIXTURE_SET].set[2 * i];
    unsigned smaller = 0;

    if ((set[value / 64] >> value % 64 & 1) == 0)
        return false;
    uint64_t own = slot_truncation_key(salt, &d->tokens[i], value);
    for (uint32_t v = 0; v < FIXTURE_BUYS; v++)
        if ((set[v / 64] >> v % 64 & 1) != 0)
            smaller += slot_truncation_key(salt, &d->tokens[i], v) < own;
    return smaller < FIXTURE_CUT;
}

static bool kept_by_rule(const struct vault_data *d, const struct digest *salt, uint64_t m,
                         uint64_t i)
{
    struct slot_place mine;
    struct slot_place other;

    slot_of(&mine, salt, &d->tokens[i], m);
    for (uint64_t k = 0; k < d->count; k++) {
        slot_of(&other, salt, &d->tokens[k], m);
        if (k != i && d->has_token[k] && other.slot == mine.slot && other.priority < mine.priority)
            return false;
    }
    return true;
}

/* Goal: F, G, the kept count and the audience are those of PROTOCOL.md 3.
 * Method: every entry again from the definition, by brute force, at a load that crowds slots. */
static void columns_follow_the_definition(void **state)
{
    enum { N = 300, M = 256 };
    struct fixture f;
    const struct digest salt = {.b = {9, 1}};
    const struct question_filter filters[] = {
        {.on = {0, FIXTURE_SPEND}, .op = FILTER_GE, .bound_micro = 20000000},
        {.on = {0, FIXTURE_SPEND}, .op = FILTER_LE, .bound_micro = 290000000},
        {.on = {1, 7}, .op = FILTER_EQ, .value = 9}, /* somebody else's: passed over */
        {.on = {0, FIXTURE_SEGMENT}, .op = FILTER_EQ, .value = 1},
    };
    const struct columns_selector which = {.filters = filters,
                                           .filter_count = 4,
                                           .has_category = true,
                                           .attribute = FIXTURE_SET,
                                           .value = 66};
    int8_t want_f[M] = {0};
    int want_g[M] = {0};
    uint8_t want_any[M] = {0};
    uint8_t any[M];
    int8_t got[M];
    uint64_t kept = 0;
    uint64_t squares = 0;
    uint64_t audience = 0;
    struct columns_sums sums;
    uint64_t count;

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, N, 1);
    for (size_t i = 0; i < N; i += 11)
        d->has_token[i] = 0;           /* not yet evaluated: in no vector */
    for (uint64_t i = 0; i < N; i++) { /* make the value common, so that the test says something */
        d->columns[FIXTURE_SET].set[2 * i + 1] |= UINT64_C(1) << 2;
        d->columns[FIXTURE_SEGMENT].category[i] = (uint16_t)(i % 2);
    }
    d->columns[FIXTURE_SPEND].number[31] = (double)NAN;
    for (uint64_t i = 0; i < N; i++) {
        struct slot_place p;
        if (!d->has_token[i])
            continue;
        slot_of(&p, &salt, &d->tokens[i], M);
        bool mine = kept_by_rule(d, &salt, M, i);
        kept += mine;
        if (d->columns[0].category[i] != 1 || !(d->columns[2].number[i] >= 20) ||
            !(d->columns[2].number[i] <= 290) || !in_cut_set(d, &salt, i, 66))
            continue;
        audience++;
        want_g[p.slot] += p.sign;
        want_any[p.slot] = 1; /* whoever else is there: nothing cancels, nobody is evicted */
        if (mine) {
            want_f[p.slot] = p.sign;
            squares++;
        }
    }
    assert_true(audience > 50);
    assert_true(squares < audience);

    struct columns_map *map = place(&f, d, M, 9);
    assert_int_equal(columns_rows(map), N - 28);
    assert_int_equal(columns_kept(map), kept);
    assert_int_equal(fixture_recipient(got, &sums, map, &which), PT_OK);
    assert_memory_equal(got, want_f, M);
    assert_int_equal(sums.energy, squares);
    assert_int_equal(sums.audience, audience);
    assert_int_equal(columns_evaluator(got, map, &which), PT_OK);
    for (size_t s = 0; s < M; s++)
        assert_int_equal(got[s], want_g[s]);
    assert_int_equal(columns_audience_count(&count, map, &which), PT_OK);
    assert_int_equal(count, audience);
    assert_int_equal(columns_any(any, map, &which), PT_OK);
    assert_memory_equal(any, want_any, M);
    columns_free(map);
    vault_data_free(d);
}

/* Goal: which record a slot keeps does not depend on the question. Method: the kept records of the
 * whole audience, seen through each category, add up to the whole. */
static void keeping_is_independent_of_the_question(void **state)
{
    enum { N = 5000, M = 4096 };
    struct fixture f;
    static int8_t all[M];
    static int8_t part[M];
    static int8_t sum[M];
    struct columns_sums sums;
    uint64_t total = 0;

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, N, 2);
    for (uint64_t i = 0; i < N; i++)
        d->columns[FIXTURE_SEGMENT].category[i] = (uint16_t)(i % 3);
    struct columns_map *map = place(&f, d, M, 3);
    memset(sum, 0, sizeof sum);
    assert_int_equal(fixture_recipient(all, &sums, map, &(struct columns_selector){0}), PT_OK);
    assert_int_equal(sums.energy, columns_kept(map));
    for (uint64_t end = 0; end <= M; end += M / 16) { /* those below are just those of the vector */
        uint64_t below = 0;
        for (size_t s = 0; s < end; s++)
            below += all[s] != 0;
        assert_int_equal(columns_kept_below(map, end), below);
    }
    for (uint16_t v = 0; v < 3; v++) {
        const struct columns_selector which = {
            .has_category = true, .attribute = FIXTURE_SEGMENT, .value = v};
        assert_int_equal(fixture_recipient(part, &sums, map, &which), PT_OK);
        total += sums.energy;
        for (size_t s = 0; s < M; s++)
            sum[s] = (int8_t)(sum[s] + part[s]);
    }
    assert_memory_equal(sum, all, M);
    assert_int_equal(total, columns_kept(map));
    columns_free(map);
    vault_data_free(d);
}

/* Goal: cutting a set looks at the own row alone, and a filter looks at the whole set.
 * Method: take one person away; nobody else's contribution to any value's vector changes. */
static void truncation_depends_on_the_own_row_only(void **state)
{
    enum { N = 200, M = 1024 };
    struct fixture f;
    static int8_t with[M];
    static int8_t without[M];

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, N, 3);
    struct columns_map *full = place(&f, d, M, 5);
    d->has_token[123] = 0; /* has 3 values: 123 % 6 */
    struct columns_map *less = place(&f, d, M, 5);
    struct slot_place gone;
    slot_of(&gone, &(struct digest){.b = {5, 1}}, &d->tokens[123], M);
    uint64_t moved = 0;
    uint64_t values = 0;
    for (uint16_t v = 0; v < FIXTURE_BUYS; v++) {
        const struct question_filter has = {.on = {0, FIXTURE_SET}, .op = FILTER_EQ, .value = v};
        const struct columns_selector which = {
            .has_category = true, .attribute = FIXTURE_SET, .value = v};
        const struct columns_selector filter = {.filters = &has, .filter_count = 1};
        uint64_t cut;
        uint64_t whole;
        assert_int_equal(columns_evaluator(with, full, &which), PT_OK);
        assert_int_equal(columns_evaluator(without, less, &which), PT_OK);
        for (size_t s = 0; s < M; s++) {
            int off = with[s] - without[s];
            assert_true(s == gone.slot || off == 0);
            moved += (uint64_t)(off != 0);
        }
        assert_int_equal(columns_audience_count(&cut, full, &which), PT_OK);
        assert_int_equal(columns_audience_count(&whole, full, &filter), PT_OK);
        assert_true(cut <= whole);
        values += whole - cut;
    }
    assert_int_equal(moved, 3);
    /* Of every six people one has 4 values and one 5, cut to 3: 33 and 33 of 200. */
    assert_int_equal(values, 33 * 1 + 33 * 2);
    columns_free(full);
    columns_free(less);
    vault_data_free(d);
}

/* Goal: in each slot as many counters hold somebody as columns of a table, of a set that is cut and of a
 * category, with filters and without; no counter does beyond what a person has in a table at most. */
static void counters_count_what_a_table_holds(void **state)
{
    enum { N = 300, M = 256 };
    const struct question_filter rich = {
        .on = {0, FIXTURE_SPEND}, .op = FILTER_GE, .bound_micro = 90000000};
    static const struct {
        uint16_t attribute, values, most;
    } CASES[] = {{FIXTURE_SET, FIXTURE_BUYS, FIXTURE_CUT}, {FIXTURE_SEGMENT, FIXTURE_SEGMENTS, 1}};
    struct fixture f;
    int8_t got[M];

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, N, 4);
    struct columns_map *map = place(&f, d, M, 5);
    for (size_t i = 0; i < 2 * PT_LEN(CASES); i++) {
        struct columns_selector which = {.filters = &rich,
                                         .filter_count = i % 2,
                                         .has_category = true,
                                         .attribute = CASES[i / 2].attribute};
        uint64_t held[M] = {0};
        uint64_t in_all = 0;
        struct columns_sums sums;
        for (; which.value < CASES[i / 2].values; which.value++) {
            assert_int_equal(fixture_recipient(got, NULL, map, &which), PT_OK);
            for (size_t s = 0; s < M; s++)
                held[s] += got[s] != 0;
        }
        which.has_category = false;
        which.has_counter = true;
        for (which.value = 0; which.value <= CASES[i / 2].most; which.value++) {
            assert_int_equal(fixture_recipient(got, &sums, map, &which), PT_OK);
            assert_true((sums.energy > 0) == (which.value < CASES[i / 2].most));
            in_all += sums.energy;
            for (size_t s = 0; s < M; s++)
                held[s] -= got[s] != 0;
        }
        for (size_t s = 0; s < M; s++)
            assert_int_equal(held[s], 0);
        assert_true(in_all > 20);
    }
    columns_free(map);
    map = place(&f, d, M, 5);
    const struct columns_selector none = {.has_counter = true, .attribute = FIXTURE_SPEND};
    assert_int_equal(fixture_recipient(got, NULL, map, &none), PT_EBUG);
    columns_free(map);
    vault_data_free(d);
}

/* Goal: E[F.G]/q is the number of common customers (PROTOCOL.md 3), for filtered audiences too.
 * Method: two parties that share people, 300 salts; the mean lies within 3 standard errors of the
 * truth, and the spread is that of the formula within 10 %. M is small so that slots collide. */
static void estimator_is_unbiased(void **state)
{
    enum { N = 400, COMMON = 150, M = 2048, SALTS = 300 };
    struct fixture f;
    static int8_t a[M];
    static int8_t b[M];
    double sum = 0;
    double squares = 0;
    double variance = 0;

    (void)state;
    fixture_init(&f);
    struct vault_data *r = fixture_data(&f, N, 4);
    struct vault_data *e = fixture_data(&f, N, 5);
    memcpy(e->tokens, r->tokens, COMMON * sizeof *e->tokens);
    const struct question_filter new = {.on = {0, FIXTURE_SEGMENT}, .op = FILTER_EQ, .value = 1};
    const struct columns_selector some = {.filters = &new, .filter_count = 1};
    double truth = 0;
    for (size_t i = 0; i < COMMON; i++)
        truth += r->columns[0].category[i] == 1;
    for (uint8_t k = 0; k < 150; k++)
        for (uint64_t m = M; m >= M / 2; m /= 2) {
            struct columns_map *mr = place(&f, r, m, k);
            struct columns_map *me = place(&f, e, m, k);
            struct columns_sums sums;
            assert_int_equal(fixture_recipient(a, &sums, mr, &some), PT_OK);
            assert_int_equal(columns_evaluator(b, me, &(struct columns_selector){0}), PT_OK);
            double dot = 0;
            for (size_t s = 0; s < m; s++)
                dot += a[s] * b[s];
            double q = (double)columns_kept(mr) / (double)columns_rows(mr);
            sum += dot / q - truth;
            squares += (dot / q - truth) * (dot / q - truth);
            variance += ((double)sums.energy * N / (double)m + q * (1 - q) * truth) / (q * q);
            columns_free(mr);
            columns_free(me);
        }
    assert_true(fabs(sum / SALTS) < 3 * sqrt(squares / SALTS / SALTS));
    assert_true(fabs(squares / variance - 1) < 0.3);
    vault_data_free(r);
    vault_data_free(e);
}

/* Goal: a slot's sum is exact beyond the +-8 that occur in practice, and where it is held at the
 * bound of a byte one person still moves it by 1 at most: the sensitivity that is charged.
 * Method: one slot, 150 persons of one sign and 60 of the other; each of them taken out in turn. */
static void a_person_moves_a_slot_by_one_at_most(void **state)
{
    enum { PLUS = 150, MINUS = 60, N = PLUS + MINUS };
    struct fixture f;
    const struct digest salt = {.b = {0, 1}};
    const struct question_filter in_it = {.on = {0, FIXTURE_SEGMENT}, .op = FILTER_EQ, .value = 0};
    const struct columns_selector which = {.filters = &in_it, .filter_count = 1};
    int8_t all;
    int8_t without;
    uint64_t next = 0;

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, N, 8);
    for (size_t i = 0; i < N; i++) {
        struct slot_place at;
        do { /* a token of the sign wanted */
            next++;
            crypto_generichash(d->tokens[i].b, sizeof d->tokens[i].b, (const uint8_t *)&next,
                               sizeof next, NULL, 0);
            slot_of(&at, &salt, &d->tokens[i], 1);
        } while (at.sign != (i < PLUS ? 1 : -1));
        d->columns[FIXTURE_SEGMENT].category[i] = i < 20 ? 0 : 1;
    }
    struct columns_map *map = place(&f, d, 1, 0);
    assert_int_equal(columns_evaluator(&all, map, &which), PT_OK);
    assert_int_equal(all, 20);
    memset(d->columns[FIXTURE_SEGMENT].category, 0, N * sizeof(uint16_t));
    assert_int_equal(columns_evaluator(&all, map, &which), PT_OK);
    assert_true(all < PLUS - MINUS || all > 100); /* the bound was met on the way, or at the end */
    for (size_t i = 0; i < N; i++) {
        d->columns[FIXTURE_SEGMENT].category[i] = 1;
        assert_int_equal(columns_evaluator(&without, map, &which), PT_OK);
        assert_in_range(all - without + 1, 0, 2);
        d->columns[FIXTURE_SEGMENT].category[i] = 0;
    }
    columns_free(map);
    vault_data_free(d);
}

/* Again from the definition: 0..500 EUR in hundredths, less the middle. */
static int centred(double spend)
{
    return (int)lround(fmin(fmax(spend, 0), 500) / 5) - 50;
}

/* Goal: W, its sum of squares, and the counts of those of whom the number is known.
 * Method: every entry from the definition, at a load that crowds slots; numbers below, in, at and
 * above the bounds, and unknown ones; with a filter. */
static void numbers_follow_the_definition(void **state)
{
    enum { N = 400, M = 256 };
    struct fixture f;
    const struct digest salt = {.b = {9, 1}};
    const struct question_filter new = {.on = {0, FIXTURE_SEGMENT}, .op = FILTER_EQ, .value = 1};
    const struct columns_selector which = {
        .filters = &new, .filter_count = 1, .has_number = true, .number = FIXTURE_SPEND};
    static int8_t values[2 * M];
    int want[M] = {0};
    int count[M] = {0};
    uint64_t people = 0;
    uint64_t squares = 0;
    uint64_t got;
    size_t wide = 0;

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, N, 7);
    for (uint64_t i = 0; i < N; i++) {
        double *spend = &d->columns[FIXTURE_SPEND].number[i];
        struct slot_place at;
        *spend = i % 5 == 0 ? (double)NAN : i % 5 == 1 ? 900 : i % 5 == 2 ? -20 : 2.5 * (double)i;
        if (i % 2 != 0)
            *spend = i % 5 == 0 ? (double)NAN : 500;
        d->columns[FIXTURE_SEGMENT].category[i] = i % 7 == 0 ? 0 : 1;
        slot_of(&at, &salt, &d->tokens[i], M);
        if (i % 7 == 0 || i % 5 == 0)
            continue;
        int w = centred(*spend);
        want[at.slot] += at.sign * w;
        count[at.slot] += at.sign;
        squares += (uint64_t)(w * w);
        people++;
    }
    struct columns_map *map = place(&f, d, M, 9);
    assert_int_equal(columns_numbers(values, &got, map, &which), PT_OK);
    assert_int_equal(got, squares);
    for (size_t s = 0; s < M; s++) {
        assert_int_equal(values[s] + values[M + s], want[s]);
        wide += values[M + s] != 0;
    }
    assert_true(wide > 0); /* the second limb was needed */
    assert_int_equal(columns_evaluator(values, map, &which), PT_OK);
    for (size_t s = 0; s < M; s++)
        assert_int_equal(values[s], count[s]);
    assert_int_equal(columns_audience_count(&got, map, &which), PT_OK);
    assert_int_equal(got, people);
    columns_free(map);
    vault_data_free(d);
}

/* Goal: one person moves a slot's sum of numbers by 50 at most, also where it is held at +-254: the
 * sensitivity that is charged. Method: as above, every person at a bound. */
static void a_person_moves_a_sum_by_fifty_at_most(void **state)
{
    enum { N = 30 };
    struct fixture f;
    const struct digest salt = {.b = {0, 1}};
    const struct columns_selector which = {.has_number = true, .number = FIXTURE_SPEND};
    int8_t all[2];
    int8_t without[2];
    uint64_t next = 0;
    uint64_t squares;

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, N, 8);
    for (size_t i = 0; i < N; i++) {
        struct slot_place at;
        do { /* two thirds of one sign */
            next++;
            crypto_generichash(d->tokens[i].b, sizeof d->tokens[i].b, (const uint8_t *)&next,
                               sizeof next, NULL, 0);
            slot_of(&at, &salt, &d->tokens[i], 1);
        } while (at.sign != (i % 3 != 0 ? 1 : -1));
        d->columns[FIXTURE_SPEND].number[i] = 500;
    }
    struct columns_map *map = place(&f, d, 1, 0);
    assert_int_equal(columns_numbers(all, &squares, map, &which), PT_OK);
    assert_in_range(all[0] + all[1], 100, 254); /* held: freely it would be 500 */
    assert_int_equal(squares, 2500 * N);
    for (size_t i = 0; i < N; i++) {
        d->columns[FIXTURE_SPEND].number[i] = (double)NAN;
        assert_int_equal(columns_numbers(without, &squares, map, &which), PT_OK);
        assert_in_range(all[0] + all[1] - without[0] - without[1] + 50, 0, 100);
        assert_int_equal(squares, 2500 * (N - 1));
        d->columns[FIXTURE_SPEND].number[i] = 500;
    }
    columns_free(map);
    vault_data_free(d);
}

static void bounds_and_refusals(void **state)
{
    struct fixture f;
    struct columns_map *map = NULL;
    struct pt_err err = {0};
    int8_t values[16];
    uint64_t n = 0;

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, 3000, 6);
    struct columns_in in = {.data = d, .me = &f.partner, .m = 1000};
    assert_int_equal(columns_place(&map, &in, &err), PT_ELIMIT);
    in.m = 0;
    assert_int_equal(columns_place(&map, &in, &err), PT_ELIMIT);
    in.m = (uint64_t)COLUMNS_SLOTS_MAX * 2;
    assert_int_equal(columns_place(&map, &in, &err), PT_ELIMIT);
    /* One slot takes everybody: the sum is held at the bound, and one record is kept. */
    in.m = 1;
    for (size_t i = 0; i < 3000; i++)
        for (size_t k = 0; k < 16; k++)
            d->tokens[i].b[k] = (uint8_t)(i >> (k % 2 ? 8 : 0));
    assert_int_equal(columns_place(&map, &in, &err), PT_OK);
    assert_int_equal(columns_kept(map), 1);
    assert_int_equal(columns_evaluator(values, map, &(struct columns_selector){0}), PT_OK);
    assert_true(values[0] >= -127);
    const struct columns_selector WRONG[] = {
        {.has_category = true, .attribute = 3},
        {.has_category = true, .attribute = FIXTURE_SPEND},
        {.has_category = true, .attribute = FIXTURE_SET, .value = FIXTURE_BUYS},
        {.has_number = true, .number = 3},
        {.has_number = true, .number = FIXTURE_SEGMENT},
        {.filter_count = 1, .filters = &(struct question_filter){.on = {0, 3}}},
        {.filter_count = 1, .filters = &(struct question_filter){.on = {0, 0}, .value = 3}},
        {.filter_count = 1, .filters = &(struct question_filter){.on = {0, 0}, .op = FILTER_GE}},
        {.filter_count = 9, .filters = (struct question_filter[9]){{.on = {0, 0}}}},
    };
    for (size_t i = 0; i < PT_LEN(WRONG); i++) {
        assert_int_equal(fixture_recipient(values, NULL, map, &WRONG[i]), PT_EBUG);
        assert_int_equal(columns_evaluator(values, map, &WRONG[i]), PT_EBUG);
        assert_int_equal(columns_audience_count(&n, map, &WRONG[i]), PT_EBUG);
        assert_int_equal(columns_numbers(values, &n, map, &WRONG[i]), PT_EBUG);
    }
    assert_int_equal(n, 0);
    columns_free(map);
    columns_free(NULL);
    vault_forget_tokens(d);
    assert_int_equal(columns_place(&map, &in, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "tokenise first"));
    vault_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_follow_the_definition),
        cmocka_unit_test(keeping_is_independent_of_the_question),
        cmocka_unit_test(truncation_depends_on_the_own_row_only),
        cmocka_unit_test(counters_count_what_a_table_holds),
        cmocka_unit_test(estimator_is_unbiased),
        cmocka_unit_test(a_person_moves_a_slot_by_one_at_most),
        cmocka_unit_test(numbers_follow_the_definition),
        cmocka_unit_test(a_person_moves_a_sum_by_fifty_at_most),
        cmocka_unit_test(bounds_and_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
