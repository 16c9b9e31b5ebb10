#include "proto/log_talk.h"

#include <string.h>

_Static_assert((int)WIRE_HASHES_MAX == (int)MERKLE_PROOF_MAX * 32, "every proof fits");

static struct span hashes(const struct merkle_proof *p)
{
    return span_of(p->hash, p->count * sizeof *p->hash);
}

/* The wire has seen to it that they are whole and not too many. */
static void take_hashes(struct merkle_proof *out, struct span bytes)
{
    *out = (struct merkle_proof){.count = bytes.n / sizeof *out->hash};
    if (bytes.n > 0)
        memcpy(out->hash, bytes.p, bytes.n);
}

/* ---- the owner to a witness ---- */

enum { SUBMIT_OVER, SUBMIT_SENT, SUBMIT_DONE };
static const char *const SUBMIT_STATES[] = {"over", "waiting for a cosignature", "done"};

static enum pt_code send_head(struct log_submit *l, uint64_t old_size, struct outbox *out,
                              struct pt_err *err)
{
    struct frame f = {.kind = FRAME_ADD_HEAD};
    struct merkle_proof proof = {0};
    struct span note;
    enum pt_code rc = l->host.head(l->host.self, old_size, &note, &proof, err);

    if (rc != PT_OK)
        return rc;
    f.u.add_head =
        (struct wire_add_head){.old_size = old_size, .proof = hashes(&proof), .note = note};
    return session_send(l->session, &f, out, err);
}

static enum pt_code on_line(void *self, const struct frame *f, struct outbox *out,
                            struct pt_err *err)
{
    struct log_submit *l = self;
    enum pt_code rc = l->host.cosigned(l->host.self, f->u.head_line, err);

    return rc == PT_OK ? session_finish(l->session, out, err) : rc;
}

static enum pt_code on_conflict(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct log_submit *l = self;

    if (l->again)
        return pt_fail(err, PT_EBADMSG, "%s changes its mind about what it has seen of this log",
                       session_peer_name(l->session));
    l->again = true;
    return send_head(l, f->u.head_conflict, out, err);
}

static const struct session_row SUBMIT_ROWS[] = {
    {SUBMIT_SENT, FRAME_HEAD_COSIGNED, on_line, SUBMIT_DONE},
    {SUBMIT_SENT, FRAME_HEAD_CONFLICT, on_conflict, SUBMIT_SENT},
};
static const struct session_protocol SUBMIT = {.name = "log, owner",
                                               .what = WHAT_LOG,
                                               .opener = true,
                                               .rows = SUBMIT_ROWS,
                                               .row_count = PT_LEN(SUBMIT_ROWS),
                                               .state_names = SUBMIT_STATES,
                                               .done = SUBMIT_DONE};

enum pt_code log_submit_begin(struct log_submit *l, struct session *s,
                              const struct log_submit_host *host, uint64_t old_size,
                              struct outbox *out, struct pt_err *err)
{
    enum pt_code rc;

    *l = (struct log_submit){.session = s, .state = SUBMIT_SENT, .host = *host};
    if ((rc = session_attach(s, &SUBMIT, l, &l->state, err)) == PT_OK)
        rc = send_head(l, old_size, out, err);
    return rc;
}

/* ---- who was answered, to the owner ---- */

enum { FETCH_OVER, FETCH_ASKED, FETCH_DONE };
static const char *const FETCH_STATES[] = {"over", "waiting for a proof", "done"};

static enum pt_code on_proof(void *self, const struct frame *f, struct outbox *out,
                             struct pt_err *err)
{
    struct log_fetch *l = self;
    struct frame answer = {.kind = FRAME_HEAD_COSIGNED};
    struct merkle_proof proof;
    struct buf line = {0};
    enum pt_code rc;

    take_hashes(&proof, f->u.event_proof.proof);
    rc = l->host.proof(l->host.self, f->u.event_proof.text, &proof, &line, err);
    answer.u.head_line = buf_span(&line);
    if (rc == PT_OK && (rc = session_send(l->session, &answer, out, err)) == PT_OK)
        rc = session_finish(l->session, out, err);
    buf_free(&line);
    return rc;
}

