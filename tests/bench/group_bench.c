/* group_bench.c - what tokens cost on one core, kernel by kernel, for every code path that this
 * machine can run, beside libsodium called one by one in the same round: group-bench [RECORDS
 * [ROUNDS [PATH]]]. A proof covers RECORDS records, by default 2^14 (at most 2^16). Times are processor
 * time; a ratio is taken within its round, so that a loaded machine bends both sides alike. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/cpu.h"
#include "crypto/dleq.h"
#include "crypto/hash_to_group.h"

enum { BATCH = 2048, SODIUM = 64, ROUNDS_MAX = 99 };

struct bed {
    size_t n; /* records of a proof; other kernels take up to BATCH */
    struct digest *in;
    struct point *sent, *back, *out;
    struct scalar *k;
    uint8_t (*wide)[64];
    struct token *tokens;
    struct oprf_key key;
    struct blind_key blind;
    struct dleq_proof proof;
};

static const struct span PREFIX = {
    (const uint8_t *)"patto-id-v1 a federation's name, 2026-4, e-mail", 48};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "group-bench: %s failed\n", what);
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t batch(const struct bed *b)
{
    return b->n < BATCH ? b->n : BATCH;
}

static void hash_ours(struct bed *b, size_t n)
{
    const struct hash_items items = {.prefix = PREFIX,
                                     .first = b->in[0].b,
                                     .stride = sizeof *b->in,
                                     .bytes = sizeof b->in->b,
                                     .n = n};

    hash_to_wide_each(b->wide, HASH_TO_GROUP, &items);
    group_map(b->out, (const uint8_t(*)[64])b->wide, n);
}

static void hash_sodium(struct bed *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct span parts[] = {PREFIX, span_of(b->in[i].b, sizeof b->in->b)};
        hash_to_wide(b->wide[i], HASH_TO_GROUP, parts, PT_LEN(parts));
        (void)crypto_core_ristretto255_from_hash(b->out[i].b, b->wide[i]);
    }
}

static void blind_ours(struct bed *b, size_t n)
{
    must(oprf_blind(b->out, &b->blind, PREFIX, b->in, n, NULL) == PT_OK, "oprf_blind");
}

static void mul_sodium(struct bed *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        must(crypto_scalarmult_ristretto255(b->out[i].b, b->k[i].b, b->sent[i].b) == 0,
             "libsodium");
}

static void blind_sodium(struct bed *b, size_t n)
{
    hash_sodium(b, n);
    mul_sodium(b, n);
}

static void mul_ours(struct bed *b, size_t n)
{
    must(group_mul_each(b->out, b->k, b->sent, n) == GROUP_ALL_GOOD, "group_mul_each");
}

static void decode_ours(struct bed *b, size_t n)
{
    must(group_check(b->sent, n) == GROUP_ALL_GOOD, "group_check");
}

static void decode_sodium(struct bed *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        must(crypto_core_ristretto255_is_valid_point(b->sent[i].b) == 1, "libsodium");
}

static void finish_ours(struct bed *b, size_t n)
{
    const struct oprf_finish_in in = {PREFIX, b->in, b->back, n, NULL};

    must(oprf_finish(b->tokens, &b->key, &b->blind, in) == PT_OK, "oprf_finish");
}

static void finish_sodium(struct bed *b, size_t n)
{
    uint8_t full[OPRF_OUTPUT_BYTES];

    for (size_t i = 0; i < n; i++) {
        (void)crypto_core_ristretto255_scalar_invert(b->k[i].b, b->k[i].b);
        crypto_core_ristretto255_scalar_mul(b->k[i].b, b->k[i].b, b->key.k.b);
    }
    mul_sodium(b, n);
    for (size_t i = 0; i < n; i++)
        oprf_output(full, PREFIX, span_of(b->in[i].b, sizeof b->in->b), &b->out[i]);
}

static void evaluate_only(struct bed *b, size_t n)
{
    must(group_mul(b->back, &b->key.k, b->sent, n) == GROUP_ALL_GOOD, "group_mul");
}

static void evaluate_ours(struct bed *b, size_t n)
{
    size_t bad;
    must(oprf_evaluate(b->back, &b->proof, &bad,
                       &(struct oprf_evaluate_in){.key = &b->key,
                                                  .proof_seed = &b->blind.k,
                                                  .points = {b->sent, n}}) == PT_OK,
         "oprf_evaluate");
}

