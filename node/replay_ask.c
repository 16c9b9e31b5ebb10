#include "node/replay_ask.h"

#include "crypto/base/text.h"
#include "node/audit.h"
#include "node/evaluate.h"
#include "node/hidden.h"
#include "node/own_columns.h"
#include "node/packed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "replay of a question: no memory");
}

static enum pt_code gone(struct replay_ask *a, struct pt_err *err, const char *what)
{
    (void)!pt_fail(&a->gone, PT_ESTATE, "%s", what);
    return pt_fail(err, PT_ESTATE, "%s", what);
}

static enum pt_code need_data(struct replay_ask *a, struct pt_err *err)
{
    return a->bed->epoch != NULL ? PT_OK : gone(a, err, a->bed->no_epoch.msg);
}

static const char *peer_of(const struct replay_ask *a)
{
    return session_peer_name(a->session);
}

/* ---- asker ---- */

struct again { /* one column encrypted once more */
    struct replay_ask *a;
    size_t index;
    struct pt_err err;
};

static enum pt_code encrypt(uint8_t *out, const struct again *g, const uint8_t *packed,
                            struct rlwe_key *key, struct pt_err *err)
{
    const struct rlwe *c = g->a->rlwe;
    int8_t values[RLWE_DEGREE];
    enum pt_code rc = PT_OK;

    for (uint64_t k = 0; k <= rlwe_block_count(c) && rc == PT_OK; k++) {
        const bool last = k == rlwe_block_count(c);
        if (!last)
            packed_block(values, packed, k);
        rc = rlwe_encrypt_block(out + k * rlwe_block_bytes(c), c, key, k, last ? NULL : values);
    }
    explicit_bzero(values, sizeof values);
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "encrypting a column");
}

/* The column's key, of its values. */
static enum pt_code key_of(struct rlwe_key **out, const struct again *g, const uint8_t *packed,
                           struct pt_err *err)
{
    const struct replay_ask *a = g->a;
    PT_WIPED(key32) seed = {0};
    struct digest content;
    const struct epoch_column column = {.name = buf_span(&a->names[g->index]), .values = &content};

    packed_values_digest(&content, packed, rlwe_slot_count(a->rlwe));
    epoch_column_seed(&seed, snapshot_seed(a->bed->epoch), &a->pair, &column);
    const enum pt_code rc = rlwe_key_new(out, a->rlwe, &seed);
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "a column key: no memory that can be locked");
}

static enum pt_code make_column(struct again *g, struct pt_err *err)
{
    struct replay_ask *a = g->a;
    const struct own_columns_which which = {&a->question, g->index,
                                            reply_column_count(a->bed->home->policy, &a->question)};
    uint8_t *packed = hidden_new((size_t)rlwe_block_count(a->rlwe), PACKED_BLOCK);
    uint8_t *bytes = malloc(rlwe_column_bytes(a->rlwe));
    struct rlwe_key *key = NULL;
    PT_WIPED(columns_sums) sums = {0};
    enum pt_code rc = packed == NULL || bytes == NULL ? no_memory(err) : PT_OK;

    if (rc == PT_OK &&
        (rc = own_columns_packed(packed, &sums, snapshot_map(a->bed->epoch), &which)) != PT_OK)
        rc = pt_fail(err, rc, "own columns could not be made");
    if (rc == PT_OK)
        rc = key_of(&key, g, packed, err);
    if (rc == PT_OK && (rc = encrypt(bytes, g, packed, key, err)) == PT_OK)
        reply_column_digest(&a->asked[g->index].digest, span_of(bytes, rlwe_column_bytes(a->rlwe)));
    hidden_free(packed);
    free(bytes);
    rlwe_key_free(key);
    return rc;
}

static void make_one(void *context, size_t index)
{
    struct again *g = (struct again *)context + index;

    (void)!make_column(g, &g->err);
}

/* Under which a column is remembered: one name, one ciphertext, an epoch and partner long. */
static void column_name(struct digest *out, const struct replay_ask *a, size_t i)
{
    const struct span parts[] = {span_z(peer_of(a)), buf_span(&a->names[i])};

    hash_parts(out, "patto/replay/column/1", parts, PT_LEN(parts));
}

