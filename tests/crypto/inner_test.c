#include "crypto/inner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/noise.h"
#include "tests/kat.h"

/* splitmix64: test data only. */
static uint64_t mixed(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int8_t one(uint64_t i)
{
    (void)i;
    return 1;
}
static int8_t trit(uint64_t i)
{
    return (int8_t)((int)(mixed(i) % 3) - 1);
}
static int8_t byte(uint64_t i)
{
    return (int8_t)((int)(mixed(i) % 255) - 127);
}
static int8_t zero(uint64_t i)
{
    (void)i;
    return 0;
}

/* Everything of one question: rows of one kind against columns of one kind. */
struct bed {
    struct rlwe *c;
    size_t row_count, column_count;
    int8_t **row, **column; /* plain; columns padded to whole blocks */
    struct inner_row *rows;
    struct rlwe_key **keys;
    uint8_t **cipher; /* what spans lends */
    struct span *spans;
    struct inner_hint **hints;
    uint64_t *dot;
    int64_t *noise, *value; /* of the row being asked */
    uint8_t *reply;
};

static void *memory(size_t n, size_t each)
{
    void *p = calloc(n, each);
    assert_non_null(p);
    return p;
}

static void encrypt_column(struct bed *b, size_t j)
{
    size_t bytes = rlwe_block_bytes(b->c);
    uint64_t blocks = rlwe_block_count(b->c);
    uint8_t *out = memory(blocks + 1, bytes);

    for (uint64_t k = 0; k <= blocks; k++)
        assert_int_equal(rlwe_encrypt_block(out + k * bytes, b->c, b->keys[j], k,
                                            k == blocks ? NULL : b->column[j] + k * RLWE_DEGREE),
                         PT_OK);
    b->cipher[j] = out;
    b->spans[j] = (struct span){out, rlwe_column_bytes(b->c)};
}

/* Half the blocks by one hint, half by another, merged: as threads would. */
static void hint_row(struct bed *b, size_t i)
{
    uint64_t blocks = rlwe_block_count(b->c);
    struct inner_hint *rest = NULL;

    assert_int_equal(inner_hint_new(&b->hints[i], b->c), PT_OK);
    assert_int_equal(inner_hint_new(&rest, b->c), PT_OK);
    assert_int_equal(inner_hint_add(b->hints[i], b->c, b->rows[i], blocks / 2, blocks), PT_OK);
    assert_int_equal(inner_hint_add(rest, b->c, b->rows[i], 0, blocks / 2), PT_OK);
    assert_int_equal(inner_hint_merge(b->hints[i], b->c, rest), PT_OK);
    inner_hint_free(rest);
}

struct kinds {
    size_t row_count, column_count;
    int8_t (*row)(uint64_t);
    int8_t (*column)(uint64_t);
};

static struct bed laid(struct rlwe_shape shape, struct kinds kinds)
{
    struct bed b = {.row_count = kinds.row_count, .column_count = kinds.column_count};
    struct pt_err err = {0};
    struct digest public = {{(uint8_t)shape.slot_count, (uint8_t)shape.set}};

    assert_int_equal(rlwe_new(&b.c, &shape, &public, &err), PT_OK);
    size_t padded = rlwe_block_count(b.c) * RLWE_DEGREE;
    b.row = memory(b.row_count, sizeof *b.row);
    b.rows = memory(b.row_count, sizeof *b.rows);
    b.hints = memory(b.row_count, sizeof(struct inner_hint *));
    b.column = memory(b.column_count, sizeof *b.column);
    b.keys = memory(b.column_count, sizeof(struct rlwe_key *));
    b.cipher = memory(b.column_count, sizeof *b.cipher);
    b.spans = memory(b.column_count, sizeof *b.spans);
    b.noise = memory(b.column_count, sizeof *b.noise);
    b.value = memory(b.column_count, sizeof *b.value);
    b.dot = memory(b.row_count * b.column_count, sizeof *b.dot);
    b.reply = memory(1, inner_reply_bytes(b.c, b.column_count));
    for (size_t i = 0; i < b.row_count; i++) {
        /* Exactly slot_count entries: the library may not read one more. */
        b.row[i] = memory(shape.slot_count, 1);
        b.rows[i].values = b.row[i];
        for (uint64_t s = 0; s < shape.slot_count; s++)
            b.row[i][s] = kinds.row(s + (i + 100) * padded);
        hint_row(&b, i);
    }
    for (size_t j = 0; j < b.column_count; j++) {
        b.column[j] = memory(padded, 1);
        for (uint64_t s = 0; s < shape.slot_count; s++)
            b.column[j][s] = kinds.column(s + (j + 1) * padded);
        assert_int_equal(rlwe_key_new(&b.keys[j], b.c, &(struct key32){{1, (uint8_t)j}}), PT_OK);
        encrypt_column(&b, j);
    }
    struct inner_dot_in in = {b.rows, b.row_count, b.spans, b.column_count};
    assert_int_equal(inner_dot(b.dot, b.c, in), PT_OK);
    return b;
}

static void cleared(struct bed *b)
{
    for (size_t i = 0; i < b->row_count; i++) {
        inner_hint_free(b->hints[i]);
        free(b->row[i]);
    }
    for (size_t j = 0; j < b->column_count; j++) {
        rlwe_key_free(b->keys[j]);
        free(b->column[j]);
        free(b->cipher[j]);
    }
    void *const all[] = {b->row,   b->rows,  b->hints, b->column, b->keys,  b->spans,
                         b->noise, b->value, b->dot,   b->reply,  b->cipher};
    for (size_t i = 0; i < PT_LEN(all); i++)
        free(all[i]);
    rlwe_free(b->c);
}

static struct span reply_span(const struct bed *b)
{
    return (struct span){b->reply, inner_reply_bytes(b->c, b->column_count)};
}

/* Reply for row i with the noise laid out in b, and open it. */
static void ask(struct bed *b, size_t i, uint8_t seed)
{
    struct inner_reply_in in = {b->hints[i], b->dot + i * b->column_count, b->noise, b->spans,
                                b->column_count};
    assert_int_equal(inner_reply(b->reply, b->c, &in, &(struct key32){{seed, (uint8_t)i}}), PT_OK);
    assert_int_equal(inner_open(b->value, b->c, reply_span(b), b->keys, b->column_count), PT_OK);
}

static int64_t truth(const struct bed *b, size_t i, size_t j)
{
    int64_t sum = 0;
    for (uint64_t s = 0; s < rlwe_slot_count(b->c); s++)
        sum += (int64_t)b->row[i][s] * b->column[j][s];
    return sum;
}
static double energy(const struct bed *b, size_t i)
{
    double sum = 0;
    for (uint64_t s = 0; s < rlwe_slot_count(b->c); s++)
        sum += b->row[i][s] * b->row[i][s];
    return sum;
}
/* What the scheme itself added to cell (i, j), in units of Z_q. */
static double residue(const struct bed *b, size_t i, size_t j)
{
    return (double)(b->value[j] - truth(b, i, j) * (int64_t)rlwe_delta(b->c) - b->noise[j]);
}

static void check_cells(struct bed *b, bool exact)
{
    for (size_t i = 0; i < b->row_count; i++) {
        double delta = rlwe_delta(b->c);
        double limit = 6 * delta * sqrt(inner_error_variance(b->c, energy(b, i)));
        ask(b, i, 1);
        if (exact)
            assert_true(limit < delta / 2); /* else the case claims too much */
        for (size_t j = 0; j < b->column_count; j++)
            assert_true(fabs(residue(b, i, j)) < limit);
    }
}

/* Goal: with no noise the counts come out exactly, in every set and at every edge of a block. */
static void counts_are_exact(void **state)
{
    static const struct {
        struct rlwe_shape shape;
        struct kinds kinds;
    } CASES[] = {
        {{RLWE_P32, 1, 127, 1}, {1, 1, one, one}},
        {{RLWE_P40, 1, 127, 1}, {2, 3, byte, trit}},
        {{RLWE_P48, 1, 127, 1}, {2, 3, byte, one}},
        {{RLWE_P32, 2047, 5000, 1}, {3, 2, one, one}},
        {{RLWE_P40, 2047, 1 << 18, 1}, {3, 2, byte, trit}},
        {{RLWE_P48, 2047, 1 << 18, 1}, {3, 2, byte, one}},
        {{RLWE_P32, 2048, 1 << 14, 1}, {3, 2, byte, trit}},
        {{RLWE_P40, 2048, 1 << 18, 1}, {3, 2, byte, trit}},
        {{RLWE_P48, 2048, 1 << 18, 1}, {3, 2, one, one}},
        {{RLWE_P32, 2049, 1 << 14, 1}, {3, 2, byte, trit}},
        {{RLWE_P40, 2049, 1 << 18, 1}, {3, 2, one, one}},
        {{RLWE_P48, 2049, 1 << 18, 1}, {3, 2, byte, one}},
        {{RLWE_P32, 1 << 16, 4096, 1}, {2, 3, one, trit}},
        {{RLWE_P40, 1 << 16, 1 << 20, 1}, {35, 3, trit, trit}}, /* more rows than one tile */
        {{RLWE_P48, 1 << 16, 1 << 23, 1}, {2, 3, trit, one}},
        {{RLWE_P32, 1 << 20, 10000, 1}, {1, 2, one, trit}},
        {{RLWE_P40, 1 << 20, 1 << 20, 1}, {1, 2, one, one}},
        {{RLWE_P48, 1 << 20, 1 << 27, 1}, {1, 2, one, one}},
        {{RLWE_P40, 1 << 22, 1 << 22, 1}, {1, 1, one, one}},
    };

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct bed b = laid(CASES[n].shape, CASES[n].kinds);
        check_cells(&b, true);
        cleared(&b);
    }
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
        {{RLWE_P40, 1 << 24, 1 << 24, 16}, {1, 1, one, one}, 0.2, 0.3},
        {{RLWE_P48, 1 << 20, 1 << 27, 16}, {1, 2, byte, one}, 1, 1.2},
        {{RLWE_P32, 1 << 20, 1 << 20, 16}, {1, 2, one, one}, 1, 1.2},
    };

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct bed b = laid(CASES[n].shape, CASES[n].kinds);
        double error = sqrt(inner_error_variance(b.c, energy(&b, 0)));
        assert_true(error > CASES[n].least && error < CASES[n].most);
        check_cells(&b, false);
        cleared(&b);
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
    struct bed b = laid(shape, (struct kinds){2, 1, zero, one});
    for (uint64_t left = shape.max_abs, s = 0; left > 0; s++) {
        b.row[0][s] = (int8_t)(left < 127 ? left : 127);
        b.row[1][s] = (int8_t)-b.row[0][s];
        left -= (uint64_t)b.row[0][s];
    }
    for (size_t i = 0; i < 2; i++) {
        inner_hint_free(b.hints[i]);
        hint_row(&b, i);
    }
    struct inner_dot_in in = {b.rows, 2, b.spans, 1};
    assert_int_equal(inner_dot(b.dot, b.c, in), PT_OK);
    assert_true(truth(&b, 0, 0) == (int64_t)shape.max_abs);
    for (size_t i = 0; i < 2; i++) {
        int64_t width = SIGMA << 13;
        b.noise[0] = i == 0 ? 12 * width : -12 * width;
        ask(&b, i, 1);
        double limit = 6 * (1 << 13) * sqrt(inner_error_variance(b.c, energy(&b, i)));
        assert_true(fabs(residue(&b, i, 0)) < limit);
        assert_true((b.value[0] < 0) == (i == 1));
    }
    cleared(&b);
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
        ask(b, i, 1);
        want += inner_error_variance(b->c, energy(b, i)) * delta * delta + width * width;
        for (size_t j = 0; j < b->column_count; j++) {
            double x = residue(b, i, j) + (double)b->noise[j];
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
        {{RLWE_P40, 2048, 1, 1}, {32, 64, zero, trit}, 0}, /* the rerandomiser alone */
        {{RLWE_P48, 1 << 13, 1 << 20, 1}, {32, 64, byte, trit}, 0},
        {{RLWE_P40, 1 << 13, 1 << 13, 1}, {32, 64, trit, trit}, 12953},
    };

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct bed b = laid(CASES[n].shape, CASES[n].kinds);
        check_variance(&b, CASES[n].width);
        cleared(&b);
    }
}

