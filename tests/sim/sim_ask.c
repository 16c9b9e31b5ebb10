/* A crosstab or a value of two, its answer's ledger a real one. The asker holds the one right answer or none;
 * no reply leaves before its charge is on the disk; asked again it costs nothing more. */
#include "tests/sim/sim_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct fixture_epoch epoch; /* first: what its callbacks are given */
    struct policy *policy;
    const char *kind;
    struct fixture_node nodes[3];
    int asker, owner;
    uint64_t price_nano;
    bool spent;                            /* the budget is, before it is asked */
    struct buf right[FIXTURE_COLUMNS_MAX]; /* rows of an undisturbed answer */
    int64_t right_sizes[FIXTURE_COLUMNS_MAX];
    bool known;
    struct sim_ledger ledger; /* the owner's; durable, as the columns in epoch.kept are */
    uint64_t told_nano;       /* charges that answers told the asker of */
    /* of an attempt */
    struct sim *sim;
    struct digest charged_key;
    bool charged;
    struct ask_recipient recipient;
    struct ask_evaluator evaluator;
    bool began_recipient, began_evaluator, barred_before;
};

static void *make_world(const char *kind, struct policy *policy, bool spent)
{
    struct world *w = calloc(1, sizeof *w);
    struct budget_price price;

    assert_non_null(w);
    w->spent = spent;
    w->policy = policy;
    w->kind = kind;
    fixture_nodes(w->nodes, w->policy);
    fixture_epoch_init(&w->epoch, w->policy, kind);
    fixture_epoch_join(&w->epoch, w->nodes);
    w->asker = policy_find_partner(w->policy, "freshmart");
    w->owner = policy_find_partner(w->policy, "drinkco");
    budget_price(&price, w->policy, &w->epoch.question, rlwe_delta(w->epoch.rlwe));
    w->price_nano = price.charge_nano;
    return w;
}

static void *make(size_t nodes)
{
    (void)nodes;
    return make_world("crosstab", fixture_three(), false);
}
static void *make_value(size_t nodes)
{
    (void)nodes;
    return make_world("value", fixture_value(), false);
}
static void *make_spent(size_t nodes)
{
    (void)nodes;
    return make_world("crosstab", fixture_three(), true);
}

static void destroy(void *world)
{
    struct world *w = world;

    for (size_t i = 0; i < FIXTURE_COLUMNS_MAX; i++)
        buf_free(&w->right[i]);
    sim_ledger_close(&w->ledger);
    fixture_epoch_free(&w->epoch);
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
    struct fixture_epoch *e = &w->epoch;

    for (size_t i = 0; i < e->kept_count; i++)
        buf_free(&e->kept[i].bytes);
    memset(e->kept, 0, sizeof e->kept);
    e->kept_count = 0;
    e->barred = false;
    w->told_nano = 0;
    sim_ledger_fresh(&w->ledger, w->owner);
    if (!w->spent)
        return;
    /* All of today, the reserve for sizes too. */
    struct ledger_result r;
    struct pt_err err = {0};
    const struct ledger_charge all = {.recipient = "freshmart",
                                      .kind = "overlap",
                                      .rho_nano = w->policy->privacy.daily_rho_nano,
                                      .question = span_z("another"),
                                      .upkeep = true};
    assert_int_equal(ledger_charge(&r, w->ledger.store, w->policy, &all, SIM_NOW_S, &err), PT_OK);
}

static void crash(void *world, int node)
{
    struct world *w = world;

    if (node == w->owner)
        sim_ledger_restart(&w->ledger);
}

static enum pt_code charge(void *self, const struct ask_charge *c, struct ask_account *out,
                           struct pt_err *err)
{
    struct fixture_epoch *e = self;
    struct world *w = self; /* the epoch is its first member */
    struct ledger_result r;
    const struct ledger_charge bill = {.question_id = c->key,
                                       .recipient = w->policy->partners[c->recipient].name,
                                       .kind = w->kind,
                                       .rho_nano = c->charge_nano,
                                       .question = c->text};
    enum pt_code rc = sim_ledger_charge(&r, &w->ledger, w->sim, &bill, err);

    if (rc != PT_OK)
        return rc;
    w->charged_key = c->key;
    w->charged = true;
    e->charged_before_row = true;
    *out = (struct ask_account){.paid_before = r.already_paid,
                                .left_nano = r.left_nano,
                                .audit_position = r.event.sequence};
    return PT_OK;
}

