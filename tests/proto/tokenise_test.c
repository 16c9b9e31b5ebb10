/* Goal: what comes back from a peer is k times what was sent, or the peer is caught and named.
 * Method: products against group_mul(); each deviation of owner and of peer once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/proto_fixture.h"

enum { POINTS = 11, CHUNK = 4, CHUNKS = 3 };

struct batch {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_link link;
    struct tokenise_owner owner;
    struct tokenise_peer peer;
    struct point points[POINTS], expected[POINTS], got[POINTS];
    uint64_t counted, quota;
    struct pt_err err;
    enum pt_code rc;
};

static enum pt_code quota(void *self, uint16_t peer, uint64_t point_count, struct pt_err *err)
{
    struct batch *b = self;

    assert_int_equal(peer, 0);
    if (point_count > b->quota)
        return pt_fail(err, PT_EDENIED, "match.quota, line 20: used up");
    b->counted += point_count;
    return PT_OK;
}

static void greet(struct batch *b)
{
    static const struct key32 proof_key = {{9}};
    struct tokenise_peer_in in = {&b->nodes[1].oprf, &proof_key, {b, quota}, {0}};

    fixture_link_free(&b->link);
    tokenise_owner_free(&b->owner);
    fixture_greet(&b->link, &b->nodes[0], &b->nodes[1], WHAT_TOKENISE);
    assert_int_equal(tokenise_peer_begin(&b->peer, &b->link.accepter, &in, &b->err), PT_OK);
}

static void set_up(struct batch *b)
{
    memset(b, 0, sizeof *b);
    b->policy = fixture_three();
    fixture_nodes(b->nodes, b->policy);
    b->quota = 1000;
    for (size_t i = 0; i < POINTS; i++) {
        uint8_t wide[1][64] = {{0}};
        wide[0][0] = (uint8_t)(i + 1);
        group_map(&b->points[i], (const uint8_t(*)[64])wide, 1);
    }
    assert_int_equal(group_mul(b->expected, &b->nodes[1].oprf.k, b->points, POINTS),
                     GROUP_ALL_GOOD);
    greet(b);
}

static void tear_down(struct batch *b)
{
    fixture_link_free(&b->link);
    tokenise_owner_free(&b->owner);
    tokenise_peer_wipe(&b->peer);
    policy_free(b->policy);
}

static void begin(struct batch *b, uint32_t first_chunk)
{
    struct tokenise_plan plan = {POINTS, CHUNK, first_chunk};

    b->rc = tokenise_owner_begin(&b->owner, &b->link.opener, plan, &b->link.to_accepter, &b->err);
    assert_int_equal(b->rc, PT_OK);
}

static void take_ready(struct batch *b)
{
    static const struct scalar one = {{1}};
    struct tokenise_ready ready;

    while (tokenise_owner_take(&b->owner, &ready)) {
        group_mul_terms(b->got + (size_t)ready.number * CHUNK, &one, ready.points, ready.n);
        group_terms_free(ready.points);
    }
}

static bool peer_step(struct batch *b)
{
    return fixture_step(&b->link.accepter, &b->link.to_accepter, &b->link.to_opener, &b->rc,
                        &b->err);
}
static bool owner_step(struct batch *b)
{
    bool moved =
        fixture_step(&b->link.opener, &b->link.to_opener, &b->link.to_accepter, &b->rc, &b->err);

    take_ready(b);
    return moved;
}

static void send(struct batch *b)
{
    uint32_t n = b->owner.next_send;
    size_t size = tokenise_chunk_size(&b->owner.plan, n);
    struct span_points chunk = {size > 0 ? b->points + (size_t)n * CHUNK : b->points, size};

    b->rc = tokenise_owner_send(&b->owner, chunk, &b->link.to_accepter, &b->err);
}

static void run(struct batch *b)
{
    bool moved = true;

    while (moved && b->rc == PT_OK) {
        moved = false;
        while (b->rc == PT_OK && tokenise_owner_can_send(&b->owner))
            send(b);
        while (b->rc == PT_OK && peer_step(b))
            moved = true;
        while (b->rc == PT_OK && owner_step(b))
            moved = true;
    }
}

static void every_point_comes_back_multiplied(void **state)
{
    static struct batch b;

    (void)state;
    set_up(&b);
    begin(&b, 0);
    run(&b);
    assert_int_equal(b.rc, PT_OK);
    assert_int_equal(b.link.opener.state, SESSION_DONE);
    assert_int_equal(b.link.accepter.state, SESSION_DONE);
    assert_memory_equal(b.got, b.expected, sizeof b.expected);
    assert_int_equal(b.counted, POINTS);
    /* Both hold the other's signature over the same transcript, seen from either side. */
    const struct session_receipt *o = &b.link.opener.receipt;
    const struct session_receipt *p = &b.link.accepter.receipt;
    assert_memory_equal(o->sent.b, p->received.b, 32);
    assert_memory_equal(o->received.b, p->sent.b, 32);
    assert_memory_equal(o->own.b, p->peer.b, 64);
    assert_memory_equal(o->peer.b, p->own.b, 64);
    assert_memory_equal(o->session_id.b, p->session_id.b, 32);
    tear_down(&b);
}

