#include "node/federation.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/daemon.h"
#include "node/epoch_run.h"
#include "node/evaluate.h"
#include "node/hidden.h"
#include "node/ledger.h"
#include "node/log_serve.h"
#include "node/question_log.h"
#include "node/reach_serve.h"
#include "node/recorder.h"
#include "proto/salt.h"
#include "proto/tokenise.h"

#include <inttypes.h>
#include <string.h>

const struct rpc_limits FEDERATION_LIMITS = {.message_bytes = RPC_MESSAGE_DEFAULT + 4096,
                                             .io_timeout_ms = FEDERATION_GREETING_MS,
                                             .connect_timeout_ms = 5000,
                                             .call_ms = FEDERATION_GREETING_TOTAL_MS};

/* One accepted session and everything it may need; which part is in use follows from what the
 * peer asked for in its Hello. */
struct accepted {
    struct daemon *daemon;
    struct snapshot *epoch;
    struct session_self self;
    struct oprf_key key;
    struct key32 proof_key;
    struct session session;
    struct recorder *record;
    struct outbox out;
    struct tokenise_peer tokenise;
    struct salt_responder salt;
    struct dataset dataset; /* behind a proposed epoch */
    struct evaluate evaluate;
    struct reach_serve reach;
    struct log_serve logs;
    bool attached, job; /* job: the daemon's job lock is ours */
};

static const char *peer_name(const struct accepted *a)
{
    return a->daemon->home->policy->partners[a->session.peer].name;
}

/* ---- tokens ---- */

static enum pt_code take_quota(void *self, uint16_t peer, uint64_t point_count, struct pt_err *err)
{
    struct accepted *a = self;
    const struct policy *p = a->daemon->home->policy;
    uint64_t used;
    const struct store_quota quota = {.what = "evaluations",
                                      .peer = p->partners[peer].name,
                                      .count = point_count,
                                      .limit = p->evaluations_per_day};
    struct store_place place;
    char session[65];
    char fields[256];
    enum pt_code rc = store_quota_take(&used, a->daemon->store, &quota, clock_now_s(), err);

    if (rc == PT_ELIMIT) {
        session_because(&a->session, REFUSAL_QUOTA);
        return PT_EDENIED;
    }
    if (rc != PT_OK)
        return rc;
    text_hex(session, a->session.id.b, sizeof a->session.id.b);
    snprintf(fields, sizeof fields, "peer=%s points=%" PRIu64 " key_period=%" PRIu32 " session=%s",
             p->partners[peer].name, point_count, a->self.key_period, session);
    return store_event(&place, a->daemon->store, "evaluate", fields, clock_now_s(), err);
}

static enum pt_code begin_tokenise(struct accepted *a, struct pt_err *err)
{
    const struct tokenise_peer_in in = {.key = &a->key,
                                        .proof_key = &a->proof_key,
                                        .host = {.self = a, .quota = take_quota},
                                        .parallel = pool_parallel(a->daemon->pool)};
    char period[16];

    snprintf(period, sizeof period, "%" PRIu32, a->self.key_period);
    /* One for all: a proof's randomness comes from it, the session and the points. */
    home_proof_seed(&a->proof_key, a->daemon->home, span_z(period));
    return tokenise_peer_begin(&a->tokenise, &a->session, &in, err);
}

/* ---- epochs ---- */

static enum pt_code allow_epoch(void *self, const struct salt_round *r, struct pt_err *err)
{
    struct accepted *a = self;
    enum pt_code rc = epoch_allow(a->daemon, peer_name(a), r, &a->dataset, err);

    if (rc != PT_ELIMIT)
        return rc;
    session_because(&a->session, REFUSAL_BUDGET_EXHAUSTED);
    return PT_EDENIED;
}

static enum pt_code adopt_epoch(void *self, const struct salt_result *r, struct pt_err *err)
{
    struct accepted *a = self;
    return epoch_adopt(a->daemon, r, &a->dataset, err);
}

static enum pt_code begin_epoch(struct accepted *a, struct pt_err *err)
{
    const struct salt_host host = {.self = a, .allow = allow_epoch, .adopt = adopt_epoch};
    PT_WIPED(salt_own) own = {0};
    enum pt_code rc;

