/* patto bench, patto plan-capacity: what this machine can do, measured. */
#include "crypto/base/text.h"
#include "node/bench_report.h"
#include "node/bench_timing.h"
#include "node/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CUSTOMERS_DEFAULT = 100000,
    VALUES_DEFAULT = 10,
    ROUNDS_DEFAULT = 5,
    TIMING_ROUNDS_DEFAULT = 10
};
enum { SWEEP_FROM = 1 << 16, CUSTOMERS_MAX = 1 << 25, THREADS_MAX = 256, DIR_MAX = 400 };

static const struct cli_option BENCH_OPTIONS[] = {
    {"customers", "N", "customers of each of the two nodes; default 100000", false, false},
    {"values", "N", "categories of a side of the table, 2 to 63; default 10", false, false},
    {"threads", "N", "computing threads of a node; default: all cores", false, false},
    {"rounds", "N", "times that each kernel is timed, default 5; thousands of timings, 10", false,
     false},
    {"sweep", NULL, "run sizes from 65536, doubling, up to --customers", false, false},
    {"only", "WHAT", "kernels, runs or constant-time; default: the first two", false, false},
    {"json", NULL, "print it as JSON", false, false},
    {0},
};
static const struct cli_option PLAN_OPTIONS[] = {
    {"own", "N", "customers of this company", true, false},
    {"peer", "N", "customers of the other one", true, false},
    {"from", "FILE", "what `patto bench --json` printed on this machine; else it is run now", false,
     false},
    {"json", NULL, "print it as JSON", false, false},
    {0},
};

/* An option's number within [least, most]; what it is when absent. */
static enum pt_code number(uint64_t *value, const struct cli *cli, const char *name, uint64_t least,
                           uint64_t most, struct pt_err *err)
{
    const char *text = cli_value(cli, name);

    if (text == NULL)
        return PT_OK;
    if (!text_u64(span_z(text), value) || *value < least || *value > most)
        return pt_fail(err, PT_EUSAGE, "--%s %s: expected %" PRIu64 " to %" PRIu64, name, text,
                       least, most);
    return PT_OK;
}

static enum pt_code run_size(struct bench_report *r, const struct bench_in *in, struct pt_err *err)
{
    struct bench_run runs[BENCH_RUNS_MAX];
    size_t count;
    enum pt_code rc = bench_runs(runs, &count, in, err);

    for (size_t i = 0; i < count && r->run_count < BENCH_RUNS_MAX; i++)
        r->runs[r->run_count++] = runs[i];
    return rc;
}

static enum pt_code run_nodes(struct bench_report *r, const struct bench_in *wanted, bool sweep,
                              struct pt_err *err)
{
    enum pt_code rc;
    char dir[DIR_MAX];
    const char *where = getenv("TMPDIR");
    struct bench_in in = *wanted;

    snprintf(dir, sizeof dir, "%.300s/patto-bench-%ld", where != NULL ? where : "/tmp",
             (long)getpid());
    in.dir = dir;
    r->values = in.values;
    if (sweep && wanted->customers > SWEEP_FROM)
        in.customers = SWEEP_FROM;
    while (in.customers < wanted->customers) {
        if ((rc = run_size(r, &in, err)) != PT_OK)
            return rc;
        in.customers *= 2;
    }
    in.customers = wanted->customers;
    return run_size(r, &in, err);
}

static void fill_machine(struct bench_report *r, uint32_t threads)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    bench_cpu_name(r->cpu);
    r->threads = threads > 0 ? threads : cores > 0 ? (uint32_t)cores : 1;
}

static enum pt_code measure(struct bench_report *r, const struct cli *cli, struct pt_err *err)
{
    uint64_t customers = CUSTOMERS_DEFAULT;
    uint64_t values = VALUES_DEFAULT;
    uint64_t threads = 0;
    uint64_t rounds = ROUNDS_DEFAULT;
    const char *only = cli_value(cli, "only");
    bool kernels = only == NULL || text_eq(span_z(only), "kernels");
    bool runs = only == NULL || text_eq(span_z(only), "runs");
    enum pt_code rc;

    if (!kernels && !runs)
        return pt_fail(err, PT_EUSAGE, "--only %s: expected kernels, runs or constant-time", only);
    if ((rc = number(&customers, cli, "customers", 10, CUSTOMERS_MAX, err)) != PT_OK ||
        (rc = number(&values, cli, "values", 2, BENCH_VALUES_MAX, err)) != PT_OK ||
        (rc = number(&rounds, cli, "rounds", 1, BENCH_ROUNDS_MAX, err)) != PT_OK ||
        (rc = number(&threads, cli, "threads", 1, THREADS_MAX, err)) != PT_OK)
        return rc;
    fill_machine(r, (uint32_t)threads);
    const struct bench_in in = {.customers = customers,
                                .values = (uint32_t)values,
                                .threads = (uint32_t)threads,
                                .log = cli->log};
    if (kernels &&
        (rc = bench_kernels(r->kernels, &r->kernel_count, (int)rounds, cli->log, err)) != PT_OK)
        return rc;
    return runs ? run_nodes(r, &in, cli_flag(cli, "sweep"), err) : PT_OK;
}

