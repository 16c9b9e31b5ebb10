/* One question between two nodes in memory: the answer against the exact inner products, what is
 * paid when, and every deviation of either side. */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "proto/ask.h"
#include "tests/proto_fixture.h"

struct asking {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_epoch epoch;
    struct fixture_link link;
    struct ask_recipient recipient;
    struct ask_evaluator evaluator;
    struct pt_err err;
    enum pt_code rc;
};

static struct fixture_node *node(struct asking *a, const char *name)
{
    return &a->nodes[policy_find_partner(a->policy, name)];
}

static void set_up(struct asking *a, const char *kind)
{
    memset(a, 0, sizeof *a);
    a->policy = fixture_three();
    fixture_nodes(a->nodes, a->policy);
    fixture_epoch_init(&a->epoch, a->policy, kind);
    fixture_epoch_join(&a->epoch, a->nodes);
}

/* A session from the greeting to the evaluator's attached rows. */
static void greet(struct asking *a)
{
    struct ask_evaluator_in in = fixture_evaluator_in(&a->epoch);

    fixture_link_free(&a->link);
    ask_recipient_free(&a->recipient);
    ask_evaluator_free(&a->evaluator);
    fixture_greet(&a->link, node(a, "freshmart"), node(a, "drinkco"), WHAT_ASK);
    assert_int_equal(ask_evaluator_begin(&a->evaluator, &a->link.accepter, &in, &a->err), PT_OK);
}

static void tear_down(struct asking *a)
{
    fixture_link_free(&a->link);
    ask_recipient_free(&a->recipient);
    ask_evaluator_free(&a->evaluator);
    fixture_epoch_free(&a->epoch);
    policy_free(a->policy);
}

static void ask(struct asking *a)
{
    struct ask_recipient_in in = fixture_recipient_in(&a->epoch, &a->recipient);

    a->rc = ask_recipient_begin(&a->recipient, &a->link.opener, &in, &a->link.to_accepter, &a->err);
}

static bool opener_step(struct asking *a)
{
    return fixture_step(&a->link.opener, &a->link.to_opener, &a->link.to_accepter, &a->rc, &a->err);
}
static bool accepter_step(struct asking *a)
{
    return fixture_step(&a->link.accepter, &a->link.to_accepter, &a->link.to_opener, &a->rc,
                        &a->err);
}

/* Everything that is on its way, until nobody has anything to say or a step fails. */
static void run(struct asking *a)
{
    bool moved = a->rc == PT_OK;

    while (moved && a->rc == PT_OK) {
        moved = accepter_step(a);
        if (a->rc == PT_OK && ask_evaluator_checking(&a->evaluator))
            a->rc = ask_evaluator_check(&a->evaluator, &a->link.to_opener, &a->err);
        if (a->rc == PT_OK && ask_evaluator_ready(&a->evaluator))
            a->rc = ask_evaluator_answer(&a->evaluator, &a->link.to_opener, &a->err);
        if (a->rc == PT_OK)
            moved = opener_step(a) || moved;
        while (a->rc == PT_OK && ask_recipient_sending(&a->recipient)) {
            a->rc = ask_recipient_send(&a->recipient, &a->link.to_accepter, &a->err);
            moved = true;
        }
    }
}

static void refused_with(struct asking *a, enum refusal why)
{
    struct pt_err err = {0};
    enum pt_code rc = PT_OK;

    assert_int_not_equal(a->rc, PT_OK);
    assert_string_not_equal(a->err.msg, "");
    assert_int_equal(a->link.accepter.state, SESSION_FAILED);
    assert_string_equal(refusal_name(a->link.accepter.refusal), refusal_name(why));
    /* The peer gets that word; its own sentence says who and what. */
    while (a->link.opener.state != SESSION_FAILED &&
           fixture_step(&a->link.opener, &a->link.to_opener, &a->link.to_accepter, &rc, &err))
        ;
    assert_true(a->link.opener.refused_by_peer);
    assert_int_equal(a->link.opener.refusal, why);
    assert_non_null(strstr(err.msg, refusal_name(why)));
    assert_false(ask_recipient_answered(&a->recipient));
}

