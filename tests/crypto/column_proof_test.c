/* Goal: honest columns are accepted, whatever their number, size, set and threads; a batch follows a
 * batch; a commitment has one challenge; P32 is refused by name; what travels has the stated sizes.
 * Method: both sides in one process, over tests/proof_bed.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/proof_bed.h"

static void honest_columns_are_accepted(void **state)
{
    static const struct proof_bed_kind KINDS[] = {
        {RLWE_P40, 1, 1},    {RLWE_P40, 2048, 2}, {RLWE_P40, 2049, 1},
        {RLWE_P40, 9000, 8}, {RLWE_P48, 5000, 3},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(KINDS); i++) {
        struct proof_bed b = proof_bed_laid(KINDS[i]);
        assert_int_equal(proof_bed_run(&b), PT_OK);
        proof_bed_free(&b);
    }
}

static void sizes_are_as_specified(void **state)
{
    struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 1, 1});

    (void)state;
    assert_int_equal(proof_choices_bytes(b.c), 5120);
    assert_int_equal(proof_trees_bytes(b.c), 5792);
    assert_int_equal(proof_commitment_bytes(b.c, 3), 3 * 102400 + 1440);
    assert_int_equal(proof_answer_bytes(b.c), 47 + 150);
    proof_bed_free(&b);
}

static void a_batch_follows_a_batch(void **state)
{
    struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 3000, 2});

    (void)state;
    assert_int_equal(proof_bed_run(&b), PT_OK);
    proof_bed_commit(&b);
    proof_bed_challenge(&b, 2);
    proof_bed_answer(&b);
    assert_int_equal(proof_bed_judge(&b), PT_OK);
    proof_bed_free(&b);
}

/* Another commitment in the same session is made of other masks: nothing repeats. */
static void commitments_never_repeat(void **state)
{
    struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 1, 1});
    struct buf first = {0};
    size_t same = 0;

    (void)state;
    assert_int_equal(proof_bed_run(&b), PT_OK);
    assert_true(buf_add(&first, b.commitment.p, b.commitment.n));
    proof_bed_commit(&b);
    for (size_t i = 0; i < first.n; i++)
        same += first.p[i] == b.commitment.p[i];
    assert_in_range(same, first.n / 256 / 2, first.n / 256 * 2); /* as strangers' bytes agree */
    buf_free(&first);
    proof_bed_free(&b);
}

static void a_commitment_has_one_challenge(void **state)
{
    struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 1, 1});
    const struct prove_columns in = proof_bed_columns(&b);
    const uint8_t other[PROOF_CHALLENGE_BYTES] = {2};
    struct pt_err err = {0};

    (void)state;
    proof_bed_set_up(&b);
    proof_bed_accept(&b);
    proof_bed_commit(&b);
    proof_bed_challenge(&b, 1);
    assert_int_equal(column_prover_commit(b.p, &b.commitment, &in, &err), PT_ESTATE);
    proof_bed_answer(&b);
    const size_t n = b.answer.n;
    assert_int_equal(column_prover_answer(b.p, &b.answer, span_of(other, sizeof other), &in, &err),
                     PT_ESTATE);
    assert_string_equal(err.msg, "column proof: no commitment waits for a challenge; each is "
                                 "answered once");
    assert_int_equal(b.answer.n, n);
    assert_int_equal(proof_bed_judge(&b), PT_OK);
    /* The evaluator asks once, too, and again only after another commitment. */
    assert_int_equal(column_verifier_challenge(b.v, span_of(other, sizeof other), &err), PT_ESTATE);
    assert_string_equal(err.msg, "column proof: not while a commitment is awaited");
    proof_bed_free(&b);
}

static void a_failed_answer_closes_the_commitment(void **state)
{
    struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 1, 1});
    const struct prove_columns in = proof_bed_columns(&b);
    struct pt_err err = {0};

    (void)state;
    proof_bed_set_up(&b);
    proof_bed_commit(&b);
    /* No challenge at all changes nothing ... */
    assert_int_equal(column_prover_answer(b.p, &b.answer, span_of(b.challenge, 31), &in, &err),
                     PT_EBADMSG);
    assert_string_equal(err.msg, "column proof: a challenge of 31 bytes, not 32");
    /* ... a wrong number of columns is our own mistake, and neither does. */
    struct prove_columns fewer = in;
    fewer.count = 0;
    assert_int_equal(column_prover_answer(b.p, &b.answer, span_of(b.challenge, 32), &fewer, &err),
                     PT_EBUG);
    proof_bed_answer(&b);
    proof_bed_free(&b);
}