/* The fixture's columns are kept, or the node died. */
static enum pt_code (*bind_column)(void *, size_t, const struct wire_column *, struct pt_err *);
static enum pt_code column_bind(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err)
{
    const struct world *w = self;
    enum pt_code rc;

    if (sim_edge(w->sim, w->owner))
        return pt_fail(err, PT_EIO, "down");
    rc = bind_column(self, index, c, err);
    return sim_edge(w->sim, w->owner) ? pt_fail(err, PT_EIO, "down") : rc;
}

/* Data are looked at for what is paid, and for nothing else. */
static enum pt_code (*row_of)(void *, const struct question *, const struct reply_part *, int8_t *,
                              uint64_t *, struct pt_err *);
static enum pt_code row(void *self, const struct question *q, const struct reply_part *at,
                        int8_t *values, uint64_t *size, struct pt_err *err)
{
    const struct world *w = self;

    assert_true(w->charged);
    return row_of(self, q, at, values, size, err);
}

static void begin(void *world, struct sim *s)
{
    struct world *w = world;

    w->sim = s;
    w->charged = w->began_recipient = w->began_evaluator = false;
    w->barred_before = w->epoch.barred;
    s->proof = &w->recipient.prover.once.session;
    (void)sim_open(s, w->asker, w->owner, WHAT_ASK);
}

static void hosts(void *world, struct sim *s)
{
    struct world *w = world;
    struct session *owner = &s->session[SIM_ACCEPTER][0];
    struct pt_err err = {0};

    if (!w->began_evaluator && sim_is_open(s, 0, SIM_ACCEPTER) && owner->what == WHAT_ASK) {
        struct ask_evaluator_in in = fixture_evaluator_in(&w->epoch);
        bind_column = in.host.column_bind;
        row_of = in.host.data.row;
        in.host.data.row = row;
        in.host.charge = charge;
        in.host.column_bind = column_bind;
        w->began_evaluator = true;
        assert_int_equal(ask_evaluator_begin(&w->evaluator, owner, &in, &err), PT_OK);
    }
    if (!w->began_recipient && sim_is_open(s, 0, SIM_OPENER)) {
        struct ask_recipient_in in = fixture_recipient_in(&w->epoch, &w->recipient);
        w->began_recipient = true;
        assert_int_equal(ask_recipient_begin(&w->recipient, &s->session[SIM_OPENER][0], &in,
                                             &s->out[SIM_OPENER][0], &err),
                         PT_OK);
    }
    if (w->began_evaluator && !s->down[w->owner] && ask_evaluator_checking(&w->evaluator) &&
        ask_evaluator_check(&w->evaluator, &s->out[SIM_ACCEPTER][0], &err) != PT_OK)
        s->failures++;
    while (w->began_recipient && !s->down[w->asker] && ask_recipient_sending(&w->recipient))
        assert_int_equal(ask_recipient_send(&w->recipient, &s->out[SIM_OPENER][0], &err), PT_OK);
    if (w->began_evaluator && !s->down[w->owner] && ask_evaluator_ready(&w->evaluator) &&
        ask_evaluator_answer(&w->evaluator, &s->out[SIM_ACCEPTER][0], &err) != PT_OK)
        s->failures++;
}

/* Was something of the proof itself changed? Then its refusal is final for the epoch, as it would be
 * had the recipient lied; on the way that takes who breaks TLS. */
static bool proof_was_changed(const struct sim *s)
{
    const struct sim_deviation *d = &s->deviation;
    bool changed =
        d->mode == SIM_BY_SENDER || (d->mode == SIM_ON_THE_WAY && d->change.how != SIM_LOST &&
                                     d->change.how != SIM_TWICE && d->change.how != SIM_LATE);

    return (d->mode == SIM_WEATHER && s->faults > 0) ||
           (changed && d->kind >= FRAME_PROOF_CHOICES && d->kind <= FRAME_PROOF_ANSWER);
}