/* <row + row', column> = <row, column> + <row', column>, and -128 is exact too. */
static void products_are_linear(void **state)
{
    (void)state;
    struct bed b =
        laid((struct rlwe_shape){RLWE_P40, 5000, 100000, 1}, (struct kinds){3, 2, trit, trit});
    for (size_t s = 0; s < 5000; s++) {
        b.row[0][s] = (int8_t)(s % 3 == 0 ? -128 : 60);
        b.row[1][s] = (int8_t)(s % 7 == 0 ? 100 : 2);
        b.row[2][s] = (int8_t)(b.row[0][s] + (s % 7 == 0 && s % 3 != 0 ? 0 : b.row[1][s]));
        if (s % 7 == 0 && s % 3 != 0) /* where the sum would leave int8 */
            b.row[1][s] = 0;
    }
    struct inner_dot_in in = {b.rows, 3, b.spans, 2};
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
    cleared(&b);
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
        struct inner_row rows = {row};
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
        assert_int_equal(inner_dot(&dot, c, (struct inner_dot_in){&rows, 1, &column_span, 1}),
                         PT_OK);
        struct inner_reply_in in = {h, &dot, &noise, &column_span, 1};
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
    struct bed b =
        laid((struct rlwe_shape){RLWE_P40, 3000, 3000, 1}, (struct kinds){1, 2, trit, trit});
    assert_int_equal(sizeof first, inner_reply_bytes(b.c, 2));
    ask(&b, 0, 1);
    memcpy(first, b.reply, sizeof first);
    ask(&b, 0, 1);
    assert_memory_equal(first, b.reply, sizeof first);
    ask(&b, 0, 2);
    for (size_t i = 0; i < sizeof first; i++)
        same += first[i] == b.reply[i];
    assert_true(same < sizeof first / 50); /* every coefficient of G' is another */
    cleared(&b);
}

