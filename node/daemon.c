#include "node/daemon.h"

#include "crypto/base/text.h"
#include "node/blobs.h"
#include "node/clock.h"
#include "node/federation.h"
#include "node/freeze_run.h"
#include "node/log_run.h"
#include "node/planner.h"
#include "node/reach_desk.h"
#include "node/records.h"
#include "policy/quorum.h"
#include "proto/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char patto_descriptors[];
extern const size_t patto_descriptors_bytes;

void daemon_log(struct daemon *d, const char *fmt, ...)
{
    char when[20];
    char line[1024];
    va_list ap;

    clock_time(when, clock_now_s());
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    text_make_line(line); /* what a caller or a file made us say stays one line */
    /* One write a line: threads do not interleave. */
    fprintf(d->log, "%s %s\n", when, line);
    fflush(d->log);
}

struct snapshot *daemon_epoch(struct daemon *d)
{
    pthread_mutex_lock(&d->lock);
    struct snapshot *s = snapshot_ref(d->epoch);
    pthread_mutex_unlock(&d->lock);
    return s;
}

void daemon_release(struct daemon *d, struct snapshot *s)
{
    struct digest id;

    if (s == NULL)
        return;
    id = *snapshot_id(s);
    if (snapshot_unref(s))
        blobs_drop(d->home, &id);
}

void daemon_set_epoch(struct daemon *d, struct snapshot *s)
{
    pthread_mutex_lock(&d->lock);
    struct snapshot *old = d->epoch;
    d->epoch = s;
    d->epoch_note[0] = '\0';
    pthread_mutex_unlock(&d->lock);
    daemon_release(d, old);
}

enum pt_code daemon_self(struct session_self *out, struct oprf_key *key, struct daemon *d,
                         const struct snapshot *epoch, struct pt_err *err)
{
    uint32_t period = snapshot_key_period(d->home->policy, clock_now_s());
    char label[16];
    PT_WIPED(key32) seed = {0};

    snprintf(label, sizeof label, "%" PRIu32, period);
    home_oprf_seed(&seed, d->home, span_z(label));
    enum pt_code rc = oprf_key_derive(key, &seed, span_z(label));
    if (rc != PT_OK)
        return pt_fail(err, rc, "deriving the token key of period %s", label);
    *out = (struct session_self){.policy = d->home->policy,
                                 .partner = d->home->self,
                                 .key = &d->home->keys->node,
                                 .key_period = period,
                                 .oprf_public = key->public_key,
                                 .build = DAEMON_BUILD,
                                 .stop = freeze_run_hooks(d)};
    if (epoch != NULL)
        out->epoch_id = *snapshot_id(epoch);
    return PT_OK;
}

enum pt_code daemon_in_date(const struct daemon *d, struct pt_err *err)
{
    return quorum_check_dates(d->home->policy, clock_now_s(), err);
}

/* Anyone who reaches the port can cause these: a line a second at most, the others counted. */
static void log_refusal(void *arg, const struct rpc_refusal *r)
{
    struct daemon *d = arg;
    int64_t now_s = clock_now_s();

    pthread_mutex_lock(&d->lock);
    bool silent = now_s == d->refusal_logged_s;
    uint64_t unlogged = d->refusals_unlogged;
    d->refusals_unlogged = silent ? unlogged + 1 : 0;
    d->refusal_logged_s = now_s;
    pthread_mutex_unlock(&d->lock);
    if (silent)
        return;
    if (unlogged > 0)
        daemon_log(d, "refused %" PRIu64 " more callers within a second of the last line",
                   unlogged);
    daemon_log(d, "refused a caller: %s", r->reason);
}

/* Every other party's certificate, neutral ones too. */
static size_t pins_of(struct rpc_pin *pins, const struct home *h)
{
    size_t n = 0;

    for (size_t i = 0; i < h->policy->partner_count && n < RPC_PINS_MAX; i++) {
        if (i == h->self)
            continue;
        snprintf(pins[n].name, sizeof pins[n].name, "%s", h->policy->partners[i].name);
        pins[n++].certificate = h->policy->partners[i].certificate;
    }
    return n;
}

static enum pt_code listen_federation(struct daemon *d, struct pt_err *err)
{
    struct rpc_pin pins[RPC_PINS_MAX];
    size_t pin_count = pins_of(pins, d->home);
    enum pt_code rc = rpc_server_new_federation(&d->federation, &d->home->identity, pins, pin_count,
                                                &FEDERATION_LIMITS, err);

