/* Goal: a session opens only between two nodes that agree on everything, and whatever else happens
 * it ends with a named reason. Method: one difference, one wrong frame, one wrong state at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "tests/proto_fixture.h"

struct two {
    struct policy *policy, *other_policy;
    struct fixture_node nodes[3], others[3];
    struct fixture_link link;
    struct pt_err err;
    enum pt_code rc;
};

enum { ALICE = 0, BOB = 1, CAROL = 2 };

static void set_up(struct two *t)
{
    memset(t, 0, sizeof *t);
    t->policy = fixture_three();
    fixture_nodes(t->nodes, t->policy);
}

static void tear_down(struct two *t)
{
    fixture_link_free(&t->link);
    policy_free(t->policy);
    policy_free(t->other_policy);
}

static void hello(struct two *t, enum session_what what)
{
    struct session_to to = {.peer = BOB, .what = what, .nonce = fixture_digest(1)};
    struct session_to from = {.peer = ALICE, .what = what, .nonce = fixture_digest(2)};

    fixture_link_free(&t->link);
    assert_int_equal(
        session_open(&t->link.opener, &t->nodes[ALICE].self, to, &t->link.to_accepter, &t->err),
        PT_OK);
    session_accept(&t->link.accepter, &t->nodes[BOB].self, from);
}

/* Decode, change, sign again with `key` unless NULL, encode. */
static void rewrite(struct buf *bytes, void (*change)(struct frame *), const struct sign_key *key,
                    const char *label)
{
    struct wire_in in = {0};
    struct pt_err err = {0};
    struct buf body = {0};

    assert_int_equal(wire_decode(&in, buf_span(bytes), &err), PT_OK);
    struct frame f = in.frame;
    change(&f);
    if (key != NULL) {
        const struct wire_greeting *g = &f.u.greeting;
        /* The fields as greeting.c signs them, written a second time. */
        assert_true(buf_u32le(&body, g->version) && buf_field(&body, g->federation) &&
                    buf_add(&body, g->policy_hash.b, 32) && buf_add(&body, g->epoch_id.b, 32) &&
                    buf_field(&body, g->from) && buf_field(&body, g->to) &&
                    buf_field(&body, g->build) && buf_u32le(&body, (uint32_t)g->what) &&
                    buf_add(&body, g->nonce.b, 32) && buf_u32le(&body, g->key_period) &&
                    buf_add(&body, g->oprf_public.b, 32) && buf_add(&body, g->hello_hash.b, 32));
        sign_make(&f.u.greeting.signature, key, label, buf_span(&body));
    }
    struct buf out = {0};
    if (wire_encode(&out, &f, &err) != PT_OK)
        fail_msg("%s", err.msg);
    wire_in_free(&in);
    buf_free(&body);
    buf_free(bytes);
    *bytes = out;
}

static void nothing(struct frame *f)
{
    (void)f;
}
static void version(struct frame *f)
{
    f->u.greeting.version = SESSION_VERSION + 1;
}
static void from(struct frame *f)
{
    f->u.greeting.from = span_z("homeware");
}
static void to(struct frame *f)
{
    f->u.greeting.to = span_z("homeware");
}
static void federation(struct frame *f)
{
    f->u.greeting.federation = span_z("others");
}
static void policy_hash(struct frame *f)
{
    f->u.greeting.policy_hash.b[31] ^= 1;
}
static void epoch(struct frame *f)
{
    f->u.greeting.epoch_id.b[0] ^= 1;
}
static void period(struct frame *f)
{
    f->u.greeting.key_period++;
}
static void off_group(struct frame *f)
{
    memset(f->u.greeting.oprf_public.b, 0xff, 32);
}
static void identity(struct frame *f)
{
    memset(f->u.greeting.oprf_public.b, 0, 32);
}
static void hello_hash(struct frame *f)
{
    f->u.greeting.hello_hash.b[0] ^= 1;
}
static void nonce(struct frame *f)
{
    f->u.greeting.nonce.b[0] ^= 1;
}
static void signature(struct frame *f)
{
    f->u.greeting.signature.b[7] ^= 1;
}
static void seq(struct frame *f)
{
    f->seq++;
}

