#include "proto/wire_body.h"

#include "policy/freeze.h"
#include "proto/wire_field.h"

#define PB_WHAT(name) PATTO__FEDERATION__V1__WHAT__##name

static void put_greeting(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Greeting) *m = message;
    const struct wire_greeting *g = &f->u.greeting;

    m->version = g->version;
    m->federation = wire_arena_text(a, g->federation);
    m->policy_hash = lend(g->policy_hash.b, sizeof g->policy_hash.b);
    m->epoch_id = lend(g->epoch_id.b, sizeof g->epoch_id.b);
    m->from = wire_arena_text(a, g->from);
    m->to = wire_arena_text(a, g->to);
    m->build = wire_arena_text(a, g->build);
    m->what = (PB(What))g->what;
    m->nonce = lend(g->nonce.b, sizeof g->nonce.b);
    m->key_period = g->key_period;
    m->oprf_public = lend(g->oprf_public.b, sizeof g->oprf_public.b);
    m->hello_hash = lend(g->hello_hash.b, sizeof g->hello_hash.b);
    m->signature = lend(g->signature.b, sizeof g->signature.b);
}

static void take_greeting(struct wire_take *t, struct frame *f, const void *message,
                          struct wire_arena *a)
{
    const PB(Greeting) *m = message;
    struct wire_greeting *g = &f->u.greeting;

    (void)a;
    g->version = m->version;
    g->federation = take_name(t, m->federation, "federation");
    take_digest(t, &g->policy_hash, m->policy_hash, "policy_hash");
    take_digest(t, &g->epoch_id, m->epoch_id, "epoch_id");
    g->from = take_name(t, m->from, "from");
    g->to = take_name(t, m->to, "to");
    g->build = wire_take_text(t, m->build, WIRE_BUILD_MAX, "build");
    wire_take_limit(t,
                    m->what == PB_WHAT(TOKENISE) || m->what == PB_WHAT(EPOCH) ||
                        m->what == PB_WHAT(ASK) || m->what == PB_WHAT(LOG) ||
                        m->what == PB_WHAT(REACH),
                    "what", "tokenise, epoch, ask, log or reach");
    g->what = (enum session_what)m->what;
    take_digest(t, &g->nonce, m->nonce, "nonce");
    g->key_period = m->key_period;
    wire_take_bytes(t, g->oprf_public.b, sizeof g->oprf_public.b, data_span(m->oprf_public),
                    "oprf_public");
    take_digest(t, &g->hello_hash, m->hello_hash, "hello_hash");
    take_signature(t, &g->signature, m->signature);
}

static void put_refusal(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Refusal) *m = message;

    (void)a;
    m->reason = (PB(Reason))f->u.refusal.reason;
    if (f->u.refusal.has_policy_hash)
        m->policy_hash = lend(f->u.refusal.policy_hash.b, sizeof f->u.refusal.policy_hash.b);
    m->statement = lend(f->u.refusal.statement.p, f->u.refusal.statement.n);
}

static void take_refusal(struct wire_take *t, struct frame *f, const void *message,
                         struct wire_arena *a)
{
    const PB(Refusal) *m = message;
    struct wire_refusal *r = &f->u.refusal;

    (void)a;
    wire_take_limit(t, (int)m->reason > REFUSAL_NONE && (int)m->reason < REFUSAL_COUNT, "reason",
                    "one of this version's");
    r->reason = (enum refusal)m->reason;
    r->statement = data_span(m->statement);
    wire_take_limit(t, (r->reason == REFUSAL_STOPPED_BY_OFFICER) == (r->statement.n > 0),
                    "statement", "there with STOPPED_BY_OFFICER, and with nothing else");
    wire_take_limit(t, r->statement.n <= FREEZE_TEXT_MAX, "statement", "at most 2048 bytes");
    r->has_policy_hash = m->policy_hash.len > 0;
    if (!r->has_policy_hash)
        return;
    wire_take_limit(t, r->reason == REFUSAL_POLICY_MISMATCH, "policy_hash",
                    "for this reason: it travels with POLICY_MISMATCH alone");
    take_digest(t, &r->policy_hash, m->policy_hash, "policy_hash");
}

