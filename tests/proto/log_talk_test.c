/* Goal: the conversations about logs carry what the hosts give, in order, and end as they should.
 * Method: both ends over a fixture link, hosts that note what they were told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/log_talk.h"
#include "tests/proto_fixture.h"

struct ends {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_link link;
    struct log_accept accept;
    struct log_submit submit;
    struct log_fetch fetch;
    /* what the hosts do, and saw */
    uint64_t knows;
    enum pt_code add_fails, proof_fails, take_fails;
    uint64_t heads[4];
    size_t head_count;
    char line[32], text[32];
    struct digest question;
    uint64_t known_size;
    struct pt_err err;
    enum pt_code rc;
};

static void keep(char out[32], struct span s)
{
    size_t n = s.n < 31 ? s.n : 31;

    memcpy(out, s.p, n);
    out[n] = '\0';
}

static enum pt_code head(void *self, uint64_t old_size, struct span *note,
                         struct merkle_proof *proof, struct pt_err *err)
{
    struct ends *e = self;

    (void)err;
    e->heads[e->head_count++] = old_size;
    *note = span_z("a checkpoint");
    proof->count = 2;
    proof->hash[1] = fixture_digest((uint8_t)old_size);
    return PT_OK;
}
static enum pt_code line_came(void *self, struct span line, struct pt_err *err)
{
    struct ends *e = self;

    keep(e->line, line);
    return e->take_fails == PT_OK ? PT_OK : pt_fail(err, e->take_fails, "not a signature");
}
static enum pt_code add_head(void *self, const struct wire_add_head *w,
                             const struct merkle_proof *proof, struct buf *line, uint64_t *known,
                             struct pt_err *err)
{
    struct ends *e = self;

    keep(e->text, w->note);
    if (e->add_fails != PT_OK)
        return pt_fail(err, e->add_fails, "it does not continue");
    *known = e->knows;
    if (w->old_size != e->knows)
        return PT_OK;
    const struct digest want = fixture_digest((uint8_t)w->old_size);
    assert_int_equal(proof->count, 2);
    assert_memory_equal(proof->hash[1].b, want.b, 32);
    assert_true(buf_printf(line, "a line"));
    return PT_OK;
}
static enum pt_code give(void *self, const struct wire_proof_ask *ask, struct buf *text,
                         struct merkle_proof *proof, struct pt_err *err)
{
    struct ends *e = self;

    e->question = ask->question;
    e->known_size = ask->known_size;
    proof->count = 1;
    proof->hash[0] = fixture_digest(3);
    assert_true(buf_printf(text, "a proof"));
    return e->proof_fails == PT_OK ? PT_OK : pt_fail(err, e->proof_fails, "not yours");
}
static enum pt_code take(void *self, struct span text, const struct merkle_proof *proof,
                         struct buf *line, struct pt_err *err)
{
    struct ends *e = self;

    keep(e->text, text);
    assert_int_equal(proof->count, 1);
    assert_true(buf_printf(line, "our line"));
    return e->take_fails == PT_OK ? PT_OK : pt_fail(err, e->take_fails, "another answer");
}

static void set_up(struct ends *e)
{
    const struct log_accept_host host = {
        .self = e, .add_head = add_head, .proof = give, .cosigned = line_came};

    memset(e, 0, sizeof *e);
    e->policy = fixture_three();
    fixture_nodes(e->nodes, e->policy);
    fixture_greet(&e->link, &e->nodes[0], &e->nodes[1], WHAT_LOG);
    assert_int_equal(log_accept_begin(&e->accept, &e->link.accepter, &host, &e->err), PT_OK);
}

static void tear_down(struct ends *e)
{
    fixture_link_free(&e->link);
    policy_free(e->policy);
}

static void run(struct ends *e)
{
    struct fixture_link *l = &e->link;

    while (e->rc == PT_OK &&
           (fixture_step(&l->accepter, &l->to_accepter, &l->to_opener, &e->rc, &e->err) ||
            fixture_step(&l->opener, &l->to_opener, &l->to_accepter, &e->rc, &e->err)))
        ;
}

