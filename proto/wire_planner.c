#include "proto/wire_planner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "proto/planner.pb-c.h"
#include "proto/wire_memory.h"

#define PB(name)         Patto__Planner__V1__##name
#define DESCRIPTOR(name) &patto__planner__v1__##name##__descriptor

static const struct wire_bound REQUEST = {.input_max = PLANNER_REQUEST_MAX,
                                          .memory_max = (size_t)4 * PLANNER_REQUEST_MAX};
static const struct wire_bound UPDATE = {.input_max = PLANNER_UPDATE_MAX,
                                         .memory_max = PLANNER_MEMORY_MAX};

/* ---- both directions ---- */

static char *put_text(struct wire_arena *a, const char *z)
{
    return wire_arena_text(a, span_z(z));
}

static void take_copy(struct wire_take *t, char *out, size_t cap, const char *z)
{
    if (!text_copy(out, cap, span_z(z)))
        wire_take_limit(t, false, "a text", "as short as this version allows");
}

static void take_words(struct wire_take *t, const char **out, char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = words[i];
    wire_take_limit(t, n == 0 || out != NULL, "a list", "readable: no memory");
}

static uint64_t varint(struct rd *r)
{
    uint64_t v = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        byte = rd_u8(r);
        v |= shift < 64 ? (uint64_t)(byte & 127) << shift : 0;
        shift += 7;
    } while (byte & 128 && !r->bad);
    return v;
}

/* A text with a NUL inside would reach us cut, and so say something else than was sent. Requests
 * are flat: each length-delimited field is a text. False also when malformed. */
static bool texts_have_no_nul(struct span bytes)
{
    enum { VARINT = 0, BYTES = 2 };
    struct rd r = {.in = bytes};

    while (!r.bad && r.at < bytes.n) {
        uint64_t kind = varint(&r) & 7;
        if (kind != VARINT && kind != BYTES)
            return true; /* an unknown field of another kind: protobuf-c judges it */
        uint64_t n = varint(&r);
        struct span text = kind == BYTES ? rd_take(&r, (size_t)n) : (struct span){0};
        if (text.n > 0 && memchr(text.p, 0, text.n) != NULL)
            return false;
    }
    return !r.bad;
}

static enum pt_code decode_request(void **message, const void *descriptor, struct span bytes,
                                   struct pt_err *err)
{
    enum pt_code rc = wire_message_decode(message, descriptor, bytes, &REQUEST, err);

    if (rc == PT_OK && !texts_have_no_nul(bytes)) {
        wire_message_free(*message);
        *message = NULL;
        rc = pt_fail(err, PT_EBADMSG, "a request holds a text with a NUL in it");
    }
    return rc;
}

static enum pt_code finish(struct buf *out, const void *message, struct wire_arena *arena,
                           struct pt_err *err)
{
    enum pt_code rc = arena->bad
                          ? pt_fail(err, PT_ENOMEM, "no memory to write a message of the planner")
                          : wire_message_encode(out, message, PLANNER_UPDATE_MAX, err);

    wire_arena_free(arena);
    return rc;
}

void planner_in_free(struct planner_in *in)
{
    wire_message_free(in->message);
    free(in->words);
    *in = (struct planner_in){0};
}

/* ---- requests ---- */

static char **put_words(struct wire_arena *a, const char *const *words, size_t n)
{
    char **out = wire_arena_pointers(a, n);

    for (size_t i = 0; i < n && out != NULL; i++)
        out[i] = put_text(a, words[i]);
    return out;
}

enum pt_code planner_query_encode(struct buf *out, const struct planner_query *q,
                                  struct pt_err *err)
{
    PB(QueryRequest) m;
    struct wire_arena a = {0};

    patto__planner__v1__query_request__init(&m);
    m.kind = put_text(&a, q->kind);
    m.with = put_text(&a, q->with);
    m.rows = put_text(&a, q->rows);
    m.columns = put_text(&a, q->columns);
    m.where = put_words(&a, q->where, q->where_count);
    m.n_where = q->where_count;
    m.slots = put_text(&a, q->slots);
    return finish(out, &m, &a, err);
}

enum pt_code planner_query_decode(struct planner_query *q, struct planner_in *in, struct span bytes,
                                  struct pt_err *err)
{
    struct wire_take t = {.err = err, .message = "QueryRequest"};
    enum pt_code rc;