static void open_values(struct asking *a, double *values)
{
    struct span rows[FIXTURE_COLUMNS_MAX];
    struct reply_open_in in = {.rlwe = a->epoch.rlwe,
                               .rows = rows,
                               .row_count = a->recipient.row_count,
                               .keys = a->epoch.keys,
                               .column_count = a->epoch.column_count};

    for (size_t i = 0; i < a->recipient.row_count; i++)
        rows[i] = buf_span(&a->recipient.rows[i]);
    assert_int_equal(reply_open(values, &in, &a->err), PT_OK);
}

/* Goal: a crosstab comes home within its noise, for every cell, margin and size.
 * Method: data known to the test; 6 sigma of the price's own variance is passed once in 10^9. */
static void crosstab_is_the_inner_products_within_noise(void **state)
{
    double values[FIXTURE_COLUMNS_MAX * FIXTURE_COLUMNS_MAX];
    struct budget_price price;
    static struct asking a;
    double distance = 0;

    (void)state;
    set_up(&a, "crosstab");
    greet(&a);
    ask(&a);
    run(&a);
    if (a.rc != PT_OK)
        fail_msg("%s", a.err.msg);
    assert_int_equal(a.link.opener.state, SESSION_DONE);
    assert_int_equal(a.link.accepter.state, SESSION_DONE);
    assert_true(ask_recipient_answered(&a.recipient));
    assert_int_equal(a.recipient.row_count, 4);
    open_values(&a, values);
    budget_price(&price, a.policy, &a.epoch.question, rlwe_delta(a.epoch.rlwe));
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            double sigma = budget_sigma(i == 0 || j == 0 ? price.margin : price.cell);
            double off = fabs(values[i * 4 + j] - (double)fixture_exact(&a.epoch, i, j));
            assert_true(off < 6 * sigma + 1);
            distance += off;
        }
        assert_true(fabs((double)a.recipient.sizes[i] - (double)a.epoch.size[i]) <
                    6 * budget_sigma(price.margin));
    }
    assert_true(distance > 16); /* sixteen exact cells would be no noise at all */
    assert_int_equal(a.recipient.charged_nano, price.charge_nano);
    assert_int_equal(a.epoch.charges, 1);
    assert_int_equal(a.epoch.spent_nano, price.charge_nano);
    tear_down(&a);
}

/* Goal: the same question again is the same bytes, for nothing, and sends no column twice. */
static void the_same_question_is_free_and_the_same(void **state)
{
    static struct asking a;
    struct buf first = {0};

    (void)state;
    set_up(&a, "overlap");
    greet(&a);
    ask(&a);
    run(&a);
    assert_int_equal(a.rc, PT_OK);
    assert_true(a.recipient.charged_nano > 0);
    assert_true(buf_add(&first, a.recipient.rows[0].p, a.recipient.rows[0].n));
    int64_t size = a.recipient.sizes[0];
    greet(&a);
    ask(&a);
    run(&a);
    assert_int_equal(a.rc, PT_OK);
    assert_int_equal(a.recipient.charged_nano, 0);
    assert_int_equal(a.recipient.need_count, 0);
    assert_true(span_eq_vartime(buf_span(&first), buf_span(&a.recipient.rows[0])));
    assert_int_equal(a.recipient.sizes[0], size);
    buf_free(&first);
    tear_down(&a);
}

