/* Every kind of frame, for proto_fixture.h. */
#include "tests/proto_fixture.h"

const enum frame_kind fixture_kinds[FIXTURE_KINDS] = {
    FRAME_HELLO,
    FRAME_WELCOME,
    FRAME_REFUSAL,
    FRAME_FINISH,
    FRAME_RECEIPT,
    FRAME_BATCH,
    FRAME_POINTS,
    FRAME_EVALUATED,
    FRAME_PROPOSE,
    FRAME_COMMIT,
    FRAME_COMMITS,
    FRAME_REVEAL,
    FRAME_REVEALS,
    FRAME_HEADER_SIGNATURE,
    FRAME_HEADER_SIGNATURES,
    FRAME_EPOCH_DONE,
    FRAME_QUESTION,
    FRAME_NEED,
    FRAME_COLUMN_PART,
    FRAME_REPLY,
    FRAME_ANSWER,
    FRAME_ADD_HEAD,
    FRAME_HEAD_COSIGNED,
    FRAME_HEAD_CONFLICT,
    FRAME_PROOF_ASK,
    FRAME_EVENT_PROOF,
    FRAME_REACH_QUESTION,
    FRAME_REACH_READY,
    FRAME_REACH_GO,
    FRAME_REACH_DONE,
    FRAME_REACH_SHARE,
    FRAME_REACH_PART,
    FRAME_PROOF_CHOICES,
    FRAME_PROOF_TREES,
    FRAME_PROOF_COMMIT,
    FRAME_PROOF_PART,
    FRAME_PROOF_CHALLENGE,
    FRAME_PROOF_ANSWER,
};

static const struct point POINTS[2] = {{{1, 2, 3}}, {{4}}};
static const uint32_t NEED[3] = {0, 7, 256};
static const int64_t SIZES[3] = {-5, 0, INT64_MAX};

static void fill_parties(struct frame *f)
{
    f->u.commits.count = f->kind == FRAME_COMMITS ? 2 : f->u.commits.count;
    for (size_t i = 0; i < 2; i++) {
        struct span from = span_z(i == 0 ? "drinkco" : "freshmart");
        if (f->kind == FRAME_COMMITS)
            f->u.commits.items[i] = (struct wire_commit){.from = from, .padded_size = 7 + i};
        if (f->kind == FRAME_REVEALS)
            f->u.reveals.items[i] = (struct wire_reveal){.from = from, .share = fixture_digest(3)};
        if (f->kind == FRAME_HEADER_SIGNATURES)
            f->u.header_signatures.items[i].from = from;
    }
    if (f->kind == FRAME_REVEALS)
        f->u.reveals.count = 2;
    if (f->kind == FRAME_HEADER_SIGNATURES)
        f->u.header_signatures.count = 2;
}

static void fill_reach(struct frame *f)
{
    if (f->kind == FRAME_REACH_QUESTION) {
        struct wire_reach_question *q = &f->u.reach_question;
        *q = (struct wire_reach_question){.text = span_z("patto-question-1\n"),
                                          .run = fixture_digest(1),
                                          .header = span_z("header")};
        q->signatures.items[0].from = span_z("drinkco");
        q->signatures.items[1].from = span_z("freshmart");
        q->signatures.count = 2;
    }
    if (f->kind == FRAME_REACH_READY)
        f->u.reach_rho_nano = 1000000;
    if (f->kind == FRAME_REACH_GO)
        f->u.reach_run = fixture_digest(1);
    if (f->kind == FRAME_REACH_DONE)
        f->u.reach_done = (struct wire_reach_done){SIZES, 3, 1, 2, 3, {{1}}};
    if (f->kind == FRAME_REACH_SHARE)
        f->u.reach_share = (struct wire_reach_share){fixture_digest(1), 8, WIRE_SHARE_MAX};
    if (f->kind == FRAME_REACH_PART)
        f->u.reach_part = (struct wire_reach_part){1ULL << 27, span_z("bytes")};
}

static void fill_proof(struct frame *f)
{
    if (f->kind == FRAME_PROOF_CHOICES || f->kind == FRAME_PROOF_TREES ||
        f->kind == FRAME_PROOF_ANSWER)
        f->u.proof = span_z("bytes");
    if (f->kind == FRAME_PROOF_COMMIT)
        f->u.proof_commit =
            (struct wire_proof_commit){256, RLWE_COLUMNS_MAX, fixture_digest(12), {{1}}};
    if (f->kind == FRAME_PROOF_PART)
        f->u.proof_part = (struct wire_proof_part){1ULL << 22, span_z("bytes")};
    if (f->kind == FRAME_PROOF_CHALLENGE)
        f->u.proof_challenge = fixture_digest(13);
}

