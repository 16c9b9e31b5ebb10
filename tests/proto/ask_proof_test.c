/* Goal: columns that are not proved are not computed with, whichever message deviates; a refusal is one
 * word and final; a commitment is challenged once; batches follow each other. Method: two nodes in
 * memory, and somebody between them who changes one frame, or its maker who does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ask.h"
#include "tests/proto_fixture.h"

struct asking {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_epoch epoch;
    struct fixture_link link;
    struct ask_recipient recipient;
    struct ask_evaluator evaluator;
    struct pt_err err;
    enum pt_code rc;
    /* The first frame of this kind is changed on its way. */
    enum frame_kind kind;
    void (*change)(struct frame *f, struct buf *data);
    int seen[FRAME_KINDS_END];
};

static struct fixture_node *node(struct asking *a, const char *name)
{
    return &a->nodes[policy_find_partner(a->policy, name)];
}

static void set_up(struct asking *a, const char *kind)
{
    memset(a, 0, sizeof *a);
    a->policy = fixture_three();
    fixture_nodes(a->nodes, a->policy);
    fixture_epoch_init(&a->epoch, a->policy, kind);
    fixture_epoch_join(&a->epoch, a->nodes);
}

static void tear_down(struct asking *a)
{
    fixture_link_free(&a->link);
    ask_recipient_free(&a->recipient);
    ask_evaluator_free(&a->evaluator);
    fixture_epoch_free(&a->epoch);
    policy_free(a->policy);
}

/* A session in which the recipient has asked. */
static void ask(struct asking *a)
{
    struct ask_evaluator_in in = fixture_evaluator_in(&a->epoch);
    struct ask_recipient_in asks = fixture_recipient_in(&a->epoch, &a->recipient);

    fixture_link_free(&a->link);
    ask_recipient_free(&a->recipient);
    ask_evaluator_free(&a->evaluator);
    a->rc = PT_OK;
    a->err = (struct pt_err){0};
    memset(a->seen, 0, sizeof a->seen);
    fixture_greet(&a->link, node(a, "freshmart"), node(a, "drinkco"), WHAT_ASK);
    assert_int_equal(ask_evaluator_begin(&a->evaluator, &a->link.accepter, &in, &a->err), PT_OK);
    assert_int_equal(
        ask_recipient_begin(&a->recipient, &a->link.opener, &asks, &a->link.to_accepter, &a->err),
        PT_OK);
}

/* Where a frame's bytes are, when it has any. */
static struct span *data_of(struct frame *f)
{
    if (f->kind == FRAME_PROOF_CHOICES || f->kind == FRAME_PROOF_TREES ||
        f->kind == FRAME_PROOF_ANSWER)
        return &f->u.proof;
    return f->kind == FRAME_PROOF_PART ? &f->u.proof_part.data : NULL;
}

/* The next frame of `from` to s, changed when it is the one. */
static bool step(struct asking *a, struct session *s, struct outbox *from, struct outbox *answers)
{
    struct wire_in in = {0};
    struct buf frame;
    struct buf data = {0};
    struct buf changed = {0};

    if (!outbox_take(from, &frame))
        return false;
    assert_int_equal(wire_decode(&in, buf_span(&frame), &a->err), PT_OK);
    struct frame f = in.frame;
    if (a->seen[f.kind]++ == 0 && f.kind == a->kind && a->change != NULL) {
        struct span *bytes = data_of(&f);
        if (bytes != NULL) {
            assert_true(buf_add(&data, bytes->p, bytes->n));
            *bytes = buf_span(&data);
        }
        a->change(&f, &data);
        assert_int_equal(wire_encode(&changed, &f, &a->err), PT_OK);
    }
    a->rc = session_step(s, buf_span(changed.n > 0 ? &changed : &frame), answers, &a->err);
    wire_in_free(&in);
    buf_free(&frame);
    buf_free(&data);
    buf_free(&changed);
    return true;
}

