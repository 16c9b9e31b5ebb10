#include "crypto/inner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/noise.h"
#include "tests/inner_bed.h"
#include "tests/kat.h"

static void check_cells(struct bed *b, bool exact)
{
    for (size_t i = 0; i < b->row_count; i++) {
        double delta = rlwe_delta(b->c);
        double limit = 6 * delta * sqrt(inner_error_variance(b->c, bed_energy(b, i)));
        bed_ask(b, i, 1);
        if (exact)
            assert_true(limit < delta / 2); /* else the case claims too much */
        for (size_t j = 0; j < b->column_count; j++)
            assert_true(fabs(bed_residue(b, i, j)) < limit);
    }
}

/* Goal: with no noise the counts come out exactly, in every set and at every edge of a block. */
static void counts_are_exact(void **state)
{
    static const struct {
        struct rlwe_shape shape;
        struct kinds kinds;
    } CASES[] = {
        {{RLWE_P32, 1, 127, 1}, {1, 1, bed_one, bed_one}},
        {{RLWE_P40, 1, 127, 1}, {2, 3, bed_byte, bed_trit}},
        {{RLWE_P48, 1, 127, 1}, {2, 3, bed_byte, bed_one}},
        {{RLWE_P32, 2047, 5000, 1}, {3, 2, bed_one, bed_one}},
        {{RLWE_P40, 2047, 1 << 18, 1}, {3, 2, bed_byte, bed_trit}},
        {{RLWE_P48, 2047, 1 << 18, 1}, {3, 2, bed_byte, bed_one}},
        {{RLWE_P32, 2048, 1 << 14, 1}, {3, 2, bed_byte, bed_trit}},
        {{RLWE_P40, 2048, 1 << 18, 1}, {3, 2, bed_byte, bed_trit}},
        {{RLWE_P48, 2048, 1 << 18, 1}, {3, 2, bed_one, bed_one}},
        {{RLWE_P32, 2049, 1 << 14, 1}, {3, 2, bed_byte, bed_trit}},
        {{RLWE_P40, 2049, 1 << 18, 1}, {3, 2, bed_one, bed_one}},
        {{RLWE_P48, 2049, 1 << 18, 1}, {3, 2, bed_byte, bed_one}},
        {{RLWE_P32, 1 << 16, 4096, 1}, {2, 3, bed_one, bed_trit}},
        {{RLWE_P40, 1 << 16, 1 << 20, 1},
         {35, 3, bed_trit, bed_trit}}, /* more rows than one tile */
        {{RLWE_P48, 1 << 16, 1 << 23, 1}, {2, 3, bed_trit, bed_one}},
        {{RLWE_P32, 1 << 20, 10000, 1}, {1, 2, bed_one, bed_trit}},
        {{RLWE_P40, 1 << 20, 1 << 20, 1}, {1, 2, bed_one, bed_one}},
        {{RLWE_P48, 1 << 20, 1 << 27, 1}, {1, 2, bed_one, bed_one}},
        {{RLWE_P40, 1 << 22, 1 << 22, 1}, {1, 1, bed_one, bed_one}},
    };

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct bed b = bed_laid(CASES[n].shape, CASES[n].kinds);
        check_cells(&b, true);
        bed_free(&b);
    }
}