/* Goal: whatever differs, a digest that was announced or a row of the evaluator, all noise differs. */
static void another_question_has_another_noise(void **state)
{
    static struct asking a;
    struct fixture_epoch *e = &a.epoch;
    struct reply one = {0};
    struct reply two = {0};
    struct digest digest;

    (void)state;
    set_up(&a, "overlap");
    e->charged_before_row = true;
    struct ask_evaluator_in host = fixture_evaluator_in(e);
    e->charged_before_row = true;
    const struct span column = buf_span(&e->bytes[0]);
    struct reply_in in = {.policy = a.policy,
                          .question = &e->question,
                          .pair = e->pair,
                          .rlwe = e->rlwe,
                          .columns = &column,
                          .column_digests = &e->columns[0].digest,
                          .column_count = 1,
                          .noise_key = &e->noise_key,
                          .host = host.host.data};
    assert_int_equal(reply_make(&one, &in, &a.err), PT_OK);
    /* Another digest of the same bytes: everything drawn changes. */
    digest = fixture_digest(9);
    in.column_digests = &digest;
    assert_int_equal(reply_make(&two, &in, &a.err), PT_OK);
    assert_false(span_eq_vartime(buf_span(&one.rows[0]), buf_span(&two.rows[0])));
    assert_int_not_equal(one.sizes[0], two.sizes[0]);
    reply_free(&two);
    /* One person of the evaluator's moved: likewise, though announced data are the same. */
    in.column_digests = &e->columns[0].digest;
    e->g[0][1] = (int8_t)-e->g[0][1];
    assert_int_equal(reply_make(&two, &in, &a.err), PT_OK);
    assert_int_not_equal(one.sizes[0], two.sizes[0]);
    reply_free(&two);
    /* More people than announced would wrap: our bug, and no answer. */
    memset(e->g[0], 1, sizeof e->g[0]);
    assert_int_equal(reply_make(&two, &in, &a.err), PT_EBUG);
    assert_null(two.rows);
    reply_free(&one);
    tear_down(&a);
}

static void unpaid_is_unanswered(void **state)
{
    static struct asking a;

    (void)state;
    set_up(&a, "overlap");
    greet(&a);
    a.epoch.charge_fails = PT_EDENIED;
    ask(&a);
    run(&a);
    refused_with(&a, REFUSAL_BUDGET_EXHAUSTED);
    greet(&a);
    a.epoch.charge_fails = PT_EIO;
    ask(&a);
    run(&a);
    refused_with(&a, REFUSAL_INTERNAL);
    tear_down(&a);
}

struct countdown { /* an officer stops the evaluator when it has looked so often */
    int looks, stop_after;
    bool told;
};
static bool counts_down(void *self, struct span *statement)
{
    struct countdown *c = self;
    bool stopped = c->looks++ >= c->stop_after;

    *statement = span_z(stopped ? "as signed" : "");
    return stopped;
}
static enum pt_code is_told(void *self, struct span statement, struct pt_err *err)
{
    struct countdown *c = self;

    (void)err;
    c->told = statement.n > 0;
    return PT_OK;
}
static bool never(void *self, struct span *statement)
{
    (void)self;
    *statement = (struct span){0};
    return false;
}

/* Goal: an officer's stop holds from the next message on, whichever it is: no answer leaves, the
 * asker is told, and a question that was not yet charged is not charged any more. Method: the stop
 * comes at each look in turn, until one comes after the answer. */
static void a_stop_holds_at_each_message(void **state)
{
    static struct asking a;
    int stopped = 0;
    bool answered = false;

    (void)state;
    set_up(&a, "overlap");
    for (int after = 0; !answered; after++) {
        struct countdown c = {.stop_after = INT_MAX};
        node(&a, "drinkco")->self.stop = (struct session_stop){&c, counts_down, is_told};
        node(&a, "freshmart")->self.stop = (struct session_stop){&c, never, is_told};
        a.rc = PT_OK;
        a.epoch.charges = 0;
        greet(&a);
        c = (struct countdown){.stop_after = after};
        ask(&a);
        run(&a);
        answered = ask_recipient_answered(&a.recipient);
        if (answered)
            break;
        refused_with(&a, REFUSAL_STOPPED_BY_OFFICER);
        assert_true(c.told);
        assert_true(after > 0 || a.epoch.charges == 0);
        stopped++;
    }
    assert_true(stopped >= 3); /* question, columns, answer at least */
    tear_down(&a);
}

