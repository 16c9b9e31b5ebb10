/* Goal: all parties of an epoch end with one header that all signed, or nobody who is honest goes
 * on. Method: three nodes in memory; then one statement changed on its way, by whoever carries it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/proto_fixture.h"

enum { ME = 1, OTHERS = 2 }; /* freshmart opens; drinkco (0) and homeware (2) answer */

struct host {
    struct salt_result adopted;
    int adopt_count;
    enum pt_code allow;
};
struct federation {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_link link[OTHERS];
    struct salt_own own[3];
    struct host host[3];
    struct salt_initiator initiator;
    struct salt_responder responder[OTHERS];
    struct outbox out[OTHERS]; /* of the initiator */
    struct pt_err err;
    enum pt_code rc;
    bool done;
};

static const int NODE[OTHERS] = {0, 2};

static enum pt_code allow(void *self, const struct salt_round *r, struct pt_err *err)
{
    static const struct signature none;
    const struct host *h = self;

    assert_int_equal(r->number, 5);
    assert_int_equal(r->attempt, 1);
    /* Asked with everyone who will read our size known, and our size not yet said. */
    assert_int_equal(r->count, 3);
    assert_memory_equal(&r->commits[r->own_at].signature, &none, sizeof none);
    return h->allow == PT_OK ? PT_OK : pt_fail(err, h->allow, "three salt retries today");
}

static enum pt_code adopt(void *self, const struct salt_result *r, struct pt_err *err)
{
    struct host *h = self;

    (void)err;
    h->adopted = *r;
    h->adopt_count++;
    return PT_OK;
}

static void set_up(struct federation *f)
{
    memset(f, 0, sizeof *f);
    f->policy = fixture_three();
    fixture_nodes(f->nodes, f->policy);
    for (int i = 0; i < 3; i++) {
        f->own[i].dataset = fixture_digest((uint8_t)(0x10 + i));
        f->own[i].seed_hash = fixture_digest((uint8_t)(0x20 + i));
        f->own[i].padded_size = 100000 + (uint64_t)i;
        memset(f->own[i].share.b, 0x30 + i, 32);
        memset(f->own[i].blind.b, 0x40 + i, 32);
    }
    for (int i = 0; i < OTHERS; i++) {
        struct salt_host host = {&f->host[NODE[i]], allow, adopt};
        fixture_greet(&f->link[i], &f->nodes[ME], &f->nodes[NODE[i]], WHAT_EPOCH);
        assert_int_equal(salt_responder_begin(&f->responder[i], &f->link[i].accepter,
                                              &f->own[NODE[i]], host, &f->err),
                         PT_OK);
    }
}

static void begin(struct federation *f)
{
    struct session *sessions[OTHERS] = {&f->link[0].opener, &f->link[1].opener};
    struct salt_initiator_in in = {.sessions = sessions,
                                   .session_count = OTHERS,
                                   .number = 5,
                                   .attempt = 1,
                                   .own = &f->own[ME],
                                   .host = {&f->host[ME], allow, adopt}};

    f->rc = salt_initiator_begin(&f->initiator, &in, f->out, &f->err);
}

static void tear_down(struct federation *f)
{
    for (int i = 0; i < OTHERS; i++) {
        fixture_link_free(&f->link[i]);
        outbox_free(&f->out[i]);
        salt_responder_wipe(&f->responder[i]);
    }
    salt_initiator_wipe(&f->initiator);
    policy_free(f->policy);
}

/* One frame each way on each link. change, unless NULL, sees frames of `kind` on their way. */
struct meddling {
    enum frame_kind kind;
    int link; /* which one is changed */
    void (*change)(struct federation *, struct frame *);
};

static void carry(struct federation *f, struct outbox *from, int link, const struct meddling *m)
{
    struct buf bytes;
    struct wire_in in = {0};
    struct pt_err err = {0};

    if (m == NULL || m->link != link || !outbox_take(from, &bytes))
        return;
    assert_int_equal(wire_decode(&in, buf_span(&bytes), &err), PT_OK);
    struct frame frame = in.frame;
    if (frame.kind == m->kind)
        m->change(f, &frame);
    struct buf *out = outbox_add(from);
    assert_non_null(out);
    if (wire_encode(out, &frame, &err) != PT_OK)
        fail_msg("%s", err.msg);
    wire_in_free(&in);
    buf_free(&bytes);
}

static bool turn(struct federation *f, const struct meddling *m)
{
    bool moved = false;

    for (int i = 0; i < OTHERS && f->rc == PT_OK; i++) {
        struct fixture_link *l = &f->link[i];
        carry(f, &f->out[i], i, m);
        moved = fixture_step(&l->accepter, &f->out[i], &l->to_opener, &f->rc, &f->err) || moved;
        if (f->rc != PT_OK)
            break;
        carry(f, &l->to_opener, i, m);
        moved = fixture_step(&l->opener, &l->to_opener, &f->out[i], &f->rc, &f->err) || moved;
    }
    return moved;
}

