#include "node/bench_report.h"

#include "node/cmd_json.h"
#include "node/fileio.h"

#include <inttypes.h>
#include <string.h>

/* "key : value" as /proc/cpuinfo writes it; the first of each key is kept. */
static void keep_value(char *out, size_t room, const char *line, const char *key)
{
    const char *colon = strchr(line, ':');
    const size_t n = strlen(key);

    if (out[0] != '\0' || colon == NULL || strncmp(line, key, n) != 0 ||
        strspn(line + n, " \t") != (size_t)(colon - line) - n)
        return;
    snprintf(out, room, "%s", colon + 1 + strspn(colon + 1, " "));
    out[strcspn(out, "\n")] = '\0';
}

/* Family and model too: makers call processors of very different speed by one name. */
void bench_cpu_name(char out[128])
{
    char line[256];
    char name[64] = "";
    char family[16] = "";
    char model[16] = "";
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        keep_value(name, sizeof name, line, "model name");
        keep_value(family, sizeof family, line, "cpu family");
        keep_value(model, sizeof model, line, "model");
    }
    if (f != NULL)
        fclose(f);
    if (name[0] == '\0')
        snprintf(out, 128, "unknown processor");
    else if (family[0] == '\0')
        snprintf(out, 128, "%s", name);
    else
        snprintf(out, 128, "%s (family %s, model %s)", name, family, model);
}

/* Three digits and a unit. */
static void put_time(char out[16], double s)
{
    if (s < 1e-6)
        snprintf(out, 16, "%.3g ns", s * 1e9);
    else if (s < 1e-3)
        snprintf(out, 16, "%.3g us", s * 1e6);
    else if (s < 1)
        snprintf(out, 16, "%.3g ms", s * 1e3);
    else if (s < 600)
        snprintf(out, 16, "%.3g s", s);
    else
        snprintf(out, 16, "%.3g min", s / 60);
}

static void put_bytes(char out[16], uint64_t bytes)
{
    static const char *const UNITS[] = {"B", "kB", "MB", "GB", "TB"};
    double v = (double)bytes;
    size_t u = 0;

    for (; v >= 999.5 && u + 1 < PT_LEN(UNITS); u++)
        v /= 1000;
    snprintf(out, 16, "%.3g %s", v, UNITS[u]);
}

static void print_kernels(FILE *out, const struct bench_report *r)
{
    fprintf(out, "%-8s  %-18s %8s %8s %8s  %-7s%s\n", "path", "kernel", "median", "min", "max",
            "per", " faster than");
    for (size_t i = 0; i < r->kernel_count; i++) {
        const struct bench_kernel *k = &r->kernels[i];
        char median[16];
        char min[16];
        char max[16];
        put_time(median, k->median_ns / 1e9);
        put_time(min, k->min_ns / 1e9);
        put_time(max, k->max_ns / 1e9);
        fprintf(out, "%-8s  %-18s %8s %8s %8s  %-7s", cpu_path_name(k->path), k->name, median, min,
                max, k->per);
        if (k->ratio >= 1)
            fprintf(out, " %.1f x %s", k->ratio, k->baseline);
        else if (k->ratio > 0) /* a cost, not a gain */
            fprintf(out, " costs %.2f x %s", 1 / k->ratio, k->baseline);
        fputc('\n', out);
    }
}

static void print_steps(FILE *out, const struct bench_run *steps, size_t count)
{
    fprintf(out, "  %-15s %10s %12s %12s %12s\n", "step", "seconds", "CPU seconds", "on the wire",
            "peak memory");
    for (size_t i = 0; i < count; i++) {
        char wire[16];
        char peak[16];
        put_bytes(wire, steps[i].wire_bytes);
        put_bytes(peak, steps[i].peak_bytes);
        fprintf(out, "  %-15s %10.2f %12.2f %12s %12s\n", steps[i].name, steps[i].seconds,
                steps[i].cpu_seconds, wire, peak);
    }
}

enum { FORECAST_OWN = 10000000, FORECAST_PEER = 25000000 };

/* Runs of one size that follow each other. */
static size_t same_size(const struct bench_report *r, size_t first)
{
    size_t n = 0;

    while (first + n < r->run_count && r->runs[first + n].n == r->runs[first].n)
        n++;
    return n;
}