struct frame fixture_frame(enum frame_kind kind)
{
    static struct wire_column columns[2];
    struct frame f = {.seq = 41, .kind = kind};

    columns[0] = (struct wire_column){span_z("all"), fixture_digest(1)};
    columns[1] = (struct wire_column){span_z("buys=dairy"), fixture_digest(2)};
    if (kind == FRAME_HELLO || kind == FRAME_WELCOME)
        f.u.greeting = (struct wire_greeting){.version = SESSION_VERSION,
                                              .federation = span_z("f"),
                                              .policy_hash = fixture_digest(1),
                                              .epoch_id = fixture_digest(2),
                                              .from = span_z("drinkco"),
                                              .to = span_z("freshmart"),
                                              .build = span_z("patto 1"),
                                              .what = WHAT_EPOCH,
                                              .nonce = fixture_digest(3),
                                              .key_period = 9,
                                              .hello_hash = fixture_digest(4)};
    if (kind == FRAME_REFUSAL)
        f.u.refusal = (struct wire_refusal){.reason = REFUSAL_POLICY_MISMATCH,
                                            .has_policy_hash = true,
                                            .policy_hash = fixture_digest(5)};
    if (kind == FRAME_FINISH || kind == FRAME_RECEIPT)
        f.u.closing.sent = fixture_digest(6);
    if (kind == FRAME_BATCH)
        f.u.batch = (struct wire_batch){1ULL << 40, OPRF_CHUNK_MAX, 3};
    if (kind == FRAME_POINTS || kind == FRAME_EVALUATED) {
        f.u.chunk.number = 2;
        f.u.chunk.points = (struct span_points){POINTS, 2};
        f.u.chunk.has_proof = kind == FRAME_EVALUATED;
        f.u.chunk.proof.s.b[31] = kind == FRAME_EVALUATED;
    }
    if (kind == FRAME_PROPOSE) {
        f.u.propose = (struct wire_propose){.number = 5, .attempt = 1, .key_period = 2};
        f.u.propose.participants[0] = span_z("drinkco");
        f.u.propose.participants[1] = span_z("freshmart");
        f.u.propose.participant_count = 2;
    }
    if (kind == FRAME_COMMIT)
        f.u.commit = (struct wire_commit){.from = span_z("drinkco"), .padded_size = UINT64_MAX};
    if (kind == FRAME_REVEAL)
        f.u.reveal.from = span_z("drinkco");
    if (kind == FRAME_HEADER_SIGNATURE)
        f.u.header_signature.from = span_z("drinkco");
    fill_parties(&f);
    if (kind == FRAME_EPOCH_DONE)
        f.u.epoch_id = fixture_digest(8);
    if (kind == FRAME_QUESTION)
        f.u.question = (struct wire_question){
            .text = span_z("patto-question-1\n"), .columns = columns, .column_count = 2};
    if (kind == FRAME_NEED)
        f.u.need = (struct wire_need){NEED, 3};
    if (kind == FRAME_COLUMN_PART)
        f.u.column_part = (struct wire_column_part){256, 1ULL << 33, span_z("bytes")};
    if (kind == FRAME_REPLY)
        f.u.reply = (struct wire_reply){256, span_z("bytes")};
    if (kind == FRAME_ANSWER)
        f.u.answer = (struct wire_answer){SIZES, 3, 1, 2, 3, fixture_digest(9), {{1}}};
    if (kind == FRAME_ADD_HEAD)
        f.u.add_head = (struct wire_add_head){7, span_of(POINTS, 64), span_z("note")};
    if (kind == FRAME_HEAD_COSIGNED)
        f.u.head_line = span_z("line");
    if (kind == FRAME_HEAD_CONFLICT)
        f.u.head_conflict = UINT64_MAX;
    if (kind == FRAME_PROOF_ASK)
        f.u.proof_ask = (struct wire_proof_ask){fixture_digest(10), fixture_digest(11), 1ULL << 40};
    if (kind == FRAME_EVENT_PROOF)
        f.u.event_proof = (struct wire_event_proof){span_z("text"), span_of(POINTS, 32)};
    fill_reach(&f);
    fill_proof(&f);
    return f;
}
