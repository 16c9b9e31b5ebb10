/* Goal: more columns than a batch may have are proved in several, each under its own challenge, and a
 * batch fits in memory. Method: both sides of ask_proof.h without a question around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ask.h"
#include "tests/proto_fixture.h"

/* 70 times one column. */
enum { MANY = RLWE_COLUMNS_MAX + 6 };
struct many {
    struct fixture_epoch *epoch;
    const struct rlwe_key *keys[RLWE_COLUMNS_MAX];
};
static void block_of(void *self, int8_t out[RLWE_DEGREE], size_t j, uint64_t k)
{
    const struct many *m = self;

    (void)j;
    memcpy(out, m->epoch->f[0] + k * RLWE_DEGREE, RLWE_DEGREE);
}
static enum pt_code many_columns(void *self, struct prove_columns *out, size_t first,
                                 struct pt_err *err)
{
    struct many *m = self;

    (void)err;
    assert_true(first + out->count <= MANY);
    for (size_t i = 0; i < out->count; i++)
        m->keys[i] = m->epoch->keys[0];
    out->keys = m->keys;
    out->values = (struct prove_values){m, block_of};
    return PT_OK;
}
static enum pt_code once(void *self, const struct ask_proof_once *o, struct pt_err *err)
{
    struct many *m = self;

    (void)err;
    m->epoch->once[m->epoch->once_count++] = *o;
    return PT_OK;
}
static enum pt_code not_refused(void *self, const struct ask_proof_refusal *r, struct pt_err *err)
{
    (void)self;
    (void)r;
    return pt_fail(err, PT_EBUG, "refused");
}

/* The checker's part of a step, as ask.c takes it. */
static void take(struct ask_checker *c, const struct frame *f, const struct span *columns,
                 struct outbox *out)
{
    struct pt_err err = {0};
    bool complete;
    enum pt_code rc = PT_EBUG;

    if (f->kind == FRAME_PROOF_TREES)
        rc = ask_checker_trees(c, f->u.proof, &err);
    if (f->kind == FRAME_PROOF_COMMIT)
        rc = ask_checker_commit(c, &f->u.proof_commit, &err);
    if (f->kind == FRAME_PROOF_PART)
        rc = ask_checker_part(c, &complete, &f->u.proof_part, out, &err);
    if (f->kind == FRAME_PROOF_ANSWER && (rc = ask_checker_take(c, f->u.proof, &err)) == PT_OK)
        rc = ask_checker_check(c, &(struct column_bytes){columns, NULL}, &err);
    if (rc != PT_OK)
        fail_msg("%s: %s", frame_name(f->kind), err.msg);
}

struct bed {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct fixture_epoch epoch;
    struct fixture_link link;
    struct pt_err err;
    enum pt_code rc;
};

static void set_up(struct bed *a)
{
    memset(a, 0, sizeof *a);
    a->policy = fixture_three();
    fixture_nodes(a->nodes, a->policy);
    fixture_epoch_init(&a->epoch, a->policy, "overlap");
    fixture_epoch_join(&a->epoch, a->nodes);
    fixture_greet(&a->link, &a->nodes[policy_find_partner(a->policy, "freshmart")],
                  &a->nodes[policy_find_partner(a->policy, "drinkco")], WHAT_ASK);
}

static void tear_down(struct bed *a)
{
    fixture_link_free(&a->link);
    fixture_epoch_free(&a->epoch);
    policy_free(a->policy);
}

static void batches_follow_each_other(void **state)
{
    static struct bed a;
    static struct many m;
    static struct digest digests[MANY];
    static struct span columns[RLWE_COLUMNS_MAX];
    static struct ask_prover prover;
    static struct ask_checker checker;
    struct ask_proof_columns what;
    const struct ask_prover_host proves = {&m, &a.epoch.seed[0], many_columns, once};
    const struct ask_checker_host checks = {&m, &a.epoch.seed[1], NULL, once, not_refused};
    bool more = true;
    struct buf frame;

    (void)state;
    set_up(&a);
    m.epoch = &a.epoch;
    for (size_t i = 0; i < MANY; i++)
        digests[i] = a.epoch.columns[0].digest;
    for (size_t i = 0; i < RLWE_COLUMNS_MAX; i++)
        columns[i] = buf_span(&a.epoch.bytes[0]);
    what = (struct ask_proof_columns){.session = &a.link.accepter,
                                      .pair = a.epoch.pair,
                                      .rlwe = a.epoch.rlwe,
                                      .digests = digests,
                                      .count = MANY};
    what.tally = (struct proof_tally){0, MANY - 3, 3}; /* over two batches there is none */
    assert_int_equal(ask_checker_begin(&checker, &what, &checks, &a.link.to_opener, &a.err),
                     PT_EBUG);
    what.tally = (struct proof_tally){0};
    assert_int_equal(ask_checker_begin(&checker, &what, &checks, &a.link.to_opener, &a.err), PT_OK);
    what.session = &a.link.opener;
    while (more || outbox_count(&a.link.to_accepter) > 0 || outbox_count(&a.link.to_opener) > 0) {
        struct wire_in in = {0};
        const bool to_opener = outbox_take(&a.link.to_opener, &frame);
        if (!to_opener && more && prover.prover != NULL)
            assert_int_equal(ask_prover_send(&prover, &more, &a.link.to_accepter, &a.err), PT_OK);
        if (!to_opener && !outbox_take(&a.link.to_accepter, &frame))
            break;
        assert_int_equal(wire_decode(&in, buf_span(&frame), &a.err), PT_OK);
        if (in.frame.kind == FRAME_PROOF_CHOICES)
            a.rc = ask_prover_begin(&prover, &what, &proves, in.frame.u.proof, &a.err);
        else if (in.frame.kind == FRAME_PROOF_CHALLENGE)
            a.rc = ask_prover_answer(&prover, &more, &in.frame.u.proof_challenge,
                                     &a.link.to_accepter, &a.err);
        else
            take(&checker, &in.frame, columns, &a.link.to_opener);
        assert_int_equal(a.rc, PT_OK);
        wire_in_free(&in);
        buf_free(&frame);
    }
    assert_int_equal(checker.proved, MANY);
    assert_int_equal(a.epoch.once_count, 4); /* each side wrote down both */
    assert_int_equal(a.epoch.once[2].first, RLWE_COLUMNS_MAX);
    assert_memory_equal(&a.epoch.once[0].challenge, &a.epoch.once[1].challenge, 32);
    assert_memory_not_equal(&a.epoch.once[0].challenge, &a.epoch.once[2].challenge, 32);
    assert_memory_not_equal(&a.epoch.once[0].commitment, &a.epoch.once[2].commitment, 32);
    ask_prover_free(&prover);
    ask_checker_free(&checker);
    tear_down(&a);
}

/* Goal: plain values of a batch take at most 256 MB at the recipient, and a column at least goes. */
static void batches_fit_in_memory(void **state)
{
    static const struct {
        uint64_t slots;
        size_t columns;
    } rows[] = {{1ULL << 12, 64}, {1ULL << 24, 64}, {1ULL << 25, 32}, {1ULL << 27, 8}};
    const struct digest seed = {{1}};
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(rows); i++) {
        const struct rlwe_shape shape = {RLWE_P40, rows[i].slots, 1000, 64};
        struct rlwe *c = NULL;
        assert_int_equal(rlwe_new(&c, &shape, &seed, &err), PT_OK);
        assert_int_equal(ask_proof_batch(c), rows[i].columns);
        rlwe_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_follow_each_other),
        cmocka_unit_test(batches_fit_in_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