static void put_closing(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Closing) *m = message;
    const struct wire_closing *c = &f->u.closing;

    (void)a;
    m->sent = lend(c->sent.b, sizeof c->sent.b);
    m->received = lend(c->received.b, sizeof c->received.b);
    m->signature = lend(c->signature.b, sizeof c->signature.b);
}

static void take_closing(struct wire_take *t, struct frame *f, const void *message,
                         struct wire_arena *a)
{
    const PB(Closing) *m = message;

    (void)a;
    take_digest(t, &f->u.closing.sent, m->sent, "sent");
    take_digest(t, &f->u.closing.received, m->received, "received");
    take_signature(t, &f->u.closing.signature, m->signature);
}

static void put_batch(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Batch) *m = message;

    (void)a;
    m->point_count = f->u.batch.point_count;
    m->chunk_points = f->u.batch.chunk_points;
    m->first_chunk = f->u.batch.first_chunk;
}

static void take_batch(struct wire_take *t, struct frame *f, const void *message,
                       struct wire_arena *a)
{
    const PB(Batch) *m = message;

    (void)a;
    f->u.batch.point_count = m->point_count;
    f->u.batch.chunk_points = m->chunk_points;
    f->u.batch.first_chunk = m->first_chunk;
    wire_take_limit(t, m->chunk_points >= 1 && m->chunk_points <= OPRF_CHUNK_MAX, "chunk_points",
                    "1..65536");
}

static void put_chunk(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Chunk) *m = message;
    const struct wire_chunk *c = &f->u.chunk;

    m->number = c->number;
    m->points = lend(c->points.p, c->points.n * sizeof(struct point));
    if (!c->has_proof)
        return;
    uint8_t *proof = wire_arena_get(a, 64);
    if (proof == NULL)
        return;
    memcpy(proof, c->proof.c.b, 32);
    memcpy(proof + 32, c->proof.s.b, 32);
    m->proof = lend(proof, 64);
}

static void take_chunk(struct wire_take *t, struct frame *f, const void *message,
                       struct wire_arena *a)
{
    const PB(Chunk) *m = message;
    struct wire_chunk *c = &f->u.chunk;
    uint8_t proof[64];

    (void)a;
    c->number = m->number;
    wire_take_limit(t,
                    m->points.len % 32 == 0 && m->points.len / 32 >= 1 &&
                        m->points.len / 32 <= OPRF_CHUNK_MAX,
                    "points", "1..65536 points of 32 bytes");
    c->points = (struct span_points){(const struct point *)m->points.data, m->points.len / 32};
    c->has_proof = f->kind == FRAME_EVALUATED;
    if (!c->has_proof) {
        wire_take_limit(t, m->proof.len == 0, "proof", "empty");
        return;
    }
    wire_take_bytes(t, proof, sizeof proof, data_span(m->proof), "proof");
    memcpy(c->proof.c.b, proof, 32);
    memcpy(c->proof.s.b, proof + 32, 32);
}

static void put_propose(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Propose) *m = message;
    const struct wire_propose *p = &f->u.propose;

    m->number = p->number;
    m->attempt = p->attempt;
    m->key_period = p->key_period;
    m->participants = wire_arena_pointers(a, WIRE_PARTIES_MAX);
    if (m->participants == NULL || p->participant_count > WIRE_PARTIES_MAX)
        return;
    for (size_t i = 0; i < p->participant_count; i++)
        m->participants[i] = wire_arena_text(a, p->participants[i]);
    m->n_participants = a->bad ? 0 : p->participant_count;
}

