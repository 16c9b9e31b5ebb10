#include "crypto/slot.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>

static struct token token_number(uint64_t i)
{
    struct token t = {{0}};

    store_u64le(t.b, i);
    return t;
}

/* Goal: slot, priority and sign are the stated bytes of BLAKE2b-256(key = salt, token).
 * Method: compute the hash with libsodium and read the bytes by hand. */
static void place_follows_the_protocol(void **state)
{
    struct digest salt;
    uint8_t h[32];

    (void)state;
    for (int i = 0; i < 32; i++)
        salt.b[i] = (uint8_t)(255 - i);
    for (uint64_t i = 0; i < 100; i++) {
        struct token t = token_number(i);
        struct slot_place p;
        uint64_t low = 0;
        uint64_t high = 0;

        crypto_generichash(h, sizeof h, t.b, 16, salt.b, 32);
        for (int j = 7; j >= 0; j--) {
            low = low << 8 | h[j];
            high = high << 8 | h[8 + j];
        }
        slot_of(&p, &salt, &t, 1U << 20);
        assert_int_equal(p.slot, low % (1U << 20));
        assert_true(p.priority == high);
        assert_int_equal(p.sign, h[16] % 2 == 0 ? 1 : -1);
        slot_of(&p, &salt, &t, 1);
        assert_int_equal(p.slot, 0);
    }
}

/* Goal: slots and signs look uniform, and signs are independent of slots.
 * Method: chi-square of 64 slots x 2 signs over 2^16 tokens. 127 degrees of freedom: mean 127,
 * standard deviation 15.9; the inputs are fixed, so the bound of 6 deviations never flickers. */
static void slots_and_signs_are_uniform(void **state)
{
    struct digest salt = {{7}};
    uint32_t seen[128] = {0};
    double chi = 0;
    const double want = 65536.0 / 128;

    (void)state;
    for (uint64_t i = 0; i < 65536; i++) {
        struct token t = token_number(i);
        struct slot_place p;

        slot_of(&p, &salt, &t, 64);
        seen[p.slot * 2 + (p.sign > 0)]++;
    }
    for (size_t i = 0; i < PT_LEN(seen); i++)
        chi += (seen[i] - want) * (seen[i] - want) / want;
    assert_true(chi > 127 - 6 * 15.9 && chi < 127 + 6 * 15.9);
}

/* Goal: the truncation key depends on salt, token and value, and is not the slot. */
static void truncation_keys_differ(void **state)
{
    struct digest salt = {{1}};
    struct digest other = {{2}};
    struct token t = token_number(5);
    struct token u = token_number(6);
    uint8_t in[20] = {5};
    uint8_t h[32];
    struct slot_place p;

    (void)state;
    in[16] = 3;
    crypto_generichash(h, sizeof h, in, sizeof in, salt.b, 32);
    uint64_t key = slot_truncation_key(&salt, &t, 3);
    assert_true(key == load_u64le(h));
    assert_true(key != slot_truncation_key(&salt, &t, 4));
    assert_true(key != slot_truncation_key(&salt, &u, 3));
    assert_true(key != slot_truncation_key(&other, &t, 3));
    slot_of(&p, &salt, &t, UINT64_C(1) << 63);
    assert_true(p.slot != (slot_truncation_key(&salt, &t, 0) & (UINT64_MAX >> 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(place_follows_the_protocol),
        cmocka_unit_test(slots_and_signs_are_uniform),
        cmocka_unit_test(truncation_keys_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
