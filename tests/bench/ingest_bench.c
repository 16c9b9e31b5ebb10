/* ingest_bench.c - what a large customer file costs: ingest-bench FOLDER [ROWS], a million rows in
 * the wide form by default. Prints seconds and the peak of memory after each step; the file and the
 * vault are made in FOLDER and removed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "node/columns.h"
#include "node/commitment.h"
#include "node/ingest.h"
#include "node/packed.h"
#include "tests/vault_fixture.h"

struct moment {
    double wall_s, cpu_s;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct moment now(void)
{
    return (struct moment){seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

static void must(enum pt_code rc, const struct pt_err *err)
{
    if (rc == PT_OK)
        return;
    fprintf(stderr, "ingest-bench: %s\n", err->msg);
    exit(1);
}

static void report(const char *what, struct moment since)
{
    struct moment t = now();
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    printf("%-42s %6.2f s  (processor %6.2f s)  peak %4ld MB\n", what, t.wall_s - since.wall_s,
           t.cpu_s - since.cpu_s, u.ru_maxrss / 1024);
    fflush(stdout);
}

static void make_file(const char *path, uint64_t rows)
{
    FILE *f = fopen(path, "w");

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    fputs("id,email,status,basket,revenue,opt_in\n", f);
    for (uint64_t i = 0; i < rows; i++) {
        fprintf(f,
                "%" PRIu64 ",Customer.%" PRIu64 "@Mail%" PRIu64 ".Example.com,segment%" PRIu64
                ",item%" PRIu64 "|item%" PRIu64 "|item%" PRIu64 "|item%" PRIu64 ",%" PRIu64
                ".%02" PRIu64 ",yes\n",
                i, i * 7919, i % 97, i % 3, i % 70, i * 13 % 70, i * 31 % 70, i * 57 % 70, i % 400,
                i % 100);
    }
    if (fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void bench_columns(const struct fixture *f, struct vault_data *d)
{
    struct columns_map *map = NULL;
    struct pt_err err = {0};
    struct columns_in in = {.data = d, .me = &f->partner, .salt = {.b = {1}}, .m = 1 << 22};
    struct digest root;
    const struct key32 salt = {.b = {2}};
    int8_t *values = malloc((size_t)in.m);
    uint8_t *packed = malloc((size_t)in.m / 4 + PACKED_BLOCK);
    struct columns_sums sums;

    if (values == NULL || packed == NULL)
        exit(1);
    for (uint64_t i = 0; i < d->count; i++) { /* as good as tokens: uniform and distinct */
        memcpy(d->tokens[i].b, d->digests[i].b, sizeof d->tokens[i].b);
        d->has_token[i] = 1;
    }
    struct moment since = now();
    must(commitment_root(&root, &(struct commitment_of){d, &salt, NULL}, &err), &err);
    report("dataset commitment", since);
    since = now();
    must(columns_place(&map, &in, &err), &err);
    report("placing in 2^22 slots, sets of 4 cut to 3", since);
    since = now();
    for (uint16_t v = 0; v < 10; v++) {
        const struct columns_selector which = {
            .has_category = true, .attribute = FIXTURE_SET, .value = v};
        must(columns_recipient(packed, &sums, map, &which, in.m), &err);
    }
    report("10 recipient columns", since);
    since = now();
    for (uint16_t v = 0; v < 10; v++) {
        const struct question_filter filter = {
            .on = {0, FIXTURE_SPEND}, .op = FILTER_GE, .bound_micro = 20000000};
        const struct columns_selector which = {.filters = &filter,
                                               .filter_count = 1,
                                               .has_category = true,
                                               .attribute = FIXTURE_SET,
                                               .value = v};
        must(columns_evaluator(values, map, &which), &err);
    }
    report("10 evaluator columns with a filter", since);
    columns_free(map);
    free(values);
    free(packed);
}

static enum pt_code take(void *writer, struct vault_data *rows, struct pt_err *err)
{
    return vault_writer_add(writer, rows, err);
}

int main(int argc, char **argv)
{
    struct fixture f;
    struct map *map = NULL;
    struct vault_data *d = NULL;
    static struct ingest_report counts;
    struct pt_err err = {0};
    char path[FILEIO_PATH_MAX];
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    const struct key32 key = {.b = {3}};

    if (argc < 2) {
        fprintf(stderr, "usage: ingest-bench FOLDER [ROWS]\n");
        return 2;
    }
    fixture_init(&f);
    f.partner.customers_max = rows;
    const struct map_for to = {&f.policy, 0, ""};
    must(fileio_join(path, argv[1], "ingest-bench.csv", &err), &err);
    make_file(path, rows);
    must(map_parse(&map,
                   span_z("patto-map: 1\nform: wide\nidentifier: {column: email}\nattributes:\n"
                          "  segment: {column: status}\n"
                          "  buys: {column: basket, separator: \"|\"}\n"
                          "  spend: {column: revenue}\n"
                          "consent: {column: opt_in, accept: [yes]}\n"),
                   &to, &err),
         &err);
    const struct vault_place place = {argv[1], &key, &f.policy, 0};
    struct vault_writer *writer = NULL;
    struct vault_stored stored;
    struct moment since = now();
    must(vault_writer_new(&writer, &place, &err), &err);
    const struct ingest_in in = {.path = path,
                                 .map = map,
                                 .policy = &f.policy,
                                 .spool_dir = argv[1],
                                 .take = take,
                                 .context = writer};
    must(ingest_run(&counts, &in, &err), &err);
    report("ingest", since);
    since = now();
    must(vault_writer_commit(&stored, writer, &counts.stats, &err), &err);
    vault_writer_drop(writer);
    printf("%" PRIu64 " rows, %" PRIu64 " customers\n", counts.rows, stored.customers);
    report("putting in force", since);
    since = now();
    must(vault_load(&d, &place, &err), &err);
    report("load", since);
    bench_columns(&f, d);
    vault_data_free(d);
    map_free(map);
    unlink(path);
    must(fileio_join(path, argv[1], "current", &err), &err);
    unlink(path);
    return vault_sweep(argv[1], &err) == PT_OK ? 0 : 1; /* nothing is in force: removes all */
}
