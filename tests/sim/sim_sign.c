/* What a liar signs anew, as PROTOCOL.md says it is signed: a second writing of it. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"

static void digest_in(struct buf *b, const struct digest *d)
{
    assert_true(buf_add(b, d->b, sizeof d->b));
}
static void field_in(struct buf *b, struct span s)
{
    assert_true(buf_field(b, s));
}
static void number_in(struct buf *b, uint64_t x)
{
    assert_true(buf_u64le(b, x));
}

static void in_session(struct signature *out, const struct session *s, const char *label,
                       struct buf *body)
{
    struct pt_err err = {0};

    assert_int_equal(session_sign(out, s, label, buf_span(body), &err), PT_OK);
    buf_free(body);
}

/* ---- the envelope ---- */

static void greeting(struct session *s, struct frame *f)
{
    static const struct digest none;
    struct wire_greeting *g = &f->u.greeting;
    bool hello = f->kind == FRAME_HELLO;
    struct buf b = {0};

    assert_true(buf_u32le(&b, g->version));
    field_in(&b, g->federation);
    digest_in(&b, &g->policy_hash);
    digest_in(&b, &g->epoch_id);
    field_in(&b, g->from);
    field_in(&b, g->to);
    field_in(&b, g->build);
    assert_true(buf_u32le(&b, (uint32_t)g->what));
    digest_in(&b, &g->nonce);
    assert_true(buf_u32le(&b, g->key_period));
    assert_true(buf_add(&b, g->oprf_public.b, sizeof g->oprf_public.b));
    digest_in(&b, &g->hello_hash);
    sign_make(&g->signature, s->self->key, hello ? "patto/hello/1" : "patto/welcome/1",
              buf_span(&b));
    /* A liar that keeps its story: its session is that of the greeting it sent. */
    const struct digest before = hello ? none : s->hello_hash;
    const struct span parts[] = {span_of(before.b, sizeof before.b), buf_span(&b)};
    hash_parts(hello ? &s->hello_hash : &s->id, "patto/session/1", parts, PT_LEN(parts));
    buf_free(&b);
}

static void closing(const struct session *s, struct frame *f)
{
    struct buf b = {0};

    digest_in(&b, &f->u.closing.sent);
    digest_in(&b, &f->u.closing.received);
    in_session(&f->u.closing.signature, s,
               f->kind == FRAME_FINISH ? "patto/finish/1" : "patto/receipt/1", &b);
}

/* ---- epochs: statements stand alone, over the round ---- */

static void commit(const struct session *s, const struct salt_round *r, struct wire_commit *c)
{
    struct buf b = {0};

    if (!text_eq(c->from, s->self->policy->partners[s->self->partner].name))
        return; /* nobody signs in another's name */
    digest_in(&b, &r->context);
    field_in(&b, c->from);
    digest_in(&b, &c->commitment);
    digest_in(&b, &c->dataset);
    digest_in(&b, &c->seed_hash);
    number_in(&b, c->padded_size);
    sign_make(&c->signature, s->self->key, "patto/epoch/commit/1", buf_span(&b));
    buf_free(&b);
}

static void reveal(const struct session *s, const struct salt_round *r, struct wire_reveal *v)
{
    struct buf b = {0};

    if (!text_eq(v->from, s->self->policy->partners[s->self->partner].name))
        return;
    digest_in(&b, &r->context);
    field_in(&b, v->from);
    digest_in(&b, &v->share);
    digest_in(&b, &v->blind);
    sign_make(&v->signature, s->self->key, "patto/epoch/reveal/1", buf_span(&b));
    buf_free(&b);
}

static void statements(const struct session *s, const struct salt_round *r, struct frame *f)
{
    if (r == NULL)
        return;
    if (f->kind == FRAME_COMMIT)
        commit(s, r, &f->u.commit);
    if (f->kind == FRAME_REVEAL)
        reveal(s, r, &f->u.reveal);
    for (size_t i = 0; f->kind == FRAME_COMMITS && i < f->u.commits.count; i++)
        commit(s, r, &f->u.commits.items[i]);
    for (size_t i = 0; f->kind == FRAME_REVEALS && i < f->u.reveals.count; i++)
        reveal(s, r, &f->u.reveals.items[i]);
}

/* ---- questions and answers ---- */

static void question(const struct session *s, struct frame *f)
{
    struct wire_question *q = &f->u.question;
    struct buf b = {0};

    field_in(&b, q->text);
    for (size_t i = 0; i < q->column_count; i++) {
        field_in(&b, q->columns[i].name);
        digest_in(&b, &q->columns[i].digest);
    }
    in_session(&q->signature, s, "patto/question/1", &b);
}

static void answer(const struct session *s, const struct sim_link *l, struct frame *f)
{
    struct wire_answer *a = &f->u.answer;
    struct buf b = {0};

    field_in(&b, buf_span(&l->text));
    number_in(&b, a->charged_nano);
    number_in(&b, a->left_nano);
    number_in(&b, a->audit_position);
    digest_in(&b, &a->dataset);
    number_in(&b, a->size_count);
    for (size_t i = 0; i < a->size_count && i < l->row_count; i++) {
        number_in(&b, (uint64_t)a->sizes[i]);
        digest_in(&b, &l->rows[i]);
    }
    in_session(&a->signature, s, "patto/answer/1", &b);
}

/* name is what both sides call the proof. */
static void proof_commit(const struct session *s, const struct digest *name, struct frame *f)
{
    struct wire_proof_commit *c = &f->u.proof_commit;
    struct buf b = {0};

    digest_in(&b, name);
    assert_true(buf_u32le(&b, c->first) && buf_u32le(&b, c->count));
    digest_in(&b, &c->digest);
    in_session(&c->signature, s, "patto/column-proof/1", &b);
}

static void reach_question(const struct session *s, struct frame *f)
{
    struct wire_reach_question *q = &f->u.reach_question;
    struct buf b = {0};

    field_in(&b, q->text);
    digest_in(&b, &q->run);
    field_in(&b, q->header);
    in_session(&q->signature, s, "patto/reach/question/1", &b);
}

static void reach_done(const struct session *s, const struct sim_link *l, struct frame *f)
{
    struct wire_reach_done *d = &f->u.reach_done;
    struct buf b = {0};

    digest_in(&b, &l->run);
    number_in(&b, d->charged_nano);
    number_in(&b, d->left_nano);
    number_in(&b, d->audit_position);
    number_in(&b, d->count);
    for (size_t i = 0; i < d->count; i++)
        number_in(&b, (uint64_t)d->counts[i]);
    in_session(&d->signature, s, "patto/reach/done/1", &b);
}

void sim_sign(struct sim *s, size_t link, enum sim_side side, struct frame *f)
{
    struct session *session = &s->session[side][link];
    const struct sim_link *l = &s->link[link];

    if (f->kind == FRAME_HELLO || f->kind == FRAME_WELCOME)
        greeting(session, f);
    else if (f->kind == FRAME_FINISH || f->kind == FRAME_RECEIPT)
        closing(session, f);
    else if (f->kind == FRAME_QUESTION)
        question(session, f);
    else if (f->kind == FRAME_ANSWER)
        answer(session, l, f);
    else if (f->kind == FRAME_PROOF_COMMIT && s->proof != NULL)
        proof_commit(session, s->proof, f);
    else if (f->kind == FRAME_REACH_QUESTION)
        reach_question(session, f);
    else if (f->kind == FRAME_REACH_DONE)
        reach_done(session, l, f);
    else
        statements(session, s->round[l->node[side]], f);
}
