/* Reach over two to five with three nodes between them: what the asker holds is the histogram that
 * the slots and the dummies make, or nothing; no party's share leaves before its charge is on the
 * disk; a run is charged once. Policy checks are those that a node makes. */
#include "tests/sim/sim_reach.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "policy/decide.h"

enum { SLOTS = SIM_REACH_SLOTS, ASKER = SIM_REACH_ASKER, QUEUE_MAX = SIM_REACH_QUEUE };

static bool pays(const struct reach_world *w, int node)
{
    return node != ASKER && reach_is_party(&w->plan, (uint16_t)node);
}

static void fresh(void *world)
{
    struct reach_world *w = world;

    for (size_t i = 0; i < w->node_count; i++)
        if (pays(w, (int)i))
            sim_ledger_fresh(&w->ledger[i], (int)i);
}

static void crash(void *world, int node)
{
    struct reach_world *w = world;

    if (pays(w, node))
        sim_ledger_restart(&w->ledger[node]);
}

static void charge_id(struct digest *out, const struct reach_world *w)
{
    const struct span parts[] = {span_of(w->run.b, 32), buf_span(&w->text)};

    hash_parts(out, "sim/reach/charge", parts, PT_LEN(parts));
}

/* ---- a node's part ---- */

static void open_part(struct reach_world *w, int at)
{
    struct reach_part *p = &w->part[at];
    struct key32 random = {{(uint8_t)(at + 1), w->run.b[0]}};
    struct pt_err err = {0};

    p->open = true;
    if (reach_role(&w->plan, (uint16_t)at) < 0)
        return;
    if (reach_node_begin(&p->node, &w->plan, (uint16_t)at, &random, &err) != PT_OK)
        fail_msg("%s", err.msg);
    for (size_t k = 0; k < p->node.dummies.n; k++)
        w->right[p->node.dummies.p[k]]++; /* before they are masked */
}

static void lose(struct reach_world *w, int at)
{
    w->part[at].lost = true;
}

static void pass_on(struct reach_world *w, struct reach_part *p, struct reach_item *item)
{
    struct pt_err err = {0};

    if (item->to != p->at) {
        assert_true(p->queued < QUEUE_MAX);
        p->queue[p->queued++] = *item;
    } else if (reach_node_take(&p->node, item, &err) != PT_OK) {
        reach_item_free(item);
        lose(w, p->at);
    }
}

static void start(struct reach_world *w, int at)
{
    struct reach_part *p = &w->part[at];
    struct key32 seed = {{(uint8_t)(at + 1), w->run.b[0], 1}};
    struct reach_item items[2];
    struct buf vector = {0};

    p->started = true;
    if (!reach_is_party(&w->plan, (uint16_t)at))
        return;
    assert_true(buf_add(&vector, w->slots[at], SLOTS));
    assert_int_equal(reach_party(items, &w->plan, (uint16_t)at, &vector, &seed), PT_OK);
    pass_on(w, p, &items[0]);
    pass_on(w, p, &items[1]);
}

static void turn(struct reach_world *w, struct reach_part *p)
{
    struct pt_err err = {0};
    bool have = true;

    while (have && !p->lost && reach_role(&w->plan, (uint16_t)p->at) >= 0 && !p->node.done) {
        struct reach_item out = {0};
        if (reach_node_next(&p->node, &out, &have, &err) != PT_OK)
            lose(w, p->at);
        else if (have)
            pass_on(w, p, &out);
    }
}

static void send_queue(struct reach_world *w, struct reach_part *p)
{
    struct sim *s = w->sim;

    for (size_t i = 0; i < p->queued; i++) {
        size_t link = sim_open(s, p->at, p->queue[i].to, WHAT_REACH);
        w->ear[link] = (struct reach_ear){.world = w, .link = link, .sent = p->queue[i]};
    }
    p->queued = 0;
}

/* ---- accepting ---- */

