#include "proto/tokenise.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint32_t tokenise_chunk_count(const struct tokenise_plan *p)
{
    return (uint32_t)((p->point_count + p->chunk_points - 1) / p->chunk_points);
}

size_t tokenise_chunk_size(const struct tokenise_plan *p, uint32_t number)
{
    uint64_t before = (uint64_t)number * p->chunk_points;

    if (before >= p->point_count)
        return 0;
    uint64_t left = p->point_count - before;
    return left < p->chunk_points ? (size_t)left : p->chunk_points;
}

static bool plan_is_good(const struct tokenise_plan *p)
{
    return p->point_count >= 1 && p->point_count <= TOKENISE_POINTS_MAX && p->chunk_points >= 1 &&
           p->chunk_points <= OPRF_CHUNK_MAX && p->first_chunk < tokenise_chunk_count(p);
}

/* ---- owner ---- */

enum owner_state { OWNER_OVER, OWNER_SENDING, OWNER_DONE };
static const char *const OWNER_STATES[] = {"over", "waiting for Evaluated", "done"};

static enum pt_code take_evaluated(void *self, const struct frame *f, struct outbox *out,
                                   struct pt_err *err)
{
    struct tokenise_owner *o = self;
    const struct wire_chunk *c = &f->u.chunk;
    const char *peer = session_peer_name(o->session);

    if (o->ready != NULL)
        return pt_fail(err, PT_EBUG, "chunk %" PRIu32 " was not taken", o->ready_chunk);
    if (c->number != o->next_receive || o->next_receive == o->next_send)
        return pt_fail(err, PT_EBADMSG,
                       "%s evaluated chunk %" PRIu32 " where %" PRIu32 " of %" PRIu32
                       " sent is next",
                       peer, c->number, o->next_receive, o->next_send);
    struct tokenise_flight *flight = &o->flight[c->number % TOKENISE_FLIGHT_MAX];
    if (c->points.n != flight->n)
        return pt_fail(err, PT_EBADMSG, "%s returned %zu points for chunk %" PRIu32 " of %zu", peer,
                       c->points.n, c->number, flight->n);
    const struct oprf_verify_in in = {.public_key = &o->session->peer_oprf_public,
                                      .sent = {flight->points, flight->n},
                                      .back = c->points,
                                      .proof = &c->proof,
                                      .parallel = &o->parallel};
    struct group_term *ready;
    enum pt_code rc = group_terms_new(&ready, c->points.n);
    if (rc != PT_OK)
        return pt_fail(err, rc, "no memory to check %zu points", c->points.n);
    /* Before a point goes on to the next peer: who used another key is named here and now. */
    if ((rc = oprf_verify(ready, &in)) != PT_OK) {
        group_terms_free(ready);
        if (rc == PT_ENOMEM)
            return pt_fail(err, rc, "no memory to check %zu points", c->points.n);
        return pt_fail(err, PT_EBADMSG,
                       "chunk %" PRIu32 ": %s did not prove that it used its announced key",
                       c->number, peer);
    }
    o->ready = ready;
    o->ready_count = c->points.n;
    o->ready_chunk = c->number;
    flight->n = 0;
    o->next_receive++;
    if (o->next_receive < tokenise_chunk_count(&o->plan))
        return PT_OK;
    o->state = OWNER_DONE;
    return session_finish(o->session, out, err);
}

static const struct session_row OWNER_ROWS[] = {
    {OWNER_SENDING, FRAME_EVALUATED, take_evaluated, OWNER_SENDING},
};
static const struct session_protocol OWNER = {.name = "tokenise",
                                              .what = WHAT_TOKENISE,
                                              .opener = true,
                                              .rows = OWNER_ROWS,
                                              .row_count = PT_LEN(OWNER_ROWS),
                                              .state_names = OWNER_STATES,
                                              .done = OWNER_DONE};

static bool owner_memory(struct tokenise_owner *o)
{
    uint64_t most =
        o->plan.point_count < o->plan.chunk_points ? o->plan.point_count : o->plan.chunk_points;

    bool good = true;
    for (size_t i = 0; i < TOKENISE_FLIGHT_MAX; i++) {
        o->flight[i].points = calloc((size_t)most, sizeof *o->flight[i].points);
        good = good && o->flight[i].points != NULL;
    }
    return good;
}

