#include "node/replay_reach.h"

#include "node/reach_serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 64 };

struct items { /* owned */
    struct reach_item list[ITEMS_MAX];
    size_t count;
};
struct run { /* too large for the stack */
    struct replay_home *bed;
    struct pt_err gone;
    bool naming; /* only the question's session id is wanted yet */
    struct digest id, session;
    struct question question;
    struct buf text, header;
    struct reach_plan plan;
    struct key32 random;
    struct reach_node node;
    struct items got, sent;
};
struct one { /* a session of the run; too large for the stack */
    struct run *run;
    struct replay_session *told;
    struct replay_facts facts;
    struct session_self self;
    struct oprf_key key;
    struct replay_file file;
    struct replay replay;
    struct session *session;
    struct reach_accepter accepter;
    struct reach_asker asker;
    struct reach_sender sender;
    struct reach_item item; /* coming */
};

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "replay of reach: no memory");
}

static uint16_t self_of(const struct run *r)
{
    return r->bed->home->self;
}

static void items_free(struct items *l)
{
    for (size_t i = 0; i < l->count; i++)
        reach_item_free(&l->list[i]);
    l->count = 0;
}

/* *item is taken. */
static enum pt_code items_add(struct items *l, struct reach_item *item, struct pt_err *err)
{
    if (l->count == ITEMS_MAX)
        return pt_fail(err, PT_EBADMSG, "more shares than a run has");
    l->list[l->count++] = *item;
    *item = (struct reach_item){0};
    return PT_OK;
}

/* ---- what came ---- */

static enum pt_code on_question(void *self, const struct wire_reach_question *w, uint64_t *rho_nano,
                                struct pt_err *err)
{
    const struct one *o = self;
    const struct run *r = o->run;

    if (!span_eq_vartime(w->text, buf_span(&r->text)) ||
        !span_eq_vartime(w->header, buf_span(&r->header)))
        return pt_fail(err, PT_EBADMSG, "two questions under one run");
    *rho_nano = reach_is_party(&r->plan, self_of(r)) ? r->plan.charge_nano : 0;
    return PT_OK;
}

static enum pt_code on_share(void *self, const struct wire_reach_share *w, struct pt_err *err)
{
    struct one *o = self;
    const struct run *r = o->run;

    o->item = (struct reach_item){
        .stage = (enum reach_stage)w->stage, .from = o->session->peer, .to = self_of(r)};
    if ((unsigned)w->stage >= REACH_STAGE_COUNT ||
        !reach_route(&r->plan, o->item.stage, o->item.from, o->item.to) ||
        w->size > reach_item_max(&r->plan, o->item.stage))
        return pt_fail(err, PT_EBADMSG, "a share for reach that nobody awaits here");
    for (size_t i = 0; i < r->got.count; i++)
        if (r->got.list[i].stage == o->item.stage && r->got.list[i].from == o->item.from)
            return pt_fail(err, PT_EBADMSG, "a share that had come already");
    return PT_OK;
}

static enum pt_code on_part(void *self, struct span data, struct pt_err *err)
{
    struct one *o = self;
    return buf_add(&o->item.bytes, data.p, data.n) ? PT_OK : no_memory(err);
}

/* ---- what was told ---- */

/* Charged for this run, at the place that was said. */
static enum pt_code check_charge(const struct one *o, const struct wire_reach_done *said,
                                 struct pt_err *err)
{
    const struct run *r = o->run;
    const struct reach_run_name name = {.run = &r->id,
                                        .epoch = &r->bed->id,
                                        .policy = &r->bed->home->policy->hash,
                                        .text = buf_span(&r->text)};
    struct store_charge known;
    struct digest id;
    bool found = false;
    enum pt_code rc;

    if (!reach_is_party(&r->plan, self_of(r)))
        return PT_OK;
    reach_charge_id(&id, &name);
    if ((rc = store_charge_find(&known, &found, r->bed->store, &id, err)) != PT_OK)
        return rc;
    if (!found || known.rho_nano != r->plan.charge_nano ||
        strcmp(known.recipient, session_peer_name(o->session)) != 0 ||
        known.event.sequence != said->audit_position || said->charged_nano != known.rho_nano)
        return pt_fail(err, PT_EBADMSG, "the ledger has another charge for this run, or none");
    return replay_digests_add(&r->bed->questions, &id, err);
}

