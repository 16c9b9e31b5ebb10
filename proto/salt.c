#include "proto/salt.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/base/text.h"

/* ---- responder ---- */

enum responder_state {
    RESPONDER_OVER,
    RESPONDER_WAITING,
    RESPONDER_COMMITTED,
    RESPONDER_REVEALED,
    RESPONDER_SIGNED,
    RESPONDER_DONE
};
static const char *const RESPONDER_STATES[] = {"over",
                                               "waiting for Propose",
                                               "waiting for Commits",
                                               "waiting for Reveals",
                                               "waiting for HeaderSignatures",
                                               "done"};

static enum pt_code allow(struct session *s, const struct salt_host *host,
                          const struct salt_round *r, struct pt_err *err)
{
    enum pt_code rc = host->allow(host->self, r, err);

    if (rc == PT_EDENIED && s->because == REFUSAL_NONE)
        session_because(s, REFUSAL_QUOTA);
    if (rc == PT_ESTATE)
        session_because(s, REFUSAL_EPOCH_MISMATCH);
    return rc;
}

/* Names in the policy's order, with customers, each once, the proposer and ourselves among them. */
static enum pt_code take_participants(struct salt_round *r, const struct wire_propose *w,
                                      uint16_t proposer, struct pt_err *err)
{
    const struct policy *p = r->self->policy;
    char name[POLICY_NAME_MAX + 1];
    bool has_proposer = false;

    r->own_at = -1;
    for (size_t i = 0; i < w->participant_count; i++) {
        int at =
            text_copy(name, sizeof name, w->participants[i]) ? policy_find_partner(p, name) : -1;
        if (at < 0 || p->partners[at].neutral || (i > 0 && at <= r->partner[i - 1]))
            return pt_fail(err, PT_EBADMSG,
                           "participant %zu of the proposed epoch is unknown, without customers or "
                           "out of order",
                           i + 1);
        r->partner[i] = (uint16_t)at;
        has_proposer = has_proposer || at == proposer;
        if (at == r->self->partner)
            r->own_at = (int)i;
    }
    r->count = w->participant_count;
    if (r->own_at >= 0 && has_proposer && r->count >= 2)
        return PT_OK;
    return pt_fail(err, PT_EBADMSG, "an epoch without ourselves or without its proposer");
}

static enum pt_code on_propose(void *self, const struct frame *f, struct outbox *out,
                               struct pt_err *err)
{
    struct salt_responder *e = self;
    struct salt_round *r = &e->round;
    const struct wire_propose *w = &f->u.propose;
    struct frame answer = {.kind = FRAME_COMMIT};
    enum pt_code rc;

    r->number = w->number;
    r->attempt = w->attempt;
    if ((rc = take_participants(r, w, e->session->peer, err)) != PT_OK)
        return rc;
    if (w->key_period != r->self->key_period || w->number == 0) {
        session_because(e->session, REFUSAL_EPOCH_MISMATCH);
        return pt_fail(err, PT_ESTATE,
                       "%s proposes an epoch of key period %" PRIu32 ", ours is %" PRIu32,
                       session_peer_name(e->session), w->key_period, r->self->key_period);
    }
    salt_round_context(r, w->key_period);
    if ((rc = allow(e->session, &e->host, r, err)) != PT_OK ||
        (rc = salt_round_own(r, err)) != PT_OK)
        return rc;
    answer.u.commit = r->commits[r->own_at];
    return session_send(e->session, &answer, out, err);
}

static enum pt_code check_count(const struct salt_round *r, size_t count, struct pt_err *err)
{
    if (count == r->count)
        return PT_OK;
    return pt_fail(err, PT_EBADMSG, "epoch %" PRIu64 ": %zu statements for %zu parties", r->number,
                   count, r->count);
}

static bool same_digest(const struct digest *a, const struct digest *b)
{
    return span_eq_vartime(span_of(a->b, sizeof a->b), span_of(b->b, sizeof b->b));
}

static enum pt_code on_commits(void *self, const struct frame *f, struct outbox *out,
                               struct pt_err *err)
{
    struct salt_responder *e = self;
    struct salt_round *r = &e->round;
    const struct wire_commits *l = &f->u.commits;
    struct wire_commit own = r->commits[r->own_at];
    struct frame answer = {.kind = FRAME_REVEAL};
    enum pt_code rc;

