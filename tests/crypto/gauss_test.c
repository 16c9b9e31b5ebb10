#include "crypto/gauss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/bn.h>

/* Fixed point: x stands for x / 2^SCALE. */
enum { SCALE = 384 };

/* 2^SCALE * exp(-1/50), by its series. */
static BIGNUM *base(void)
{
    BIGNUM *term = BN_new(), *sum = BN_new();

    assert_true(BN_lshift(term, BN_value_one(), SCALE) == 1 && BN_copy(sum, term) != NULL);
    for (unsigned n = 1; !BN_is_zero(term); n++) {
        BN_div_word(term, 50UL * n);
        assert_int_equal(n % 2 ? BN_sub(sum, sum, term) : BN_add(sum, sum, term), 1);
    }
    BN_free(term);
    return sum;
}

/* Goal: the table is floor(2^128 * P(|x| <= k)) for width 5 cut at 64. Method: the weights are
 * powers of exp(-1/50), in OpenSSL's integers of 384 bits: the rows are within 2^-128 of the law. */
static void table_is_the_gaussian(void **state)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *e = base(), *total = BN_new(), *row = BN_new(), *below = BN_new(), *rest = BN_new();
    BIGNUM *weight[GAUSS_CUT + 1];

    (void)state;
    BN_zero(total);
    for (unsigned k = 0; k <= GAUSS_CUT; k++) {
        weight[k] = BN_new();
        assert_int_equal(BN_lshift(weight[k], BN_value_one(), SCALE), 1);
        for (unsigned i = 0; i < k * k; i++) {
            assert_int_equal(BN_mul(weight[k], weight[k], e, ctx), 1);
            assert_int_equal(BN_rshift(weight[k], weight[k], SCALE), 1);
        }
        if (k > 0)
            assert_int_equal(BN_lshift1(weight[k], weight[k]), 1); /* both signs */
        assert_int_equal(BN_add(total, total, weight[k]), 1);
    }
    BN_zero(below);
    for (unsigned k = 0; k < GAUSS_CUT; k++) {
        uint8_t bytes[16];
        u128 want = 0;
        assert_int_equal(BN_add(below, below, weight[k]), 1);
        assert_int_equal(BN_lshift(row, below, 128), 1);
        assert_int_equal(BN_div(row, rest, row, total, ctx), 1);
        assert_int_equal(BN_bn2binpad(row, bytes, 16), 16);
        for (size_t i = 0; i < 16; i++)
            want = want << 8 | bytes[i];
        assert_true(gauss_table(k) == want);
    }
    for (unsigned k = 0; k <= GAUSS_CUT; k++)
        BN_free(weight[k]);
    BN_free(e), BN_free(total), BN_free(row), BN_free(below), BN_free(rest);
    BN_CTX_free(ctx);
}

/* Goal: draws follow the table, signs are fair, streams differ. Method: chi-square on -16..16 and
 * the rest; 60 degrees would be exceeded once in 10^6 at 95, and 34 at 88. */
static void draws_follow_the_table(void **state)
{
    enum { BATCHES = 200, SIDE = 16 };
    static int8_t x[GAUSS_COUNT], y[GAUSS_COUNT];
    double seen[2 * SIDE + 2] = {0}, chi = 0, squares = 0;
    const double total = (double)BATCHES * GAUSS_COUNT;
    const double whole = 340282366920938463463374607431768211456.0;
    struct prg *g = NULL;

    (void)state;
    assert_int_equal(prg_new(&g, &(struct key32){{1}}), PT_OK);
    for (uint64_t n = 0; n < BATCHES; n++) {
        assert_int_equal(gauss_draw(x, g, n), PT_OK);
        for (size_t i = 0; i < GAUSS_COUNT; i++) {
            seen[x[i] < -SIDE || x[i] > SIDE ? 2 * SIDE + 1 : x[i] + SIDE]++;
            squares += x[i] * x[i];
        }
    }
    for (int v = -SIDE; v <= SIDE + 1; v++) {
        unsigned k = (unsigned)(v < 0 ? -v : v);
        double mass = (double)(gauss_table(k) - (k > 0 ? gauss_table(k - 1) : 0)) / whole;
        mass = v > SIDE ? 1 - (double)gauss_table(SIDE) / whole : k > 0 ? mass / 2 : mass;
        chi += (seen[v + SIDE] - total * mass) * (seen[v + SIDE] - total * mass) / (total * mass);
    }
    assert_true(chi < 88);
    assert_true(squares / total > 24.7 && squares / total < 25.3);
    assert_int_equal(gauss_draw(y, g, BATCHES - 1), PT_OK);
    assert_memory_equal(x, y, sizeof x); /* the same stream, the same draws */
    assert_int_equal(gauss_draw(y, g, BATCHES), PT_OK);
    assert_memory_not_equal(x, y, sizeof x);
    prg_free(g);
}

static void failure_leaves_zeros(void **state)
{
    static int8_t x[GAUSS_COUNT];

    (void)state;
    memset(x, 1, sizeof x);
    assert_int_equal(gauss_draw(x, NULL, 0), PT_EBUG);
    for (size_t i = 0; i < GAUSS_COUNT; i++)
        assert_int_equal(x[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_the_gaussian),
        cmocka_unit_test(draws_follow_the_table),
        cmocka_unit_test(failure_leaves_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
