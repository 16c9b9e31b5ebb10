#include "node/reach_ask.h"
#include "node/hidden.h"
#include "node/log_run.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/peer.h"
#include "node/question_log.h"
#include "node/reach_serve.h"
#include "proto/reach_talk.h"

#include <string.h>

enum { OTHERS_MAX = REACH_PARTNERS_MAX };

struct other { /* a party or node apart from us, and the thread that hears it out */
    struct asking *asking;
    uint16_t partner;
    struct peer peer;
    struct reach_asker talk;
    pthread_t thread;
    bool started;
    struct pt_err err; /* code PT_OK: done */
};
struct asking {
    struct daemon *daemon;
    struct snapshot *epoch;
    const struct question *question;
    struct session_self self;
    struct oprf_key key;
    struct reach_run *run;
    struct reach_run_in in;
    struct salt_result header;
    struct buf text, printed;
    uint64_t marked; /* slots that our own vector marks: secret */
    struct other others[OTHERS_MAX];
    size_t other_count;
};

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "a question of reach: no memory");
}

/* ---- before anybody is asked ---- */

/* The header of the epoch in force with all signatures under it, for nodes that keep none. */
static enum pt_code read_header(struct asking *a, struct pt_err *err)
{
    struct store_epoch kept = {0};
    bool found;
    enum pt_code rc = store_epoch_find(&kept, &found, a->daemon->store, snapshot_id(a->epoch), err);

    if (rc == PT_OK && !found)
        rc = pt_fail(err, PT_ESTATE, "the epoch's header is not in the store: run `patto epoch`");
    if (rc == PT_OK)
        rc = epoch_header_parse(&a->header.header, buf_span(&kept.header), err);
    if (rc == PT_OK &&
        kept.signatures.n != a->header.header.participant_count * sizeof a->header.signatures[0])
        rc = pt_fail(err, PT_EBADMSG, "state.db: the epoch's signatures are damaged");
    if (rc == PT_OK) {
        memcpy(a->header.signatures, kept.signatures.p, kept.signatures.n);
        a->printed = kept.header;
        kept.header = (struct buf){0};
    }
    store_epoch_free(&kept);
    return rc;
}

static enum pt_code plan(struct asking *a, struct pt_err *err)
{
    const struct policy *p = a->daemon->home->policy;
    const struct digest nobody = {{0}};
    struct reach_run_origin origin = {
        .run = &a->in.run, .epoch = snapshot_id(a->epoch), .session = &nobody};
    struct key32 run;
    enum pt_code rc;

    key32_random(&run);
    memcpy(a->in.run.b, run.b, sizeof a->in.run.b);
    a->in.self = a->daemon->home->self;
    a->in.asker = a->in.self;
    if ((rc = question_print(&a->text, p, a->question, err)) != PT_OK ||
        (rc = read_header(a, err)) != PT_OK ||
        (rc = reach_plan_make(&a->in.plan, p, &a->header.header, a->question, err)) != PT_OK)
        return rc;
    for (uint16_t i = 0; i < p->partner_count && a->other_count < OTHERS_MAX; i++) {
        if (i == a->in.self || (!reach_is_party(&a->in.plan, i) && reach_role(&a->in.plan, i) < 0))
            continue;
        struct other *o = &a->others[a->other_count++];
        o->asking = a;
        o->partner = i;
    }
    origin.text = buf_span(&a->text);
    reach_run_random(&a->in.random, a->daemon->home, a->epoch, &origin);
    return reach_run_open(&a->run, a->daemon->reach, &a->in, err);
}

/* ---- everybody ready ---- */

static enum pt_code make_ready(struct other *o, struct pt_err *err)
{
    struct asking *a = o->asking;
    const struct reach_question q = {.text = buf_span(&a->text),
                                     .run = a->in.run,
                                     .header = buf_span(&a->printed),
                                     .epoch = &a->header};
    uint64_t wanted = reach_is_party(&a->in.plan, o->partner) ? a->in.plan.charge_nano : 0;
    enum pt_code rc;

    if ((rc = peer_open(&o->peer, a->daemon, &a->self, o->partner, WHAT_REACH, err)) != PT_OK ||
        (rc = reach_asker_begin(&o->talk, &o->peer.session, &q, &o->peer.out, err)) != PT_OK ||
        (rc = peer_flush(&o->peer, err)) != PT_OK)
        return rc;
    while (!reach_asker_ready(&o->talk))
        if ((rc = peer_step(&o->peer, err)) != PT_OK)
            return rc;
    if (o->talk.rho_nano != wanted)
        return pt_fail(err, PT_EBADMSG, "%s names another price than the policy does",
                       o->peer.name);
    return PT_OK;
}

/* Hear one out; a failure stops our own part too. */
static void *hear(void *argument)
{
    struct other *o = argument;
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && !reach_asker_done(&o->talk))
        rc = peer_step(&o->peer, &o->err);
    if (rc == PT_OK)
        rc = peer_finish(&o->peer, &o->err);
    if (rc != PT_OK)
        reach_run_fail(o->asking->run, &o->err);
    return NULL;
}