static enum pt_code tell(struct one *o, struct outbox *out, struct pt_err *err)
{
    struct run *r = o->run;
    struct wire_in in = {0};
    enum pt_code rc;

    if (o->facts.whole[FRAME_REACH_DONE].n == 0)
        return PT_OK; /* it failed, or said no */
    rc = wire_decode(&in, buf_span(&o->facts.whole[FRAME_REACH_DONE]), err);
    if (rc == PT_OK) {
        struct wire_reach_done done = in.frame.u.reach_done;
        done.counts = r->node.counted ? r->node.counts : NULL;
        done.count = r->node.counted ? (size_t)1 << r->plan.party_count : 0;
        if ((rc = check_charge(o, &done, err)) == PT_OK)
            rc = reach_accepter_done(&o->accepter, &done, out, err);
    }
    wire_in_free(&in);
    return rc;
}

/* ---- the sessions ---- */

static enum pt_code begin_sender(struct one *o, struct outbox *out, struct pt_err *err)
{
    struct run *r = o->run;
    struct wire_in in = {0};
    enum pt_code rc;

    if (o->facts.whole[FRAME_REACH_SHARE].n == 0)
        return PT_OK;
    if ((rc = wire_decode(&in, buf_span(&o->facts.whole[FRAME_REACH_SHARE]), err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < r->sent.count; i++) {
        const struct reach_item *item = &r->sent.list[i];
        if (item->to != o->session->peer || (uint32_t)item->stage != in.frame.u.reach_share.stage)
            continue;
        wire_in_free(&in);
        return reach_sender_begin(&o->sender, o->session, &r->id, item, out, err);
    }
    wire_in_free(&in);
    return pt_fail(err, PT_EBADMSG, "no such share follows from what came");
}

static enum pt_code begin(void *self, struct session *s, struct outbox *out, struct pt_err *err)
{
    struct one *o = self;
    struct run *r = o->run;
    const struct reach_question q = {.text = buf_span(&r->text),
                                     .run = r->id,
                                     .header = buf_span(&r->header),
                                     .epoch = &r->bed->agreed};
    const struct reach_host host = {
        .self = o, .question = on_question, .share = on_share, .part = on_part};

    o->session = s;
    if (r->naming) {
        r->session = s->id;
        (void)!pt_fail(&r->gone, PT_ESTATE, "only its name was wanted");
        return pt_fail(err, PT_ESTATE, "only its name was wanted");
    }
    if (!s->opener)
        return reach_accepter_begin(&o->accepter, s, host, err);
    return o->told->asks ? reach_asker_begin(&o->asker, s, &q, out, err)
                         : begin_sender(o, out, err);
}

static enum pt_code after(void *self, struct outbox *out, struct pt_err *err)
{
    struct one *o = self;

    if (o->session->opener)
        return PT_OK;
    if (reach_accepter_received(&o->accepter) && o->item.bytes.p != NULL)
        return items_add(&o->run->got, &o->item, err);
    return reach_accepter_working(&o->accepter) ? tell(o, out, err) : PT_OK;
}

static enum pt_code more(void *self, struct outbox *out, bool *blocked, struct pt_err *err)
{
    struct one *o = self;

    *blocked = false;
    if (!o->session->opener)
        return PT_OK;
    if (o->told->asks)
        return reach_asker_ready(&o->asker) ? reach_asker_go(&o->asker, out, err) : PT_OK;
    return o->sender.session != NULL && reach_sender_sending(&o->sender)
               ? reach_sender_send(&o->sender, out, err)
               : PT_OK;
}

static enum pt_code read_facts(struct one *o, const struct replay_home *bed, struct pt_err *err)
{
    enum pt_code rc = replay_file_open(&o->file, bed, o->told->name, err);

    if (rc == PT_OK) {
        const struct replay_source source = replay_file_source(&o->file);
        rc = replay_scan(&o->facts, &source, err);
    }
    replay_file_close(&o->file);
    return rc;
}

static enum pt_code run_session(struct run *r, struct replay_session *told, struct pt_err *err)
{
    struct one *o = calloc(1, sizeof *o);
    enum pt_code rc;

    if (o == NULL)
        return no_memory(err);
    o->run = r;
    o->told = told;
    if ((rc = read_facts(o, r->bed, err)) == PT_OK &&
        (rc = replay_self(&o->self, &o->key, r->bed, &o->facts.head, err)) == PT_OK &&
        (rc = replay_file_open(&o->file, r->bed, told->name, err)) == PT_OK) {
        const struct replay_in in = {
            .self = &o->self,
            .head = &o->facts.head,
            .source = replay_file_source(&o->file),
            .host = {.self = o, .begin = begin, .after = after, .more = more, .gone = &r->gone}};
        if ((rc = replay_begin(&o->replay, &in, err)) == PT_OK)
            rc = replay_run(&o->replay, err);
        told->result = o->replay.result;
    }
    replay_end(&o->replay);
    replay_file_close(&o->file);
    replay_facts_free(&o->facts);
    reach_item_free(&o->item);
    oprf_key_wipe(&o->key);
    free(o);
    return rc;
}

/* ---- the run ---- */

/* From the question, whoever sent it. */
static enum pt_code read_question(struct run *r, struct replay_session *told, struct pt_err *err)
{
    const struct policy *p = r->bed->home->policy;
    struct one *o = calloc(1, sizeof *o);
    struct wire_in in = {0};
    enum pt_code rc;

    if (o == NULL)
        return no_memory(err);
    o->told = told;
    if ((rc = read_facts(o, r->bed, err)) == PT_OK) {
        const struct buf *ours = &o->facts.whole[FRAME_REACH_QUESTION];
        rc = wire_decode(&in, buf_span(ours->n > 0 ? ours : &o->facts.came[FRAME_REACH_QUESTION]),
                         err);
    }
    if (rc == PT_OK) {
        const struct wire_reach_question *q = &in.frame.u.reach_question;
        if (!buf_add(&r->text, q->text.p, q->text.n) ||
            !buf_add(&r->header, q->header.p, q->header.n))
            rc = no_memory(err);
    }
    if (rc == PT_OK && (rc = question_parse(&r->question, p, buf_span(&r->text), err)) == PT_OK)
        rc = reach_plan_make(&r->plan, p, &r->bed->agreed.header, &r->question, err);
    wire_in_free(&in);
    replay_facts_free(&o->facts);
    free(o);
    return rc;
}

/* Of an asker: zeros, as it drew the run's id. */
static enum pt_code name_session(struct run *r, struct replay_session *told, struct pt_err *err)
{
    enum pt_code rc;

    if (told->opener)
        return PT_OK;
    r->naming = true;
    rc = run_session(r, told, err);
    r->naming = false;
    told->result = (struct replay_result){0};
    r->gone = (struct pt_err){0};
    return rc;
}

/* *item is taken: to ourselves, or to be compared with what left. */
static enum pt_code hand_out(struct run *r, struct reach_item *item, struct pt_err *err)
{
    return item->to == self_of(r) ? reach_node_take(&r->node, item, err)
                                  : items_add(&r->sent, item, err);
}

static enum pt_code be_party(struct run *r, struct pt_err *err)
{
    struct reach_item items[2] = {{0}, {0}};
    PT_WIPED(key32) seed = {0};
    struct buf vector = {0};
    enum pt_code rc = reach_vector(&vector, r->bed->epoch, &r->question, err);

    if (rc == PT_OK) {
        prf_derive(&seed, &r->random, "patto/reach/party/1", NULL, 0);
        if ((rc = reach_party(items, &r->plan, self_of(r), &vector, &seed)) != PT_OK)
            rc = pt_fail(err, rc, "reach: own slots could not be shared");
    }
    for (size_t i = 0; i < PT_LEN(items) && rc == PT_OK; i++)
        rc = hand_out(r, &items[i], err);
    for (size_t i = 0; i < PT_LEN(items); i++)
        reach_item_free(&items[i]);
    buf_free(&vector);
    return rc;
}

static enum pt_code advance(struct run *r, struct pt_err *err)
{
    bool have = true;
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && have) {
        struct reach_item out = {0};
        rc = reach_node_next(&r->node, &out, &have, err);
        if (rc == PT_OK && have)
            rc = hand_out(r, &out, err);
        reach_item_free(&out);
    }
    return rc;
}

/* All that follows from what came. That something does not follow any more, as a share was bad, is no
 * failure here: what was sent all the same will differ. */
static void work(struct run *r)
{
    struct pt_err err;
    enum pt_code rc = PT_OK;
    bool node = reach_role(&r->plan, self_of(r)) >= 0;

    if (node)
        rc = reach_node_begin(&r->node, &r->plan, self_of(r), &r->random, &err);
    if (rc == PT_OK && reach_is_party(&r->plan, self_of(r)))
        rc = be_party(r, &err);
    if (rc == PT_OK && node)
        rc = advance(r, &err);
    for (size_t i = 0; node && i < r->got.count && rc == PT_OK; i++)
        if ((rc = reach_node_take(&r->node, &r->got.list[i], &err)) == PT_OK)
            rc = advance(r, &err);
}

static enum pt_code run_some(struct run *r, struct replay_session **sessions, size_t count,
                             bool (*which)(const struct replay_session *), struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < count && rc == PT_OK; i++)
        if (which(sessions[i]))
            rc = run_session(r, sessions[i], err);
    return rc;
}

