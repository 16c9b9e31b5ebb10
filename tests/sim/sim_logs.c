/* Talk about logs: a head to a witness, a receipt from an owner. The hosts refuse what a node's
 * signatures and proofs would; the witness is a number, what it has seen last. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "proto/log_talk.h"

enum { SIZE = 7, SEEN_BEFORE = 3, OWNER_KNOWS = 0 };

struct world {
    struct policy *policy;
    struct fixture_node nodes[2];
    bool fetching;
    uint64_t seen;    /* by the witness; durable */
    uint64_t thought; /* by the owner, of the witness */
    struct sim *sim;
    struct log_accept accept;
    struct log_submit submit;
    struct log_fetch fetch;
    bool began_accept, began_open;
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

static enum pt_code add_head(void *self, const struct wire_add_head *h,
                             const struct merkle_proof *proof, struct buf *line, uint64_t *known,
                             struct pt_err *err)
{
    struct world *w = self;

    if (require(text_eq(h->note, "head of seven"), err) != PT_OK)
        return err->code;
    *known = w->seen;
    if (h->old_size != w->seen)
        return PT_OK;
    if (require(proves(proof, w->seen), err) != PT_OK)
        return err->code;
    if (sim_edge(w->sim, 1))
        return pt_fail(err, PT_EIO, "down");
    w->seen = SIZE;
    if (sim_edge(w->sim, 1))
        return pt_fail(err, PT_EIO, "down");
    assert_true(buf_printf(line, "the witness's line"));
    return PT_OK;
}

static enum pt_code line_came(void *self, struct span line, struct pt_err *err)
{
    struct world *w = self;

    if (require(text_eq(line, "the witness's line"), err) != PT_OK)
        return err->code;
    /* It was remembered before it was signed. */
    sim_right(w->sim, 0, w->seen == SIZE || sim_liar(w->sim) == 1,
              "a line under what was not seen");
    w->lines++;
    return PT_OK;
}

static enum pt_code give(void *self, const struct wire_proof_ask *ask, struct buf *text,
                         struct merkle_proof *proof, struct pt_err *err)
{
    const struct digest nine = fixture_digest(9);
    const struct digest eight = fixture_digest(8);

    (void)self;
    if (require(memcmp(ask->question.b, nine.b, sizeof nine.b) == 0 &&
                    memcmp(ask->answer.b, eight.b, sizeof eight.b) == 0,
                err) != PT_OK)
        return err->code;
    if (require(ask->known_size <= SIZE, err) != PT_OK)
        return err->code;
    *proof = (struct merkle_proof){.count = 1, .hash = {fixture_digest((uint8_t)ask->known_size)}};
    assert_true(buf_printf(text, "the receipt"));
    return PT_OK;
}

static enum pt_code take(void *self, struct span text, const struct merkle_proof *proof,
                         struct buf *line, struct pt_err *err)
{
    struct world *w = self;

    if (require(text_eq(text, "the receipt") && proves(proof, SEEN_BEFORE), err) != PT_OK)
        return err->code;
    w->receipts++;
    assert_true(buf_printf(line, "the asker's line"));
    return PT_OK;
}

static enum pt_code asker_signed(void *self, struct span line, struct pt_err *err)
{
    struct world *w = self;

    if (require(text_eq(line, "the asker's line"), err) != PT_OK)
        return err->code;
    w->signed_receipts++;
    return PT_OK;
}

/* ---- the scenario ---- */

static struct world *make_world(bool fetching)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->policy = fixture_policy(2);
    fixture_nodes(w->nodes, w->policy);
    w->fetching = fetching;
    return w;
}
static void *make_heads(size_t nodes)
{
    (void)nodes;
    return make_world(false);
}
static void *make_receipts(size_t nodes)
{
    (void)nodes;
    return make_world(true);
}

static void destroy(void *world)
{
    struct world *w = world;

    policy_free(w->policy);
    free(w);
}

static void policy(void *world, const struct policy **p, struct fixture_node **nodes)
{
    struct world *w = world;

    *p = w->policy;
    *nodes = w->nodes;
}

static void fresh(void *world)
{
    struct world *w = world;

    w->seen = SEEN_BEFORE;
    w->thought = OWNER_KNOWS; /* it was started again, so a HeadConflict comes first */
    w->lines = w->receipts = w->signed_receipts = 0;
}

static void begin(void *world, struct sim *s)
{
    struct world *w = world;

    w->sim = s;
    w->began_accept = w->began_open = false;
    (void)sim_open(s, 0, 1, WHAT_LOG);
}

static void begin_open(struct world *w, struct sim *s)
{
    const struct log_submit_host submit = {.self = w, .head = head, .cosigned = line_came};
    const struct log_fetch_host fetch = {.self = w, .proof = take};
    const struct wire_proof_ask ask = {
        .question = fixture_digest(9), .answer = fixture_digest(8), .known_size = SEEN_BEFORE};
    struct session *session = &s->session[SIM_OPENER][0];
    struct outbox *out = &s->out[SIM_OPENER][0];
    struct pt_err err = {0};

    w->began_open = true;
    if (w->fetching)
        assert_int_equal(log_fetch_begin(&w->fetch, session, &fetch, &ask, out, &err), PT_OK);
    else
        assert_int_equal(log_submit_begin(&w->submit, session, &submit, w->thought, out, &err),
                         PT_OK);
}

static void hosts(void *world, struct sim *s)
{
    struct world *w = world;
    struct session *accepter = &s->session[SIM_ACCEPTER][0];
    const struct log_accept_host host = {
        .self = w, .add_head = add_head, .proof = give, .cosigned = asker_signed};
    struct pt_err err = {0};

    if (!w->began_accept && sim_is_open(s, 0, SIM_ACCEPTER) && accepter->what == WHAT_LOG) {
        w->began_accept = true;
        assert_int_equal(log_accept_begin(&w->accept, accepter, &host, &err), PT_OK);
    }
    if (!w->began_open && sim_is_open(s, 0, SIM_OPENER))
        begin_open(w, s);
}

static bool end(void *world, struct sim *s)
{
    const struct world *w = world;
    bool good = s->session[SIM_OPENER][0].state == SESSION_DONE &&
                s->session[SIM_ACCEPTER][0].state == SESSION_DONE;

    if (good && sim_liar(s) == SIM_NOBODY)
        assert_true(w->fetching ? w->receipts >= 1 && w->signed_receipts >= 1
                                : w->lines >= 1 && w->seen == SIZE);
    if (sim_liar(s) == SIM_NOBODY)
        assert_true(w->signed_receipts <= w->receipts);
    return good;
}

const struct sim_scenario SIM_HEADS = {.name = "head to a witness",
                                       .nodes_min = 2,
                                       .nodes_max = 2,
                                       .make = make_heads,
                                       .destroy = destroy,
                                       .policy = policy,
                                       .fresh = fresh,
                                       .begin = begin,
                                       .hosts = hosts,
                                       .end = end};
const struct sim_scenario SIM_RECEIPTS = {.name = "receipt",
                                          .nodes_min = 2,
                                          .nodes_max = 2,
                                          .make = make_receipts,
                                          .destroy = destroy,
                                          .policy = policy,
                                          .fresh = fresh,
                                          .begin = begin,
                                          .hosts = hosts,
                                          .end = end};
