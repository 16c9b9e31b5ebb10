#include "node/tokenise_run.h"

#include "crypto/base/text.h"
#include "node/batch.h"
#include "node/chunk_queue.h"
#include "node/clock.h"
#include "node/hidden.h"
#include "node/ledger.h"
#include "node/peer.h"
#include "proto/tokenise.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEEP_POINTS = 1 << 20, /* tokens are sealed at least as often */
};

/* One key holder: a session, and the thread that keeps it busy. */
struct hop {
    struct run *run;
    struct peer peer;
    struct tokenise_owner owner;
    struct chunk_queue *in, *out;
    pthread_t thread;
    bool threaded;
    enum pt_code rc;
    struct pt_err err;
};

struct run {
    struct daemon *daemon;
    const struct job *job;
    struct session_self self;
    struct oprf_key key;
    struct vault_data *data;
    char period[16];
    struct batch batch;
    struct hop hops[POLICY_PARTNERS_MAX];
    size_t hop_count;
    struct chunk_queue queues[POLICY_PARTNERS_MAX + 1];
    pthread_t blinder;
    bool blinding;
    enum pt_code blind_rc;
    struct pt_err blind_err;
};

static void break_all(struct run *r)
{
    for (size_t i = 0; i <= r->hop_count; i++)
        chunk_queue_break(&r->queues[i]);
}

/* ---- blinding ---- */

static enum pt_code blind_chunk(struct chunk *c, const struct run *r, struct pt_err *err)
{
    c->n = tokenise_chunk_size(&r->batch.plan, c->number);
    c->points = calloc(c->n, sizeof *c->points);
    enum pt_code rc = c->points == NULL ? pt_fail(err, PT_ENOMEM, "blinding: no memory")
                                        : batch_blind(c->points, &r->batch, c->number, err);
    if (rc != PT_OK)
        chunk_free(c);
    return rc;
}

static void *blind_all(void *arg)
{
    struct run *r = arg;

    for (uint32_t i = 0; r->blind_rc == PT_OK && i < tokenise_chunk_count(&r->batch.plan); i++) {
        struct chunk c = {.number = i};
        if ((r->blind_rc = blind_chunk(&c, r, &r->blind_err)) == PT_OK &&
            !chunk_queue_put(&r->queues[0], c))
            break;
    }
    if (r->blind_rc != PT_OK)
        break_all(r);
    chunk_queue_end(&r->queues[0]);
    return NULL;
}

/* ---- one hop ---- */

/* Send while the window is open: wait for a chunk only when nothing is under way. */
static enum pt_code feed(struct hop *h, bool *sent, struct pt_err *err)
{
    struct chunk c = {0};

    *sent = false;
    while (tokenise_owner_can_send(&h->owner)) {
        bool idle = h->owner.next_send == h->owner.next_receive;
        if (!chunk_queue_take(h->in, &c, idle))
            return PT_OK;
        enum pt_code rc =
            tokenise_owner_send(&h->owner, (struct span_points){c.points, c.n}, &h->peer.out, err);
        chunk_free(&c);
        if (rc != PT_OK || (rc = peer_flush(&h->peer, err)) != PT_OK)
            return rc;
        *sent = true;
    }
    return PT_OK;
}

/* A verified chunk goes on to the next key holder, or to be finished. */
static enum pt_code pass_on(struct hop *h, struct pt_err *err)
{
    const struct run *r = h->run;
    struct tokenise_ready ready;
    enum pt_code rc = PT_OK;

    if (!tokenise_owner_take(&h->owner, &ready))
        return PT_OK;
    struct chunk c = {.decoded = ready.points, .n = ready.n, .number = ready.number};
    const struct batch_chunk back = {.number = c.number,
                                     .hop = (uint32_t)(h - r->hops),
                                     .public_key = &h->peer.session.peer_oprf_public,
                                     .points = c.decoded,
                                     .n = c.n};
    if (back.hop + 1 < r->hop_count) {
        c.points = malloc(c.n * sizeof *c.points);
        rc = c.points == NULL ? pt_fail(err, PT_ENOMEM, "%s: no memory for a chunk", h->peer.name)
                              : batch_blind_again(c.points, &r->batch, &back, err);
        group_terms_free(c.decoded);
        c.decoded = NULL;
    }
    if (rc != PT_OK) {
        chunk_free(&c);
        return rc;
    }
    if (!chunk_queue_put(h->out, c))
        return pt_fail(err, PT_ESTATE, "stopped, as another step failed");
    return PT_OK;
}

