#include "node/epoch_run.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/hidden.h"
#include "node/ledger.h"
#include "node/peer.h"
#include "node/records.h"

#include <inttypes.h>
#include <string.h>

enum { NUMBER_AHEAD_MAX = 24 * 60 }; /* numbers are minutes since 1970 */

enum pt_code epoch_session_take(struct daemon *d, const char *peer, struct pt_err *err)
{
    const struct store_quota quota = {
        .what = "epoch sessions", .peer = peer, .count = 1, .limit = EPOCH_SESSIONS_A_DAY};
    uint64_t used;
    enum pt_code rc = store_quota_take(&used, d->store, &quota, clock_now_s(), err);

    return rc == PT_ELIMIT ? PT_EDENIED : rc;
}

enum pt_code epoch_prepare(struct salt_own *own, struct dataset *data, struct daemon *d,
                           struct pt_err *err)
{
    uint32_t period = snapshot_key_period(d->home->policy, clock_now_s());
    const struct parallel parallel = pool_parallel(d->pool);
    const struct dataset_how how = {.record = true, .parallel = &parallel};
    enum pt_code rc = dataset_load(data, d->home, period, &how, err);

    if (rc != PT_OK)
        return rc;
    own->dataset = data->commitment;
    own->padded_size = data->padded_size;
    return snapshot_seed_new(own, d->home, d->store, err);
}

static enum pt_code last_number(uint64_t *out, struct daemon *d, struct pt_err *err)
{
    struct store_epoch last = {0};
    bool found;
    enum pt_code rc = store_epoch_active(&last, &found, d->store, err);

    *out = found ? last.number : 0;
    store_epoch_free(&last);
    return rc;
}

/* The announced size is a noisy count that each participant reads: charged once a dataset. */
static enum pt_code charge_sizes(struct daemon *d, const struct salt_round *r,
                                 const struct dataset *data, struct pt_err *err)
{
    const struct policy *p = d->home->policy;

    for (size_t i = 0; i < r->count; i++) {
        struct ledger_result paid;
        const char *name = salt_round_party(r, i)->name;
        const struct span parts[] = {span_of(data->commitment.b, 32), span_z(name)};
        struct ledger_charge charge = {.recipient = name,
                                       .kind = "size",
                                       .rho_nano = LEDGER_PADDING_RHO_NANO,
                                       .question = span_z("padded size of the dataset"),
                                       .upkeep = true};
        if (r->partner[i] == d->home->self)
            continue;
        hash_parts(&charge.question_id, "patto/charge-size/1", parts, PT_LEN(parts));
        enum pt_code rc = ledger_charge(&paid, d->store, p, &charge, clock_now_s(), err);
        if (rc == PT_EDENIED) {
            err->code = PT_ELIMIT; /* nobody asked for what the policy forbids */
            return pt_wrap(err, "make the epoch without %s (--with the others)", name);
        }
        if (rc != PT_OK)
            return rc;
    }
    return PT_OK;
}

/* Upwards, but not so far that nobody could ever propose a higher one. */
static enum pt_code check_number(uint64_t number, struct daemon *d, struct pt_err *err)
{
    uint64_t now = (uint64_t)clock_now_s() / 60;
    uint64_t last;
    enum pt_code rc = last_number(&last, d, err);

    if (rc != PT_OK)
        return rc;
    if (number <= last)
        return pt_fail(err, PT_ESTATE,
                       "epoch %" PRIu64 " is not above the last one, %" PRIu64
                       ": check the clocks and try again in a minute",
                       number, last);
    if (number > now + NUMBER_AHEAD_MAX && number - last > 1)
        return pt_fail(err, PT_ESTATE,
                       "epoch %" PRIu64 " is more than a day ahead of our clock: check the clocks",
                       number);
    return PT_OK;
}

enum pt_code epoch_allow(struct daemon *d, const char *initiator, const struct salt_round *r,
                         const struct dataset *data, struct pt_err *err)
{
    struct store_quota done = {.what = "epochs", .peer = "", .count = 0, .limit = UINT32_MAX};
    struct store_quota begun = {.what = "salt", .peer = initiator, .count = 1};
    uint64_t completed;
    uint64_t used;
    enum pt_code rc;

    if ((rc = check_number(r->number, d, err)) != PT_OK ||
        (rc = store_quota_take(&completed, d->store, &done, clock_now_s(), err)) != PT_OK)
        return rc;
    /* Whoever sees the salt first may abort and try for a better one: that ends here. */
    begun.limit = completed + 1 + EPOCH_RETRIES_MAX;
    rc = store_quota_take(&used, d->store, &begun, clock_now_s(), err);
    if (rc == PT_ELIMIT)
        return pt_fail(err, PT_EDENIED,
                       "%d rounds with %s failed today; a new epoch can be made tomorrow",
                       EPOCH_RETRIES_MAX, initiator);
    return rc == PT_OK ? charge_sizes(d, r, data, err) : rc;
}