    if (pthread_mutex_trylock(&a->daemon->job) != 0) {
        session_because(&a->session, REFUSAL_BUSY);
        return pt_fail(err, PT_ESTATE, "another epoch or token run is under way here");
    }
    a->job = true;
    if ((rc = epoch_session_take(a->daemon, peer_name(a), err)) == PT_EDENIED)
        session_because(&a->session, REFUSAL_QUOTA);
    if (rc != PT_OK || (rc = epoch_prepare(&own, &a->dataset, a->daemon, err)) != PT_OK)
        return rc;
    return salt_responder_begin(&a->salt, &a->session, &own, host, err);
}

/* ---- the stream ---- */

static enum pt_code begin_ask(struct accepted *a, struct pt_err *err)
{
    if (a->epoch == NULL) {
        session_because(&a->session, REFUSAL_EPOCH_MISMATCH);
        return pt_fail(err, PT_ESTATE, "there is no epoch in force here");
    }
    return evaluate_begin(&a->evaluate, a->daemon, a->epoch, &a->session, err);
}

static enum pt_code attach(struct accepted *a, struct pt_err *err)
{
    a->attached = true;
    switch (a->session.what) {
    case WHAT_TOKENISE:
        return begin_tokenise(a, err);
    case WHAT_EPOCH:
        return begin_epoch(a, err);
    case WHAT_ASK:
        return begin_ask(a, err);
    case WHAT_LOG:
        return log_serve_begin(&a->logs, a->daemon, &a->session, err);
    case WHAT_REACH:
        return reach_serve_begin(&a->reach, a->daemon, a->epoch, &a->session, err);
    }
    return pt_fail(err, PT_EBUG, "a session for nothing known");
}

static enum pt_code flush(struct accepted *a, struct rpc_call *call, struct pt_err *err)
{
    struct buf frame = {0};
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && outbox_take(&a->out, &frame))
        rc = rpc_send_take(call, &frame, err);
    return rc;
}

/* The opener may be silent only as long as what it asked for warrants: an epoch holds our job
 * lock, and any session a thread. */
static void set_patience(struct accepted *a, struct rpc_call *call)
{
    bool epoch = a->session.what == WHAT_EPOCH;

    rpc_call_set_io_timeout(call, epoch ? FEDERATION_EPOCH_MS : FEDERATION_WORK_MS);
    rpc_call_set_deadline(call, epoch ? FEDERATION_EPOCH_TOTAL_MS : FEDERATION_TOTAL_MS);
}

static enum pt_code take_frame(struct accepted *a, struct span frame, struct pt_err *err)
{
    enum pt_code rc = session_step(&a->session, frame, &a->out, err);

    if (rc == PT_OK && a->session.state == SESSION_OPEN && !a->attached &&
        (rc = attach(a, err)) != PT_OK)
        return session_fail(&a->session, &a->out, err);
    if (rc == PT_OK && a->attached && a->session.what == WHAT_ASK &&
        a->session.state == SESSION_OPEN)
        rc = evaluate_answer_if_ready(&a->evaluate, &a->out, err);
    if (rc == PT_OK && a->attached && a->session.what == WHAT_REACH)
        rc = reach_serve_if_ready(&a->reach, &a->out, err);
    return rc;
}

static enum pt_code converse(struct accepted *a, struct rpc_call *call, struct pt_err *err)
{
    struct buf frame = {0};
    struct pt_err later = {0};
    bool ended = false;
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && (rc = rpc_recv(&frame, &ended, call, err)) == PT_OK && !ended) {
        bool greeted = a->attached;
        rc = take_frame(a, buf_span(&frame), err);
        if (a->attached && !greeted)
            set_patience(a, call);
        /* Also after a failure: the Refusal is in the outbox. The first error is the one told. */
        enum pt_code sent = flush(a, call, rc == PT_OK ? err : &later);
        if (rc == PT_OK)
            rc = sent;
    }
    buf_free(&frame);
    if (rc == PT_OK && ended)
        rc = session_ended(&a->session, err);
    return rc;
}