static void check_answer(struct world *w, struct sim *s)
{
    const struct ask_recipient *r = &w->recipient;

    for (size_t i = 0; i < r->row_count; i++) {
        if (!w->known) {
            assert_true(buf_add(&w->right[i], r->rows[i].p, r->rows[i].n));
            w->right_sizes[i] = r->sizes[i];
        }
        sim_right(s, w->asker,
                  span_eq_vartime(buf_span(&w->right[i]), buf_span(&r->rows[i])) &&
                      r->sizes[i] == w->right_sizes[i],
                  "a cell");
    }
    w->known = true;
    w->told_nano += r->charged_nano;
    sim_right(s, w->asker, w->told_nano <= w->price_nano, "a charge above the price");
}

static bool end(void *world, struct sim *s)
{
    struct world *w = world;
    bool answered = w->began_recipient && ask_recipient_answered(&w->recipient);
    bool good = answered && s->session[SIM_OPENER][0].state == SESSION_DONE &&
                s->session[SIM_ACCEPTER][0].state == SESSION_DONE;

    if (answered && w->asker != sim_liar(s))
        check_answer(w, s);
    if (w->epoch.barred && !w->barred_before) {
        assert_true(proof_was_changed(s));
        assert_false(answered);
    }
    if (w->barred_before) /* by the attempt before: asked again, it says so and charges nothing */
        good = s->session[SIM_OPENER][0].refusal == REFUSAL_NOT_PROVED && !answered;
    if (s->down[w->owner])
        crash(w, w->owner);
    uint64_t spent = sim_ledger_spent(&w->ledger, w->policy, "freshmart");
    assert_true(spent == 0 || spent == w->price_nano); /* one question, whatever happened */
    assert_true(!answered || spent == w->price_nano);
    if (w->began_recipient)
        ask_recipient_free(&w->recipient);
    if (w->began_evaluator)
        ask_evaluator_free(&w->evaluator);
    return good;
}

/* No answer, and that word, at both. */
static bool end_spent(void *world, struct sim *s)
{
    struct world *w = world;
    bool answered = w->began_recipient && ask_recipient_answered(&w->recipient);
    enum refusal why = w->barred_before ? REFUSAL_NOT_PROVED : REFUSAL_BUDGET_EXHAUSTED;

    sim_right(s, w->asker, !answered || sim_liar(s) == w->owner, "an answer that nobody paid");
    if (w->epoch.barred && !w->barred_before)
        assert_true(proof_was_changed(s));
    if (s->down[w->owner])
        crash(w, w->owner);
    assert_int_equal(sim_ledger_spent(&w->ledger, w->policy, "freshmart"),
                     w->policy->privacy.daily_rho_nano);
    if (w->began_recipient)
        ask_recipient_free(&w->recipient);
    if (w->began_evaluator)
        ask_evaluator_free(&w->evaluator);
    return s->session[SIM_ACCEPTER][0].refusal == why && s->session[SIM_OPENER][0].refusal == why &&
           s->session[SIM_OPENER][0].refused_by_peer;
}

static void leaving(void *world, int node, const struct frame *f)
{
    const struct world *w = world;

    if (node == w->owner && (f->kind == FRAME_REPLY || f->kind == FRAME_ANSWER))
        assert_true(w->charged && sim_ledger_holds(&w->ledger, &w->charged_key, w->price_nano));
}

const struct sim_scenario SIM_ASK = {.name = "question",
                                     .nodes_min = 2,
                                     .nodes_max = 2,
                                     .make = make,
                                     .destroy = destroy,
                                     .policy = policy,
                                     .fresh = fresh,
                                     .begin = begin,
                                     .hosts = hosts,
                                     .crash = crash,
                                     .end = end,
                                     .leaving = leaving};
const struct sim_scenario SIM_ASK_VALUE = {.name = "question of a value",
                                           .nodes_min = 2,
                                           .nodes_max = 2,
                                           .make = make_value,
                                           .destroy = destroy,
                                           .policy = policy,
                                           .fresh = fresh,
                                           .begin = begin,
                                           .hosts = hosts,
                                           .crash = crash,
                                           .end = end,
                                           .leaving = leaving};
const struct sim_scenario SIM_ASK_REFUSED = {.name = "question over the budget",
                                             .nodes_min = 2,
                                             .nodes_max = 2,
                                             .make = make_spent,
                                             .destroy = destroy,
                                             .policy = policy,
                                             .fresh = fresh,
                                             .begin = begin,
                                             .hosts = hosts,
                                             .crash = crash,
                                             .end = end_spent,
                                             .leaving = leaving};