    if ((rc = check_count(r, l->count, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < l->count; i++)
        if ((rc = salt_round_commit(r, i, &l->items[i], err)) != PT_OK)
            return rc;
    /* An older statement of ours, relayed again, must not stand for the one of this round. */
    const struct wire_commit *back = &r->commits[r->own_at];
    if (!same_digest(&own.commitment, &back->commitment) ||
        !same_digest(&own.dataset, &back->dataset) ||
        !same_digest(&own.seed_hash, &back->seed_hash) || own.padded_size != back->padded_size)
        return salt_round_not_of(r, (size_t)r->own_at, "commitment", err);
    answer.u.reveal = r->reveals[r->own_at];
    return session_send(e->session, &answer, out, err);
}

static enum pt_code on_reveals(void *self, const struct frame *f, struct outbox *out,
                               struct pt_err *err)
{
    struct salt_responder *e = self;
    struct salt_round *r = &e->round;
    const struct wire_reveals *l = &f->u.reveals;
    struct frame answer = {.kind = FRAME_HEADER_SIGNATURE};
    enum pt_code rc;

    if ((rc = check_count(r, l->count, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < l->count; i++)
        if ((rc = salt_round_reveal(r, i, &l->items[i], err)) != PT_OK)
            return rc;
    if ((rc = salt_round_header(r, err)) != PT_OK)
        return rc;
    answer.u.header_signature.from = span_z(salt_round_party(r, (size_t)r->own_at)->name);
    answer.u.header_signature.signature = r->result.signatures[r->own_at];
    return session_send(e->session, &answer, out, err);
}

static enum pt_code on_signatures(void *self, const struct frame *f, struct outbox *out,
                                  struct pt_err *err)
{
    struct salt_responder *e = self;
    struct salt_round *r = &e->round;
    const struct wire_header_signatures *l = &f->u.header_signatures;
    struct frame answer = {.kind = FRAME_EPOCH_DONE};
    enum pt_code rc;

    if ((rc = check_count(r, l->count, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < l->count; i++)
        if ((rc = salt_round_signature(r, i, &l->items[i], err)) != PT_OK)
            return rc;
    if ((rc = epoch_header_id(&answer.u.epoch_id, &r->result.header, err)) != PT_OK ||
        (rc = e->host.adopt(e->host.self, &r->result, err)) != PT_OK)
        return rc;
    return session_send(e->session, &answer, out, err);
}

static const struct session_row RESPONDER_ROWS[] = {
    {RESPONDER_WAITING, FRAME_PROPOSE, on_propose, RESPONDER_COMMITTED},
    {RESPONDER_COMMITTED, FRAME_COMMITS, on_commits, RESPONDER_REVEALED},
    {RESPONDER_REVEALED, FRAME_REVEALS, on_reveals, RESPONDER_SIGNED},
    {RESPONDER_SIGNED, FRAME_HEADER_SIGNATURES, on_signatures, RESPONDER_DONE},
};
static const struct session_protocol RESPONDER = {.name = "epoch",
                                                  .what = WHAT_EPOCH,
                                                  .opener = false,
                                                  .rows = RESPONDER_ROWS,
                                                  .row_count = PT_LEN(RESPONDER_ROWS),
                                                  .state_names = RESPONDER_STATES,
                                                  .done = RESPONDER_DONE};

enum pt_code salt_responder_begin(struct salt_responder *r, struct session *s,
                                  const struct salt_own *own, struct salt_host host,
                                  struct pt_err *err)
{
    *r = (struct salt_responder){.session = s,
                                 .state = RESPONDER_WAITING,
                                 .host = host,
                                 .round = {.self = s->self, .own = *own}};
    return session_attach(s, &RESPONDER, r, &r->state, err);
}

void salt_responder_wipe(struct salt_responder *r)
{
    salt_own_wipe(&r->round.own);
    explicit_bzero(r, sizeof *r);
}

/* ---- initiator ---- */

/* A link waits in the odd states and has answered in the even ones. */
enum link_state {
    LINK_OVER,
    LINK_PROPOSED,
    LINK_COMMITTED,
    LINK_ASKED_REVEAL,
    LINK_REVEALED,
    LINK_ASKED_SIGNATURE,
    LINK_SIGNED,
    LINK_ASKED_DONE,
    LINK_DONE
};
static const char *const LINK_STATES[] = {"over",
                                          "waiting for Commit",
                                          "waiting for the others' commitments",
                                          "waiting for Reveal",
                                          "waiting for the others' shares",
                                          "waiting for HeaderSignature",
                                          "waiting for the others' signatures",
                                          "waiting for EpochDone",
                                          "done"};

static enum pt_code link_commit(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct salt_link *l = self;

    (void)out;
    return salt_round_commit(&l->initiator->round, (size_t)l->at, &f->u.commit, err);
}

static enum pt_code link_reveal(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct salt_link *l = self;

    (void)out;
    return salt_round_reveal(&l->initiator->round, (size_t)l->at, &f->u.reveal, err);
}

static enum pt_code link_signature(void *self, const struct frame *f, struct outbox *out,
                                   struct pt_err *err)
{
    struct salt_link *l = self;

    (void)out;
    return salt_round_signature(&l->initiator->round, (size_t)l->at, &f->u.header_signature, err);
}

static enum pt_code link_done(void *self, const struct frame *f, struct outbox *out,
                              struct pt_err *err)
{
    struct salt_link *l = self;
    struct digest id;
    enum pt_code rc;

    (void)out;
    if ((rc = epoch_header_id(&id, &l->initiator->round.result.header, err)) != PT_OK)
        return rc;
    if (!same_digest(&id, &f->u.epoch_id))
        return pt_fail(err, PT_EBADMSG, "%s took over another epoch",
                       session_peer_name(l->session));
    return PT_OK;
}

static const struct session_row LINK_ROWS[] = {
    {LINK_PROPOSED, FRAME_COMMIT, link_commit, LINK_COMMITTED},
    {LINK_ASKED_REVEAL, FRAME_REVEAL, link_reveal, LINK_REVEALED},
    {LINK_ASKED_SIGNATURE, FRAME_HEADER_SIGNATURE, link_signature, LINK_SIGNED},
    {LINK_ASKED_DONE, FRAME_EPOCH_DONE, link_done, LINK_DONE},
};
static const struct session_protocol LINK = {.name = "epoch",
                                             .what = WHAT_EPOCH,
                                             .opener = true,
                                             .rows = LINK_ROWS,
                                             .row_count = PT_LEN(LINK_ROWS),
                                             .state_names = LINK_STATES,
                                             .done = LINK_DONE};

/* Same frame to all; each link moves from its even state to the next odd one. */
static enum pt_code send_all(struct salt_initiator *e, const struct frame *f, struct outbox *outs,
                             struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < e->link_count && rc == PT_OK; i++) {
        struct frame copy = *f; /* session_send() numbers it */
        rc = session_send(e->links[i].session, &copy, &outs[i], err);
        e->links[i].state++;
    }
    return rc;
}

/* Participants in name order: the policy keeps its partners in that order. */
static enum pt_code gather(struct salt_initiator *e, const struct salt_initiator_in *in,
                           struct pt_err *err)
{
    struct salt_round *r = &e->round;
    const struct policy *p = r->self->policy;

    r->own_at = -1;
    for (size_t at = 0; at < p->partner_count && r->count < POLICY_PARTNERS_MAX; at++) {
        bool here = at == r->self->partner;
        if (here)
            r->own_at = (int)r->count;
        for (size_t i = 0; i < in->session_count; i++) {
            if (in->sessions[i]->peer != at)
                continue;
            e->links[i].at = (int)r->count;
            here = true;
        }
        if (here)
            r->partner[r->count++] = (uint16_t)at;
    }
    if (r->own_at >= 0 && r->count == in->session_count + 1)
        return PT_OK;
    return pt_fail(err, PT_EBUG, "an epoch of %zu parties over %zu sessions", r->count,
                   in->session_count);
}

enum pt_code salt_initiator_begin(struct salt_initiator *e, const struct salt_initiator_in *in,
                                  struct outbox *outs, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_PROPOSE};
    struct wire_propose *w = &f.u.propose;
    struct salt_round *r = &e->round;
    enum pt_code rc;

    *e = (struct salt_initiator){.host = in->host, .link_count = in->session_count};
    if (in->session_count < 1 || in->session_count >= POLICY_PARTNERS_MAX)
        return pt_fail(err, PT_EUSAGE, "an epoch needs 2..%d parties", POLICY_PARTNERS_MAX);
    r->self = in->sessions[0]->self;
    r->own = *in->own;
    r->number = in->number;
    r->attempt = in->attempt;
    if ((rc = gather(e, in, err)) != PT_OK)
        return rc;
    salt_round_context(r, r->self->key_period);
    if ((rc = in->host.allow(in->host.self, r, err)) != PT_OK ||
        (rc = salt_round_own(r, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < e->link_count; i++) {
        struct salt_link *l = &e->links[i];
        l->initiator = e;
        l->session = in->sessions[i];
        l->state = LINK_OVER; /* send_all() makes it LINK_PROPOSED */
        if ((rc = session_attach(l->session, &LINK, l, &l->state, err)) != PT_OK)
            return rc;
    }
    w->number = in->number;
    w->attempt = in->attempt;
    w->key_period = r->self->key_period;
    w->participant_count = r->count;
    for (size_t i = 0; i < r->count; i++)
        w->participants[i] = span_z(salt_round_party(r, i)->name);
    e->phase = LINK_COMMITTED;
    return send_all(e, &f, outs, err);
}

bool salt_initiator_ready(const struct salt_initiator *e)
{
    for (size_t i = 0; i < e->link_count; i++)
        if (e->links[i].state != e->phase)
            return false;
    return e->link_count > 0;
}

static enum pt_code send_commits(struct salt_initiator *e, struct outbox *outs, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_COMMITS};

    f.u.commits.count = e->round.count;
    memcpy(f.u.commits.items, e->round.commits, sizeof f.u.commits.items);
    return send_all(e, &f, outs, err);
}

static enum pt_code send_reveals(struct salt_initiator *e, struct outbox *outs, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_REVEALS};
    enum pt_code rc;

    if ((rc = salt_round_header(&e->round, err)) != PT_OK)
        return rc;
    f.u.reveals.count = e->round.count;
    memcpy(f.u.reveals.items, e->round.reveals, sizeof f.u.reveals.items);
    return send_all(e, &f, outs, err);
}

static enum pt_code send_signatures(struct salt_initiator *e, struct outbox *outs,
                                    struct pt_err *err)
{
    struct frame f = {.kind = FRAME_HEADER_SIGNATURES};
    struct salt_round *r = &e->round;
    enum pt_code rc;

    /* Ours first: an epoch that others are in and we are not would refuse our own questions. */
    if ((rc = e->host.adopt(e->host.self, &r->result, err)) != PT_OK)
        return rc;
    f.u.header_signatures.count = r->count;
    for (size_t i = 0; i < r->count; i++) {
        f.u.header_signatures.items[i].from = span_z(salt_round_party(r, i)->name);
        f.u.header_signatures.items[i].signature = r->result.signatures[i];
    }
    return send_all(e, &f, outs, err);
}

static enum pt_code finish_all(struct salt_initiator *e, struct outbox *outs, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < e->link_count && rc == PT_OK; i++)
        rc = session_finish(e->links[i].session, &outs[i], err);
    return rc;
}

enum pt_code salt_initiator_next(struct salt_initiator *e, struct outbox *outs, bool *done,
                                 struct pt_err *err)
{
    static const struct {
        int phase, next;
        enum pt_code (*run)(struct salt_initiator *, struct outbox *, struct pt_err *);
    } rows[] = {
        {LINK_COMMITTED, LINK_REVEALED, send_commits},
        {LINK_REVEALED, LINK_SIGNED, send_reveals},
        {LINK_SIGNED, LINK_DONE, send_signatures},
        {LINK_DONE, LINK_OVER, finish_all},
    };

    *done = false;
    if (!salt_initiator_ready(e))
        return pt_fail(err, PT_ESTATE, "epoch %" PRIu64 ": not every partner has answered",
                       e->round.number);
    for (size_t i = 0; i < PT_LEN(rows); i++) {
        enum pt_code rc;
        if (rows[i].phase != e->phase)
            continue;
        e->phase = rows[i].next;
        rc = rows[i].run(e, outs, err);
        *done = rc == PT_OK && e->phase == LINK_OVER;
        return rc;
    }
    return pt_fail(err, PT_ESTATE, "epoch %" PRIu64 " is over", e->round.number);
}

void salt_initiator_abort(struct salt_initiator *e, struct outbox *outs)
{
    for (size_t i = 0; i < e->link_count; i++)
        if (e->links[i].session != NULL)
            session_refuse(e->links[i].session, REFUSAL_INTERNAL, &outs[i]);
    e->phase = LINK_OVER;
}

void salt_initiator_wipe(struct salt_initiator *e)
{
    salt_own_wipe(&e->round.own);
    explicit_bzero(e, sizeof *e);
}
