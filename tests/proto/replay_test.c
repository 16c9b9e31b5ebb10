/* Goal: an honest session replays as it was, from either side, and every way in which a node can
 * deviate is named by message. Method: freshmart asks drinkco in memory, watched; then the same is
 * replayed, with one thing different that is said to have been so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/replay.h"
#include "tests/proto_fixture.h"

enum { ENTRIES_MAX = 64, DRINKCO = 0, FRESHMART = 1 };

struct tape { /* a record in memory */
    struct buf entries[ENTRIES_MAX];
    size_t count, at;
};

static enum pt_code put(struct tape *t, const struct record_entry *e)
{
    assert_true(t->count < ENTRIES_MAX);
    assert_true(record_put(&t->entries[t->count++], e));
    return PT_OK;
}

static enum pt_code said(void *self, const struct session_said *s, struct pt_err *err)
{
    struct record_entry e;

    (void)err;
    record_of_said(&e, s);
    return put(self, &e);
}

static enum pt_code next(void *self, struct record_entry *out, bool *end, struct pt_err *err)
{
    struct tape *t = self;

    *end = t->at == t->count;
    if (*end)
        return PT_OK;
    const struct buf *b = &t->entries[t->at++];
    return record_parse(out, b->p[0], span_of(b->p + RECORD_OVERHEAD, b->n - RECORD_OVERHEAD), err);
}

static void rewind_tape(struct tape *t)
{
    t->at = 0;
}

static void tape_free(struct tape *t)
{
    for (size_t i = 0; i < t->count; i++)
        buf_free(&t->entries[i]);
    *t = (struct tape){0};
}

struct bed {
    struct policy *policy;
    struct fixture_node nodes[POLICY_PARTNERS_MAX];
    struct fixture_epoch epoch;
    struct tape tape[2]; /* of the asker, of the owner */
    /* of the replay */
    struct session *session;
    struct ask_recipient recipient;
    struct ask_evaluator evaluator;
    struct pt_err gone;
    bool no_data;
};

/* Ledger and columns as they were before the session. */
static void forget(struct bed *b)
{
    for (size_t i = 0; i < b->epoch.kept_count; i++)
        buf_free(&b->epoch.kept[i].bytes);
    b->epoch.kept_count = b->epoch.paid_count = 0;
    b->epoch.spent_nano = 0;
    b->epoch.charges = 0;
}

static void begin(struct bed *b)
{
    memset(b, 0, sizeof *b);
    b->policy = fixture_three();
    fixture_nodes(b->nodes, b->policy);
    fixture_epoch_init(&b->epoch, b->policy, "crosstab");
    fixture_epoch_join(&b->epoch, b->nodes);
}

static void end(struct bed *b)
{
    tape_free(&b->tape[0]);
    tape_free(&b->tape[1]);
    fixture_epoch_free(&b->epoch);
    fixture_nodes_wipe(b->nodes, b->policy->partner_count);
    policy_free(b->policy);
}

static struct record_head head(const struct bed *b, bool opener)
{
    struct record_head h = {.opener = opener,
                            .what = opener ? WHAT_ASK : (enum session_what)0,
                            .nonce = fixture_digest(opener ? 0xaa : 0xbb),
                            .policy = b->policy->hash,
                            .epoch_id = b->nodes[DRINKCO].self.epoch_id,
                            .key_period = 7,
                            .began_us = 1};

    snprintf(h.peer, sizeof h.peer, "%s", opener ? "drinkco" : "freshmart");
    snprintf(h.build, sizeof h.build, "patto test");
    return h;
}