enum signer { UNCHANGED, OWN, FOREIGN };
static const struct difference {
    const char *what;
    void (*change)(struct frame *);
    enum signer signer;
    enum session_what in;
    enum refusal refusal; /* REFUSAL_NONE: accepted */
} DIFFERENCES[] = {
    {"nothing", nothing, OWN, WHAT_ASK, REFUSAL_NONE},
    {"version", version, OWN, WHAT_ASK, REFUSAL_VERSION},
    {"from", from, OWN, WHAT_ASK, REFUSAL_WRONG_PARTY},
    {"to", to, OWN, WHAT_ASK, REFUSAL_WRONG_PARTY},
    {"federation", federation, OWN, WHAT_ASK, REFUSAL_POLICY_MISMATCH},
    {"policy hash", policy_hash, OWN, WHAT_ASK, REFUSAL_POLICY_MISMATCH},
    {"epoch, asking", epoch, OWN, WHAT_ASK, REFUSAL_EPOCH_MISMATCH},
    {"epoch, tokenising", epoch, OWN, WHAT_TOKENISE, REFUSAL_NONE},
    {"period, tokenising", period, OWN, WHAT_TOKENISE, REFUSAL_EPOCH_MISMATCH},
    {"period, epoch", period, OWN, WHAT_EPOCH, REFUSAL_EPOCH_MISMATCH},
    {"period, asking", period, OWN, WHAT_ASK, REFUSAL_NONE},
    {"key off the group", off_group, OWN, WHAT_TOKENISE, REFUSAL_BAD_MESSAGE},
    {"key the identity", identity, OWN, WHAT_TOKENISE, REFUSAL_BAD_MESSAGE},
    {"nonce unsigned", nonce, UNCHANGED, WHAT_ASK, REFUSAL_NOT_SIGNED},
    {"signature", signature, UNCHANGED, WHAT_ASK, REFUSAL_NOT_SIGNED},
    {"another's signature", nothing, FOREIGN, WHAT_ASK, REFUSAL_NOT_SIGNED},
    {"hello hash", hello_hash, OWN, WHAT_ASK, REFUSAL_BAD_MESSAGE},
    {"sequence", seq, UNCHANGED, WHAT_ASK, REFUSAL_BAD_MESSAGE},
};

static const struct sign_key *signer_key(const struct two *t, enum signer s, int own)
{
    return s == UNCHANGED ? NULL : t->nodes[s == OWN ? own : CAROL].self.key;
}

static void each_difference_in_hello(void **state)
{
    static struct two t;

    (void)state;
    set_up(&t);
    for (size_t i = 0; i < PT_LEN(DIFFERENCES); i++) {
        const struct difference *d = &DIFFERENCES[i];
        struct buf bytes;
        print_message("Hello: %s\n", d->what);
        hello(&t, d->in);
        assert_true(outbox_take(&t.link.to_accepter, &bytes));
        rewrite(&bytes, d->change, signer_key(&t, d->signer, ALICE), "patto/hello/1");
        t.rc = session_step(&t.link.accepter, buf_span(&bytes), &t.link.to_opener, &t.err);
        buf_free(&bytes);
        assert_int_equal(t.link.accepter.refusal, d->refusal);
        assert_int_equal(t.rc == PT_OK, d->refusal == REFUSAL_NONE);
        assert_int_equal(outbox_count(&t.link.to_opener), 1); /* Welcome or Refusal */
        struct pt_err err = {0};
        fixture_step(&t.link.opener, &t.link.to_opener, &t.link.to_accepter, &t.rc, &err);
        if (d->refusal == REFUSAL_NONE)
            continue;
        assert_true(t.link.opener.refused_by_peer);
        assert_int_equal(t.link.opener.refusal, d->refusal);
        assert_non_null(strstr(err.msg, refusal_name(d->refusal)));
    }
    tear_down(&t);
}

