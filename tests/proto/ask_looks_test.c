/* Goal: one question in looks between two nodes in memory: each look's answer is over its slots, for its
 * part of the price, with noise of its own; columns travel once; all looks are no more than the price.
 * Method: data known to the test; 6 sigma of the price's own variance is passed once in 10^9. */
#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ask.h"
#include "tests/proto_fixture.h"

enum { LOOKS = QUESTION_SLOTS_COUNT, CELLS = FIXTURE_COLUMNS_MAX * FIXTURE_COLUMNS_MAX };

struct asking {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_epoch epoch;
    struct fixture_link link;
    struct ask_recipient recipient;
    struct ask_evaluator evaluator;
};

static struct fixture_node *node(struct asking *a, const char *name)
{
    return &a->nodes[policy_find_partner(a->policy, name)];
}

static void look(struct asking *a, const char *kind, enum question_slots slots)
{
    const bool table = strcmp(kind, "crosstab") == 0;
    const struct question_words words = {
        .kind = kind,
        .asker = "freshmart",
        .with = "drinkco",
        .rows = table ? "segment" : NULL,
        .columns = table ? "drinkco.tier" : NULL,
        .slots = slots != QUESTION_SLOTS_WHOLE ? question_slots_name(slots) : NULL};
    struct pt_err err = {0};

    assert_int_equal(question_from_words(&a->epoch.question, a->policy, &words, &err), PT_OK);
    struct fixture_link *l = &a->link;
    enum pt_code rc = PT_OK;
    fixture_link_free(l);
    ask_recipient_free(&a->recipient);
    ask_evaluator_free(&a->evaluator);
    const struct ask_evaluator_in answers = fixture_evaluator_in(&a->epoch);
    const struct ask_recipient_in asks = fixture_recipient_in(&a->epoch, &a->recipient);
    fixture_greet(l, node(a, "freshmart"), node(a, "drinkco"), WHAT_ASK);
    assert_int_equal(ask_evaluator_begin(&a->evaluator, &l->accepter, &answers, &err), PT_OK);
    assert_int_equal(ask_recipient_begin(&a->recipient, &l->opener, &asks, &l->to_accepter, &err),
                     PT_OK);
    while (rc == PT_OK && l->opener.state != SESSION_DONE) {
        while (rc == PT_OK && ask_recipient_sending(&a->recipient))
            rc = ask_recipient_send(&a->recipient, &l->to_accepter, &err);
        while (rc == PT_OK &&
               fixture_step(&l->accepter, &l->to_accepter, &l->to_opener, &rc, &err)) {
            if (ask_evaluator_checking(&a->evaluator))
                rc = ask_evaluator_check(&a->evaluator, &l->to_opener, &err);
            if (rc == PT_OK && ask_evaluator_ready(&a->evaluator))
                rc = ask_evaluator_answer(&a->evaluator, &l->to_opener, &err);
        }
        while (rc == PT_OK && fixture_step(&l->opener, &l->to_opener, &l->to_accepter, &rc, &err))
            ;
    }
    if (rc != PT_OK)
        fail_msg("%s", err.msg);
}

static void open_values(struct asking *a, double *values)
{
    struct span rows[FIXTURE_COLUMNS_MAX];
    struct pt_err err = {0};
    const struct reply_open_in in = {.rlwe = a->epoch.rlwe,
                                     .rows = rows,
                                     .row_count = a->recipient.row_count,
                                     .keys = a->epoch.keys,
                                     .column_count = a->epoch.column_count};

    for (size_t i = 0; i < a->recipient.row_count; i++)
        rows[i] = buf_span(&a->recipient.rows[i]);
    assert_int_equal(reply_open(values, &in, &err), PT_OK);
}

static void tear_down(struct asking *a)
{
    fixture_link_free(&a->link);
    ask_recipient_free(&a->recipient);
    ask_evaluator_free(&a->evaluator);
    fixture_epoch_free(&a->epoch);
    policy_free(a->policy);
}

static struct asking *set_up(const char *kind)
{
    static struct asking a;

    memset(&a, 0, sizeof a);
    a.policy = fixture_three();
    fixture_nodes(a.nodes, a.policy);
    fixture_epoch_init(&a.epoch, a.policy, kind);
    fixture_epoch_join(&a.epoch, a.nodes);
    return &a;
}

static int64_t exact(const struct fixture_epoch *e, size_t row, size_t column, uint64_t slots)
{
    int64_t sum = 0;

    for (size_t t = 0; t < slots; t++)
        sum += (int64_t)e->g[row][t] * e->f[column][t];
    return sum;
}

/* Whole blocks, and never less than one: of the fixture's two, half is the least. */
static void slots_are_whole_blocks(void **state)
{
    struct question q = {.slots = QUESTION_SLOTS_SIXTEENTH};

    (void)state;
    assert_int_equal(reply_slots(&q, 1 << 20), 1 << 16);
    assert_int_equal(reply_slots(&q, 1 << 15), 1 << 11);
    assert_int_equal(reply_slots(&q, 1 << 14), 1 << 11);
    assert_int_equal(reply_slots(&q, 1 << 10), 1 << 10);
    q.slots = QUESTION_SLOTS_QUARTER;
    assert_int_equal(reply_slots(&q, 1 << 20), 1 << 18);
    assert_int_equal(reply_slots(&q, FIXTURE_SLOTS), 1 << 11);
    q.slots = QUESTION_SLOTS_LAST;
    assert_int_equal(reply_slots(&q, 1 << 20), 1 << 20);
    q.slots = QUESTION_SLOTS_WHOLE;
    assert_int_equal(reply_slots(&q, 1 << 20), 1 << 20);
}

