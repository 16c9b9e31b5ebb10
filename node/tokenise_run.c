#include "node/tokenise_run.h"

#include "crypto/base/text.h"
#include "crypto/noise.h"
#include "node/chunk_queue.h"
#include "node/clock.h"
#include "node/ledger.h"
#include "node/peer.h"
#include "proto/tokenise.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAD_MEAN = 1100, /* PROTOCOL.md 5, batch sizes */
    PAD_SCALE = 50,
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
    struct parallel parallel;
    struct session_self self;
    struct oprf_key key;
    struct vault_data *data;
    char period[16];
    struct buf prefix;
    uint64_t *todo; /* rows without a token */
    uint64_t todo_count, point_count;
    struct tokenise_plan plan;
    struct key32 label, batch; /* every blind of this batch derives from batch, which label names */
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

static void chunk_key(struct blind_key *out, const struct run *r, uint32_t number)
{
    uint8_t n[4] = {0};
    const struct span part = span_of(n, sizeof n);

    store_u32le(n, number);
    prf_derive(&out->k, &r->batch, "patto/blind/1", &part, 1);
}

/* Digests of one chunk: customers first, then padding, which nobody can tell apart once blinded. */
static struct digest *chunk_digests(const struct run *r, uint32_t number, size_t n)
{
    uint64_t first = (uint64_t)number * r->plan.chunk_points;
    struct digest *out = calloc(n, sizeof *out);

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        uint64_t at = first + i;
        uint8_t label[8] = {0};
        struct key32 dummy;
        const struct span part = span_of(label, sizeof label);

        if (at < r->todo_count) {
            out[i] = r->data->digests[r->todo[at]];
            continue;
        }
        store_u64le(label, at);
        prf_derive(&dummy, &r->batch, "patto/padding/1", &part, 1);
        memcpy(out[i].b, dummy.b, sizeof out[i].b);
    }
    return out;
}

static void digests_free(struct digest *d, size_t n)
{
    explicit_bzero(d, n * sizeof *d);
    free(d);
}

static enum pt_code blind_chunk(struct chunk *c, const struct run *r, struct pt_err *err)
{
    PT_WIPED(blind_key) key = {0};
    size_t n = tokenise_chunk_size(&r->plan, c->number);
    struct digest *digests = chunk_digests(r, c->number, n);

    if (digests == NULL)
        return pt_fail(err, PT_ENOMEM, "blinding: no memory");
    c->n = n;
    c->points = calloc(n, sizeof *c->points);
    chunk_key(&key, r, c->number);
    enum pt_code rc = c->points == NULL ? PT_ENOMEM
                                        : oprf_blind(c->points, &key, buf_span(&r->prefix), digests,
                                                     n, &r->parallel);
    digests_free(digests, n);
    if (rc == PT_OK)
        return PT_OK;
    chunk_free(c);
    return pt_fail(err, rc, "blinding: no memory, or a bound was exceeded");
}