static void each_difference_in_welcome(void **state)
{
    static struct two t;

    (void)state;
    set_up(&t);
    for (size_t i = 0; i < PT_LEN(DIFFERENCES); i++) {
        const struct difference *d = &DIFFERENCES[i];
        struct buf bytes;
        print_message("Welcome: %s\n", d->what);
        hello(&t, d->in);
        assert_true(
            fixture_step(&t.link.accepter, &t.link.to_accepter, &t.link.to_opener, &t.rc, &t.err));
        assert_int_equal(t.rc, PT_OK);
        assert_true(outbox_take(&t.link.to_opener, &bytes));
        rewrite(&bytes, d->change, signer_key(&t, d->signer, BOB), "patto/welcome/1");
        t.rc = session_step(&t.link.opener, buf_span(&bytes), &t.link.to_accepter, &t.err);
        buf_free(&bytes);
        assert_int_equal(t.link.opener.refusal, d->refusal);
        assert_int_equal(t.rc == PT_OK, d->refusal == REFUSAL_NONE);
    }
    tear_down(&t);
}

/* Both hashes are named at home, on either side; on the wire only the public hash travels. */
static void another_policy_names_both_hashes(void **state)
{
    static struct two t;
    char ours[72];
    char theirs[72];
    struct buf text = {0};

    (void)state;
    set_up(&t);
    fixture_three_text(&text);
    assert_true(buf_add(&text, "# another\n", 10));
    t.other_policy = fixture_parse(buf_span(&text));
    buf_free(&text);
    fixture_nodes(t.others, t.other_policy);
    policy_hash_text(ours, &t.policy->hash);
    policy_hash_text(theirs, &t.other_policy->hash);
    hello(&t, WHAT_ASK);
    struct session_to back = {.peer = ALICE, .what = WHAT_ASK, .nonce = fixture_digest(2)};
    session_accept(&t.link.accepter, &t.others[BOB].self, back);
    fixture_step(&t.link.accepter, &t.link.to_accepter, &t.link.to_opener, &t.rc, &t.err);
    assert_int_equal(t.rc, PT_EDENIED);
    assert_non_null(strstr(t.err.msg, ours));
    assert_non_null(strstr(t.err.msg, theirs));
    fixture_step(&t.link.opener, &t.link.to_opener, &t.link.to_accepter, &t.rc, &t.err);
    assert_int_equal(t.rc, PT_EDENIED);
    assert_non_null(strstr(t.err.msg, ours));
    assert_non_null(strstr(t.err.msg, theirs));
    tear_down(&t);
}

/* A Welcome recorded in one session does not open the next. */
static void replayed_welcome_is_refused(void **state)
{
    static struct two t;
    struct buf welcome;

    (void)state;
    set_up(&t);
    hello(&t, WHAT_ASK);
    fixture_step(&t.link.accepter, &t.link.to_accepter, &t.link.to_opener, &t.rc, &t.err);
    assert_true(outbox_take(&t.link.to_opener, &welcome));
    struct session_to again = {.peer = BOB, .what = WHAT_ASK, .nonce = fixture_digest(3)};
    struct outbox out = {0};
    struct session second;
    assert_int_equal(session_open(&second, &t.nodes[ALICE].self, again, &out, &t.err), PT_OK);
    assert_int_equal(session_step(&second, buf_span(&welcome), &out, &t.err), PT_EBADMSG);
    assert_non_null(strstr(t.err.msg, "another Hello"));
    assert_int_equal(session_step(&t.link.opener, buf_span(&welcome), &t.link.to_accepter, &t.err),
                     PT_OK);
    outbox_free(&out);
    buf_free(&welcome);
    tear_down(&t);
}

/* ---- states ---- */

