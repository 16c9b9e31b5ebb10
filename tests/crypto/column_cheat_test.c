/* Goal: a recipient that deviates is refused, whatever it does, in one sentence; what it can see to be
 * malformed is refused at once.
 * Method: provers that lie consistently. The linker sends the prover's calls for classes, tables and
 * secrets here (Makefile), so that a proof is made for exactly the x that the ciphertext holds: the
 * coefficients that are sent are then the right ones, but for the one that ought to be zero. */
#include "tests/proof_lies.h"

struct held {
    uint64_t block;
    int64_t weight, error;
    enum pt_code rc;
};

static void every_x_outside_the_sets_is_refused(void **state)
{
    static const struct held CASES[] = {
        {1, 1, 2, PT_OK}, /* the seam itself: a root is a root, whoever says so */
        {1, -1, 0, PT_OK},      {3, 0, -2, PT_OK},
        {1, 3, 0, PT_EBADMSG}, /* a weight of three */
        {0, 2, 1, PT_EBADMSG},  {2, -2, 0, PT_EBADMSG},
        {1, 0, 3, PT_EBADMSG},                         /* an error of three */
        {1, 1, -3, PT_EBADMSG}, {3, 1, 0, PT_EBADMSG}, /* a message in block K */
        {3, 0, 3, PT_EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct proof_bed b = laid(i % 2 == 0 ? RLWE_P40 : RLWE_P48);
        assert_int_equal(rlwe_block_count(b.c), 3);
        hold(&b, CASES[i].block, CASES[i].weight * (int64_t)rlwe_delta(b.c) + CASES[i].error);
        assert_int_equal(proof_bed_run(&b), CASES[i].rc);
        assert_int_not_equal(lie.told, 0);
        proof_bed_free(&b);
    }
}

/* The same, but the proof is that of the columns before they were changed. */
static void changed_columns_are_refused(void **state)
{
    static const struct {
        size_t column;
        uint64_t block;
        int64_t weight, error;
    } CASES[] = {{0, 0, 3, 0}, {1, 1, 3, 0}, {0, 2, 0, 5},
                 {1, 3, 1, 0}, {0, 0, 0, 1}, {1, 3, 0, 1}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++)
        for (int after = 0; after < 2; after++) {
            struct proof_bed b = laid(RLWE_P40);
            const int64_t by = CASES[i].weight * (int64_t)rlwe_delta(b.c) + CASES[i].error;
            if (!after)
                proof_bed_shift(&b, CASES[i].column, CASES[i].block, SLOT, by);
            proof_bed_set_up(&b);
            proof_bed_accept(&b);
            proof_bed_commit(&b);
            proof_bed_challenge(&b, 1);
            proof_bed_answer(&b);
            if (after)
                proof_bed_shift(&b, CASES[i].column, CASES[i].block, SLOT, by);
            assert_int_equal(proof_bed_judge(&b), PT_EBADMSG);
            proof_bed_free(&b);
        }
}

/* c_k += a_k * more * X^place, for every block: as if it had been the key. */
static void add_to_key(struct proof_bed *b, size_t j, size_t place, int64_t more)
{
    const struct ring *r = rlwe_ring(b->c);
    static uint64_t key[RLWE_DEGREE], a[RLWE_DEGREE];

    memset(key, 0, sizeof key);
    key[place] = ring_reduce_signed(r, more);
    ring_ntt(r, key);
    for (uint64_t k = 0; k <= rlwe_block_count(b->c); k++) {
        assert_int_equal(rlwe_expand(b->c, k, a), PT_OK);
        for (size_t i = 0; i < RLWE_DEGREE; i++)
            a[i] = ring_mul(r, a[i], key[i]);
        ring_ntt_inverse(r, a);
        for (size_t i = 0; i < RLWE_DEGREE; i++)
            proof_bed_shift(b, j, k, i, (int64_t)a[i]);
    }
}

static void secrets_are_ternary(void **state)
{
    static const struct {
        int8_t coefficient;
        enum pt_code rc;
    } CASES[] = {{1, PT_OK}, {0, PT_OK}, {-1, PT_OK}, {2, PT_EBADMSG}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct proof_bed b = laid(RLWE_P40);
        memcpy(lie.secret, __real_rlwe_key_secret(b.keys[0]), sizeof lie.secret);
        add_to_key(&b, 0, 9, CASES[i].coefficient - lie.secret[9]);
        lie.secret[9] = CASES[i].coefficient;
        lie.of = b.keys[0];
        lie.set = MEMBERSHIP_SECRET;
        lie.x = 2;
        assert_int_equal(proof_bed_run(&b), CASES[i].rc);
        proof_bed_free(&b);
    }
}

/* Another x in one digit: number i of a digit's correction, of a column or (j = COLUMNS) the masks. */
static void digits_carry_one_x(void **state)
{
    static const struct {
        size_t j, digit, i;
    } CASES[] = {{0, 3, 100},      {1, 0, 0},        {1, 9, 2047},    {COLUMNS, 6, 20},
                 {COLUMNS, 0, 27}, {COLUMNS, 8, 28}, {COLUMNS, 2, 30}};

    (void)state;
    for (size_t c = 0; c < PT_LEN(CASES); c++) {
        struct proof_bed b = laid(RLWE_P40);
        const struct ring *r = rlwe_ring(b.c);
        const size_t n = CASES[c].j == COLUMNS ? PROOF_MASK_VECTOR : RLWE_DEGREE;
        proof_bed_set_up(&b);
        proof_bed_accept(&b);
        proof_bed_commit(&b);
        uint8_t *at = b.commitment.p + CASES[c].j * vole_correction_bytes(r, RLWE_DEGREE, false) +
                      CASES[c].digit * residues_bytes(r, n);
        proof_bed_shift_plane(r, at, n, CASES[c].i, 1);
        proof_bed_challenge(&b, 1);
        proof_bed_answer(&b);
        assert_int_equal(proof_bed_judge(&b), PT_EBADMSG);
        proof_bed_free(&b);
    }
}

/* In all digits alike it is another secret, which is not ternary or does not fit the column. */
static void another_secret_is_refused(void **state)
{
    struct proof_bed b = laid(RLWE_P40);
    const struct ring *r = rlwe_ring(b.c);

    (void)state;
    proof_bed_set_up(&b);
    proof_bed_accept(&b);
    proof_bed_commit(&b);
    for (size_t d = 0; d < vole_digit_count(r); d++)
        proof_bed_shift_plane(r, b.commitment.p + d * residues_bytes(r, RLWE_DEGREE), RLWE_DEGREE,
                              4, 1);
    proof_bed_challenge(&b, 1);
    proof_bed_answer(&b);
    assert_int_equal(proof_bed_judge(&b), PT_EBADMSG);
    proof_bed_free(&b);
}

/* A wrong tree shows only at the end, like all else: a wrong sum where the digit's bits look there,
 * the check values' sum, their hash. */
static void tampered_trees_are_refused(void **state)
{
    static const size_t PLACES[] = {32 + 3 * 576 + 512 + 5, 32 + 9 * 576 + 544};
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct proof_bed b = laid(RLWE_P40);
        proof_bed_set_up(&b);
        if (i < 2)
            b.trees.p[PLACES[i]] ^= 1;
        else /* both sums of a level: one of them is what the evaluator uses */
            b.trees.p[32 + 576 * i + 64 * i] ^= 1, b.trees.p[32 + 576 * i + 64 * i + 32] ^= 1;
        proof_bed_accept(&b);
        proof_bed_commit(&b);
        proof_bed_challenge(&b, 1);
        proof_bed_answer(&b);
        refused += proof_bed_judge(&b) == PT_EBADMSG;
        proof_bed_free(&b);
    }
    assert_int_equal(refused, 4);
}

