/* bench.h - what patto costs on this machine: kernels beside libsodium, and a whole federation of
 * two nodes on loopback. Printed by `patto bench`, scaled by `patto plan-capacity`.
 *
 * Times bend with whatever else the machine does; ratios are taken within one round, so both sides
 * bend alike. */
#ifndef PT_BENCH_H
#define PT_BENCH_H

#include "crypto/base/err.h"
#include "crypto/cpu.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { BENCH_KERNELS_MAX = 64, BENCH_RUNS_MAX = 64, BENCH_VALUES_MAX = 63, BENCH_ROUNDS_MAX = 99 };

struct bench_kernel { /* one kernel on one code path; processor time of one thread */
    char name[40], per[24], baseline[40];
    enum cpu_path path;
    double median_ns, min_ns, max_ns;
    double baseline_ns; /* median; 0: nothing to compare with */
    double ratio;       /* median of baseline / ours, round by round */
};
/* All kernels on every path that this machine runs. A process a path: the path is chosen once.
 *   rounds  1 to BENCH_ROUNDS_MAX; log  progress, may be NULL */
PT_MUST_USE enum pt_code bench_kernels(struct bench_kernel *out, size_t *count, int rounds,
                                       FILE *log, struct pt_err *err);

struct bench_run { /* a step of a federation of two nodes on this machine */
    char name[40];
    uint64_t n;          /* customers of each */
    double seconds;      /* as the user waits */
    double cpu_seconds;  /* of both nodes and the command */
    uint64_t wire_bytes; /* messages between the nodes, both ways */
    uint64_t peak_bytes; /* resident, the larger node; of columns that are held, not the files */
    uint64_t slots;      /* of the epoch; 0 before */
};
struct bench_in {
    const char *dir;    /* made and removed; everything is inside */
    uint64_t customers; /* of each node */
    uint32_t values;    /* a table is (values + 1) x (values + 1) */
    uint32_t threads;   /* of a node; 0: all cores */
    FILE *log;          /* progress; may be NULL */
};
/* Steps in order: ingest, tokenise (both nodes at once), epoch, overlap, crosstab, crosstab again
 * (another question on columns sent already). */
PT_MUST_USE enum pt_code bench_runs(struct bench_run *out, size_t *count, const struct bench_in *in,
                                    struct pt_err *err);

#endif
