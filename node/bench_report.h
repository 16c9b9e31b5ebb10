/* bench_report.h - what bench and plan-capacity print: tables of at most 80 columns, and JSON. */
#ifndef PT_BENCH_REPORT_H
#define PT_BENCH_REPORT_H

#include "node/forecast.h"

struct bench_report {
    char cpu[128];
    uint32_t threads;
    uint32_t values; /* of the table measured; 0: no runs */
    struct bench_kernel kernels[BENCH_KERNELS_MAX];
    size_t kernel_count;
    struct bench_run runs[BENCH_RUNS_MAX];
    size_t run_count;
};

/* The processor's name as the system has it. */
void bench_cpu_name(char out[128]);
void bench_print(FILE *out, const struct bench_report *r);
PT_MUST_USE enum pt_code bench_print_json(FILE *out, const struct bench_report *r,
                                          struct pt_err *err);
/* What bench_print_json() wrote: runs and values. PT_EPARSE. */
PT_MUST_USE enum pt_code bench_read_json(struct bench_report *out, const char *path,
                                         struct pt_err *err);
void forecast_print(FILE *out, const struct forecast *f, const struct forecast_in *in);
PT_MUST_USE enum pt_code forecast_print_json(FILE *out, const struct forecast *f,
                                             const struct forecast_in *in, struct pt_err *err);

#endif