    *q = (struct planner_query){0};
    *in = (struct planner_in){0};
    if ((rc = decode_request(&in->message, DESCRIPTOR(query_request), bytes, err)) != PT_OK)
        return rc;
    const PB(QueryRequest) *m = in->message;
    assert(m != NULL);
    wire_take_limit(&t, m->n_where <= QUESTION_FILTERS_MAX, "the number of filters", "0..8");
    if (!t.bad) {
        in->words = calloc(m->n_where + 1, sizeof *in->words);
        take_words(&t, in->words, m->where, in->words == NULL ? 0 : m->n_where);
    }
    if (t.bad || in->words == NULL) {
        planner_in_free(in);
        return t.bad ? PT_EBADMSG : pt_fail(err, PT_ENOMEM, "no memory for a request");
    }
    *q = (struct planner_query){.kind = m->kind,
                                .with = m->with,
                                .rows = m->rows,
                                .columns = m->columns,
                                .where = in->words,
                                .where_count = m->n_where,
                                .slots = m->slots};
    return PT_OK;
}

enum pt_code planner_epoch_encode(struct buf *out, const struct planner_epoch *e,
                                  struct pt_err *err)
{
    PB(EpochRequest) m;
    struct wire_arena a = {0};

    patto__planner__v1__epoch_request__init(&m);
    m.participants = put_words(&a, e->participants, e->participant_count);
    m.n_participants = e->participant_count;
    return finish(out, &m, &a, err);
}

enum pt_code planner_epoch_decode(struct planner_epoch *e, struct planner_in *in, struct span bytes,
                                  struct pt_err *err)
{
    struct wire_take t = {.err = err, .message = "EpochRequest"};
    enum pt_code rc;

    *e = (struct planner_epoch){0};
    *in = (struct planner_in){0};
    if ((rc = decode_request(&in->message, DESCRIPTOR(epoch_request), bytes, err)) != PT_OK)
        return rc;
    const PB(EpochRequest) *m = in->message;
    assert(m != NULL);
    wire_take_limit(&t, m->n_participants <= POLICY_PARTNERS_MAX, "the number of participants",
                    "0..8");
    if (!t.bad) {
        in->words = calloc(m->n_participants + 1, sizeof *in->words);
        take_words(&t, in->words, m->participants, in->words == NULL ? 0 : m->n_participants);
    }
    if (t.bad || in->words == NULL) {
        planner_in_free(in);
        return t.bad ? PT_EBADMSG : pt_fail(err, PT_ENOMEM, "no memory for a request");
    }
    *e = (struct planner_epoch){.participants = in->words, .participant_count = m->n_participants};
    return PT_OK;
}

/* ---- status ---- */

static PB(PartnerStatus) * put_partner(struct wire_arena *a, const struct planner_partner *p)
{
    PB(PartnerStatus) *m = wire_message_new(a, DESCRIPTOR(partner_status));

    if (m == NULL)
        return NULL;
    m->name = put_text(a, p->name);
    m->neutral = p->neutral;
    m->endpoint = put_text(a, p->endpoint);
    m->in_epoch = p->in_epoch;
    m->spent_rho_nano = p->spent_nano;
    m->left_rho_nano = p->left_nano;
    return m;
}

enum pt_code planner_status_encode(struct buf *out, const struct planner_status *s,
                                   struct pt_err *err)
{
    PB(StatusReply) m;
    struct wire_arena a = {0};
    PB(PartnerStatus) * partners[PLANNER_STATUS_PARTNERS_MAX];
    char *notes[PLANNER_NOTES_MAX];

    patto__planner__v1__status_reply__init(&m);
    if (s->partner_count > PLANNER_STATUS_PARTNERS_MAX || s->note_count > PLANNER_NOTES_MAX)
        return pt_fail(err, PT_EBUG, "a status of %zu partners and %zu notes", s->partner_count,
                       s->note_count);
    m.build = put_text(&a, s->build);
    m.federation = put_text(&a, s->federation);
    m.self = put_text(&a, s->self);
    m.policy_version = s->policy_version;
    m.policy_hash = put_text(&a, s->policy_hash);
    m.policy_valid_until_s = s->policy_valid_until_s;
    m.customers = s->customers;
    m.tokens = s->tokens;
    m.key_period = s->key_period;
    m.epoch_number = s->epoch_number;
    m.epoch_id = put_text(&a, s->epoch_id);
    m.slots = s->slots;
    m.audit_position = s->audit_position;
    m.sent_bytes = s->sent_bytes;
    m.received_bytes = s->received_bytes;
    for (size_t i = 0; i < s->partner_count; i++)
        partners[i] = put_partner(&a, &s->partners[i]);
    for (size_t i = 0; i < s->note_count; i++)
        notes[i] = put_text(&a, s->notes[i]);
    m.partners = partners;
    m.n_partners = s->partner_count;
    m.notes = notes;
    m.n_notes = s->note_count;
    return finish(out, &m, &a, err);
}

