/* forecast.h - from steps measured at one size to those of another, for `patto bench` and
 * `patto plan-capacity`. Tokens grow with customers, questions with the epoch's slots
 * (PROTOCOL.md 3): both linearly, which is all that is assumed. */
#ifndef PT_FORECAST_H
#define PT_FORECAST_H

#include "node/bench.h"

struct forecast_in {
    const struct bench_run *runs; /* of bench_runs(); of several sizes, the largest counts */
    size_t run_count;
    uint32_t values;    /* the table they measured */
    uint64_t own, peer; /* customers to plan for */
};
struct forecast {
    struct bench_run steps[BENCH_RUNS_MAX]; /* n: own customers */
    size_t step_count;
    uint64_t slots;
    uint64_t disk_bytes; /* columns of one table, kept on both sides until the next epoch */
};

/* Slots of an epoch whose larger side has so many customers, 4 slots each. */
uint64_t forecast_slots(uint64_t customers);
/* PT_EUSAGE: a size of 0, or one that needs more slots than an epoch may have. */
PT_MUST_USE enum pt_code forecast_make(struct forecast *out, const struct forecast_in *in,
                                       struct pt_err *err);

#endif
