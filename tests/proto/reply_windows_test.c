/* Goal: an answer over more slots than a window holds is the exact inner product over all of them, and the noise
 * paid for; the host is asked for every slot of every row once, window by window; how many threads there are
 * does not show. */
#include "proto/reply.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/proto_fixture.h"

enum { SLOTS = 1 << 19, ROWS_MAX = 8 };

struct world {
    struct fixture_epoch epoch; /* its data are not looked at */
    struct rlwe *rlwe;
    struct rlwe_key *keys[FIXTURE_COLUMNS_MAX];
    struct span columns[FIXTURE_COLUMNS_MAX];
    struct digest digests[FIXTURE_COLUMNS_MAX];
    uint64_t window, next; /* the window under way; slots asked for so far */
    size_t slots, windows;
    uint64_t asked[ROWS_MAX]; /* slots, by row */
};
static struct world world;

/* One person every 300 slots, so that the sum stays within what the fixture's epoch announced. */
static int8_t entry(size_t row, uint64_t slot)
{
    return (int8_t)(slot % 300 != 7 || (row > 0 && slot % 7 == 0) ? 0 : slot % 2 ? 1 : -1);
}

static int8_t column_entry(size_t column, uint64_t slot)
{
    return (int8_t)(slot % 3 == column % 3 ? entry(0, slot) : 0);
}

static enum pt_code window(void *self, const struct question *q, const struct reply_part *at,
                           struct pt_err *err)
{
    struct world *w = self;

    (void)q;
    (void)err;
    assert_int_equal(at->first, w->next);
    assert_int_equal(at->first % RLWE_DEGREE, 0);
    w->window = at->first;
    w->slots = at->slots;
    w->next = (at->first + at->slots) % SLOTS;
    w->windows++;
    return PT_OK;
}

static enum pt_code row(void *self, const struct question *q, const struct reply_part *at,
                        int8_t *values, uint64_t *size, struct pt_err *err)
{
    struct world *w = self;

    (void)q;
    (void)err;
    assert_int_equal(at->first, w->window);
    assert_int_equal(at->slots, w->slots);
    *size = 0;
    for (size_t t = 0; t < at->slots; t++) {
        values[t] = entry(at->row, at->first + t);
        *size += values[t] != 0;
    }
    w->asked[at->row] += at->slots;
    return PT_OK;
}

static void encrypt(struct world *w, size_t j)
{
    const size_t bytes = rlwe_block_bytes(w->rlwe);
    uint8_t *out = malloc(rlwe_column_bytes(w->rlwe));
    int8_t values[RLWE_DEGREE];

    assert_non_null(out);
    assert_int_equal(rlwe_key_new(&w->keys[j], w->rlwe, &(struct key32){{3, (uint8_t)j}}), PT_OK);
    for (uint64_t k = 0; k <= rlwe_block_count(w->rlwe); k++) {
        for (uint64_t t = 0; t < RLWE_DEGREE; t++)
            values[t] = column_entry(j, k * RLWE_DEGREE + t);
        assert_int_equal(rlwe_encrypt_block(out + k * bytes, w->rlwe, w->keys[j], k,
                                            k < rlwe_block_count(w->rlwe) ? values : NULL),
                         PT_OK);
    }
    w->columns[j] = span_of(out, rlwe_column_bytes(w->rlwe));
    reply_column_digest(&w->digests[j], w->columns[j]);
}

/* Two at once, as far as the job can tell; the last part first. */
static void backwards(void *self, size_t count, void (*part)(void *, size_t), void *context)
{
    (void)self;
    for (size_t i = count; i-- > 0;)
        part(context, i);
}

static void answer(struct reply *out, bool threads)
{
    struct pt_err err = {0};
    struct world *w = &world;
    const struct reply_in in = {
        .policy = w->epoch.policy,
        .question = &w->epoch.question,
        .pair = w->epoch.pair,
        .rlwe = w->rlwe,
        .columns = w->columns,
        .column_digests = w->digests,
        .column_count = w->epoch.column_count,
        .noise_key = &w->epoch.noise_key,
        .host = {.self = w,
                 .window = window,
                 .row = row,
                 .parallel = {.width = threads ? 2 : 0, .run = threads ? backwards : NULL}}};

    w->next = 0;
    w->windows = 0;
    memset(w->asked, 0, sizeof w->asked);
    if (reply_make(out, &in, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_true(w->windows > 1);
    assert_int_equal(w->next, 0);
    for (size_t i = 0; i < w->epoch.row_count; i++)
        assert_int_equal(w->asked[i], SLOTS);
}

static void check_row(const struct reply *r, const double *values, size_t i)
{
    const struct world *w = &world;
    struct budget_price price;
    double size = 0;

    budget_price(&price, w->epoch.policy, &w->epoch.question, rlwe_delta(w->rlwe));
    for (uint64_t t = 0; t < SLOTS; t++)
        size += entry(i, t) != 0;
    assert_true(fabs((double)r->sizes[i] - size) < 6 * budget_sigma(price.margin));
    for (size_t j = 0; j < w->epoch.column_count; j++) {
        const double sigma = budget_sigma(i == 0 || j == 0 ? price.margin : price.cell);
        double exact = 0;
        for (uint64_t t = 0; t < SLOTS; t++)
            exact += entry(i, t) * column_entry(j, t);
        assert_true(fabs(values[i * w->epoch.column_count + j] - exact) < 6 * sigma + 1);
    }
}

static void windows_add_up(void **state)
{
    struct world *w = &world;
    double values[ROWS_MAX * FIXTURE_COLUMNS_MAX];
    struct span rows[ROWS_MAX];
    struct reply r;
    struct reply other;
    struct pt_err err = {0};

    (void)state;
    answer(&r, false);
    answer(&other, true);
    for (size_t i = 0; i < r.row_count; i++) {
        rows[i] = buf_span(&r.rows[i]);
        assert_int_equal(r.rows[i].n, other.rows[i].n);
        assert_memory_equal(r.rows[i].p, other.rows[i].p, r.rows[i].n);
        assert_int_equal(r.sizes[i], other.sizes[i]);
    }
    const struct reply_open_in in = {.rlwe = w->rlwe,
                                     .rows = rows,
                                     .row_count = r.row_count,
                                     .keys = w->keys,
                                     .column_count = w->epoch.column_count};
    assert_int_equal(reply_open(values, &in, &err), PT_OK);
    for (size_t i = 0; i < r.row_count; i++)
        check_row(&r, values, i);
    reply_free(&r);
    reply_free(&other);
}

static int set_up(void **state)
{
    struct world *w = &world;
    struct pt_err err = {0};

    (void)state;
    fixture_epoch_init(&w->epoch, fixture_three(), "crosstab");
    assert_true(w->epoch.row_count <= ROWS_MAX);
    w->epoch.header.slot_count = SLOTS;
    assert_int_equal(epoch_pair_rlwe(&w->rlwe, w->epoch.policy, &w->epoch.pair, &err), PT_OK);
    for (size_t j = 0; j < w->epoch.column_count; j++)
        encrypt(w, j);
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = &world;
    struct policy *p = (struct policy *)(uintptr_t)w->epoch.policy;

    (void)state;
    for (size_t j = 0; j < w->epoch.column_count; j++) {
        rlwe_key_free(w->keys[j]);
        free((void *)(uintptr_t)w->columns[j].p);
    }
    rlwe_free(w->rlwe);
    fixture_epoch_free(&w->epoch);
    policy_free(p);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(windows_add_up)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