static void take_status(struct wire_take *t, struct planner_status *s, const PB(StatusReply) * m)
{
    take_copy(t, s->build, sizeof s->build, m->build);
    take_copy(t, s->federation, sizeof s->federation, m->federation);
    take_copy(t, s->self, sizeof s->self, m->self);
    take_copy(t, s->policy_hash, sizeof s->policy_hash, m->policy_hash);
    take_copy(t, s->epoch_id, sizeof s->epoch_id, m->epoch_id);
    s->policy_version = m->policy_version;
    s->policy_valid_until_s = m->policy_valid_until_s;
    s->customers = m->customers;
    s->tokens = m->tokens;
    s->key_period = m->key_period;
    s->epoch_number = m->epoch_number;
    s->slots = m->slots;
    s->audit_position = m->audit_position;
    s->sent_bytes = m->sent_bytes;
    s->received_bytes = m->received_bytes;
    wire_take_limit(t, m->n_partners <= PLANNER_STATUS_PARTNERS_MAX, "the number of partners",
                    "0..16");
    wire_take_limit(t, m->n_notes <= PLANNER_NOTES_MAX, "the number of notes", "0..16");
    for (size_t i = 0; i < m->n_partners && !t->bad; i++) {
        const PB(PartnerStatus) *from = m->partners[i];
        struct planner_partner *p = &s->partners[i];
        take_copy(t, p->name, sizeof p->name, from->name);
        take_copy(t, p->endpoint, sizeof p->endpoint, from->endpoint);
        p->neutral = from->neutral;
        p->in_epoch = from->in_epoch;
        p->spent_nano = from->spent_rho_nano;
        p->left_nano = from->left_rho_nano;
        s->partner_count = i + 1;
    }
    for (size_t i = 0; i < m->n_notes && !t->bad; i++) {
        take_copy(t, s->notes[i], sizeof s->notes[i], m->notes[i]);
        s->note_count = i + 1;
    }
}

enum pt_code planner_status_decode(struct planner_status *s, struct span bytes, struct pt_err *err)
{
    struct wire_take t = {.err = err, .message = "StatusReply"};
    void *message;
    enum pt_code rc;

    *s = (struct planner_status){0};
    if ((rc = wire_message_decode(&message, DESCRIPTOR(status_reply), bytes, &REQUEST, err)) !=
        PT_OK)
        return rc;
    take_status(&t, s, message);
    wire_message_free(message);
    if (!t.bad)
        return PT_OK;
    *s = (struct planner_status){0};
    return PT_EBADMSG;
}

/* ---- progress ---- */

static void put_progress(PB(Progress) * m, const struct planner_progress *p, struct wire_arena *a)
{
    m->stage = put_text(a, p->stage);
    m->text = put_text(a, p->text);
    m->done = p->done;
    m->total = p->total;
}

static void take_progress(struct wire_take *t, struct planner_progress *p, const PB(Progress) * m)
{
    take_copy(t, p->stage, sizeof p->stage, m->stage);
    take_copy(t, p->text, sizeof p->text, m->text);
    p->done = m->done;
    p->total = m->total;
}

enum pt_code planner_progress_encode(struct buf *out, const struct planner_progress *p,
                                     struct pt_err *err)
{
    PB(Progress) m;
    struct wire_arena a = {0};

    patto__planner__v1__progress__init(&m);
    put_progress(&m, p, &a);
    return finish(out, &m, &a, err);
}

enum pt_code planner_progress_decode(struct planner_progress *p, struct span bytes,
                                     struct pt_err *err)
{
    struct wire_take t = {.err = err, .message = "Progress"};
    void *message;
    enum pt_code rc;