static void take_count(struct wire_take *t, size_t n)
{
    wire_take_limit(t, n >= 1 && n <= WIRE_PARTIES_MAX, "the number of parties", "1..8");
}

static void take_propose(struct wire_take *t, struct frame *f, const void *message,
                         struct wire_arena *a)
{
    const PB(Propose) *m = message;
    struct wire_propose *p = &f->u.propose;

    (void)a;
    p->number = m->number;
    p->attempt = m->attempt;
    p->key_period = m->key_period;
    take_count(t, m->n_participants);
    for (size_t i = 0; i < m->n_participants && !t->bad; i++)
        p->participants[i] = take_name(t, m->participants[i], "participant");
    p->participant_count = m->n_participants;
}

static void put_one_commit(PB(Commit) * m, const struct wire_commit *c, struct wire_arena *a)
{
    m->from = wire_arena_text(a, c->from);
    m->commitment = lend(c->commitment.b, sizeof c->commitment.b);
    m->dataset = lend(c->dataset.b, sizeof c->dataset.b);
    m->padded_size = c->padded_size;
    m->seed_hash = lend(c->seed_hash.b, sizeof c->seed_hash.b);
    m->signature = lend(c->signature.b, sizeof c->signature.b);
}

static void take_one_commit(struct wire_take *t, struct wire_commit *c, const PB(Commit) * m)
{
    c->from = take_name(t, m->from, "from");
    take_digest(t, &c->commitment, m->commitment, "commitment");
    take_digest(t, &c->dataset, m->dataset, "dataset");
    c->padded_size = m->padded_size;
    take_digest(t, &c->seed_hash, m->seed_hash, "seed_hash");
    take_signature(t, &c->signature, m->signature);
}

static void put_commit(void *message, const struct frame *f, struct wire_arena *a)
{
    put_one_commit(message, &f->u.commit, a);
}
static void take_commit(struct wire_take *t, struct frame *f, const void *message,
                        struct wire_arena *a)
{
    (void)a;
    take_one_commit(t, &f->u.commit, message);
}

static void put_commits(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(CommitList) *m = message;
    const struct wire_commits *l = &f->u.commits;

    m->items = wire_arena_pointers(a, WIRE_PARTIES_MAX);
    for (size_t i = 0; i < l->count && i < WIRE_PARTIES_MAX && !a->bad; i++) {
        m->items[i] = wire_message_new(a, DESCRIPTOR(commit));
        if (m->items[i] != NULL)
            put_one_commit(m->items[i], &l->items[i], a);
    }
    m->n_items = a->bad ? 0 : l->count;
}

static void take_commits(struct wire_take *t, struct frame *f, const void *message,
                         struct wire_arena *a)
{
    const PB(CommitList) *m = message;

    (void)a;
    take_count(t, m->n_items);
    for (size_t i = 0; i < m->n_items && !t->bad; i++)
        take_one_commit(t, &f->u.commits.items[i], m->items[i]);
    f->u.commits.count = m->n_items;
}

static void put_one_reveal(PB(Reveal) * m, const struct wire_reveal *r, struct wire_arena *a)
{
    m->from = wire_arena_text(a, r->from);
    m->share = lend(r->share.b, sizeof r->share.b);
    m->blind = lend(r->blind.b, sizeof r->blind.b);
    m->signature = lend(r->signature.b, sizeof r->signature.b);
}

static void take_one_reveal(struct wire_take *t, struct wire_reveal *r, const PB(Reveal) * m)
{
    r->from = take_name(t, m->from, "from");
    take_digest(t, &r->share, m->share, "share");
    take_digest(t, &r->blind, m->blind, "blind");
    take_signature(t, &r->signature, m->signature);
}

static void put_reveal(void *message, const struct frame *f, struct wire_arena *a)
{
    put_one_reveal(message, &f->u.reveal, a);
}
static void take_reveal(struct wire_take *t, struct frame *f, const void *message,
                        struct wire_arena *a)
{
    (void)a;
    take_one_reveal(t, &f->u.reveal, message);
}