/* Goal: in each state before the protocols' own, no frame but the table's is taken.
 * Method: each of all 21 kinds in START, GREETED, OPEN (nothing attached), FAILED. A frame of the
 * right kind fails here too (its content is made up), but by its content and not by its place. */
enum place { AT_START, AT_GREETED, AT_OPEN, AT_FAILED, PLACES };

static bool table_has(enum place place, enum frame_kind kind)
{
    if (place == AT_START)
        return kind == FRAME_HELLO;
    if (place == AT_GREETED)
        return kind == FRAME_WELCOME || kind == FRAME_REFUSAL;
    return place == AT_OPEN && (kind == FRAME_FINISH || kind == FRAME_REFUSAL);
}

static struct session *go_to(struct two *t, enum place place)
{
    struct session *s = place == AT_GREETED ? &t->link.opener : &t->link.accepter;

    if (place == AT_OPEN || place == AT_FAILED)
        fixture_step(s, &t->link.to_accepter, &t->link.to_opener, &t->rc, &t->err);
    if (place == AT_FAILED)
        session_refuse(s, REFUSAL_BUSY, &t->link.to_opener);
    return s;
}

static void one_frame(struct two *t, enum place place, enum frame_kind kind)
{
    struct frame f = fixture_frame(kind);
    struct buf bytes = {0};

    hello(t, WHAT_ASK);
    struct session *s = go_to(t, place);
    struct outbox *out = s->opener ? &t->link.to_accepter : &t->link.to_opener;
    f.seq = s->next_received;
    assert_int_equal(wire_encode(&bytes, &f, &t->err), PT_OK);
    memset(&t->err, 0, sizeof t->err);
    size_t before = outbox_count(out);
    t->rc = session_step(s, buf_span(&bytes), out, &t->err);
    buf_free(&bytes);
    assert_int_not_equal(t->rc, PT_OK);
    assert_string_not_equal(t->err.msg, "");
    assert_int_equal(s->state, SESSION_FAILED);
    if (!table_has(place, kind))
        assert_int_equal(t->rc, PT_ESTATE);
    if (place == AT_FAILED) /* nothing more is said */
        assert_int_equal(outbox_count(out), before);
}

static void every_frame_in_every_state(void **state)
{
    static struct two t;

    (void)state;
    set_up(&t);
    for (int place = 0; place < PLACES; place++)
        for (size_t k = 0; k < FIXTURE_KINDS; k++)
            one_frame(&t, (enum place)place, fixture_kinds[k]);
    tear_down(&t);
}

/* A frame cut anywhere, and one bit of it turned, never passes. */
static void cut_and_turned_frames_are_refused(void **state)
{
    static struct two t;
    struct buf bytes;
    struct wire_in in;

    (void)state;
    set_up(&t);
    hello(&t, WHAT_ASK);
    assert_true(outbox_take(&t.link.to_accepter, &bytes));
    for (size_t n = 0; n < bytes.n; n++)
        assert_int_not_equal(wire_decode(&in, span_of(bytes.p, n), &t.err), PT_OK);
    for (size_t bit = 0; bit < bytes.n * 8; bit++) {
        struct outbox out = {0};
        hello(&t, WHAT_ASK);
        bytes.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(session_step(&t.link.accepter, buf_span(&bytes), &out, &t.err), PT_OK);
        bytes.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        outbox_free(&out);
    }
    buf_free(&bytes);
    tear_down(&t);
}