static struct question_note note_of(const struct asking *a, const struct other *o)
{
    const struct policy *p = a->daemon->home->policy;
    const struct reach_run_name name = {.run = &a->in.run,
                                        .epoch = snapshot_id(a->epoch),
                                        .policy = &p->hash,
                                        .text = buf_span(&a->text)};
    struct question_note n = {.kind = question_kind_name(QUESTION_REACH),
                              .peer = p->partners[o->partner].name,
                              .rho_nano = a->in.plan.charge_nano};

    reach_charge_id(&n.id, &name);
    return n;
}

/* Of each party, one event: before anybody works, and once all have told what they charged. */
static enum pt_code note_all(const struct asking *a, bool received, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < a->other_count && rc == PT_OK; i++) {
        const struct other *o = &a->others[i];
        struct question_note n = note_of(a, o);
        if (!reach_is_party(&a->in.plan, o->partner))
            continue;
        if (received) {
            n.rho_nano = o->talk.charged_nano;
            n.position = o->talk.audit_position;
            rc = question_log_received(a->daemon->store, &n, true, clock_now_s(), err);
        } else {
            rc = question_log_asked(a->daemon->store, &n, clock_now_s(), err);
        }
    }
    return rc;
}

static enum pt_code go(struct asking *a, struct pt_err *err)
{
    enum pt_code rc = note_all(a, false, err);

    for (size_t i = 0; i < a->other_count && rc == PT_OK; i++) {
        struct other *o = &a->others[i];
        if ((rc = reach_asker_go(&o->talk, &o->peer.out, err)) == PT_OK)
            rc = peer_flush(&o->peer, err);
    }
    for (size_t i = 0; i < a->other_count && rc == PT_OK; i++) {
        a->others[i].started = pthread_create(&a->others[i].thread, NULL, hear, &a->others[i]) == 0;
        if (!a->others[i].started)
            rc = no_memory(err);
    }
    return rc;
}

/* The error to tell: of who refused, else of the first that failed. */
static enum pt_code join(struct asking *a, struct pt_err *err)
{
    const struct other *worst = NULL;

    for (size_t i = 0; i < a->other_count; i++) {
        struct other *o = &a->others[i];
        if (!o->started)
            continue;
        pthread_join(o->thread, NULL);
        o->started = false;
        bool refused = o->peer.session.refused_by_peer;
        if (o->err.code != PT_OK &&
            (worst == NULL || (refused && !worst->peer.session.refused_by_peer)))
            worst = o;
    }
    if (worst == NULL)
        return PT_OK;
    *err = worst->err;
    return err->code;
}

static enum pt_code own_part(struct reach_result *out, struct asking *a, struct pt_err *err)
{
    struct buf vector = {0};
    enum pt_code rc = reach_vector(&vector, a->epoch, a->question, err);

    for (size_t i = 0; i < vector.n; i++)
        a->marked += vector.p[i];
    if (rc == PT_OK)
        rc = reach_run_work(out, a->run, a->daemon, &vector, err);
    buf_free(&vector);
    return rc;
}

/* ---- the histogram ---- */