/* The noisy size decides, and the refusal costs what the answer costs. */
static void small_audience_is_refused_and_paid(void **state)
{
    static struct asking a;

    (void)state;
    set_up(&a, "overlap");
    a.epoch.size[0] = 300; /* minimum_audience is 1000, sigma 63 */
    greet(&a);
    ask(&a);
    run(&a);
    refused_with(&a, REFUSAL_AUDIENCE_TOO_SMALL);
    assert_int_equal(a.epoch.charges, 1);
    assert_true(a.epoch.spent_nano > 0);
    tear_down(&a);
}

/* A second ciphertext under a name of this epoch. */
static void a_name_means_one_ciphertext(void **state)
{
    static struct asking a;

    (void)state;
    set_up(&a, "overlap");
    greet(&a);
    ask(&a);
    run(&a);
    assert_int_equal(a.rc, PT_OK);
    greet(&a);
    a.epoch.bytes[0].p[5] ^= 1;
    reply_column_digest(&a.epoch.columns[0].digest, buf_span(&a.epoch.bytes[0]));
    ask(&a);
    run(&a);
    refused_with(&a, REFUSAL_FROZEN);
    assert_int_equal(a.epoch.charges, 1);
    tear_down(&a);
}

static void wrong_digest(struct asking *a)
{
    a->epoch.columns[0].digest.b[0] ^= 1;
}
static void large_coefficient(struct asking *a)
{
    for (size_t plane = 0; plane < 5; plane++)
        a->epoch.bytes[0].p[plane * RLWE_DEGREE] = 0xff;
    reply_column_digest(&a->epoch.columns[0].digest, buf_span(&a->epoch.bytes[0]));
}
static void other_name(struct asking *a)
{
    a->epoch.columns[0].name.n--;
}
static void short_column(struct asking *a)
{
    a->epoch.columns[0].bytes = --a->epoch.bytes[0].n;
    reply_column_digest(&a->epoch.columns[0].digest, buf_span(&a->epoch.bytes[0]));
}
static void long_column(struct asking *a)
{
    assert_true(buf_u8(&a->epoch.bytes[0], 0));
    a->epoch.columns[0].bytes = a->epoch.bytes[0].n;
    reply_column_digest(&a->epoch.columns[0].digest, buf_span(&a->epoch.bytes[0]));
}
static void foreign_question(struct asking *a)
{
    a->epoch.question.asker = (uint16_t)policy_find_partner(a->policy, "homeware");
}
static void foreign_epoch(struct asking *a)
{
    fixture_name(&a->epoch.header, 1, "homeware");
}

/* Goal: whatever a recipient sends that is not the question's columns is refused by name, and
 * nothing is charged. */
static void recipients_that_deviate_are_refused(void **state)
{
    static const struct {
        const char *what;
        void (*change)(struct asking *);
        enum refusal refusal;
    } cases[] = {
        {"wrong digest", wrong_digest, REFUSAL_BAD_MESSAGE},
        {"coefficient >= q", large_coefficient, REFUSAL_BAD_MESSAGE},
        {"another name", other_name, REFUSAL_BAD_MESSAGE},
        {"short column", short_column, REFUSAL_BAD_MESSAGE},
        {"long column", long_column, REFUSAL_BAD_MESSAGE},
        {"in another's name", foreign_question, REFUSAL_WRONG_PARTY},
        {"not in the epoch", foreign_epoch, REFUSAL_EPOCH_MISMATCH},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        static struct asking a;
        print_message("%s\n", cases[i].what);
        set_up(&a, "overlap");
        greet(&a);
        cases[i].change(&a);
        ask(&a);
        run(&a);
        refused_with(&a, cases[i].refusal);
        assert_int_equal(a.epoch.charges, 0);
        tear_down(&a);
    }
}