/* Every number of the answer, and its hash: one more is refused, q is refused. */
static void altered_answers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i<36; i += i> 4 && i < 30 ? 5 : 1) {
        struct proof_bed b = laid(i % 2 == 0 ? RLWE_P40 : RLWE_P48);
        const struct ring *r = rlwe_ring(b.c);
        const size_t n = PROOF_ROWS + 2 * MEMBERSHIP_DEGREE;
        proof_bed_set_up(&b);
        proof_bed_accept(&b);
        proof_bed_commit(&b);
        proof_bed_challenge(&b, 1);
        proof_bed_answer(&b);
        if (i < n)
            proof_bed_shift_plane(r, b.answer.p, n, i, 1);
        else if (i < n + 2)
            b.answer.p[b.answer.n - 1 - (i - n)] ^= 0x80;
        else
            for (unsigned p = 0; p < r->coefficient_bytes; p++)
                b.answer.p[p * n + i - n] = (uint8_t)(r->q >> 8 * p);
        assert_int_equal(proof_bed_judge(&b), PT_EBADMSG);
        /* A refusal is final. */
        assert_int_equal(proof_bed_judge(&b), PT_ESTATE);
        proof_bed_free(&b);
    }
}

static void put_q(const struct ring *r, uint8_t *planes, size_t n, size_t i)
{
    for (unsigned p = 0; p < r->coefficient_bytes; p++)
        planes[p * n + i] = (uint8_t)(r->q >> 8 * p);
}