static void host_may_refuse_and_streams_may_end(void **state)
{
    static struct two t;

    (void)state;
    set_up(&t);
    for (int r = REFUSAL_NOT_SIGNED; r < REFUSAL_STOPPED_BY_OFFICER; r++) {
        hello(&t, WHAT_ASK);
        session_refuse(&t.link.accepter, (enum refusal)r, &t.link.to_opener);
        session_refuse(&t.link.accepter, REFUSAL_BUSY, &t.link.to_opener); /* once is enough */
        assert_int_equal(outbox_count(&t.link.to_opener), 1);
        fixture_step(&t.link.opener, &t.link.to_opener, &t.link.to_accepter, &t.rc, &t.err);
        assert_int_equal(t.link.opener.refusal, r);
        assert_non_null(strstr(t.err.msg, refusal_name((enum refusal)r)));
        assert_non_null(strstr(t.err.msg, "freshmart"));
        assert_int_equal(outbox_count(&t.link.to_accepter), 1); /* Hello: no answer to a Refusal */
    }
    hello(&t, WHAT_ASK);
    assert_int_equal(session_ended(&t.link.opener, &t.err), PT_EPEER);
    assert_non_null(strstr(t.err.msg, "waiting for Welcome"));
    assert_int_equal(t.link.opener.state, SESSION_FAILED);
    struct frame f = {.kind = FRAME_EPOCH_DONE};
    assert_int_equal(session_send(&t.link.opener, &f, &t.link.to_accepter, &t.err), PT_ESTATE);
    assert_int_equal(session_finish(&t.link.opener, &t.link.to_accepter, &t.err), PT_EBUG);
    tear_down(&t);
}

/* ---- an officer's stop ---- */

struct stop { /* of one node */
    bool here, stands;
    char taken[64];
};
static bool is_stopped(void *self, struct span *statement)
{
    const struct stop *s = self;

    *statement = span_z(s->here ? "as signed" : "");
    return s->here;
}
static enum pt_code take_stop(void *self, struct span statement, struct pt_err *err)
{
    struct stop *s = self;

    snprintf(s->taken, sizeof s->taken, "%.*s", (int)statement.n, (const char *)statement.p);
    s->here = s->stands;
    return s->stands ? PT_OK : pt_fail(err, PT_EDENIED, "not the officer's signature");
}

/* Goal: whoever is stopped says so at its next frame, opener or accepter, before anything else is
 * said; the peer stops if the statement stands, and on its word alone does not. */
static void a_stop_reaches_the_peer(void **state)
{
    static struct two t;

    (void)state;
    set_up(&t);
    for (int accepter = 0; accepter < 2; accepter++)
        for (int stands = 0; stands < 2; stands++) {
            struct stop stops[2] = {{.stands = stands}, {.stands = stands}};
            struct stop *stopped = &stops[accepter ? BOB : ALICE];
            struct stop *other = &stops[accepter ? ALICE : BOB];
            for (size_t i = 0; i < 2; i++)
                t.nodes[i].self.stop = (struct session_stop){&stops[i], is_stopped, take_stop};
            hello(&t, WHAT_ASK);
            stopped->here = true;
            while (
                fixture_step(&t.link.accepter, &t.link.to_accepter, &t.link.to_opener, &t.rc,
                             &t.err) ||
                fixture_step(&t.link.opener, &t.link.to_opener, &t.link.to_accepter, &t.rc, &t.err))
                ;
            assert_string_equal(other->taken, "as signed");
            assert_int_equal(other->here, stands);
            assert_string_equal(stopped->taken, "");
            assert_int_equal(t.link.opener.state, SESSION_FAILED);
            assert_int_equal(t.link.accepter.state, SESSION_FAILED);
            assert_int_equal(t.link.opener.refusal, REFUSAL_STOPPED_BY_OFFICER);
            assert_int_equal(t.link.accepter.refusal, REFUSAL_STOPPED_BY_OFFICER);
            assert_non_null(strstr(t.err.msg, stands ? "an officer has stopped the policy"
                                                     : "does not stop anybody: not the officer's"));
        }
    tear_down(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_difference_in_hello),
        cmocka_unit_test(each_difference_in_welcome),
        cmocka_unit_test(another_policy_names_both_hashes),
        cmocka_unit_test(replayed_welcome_is_refused),
        cmocka_unit_test(every_frame_in_every_state),
        cmocka_unit_test(cut_and_turned_frames_are_refused),
        cmocka_unit_test(host_may_refuse_and_streams_may_end),
        cmocka_unit_test(a_stop_reaches_the_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
