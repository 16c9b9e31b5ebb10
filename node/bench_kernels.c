#include "node/bench_kernels.h"

#include "node/bench.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct bench_table *const TABLES[] = {&bench_group, &bench_lattice, &bench_proof};
enum { TABLE_COUNT = sizeof TABLES / sizeof TABLES[0] };

void bench_must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "patto bench: %s failed\n", what);
    _exit(1);
}

static double now_ns(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_of(void (*run)(void *, size_t), void *bed, size_t n)
{
    double t = now_ns();

    run(bed, n);
    return (now_ns() - t) / (double)n;
}

static int by_size(const void *a, const void *b)
{
    double x = 0;
    double y = 0;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static double median(double v[BENCH_ROUNDS_MAX], int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return v[n / 2];
}

static struct bench_kernel time_row(const struct bench_row *row, void *bed, int rounds)
{
    struct bench_kernel k = {.path = cpu_path()};
    double ours[BENCH_ROUNDS_MAX] = {0};
    double other[BENCH_ROUNDS_MAX] = {0};
    double ratio[BENCH_ROUNDS_MAX] = {0};

    snprintf(k.name, sizeof k.name, "%s", row->name);
    snprintf(k.per, sizeof k.per, "%s", row->per);
    snprintf(k.baseline, sizeof k.baseline, "%s", row->baseline != NULL ? row->baseline : "");
    for (int i = 0; i < rounds; i++) {
        if (row->prepare != NULL)
            row->prepare(bed, row->n);
        ours[i] = time_of(row->run, bed, row->n);
        if (row->compare == NULL)
            continue;
        other[i] = time_of(row->compare, bed, row->baseline_n);
        ratio[i] = other[i] / ours[i];
    }
    k.median_ns = median(ours, rounds);
    k.min_ns = ours[0];
    k.max_ns = ours[rounds - 1];
    k.baseline_ns = median(other, rounds);
    k.ratio = median(ratio, rounds);
    return k;
}

/* In a process of its own, whose path is chosen anew: figures go down the pipe as they come. */
static _Noreturn void time_path(enum cpu_path path, int rounds, int to)
{
    bench_must(setenv("PATTO_CPU", cpu_path_name(path), 1) == 0 && cpu_path() == path &&
                   sodium_init() >= 0,
               "choosing a code path");
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        void *bed = TABLES[t]->lay();
        bench_must(bed != NULL, "memory");
        for (size_t i = 0; i < TABLES[t]->row_count; i++) {
            const struct bench_kernel k = time_row(&TABLES[t]->rows[i], bed, rounds);
            bench_must(write(to, &k, sizeof k) == (ssize_t)sizeof k, "writing a figure");
        }
        TABLES[t]->clear(bed);
    }
    _exit(0);
}

static bool read_figure(struct bench_kernel *out, int from)
{
    size_t n = 0;
    ssize_t got;

    do {
        got = read(from, (char *)out + n, sizeof *out - n);
        if (got > 0)
            n += (size_t)got;
    } while (n < sizeof *out && (got > 0 || (got < 0 && errno == EINTR)));
    return n == sizeof *out;
}

static enum pt_code bench_path(struct bench_kernel *out, size_t *count, enum cpu_path path,
                               int rounds, struct pt_err *err)
{
    int ends[2];
    int status = 1;

    if (pipe(ends) != 0)
        return pt_fail(err, PT_EIO, "bench: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        time_path(path, rounds, ends[1]);
    }
    close(ends[1]);
    while (child > 0 && *count < BENCH_KERNELS_MAX && read_figure(&out[*count], ends[0]))
        (*count)++;
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return pt_fail(err, PT_EBUG, "bench: the kernels of %s did not run", cpu_path_name(path));
    return PT_OK;
}

enum pt_code bench_kernels(struct bench_kernel *out, size_t *count, int rounds, FILE *log,
                           struct pt_err *err)
{
    enum pt_code rc;

    *count = 0;
    for (int path = CPU_PATH_COUNT; path-- > 0;) {
        if (!cpu_usable((enum cpu_path)path))
            continue;
        if (log != NULL)
            fprintf(log, "kernels, %s ...\n", cpu_path_name((enum cpu_path)path));
        if ((rc = bench_path(out, count, (enum cpu_path)path, rounds, err)) != PT_OK)
            return rc;
    }
    return PT_OK;
}