static enum pt_code run_timing(struct cli *cli, struct pt_err *err)
{
    struct bench_timing t[BENCH_TIMINGS_MAX];
    uint64_t rounds = TIMING_ROUNDS_DEFAULT;
    size_t count;
    enum pt_code rc;

    if ((rc = number(&rounds, cli, "rounds", 1, BENCH_ROUNDS_MAX, err)) != PT_OK ||
        (rc = bench_timing(t, &count, (size_t)rounds * BENCH_TIMING_COUNT, cli->log, err)) != PT_OK)
        return rc;
    if (cli_flag(cli, "json"))
        return bench_timing_print_json(cli->out, t, count, err);
    bench_timing_print(cli->out, t, count);
    return PT_OK;
}

static enum pt_code run_bench(struct cli *cli, struct pt_err *err)
{
    const char *only = cli_value(cli, "only");

    if (only != NULL && text_eq(span_z(only), "constant-time"))
        return run_timing(cli, err);

    struct bench_report *r = calloc(1, sizeof *r);
    enum pt_code rc;

    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "bench: no memory");
    if ((rc = measure(r, cli, err)) == PT_OK) {
        if (cli_flag(cli, "json"))
            rc = bench_print_json(cli->out, r, err);
        else
            bench_print(cli->out, r);
    }
    free(r);
    return rc;
}

static enum pt_code plan(struct bench_report *r, const struct cli *cli, struct pt_err *err)
{
    const char *from = cli_value(cli, "from");
    struct forecast_in in = {0};
    struct forecast f;
    enum pt_code rc;

    if ((rc = number(&in.own, cli, "own", 1, UINT64_MAX, err)) != PT_OK ||
        (rc = number(&in.peer, cli, "peer", 1, UINT64_MAX, err)) != PT_OK ||
        (rc = from != NULL ? bench_read_json(r, from, err) : measure(r, cli, err)) != PT_OK)
        return rc;
    in.runs = r->runs;
    in.run_count = r->run_count;
    in.values = r->values;
    if ((rc = forecast_make(&f, &in, err)) != PT_OK)
        return rc;
    if (cli_flag(cli, "json"))
        return forecast_print_json(cli->out, &f, &in, err);
    forecast_print(cli->out, &f, &in);
    return PT_OK;
}

static enum pt_code run_plan(struct cli *cli, struct pt_err *err)
{
    struct bench_report *r = calloc(1, sizeof *r);
    enum pt_code rc =
        r == NULL ? pt_fail(err, PT_ENOMEM, "plan-capacity: no memory") : plan(r, cli, err);

    free(r);
    return rc;
}

const struct command cmd_bench = {
    .name = "bench",
    .args = "",
    .summary = "measure this machine: kernels, tokens, questions",
    .about = "Times each kernel on every code path that this processor has, beside libsodium\n"
             "or the textbook way in the same round, on one thread. Then it makes two nodes in\n"
             "a folder of its own (TMPDIR, else /tmp), lets them run on loopback from init to\n"
             "a table, and removes them. A quiet machine gives the truest figures; ratios are\n"
             "taken round by round and hold on a busy one too. No home is needed or touched.",
    .example = "patto bench\n"
               "patto bench --only runs --customers 1000000 --values 49 --json > bench.json\n"
               "patto bench --only runs --customers 8388608 --values 3 --sweep\n"
               "patto bench --only constant-time --rounds 99",
    .options = BENCH_OPTIONS,
    .run = run_bench,
};

const struct command cmd_plan_capacity = {
    .name = "plan-capacity",
    .args = "",
    .summary = "foretell times, traffic and memory for your sizes",
    .about = "Scales what `patto bench` measures here to the customers you name: time and\n"
             "traffic of tokens grow with the customers of both, those of questions with the\n"
             "slots of the epoch. Both nodes share this one machine; on two machines it takes\n"
             "about half the time, and the network its own.",
    .example = "patto plan-capacity --own 10000000 --peer 25000000\n"
               "patto plan-capacity --own 10000000 --peer 25000000 --from bench.json",
    .options = PLAN_OPTIONS,
    .run = run_plan,
};