static enum pt_code run_hop(struct hop *h, struct pt_err *err)
{
    uint32_t chunks = tokenise_chunk_count(&h->run->batch.plan);
    enum pt_code rc = PT_OK;
    bool sent;

    while (rc == PT_OK && h->owner.next_receive < chunks) {
        if ((rc = feed(h, &sent, err)) != PT_OK)
            break;
        if (h->owner.next_send == h->owner.next_receive)
            return pt_fail(err, PT_ESTATE, "stopped, as another step failed");
        if ((rc = peer_step(&h->peer, err)) == PT_OK)
            rc = pass_on(h, err);
    }
    return rc == PT_OK ? peer_finish(&h->peer, err) : rc;
}

static void *hop_thread(void *arg)
{
    struct hop *h = arg;

    h->rc = run_hop(h, &h->err);
    if (h->rc != PT_OK)
        break_all(h->run);
    else
        chunk_queue_end(h->out);
    return NULL;
}

/* ---- finishing ---- */

static enum pt_code finish_chunk(struct run *r, const struct chunk *c, struct token *tokens,
                                 struct pt_err *err)
{
    const size_t last = r->hop_count - 1;
    const struct batch_chunk back = {.number = c->number,
                                     .hop = (uint32_t)last,
                                     .public_key = &r->hops[last].peer.session.peer_oprf_public,
                                     .points = c->decoded,
                                     .n = c->n};
    uint64_t first = (uint64_t)c->number * r->batch.plan.chunk_points;
    enum pt_code rc = batch_finish(tokens, &r->batch, &r->key, &back, err);

    for (size_t i = 0; rc == PT_OK && i < c->n && first + i < r->batch.todo_count; i++) {
        uint64_t row = r->batch.todo[first + i];
        r->data->tokens[row] = tokens[i];
        r->data->has_token[row] = 1;
    }
    return rc;
}

/* Seal the tokens that are finished: a run that is cut short goes on from here. */
static enum pt_code keep(struct run *r, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char text[32];
    struct vault_place place = snapshot_vault(dir, r->daemon->home);
    struct store *store = r->daemon->store;
    enum pt_code rc = vault_store_tokens(&place, r->data, r->period, err);

    if (rc != PT_OK)
        return rc;
    /* For `patto status`, which looks without the vault's key. */
    snprintf(text, sizeof text, "%" PRIu64, r->data->token_count);
    if ((rc = store_fact_put(store, "tokens.count", span_z(text), err)) != PT_OK)
        return rc;
    return store_fact_put(store, "tokens.period", span_z(r->period), err);
}

/* With the hash of the batch's seed: what an audit replays is what was meant then. */
static enum pt_code record(struct run *r, struct pt_err *err)
{
    struct digest hash;
    char fields[200];
    char hex[65];
    struct store_place event;

    batch_seed_hash(&hash, &r->batch);
    text_hex(hex, hash.b, sizeof hash.b);

    snprintf(fields, sizeof fields, "points=%" PRIu64 " key_period=%s seed=%s",
             r->batch.point_count, r->period, hex);
    return store_event(&event, r->daemon->store, "tokenise", fields, clock_now_s(), err);
}

static enum pt_code finish_all(struct run *r, struct pt_err *err)
{
    size_t n = r->batch.plan.chunk_points;
    struct token *tokens = calloc(n, sizeof *tokens);
    struct chunk c = {0};
    uint64_t done = 0;
    uint64_t kept = 0;
    enum pt_code rc = PT_OK;

    if (tokens == NULL)
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    while (rc == PT_OK && chunk_queue_take(&r->queues[r->hop_count], &c, true)) {
        rc = finish_chunk(r, &c, tokens, err);
        done += c.n;
        chunk_free(&c);
        if (rc == PT_OK && done - kept >= KEEP_POINTS && done < r->batch.point_count) {
            rc = keep(r, err);
            kept = done;
        }
        if (rc == PT_OK)
            rc = r->job->progress(r->job->self, "tokens through every partner's key", done,
                                  r->batch.point_count, "", err);
    }
    if (rc == PT_OK && done < r->batch.point_count)
        rc = pt_fail(err, PT_EPEER, "the partners returned too few points");
    explicit_bzero(tokens, n * sizeof *tokens);
    free(tokens);
    return rc;
}