static void put_reveals(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(RevealList) *m = message;
    const struct wire_reveals *l = &f->u.reveals;

    m->items = wire_arena_pointers(a, WIRE_PARTIES_MAX);
    for (size_t i = 0; i < l->count && i < WIRE_PARTIES_MAX && !a->bad; i++) {
        m->items[i] = wire_message_new(a, DESCRIPTOR(reveal));
        if (m->items[i] != NULL)
            put_one_reveal(m->items[i], &l->items[i], a);
    }
    m->n_items = a->bad ? 0 : l->count;
}

static void take_reveals(struct wire_take *t, struct frame *f, const void *message,
                         struct wire_arena *a)
{
    const PB(RevealList) *m = message;

    (void)a;
    take_count(t, m->n_items);
    for (size_t i = 0; i < m->n_items && !t->bad; i++)
        take_one_reveal(t, &f->u.reveals.items[i], m->items[i]);
    f->u.reveals.count = m->n_items;
}

static void put_one_signature(PB(HeaderSignature) * m, const struct wire_header_signature *s,
                              struct wire_arena *a)
{
    m->from = wire_arena_text(a, s->from);
    m->signature = lend(s->signature.b, sizeof s->signature.b);
}

static void take_one_signature(struct wire_take *t, struct wire_header_signature *s,
                               const PB(HeaderSignature) * m)
{
    s->from = take_name(t, m->from, "from");
    take_signature(t, &s->signature, m->signature);
}

static void put_header_signature(void *message, const struct frame *f, struct wire_arena *a)
{
    put_one_signature(message, &f->u.header_signature, a);
}
static void take_header_signature(struct wire_take *t, struct frame *f, const void *message,
                                  struct wire_arena *a)
{
    (void)a;
    take_one_signature(t, &f->u.header_signature, message);
}

static void put_header_signatures(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(HeaderSignatureList) *m = message;
    const struct wire_header_signatures *l = &f->u.header_signatures;

    m->items = wire_arena_pointers(a, WIRE_PARTIES_MAX);
    for (size_t i = 0; i < l->count && i < WIRE_PARTIES_MAX && !a->bad; i++) {
        m->items[i] = wire_message_new(a, DESCRIPTOR(header_signature));
        if (m->items[i] != NULL)
            put_one_signature(m->items[i], &l->items[i], a);
    }
    m->n_items = a->bad ? 0 : l->count;
}

static void take_header_signatures(struct wire_take *t, struct frame *f, const void *message,
                                   struct wire_arena *a)
{
    const PB(HeaderSignatureList) *m = message;

    (void)a;
    take_count(t, m->n_items);
    for (size_t i = 0; i < m->n_items && !t->bad; i++)
        take_one_signature(t, &f->u.header_signatures.items[i], m->items[i]);
    f->u.header_signatures.count = m->n_items;
}

static void put_epoch_done(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(EpochDone) *m = message;

    (void)a;
    m->epoch_id = lend(f->u.epoch_id.b, sizeof f->u.epoch_id.b);
}

static void take_epoch_done(struct wire_take *t, struct frame *f, const void *message,
                            struct wire_arena *a)
{
    const PB(EpochDone) *m = message;

    (void)a;
    take_digest(t, &f->u.epoch_id, m->epoch_id, "epoch_id");
}

static void put_question(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Question) *m = message;
    const struct wire_question *q = &f->u.question;

    m->text = wire_arena_text(a, q->text);
    m->signature = lend(q->signature.b, sizeof q->signature.b);
    m->columns = wire_arena_pointers(a, q->column_count);
    for (size_t i = 0; i < q->column_count && !a->bad; i++) {
        PB(Column) *c = wire_message_new(a, DESCRIPTOR(column));
        m->columns[i] = c;
        if (c == NULL)
            return;
        c->name = wire_arena_text(a, q->columns[i].name);
        c->digest = lend(q->columns[i].digest.b, sizeof q->columns[i].digest.b);
    }
    m->n_columns = a->bad ? 0 : q->column_count;
}