static void run(struct federation *f, const struct meddling *m)
{
    while (f->rc == PT_OK && turn(f, m))
        if (f->rc == PT_OK && !f->done && salt_initiator_ready(&f->initiator))
            f->rc = salt_initiator_next(&f->initiator, f->out, &f->done, &f->err);
}

static void all_end_with_one_header(void **state)
{
    static struct federation f;
    struct digest id[3];

    (void)state;
    set_up(&f);
    begin(&f);
    run(&f, NULL);
    if (f.rc != PT_OK)
        fail_msg("%s", f.err.msg);
    assert_true(f.done);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(f.host[i].adopt_count, 1);
        assert_int_equal(salt_result_check(&f.host[i].adopted, f.policy, &f.err), PT_OK);
        assert_int_equal(epoch_header_id(&id[i], &f.host[i].adopted.header, &f.err), PT_OK);
        assert_memory_equal(id[i].b, id[0].b, 32);
    }
    for (int i = 0; i < OTHERS; i++) {
        assert_int_equal(f.link[i].opener.state, SESSION_DONE);
        assert_int_equal(f.link[i].accepter.state, SESSION_DONE);
    }
    const struct epoch_header *h = &f.host[0].adopted.header;
    assert_int_equal(h->participant_count, 3);
    assert_string_equal(h->participants[0].name, "drinkco");
    assert_string_equal(h->participants[2].name, "homeware");
    assert_int_equal(h->participants[2].padded_size, 100002);
    assert_memory_equal(h->participants[1].dataset.b, f.own[1].dataset.b, 32);
    assert_int_equal(h->slot_count, 1 << 20); /* 4 x 100002, at least 2^20 */
    assert_int_equal(h->number, 5);
    assert_int_equal(h->key_period, 7);
    /* A signature that is another's, and a header that was changed after. */
    struct salt_result r = f.host[0].adopted;
    r.signatures[1] = r.signatures[0];
    assert_int_equal(salt_result_check(&r, f.policy, &f.err), PT_EDENIED);
    assert_non_null(strstr(f.err.msg, "freshmart"));
    r = f.host[0].adopted;
    r.header.slot_count *= 2;
    assert_int_equal(salt_result_check(&r, f.policy, &f.err), PT_EDENIED);
    r = f.host[0].adopted;
    r.header.policy_hash.b[0] ^= 1;
    assert_int_equal(salt_result_check(&r, f.policy, &f.err), PT_EDENIED);
    tear_down(&f);
}