static void large_numbers_are_refused(void **state)
{
    struct proof_bed b = laid(RLWE_P40);
    const struct ring *r = rlwe_ring(b.c);
    struct pt_err err = {0};

    (void)state;
    /* In a commitment: at once. */
    for (size_t j = 0; j <= COLUMNS; j++) {
        proof_bed_set_up(&b);
        proof_bed_accept(&b);
        proof_bed_commit(&b);
        put_q(r, b.commitment.p + j * vole_correction_bytes(r, RLWE_DEGREE, false),
              j == COLUMNS ? PROOF_MASK_VECTOR : RLWE_DEGREE, 31);
        assert_int_equal(column_verifier_commit(b.v, buf_span(&b.commitment), COLUMNS, NULL, &err),
                         PT_EBADMSG);
        assert_string_equal(err.msg,
                            "column proof: the commitment holds a number that is too large");
        assert_int_equal(column_verifier_challenge(b.v, span_of(b.challenge, 32), &err), PT_ESTATE);
        assert_string_equal(err.msg, "column proof: not while it was refused, which is final");
    }
    /* In a column, a coefficient that is right but for one q: in the end. */
    for (uint64_t k = 0; k <= 3; k += 3) {
        struct proof_bed c = laid(RLWE_P40);
        uint8_t *block = c.cipher[0] + k * rlwe_block_bytes(c.c);
        size_t slot = RLWE_DEGREE;
        uint64_t value = 0;
        for (size_t i = 0; i < RLWE_DEGREE && slot == RLWE_DEGREE; i++) {
            value =
                load_u32le((uint8_t[4]){block[i], block[i + RLWE_DEGREE],
                                        block[i + 2 * RLWE_DEGREE], block[i + 3 * RLWE_DEGREE]});
            value |= (uint64_t)block[i + 4 * RLWE_DEGREE] << 32;
            if (value + r->q < (uint64_t)1 << 40)
                slot = i;
        }
        if (slot == RLWE_DEGREE) { /* none is that small: any number that is too large */
            put_q(r, block, RLWE_DEGREE, 0);
        } else {
            value += r->q;
            for (unsigned p = 0; p < 5; p++)
                block[p * RLWE_DEGREE + slot] = (uint8_t)(value >> 8 * p);
        }
        assert_int_equal(proof_bed_run(&c), PT_EBADMSG);
        proof_bed_free(&c);
    }
    proof_bed_free(&b);
}

static void wrong_lengths_are_refused(void **state)
{
    struct proof_bed b = laid(RLWE_P40);
    const struct digest session = {{1}};
    const struct proof_setup setup = {b.c, &session, &(struct key32){{1}}};
    struct column_prover *p = NULL;
    struct buf out = {0};
    struct pt_err err = {0};

    (void)state;
    proof_bed_set_up(&b);
    for (size_t off = 0; off < 3; off++) {
        const struct span choices = {b.choices.p, b.choices.n - 64 + 64 * off};
        if (off == 1)
            continue;
        uint8_t *copy = calloc(1, b.choices.n + 64);
        assert_non_null(copy);
        memcpy(copy, b.choices.p, b.choices.n);
        assert_int_equal(column_prover_new(&p, &out, &setup, span_of(copy, choices.n), &err),
                         PT_EBADMSG);
        assert_null(p);
        assert_int_equal(out.n, 0);
        free(copy);
    }
    assert_int_equal(column_verifier_accept(b.v, span_of(b.trees.p, b.trees.n - 1), &err),
                     PT_EBADMSG);
    assert_string_equal(err.msg, "column proof: the recipient's trees are malformed");
    assert_int_equal(column_verifier_accept(b.v, buf_span(&b.trees), &err), PT_ESTATE);
    /* commitment: cut, and of another count */
    for (size_t count = 0; count <= 3; count++) {
        proof_bed_set_up(&b);
        proof_bed_accept(&b);
        proof_bed_commit(&b);
        const struct span cut = {b.commitment.p, b.commitment.n - (count == COLUMNS)};
        assert_int_equal(column_verifier_commit(b.v, cut, count, NULL, &err),
                         count == 0 ? PT_ELIMIT : PT_EBADMSG);
    }
    buf_free(&out);
    proof_bed_free(&b);
}