static void take_question(struct wire_take *t, struct frame *f, const void *message,
                          struct wire_arena *a)
{
    const PB(Question) *m = message;
    struct wire_question *q = &f->u.question;

    q->text = wire_take_text(t, m->text, QUESTION_TEXT_MAX, "text");
    take_signature(t, &q->signature, m->signature);
    wire_take_limit(t, m->n_columns >= 1 && m->n_columns <= WIRE_COLUMNS_MAX,
                    "the number of columns", "1..257");
    if (t->bad)
        return;
    struct wire_column *columns = wire_arena_get(a, sizeof *columns * m->n_columns);
    for (size_t i = 0; i < m->n_columns && columns != NULL; i++) {
        columns[i].name =
            wire_take_text(t, m->columns[i]->name, WIRE_COLUMN_NAME_MAX, "a column's name");
        take_digest(t, &columns[i].digest, m->columns[i]->digest, "a column's digest");
    }
    q->columns = columns;
    q->column_count = m->n_columns;
}

static void put_need(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Need) *m = message;
    const struct wire_need *n = &f->u.need;

    m->columns = wire_arena_get(a, sizeof *m->columns * (n->column_count + 1));
    if (m->columns == NULL)
        return;
    if (n->column_count > 0)
        memcpy(m->columns, n->columns, sizeof *m->columns * n->column_count);
    m->n_columns = n->column_count;
}

static void take_need(struct wire_take *t, struct frame *f, const void *message,
                      struct wire_arena *a)
{
    const PB(Need) *m = message;
    bool good = m->n_columns <= WIRE_COLUMNS_MAX;

    (void)a;
    for (size_t i = 0; good && i < m->n_columns; i++)
        good = m->columns[i] < WIRE_COLUMNS_MAX && (i == 0 || m->columns[i] > m->columns[i - 1]);
    wire_take_limit(t, good, "columns", "a list of ascending indices below 257");
    f->u.need = (struct wire_need){.columns = m->columns, .column_count = m->n_columns};
}

static void put_column_part(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(ColumnPart) *m = message;

    (void)a;
    m->column = f->u.column_part.column;
    m->offset = f->u.column_part.offset;
    m->data = lend(f->u.column_part.data.p, f->u.column_part.data.n);
}

static void take_column_part(struct wire_take *t, struct frame *f, const void *message,
                             struct wire_arena *a)
{
    const PB(ColumnPart) *m = message;

    (void)a;
    wire_take_limit(t, m->column < WIRE_COLUMNS_MAX, "column", "below 257");
    wire_take_limit(t, m->data.len >= 1 && m->data.len <= WIRE_PART_MAX, "data",
                    "1..1048576 bytes");
    f->u.column_part = (struct wire_column_part){
        .column = m->column, .offset = m->offset, .data = data_span(m->data)};
}

static void put_reply(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Reply) *m = message;

    (void)a;
    m->row = f->u.reply.row;
    m->data = lend(f->u.reply.data.p, f->u.reply.data.n);
}

static void take_reply(struct wire_take *t, struct frame *f, const void *message,
                       struct wire_arena *a)
{
    const PB(Reply) *m = message;

    (void)a;
    wire_take_limit(t, m->row < WIRE_COLUMNS_MAX, "row", "below 257");
    wire_take_limit(t, m->data.len >= 1 && m->data.len <= WIRE_REPLY_MAX, "data",
                    "1..131072 bytes");
    f->u.reply = (struct wire_reply){.row = m->row, .data = data_span(m->data)};
}

