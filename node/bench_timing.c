#include "node/bench_timing.h"

#include "crypto/group.h"
#include "crypto/hash_to_group.h"
#include "crypto/rlwe.h"
#include "node/bench_kernels.h"
#include "node/cmd_json.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POINTS = 16, KEPT_TENTHS = 9, SLOTS = 4096 };

double bench_timing_limit(void)
{
    return 4.5; /* as TVLA and dudect have it */
}

struct bed {
    struct point points[POINTS], out[POINTS];
    struct scalar k, fixed_k;
    uint8_t wide[POINTS][64], fixed_wide[POINTS][64];
    struct rlwe *c;
    struct rlwe_key *key;
    struct key32 seed, fixed_seed;
    int8_t values[RLWE_DEGREE], fixed_values[RLWE_DEGREE];
    uint8_t *cipher;
    uint8_t word[256];
};

/* ---- cases: prepare(random) outside the clock, run inside it ---- */

static void scalar_prepare(struct bed *b, bool random)
{
    b->k = b->fixed_k;
    if (random)
        crypto_core_ristretto255_scalar_random(b->k.b);
}
static void scalar_run(struct bed *b)
{
    bench_must(group_mul(b->out, &b->k, b->points, POINTS) == GROUP_ALL_GOOD, "group_mul");
}

static void hash_prepare(struct bed *b, bool random)
{
    memcpy(b->wide, b->fixed_wide, sizeof b->wide);
    if (random)
        randombytes_buf(b->wide, sizeof b->wide);
}
static void hash_run(struct bed *b)
{
    group_map(b->out, (const uint8_t(*)[64])b->wide, POINTS);
}

/* A key encrypts a block once. */
static void fresh_key(struct bed *b)
{
    rlwe_key_free(b->key);
    bench_must(rlwe_key_new(&b->key, b->c, &b->seed) == PT_OK, "rlwe_key_new");
}
static void values_prepare(struct bed *b, bool random)
{
    uint8_t bytes[RLWE_DEGREE];

    memcpy(b->values, b->fixed_values, sizeof b->values);
    randombytes_buf(bytes, sizeof bytes);
    for (size_t i = 0; random && i < RLWE_DEGREE; i++)
        b->values[i] = (int8_t)(bytes[i] % 3 - 1);
    randombytes_buf(&b->seed, sizeof b->seed);
    fresh_key(b);
}
static void key_prepare(struct bed *b, bool random)
{
    b->seed = b->fixed_seed;
    if (random)
        randombytes_buf(&b->seed, sizeof b->seed);
    fresh_key(b);
}
static void encrypt_run(struct bed *b)
{
    bench_must(rlwe_encrypt_block(b->cipher, b->c, b->key, 0, b->values) == PT_OK,
               "rlwe_encrypt_block");
}

static void control_prepare(struct bed *b, bool random)
{
    memset(b->word, 0, sizeof b->word);
    if (random)
        randombytes_buf(b->word, sizeof b->word);
}
/* As nobody should compare: it stops at the first byte that is not zero. */
static void control_run(struct bed *b)
{
    volatile size_t n = 0;

    for (int again = 0; again < 4; again++)
        for (n = 0; n < sizeof b->word && b->word[n] == 0; n++)
            ;
}

static const struct {
    const char *name;
    bool control;
    void (*prepare)(struct bed *b, bool random);
    void (*run)(struct bed *b);
} CASES[] = {
    {"multiply, by scalar", false, scalar_prepare, scalar_run},
    {"hash to group, by input", false, hash_prepare, hash_run},
    {"encrypt, by values", false, values_prepare, encrypt_run},
    {"encrypt, by key", false, key_prepare, encrypt_run},
    {"a comparison that leaks", true, control_prepare, control_run},
};

/* ---- measuring ---- */

