/* Goal: over a network that loses, repeats, reorders, cuts and changes frames, conversations about logs
 * end well or with a named reason; and whatever was lost, the next try over a quiet network ends well,
 * also when the witness is ahead of what the owner knows.
 * Method: both conversations a few hundred times from a printed seed; the hosts refuse what a node's
 * signatures and proofs would. The witness is a number, what it has seen last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "proto/log_talk.h"
#include "tests/net_fixture.h"

enum { SIZE = 7, SEEN_BEFORE = 3 };

struct logs {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_link link;
    struct log_accept accept;
    struct log_submit submit;
    struct log_fetch fetch;
    bool fetching, began_accept, began_open;
    /* the hosts' */
    uint64_t seen;       /* by the witness, and so by who fetches */
    uint64_t thought;    /* by the owner, of the witness */
    int lines, receipts; /* that arrived */
    int signed_receipts; /* lines that came back to the owner */
};

/* What a signature, a consistency proof or the record decides in a node. */
static enum pt_code require(bool good, struct pt_err *err)
{
    return good ? PT_OK : pt_fail(err, PT_EDENIED, "not what was signed");
}

static bool proves(const struct merkle_proof *proof, uint64_t from)
{
    const struct digest want = fixture_digest((uint8_t)from);

    return proof->count == 1 && memcmp(proof->hash[0].b, want.b, sizeof want.b) == 0;
}

static enum pt_code head(void *self, uint64_t old_size, struct span *note,
                         struct merkle_proof *proof, struct pt_err *err)
{
    (void)self;
    if (old_size > SIZE)
        return pt_fail(err, PT_ESTATE, "the witness has seen what never was");
    *note = span_z("head of seven");
    *proof = (struct merkle_proof){.count = 1, .hash = {fixture_digest((uint8_t)old_size)}};
    return PT_OK;
}

static enum pt_code add_head(void *self, const struct wire_add_head *w,
                             const struct merkle_proof *proof, struct buf *line, uint64_t *known,
                             struct pt_err *err)
{
    struct logs *l = self;

    if (require(text_eq(w->note, "head of seven"), err) != PT_OK)
        return err->code;
    *known = l->seen;
    if (w->old_size != l->seen)
        return PT_OK;
    if (require(proves(proof, l->seen), err) != PT_OK)
        return err->code;
    l->seen = SIZE;
    assert_true(buf_printf(line, "the witness's line"));
    return PT_OK;
}

static enum pt_code line_came(void *self, struct span line, struct pt_err *err)
{
    struct logs *l = self;

    if (require(text_eq(line, "the witness's line"), err) != PT_OK)
        return err->code;
    assert_int_equal(l->seen, SIZE); /* it was remembered before it was signed */
    l->lines++;
    return PT_OK;
}

static enum pt_code give(void *self, const struct wire_proof_ask *ask, struct buf *text,
                         struct merkle_proof *proof, struct pt_err *err)
{
    const struct digest nine = fixture_digest(9);

    (void)self;
    if (require(memcmp(ask->question.b, nine.b, sizeof nine.b) == 0, err) != PT_OK)
        return err->code;
    *proof = (struct merkle_proof){.count = 1, .hash = {fixture_digest((uint8_t)ask->known_size)}};
    assert_true(buf_printf(text, "the receipt"));
    return PT_OK;
}

static enum pt_code take(void *self, struct span text, const struct merkle_proof *proof,
                         struct buf *line, struct pt_err *err)
{
    struct logs *l = self;

    if (require(text_eq(text, "the receipt") && proves(proof, SEEN_BEFORE), err) != PT_OK)
        return err->code;
    l->receipts++;
    assert_true(buf_printf(line, "the asker's line"));
    return PT_OK;
}

static enum pt_code asker_signed(void *self, struct span line, struct pt_err *err)
{
    struct logs *l = self;

    if (require(text_eq(line, "the asker's line"), err) != PT_OK)
        return err->code;
    l->signed_receipts++;
    return PT_OK;
}

static void begin_open(struct logs *l)
{
    const struct log_submit_host submit = {.self = l, .head = head, .cosigned = line_came};
    const struct log_fetch_host fetch = {.self = l, .proof = take};
    const struct wire_proof_ask ask = {.question = fixture_digest(9), .known_size = SEEN_BEFORE};
    struct pt_err err = {0};

    l->began_open = true;
    if (l->fetching)
        assert_int_equal(
            log_fetch_begin(&l->fetch, &l->link.opener, &fetch, &ask, &l->link.to_accepter, &err),
            PT_OK);
    else
        assert_int_equal(log_submit_begin(&l->submit, &l->link.opener, &submit, l->thought,
                                          &l->link.to_accepter, &err),
                         PT_OK);
}

static void hosts(void *self)
{
    struct logs *l = self;
    const struct log_accept_host accept = {
        .self = l, .add_head = add_head, .proof = give, .cosigned = asker_signed};
    struct pt_err err = {0};

    if (!l->began_accept && l->link.accepter.state == SESSION_OPEN) {
        l->began_accept = true;
        assert_int_equal(log_accept_begin(&l->accept, &l->link.accepter, &accept, &err), PT_OK);
    }
    if (!l->began_open && l->link.opener.state == SESSION_OPEN)
        begin_open(l);
}

/* True: the opener has ended well. */
static bool once(struct logs *l, struct net *n)
{
    l->began_accept = l->began_open = false;
    net_open_link(&l->link, &l->nodes[0], &l->nodes[1], WHAT_LOG);
    net_run(n, hosts, l);
    bool good = l->link.opener.state == SESSION_DONE;
    fixture_link_free(&l->link);
    return good;
}

static void disturbed_then_quiet(struct logs *l, uint64_t seed, struct net_tally *tally)
{
    struct net n;

    l->seen = SEEN_BEFORE;
    l->thought =
        seed % 2 == 0 ? SEEN_BEFORE : 0; /* an owner that was started again knows nothing */
    l->lines = l->receipts = l->signed_receipts = 0;
    net_init(&n, seed, &l->link, 1);
    bool good = once(l, &n);
    assert_true(!good || (l->fetching ? l->receipts : l->lines) == 1);
    assert_true(l->signed_receipts <= l->receipts);
    net_count(tally, &n, good);
    net_init(&n, seed, &l->link, 1);
    n.rate = 0;
    assert_true(once(l, &n));
    if (l->fetching) {
        assert_true(l->receipts >= 1 && l->signed_receipts >= 1);
    } else {
        assert_true(l->lines >= 1);
        assert_int_equal(l->seen, SIZE);
    }
}

static void run_all(const char *what, bool fetching)
{
    static struct logs l;
    struct net_tally tally = {0};
    uint64_t first;
    int runs = 250;

    net_seeds(what, &first, &runs);
    memset(&l, 0, sizeof l);
    l.fetching = fetching;
    l.policy = fixture_three();
    fixture_nodes(l.nodes, l.policy);
    for (int i = 0; i < runs; i++)
        disturbed_then_quiet(&l, first + (uint64_t)i, &tally);
    net_enough_of_both(&tally);
    policy_free(l.policy);
}

static void heads_are_signed_in_the_end(void **state)
{
    (void)state;
    run_all("heads", false);
}

static void receipts_come_in_the_end(void **state)
{
    (void)state;
    run_all("receipts", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_signed_in_the_end),
        cmocka_unit_test(receipts_come_in_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
