/* Goal: nobody gets two looks for the price of one: neither with a changed ciphertext under one question,
 * nor with a question renamed, nor with rows that change in the middle of an epoch, nor with two
 * counts that differ by one person.
 * Method: each is refused by name, or its answers are no better than what they cost. unkeyed_test.c
 * keys the noise by the epoch alone: there the same attacks win. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/ledger.h"
#include "tests/question_games.h"
#include "tests/scratch.h"

static const int64_t JUNE_S = 1780272000; /* 2026-06-01 00:00:00 UTC: the policy is in force */

static void play(struct game g, const char *name, enum game_end end, uint64_t rho_nano)
{
    g.name = name;
    g.end = end;
    g.bound = game_bound(rho_nano);
    game_play(&g);
}

static void refused_in_session(struct adversary *a, enum refusal expected)
{
    struct adversary_view v;
    enum refusal why;

    assert_false(adversary_session(a, &v, &why));
    assert_string_equal(refusal_name(why), refusal_name(expected));
}

/* An asker in another epoch than the evaluator. */
static void refused_greeting(struct adversary *a, enum refusal expected)
{
    struct fixture_node *asker = &a->nodes[policy_find_partner(a->policy, "freshmart")];
    struct fixture_node *evaluator = &a->nodes[policy_find_partner(a->policy, "drinkco")];
    const struct session_to to = {
        .peer = evaluator->self.partner, .what = WHAT_ASK, .nonce = fixture_digest(1)};
    const struct session_to from = {
        .peer = asker->self.partner, .what = WHAT_ASK, .nonce = fixture_digest(2)};
    struct fixture_link l = {0};
    struct pt_err err = {0};
    enum pt_code rc = PT_OK;

    assert_int_equal(session_open(&l.opener, &asker->self, to, &l.to_accepter, &err), PT_OK);
    session_accept(&l.accepter, &evaluator->self, from);
    assert_true(fixture_step(&l.accepter, &l.to_accepter, &l.to_opener, &rc, &err));
    assert_int_equal(rc, PT_EDENIED);
    assert_string_equal(refusal_name(l.accepter.refusal), refusal_name(expected));
    fixture_link_free(&l);
}

static enum pt_code say(struct session *s, struct span text, const struct wire_column *column,
                        struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_QUESTION};
    struct buf body = {0};

    f.u.question = (struct wire_question){.text = text, .columns = column, .column_count = 1};
    assert_true(buf_field(&body, text) && buf_field(&body, column->name) &&
                buf_add(&body, column->digest.b, sizeof column->digest.b));
    enum pt_code rc =
        session_sign(&f.u.question.signature, s, "patto/question/1", buf_span(&body), err);
    buf_free(&body);
    return rc == PT_OK ? session_send(s, &f, out, err) : rc;
}

/* A question in these very words, signed. */
static enum refusal ask_in_words(struct adversary *a, const char *text)
{
    const struct ask_evaluator_in in = fixture_evaluator_in(&a->epoch);
    const struct wire_column column = {a->epoch.columns[0].name, a->epoch.columns[0].digest};
    struct ask_evaluator *e = calloc(1, sizeof *e);
    struct fixture_link l;
    struct pt_err err = {0};
    enum pt_code rc = PT_OK;

    assert_non_null(e);
    fixture_greet(&l, &a->nodes[policy_find_partner(a->policy, "freshmart")],
                  &a->nodes[policy_find_partner(a->policy, "drinkco")], WHAT_ASK);
    assert_int_equal(ask_evaluator_begin(e, &l.accepter, &in, &err), PT_OK);
    assert_int_equal(say(&l.opener, span_z(text), &column, &l.to_accepter, &err), PT_OK);
    assert_true(fixture_step(&l.accepter, &l.to_accepter, &l.to_opener, &rc, &err));
    const enum refusal why = l.accepter.refusal;
    ask_evaluator_free(e);
    free(e);
    fixture_link_free(&l);
    return why;
}