static bool remembered(struct replay_ask *a, size_t i)
{
    const struct replay_home *bed = a->bed;
    struct digest name;

    column_name(&name, a, i);
    for (size_t k = 0; k < bed->column_count; k++)
        if (memcmp(bed->columns[k].name.b, name.b, sizeof name.b) == 0) {
            a->asked[i].digest = bed->columns[k].digest;
            return true;
        }
    return false;
}

static enum pt_code remember(struct replay_ask *a, const struct again *made, size_t n,
                             struct pt_err *err)
{
    struct replay_home *bed = a->bed;
    void *more = realloc(bed->columns, (bed->column_count + n + 1) * sizeof *bed->columns);

    if (more == NULL)
        return no_memory(err);
    bed->columns = more;
    for (size_t i = 0; i < n; i++) {
        struct replay_column *c = &bed->columns[bed->column_count++];
        column_name(&c->name, a, made[i].index);
        c->digest = a->asked[made[i].index].digest;
    }
    return PT_OK;
}

static enum pt_code make_columns(struct replay_ask *a, size_t count, struct pt_err *err)
{
    struct again *todo = calloc(count, sizeof *todo);
    size_t width = parallel_width(&a->bed->parallel);
    size_t n = 0;
    enum pt_code rc = PT_OK;

    if (todo == NULL)
        return no_memory(err);
    for (size_t i = 0; i < count && rc == PT_OK; i++) {
        rc = reply_column_name(&a->names[i], a->bed->home->policy, &a->question, i, err);
        if (rc == PT_OK && !remembered(a, i))
            todo[n++] = (struct again){.a = a, .index = i};
    }
    /* As many at once as there are threads: each takes a column's memory. */
    for (size_t first = 0; first < n && rc == PT_OK; first += width) {
        size_t some = n - first < width ? n - first : width;
        parallel_run(&a->bed->parallel, some, make_one, todo + first);
        for (size_t i = first; i < first + some && rc == PT_OK; i++)
            if (todo[i].err.code != PT_OK) {
                *err = todo[i].err;
                rc = err->code;
            }
    }
    if (rc == PT_OK)
        rc = remember(a, todo, n, err);
    free(todo);
    return rc;
}

/* The transcript says where parts of a column went, the Question what they were. */
static enum pt_code make_blank(struct replay_ask *a, struct pt_err *err)
{
    a->blank = calloc(1, WIRE_PART_MAX);
    return a->blank != NULL ? PT_OK : no_memory(err);
}

static enum pt_code blank_part(void *self, struct span *out, const struct ask_part *at,
                               struct pt_err *err)
{
    const struct replay_ask *a = self;

    (void)err;
    *out = span_of(a->blank, at->bytes);
    return PT_OK;
}

static enum pt_code read_question(struct replay_ask *a, struct pt_err *err)
{
    const struct policy *p = a->bed->home->policy;
    struct wire_in in = {0};
    enum pt_code rc = wire_decode(&in, buf_span(&a->facts->whole[FRAME_QUESTION]), err);

    if (rc == PT_OK && in.frame.kind != FRAME_QUESTION)
        rc = pt_fail(err, PT_EBADMSG, "no question where one was recorded");
    if (rc == PT_OK)
        rc = question_parse(&a->question, p, in.frame.u.question.text, err);
    wire_in_free(&in);
    return rc;
}

static enum pt_code columns_to_prove(void *self, struct prove_columns *out, size_t first,
                                     struct pt_err *err)
{
    struct replay_ask *a = self;
    const struct proof_columns_in in = {.epoch = a->bed->epoch,
                                        .policy = a->bed->home->policy,
                                        .question = &a->question,
                                        .pair = &a->pair,
                                        .rlwe = a->rlwe,
                                        .parallel = &a->bed->parallel};

    return proof_columns_make(&a->proof, out, &in, a->recipient.need + first, err);
}

/* Once a commitment, says the code that is replayed; nothing leaves here. */
static enum pt_code challenged(void *self, const struct ask_proof_once *o, struct pt_err *err)
{
    (void)self;
    (void)o;
    (void)err;
    return PT_OK;
}