/* Who took part, since only they were told our padded size; and the commitment to our data. */
static enum pt_code epoch_fields(struct buf *out, const struct daemon *d,
                                 const struct epoch_header *h, struct pt_err *err)
{
    int own = epoch_find(h, d->home->policy->partners[d->home->self].name);
    struct digest id;
    char hex[65];
    bool ok;

    if (epoch_header_id(&id, h, err) != PT_OK)
        return err->code;
    text_hex(hex, id.b, sizeof id.b);
    ok = buf_printf(out, "number=%" PRIu64 " slots=%" PRIu64 " id=%s participants=", h->number,
                    h->slot_count, hex);
    for (size_t i = 0; ok && i < h->participant_count; i++)
        ok = buf_printf(out, "%s%s", i > 0 ? "," : "", h->participants[i].name);
    if (own >= 0) {
        const struct epoch_participant *us = &h->participants[own];
        text_hex(hex, us->dataset.b, sizeof us->dataset.b);
        ok = ok && buf_printf(out, " dataset=%s padded=%" PRIu64, hex, us->padded_size);
    }
    return ok && buf_u8(out, '\0') ? PT_OK : pt_fail(err, PT_ENOMEM, "an epoch: no memory");
}

/* In one transaction: what the store says is in force is what memory will hold, or neither is. The
 * store's lock keeps another round from sweeping the record that this one has just made. */
static enum pt_code keep(struct daemon *d, const struct salt_result *r, int64_t now_s,
                         struct pt_err *err)
{
    struct store_quota done = {.what = "epochs", .peer = "", .count = 1, .limit = UINT32_MAX};
    struct store_place place;
    struct buf fields = {0};
    uint64_t used;
    enum pt_code rc;

    if ((rc = epoch_fields(&fields, d, &r->header, err)) != PT_OK ||
        (rc = store_begin(d->store, err)) != PT_OK)
        goto out;
    if ((rc = snapshot_keep(d->store, r, now_s, err)) == PT_OK &&
        (rc = store_quota_take(&used, d->store, &done, now_s, err)) == PT_OK &&
        (rc = store_event(&place, d->store, "epoch", (const char *)fields.p, now_s, err)) ==
            PT_OK &&
        (rc = snapshot_seed_sweep(d->store, d->home->policy, now_s, err)) == PT_OK &&
        (rc = snapshot_recorded(d->home, &r->header, err)) == PT_OK &&
        (rc = snapshot_record_sweep(d->home, d->store, now_s, err)) == PT_OK)
        rc = store_commit(d->store, err);
    store_rollback(d->store);
out:
    buf_free(&fields);
    return rc;
}

enum pt_code epoch_adopt(struct daemon *d, const struct salt_result *r, struct dataset *data,
                         struct pt_err *err)
{
    const struct parallel parallel = pool_parallel(d->pool);
    struct snapshot *s = NULL;
    enum pt_code rc;

    /* First what an auditor will ask for: an epoch without it could not be checked. */
    if ((rc = dataset_record(data, d->home, &parallel, err)) != PT_OK ||
        (rc = snapshot_new(&s, d->home, d->store, &r->header, data, err)) != PT_OK)
        return rc;
    if ((rc = keep(d, r, clock_now_s(), err)) != PT_OK) {
        (void)snapshot_unref(s);
        return rc;
    }
    daemon_set_epoch(d, s);
    if (records_sweep(d->home, clock_now_s() - (int64_t)d->home->policy->retention_days * 86400,
                      err) != PT_OK)
        daemon_log(d, "%s", err->msg); /* the next start tries again */
    daemon_log(d, "epoch %" PRIu64 " is in force: %zu partners, %" PRIu64 " slots",
               r->header.number, r->header.participant_count, r->header.slot_count);
    return PT_OK;
}

/* ---- proposing ---- */

struct proposal {
    struct daemon *daemon;
    struct session_self self;
    struct oprf_key key;
    struct dataset data;
    struct salt_own own;
    struct peer peers[POLICY_PARTNERS_MAX];
    struct session *sessions[POLICY_PARTNERS_MAX];
    struct outbox outs[POLICY_PARTNERS_MAX];
    size_t peer_count;
    struct salt_initiator initiator;
    char absent[256];
};

static enum pt_code allow(void *self, const struct salt_round *r, struct pt_err *err)
{
    struct proposal *p = self;
    const struct home *h = p->daemon->home;

    return epoch_allow(p->daemon, h->policy->partners[h->self].name, r, &p->data, err);
}

static enum pt_code adopt(void *self, const struct salt_result *r, struct pt_err *err)
{
    struct proposal *p = self;
    return epoch_adopt(p->daemon, r, &p->data, err);
}

