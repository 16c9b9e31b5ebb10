#include <stdlib.h>
#include <string.h>

#include "crypto/column_prove.h"
#include "crypto/column_verify.h"
#include "tests/ct/secret.h"

/* One column of one slot, twice: counted, and counting itself. A session runs twice: first in the open, which records what each side sends;
 * then one side again, its secrets hidden, with the other's recorded messages. */
enum { BLOCKS = 2, COLUMN = BLOCKS * 5 * RLWE_DEGREE };

static struct rlwe *c;
static struct rlwe_key *key;
static struct key32 key_seed = {{1}}, prover_seed = {{2}}, verifier_seed = {{3}};
static int8_t values[RLWE_DEGREE] = {1};
static uint8_t column[COLUMN];
static struct buf choices, trees, commitment, answer;
static const struct digest SESSION = {{4}};
static const struct span CHALLENGE = {SESSION.b, sizeof SESSION.b};

static void check(enum pt_code rc)
{
    if (rc != PT_OK)
        abort();
}

static void encrypt(void)
{
    check(rlwe_key_new(&key, c, &key_seed));
    check(rlwe_encrypt_block(column, c, key, 0, values));
    check(rlwe_encrypt_block(column + COLUMN / BLOCKS, c, key, 1, NULL));
}

static struct column_verifier *set_up_verifier(struct buf *to)
{
    const struct proof_setup setup = {c, &SESSION, &verifier_seed};
    struct column_verifier *v;
    struct pt_err err;

    check(column_verifier_new(&v, to, &setup, &err));
    return v;
}

static void block_of(void *self, int8_t out[RLWE_DEGREE], size_t j, uint64_t k)
{
    (void)j;
    (void)k;
    memcpy(out, self, RLWE_DEGREE);
}

static void prove(struct buf *to_trees, struct buf *to_commitment, struct buf *to_answer)
{
    const struct proof_setup setup = {c, &SESSION, &prover_seed};
    const struct rlwe_key *const keys[] = {key, key};
    const struct prove_columns in = {2, keys, {values, block_of}, NULL, {0, 1, 1}};
    struct column_prover *p;
    struct pt_err err;

    check(column_prover_new(&p, to_trees, &setup, buf_span(&choices), &err));
    check(column_prover_commit(p, to_commitment, &in, &err));
    check(column_prover_answer(p, to_answer, CHALLENGE, &in, &err));
    column_prover_free(p);
}

static void judge(struct column_verifier *v)
{
    const struct span columns[] = {{column, COLUMN}, {column, COLUMN}};
    const struct verify_columns in = {2, columns, NULL, {0, 1, 1}, NULL};
    struct pt_err err;

    check(column_verifier_accept(v, buf_span(&trees), &err));
    check(column_verifier_commit(v, buf_span(&commitment), 2, NULL, &err));
    check(column_verifier_challenge(v, CHALLENGE, &err));
    check(column_verifier_check(v, buf_span(&answer), &in, &err));
}

static void record(void)
{
    const struct rlwe_shape shape = {RLWE_P40, 1, 1000, 1};
    struct pt_err err;

    check(rlwe_new(&c, &shape, &(struct digest){{1}}, &err));
    encrypt();
    struct column_verifier *v = set_up_verifier(&choices);
    prove(&trees, &commitment, &answer);
    judge(v);
    column_verifier_free(v);
}

static void proof_prover(void)
{
    struct buf sent[3] = {{0}};

    record();
    ct_hide(&prover_seed, sizeof prover_seed);
    ct_hide(&key_seed, sizeof key_seed);
    ct_hide(values, sizeof values);
    encrypt();
    prove(&sent[0], &sent[1], &sent[2]);
}

static void proof_verifier(void)
{
    struct buf sent = {0};

    record();
    ct_hide(&verifier_seed, sizeof verifier_seed);
    judge(set_up_verifier(&sent));
}
/* What is left is freed by nobody: the process ends. */

int main(int argc, char **argv)
{
    static const struct ct_case CASES[] = {{"proof-prover", proof_prover},
                                           {"proof-verifier", proof_verifier}};

    return ct_main(argc, argv, CASES, sizeof CASES / sizeof CASES[0]);
}