/* ---- the whole ---- */

/* The first failure in time broke the others: name the one that is not "stopped". */
static enum pt_code first_cause(struct run *r, enum pt_code rc, struct pt_err *err)
{
    for (size_t i = 0; i < r->hop_count; i++)
        if (r->hops[i].rc != PT_OK && r->hops[i].rc != PT_ESTATE) {
            *err = r->hops[i].err;
            return r->hops[i].rc;
        }
    if (r->blind_rc != PT_OK) {
        *err = r->blind_err;
        return r->blind_rc;
    }
    for (size_t i = 0; rc == PT_OK && i < r->hop_count; i++)
        if (r->hops[i].rc != PT_OK) {
            *err = r->hops[i].err;
            rc = r->hops[i].rc;
        }
    return rc;
}

static enum pt_code start_threads(struct run *r, struct pt_err *err)
{
    for (size_t i = 0; i < r->hop_count; i++) {
        struct hop *h = &r->hops[i];
        h->in = &r->queues[i];
        h->out = &r->queues[i + 1];
        if (pthread_create(&h->thread, NULL, hop_thread, h) != 0)
            return pt_fail(err, PT_ENOMEM, "no thread for %s", h->peer.name);
        h->threaded = true;
    }
    if (pthread_create(&r->blinder, NULL, blind_all, r) != 0)
        return pt_fail(err, PT_ENOMEM, "no thread for blinding");
    r->blinding = true;
    return PT_OK;
}

static enum pt_code run_chain(struct run *r, struct pt_err *err)
{
    for (size_t i = 0; i <= r->hop_count; i++)
        chunk_queue_init(&r->queues[i]);
    enum pt_code rc = start_threads(r, err);
    if (rc == PT_OK)
        rc = finish_all(r, err);
    if (rc != PT_OK)
        break_all(r);
    if (r->blinding)
        pthread_join(r->blinder, NULL);
    for (size_t i = 0; i < r->hop_count; i++)
        if (r->hops[i].threaded)
            pthread_join(r->hops[i].thread, NULL);
    rc = first_cause(r, rc, err);
    for (size_t i = 0; i <= r->hop_count; i++)
        chunk_queue_free(&r->queues[i]);
    return rc;
}

static enum pt_code load_rows(struct run *r, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    struct vault_place place = snapshot_vault(dir, r->daemon->home);
    enum pt_code rc = vault_load(&r->data, &place, err);

    if (rc != PT_OK)
        return rc;
    if (strcmp(r->data->key_period, r->period) != 0)
        vault_forget_tokens(r->data); /* a new key period: everything is evaluated afresh */
    return batch_rows(&r->batch, r->data, err);
}

/* The padded count is a noisy figure about our data: paid for, by each peer that reads it. */
static enum pt_code charge_batch(struct run *r, const char *peer, struct pt_err *err)
{
    struct ledger_result paid;
    const struct span parts[] = {span_of(r->batch.seed.b, 32), span_z(peer)};
    struct ledger_charge charge = {.recipient = peer,
                                   .kind = "batch",
                                   .rho_nano = LEDGER_PADDING_RHO_NANO,
                                   .question = span_z("padded size of a token batch"),
                                   .upkeep = true};

    hash_parts(&charge.question_id, "patto/charge-batch/1", parts, PT_LEN(parts));
    return ledger_charge(&paid, r->daemon->store, r->daemon->home->policy, &charge, clock_now_s(),
                         err);
}

/* One key a partner and period, for ever: another would make tokens that match nothing, and
 * nobody could say whose they are. */
static enum pt_code pin_key(struct run *r, const struct peer *peer, struct pt_err *err)
{
    const struct point *key = &peer->session.peer_oprf_public;
    char name[128];
    struct buf known = {0};
    bool found;

    snprintf(name, sizeof name, "oprf.%s.%s", peer->name, r->period);
    enum pt_code rc = store_fact_find(&known, &found, r->daemon->store, name, err);
    if (rc == PT_OK && !found)
        rc = store_fact_put(r->daemon->store, name, span_of(key->b, sizeof key->b), err);
    else if (rc == PT_OK && !span_eq_vartime(buf_span(&known), span_of(key->b, sizeof key->b)))
        rc = pt_fail(err, PT_EDENIED,
                     "%s shows another token key than before in key period %s: talk to its "
                     "operator",
                     peer->name, r->period);
    buf_free(&known);
    return rc;
}

