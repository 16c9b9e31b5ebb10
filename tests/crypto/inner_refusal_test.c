#include "crypto/inner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/inner_bed.h"

static void malformed_columns_are_refused(void **state)
{
    (void)state;
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P40, 3000, 3000, 1},
                            (struct kinds){1, 2, bed_trit, bed_trit});
    uint8_t *column = b.cipher[1];
    size_t bytes = b.spans[1].n;
    uint64_t dot[2];
    struct inner_dot_in in = {b.rows, 1, b.spans, 2, NULL, 0, NULL};
    struct inner_reply_in ask_in = {b.hints[0], b.dot, b.noise, b.spans, 2, NULL};

    static const size_t WRONG[] = {0, 1, 2048, 10240, 20480};
    for (size_t i = 0; i < 2 * PT_LEN(WRONG); i++) {
        b.spans[1].n = i % 2 ? WRONG[i / 2] : bytes + WRONG[i / 2] + 1;
        dot[0] = dot[1] = 1;
        assert_int_equal(inner_dot(dot, b.c, in), PT_EBADMSG);
        assert_true((dot[0] | dot[1]) == 0);
        assert_int_equal(inner_reply(b.reply, b.c, &ask_in, &(struct key32){{1}}), PT_EBADMSG);
        assert_true(sodium_is_zero(b.reply, inner_reply_bytes(b.c, 2)) == 1);
    }
    b.spans[1].n = bytes;
    /* q itself, as coefficient 5 of each block in turn: dot reads the data, reply the last. */
    for (size_t block = 0; block < 3; block++) {
        uint8_t kept[5];
        for (size_t p = 0; p < 5; p++) {
            uint8_t *at = column + block * 10240 + p * 2048 + 5;
            kept[p] = *at;
            *at = (uint8_t)(rlwe_ring(b.c)->q >> 8 * p);
        }
        dot[0] = 1;
        assert_int_equal(inner_dot(dot, b.c, in), block < 2 ? PT_EBADMSG : PT_OK);
        assert_int_equal(dot[0] == 0, block < 2);
        assert_int_equal(inner_reply(b.reply, b.c, &ask_in, &(struct key32){{1}}),
                         block < 2 ? PT_OK : PT_EBADMSG);
        for (size_t p = 0; p < 5; p++)
            column[block * 10240 + p * 2048 + 5] = kept[p];
    }
    assert_int_equal(
        inner_dot(dot, b.c, (struct inner_dot_in){b.rows, 0, b.spans, 2, NULL, 0, NULL}), PT_OK);
    assert_int_equal(
        inner_dot(dot, b.c, (struct inner_dot_in){b.rows, 1, b.spans, 0, NULL, 0, NULL}), PT_OK);
    /* More blocks than there are; a block that is in the hint, or none at all. */
    const uint64_t blocks = rlwe_block_count(b.c);
    assert_int_equal(
        inner_dot(dot, b.c, (struct inner_dot_in){b.rows, 1, b.spans, 2, NULL, blocks + 1, NULL}),
        PT_ELIMIT);
    assert_int_equal(inner_hint_skip(b.hints[0], b.c, (struct inner_blocks){0, 1}), PT_ESTATE);
    assert_int_equal(inner_hint_skip(b.hints[0], b.c, (struct inner_blocks){0, blocks + 1}),
                     PT_ELIMIT);
    assert_int_equal(inner_hint_skip(b.hints[0], b.c, (struct inner_blocks){1, 0}), PT_ELIMIT);
    bed_free(&b);
}