/* Everything that is on its way, until nobody has anything to say or a step fails. */
static void run(struct asking *a)
{
    bool moved = a->rc == PT_OK;

    while (moved && a->rc == PT_OK) {
        moved = step(a, &a->link.accepter, &a->link.to_accepter, &a->link.to_opener);
        if (a->rc == PT_OK && ask_evaluator_checking(&a->evaluator))
            a->rc = ask_evaluator_check(&a->evaluator, &a->link.to_opener, &a->err);
        if (a->rc == PT_OK && ask_evaluator_ready(&a->evaluator))
            a->rc = ask_evaluator_answer(&a->evaluator, &a->link.to_opener, &a->err);
        if (a->rc == PT_OK)
            moved = step(a, &a->link.opener, &a->link.to_opener, &a->link.to_accepter) || moved;
        while (a->rc == PT_OK && ask_recipient_sending(&a->recipient)) {
            a->rc = ask_recipient_send(&a->recipient, &a->link.to_accepter, &a->err);
            moved = true;
        }
    }
}

/* The evaluator refused with that word, which is all that the recipient gets; nothing was charged, and
 * nothing computed. */
static void refused_with(struct asking *a, enum refusal why)
{
    struct pt_err err = {0};
    enum pt_code rc = PT_OK;

    assert_int_not_equal(a->rc, PT_OK);
    assert_int_equal(a->link.accepter.state, SESSION_FAILED);
    assert_string_equal(refusal_name(a->link.accepter.refusal), refusal_name(why));
    while (a->link.opener.state != SESSION_FAILED &&
           fixture_step(&a->link.opener, &a->link.to_opener, &a->link.to_accepter, &rc, &err))
        ;
    assert_int_equal(a->link.opener.refusal, why);
    assert_false(ask_recipient_answered(&a->recipient));
    assert_int_equal(a->epoch.charges, 0);
    assert_false(a->epoch.charged_before_row);
}

static bool any_bound(const struct fixture_epoch *e)
{
    for (size_t i = 0; i < e->kept_count; i++)
        if (e->kept[i].bound)
            return true;
    return false;
}

/* ---- honest ---- */

/* What the host holds of column `at` of the question is gone. */
static void lose(struct fixture_epoch *e, size_t at)
{
    struct span name = buf_span(&e->names[at]);

    for (size_t i = 0; i < e->kept_count; i++) {
        struct fixture_column *k = &e->kept[i];
        if (!span_eq_vartime(span_of(k->name, k->name_n), name))
            continue;
        buf_free(&k->bytes);
        *k = e->kept[--e->kept_count];
        e->kept[e->kept_count] = (struct fixture_column){0};
        return;
    }
    fail_msg("no such column");
}

/* Goal: columns that are here are not proved twice, and each commitment has one challenge. */
static void what_is_proved_is_proved_once(void **state)
{
    static struct asking a;

    (void)state;
    set_up(&a, "crosstab");
    ask(&a);
    run(&a);
    if (a.rc != PT_OK)
        fail_msg("%s", a.err.msg);
    assert_int_equal(a.link.accepter.state, SESSION_DONE);
    assert_int_equal(a.seen[FRAME_PROOF_COMMIT], 1);
    assert_int_equal(a.seen[FRAME_PROOF_CHALLENGE], 1);
    assert_int_equal(a.epoch.answered, 1);
    assert_int_equal(a.epoch.once_count, 1);
    assert_int_equal(a.epoch.once[0].first, 0);
    ask(&a);
    run(&a);
    assert_int_equal(a.link.accepter.state, SESSION_DONE);
    for (int k = FRAME_PROOF_CHOICES; k < FRAME_KINDS_END; k++)
        assert_int_equal(a.seen[k], 0);
    /* "all" lost its proof: it is sent and proved again, and nothing else. */
    lose(&a.epoch, 0);
    ask(&a);
    run(&a);
    assert_int_equal(a.link.accepter.state, SESSION_DONE);
    assert_int_equal(a.recipient.need_count, 1);
    assert_int_equal(a.seen[FRAME_PROOF_COMMIT], 1);
    /* One value's column did: all of the table and its counter, which were proved together. */
    lose(&a.epoch, 2);
    ask(&a);
    run(&a);
    assert_int_equal(a.link.accepter.state, SESSION_DONE);
    assert_int_equal(a.recipient.need_count, 4);
    tear_down(&a);
}

