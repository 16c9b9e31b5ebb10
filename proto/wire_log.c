/* Bodies of transparency logs: AddHead to EventProof. */
#include "proto/wire_body.h"
#include "proto/wire_field.h"

static struct span take_hashes(struct wire_take *t, ProtobufCBinaryData d)
{
    wire_take_limit(t, d.len % 32 == 0 && d.len <= WIRE_HASHES_MAX, "proof",
                    "at most 64 digests of 32 bytes");
    return data_span(d);
}

static void put_add_head(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(AddHead) *m = message;
    const struct wire_add_head *w = &f->u.add_head;

    (void)a;
    m->old_size = w->old_size;
    m->proof = lend(w->proof.p, w->proof.n);
    m->note = lend(w->note.p, w->note.n);
}

static void take_add_head(struct wire_take *t, struct frame *f, const void *message,
                          struct wire_arena *a)
{
    const PB(AddHead) *m = message;

    (void)a;
    wire_take_limit(t, m->note.len >= 1 && m->note.len <= WIRE_NOTE_MAX, "note", "1..65536 bytes");
    f->u.add_head = (struct wire_add_head){
        .old_size = m->old_size, .proof = take_hashes(t, m->proof), .note = data_span(m->note)};
}

static void put_cosigned(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(HeadCosigned) *m = message;

    (void)a;
    m->line = lend(f->u.head_line.p, f->u.head_line.n);
}

static void take_cosigned(struct wire_take *t, struct frame *f, const void *message,
                          struct wire_arena *a)
{
    const PB(HeadCosigned) *m = message;

    (void)a;
    wire_take_limit(t, m->line.len >= 1 && m->line.len <= WIRE_NOTE_LINE_MAX, "line",
                    "1..8192 bytes");
    f->u.head_line = data_span(m->line);
}

static void put_conflict(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(HeadConflict) *m = message;

    (void)a;
    m->size = f->u.head_conflict;
}

static void take_conflict(struct wire_take *t, struct frame *f, const void *message,
                          struct wire_arena *a)
{
    const PB(HeadConflict) *m = message;

    (void)t;
    (void)a;
    f->u.head_conflict = m->size;
}

static void put_proof_ask(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ProofAsk) *m = message;

    (void)a;
    m->question = lend(f->u.proof_ask.question.b, sizeof f->u.proof_ask.question.b);
    m->answer = lend(f->u.proof_ask.answer.b, sizeof f->u.proof_ask.answer.b);
    m->known_size = f->u.proof_ask.known_size;
}

static void take_proof_ask(struct wire_take *t, struct frame *f, const void *message,
                           struct wire_arena *a)
{
    const PB(ProofAsk) *m = message;

    (void)a;
    take_digest(t, &f->u.proof_ask.question, m->question, "question");
    take_digest(t, &f->u.proof_ask.answer, m->answer, "answer");
    f->u.proof_ask.known_size = m->known_size;
}

static void put_event_proof(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(EventProof) *m = message;

    (void)a;
    m->text = lend(f->u.event_proof.text.p, f->u.event_proof.text.n);
    m->proof = lend(f->u.event_proof.proof.p, f->u.event_proof.proof.n);
}

static void take_event_proof(struct wire_take *t, struct frame *f, const void *message,
                             struct wire_arena *a)
{
    const PB(EventProof) *m = message;

    (void)a;
    wire_take_limit(t, m->text.len >= 1 && m->text.len <= WIRE_PROOF_MAX, "text",
                    "1..262144 bytes");
    f->u.event_proof =
        (struct wire_event_proof){.text = data_span(m->text), .proof = take_hashes(t, m->proof)};
}

const struct wire_body WIRE_LOG[] = {
    {FRAME_ADD_HEAD, "AddHead", DESCRIPTOR(add_head), put_add_head, take_add_head},
    {FRAME_HEAD_COSIGNED, "HeadCosigned", DESCRIPTOR(head_cosigned), put_cosigned, take_cosigned},
    {FRAME_HEAD_CONFLICT, "HeadConflict", DESCRIPTOR(head_conflict), put_conflict, take_conflict},
    {FRAME_PROOF_ASK, "ProofAsk", DESCRIPTOR(proof_ask), put_proof_ask, take_proof_ask},
    {FRAME_EVENT_PROOF, "EventProof", DESCRIPTOR(event_proof), put_event_proof, take_event_proof},
};
const size_t WIRE_LOG_COUNT = PT_LEN(WIRE_LOG);