/* Goal: over the first blocks alone the product is theirs, exactly, whatever stands in the others. */
static void a_prefix_is_the_sum_over_its_blocks(void **state)
{
    const struct rlwe_shape shape = {RLWE_P40, 5 * RLWE_DEGREE - 7, 1 << 18, 1};

    (void)state;
    struct bed b = bed_laid(shape, (struct kinds){2, 3, bed_byte, bed_trit});
    for (uint64_t end = 1; end <= 5; end++) {
        struct inner_dot_in in = {b.rows, 2, b.spans, 3, NULL, end, NULL};
        assert_int_equal(inner_dot(b.dot, b.c, in), PT_OK);
        for (size_t i = 0; i < 2; i++) {
            inner_hint_free(b.hints[i]);
            assert_int_equal(inner_hint_new(&b.hints[i], b.c), PT_OK);
            assert_int_equal(inner_hint_add(b.hints[i], b.c, b.rows[i], 0, end), PT_OK);
            assert_int_equal(inner_hint_skip(b.hints[i], b.c, (struct inner_blocks){end, 5}),
                             PT_OK);
            bed_ask(&b, i, (uint8_t)end);
            for (size_t j = 0; j < 3; j++) {
                int64_t truth = 0;
                for (uint64_t s = 0; s < end * RLWE_DEGREE && s < shape.slot_count; s++)
                    truth += (int64_t)b.row[i][s] * b.column[j][s];
                assert_true(fabs((double)b.value[j] / rlwe_delta(b.c) - (double)truth) < 0.5);
            }
        }
    }
    bed_free(&b);
}

/* Goal: a row that comes window by window, in any order and in memory that holds one window, is answered as the
 * whole one is, bit for bit; and by hints that share their scratch. */
static void a_row_may_come_window_by_window(void **state)
{
    static const struct inner_blocks WINDOWS[] = {{3, 5}, {0, 1}, {1, 3}};
    const struct rlwe_shape shape = {RLWE_P40, 5 * RLWE_DEGREE - 7, 1 << 18, 1};
    struct inner_hint *hints[2];
    struct inner_dots *dots;
    uint8_t *whole = NULL;

    (void)state;
    struct bed b = bed_laid(shape, (struct kinds){2, 3, bed_byte, bed_trit});
    const struct inner_dot_in in = {b.rows, 2, b.spans, 3, NULL, 0, NULL};
    uint64_t *want = bed_memory(6, sizeof *want);
    memcpy(want, b.dot, 6 * sizeof *want);
    whole = bed_memory(2, bed_reply(&b).n);
    for (size_t i = 0; i < 2; i++) {
        bed_ask(&b, i, 1);
        memcpy(whole + i * bed_reply(&b).n, b.reply, bed_reply(&b).n);
    }
    assert_int_equal(inner_hint_new(&hints[0], b.c), PT_OK);
    assert_int_equal(inner_hint_new_beside(&hints[1], hints[0]), PT_OK);
    assert_int_equal(inner_dots_new(&dots, b.c, &in), PT_OK);
    for (size_t w = 0; w < PT_LEN(WINDOWS); w++) {
        const uint64_t first = WINDOWS[w].first * RLWE_DEGREE;
        const uint64_t end = WINDOWS[w].end * RLWE_DEGREE;
        const size_t n = (size_t)((end < shape.slot_count ? end : shape.slot_count) - first);
        struct inner_row part[2];
        int8_t *room[2];
        for (size_t i = 0; i < 2; i++) {
            room[i] = bed_memory(n, 1);
            memcpy(room[i], b.row[i] + first, n);
            part[i] = (struct inner_row){.values = room[i], .first = WINDOWS[w].first};
        }
        assert_int_equal(inner_hints_add(hints, b.c, part, 2, WINDOWS[w]), PT_OK);
        assert_int_equal(inner_dots_add(dots, part, WINDOWS[w]), PT_OK);
        if (first > 0) { /* what a row does not have cannot be asked of it */
            const struct inner_blocks before = {WINDOWS[w].first - 1, WINDOWS[w].end};
            assert_int_equal(inner_hints_add(hints, b.c, part, 2, before), PT_ELIMIT);
            assert_int_equal(inner_dots_add(dots, part, before), PT_ELIMIT);
        }
        free(room[0]);
        free(room[1]);
    }
    inner_dots_take(b.dot, dots);
    assert_memory_equal(b.dot, want, 6 * sizeof *want);
    assert_int_equal(inner_dots_add(dots, b.rows, (struct inner_blocks){0, 6}), PT_ELIMIT);
    for (size_t i = 0; i < 2; i++) {
        struct inner_hint *was = b.hints[i];
        b.hints[i] = hints[i];
        bed_ask(&b, i, 1);
        assert_memory_equal(b.reply, whole + i * bed_reply(&b).n, bed_reply(&b).n);
        b.hints[i] = was;
    }
    inner_dots_free(dots);
    inner_dots_free(NULL);
    inner_hint_free(hints[1]);
    inner_hint_free(hints[0]);
    free(whole);
    free(want);
    bed_free(&b);
}

