#include "proto/reach_talk.h"

#include <inttypes.h>
#include <string.h>

_Static_assert((int)WIRE_STAGES_MAX == (int)REACH_STAGE_COUNT, "every stage has a number");
_Static_assert((int)WIRE_HEADER_MAX == (int)EPOCH_HEADER_BYTES_MAX, "every header fits");

/* ---- what is signed ---- */

static bool question_body(struct buf *b, const struct wire_reach_question *q)
{
    return buf_field(b, q->text) && buf_add(b, q->run.b, sizeof q->run.b) &&
           buf_field(b, q->header);
}

static bool done_body(struct buf *b, const struct digest *run, const struct wire_reach_done *d)
{
    bool good = buf_add(b, run->b, sizeof run->b) && buf_u64le(b, d->charged_nano) &&
                buf_u64le(b, d->left_nano) && buf_u64le(b, d->audit_position) &&
                buf_u64le(b, d->count);

    for (size_t i = 0; good && i < d->count; i++)
        good = buf_u64le(b, (uint64_t)d->counts[i]);
    return good;
}

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory for a question of reach");
}

enum pt_code reach_answer_hash(struct digest *out, const struct digest *run,
                               const struct wire_reach_done *done, struct pt_err *err)
{
    struct buf body = {0};
    bool good = done_body(&body, run, done);
    const struct span part = buf_span(&body);

    hash_parts(out, "patto/answer/hash/1", &part, 1);
    buf_free(&body);
    return good ? PT_OK : no_memory(err);
}

/* ---- asker ---- */

enum { ASKER_OVER, ASKER_ASKED, ASKER_READY, ASKER_GONE, ASKER_DONE };
static const char *const ASKER_STATES[] = {"over", "waiting for ReachReady", "ready",
                                           "waiting for ReachDone", "done"};

static enum pt_code on_ready(void *self, const struct frame *f, struct outbox *out,
                             struct pt_err *err)
{
    struct reach_asker *a = self;

    (void)out;
    (void)err;
    a->rho_nano = f->u.reach_rho_nano;
    return PT_OK;
}

static enum pt_code on_done(void *self, const struct frame *f, struct outbox *out,
                            struct pt_err *err)
{
    struct reach_asker *a = self;
    const struct wire_reach_done *d = &f->u.reach_done;
    struct buf body = {0};
    enum pt_code rc;

    if (d->charged_nano != a->rho_nano)
        return pt_fail(err, PT_EBADMSG, "%s charged another sum than it said",
                       session_peer_name(a->session));
    if (!done_body(&body, &a->question.run, d))
        rc = no_memory(err);
    else
        rc = session_verify(&d->signature, a->session, "patto/reach/done/1", buf_span(&body), err);
    buf_free(&body);
    if (rc != PT_OK || (rc = reach_answer_hash(&a->answer, &a->question.run, d, err)) != PT_OK)
        return rc;
    if (d->count > 0)
        memcpy(a->counts, d->counts, d->count * sizeof *d->counts);
    a->count = d->count;
    a->charged_nano = d->charged_nano;
    a->left_nano = d->left_nano;
    a->audit_position = d->audit_position;
    return session_finish(a->session, out, err);
}

static const struct session_row ASKER_ROWS[] = {
    {ASKER_ASKED, FRAME_REACH_READY, on_ready, ASKER_READY},
    {ASKER_GONE, FRAME_REACH_DONE, on_done, ASKER_DONE},
};
static const struct session_protocol ASKER = {.name = "reach, asker",
                                              .what = WHAT_REACH,
                                              .opener = true,
                                              .rows = ASKER_ROWS,
                                              .row_count = PT_LEN(ASKER_ROWS),
                                              .state_names = ASKER_STATES,
                                              .done = ASKER_DONE};

enum pt_code reach_asker_begin(struct reach_asker *a, struct session *s,
                               const struct reach_question *q, struct outbox *out,
                               struct pt_err *err)
{
    struct frame f = {.kind = FRAME_REACH_QUESTION};
    struct wire_reach_question *w = &f.u.reach_question;
    const struct epoch_header *h = &q->epoch->header;
    struct buf body = {0};
    enum pt_code rc;