static bool same_counts(const int64_t *a, const int64_t *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static const int64_t *counts_of(const struct asking *a, const struct reach_result *own,
                                uint16_t node)
{
    size_t cells = (size_t)1 << a->in.plan.party_count;

    if (node == a->in.self)
        return own->counted ? own->counts : NULL;
    for (size_t i = 0; i < a->other_count; i++)
        if (a->others[i].partner == node && a->others[i].talk.count == cells)
            return a->others[i].talk.counts;
    return NULL;
}

static enum pt_code collect(struct reach_opened *out, const struct asking *a,
                            const struct reach_result *own, struct pt_err *err)
{
    const struct policy *p = a->daemon->home->policy;
    const struct reach_plan *plan = &a->in.plan;
    size_t cells = (size_t)1 << plan->party_count;
    const int64_t *one = counts_of(a, own, plan->node[0]);
    const int64_t *three = counts_of(a, own, plan->node[2]);
    struct regions_in opened;
    int64_t total = 0;

    if (one == NULL || three == NULL || !same_counts(one, three, cells))
        return pt_fail(err, PT_EBADMSG,
                       "%s and %s opened different histograms: one of them deviates, and nothing "
                       "of this answer holds",
                       p->partners[plan->node[0]].name, p->partners[plan->node[2]].name);
    for (size_t i = 0; i < cells; i++)
        total += three[i] < 0 ? INT32_MIN : three[i];
    if (total < (int64_t)plan->slot_count)
        return pt_fail(err, PT_EBADMSG, "the opened histogram holds fewer slots than there are");
    reach_regions(&opened, plan, three);
    if (!regions_fit(&opened, reach_bit(plan, a->in.self), a->marked))
        return pt_fail(
            err, PT_EBADMSG,
            "the opened histogram does not hold what we put in: %s, %s or %s deviates, and "
            "nothing of this answer holds; `patto audit replay` at each says which",
            p->partners[plan->node[0]].name, p->partners[plan->node[1]].name,
            p->partners[plan->node[2]].name);
    memcpy(out->counts, three, cells * sizeof *three);
    out->plan = *plan;
    out->left_nano = UINT64_MAX;
    for (size_t i = 0; i < a->other_count; i++) {
        const struct reach_asker *t = &a->others[i].talk;
        if (!reach_is_party(plan, a->others[i].partner))
            continue;
        out->charged_nano = t->charged_nano;
        out->left_nano = t->left_nano < out->left_nano ? t->left_nano : out->left_nano;
        if (out->audit_position == 0)
            out->audit_position = t->audit_position;
    }
    return PT_OK;
}

static enum pt_code ask_all(struct reach_opened *out, struct asking *a, const struct job *job,
                            struct pt_err *err)
{
    struct reach_result own;
    struct pt_err theirs = {0};
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < a->other_count && rc == PT_OK; i++) {
        rc = job->progress(job->self, "asking partners", i, a->other_count, "", err);
        if (rc == PT_OK)
            rc = make_ready(&a->others[i], err);
    }
    if (rc != PT_OK ||
        (rc = job->progress(job->self, "sharing, shuffling, opening", 0, 0, "", err)) != PT_OK)
        return rc;
    if ((rc = go(a, err)) == PT_OK)
        rc = own_part(&own, a, err);
    if (rc != PT_OK) /* nobody waits for us: calls end, and so do their threads */
        for (size_t i = 0; i < a->other_count; i++)
            if (a->others[i].peer.call != NULL)
                rpc_call_cancel(a->others[i].peer.call);
    enum pt_code heard = join(a, &theirs);
    if (heard != PT_OK && (rc == PT_OK || heard == PT_EDENIED)) {
        *err = theirs;
        rc = heard;
    }
    if (rc == PT_OK)
        rc = collect(out, a, &own, err);
    if (rc == PT_OK)
        rc = note_all(a, true, err);
    explicit_bzero(&own, sizeof own);
    return rc;
}

/* Of each party that was charged; one that fails comes later. */
static void fetch_receipts(struct reach_opened *out, const struct asking *a)
{
    for (size_t i = 0; i < a->other_count; i++) {
        const struct other *o = &a->others[i];
        const struct log_run_answer answer = {
            .owner = o->partner, .question = note_of(a, o).id, .answer = o->talk.answer};
        char name[LOG_RUN_NAME_MAX];
        struct pt_err err;
        size_t at = strlen(out->receipts);
        size_t hashed = strlen(out->hashes);
        char hex[65];
        if (!reach_is_party(&a->in.plan, o->partner))
            continue;
        text_hex(hex, answer.answer.b, sizeof answer.answer.b);
        snprintf(out->hashes + hashed, sizeof out->hashes - hashed, "%s%s=%s",
                 hashed > 0 ? "," : "", a->daemon->home->policy->partners[o->partner].name, hex);
        if (log_run_receipt(name, a->daemon, &answer, &err) == PT_OK)
            snprintf(out->receipts + at, sizeof out->receipts - at, "%s%s", at > 0 ? "," : "",
                     name);
        else
            daemon_log(a->daemon, "a receipt is outstanding: %s", err.msg);
    }
}

static void asking_free(struct asking *a, enum refusal *refusal)
{
    for (size_t i = 0; i < a->other_count; i++) {
        if (*refusal == REFUSAL_NONE && a->others[i].peer.session.refused_by_peer)
            *refusal = a->others[i].peer.session.refusal;
        peer_close(&a->others[i].peer);
    }
    reach_run_close(a->run);
    buf_free(&a->text);
    buf_free(&a->printed);
    oprf_key_wipe(&a->key);
    hidden_free(a);
}

enum pt_code reach_ask(struct reach_opened *out, const struct reach_question_in *in,
                       struct pt_err *err)
{
    struct asking *a = hidden_locked_new(sizeof *a);
    enum pt_code rc;

    *out = (struct reach_opened){0};
    if (a == NULL)
        return no_memory(err);
    a->daemon = in->daemon;
    a->epoch = in->epoch;
    a->question = in->question;
    if ((rc = daemon_self(&a->self, &a->key, in->daemon, NULL, err)) == PT_OK &&
        (rc = plan(a, err)) == PT_OK)
        rc = ask_all(out, a, in->job, err);
    for (size_t i = 0; rc == PT_OK && i < a->other_count; i++)
        peer_close(&a->others[i].peer); /* owners publish when their sessions are over */
    if (rc == PT_OK)
        fetch_receipts(out, a);
    asking_free(a, &out->refusal);
    return rc;
}
