#include "crypto/prf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sodium.h>

/* fields(label, parts...) as buf_field() lays them out. */
static struct buf fields(const char *label, const struct span *parts, size_t n)
{
    struct buf b = {0};

    assert_true(buf_field(&b, span_z(label)));
    for (size_t i = 0; i < n; i++)
        assert_true(buf_field(&b, parts[i]));
    return b;
}

/* Goal: both functions are the named hash over the named bytes.
 * Method: lay the fields out with buf_field() and hash them in one call of libsodium. */
static void equal_the_definition(void **state)
{
    static uint8_t large[70000]; /* other code hashes what is large */
    const struct span parts[] = {span_z("a"),
                                 {0},
                                 span_z("longer than one block? no, not yet"),
                                 span_of(large, sizeof large)};
    struct key32 key;
    struct key32 derived;
    struct digest hashed;
    uint8_t want[32];

    (void)state;
    randombytes_buf_deterministic(large, sizeof large, (const uint8_t[32]){1});
    for (int i = 0; i < 32; i++)
        key.b[i] = (uint8_t)i;
    for (size_t n = 0; n <= PT_LEN(parts); n++) {
        struct buf b = fields("patto/test", parts, n);
        prf_derive(&derived, &key, "patto/test", parts, n);
        crypto_generichash(want, 32, b.p, b.n, key.b, 32);
        assert_memory_equal(derived.b, want, 32);
        hash_parts(&hashed, "patto/test", parts, n);
        crypto_hash_sha256(want, b.p, b.n);
        assert_memory_equal(hashed.b, want, 32);
        buf_free(&b);
    }
}

/* Goal: no two lists of parts hash alike.
 * Method: the same characters cut at different places, an empty part, another label. */
static void boundaries_matter(void **state)
{
    const struct span lists[][2] = {
        {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"c", 1}},
        {{(const uint8_t *)"a", 1}, {(const uint8_t *)"bc", 2}},
        {{(const uint8_t *)"abc", 3}, {0}},
        {{0}, {(const uint8_t *)"abc", 3}},
    };
    struct key32 key = {{1}};
    struct key32 seen[6];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        prf_derive(&seen[i], &key, "patto/x", lists[i], 2);
    prf_derive(&seen[4], &key, "patto/x", lists[2], 1);
    prf_derive(&seen[5], &key, "patto/y", lists[0], 2);
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(seen[i].b, seen[j].b, 32);
}

/* Goal: the key matters, and fresh keys differ. */
static void keys_matter(void **state)
{
    struct key32 a;
    struct key32 b;
    struct key32 out_a;
    struct key32 out_b;

    (void)state;
    key32_random(&a);
    key32_random(&b);
    assert_memory_not_equal(a.b, b.b, 32);
    prf_derive(&out_a, &a, "patto/x", NULL, 0);
    prf_derive(&out_b, &b, "patto/x", NULL, 0);
    assert_memory_not_equal(out_a.b, out_b.b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_the_definition),
        cmocka_unit_test(boundaries_matter),
        cmocka_unit_test(keys_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