static void submit(struct ends *e, uint64_t old_size)
{
    const struct log_submit_host host = {.self = e, .head = head, .cosigned = line_came};

    e->rc = log_submit_begin(&e->submit, &e->link.opener, &host, old_size, &e->link.to_accepter,
                             &e->err);
    run(e);
}

static void both_done(const struct ends *e)
{
    assert_int_equal(e->rc, PT_OK);
    assert_int_equal(e->link.opener.state, SESSION_DONE);
    assert_int_equal(e->link.accepter.state, SESSION_DONE);
}

static void a_head_is_signed_at_once_or_at_the_second_try(void **state)
{
    for (uint64_t thought = 0; thought < 2; thought++) {
        static struct ends e;
        (void)state;
        set_up(&e);
        e.knows = 1;
        submit(&e, thought);
        both_done(&e);
        assert_string_equal(e.line, "a line");
        assert_string_equal(e.text, "a checkpoint");
        assert_int_equal(e.head_count, thought == 1 ? 1 : 2);
        assert_int_equal(e.heads[e.head_count - 1], 1);
        tear_down(&e);
    }
}

static void who_is_refused_or_deceived_stops(void **state)
{
    static struct ends e;

    (void)state;
    set_up(&e);
    e.add_fails = PT_EDENIED;
    submit(&e, 0);
    assert_int_equal(e.link.accepter.state, SESSION_FAILED);
    assert_string_equal(e.line, "");
    tear_down(&e);
    set_up(&e);
    e.take_fails = PT_EDENIED; /* the witness's line is not one */
    submit(&e, 0);
    assert_int_equal(e.link.opener.state, SESSION_FAILED);
    tear_down(&e);
}

static void fetch(struct ends *e)
{
    const struct log_fetch_host host = {.self = e, .proof = take};
    const struct wire_proof_ask ask = {.question = fixture_digest(9), .known_size = 5};

    e->rc = log_fetch_begin(&e->fetch, &e->link.opener, &host, &ask, &e->link.to_accepter, &e->err);
    run(e);
}

static void a_proof_is_given_and_its_head_signed(void **state)
{
    static struct ends e;
    const struct digest nine = fixture_digest(9);

    (void)state;
    set_up(&e);
    fetch(&e);
    both_done(&e);
    assert_string_equal(e.text, "a proof");
    assert_string_equal(e.line, "our line");
    assert_memory_equal(e.question.b, nine.b, 32);
    assert_int_equal(e.known_size, 5);
    tear_down(&e);
}

static void a_proof_is_not_given_to_others_nor_taken_blindly(void **state)
{
    static struct ends e;

    (void)state;
    set_up(&e);
    e.proof_fails = PT_EDENIED;
    fetch(&e);
    assert_int_equal(e.link.accepter.state, SESSION_FAILED);
    assert_string_equal(e.text, "");
    tear_down(&e);
    set_up(&e);
    e.take_fails = PT_EDENIED;
    fetch(&e);
    assert_int_equal(e.link.opener.state, SESSION_FAILED);
    assert_string_equal(e.line, ""); /* and is not signed */
    tear_down(&e);
}

/* Finish without having asked, a line that nobody awaits. */
static void out_of_turn_is_refused(void **state)
{
    static struct ends e;
    struct frame f = {.kind = FRAME_HEAD_COSIGNED};

    (void)state;
    set_up(&e);
    f.u.head_line = span_z("a line");
    assert_int_equal(session_send(&e.link.opener, &f, &e.link.to_accepter, &e.err), PT_OK);
    run(&e);
    assert_int_equal(e.link.accepter.state, SESSION_FAILED);
    assert_string_equal(e.line, "");
    tear_down(&e);
    set_up(&e);
    assert_int_equal(session_finish(&e.link.opener, &e.link.to_accepter, &e.err), PT_OK);
    run(&e);
    assert_int_equal(e.link.accepter.state, SESSION_FAILED);
    tear_down(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_signed_at_once_or_at_the_second_try),
        cmocka_unit_test(who_is_refused_or_deceived_stops),
        cmocka_unit_test(a_proof_is_given_and_its_head_signed),
        cmocka_unit_test(a_proof_is_not_given_to_others_nor_taken_blindly),
        cmocka_unit_test(out_of_turn_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