static void malformed_replies_are_refused(void **state)
{
    (void)state;
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P48, 100, 3000, 1},
                            (struct kinds){1, 2, bed_trit, bed_trit});
    struct span good = bed_reply(&b);
    static const size_t AT[] = {0, 2047, 2048, 2049};

    bed_ask(&b, 0, 1);
    for (size_t n = good.n - 7; n < good.n + 8; n++) {
        b.value[0] = 1;
        enum pt_code rc = inner_open(b.value, b.c, (struct span){good.p, n}, b.keys, 2);
        assert_int_equal(rc, n == good.n ? PT_OK : PT_EBADMSG);
        assert_int_equal(b.value[0] == 0, n != good.n);
    }
    for (size_t i = 0; i < PT_LEN(AT); i++) {
        uint8_t *at = b.reply + 6 * AT[i];
        uint64_t q = rlwe_ring(b.c)->q;
        bed_ask(&b, 0, 1);
        for (size_t p = 0; p < 6; p++)
            at[p] = (uint8_t)(q >> 8 * p);
        assert_int_equal(inner_open(b.value, b.c, good, b.keys, 2), PT_EBADMSG);
        at[0]--; /* q - 1 is a coefficient */
        assert_int_equal(inner_open(b.value, b.c, good, b.keys, 2), PT_OK);
    }
    assert_int_equal(inner_open(b.value, b.c, good, b.keys, 0), PT_ELIMIT);
    assert_int_equal(inner_open(b.value, b.c, good, b.keys, 65), PT_ELIMIT);
    bed_free(&b);
}

static void at_most_64_columns_share_a_rerandomiser(void **state)
{
    (void)state;
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P32, 10, 100, 1},
                            (struct kinds){1, 65, bed_byte, bed_trit});
    struct inner_reply_in in = {b.hints[0], b.dot, b.noise, b.spans, 65, NULL};
    struct key32 seed = {{1}};

    memset(b.reply, 1, inner_reply_bytes(b.c, 65));
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_ELIMIT);
    assert_true(sodium_is_zero(b.reply, inner_reply_bytes(b.c, 65)) == 1);
    in.column_count = 0;
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_ELIMIT);
    in.column_count = 64;
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_OK);
    bed_free(&b);
}

static void hints_take_each_block_once(void **state)
{
    (void)state;
    struct bed b = bed_laid((struct rlwe_shape){RLWE_P40, (uint64_t)70 * 2048, 1 << 18, 1},
                            (struct kinds){1, 1, bed_trit, bed_trit});
    struct inner_hint *h = NULL, *other = NULL;
    struct inner_reply_in in = {NULL, b.dot, b.noise, b.spans, 1, NULL};
    struct key32 seed = {{1}};

    assert_int_equal(inner_hint_new(&h, b.c), PT_OK);
    assert_int_equal(inner_hint_new(&other, b.c), PT_OK);
    in.hint = h;
    assert_int_equal(inner_hint_add(h, b.c, b.rows[0], 60, 71), PT_ELIMIT);
    assert_int_equal(inner_hint_add(h, b.c, b.rows[0], 3, 2), PT_ELIMIT);
    assert_int_equal(inner_hint_add(h, b.c, b.rows[0], 0, 66), PT_OK);
    assert_int_equal(inner_hint_add(h, b.c, b.rows[0], 65, 70), PT_ESTATE);
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_ESTATE);
    assert_true(sodium_is_zero(b.reply, inner_reply_bytes(b.c, 1)) == 1);
    assert_int_equal(inner_hint_add(other, b.c, b.rows[0], 65, 70), PT_OK);
    assert_int_equal(inner_hint_merge(h, b.c, other), PT_ESTATE);
    inner_hint_free(other);
    assert_int_equal(inner_hint_new(&other, b.c), PT_OK);
    assert_int_equal(inner_hint_add(other, b.c, b.rows[0], 66, 70), PT_OK);
    assert_int_equal(inner_hint_merge(h, b.c, other), PT_OK);
    assert_int_equal(inner_hint_merge(h, b.c, other), PT_ESTATE);
    assert_int_equal(inner_reply(b.reply, b.c, &in, &seed), PT_OK);
    assert_int_equal(inner_open(b.value, b.c, bed_reply(&b), b.keys, 1), PT_OK);
    assert_true(fabs(bed_residue(&b, 0, 0)) < 32768);
    inner_hint_free(h);
    inner_hint_free(other);
    inner_hint_free(NULL);
    bed_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_columns_are_refused),
        cmocka_unit_test(malformed_replies_are_refused),
        cmocka_unit_test(at_most_64_columns_share_a_rerandomiser),
        cmocka_unit_test(hints_take_each_block_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