/* Send one frame that a correct recipient would not send now. */
static void expect_bad_frame(struct asking *a, struct frame *f, struct session *from)
{
    assert_int_equal(session_send(from, f, &a->link.to_accepter, &a->err), PT_OK);
    while (a->rc == PT_OK && accepter_step(a))
        ;
    refused_with(a, REFUSAL_BAD_MESSAGE);
}

/* Goal: state table of the evaluator: Question, then ColumnPart, nothing else, nothing twice. */
static void evaluator_accepts_only_its_rows(void **state)
{
    static const enum frame_kind wrong[] = {FRAME_BATCH, FRAME_EPOCH_DONE, FRAME_NEED,
                                            FRAME_COLUMN_PART};
    static struct asking a;

    (void)state;
    for (size_t i = 0; i < PT_LEN(wrong); i++) {
        struct frame f = {.kind = wrong[i]};
        if (wrong[i] == FRAME_BATCH)
            f.u.batch = (struct wire_batch){1, 1, 0};
        if (wrong[i] == FRAME_COLUMN_PART)
            f.u.column_part = (struct wire_column_part){0, 0, span_z("x")};
        set_up(&a, "overlap");
        greet(&a);
        expect_bad_frame(&a, &f, &a.link.opener);
        tear_down(&a);
    }
    /* A part of the right column at a wrong place, then of a wrong column. */
    for (uint32_t i = 0; i < 2; i++) {
        struct frame f = {.kind = FRAME_COLUMN_PART};
        f.u.column_part = (struct wire_column_part){i, 1 - i, span_z("x")};
        set_up(&a, "overlap");
        greet(&a);
        ask(&a);
        assert_true(accepter_step(&a));
        assert_int_equal(a.rc, PT_OK);
        expect_bad_frame(&a, &f, &a.link.opener);
        tear_down(&a);
    }
}

/* The evaluator's frames, changed on the way: what a recipient that is told something else does. */
static void evaluators_that_deviate_are_noticed(void **state)
{
    enum { NEED_TOO_MUCH, ROW_TWICE, ROW_SHORT, NO_ROW, SIZE, DATASET, PRICE, CASES };

    (void)state;
    for (int what = 0; what < CASES; what++) {
        static struct asking a;
        struct frame f = {.kind = FRAME_REPLY};
        int64_t size = 5;
        uint32_t need = 1;
        set_up(&a, "overlap");
        greet(&a);
        ask(&a);
        struct session *e = &a.link.accepter;
        size_t row_bytes = reply_row_bytes(a.epoch.rlwe, 1);
        uint8_t *zeros = calloc(row_bytes, 1);
        if (what == NEED_TOO_MUCH) {
            f.kind = FRAME_NEED;
            f.u.need = (struct wire_need){&need, 1};
        } else {
            struct frame n = {.kind = FRAME_NEED};
            assert_int_equal(session_send(e, &n, &a.link.to_opener, &a.err), PT_OK);
            f.u.reply = (struct wire_reply){0, span_of(zeros, row_bytes - (what == ROW_SHORT))};
            if (what != ROW_SHORT && what != NO_ROW)
                assert_int_equal(session_send(e, &f, &a.link.to_opener, &a.err), PT_OK);
            f.u.reply.row = what == ROW_TWICE;
        }
        if (what >= NO_ROW) {
            f.kind = FRAME_ANSWER;
            f.u.answer = (struct wire_answer){.sizes = &size, .size_count = 1};
            f.u.answer.dataset = a.epoch.header.participants[a.epoch.pair.evaluator].dataset;
            f.u.answer.dataset.b[3] ^= what == DATASET;
            f.u.answer.charged_nano = what == PRICE ? UINT64_MAX : 0;
        }
        assert_int_equal(session_send(e, &f, &a.link.to_opener, &a.err), PT_OK);
        while (a.rc == PT_OK && opener_step(&a))
            ;
        assert_int_equal(a.rc, PT_EBADMSG);
        assert_int_equal(a.link.opener.state, SESSION_FAILED);
        assert_int_equal(strstr(a.err.msg, "another price") != NULL, what == PRICE);
        assert_false(ask_recipient_answered(&a.recipient));
        free(zeros);
        tear_down(&a);
    }
}