/* The connection goes after one chunk; a new session takes the rest, and counts only the rest. */
static void a_cut_batch_is_resumed(void **state)
{
    static struct batch b;

    (void)state;
    set_up(&b);
    begin(&b, 0);
    send(&b);
    while (peer_step(&b))
        ;
    assert_true(owner_step(&b));
    assert_int_equal(session_ended(&b.link.accepter, &b.err), PT_EPEER);
    greet(&b);
    b.counted = 0;
    begin(&b, 1);
    run(&b);
    assert_int_equal(b.rc, PT_OK);
    assert_int_equal(b.counted, POINTS - CHUNK);
    assert_memory_equal(b.got, b.expected, sizeof b.expected);
    tear_down(&b);
}

static void owners_mistakes_are_refused_at_home(void **state)
{
    static struct batch b;
    struct tokenise_owner o = {0};
    struct tokenise_plan none = {0, CHUNK, 0};
    struct tokenise_plan past = {POINTS, CHUNK, CHUNKS};
    struct tokenise_plan wide = {POINTS, OPRF_CHUNK_MAX + 1, 0};

    (void)state;
    set_up(&b);
    assert_int_equal(tokenise_owner_begin(&o, &b.link.opener, none, &b.link.to_accepter, &b.err),
                     PT_EBUG);
    assert_int_equal(tokenise_owner_begin(&o, &b.link.opener, past, &b.link.to_accepter, &b.err),
                     PT_EBUG);
    assert_int_equal(tokenise_owner_begin(&o, &b.link.opener, wide, &b.link.to_accepter, &b.err),
                     PT_EBUG);
    tokenise_owner_free(&o);
    begin(&b, 0);
    struct span_points few = {b.points, CHUNK - 1};
    assert_int_equal(tokenise_owner_send(&b.owner, few, &b.link.to_accepter, &b.err), PT_EBUG);
    for (int i = 0; i < CHUNKS; i++)
        send(&b);
    assert_false(tokenise_owner_can_send(&b.owner));
    send(&b);
    assert_int_equal(b.rc, PT_ESTATE);
    tear_down(&b);
}

/* ---- what a deviating owner sends ---- */

static struct wire_chunk first_chunk(const struct batch *b)
{
    return (struct wire_chunk){.number = 0, .points = {b->points, CHUNK}};
}

enum owners {
    IDENTITY,
    OFF_GROUP,
    REPEATED,
    FEW,
    WRONG_NUMBER,
    NO_BATCH,
    BATCH_TWICE,
    TOO_MANY,
    EMPTY_BATCH,
    OVER_QUOTA,
    EARLY_FINISH,
    OWNERS
};

static void spoil(struct frame *f, struct point changed[CHUNK], enum owners what)
{
    if (what == IDENTITY)
        memset(changed[2].b, 0, 32);
    if (what == OFF_GROUP)
        memset(changed[2].b, 0xff, 32);
    if (what == REPEATED)
        changed[3] = changed[0];
    if (what == FEW)
        f->u.chunk.points.n--;
    if (what == WRONG_NUMBER)
        f->u.chunk.number = 1;
    if (what == BATCH_TWICE || what == EMPTY_BATCH) {
        f->kind = FRAME_BATCH;
        f->u.batch = (struct wire_batch){what == EMPTY_BATCH ? 0 : POINTS, CHUNK, 0};
    }
}