    *a = (struct reach_asker){.session = s, .state = ASKER_ASKED, .question = *q};
    if ((rc = session_attach(s, &ASKER, a, &a->state, err)) != PT_OK)
        return rc;
    *w = (struct wire_reach_question){.text = q->text, .run = q->run, .header = q->header};
    for (size_t i = 0; i < h->participant_count; i++)
        w->signatures.items[i] = (struct wire_header_signature){
            .from = span_z(h->participants[i].name), .signature = q->epoch->signatures[i]};
    w->signatures.count = h->participant_count;
    if (!question_body(&body, w))
        rc = no_memory(err);
    else
        rc = session_sign(&w->signature, s, "patto/reach/question/1", buf_span(&body), err);
    buf_free(&body);
    return rc == PT_OK ? session_send(s, &f, out, err) : rc;
}

bool reach_asker_ready(const struct reach_asker *a)
{
    return a->state == ASKER_READY && a->session->state == SESSION_OPEN;
}

bool reach_asker_done(const struct reach_asker *a)
{
    return a->state == ASKER_DONE;
}

enum pt_code reach_asker_go(struct reach_asker *a, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_REACH_GO};

    if (!reach_asker_ready(a))
        return pt_fail(err, PT_ESTATE, "%s is not ready", session_peer_name(a->session));
    f.u.reach_run = a->question.run;
    a->state = ASKER_GONE;
    return session_send(a->session, &f, out, err);
}

/* ---- sender ---- */

enum { SENDER_OVER, SENDER_SENDING, SENDER_SENT };
static const char *const SENDER_STATES[] = {"over", "sending a share", "sent"};
static const struct session_protocol SENDER = {.name = "reach, sender",
                                               .what = WHAT_REACH,
                                               .opener = true,
                                               .state_names = SENDER_STATES,
                                               .done = SENDER_SENT};

enum pt_code reach_sender_begin(struct reach_sender *s, struct session *session,
                                const struct digest *run, const struct reach_item *item,
                                struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_REACH_SHARE};
    enum pt_code rc;

    *s = (struct reach_sender){.session = session, .state = SENDER_SENDING, .item = item};
    if ((rc = session_attach(session, &SENDER, s, &s->state, err)) != PT_OK)
        return rc;
    f.u.reach_share = (struct wire_reach_share){
        .run = *run, .stage = (uint32_t)item->stage, .size = item->bytes.n};
    return session_send(session, &f, out, err);
}

bool reach_sender_sending(const struct reach_sender *s)
{
    return s->state == SENDER_SENDING && s->session->state == SESSION_OPEN;
}

enum pt_code reach_sender_send(struct reach_sender *s, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_REACH_PART};
    uint64_t left = s->item->bytes.n - s->offset;
    size_t n = left < WIRE_PART_MAX ? (size_t)left : WIRE_PART_MAX;
    enum pt_code rc;

    f.u.reach_part = (struct wire_reach_part){.offset = s->offset,
                                              .data = span_of(s->item->bytes.p + s->offset, n)};
    if ((rc = session_send(s->session, &f, out, err)) != PT_OK)
        return rc;
    s->offset += n;
    if (s->offset < s->item->bytes.n)
        return PT_OK;
    s->state = SENDER_SENT;
    return session_finish(s->session, out, err);
}

/* ---- accepter ---- */

enum {
    ACCEPTER_OVER,
    ACCEPTER_LISTENING,
    ACCEPTER_READY,
    ACCEPTER_WORKING,
    ACCEPTER_RECEIVING,
    ACCEPTER_DONE
};
static const char *const ACCEPTER_STATES[] = {
    "over", "waiting for a question or a share", "ready", "working", "waiting for ReachPart",
    "done"};

static enum pt_code on_question(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct reach_accepter *a = self;
    const struct wire_reach_question *q = &f->u.reach_question;
    struct frame ready = {.kind = FRAME_REACH_READY};
    struct buf body = {0};
    enum pt_code rc;

    if (!question_body(&body, q))
        rc = no_memory(err);
    else
        rc = session_verify(&q->signature, a->session, "patto/reach/question/1", buf_span(&body),
                            err);
    buf_free(&body);
    if (rc != PT_OK ||
        (rc = a->host.question(a->host.self, q, &ready.u.reach_rho_nano, err)) != PT_OK)
        return rc;
    a->run = q->run;
    return session_send(a->session, &ready, out, err);
}

