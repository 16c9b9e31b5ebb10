/* Goal: node signatures are Ed25519 (RFC 8032) over label and body, and bind both.
 * Method: RFC 8032's TEST 3 key checks the primitive; an independent call of libsodium over the
 * bytes that sign.h describes checks ours; then each part is changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/base/text.h"
#include "crypto/sign.h"

/* RFC 8032 7.1, TEST 3 */
static const char SEED[] = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
static const char PUBLIC[] = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
static const char SIGNATURE[] = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                                "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

static void rfc8032_key(struct sign_key *k)
{
    uint8_t seed[32];
    uint8_t public_key[32];

    assert_true(text_unhex(seed, sizeof seed, span_z(SEED)));
    crypto_sign_seed_keypair(public_key, k->b, seed);
}

static void keys_are_those_of_rfc8032(void **state)
{
    struct sign_key k;
    struct sign_public public;
    uint8_t want[64];
    uint8_t got[64];
    static const uint8_t message[] = {0xaf, 0x82};

    (void)state;
    rfc8032_key(&k);
    sign_key_public(&public, &k);
    assert_true(text_unhex(want, 32, span_z(PUBLIC)));
    assert_memory_equal(public.b, want, 32);
    assert_true(text_unhex(want, 64, span_z(SIGNATURE)));
    crypto_sign_detached(got, NULL, message, sizeof message, k.b);
    assert_memory_equal(got, want, 64);
}

static void what_is_signed_is_label_and_body_by_length(void **state)
{
    /* u32le 11 "patto/test1", u32le 3 "abc" */
    static const uint8_t message[] = "\x0b\0\0\0patto/test1\x03\0\0\0abc";
    struct sign_key k;
    struct sign_public public;
    struct signature s;
    uint8_t want[64];

    (void)state;
    rfc8032_key(&k);
    sign_key_public(&public, &k);
    sign_make(&s, &k, "patto/test1", span_z("abc"));
    crypto_sign_detached(want, NULL, message, sizeof message - 1, k.b);
    assert_memory_equal(s.b, want, 64);
    assert_true(sign_check(&s, &public, "patto/test1", span_z("abc")));
    assert_false(sign_check(&s, &public, "patto/test2", span_z("abc")));
    assert_false(sign_check(&s, &public, "patto/test1", span_z("abd")));
    assert_false(sign_check(&s, &public, "patto/test1", span_z("")));
    /* The border between the two cannot be moved. */
    assert_false(sign_check(&s, &public, "patto/test", span_z("1abc")));
    for (size_t i = 0; i < 64; i += 7) {
        struct signature bad = s;
        bad.b[i] ^= 1;
        assert_false(sign_check(&bad, &public, "patto/test1", span_z("abc")));
    }
}

static void keys_are_fresh_and_wiped(void **state)
{
    struct sign_key a;
    struct sign_key b;
    struct sign_key zero = {{0}};
    struct sign_public pa;
    struct signature s;

    (void)state;
    sign_key_random(&a);
    sign_key_random(&b);
    assert_memory_not_equal(a.b, b.b, sizeof a.b);
    sign_key_public(&pa, &a);
    sign_make(&s, &b, "patto/test1", span_z("abc"));
    assert_false(sign_check(&s, &pa, "patto/test1", span_z("abc")));
    sign_key_wipe(&a);
    assert_memory_equal(a.b, zero.b, sizeof a.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_rfc8032),
        cmocka_unit_test(what_is_signed_is_label_and_body_by_length),
        cmocka_unit_test(keys_are_fresh_and_wiped),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