/* Replies with a coefficient that is not below q, or of another length, open to nothing. */
static void bad_replies_do_not_open(void **state)
{
    static struct asking a;
    double value = 1;

    (void)state;
    set_up(&a, "overlap");
    greet(&a);
    ask(&a);
    run(&a);
    assert_int_equal(a.rc, PT_OK);
    struct span row = buf_span(&a.recipient.rows[0]);
    struct reply_open_in in = {a.epoch.rlwe, &row, 1, a.epoch.keys, 1};
    row.n--;
    assert_int_equal(reply_open(&value, &in, &a.err), PT_EBADMSG);
    row.n += 2;
    assert_true(buf_u8(&a.recipient.rows[0], 0));
    row.p = a.recipient.rows[0].p;
    assert_int_equal(reply_open(&value, &in, &a.err), PT_EBADMSG);
    row.n--;
    memset(a.recipient.rows[0].p, 0xff, a.recipient.rows[0].n);
    assert_int_equal(reply_open(&value, &in, &a.err), PT_EBADMSG);
    assert_true(value == 0);
    assert_non_null(strstr(a.err.msg, "row 0 of 1"));
    tear_down(&a);
}

static void column_names_say_what_they_hold(void **state)
{
    const char *where[] = {"segment=new", "drinkco.tier=gold"};
    struct question_words words = {.kind = "crosstab",
                                   .asker = "freshmart",
                                   .with = "drinkco",
                                   .rows = "buys",
                                   .columns = "drinkco.tier",
                                   .where = where,
                                   .where_count = 2};
    struct policy *p = fixture_three();
    struct pt_err err = {0};
    struct question q;
    struct buf name = {0};

    (void)state;
    assert_int_equal(question_from_words(&q, p, &words, &err), PT_OK);
    assert_int_equal(reply_column_count(p, &q), 9);
    assert_int_equal(reply_row_count(p, &q), 4);
    assert_int_equal(reply_column_name(&name, p, &q, 0, &err), PT_OK);
    assert_true(text_eq(buf_span(&name), "all\nwhere=freshmart.segment=new"));
    name.n = 0;
    assert_int_equal(reply_column_name(&name, p, &q, 2, &err), PT_OK);
    assert_true(text_eq(buf_span(&name), "buys=vegetables\nwhere=freshmart.segment=new"));
    /* Three values a person in a table: three counters. */
    assert_int_equal(reply_counter_count(p, &q), 3);
    name.n = 0;
    assert_int_equal(reply_column_name(&name, p, &q, 11, &err), PT_OK);
    assert_true(text_eq(buf_span(&name), "buys>2\nwhere=freshmart.segment=new"));
    assert_int_equal(reply_column_name(&name, p, &q, 12, &err), PT_EBUG);
    assert_int_equal(reply_group_count(64), 1);
    assert_int_equal(reply_group_count(65), 2);
    buf_free(&name);
    policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crosstab_is_the_inner_products_within_noise),
        cmocka_unit_test(the_same_question_is_free_and_the_same),
        cmocka_unit_test(another_question_has_another_noise),
        cmocka_unit_test(unpaid_is_unanswered),
        cmocka_unit_test(a_stop_holds_at_each_message),
        cmocka_unit_test(small_audience_is_refused_and_paid),
        cmocka_unit_test(a_name_means_one_ciphertext),
        cmocka_unit_test(recipients_that_deviate_are_refused),
        cmocka_unit_test(evaluator_accepts_only_its_rows),
        cmocka_unit_test(evaluators_that_deviate_are_noticed),
        cmocka_unit_test(bad_replies_do_not_open),
        cmocka_unit_test(column_names_say_what_they_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
