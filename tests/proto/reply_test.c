/* Goal: a value's answer is its exact inner products and the noise that its price pays for, part by
 * part; what would wrap is refused; the same question is the same bytes. (Crosstabs: ask_test.c.)
 * Method: data known to the test, noise keys one after another, opened with the asker's keys. */
#include "proto/reply.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/proto_fixture.h"

enum { COLUMNS = 4, CELLS = REPLY_VALUE_ROWS * COLUMNS };

static struct fixture_epoch epoch;
static struct span columns[COLUMNS];
static struct digest digests[COLUMNS];

static int set_up(void **state)
{
    (void)state;
    fixture_epoch_init(&epoch, fixture_value(), "value");
    assert_int_equal(epoch.column_count, COLUMNS);
    assert_int_equal(epoch.row_count, REPLY_VALUE_ROWS);
    assert_int_equal(reply_row_values(&epoch.question, FIXTURE_SLOTS), 2 * FIXTURE_SLOTS);
    for (size_t j = 0; j < COLUMNS; j++) {
        columns[j] = buf_span(&epoch.bytes[j]);
        digests[j] = epoch.columns[j].digest;
    }
    epoch.charged_before_row = true; /* the order is ask_test's */
    return 0;
}

static int tear_down(void **state)
{
    struct policy *p = (struct policy *)(uintptr_t)epoch.policy;

    (void)state;
    fixture_epoch_free(&epoch);
    policy_free(p);
    return 0;
}

static struct reply_in asked(void)
{
    return (struct reply_in){.policy = epoch.policy,
                             .question = &epoch.question,
                             .pair = epoch.pair,
                             .rlwe = epoch.rlwe,
                             .columns = columns,
                             .column_digests = digests,
                             .column_count = COLUMNS,
                             .noise_key = &epoch.noise_key,
                             .host = fixture_evaluator_in(&epoch).host.data};
}

static void answer(struct reply *out)
{
    struct reply_in in = asked();
    struct pt_err err = {0};

    epoch.charged_before_row = true;
    if (reply_make(out, &in, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

static void open_reply(double values[CELLS], const struct reply *r)
{
    struct span rows[REPLY_VALUE_ROWS];
    struct pt_err err = {0};
    struct reply_open_in in = {.rlwe = epoch.rlwe,
                               .rows = rows,
                               .row_count = REPLY_VALUE_ROWS,
                               .keys = epoch.keys,
                               .column_count = COLUMNS};

    for (size_t i = 0; i < REPLY_VALUE_ROWS; i++)
        rows[i] = buf_span(&r->rows[i]);
    assert_int_equal(reply_open(values, &in, &err), PT_OK);
}

/* Sum over n draws of (error/sigma)^2: n on average, and within five of its standard deviations. */
static void is_the_price(double square, double n)
{
    assert_true(fabs(square - n) < 5 * sqrt(2 * n));
}

/* Each figure within 6 sigma of the truth (once in 10^9), and the mean square what was paid for: more
 * would be useless, less a leak. Slots of the fixture's numbers reach 230, so that both limbs count. */
static void value_is_the_sums_and_the_noise_paid_for(void **state)
{
    enum { KEYS = 60 };
    double square[REPLY_VALUE_ROWS][2] = {{0}}; /* of "all", of groups */
    double size_square[REPLY_VALUE_ROWS] = {0};
    struct budget_price price;

    (void)state;
    budget_price(&price, epoch.policy, &epoch.question, rlwe_delta(epoch.rlwe));
    for (uint8_t key = 0; key < KEYS; key++) {
        double values[CELLS];
        struct reply r;
        epoch.noise_key.b[0] = key;
        answer(&r);
        open_reply(values, &r);
        for (size_t i = 0; i < REPLY_VALUE_ROWS; i++) {
            for (size_t j = 0; j < COLUMNS; j++) {
                double unit = (i == REPLY_NUMBERS ? 50 : 1) *
                              budget_sigma(j == 0 ? price.margin : price.cell);
                double off = values[i * COLUMNS + j] - (double)fixture_exact(&epoch, i, j);
                assert_true(fabs(off) < 6 * unit + 1);
                square[i][j > 0] += off * off / (unit * unit);
            }
            double sigma = budget_sigma(i == REPLY_NUMBERS ? price.square : price.margin);
            double off = (double)r.sizes[i] - (double)epoch.size[i];
            assert_true(fabs(off) < 6 * sigma);
            size_square[i] += off * off / (sigma * sigma);
        }
        reply_free(&r);
    }
    for (size_t i = 0; i < REPLY_VALUE_ROWS; i++) {
        is_the_price(square[i][0], KEYS);
        is_the_price(square[i][1], KEYS * (COLUMNS - 1));
        is_the_price(size_square[i], KEYS);
    }
}

/* Nothing to average: the same question is the same bytes; a number changed, or where a slot's two
 * limbs meet, is other noise in the row of numbers, and in no other. */
static void the_same_numbers_have_the_same_noise(void **state)
{
    struct reply first;
    struct reply again;

    (void)state;
    answer(&first);
    answer(&again);
    for (size_t i = 0; i < REPLY_VALUE_ROWS; i++) {
        assert_int_equal(first.rows[i].n, again.rows[i].n);
        assert_memory_equal(first.rows[i].p, again.rows[i].p, first.rows[i].n);
        assert_int_equal(first.sizes[i], again.sizes[i]);
    }
    reply_free(&again);
    epoch.more[1] = (int8_t)(epoch.more[1] - 1);
    answer(&again);
    epoch.more[1] = (int8_t)(epoch.more[1] + 1);
    assert_memory_equal(first.rows[REPLY_COUNTS].p, again.rows[REPLY_COUNTS].p,
                        first.rows[REPLY_COUNTS].n);
    assert_memory_not_equal(first.rows[REPLY_NUMBERS].p, again.rows[REPLY_NUMBERS].p,
                            first.rows[REPLY_NUMBERS].n);
    assert_int_not_equal(first.sizes[REPLY_NUMBERS], again.sizes[REPLY_NUMBERS]);
    reply_free(&first);
    reply_free(&again);
}

/* 50 for each customer announced is the bound: one more is refused before it is used. */
static void numbers_beyond_what_was_announced_are_refused(void **state)
{
    struct reply_in in = asked();
    struct reply r;
    struct pt_err err = {0};
    uint64_t sum = 0;
    const uint64_t bound = 50 * epoch.header.participants[epoch.pair.evaluator].padded_size;

    (void)state;
    epoch.charged_before_row = true;
    memset(epoch.g[REPLY_NUMBERS], 0, FIXTURE_SLOTS);
    memset(epoch.more, 0, sizeof epoch.more);
    for (size_t t = 0; sum < bound; t++) {
        epoch.g[REPLY_NUMBERS][t] = (int8_t)(bound - sum < 100 ? bound - sum : 100);
        sum += (uint64_t)epoch.g[REPLY_NUMBERS][t];
    }
    answer(&r);
    reply_free(&r);
    epoch.charged_before_row = true;
    epoch.more[FIXTURE_SLOTS - 1] = -1;
    assert_int_equal(reply_make(&r, &in, &err), PT_EBUG);
    assert_non_null(strstr(err.msg, "row 1 holds more people than the epoch announced"));
    reply_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_the_sums_and_the_noise_paid_for),
        cmocka_unit_test(the_same_numbers_have_the_same_noise),
        cmocka_unit_test(numbers_beyond_what_was_announced_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
