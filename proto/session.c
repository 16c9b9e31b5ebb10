#include "proto/session.h"

#include <inttypes.h>

#include "proto/greeting.h"

const char *session_state_name(enum session_state s)
{
    static const char *const names[] = {"before any greeting",
                                        "waiting for Welcome",
                                        "open",
                                        "waiting for Receipt",
                                        "done",
                                        "over"};

    return (unsigned)s < PT_LEN(names) ? names[s] : "in no state";
}

const char *session_peer_name(const struct session *s)
{
    return s->self->policy->partners[s->peer].name;
}

/* What each reason means to the one who receives it. */
static const struct {
    enum pt_code code;
    const char *words;
} REASONS[REFUSAL_COUNT] = {
    [REFUSAL_NONE] = {PT_EBADMSG, "no reason"},
    [REFUSAL_POLICY_MISMATCH] = {PT_EDENIED, "it runs another policy; agree on one and join it"},
    [REFUSAL_NOT_SIGNED] = {PT_EDENIED, "our signature does not stand under its policy's node key"},
    [REFUSAL_EXPIRED] = {PT_EDENIED, "its policy is not in date"},
    [REFUSAL_VERSION] = {PT_EDENIED, "it speaks another version of the protocol; update one of us"},
    [REFUSAL_NOT_ALLOWED] = {PT_EDENIED, "its policy does not permit this"},
    [REFUSAL_BUDGET_EXHAUSTED] = {PT_EDENIED,
                                  "our budget there is spent; wait for the next period"},
    [REFUSAL_AUDIENCE_TOO_SMALL] = {PT_EDENIED, "its noisy audience is below minimum_audience; "
                                                "ask with fewer filters"},
    [REFUSAL_QUOTA] = {PT_EDENIED, "our quota there is used up; try again tomorrow"},
    [REFUSAL_BUSY] = {PT_EPEER, "it is busy; try again later"},
    [REFUSAL_FROZEN] = {PT_ESTATE,
                        "data and columns are frozen for the epoch; wait for the next one"},
    [REFUSAL_EPOCH_MISMATCH] = {PT_ESTATE, "it is in another epoch or key period; run "
                                           "`patto epoch` first"},
    [REFUSAL_WRONG_PARTY] = {PT_EDENIED, "it expected another partner at this certificate"},
    [REFUSAL_BAD_MESSAGE] = {PT_EBADMSG, "it could not accept what we sent; its log says why"},
    [REFUSAL_INTERNAL] = {PT_EPEER, "it failed; its log says why"},
    [REFUSAL_STOPPED_BY_OFFICER] = {PT_EDENIED, "an officer has stopped the policy"},
    [REFUSAL_NOT_PROVED] = {PT_EDENIED,
                            "our columns are not proved to be well formed; it answers us "
                            "nothing more in this epoch"},
};

/* Our reason when a step failed without naming one. */
static enum refusal reason_for(enum pt_code code)
{
    static const struct {
        enum pt_code code;
        enum refusal refusal;
    } rows[] = {
        {PT_EBADMSG, REFUSAL_BAD_MESSAGE}, {PT_ELIMIT, REFUSAL_BAD_MESSAGE},
        {PT_ESTATE, REFUSAL_BAD_MESSAGE},  {PT_EDENIED, REFUSAL_NOT_ALLOWED},
        {PT_EPEER, REFUSAL_BUSY},
    };

    for (size_t i = 0; i < PT_LEN(rows); i++)
        if (rows[i].code == code)
            return rows[i].refusal;
    return REFUSAL_INTERNAL;
}

void session_because(struct session *s, enum refusal why)
{
    s->because = why;
}

static struct transcript_part part_of(const struct frame *f)
{
    const struct wire_column_part *w = &f->u.column_part;

    return (struct transcript_part){
        .seq = f->seq, .column = w->column, .offset = w->offset, .bytes = w->data.n};
}

static void note_sent(struct session *s, const struct frame *f, struct span bytes)
{
    if (f->kind == FRAME_COLUMN_PART) {
        const struct transcript_part part = part_of(f);
        transcript_sent_part(&s->transcript, &part);
    } else {
        transcript_sent(&s->transcript, bytes);
    }
}

static void note_received(struct session *s, const struct frame *f, struct span bytes)
{
    if (f->kind == FRAME_COLUMN_PART) {
        const struct transcript_part part = part_of(f);
        transcript_received_part(&s->transcript, &part);
    } else {
        transcript_received(&s->transcript, bytes);
    }
}

