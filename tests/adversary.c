#include "tests/adversary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A person of the fixture's in exactly one value's column: as many as one person may be in. */
static size_t find_target(const struct fixture_epoch *e)
{
    for (size_t t = 0; t < FIXTURE_SLOTS; t++) {
        size_t in = 0;
        for (size_t j = 1; j < e->column_count; j++)
            in += e->f[j][t] != 0;
        if (e->f[0][t] != 0 && in == (e->column_count > 1))
            return t;
    }
    fail_msg("nobody is in one column");
    return 0;
}

/* By how much one person moves a row, and its size. */
static int weight(const struct adversary *a, size_t row)
{
    return a->epoch.question.kind == QUESTION_VALUE && row == REPLY_NUMBERS ? BUDGET_NUMBER : 1;
}

void adversary_init(struct adversary *a, const char *kind, uint64_t rho_nano)
{
    struct fixture_epoch *e = &a->epoch;

    memset(a, 0, sizeof *a);
    a->policy = strcmp(kind, "value") == 0 ? fixture_value() : fixture_three();
    if (rho_nano != 0)
        a->policy->privacy.count_rho_nano = a->policy->privacy.table_rho_nano = rho_nano;
    fixture_nodes(a->nodes, a->policy);
    fixture_epoch_init(e, a->policy, kind);
    fixture_epoch_join(e, a->nodes);
    budget_price(&a->price, a->policy, &e->question, rlwe_delta(e->rlwe));
    a->slot = find_target(e);
    for (size_t i = 0; i < e->row_count; i++) {
        if (i < 2)
            a->row_of[i] = e->f[0][a->slot];
        /* A number's square is whatever the fixture has there: it goes with the person. */
        a->others[i] = e->size[i] - (e->g[i][a->slot] != 0);
    }
    e->more[a->slot] = 0;
    adversary_lay(a, false);
    for (size_t i = 0; i < e->row_count; i++)
        for (size_t j = 0; j < e->column_count; j++)
            a->known[i * e->column_count + j] = fixture_exact(e, i, j);
}

void adversary_free(struct adversary *a)
{
    fixture_nodes_wipe(a->nodes, PT_LEN(a->nodes));
    fixture_epoch_free(&a->epoch);
    policy_free(a->policy);
}

void adversary_lay(struct adversary *a, bool there)
{
    for (size_t i = 0; i < a->epoch.row_count; i++) {
        a->epoch.g[i][a->slot] = 0;
        if (there)
            a->epoch.g[i][a->slot] = (int8_t)(weight(a, i) * a->row_of[i]);
        a->epoch.size[i] = a->others[i];
        if (there && a->row_of[i] != 0)
            a->epoch.size[i] += (uint64_t)(weight(a, i) * weight(a, i));
    }
}

void adversary_keys(struct adversary *a, const struct key32 *seed)
{
    a->epoch.noise_key = *seed;
}

static enum pt_code row(void *self, const struct question *q, const struct reply_part *at,
                        int8_t *values, uint64_t *size, struct pt_err *err)
{
    const struct adversary *a = self;

    (void)q;
    (void)err;
    fixture_row(values, size, &a->epoch, at);
    return PT_OK;
}

