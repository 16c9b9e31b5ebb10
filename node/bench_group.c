/* Tokens, kernel by kernel, beside libsodium called one by one. */
#include "crypto/dleq.h"
#include "crypto/hash_to_group.h"
#include "node/bench_kernels.h"
#include "proto/tokenise.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 2048, PROOF = 1 << 14, CHUNK = TOKENISE_CHUNK_POINTS, SODIUM = 64 };
_Static_assert((int)CHUNK <= (int)PROOF, "a chunk fits the bed");

struct bed {
    struct digest in[PROOF];
    struct point sent[PROOF], back[PROOF], out[PROOF];
    struct scalar k[BATCH];
    uint8_t wide[BATCH][64];
    struct token tokens[CHUNK];
    struct group_term decoded[PROOF];
    struct oprf_key key;
    struct blind_key blind;
    struct dleq_proof proof;
};

static const struct span PREFIX = {
    (const uint8_t *)"patto-id-v1 a federation's name, 2026-4, e-mail", 47};

static void hash_ours(void *bed, size_t n)
{
    struct bed *b = bed;
    const struct hash_items items = {.prefix = PREFIX,
                                     .first = b->in[0].b,
                                     .stride = sizeof *b->in,
                                     .bytes = sizeof b->in->b,
                                     .n = n};

    hash_to_wide_each(b->wide, HASH_TO_GROUP, &items);
    group_map(b->out, (const uint8_t(*)[64])b->wide, n);
}

static void hash_sodium(void *bed, size_t n)
{
    struct bed *b = bed;

    for (size_t i = 0; i < n; i++) {
        const struct span parts[] = {PREFIX, span_of(b->in[i].b, sizeof b->in->b)};
        hash_to_wide(b->wide[i], HASH_TO_GROUP, parts, PT_LEN(parts));
        (void)crypto_core_ristretto255_from_hash(b->out[i].b, b->wide[i]);
    }
}

/* 64 uniform bytes to an encoding: hash to group without its SHA-512. */
static void map_ours(void *bed, size_t n)
{
    struct bed *b = bed;

    group_map(b->out, (const uint8_t(*)[64])b->wide, n);
}

static void map_sodium(void *bed, size_t n)
{
    struct bed *b = bed;

    for (size_t i = 0; i < n; i++)
        (void)crypto_core_ristretto255_from_hash(b->out[i].b, b->wide[i]);
}

static void mul_ours(void *bed, size_t n)
{
    struct bed *b = bed;

    bench_must(group_mul_each(b->out, b->k, b->sent, n) == GROUP_ALL_GOOD, "group_mul_each");
}

static void mul_sodium(void *bed, size_t n)
{
    struct bed *b = bed;

    for (size_t i = 0; i < n; i++)
        bench_must(crypto_scalarmult_ristretto255(b->out[i].b, b->k[i].b, b->sent[i].b) == 0,
                   "libsodium");
}

static void decode_ours(void *bed, size_t n)
{
    struct bed *b = bed;

    bench_must(group_check(b->sent, n) == GROUP_ALL_GOOD, "group_check");
}

static void decode_sodium(void *bed, size_t n)
{
    struct bed *b = bed;

    for (size_t i = 0; i < n; i++)
        bench_must(crypto_core_ristretto255_is_valid_point(b->sent[i].b) == 1, "libsodium");
}

static void blind_ours(void *bed, size_t n)
{
    struct bed *b = bed;

    bench_must(oprf_blind(b->out, &b->blind, PREFIX, b->in, n, NULL) == PT_OK, "oprf_blind");
}

static void blind_sodium(void *bed, size_t n)
{
    hash_sodium(bed, n);
    mul_sodium(bed, n);
}

static void evaluate_ours(void *bed, size_t n)
{
    struct bed *b = bed;

    bench_must(group_mul(b->back, &b->key.k, b->sent, n) == GROUP_ALL_GOOD, "group_mul");
}

static void prove_ours(void *bed, size_t n)
{
    struct bed *b = bed;
    size_t bad;

    bench_must(oprf_evaluate(b->back, &b->proof, &bad,
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
            bench_must(crypto_scalarmult_ristretto255(t.b, w.b, vectors[v][i].b) == 0, "libsodium");
            (void)crypto_core_ristretto255_add(sum.b, sum.b, t.b);
        }
    }
}

static void prove_sodium(void *bed, size_t n)
{
    struct bed *b = bed;
    const struct point *const one[] = {b->sent};

    mul_sodium(b, n);
    weigh_sodium(b, n, one, 1);
}