static void put_answer(void *message, const struct frame *f, struct wire_arena *a)
{
    PB(Answer) *m = message;
    const struct wire_answer *w = &f->u.answer;

    m->sizes = wire_arena_get(a, sizeof *m->sizes * (w->size_count + 1));
    if (m->sizes == NULL)
        return;
    if (w->size_count > 0)
        memcpy(m->sizes, w->sizes, sizeof *m->sizes * w->size_count);
    m->n_sizes = w->size_count;
    m->charged_rho_nano = w->charged_nano;
    m->left_rho_nano = w->left_nano;
    m->dataset = lend(w->dataset.b, sizeof w->dataset.b);
    m->audit_position = w->audit_position;
    m->signature = lend(w->signature.b, sizeof w->signature.b);
}

static void take_answer(struct wire_take *t, struct frame *f, const void *message,
                        struct wire_arena *a)
{
    const PB(Answer) *m = message;
    struct wire_answer *w = &f->u.answer;

    (void)a;
    wire_take_limit(t, m->n_sizes >= 1 && m->n_sizes <= WIRE_COLUMNS_MAX, "the number of sizes",
                    "1..257");
    *w = (struct wire_answer){.sizes = m->sizes,
                              .size_count = m->n_sizes,
                              .charged_nano = m->charged_rho_nano,
                              .left_nano = m->left_rho_nano,
                              .audit_position = m->audit_position};
    take_digest(t, &w->dataset, m->dataset, "dataset");
    take_signature(t, &w->signature, m->signature);
}

const struct wire_body WIRE_BODIES[] = {
    {FRAME_HELLO, "Hello", DESCRIPTOR(greeting), put_greeting, take_greeting},
    {FRAME_WELCOME, "Welcome", DESCRIPTOR(greeting), put_greeting, take_greeting},
    {FRAME_REFUSAL, "Refusal", DESCRIPTOR(refusal), put_refusal, take_refusal},
    {FRAME_FINISH, "Finish", DESCRIPTOR(closing), put_closing, take_closing},
    {FRAME_RECEIPT, "Receipt", DESCRIPTOR(closing), put_closing, take_closing},
    {FRAME_BATCH, "Batch", DESCRIPTOR(batch), put_batch, take_batch},
    {FRAME_POINTS, "Points", DESCRIPTOR(chunk), put_chunk, take_chunk},
    {FRAME_EVALUATED, "Evaluated", DESCRIPTOR(chunk), put_chunk, take_chunk},
    {FRAME_PROPOSE, "Propose", DESCRIPTOR(propose), put_propose, take_propose},
    {FRAME_COMMIT, "Commit", DESCRIPTOR(commit), put_commit, take_commit},
    {FRAME_COMMITS, "Commits", DESCRIPTOR(commit_list), put_commits, take_commits},
    {FRAME_REVEAL, "Reveal", DESCRIPTOR(reveal), put_reveal, take_reveal},
    {FRAME_REVEALS, "Reveals", DESCRIPTOR(reveal_list), put_reveals, take_reveals},
    {FRAME_HEADER_SIGNATURE, "HeaderSignature", DESCRIPTOR(header_signature), put_header_signature,
     take_header_signature},
    {FRAME_HEADER_SIGNATURES, "HeaderSignatures", DESCRIPTOR(header_signature_list),
     put_header_signatures, take_header_signatures},
    {FRAME_EPOCH_DONE, "EpochDone", DESCRIPTOR(epoch_done), put_epoch_done, take_epoch_done},
    {FRAME_QUESTION, "Question", DESCRIPTOR(question), put_question, take_question},
    {FRAME_NEED, "Need", DESCRIPTOR(need), put_need, take_need},
    {FRAME_COLUMN_PART, "ColumnPart", DESCRIPTOR(column_part), put_column_part, take_column_part},
    {FRAME_REPLY, "Reply", DESCRIPTOR(reply), put_reply, take_reply},
    {FRAME_ANSWER, "Answer", DESCRIPTOR(answer), put_answer, take_answer},
};
const size_t WIRE_BODY_COUNT = PT_LEN(WIRE_BODIES);