    *p = (struct planner_progress){0};
    if ((rc = wire_message_decode(&message, DESCRIPTOR(progress), bytes, &REQUEST, err)) != PT_OK)
        return rc;
    take_progress(&t, p, message);
    wire_message_free(message);
    if (!t.bad)
        return PT_OK;
    *p = (struct planner_progress){0};
    return PT_EBADMSG;
}

enum pt_code planner_update_progress(struct buf *out, const struct planner_progress *p,
                                     struct pt_err *err)
{
    PB(QueryUpdate) m;
    PB(Progress) progress;
    struct wire_arena a = {0};

    patto__planner__v1__query_update__init(&m);
    patto__planner__v1__progress__init(&progress);
    put_progress(&progress, p, &a);
    m.update_case = PATTO__PLANNER__V1__QUERY_UPDATE__UPDATE_PROGRESS;
    m.progress = &progress;
    return finish(out, &m, &a, err);
}

/* ---- answers ---- */

static ProtobufCBinaryData lend(const struct digest *d)
{
    ProtobufCBinaryData out = {.len = sizeof d->b};
    const void *p = d->b;

    memcpy(&out.data, &p, sizeof p); /* packing only reads it */
    return out;
}

static PB(Figure) * put_figure(struct wire_arena *a, const struct figure *f)
{
    PB(Figure) *m = wire_message_new(a, DESCRIPTOR(figure));

    if (m == NULL)
        return NULL;
    m->status = (PB(Status))f->status;
    m->reason = (PB(Why))f->reason;
    m->value = f->value;
    m->half_width = f->half_width;
    return m;
}

static void put_answer(PB(Answer) * m, const struct answer *from, struct wire_arena *a)
{
    m->kind = put_text(a, answer_kind_name(from->kind));
    m->asker = put_text(a, from->asker);
    m->with = put_text(a, from->with);
    m->rows = put_text(a, from->rows);
    m->columns = put_text(a, from->columns);
    m->question = put_text(a, from->question);
    m->refusal = put_text(a, from->refusal);
    m->threat_model = put_text(a, from->threat_model);
    m->build = put_text(a, from->build);
    m->epoch = put_text(a, from->epoch);
    m->since = put_text(a, from->since);
    m->policy_hash = lend(&from->policy);
    m->own_data = lend(&from->own_data);
    m->other_data = lend(&from->other_data);
    m->charged_rho_nano = from->charged_rho_nano;
    m->left_rho_nano = from->left_rho_nano;
    m->paid_before = from->repeated;
    m->left_unknown = from->left_unknown;
    m->audit_position = from->audit_position;
    m->receipts = put_text(a, from->receipts);
    m->hashes = put_text(a, from->hashes);
    m->cells = wire_arena_pointers(a, from->cell_count);
    for (size_t i = 0; i < from->cell_count && !a->bad; i++) {
        PB(Cell) *c = wire_message_new(a, DESCRIPTOR(cell));
        m->cells[i] = c;
        if (c == NULL)
            return;
        c->row = put_text(a, from->cells[i].row);
        c->column = put_text(a, from->cells[i].column);
        c->count = put_figure(a, &from->cells[i].count);
        c->derived = put_figure(a, &from->cells[i].derived);
        c->expected = from->cells[i].expected;
        if (from->kind == ANSWER_VALUE)
            c->sum = put_figure(a, &from->cells[i].sum);
    }
    m->n_cells = from->cell_count;
}

enum pt_code planner_update_answer(struct buf *out, const struct answer *a, struct pt_err *err)
{
    PB(QueryUpdate) m;
    PB(Answer) answer;
    struct wire_arena arena = {0};

    patto__planner__v1__query_update__init(&m);
    patto__planner__v1__answer__init(&answer);
    if (a->cell_count > ANSWER_CELLS_MAX)
        return pt_fail(err, PT_EBUG, "an answer of %zu cells, at most %d", a->cell_count,
                       ANSWER_CELLS_MAX);
    put_answer(&answer, a, &arena);
    m.update_case = PATTO__PLANNER__V1__QUERY_UPDATE__UPDATE_ANSWER;
    m.answer = &answer;
    return finish(out, &m, &arena, err);
}