static int ear_node(const struct reach_ear *e)
{
    return e->world->sim->link[e->link].node[SIM_ACCEPTER];
}

static enum pt_code check_question(const struct reach_ear *e, const struct wire_reach_question *q,
                                   struct pt_err *err)
{
    const struct reach_world *w = e->world;
    struct salt_result epoch = {0};
    struct question question;
    enum pt_code rc;

    if ((rc = epoch_header_parse(&epoch.header, q->header, err)) != PT_OK)
        return rc;
    if (q->signatures.count != epoch.header.participant_count)
        return pt_fail(err, PT_EBADMSG, "signatures for another header");
    for (size_t i = 0; i < q->signatures.count; i++) {
        if (!text_eq(q->signatures.items[i].from, epoch.header.participants[i].name))
            return pt_fail(err, PT_EBADMSG, "signatures in another order");
        epoch.signatures[i] = q->signatures.items[i].signature;
    }
    if ((rc = salt_result_check(&epoch, w->policy, err)) != PT_OK ||
        (rc = question_parse(&question, w->policy, q->text, err)) != PT_OK ||
        (rc = decide(w->policy, &question, err)) != PT_OK)
        return rc;
    return question.asker == ASKER && span_eq_vartime(q->text, buf_span(&w->text))
               ? PT_OK
               : pt_fail(err, PT_EDENIED, "asked in another's name");
}

static enum pt_code on_question(void *self, const struct wire_reach_question *q, uint64_t *rho_nano,
                                struct pt_err *err)
{
    struct reach_ear *e = self;
    struct reach_world *w = e->world;
    int at = ear_node(e);
    enum pt_code rc = check_question(e, q, err);

    if (rc != PT_OK)
        return rc;
    if (w->part[at].open || w->sim->link[e->link].node[SIM_OPENER] != ASKER)
        return pt_fail(err, PT_EDENIED, "the run is open already, or another's");
    if (memcmp(q->run.b, w->run.b, sizeof w->run.b) != 0)
        lose(w, at); /* a run of the liar's own: nobody else is in it */
    open_part(w, at);
    e->asks = true;
    *rho_nano = pays(w, at) ? w->plan.charge_nano : 0;
    return PT_OK;
}

static enum pt_code on_share(void *self, const struct wire_reach_share *share, struct pt_err *err)
{
    struct reach_ear *e = self;
    struct reach_world *w = e->world;
    struct reach_part *p = &w->part[ear_node(e)];
    uint16_t from = (uint16_t)w->sim->link[e->link].node[SIM_OPENER];

    e->coming = (struct reach_item){
        .stage = (enum reach_stage)share->stage, .from = from, .to = (uint16_t)p->at};
    if (!p->open || p->lost || memcmp(share->run.b, w->run.b, sizeof w->run.b) != 0 ||
        reach_role(&w->plan, (uint16_t)p->at) < 0 ||
        !reach_node_expects(&p->node, e->coming.stage, from) ||
        share->size > reach_item_max(&w->plan, e->coming.stage))
        return pt_fail(err, PT_EBADMSG, "a share that nobody awaits");
    return PT_OK;
}

static enum pt_code on_part(void *self, struct span data, struct pt_err *err)
{
    struct reach_ear *e = self;

    (void)err;
    assert_true(buf_add(&e->coming.bytes, data.p, data.n));
    return PT_OK;
}

static enum pt_code charge(struct reach_world *w, int at, struct wire_reach_done *done,
                           struct pt_err *err)
{
    struct ledger_result paid;
    struct ledger_charge bill = {.recipient = w->policy->partners[ASKER].name,
                                 .kind = "reach",
                                 .epoch = w->epoch_id,
                                 .rho_nano = w->plan.charge_nano,
                                 .question = buf_span(&w->text)};
    enum pt_code rc;