/* Lengths of the last message and of columns: the one sentence. */
static void wrong_lengths_at_the_end_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct proof_bed b = laid(RLWE_P40);
        proof_bed_set_up(&b);
        proof_bed_accept(&b);
        proof_bed_commit(&b);
        proof_bed_challenge(&b, 1);
        proof_bed_answer(&b);
        if (i == 0)
            b.answer.n--;
        if (i == 1)
            assert_true(buf_u8(&b.answer, 0));
        if (i == 2)
            b.spans[1].n -= rlwe_block_bytes(b.c);
        const struct verify_columns in = {.count = i == 3 ? 1 : COLUMNS, .columns = b.spans};
        struct pt_err err = {0};
        assert_int_equal(column_verifier_check(b.v, buf_span(&b.answer), &in, &err), PT_EBADMSG);
        assert_string_equal(err.msg, "column proof: refused; the session is over");
        proof_bed_free(&b);
    }
}

static void bad_points_are_refused(void **state)
{
    struct proof_bed b = laid(RLWE_P40);
    const struct digest session = {{1}};
    const struct proof_setup setup = {b.c, &session, &(struct key32){{1}}};
    struct column_prover *p = NULL;
    struct buf out = {0};
    struct pt_err err = {0};
    uint8_t kept[32];

    (void)state;
    for (int identity = 0; identity < 2; identity++) {
        proof_bed_set_up(&b);
        uint8_t *at = b.choices.p + 32 * 77;
        memcpy(kept, at, 32);
        memset(at, identity ? 0 : 0xff, 32);
        assert_int_equal(column_prover_new(&p, &out, &setup, buf_span(&b.choices), &err),
                         PT_EBADMSG);
        assert_string_equal(err.msg, "column proof: the evaluator's choices are malformed");
        memcpy(at, kept, 32);
        memset(b.trees.p, identity ? 0 : 0xff, 32);
        assert_int_equal(column_verifier_accept(b.v, buf_span(&b.trees), &err), PT_EBADMSG);
    }
    buf_free(&out);
    proof_bed_free(&b);
}

/* Messages of another session are worth nothing, though all lengths are right. */
static void sessions_do_not_mix(void **state)
{
    struct proof_bed b = laid(RLWE_P40);
    const struct digest session = {{'x'}};
    const struct proof_setup setup = {b.c, &session, &(struct key32){{'r'}}};
    struct pt_err err = {0};

    (void)state;
    proof_bed_set_up(&b);
    column_prover_free(b.p);
    b.trees.n = 0;
    assert_int_equal(column_prover_new(&b.p, &b.trees, &setup, buf_span(&b.choices), &err), PT_OK);
    proof_bed_accept(&b);
    proof_bed_commit(&b);
    proof_bed_challenge(&b, 1);
    proof_bed_answer(&b);
    assert_int_equal(proof_bed_judge(&b), PT_EBADMSG);
    /* nor an answer to another challenge */
    proof_bed_set_up(&b);
    proof_bed_accept(&b);
    proof_bed_commit(&b);
    proof_bed_challenge(&b, 1);
    b.challenge[0] ^= 1;
    proof_bed_answer(&b);
    assert_int_equal(proof_bed_judge(&b), PT_EBADMSG);
    proof_bed_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_x_outside_the_sets_is_refused),
        cmocka_unit_test(changed_columns_are_refused),
        cmocka_unit_test(secrets_are_ternary),
        cmocka_unit_test(digits_carry_one_x),
        cmocka_unit_test(another_secret_is_refused),
        cmocka_unit_test(tampered_trees_are_refused),
        cmocka_unit_test(altered_answers_are_refused),
        cmocka_unit_test(large_numbers_are_refused),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(wrong_lengths_at_the_end_are_refused),
        cmocka_unit_test(bad_points_are_refused),
        cmocka_unit_test(sessions_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