static void *blind_all(void *arg)
{
    struct run *r = arg;

    for (uint32_t i = 0; r->blind_rc == PT_OK && i < tokenise_chunk_count(&r->plan); i++) {
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

/* A verified chunk goes on to the next key holder. */
static enum pt_code pass_on(struct hop *h, struct pt_err *err)
{
    struct span_points ready;
    struct chunk c = {0};

    if (!tokenise_owner_take(&h->owner, &c.number, &ready))
        return PT_OK;
    c.n = ready.n;
    if ((c.points = malloc(c.n * sizeof *c.points)) == NULL)
        return pt_fail(err, PT_ENOMEM, "%s: no memory for a chunk", h->peer.name);
    memcpy(c.points, ready.p, c.n * sizeof *c.points);
    if (!chunk_queue_put(h->out, c))
        return pt_fail(err, PT_ESTATE, "stopped, as another step failed");
    return PT_OK;
}

static enum pt_code run_hop(struct hop *h, struct pt_err *err)
{
    uint32_t chunks = tokenise_chunk_count(&h->run->plan);
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
    PT_WIPED(blind_key) key = {0};
    uint64_t first = (uint64_t)c->number * r->plan.chunk_points;
    struct digest *digests = chunk_digests(r, c->number, c->n);

    if (digests == NULL)
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    const struct oprf_finish_in in = {.prefix = buf_span(&r->prefix),
                                      .digests = digests,
                                      .evaluated = c->points,
                                      .n = c->n,
                                      .parallel = &r->parallel};
    chunk_key(&key, r, c->number);
    enum pt_code rc = oprf_finish(tokens, &r->key, &key, in);
    digests_free(digests, c->n);
    if (rc != PT_OK)
        return pt_fail(err, rc, "a chunk came back with points off the group");
    for (size_t i = 0; i < c->n && first + i < r->todo_count; i++) {
        uint64_t row = r->todo[first + i];
        r->data->tokens[row] = tokens[i];
        r->data->has_token[row] = 1;
    }
    return PT_OK;
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
    const struct span seed = span_of(r->batch.b, sizeof r->batch.b);
    struct digest hash;
    char fields[200];
    char hex[65];
    struct store_place event;

    hash_parts(&hash, "patto/batch-seed-hash/1", &seed, 1);
    text_hex(hex, hash.b, sizeof hash.b);

    snprintf(fields, sizeof fields, "points=%" PRIu64 " key_period=%s seed=%s", r->point_count,
             r->period, hex);
    return store_event(&event, r->daemon->store, "tokenise", fields, clock_now_s(), err);
}

static enum pt_code finish_all(struct run *r, struct pt_err *err)
{
    size_t n = r->plan.chunk_points;
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
        if (rc == PT_OK && done - kept >= KEEP_POINTS && done < r->point_count) {
            rc = keep(r, err);
            kept = done;
        }
        if (rc == PT_OK)
            rc = r->job->progress(r->job->self, "tokens through every partner's key", done,
                                  r->point_count, "", err);
    }
    if (rc == PT_OK && done < r->point_count)
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

/* "patto-id-v1" || federation || key period || identifier type (PROTOCOL.md 1). */
static enum pt_code make_prefix(struct run *r, struct pt_err *err)
{
    static const char domain[] = "patto-id-v1";
    const struct policy *p = r->daemon->home->policy;

    if (!buf_add(&r->prefix, domain, sizeof domain - 1) ||
        !buf_field(&r->prefix, span_z(p->federation)) ||
        !buf_field(&r->prefix, span_z(r->period)) ||
        !buf_field(&r->prefix, span_z(policy_identifier_name(p->identifier))))
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    return PT_OK;
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
    r->todo = malloc((r->data->count + 1) * sizeof *r->todo);
    if (r->todo == NULL)
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    for (uint64_t i = 0; i < r->data->count; i++)
        if (!r->data->has_token[i])
            r->todo[r->todo_count++] = i;
    return PT_OK;
}

static enum pt_code pad(struct run *r, struct pt_err *err)
{
    PT_WIPED(key32) key = {0};
    PT_WIPED(draw) draw = {0};
    struct prg *prg = NULL;
    int64_t noise;
    enum pt_code rc;

    prf_derive(&key, &r->batch, "patto/batch-size/1", NULL, 0);
    if ((rc = prg_new(&prg, &key)) != PT_OK)
        return pt_fail(err, rc, "padding the batch: no cipher");
    draw_init(&draw, prg, 0);
    rc = noise_laplace(&noise, &draw, PAD_SCALE, PAD_MEAN);
    prg_free(prg);
    if (rc != PT_OK)
        return pt_fail(err, rc, "padding the batch: no randomness");
    r->point_count = r->todo_count + (uint64_t)(PAD_MEAN + noise);
    r->plan = (struct tokenise_plan){.point_count = r->point_count,
                                     .chunk_points = TOKENISE_CHUNK_POINTS};
    return PT_OK;
}

/* The padded count is a noisy figure about our data: paid for, by each peer that reads it. */
static enum pt_code charge_batch(struct run *r, const char *peer, struct pt_err *err)
{
    struct ledger_result paid;
    const struct span parts[] = {span_of(r->batch.b, sizeof r->batch.b), span_z(peer)};
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
            (rc = pin_key(r, &h->peer, err)) != PT_OK ||
            (rc = charge_batch(r, who->name, err)) != PT_OK ||
            (rc = tokenise_owner_begin(&h->owner, &h->peer.session, r->plan, &h->peer.out, err)) !=
                PT_OK ||
            (rc = peer_flush(&h->peer, err)) != PT_OK)
            return rc;
        h->owner.parallel = r->parallel;
    }
    return PT_OK;
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
    if ((rc = load_rows(r, err)) != PT_OK || (rc = make_prefix(r, err)) != PT_OK)
        return rc;
    if (r->todo_count > 0) {
        key32_random(&r->label);
        home_batch_seed(&r->batch, r->daemon->home, span_of(r->label.b, sizeof r->label.b));
        if ((rc = pad(r, err)) != PT_OK || (rc = open_hops(r, err)) != PT_OK)
            return rc;
        rc = run_chain(r, err);
        /* Also after a failure: what has been verified and finished need not be done again. */
        enum pt_code sealed = keep(r, rc == PT_OK ? err : &later);
        if (rc != PT_OK || (rc = sealed) != PT_OK || (rc = record(r, err)) != PT_OK)
            return rc;
        made = r->todo_count;
    }
    snprintf(text, sizeof text,
             "%" PRIu64 " new tokens, %" PRIu64 " customers in all, key period %s", made,
             r->data->count, r->period);
    return r->job->progress(r->job->self, "tokens through every partner's key", r->point_count,
                            r->point_count, text, err);
}

enum pt_code tokenise_run(struct daemon *d, const struct job *job, struct pt_err *err)
{
    struct run *r = calloc(1, sizeof *r);

    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "tokens: no memory");
    r->daemon = d;
    r->job = job;
    r->parallel = pool_parallel(d->pool);
    enum pt_code rc = run(r, err);
    for (size_t i = 0; i < r->hop_count; i++) {
        tokenise_owner_free(&r->hops[i].owner);
        peer_close(&r->hops[i].peer);
    }
    vault_data_free(r->data);
    free(r->todo);
    buf_free(&r->prefix);
    explicit_bzero(r, sizeof *r);
    free(r);
    return rc;
}
