/* bench_timing.h - do secrets show in the time that kernels take? After Reparaz, Balasch and Verbauwhede
 * 2017 (dudect): one class of measurements with a fixed secret, one with random ones, in random
 * order, and Welch's t between them.
 *
 * A large t is a leak, or something else that differs between the classes; a small one says only
 * that so many measurements saw nothing. What is public beyond doubt is proved by `make ct` and
 * scripts/jumps.sh. A control that does leak is measured too: if it is not seen, nothing is said. */
#ifndef PT_BENCH_TIMING_H
#define PT_BENCH_TIMING_H

#include "crypto/base/err.h"
#include "crypto/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { BENCH_TIMINGS_MAX = 32, BENCH_TIMING_COUNT = 2000 };

struct bench_timing {
    char name[40];
    enum cpu_path path;
    bool control; /* leaks on purpose */
    size_t count; /* measurements of both classes that were kept */
    double t;     /* Welch's; the slowest tenth is left out */
};
/* Every case on every path that this machine runs, a process a path. */
PT_MUST_USE enum pt_code bench_timing(struct bench_timing *out, size_t *count, size_t measurements,
                                      FILE *log, struct pt_err *err);
/* |t| beyond this is called a difference. */
double bench_timing_limit(void);
void bench_timing_print(FILE *out, const struct bench_timing *t, size_t count);
PT_MUST_USE enum pt_code bench_timing_print_json(FILE *out, const struct bench_timing *t,
                                                 size_t count, struct pt_err *err);

#endif