/* A sweep on one page: each step's processor time a customer, of questions a slot, by size. What is
 * linear stays the same along its line. */
static void print_sweep(FILE *out, const struct bench_report *r)
{
    size_t steps = same_size(r, 0);

    if (steps == r->run_count)
        return;
    fprintf(out, "\nCPU time of both nodes by size: us a customer, questions ns a slot\n%-15s",
            "  customers");
    for (size_t at = 0; at < r->run_count; at += steps)
        fprintf(out, "%8" PRIu64, r->runs[at].n);
    for (size_t i = 0; i < steps; i++) {
        fprintf(out, "\n  %-13s", r->runs[i].name);
        for (size_t at = i; at < r->run_count; at += steps) {
            const struct bench_run *run = &r->runs[at];
            bool by_slot = run->slots > 0 && strcmp(run->name, "epoch") != 0;
            fprintf(out, "%8.2f",
                    by_slot ? run->cpu_seconds * 1e9 / (double)run->slots
                            : run->cpu_seconds * 1e6 / (double)run->n);
        }
    }
    fputc('\n', out);
}

/* What a reader wants to know before anything else: two large companies, from their files to a
 * first table. 0: nothing to tell it from. */
static double outlook_seconds(const struct bench_report *r)
{
    const struct forecast_in in = {.runs = r->runs,
                                   .run_count = r->run_count,
                                   .values = r->values,
                                   .own = FORECAST_OWN,
                                   .peer = FORECAST_PEER};
    struct forecast f;
    struct pt_err ignored;
    double all = 0;

    if (r->run_count == 0 || forecast_make(&f, &in, &ignored) != PT_OK)
        return 0;
    for (size_t i = 0; i < f.step_count; i++)
        all += strcmp(f.steps[i].name, "crosstab again") == 0 ? 0 : f.steps[i].seconds;
    return all;
}

static void print_outlook(FILE *out, const struct bench_report *r)
{
    char time[16];

    put_time(time, outlook_seconds(r));
    fprintf(out, "\n%dM x %dM on this machine: %s from files to a table\n", FORECAST_OWN / 1000000,
            FORECAST_PEER / 1000000, time);
}

void bench_print(FILE *out, const struct bench_report *r)
{
    fprintf(out, "%s, %" PRIu32 " threads, code path %s\n", r->cpu, r->threads,
            cpu_path_name(cpu_path()));
    if (r->kernel_count > 0) {
        fputs("\nkernels, one thread\n", out);
        print_kernels(out, r);
    }
    for (size_t at = 0; at < r->run_count; at += same_size(r, at)) {
        fprintf(out,
                "\ntwo nodes on this machine, %" PRIu64 " customers each, a table of %" PRIu32
                " by %" PRIu32 "\n",
                r->runs[at].n, r->values + 1, r->values + 1);
        print_steps(out, &r->runs[at], same_size(r, at));
    }
    print_sweep(out, r);
    if (r->run_count > 0)
        print_outlook(out, r);
}

void forecast_print(FILE *out, const struct forecast *f, const struct forecast_in *in)
{
    char disk[16];

    put_bytes(disk, f->disk_bytes);
    fprintf(out,
            "%" PRIu64 " customers here, %" PRIu64 " there, both nodes on a machine like this one\n"
            "%" PRIu64 " slots; a table of %" PRIu32 " by %" PRIu32 " keeps %s on either disk\n",
            in->own, in->peer, f->slots, in->values + 1, in->values + 1, disk);
    print_steps(out, f->steps, f->step_count);
}

static json_t *json_runs(const struct bench_run *runs, size_t count)
{
    json_t *all = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, json_pack("{s:s, s:I, s:f, s:f, s:I, s:I, s:I}", "name",
                                             runs[i].name, "n", (json_int_t)runs[i].n, "seconds",
                                             runs[i].seconds, "cpu_seconds", runs[i].cpu_seconds,
                                             "wire_bytes", (json_int_t)runs[i].wire_bytes,
                                             "peak_bytes", (json_int_t)runs[i].peak_bytes, "slots",
                                             (json_int_t)runs[i].slots));
    return all;
}

