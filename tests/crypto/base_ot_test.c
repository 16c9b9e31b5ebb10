/* Goal: the receiver has the key of its bit and not the other; nothing in its message tells bits;
 * malformed points and lengths are refused.
 * Method: both sides; the equations of Masny and Rindal worked out with libsodium. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/base_ot.h"

enum { COUNT = 20 };
static const struct digest SESSION = {{5}};

static struct base_ot_receiver receiver;
static struct base_ot_keys keys;
static struct key32 learnt[BASE_OT_MAX];
static uint8_t choices[COUNT * BASE_OT_CHOICE_BYTES], answer[BASE_OT_SENDER_BYTES];

static void choose(void)
{
    memset(&receiver, 0, sizeof receiver);
    receiver.count = COUNT;
    for (size_t i = 0; i < COUNT; i++)
        receiver.bit[i] = (uint8_t)(0x5a39c >> i & 1);
    assert_int_equal(base_ot_choose(choices, &receiver, &SESSION, &(struct key32){{1}}), PT_OK);
}

static void each_bit_gets_its_key(void **state)
{
    (void)state;
    choose();
    assert_int_equal(base_ot_send(&keys, answer, span_of(choices, sizeof choices), &SESSION,
                                  &(struct key32){{2}}),
                     PT_OK);
    assert_int_equal(base_ot_receive(learnt, &receiver, answer, &SESSION), PT_OK);
    for (size_t i = 0; i < COUNT; i++) {
        assert_memory_equal(&learnt[i], &keys.of[i][receiver.bit[i]], sizeof learnt[i]);
        assert_memory_not_equal(&learnt[i], &keys.of[i][1 ^ receiver.bit[i]], sizeof learnt[i]);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(&learnt[i], &learnt[k], sizeof learnt[i]);
    }
}

/* r_b = y B - H(i, 1-b, r_{1-b}), H being SHA-512 of label, session, place and point, mapped. */
static void choices_satisfy_the_equation(void **state)
{
    (void)state;
    choose();
    for (size_t i = 0; i < COUNT; i++) {
        const uint8_t b = receiver.bit[i];
        uint8_t in[20 + 32 + 2 + 32] = "patto/base-ot/point";
        uint8_t wide[64];
        uint8_t h[32];
        uint8_t sum[32];
        uint8_t want[32];
        memcpy(in + 20, SESSION.b, 32);
        in[52] = (uint8_t)i;
        in[53] = 1 ^ b;
        memcpy(in + 54, choices + 64 * i + (size_t)32 * (1 ^ b), 32);
        crypto_hash_sha512(wide, in, sizeof in);
        assert_int_equal(crypto_core_ristretto255_from_hash(h, wide), 0);
        assert_int_equal(crypto_core_ristretto255_add(sum, choices + 64 * i + (size_t)32 * b, h),
                         0);
        assert_int_equal(crypto_scalarmult_ristretto255_base(want, receiver.y[i].b), 0);
        assert_memory_equal(sum, want, 32);
    }
}

static void keys_belong_to_a_session(void **state)
{
    const struct digest other = {{6}};

    (void)state;
    choose();
    assert_int_equal(
        base_ot_send(&keys, answer, span_of(choices, sizeof choices), &other, &(struct key32){{2}}),
        PT_OK);
    assert_int_equal(base_ot_receive(learnt, &receiver, answer, &SESSION), PT_OK);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < 2; j++)
            assert_memory_not_equal(&learnt[i], &keys.of[i][j], sizeof learnt[i]);
}

static void malformed_messages_are_refused(void **state)
{
    static const struct base_ot_keys none;
    static uint8_t long_one[(BASE_OT_MAX + 1) * BASE_OT_CHOICE_BYTES];
    static const size_t LENGTHS[] = {0, 63, 65, sizeof long_one};
    const struct key32 seed = {{2}};

    (void)state;
    choose();
    for (size_t i = 0; i < BASE_OT_MAX + 1; i++)
        memcpy(long_one + 64 * i, choices, 64);
    for (size_t i = 0; i < PT_LEN(LENGTHS); i++)
        assert_int_equal(
            base_ot_send(&keys, answer, span_of(long_one, LENGTHS[i]), &SESSION, &seed),
            PT_EBADMSG);
    for (size_t at = 0; at < sizeof choices; at += 32 * 13)
        for (int kind = 0; kind < 2; kind++) {
            choose();
            memset(choices + at, kind ? 0xff : 0, 32); /* not canonical; the identity */
            memset(&keys, 1, sizeof keys);
            assert_int_equal(
                base_ot_send(&keys, answer, span_of(choices, sizeof choices), &SESSION, &seed),
                PT_EBADMSG);
            assert_memory_equal(&keys, &none, sizeof keys);
        }
    for (int kind = 0; kind < 2; kind++) {
        memset(answer, kind ? 0xff : 0, sizeof answer);
        assert_int_equal(base_ot_receive(learnt, &receiver, answer, &SESSION), PT_EBADMSG);
    }
}

/* r_0 + H(0, 1, r_1) = the identity: a key of it would be known to all. */
static void a_shared_identity_is_refused(void **state)
{
    uint8_t in[20 + 32 + 2 + 32] = "patto/base-ot/point";
    uint8_t wide[64];
    uint8_t h[32];
    static const uint8_t zero[32];

    (void)state;
    choose();
    memcpy(in + 20, SESSION.b, 32);
    in[53] = 1;
    memcpy(in + 54, choices + 32, 32);
    crypto_hash_sha512(wide, in, sizeof in);
    assert_int_equal(crypto_core_ristretto255_from_hash(h, wide), 0);
    assert_int_equal(crypto_core_ristretto255_sub(choices, zero, h), 0);
    assert_int_equal(base_ot_send(&keys, answer, span_of(choices, sizeof choices), &SESSION,
                                  &(struct key32){{2}}),
                     PT_EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bit_gets_its_key),
        cmocka_unit_test(choices_satisfy_the_equation),
        cmocka_unit_test(keys_belong_to_a_session),
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(a_shared_identity_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