enum pt_code tokenise_owner_begin(struct tokenise_owner *o, struct session *s,
                                  struct tokenise_plan plan, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_BATCH};
    enum pt_code rc;

    *o = (struct tokenise_owner){.session = s,
                                 .state = OWNER_SENDING,
                                 .plan = plan,
                                 .next_send = plan.first_chunk,
                                 .next_receive = plan.first_chunk};
    if (!plan_is_good(&plan))
        return pt_fail(err, PT_EBUG, "a batch of %" PRIu64 " points from chunk %" PRIu32,
                       plan.point_count, plan.first_chunk);
    if (!owner_memory(o))
        return pt_fail(err, PT_ENOMEM, "no memory for %d chunks of %" PRIu32 " points",
                       TOKENISE_FLIGHT_MAX, plan.chunk_points);
    if ((rc = session_attach(s, &OWNER, o, &o->state, err)) != PT_OK)
        return rc;
    f.u.batch.point_count = plan.point_count;
    f.u.batch.chunk_points = plan.chunk_points;
    f.u.batch.first_chunk = plan.first_chunk;
    return session_send(s, &f, out, err);
}

void tokenise_owner_free(struct tokenise_owner *o)
{
    group_terms_free(o->ready);
    for (size_t i = 0; i < TOKENISE_FLIGHT_MAX; i++)
        free(o->flight[i].points);
    *o = (struct tokenise_owner){0};
}

bool tokenise_owner_can_send(const struct tokenise_owner *o)
{
    return o->state == OWNER_SENDING && o->session->state == SESSION_OPEN &&
           o->next_send < tokenise_chunk_count(&o->plan) &&
           o->next_send - o->next_receive < TOKENISE_FLIGHT_MAX;
}

enum pt_code tokenise_owner_send(struct tokenise_owner *o, struct span_points points,
                                 struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_POINTS};
    enum pt_code rc;

    if (!tokenise_owner_can_send(o))
        return pt_fail(err, PT_ESTATE, "%s has %d chunks to answer first, or the batch is sent",
                       session_peer_name(o->session), TOKENISE_FLIGHT_MAX);
    if (points.n != tokenise_chunk_size(&o->plan, o->next_send))
        return pt_fail(err, PT_EBUG, "%zu points for chunk %" PRIu32, points.n, o->next_send);
    f.u.chunk.number = o->next_send;
    f.u.chunk.points = points;
    if ((rc = session_send(o->session, &f, out, err)) != PT_OK)
        return rc;
    struct tokenise_flight *flight = &o->flight[o->next_send % TOKENISE_FLIGHT_MAX];
    memcpy(flight->points, points.p, points.n * sizeof *flight->points);
    flight->n = points.n;
    o->next_send++;
    return PT_OK;
}

bool tokenise_owner_take(struct tokenise_owner *o, struct tokenise_ready *out)
{
    if (o->ready == NULL)
        return false;
    *out = (struct tokenise_ready){o->ready_chunk, o->ready, o->ready_count};
    o->ready = NULL;
    return true;
}

/* ---- peer ---- */

enum peer_state { PEER_OVER, PEER_WAITING, PEER_EVALUATING, PEER_DONE };
static const char *const PEER_STATES[] = {"over", "waiting for Batch", "waiting for Points",
                                          "done"};

static enum pt_code take_batch(void *self, const struct frame *f, struct outbox *out,
                               struct pt_err *err)
{
    struct tokenise_peer *p = self;
    struct session *s = p->session;
    enum pt_code rc;

    (void)out;
    p->plan = (struct tokenise_plan){.point_count = f->u.batch.point_count,
                                     .chunk_points = f->u.batch.chunk_points,
                                     .first_chunk = f->u.batch.first_chunk};
    if (!plan_is_good(&p->plan))
        return pt_fail(err, PT_EBADMSG,
                       "%s announced %" PRIu64 " points from chunk %" PRIu32 " of %" PRIu32
                       " points; at most %d",
                       session_peer_name(s), p->plan.point_count, p->plan.first_chunk,
                       p->plan.chunk_points, TOKENISE_POINTS_MAX);
    p->next_chunk = p->plan.first_chunk;
    uint64_t left = p->plan.point_count - (uint64_t)p->plan.first_chunk * p->plan.chunk_points;
    if ((rc = p->host.quota(p->host.self, s->peer, left, err)) == PT_EDENIED)
        session_because(s, REFUSAL_QUOTA);
    return rc;
}

