#include "crypto/merkle_proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kat.h"

enum { LEAVES = 131 };

struct tree { /* leaf hashes; nodes are computed as RFC 6962 defines them */
    struct digest leaf[LEAVES];
    size_t reads;
    size_t fail_at; /* this read fails; 0: none does */
};

static enum pt_code read_node(void *self, struct digest *out, unsigned level, uint64_t index,
                              struct pt_err *err)
{
    struct tree *t = self;
    struct digest row[256];
    size_t n = (size_t)1 << level;

    if (++t->reads == t->fail_at)
        return pt_fail(err, PT_EIO, "no node");
    assert_true((index + 1) * n <= LEAVES);
    memcpy(row, t->leaf + index * n, n * sizeof row[0]);
    for (; n > 1; n /= 2)
        for (size_t i = 0; i < n / 2; i++)
            merkle_join(&row[i], &row[2 * i], &row[2 * i + 1]);
    *out = row[0];
    return PT_OK;
}

static void proof_of(struct merkle_proof *out, const struct kat *k, const char *name)
{
    *out = (struct merkle_proof){0};
    for (size_t i = 0; i < k->nfields; i++) {
        if (strcmp(k->field[i].name, name) != 0)
            continue;
        out->count = k->field[i].n / 32;
        memcpy(out->hash, k->field[i].bytes, k->field[i].n);
    }
}

static void assert_same(const struct merkle_proof *a, const struct merkle_proof *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->hash, b->hash, a->count * 32);
}

/* Apart: a struct kat is large, and two would not fit one frame. */
__attribute__((noinline)) static void eight_leaves(struct tree *t)
{
    struct kat k = kat_open("tests/kat/merkle.kat");

    merkle_leaf(&t->leaf[0], (struct span){0});
    for (size_t i = 1; kat_next(&k); i++)
        merkle_leaf(&t->leaf[i], kat_get(&k, "leaf"));
}

/* Goal: every proof over the certificate-transparency project's eight leaves.
 * Method: expected by the RFC's recursion in Python (tests/tlog/make.py); the one from 6 to 8 of
 * that project's own tests is repeated below. */
static void proofs_match_rfc6962(void **state)
{
    static const uint8_t six_to_eight[4] = {0x0e, 0xbc, 0x5d, 0x34};
    struct kat k = kat_open("tests/kat/tlog/proofs.kat");
    static struct tree t;
    const struct merkle_nodes nodes = {.self = &t, .root = read_node};

    (void)state;
    eight_leaves(&t);
    while (kat_next(&k)) {
        struct merkle_proof want;
        struct merkle_proof got;
        struct pt_err err;
        uint64_t n = kat_get(&k, "n").p[0];
        uint64_t m = kat_get(&k, "m").p[0];
        proof_of(&want, &k, "path");
        assert_int_equal(merkle_inclusion(&got, &nodes, m, n, &err), PT_OK);
        assert_same(&got, &want);
        proof_of(&want, &k, "consistency");
        const struct merkle_range range = {.old = m, .size = n};
        assert_int_equal(merkle_consistency(&got, &nodes, range, &err), PT_OK);
        assert_same(&got, &want);
        if (m == 6 && n == 8)
            assert_memory_equal(got.hash[0].b, six_to_eight, sizeof six_to_eight);
    }
    assert_int_equal(k.seen, 36);
}

static void fill(struct tree *t, struct digest heads[LEAVES + 1])
{
    struct merkle m;

    merkle_init(&m);
    merkle_root(&heads[0], &m);
    for (size_t i = 0; i < LEAVES; i++) {
        uint8_t entry = (uint8_t)(i * 7);
        merkle_leaf(&t->leaf[i], span_of(&entry, 1));
        merkle_add(&m, span_of(&entry, 1));
        merkle_root(&heads[i + 1], &m);
    }
}

/* Nothing beside the very thing is proved: each field changed in turn. */
static void deny_inclusion(const struct merkle_proof *p, const struct tree *t,
                           struct merkle_spot at, const struct digest *root)
{
    struct merkle_proof q = *p;
    struct digest other = *root;

    other.b[31] ^= 1;
    assert_false(merkle_inclusion_ok(p, &t->leaf[at.index], at, &other));
    assert_false(merkle_inclusion_ok(p, &t->leaf[(at.index + 1) % LEAVES], at, root));
    for (uint64_t i = 0; i < at.size; i++) {
        const struct merkle_spot moved = {.index = i, .size = at.size};
        assert_true(i == at.index || !merkle_inclusion_ok(p, &t->leaf[at.index], moved, root));
    }
    for (size_t i = 0; i < p->count; i++) {
        q.hash[i].b[0] ^= 1;
        assert_false(merkle_inclusion_ok(&q, &t->leaf[at.index], at, root));
        q.hash[i].b[0] ^= 1;
    }
    q.count++;
    assert_false(merkle_inclusion_ok(&q, &t->leaf[at.index], at, root));
    q.count -= 2;
    if (p->count > 0)
        assert_false(merkle_inclusion_ok(&q, &t->leaf[at.index], at, root));
}