/* ---- frames that are changed ---- */

static void flip(struct frame *f, struct buf *data)
{
    (void)f;
    data->p[11] ^= 1;
}
static void flip_tree(struct frame *f, struct buf *data)
{
    data->p[f->u.proof.n - 1] ^= 1; /* of the last tree's check value */
}
static void identity(struct frame *f, struct buf *data)
{
    (void)f;
    memset(data->p, 0, 32);
}
static void shorten(struct frame *f, struct buf *data)
{
    struct span *bytes = data_of(f);

    (void)data;
    if (bytes != NULL)
        bytes->n--;
}
static void large_number(struct frame *f, struct buf *data)
{
    (void)f;
    memset(data->p, 0xff, 15); /* X of three rows, each plane's first bytes */
}
static void later_first(struct frame *f, struct buf *data)
{
    (void)data;
    f->u.proof_commit.first++;
}
static void more_columns(struct frame *f, struct buf *data)
{
    (void)data;
    f->u.proof_commit.count++;
}
static void other_digest(struct frame *f, struct buf *data)
{
    (void)data;
    f->u.proof_commit.digest.b[5] ^= 1;
}
static void other_signature(struct frame *f, struct buf *data)
{
    (void)data;
    f->u.proof_commit.signature.b[5] ^= 1;
}
static void later_offset(struct frame *f, struct buf *data)
{
    (void)data;
    f->u.proof_part.offset++;
}
static void other_challenge(struct frame *f, struct buf *data)
{
    (void)data;
    f->u.proof_challenge.b[0] ^= 1;
}

/* Goal: whatever of a proof's own content is wrong, the refusal is one word, final and on the record;
 * what is merely no message of this session ends the session alone. */
static void changed_messages_are_refused(void **state)
{
    static const struct {
        const char *what;
        enum frame_kind kind;
        void (*change)(struct frame *, struct buf *);
        bool is_final;
    } cases[] = {
        {"a tree that is none", FRAME_PROOF_TREES, flip_tree, true},
        {"a tree's keys changed", FRAME_PROOF_TREES, flip, true},
        {"trees under the identity", FRAME_PROOF_TREES, identity, true},
        {"short trees", FRAME_PROOF_TREES, shorten, true},
        {"a batch that begins elsewhere", FRAME_PROOF_COMMIT, later_first, false},
        {"a batch of more columns than are needed", FRAME_PROOF_COMMIT, more_columns, false},
        {"another commitment's digest", FRAME_PROOF_COMMIT, other_digest, false},
        {"a commitment that is not signed", FRAME_PROOF_COMMIT, other_signature, false},
        {"another commitment than was signed", FRAME_PROOF_PART, flip, false},
        {"a part elsewhere", FRAME_PROOF_PART, later_offset, false},
        {"a short part", FRAME_PROOF_PART, shorten, false},
        {"an answer to another challenge", FRAME_PROOF_CHALLENGE, other_challenge, true},
        {"another answer", FRAME_PROOF_ANSWER, flip, true},
        {"a number of an answer that is not below q", FRAME_PROOF_ANSWER, large_number, true},
        {"a short answer", FRAME_PROOF_ANSWER, shorten, true},
    };
    static struct asking a;
    static char sentence[256];

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        print_message("%s\n", cases[i].what);
        set_up(&a, "overlap");
        a.kind = cases[i].kind;
        a.change = cases[i].change;
        ask(&a);
        run(&a);
        refused_with(&a, cases[i].is_final ? REFUSAL_NOT_PROVED : REFUSAL_BAD_MESSAGE);
        assert_int_equal(a.epoch.barred, cases[i].is_final);
        assert_false(any_bound(&a.epoch));
        if (cases[i].is_final) { /* one sentence, whichever it was */
            assert_true(sentence[0] == '\0' || strcmp(sentence, a.err.msg) == 0);
            memcpy(sentence, a.err.msg, sizeof sentence);
        }
        /* Then asked as it should be: too late, or all is well. */
        a.change = NULL;
        ask(&a);
        run(&a);
        if (cases[i].is_final)
            refused_with(&a, REFUSAL_NOT_PROVED);
        else
            assert_int_equal(a.link.accepter.state, SESSION_DONE);
        assert_int_equal(a.seen[FRAME_NEED], cases[i].is_final ? 0 : 1);
        tear_down(&a);
    }
}

