/* Goal: bytes that come in pieces hash as they do at once, wherever they are cut. */
#include "crypto/hash_run.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>

static void pieces_are_the_whole(void **state)
{
    static uint8_t bytes[10000];
    static const size_t PIECE[] = {1, 63, 64, 65, 1000, sizeof bytes};
    const struct span whole = span_of(bytes, sizeof bytes);
    struct digest want;
    struct digest got;
    struct hash_run h;

    (void)state;
    randombytes_buf_deterministic(bytes, sizeof bytes, (const uint8_t[32]){1});
    hash_parts(&want, "patto/test", &whole, 1);
    for (size_t i = 0; i < PT_LEN(PIECE); i++) {
        hash_run_begin(&h, "patto/test", sizeof bytes);
        for (size_t at = 0; at < sizeof bytes; at += PIECE[i]) {
            const size_t left = sizeof bytes - at;
            hash_run_add(&h, span_of(bytes + at, left < PIECE[i] ? left : PIECE[i]));
        }
        hash_run_end(&got, &h);
        assert_memory_equal(got.b, want.b, sizeof got.b);
    }
    hash_parts(&want, "patto/test", &(struct span){0}, 1);
    hash_run_begin(&h, "patto/test", 0);
    hash_run_add(&h, (struct span){0});
    hash_run_end(&got, &h);
    assert_memory_equal(got.b, want.b, sizeof got.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_are_the_whole)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