/* A weight hashed as RFC 9497 has it, and weight * point added up. */
static void weigh_sodium(struct bed *b, size_t n, const struct point *const *vectors, size_t count)
{
    struct point sum = {{0}};
    struct point t;
    struct scalar w;

    for (size_t i = 0; i < n; i++) {
        const struct span parts[] = {span_of(b->wide[0], 64), span_of(b->sent[i].b, 32),
                                     span_of(b->back[i].b, 32), span_z("Composite, 17 bytes")};
        hash_to_scalar(&w, HASH_TO_SCALAR, parts, PT_LEN(parts));
        for (size_t v = 0; v < count; v++) {
            must(crypto_scalarmult_ristretto255(t.b, w.b, vectors[v][i].b) == 0, "libsodium");
            (void)crypto_core_ristretto255_add(sum.b, sum.b, t.b);
        }
    }
}

static void evaluate_sodium(struct bed *b, size_t n)
{
    const struct point *const one[] = {b->sent};

    mul_sodium(b, n);
    weigh_sodium(b, n, one, 1);
}

static void verify_ours(struct bed *b, size_t n)
{
    must(oprf_verify(&b->key.public_key, (struct span_points){b->sent, n},
                     (struct span_points){b->back, n}, &b->proof, NULL) == PT_OK,
         "oprf_verify");
}

static void verify_sodium(struct bed *b, size_t n)
{
    const struct point *const both[] = {b->sent, b->back};

    weigh_sodium(b, n, both, 2);
}

enum { HASH, BLIND, MULTIPLY, DECODE, EVALUATE, PROVE, VERIFY, FINISH, KERNEL_COUNT };
static const struct kernel {
    const char *name;
    void (*ours)(struct bed *, size_t);
    void (*sodium)(struct bed *, size_t);
    bool whole; /* a proof: all records at once */
} KERNELS[KERNEL_COUNT] = {
    [HASH] = {"hash to group", hash_ours, hash_sodium, false},
    [BLIND] = {"blind", blind_ours, blind_sodium, false},
    [MULTIPLY] = {"multiply, a scalar a lane", mul_ours, mul_sodium, false},
    [DECODE] = {"decode", decode_ours, decode_sodium, false},
    [EVALUATE] = {"multiply, one scalar", evaluate_only, mul_sodium, false},
    [PROVE] = {"evaluate and prove", evaluate_ours, evaluate_sodium, true},
    [VERIFY] = {"verify", verify_ours, verify_sodium, true},
    [FINISH] = {"finish", finish_ours, finish_sodium, false},
};

struct figure { /* ns a record, by round */
    double ours[ROUNDS_MAX], sodium[ROUNDS_MAX];
};