    charge_id(&bill.question_id, w);
    if ((rc = sim_ledger_charge(&paid, &w->ledger[at], w->sim, &bill, err)) != PT_OK)
        return rc;
    if (paid.already_paid)
        return pt_fail(err, PT_EBADMSG, "a run is repeated");
    w->part[at].charged_nano = paid.charged_nano;
    done->left_nano = paid.left_nano;
    done->audit_position = paid.event.sequence;
    return PT_OK;
}

static void refuse(struct reach_world *w, size_t link, int at)
{
    session_refuse(&w->sim->session[SIM_ACCEPTER][link], REFUSAL_INTERNAL,
                   &w->sim->out[SIM_ACCEPTER][link]);
    lose(w, at);
}

/* The question's link at a party or node that is not the asker. */
static void serve(struct reach_world *w, struct reach_ear *e)
{
    struct reach_part *p = &w->part[ear_node(e)];
    struct wire_reach_done done = {0};
    struct pt_err err = {0};

    if (w->sim->session[SIM_ACCEPTER][e->link].state == SESSION_FAILED)
        lose(w, p->at);
    if (p->lost || p->told) {
        if (p->lost)
            refuse(w, e->link, p->at);
        return;
    }
    if (!reach_accepter_working(&e->accepter))
        return;
    if (!p->started && pays(w, p->at) && charge(w, p->at, &done, &err) != PT_OK) {
        refuse(w, e->link, p->at);
        return;
    }
    if (!p->started)
        start(w, p->at);
    if (reach_role(&w->plan, (uint16_t)p->at) >= 0 && !p->node.done)
        return;
    if (p->queued > 0)
        return;
    done.charged_nano = p->charged_nano;
    done.counts = p->node.counted ? p->node.counts : NULL;
    done.count = p->node.counted ? (size_t)1 << w->plan.party_count : 0;
    p->told = true;
    if (reach_accepter_done(&e->accepter, &done, &w->sim->out[SIM_ACCEPTER][e->link], &err) !=
        PT_OK)
        refuse(w, e->link, p->at);
}

static void accept_link(struct reach_world *w, struct reach_ear *e)
{
    const struct reach_host host = {e, on_question, on_share, on_part};
    struct session *session = &w->sim->session[SIM_ACCEPTER][e->link];
    struct pt_err err = {0};
    int at = ear_node(e);

    if (w->sim->down[at])
        return;
    if (!e->began_accepter) {
        if (!sim_is_open(w->sim, e->link, SIM_ACCEPTER) || session->what != WHAT_REACH)
            return;
        e->began_accepter = true;
        assert_int_equal(reach_accepter_begin(&e->accepter, session, host, &err), PT_OK);
    }
    if (e->asks) {
        serve(w, e);
    } else if (reach_accepter_received(&e->accepter) && e->coming.bytes.p != NULL) {
        if (w->part[at].lost || reach_node_take(&w->part[at].node, &e->coming, &err) != PT_OK)
            lose(w, at);
    } else if (session->state == SESSION_FAILED && w->part[at].open) {
        lose(w, at); /* a share that was awaited will not come */
    }
}

/* ---- opening ---- */

static bool asks_on(const struct reach_world *w, size_t link)
{
    return w->sim->link[link].node[SIM_OPENER] == ASKER && w->ear[link].sent.bytes.p == NULL;
}

static void begin_opener(struct reach_world *w, struct reach_ear *e)
{
    struct session *session = &w->sim->session[SIM_OPENER][e->link];
    struct outbox *out = &w->sim->out[SIM_OPENER][e->link];
    const struct reach_question q = {.text = buf_span(&w->text),
                                     .run = w->run,
                                     .header = buf_span(&w->printed),
                                     .epoch = &w->epoch};
    struct pt_err err = {0};

    e->began = true;
    if (asks_on(w, e->link))
        assert_int_equal(reach_asker_begin(&e->asker, session, &q, out, &err), PT_OK);
    else
        assert_int_equal(reach_sender_begin(&e->sender, session, &w->run, &e->sent, out, &err),
                         PT_OK);
}

