/* Goal: wherever a column is cut into parts, its digest and the verdict on its coefficients are those of
 * the whole. Method: uniform bytes below q, and one coefficient that is not, in every place of a block
 * that matters: at its ends, and where parts end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/intake.h"
#include "proto/reply.h"

enum { BLOCKS = 3 };
static const size_t PART[] = {1, 1000, 5 * RLWE_DEGREE - 1, 5 * RLWE_DEGREE, 12345, 1 << 20};

static struct rlwe *context(enum rlwe_set set)
{
    const struct rlwe_shape shape = {
        .set = set, .slot_count = BLOCKS * RLWE_DEGREE, .max_abs = 1000, .sigma_max = 10};
    struct rlwe *c = NULL;
    struct pt_err err;

    assert_int_equal(rlwe_new(&c, &shape, &(struct digest){{7}}, &err), PT_OK);
    return c;
}

static void expect(const struct rlwe *c, struct span whole, bool valid)
{
    struct digest want;
    struct intake in;

    reply_column_digest(&want, whole);
    assert_int_equal(rlwe_blocks_valid(c, whole), valid);
    for (size_t i = 0; i < PT_LEN(PART); i++) {
        struct digest got;
        bool below_q = !valid;
        intake_begin(&in, c);
        for (size_t at = 0; at < whole.n; at += PART[i])
            intake_add(&in, span_of(whole.p + at, whole.n - at < PART[i] ? whole.n - at : PART[i]));
        intake_end(&got, &below_q, &in);
        assert_memory_equal(&got, &want, sizeof want);
        assert_int_equal(below_q, valid);
    }
}

static void parts_are_the_whole(void **state)
{
    static const size_t PLACE[] = {0, 1, 999, 1000, 2047, 2048, 4095, 5000, 8191};

    (void)state;
    for (int set = RLWE_P32; set <= RLWE_P48; set++) {
        struct rlwe *c = context((enum rlwe_set)set);
        const size_t planes = rlwe_block_bytes(c) / RLWE_DEGREE;
        const struct span whole = {.n = rlwe_column_bytes(c)};
        uint8_t *bytes = malloc(whole.n);
        assert_non_null(bytes);
        randombytes_buf_deterministic(bytes, whole.n, (const uint8_t[32]){1});
        for (size_t at = 0; at < whole.n; at++) /* the top byte is not all ones */
            if (at / RLWE_DEGREE % planes == planes - 1)
                bytes[at] &= 0x7f;
        expect(c, span_of(bytes, whole.n), true);
        for (size_t i = 0; i < PT_LEN(PLACE); i++) {
            uint8_t *block = bytes + PLACE[i] / RLWE_DEGREE * rlwe_block_bytes(c);
            uint8_t was[6];
            for (size_t p = 0; p < planes; p++) {
                uint8_t *b = &block[p * RLWE_DEGREE + PLACE[i] % RLWE_DEGREE];
                was[p] = *b;
                *b = 0xff;
            }
            expect(c, span_of(bytes, whole.n), false);
            for (size_t p = 0; p < planes; p++)
                block[p * RLWE_DEGREE + PLACE[i] % RLWE_DEGREE] = was[p];
        }
        free(bytes);
        rlwe_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts_are_the_whole)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
