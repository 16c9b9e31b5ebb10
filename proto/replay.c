#include "proto/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- what a record says of the node's own state ---- */

void replay_facts_free(struct replay_facts *f)
{
    buf_free(&f->note);
    for (size_t i = 0; i < PT_LEN(f->whole); i++)
        buf_free(&f->whole[i]), buf_free(&f->came[i]);
    *f = (struct replay_facts){0};
}

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory to replay a session");
}

static enum pt_code keep(struct buf *to, struct span bytes, struct pt_err *err)
{
    return to->n > 0 || buf_add(to, bytes.p, bytes.n) ? PT_OK : no_memory(err);
}

/* The kind of a frame that came, and what a Hello asks for. */
static enum pt_code scan_received(struct replay_facts *f, struct span bytes, struct pt_err *err)
{
    struct wire_in in = {0};
    enum pt_code rc = wire_decode(&in, bytes, err);

    if (rc != PT_OK)
        return pt_wrap(err, "a frame in the record");
    f->received_count[in.frame.kind]++;
    if (!record_is_bulk(in.frame.kind))
        rc = keep(&f->came[in.frame.kind], bytes, err);
    if (in.frame.kind == FRAME_HELLO)
        f->what = in.frame.u.greeting.what;
    wire_in_free(&in);
    return rc;
}

static enum pt_code scan_entry(struct replay_facts *f, const struct record_entry *e,
                               struct pt_err *err)
{
    switch (e->kind) {
    case RECORD_HEAD:
        f->head = e->head;
        f->what = e->head.what;
        return PT_OK;
    case RECORD_NOTE:
        return keep(&f->note, e->bytes, err);
    case RECORD_RECEIVED:
        return scan_received(f, e->bytes, err);
    case RECORD_RECEIVED_PART:
        f->received_count[FRAME_COLUMN_PART]++;
        return PT_OK;
    case RECORD_SENT:
    case RECORD_SENT_WHOLE:
        if ((size_t)e->frame >= PT_LEN(f->whole))
            return pt_fail(err, PT_EBADMSG, "a record with a frame of no known kind");
        f->sent_count[e->frame]++;
        return keep(&f->whole[e->frame], e->bytes, err);
    case RECORD_END:
        f->ended = true;
        f->state = e->state;
        return PT_OK;
    }
    return PT_OK;
}

enum pt_code replay_scan(struct replay_facts *out, const struct replay_source *source,
                         struct pt_err *err)
{
    bool end = false;
    bool headed = false;
    enum pt_code rc = PT_OK;

    *out = (struct replay_facts){0};
    while (rc == PT_OK && !end) {
        struct record_entry e = {0};
        if ((rc = source->next(source->self, &e, &end, err)) != PT_OK || end)
            break;
        if (headed != (e.kind != RECORD_HEAD))
            rc = pt_fail(err, PT_EBADMSG, "a record without its head, or with two");
        else
            rc = scan_entry(out, &e, err);
        headed = true;
    }
    if (rc == PT_OK && !headed)
        rc = pt_fail(err, PT_EBADMSG, "a record without its head");
    if (rc != PT_OK)
        replay_facts_free(out);
    return rc;
}

/* ---- what the code sends ---- */

static uint64_t number_of(const struct frame *f)
{
    if (f->kind == FRAME_REPLY)
        return f->u.reply.row;
    if (f->kind == FRAME_POINTS || f->kind == FRAME_EVALUATED)
        return f->u.chunk.number;
    if (f->kind == FRAME_COLUMN_PART)
        return f->u.column_part.column;
    if (f->kind == FRAME_PROOF_PART)
        return f->u.proof_part.offset;
    if (f->kind == FRAME_PROOF_COMMIT)
        return f->u.proof_commit.first;
    return f->kind == FRAME_REACH_PART ? f->u.reach_part.offset : 0;
}

static enum pt_code said(void *self, const struct session_said *s, struct pt_err *err)
{
    struct replay *r = self;

    if (!s->sent)
        return PT_OK;
    if (r->made_first == r->made_end)
        r->made_first = r->made_end = 0;
    if (r->made_end == REPLAY_MADE_MAX)
        return pt_fail(err, PT_ELIMIT, "more frames at once than a session sends");
    r->made[r->made_end++] = (struct replay_made){
        .kind = s->frame->kind, .number = number_of(s->frame), .chain = *s->chain};
    if (s->frame->kind != FRAME_QUESTION)
        return PT_OK;
    r->question.n = 0;
    return buf_add(&r->question, s->bytes.p, s->bytes.n) ? PT_OK : no_memory(err);
}

/* The frames themselves are not needed: their hashes are kept. */
static void drain(struct replay *r)
{
    struct buf frame;

    while (outbox_take(&r->out, &frame))
        buf_free(&frame);
}

static const struct replay_made *front(const struct replay *r)
{
    return r->made_first < r->made_end ? &r->made[r->made_first] : NULL;
}

/* ---- verdicts ---- */

static PT_PRINTF(2, 3) void differs(struct replay *r, const char *fmt, ...)
{
    va_list args;

    r->result.verdict = REPLAY_DIFFERS;
    va_start(args, fmt);
    vsnprintf(r->result.words, sizeof r->result.words, fmt, args);
    va_end(args);
}

