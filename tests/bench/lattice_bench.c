/* lattice_bench.c - what encrypted inner products cost on one core: lattice-bench [SLOTS_LOG2
 * [COLUMNS [ROWS]]], P40 by default 2^20 slots, 10 by 10. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/inner.h"
#include "crypto/noise.h"

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(enum pt_code rc, const char *what)
{
    if (rc == PT_OK)
        return;
    fprintf(stderr, "lattice-bench: %s failed with code %d\n", what, (int)rc);
    exit(1);
}

static void *memory(size_t n)
{
    void *p = calloc(1, n);
    must(p == NULL ? PT_ENOMEM : PT_OK, "allocation");
    for (size_t i = 0; i < n; i += 4096) /* the kernel's zeroing is not what we measure */
        ((volatile uint8_t *)p)[i] = 0;
    return p;
}

static void report(const char *what, double ms, double each, const char *unit)
{
    printf("  %-16s %9.2f ms  %8.3f ms %s\n", what, ms, each, unit);
}

struct bed {
    struct rlwe *c;
    size_t columns, rows;
    int8_t *values;
    struct rlwe_key **keys;
    uint8_t **cipher;
    struct span *spans;
    struct inner_row *row;
    struct inner_hint **hints;
    uint64_t *dot;
    int64_t *noise, *value;
    uint8_t *reply;
};

static void lay(struct bed *b, uint64_t slots)
{
    struct rlwe_shape shape = {RLWE_P40, slots, slots / 4, 64};
    struct pt_err err = {0};

    must(rlwe_new(&b->c, &shape, &(struct digest){{7}}, &err), "rlwe_new");
    b->values = memory(rlwe_block_count(b->c) * RLWE_DEGREE);
    b->keys = memory(b->columns * sizeof(struct rlwe_key *));
    b->cipher = memory(b->columns * sizeof *b->cipher);
    b->spans = memory(b->columns * sizeof *b->spans);
    b->row = memory(b->rows * sizeof *b->row);
    b->hints = memory(b->rows * sizeof(struct inner_hint *));
    b->dot = memory(b->rows * b->columns * sizeof *b->dot);
    b->noise = memory(b->columns * sizeof *b->noise);
    b->value = memory(b->columns * sizeof *b->value);
    b->reply = memory(inner_reply_bytes(b->c, b->columns));
    for (uint64_t i = 0; i < slots; i++)
        b->values[i] = (int8_t)((int)(i * 2654435761U >> 7 & 3) % 3 - 1);
    for (size_t j = 0; j < b->columns; j++) {
        b->cipher[j] = memory(rlwe_column_bytes(b->c));
        b->spans[j] = (struct span){b->cipher[j], rlwe_column_bytes(b->c)};
    }
    printf("P40, 2^%d slots, %zu columns, %zu rows, one core, delta %" PRIu32 "\n",
           63 - __builtin_clzll(slots), b->columns, b->rows, rlwe_delta(b->c));
}

static void clear(struct bed *b)
{
    for (size_t j = 0; j < b->columns; j++) {
        rlwe_key_free(b->keys[j]);
        free(b->cipher[j]);
    }
    for (size_t i = 0; i < b->rows; i++)
        inner_hint_free(b->hints[i]);
    void *const all[] = {b->values, b->keys, b->cipher, b->spans, b->row,
                         b->hints,  b->dot,  b->noise,  b->value, b->reply};
    for (size_t i = 0; i < PT_LEN(all); i++)
        free(all[i]);
    rlwe_free(b->c);
}

static void encrypt_column(struct bed *b, size_t j)
{
    uint64_t blocks = rlwe_block_count(b->c);

    must(rlwe_key_new(&b->keys[j], b->c, &(struct key32){{1, (uint8_t)j}}), "rlwe_key_new");
    for (uint64_t k = 0; k <= blocks; k++)
        must(rlwe_encrypt_block(b->cipher[j] + k * rlwe_block_bytes(b->c), b->c, b->keys[j], k,
                                k == blocks ? NULL : b->values + k * RLWE_DEGREE),
             "rlwe_encrypt_block");
}

static void bench(uint64_t slots, size_t columns, size_t rows)
{
    struct bed b = {.columns = columns, .rows = rows};

    lay(&b, slots);
    double t = now_ms();
    for (size_t j = 0; j < columns; j++)
        encrypt_column(&b, j);
    t = now_ms() - t;
    report("encrypt", t, t / (double)columns, "a column");
    t = now_ms();
    for (size_t i = 0; i < rows; i++) {
        b.row[i].values = b.values;
        must(inner_hint_new(&b.hints[i], b.c), "inner_hint_new");
        must(inner_hint_add(b.hints[i], b.c, b.row[i], 0, rlwe_block_count(b.c)), "inner_hint_add");
    }
    t = now_ms() - t;
    report("hints", t, t / (double)rows, "a row");
    t = now_ms();
    must(inner_dot(b.dot, b.c, (struct inner_dot_in){b.row, rows, b.spans, columns, NULL, 0, NULL}),
         "inner_dot");
    t = now_ms() - t;
    report("inner products", t, t / (double)(rows * columns), "a cell");
    t = now_ms();
    for (size_t i = 0; i < rows; i++) {
        struct inner_reply_in in = {b.hints[i], b.dot + i * columns, b.noise, b.spans, columns,
                                    NULL};
        must(inner_reply(b.reply, b.c, &in, &(struct key32){{2, (uint8_t)i}}), "inner_reply");
    }
    t = now_ms() - t;
    report("replies", t, t / (double)rows, "a row");
    struct span reply = {b.reply, inner_reply_bytes(b.c, columns)};
    t = now_ms();
    for (size_t i = 0; i < rows; i++)
        must(inner_open(b.value, b.c, reply, b.keys, columns), "inner_open");
    t = now_ms() - t;
    report("open", t, t / (double)rows, "a row");
    clear(&b);
}

static void bench_noise(void)
{
    enum { DRAWS = 10000 };
    struct prg *g;
    struct draw d;
    int64_t x;
    uint64_t sink = 0;

    must(prg_new(&g, &(struct key32){{3}}), "prg_new");
    draw_init(&d, g, 0);
    double t = now_ms();
    for (int i = 0; i < DRAWS; i++) {
        must(noise_gauss(&x, &d, (struct noise_variance){(u128)1000 << 32, 1}), "noise_gauss");
        sink += (uint64_t)x;
    }
    t = now_ms() - t;
    report("noise", t, t / DRAWS, sink == 0 ? "a draw " : "a draw");
    prg_free(g);
}

int main(int argc, char **argv)
{
    unsigned long want[3] = {20, 10, 10};

    for (int i = 1; i < argc && i <= 3; i++)
        want[i - 1] = strtoul(argv[i], NULL, 10);
    if (want[0] < 1 || want[0] > 27 || want[1] < 1 || want[1] > 64 || want[2] < 1) {
        fputs("usage: lattice-bench [SLOTS_LOG2 [COLUMNS [ROWS]]]\n", stderr);
        return 2;
    }
    bench((uint64_t)1 << want[0], want[1], want[2]);
    bench_noise();
    return 0;
}