static enum pt_code on_go(void *self, const struct frame *f, struct outbox *out, struct pt_err *err)
{
    struct reach_accepter *a = self;

    (void)out;
    if (!span_eq_vartime(span_of(f->u.reach_run.b, 32), span_of(a->run.b, 32)))
        return pt_fail(err, PT_EBADMSG, "%s says go for another run than it asked for",
                       session_peer_name(a->session));
    return PT_OK;
}

static enum pt_code on_share(void *self, const struct frame *f, struct outbox *out,
                             struct pt_err *err)
{
    struct reach_accepter *a = self;

    (void)out;
    a->share = f->u.reach_share;
    return a->host.share(a->host.self, &a->share, err);
}

static enum pt_code on_part(void *self, const struct frame *f, struct outbox *out,
                            struct pt_err *err)
{
    struct reach_accepter *a = self;
    const struct wire_reach_part *p = &f->u.reach_part;
    uint64_t left = a->share.size - a->offset;
    enum pt_code rc;

    (void)out;
    if (p->offset != a->offset || p->data.n != (left < WIRE_PART_MAX ? left : WIRE_PART_MAX))
        return pt_fail(err, PT_EBADMSG, "%s sent %zu bytes at %" PRIu64 " of a share of %" PRIu64,
                       session_peer_name(a->session), p->data.n, p->offset, a->share.size);
    if ((rc = a->host.part(a->host.self, p->data, err)) != PT_OK)
        return rc;
    a->offset += p->data.n;
    if (a->offset < a->share.size)
        return PT_OK;
    a->state = ACCEPTER_DONE;
    return PT_OK;
}

static const struct session_row ACCEPTER_ROWS[] = {
    {ACCEPTER_LISTENING, FRAME_REACH_QUESTION, on_question, ACCEPTER_READY},
    {ACCEPTER_READY, FRAME_REACH_GO, on_go, ACCEPTER_WORKING},
    {ACCEPTER_LISTENING, FRAME_REACH_SHARE, on_share, ACCEPTER_RECEIVING},
    {ACCEPTER_RECEIVING, FRAME_REACH_PART, on_part, ACCEPTER_RECEIVING},
};
static const struct session_protocol ACCEPTER = {.name = "reach",
                                                 .what = WHAT_REACH,
                                                 .opener = false,
                                                 .rows = ACCEPTER_ROWS,
                                                 .row_count = PT_LEN(ACCEPTER_ROWS),
                                                 .state_names = ACCEPTER_STATES,
                                                 .done = ACCEPTER_DONE};

enum pt_code reach_accepter_begin(struct reach_accepter *a, struct session *s,
                                  struct reach_host host, struct pt_err *err)
{
    *a = (struct reach_accepter){.session = s, .state = ACCEPTER_LISTENING, .host = host};
    return session_attach(s, &ACCEPTER, a, &a->state, err);
}

bool reach_accepter_received(const struct reach_accepter *a)
{
    return a->state == ACCEPTER_DONE && a->share.size > 0 && a->session->state == SESSION_DONE;
}

bool reach_accepter_working(const struct reach_accepter *a)
{
    return a->state == ACCEPTER_WORKING && a->session->state == SESSION_OPEN;
}

enum pt_code reach_accepter_done(struct reach_accepter *a, const struct wire_reach_done *done,
                                 struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_REACH_DONE};
    struct buf body = {0};
    enum pt_code rc;

    if (!reach_accepter_working(a))
        return pt_fail(err, PT_ESTATE, "nothing of %s is being worked on",
                       session_peer_name(a->session));
    f.u.reach_done = *done;
    if (!done_body(&body, &a->run, done))
        rc = no_memory(err);
    else
        rc = session_sign(&f.u.reach_done.signature, a->session, "patto/reach/done/1",
                          buf_span(&body), err);
    buf_free(&body);
    if (rc != PT_OK || (rc = session_send(a->session, &f, out, err)) != PT_OK)
        return rc;
    a->state = ACCEPTER_DONE;
    return PT_OK;
}