/* One question from begin to end, both sides watched. The owner's refusal, REFUSAL_NONE: none. */
static enum refusal talk(struct bed *b, struct fixture_link *l, struct pt_err *why)
{
    const struct session_watch watch[2] = {{&b->tape[0], said}, {&b->tape[1], said}};
    struct ask_recipient r;
    const struct ask_recipient_in asks = fixture_recipient_in(&b->epoch, &r);
    const struct ask_evaluator_in answers = fixture_evaluator_in(&b->epoch);
    static struct ask_evaluator e; /* large for a stack */
    struct pt_err err = {0};
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < 2; i++) {
        const struct record_entry h = {.kind = RECORD_HEAD, .head = head(b, i == 0)};
        (void)!put(&b->tape[i], &h);
    }
    fixture_greet_watched(l, &b->nodes[FRESHMART], &b->nodes[DRINKCO], WHAT_ASK, watch);
    assert_int_equal(ask_evaluator_begin(&e, &l->accepter, &answers, &err), PT_OK);
    assert_int_equal(ask_recipient_begin(&r, &l->opener, &asks, &l->to_accepter, &err), PT_OK);
    while (rc == PT_OK && l->opener.state != SESSION_DONE) {
        while (rc == PT_OK && ask_recipient_sending(&r))
            rc = ask_recipient_send(&r, &l->to_accepter, &err);
        while (rc == PT_OK &&
               fixture_step(&l->accepter, &l->to_accepter, &l->to_opener, &rc, &err)) {
            if (ask_evaluator_checking(&e))
                rc = ask_evaluator_check(&e, &l->to_opener, &err);
            if (ask_evaluator_ready(&e))
                rc = ask_evaluator_answer(&e, &l->to_opener, &err);
        }
        while (rc == PT_OK && fixture_step(&l->opener, &l->to_opener, &l->to_accepter, &rc, &err))
            ;
    }
    *why = err;
    while (rc != PT_OK && fixture_step(&l->opener, &l->to_opener, &l->to_accepter, &rc, &err))
        ;
    for (size_t i = 0; i < 2; i++) {
        const struct session *s = i == 0 ? &l->opener : &l->accepter;
        const struct record_entry over = {
            .kind = RECORD_END, .state = s->state, .refusal = s->refusal};
        (void)!put(&b->tape[i], &over);
    }
    ask_recipient_free(&r);
    ask_evaluator_free(&e);
    fixture_link_free(l);
    return l->accepter.refusal;
}

static void converse(struct bed *b, struct fixture_link *l)
{
    struct pt_err err;

    if (talk(b, l, &err) != REFUSAL_NONE)
        fail_msg("%s", err.msg);
    assert_int_equal(l->opener.state, SESSION_DONE);
}

/* ---- hosts of the replay ---- */

static enum pt_code attach(void *self, struct session *s, struct outbox *out, struct pt_err *err)
{
    struct bed *b = self;
    const struct ask_recipient_in asks = fixture_recipient_in(&b->epoch, &b->recipient);
    const struct ask_evaluator_in answers = fixture_evaluator_in(&b->epoch);

    b->session = s;
    if (b->no_data) {
        (void)!pt_fail(&b->gone, PT_ESTATE, "the data are gone");
        return pt_fail(err, PT_ESTATE, "the data are gone");
    }
    forget(b);
    return s->opener ? ask_recipient_begin(&b->recipient, s, &asks, out, err)
                     : ask_evaluator_begin(&b->evaluator, s, &answers, err);
}

static enum pt_code after(void *self, struct outbox *out, struct pt_err *err)
{
    struct bed *b = self;
    enum pt_code rc = PT_OK;

    if (!b->session->opener && ask_evaluator_checking(&b->evaluator))
        rc = ask_evaluator_check(&b->evaluator, out, err);
    if (rc != PT_OK)
        return rc;
    return !b->session->opener && ask_evaluator_ready(&b->evaluator)
               ? ask_evaluator_answer(&b->evaluator, out, err)
               : PT_OK;
}

static enum pt_code more(void *self, struct outbox *out, bool *blocked, struct pt_err *err)
{
    struct bed *b = self;

    *blocked = false;
    return b->session->opener && ask_recipient_sending(&b->recipient)
               ? ask_recipient_send(&b->recipient, out, err)
               : PT_OK;
}

static enum pt_code part(void *self, const struct transcript_part *p, struct span *bytes,
                         struct pt_err *err)
{
    const struct bed *b = self;

    (void)err;
    *bytes = span_of(b->epoch.bytes[p->column].p + p->offset, (size_t)p->bytes);
    return PT_OK;
}

static struct replay_result replay(struct bed *b, bool opener)
{
    struct tape *t = &b->tape[opener ? 0 : 1];
    const struct replay_source source = {.self = t, .next = next};
    struct replay_facts facts;
    struct replay *r = calloc(1, sizeof *r);
    struct replay_result result;
    struct pt_err err = {0};