/* The host, or the code, said no: is it that something is gone, or that it may not be? */
static bool is_gone(struct replay *r)
{
    if (r->host.gone == NULL || r->host.gone->code == PT_OK)
        return false;
    r->result.verdict = REPLAY_UNCHECKED;
    snprintf(r->result.words, sizeof r->result.words, "%.230s", r->host.gone->msg);
    return true;
}

static bool is_ours(enum pt_code rc)
{
    return rc == PT_ENOMEM || rc == PT_EIO;
}

/* Which column of a question has another digest; false: it is not that. */
static bool differing_column(size_t *out, struct span sent, struct span made)
{
    struct wire_in a = {0};
    struct wire_in b = {0};
    struct pt_err ignored = {0};
    bool found = false;

    if (wire_decode(&a, sent, &ignored) == PT_OK && wire_decode(&b, made, &ignored) == PT_OK &&
        a.frame.kind == FRAME_QUESTION && b.frame.kind == FRAME_QUESTION) {
        const struct wire_question *x = &a.frame.u.question;
        const struct wire_question *y = &b.frame.u.question;
        for (*out = 0; !found && *out < x->column_count && *out < y->column_count; (*out)++)
            found = memcmp(x->columns[*out].digest.b, y->columns[*out].digest.b, 32) != 0;
        *out -= found;
    }
    wire_in_free(&a);
    wire_in_free(&b);
    return found;
}

static void name_difference(struct replay *r, const struct record_entry *e,
                            const struct replay_made *m)
{
    static const struct {
        enum frame_kind kind;
        const char *unit;
    } NUMBERED[] = {{FRAME_REPLY, "row"},          {FRAME_POINTS, "chunk"},
                    {FRAME_EVALUATED, "chunk"},    {FRAME_COLUMN_PART, "column"},
                    {FRAME_REACH_PART, "offset"},  {FRAME_PROOF_PART, "offset"},
                    {FRAME_PROOF_COMMIT, "column"}};
    size_t column;

    if (m->kind == FRAME_QUESTION && differing_column(&column, e->bytes, buf_span(&r->question))) {
        differs(r, "Question column %zu differs", column);
        return;
    }
    for (size_t i = 0; i < PT_LEN(NUMBERED); i++)
        if (NUMBERED[i].kind == m->kind) {
            differs(r, "%s %s %" PRIu64 " differs", frame_name(m->kind), NUMBERED[i].unit,
                    m->number);
            return;
        }
    differs(r, "%s differs", frame_name(m->kind));
}

/* ---- entries ---- */

/* Ask the host for what the node sent of its own accord. false: there is a verdict, or it waits. */
static enum pt_code want_more(struct replay *r, bool *blocked, struct pt_err *err)
{
    struct pt_err why = {0};
    enum pt_code rc = PT_OK;

    if (!r->attached || r->session.state != SESSION_OPEN)
        return PT_OK;
    rc = r->host.more(r->host.self, &r->out, blocked, &why);
    drain(r);
    if (rc == PT_OK || is_gone(r))
        return PT_OK;
    if (is_ours(rc)) {
        *err = why;
        return rc;
    }
    r->refused_with = why;
    return PT_OK;
}

static enum pt_code on_sent(struct replay *r, const struct record_entry *e, bool *blocked,
                            struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    if (e->frame == FRAME_REFUSAL) {
        r->over = r->result.refused = true;
        return PT_OK;
    }
    if (front(r) == NULL && r->refused_with.code == PT_OK)
        rc = want_more(r, blocked, err);
    if (rc != PT_OK || *blocked || r->result.verdict != REPLAY_RUNNING)
        return rc;
    const struct replay_made *m = front(r);
    if (r->refused_with.code != PT_OK) /* the code did no more than refuse */
        differs(r, "%s was sent where the code refuses: %.160s", frame_name(e->frame),
                r->refused_with.msg);
    else if (m == NULL)
        differs(r, "%s was sent where the code sends nothing", frame_name(e->frame));
    else if (m->kind != e->frame)
        differs(r, "%s was sent where the code sends %s", frame_name(e->frame),
                frame_name(m->kind));
    else if (memcmp(m->chain.b, e->chain.b, sizeof m->chain.b) != 0)
        name_difference(r, e, m);
    if (r->result.verdict != REPLAY_RUNNING)
        return PT_OK;
    r->made_first++;
    r->result.sent_count++;
    return PT_OK;
}

/* As the node did after each frame: attach once both have greeted, then answer what is ready. */
static enum pt_code go_on(struct replay *r, struct pt_err *err)
{
    struct session *s = &r->session;
    enum pt_code rc = PT_OK;

    if (s->state == SESSION_OPEN && !r->attached) {
        r->attached = true;
        rc = r->host.begin(r->host.self, s, &r->out, err);
        if (rc != PT_OK)
            return session_fail(s, &r->out, err);
    }
    return r->attached ? r->host.after(r->host.self, &r->out, err) : PT_OK;
}