static double time_of(void (*run)(struct bed *, size_t), struct bed *b, size_t n)
{
    double t = now_ns();

    run(b, n);
    return (now_ns() - t) / (double)n;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Median, least and greatest of v[0..n-1], which is sorted. */
static void print_row(const char *path, const char *name, const struct figure *f, int n)
{
    double ours[ROUNDS_MAX];
    double sodium[ROUNDS_MAX];
    double ratio[ROUNDS_MAX];

    for (int i = 0; i < n; i++) {
        ours[i] = f->ours[i];
        sodium[i] = f->sodium[i];
        ratio[i] = sodium[i] / ours[i];
    }
    qsort(ours, (size_t)n, sizeof *ours, by_size);
    qsort(sodium, (size_t)n, sizeof *sodium, by_size);
    qsort(ratio, (size_t)n, sizeof *ratio, by_size);
    printf("%-9s %-26s %9.0f %9.0f   %6.2f %6.2f %6.2f\n", path, name, ours[n / 2], sodium[n / 2],
           ratio[n / 2], ratio[0], ratio[n - 1]);
}

/* A token as two parties make one: blind, evaluate, finish, with and without proving and verifying,
 * each the sum of its steps in one round. The last three columns: what proofs multiply the cost by. */
static void print_tokens(const char *path, const struct figure *f, int n)
{
    struct figure with;
    struct figure gain;

    for (int i = 0; i < n; i++) {
        double ends = f[BLIND].ours[i] + f[FINISH].ours[i];
        with.ours[i] = ends + f[PROVE].ours[i] + f[VERIFY].ours[i];
        with.sodium[i] =
            f[BLIND].sodium[i] + f[PROVE].sodium[i] + f[VERIFY].sodium[i] + f[FINISH].sodium[i];
        gain.ours[i] = ends + f[EVALUATE].ours[i];
        gain.sodium[i] = with.ours[i];
    }
    print_row(path, "verified token", &with, n);
    print_row(path, "token: bare, verified, x", &gain, n);
}

static void *memory(size_t n)
{
    void *p = calloc(1, n);
    must(p != NULL, "allocation");
    memset(p, 1, n); /* the kernel's zeroing is not what we measure */
    return p;
}

static void lay(struct bed *b)
{
    const struct key32 seed = {{7}};

    b->in = memory(b->n * sizeof *b->in);
    b->sent = memory(b->n * sizeof *b->sent);
    b->back = memory(b->n * sizeof *b->back);
    b->out = memory(b->n * sizeof *b->out);
    b->k = memory(b->n * sizeof *b->k);
    b->wide = memory(b->n * sizeof *b->wide);
    b->tokens = memory(b->n * sizeof *b->tokens);
    randombytes_buf_deterministic(b->in, b->n * sizeof *b->in, seed.b);
    randombytes_buf_deterministic(b->wide, b->n * sizeof *b->wide, seed.b);
    for (size_t i = 0; i < b->n; i++)
        scalar_reduce(&b->k[i], b->wide[i]);
    b->blind.k = seed;
    must(oprf_key_derive(&b->key, &seed, PREFIX) == PT_OK, "oprf_key_derive");
    must(oprf_blind(b->sent, &b->blind, PREFIX, b->in, b->n, NULL) == PT_OK, "oprf_blind");
    evaluate_ours(b, b->n);
}

static void clear(struct bed *b)
{
    void *const all[] = {b->in, b->sent, b->back, b->out, b->k, b->wide, b->tokens};

    for (size_t i = 0; i < PT_LEN(all); i++)
        free(all[i]);
}

static void bench_path(enum cpu_path path, size_t n, int rounds)
{
    static struct figure f[KERNEL_COUNT];
    struct bed b = {.n = n};

    must(cpu_path() == path && sodium_init() >= 0, "choosing a path");
    lay(&b);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < KERNEL_COUNT; i++) {
            const struct kernel *k = &KERNELS[i];
            f[i].ours[round] = time_of(k->ours, &b, k->whole ? n : batch(&b));
            f[i].sodium[round] = time_of(k->sodium, &b, SODIUM < n ? SODIUM : n);
        }
    }
    for (int i = 0; i < KERNEL_COUNT; i++)
        print_row(cpu_path_name(path), KERNELS[i].name, &f[i], rounds);
    print_tokens(cpu_path_name(path), f, rounds);
    clear(&b);
}

/* The path is chosen once a process: each has one of its own. */
static int fork_path(enum cpu_path path, size_t n, int rounds)
{
    int status = 1;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        must(setenv("PATTO_CPU", cpu_path_name(path), 1) == 0, "setenv");
        bench_path(path, n, rounds);
        exit(0);
    }
    must(child > 0 && waitpid(child, &status, 0) == child, "fork");
    return status;
}

int main(int argc, char **argv)
{
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1 << 14;
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
    int status = 0;

    if (n < 1 || n > OPRF_CHUNK_MAX || rounds < 1 || rounds > ROUNDS_MAX) {
        fputs("usage: group-bench [RECORDS [ROUNDS [PATH]]]\n", stderr);
        return 2;
    }
    printf("ns a record, one core, %lu records a proof, median of %lu rounds\n", n, rounds);
    printf("%-9s %-26s %9s %9s   %6s %6s %6s\n", "path", "kernel", "here", "libsodium", "median",
           "min", "max");
    for (int p = CPU_PATH_COUNT; p-- > 0 && status == 0;)
        if (cpu_usable((enum cpu_path)p) &&
            (argc <= 3 || strcmp(argv[3], cpu_path_name((enum cpu_path)p)) == 0))
            status = fork_path((enum cpu_path)p, n, (int)rounds);
    return status == 0 ? 0 : 1;
}