static enum pt_code evaluate(struct tokenise_peer *p, const struct wire_chunk *c,
                             struct outbox *out, struct pt_err *err)
{
    PT_WIPED(key32) seed = {0};
    struct frame f = {.kind = FRAME_EVALUATED};
    struct digest points;
    uint8_t number[4];
    size_t bad_index = 0;
    enum pt_code rc;

    store_u32le(number, c->number);
    struct span all = span_of(c->points.p, c->points.n * sizeof *c->points.p);
    hash_parts(&points, "patto/tokenise/points/1", &all, 1);
    /* The session's id holds a fresh nonce of ours: no two proofs share their randomness. */
    struct span parts[] = {span_of(p->session->id.b, sizeof p->session->id.b),
                           span_of(number, sizeof number), span_of(points.b, sizeof points.b)};
    prf_derive(&seed, &p->proof_key, "patto/tokenise/proof/1", parts, PT_LEN(parts));
    assert(c->points.n > 0); /* wire.c */
    struct point *product = calloc(c->points.n, sizeof *product);
    if (product == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory to evaluate %zu points", c->points.n);
    const struct oprf_evaluate_in in = {
        .key = p->key, .proof_seed = &seed, .points = c->points, .parallel = &p->parallel};
    rc = oprf_evaluate(product, &f.u.chunk.proof, &bad_index, &in);
    if (rc == PT_EBADMSG)
        pt_fail(err, rc,
                "point %zu of chunk %" PRIu32
                " from %s is not on the group, the identity, or there twice",
                bad_index, c->number, session_peer_name(p->session));
    else if (rc != PT_OK)
        pt_fail(err, rc, "chunk %" PRIu32 " cannot be evaluated", c->number);
    f.u.chunk.number = c->number;
    f.u.chunk.points = (struct span_points){product, c->points.n};
    f.u.chunk.has_proof = true;
    if (rc == PT_OK)
        rc = session_send(p->session, &f, out, err);
    free(product);
    return rc;
}

static enum pt_code take_points(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct tokenise_peer *p = self;
    const struct wire_chunk *c = &f->u.chunk;
    size_t want = tokenise_chunk_size(&p->plan, p->next_chunk);
    enum pt_code rc;

    if (c->number != p->next_chunk || c->points.n != want)
        return pt_fail(err, PT_EBADMSG,
                       "%s sent chunk %" PRIu32 " of %zu points where chunk %" PRIu32
                       " of %zu is next",
                       session_peer_name(p->session), c->number, c->points.n, p->next_chunk, want);
    if ((rc = evaluate(p, c, out, err)) != PT_OK)
        return rc;
    p->next_chunk++;
    if (p->next_chunk == tokenise_chunk_count(&p->plan))
        p->state = PEER_DONE;
    return PT_OK;
}

static const struct session_row PEER_ROWS[] = {
    {PEER_WAITING, FRAME_BATCH, take_batch, PEER_EVALUATING},
    {PEER_EVALUATING, FRAME_POINTS, take_points, PEER_EVALUATING},
};
static const struct session_protocol PEER = {.name = "tokenise",
                                             .what = WHAT_TOKENISE,
                                             .opener = false,
                                             .rows = PEER_ROWS,
                                             .row_count = PT_LEN(PEER_ROWS),
                                             .state_names = PEER_STATES,
                                             .done = PEER_DONE};

enum pt_code tokenise_peer_begin(struct tokenise_peer *p, struct session *s,
                                 const struct tokenise_peer_in *in, struct pt_err *err)
{
    *p = (struct tokenise_peer){.session = s,
                                .state = PEER_WAITING,
                                .key = in->key,
                                .proof_key = *in->proof_key,
                                .host = in->host,
                                .parallel = in->parallel};
    return session_attach(s, &PEER, p, &p->state, err);
}

void tokenise_peer_wipe(struct tokenise_peer *p)
{
    key32_wipe(&p->proof_key);
    *p = (struct tokenise_peer){0};
}