static void accepted_free(struct accepted *a)
{
    struct pt_err err;

    if (recorder_end(a->record, &a->session, &err) != PT_OK)
        daemon_log(a->daemon, "%s", err.msg);
    tokenise_peer_wipe(&a->tokenise);
    salt_responder_wipe(&a->salt);
    evaluate_end(&a->evaluate);
    reach_serve_end(&a->reach);
    log_serve_end(&a->logs);
    dataset_free(&a->dataset);
    outbox_free(&a->out);
    oprf_key_wipe(&a->key);
    key32_wipe(&a->proof_key);
    daemon_release(a->daemon, a->epoch);
    if (a->job)
        pthread_mutex_unlock(&a->daemon->job);
    hidden_free(a);
}

static enum pt_code greet(struct accepted *a, const struct rpc_pin *pin, struct pt_err *err)
{
    int peer = policy_find_partner(a->daemon->home->policy, pin->name);
    struct session_to from = {0};
    const struct recorder_in record = {.home = a->daemon->home, .self = &a->self, .to = &from};
    struct key32 nonce;
    enum pt_code rc;

    if (peer < 0)
        return pt_fail(err, PT_EDENIED, "%s is no partner of the policy in force", pin->name);
    if ((rc = daemon_in_date(a->daemon, err)) != PT_OK ||
        (rc = daemon_self(&a->self, &a->key, a->daemon, a->epoch, err)) != PT_OK)
        return rc;
    key32_random(&nonce);
    memcpy(from.nonce.b, nonce.b, sizeof from.nonce.b);
    from.peer = (uint16_t)peer;
    if ((rc = recorder_new(&a->record, &record, err)) != PT_OK)
        return rc;
    from.watch = recorder_watch(a->record);
    session_accept(&a->session, &a->self, from);
    return PT_OK;
}

/* What the policy, a cap, a quota or a freeze forbade is on the record; disturbances are not. */
static void note_refusal(const struct accepted *a, const char *peer)
{
    static const enum refusal NOTED[] = {
        REFUSAL_POLICY_MISMATCH, REFUSAL_NOT_SIGNED,         REFUSAL_EXPIRED,
        REFUSAL_NOT_ALLOWED,     REFUSAL_BUDGET_EXHAUSTED,   REFUSAL_QUOTA,
        REFUSAL_FROZEN,          REFUSAL_STOPPED_BY_OFFICER, REFUSAL_NOT_PROVED};
    static const char *const WHAT[] = {[WHAT_TOKENISE] = "tokenise",
                                       [WHAT_EPOCH] = "epoch",
                                       [WHAT_ASK] = "ask",
                                       [WHAT_LOG] = "log",
                                       [WHAT_REACH] = "reach"};
    const char *what = a->attached && a->session.what < PT_LEN(WHAT) ? WHAT[a->session.what] : NULL;
    const struct question_refusal r = {.peer = peer,
                                       .what = what != NULL ? what : "session",
                                       .reason = refusal_name(a->session.refusal)};
    struct pt_err err;

    for (size_t i = 0; i < PT_LEN(NOTED); i++)
        if (a->session.refusal == NOTED[i] &&
            question_log_refused(a->daemon->store, &r, clock_now_s(), &err) != PT_OK)
            daemon_log(a->daemon, "a refusal is not on the record: %s", err.msg);
}

enum pt_code federation_session(struct rpc_call *call, void *arg, struct pt_err *err)
{
    const struct rpc_pin *pin = rpc_call_peer(call);
    struct accepted *a = hidden_locked_new(sizeof *a);
    enum pt_code rc;

    if (a == NULL || pin == NULL) {
        hidden_free(a);
        return pt_fail(err, PT_ENOMEM, "a session: no memory");
    }
    a->daemon = arg;
    a->epoch = daemon_epoch(a->daemon);
    if ((rc = greet(a, pin, err)) == PT_OK)
        rc = converse(a, call, err);
    if (rc != PT_OK)
        daemon_log(a->daemon, "session with %s ended: %s%s%s", pin->name, err->msg,
                   a->session.refusal != REFUSAL_NONE ? ": " : "",
                   a->session.refusal != REFUSAL_NONE ? refusal_name(a->session.refusal) : "");
    if (rc != PT_OK && !a->session.refused_by_peer)
        note_refusal(a, pin->name);
    daemon_publish(a->daemon);
    accepted_free(a);
    return rc;
}