static void looks_are_the_products_over_their_slots(void **state)
{
    static const char *const KINDS[] = {"overlap", "crosstab"};

    (void)state;
    for (size_t k = 0; k < PT_LEN(KINDS); k++) {
        struct asking *a = set_up(KINDS[k]);
        double values[CELLS];
        double far = 0;
        for (int s = QUESTION_SLOTS_SIXTEENTH; s < LOOKS; s++) {
            struct budget_price price;
            look(a, KINDS[k], (enum question_slots)s);
            open_values(a, values);
            budget_price(&price, a->policy, &a->epoch.question, rlwe_delta(a->epoch.rlwe));
            uint64_t slots = reply_slots(&a->epoch.question, FIXTURE_SLOTS);
            size_t n = a->recipient.row_count;
            assert(n > 0);
            for (size_t i = 0; i < n * n; i++) {
                bool margin = n > 1 && (i / n == 0 || i % n == 0);
                double sigma = budget_sigma(margin ? price.margin : price.cell);
                double off = values[i] - (double)exact(&a->epoch, i / n, i % n, slots);
                assert_true(fabs(off) < 6 * sigma + 1);
                far += off / sigma * (off / sigma);
            }
            /* Sizes are of the whole audience, whatever is looked at. */
            assert_true(fabs((double)a->recipient.sizes[0] - (double)a->epoch.size[0]) <
                        6 * budget_sigma(price.margin));
            assert_int_equal(a->recipient.charged_nano, price.charge_nano);
            assert_int_equal(a->recipient.need_count > 0, s == QUESTION_SLOTS_SIXTEENTH);
        }
        assert_true(far > 0.1); /* no noise at all would be nearer */
        tear_down(a);
    }
}

/* Goal: all three cost what the question costs, but for rounding up; the question itself is another. */
static void all_looks_are_the_price_of_one(void **state)
{
    struct asking *a = set_up("overlap");
    struct budget_price whole;
    double seen[LOOKS];
    uint64_t looks = 0;

    (void)state;
    for (int s = QUESTION_SLOTS_SIXTEENTH; s < LOOKS; s++) {
        look(a, "overlap", (enum question_slots)s);
        open_values(a, &seen[s]);
        looks += a->recipient.charged_nano;
    }
    assert_int_equal(a->epoch.charges, 3);
    look(a, "overlap", QUESTION_SLOTS_WHOLE);
    open_values(a, &seen[QUESTION_SLOTS_WHOLE]);
    budget_price(&whole, a->policy, &a->epoch.question, rlwe_delta(a->epoch.rlwe));
    assert_int_equal(a->recipient.charged_nano, whole.charge_nano);
    assert_true(looks >= whole.charge_nano && looks <= whole.charge_nano + 3);
    for (int s = 0; s < LOOKS; s++)
        for (int t = 0; t < s; t++)
            assert_true(seen[s] != seen[t]);
    /* Each again: for nothing, and the same. */
    for (int s = QUESTION_SLOTS_SIXTEENTH; s < LOOKS; s++) {
        double again;
        look(a, "overlap", (enum question_slots)s);
        open_values(a, &again);
        assert_int_equal(a->recipient.charged_nano, 0);
        assert_true(again == seen[s]);
    }
    tear_down(a);
}

/* Goal: a look knows nothing of the slots that it does not look at.
 * Method: the evaluator's people there are moved about; what changes is the noise alone, which depends on
 * the whole row, so that differences over many rows have the variance of two noises and no more. */
static void other_slots_do_not_matter(void **state)
{
    struct asking *a = set_up("overlap");
    struct fixture_epoch *e = &a->epoch;
    const struct ask_evaluator_in host = fixture_evaluator_in(e);
    const struct span column = buf_span(&e->bytes[0]);
    const struct reply_in in = {.policy = a->policy,
                                .question = &e->question,
                                .pair = e->pair,
                                .rlwe = e->rlwe,
                                .columns = &column,
                                .column_digests = &e->columns[0].digest,
                                .column_count = 1,
                                .noise_key = &e->noise_key,
                                .host = host.host.data};
    enum { ROWS = 24 };
    struct pt_err err = {0};
    double sum = 0;

    (void)state;
    look(a, "overlap", QUESTION_SLOTS_QUARTER);
    const double truth = (double)exact(e, 0, 0, RLWE_DEGREE);
    for (size_t r = 0; r < ROWS; r++) {
        struct reply reply = {0};
        struct span row;
        double value;
        const struct reply_open_in open = {
            .rlwe = e->rlwe, .rows = &row, .row_count = 1, .keys = e->keys, .column_count = 1};
        /* As much as the columns there, all on their side: 476 more, were it looked at. */
        for (size_t t = RLWE_DEGREE; t < FIXTURE_SLOTS; t++)
            e->g[0][t] = (int8_t)(t % ROWS == r ? 0 : e->f[0][t]);
        e->charged_before_row = true;
        assert_int_equal(reply_make(&reply, &in, &err), PT_OK);
        row = buf_span(&reply.rows[0]);
        assert_int_equal(reply_open(&value, &open, &err), PT_OK);
        sum += value - truth;
        reply_free(&reply);
    }
    /* sigma 89.4 a row: 4.5 of them for the mean, and far from 476. */
    assert_true(fabs(sum / ROWS) < 4.5 * 89.5 / sqrt(ROWS));
    tear_down(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_whole_blocks),
        cmocka_unit_test(looks_are_the_products_over_their_slots),
        cmocka_unit_test(all_looks_are_the_price_of_one),
        cmocka_unit_test(other_slots_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
