#include "tests/proto_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"

struct digest fixture_digest(uint8_t fill)
{
    struct digest d;

    memset(d.b, fill, sizeof d.b);
    return d;
}

void fixture_nodes(struct fixture_node *nodes, const struct policy *p)
{
    for (size_t i = 0; i < p->partner_count; i++) {
        struct fixture_partner partner;
        struct key32 seed;
        int at;
        fixture_partner_init(&partner, i, NULL);
        at = policy_find_partner(p, partner.name);
        assert_true(at >= 0);
        struct fixture_node *n = &nodes[at];
        memset(n, 0, sizeof *n);
        n->partner = partner;
        memset(seed.b, 0x31 + at, sizeof seed.b);
        assert_int_equal(oprf_key_derive(&n->oprf, &seed, span_z("fixture")), PT_OK);
        n->self = (struct session_self){.policy = p,
                                        .partner = (uint16_t)at,
                                        .key = &n->partner.node,
                                        .key_period = 7,
                                        .oprf_public = n->oprf.public_key,
                                        .build = "patto test"};
    }
}

void fixture_nodes_wipe(struct fixture_node *nodes, size_t n)
{
    explicit_bzero(nodes, n * sizeof *nodes);
}

bool fixture_step(struct session *s, struct outbox *from, struct outbox *answers, enum pt_code *rc,
                  struct pt_err *err)
{
    struct buf frame;

    if (!outbox_take(from, &frame))
        return false;
    *rc = session_step(s, buf_span(&frame), answers, err);
    buf_free(&frame);
    return true;
}

void fixture_greet(struct fixture_link *l, struct fixture_node *opener,
                   struct fixture_node *accepter, enum session_what what)
{
    const struct session_watch nobody[2] = {{0}};

    fixture_greet_watched(l, opener, accepter, what, nobody);
}