    if (rc != PT_OK)
        return rc;
    rpc_server_on_refusal(d->federation, log_refusal, d);
    rpc_server_handle(d->federation, FEDERATION_METHOD, federation_session, d);
    rpc_health_register(d->health, d->federation);
    return rpc_server_start(d->federation, d->home->config.listen, err);
}

static enum pt_code listen_planner(struct daemon *d, struct pt_err *err)
{
    char target[HOME_PATH_MAX];
    struct span descriptors = span_of(patto_descriptors, patto_descriptors_bytes);
    enum pt_code rc;

    if ((rc = rpc_server_new_planner(&d->planner, span_z(d->home->keys->token), NULL, err)) !=
            PT_OK ||
        (rc = rpc_reflection_new(&d->reflection, descriptors, err)) != PT_OK)
        return rc;
    rpc_server_on_refusal(d->planner, log_refusal, d);
    rpc_health_register(d->health, d->planner);
    rpc_reflection_register(d->reflection, d->planner);
    planner_register(d->planner, d);
    home_planner_target(target, d->home);
    return rpc_server_start(d->planner, target, err);
}

/* An epoch that cannot be used is no reason not to start: a new one can be made. Anything that
 * looks like damage is. */
static enum pt_code load_epoch(struct daemon *d, struct pt_err *err)
{
    const struct parallel parallel = pool_parallel(d->pool);
    enum pt_code rc = snapshot_load(&d->epoch, d->home, d->store, &parallel, err);

    if (rc != PT_ESTATE)
        return rc;
    snprintf(d->epoch_note, sizeof d->epoch_note, "%s", err->msg);
    daemon_log(d, "no epoch is in force: %s", err->msg);
    return PT_OK;
}

/* The policy in force must be the one that was joined last: an older one, put back by hand, may
 * carry every signature and still permit what has been forbidden since. */
static enum pt_code check_joined(struct daemon *d, struct pt_err *err)
{
    struct buf joined = {0};
    char ours[72];
    bool found;
    enum pt_code rc = store_fact_find(&joined, &found, d->store, "policy", err);

    policy_hash_text(ours, &d->home->policy->hash);
    if (rc == PT_OK && found && !span_eq_vartime(buf_span(&joined), span_z(ours)))
        rc = pt_fail(err, PT_EDENIED,
                     "policy/current is %s, but %.*s was joined last: was the folder restored from "
                     "a backup? join that policy again",
                     ours, (int)joined.n, joined.p);
    buf_free(&joined);
    return rc;
}

/* What was signed must be the beginning of what is in the store; files that are wrong are made
 * again from it. */
static enum pt_code open_translog(struct daemon *d, struct pt_err *err)
{
    struct pt_err was;
    enum pt_code rc;

    if ((rc = translog_open(&d->translog, d->home, d->store, err)) != PT_OK ||
        (rc = translog_repair(&was, d->translog, err)) != PT_OK)
        return rc;
    if (was.code != PT_OK)
        daemon_log(d, "the published log was made again from state.db: %s", was.msg);
    return PT_OK;
}

/* The keys that this node signs and is known by, whenever they are not those of the last start. */
static enum pt_code note_keys(struct daemon *d, struct pt_err *err)
{
    const struct policy_partner *self = &d->home->policy->partners[d->home->self];
    struct buf known = {0};
    struct store_place place;
    char node[65];
    char certificate[65];
    char fields[256];
    bool found;
    enum pt_code rc;

    text_hex(node, self->node.b, sizeof self->node.b);
    text_hex(certificate, self->certificate.b, sizeof self->certificate.b);
    snprintf(fields, sizeof fields, "node=ed25519:%s certificate=sha256:%s", node, certificate);
    if ((rc = store_begin(d->store, err)) != PT_OK)
        return rc;
    rc = store_fact_find(&known, &found, d->store, "keys", err);
    if (rc == PT_OK && !(found && span_eq_vartime(buf_span(&known), span_z(fields))) &&
        (rc = store_event(&place, d->store, "key", fields, clock_now_s(), err)) == PT_OK)
        rc = store_fact_put(d->store, "keys", span_z(fields), err);
    if (rc == PT_OK)
        rc = store_commit(d->store, err);
    store_rollback(d->store);
    buf_free(&known);
    return rc;
}