static enum pt_code watch(struct session *s, bool sent, const struct frame *f, struct span bytes,
                          struct pt_err *err)
{
    const struct session_said said = {.sent = sent,
                                      .frame = f,
                                      .bytes = bytes,
                                      .chain =
                                          sent ? &s->transcript.sent : &s->transcript.received};

    return s->watch.said != NULL ? s->watch.said(s->watch.self, &said, err) : PT_OK;
}

/* Queue f; with may_fail_silently a lost Refusal is no second error: the stream just ends. */
static enum pt_code queue(struct session *s, struct frame *f, struct outbox *out,
                          struct pt_err *err)
{
    struct buf *bytes = outbox_add(out);
    enum pt_code rc;

    if (bytes == NULL)
        return pt_fail(err, PT_ENOMEM, "no room to send %s to %s", frame_name(f->kind),
                       session_peer_name(s));
    f->seq = s->next_sent;
    if ((rc = wire_encode(bytes, f, err)) != PT_OK) {
        outbox_drop(out);
        return rc;
    }
    s->next_sent++;
    note_sent(s, f, buf_span(bytes));
    if ((rc = watch(s, true, f, buf_span(bytes), err)) != PT_OK)
        outbox_drop(out);
    return rc;
}

/* With the statement, when the host says so. */
static bool is_stopped(const struct session *s, struct span *statement)
{
    const struct session_stop *stop = &s->self->stop;

    *statement = (struct span){0};
    return stop->stopped != NULL && stop->stopped(stop->self, statement);
}

static enum pt_code fail_stopped(struct pt_err *err)
{
    return pt_fail(err, PT_EDENIED,
                   "an officer has stopped this policy: `patto status` says who and why; a new "
                   "version of the policy is needed");
}

static void queue_refusal(struct session *s, enum refusal why, struct span statement,
                          struct outbox *out)
{
    struct frame f = {.kind = FRAME_REFUSAL};
    struct pt_err ignored = {0}; /* a Refusal that cannot be sent is a stream that ends */

    /* One that is damaged stops this node, but proves nothing to another. */
    if (why == REFUSAL_STOPPED_BY_OFFICER && statement.n == 0)
        why = REFUSAL_INTERNAL;
    f.u.refusal.reason = why;
    if (why == REFUSAL_STOPPED_BY_OFFICER)
        f.u.refusal.statement = statement;
    if (why == REFUSAL_POLICY_MISMATCH) {
        f.u.refusal.has_policy_hash = true;
        f.u.refusal.policy_hash = s->self->policy->hash;
    }
    if (queue(s, &f, out, &ignored) != PT_OK)
        return;
}

void session_refuse(struct session *s, enum refusal why, struct outbox *out)
{
    struct span statement;

    if (s->state == SESSION_DONE || s->state == SESSION_FAILED)
        return;
    /* Whatever went wrong, a stop is what the peer has to know. */
    if (is_stopped(s, &statement))
        why = REFUSAL_STOPPED_BY_OFFICER;
    s->state = SESSION_FAILED;
    s->refusal = why;
    queue_refusal(s, why, statement, out);
}

enum pt_code session_fail(struct session *s, struct outbox *out, struct pt_err *err)
{
    enum refusal why = s->because != REFUSAL_NONE ? s->because : reason_for(err->code);

    s->because = REFUSAL_NONE;
    session_refuse(s, why, out);
    return err->code;
}

enum pt_code session_send(struct session *s, struct frame *f, struct outbox *out,
                          struct pt_err *err)
{
    struct span statement;

    if (s->state != SESSION_OPEN)
        return pt_fail(err, PT_ESTATE, "%s cannot be sent to %s: the session is %s",
                       frame_name(f->kind), session_peer_name(s), session_state_name(s->state));
    /* What has been computed meanwhile stays here. */
    if (is_stopped(s, &statement))
        return fail_stopped(err);
    return queue(s, f, out, err);
}

/* ---- signatures ---- */

static bool signed_body(struct buf *out, const struct session *s, struct span body)
{
    return buf_field(out, span_of(s->id.b, sizeof s->id.b)) && buf_field(out, body);
}

enum pt_code session_sign(struct signature *out, const struct session *s, const char *label,
                          struct span body, struct pt_err *err)
{
    struct buf b = {0};
    bool good = signed_body(&b, s, body);

    *out = (struct signature){0};
    if (good)
        sign_make(out, s->self->key, label, buf_span(&b));
    buf_free(&b);
    return good ? PT_OK : pt_fail(err, PT_ENOMEM, "no memory to sign for %s", session_peer_name(s));
}

