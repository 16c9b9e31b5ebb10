#include "tests/proof_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/inner_bed.h"

static void must(enum pt_code rc, const struct pt_err *err)
{
    if (rc != PT_OK)
        print_error("%s\n", err->msg);
    assert_int_equal(rc, PT_OK);
}

static int8_t uneven(size_t column, uint64_t slot)
{
    return bed_trit(slot + 1000003 * column);
}

struct proof_bed proof_bed_laid(struct proof_bed_kind kind)
{
    return proof_bed_laid_with(kind, uneven);
}

struct proof_bed proof_bed_laid_with(struct proof_bed_kind kind,
                                     int8_t (*value)(size_t column, uint64_t slot))
{
    const struct rlwe_shape shape = {kind.set, kind.slot_count, 1000, 20};
    struct proof_bed b = {.count = kind.column_count};
    struct pt_err err = {0};

    must(rlwe_new(&b.c, &shape, &(struct digest){{9}}, &err), &err);
    const uint64_t blocks = rlwe_block_count(b.c);
    const size_t bytes = rlwe_block_bytes(b.c);
    for (size_t j = 0; j < b.count; j++) {
        must(rlwe_key_new(&b.keys[j], b.c, &(struct key32){{1, (uint8_t)j}}), &err);
        b.values[j] = bed_memory(blocks, RLWE_DEGREE);
        b.cipher[j] = bed_memory(blocks + 1, bytes);
        b.spans[j] = span_of(b.cipher[j], rlwe_column_bytes(b.c));
        for (uint64_t i = 0; i < kind.slot_count; i++)
            b.values[j][i] = value(j, i);
        for (uint64_t k = 0; k <= blocks; k++)
            must(rlwe_encrypt_block(b.cipher[j] + k * bytes, b.c, b.keys[j], k,
                                    k == blocks ? NULL : b.values[j] + k * RLWE_DEGREE),
                 &err);
    }
    return b;
}

void proof_bed_free(struct proof_bed *b)
{
    column_prover_free(b->p);
    column_verifier_free(b->v);
    for (size_t j = 0; j < b->count; j++) {
        rlwe_key_free(b->keys[j]);
        free(b->values[j]);
        free(b->cipher[j]);
    }
    rlwe_free(b->c);
    buf_free(&b->choices);
    buf_free(&b->trees);
    buf_free(&b->commitment);
    buf_free(&b->answer);
    *b = (struct proof_bed){0};
}

static void block_of(void *self, int8_t out[RLWE_DEGREE], size_t j, uint64_t k)
{
    const struct proof_bed *b = self;

    memcpy(out, b->values[j] + k * RLWE_DEGREE, RLWE_DEGREE);
}

struct prove_columns proof_bed_columns(struct proof_bed *b)
{
    return (struct prove_columns){
        b->count, (const struct rlwe_key *const *)b->keys, {b, block_of}, b->parallel, b->tally};
}

void proof_bed_set_up(struct proof_bed *b)
{
    static const struct digest SESSION = {{'s', 'i', 'd'}};
    const struct proof_setup e = {b->c, &SESSION, &(struct key32){{'e'}}};
    const struct proof_setup r = {b->c, &SESSION, &(struct key32){{'r'}}};
    struct pt_err err = {0};

    column_prover_free(b->p);
    column_verifier_free(b->v);
    b->choices.n = b->trees.n = 0;
    must(column_verifier_new(&b->v, &b->choices, &e, &err), &err);
    assert_int_equal(b->choices.n, proof_choices_bytes(b->c));
    must(column_prover_new(&b->p, &b->trees, &r, buf_span(&b->choices), &err), &err);
    assert_int_equal(b->trees.n, proof_trees_bytes(b->c));
}

void proof_bed_accept(struct proof_bed *b)
{
    struct pt_err err = {0};

    must(column_verifier_accept(b->v, buf_span(&b->trees), &err), &err);
}

void proof_bed_commit(struct proof_bed *b)
{
    const struct prove_columns in = proof_bed_columns(b);
    struct pt_err err = {0};

    b->commitment.n = b->answer.n = 0;
    must(column_prover_commit(b->p, &b->commitment, &in, &err), &err);
    assert_int_equal(b->commitment.n, proof_commitment_bytes(b->c, b->count));
}

void proof_bed_challenge(struct proof_bed *b, uint8_t number)
{
    struct pt_err err = {0};

    memset(b->challenge, number, sizeof b->challenge);
    must(column_verifier_commit(b->v, buf_span(&b->commitment), b->count, b->parallel, &err), &err);
    must(column_verifier_challenge(b->v, span_of(b->challenge, sizeof b->challenge), &err), &err);
}

void proof_bed_answer(struct proof_bed *b)
{
    const struct prove_columns in = proof_bed_columns(b);
    struct pt_err err = {0};

    must(column_prover_answer(b->p, &b->answer, span_of(b->challenge, sizeof b->challenge), &in,
                              &err),
         &err);
    assert_int_equal(b->answer.n, proof_answer_bytes(b->c));
}

enum pt_code proof_bed_judge(struct proof_bed *b)
{
    const struct verify_columns in = {b->count, b->spans, b->parallel, b->judged, NULL};
    struct pt_err err = {0};
    const enum pt_code rc = column_verifier_check(b->v, buf_span(&b->answer), &in, &err);

    if (rc == PT_EBADMSG) /* one sentence, whatever failed */
        assert_string_equal(err.msg, "column proof: refused; the session is over");
    return rc;
}

enum pt_code proof_bed_run(struct proof_bed *b)
{
    proof_bed_set_up(b);
    proof_bed_accept(b);
    proof_bed_commit(b);
    proof_bed_challenge(b, 1);
    proof_bed_answer(b);
    return proof_bed_judge(b);
}

void proof_bed_shift_plane(const struct ring *r, uint8_t *planes, size_t n, size_t i, int64_t by)
{
    uint64_t v = 0;

    for (unsigned p = r->coefficient_bytes; p-- > 0;)
        v = v << 8 | planes[p * n + i];
    v = (uint64_t)(((i128)v + by + r->q) % r->q);
    for (unsigned p = 0; p < r->coefficient_bytes; p++)
        planes[p * n + i] = (uint8_t)(v >> 8 * p);
}

void proof_bed_shift(struct proof_bed *b, size_t j, uint64_t k, size_t slot, int64_t by)
{
    proof_bed_shift_plane(rlwe_ring(b->c), b->cipher[j] + k * rlwe_block_bytes(b->c), RLWE_DEGREE,
                          slot, by);
}

int64_t proof_bed_x(const struct proof_bed *b, size_t j, uint64_t k, size_t slot)
{
    uint8_t bits[RLWE_DEGREE];

    assert_int_equal(rlwe_key_errors(bits, b->keys[j], k), PT_OK);
    const int64_t error =
        (bits[slot] & 1) + (bits[slot] >> 1 & 1) - (bits[slot] >> 2 & 1) - (bits[slot] >> 3 & 1);
    if (k == rlwe_block_count(b->c))
        return error;
    return error + (int64_t)rlwe_delta(b->c) * b->values[j][k * RLWE_DEGREE + slot];
}