static void open_link(struct reach_world *w, struct reach_ear *e)
{
    struct sim *s = w->sim;
    int at = s->link[e->link].node[SIM_OPENER];
    struct pt_err err = {0};

    if (s->down[at])
        return;
    if (s->session[SIM_OPENER][e->link].state == SESSION_FAILED)
        lose(w, at);
    if (!e->began && sim_is_open(s, e->link, SIM_OPENER))
        begin_opener(w, e);
    while (e->began && !asks_on(w, e->link) && reach_sender_sending(&e->sender))
        assert_int_equal(reach_sender_send(&e->sender, &s->out[SIM_OPENER][e->link], &err), PT_OK);
}

/* ---- the asker ---- */

static bool all(const struct reach_world *w, bool (*holds)(const struct reach_asker *))
{
    for (size_t i = 0; i < w->sim->link_count; i++)
        if (asks_on(w, i) && !(w->ear[i].began && holds(&w->ear[i].asker)))
            return false;
    return true;
}

static void go(struct reach_world *w)
{
    struct pt_err err = {0};

    for (size_t i = 0; i < w->sim->link_count; i++) {
        struct reach_ear *e = &w->ear[i];
        int other = w->sim->link[i].node[SIM_ACCEPTER];
        if (asks_on(w, i) && e->asker.rho_nano != (pays(w, other) ? w->plan.charge_nano : 0)) {
            lose(w, ASKER); /* another price than the policy's: it names who */
            w->sim->failures++;
            return;
        }
    }
    w->gone = true;
    for (size_t i = 0; i < w->sim->link_count; i++)
        if (asks_on(w, i) &&
            reach_asker_go(&w->ear[i].asker, &w->sim->out[SIM_OPENER][i], &err) != PT_OK)
            lose(w, ASKER);
    start(w, ASKER);
}

static const int64_t *counts_of(const struct reach_world *w, int node)
{
    const struct reach_part *own = &w->part[ASKER];

    if (node == ASKER)
        return own->node.counted ? own->node.counts : NULL;
    for (size_t i = 0; i < w->sim->link_count; i++)
        if (asks_on(w, i) && w->sim->link[i].node[SIM_ACCEPTER] == node &&
            w->ear[i].asker.count == (size_t)1 << w->plan.party_count)
            return w->ear[i].asker.counts;
    return NULL;
}

/* As node/reach_ask.c does: both nodes that opened say the same, or nothing holds. */
static void collect(struct reach_world *w)
{
    size_t cells = (size_t)1 << w->plan.party_count;
    const int64_t *one = counts_of(w, w->plan.node[0]);
    const int64_t *three = counts_of(w, w->plan.node[2]);

    if (one == NULL || three == NULL || memcmp(one, three, cells * sizeof *one) != 0) {
        lose(w, ASKER);
        w->sim->failures++; /* it names both */
        return;
    }
    w->answered = true;
    sim_right(w->sim, ASKER, memcmp(one, w->right, cells * sizeof *one) == 0, "a histogram");
    for (size_t i = 0; i < w->sim->link_count; i++) {
        int other = w->sim->link[i].node[SIM_ACCEPTER];
        if (asks_on(w, i) && pays(w, other) && other != sim_liar(w->sim))
            assert_int_equal(w->ear[i].asker.charged_nano, w->plan.charge_nano);
    }
}

static void run_asker(struct reach_world *w)
{
    struct reach_part *own = &w->part[ASKER];
    bool done = reach_role(&w->plan, ASKER) < 0 || own->node.done;

    if (w->sim->down[ASKER])
        return;
    if (!own->lost && !w->gone && all(w, reach_asker_ready))
        go(w);
    if (!own->lost && w->gone && !w->answered && done && all(w, reach_asker_done))
        collect(w);
    for (size_t i = 0; own->lost && i < w->sim->link_count; i++)
        if (asks_on(w, i))
            session_refuse(&w->sim->session[SIM_OPENER][i], REFUSAL_INTERNAL,
                           &w->sim->out[SIM_OPENER][i]);
}