static bool is_coming(const struct replay_session *s)
{
    return !s->asks && !s->opener;
}

static bool is_going(const struct replay_session *s)
{
    return !s->asks && s->opener;
}

static bool is_asking(const struct replay_session *s)
{
    return s->asks;
}

/* In the order in which one follows from the other. */
static enum pt_code run_all(struct run *r, struct replay_session **sessions, size_t count,
                            struct pt_err *err)
{
    struct replay_session *question = NULL;
    enum pt_code rc;

    for (size_t i = 0; i < count; i++)
        if (sessions[i]->asks)
            question = sessions[i];
    if (question == NULL)
        return pt_fail(err, PT_EBUG, "a run of reach without its question");
    r->id = question->group;
    if ((rc = read_question(r, question, err)) != PT_OK ||
        (rc = name_session(r, question, err)) != PT_OK)
        return rc;
    const struct reach_run_origin origin = {
        .run = &r->id, .epoch = &r->bed->id, .session = &r->session, .text = buf_span(&r->text)};
    reach_run_random(&r->random, r->bed->home, r->bed->epoch, &origin);
    if ((rc = run_some(r, sessions, count, is_coming, err)) != PT_OK)
        return rc;
    work(r);
    if ((rc = run_some(r, sessions, count, is_going, err)) != PT_OK)
        return rc;
    return run_some(r, sessions, count, is_asking, err);
}

static void say_gone(const struct replay_home *bed, struct replay_session **sessions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sessions[i]->result.verdict = REPLAY_UNCHECKED;
        snprintf(sessions[i]->result.words, REPLAY_WORDS_MAX, "%.230s", bed->no_epoch.msg);
    }
}

enum pt_code replay_reach_run(struct replay_home *bed, struct replay_session **sessions,
                              size_t count, struct pt_err *err)
{
    struct run *r;
    enum pt_code rc;

    if (bed->epoch == NULL && bed->at >= 0) {
        say_gone(bed, sessions, count);
        return PT_OK;
    }
    if ((r = calloc(1, sizeof *r)) == NULL)
        return no_memory(err);
    r->bed = bed;
    rc = run_all(r, sessions, count, err);
    items_free(&r->got);
    items_free(&r->sent);
    reach_node_free(&r->node);
    buf_free(&r->text);
    buf_free(&r->header);
    explicit_bzero(r, sizeof *r);
    free(r);
    return rc;
}
