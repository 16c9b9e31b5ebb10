#include "node/planner.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/epoch_run.h"
#include "node/ledger.h"
#include "node/question_run.h"
#include "node/tokenise_run.h"
#include "proto/wire_planner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- progress on a stream ---- */

struct stream {
    struct rpc_call *call;
    bool query; /* QueryUpdate around the Progress */
};

static enum pt_code send_progress(void *self, const char *stage, uint64_t done, uint64_t total,
                                  const char *text, struct pt_err *err)
{
    struct stream *s = self;
    struct planner_progress p = {.done = done, .total = total};
    struct buf message = {0};
    enum pt_code rc;

    if (rpc_call_cancelled(s->call))
        return pt_fail(err, PT_ESTATE, "stopped: whoever asked has gone");
    snprintf(p.stage, sizeof p.stage, "%s", stage);
    snprintf(p.text, sizeof p.text, "%s", text);
    rc = s->query ? planner_update_progress(&message, &p, err)
                  : planner_progress_encode(&message, &p, err);
    if (rc == PT_OK)
        rc = rpc_send_take(s->call, &message, err);
    buf_free(&message);
    return rc;
}

static enum pt_code receive(struct buf *request, struct rpc_call *call, struct pt_err *err)
{
    return rpc_recv_one(request, call, err);
}

/* ---- Tokenise, Epoch ---- */

/* One job at a time changes tokens or epochs; a second is told, not queued. */
static enum pt_code take_job(struct daemon *d, struct pt_err *err)
{
    if (pthread_mutex_trylock(&d->job) != 0)
        return pt_fail(err, PT_ESTATE,
                       "another token run or epoch is under way here; try again when it is done");
    return PT_OK;
}

static enum pt_code handle_tokenise(struct rpc_call *call, void *arg, struct pt_err *err)
{
    struct daemon *d = arg;
    struct stream stream = {.call = call};
    const struct job job = {.self = &stream, .progress = send_progress};
    struct buf request = {0};
    enum pt_code rc = receive(&request, call, err);

    buf_free(&request);
    if (rc != PT_OK || (rc = frozen_refuse(d->frozen, err)) != PT_OK ||
        (rc = take_job(d, err)) != PT_OK)
        return rc;
    rc = tokenise_run(d, &job, err);
    pthread_mutex_unlock(&d->job);
    daemon_publish(d);
    if (rc != PT_OK)
        daemon_log(d, "tokenise failed: %s", err->msg);
    return rc;
}

static enum pt_code handle_epoch(struct rpc_call *call, void *arg, struct pt_err *err)
{
    struct daemon *d = arg;
    struct stream stream = {.call = call};
    const struct job job = {.self = &stream, .progress = send_progress};
    struct buf request = {0};
    struct planner_in in = {0};
    struct planner_epoch epoch;
    enum pt_code rc;

    if ((rc = receive(&request, call, err)) == PT_OK &&
        (rc = planner_epoch_decode(&epoch, &in, buf_span(&request), err)) == PT_OK &&
        (rc = frozen_refuse(d->frozen, err)) == PT_OK && (rc = take_job(d, err)) == PT_OK) {
        rc = epoch_run(d, epoch.participants, epoch.participant_count, &job, err);
        pthread_mutex_unlock(&d->job);
        daemon_publish(d);
    }
    if (rc != PT_OK)
        daemon_log(d, "epoch failed: %s", err->msg);
    planner_in_free(&in);
    buf_free(&request);
    return rc;
}

/* ---- Query ---- */

static enum pt_code handle_query(struct rpc_call *call, void *arg, struct pt_err *err)
{
    struct daemon *d = arg;
    struct stream stream = {.call = call, .query = true};
    const struct job job = {.self = &stream, .progress = send_progress};
    struct buf message = {0};
    struct planner_in in = {0};
    struct planner_query query;
    struct answer answer = {0};
    enum pt_code rc;

    if ((rc = receive(&message, call, err)) != PT_OK ||
        (rc = planner_query_decode(&query, &in, buf_span(&message), err)) != PT_OK ||
        (rc = frozen_refuse(d->frozen, err)) != PT_OK)
        goto out;
    rc = question_run(&answer, d, &query, &job, err);
    message.n = 0;
    if (rc != PT_OK)
        daemon_log(d, "query failed: %s", err->msg);
    else if ((rc = planner_update_answer(&message, &answer, err)) == PT_OK)
        rc = rpc_send_take(call, &message, err);
    daemon_publish(d);
out:
    answer_free(&answer);
    planner_in_free(&in);
    buf_free(&message);
    return rc;
}

/* ---- Status ---- */

static void note(struct planner_status *s, const char *text)
{
    if (s->note_count < PLANNER_NOTES_MAX)
        snprintf(s->notes[s->note_count++], PLANNER_TEXT_MAX, "%s", text);
}

