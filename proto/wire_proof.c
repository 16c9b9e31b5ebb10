#include "proto/wire_body.h"
#include "proto/wire_field.h"

static void take_data(struct wire_take *t, struct frame *f, ProtobufCBinaryData d)
{
    wire_take_limit(t, d.len >= 1 && d.len <= WIRE_COLUMN_PROOF_MAX, "data", "1..8192 bytes");
    f->u.proof = data_span(d);
}

static void put_choices(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ProofChoices) *m = message;

    (void)a;
    m->data = lend(f->u.proof.p, f->u.proof.n);
}
static void take_choices(struct wire_take *t, struct frame *f, const void *message,
                         struct wire_arena *a)
{
    const PB(ProofChoices) *m = message;

    (void)a;
    take_data(t, f, m->data);
}

static void put_trees(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ProofTrees) *m = message;

    (void)a;
    m->data = lend(f->u.proof.p, f->u.proof.n);
}
static void take_trees(struct wire_take *t, struct frame *f, const void *message,
                       struct wire_arena *a)
{
    const PB(ProofTrees) *m = message;

    (void)a;
    take_data(t, f, m->data);
}

static void put_commit(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ProofCommit) *m = message;
    const struct wire_proof_commit *w = &f->u.proof_commit;

    (void)a;
    m->first = w->first;
    m->count = w->count;
    m->digest = lend(w->digest.b, sizeof w->digest.b);
    m->signature = lend(w->signature.b, sizeof w->signature.b);
}
static void take_commit(struct wire_take *t, struct frame *f, const void *message,
                        struct wire_arena *a)
{
    const PB(ProofCommit) *m = message;
    struct wire_proof_commit *w = &f->u.proof_commit;

    (void)a;
    wire_take_limit(t, m->first < WIRE_COLUMNS_MAX, "first", "below 257");
    wire_take_limit(t, m->count >= 1 && m->count <= RLWE_COLUMNS_MAX, "count", "1..64");
    w->first = m->first;
    w->count = m->count;
    take_digest(t, &w->digest, m->digest, "digest");
    take_signature(t, &w->signature, m->signature);
}

static void put_part(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ProofPart) *m = message;

    (void)a;
    m->offset = f->u.proof_part.offset;
    m->data = lend(f->u.proof_part.data.p, f->u.proof_part.data.n);
}
static void take_part(struct wire_take *t, struct frame *f, const void *message,
                      struct wire_arena *a)
{
    const PB(ProofPart) *m = message;

    (void)a;
    wire_take_limit(t, m->data.len >= 1 && m->data.len <= WIRE_PART_MAX, "data",
                    "1..1048576 bytes");
    f->u.proof_part = (struct wire_proof_part){.offset = m->offset, .data = data_span(m->data)};
}

static void put_challenge(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ProofChallenge) *m = message;

    (void)a;
    m->challenge = lend(f->u.proof_challenge.b, sizeof f->u.proof_challenge.b);
}
static void take_challenge(struct wire_take *t, struct frame *f, const void *message,
                           struct wire_arena *a)
{
    const PB(ProofChallenge) *m = message;

    (void)a;
    take_digest(t, &f->u.proof_challenge, m->challenge, "challenge");
}

static void put_answer(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ProofAnswer) *m = message;

    (void)a;
    m->data = lend(f->u.proof.p, f->u.proof.n);
}
static void take_answer(struct wire_take *t, struct frame *f, const void *message,
                        struct wire_arena *a)
{
    const PB(ProofAnswer) *m = message;

    (void)a;
    take_data(t, f, m->data);
}

const struct wire_body WIRE_PROOF[] = {
    {FRAME_PROOF_CHOICES, "ProofChoices", DESCRIPTOR(proof_choices), put_choices, take_choices},
    {FRAME_PROOF_TREES, "ProofTrees", DESCRIPTOR(proof_trees), put_trees, take_trees},
    {FRAME_PROOF_COMMIT, "ProofCommit", DESCRIPTOR(proof_commit), put_commit, take_commit},
    {FRAME_PROOF_PART, "ProofPart", DESCRIPTOR(proof_part), put_part, take_part},
    {FRAME_PROOF_CHALLENGE, "ProofChallenge", DESCRIPTOR(proof_challenge), put_challenge,
     take_challenge},
    {FRAME_PROOF_ANSWER, "ProofAnswer", DESCRIPTOR(proof_answer), put_answer, take_answer},
};
const size_t WIRE_PROOF_COUNT = PT_LEN(WIRE_PROOF);