/* ---- the scenario ---- */

static void begin(void *world, struct sim *s)
{
    struct reach_world *w = world;

    w->sim = s;
    w->gone = w->answered = false;
    w->run = fixture_digest(s->nonce);
    memset(w->right, 0, sizeof w->right);
    memset(w->ear, 0, sizeof w->ear);
    for (int i = 0; i < SIM_NODES_MAX; i++)
        w->part[i] = (struct reach_part){.world = w, .at = i};
    for (size_t k = 0; k < SLOTS; k++) {
        unsigned mask = 0;
        for (uint16_t p = 0; p < w->node_count; p++)
            if (reach_is_party(&w->plan, p))
                mask |= (unsigned)w->slots[p][k] << reach_bit(&w->plan, p);
        w->right[mask]++;
    }
    open_part(w, ASKER);
    for (int i = 1; i < (int)w->node_count; i++) {
        if (!reach_is_party(&w->plan, (uint16_t)i) && reach_role(&w->plan, (uint16_t)i) < 0)
            continue;
        size_t link = sim_open(s, ASKER, i, WHAT_REACH);
        w->ear[link] = (struct reach_ear){.world = w, .link = link};
    }
}

static void hosts(void *world, struct sim *s)
{
    struct reach_world *w = world;

    for (size_t i = 0; i < s->link_count; i++) {
        open_link(w, &w->ear[i]);
        accept_link(w, &w->ear[i]);
    }
    run_asker(w);
    for (size_t i = 0; i < w->node_count; i++) {
        struct reach_part *p = &w->part[i];
        if (s->down[i] || !p->started || p->lost)
            continue;
        turn(w, p);
        send_queue(w, p);
    }
}

static bool end(void *world, struct sim *s)
{
    struct reach_world *w = world;
    bool good = w->answered;
    struct digest id;

    charge_id(&id, w);
    for (size_t i = 0; i < w->node_count; i++) {
        if (pays(w, (int)i) && s->down[i])
            crash(w, (int)i);
        if (pays(w, (int)i)) {
            uint64_t spent =
                sim_ledger_spent(&w->ledger[i], w->policy, w->policy->partners[ASKER].name);
            assert_int_equal(spent % w->plan.charge_nano, 0);
            assert_true(!w->answered || sim_ledger_holds(&w->ledger[i], &id, w->plan.charge_nano));
        }
        for (size_t k = 0; k < w->part[i].queued; k++)
            reach_item_free(&w->part[i].queue[k]);
        reach_node_free(&w->part[i].node);
    }
    for (size_t i = 0; i < s->link_count; i++) {
        good = good && s->session[SIM_OPENER][i].state == SESSION_DONE &&
               s->session[SIM_ACCEPTER][i].state == SESSION_DONE;
        reach_item_free(&w->ear[i].sent);
        reach_item_free(&w->ear[i].coming);
    }
    return good;
}

static void leaving(void *world, int node, const struct frame *f)
{
    const struct reach_world *w = world;
    struct digest id;

    if (!pays(w, node) || (f->kind != FRAME_REACH_SHARE && f->kind != FRAME_REACH_DONE))
        return;
    charge_id(&id, w);
    assert_true(sim_ledger_holds(&w->ledger[node], &id, w->plan.charge_nano));
}

const struct sim_scenario SIM_REACH = {.name = "reach",
                                       .nodes_min = 3,
                                       .nodes_max = 5,
                                       .make = sim_reach_make,
                                       .destroy = sim_reach_destroy,
                                       .policy = sim_reach_policy,
                                       .fresh = fresh,
                                       .begin = begin,
                                       .hosts = hosts,
                                       .crash = crash,
                                       .end = end,
                                       .leaving = leaving};