static void take_figure(struct wire_take *t, struct figure *f, const PB(Figure) * m)
{
    if (m == NULL || t->bad) {
        wire_take_limit(t, false, "a cell", "complete");
        return;
    }
    wire_take_limit(t, (unsigned)m->status <= FIGURE_VALUE, "a cell's status", "known");
    wire_take_limit(t, (unsigned)m->reason < REASON_COUNT, "a cell's reason", "known");
    *f = (struct figure){.status = (enum figure_status)m->status,
                         .reason = (enum figure_reason)m->reason,
                         .value = m->value,
                         .half_width = m->half_width};
}

static void take_cells(struct wire_take *t, struct answer *a, const PB(Answer) * m)
{
    wire_take_limit(t, m->n_cells <= ANSWER_CELLS_MAX, "the number of cells", "at most 131072");
    if (t->bad || m->n_cells == 0)
        return;
    a->cells = calloc(m->n_cells, sizeof *a->cells);
    if (a->cells == NULL) {
        wire_take_limit(t, false, "a list of cells", "readable: no memory");
        return;
    }
    for (size_t i = 0; i < m->n_cells && !t->bad; i++) {
        struct answer_cell *c = &a->cells[i];
        take_copy(t, c->row, sizeof c->row, m->cells[i]->row);
        take_copy(t, c->column, sizeof c->column, m->cells[i]->column);
        take_figure(t, &c->count, m->cells[i]->count);
        take_figure(t, &c->derived, m->cells[i]->derived);
        c->expected = m->cells[i]->expected;
        if (a->kind == ANSWER_VALUE)
            take_figure(t, &c->sum, m->cells[i]->sum);
        a->cell_count = i + 1;
    }
}

static void take_answer(struct wire_take *t, struct answer *a, const PB(Answer) * m)
{
    wire_take_limit(t, answer_kind_parse(&a->kind, m->kind), "kind", "a kind of answer");
    take_copy(t, a->asker, sizeof a->asker, m->asker);
    take_copy(t, a->with, sizeof a->with, m->with);
    take_copy(t, a->rows, sizeof a->rows, m->rows);
    take_copy(t, a->columns, sizeof a->columns, m->columns);
    take_copy(t, a->question, sizeof a->question, m->question);
    take_copy(t, a->refusal, sizeof a->refusal, m->refusal);
    take_copy(t, a->threat_model, sizeof a->threat_model, m->threat_model);
    take_copy(t, a->build, sizeof a->build, m->build);
    take_copy(t, a->epoch, sizeof a->epoch, m->epoch);
    take_copy(t, a->since, sizeof a->since, m->since);
    wire_take_bytes(t, a->policy.b, 32, span_of(m->policy_hash.data, m->policy_hash.len),
                    "policy_hash");
    wire_take_bytes(t, a->own_data.b, 32, span_of(m->own_data.data, m->own_data.len), "own_data");
    wire_take_bytes(t, a->other_data.b, 32, span_of(m->other_data.data, m->other_data.len),
                    "other_data");
    a->charged_rho_nano = m->charged_rho_nano;
    a->left_rho_nano = m->left_rho_nano;
    a->repeated = m->paid_before;
    a->left_unknown = m->left_unknown;
    a->audit_position = m->audit_position;
    take_copy(t, a->receipts, sizeof a->receipts, m->receipts);
    take_copy(t, a->hashes, sizeof a->hashes, m->hashes);
    take_cells(t, a, m);
}

enum pt_code planner_update_decode(struct planner_update *u, struct span bytes, struct pt_err *err)
{
    struct wire_take t = {.err = err, .message = "QueryUpdate"};
    void *message;
    enum pt_code rc;

    *u = (struct planner_update){0};
    if ((rc = wire_message_decode(&message, DESCRIPTOR(query_update), bytes, &UPDATE, err)) !=
        PT_OK)
        return rc;
    const PB(QueryUpdate) *m = message;
    if (m->update_case == PATTO__PLANNER__V1__QUERY_UPDATE__UPDATE_PROGRESS) {
        take_progress(&t, &u->progress, m->progress);
    } else if (m->update_case == PATTO__PLANNER__V1__QUERY_UPDATE__UPDATE_ANSWER) {
        u->is_answer = true;
        take_answer(&t, &u->answer, m->answer);
    } else {
        wire_take_limit(&t, false, "an update", "progress or an answer");
    }
    wire_message_free(message);
    if (!t.bad)
        return PT_OK;
    answer_free(&u->answer);
    *u = (struct planner_update){0};
    return PT_EBADMSG;
}