enum pt_code session_verify(const struct signature *sig, const struct session *s, const char *label,
                            struct span body, struct pt_err *err)
{
    const struct policy_partner *peer = &s->self->policy->partners[s->peer];
    struct buf b = {0};
    bool good = signed_body(&b, s, body);
    bool stands = good && sign_check(sig, &peer->node, label, buf_span(&b));

    buf_free(&b);
    if (!good)
        return pt_fail(err, PT_ENOMEM, "no memory to check the signature of %s", peer->name);
    if (!stands)
        return pt_fail(err, PT_EBADMSG, "the signature of %s is not that of its node key",
                       peer->name);
    return PT_OK;
}

/* ---- greeting ---- */

static enum pt_code greet(struct session *s, enum frame_kind kind, struct outbox *out,
                          struct pt_err *err)
{
    struct frame f;
    enum pt_code rc;

    if ((rc = greeting_make(&f, s, kind, err)) != PT_OK)
        return rc;
    return queue(s, &f, out, err);
}

enum pt_code session_open(struct session *s, const struct session_self *self, struct session_to to,
                          struct outbox *out, struct pt_err *err)
{
    enum pt_code rc;

    *s = (struct session){.self = self,
                          .watch = to.watch,
                          .opener = true,
                          .peer = to.peer,
                          .what = to.what,
                          .nonce = to.nonce};
    transcript_init(&s->transcript);
    if ((rc = greet(s, FRAME_HELLO, out, err)) != PT_OK) {
        s->state = SESSION_FAILED;
        return rc;
    }
    s->state = SESSION_GREETED;
    return PT_OK;
}

void session_accept(struct session *s, const struct session_self *self, struct session_to from)
{
    *s =
        (struct session){.self = self, .watch = from.watch, .peer = from.peer, .nonce = from.nonce};
    transcript_init(&s->transcript);
}

static enum pt_code on_hello(struct session *s, const struct frame *f, struct outbox *out,
                             struct pt_err *err)
{
    static const struct digest none;
    enum pt_code rc;

    if (!span_eq_vartime(span_of(f->u.greeting.hello_hash.b, 32), span_of(none.b, 32)))
        return pt_fail(err, PT_EBADMSG, "a Hello that answers another Hello");
    if ((rc = greeting_take(s, f, err)) != PT_OK)
        return rc;
    s->what = f->u.greeting.what;
    if ((rc = greet(s, FRAME_WELCOME, out, err)) == PT_OK)
        s->state = SESSION_OPEN;
    return rc;
}

static enum pt_code on_welcome(struct session *s, const struct frame *f, struct outbox *out,
                               struct pt_err *err)
{
    enum pt_code rc;

    (void)out;
    /* A Welcome made for another Hello, from an earlier session say, proves nothing. */
    if (!span_eq_vartime(span_of(f->u.greeting.hello_hash.b, 32), span_of(s->hello_hash.b, 32)) ||
        f->u.greeting.what != s->what)
        return pt_fail(err, PT_EBADMSG, "a Welcome of %s to another Hello than ours",
                       session_peer_name(s));
    if ((rc = greeting_take(s, f, err)) == PT_OK)
        s->state = SESSION_OPEN;
    return rc;
}

/* ---- the end ---- */

static bool closing_body(struct buf *b, const struct wire_closing *c)
{
    return buf_add(b, c->sent.b, sizeof c->sent.b) &&
           buf_add(b, c->received.b, sizeof c->received.b);
}

/* Sign what was sent and received so far, from our side, and queue it. */
static enum pt_code close_with(struct session *s, enum frame_kind kind, struct outbox *out,
                               struct pt_err *err)
{
    struct frame f = {.kind = kind};
    struct buf body = {0};
    enum pt_code rc = PT_OK;

    f.u.closing.sent = s->receipt.sent;
    f.u.closing.received = s->receipt.received;
    if (!closing_body(&body, &f.u.closing))
        rc = pt_fail(err, PT_ENOMEM, "no memory to close the session");
    if (rc == PT_OK)
        rc = session_sign(&s->receipt.own, s,
                          kind == FRAME_FINISH ? "patto/finish/1" : "patto/receipt/1",
                          buf_span(&body), err);
    buf_free(&body);
    if (rc != PT_OK)
        return rc;
    f.u.closing.signature = s->receipt.own;
    s->receipt.session_id = s->id;
    return queue(s, &f, out, err);
}

/* The peer's hashes are ours the other way round, and it signed them. */
static enum pt_code check_closing(struct session *s, const struct frame *f, struct pt_err *err)
{
    const struct wire_closing *c = &f->u.closing;
    struct buf body = {0};
    enum pt_code rc = PT_OK;