static void one_owner(struct batch *b, enum owners what)
{
    struct frame f = {.kind = FRAME_POINTS};
    struct point changed[CHUNK];

    memcpy(changed, b->points, sizeof changed);
    f.u.chunk = first_chunk(b);
    f.u.chunk.points.p = changed;
    if (what == OVER_QUOTA)
        b->quota = POINTS - 1;
    if (what != NO_BATCH && what != EMPTY_BATCH)
        begin(b, 0);
    spoil(&f, changed, what);
    for (int i = 0; what == TOO_MANY && i < CHUNKS; i++)
        send(b);
    if (what == EARLY_FINISH)
        assert_int_equal(session_finish(&b->link.opener, &b->link.to_accepter, &b->err), PT_OK);
    else
        assert_int_equal(session_send(&b->link.opener, &f, &b->link.to_accepter, &b->err), PT_OK);
    b->rc = PT_OK;
    while (b->rc == PT_OK && peer_step(b))
        ;
}

static void owners_that_deviate_are_refused(void **state)
{
    static struct batch b;

    (void)state;
    for (int what = 0; what < OWNERS; what++) {
        set_up(&b);
        one_owner(&b, (enum owners)what);
        print_message("%s\n", b.err.msg);
        assert_int_not_equal(b.rc, PT_OK);
        assert_int_equal(b.link.accepter.refusal,
                         what == OVER_QUOTA ? REFUSAL_QUOTA : REFUSAL_BAD_MESSAGE);
        tear_down(&b);
    }
}

/* ---- what a deviating peer sends ---- */

static void peers_that_deviate_are_named(void **state)
{
    enum {
        WRONG_KEY,
        REORDERED,
        DUPLICATED,
        DROPPED,
        AS_IDENTITY,
        NO_CHUNK,
        PROOF,
        UNASKED,
        CASES
    };
    static struct batch b;

    (void)state;
    for (int what = 0; what < CASES; what++) {
        struct frame f = {.kind = FRAME_EVALUATED};
        struct point out[CHUNK];
        struct span_points in;
        struct key32 seed = {{1}};
        size_t bad;
        set_up(&b);
        begin(&b, 0);
        send(&b);
        in = (struct span_points){b.points, CHUNK};
        assert_int_equal(oprf_evaluate(out, &f.u.chunk.proof, &bad,
                                       &(struct oprf_evaluate_in){
                                           .key = &b.nodes[what == WRONG_KEY ? 2 : 1].oprf,
                                           .proof_seed = &seed,
                                           .points = in}),
                         PT_OK);
        f.u.chunk.points = (struct span_points){out, CHUNK};
        f.u.chunk.has_proof = true;
        if (what == REORDERED) {
            struct point p = out[0];
            out[0] = out[1];
            out[1] = p;
        }
        if (what == DUPLICATED)
            out[1] = out[0];
        if (what == DROPPED)
            f.u.chunk.points.n--;
        if (what == AS_IDENTITY)
            memset(out[0].b, 0, 32);
        if (what == NO_CHUNK)
            f.u.chunk.number = 1;
        if (what == PROOF)
            f.u.chunk.proof.s.b[0] ^= 1;
        assert_int_equal(session_send(&b.link.accepter, &f, &b.link.to_opener, &b.err), PT_OK);
        if (what == UNASKED) { /* right the first time, and then once more */
            struct frame again = f;
            again.u.chunk.number = 1;
            assert_int_equal(session_send(&b.link.accepter, &again, &b.link.to_opener, &b.err),
                             PT_OK);
        }
        b.rc = PT_OK;
        while (b.rc == PT_OK && owner_step(&b))
            ;
        print_message("%s\n", b.err.msg);
        assert_int_equal(b.rc, PT_EBADMSG);
        assert_non_null(strstr(b.err.msg, session_peer_name(&b.link.opener)));
        assert_int_equal(b.link.opener.state, SESSION_FAILED);
        tear_down(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_comes_back_multiplied),
        cmocka_unit_test(a_cut_batch_is_resumed),
        cmocka_unit_test(owners_mistakes_are_refused_at_home),
        cmocka_unit_test(owners_that_deviate_are_refused),
        cmocka_unit_test(peers_that_deviate_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