/* ---- columns that are not well formed ---- */

/* Goal: a column with a weight of more than one is refused before anything is charged or computed, and
 * its sender for the whole epoch, also once it is honest; the record names both its messages. */
static void a_heavy_weight_is_refused_for_good(void **state)
{
    static const struct digest NONE;
    static struct asking a;
    struct ask_column *c = &a.epoch.columns[2];

    (void)state;
    set_up(&a, "crosstab");
    a.epoch.bytes[2].p[2 * RLWE_DEGREE + 5] ^= 1; /* by 2^16 times something */
    reply_column_digest(&c->digest, buf_span(&a.epoch.bytes[2]));
    ask(&a);
    run(&a);
    refused_with(&a, REFUSAL_NOT_PROVED);
    assert_true(a.epoch.barred);
    assert_false(any_bound(&a.epoch)); /* nor the honest columns of the batch */
    assert_memory_equal(&a.epoch.refusal.session, &a.epoch.once[0].session, sizeof(struct digest));
    assert_memory_equal(&a.epoch.refusal.commitment, &a.epoch.once[0].commitment,
                        sizeof(struct digest));
    assert_memory_not_equal(&a.epoch.refusal.answer, &NONE, sizeof NONE);
    a.epoch.bytes[2].p[2 * RLWE_DEGREE + 5] ^= 1;
    reply_column_digest(&c->digest, buf_span(&a.epoch.bytes[2]));
    ask(&a);
    run(&a);
    refused_with(&a, REFUSAL_NOT_PROVED);
    assert_int_equal(a.seen[FRAME_NEED], 0);
    /* Another epoch is another matter. */
    a.epoch.barred = false;
    ask(&a);
    run(&a);
    assert_int_equal(a.link.accepter.state, SESSION_DONE);
    tear_down(&a);
}

/* ---- a person in more columns than the policy says ---- */

/* Goal: weights of one in two columns where the policy allows one are refused; the counter cannot hide
 * it, nor be left out. Every column by itself is well formed. */
static void a_person_in_too_many_columns_is_refused(void **state)
{
    static struct asking a;
    struct fixture_epoch *e = &a.epoch;

    (void)state;
    for (int8_t sign = -1; sign <= 1; sign += 2) {
        size_t slot = 0;
        set_up(&a, "crosstab");
        assert_int_equal(e->counter_count, 1);
        while (e->f[1][slot] == 0)
            slot++;
        e->f[2][slot] = (int8_t)(sign * e->f[1][slot]);
        fixture_encrypt(e, 2, &(struct key32){{0x77}});
        ask(&a);
        run(&a);
        refused_with(&a, REFUSAL_NOT_PROVED);
        assert_true(e->barred);
        assert_false(any_bound(e));
        tear_down(&a);
    }
    /* Without its counter it is another question than the policy's. */
    set_up(&a, "crosstab");
    ask(&a);
    fixture_link_free(&a.link);
    ask_recipient_free(&a.recipient);
    ask_evaluator_free(&a.evaluator);
    e->counter_count = 0;
    struct ask_evaluator_in in = fixture_evaluator_in(e);
    struct ask_recipient_in asks = fixture_recipient_in(e, &a.recipient);
    fixture_greet(&a.link, node(&a, "freshmart"), node(&a, "drinkco"), WHAT_ASK);
    assert_int_equal(ask_evaluator_begin(&a.evaluator, &a.link.accepter, &in, &a.err), PT_OK);
    assert_int_equal(
        ask_recipient_begin(&a.recipient, &a.link.opener, &asks, &a.link.to_accepter, &a.err),
        PT_EBUG);
    tear_down(&a);
}