static void malformed_columns_are_refused(void **state)
{
    (void)state;
    struct bed b =
        laid((struct rlwe_shape){RLWE_P40, 3000, 3000, 1}, (struct kinds){1, 2, trit, trit});
    uint8_t *column = b.cipher[1];
    size_t bytes = b.spans[1].n;
    uint64_t dot[2];
    struct inner_dot_in in = {b.rows, 1, b.spans, 2};
    struct inner_reply_in ask_in = {b.hints[0], b.dot, b.noise, b.spans, 2};

    static const size_t WRONG[] = {0, 1, 2048, 10240, 20480};
    for (size_t i = 0; i < 2 * PT_LEN(WRONG); i++) {
        b.spans[1].n = i % 2 ? WRONG[i / 2] : bytes + WRONG[i / 2] + 1;
        dot[0] = dot[1] = 1;
        assert_int_equal(inner_dot(dot, b.c, in), PT_EBADMSG);
        assert_true((dot[0] | dot[1]) == 0);
        assert_int_equal(inner_reply(b.reply, b.c, &ask_in, &(struct key32){{1}}), PT_EBADMSG);
        assert_true(sodium_is_zero(b.reply, inner_reply_bytes(b.c, 2)) == 1);
    }
    b.spans[1].n = bytes;
    /* q itself, as coefficient 5 of each block in turn: dot reads the data, reply the last. */
    for (size_t block = 0; block < 3; block++) {
        uint8_t kept[5];
        for (size_t p = 0; p < 5; p++) {
            uint8_t *at = column + block * 10240 + p * 2048 + 5;
            kept[p] = *at;
            *at = (uint8_t)(rlwe_ring(b.c)->q >> 8 * p);
        }
        dot[0] = 1;
        assert_int_equal(inner_dot(dot, b.c, in), block < 2 ? PT_EBADMSG : PT_OK);
        assert_int_equal(dot[0] == 0, block < 2);
        assert_int_equal(inner_reply(b.reply, b.c, &ask_in, &(struct key32){{1}}),
                         block < 2 ? PT_OK : PT_EBADMSG);
        for (size_t p = 0; p < 5; p++)
            column[block * 10240 + p * 2048 + 5] = kept[p];
    }
    assert_int_equal(inner_dot(dot, b.c, (struct inner_dot_in){b.rows, 0, b.spans, 2}), PT_OK);
    assert_int_equal(inner_dot(dot, b.c, (struct inner_dot_in){b.rows, 1, b.spans, 0}), PT_OK);
    cleared(&b);
}