/* The salt is everybody's: another share of any one party is another salt. */
static void each_share_decides(void **state)
{
    struct digest salt[4];

    (void)state;
    for (int changed = 0; changed < 4; changed++) {
        static struct federation f;
        set_up(&f);
        if (changed < 3) {
            f.own[changed].share.b[31] ^= 1;
            if (changed != ME)
                f.responder[changed / 2].round.own.share.b[31] ^= 1;
        }
        begin(&f);
        run(&f, NULL);
        assert_true(f.done);
        salt[changed] = f.host[ME].adopted.header.salt;
        tear_down(&f);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(salt[i].b, salt[j].b, 32);
}

/* ---- meddling ---- */

static void key_period(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.propose.key_period++;
}
static void order(struct federation *f, struct frame *m)
{
    (void)f;
    struct span p = m->u.propose.participants[0];
    m->u.propose.participants[0] = m->u.propose.participants[1];
    m->u.propose.participants[1] = p;
}
static void without_you(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.propose.participant_count = 2;
}
static void unknown(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.propose.participants[2] = span_z("nobody");
}
static void attempt(struct federation *f, struct frame *m)
{
    /* Signed for the round that was proposed to it, useless in ours. */
    (void)f;
    m->u.commit.signature.b[0] ^= 1;
}
static void size(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.commit.padded_size++;
}
static void relayed_dataset(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.commits.items[0].dataset.b[0] ^= 1;
}
static void relayed_own(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.commits.items[2] = m->u.commits.items[0];
}
static void relayed_few(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.commits.count--;
}
static void share(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.reveal.share.b[0] ^= 1;
}
static void relayed_share(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.reveals.items[0].share.b[0] ^= 1;
}
static void relayed_blind_few(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.reveals.count--;
}
static void other_signature(struct federation *f, struct frame *m)
{
    m->u.header_signature.signature = f->initiator.round.result.signatures[ME];
}
static void relayed_signature(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.header_signatures.items[0].signature.b[9] ^= 1;
}
static void other_epoch(struct federation *f, struct frame *m)
{
    (void)f;
    m->u.epoch_id.b[0] ^= 1;
}

static void whatever_is_changed_is_noticed(void **state)
{
    static const struct {
        const char *what, *named;
        enum frame_kind kind;
        void (*change)(struct federation *, struct frame *);
    } cases[] = {
        {"key period", "key period 8", FRAME_PROPOSE, key_period},
        {"order", "out of order", FRAME_PROPOSE, order},
        {"without you", "without ourselves", FRAME_PROPOSE, without_you},
        {"unknown party", "participant 3", FRAME_PROPOSE, unknown},
        {"commit's signature", "commitment of homeware", FRAME_COMMIT, attempt},
        {"commit's size", "commitment of homeware", FRAME_COMMIT, size},
        {"relayed dataset", "commitment of drinkco", FRAME_COMMITS, relayed_dataset},
        {"another in your place", "commitment of homeware", FRAME_COMMITS, relayed_own},
        {"one commit missing", "2 statements for 3", FRAME_COMMITS, relayed_few},
        {"another share", "share of homeware", FRAME_REVEAL, share},
        {"relayed share", "share of drinkco", FRAME_REVEALS, relayed_share},
        {"one share missing", "2 statements for 3", FRAME_REVEALS, relayed_blind_few},
        {"another's signature", "signature of homeware", FRAME_HEADER_SIGNATURE, other_signature},
        {"relayed signature", "signature of drinkco", FRAME_HEADER_SIGNATURES, relayed_signature},
        {"another epoch", "homeware took over another epoch", FRAME_EPOCH_DONE, other_epoch},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        static struct federation f;
        struct meddling m = {cases[i].kind, 1, cases[i].change};
        set_up(&f);
        begin(&f);
        run(&f, &m);
        print_message("%s: %s\n", cases[i].what, f.err.msg);
        assert_int_not_equal(f.rc, PT_OK);
        assert_false(f.done);
        assert_non_null(strstr(f.err.msg, cases[i].named));
        /* Who was lied to has not gone on. */
        if (cases[i].kind != FRAME_EPOCH_DONE)
            assert_int_equal(f.host[2].adopt_count, 0);
        salt_initiator_abort(&f.initiator, f.out);
        for (int k = 0; k < OTHERS; k++)
            assert_true(f.link[k].opener.state == SESSION_FAILED);
        tear_down(&f);
    }
}

/* A share that the author itself changes after it committed: signed, and still not accepted. */
static void a_share_cannot_be_chosen_late(void **state)
{
    static struct federation f;

    (void)state;
    set_up(&f);
    begin(&f);
    assert_true(turn(&f, NULL));
    f.responder[1].round.own.share.b[0] ^= 1;
    struct wire_commit committed = f.responder[1].round.commits[2];
    assert_int_equal(salt_round_own(&f.responder[1].round, &f.err), PT_OK); /* a new reveal */
    f.responder[1].round.commits[2] = committed;
    assert_true(salt_initiator_ready(&f.initiator));
    f.rc = salt_initiator_next(&f.initiator, f.out, &f.done, &f.err);
    run(&f, NULL);
    assert_int_equal(f.rc, PT_EBADMSG);
    assert_string_equal(f.err.msg, "epoch 5: homeware reveals another share than it committed to");
    tear_down(&f);
}

static void padded_sizes_keep_the_policy(void **state)
{
    static struct federation f;

    (void)state;
    set_up(&f);
    f.responder[1].round.own.padded_size = 1000000 + EPOCH_PAD_MAX + 1;
    begin(&f);
    run(&f, NULL);
    assert_int_equal(f.rc, PT_EBADMSG);
    assert_non_null(strstr(f.err.msg, "homeware announces 1004401 customers"));
    tear_down(&f);
}

static void hosts_may_say_no(void **state)
{
    static const struct {
        enum pt_code rc;
        enum refusal refusal;
    } cases[] = {
        {PT_EDENIED, REFUSAL_QUOTA}, {PT_ESTATE, REFUSAL_EPOCH_MISMATCH}, {PT_EPEER, REFUSAL_BUSY}};
    static struct federation f;

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        set_up(&f);
        f.host[2].allow = cases[i].rc;
        begin(&f);
        run(&f, NULL);
        assert_int_equal(f.rc, cases[i].rc);
        assert_int_equal(f.link[1].accepter.refusal, cases[i].refusal);
        tear_down(&f);
    }
    set_up(&f);
    f.host[ME].allow = PT_EDENIED;
    begin(&f);
    assert_int_equal(f.rc, PT_EDENIED);
    assert_int_equal(outbox_count(&f.out[0]), 0);
    tear_down(&f);
    /* Not before all have answered, and not after. */
    set_up(&f);
    begin(&f);
    assert_int_equal(salt_initiator_next(&f.initiator, f.out, &f.done, &f.err), PT_ESTATE);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_end_with_one_header),
        cmocka_unit_test(each_share_decides),
        cmocka_unit_test(whatever_is_changed_is_noticed),
        cmocka_unit_test(a_share_cannot_be_chosen_late),
        cmocka_unit_test(padded_sizes_keep_the_policy),
        cmocka_unit_test(hosts_may_say_no),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