/* Goal: a recipient whose partner needs some of a table's columns, and not the others, sends none. */
static void drop_one(struct frame *f, struct buf *data)
{
    (void)data;
    f->u.need.column_count--;
}
static void half_a_table_is_not_proved(void **state)
{
    static struct asking a;

    (void)state;
    set_up(&a, "crosstab");
    a.kind = FRAME_NEED;
    a.change = drop_one;
    ask(&a);
    run(&a);
    assert_int_equal(a.rc, PT_EBADMSG);
    assert_int_equal(a.link.opener.state, SESSION_FAILED);
    assert_int_equal(a.seen[FRAME_COLUMN_PART], 0);
    tear_down(&a);
}

/* Goal: a refusal that cannot be written down is no NOT_PROVED, and no answer either. */
static enum pt_code disk_full(void *self, const struct ask_proof_refusal *r, struct pt_err *err)
{
    (void)self;
    (void)r;
    return pt_fail(err, PT_EIO, "the disk is full");
}
static enum pt_code not_written(void *self, const struct ask_proof_once *o, struct pt_err *err)
{
    (void)self;
    (void)o;
    return pt_fail(err, PT_EIO, "the disk is full");
}
static void what_cannot_be_written_is_not_said(void **state)
{
    static struct asking a;

    (void)state;
    set_up(&a, "overlap");
    a.kind = FRAME_PROOF_ANSWER;
    a.change = flip;
    ask(&a);
    a.evaluator.in.host.proof_refused = disk_full;
    run(&a);
    refused_with(&a, REFUSAL_INTERNAL);
    a.change = NULL;
    ask(&a); /* no challenge leaves before it is on the disk */
    a.evaluator.in.host.proof_challenged = not_written;
    run(&a);
    refused_with(&a, REFUSAL_INTERNAL);
    assert_int_equal(a.seen[FRAME_PROOF_CHALLENGE], 0);
    ask(&a); /* and no answer to it */
    a.recipient.in.prover.challenged = not_written;
    run(&a);
    assert_int_equal(a.rc, PT_EIO);
    assert_int_equal(a.link.opener.refusal, REFUSAL_INTERNAL);
    assert_int_equal(a.seen[FRAME_PROOF_CHALLENGE], 1);
    assert_int_equal(a.seen[FRAME_PROOF_ANSWER], 0);
    assert_false(a.epoch.barred);
    tear_down(&a);
}

/* ---- frames out of order ---- */

/* Steps both until the accepter has seen a frame of this kind. */
static void run_until(struct asking *a, enum frame_kind kind)
{
    while (a->rc == PT_OK && a->seen[kind] == 0) {
        if (ask_recipient_sending(&a->recipient))
            a->rc = ask_recipient_send(&a->recipient, &a->link.to_accepter, &a->err);
        if (!step(a, &a->link.accepter, &a->link.to_accepter, &a->link.to_opener))
            (void)step(a, &a->link.opener, &a->link.to_opener, &a->link.to_accepter);
    }
    if (a->rc != PT_OK)
        fail_msg("%s", a->err.msg);
}

static void the_evaluator_takes_each_message_in_its_place(void **state)
{
    static const struct {
        enum frame_kind after, comes;
    } cases[] = {
        {FRAME_QUESTION, FRAME_PROOF_TREES},       {FRAME_QUESTION, FRAME_PROOF_ANSWER},
        {FRAME_COLUMN_PART, FRAME_PROOF_COMMIT},   {FRAME_COLUMN_PART, FRAME_COLUMN_PART},
        {FRAME_PROOF_TREES, FRAME_PROOF_TREES},    {FRAME_PROOF_TREES, FRAME_PROOF_PART},
        {FRAME_PROOF_COMMIT, FRAME_PROOF_COMMIT},  {FRAME_PROOF_COMMIT, FRAME_PROOF_ANSWER},
        {FRAME_PROOF_PART, FRAME_PROOF_PART},      {FRAME_PROOF_PART, FRAME_PROOF_COMMIT},
        {FRAME_PROOF_PART, FRAME_PROOF_CHALLENGE}, {FRAME_PROOF_TREES, FRAME_PROOF_CHOICES},
        {FRAME_PROOF_ANSWER, FRAME_PROOF_ANSWER},
    };
    static struct asking a;

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct frame f = fixture_frame(cases[i].comes);
        struct buf bytes = {0};
        set_up(&a, "overlap");
        ask(&a);
        run_until(&a, cases[i].after);
        f.seq = a.link.accepter.next_received;
        assert_int_equal(wire_encode(&bytes, &f, &a.err), PT_OK);
        a.rc = session_step(&a.link.accepter, buf_span(&bytes), &a.link.to_opener, &a.err);
        buf_free(&bytes);
        outbox_free(&a.link.to_accepter);
        refused_with(&a, REFUSAL_BAD_MESSAGE);
        assert_false(a.epoch.barred);
        tear_down(&a);
    }
}