static void verify_ours(void *bed, size_t n)
{
    struct bed *b = bed;

    const struct oprf_verify_in in = {.public_key = &b->key.public_key,
                                      .sent = {b->sent, n},
                                      .back = {b->back, n},
                                      .proof = &b->proof};

    bench_must(oprf_verify(b->decoded, &in) == PT_OK, "oprf_verify");
}

static void verify_sodium(void *bed, size_t n)
{
    struct bed *b = bed;
    const struct point *const both[] = {b->sent, b->back};

    weigh_sodium(b, n, both, 2);
}

static void finish_decoded(void *bed, size_t n)
{
    struct bed *b = bed;
    const struct oprf_finish_in in = {.prefix = PREFIX,
                                      .digests = b->in,
                                      .evaluated = b->decoded,
                                      .n = n,
                                      .public_key = &b->key.public_key,
                                      .holders = 1};
    bench_must(oprf_finish(b->tokens, &b->key, &b->blind, in) == PT_OK, "oprf_finish");
}

static void finish_ours(void *bed, size_t n)
{
    struct bed *b = bed;

    bench_must(group_decode_vartime(b->decoded, b->back, n) == GROUP_ALL_GOOD, "group_decode");
    finish_decoded(bed, n);
}

static void finish_sodium(void *bed, size_t n)
{
    struct bed *b = bed;
    uint8_t full[OPRF_OUTPUT_BYTES];

    for (size_t i = 0; i < n; i++) {
        (void)crypto_core_ristretto255_scalar_invert(b->k[i].b, b->k[i].b);
        crypto_core_ristretto255_scalar_mul(b->k[i].b, b->k[i].b, b->key.k.b);
    }
    mul_sodium(b, n);
    for (size_t i = 0; i < n; i++)
        oprf_output(full, PREFIX, span_of(b->in[i].b, sizeof b->in->b), &b->out[i]);
}

/* What a token costs both sides: blinded, evaluated and finished; and with the proof, which one
 * makes and the other checks. One chunk of a batch. */
static void token_bare(void *bed, size_t n)
{
    blind_ours(bed, n);
    evaluate_ours(bed, n);
    finish_ours(bed, n);
}

static void token_verified(void *bed, size_t n)
{
    blind_ours(bed, n);
    prove_ours(bed, n);
    verify_ours(bed, n);
    finish_decoded(bed, n);
}

static const struct bench_row ROWS[] = {
    {"hash to group", "point", "libsodium", BATCH, SODIUM, hash_ours, hash_sodium, NULL},
    {"map to group", "point", "libsodium", BATCH, SODIUM, map_ours, map_sodium, NULL},
    {"multiply", "point", "libsodium", BATCH, SODIUM, mul_ours, mul_sodium, NULL},
    {"decode", "point", "libsodium", BATCH, SODIUM, decode_ours, decode_sodium, NULL},
    {"blind", "token", "libsodium", BATCH, SODIUM, blind_ours, blind_sodium, NULL},
    {"evaluate", "token", "libsodium", BATCH, SODIUM, evaluate_ours, mul_sodium, NULL},
    {"evaluate and prove", "token", "libsodium", PROOF, SODIUM, prove_ours, prove_sodium, NULL},
    {"verify", "token", "libsodium", PROOF, SODIUM, verify_ours, verify_sodium, NULL},
    {"finish", "token", "libsodium", BATCH, SODIUM, finish_ours, finish_sodium, NULL},
    {"verified token", "token", "no proofs", CHUNK, CHUNK, token_verified, token_bare, NULL},
};

static void *lay(void)
{
    const struct key32 seed = {{7}};
    struct bed *b = aligned_alloc(_Alignof(struct bed), sizeof *b);

    if (b == NULL)
        return NULL;
    memset(b, 0, sizeof *b);
    randombytes_buf_deterministic(b->in, sizeof b->in, seed.b);
    randombytes_buf_deterministic(b->wide, sizeof b->wide, seed.b);
    for (size_t i = 0; i < BATCH; i++)
        scalar_reduce(&b->k[i], b->wide[i]);
    b->blind.k = seed;
    bench_must(oprf_key_derive(&b->key, &seed, PREFIX) == PT_OK, "oprf_key_derive");
    bench_must(oprf_blind(b->sent, &b->blind, PREFIX, b->in, PROOF, NULL) == PT_OK, "oprf_blind");
    prove_ours(b, PROOF);
    return b;
}

const struct bench_table bench_group = {
    .lay = lay, .clear = free, .rows = ROWS, .row_count = PT_LEN(ROWS)};