static enum pt_code begin_recipient(struct replay_ask *a, struct outbox *out, struct pt_err *err)
{
    const struct policy *p = a->bed->home->policy;
    enum pt_code rc;

    if (a->facts->whole[FRAME_QUESTION].n == 0)
        return PT_OK; /* it asked nothing */
    if ((rc = need_data(a, err)) != PT_OK || (rc = read_question(a, err)) != PT_OK ||
        (rc = epoch_pair_of(&a->pair, &a->bed->agreed.header, p->partners[a->bed->home->self].name,
                            peer_of(a), err)) != PT_OK ||
        (rc = epoch_pair_rlwe(&a->rlwe, p, &a->pair, err)) != PT_OK ||
        (rc = make_blank(a, err)) != PT_OK)
        return rc;
    size_t count =
        reply_column_count(p, &a->question) + ask_counter_count(p, &a->question, a->rlwe);
    if (count > WIRE_COLUMNS_MAX)
        return pt_fail(err, PT_EBADMSG, "a question of %zu columns", count);
    if ((rc = make_columns(a, count, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < count; i++) {
        a->asked[i].name = buf_span(&a->names[i]);
        a->asked[i].bytes = rlwe_column_bytes(a->rlwe);
    }
    const struct ask_recipient_in in = {.question = &a->question,
                                        .pair = a->pair,
                                        .rlwe = a->rlwe,
                                        .columns = a->asked,
                                        .column_count = count,
                                        .source = {.self = a, .part = blank_part},
                                        .prover = {.self = a,
                                                   .epoch_seed = snapshot_seed(a->bed->epoch),
                                                   .columns = columns_to_prove,
                                                   .challenged = challenged}};
    return ask_recipient_begin(&a->recipient, a->session, &in, out, err);
}

/* ---- owner ---- */

static size_t index_of(const struct replay_ask *a, const struct wire_column *c)
{
    return (size_t)(c - a->evaluator.columns);
}

/* When it was refused for good is in the record's order: what came after it had no Need. */
static enum pt_code barred(void *self, bool *out, struct pt_err *err)
{
    const struct replay_ask *a = self;

    *out = false;
    return a->facts->sent_count[FRAME_NEED] > 0
               ? PT_OK
               : store_proof_refused(out, a->bed->store, &a->bed->id, peer_of(a), err);
}

static enum pt_code proof_refused(void *self, const struct ask_proof_refusal *r, struct pt_err *err)
{
    (void)self;
    (void)r;
    (void)err;
    return PT_OK;
}

/* What the node said that it had not: that is its own state, and costs nobody anything. */
static enum pt_code column_known(void *self, const struct wire_column *c, bool *here,
                                 struct pt_err *err)
{
    struct replay_ask *a = self;

    (void)err;
    *here = !a->needed[index_of(a, c)];
    return PT_OK;
}

static enum pt_code column_write(void *self, size_t index, struct span bytes, struct pt_err *err)
{
    (void)self;
    (void)index;
    (void)bytes;
    (void)err;
    return PT_OK;
}

static enum pt_code column_keep(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err)
{
    (void)self;
    (void)index;
    (void)c;
    (void)err;
    return PT_OK;
}

static enum pt_code column_map(void *self, size_t index, const struct wire_column *c,
                               struct span *bytes, struct pt_err *err)
{
    struct replay_ask *a = self;
    struct blob_map *map = &a->maps[index];
    const struct blobs_at at = {.home = a->bed->home, .epoch = &a->bed->id, .peer = peer_of(a)};
    bool found = true;
    enum pt_code rc = PT_OK;

    if (map->bytes.p == NULL)
        rc = blob_map(map, &found, &at, &c->digest, rlwe_column_bytes(a->evaluator.rlwe), err);
    if (rc == PT_OK && !found)
        return gone(a, err, "the partner's columns are no longer kept");
    *bytes = map->bytes;
    return rc;
}

static enum pt_code column_bind(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err)
{
    struct replay_ask *a = self;
    char name[WIRE_COLUMN_NAME_MAX + 1];
    const struct store_column key = {
        .epoch = a->bed->id, .peer = peer_of(a), .sent = false, .name = name};
    struct digest bound;
    bool found = false;
    enum pt_code rc;

    if (!text_copy(name, sizeof name, c->name))
        return pt_fail(err, PT_EBADMSG, "a column's name is too long");
    if ((rc = store_column_find(&bound, &found, a->bed->store, &key, err)) != PT_OK)
        return rc;
    if (!found || memcmp(bound.b, c->digest.b, sizeof bound.b) != 0)
        return pt_fail(err, PT_EDENIED, "column %zu is bound to another ciphertext", index);
    return PT_OK;
}

/* The charge as the ledger has it: this id, partner and price, at the place that the answer names. */
static enum pt_code check_charge(const struct replay_ask *a, const struct ask_charge *c,
                                 const struct wire_answer *said, struct pt_err *err)
{
    struct store_charge known;
    bool found = false;
    enum pt_code rc = store_charge_find(&known, &found, a->bed->store, &c->key, err);

    if (rc != PT_OK)
        return rc;
    if (!found)
        return pt_fail(err, PT_EBADMSG, "the ledger has no charge for this answer");
    if (strcmp(known.recipient, peer_of(a)) != 0 || known.rho_nano != c->charge_nano ||
        memcmp(known.epoch.b, a->bed->id.b, sizeof known.epoch.b) != 0)
        return pt_fail(err, PT_EBADMSG,
                       "the ledger charged another partner, epoch or price for this answer");
    if (said->audit_position != known.event.sequence ||
        (said->charged_nano != 0 && said->charged_nano != c->charge_nano))
        return pt_fail(err, PT_EBADMSG, "the answer names another charge than the ledger");
    return PT_OK;
}

static enum pt_code charge(void *self, const struct ask_charge *c, struct ask_account *out,
                           struct pt_err *err)
{
    struct replay_ask *a = self;
    struct wire_in in = {0};
    enum pt_code rc;

    if (a->facts->whole[FRAME_ANSWER].n == 0) /* then all that may have left is a Refusal */
        return pt_fail(err, PT_EDENIED, "nothing was answered");
    if ((rc = wire_decode(&in, buf_span(&a->facts->whole[FRAME_ANSWER]), err)) == PT_OK)
        rc = check_charge(a, c, &in.frame.u.answer, err);
    if (rc == PT_OK)
        *out = (struct ask_account){.paid_before = in.frame.u.answer.charged_nano == 0,
                                    .left_nano = in.frame.u.answer.left_nano,
                                    .audit_position = in.frame.u.answer.audit_position};
    a->key = c->key;
    wire_in_free(&in);
    return rc == PT_OK ? replay_digests_add(&a->bed->questions, &c->key, err) : rc;
}

static enum pt_code window(void *self, const struct question *q, const struct reply_part *at,
                           struct pt_err *err)
{
    struct replay_ask *a = self;

    return evaluate_window(&a->view, snapshot_map(a->bed->epoch), q, at, err);
}

static enum pt_code row(void *self, const struct question *q, const struct reply_part *at,
                        int8_t *values, uint64_t *size, struct pt_err *err)
{
    const struct replay_ask *a = self;

    return evaluate_row(a->view, q, at, values, size, err);
}

static enum pt_code read_need(struct replay_ask *a, struct pt_err *err)
{
    struct wire_in in = {0};
    enum pt_code rc = PT_OK;

    if (a->facts->whole[FRAME_NEED].n == 0)
        return PT_OK;
    rc = wire_decode(&in, buf_span(&a->facts->whole[FRAME_NEED]), err);
    for (size_t i = 0; rc == PT_OK && i < in.frame.u.need.column_count; i++)
        if (in.frame.u.need.columns[i] < WIRE_COLUMNS_MAX)
            a->needed[in.frame.u.need.columns[i]] = true;
    wire_in_free(&in);
    return rc;
}

static enum pt_code begin_evaluator(struct replay_ask *a, struct pt_err *err)
{
    enum pt_code rc;

    if ((rc = need_data(a, err)) != PT_OK || (rc = read_need(a, err)) != PT_OK)
        return rc;
    const struct ask_evaluator_in in = {
        .header = &a->bed->agreed.header,
        .noise_key = snapshot_noise_key(a->bed->epoch),
        .epoch_seed = snapshot_seed(a->bed->epoch),
        .host = {.self = a,
                 .barred = barred,
                 .column_known = column_known,
                 .column_write = column_write,
                 .column_map = column_map,
                 .column_keep = column_keep,
                 .column_bind = column_bind,
                 .charge = charge,
                 .proof_challenged = challenged,
                 .proof_refused = proof_refused,
                 .data = {.self = a, .window = window, .row = row, .parallel = a->bed->parallel}}};
    return ask_evaluator_begin(&a->evaluator, a->session, &in, err);
}

static enum pt_code part(void *self, const struct transcript_part *p, struct span *bytes,
                         struct pt_err *err)
{
    struct replay_ask *a = self;
    struct span column = {0};
    enum pt_code rc;

    if (p->column >= a->evaluator.column_count)
        return pt_fail(err, PT_EBADMSG, "a part of a column that was not asked about");
    if ((rc = column_map(a, p->column, &a->evaluator.columns[p->column], &column, err)) != PT_OK)
        return rc;
    if (p->offset > column.n || p->bytes > column.n - p->offset)
        return pt_fail(err, PT_EBADMSG, "a part beyond its column's end");
    *bytes = span_of(column.p + p->offset, (size_t)p->bytes);
    return PT_OK;
}

/* ---- both ---- */

static enum pt_code begin(void *self, struct session *s, struct outbox *out, struct pt_err *err)
{
    struct replay_ask *a = self;

    a->session = s;
    return s->opener ? begin_recipient(a, out, err) : begin_evaluator(a, err);
}

static enum pt_code after(void *self, struct outbox *out, struct pt_err *err)
{
    struct replay_ask *a = self;

    enum pt_code rc = PT_OK;

    if (a->session->opener)
        return PT_OK;
    if (ask_evaluator_checking(&a->evaluator))
        rc = ask_evaluator_check(&a->evaluator, out, err);
    if (rc != PT_OK || !ask_evaluator_ready(&a->evaluator))
        return rc;
    return ask_evaluator_answer(&a->evaluator, out, err);
}

static enum pt_code more(void *self, struct outbox *out, bool *blocked, struct pt_err *err)
{
    struct replay_ask *a = self;

    *blocked = false;
    return a->session->opener && ask_recipient_sending(&a->recipient)
               ? ask_recipient_send(&a->recipient, out, err)
               : PT_OK;
}

struct replay_host replay_ask_host(struct replay_ask *a, struct replay_home *bed,
                                   struct replay_facts *facts)
{
    *a = (struct replay_ask){.bed = bed, .facts = facts};
    return (struct replay_host){
        .self = a, .begin = begin, .after = after, .more = more, .part = part, .gone = &a->gone};
}

/* On the record after the charge, and with the hash of what was signed. */
enum pt_code replay_ask_check(struct replay_ask *a, struct pt_err *err)
{
    char question[80];
    char answer[80];
    char hex[65];
    struct store_event_like like = {.kind = "answered", .one = question, .other = answer};
    struct store_event_row event;
    bool found = false;
    enum pt_code rc;

    if (a->session == NULL || a->session->opener || a->facts->whole[FRAME_ANSWER].n == 0)
        return PT_OK;
    text_hex(hex, a->key.b, sizeof a->key.b);
    snprintf(question, sizeof question, "question=%s", hex);
    text_hex(hex, a->evaluator.answer.b, sizeof a->evaluator.answer.b);
    snprintf(answer, sizeof answer, "answer=%s", hex);
    if ((rc = store_event_find(&event, &found, a->bed->store, &like, err)) != PT_OK)
        return rc;
    return found ? PT_OK : pt_fail(err, PT_EBADMSG, "no event says that this answer was given");
}

void replay_ask_free(struct replay_ask *a)
{
    ask_recipient_free(&a->recipient);
    ask_evaluator_free(&a->evaluator);
    columns_view_free(a->view);
    proof_columns_free(&a->proof);
    for (size_t i = 0; i < WIRE_COLUMNS_MAX; i++) {
        blob_unmap(&a->maps[i]);
        buf_free(&a->names[i]);
    }
    free(a->blank);
    rlwe_free(a->rlwe);
    explicit_bzero(a, sizeof *a);
}
