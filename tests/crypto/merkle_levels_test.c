#include "crypto/merkle_levels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Goal: heads of every size, and proofs between them, are those of merkle.h, which has RFC 6962's
 * vectors; a level holds the roots of its complete subtrees. */
static void the_tree_is_merkles(void **state)
{
    enum { LEAVES = 530 };
    static struct digest heads[LEAVES + 1];
    struct merkle_levels m = {0};
    const struct merkle_nodes nodes = merkle_levels_nodes(&m);
    struct merkle want;
    struct merkle_proof p;
    struct pt_err err;
    struct digest leaf;
    struct digest got;

    (void)state;
    merkle_init(&want);
    merkle_root(&heads[0], &want);
    for (uint64_t n = 1; n <= LEAVES; n++) {
        const uint8_t entry[2] = {(uint8_t)n, (uint8_t)(n >> 8)};
        merkle_add(&want, span_of(entry, sizeof entry));
        merkle_root(&heads[n], &want);
        merkle_leaf(&leaf, span_of(entry, sizeof entry));
        assert_int_equal(merkle_levels_add(&m, &leaf, &err), PT_OK);
        assert_int_equal(m.size, n);
        assert_int_equal(merkle_head(&got, &nodes, n, &err), PT_OK);
        assert_memory_equal(got.b, heads[n].b, 32);
    }
    for (uint64_t n = 0; n <= LEAVES; n += 41) {
        const struct merkle_range range = {.old = n, .size = LEAVES};
        assert_int_equal(merkle_head(&got, &nodes, n, &err), PT_OK);
        assert_memory_equal(got.b, heads[n].b, 32);
        assert_int_equal(merkle_consistency(&p, &nodes, range, &err), PT_OK);
        assert_true(merkle_consistency_ok(&p, range, &heads[n], &heads[LEAVES]));
    }
    for (unsigned level = 0; level < 12; level++)
        assert_int_equal(m.level[level].n, 32 * (LEAVES >> level));
    assert_memory_equal(merkle_levels_at(&m, 9, 0, 1).p, heads[512].b, 32);
    assert_int_equal(nodes.root(nodes.self, &got, 9, 1, &err), PT_EUSAGE);
    assert_int_equal(nodes.root(nodes.self, &got, 99, 0, &err), PT_EUSAGE);
    merkle_levels_free(&m);
    merkle_levels_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_tree_is_merkles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
