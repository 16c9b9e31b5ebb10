/* The column proof, P40 and 2^20 slots, eight columns that share a_k. What does not depend on the
 * number of slots (the commitment to the secrets) stands apart from what does. */
#include "crypto/column_prove.h"
#include "crypto/column_verify.h"
#include "node/bench_kernels.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_LOG2 = 20, COLUMNS = 8 };

struct bed {
    struct rlwe *c;
    struct rlwe_key *keys[COLUMNS];
    int8_t *values;
    const int8_t *values_of[COLUMNS]; /* all the same: keys differ */
    uint8_t *cipher[COLUMNS];
    struct span spans[COLUMNS];
    struct column_prover *p;
    struct column_verifier *v;
    struct buf choices, trees, commitment, answer;
    struct proof_tally tally;
};

static const struct digest SESSION = {{1}};
static const struct span CHALLENGE = {SESSION.b, sizeof SESSION.b};

static void set_up_verifier(struct bed *b)
{
    const struct proof_setup e = {b->c, &SESSION, &(struct key32){{2}}};
    struct pt_err err;

    column_verifier_free(b->v);
    b->choices.n = 0;
    bench_must(column_verifier_new(&b->v, &b->choices, &e, &err) == PT_OK, "column_verifier_new");
}
static void set_up_prover(struct bed *b)
{
    const struct proof_setup r = {b->c, &SESSION, &(struct key32){{3}}};
    struct pt_err err;

    column_prover_free(b->p);
    b->trees.n = 0;
    bench_must(column_prover_new(&b->p, &b->trees, &r, buf_span(&b->choices), &err) == PT_OK,
               "column_prover_new");
}
static void accept_trees(struct bed *b)
{
    struct pt_err err;

    bench_must(column_verifier_accept(b->v, buf_span(&b->trees), &err) == PT_OK,
               "column_verifier_accept");
}
static void set_up(void *bed, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        set_up_verifier(bed);
        set_up_prover(bed);
        accept_trees(bed);
    }
}

static void block_of(void *bed, int8_t out[RLWE_DEGREE], size_t j, uint64_t k)
{
    const struct bed *b = bed;

    memcpy(out, b->values_of[j] + k * RLWE_DEGREE, RLWE_DEGREE);
}
static struct prove_columns columns_of(struct bed *b, size_t n)
{
    return (struct prove_columns){.count = n,
                                  .keys = (const struct rlwe_key *const *)b->keys,
                                  .values = {b, block_of},
                                  .tally = b->tally};
}
static void commit(void *bed, size_t n)
{
    struct bed *b = bed;
    const struct prove_columns in = columns_of(b, n);
    struct pt_err err;

    b->commitment.n = 0;
    bench_must(column_prover_commit(b->p, &b->commitment, &in, &err) == PT_OK,
               "column_prover_commit");
}
static void take_commitment(void *bed, size_t n)
{
    struct bed *b = bed;
    struct pt_err err;

    bench_must(column_verifier_commit(b->v, buf_span(&b->commitment), n, NULL, &err) == PT_OK,
               "column_verifier_commit");
}
static void prove(void *bed, size_t n)
{
    struct bed *b = bed;
    const struct prove_columns in = columns_of(b, n);
    struct pt_err err;

    b->answer.n = 0;
    bench_must(column_prover_answer(b->p, &b->answer, CHALLENGE, &in, &err) == PT_OK,
               "column_prover_answer");
}
static void check(void *bed, size_t n)
{
    struct bed *b = bed;
    const struct verify_columns in = {.count = n, .columns = b->spans, .tally = b->tally};
    struct pt_err err;

    bench_must(column_verifier_check(b->v, buf_span(&b->answer), &in, &err) == PT_OK,
               "column_verifier_check");
}

