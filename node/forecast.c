#include "node/forecast.h"

#include "crypto/rlwe.h"
#include "proto/epoch.h"

#include <inttypes.h>
#include <string.h>

enum { SLOTS_PER_CUSTOMER = 4, SLOTS_LOG2_MIN = 20, SLOT_BYTES = 5 };

uint64_t forecast_slots(uint64_t customers)
{
    uint64_t slots = (uint64_t)1 << SLOTS_LOG2_MIN;

    while (slots < (customers + EPOCH_PAD_MAX / 2) * SLOTS_PER_CUSTOMER)
        slots *= 2;
    return slots;
}

static double larger(uint64_t a, uint64_t b)
{
    return (double)(a > b ? a : b);
}

/* How many times what was measured the step is. */
static double growth(const struct bench_run *r, const struct forecast_in *in, uint64_t slots)
{
    double n = (double)r->n;

    if (strcmp(r->name, "ingest") == 0)
        return (double)in->own / n;
    if (strcmp(r->name, "tokenise") == 0)
        return (double)(in->own + in->peer) / (2 * n);
    if (strcmp(r->name, "epoch") == 0)
        return larger(in->own, in->peer) / n;
    return (double)slots / (double)r->slots;
}

static uint64_t scaled(uint64_t bytes, double times)
{
    double x = (double)bytes * times;

    return x < 9e18 ? (uint64_t)x : INT64_MAX; /* JSON's largest */
}

enum pt_code forecast_make(struct forecast *out, const struct forecast_in *in, struct pt_err *err)
{
    const uint64_t most = (uint64_t)1 << (RLWE_SLOTS_LOG2_MAX - 2);

    uint64_t measured = 0;

    *out = (struct forecast){0};
    if (in->own == 0 || in->peer == 0 || in->own > most || in->peer > most)
        return pt_fail(err, PT_EUSAGE, "customers: expected 1 to %" PRIu64 " on either side", most);
    for (size_t i = 0; i < in->run_count; i++)
        measured = in->runs[i].n > measured ? in->runs[i].n : measured;
    out->slots = forecast_slots(in->own > in->peer ? in->own : in->peer);
    out->disk_bytes = out->slots * SLOT_BYTES * (in->values + 1);
    for (size_t i = 0; i < in->run_count && i < BENCH_RUNS_MAX; i++) {
        const struct bench_run *r = &in->runs[i];
        if (r->n < measured) /* of a sweep */
            continue;
        double times = growth(r, in, out->slots);
        struct bench_run *step = &out->steps[out->step_count++];
        *step = *r;
        step->n = in->own;
        step->seconds *= times;
        step->cpu_seconds *= times;
        step->wire_bytes = scaled(r->wire_bytes, times);
        step->peak_bytes = scaled(r->peak_bytes, times);
        step->slots = r->slots > 0 ? out->slots : 0;
    }
    return PT_OK;
}