static void malformed_replies_are_refused(void **state)
{
    (void)state;
    struct bed b =
        laid((struct rlwe_shape){RLWE_P48, 100, 3000, 1}, (struct kinds){1, 2, trit, trit});
    struct span good = reply_span(&b);
    static const size_t AT[] = {0, 2047, 2048, 2049};

    ask(&b, 0, 1);
    for (size_t n = good.n - 7; n < good.n + 8; n++) {
        b.value[0] = 1;
        enum pt_code rc = inner_open(b.value, b.c, (struct span){good.p, n}, b.keys, 2);
        assert_int_equal(rc, n == good.n ? PT_OK : PT_EBADMSG);
        assert_int_equal(b.value[0] == 0, n != good.n);
    }
    for (size_t i = 0; i < PT_LEN(AT); i++) {
        uint8_t *at = b.reply + 6 * AT[i];
        uint64_t q = rlwe_ring(b.c)->q;
        ask(&b, 0, 1);
        for (size_t p = 0; p < 6; p++)
            at[p] = (uint8_t)(q >> 8 * p);
        assert_int_equal(inner_open(b.value, b.c, good, b.keys, 2), PT_EBADMSG);
        at[0]--; /* q - 1 is a coefficient */
        assert_int_equal(inner_open(b.value, b.c, good, b.keys, 2), PT_OK);
    }
    assert_int_equal(inner_open(b.value, b.c, good, b.keys, 0), PT_ELIMIT);
    assert_int_equal(inner_open(b.value, b.c, good, b.keys, 65), PT_ELIMIT);
    cleared(&b);
}

