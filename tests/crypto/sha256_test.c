/* Goal: SHA-256 of the bytes alone. Method: the examples of FIPS 180-4 (NIST's SHA256.pdf). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "crypto/sha256.h"

static void fips_examples(void **state)
{
    static const char *const cases[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    struct digest d;
    char hex[65];

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        sha256(&d, span_z(cases[i][0]));
        text_hex(hex, d.b, sizeof d.b);
        assert_string_equal(hex, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fips_examples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
