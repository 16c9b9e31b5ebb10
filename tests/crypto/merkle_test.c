#include "crypto/merkle.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/kat.h"

/* Goal: tree heads equal the published ones.
 * Method: eight leaves one by one; the empty tree is SHA-256 of nothing (FIPS 180's value). */
static void roots_match_rfc6962(void **state)
{
    static const char empty_hex[] =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static const char one_hex[] =
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    struct kat k = kat_open("tests/kat/merkle.kat");
    struct merkle m;
    struct digest got;
    struct digest want;

    (void)state;
    merkle_init(&m);
    merkle_root(&got, &m);
    assert_int_equal(sodium_hex2bin(want.b, 32, empty_hex, 64, NULL, NULL, NULL), 0);
    assert_memory_equal(got.b, want.b, 32);
    merkle_add(&m, (struct span){0});
    merkle_root(&got, &m);
    assert_int_equal(sodium_hex2bin(want.b, 32, one_hex, 64, NULL, NULL, NULL), 0);
    assert_memory_equal(got.b, want.b, 32);
    while (kat_next(&k)) {
        merkle_add(&m, kat_get(&k, "leaf"));
        merkle_root(&got, &m);
        kat_into(&k, "root", want.b, 32);
        assert_memory_equal(got.b, want.b, 32);
    }
    assert_int_equal(k.seen, 7);
}

/* RFC 6962's own recursion, MTH(D[n]) split at the largest power of two below n. */
static void mth(struct digest *out, const uint8_t *leaves, size_t n)
{
    uint8_t node[65] = {1};
    size_t split = 1;

    if (n == 1) {
        uint8_t leaf[2] = {0, leaves[0]};
        crypto_hash_sha256(out->b, leaf, sizeof leaf);
        return;
    }
    while (split * 2 < n)
        split *= 2;
    struct digest left;
    struct digest right;
    mth(&left, leaves, split);
    mth(&right, leaves + split, n - split);
    memcpy(node + 1, left.b, 32);
    memcpy(node + 33, right.b, 32);
    crypto_hash_sha256(out->b, node, sizeof node);
}

/* Goal: the streamed tree equals the recursive definition for every shape.
 * Method: all sizes 1..130, which hold every pattern of carries up to seven levels. */
static void stream_matches_the_recursion(void **state)
{
    uint8_t leaves[130];
    struct merkle m;
    struct digest got;
    struct digest want;

    (void)state;
    merkle_init(&m);
    for (size_t n = 1; n <= sizeof leaves; n++) {
        leaves[n - 1] = (uint8_t)(n * 37);
        merkle_add(&m, span_of(&leaves[n - 1], 1));
        merkle_root(&got, &m);
        mth(&want, leaves, n);
        assert_memory_equal(got.b, want.b, 32);
    }
    assert_int_equal(m.leaf_count, 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_match_rfc6962),
        cmocka_unit_test(stream_matches_the_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
