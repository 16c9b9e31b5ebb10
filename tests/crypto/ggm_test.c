/* Goal: the receiver gets every key but one; a sender that sends no tree is found out, but for the
 * share of holes that hide what it did.
 * Method: every hole; one bit changed in every field; the tree's definition with libsodium. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/ggm.h"

static const struct digest SESSION = {{7}};
static const struct ggm_name NAME = {&SESSION, 3};
static const struct key32 ROOT = {{8}};
static struct ggm_tree sender, receiver;
static struct key32 pads[GGM_DEPTH][2];
static uint8_t message[GGM_MESSAGE_BYTES];

static void grow(void)
{
    for (size_t l = 0; l < GGM_DEPTH; l++)
        for (size_t j = 0; j < 2; j++)
            memset(pads[l][j].b, (int)(16 * l + j + 1), 32);
    ggm_grow(&sender, message, NAME, &ROOT, (const struct key32(*)[2])pads);
}

static bool recover(unsigned hole, struct ggm_name name)
{
    struct key32 learnt[GGM_DEPTH];

    for (unsigned l = 0; l < GGM_DEPTH; l++)
        learnt[l] = pads[l][1 ^ (hole >> (GGM_DEPTH - 1 - l) & 1)];
    return ggm_recover(&receiver, span_of(message, sizeof message), name, (uint8_t)hole, learnt);
}

/* Leaf x, walked down from the root. */
static void keys_are_as_defined(void **state)
{
    (void)state;
    grow();
    for (unsigned x = 0; x < GGM_LEAVES; x += 51) {
        uint8_t in[128 + 32] = "patto/ggm";
        uint8_t out[64];
        memcpy(in + 32, SESSION.b, 32);
        in[64] = NAME.number;
        memcpy(in + 128, ROOT.b, 32);
        for (unsigned l = 0; l < GGM_DEPTH; l++) {
            in[65] = (uint8_t)l;
            crypto_hash_sha512(out, in, sizeof in);
            memcpy(in + 128, out + (size_t)32 * (x >> (GGM_DEPTH - 1 - l) & 1), 32);
        }
        in[65] = GGM_DEPTH;
        crypto_hash_sha512(out, in, sizeof in);
        assert_memory_equal(sender.key[x].b, out, 32);
    }
}

static void all_keys_but_one_come_out(void **state)
{
    static const struct key32 zero;

    (void)state;
    grow();
    for (unsigned hole = 0; hole < GGM_LEAVES; hole++) {
        assert_true(recover(hole, NAME));
        for (unsigned x = 0; x < GGM_LEAVES; x++)
            assert_memory_equal(&receiver.key[x], x == hole ? &zero : &sender.key[x], 32);
    }
}

/* A changed sum of one side goes unseen by the holes that do not look there: half of them. The last
 * two fields are seen by all. */
static void changes_are_seen_by_those_who_look(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof message; at += 31) {
        unsigned seen = 0;
        grow();
        message[at] ^= 1;
        for (unsigned hole = 0; hole < GGM_LEAVES; hole++)
            seen += !recover(hole, NAME);
        assert_int_equal(seen, at < (size_t)64 * GGM_DEPTH ? GGM_LEAVES / 2 : GGM_LEAVES);
    }
}

static void trees_of_other_names_do_not_fit(void **state)
{
    static const struct digest OTHER = {{9}};

    (void)state;
    grow();
    assert_false(recover(1, (struct ggm_name){&SESSION, 4}));
    assert_false(recover(1, (struct ggm_name){&OTHER, 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_as_defined),
        cmocka_unit_test(all_keys_but_one_come_out),
        cmocka_unit_test(changes_are_seen_by_those_who_look),
        cmocka_unit_test(trees_of_other_names_do_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