    assert_non_null(r);
    rewind_tape(t);
    assert_int_equal(replay_scan(&facts, &source, &err), PT_OK);
    assert_int_equal(facts.what, WHAT_ASK);
    rewind_tape(t);
    const struct replay_in in = {.self = &b->nodes[opener ? FRESHMART : DRINKCO].self,
                                 .head = &facts.head,
                                 .source = source,
                                 .host = {.self = b,
                                          .begin = attach,
                                          .after = after,
                                          .more = more,
                                          .part = part,
                                          .gone = &b->gone}};
    assert_int_equal(replay_begin(r, &in, &err), PT_OK);
    assert_int_equal(replay_run(r, &err), PT_OK);
    result = r->result;
    ask_recipient_free(&b->recipient);
    ask_evaluator_free(&b->evaluator);
    replay_end(r);
    replay_facts_free(&facts);
    free(r);
    return result;
}

static void expect(struct bed *b, bool opener, const char *words)
{
    const struct replay_result r = replay(b, opener);

    if (r.verdict != REPLAY_DIFFERS || strstr(r.words, words) == NULL)
        fail_msg("verdict %d: \"%s\", not \"%s\"", (int)r.verdict, r.words, words);
}

/* ---- tests ---- */

static void honest_sessions_are_the_same(void **state)
{
    struct bed *b = *state;
    struct fixture_link l;

    converse(b, &l);
    for (int opener = 0; opener < 2; opener++) {
        const struct replay_result r = replay(b, opener == 1);
        if (r.verdict != REPLAY_SAME)
            fail_msg("message %d: %s", (int)r.message, r.words);
        assert_true(r.signed_by_peer && !r.cut && !r.refused && r.sent_count > 3);
    }
}

/* A look at some slots is made again like any question. */
static void looks_are_the_same(void **state)
{
    struct bed *b = *state;
    struct question *q = &b->epoch.question;
    struct fixture_link l;

    q->slots = QUESTION_SLOTS_QUARTER;
    q->rho_nano = b->policy->privacy.table_rho_nano / 8;
    converse(b, &l);
    for (int opener = 0; opener < 2; opener++) {
        const struct replay_result r = replay(b, opener == 1);
        if (r.verdict != REPLAY_SAME)
            fail_msg("message %d: %s", (int)r.message, r.words);
    }
}

/* Whatever the node did otherwise, the code now does the opposite: the same difference. */
static void other_rows_differ(void **state)
{
    struct bed *b = *state;
    struct fixture_link l;

    b->epoch.g[1][101] = (int8_t)(b->epoch.g[1][101] + 1); /* a row that was not committed to */
    converse(b, &l);
    b->epoch.g[1][101] = (int8_t)(b->epoch.g[1][101] - 1);
    expect(b, false, "Reply row 1 differs");
}

static void other_noise_differs(void **state)
{
    struct bed *b = *state;
    struct fixture_link l;

    b->epoch.noise_key.b[0] ^= 1;
    converse(b, &l);
    b->epoch.noise_key.b[0] ^= 1;
    expect(b, false, "Reply row 0 differs");
}

/* A column under another key than the seed's is well formed: answered, but other bytes, and the
 * Question names their digest. */
static void other_ciphertexts_differ(void **state)
{
    struct bed *b = *state;
    struct fixture_epoch *e = &b->epoch;
    struct rlwe_key *key = e->keys[2];
    struct buf honest = {0};
    struct fixture_link l;

    assert_true(buf_add(&honest, e->bytes[2].p, e->bytes[2].n));
    e->keys[2] = NULL;
    fixture_encrypt(e, 2, &(struct key32){{9}});
    converse(b, &l);
    buf_free(&e->bytes[2]);
    rlwe_key_free(e->keys[2]);
    e->bytes[2] = honest;
    e->keys[2] = key;
    e->columns[2].bytes = honest.n;
    reply_column_digest(&e->columns[2].digest, buf_span(&e->bytes[2]));
    expect(b, true, "Question column 2 differs");
}

/* Goal: a heavier weight on one slot is refused before any answer, and its maker's audit names it. */
static void a_heavier_weight_is_refused(void **state)
{
    struct bed *b = *state;
    struct fixture_epoch *e = &b->epoch;
    struct digest honest = e->columns[2].digest;
    struct fixture_link l;
    struct pt_err err;

    e->bytes[2].p[3 * RLWE_DEGREE + 7] ^= 4;
    reply_column_digest(&e->columns[2].digest, buf_span(&e->bytes[2]));
    assert_int_equal(talk(b, &l, &err), REFUSAL_NOT_PROVED);
    assert_non_null(strstr(err.msg, "the columns of freshmart are not proved to be well formed"));
    assert_int_equal(e->charges, 0);
    assert_true(e->barred);
    e->bytes[2].p[3 * RLWE_DEGREE + 7] ^= 4;
    e->columns[2].digest = honest;
    expect(b, true, "Question column 2 differs");
}