static void at_most_64_columns_share_a_rerandomiser(void **state)
{
    (void)state;
    struct bed b =
        laid((struct rlwe_shape){RLWE_P32, 10, 100, 1}, (struct kinds){1, 65, byte, trit});
    struct inner_reply_in in = {b.hints[0], b.dot, b.noise, b.spans, 65};
    struct key32 seed = {{1}};

    memset(b.reply, 1, inner_reply_bytes(b.c, 65));
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_ELIMIT);
    assert_true(sodium_is_zero(b.reply, inner_reply_bytes(b.c, 65)) == 1);
    in.column_count = 0;
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_ELIMIT);
    in.column_count = 64;
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_OK);
    cleared(&b);
}

static void hints_take_each_block_once(void **state)
{
    (void)state;
    struct bed b = laid((struct rlwe_shape){RLWE_P40, (uint64_t)70 * 2048, 1 << 18, 1},
                        (struct kinds){1, 1, trit, trit});
    struct inner_hint *h = NULL, *other = NULL;
    struct inner_reply_in in = {NULL, b.dot, b.noise, b.spans, 1};
    struct key32 seed = {{1}};

    assert_int_equal(inner_hint_new(&h, b.c), PT_OK);
    assert_int_equal(inner_hint_new(&other, b.c), PT_OK);
    in.hint = h;
    assert_int_equal(inner_hint_add(h, b.c, b.rows[0], 60, 71), PT_ELIMIT);
    assert_int_equal(inner_hint_add(h, b.c, b.rows[0], 3, 2), PT_ELIMIT);
    assert_int_equal(inner_hint_add(h, b.c, b.rows[0], 0, 66), PT_OK);
    assert_int_equal(inner_hint_add(h, b.c, b.rows[0], 65, 70), PT_ESTATE);
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_ESTATE);
    assert_true(sodium_is_zero(b.reply, inner_reply_bytes(b.c, 1)) == 1);
    assert_int_equal(inner_hint_add(other, b.c, b.rows[0], 65, 70), PT_OK);
    assert_int_equal(inner_hint_merge(h, b.c, other), PT_ESTATE);
    inner_hint_free(other);
    assert_int_equal(inner_hint_new(&other, b.c), PT_OK);
    assert_int_equal(inner_hint_add(other, b.c, b.rows[0], 66, 70), PT_OK);
    assert_int_equal(inner_hint_merge(h, b.c, other), PT_OK);
    assert_int_equal(inner_hint_merge(h, b.c, other), PT_ESTATE);
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_OK);
    assert_int_equal(inner_open(b.value, b.c, reply_span(&b), b.keys, 1), PT_OK);
    assert_true(fabs(residue(&b, 0, 0)) < 32768);
    inner_hint_free(h);
    inner_hint_free(other);
    inner_hint_free(NULL);
    cleared(&b);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test(the_largest_keep_the_stated_error),
        cmocka_unit_test(nothing_wraps_at_the_bound),
        cmocka_unit_test(residual_variance_is_as_stated),
        cmocka_unit_test(products_are_linear),
        cmocka_unit_test(replies_match_vectors),
        cmocka_unit_test(replies_depend_on_the_seed_alone),
        cmocka_unit_test(malformed_columns_are_refused),
        cmocka_unit_test(malformed_replies_are_refused),
        cmocka_unit_test(at_most_64_columns_share_a_rerandomiser),
        cmocka_unit_test(hints_take_each_block_once),
        cmocka_unit_test(smallest_noise_is_the_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
