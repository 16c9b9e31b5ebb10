/* Bodies of reach over several partners: ReachQuestion to ReachPart. */
#include "proto/wire_body.h"
#include "proto/wire_field.h"

static void put_question(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ReachQuestion) *m = message;
    const struct wire_reach_question *q = &f->u.reach_question;

    m->text = wire_arena_text(a, q->text);
    m->run = lend(q->run.b, sizeof q->run.b);
    m->header = lend(q->header.p, q->header.n);
    m->signature = lend(q->signature.b, sizeof q->signature.b);
    m->header_signatures = wire_arena_pointers(a, WIRE_PARTIES_MAX);
    for (size_t i = 0; i < q->signatures.count && i < WIRE_PARTIES_MAX && !a->bad; i++) {
        PB(HeaderSignature) *s = wire_message_new(a, DESCRIPTOR(header_signature));
        m->header_signatures[i] = s;
        if (s == NULL)
            return;
        s->from = wire_arena_text(a, q->signatures.items[i].from);
        s->signature = lend(q->signatures.items[i].signature.b, 64);
    }
    m->n_header_signatures = a->bad ? 0 : q->signatures.count;
}

static void take_question(struct wire_take *t, struct frame *f, const void *message,
                          struct wire_arena *a)
{
    const PB(ReachQuestion) *m = message;
    struct wire_reach_question *q = &f->u.reach_question;

    (void)a;
    q->text = wire_take_text(t, m->text, QUESTION_TEXT_MAX, "text");
    take_digest(t, &q->run, m->run, "run");
    take_signature(t, &q->signature, m->signature);
    wire_take_limit(t, m->header.len >= 1 && m->header.len <= WIRE_HEADER_MAX, "header",
                    "1..4096 bytes");
    q->header = data_span(m->header);
    wire_take_limit(t, m->n_header_signatures >= 2 && m->n_header_signatures <= WIRE_PARTIES_MAX,
                    "the number of signatures", "2..8");
    for (size_t i = 0; !t->bad && i < m->n_header_signatures; i++) {
        q->signatures.items[i].from = take_name(t, m->header_signatures[i]->from, "from");
        take_signature(t, &q->signatures.items[i].signature, m->header_signatures[i]->signature);
    }
    q->signatures.count = m->n_header_signatures;
}

static void put_ready(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ReachReady) *m = message;

    (void)a;
    m->rho_nano = f->u.reach_rho_nano;
}

static void take_ready(struct wire_take *t, struct frame *f, const void *message,
                       struct wire_arena *a)
{
    const PB(ReachReady) *m = message;

    (void)t;
    (void)a;
    f->u.reach_rho_nano = m->rho_nano;
}

static void put_go(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ReachGo) *m = message;

    (void)a;
    m->run = lend(f->u.reach_run.b, sizeof f->u.reach_run.b);
}

static void take_go(struct wire_take *t, struct frame *f, const void *message, struct wire_arena *a)
{
    const PB(ReachGo) *m = message;

    (void)a;
    take_digest(t, &f->u.reach_run, m->run, "run");
}

static void put_done(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ReachDone) *m = message;
    const struct wire_reach_done *w = &f->u.reach_done;

    m->counts = wire_arena_get(a, sizeof *m->counts * (w->count + 1));
    if (m->counts == NULL)
        return;
    if (w->count > 0)
        memcpy(m->counts, w->counts, sizeof *m->counts * w->count);
    m->n_counts = w->count;
    m->charged_rho_nano = w->charged_nano;
    m->left_rho_nano = w->left_nano;
    m->audit_position = w->audit_position;
    m->signature = lend(w->signature.b, sizeof w->signature.b);
}

static void take_done(struct wire_take *t, struct frame *f, const void *message,
                      struct wire_arena *a)
{
    const PB(ReachDone) *m = message;
    struct wire_reach_done *w = &f->u.reach_done;

    (void)a;
    wire_take_limit(t, m->n_counts <= WIRE_COUNTS_MAX, "the number of counts", "at most 256");
    *w = (struct wire_reach_done){.counts = m->counts,
                                  .count = m->n_counts,
                                  .charged_nano = m->charged_rho_nano,
                                  .left_nano = m->left_rho_nano,
                                  .audit_position = m->audit_position};
    take_signature(t, &w->signature, m->signature);
}

static void put_share(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ReachShare) *m = message;

    (void)a;
    m->run = lend(f->u.reach_share.run.b, sizeof f->u.reach_share.run.b);
    m->stage = f->u.reach_share.stage;
    m->size = f->u.reach_share.size;
}

static void take_share(struct wire_take *t, struct frame *f, const void *message,
                       struct wire_arena *a)
{
    const PB(ReachShare) *m = message;
    struct wire_reach_share *w = &f->u.reach_share;

    (void)a;
    take_digest(t, &w->run, m->run, "run");
    wire_take_limit(t, m->stage < WIRE_STAGES_MAX, "stage", "below 9");
    wire_take_limit(t, m->size >= 1 && m->size <= WIRE_SHARE_MAX, "size", "1..2^27 and dummies");
    w->stage = m->stage;
    w->size = m->size;
}

static void put_part(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ReachPart) *m = message;

    (void)a;
    m->offset = f->u.reach_part.offset;
    m->data = lend(f->u.reach_part.data.p, f->u.reach_part.data.n);
}

static void take_part(struct wire_take *t, struct frame *f, const void *message,
                      struct wire_arena *a)
{
    const PB(ReachPart) *m = message;

    (void)a;
    wire_take_limit(t, m->data.len >= 1 && m->data.len <= WIRE_PART_MAX, "data",
                    "1..1048576 bytes");
    f->u.reach_part = (struct wire_reach_part){.offset = m->offset, .data = data_span(m->data)};
}

const struct wire_body WIRE_REACH[] = {
    {FRAME_REACH_QUESTION, "ReachQuestion", DESCRIPTOR(reach_question), put_question,
     take_question},
    {FRAME_REACH_READY, "ReachReady", DESCRIPTOR(reach_ready), put_ready, take_ready},
    {FRAME_REACH_GO, "ReachGo", DESCRIPTOR(reach_go), put_go, take_go},
    {FRAME_REACH_DONE, "ReachDone", DESCRIPTOR(reach_done), put_done, take_done},
    {FRAME_REACH_SHARE, "ReachShare", DESCRIPTOR(reach_share), put_share, take_share},
    {FRAME_REACH_PART, "ReachPart", DESCRIPTOR(reach_part), put_part, take_part},
};
const size_t WIRE_REACH_COUNT = PT_LEN(WIRE_REACH);
