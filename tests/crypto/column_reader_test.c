/* Goal: columns that are read work as those in memory do, and one that cannot be read is an error of this
 * machine, never a verdict on the column. Method: a reader of the bed's own bytes, which fails at a chosen
 * call; what is behind the spans is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/inner_bed.h"
#include "tests/proof_bed.h"

struct books {
    uint8_t *const *cipher;
    const size_t *bytes;
    size_t reads, fails_at; /* counted from 1; 0: none fails */
};

static bool read_some(void *self, size_t j, uint64_t at, uint8_t *out, size_t out_bytes)
{
    struct books *b = self;

    assert_true(at + out_bytes <= b->bytes[j]);
    memcpy(out, b->cipher[j] + at, out_bytes);
    return ++b->reads != b->fails_at;
}

enum { ROWS = 3, COLUMNS = 2, CELLS = ROWS * COLUMNS };

static void products_are_the_same(void **state)
{
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P40, 5000, 5000, 1},
                            (struct kinds){ROWS, COLUMNS, bed_trit, bed_trit});
    const size_t bytes[COLUMNS] = {b.spans[0].n, b.spans[1].n};
    const struct span nowhere[COLUMNS] = {{NULL, bytes[0]}, {NULL, bytes[1]}};
    struct books books = {.cipher = b.cipher, .bytes = bytes};
    const struct column_reader reader = {&books, read_some};
    const struct inner_dot_in here = {b.rows, ROWS, b.spans, COLUMNS, NULL, 0, NULL};
    const struct inner_dot_in read = {b.rows, ROWS, nowhere, COLUMNS, NULL, 0, &reader};
    uint64_t want[CELLS];
    uint64_t got[CELLS];
    struct buf reply = {0};
    const size_t reply_bytes = inner_reply_bytes(b.c, COLUMNS);

    (void)state;
    assert_int_equal(inner_dot(want, b.c, here), PT_OK);
    assert_int_equal(inner_dot(got, b.c, read), PT_OK);
    assert_memory_equal(got, want, sizeof got);
    const struct inner_reply_in here_in = {b.hints[0], want, b.noise, b.spans, COLUMNS, NULL};
    const struct inner_reply_in read_in = {b.hints[0], want, b.noise, nowhere, COLUMNS, &reader};
    assert_int_equal(inner_reply(b.reply, b.c, &here_in, &(struct key32){{1}}), PT_OK);
    assert_true(buf_add(&reply, b.reply, reply_bytes));
    assert_int_equal(inner_reply(b.reply, b.c, &read_in, &(struct key32){{1}}), PT_OK);
    assert_memory_equal(b.reply, reply.p, reply_bytes);
    const size_t calls = books.reads;
    assert_in_range(calls, 4, 100);
    for (books.fails_at = 1; books.fails_at <= calls; books.fails_at++) {
        books.reads = 0;
        const enum pt_code dot = inner_dot(got, b.c, read);
        const enum pt_code answer = inner_reply(b.reply, b.c, &read_in, &(struct key32){{1}});
        assert_int_equal(dot == PT_EIO ? answer : PT_EIO, dot == PT_EIO ? PT_OK : answer);
        assert_true(dot == PT_OK || dot == PT_EIO);
        if (dot == PT_EIO)
            assert_true(sodium_is_zero((const uint8_t *)got, sizeof got) == 1);
        else
            assert_true(sodium_is_zero(b.reply, reply_bytes) == 1);
    }
    buf_free(&reply);
    bed_free(&b);
}

static enum pt_code judge(struct proof_bed *b, const struct column_reader *reader)
{
    struct span nowhere[PROOF_BED_COLUMNS_MAX] = {{0}};
    const struct verify_columns in = {b->count, nowhere, NULL, b->judged, reader};
    struct pt_err err = {0};

    for (size_t j = 0; j < b->count; j++)
        nowhere[j].n = b->spans[j].n;
    return column_verifier_check(b->v, buf_span(&b->answer), &in, &err);
}

static void proofs_are_judged_alike(void **state)
{
    static const struct {
        size_t fails_at;
        int64_t shift; /* of one coefficient, behind the prover's back */
        enum pt_code want;
    } CASES[] = {{0, 0, PT_OK}, {0, 5, PT_EBADMSG}, {1, 0, PT_EIO}, {2, 0, PT_EIO}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct proof_bed b = proof_bed_laid((struct proof_bed_kind){RLWE_P40, 5000, 2});
        const size_t bytes[2] = {b.spans[0].n, b.spans[1].n};
        struct books books = {.cipher = b.cipher, .bytes = bytes, .fails_at = CASES[i].fails_at};
        const struct column_reader reader = {&books, read_some};

        proof_bed_set_up(&b);
        proof_bed_accept(&b);
        proof_bed_commit(&b);
        proof_bed_challenge(&b, 1);
        proof_bed_answer(&b);
        if (CASES[i].shift != 0)
            proof_bed_shift(&b, 1, 1, 77, CASES[i].shift);
        assert_int_equal(judge(&b, &reader), CASES[i].want);
        assert_true(books.reads > 0);
        proof_bed_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_the_same),
        cmocka_unit_test(proofs_are_judged_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