    if (!span_eq_vartime(span_of(c->sent.b, 32), span_of(s->receipt.received.b, 32)) ||
        !span_eq_vartime(span_of(c->received.b, 32), span_of(s->receipt.sent.b, 32)))
        return pt_fail(err, PT_EBADMSG, "%s saw another session than we did: transcripts differ",
                       session_peer_name(s));
    if (!closing_body(&body, c))
        rc = pt_fail(err, PT_ENOMEM, "no memory to close the session");
    if (rc == PT_OK)
        rc = session_verify(&c->signature, s,
                            f->kind == FRAME_FINISH ? "patto/finish/1" : "patto/receipt/1",
                            buf_span(&body), err);
    buf_free(&body);
    if (rc == PT_OK)
        s->receipt.peer = c->signature;
    return rc;
}

enum pt_code session_finish(struct session *s, struct outbox *out, struct pt_err *err)
{
    enum pt_code rc;

    if (s->state != SESSION_OPEN || !s->opener)
        return pt_fail(err, PT_EBUG, "Finish while the session is %s",
                       session_state_name(s->state));
    s->receipt.sent = s->transcript.sent;
    s->receipt.received = s->transcript.received;
    if ((rc = close_with(s, FRAME_FINISH, out, err)) == PT_OK)
        s->state = SESSION_FINISHING;
    return rc;
}

static enum pt_code on_receipt(struct session *s, const struct frame *f, struct outbox *out,
                               struct pt_err *err)
{
    enum pt_code rc;

    (void)out;
    if ((rc = check_closing(s, f, err)) == PT_OK)
        s->state = SESSION_DONE;
    return rc;
}

/* s->receipt.received was set by session_step() to the transcript before this frame. */
static enum pt_code on_finish(struct session *s, const struct frame *f, struct outbox *out,
                              struct pt_err *err)
{
    enum pt_code rc;

    if (s->protocol == NULL || *s->protocol_state != s->protocol->done)
        return pt_fail(err, PT_ESTATE, "%s says Finish before the end", session_peer_name(s));
    s->receipt.sent = s->transcript.sent;
    if ((rc = check_closing(s, f, err)) != PT_OK ||
        (rc = close_with(s, FRAME_RECEIPT, out, err)) != PT_OK)
        return rc;
    s->state = SESSION_DONE;
    return PT_OK;
}

/* On the peer's word alone nobody stops: its statement must stand under an officer's key. */
static enum pt_code take_stop(struct session *s, struct span statement, struct pt_err *err)
{
    const struct session_stop *stop = &s->self->stop;

    if (stop->take == NULL || stop->take(stop->self, statement, err) == PT_OK)
        return pt_fail(err, PT_EDENIED, "%s refused: STOPPED_BY_OFFICER: %s; %s",
                       session_peer_name(s), REASONS[REFUSAL_STOPPED_BY_OFFICER].words,
                       "`patto status` says who and why");
    return pt_wrap(err, "%s refused with a statement that does not stop anybody",
                   session_peer_name(s));
}

static enum pt_code on_refusal(struct session *s, const struct frame *f, struct outbox *out,
                               struct pt_err *err)
{
    const struct wire_refusal *r = &f->u.refusal;
    char ours[72];
    char theirs[72];

    (void)out;
    s->state = SESSION_FAILED;
    s->refusal = r->reason;
    s->refused_by_peer = true;
    if (r->reason == REFUSAL_STOPPED_BY_OFFICER)
        return take_stop(s, r->statement, err);
    if (!r->has_policy_hash)
        return pt_fail(err, REASONS[r->reason].code, "%s refused: %s: %s", session_peer_name(s),
                       refusal_name(r->reason), REASONS[r->reason].words);
    policy_hash_text(ours, &s->self->policy->hash);
    policy_hash_text(theirs, &r->policy_hash);
    return pt_fail(err, PT_EDENIED,
                   "%s refused: POLICY_MISMATCH: it runs policy %s, we run %s; agree on one and "
                   "join it",
                   session_peer_name(s), theirs, ours);
}

/* ---- the tables ---- */