static bool wanted(const char *name, const char *const *names, size_t name_count)
{
    for (size_t i = 0; i < name_count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return name_count == 0;
}

/* Named partners must answer; otherwise whoever does not is left out and named. */
static enum pt_code gather(struct proposal *p, const char *const *names, size_t name_count,
                           struct pt_err *err)
{
    const struct home *h = p->daemon->home;

    for (size_t i = 0; i < h->policy->partner_count; i++) {
        const struct policy_partner *who = &h->policy->partners[i];
        if (i == h->self || who->neutral || !wanted(who->name, names, name_count))
            continue;
        struct peer *peer = &p->peers[p->peer_count];
        enum pt_code rc = peer_open(peer, p->daemon, &p->self, (uint16_t)i, WHAT_EPOCH, err);
        if (rc == PT_OK) {
            p->sessions[p->peer_count++] = &peer->session;
            continue;
        }
        peer_close(peer);
        if (rc != PT_EPEER || name_count > 0)
            return rc;
        size_t used = strlen(p->absent);
        snprintf(p->absent + used, sizeof p->absent - used, "%s%s", used > 0 ? ", " : "",
                 who->name);
    }
    if (p->peer_count == 0)
        return pt_fail(err, PT_EPEER, "no other partner answers: an epoch needs two");
    return PT_OK;
}

/* What salt_initiator_* queued goes out on each peer's own stream. */
static enum pt_code send_all(struct proposal *p, struct pt_err *err)
{
    for (size_t i = 0; i < p->peer_count; i++) {
        struct buf frame = {0};
        while (outbox_take(&p->outs[i], &frame)) {
            enum pt_code rc = rpc_send_take(p->peers[i].call, &frame, err);
            if (rc != PT_OK)
                return pt_wrap(err, "%s", p->peers[i].name);
        }
    }
    return PT_OK;
}

static enum pt_code agree(struct proposal *p, const struct job *job, struct pt_err *err)
{
    bool done = false;
    uint64_t phase = 0;
    enum pt_code rc = send_all(p, err);

    while (rc == PT_OK && !done) {
        for (size_t i = 0; rc == PT_OK && i < p->peer_count; i++)
            rc = peer_step(&p->peers[i], err);
        if (rc != PT_OK || !salt_initiator_ready(&p->initiator))
            continue;
        if ((rc = job->progress(job->self, "agreeing on an epoch", ++phase, 5, "", err)) == PT_OK &&
            (rc = salt_initiator_next(&p->initiator, p->outs, &done, err)) == PT_OK)
            rc = send_all(p, err);
    }
    for (size_t i = 0; rc == PT_OK && i < p->peer_count; i++)
        rc = peer_finish(&p->peers[i], err);
    return rc;
}

static enum pt_code propose(struct proposal *p, const struct job *job, struct pt_err *err)
{
    const struct salt_host host = {.self = p, .allow = allow, .adopt = adopt};
    struct salt_initiator_in in = {
        .sessions = p->sessions, .session_count = p->peer_count, .own = &p->own, .host = host};
    uint64_t last;
    enum pt_code rc = last_number(&last, p->daemon, err);

    if (rc != PT_OK)
        return rc;
    /* Minutes since 1970: above every earlier number at every partner, and no two nodes need to
     * have been in the same epochs. */
    in.number = (uint64_t)clock_now_s() / 60;
    if (in.number <= last)
        in.number = last + 1;
    if ((rc = salt_initiator_begin(&p->initiator, &in, p->outs, err)) != PT_OK)
        return rc;
    return agree(p, job, err);
}

static enum pt_code announce(const struct proposal *p, const struct job *job, struct pt_err *err)
{
    const struct epoch_header *h = &p->initiator.round.result.header;
    char text[512];
    size_t used = 0;

    used += (size_t)snprintf(text, sizeof text, "epoch %" PRIu64 " is in force: ", h->number);
    for (size_t i = 0; i < h->participant_count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? ", " : "",
                                 h->participants[i].name);
    if (used < sizeof text)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "; %" PRIu64 " slots", h->slot_count);
    if (p->absent[0] != '\0' && used < sizeof text)
        snprintf(text + used, sizeof text - used, "; absent: %s", p->absent);
    return job->progress(job->self, "agreeing on an epoch", 5, 5, text, err);
}

enum pt_code epoch_run(struct daemon *d, const char *const *names, size_t name_count,
                       const struct job *job, struct pt_err *err)
{
    struct proposal *p = hidden_locked_new(sizeof *p);
    enum pt_code rc;

    if (p == NULL)
        return pt_fail(err, PT_ENOMEM, "making an epoch: no memory");
    p->daemon = d;
    if ((rc = daemon_in_date(d, err)) == PT_OK &&
        (rc = epoch_prepare(&p->own, &p->data, d, err)) == PT_OK &&
        (rc = daemon_self(&p->self, &p->key, d, NULL, err)) == PT_OK &&
        (rc = gather(p, names, name_count, err)) == PT_OK && (rc = propose(p, job, err)) == PT_OK)
        rc = announce(p, job, err);
    salt_initiator_wipe(&p->initiator);
    for (size_t i = 0; i < POLICY_PARTNERS_MAX; i++) {
        peer_close(&p->peers[i]);
        outbox_free(&p->outs[i]);
    }
    dataset_free(&p->data);
    hidden_free(p);
    return rc;
}