static double now_ns(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct sample {
    double ns;
    bool random;
};

static int by_time(const void *a, const void *b)
{
    const struct sample *x = a;
    const struct sample *y = b;

    return (x->ns > y->ns) - (x->ns < y->ns);
}

/* The slowest tenth is interrupts and other processes. */
static double welch(const struct sample *s, size_t n)
{
    double sum[2] = {0, 0};
    double squares[2] = {0, 0};
    double count[2] = {0, 0};
    double mean[2];
    double spread = 0;

    for (size_t i = 0; i < n; i++) {
        sum[s[i].random] += s[i].ns;
        count[s[i].random]++;
    }
    for (int c = 0; c < 2; c++)
        mean[c] = sum[c] / count[c];
    for (size_t i = 0; i < n; i++)
        squares[s[i].random] += pow(s[i].ns - mean[s[i].random], 2);
    for (int c = 0; c < 2; c++)
        spread += squares[c] / (count[c] - 1) / count[c];
    return spread > 0 ? (mean[1] - mean[0]) / sqrt(spread) : 0;
}

static struct bench_timing measure(size_t which, struct bed *b, struct sample *s, size_t n)
{
    struct bench_timing out = {
        .path = cpu_path(), .control = CASES[which].control, .count = n * KEPT_TENTHS / 10};

    snprintf(out.name, sizeof out.name, "%s", CASES[which].name);
    for (size_t i = 0; i < n; i++) {
        s[i].random = (randombytes_random() & 1) != 0;
        CASES[which].prepare(b, s[i].random);
        double began = now_ns();
        CASES[which].run(b);
        s[i].ns = now_ns() - began;
    }
    qsort(s, n, sizeof *s, by_time);
    out.t = welch(s, out.count);
    return out;
}

static struct bed *lay(void)
{
    struct bed *b = calloc(1, sizeof *b);
    const struct rlwe_shape shape = {
        .set = RLWE_P40, .slot_count = SLOTS, .max_abs = 1 << 20, .sigma_max = 64};
    const struct digest public_seed = {{1}};
    struct pt_err err;

    if (b == NULL)
        return NULL;
    crypto_core_ristretto255_scalar_random(b->fixed_k.b);
    randombytes_buf(b->fixed_wide, sizeof b->fixed_wide);
    randombytes_buf(&b->fixed_seed, sizeof b->fixed_seed);
    group_map(b->points, (const uint8_t(*)[64])b->fixed_wide, POINTS);
    bench_must(rlwe_new(&b->c, &shape, &public_seed, &err) == PT_OK, "rlwe_new");
    b->cipher = malloc(rlwe_block_bytes(b->c));
    return b->cipher != NULL ? b : NULL;
}

static _Noreturn void time_path(enum cpu_path path, size_t n, int to)
{
    struct sample *s = calloc(n, sizeof *s);

    bench_must(setenv("PATTO_CPU", cpu_path_name(path), 1) == 0 && cpu_path() == path &&
                   sodium_init() >= 0,
               "choosing a code path");
    struct bed *b = lay();
    bench_must(b != NULL && s != NULL, "memory");
    if (b == NULL || s == NULL) /* for readers that do not know that it ends there */
        _exit(1);
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        const struct bench_timing t = measure(i, b, s, n);
        bench_must(write(to, &t, sizeof t) == (ssize_t)sizeof t, "writing a figure");
    }
    _exit(0);
}

static enum pt_code run_path(struct bench_timing *out, size_t *count, enum cpu_path path, size_t n,
                             struct pt_err *err)
{
    int ends[2];
    int status = 1;

    if (pipe(ends) != 0)
        return pt_fail(err, PT_EIO, "bench: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        time_path(path, n, ends[1]);
    }
    close(ends[1]);
    while (child > 0 && *count < BENCH_TIMINGS_MAX &&
           read(ends[0], &out[*count], sizeof *out) == (ssize_t)sizeof *out)
        (*count)++;
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return pt_fail(err, PT_EBUG, "bench: timings on %s did not run", cpu_path_name(path));
    return PT_OK;
}

enum pt_code bench_timing(struct bench_timing *out, size_t *count, size_t measurements, FILE *log,
                          struct pt_err *err)
{
    enum pt_code rc;

    *count = 0;
    for (int path = CPU_PATH_COUNT; path-- > 0;) {
        if (!cpu_usable((enum cpu_path)path))
            continue;
        if (log != NULL)
            fprintf(log, "timings, %s ...\n", cpu_path_name((enum cpu_path)path));
        if ((rc = run_path(out, count, (enum cpu_path)path, measurements, err)) != PT_OK)
            return rc;
    }
    return PT_OK;
}

/* ---- printing ---- */

static const char *verdict(const struct bench_timing *t)
{
    bool seen = fabs(t->t) > bench_timing_limit();

    if (t->control)
        return seen ? "seen, as it should be" : "NOT SEEN: this machine measures too roughly";
    return seen ? "A DIFFERENCE: look into it" : "none seen";
}

void bench_timing_print(FILE *out, const struct bench_timing *t, size_t count)
{
    fprintf(out, "%-26s %-9s %12s %9s  %s\n", "do secrets show in time?", "path", "measurements",
            "Welch's t", "a difference");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%-26s %-9s %12zu %9.2f  %s\n", t[i].name, cpu_path_name(t[i].path),
                t[i].count, t[i].t, verdict(&t[i]));
    fprintf(out,
            "\nA fixed secret against random ones, in random order; the slowest tenth is left\n"
            "out; beyond +-%.1f it is called a difference.\n",
            bench_timing_limit());
}

enum pt_code bench_timing_print_json(FILE *out, const struct bench_timing *t, size_t count,
                                     struct pt_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:f, s:b, s:b}", "name", t[i].name,
                                              "path", cpu_path_name(t[i].path), "measurements",
                                              (json_int_t)t[i].count, "t", t[i].t, "difference",
                                              (int)(fabs(t[i].t) > bench_timing_limit()), "control",
                                              (int)t[i].control));
    return cmd_json_print(
        out, json_pack("{s:f, s:o}", "limit", bench_timing_limit(), "timings", list), err);
}
