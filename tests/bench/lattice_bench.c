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

static void bench(uint64_t slots, size_t columns, size_t rows)
{
    struct rlwe_shape shape = {RLWE_P40, slots, slots / 4, 64};
    struct pt_err err = {0};
    struct rlwe *c;
    must(rlwe_new(&c, &shape, &(struct digest){{7}}, &err), "rlwe_new");
    uint64_t blocks = rlwe_block_count(c);
    int8_t *values = memory(blocks * RLWE_DEGREE);
    struct rlwe_key **keys = memory(columns * sizeof(struct rlwe_key *));
    uint8_t **cipher = memory(columns * sizeof *cipher);
    struct span *spans = memory(columns * sizeof *spans);
    struct inner_row *row = memory(rows * sizeof *row);
    struct inner_hint **hints = memory(rows * sizeof(struct inner_hint *));
    uint64_t *dot = memory(rows * columns * sizeof *dot);
    int64_t *noise = memory(columns * sizeof *noise);
    uint8_t *reply = memory(inner_reply_bytes(c, columns));

    for (uint64_t i = 0; i < slots; i++)
        values[i] = (int8_t)((int)(i * 2654435761U >> 7 & 3) % 3 - 1);
    printf("P40, 2^%d slots, %zu columns, %zu rows, one core, delta %" PRIu32 "\n",
           63 - __builtin_clzll(slots), columns, rows, rlwe_delta(c));
    for (size_t j = 0; j < columns; j++) {
        cipher[j] = memory(rlwe_column_bytes(c));
        spans[j] = (struct span){cipher[j], rlwe_column_bytes(c)};
    }
    double t = now_ms();
    for (size_t j = 0; j < columns; j++) {
        must(rlwe_key_new(&keys[j], c, &(struct key32){{1, (uint8_t)j}}), "rlwe_key_new");
        for (uint64_t k = 0; k <= blocks; k++)
            must(rlwe_encrypt_block(cipher[j] + k * rlwe_block_bytes(c), c, keys[j], k,
                                    k == blocks ? NULL : values + k * RLWE_DEGREE),
                 "rlwe_encrypt_block");
    }
    t = now_ms() - t;
    report("encrypt", t, t / (double)columns, "a column");
    t = now_ms();
    for (size_t i = 0; i < rows; i++) {
        row[i].values = values;
        must(inner_hint_new(&hints[i], c), "inner_hint_new");
        must(inner_hint_add(hints[i], c, row[i], 0, blocks), "inner_hint_add");
    }
    t = now_ms() - t;
    report("hints", t, t / (double)rows, "a row");
    t = now_ms();
    must(inner_dot(dot, c, (struct inner_dot_in){row, rows, spans, columns}), "inner_dot");
    t = now_ms() - t;
    report("inner products", t, t / (double)(rows * columns), "a cell");
    t = now_ms();
    int64_t *value = memory(columns * sizeof *value);
    for (size_t i = 0; i < rows; i++) {
        struct inner_reply_in in = {hints[i], dot + i * columns, noise, spans, columns};
        must(inner_reply(reply, c, &in, &(struct key32){{2, (uint8_t)i}}), "inner_reply");
    }
    t = now_ms() - t;
    report("replies", t, t / (double)rows, "a row");
    t = now_ms();
    for (size_t i = 0; i < rows; i++)
        must(inner_open(value, c, (struct span){reply, inner_reply_bytes(c, columns)}, keys,
                        columns),
             "inner_open");
    t = now_ms() - t;
    report("open", t, t / (double)rows, "a row");

    for (size_t j = 0; j < columns; j++) {
        rlwe_key_free(keys[j]);
        free(cipher[j]);
    }
    for (size_t i = 0; i < rows; i++)
        inner_hint_free(hints[i]);
    free(values), free(keys), free(cipher), free(spans), free(row), free(hints);
    free(dot), free(noise), free(reply), free(value);
    rlwe_free(c);
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