/* Larger rows or more slots: off by a count or so, never by over six times the stated error. At
 * 2^24 dense that is about a quarter of a count. */
static void the_largest_keep_the_stated_error(void **state)
{
    static const struct {
        struct rlwe_shape shape;
        struct kinds kinds;
        double least, most;
    } CASES[] = {
        {{RLWE_P40, 1 << 24, 1 << 24, 16}, {1, 1, bed_one, bed_one}, 0.2, 0.3},
        {{RLWE_P48, 1 << 20, 1 << 27, 16}, {1, 2, bed_byte, bed_one}, 1, 1.2},
        {{RLWE_P32, 1 << 20, 1 << 20, 16}, {1, 2, bed_one, bed_one}, 1, 1.2},
    };

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct bed b = bed_laid(CASES[n].shape, CASES[n].kinds);
        double error = sqrt(inner_error_variance(b.c, bed_energy(&b, 0)));
        assert_true(error > CASES[n].least && error < CASES[n].most);
        check_cells(&b, false);
        bed_free(&b);
    }
}

/* Goal: at the largest count that a shape allows, either sign, with noise of twelve widths on top,
 * nothing wraps. (That one more is refused: rlwe_test, delta_is_the_largest_that_fits.) */
static void nothing_wraps_at_the_bound(void **state)
{
    enum { SIGMA = 5 };
    struct rlwe_shape shape = {RLWE_P32, 4096, 0, SIGMA};
    struct pt_err err = {0};
    struct rlwe *c = NULL;

    (void)state;
    for (uint64_t bit = 1 << 20; bit > 0; bit >>= 1) { /* the largest count under delta = 2^13 */
        shape.max_abs |= bit;
        assert_int_equal(rlwe_new(&c, &shape, &(struct digest){{1}}, &err), PT_OK);
        if (rlwe_delta(c) < 1 << 13)
            shape.max_abs ^= bit;
        rlwe_free(c);
    }
    assert_in_range(shape.max_abs, 200000, 262144);
    struct bed b = bed_laid(shape, (struct kinds){2, 1, bed_zero, bed_one});
    for (uint64_t left = shape.max_abs, s = 0; left > 0; s++) {
        b.row[0][s] = (int8_t)(left < 127 ? left : 127);
        b.row[1][s] = (int8_t)-b.row[0][s];
        left -= (uint64_t)b.row[0][s];
    }
    for (size_t i = 0; i < 2; i++) {
        inner_hint_free(b.hints[i]);
        bed_hint(&b, i);
    }
    struct inner_dot_in in = {b.rows, 2, b.spans, 1, NULL, 0, NULL};
    assert_int_equal(inner_dot(b.dot, b.c, in), PT_OK);
    assert_true(bed_truth(&b, 0, 0) == (int64_t)shape.max_abs);
    for (size_t i = 0; i < 2; i++) {
        int64_t width = SIGMA << 13;
        b.noise[0] = i == 0 ? 12 * width : -12 * width;
        bed_ask(&b, i, 1);
        double limit = 6 * (1 << 13) * sqrt(inner_error_variance(b.c, bed_energy(&b, i)));
        assert_true(fabs(bed_residue(&b, i, 0)) < limit);
        assert_true((b.value[0] < 0) == (i == 1));
    }
    bed_free(&b);
}