static void another_charge_differs(void **state)
{
    struct bed *b = *state;
    struct fixture_link l;

    b->epoch.charges = 7; /* the answer names another place in the record than the ledger */
    converse(b, &l);
    expect(b, false, "Answer differs");
}

/* Entry `at` taken out, or put again. */
static void drop(struct tape *t, size_t at)
{
    buf_free(&t->entries[at]);
    memmove(t->entries + at, t->entries + at + 1, (t->count - at - 1) * sizeof t->entries[0]);
    t->entries[--t->count] = (struct buf){0};
}

static size_t find(const struct tape *t, enum record_kind kind, enum frame_kind frame)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->entries[i].p[0] == kind &&
            (frame == FRAME_NONE || t->entries[i].p[RECORD_OVERHEAD] == frame))
            return i;
    fail();
    return 0;
}

/* Goal: a record that leaves out what was said, or says what was not, does not pass. */
static void changed_records_are_named(void **state)
{
    struct bed *b = *state;
    struct tape *owner = &b->tape[1];
    struct fixture_link l;

    converse(b, &l);
    drop(owner, find(owner, RECORD_SENT, FRAME_REPLY));
    expect(b, false, "Reply row 0 differs");
    tape_free(owner);
    tape_free(&b->tape[0]);
    forget(b);
    converse(b, &l);
    size_t need = find(owner, RECORD_SENT_WHOLE, FRAME_NEED);
    drop(owner, need);
    expect(b, false, "ProofChoices was sent where the code sends Need");
    drop(owner, find(owner, RECORD_SENT, FRAME_PROOF_CHOICES));
    expect(b, false, "it was taken where the code sends Need first");
}

static void cheats_in_what_came_are_named(void **state)
{
    struct bed *b = *state;
    struct tape *owner = &b->tape[1];
    struct fixture_link l;

    converse(b, &l);
    /* The peer's Finish, which signs what it got, with one bit turned: not its signature. */
    size_t last = owner->count - 3; /* Finish, Receipt, end */
    assert_int_equal(owner->entries[last].p[0], RECORD_RECEIVED);
    owner->entries[last].p[owner->entries[last].n - 1] ^= 1;
    expect(b, false, "was sent where the code refuses");
}

static void what_is_cut_short_is_compared_so_far(void **state)
{
    struct bed *b = *state;
    struct tape *owner = &b->tape[1];
    struct fixture_link l;

    converse(b, &l);
    const size_t finish = owner->count - 3; /* Finish, which signs; Receipt; end */
    for (size_t n = owner->count - 1; n > 1; n--) {
        drop(owner, n);
        const struct replay_result r = replay(b, false);
        assert_int_equal(r.verdict, REPLAY_SAME);
        assert_true(r.cut);
        assert_int_equal(r.signed_by_peer, n > finish);
    }
}

static void what_is_gone_is_no_deviation(void **state)
{
    struct bed *b = *state;
    struct fixture_link l;

    converse(b, &l);
    b->no_data = true;
    for (int opener = 0; opener < 2; opener++) {
        const struct replay_result r = replay(b, opener == 1);
        assert_int_equal(r.verdict, REPLAY_UNCHECKED);
        assert_string_equal(r.words, "the data are gone");
    }
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct bed));
    assert_non_null(*state);
    begin(*state);
    return 0;
}

static int teardown(void **state)
{
    end(*state);
    free(*state);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(honest_sessions_are_the_same),
        TEST(looks_are_the_same),
        TEST(other_rows_differ),
        TEST(other_noise_differs),
        TEST(other_ciphertexts_differ),
        TEST(a_heavier_weight_is_refused),
        TEST(another_charge_differs),
        TEST(changed_records_are_named),
        TEST(cheats_in_what_came_are_named),
        TEST(what_is_cut_short_is_compared_so_far),
        TEST(what_is_gone_is_no_deviation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
