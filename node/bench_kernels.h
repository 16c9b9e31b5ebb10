/* bench_kernels.h - the tables of kernels that bench.c times; internal to bench. */
#ifndef PT_BENCH_KERNELS_H
#define PT_BENCH_KERNELS_H

#include <stddef.h>

struct bench_row {
    const char *name, *per; /* "multiply", "point" */
    const char *baseline;   /* "libsodium"; NULL: nothing to compare with */
    size_t n, baseline_n;   /* of one round */
    void (*run)(void *bed, size_t n);
    void (*compare)(void *bed, size_t n); /* NULL with baseline */
    void (*prepare)(void *bed, size_t n); /* before each round, not timed; may be NULL */
};
struct bench_table {    /* kernels over one bed */
    void *(*lay)(void); /* NULL: no memory, or a kernel failed */
    void (*clear)(void *bed);
    const struct bench_row *rows;
    size_t row_count;
};
extern const struct bench_table bench_group, bench_lattice, bench_proof;

/* A kernel's failure in a bench is a bug: ends the process, saying which. */
void bench_must(int good, const char *what);

#endif