static void inclusion_holds_for_the_entry_alone(void **state)
{
    static struct tree t;
    static struct digest heads[LEAVES + 1];
    const struct merkle_nodes nodes = {.self = &t, .root = read_node};
    struct merkle_proof p;
    struct pt_err err;

    (void)state;
    fill(&t, heads);
    for (uint64_t size = 1; size <= LEAVES; size += size < 20 ? 1 : 37) {
        struct digest head;
        assert_int_equal(merkle_head(&head, &nodes, size, &err), PT_OK);
        assert_memory_equal(head.b, heads[size].b, 32);
        for (uint64_t i = 0; i < size; i++) {
            const struct merkle_spot at = {.index = i, .size = size};
            assert_int_equal(merkle_inclusion(&p, &nodes, i, size, &err), PT_OK);
            assert_true(merkle_inclusion_ok(&p, &t.leaf[i], at, &heads[size]));
            deny_inclusion(&p, &t, at, &heads[size]);
        }
    }
    assert_int_equal(merkle_inclusion(&p, &nodes, 5, 5, &err), PT_EUSAGE);
    assert_false(merkle_inclusion_ok(&p, &t.leaf[0], (struct merkle_spot){0, 0}, &heads[0]));
}

static void consistency_holds_for_the_beginning_alone(void **state)
{
    static struct tree t;
    static struct digest heads[LEAVES + 1];
    const struct merkle_nodes nodes = {.self = &t, .root = read_node};
    struct merkle_proof p;
    struct pt_err err;

    (void)state;
    fill(&t, heads);
    for (uint64_t size = 0; size <= LEAVES; size++)
        for (uint64_t old = 0; old <= size; old++) {
            const struct merkle_range range = {.old = old, .size = size};
            assert_int_equal(merkle_consistency(&p, &nodes, range, &err), PT_OK);
            assert_true(merkle_consistency_ok(&p, range, &heads[old], &heads[size]));
            /* Another beginning of the same length, and a hash more or changed. */
            assert_true(old == 0 ||
                        !merkle_consistency_ok(&p, range, &heads[old - 1], &heads[size]));
            assert_true(size == 0 || old == 0 ||
                        !merkle_consistency_ok(&p, range, &heads[old], &heads[size - 1]));
            for (size_t i = 0; i < p.count; i++) {
                p.hash[i].b[31] ^= 0x80;
                assert_false(merkle_consistency_ok(&p, range, &heads[old], &heads[size]));
                p.hash[i].b[31] ^= 0x80;
            }
            const size_t whole = p.count;
            for (p.count = 0; p.count < whole; p.count++)
                assert_false(merkle_consistency_ok(&p, range, &heads[old], &heads[size]));
            p.count = whole + 1;
            assert_false(merkle_consistency_ok(&p, range, &heads[old], &heads[size]));
            /* A log that stands still and says that it grew. */
            p.count = 0;
            assert_true(old == 0 || old == size ||
                        !merkle_consistency_ok(&p, range, &heads[old], &heads[old]));
        }
    const struct merkle_range back = {.old = 3, .size = 2};
    assert_int_equal(merkle_consistency(&p, &nodes, back, &err), PT_EUSAGE);
    assert_false(merkle_consistency_ok(&p, back, &heads[3], &heads[2]));
}

static void a_node_that_cannot_be_read_ends_the_proof(void **state)
{
    static struct tree t;
    static struct digest heads[LEAVES + 1];
    const struct merkle_nodes nodes = {.self = &t, .root = read_node};
    struct merkle_proof p;
    struct pt_err err;

    (void)state;
    fill(&t, heads);
    for (t.fail_at = 1; t.fail_at < 8; t.fail_at++) {
        t.reads = 0;
        assert_int_equal(merkle_inclusion(&p, &nodes, 50, 127, &err), PT_EIO);
        assert_int_equal(p.count, 0);
        t.reads = 0;
        const struct merkle_range range = {.old = 77, .size = 127};
        assert_int_equal(merkle_consistency(&p, &nodes, range, &err), PT_EIO);
        assert_int_equal(p.count, 0);
        t.reads = 0;
        struct digest head;
        assert_int_equal(merkle_head(&head, &nodes, 127, &err), PT_EIO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_match_rfc6962),
        cmocka_unit_test(inclusion_holds_for_the_entry_alone),
        cmocka_unit_test(consistency_holds_for_the_beginning_alone),
        cmocka_unit_test(a_node_that_cannot_be_read_ends_the_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