void daemon_publish(struct daemon *d)
{
    struct buf note;
    struct pt_err err;

    if (translog_checkpoint(&note, d->translog, clock_now_s(), &err) != PT_OK &&
        err.code != PT_ESTATE)
        daemon_log(d, "%s", err.msg);
    buf_free(&note);
    uint64_t size = translog_published(d->translog);
    pthread_mutex_lock(&d->lock);
    bool grown = size != d->logged_size;
    d->logged_size = size;
    pthread_mutex_unlock(&d->lock);
    if (grown)
        log_run_wake(d->logs);
}

static enum pt_code open_home(struct daemon *d, const struct daemon_in *in, struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    if ((rc = home_open(&d->home, in->home, HOME_WORK, err)) != PT_OK ||
        (rc = home_load_policy(d->home, clock_now_s(), err)) != PT_OK ||
        (rc = pool_new(&d->pool, in->threads > 0 ? in->threads : d->home->config.threads, err)) !=
            PT_OK)
        return rc;
    home_path(path, d->home, "state.db");
    if ((rc = store_open(&d->store, path, STORE_WRITE, err)) != PT_OK ||
        (rc = check_joined(d, err)) != PT_OK || (rc = open_translog(d, err)) != PT_OK ||
        (rc = note_keys(d, err)) != PT_OK)
        return rc;
    home_path(path, d->home, "vault");
    if ((rc = vault_sweep(path, err)) != PT_OK || (rc = blobs_sweep(d->home, err)) != PT_OK ||
        (rc = snapshot_seed_sweep(d->store, d->home->policy, clock_now_s(), err)) != PT_OK ||
        (rc = snapshot_record_sweep(d->home, d->store, clock_now_s(), err)) != PT_OK ||
        (rc = records_sweep(d->home,
                            clock_now_s() - (int64_t)d->home->policy->retention_days * 86400,
                            err)) != PT_OK ||
        (rc = load_epoch(d, err)) != PT_OK)
        return rc;
    if (d->epoch != NULL) /* killed after an epoch was kept, its predecessor's columns stay */
        blobs_retire(d->home, snapshot_id(d->epoch));
    return PT_OK;
}

enum pt_code daemon_start(struct daemon **out, const struct daemon_in *in, struct pt_err *err)
{
    struct daemon *d = calloc(1, sizeof *d);
    struct span statement;
    enum pt_code rc;

    *out = NULL;
    if (d == NULL)
        return pt_fail(err, PT_ENOMEM, "starting the daemon: no memory");
    *out = d;
    d->log = in->log;
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->job, NULL);
    pthread_mutex_init(&d->compute, NULL);
    d->seen = blobs_seen_new();
    d->made = columns_made_new();
    if ((rc = open_home(d, in, err)) != PT_OK ||
        (rc = frozen_new(&d->frozen, d->home, freeze_run_noticed, d, err)) != PT_OK ||
        (rc = reach_desk_new(&d->reach, err)) != PT_OK ||
        (rc = rpc_health_new(&d->health, err)) != PT_OK || (rc = listen_planner(d, err)) != PT_OK ||
        (rc = listen_federation(d, err)) != PT_OK)
        return rc;
    (void)frozen_look(d->frozen, &statement);
    if ((rc = log_run_start(&d->logs, d, err)) != PT_OK)
        return rc;
    daemon_publish(d);
    rpc_health_set(d->health, "", true);
    rpc_health_set(d->health, "patto.federation.v1.Federation", true);
    rpc_health_set(d->health, "patto.planner.v1.Planner", true);
    return PT_OK;
}

void daemon_stop(struct daemon *d)
{
    if (d == NULL)
        return;
    if (d->health != NULL)
        rpc_health_stop(d->health);
    rpc_server_free(d->federation, RPC_GRACE_MS);
    rpc_server_free(d->planner, RPC_GRACE_MS);
    log_run_stop(d->logs);
    if (d->telling)
        pthread_join(d->teller, NULL);
    rpc_health_free(d->health);
    rpc_reflection_free(d->reflection);
    (void)snapshot_unref(d->epoch); /* in force still: its columns stay */
    frozen_free(d->frozen);
    translog_close(d->translog);
    store_close(d->store);
    home_close(d->home);
    pool_free(d->pool);
    reach_desk_free(d->reach);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->job);
    pthread_mutex_destroy(&d->compute);
    blobs_seen_free(d->seen);
    columns_made_free(d->made);
    free(d);
}