void fixture_greet_watched(struct fixture_link *l, struct fixture_node *opener,
                           struct fixture_node *accepter, enum session_what what,
                           const struct session_watch watch[2])
{
    struct session_to to = {accepter->self.partner, what, fixture_digest(0xaa), watch[0]};
    struct session_to from = {opener->self.partner, what, fixture_digest(0xbb), watch[1]};
    struct pt_err err = {0};
    enum pt_code rc = PT_EBUG;

    *l = (struct fixture_link){0};
    assert_int_equal(session_open(&l->opener, &opener->self, to, &l->to_accepter, &err), PT_OK);
    session_accept(&l->accepter, &accepter->self, from);
    assert_true(fixture_step(&l->accepter, &l->to_accepter, &l->to_opener, &rc, &err));
    if (rc != PT_OK)
        fail_msg("%s", err.msg);
    assert_true(fixture_step(&l->opener, &l->to_opener, &l->to_accepter, &rc, &err));
    if (rc != PT_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(l->opener.state, SESSION_OPEN);
    assert_int_equal(l->accepter.state, SESSION_OPEN);
}

void fixture_link_free(struct fixture_link *l)
{
    outbox_free(&l->to_accepter);
    outbox_free(&l->to_opener);
}

/* ---- an epoch and its data ---- */

static uint32_t next_random(uint32_t *x) /* xorshift: public test data */
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

void fixture_encrypt(struct fixture_epoch *e, size_t j, const struct key32 *seed)
{
    rlwe_key_free(e->keys[j]);
    assert_int_equal(rlwe_key_new(&e->keys[j], e->rlwe, seed), PT_OK);
    e->bytes[j].n = 0;
    assert_true(buf_reserve(&e->bytes[j], rlwe_column_bytes(e->rlwe)));
    for (uint64_t k = 0; k <= rlwe_block_count(e->rlwe); k++) {
        const bool data = k < rlwe_block_count(e->rlwe);
        assert_int_equal(rlwe_encrypt_block(e->bytes[j].p + e->bytes[j].n, e->rlwe, e->keys[j], k,
                                            data ? e->f[j] + k * RLWE_DEGREE : NULL),
                         PT_OK);
        e->bytes[j].n += rlwe_block_bytes(e->rlwe);
    }
    e->columns[j] = (struct ask_column){.name = buf_span(&e->names[j]), .bytes = e->bytes[j].n};
    reply_column_digest(&e->columns[j].digest, buf_span(&e->bytes[j]));
}

static void encrypt_column(struct fixture_epoch *e, size_t j)
{
    struct pt_err err = {0};
    struct digest values;
    struct key32 seed;

    assert_int_equal(reply_column_name(&e->names[j], e->policy, &e->question, j, &err), PT_OK);
    epoch_values_digest(&values, e->f[j], FIXTURE_SLOTS);
    struct epoch_column column = {buf_span(&e->names[j]), &values};
    epoch_column_seed(&seed, &e->seed[0], &e->pair, &column);
    fixture_encrypt(e, j, &seed);
}

void fixture_count(struct fixture_epoch *e)
{
    for (size_t t = 0; t < FIXTURE_SLOTS; t++) {
        size_t in = 0;
        for (size_t j = 1; j < e->column_count; j++)
            in += e->f[j][t] != 0;
        for (size_t i = 0; i < e->counter_count; i++)
            e->f[e->column_count + i][t] = (int8_t)(in > i ? e->f[0][t] : 0);
    }
}

/* FIXTURE_PEOPLE people on either side, one a slot, so that every sum of |G| is within bounds. */
static void fill(struct fixture_epoch *e)
{
    uint32_t x = 20261122;

    for (size_t t = 0; t < FIXTURE_PEOPLE; t++) {
        size_t slot = t * 2 + 1;
        int8_t sign = next_random(&x) & 1 ? 1 : -1;
        size_t in = 0;
        e->f[0][slot] = sign;
        for (size_t j = 1; j < e->column_count; j++) {
            /* No more of them than the policy allows a person. */
            const bool is =
                next_random(&x) % 3 == 0 && in < (e->counter_count ? e->counter_count : in + 1);
            e->f[j][slot] = (int8_t)(is ? sign : 0);
            in += is;
        }
        for (size_t i = 0; i < e->row_count; i++) {
            e->g[i][slot] = (int8_t)(i == 0 || next_random(&x) % 4 == 0 ? sign : 0);
            e->size[i] += e->g[i][slot] != 0;
        }
    }
}

/* Numbers in place of signs; every eighth slot holds more than a byte does, as five people would. */
static void fill_numbers(struct fixture_epoch *e)
{
    uint32_t x = 20261127;

    e->size[REPLY_NUMBERS] = 0;
    for (size_t t = 0; t < FIXTURE_SLOTS; t++) {
        int w = (int)(next_random(&x) % 101) - 50;
        int sum = e->g[REPLY_COUNTS][t] * w;
        if (e->g[REPLY_COUNTS][t] == 0)
            w = sum = 0;
        if (t % 16 == 1)
            sum = w < 0 ? -201 : 230;
        e->g[REPLY_NUMBERS][t] = (int8_t)(sum > 127 ? 127 : sum < -127 ? -127 : sum);
        e->more[t] = (int8_t)(sum - e->g[REPLY_NUMBERS][t]);
        e->size[REPLY_NUMBERS] += (uint64_t)(w * w);
    }
}

void fixture_name(struct epoch_header *h, size_t at, const char *name)
{
    assert_true(text_copy(h->participants[at].name, POLICY_NAME_MAX + 1, span_z(name)));
}

void fixture_epoch_init(struct fixture_epoch *e, const struct policy *p, const char *kind)
{
    struct question_words words = {.kind = kind, .asker = "freshmart", .with = "drinkco"};
    struct pt_err err = {0};

    memset(e, 0, sizeof *e);
    e->policy = p;
    e->header = (struct epoch_header){.policy_hash = p->hash,
                                      .number = 3,
                                      .key_period = 7,
                                      .slot_count = FIXTURE_SLOTS,
                                      .salt = fixture_digest(0x77),
                                      .participant_count = 2};
    fixture_name(&e->header, 0, "drinkco");
    fixture_name(&e->header, 1, "freshmart");
    for (size_t i = 0; i < 2; i++) {
        e->header.participants[i].dataset = fixture_digest((uint8_t)(0x11 + i));
        e->header.participants[i].seed_hash = fixture_digest((uint8_t)(0x21 + i));
        e->header.participants[i].padded_size = FIXTURE_PEOPLE + 500;
    }
    if (strcmp(kind, "crosstab") == 0) {
        words.rows = "segment";
        words.columns = "drinkco.tier";
    }
    if (strcmp(kind, "value") == 0) {
        words.rows = "segment";
        words.columns = "drinkco.spend";
    }
    if (question_from_words(&e->question, p, &words, &err) != PT_OK ||
        epoch_pair_of(&e->pair, &e->header, "freshmart", "drinkco", &err) != PT_OK ||
        epoch_pair_rlwe(&e->rlwe, p, &e->pair, &err) != PT_OK)
        fail_msg("%s", err.msg);
    e->column_count = reply_column_count(p, &e->question);
    e->row_count = reply_row_count(p, &e->question);
    e->counter_count = ask_counter_count(p, &e->question, e->rlwe);
    assert_true(e->column_count + e->counter_count <= FIXTURE_COLUMNS_MAX &&
                e->row_count <= FIXTURE_COLUMNS_MAX);
    memset(e->noise_key.b, 0x4e, sizeof e->noise_key.b);
    memset(e->seed[0].b, 0x5e, sizeof e->seed[0].b);
    memset(e->seed[1].b, 0x5f, sizeof e->seed[1].b);
    fill(e);
    if (e->question.kind == QUESTION_VALUE)
        fill_numbers(e);
    fixture_count(e);
    for (size_t j = 0; j < e->column_count + e->counter_count; j++)
        encrypt_column(e, j);
}

void fixture_epoch_free(struct fixture_epoch *e)
{
    for (size_t j = 0; j < FIXTURE_COLUMNS_MAX; j++) {
        rlwe_key_free(e->keys[j]);
        buf_free(&e->names[j]);
        buf_free(&e->bytes[j]);
        buf_free(&e->kept[j].bytes);
    }
    buf_free(&e->coming.bytes);
    rlwe_free(e->rlwe);
    memset(e, 0, sizeof *e);
}

void fixture_epoch_join(const struct fixture_epoch *e, struct fixture_node *nodes)
{
    struct pt_err err = {0};

    for (size_t i = 0; i < e->policy->partner_count; i++)
        assert_int_equal(epoch_header_id(&nodes[i].self.epoch_id, &e->header, &err), PT_OK);
}

int64_t fixture_exact(const struct fixture_epoch *e, size_t row, size_t column)
{
    int64_t sum = 0;

    for (size_t t = 0; t < FIXTURE_SLOTS; t++)
        sum += (int64_t)e->g[row][t] * e->f[column][t];
    for (size_t t = 0;
         e->question.kind == QUESTION_VALUE && row == REPLY_NUMBERS && t < FIXTURE_SLOTS; t++)
        sum += (int64_t)e->more[t] * e->f[column][t];
    return sum;
}

static void block_of(void *self, int8_t out[RLWE_DEGREE], size_t j, uint64_t k)
{
    const struct fixture_epoch *e = self;

    memcpy(out, e->proving[j] + k * RLWE_DEGREE, RLWE_DEGREE);
}

static enum pt_code columns_to_prove(void *self, struct prove_columns *out, size_t first,
                                     struct pt_err *err)
{
    struct fixture_epoch *e = self;

    (void)err;
    for (size_t i = 0; i < out->count; i++) {
        e->proving_keys[i] = e->keys[e->asking->need[first + i]];
        e->proving[i] = e->f[e->asking->need[first + i]];
    }
    out->keys = e->proving_keys;
    out->values = (struct prove_values){e, block_of};
    return PT_OK;
}

static enum pt_code answers_once(void *self, const struct ask_proof_once *o, struct pt_err *err)
{
    struct fixture_epoch *e = self;

    (void)o;
    (void)err;
    e->answered++;
    return PT_OK;
}

static enum pt_code part(void *self, struct span *out, const struct ask_part *at,
                         struct pt_err *err)
{
    const struct fixture_epoch *e = self;

    (void)err;
    assert_true(at->offset + at->bytes <= e->bytes[at->column].n);
    *out = span_of(e->bytes[at->column].p + at->offset, at->bytes);
    return PT_OK;
}

struct ask_recipient_in fixture_recipient_in(struct fixture_epoch *e, struct ask_recipient *r)
{
    e->asking = r;
    return (struct ask_recipient_in){.question = &e->question,
                                     .pair = e->pair,
                                     .rlwe = e->rlwe,
                                     .columns = e->columns,
                                     .column_count = e->column_count + e->counter_count,
                                     .source = {.self = e, .part = part},
                                     .prover = {.self = e,
                                                .epoch_seed = &e->seed[0],
                                                .columns = columns_to_prove,
                                                .challenged = answers_once}};
}

/* ---- the evaluator's host, in memory ---- */

static struct fixture_column *kept(struct fixture_epoch *e, struct span name)
{
    for (size_t i = 0; i < e->kept_count; i++)
        if (span_eq_vartime(span_of(e->kept[i].name, e->kept[i].name_n), name))
            return &e->kept[i];
    return NULL;
}

static enum pt_code barred(void *self, bool *out, struct pt_err *err)
{
    struct fixture_epoch *e = self;

    (void)err;
    *out = e->barred;
    return PT_OK;
}

static enum pt_code column_known(void *self, const struct wire_column *c, bool *here,
                                 struct pt_err *err)
{
    struct fixture_epoch *e = self;
    struct fixture_column *k = kept(e, c->name);

    *here = k != NULL && k->bound;
    if (*here && memcmp(k->digest.b, c->digest.b, 32) != 0)
        return pt_fail(err, PT_EDENIED, "this column has another digest in this epoch");
    return PT_OK;
}

static enum pt_code column_write(void *self, size_t index, struct span bytes, struct pt_err *err)
{
    struct fixture_epoch *e = self;

    (void)index;
    return buf_add(&e->coming.bytes, bytes.p, bytes.n) ? PT_OK : pt_fail(err, PT_ENOMEM, "memory");
}

static enum pt_code column_map(void *self, size_t index, const struct wire_column *c,
                               struct span *bytes, struct pt_err *err)
{
    struct fixture_epoch *e = self;
    struct fixture_column *k = kept(e, c->name);

    (void)index;
    (void)err;
    *bytes = buf_span(k != NULL ? &k->bytes : &e->coming.bytes);
    return PT_OK;
}

static enum pt_code column_keep(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err)
{
    struct fixture_epoch *e = self;

    (void)index;
    if (e->kept_count == FIXTURE_COLUMNS_MAX)
        return pt_fail(err, PT_ELIMIT, "full");
    struct fixture_column *k = &e->kept[e->kept_count++];
    memcpy(k->name, c->name.p, c->name.n);
    k->name_n = c->name.n;
    k->digest = c->digest;
    k->bytes = e->coming.bytes;
    k->bound = false;
    e->coming.bytes = (struct buf){0};
    return PT_OK;
}

static enum pt_code column_bind(void *self, size_t index, const struct wire_column *c,
                                struct pt_err *err)
{
    struct fixture_epoch *e = self;

    (void)index;
    (void)err;
    struct fixture_column *k = kept(e, c->name);
    if (k == NULL)
        return pt_fail(err, PT_EBUG, "a column that was not kept is bound");
    k->bound = true;
    return PT_OK;
}

static enum pt_code proof_challenged(void *self, const struct ask_proof_once *o, struct pt_err *err)
{
    struct fixture_epoch *e = self;

    if (e->once_count == PT_LEN(e->once))
        e->once_count = 0;
    for (size_t i = 0; i < e->once_count; i++)
        if (memcmp(&e->once[i].session, &o->session, sizeof o->session) == 0 &&
            e->once[i].first == o->first)
            return pt_fail(err, PT_EDENIED, "a second challenge");
    e->once[e->once_count++] = *o;
    return PT_OK;
}

static enum pt_code proof_refused(void *self, const struct ask_proof_refusal *r, struct pt_err *err)
{
    struct fixture_epoch *e = self;

    (void)err;
    e->barred = true;
    e->refusal = *r;
    return PT_OK;
}

static enum pt_code charge(void *self, const struct ask_charge *c, struct ask_account *out,
                           struct pt_err *err)
{
    struct fixture_epoch *e = self;

    e->charges++;
    if (e->charge_fails != PT_OK)
        return pt_fail(err, e->charge_fails, "privacy.budget, line 52: spent");
    for (size_t i = 0; i < e->paid_count; i++)
        out->paid_before = out->paid_before || memcmp(e->paid[i].b, c->key.b, 32) == 0;
    if (!out->paid_before && e->paid_count < PT_LEN(e->paid)) {
        e->paid[e->paid_count++] = c->key;
        e->spent_nano += c->charge_nano;
    }
    out->left_nano = 200000000 - e->spent_nano;
    out->audit_position = (uint64_t)e->charges;
    e->charged_before_row = true;
    return PT_OK;
}

void fixture_row(int8_t *values, uint64_t *size, const struct fixture_epoch *e,
                 const struct reply_part *at)
{
    memcpy(values, e->g[at->row] + at->first, at->slots);
    if (e->question.kind == QUESTION_VALUE && at->row == REPLY_NUMBERS)
        memcpy(values + at->slots, e->more + at->first, at->slots);
    else if (e->question.kind == QUESTION_VALUE)
        memset(values + at->slots, 0, at->slots);
    *size = at->first == 0 ? e->size[at->row] : 0;
}

static enum pt_code row(void *self, const struct question *q, const struct reply_part *at,
                        int8_t *values, uint64_t *size, struct pt_err *err)
{
    struct fixture_epoch *e = self;

    (void)q;
    if (!e->charged_before_row)
        return pt_fail(err, PT_EBUG, "data were looked at before the answer was paid");
    fixture_row(values, size, e, at);
    return PT_OK;
}

struct ask_evaluator_in fixture_evaluator_in(struct fixture_epoch *e)
{
    buf_free(&e->coming.bytes); /* a new session begins its columns afresh */
    e->once_count = 0;          /* the nonces of tests are all the same */
    while (e->kept_count > 0 && !e->kept[e->kept_count - 1].bound)
        buf_free(&e->kept[--e->kept_count].bytes);
    e->charged_before_row = false;
    return (struct ask_evaluator_in){.header = &e->header,
                                     .noise_key = &e->noise_key,
                                     .epoch_seed = &e->seed[1],
                                     .host = {.self = e,
                                              .barred = barred,
                                              .column_known = column_known,
                                              .column_write = column_write,
                                              .column_map = column_map,
                                              .column_keep = column_keep,
                                              .column_bind = column_bind,
                                              .charge = charge,
                                              .proof_challenged = proof_challenged,
                                              .proof_refused = proof_refused,
                                              .data = {.self = e, .row = row}}};
}