/* What an audit needs to make our points again: only the first hop gets those. */
static enum pt_code note_batch(const struct run *r, const struct hop *h, struct pt_err *err)
{
    struct batch_note note = {.label = r->batch.label, .hop = (uint32_t)(h - r->hops)};
    struct buf text = {0};
    enum pt_code rc;

    memcpy(note.generation, r->data->generation, sizeof note.generation);
    if (note.hop > 0)
        note.before = h[-1].peer.session.peer_oprf_public;
    if (note.hop == 0) {
        note.rows = r->batch.todo;
        note.row_count = r->batch.todo_count;
    }
    if ((rc = batch_note_print(&text, &note, err)) == PT_OK)
        rc = recorder_note(h->peer.record, buf_span(&text), err);
    key32_wipe(&note.label);
    buf_free(&text);
    return rc;
}

static enum pt_code open_hops(struct run *r, struct pt_err *err)
{
    const struct home *home = r->daemon->home;

    for (size_t i = 0; i < home->policy->partner_count; i++) {
        const struct policy_partner *who = &home->policy->partners[i];
        struct hop *h = &r->hops[r->hop_count];
        enum pt_code rc;

        if (i == home->self || who->neutral)
            continue;
        r->hop_count++;
        h->run = r;
        if ((rc = peer_open(&h->peer, r->daemon, &r->self, (uint16_t)i, WHAT_TOKENISE, err)) !=
                PT_OK ||
            (rc = note_batch(r, h, err)) != PT_OK || (rc = pin_key(r, &h->peer, err)) != PT_OK ||
            (rc = charge_batch(r, who->name, err)) != PT_OK ||
            (rc = tokenise_owner_begin(&h->owner, &h->peer.session, r->batch.plan, &h->peer.out,
                                       err)) != PT_OK ||
            (rc = peer_flush(&h->peer, err)) != PT_OK)
            return rc;
        h->owner.parallel = r->batch.parallel;
    }
    return r->hop_count > 0 ? PT_OK
                            : pt_fail(err, PT_ESTATE,
                                      "the policy names nobody else with customers: tokens need "
                                      "another partner's key");
}

static enum pt_code run(struct run *r, struct pt_err *err)
{
    char text[200];
    struct pt_err later = {0};
    uint64_t made = 0;
    enum pt_code rc;

    if ((rc = daemon_in_date(r->daemon, err)) != PT_OK ||
        (rc = daemon_self(&r->self, &r->key, r->daemon, NULL, err)) != PT_OK)
        return rc;
    snprintf(r->period, sizeof r->period, "%" PRIu32, r->self.key_period);
    if ((rc = load_rows(r, err)) != PT_OK)
        return rc;
    if (r->batch.todo_count > 0) {
        key32_random(&r->batch.label);
        if ((rc = batch_plan(&r->batch, r->daemon->home, r->period, err)) != PT_OK ||
            (rc = open_hops(r, err)) != PT_OK)
            return rc;
        rc = run_chain(r, err);
        /* Also after a failure: what has been verified and finished need not be done again. */
        enum pt_code sealed = keep(r, rc == PT_OK ? err : &later);
        if (rc != PT_OK || (rc = sealed) != PT_OK || (rc = record(r, err)) != PT_OK)
            return rc;
        made = r->batch.todo_count;
    }
    snprintf(text, sizeof text,
             "%" PRIu64 " new tokens, %" PRIu64 " customers in all, key period %s", made,
             r->data->count, r->period);
    return r->job->progress(r->job->self, "tokens through every partner's key",
                            r->batch.point_count, r->batch.point_count, text, err);
}

enum pt_code tokenise_run(struct daemon *d, const struct job *job, struct pt_err *err)
{
    struct run *r = hidden_locked_new(sizeof *r);

    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    r->daemon = d;
    r->job = job;
    r->batch.parallel = pool_parallel(d->pool);
    enum pt_code rc = run(r, err);
    for (size_t i = 0; i < r->hop_count; i++) {
        tokenise_owner_free(&r->hops[i].owner);
        peer_close(&r->hops[i].peer);
    }
    vault_data_free(r->data);
    batch_free(&r->batch);
    hidden_free(r);
    return rc;
}