enum pt_code bench_print_json(FILE *out, const struct bench_report *r, struct pt_err *err)
{
    json_t *kernels = json_array();

    for (size_t i = 0; i < r->kernel_count; i++) {
        const struct bench_kernel *k = &r->kernels[i];
        json_t *one = json_pack("{s:s, s:s, s:f, s:f, s:f, s:s}", "name", k->name, "backend",
                                cpu_path_name(k->path), "median_ns", k->median_ns, "min_ns",
                                k->min_ns, "max_ns", k->max_ns, "per", k->per);
        json_object_set_new(one, "baseline", k->ratio > 0 ? json_string(k->baseline) : json_null());
        json_object_set_new(one, "baseline_ns",
                            k->ratio > 0 ? json_real(k->baseline_ns) : json_null());
        json_object_set_new(one, "ratio", k->ratio > 0 ? json_real(k->ratio) : json_null());
        json_array_append_new(kernels, one);
    }
    return cmd_json_print(out,
                          json_pack("{s:s, s:I, s:I, s:o, s:o, s:{s:I, s:I, s:f}}", "cpu", r->cpu,
                                    "threads", (json_int_t)r->threads, "values",
                                    (json_int_t)r->values, "kernels", kernels, "runs",
                                    json_runs(r->runs, r->run_count), "forecast", "own",
                                    (json_int_t)FORECAST_OWN, "peer", (json_int_t)FORECAST_PEER,
                                    "seconds", outlook_seconds(r)),
                          err);
}

/* In seconds; longer than a life was not measured, and would not scale to a number. */
static bool is_duration(double seconds)
{
    return seconds >= 0 && seconds < 4e9;
}

static bool read_run(struct bench_run *out, json_t *from)
{
    const char *name = NULL;
    json_int_t n;
    json_int_t wire;
    json_int_t peak;
    json_int_t slots;

    *out = (struct bench_run){0};
    if (json_unpack(from, "{s:s, s:I, s:F, s:F, s:I, s:I, s:I}", "name", &name, "n", &n, "seconds",
                    &out->seconds, "cpu_seconds", &out->cpu_seconds, "wire_bytes", &wire,
                    "peak_bytes", &peak, "slots", &slots) != 0 ||
        n < 1 || wire < 0 || peak < 0 || slots < 0 || !is_duration(out->seconds) ||
        !is_duration(out->cpu_seconds))
        return false;
    snprintf(out->name, sizeof out->name, "%s", name);
    out->n = (uint64_t)n;
    out->wire_bytes = (uint64_t)wire;
    out->peak_bytes = (uint64_t)peak;
    out->slots = (uint64_t)slots;
    /* Steps that ask something happen within an epoch. */
    return slots > 0 || strcmp(name, "ingest") == 0 || strcmp(name, "tokenise") == 0;
}

enum pt_code bench_read_json(struct bench_report *out, const char *path, struct pt_err *err)
{
    json_error_t why;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    json_t *runs = json_object_get(root, "runs");
    json_int_t values = json_integer_value(json_object_get(root, "values"));
    json_t *one;
    size_t i;
    bool good = json_array_size(runs) > 0 && json_array_size(runs) <= BENCH_RUNS_MAX &&
                values > 0 && values <= BENCH_VALUES_MAX;

    *out = (struct bench_report){0};
    json_array_foreach(runs, i, one) good = good && read_run(&out->runs[i], one);
    out->run_count = good ? json_array_size(runs) : 0;
    out->values = good ? (uint32_t)values : 0;
    json_decref(root);
    if (good)
        return PT_OK;
    return pt_fail(
        err, PT_EPARSE,
        "%s: not the runs that `patto bench --json` prints: make it anew, or leave --from "
        "out",
        path);
}

enum pt_code forecast_print_json(FILE *out, const struct forecast *f, const struct forecast_in *in,
                                 struct pt_err *err)
{
    return cmd_json_print(out,
                          json_pack("{s:I, s:I, s:I, s:I, s:o}", "own", (json_int_t)in->own, "peer",
                                    (json_int_t)in->peer, "slots", (json_int_t)f->slots,
                                    "disk_bytes", (json_int_t)f->disk_bytes, "steps",
                                    json_runs(f->steps, f->step_count)),
                          err);
}