static void open_rows(const struct adversary *a, struct adversary_view *out, const struct buf *rows)
{
    struct span spans[FIXTURE_COLUMNS_MAX];
    struct pt_err err = {0};
    const struct reply_open_in in = {.rlwe = a->epoch.rlwe,
                                     .rows = spans,
                                     .row_count = a->epoch.row_count,
                                     .keys = a->epoch.keys,
                                     .column_count = a->epoch.column_count};

    for (size_t i = 0; i < a->epoch.row_count; i++)
        spans[i] = buf_span(&rows[i]);
    if (reply_open(out->values, &in, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

void adversary_make(struct adversary *a, struct reply *out)
{
    const struct fixture_epoch *e = &a->epoch;
    struct span columns[FIXTURE_COLUMNS_MAX];
    struct digest digests[FIXTURE_COLUMNS_MAX];
    struct pt_err err = {0};
    const struct reply_in in = {.policy = a->policy,
                                .question = &e->question,
                                .pair = e->pair,
                                .rlwe = e->rlwe,
                                .columns = columns,
                                .column_digests = digests,
                                .column_count = e->column_count,
                                .noise_key = &e->noise_key,
                                .host = {.self = a, .row = row}};

    for (size_t j = 0; j < e->column_count; j++) {
        columns[j] = buf_span(&e->bytes[j]);
        digests[j] = e->columns[j].digest;
    }
    if (reply_make(out, &in, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

void adversary_reply(struct adversary *a, struct adversary_view *out)
{
    struct reply reply = {0};

    *out = (struct adversary_view){0};
    adversary_make(a, &reply);
    open_rows(a, out, reply.rows);
    memcpy(out->sizes, reply.sizes, a->epoch.row_count * sizeof *out->sizes);
    reply_free(&reply);
}

/* ---- a whole session ---- */

struct talk {
    struct fixture_link link;
    struct ask_recipient recipient;
    struct ask_evaluator evaluator;
    enum pt_code rc;
    struct pt_err err;
};

static void run(struct talk *t)
{
    bool moved = t->rc == PT_OK;

    while (moved && t->rc == PT_OK) {
        moved = fixture_step(&t->link.accepter, &t->link.to_accepter, &t->link.to_opener, &t->rc,
                             &t->err);
        if (t->rc == PT_OK && ask_evaluator_checking(&t->evaluator))
            t->rc = ask_evaluator_check(&t->evaluator, &t->link.to_opener, &t->err);
        if (t->rc == PT_OK && ask_evaluator_ready(&t->evaluator))
            t->rc = ask_evaluator_answer(&t->evaluator, &t->link.to_opener, &t->err);
        if (t->rc == PT_OK)
            moved = fixture_step(&t->link.opener, &t->link.to_opener, &t->link.to_accepter, &t->rc,
                                 &t->err) ||
                    moved;
        while (t->rc == PT_OK && ask_recipient_sending(&t->recipient)) {
            t->rc = ask_recipient_send(&t->recipient, &t->link.to_accepter, &t->err);
            moved = true;
        }
    }
}

bool adversary_session(struct adversary *a, struct adversary_view *out, enum refusal *why)
{
    struct ask_evaluator_in host = fixture_evaluator_in(&a->epoch);
    struct talk *t = calloc(1, sizeof *t);

    assert_non_null(t);
    const struct ask_recipient_in in = fixture_recipient_in(&a->epoch, &t->recipient);
    *out = (struct adversary_view){0};
    if (a->charge != NULL)
        host.host.charge = a->charge;
    fixture_greet_watched(&t->link, &a->nodes[policy_find_partner(a->policy, "freshmart")],
                          &a->nodes[policy_find_partner(a->policy, "drinkco")], WHAT_ASK, a->watch);
    assert_int_equal(ask_evaluator_begin(&t->evaluator, &t->link.accepter, &host, &t->err), PT_OK);
    t->rc = ask_recipient_begin(&t->recipient, &t->link.opener, &in, &t->link.to_accepter, &t->err);
    run(t);
    const bool answered = ask_recipient_answered(&t->recipient);
    *why = t->link.accepter.refusal;
    if (answered) {
        open_rows(a, out, t->recipient.rows);
        memcpy(out->sizes, t->recipient.sizes, a->epoch.row_count * sizeof *out->sizes);
    }
    ask_recipient_free(&t->recipient);
    ask_evaluator_free(&t->evaluator);
    fixture_link_free(&t->link);
    free(t);
    return answered;
}

/* ---- what it says ---- */

static double ratio(double x, double shift, struct budget_variance v)
{
    const double s = budget_sigma(v);

    return (x * shift - shift * shift / 2) / (s * s);
}

/* Is this cell's noise that of the body? (proto/reply.c's cell_variance) */
static bool is_cell(const struct fixture_epoch *e, size_t row, size_t column)
{
    if (e->question.kind == QUESTION_VALUE)
        return column > 0;
    return e->column_count == 1 || (row > 0 && column > 0);
}

double adversary_ratio(const struct adversary *a, const struct adversary_view *v)
{
    const struct fixture_epoch *e = &a->epoch;
    double sum = 0;

    for (size_t i = 0; i < e->row_count; i++) {
        const double w = weight(a, i); /* a number's noise is as many times as wide */
        if (a->row_of[i] == 0)
            continue;
        sum += ratio((double)v->sizes[i] - (double)a->others[i], w * w,
                     w > 1 ? a->price.square : a->price.margin);
        for (size_t j = 0; j < e->column_count; j++) {
            const size_t at = i * e->column_count + j;
            sum +=
                ratio((v->values[at] - (double)a->known[at]) / w, a->row_of[i] * e->f[j][a->slot],
                      is_cell(e, i, j) ? a->price.cell : a->price.margin);
        }
    }
    return sum;
}

void adversary_encrypt(struct adversary *a, size_t j, uint64_t key)
{
    struct key32 seed = {{0}};

    store_u64le(seed.b + 8, key);
    fixture_encrypt(&a->epoch, j, &seed);
}

double adversary_asks_once(void *self, bool there, const struct key32 *seed)
{
    struct adversary *a = self;
    struct adversary_view v;

    adversary_lay(a, there);
    adversary_keys(a, seed);
    adversary_reply(a, &v);
    return adversary_ratio(a, &v);
}

double adversary_asks_in_session(void *self, bool there, const struct key32 *seed)
{
    struct adversary *a = self;
    struct adversary_view v;
    enum refusal why;

    adversary_lay(a, there);
    adversary_keys(a, seed);
    if (!adversary_session(a, &v, &why))
        fail_msg("refused: %s", refusal_name(why));
    return adversary_ratio(a, &v);
}

/* ---- two questions ---- */

static double of_target(const struct adversary *a, const struct adversary_view *v)
{
    return v->values[0] - (double)a->known[0];
}

double adversary_pair_difference(void *self, bool there, const struct key32 *seed)
{
    struct adversary_pair *p = self;
    struct adversary_view v[2];

    for (int i = 0; i < 2; i++) {
        adversary_lay(&p->of[i], there);
        adversary_keys(&p->of[i], seed);
        adversary_reply(&p->of[i], &v[i]);
    }
    return of_target(&p->of[0], &v[0]) - of_target(&p->of[1], &v[1]) - 0.5;
}

double adversary_pair_both(void *self, bool there, const struct key32 *seed)
{
    struct adversary_pair *p = self;

    return adversary_asks_once(&p->of[0], there, seed) +
           adversary_asks_once(&p->of[1], there, seed);
}

double adversary_before_and_after(void *self, bool there, const struct key32 *seed)
{
    struct adversary *a = self;
    int8_t *other = &a->epoch.g[0][(a->slot + 1) % FIXTURE_SLOTS]; /* of whom no column knows */
    struct adversary_view v[2];

    adversary_lay(a, false);
    adversary_keys(a, seed);
    adversary_reply(a, &v[0]);
    adversary_lay(a, there);
    if (!there) {
        *other = 1;
        a->epoch.size[0]++;
    }
    adversary_reply(a, &v[1]);
    *other = 0;
    return of_target(a, &v[1]) - of_target(a, &v[0]) - 0.5;
}