/* ---- a changed ciphertext under one question ---- */

static void changed_ciphertexts(void **state)
{
    static struct adversary_pair p;
    struct adversary_view v;
    enum refusal why;

    (void)state;
    pair_of_ciphertexts(&p, 0);
    /* In one epoch, under one name: the second is refused, and nothing is charged for it. */
    assert_true(adversary_session(&p.of[0], &v, &why));
    const uint64_t spent = p.of[0].epoch.spent_nano;
    struct fixture_epoch *e = &p.of[0].epoch;
    const struct ask_column kept = e->columns[0];
    e->columns[0] = p.of[1].epoch.columns[0];
    refused_in_session(&p.of[0], REFUSAL_FROZEN);
    assert_int_equal(e->spent_nano, spent);
    e->columns[0] = kept;
    game_refused("changed ciphertext under one question", "FROZEN");
    /* Were it not, it would be another question, with a noise and a price of its own. */
    const struct game g = {.self = &p, .look = adversary_pair_both};
    const struct game d = {.self = &p, .look = adversary_pair_difference};
    const uint64_t cost = 2 * p.of[0].price.charge_nano;
    play(d, "the same, were it answered: difference", GAME_WITHIN, cost);
    play(g, "the same, were it answered: all of it", GAME_WITHIN, cost);
    adversary_pair_free(&p);
}

/* ---- rows that change in the middle of an epoch ---- */

static void rows_that_change(void **state)
{
    static struct adversary a;
    struct adversary_view v[2];
    struct fixture_node *evaluator;

    (void)state;
    adversary_init(&a, "overlap", 0);
    /* New data end the epoch: who still asks in it is refused. */
    evaluator = &a.nodes[policy_find_partner(a.policy, "drinkco")];
    a.epoch.header.participants[0].dataset = fixture_digest(0x99);
    struct digest now;
    struct pt_err err = {0};
    assert_int_equal(epoch_header_id(&now, &a.epoch.header, &err), PT_OK);
    assert_memory_not_equal(now.b, evaluator->self.epoch_id.b, sizeof now.b);
    evaluator->self.epoch_id = now;
    refused_greeting(&a, REFUSAL_EPOCH_MISMATCH);
    game_refused("row changed in the middle of an epoch", "EPOCH_MISMATCH");
    /* Rows that are the same: the same answer to the bit, which tells nothing new. */
    adversary_reply(&a, &v[0]);
    adversary_reply(&a, &v[1]);
    assert_memory_equal(&v[0], &v[1], sizeof v[0]);
    /* Were they not frozen, changed rows would still have another noise: one price, one more look. */
    const struct game g = {.self = &a, .look = adversary_before_and_after};
    play(g, "the same, were it answered: difference", GAME_WITHIN, a.price.charge_nano);
    adversary_free(&a);
}

/* ---- two counts that differ by one person ---- */

static void differencing(void **state)
{
    static const struct {
        const char *difference, *both;
        uint64_t rho_nano;
    } PRICES[] = {{"differencing by one person: difference", "the same: all that both say", 0},
                  {"the same, dear: difference", "the same, dear: all of it", DEAR_NANO}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(PRICES); i++) {
        static struct adversary_pair p;
        pair_of_questions(&p, PRICES[i].rho_nano);
        const struct game d = {.self = &p, .look = adversary_pair_difference};
        const struct game g = {.self = &p, .look = adversary_pair_both};
        const uint64_t cost = 2 * p.of[0].price.charge_nano;
        play(d, PRICES[i].difference, GAME_WITHIN, cost);
        play(g, PRICES[i].both, GAME_WITHIN, cost);
        adversary_pair_free(&p);
    }
}

/* ---- a question renamed ---- */