static void p32_is_refused_by_name(void **state)
{
    struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P32, 1, 1});
    const struct digest session = {{1}};
    const struct proof_setup setup = {b.c, &session, &(struct key32){{1}}};
    struct pt_err err = {0};
    static const char SENTENCE[] =
        "column proof: none for 4-byte coefficients (P32): 5 is a square modulo their prime; take "
        "P40 or P48";

    (void)state;
    assert_int_equal(column_verifier_new(&b.v, &b.choices, &setup, &err), PT_ELIMIT);
    assert_string_equal(err.msg, SENTENCE);
    assert_int_equal(column_prover_new(&b.p, &b.trees, &setup, buf_span(&b.choices), &err),
                     PT_ELIMIT);
    assert_string_equal(err.msg, SENTENCE);
    assert_null(b.p);
    assert_null(b.v);
    proof_bed_free(&b);
}

static void counts_are_bounded(void **state)
{
    struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 1, 1});
    struct pt_err err = {0};

    (void)state;
    proof_bed_set_up(&b);
    for (size_t count = 0; count <= 65; count += 65) {
        const struct prove_columns in = {.count = count};
        assert_int_equal(column_prover_commit(b.p, &b.commitment, &in, &err), PT_ELIMIT);
    }
    assert_string_equal(err.msg, "column proof: 65 columns; a batch has 1 to 64");
    proof_bed_free(&b);
}

/* What an evaluator sees of the same columns again and again: X of each row and the coefficients but
 * for that of Z^0, which the check determines. 64 cells by the upper six bits: of 63 degrees of freedom
 * 127.6 has probability 2.5e-6. */
static void answers_are_uniform(void **state)
{
    enum { RUNS = 64, NUMBERS = PROOF_ROWS + 2 * MEMBERSHIP_DEGREE };
    struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 1, 1});
    double cells[64] = {0};
    double all = 0;
    double sum = 0;

    (void)state;
    proof_bed_set_up(&b);
    proof_bed_accept(&b);
    for (size_t run = 0; run < RUNS; run++) {
        proof_bed_commit(&b);
        proof_bed_challenge(&b, 1); /* always the same: it is the masks that change */
        proof_bed_answer(&b);
        assert_int_equal(proof_bed_judge(&b), PT_OK);
        for (size_t i = 0; i < NUMBERS; i++) {
            if (i == PROOF_ROWS || i == PROOF_ROWS + 1)
                continue;
            cells[b.answer.p[4 * NUMBERS + i] >> 2]++;
            all++;
        }
    }
    for (size_t i = 0; i < PT_LEN(cells); i++)
        sum += (cells[i] - all / 64) * (cells[i] - all / 64) / (all / 64);
    assert_true(sum < 127.6);
    assert_true(sum > 20); /* nor too even: probability 1e-8 */
    proof_bed_free(&b);
}

/* Parts in reverse order, as threads might finish. */
static void backwards(void *self, size_t count, void (*part)(void *context, size_t i),
                      void *context)
{
    *(size_t *)self += count;
    for (size_t i = count; i-- > 0;)
        part(context, i);
}

static void threads_change_nothing(void **state)
{
    static const size_t WIDTHS[] = {2, 3, 200};
    struct proof_bed one = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 9000, 2});

    (void)state;
    assert_int_equal(proof_bed_run(&one), PT_OK);
    for (size_t i = 0; i < PT_LEN(WIDTHS); i++) {
        size_t parts = 0;
        const struct parallel parallel = {&parts, WIDTHS[i], backwards};
        struct proof_bed many = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 9000, 2});
        many.parallel = &parallel;
        assert_int_equal(proof_bed_run(&many), PT_OK);
        assert_true(parts > 0);
        assert_true(span_eq_vartime(buf_span(&one.commitment), buf_span(&many.commitment)));
        assert_true(span_eq_vartime(buf_span(&one.answer), buf_span(&many.answer)));
        proof_bed_free(&many);
    }
    proof_bed_free(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_columns_are_accepted),
        cmocka_unit_test(sizes_are_as_specified),
        cmocka_unit_test(a_batch_follows_a_batch),
        cmocka_unit_test(commitments_never_repeat),
        cmocka_unit_test(a_commitment_has_one_challenge),
        cmocka_unit_test(a_failed_answer_closes_the_commitment),
        cmocka_unit_test(p32_is_refused_by_name),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(answers_are_uniform),
        cmocka_unit_test(threads_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