enum who { OPENER, ACCEPTER };
static const struct step {
    enum session_state in;
    enum who who;
    enum frame_kind on;
    enum pt_code (*run)(struct session *, const struct frame *, struct outbox *, struct pt_err *);
} STEPS[] = {
    {SESSION_START, ACCEPTER, FRAME_HELLO, on_hello},
    {SESSION_GREETED, OPENER, FRAME_WELCOME, on_welcome},
    {SESSION_GREETED, OPENER, FRAME_REFUSAL, on_refusal},
    {SESSION_OPEN, OPENER, FRAME_REFUSAL, on_refusal},
    {SESSION_OPEN, ACCEPTER, FRAME_REFUSAL, on_refusal},
    {SESSION_OPEN, ACCEPTER, FRAME_FINISH, on_finish},
    {SESSION_FINISHING, OPENER, FRAME_RECEIPT, on_receipt},
    {SESSION_FINISHING, OPENER, FRAME_REFUSAL, on_refusal},
};

enum pt_code session_attach(struct session *s, const struct session_protocol *p, void *self,
                            int *state, struct pt_err *err)
{
    if (s->state != SESSION_OPEN || s->protocol != NULL)
        return pt_fail(err, PT_EBUG, "%s begun while the session is %s", p->name,
                       session_state_name(s->state));
    if (s->what != p->what || s->opener != p->opener)
        return pt_fail(err, PT_EBUG, "%s begun in a session for something else", p->name);
    s->protocol = p;
    s->protocol_self = self;
    s->protocol_state = state;
    return PT_OK;
}

static enum pt_code protocol_step(struct session *s, const struct frame *f, struct outbox *out,
                                  struct pt_err *err)
{
    const struct session_protocol *p = s->protocol;
    enum pt_code rc;

    if (s->state != SESSION_OPEN || p == NULL)
        return pt_fail(err, PT_ESTATE, "%s from %s is not allowed while the session is %s",
                       frame_name(f->kind), session_peer_name(s), session_state_name(s->state));
    int was = *s->protocol_state;
    *s->protocol_state = 0; /* until a row says otherwise: no way back from an error */
    for (size_t i = 0; i < p->row_count; i++) {
        const struct session_row *row = &p->rows[i];
        if (row->in != was || row->on != f->kind)
            continue;
        rc = row->run(s->protocol_self, f, out, err);
        if (rc == PT_OK && *s->protocol_state == 0)
            *s->protocol_state = row->next;
        else if (rc != PT_OK)
            *s->protocol_state = 0;
        return rc;
    }
    return pt_fail(err, PT_ESTATE, "%s: %s from %s is not allowed while %s", p->name,
                   frame_name(f->kind), session_peer_name(s), p->state_names[was]);
}

static enum pt_code dispatch(struct session *s, const struct frame *f, struct outbox *out,
                             struct pt_err *err)
{
    for (size_t i = 0; i < PT_LEN(STEPS); i++)
        if (STEPS[i].in == s->state && STEPS[i].on == f->kind &&
            (STEPS[i].who == OPENER) == s->opener)
            return STEPS[i].run(s, f, out, err);
    return protocol_step(s, f, out, err);
}

static enum pt_code receive(struct session *s, struct span frame, struct outbox *out,
                            struct pt_err *err)
{
    struct wire_in in = {0};
    enum pt_code rc;

    if (wire_decode(&in, frame, err) != PT_OK)
        return pt_wrap(err, "from %s", session_peer_name(s));
    if (in.frame.seq != s->next_received) {
        rc = pt_fail(err, PT_EBADMSG,
                     "frame %" PRIu32 " from %s where %" PRIu32 " is next: lost, repeated or "
                     "out of order",
                     in.frame.seq, session_peer_name(s), s->next_received);
    } else {
        s->next_received++;
        if (!s->opener)
            s->receipt.received = s->transcript.received;
        note_received(s, &in.frame, frame);
        rc = watch(s, false, &in.frame, frame, err);
        if (rc == PT_OK)
            rc = dispatch(s, &in.frame, out, err);
    }
    wire_in_free(&in);
    return rc;
}

enum pt_code session_step(struct session *s, struct span frame, struct outbox *out,
                          struct pt_err *err)
{
    if (s->state == SESSION_FAILED || s->state == SESSION_DONE)
        return pt_fail(err, PT_ESTATE, "the session with %s is %s: nothing more is accepted",
                       session_peer_name(s), session_state_name(s->state));
    s->because = REFUSAL_NONE;
    struct span statement;
    if (is_stopped(s, &statement))
        (void)fail_stopped(err);
    else if (receive(s, frame, out, err) == PT_OK)
        return PT_OK;
    return session_fail(s, out, err);
}

enum pt_code session_ended(struct session *s, struct pt_err *err)
{
    enum session_state was = s->state;

    if (was == SESSION_DONE)
        return PT_OK;
    s->state = SESSION_FAILED;
    return pt_fail(err, PT_EPEER, "%s ended the connection while the session was %s; try again",
                   session_peer_name(s), session_state_name(was));
}