/* What a row needs before it, so that each step is timed alone. */
static void before_commit(void *bed, size_t n)
{
    set_up(bed, 1);
    (void)n;
}
static void before_taking(void *bed, size_t n)
{
    set_up(bed, 1);
    commit(bed, n);
}
static void before_check(void *bed, size_t n)
{
    struct bed *b = bed;
    struct pt_err err;

    before_taking(bed, n);
    take_commitment(bed, n);
    bench_must(column_verifier_challenge(b->v, CHALLENGE, &err) == PT_OK,
               "column_verifier_challenge");
    prove(bed, n);
}

/* Half of the columns count the other half, of the same values. */
static void before_tally(void *bed, size_t n)
{
    struct bed *b = bed;

    b->tally = (struct proof_tally){0, n / 2, n / 2};
    before_taking(bed, n);
}
static void before_tally_check(void *bed, size_t n)
{
    struct bed *b = bed;

    b->tally = (struct proof_tally){0, n / 2, n / 2};
    before_check(bed, n);
}

static const struct bench_row ROWS[] = {
    {"proof set up", "session", NULL, 1, 0, set_up, NULL, NULL},
    {"proof committed", "column", NULL, COLUMNS, 0, commit, NULL, before_commit},
    {"commitment taken", "column", NULL, COLUMNS, 0, take_commitment, NULL, before_taking},
    {"proof made, 2^20", "column", NULL, COLUMNS, 0, prove, NULL, before_taking},
    {"proof checked, 2^20", "column", NULL, COLUMNS, 0, check, NULL, before_check},
    {"tally made, 2^20", "column", NULL, COLUMNS, 0, prove, NULL, before_tally},
    {"tally checked, 2^20", "column", NULL, COLUMNS, 0, check, NULL, before_tally_check},
};

static void clear(void *bed)
{
    struct bed *b = bed;

    column_prover_free(b->p);
    column_verifier_free(b->v);
    for (size_t j = 0; j < COLUMNS; j++) {
        rlwe_key_free(b->keys[j]);
        free(b->cipher[j]);
    }
    free(b->values);
    rlwe_free(b->c);
    buf_free(&b->choices);
    buf_free(&b->trees);
    buf_free(&b->commitment);
    buf_free(&b->answer);
    free(b);
}

static void encrypt(struct bed *b, size_t j)
{
    const uint64_t blocks = rlwe_block_count(b->c);
    const size_t bytes = rlwe_block_bytes(b->c);

    bench_must(rlwe_key_new(&b->keys[j], b->c, &(struct key32){{4, (uint8_t)j}}) == PT_OK,
               "rlwe_key_new");
    b->cipher[j] = calloc(1, rlwe_column_bytes(b->c));
    bench_must(b->cipher[j] != NULL, "memory");
    b->spans[j] = span_of(b->cipher[j], rlwe_column_bytes(b->c));
    b->values_of[j] = b->values;
    for (uint64_t k = 0; k <= blocks; k++)
        bench_must(rlwe_encrypt_block(b->cipher[j] + k * bytes, b->c, b->keys[j], k,
                                      k == blocks ? NULL : b->values + k * RLWE_DEGREE) == PT_OK,
                   "rlwe_encrypt_block");
}

static void *lay(void)
{
    const uint64_t slots = (uint64_t)1 << SLOTS_LOG2;
    const struct rlwe_shape shape = {RLWE_P40, slots, slots / 4, 64};
    struct bed *b = calloc(1, sizeof *b);
    struct pt_err err;

    if (b == NULL)
        return NULL;
    bench_must(rlwe_new(&b->c, &shape, &(struct digest){{7}}, &err) == PT_OK, "rlwe_new");
    b->values = calloc(slots, 1);
    if (b->values == NULL) {
        clear(b);
        return NULL;
    }
    for (uint64_t i = 0; i < slots; i++)
        b->values[i] = (int8_t)((int)(i * 2654435761U >> 7 & 3) % 3 - 1);
    for (size_t j = 0; j < COLUMNS; j++)
        encrypt(b, j);
    return b;
}

const struct bench_table bench_proof = {
    .lay = lay, .clear = clear, .rows = ROWS, .row_count = PT_LEN(ROWS)};