static void status_epoch(struct planner_status *s, struct daemon *d, const struct snapshot *epoch)
{
    if (epoch == NULL) {
        pthread_mutex_lock(&d->lock);
        note(s, d->epoch_note[0] != '\0' ? d->epoch_note
                                         : "no epoch yet: run `patto epoch` when every partner "
                                           "has run `patto tokenise`");
        pthread_mutex_unlock(&d->lock);
        return;
    }
    s->epoch_number = snapshot_header(epoch)->number;
    s->slots = snapshot_header(epoch)->slot_count;
    text_hex(s->epoch_id, snapshot_id(epoch)->b, 32);
}

/* It comes first, and also makes a stop that was put here a moment ago known to the partners. */
static void status_stop(struct planner_status *s, struct daemon *d)
{
    struct pt_err why;

    if (frozen_refuse(d->frozen, &why) != PT_OK)
        note(s, why.msg);
}

static enum pt_code status_data(struct planner_status *s, struct daemon *d, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    struct vault_place place = snapshot_vault(dir, d->home);
    struct vault_counts count;
    enum pt_code rc = vault_count(&count, &place, err);

    if (rc == PT_ESTATE) {
        note(s, err->msg);
        return PT_OK;
    }
    if (rc != PT_OK)
        return rc;
    s->customers = count.customers;
    s->tokens = count.tokens;
    if (count.tokens < count.customers)
        note(s, "customers without a token: run `patto tokenise`");
    return PT_OK;
}

static enum pt_code status_partners(struct planner_status *s, struct daemon *d,
                                    const struct snapshot *epoch, struct pt_err *err)
{
    const struct policy *p = d->home->policy;

    for (size_t i = 0; i < p->partner_count; i++) {
        struct planner_partner *out = &s->partners[s->partner_count];
        struct budget_spent spent;
        if (i == d->home->self)
            continue;
        enum pt_code rc =
            ledger_spent(&spent, d->store, p, p->partners[i].name, clock_now_s(), err);
        if (rc != PT_OK)
            return rc;
        snprintf(out->name, sizeof out->name, "%s", p->partners[i].name);
        snprintf(out->endpoint, sizeof out->endpoint, "%s", p->partners[i].endpoint);
        out->neutral = p->partners[i].neutral;
        out->in_epoch = epoch != NULL && epoch_find(snapshot_header(epoch), out->name) >= 0;
        out->spent_nano = spent.period_nano;
        out->left_nano = ledger_left(p, &spent, clock_now_s());
        s->partner_count++;
    }
    return PT_OK;
}

static enum pt_code handle_status(struct rpc_call *call, void *arg, struct pt_err *err)
{
    struct daemon *d = arg;
    const struct policy *p = d->home->policy;
    struct planner_status *s = calloc(1, sizeof *s);
    struct snapshot *epoch = daemon_epoch(d);
    struct store_place head = {0};
    struct buf message = {0};
    enum pt_code rc = PT_ENOMEM;

    if (s == NULL)
        goto out;
    status_stop(s, d);
    if ((rc = receive(&message, call, err)) != PT_OK || (rc = status_data(s, d, err)) != PT_OK ||
        (rc = status_partners(s, d, epoch, err)) != PT_OK ||
        (rc = store_event_head(&head, d->store, err)) != PT_OK)
        goto out;
    snprintf(s->build, sizeof s->build, "%s", DAEMON_BUILD);
    snprintf(s->federation, sizeof s->federation, "%s", p->federation);
    snprintf(s->self, sizeof s->self, "%s", p->partners[d->home->self].name);
    s->policy_version = p->version;
    policy_hash_text(s->policy_hash, &p->hash);
    s->policy_valid_until_s = p->valid_until_s;
    s->key_period = snapshot_key_period(p, clock_now_s());
    s->audit_position = head.sequence;
    rpc_traffic(&s->sent_bytes, &s->received_bytes);
    status_epoch(s, d, epoch);
    message.n = 0;
    if ((rc = planner_status_encode(&message, s, err)) == PT_OK)
        rc = rpc_send_take(call, &message, err);
out:
    if (s == NULL)
        rc = pt_fail(err, PT_ENOMEM, "status: no memory");
    daemon_release(d, epoch);
    buf_free(&message);
    free(s);
    return rc;
}

void planner_register(struct rpc_server *s, struct daemon *d)
{
    rpc_server_handle(s, "/patto.planner.v1.Planner/Status", handle_status, d);
    rpc_server_handle(s, "/patto.planner.v1.Planner/Tokenise", handle_tokenise, d);
    rpc_server_handle(s, "/patto.planner.v1.Planner/Epoch", handle_epoch, d);
    rpc_server_handle(s, "/patto.planner.v1.Planner/Query", handle_query, d);
}
