/* Properties of measured runs as JSON: a refusal has a reason; what is accepted has numbers that are
 * none but numbers, within the bounds of bench.h, and the forecast from it is one or a reason. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "node/bench_report.h"
#include "tests/fuzz/fuzz_file.h"

static void check(const struct bench_report *r)
{
    if (r->run_count < 1 || r->run_count > BENCH_RUNS_MAX || r->values < 1 ||
        r->values > BENCH_VALUES_MAX)
        __builtin_trap();
    for (size_t i = 0; i < r->run_count; i++) {
        const struct bench_run *one = &r->runs[i];
        if (one->n < 1 || !isfinite(one->seconds) || !isfinite(one->cpu_seconds) ||
            one->seconds < 0 || one->cpu_seconds < 0 ||
            memchr(one->name, '\0', sizeof one->name) == NULL)
            __builtin_trap();
    }
}

static void forecast(const struct bench_report *r, FILE *nowhere)
{
    static struct forecast f;
    const struct forecast_in in = {.runs = r->runs,
                                   .run_count = r->run_count,
                                   .values = r->values,
                                   .own = 10000000,
                                   .peer = 25000000};
    struct pt_err err = {0};

    if (forecast_make(&f, &in, &err) != PT_OK) {
        if (err.msg[0] == '\0')
            __builtin_trap();
        return;
    }
    for (size_t i = 0; i < f.step_count; i++)
        if (!isfinite(f.steps[i].seconds) || f.steps[i].seconds < 0)
            __builtin_trap();
    forecast_print(nowhere, &f, &in);
    if (forecast_print_json(nowhere, &f, &in, &err) != PT_OK)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bench_report r;
    static FILE *nowhere;
    struct pt_err err = {0};
    char path[300];

    if (nowhere == NULL && (nowhere = fopen("/dev/null", "w")) == NULL)
        abort();
    fuzz_path(path, sizeof path, "bench.json");
    fuzz_write(path, span_of(data, size));
    if (bench_read_json(&r, path, &err) != PT_OK) {
        if (err.msg[0] == '\0' || r.run_count != 0)
            __builtin_trap();
        return 0;
    }
    check(&r);
    forecast(&r, nowhere);
    return 0;
}