/* Other spellings of one question, which would be other noises for one price. */
static void spellings(void **state)
{
    static const char CANONICAL[] =
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005\n";
    static const char *const SPELLINGS[] = {
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.00050\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=5e-4\n",
        "patto-question-1\nkind=overlap\nwith=drinkco\nasker=freshmart\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005\n\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco \nrho=0.0005\n",
        "patto-question-1\r\nkind=overlap\r\nasker=freshmart\r\nwith=drinkco\r\nrho=0.0005\r\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco,drinkco\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nwhere=drinkco.spend>=20\n"
        "where=drinkco.spend>=20\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nwhere=drinkco.tier=gold\n"
        "where=drinkco.spend>=20\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nwhere=drinkco.spend>=20.0\n"
        "rho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nwhere=drinkco.spend>=+20\n"
        "rho=0.0005\n",
    };
    static struct adversary a;

    (void)state;
    adversary_init(&a, "overlap", 0);
    assert_int_equal(ask_in_words(&a, CANONICAL), REFUSAL_NONE);
    for (size_t i = 0; i < PT_LEN(SPELLINGS); i++)
        assert_string_equal(refusal_name(ask_in_words(&a, SPELLINGS[i])), "BAD_MESSAGE");
    assert_int_equal(a.epoch.charges, 0);
    game_refused("question renamed: twelve spellings of one", "BAD_MESSAGE");
    adversary_free(&a);
}

static struct store *ledger; /* of the evaluator; test state: a charge has no other way in */

static enum pt_code pay(void *self, const struct ask_charge *c, struct ask_account *out,
                        struct pt_err *err)
{
    const struct fixture_epoch *e = self;
    const struct ledger_charge charge = {.question_id = c->key,
                                         .recipient = "freshmart",
                                         .kind = "overlap",
                                         .rho_nano = c->charge_nano,
                                         .question = c->text};
    struct ledger_result r;
    enum pt_code rc = ledger_charge(&r, ledger, e->policy, &charge, JUNE_S, err);

    *out = (struct ask_account){r.already_paid, r.left_nano, r.event.sequence};
    ((struct fixture_epoch *)self)->spent_nano += rc == PT_OK ? r.charged_nano : 0;
    ((struct fixture_epoch *)self)->charged_before_row = true;
    return rc;
}

/* Another name for the same customers, until the ledger says no. */
static void renamings(void **state)
{
    static struct renaming r;
    struct pt_err err = {0};
    struct adversary_view v;
    enum refusal why;

    adversary_init(&r.a, "overlap", 0);
    r.a.charge = pay;
    assert_int_equal(store_open(&ledger, scratch_path(state, "state.db"), STORE_WRITE, &err),
                     PT_OK);
    renaming_ask(&r, 0);
    while (adversary_session(&r.a, &v, &why))
        renaming_ask(&r, ++r.count);
    assert_string_equal(refusal_name(why), "BUDGET_EXHAUSTED");
    store_close(ledger);
    /* A day's budget less what is reserved, in counts of 0.000625039. */
    assert_in_range(r.count, 12, 15);
    assert_int_equal(r.a.epoch.spent_nano, r.count * r.a.price.charge_nano);
    game_refused("question renamed, once more than paid for", "BUDGET_EXHAUSTED");
    const struct game g = {.self = &r, .look = asks_under_all_names, .trials = game_trials_few()};
    play(g, "question renamed, as often as a day pays", GAME_ATTAINED, r.a.epoch.spent_nano);
    adversary_free(&r.a);
}

/* What it would be to have several names for one price: the game sees it. */
static void renamings_for_nothing(void **state)
{
    static struct renaming r;

    (void)state;
    adversary_init(&r.a, "overlap", DEAR_NANO / 10);
    r.count = 8;
    const struct game g = {.self = &r, .look = asks_under_all_names, .trials = 2 * game_trials()};
    play(g, "no charge: eight names for one price", GAME_OVER, r.a.price.charge_nano);
    adversary_free(&r.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_ciphertexts),
        cmocka_unit_test(rows_that_change),
        cmocka_unit_test(differencing),
        cmocka_unit_test(spellings),
        cmocka_unit_test_setup_teardown(renamings, scratch_setup, scratch_teardown),
        cmocka_unit_test(renamings_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