/* Noise of that width for every column of the row being asked. */
static void draw_noise(struct bed *b, struct draw *d, uint64_t width)
{
    for (size_t j = 0; j < b->column_count && width > 0; j++)
        assert_int_equal(
            noise_gauss(&b->noise[j], d, (struct noise_variance){(u128)width * width, 1}), PT_OK);
}

static void check_variance(struct bed *b, uint64_t noise_width)
{
    double delta = rlwe_delta(b->c), width = (double)noise_width;
    double sum = 0, squares = 0, want = 0;
    double cells = (double)(b->row_count * b->column_count);
    struct prg *g = NULL;
    struct draw d;

    assert_int_equal(prg_new(&g, &(struct key32){{5}}), PT_OK);
    draw_init(&d, g, 0);
    for (size_t i = 0; i < b->row_count; i++) {
        draw_noise(b, &d, noise_width);
        bed_ask(b, i, 1);
        want += inner_error_variance(b->c, bed_energy(b, i)) * delta * delta + width * width;
        for (size_t j = 0; j < b->column_count; j++) {
            double x = bed_residue(b, i, j) + (double)b->noise[j];
            sum += x;
            squares += x * x;
        }
    }
    want /= (double)b->row_count;
    assert_true(fabs(squares / cells / want - 1) < 0.1);
    assert_true(fabs(sum / cells) < 4 * sqrt(want / cells));
    prg_free(g);
}

/* Goal: what the scheme adds has the variance that error bars assume, and no mean. Method: 2048
 * cells a case, relative s.d. of the estimate 3 %. */
static void residual_variance_is_as_stated(void **state)
{
    static const struct {
        struct rlwe_shape shape;
        struct kinds kinds;
        uint64_t width; /* of the noise, units of Z_q */
    } CASES[] = {
        {{RLWE_P40, 2048, 1, 1}, {32, 64, bed_zero, bed_trit}, 0}, /* the rerandomiser alone */
        {{RLWE_P48, 1 << 13, 1 << 20, 1}, {32, 64, bed_byte, bed_trit}, 0},
        {{RLWE_P40, 1 << 13, 1 << 13, 1}, {32, 64, bed_trit, bed_trit}, 12953},
    };

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct bed b = bed_laid(CASES[n].shape, CASES[n].kinds);
        check_variance(&b, CASES[n].width);
        bed_free(&b);
    }
}

/* <row + row', column> = <row, column> + <row', column>, and -128 is exact too. */
static void products_are_linear(void **state)
{
    (void)state;
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P40, 5000, 100000, 1},
                            (struct kinds){3, 2, bed_trit, bed_trit});
    for (size_t s = 0; s < 5000; s++) {
        b.row[0][s] = (int8_t)(s % 3 == 0 ? -128 : 60);
        b.row[1][s] = (int8_t)(s % 7 == 0 ? 100 : 2);
        b.row[2][s] = (int8_t)(b.row[0][s] + (s % 7 == 0 && s % 3 != 0 ? 0 : b.row[1][s]));
        if (s % 7 == 0 && s % 3 != 0) /* where the sum would leave int8 */
            b.row[1][s] = 0;
    }
    struct inner_dot_in in = {b.rows, 3, b.spans, 2, NULL, 0, NULL};
    assert_int_equal(inner_dot(b.dot, b.c, in), PT_OK);
    for (size_t j = 0; j < 2; j++) {
        assert_true(b.dot[4 + j] == ring_add(rlwe_ring(b.c), b.dot[j], b.dot[2 + j]));
        /* Against the definition, coefficient by coefficient. */
        i128 sum = 0;
        for (size_t s = 0; s < 5000; s++)
            for (size_t p = 0; p < 5; p++)
                sum += (i128)b.row[0][s] * ((i128)1 << 8 * p) *
                       b.spans[j].p[s / 2048 * 10240 + p * 2048 + s % 2048];
        sum %= (i128)rlwe_ring(b.c)->q;
        assert_true(b.dot[j] == (uint64_t)(sum < 0 ? sum + (i128)rlwe_ring(b.c)->q : sum));
    }
    bed_free(&b);
}

