/* Goal: when memory ends, or the cipher fails, at any step of the column proof, nothing comes out but
 * the code, no bytes are added to a message, and a session that was broken off stays closed.
 * Method: each step with a call for memory failing, alone and with all that follow: every one of the
 * first twenty, then some all the way to the end, for there are thousands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "tests/failing_memory.h"
#include "tests/proof_bed.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
EVP_CIPHER_CTX *__real_EVP_CIPHER_CTX_new(void);
EVP_CIPHER_CTX *__wrap_EVP_CIPHER_CTX_new(void);
EVP_CIPHER_CTX *__wrap_EVP_CIPHER_CTX_new(void)
{
    return memory_ends() ? NULL : __real_EVP_CIPHER_CTX_new();
}
int __real_EVP_CIPHER_CTX_copy(EVP_CIPHER_CTX *to, const EVP_CIPHER_CTX *from);
int __wrap_EVP_CIPHER_CTX_copy(EVP_CIPHER_CTX *to, const EVP_CIPHER_CTX *from);
int __wrap_EVP_CIPHER_CTX_copy(EVP_CIPHER_CTX *to, const EVP_CIPHER_CTX *from)
{
    return memory_ends() ? 0 : __real_EVP_CIPHER_CTX_copy(to, from);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static const struct digest SESSION = {{1}};
static struct proof_bed bed; /* test state */
static struct pt_err err;

/* A step, once what comes before it is done: run says how it went, and whether out grew. */
struct step {
    void (*before)(void);
    enum pt_code (*run)(void);
};

static void nothing_before(void) {}
static enum pt_code choose(void)
{
    const struct proof_setup setup = {bed.c, &SESSION, &(struct key32){{1}}};
    struct column_verifier *v = NULL;
    struct buf out = {0};
    enum pt_code rc = column_verifier_new(&v, &out, &setup, &err);

    assert_true(rc == PT_OK ? v != NULL && out.n > 0 : v == NULL && out.n == 0);
    column_verifier_free(v);
    buf_free(&out);
    return rc;
}
static void before_trees(void)
{
    proof_bed_set_up(&bed);
}
static enum pt_code grow(void)
{
    const struct proof_setup setup = {bed.c, &SESSION, &(struct key32){{1}}};
    struct column_prover *p = NULL;
    struct buf out = {0};
    enum pt_code rc = column_prover_new(&p, &out, &setup, buf_span(&bed.choices), &err);

    assert_true(rc == PT_OK ? p != NULL && out.n > 0 : p == NULL && out.n == 0);
    column_prover_free(p);
    buf_free(&out);
    return rc;
}
static enum pt_code accept(void)
{
    return column_verifier_accept(bed.v, buf_span(&bed.trees), &err);
}
static void before_commitment(void)
{
    proof_bed_set_up(&bed);
    proof_bed_accept(&bed);
    bed.commitment.n = 0;
}
static enum pt_code commit(void)
{
    const struct prove_columns in = proof_bed_columns(&bed);
    enum pt_code rc = column_prover_commit(bed.p, &bed.commitment, &in, &err);

    assert_true((rc == PT_OK) == (bed.commitment.n > 0));
    return rc;
}
static void before_taking(void)
{
    before_commitment();
    proof_bed_commit(&bed);
}
static enum pt_code take(void)
{
    return column_verifier_commit(bed.v, buf_span(&bed.commitment), bed.count, NULL, &err);
}
static void before_answer(void)
{
    before_taking();
    proof_bed_challenge(&bed, 1);
    bed.answer.n = 0;
}
static enum pt_code answer(void)
{
    const struct span challenge = {bed.challenge, sizeof bed.challenge};
    const struct prove_columns in = proof_bed_columns(&bed);
    enum pt_code rc = column_prover_answer(bed.p, &bed.answer, challenge, &in, &err);

    assert_true((rc == PT_OK) == (bed.answer.n > 0));
    memory_left = SIZE_MAX;
    /* One challenge a commitment, whatever happened to it. */
    assert_int_equal(column_prover_answer(bed.p, &bed.answer, challenge, &in, &err), PT_ESTATE);
    return rc;
}
static void before_check(void)
{
    before_answer();
    proof_bed_answer(&bed);
}
static enum pt_code check(void)
{
    const struct verify_columns in = {.count = bed.count, .columns = bed.spans};
    enum pt_code rc = column_verifier_check(bed.v, buf_span(&bed.answer), &in, &err);

    memory_left = SIZE_MAX;
    assert_int_equal(column_verifier_check(bed.v, buf_span(&bed.answer), &in, &err), PT_ESTATE);
    return rc;
}

static void nothing_comes_out(void **state)
{
    static const struct step STEPS[] = {
        {nothing_before, choose},    {before_trees, grow},  {before_trees, accept},
        {before_commitment, commit}, {before_taking, take}, {before_answer, answer},
        {before_check, check},
    };

    (void)state;
    for (size_t i = 0; i < 2 * PT_LEN(STEPS); i++) {
        size_t tried = 0;
        size_t n = 0;
        for (bool ended = true; ended; n += 1 + (n > 20 ? n / 2 : 0), tried++) {
            STEPS[i / 2].before();
            memory_end_after(n, i % 2 == 1);
            enum pt_code rc = STEPS[i / 2].run();
            memory_is_enough();
            ended = memory_failed;
            if (ended ? rc != PT_ENOMEM && rc != PT_EBUG : rc != PT_OK)
                fail_msg("step %zu: call %zu, code %d: %s", i / 2, n, rc, err.msg);
        }
        assert_true(tried > 1); /* otherwise nothing was tried */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_comes_out)};

    if (sodium_init() < 0)
        return 1;
    bed = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 1, 1});
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    proof_bed_free(&bed);
    return failed;
}
