#include "crypto/hash_to_group.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/kat.h"

/* Goal: expand_message_xmd is RFC 9380's.  Method: appendix K.3's cases, both lengths. */
static void expand_matches_rfc9380(void **state)
{
    struct kat k = kat_open("tests/kat/expand_message_xmd.kat");
    const struct span dst = span_z("QUUX-V01-CS02-with-expander-SHA512-256");

    (void)state;
    while (kat_next(&k)) {
        struct span msg = kat_get(&k, "msg");
        struct span want = kat_get(&k, "out");
        uint8_t got[128];

        /* Cut in two: parts are one message. */
        const struct span parts[] = {{msg.p, msg.n / 2}, {msg.p + msg.n / 2, msg.n - msg.n / 2}};
        expand_message_xmd(got, want.n, dst, parts, 2);
        assert_memory_equal(got, want.p, want.n);
    }
    assert_int_equal(k.seen, 8);
    uint8_t empty[32];
    uint8_t want[32];
    expand_message_xmd(empty, 32, dst, NULL, 0);
    assert_int_equal(
        sodium_hex2bin(want, 32, "6b9a7312411d92f921c6f68ca0b6380730a1a4d982c507211a90964c394179ba",
                       64, NULL, NULL, NULL),
        0);
    assert_memory_equal(empty, want, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(expand_matches_rfc9380)};

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