static enum pt_code take(struct replay *r, struct span frame, struct pt_err *err)
{
    struct pt_err why = {0};
    enum pt_code rc = session_step(&r->session, frame, &r->out, &why);

    if (rc == PT_OK)
        rc = go_on(r, &why);
    drain(r);
    if (rc == PT_OK || is_gone(r))
        return PT_OK;
    if (is_ours(rc)) {
        *err = why;
        return rc;
    }
    r->refused_with = why;
    if (r->session.refused_by_peer)
        r->over = r->result.refused = true;
    return PT_OK;
}

static enum pt_code on_received(struct replay *r, const struct record_entry *e, struct pt_err *err)
{
    const struct replay_made *m = front(r);
    const struct transcript_part *p = &e->part;
    struct frame f = {.kind = FRAME_COLUMN_PART, .seq = p->seq};
    struct span bytes = {0};
    struct buf frame = {0};
    enum pt_code rc;

    if (r->refused_with.code != PT_OK)
        differs(r, "it was taken where the code refuses: %.160s", r->refused_with.msg);
    else if (m != NULL)
        differs(r, "it was taken where the code sends %s first", frame_name(m->kind));
    if (r->result.verdict != REPLAY_RUNNING)
        return PT_OK;
    if (e->kind == RECORD_RECEIVED)
        return take(r, e->bytes, err);
    rc = r->host.part == NULL ? pt_fail(err, PT_EBADMSG, "a part of a column where none can be")
                              : r->host.part(r->host.self, p, &bytes, err);
    if (rc != PT_OK)
        return is_gone(r) ? PT_OK : rc;
    f.u.column_part =
        (struct wire_column_part){.column = p->column, .offset = p->offset, .data = bytes};
    if ((rc = wire_encode(&frame, &f, err)) == PT_OK)
        rc = take(r, buf_span(&frame), err);
    buf_free(&frame);
    return rc;
}

/* The record is over, at its last entry or before. */
static void on_end(struct replay *r, bool done)
{
    const struct replay_made *m = front(r);

    r->result.signed_by_peer = r->session.state == SESSION_DONE;
    if (m != NULL && !r->over && m->kind != FRAME_REFUSAL && !r->result.cut)
        differs(r, "the code sends %s, and the node did not", frame_name(m->kind));
    else if (done && r->session.state != SESSION_DONE)
        differs(r, "it ended well, and the code does not: %.160s",
                r->refused_with.code != PT_OK ? r->refused_with.msg : "something is missing");
    else
        r->result.verdict = REPLAY_SAME;
}

static enum pt_code on_entry(struct replay *r, bool *blocked, struct pt_err *err)
{
    const struct record_entry *e = &r->entry;

    switch (e->kind) {
    case RECORD_HEAD:
    case RECORD_NOTE:
        return PT_OK;
    case RECORD_END:
        on_end(r, e->state == SESSION_DONE);
        return PT_OK;
    case RECORD_SENT:
    case RECORD_SENT_WHOLE:
        return r->over ? PT_OK : on_sent(r, e, blocked, err);
    case RECORD_RECEIVED:
    case RECORD_RECEIVED_PART:
        return r->over ? PT_OK : on_received(r, e, err);
    }
    return PT_OK;
}

enum pt_code replay_begin(struct replay *r, const struct replay_in *in, struct pt_err *err)
{
    const struct record_head *h = in->head;
    int peer = policy_find_partner(in->self->policy, h->peer);
    const struct session_to to = {.peer = (uint16_t)(peer < 0 ? 0 : peer),
                                  .what = h->what,
                                  .nonce = h->nonce,
                                  .watch = {.self = r, .said = said}};
    enum pt_code rc = PT_OK;

    *r = (struct replay){.source = in->source, .host = in->host};
    if (peer < 0)
        return pt_fail(err, PT_ESTATE, "%s is no partner of this policy", h->peer);
    if (h->opener)
        rc = session_open(&r->session, in->self, to, &r->out, err);
    else
        session_accept(&r->session, in->self, to);
    drain(r);
    return rc;
}

/* The next entry into r->entry; at the end of the record the verdict. */
static enum pt_code fetch(struct replay *r, struct pt_err *err)
{
    bool end = false;
    enum pt_code rc = r->source.next(r->source.self, &r->entry, &end, err);

    if (rc != PT_OK)
        return rc;
    if (end) {
        r->result.cut = true;
        on_end(r, false);
        return PT_OK;
    }
    r->result.message += r->entry.kind >= RECORD_RECEIVED && r->entry.kind < RECORD_END;
    return PT_OK;
}

enum pt_code replay_run(struct replay *r, struct pt_err *err)
{
    bool blocked = false;
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && !blocked && r->result.verdict == REPLAY_RUNNING) {
        if (!r->has_entry)
            rc = fetch(r, err);
        if (rc == PT_OK && r->result.verdict == REPLAY_RUNNING)
            rc = on_entry(r, &blocked, err);
        r->has_entry = blocked;
    }
    return rc;
}

void replay_end(struct replay *r)
{
    outbox_free(&r->out);
    buf_free(&r->question);
    explicit_bzero(r, sizeof *r);
}