static const struct session_row FETCH_ROWS[] = {
    {FETCH_ASKED, FRAME_EVENT_PROOF, on_proof, FETCH_DONE},
};
static const struct session_protocol FETCH = {.name = "log, asker",
                                              .what = WHAT_LOG,
                                              .opener = true,
                                              .rows = FETCH_ROWS,
                                              .row_count = PT_LEN(FETCH_ROWS),
                                              .state_names = FETCH_STATES,
                                              .done = FETCH_DONE};

enum pt_code log_fetch_begin(struct log_fetch *l, struct session *s,
                             const struct log_fetch_host *host, const struct wire_proof_ask *ask,
                             struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_PROOF_ASK};
    enum pt_code rc;

    *l = (struct log_fetch){.session = s, .state = FETCH_ASKED, .host = *host};
    f.u.proof_ask = *ask;
    if ((rc = session_attach(s, &FETCH, l, &l->state, err)) == PT_OK)
        rc = session_send(s, &f, out, err);
    return rc;
}

/* ---- accepter ---- */

enum { ACCEPT_OVER, ACCEPT_READY, ACCEPT_GIVEN, ACCEPT_DONE };
static const char *const ACCEPT_STATES[] = {"over", "nothing is asked yet",
                                            "waiting for a cosignature", "done"};

static enum pt_code on_add_head(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct log_accept *l = self;
    struct frame answer = {.kind = FRAME_HEAD_COSIGNED};
    struct merkle_proof proof;
    struct buf line = {0};
    uint64_t known = 0;
    enum pt_code rc;

    take_hashes(&proof, f->u.add_head.proof);
    rc = l->host.add_head(l->host.self, &f->u.add_head, &proof, &line, &known, err);
    if (rc == PT_OK && line.n == 0) {
        answer.kind = FRAME_HEAD_CONFLICT;
        answer.u.head_conflict = known;
        l->state = ACCEPT_READY; /* it may try again, or finish never */
    } else {
        answer.u.head_line = buf_span(&line);
    }
    if (rc == PT_OK)
        rc = session_send(l->session, &answer, out, err);
    buf_free(&line);
    return rc;
}

static enum pt_code on_ask(void *self, const struct frame *f, struct outbox *out,
                           struct pt_err *err)
{
    struct log_accept *l = self;
    struct frame answer = {.kind = FRAME_EVENT_PROOF};
    struct merkle_proof proof = {0};
    struct buf text = {0};
    enum pt_code rc = l->host.proof(l->host.self, &f->u.proof_ask, &text, &proof, err);

    answer.u.event_proof =
        (struct wire_event_proof){.text = buf_span(&text), .proof = hashes(&proof)};
    if (rc == PT_OK)
        rc = session_send(l->session, &answer, out, err);
    buf_free(&text);
    return rc;
}

static enum pt_code on_cosigned(void *self, const struct frame *f, struct outbox *out,
                                struct pt_err *err)
{
    struct log_accept *l = self;

    (void)out;
    return l->host.cosigned(l->host.self, f->u.head_line, err);
}

static const struct session_row ACCEPT_ROWS[] = {
    {ACCEPT_READY, FRAME_ADD_HEAD, on_add_head, ACCEPT_DONE},
    {ACCEPT_READY, FRAME_PROOF_ASK, on_ask, ACCEPT_GIVEN},
    {ACCEPT_GIVEN, FRAME_HEAD_COSIGNED, on_cosigned, ACCEPT_DONE},
};
static const struct session_protocol ACCEPT = {.name = "log, accepter",
                                               .what = WHAT_LOG,
                                               .opener = false,
                                               .rows = ACCEPT_ROWS,
                                               .row_count = PT_LEN(ACCEPT_ROWS),
                                               .state_names = ACCEPT_STATES,
                                               .done = ACCEPT_DONE};

enum pt_code log_accept_begin(struct log_accept *l, struct session *s,
                              const struct log_accept_host *host, struct pt_err *err)
{
    *l = (struct log_accept){.session = s, .state = ACCEPT_READY, .host = *host};
    return session_attach(s, &ACCEPT, l, &l->state, err);
}