/* Goal: a row of two limbs is answered as the sum of its limbs is, in one reply. Entries reach +-254. */
static void limbs_add_up(void **state)
{
    static int8_t more[5000];
    (void)state;
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P40, 5000, 254 * 5000, 20000},
                            (struct kinds){11, 3, bed_byte, bed_trit});
    for (size_t s = 0; s < 5000; s++)
        more[s] = (int8_t)(s % 5 == 0 ? 127 : b.row[1][s]);
    b.row[0][0] = 127;
    b.rows[0].more =
        more; /* the others have one: dot takes ten rows at a time, and this one twice */
    struct inner_dot_in in = {b.rows, 11, b.spans, 3, NULL, rlwe_block_count(b.c), NULL};
    assert_int_equal(inner_dot(b.dot, b.c, in), PT_OK);
    inner_hint_free(b.hints[0]);
    bed_hint(&b, 0);
    for (size_t j = 0; j < 3; j++)
        b.noise[j] = 0;
    for (size_t i = 0; i < 2; i++) {
        bed_ask(&b, i, 1);
        for (size_t j = 0; j < 3; j++) {
            int64_t truth = bed_truth(&b, i, j);
            for (size_t s = 0; s < 5000 && i == 0; s++)
                truth += (int64_t)more[s] * b.column[j][s];
            int64_t delta = rlwe_delta(b.c);
            assert_true(llabs(b.value[j] - truth * delta) < delta / 2);
        }
    }
    bed_free(&b);
}

/* Goal: replies agree with an independent implementation, byte for byte. */
static void replies_match_vectors(void **state)
{
    struct kat k = kat_open("tests/kat/lattice.kat");
    static int8_t row[2000], column[RLWE_DEGREE];
    static uint8_t bytes[2 * 6 * RLWE_DEGREE], reply[6 * (RLWE_DEGREE + 1)];
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < 2000; i++) {
        row[i] = (int8_t)((int)(i * 37 % 255) - 127);
        column[i] = (int8_t)((int)((i * i + 3 * i) / 2 % 3) - 1);
    }
    while (kat_next(&k)) {
        if (k.nfields == 4)
            continue; /* rlwe_test's */
        struct rlwe_shape shape = {(enum rlwe_set)(kat_get(&k, "bytes").p[0] - 4), 2000, 10000, 1};
        struct digest public;
        struct key32 column_seed, reply_seed;
        struct pt_err err = {0};
        struct rlwe *c = NULL;
        struct rlwe_key *key = NULL;
        struct inner_hint *h = NULL;
        struct inner_row rows = {.values = row};
        uint64_t dot;
        int64_t noise = -123456, value;
        uint8_t hash[32];
        kat_into(&k, "public", public.b, sizeof public.b);
        kat_into(&k, "column_key", column_seed.b, sizeof column_seed.b);
        kat_into(&k, "reply_key", reply_seed.b, sizeof reply_seed.b);
        assert_int_equal(rlwe_new(&c, &shape, &public, &err), PT_OK);
        assert_int_equal(rlwe_key_new(&key, c, &column_seed), PT_OK);
        assert_int_equal(rlwe_encrypt_block(bytes, c, key, 0, column), PT_OK);
        assert_int_equal(rlwe_encrypt_block(bytes + rlwe_block_bytes(c), c, key, 1, NULL), PT_OK);
        struct span column_span = {bytes, rlwe_column_bytes(c)};
        assert_int_equal(inner_hint_new(&h, c), PT_OK);
        assert_int_equal(inner_hint_add(h, c, rows, 0, 1), PT_OK);
        assert_int_equal(
            inner_dot(&dot, c, (struct inner_dot_in){&rows, 1, &column_span, 1, NULL, 0, NULL}),
            PT_OK);
        struct inner_reply_in in = {h, &dot, &noise, &column_span, 1, NULL};
        assert_int_equal(inner_reply(reply, c, &in, &reply_seed), PT_OK);
        crypto_hash_sha256(hash, reply, inner_reply_bytes(c, 1));
        assert_memory_equal(hash, kat_get(&k, "reply").p, sizeof hash);
        struct span reply_bytes = {reply, inner_reply_bytes(c, 1)};
        assert_int_equal(inner_open(&value, c, reply_bytes, &key, 1), PT_OK);
        assert_true((uint64_t)value == load_u64le(kat_get(&k, "value").p));
        inner_hint_free(h);
        rlwe_key_free(key);
        rlwe_free(c);
        checked++;
    }
    assert_int_equal(checked, 3);
}