/* Goal: a recipient proves for nobody who asks in another way: no columns go out without choices, no
 * answer to a challenge that came early or twice, no reply instead of a proof. */
static void the_recipient_takes_each_message_in_its_place(void **state)
{
    static const struct {
        enum frame_kind after; /* that the evaluator has taken */
        enum frame_kind comes;
        int answers; /* to challenges */
    } cases[] = {
        {FRAME_QUESTION, FRAME_PROOF_CHALLENGE, 0},
        {FRAME_QUESTION, FRAME_REPLY, 0},
        {FRAME_QUESTION, FRAME_ANSWER, 0},
        {FRAME_COLUMN_PART, FRAME_PROOF_CHALLENGE, 0},
        {FRAME_COLUMN_PART, FRAME_REPLY, 0},
        {FRAME_PROOF_COMMIT, FRAME_PROOF_CHALLENGE, 0},
        {FRAME_PROOF_ANSWER, FRAME_PROOF_CHALLENGE, 1},
        {FRAME_PROOF_ANSWER, FRAME_PROOF_CHOICES, 1},
    };
    static struct asking a;

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct frame f = fixture_frame(cases[i].comes);
        struct buf bytes = {0};
        set_up(&a, "overlap");
        ask(&a);
        run_until(&a, cases[i].after);
        if (cases[i].after != FRAME_QUESTION)
            while (a.rc == PT_OK &&
                   step(&a, &a.link.opener, &a.link.to_opener, &a.link.to_accepter))
                ;
        f.seq = a.link.opener.next_received;
        assert_int_equal(wire_encode(&bytes, &f, &a.err), PT_OK);
        a.rc = session_step(&a.link.opener, buf_span(&bytes), &a.link.to_accepter, &a.err);
        buf_free(&bytes);
        assert_int_equal(a.rc, PT_ESTATE);
        assert_int_equal(a.link.opener.state, SESSION_FAILED);
        assert_int_equal(a.epoch.answered, cases[i].answers);
        tear_down(&a);
    }
}

static void malformed_choices_are_refused(void **state)
{
    static void (*const CHANGE[])(struct frame *, struct buf *) = {identity, shorten};
    static struct asking a;

    (void)state;
    for (size_t i = 0; i < PT_LEN(CHANGE); i++) {
        set_up(&a, "overlap");
        a.kind = FRAME_PROOF_CHOICES;
        a.change = CHANGE[i];
        ask(&a);
        run(&a);
        assert_int_equal(a.rc, PT_EBADMSG);
        assert_int_equal(a.link.opener.state, SESSION_FAILED);
        assert_int_equal(a.seen[FRAME_COLUMN_PART], 0); /* and no column left */
        tear_down(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_proved_is_proved_once),
        cmocka_unit_test(changed_messages_are_refused),
        cmocka_unit_test(a_heavy_weight_is_refused_for_good),
        cmocka_unit_test(a_person_in_too_many_columns_is_refused),
        cmocka_unit_test(half_a_table_is_not_proved),
        cmocka_unit_test(what_cannot_be_written_is_not_said),
        cmocka_unit_test(the_evaluator_takes_each_message_in_its_place),
        cmocka_unit_test(the_recipient_takes_each_message_in_its_place),
        cmocka_unit_test(malformed_choices_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
