/* Goal: is one person, who spends as much as counts, a customer of the partner's? A value's counts, sums
 * and sums of squares together say no more than is charged.
 * Method: tests/game.h over answers, at the policy's price and where the bound is visible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/game.h"
#include "tests/proto_fixture.h"

enum { NUMBER = 50, DEAR = 500000000 }; /* a number at its bound, centred */

struct number {
    struct policy *policy;
    struct fixture_epoch epoch;
    struct budget_price price;
    size_t slot;
    uint64_t others[REPLY_VALUE_ROWS];
    int64_t known[REPLY_VALUE_ROWS * FIXTURE_COLUMNS_MAX];
};

static void lay(struct number *n, bool there)
{
    struct fixture_epoch *e = &n->epoch;
    const int8_t sign = e->f[0][n->slot];

    e->g[REPLY_COUNTS][n->slot] = e->g[REPLY_NUMBERS][n->slot] = e->more[n->slot] = 0;
    e->size[REPLY_COUNTS] = n->others[REPLY_COUNTS] + there;
    e->size[REPLY_NUMBERS] = n->others[REPLY_NUMBERS] + (there ? NUMBER * NUMBER : 0);
    if (there) {
        e->g[REPLY_COUNTS][n->slot] = sign;
        e->g[REPLY_NUMBERS][n->slot] = (int8_t)(sign * NUMBER);
    }
}

/* Somebody in one group, and so in two columns: all, and that. */
static size_t find_target(const struct fixture_epoch *e)
{
    for (size_t t = 0; t < FIXTURE_SLOTS; t++) {
        size_t in = 0;
        for (size_t j = 1; j < e->column_count; j++)
            in += e->f[j][t] != 0;
        if (e->f[0][t] != 0 && in == 1)
            return t;
    }
    fail_msg("nobody is in one group");
    return 0;
}

static void init(struct number *n, uint64_t rho_nano)
{
    struct fixture_epoch *e = &n->epoch;

    memset(n, 0, sizeof *n);
    n->policy = fixture_value();
    if (rho_nano != 0)
        n->policy->privacy.table_rho_nano = rho_nano;
    fixture_epoch_init(e, n->policy, "value");
    budget_price(&n->price, n->policy, &e->question, rlwe_delta(e->rlwe));
    n->slot = find_target(e);
    n->others[REPLY_COUNTS] = e->size[REPLY_COUNTS] - (e->g[REPLY_COUNTS][n->slot] != 0);
    n->others[REPLY_NUMBERS] = e->size[REPLY_NUMBERS];
    lay(n, false);
    for (size_t i = 0; i < REPLY_VALUE_ROWS; i++)
        for (size_t j = 0; j < e->column_count; j++)
            n->known[i * e->column_count + j] = fixture_exact(e, i, j);
}

static enum pt_code row(void *self, const struct question *q, const struct reply_part *at,
                        int8_t *values, uint64_t *size, struct pt_err *err)
{
    const struct number *n = self;

    (void)q;
    (void)err;
    fixture_row(values, size, &n->epoch, at);
    return PT_OK;
}

static void ask(const struct number *n, struct reply *reply, double *values)
{
    const struct fixture_epoch *e = &n->epoch;
    struct span columns[FIXTURE_COLUMNS_MAX];
    struct span rows[REPLY_VALUE_ROWS];
    struct digest digests[FIXTURE_COLUMNS_MAX];
    struct pt_err err = {0};
    void *self;

    memcpy(&self, &n, sizeof self);
    for (size_t j = 0; j < e->column_count; j++) {
        columns[j] = buf_span(&e->bytes[j]);
        digests[j] = e->columns[j].digest;
    }
    const struct reply_in in = {.policy = n->policy,
                                .question = &e->question,
                                .pair = e->pair,
                                .rlwe = e->rlwe,
                                .columns = columns,
                                .column_digests = digests,
                                .column_count = e->column_count,
                                .noise_key = &e->noise_key,
                                .host = {.self = self, .row = row}};
    if (reply_make(reply, &in, &err) != PT_OK)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < REPLY_VALUE_ROWS; i++)
        rows[i] = buf_span(&reply->rows[i]);
    const struct reply_open_in open = {.rlwe = e->rlwe,
                                       .rows = rows,
                                       .row_count = REPLY_VALUE_ROWS,
                                       .keys = e->keys,
                                       .column_count = e->column_count};
    if (reply_open(values, &open, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

/* A figure that the person moves by shift, in units of `unit`, whose noise is as wide as unit times v. */
static double ratio(double off, double shift, struct budget_variance v)
{
    const double s = budget_sigma(v);

    return (off * shift - shift * shift / 2) / (s * s);
}

static double asks(void *self, bool there, const struct key32 *seed)
{
    struct number *n = self;
    const struct fixture_epoch *e = &n->epoch;
    double values[REPLY_VALUE_ROWS * FIXTURE_COLUMNS_MAX] = {0};
    struct reply reply;

    lay(n, there);
    n->epoch.noise_key = *seed;
    ask(n, &reply, values);
    double sum = ratio((double)reply.sizes[REPLY_COUNTS] - (double)n->others[REPLY_COUNTS], 1,
                       n->price.margin) +
                 ratio((double)reply.sizes[REPLY_NUMBERS] - (double)n->others[REPLY_NUMBERS],
                       NUMBER * NUMBER, n->price.square);
    for (size_t i = 0; i < REPLY_VALUE_ROWS; i++)
        for (size_t j = 0; j < e->column_count; j++) {
            const size_t at = i * e->column_count + j;
            const double unit = i == REPLY_NUMBERS ? NUMBER : 1;
            const double shift = e->f[0][n->slot] * e->f[j][n->slot];
            sum += ratio((values[at] - (double)n->known[at]) / unit, shift,
                         j == 0 ? n->price.margin : n->price.cell);
        }
    reply_free(&reply);
    return sum;
}

static void play(const char *name, uint64_t rho_nano)
{
    static struct number n;

    init(&n, rho_nano);
    game_play(&(struct game){.name = name,
                             .bound = game_bound(n.price.charge_nano),
                             .end = GAME_ATTAINED,
                             .self = &n,
                             .look = asks});
    fixture_epoch_free(&n.epoch);
    policy_free(n.policy);
}

static void a_value(void **state)
{
    (void)state;
    play("membership, a value", 0);
    play("the same value, at 250 times the price", DEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