static void replies_depend_on_the_seed_alone(void **state)
{
    uint8_t first[5 * (RLWE_DEGREE + 2)];
    size_t same = 0;

    (void)state;
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P40, 3000, 3000, 1},
                            (struct kinds){1, 2, bed_trit, bed_trit});
    assert_int_equal(sizeof first, inner_reply_bytes(b.c, 2));
    bed_ask(&b, 0, 1);
    memcpy(first, b.reply, sizeof first);
    bed_ask(&b, 0, 1);
    assert_memory_equal(first, b.reply, sizeof first);
    bed_ask(&b, 0, 2);
    for (size_t i = 0; i < sizeof first; i++)
        same += first[i] == b.reply[i];
    assert_true(same < sizeof first / 50); /* every coefficient of G' is another */
    bed_free(&b);
}

static void smallest_noise_is_the_formula(void **state)
{
    (void)state;
    assert_int_equal(inner_noise_min(0), 0);
    for (size_t n = 1; n <= 64; n++) {
        uint64_t w = inner_noise_min(n);
        uint64_t square = 256 * n * 2048 * 5;
        assert_true(w * w >= square && (w - 1) * (w - 1) < square);
    }
    assert_int_equal(inner_noise_min(10), 5120); /* 16*sqrt(102400), no rounding */
}

/* Three at once, as far as the job can tell; the last part first. */
static void backwards(void *self, size_t count, void (*part)(void *, size_t), void *context)
{
    *(size_t *)self += count;
    for (size_t i = count; i-- > 0;)
        part(context, i);
}

/* Goal: how the blocks are shared out among threads does not show in the products. */
static void products_do_not_depend_on_threads(void **state)
{
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P40, 20000, 1 << 20, 1},
                            (struct kinds){70, 3, bed_byte, bed_trit});
    uint64_t *alone = bed_memory(70 * 3, sizeof *alone);

    (void)state;
    for (size_t width = 1; width < 30; width = 2 * width + 1) {
        size_t ran = 0;
        const struct parallel parallel = {&ran, width, backwards};
        struct inner_dot_in in = {b.rows, 70, b.spans, 3, NULL, 0, NULL};
        assert_int_equal(inner_dot(alone, b.c, in), PT_OK);
        in.parallel = &parallel;
        assert_int_equal(inner_dot(b.dot, b.c, in), PT_OK);
        assert_memory_equal(b.dot, alone, 70 * 3 * sizeof *alone);
        /* No part without a block; a lone part needs no threads. */
        assert_int_equal(ran, width == 1 ? 0 : (width < 10 ? width : 10));
    }
    free(alone);
    bed_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_do_not_depend_on_threads),
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test(a_prefix_is_the_sum_over_its_blocks),
        cmocka_unit_test(a_row_may_come_window_by_window),
        cmocka_unit_test(the_largest_keep_the_stated_error),
        cmocka_unit_test(nothing_wraps_at_the_bound),
        cmocka_unit_test(residual_variance_is_as_stated),
        cmocka_unit_test(products_are_linear),
        cmocka_unit_test(limbs_add_up),
        cmocka_unit_test(replies_match_vectors),
        cmocka_unit_test(replies_depend_on_the_seed_alone),
        cmocka_unit_test(smallest_noise_is_the_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
