#include "crypto/sha512_each.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/cpu.h"
#include "crypto/hash_to_group.h"

enum { MANY = 19, BYTES_MAX = 400, STRIDE = BYTES_MAX + 7 };

static uint8_t text[MANY][STRIDE];

static void fixed_text(void)
{
    static const uint8_t seed[randombytes_SEEDBYTES] = {1};

    randombytes_buf_deterministic(text, sizeof text, seed);
}

/* Goal: each back-end's lanes are libsodium's SHA-512, whatever the length and what came before.
 * Method: every length from nothing to past three blocks, so that padding falls everywhere. */
static void lanes_match_libsodium(void **state)
{
    static const struct {
        enum cpu_path path;
        size_t lanes;
        void (*run)(uint8_t *const *, const crypto_hash_sha512_state *, const uint8_t *const *,
                    size_t);
    } BACKENDS[] = {{CPU_AVX2, 4, sha512_x4}, {CPU_IFMA, 8, sha512_x8}};
    uint8_t got[8][SHA512_BYTES];

    (void)state;
    fixed_text();
    for (size_t b = 0; b < PT_LEN(BACKENDS); b++) {
        if (!cpu_usable(BACKENDS[b].path)) {
            print_message("not on this machine: %s\n", cpu_path_name(BACKENDS[b].path));
            continue;
        }
        for (size_t bytes = 0; bytes <= BYTES_MAX; bytes++) {
            const size_t before = bytes % 3 * SHA512_BLOCK_BYTES;
            crypto_hash_sha512_state start;
            uint8_t *out[8];
            const uint8_t *row[8];

            crypto_hash_sha512_init(&start);
            crypto_hash_sha512_update(&start, text[MANY - 1], before);
            for (size_t i = 0; i < 8; i++) {
                out[i] = got[i];
                row[i] = text[(i + bytes) % 8];
            }
            BACKENDS[b].run(out, &start, row, bytes);
            for (size_t i = 0; i < BACKENDS[b].lanes; i++) {
                crypto_hash_sha512_state h = start;
                uint8_t want[SHA512_BYTES];

                crypto_hash_sha512_update(&h, row[i], bytes);
                crypto_hash_sha512_final(&h, want);
                assert_memory_equal(got[i], want, sizeof want);
            }
        }
    }
}

/* Goal: any number of messages, each digest in its place and nothing beyond the last. */
static void counts_that_fill_no_lanes(void **state)
{
    uint8_t got[MANY + 1][SHA512_BYTES];
    uint8_t want[SHA512_BYTES];
    crypto_hash_sha512_state start;

    (void)state;
    fixed_text();
    crypto_hash_sha512_init(&start);
    for (size_t n = 0; n <= MANY; n++) {
        memset(got, 0x5a, sizeof got);
        sha512_each(got, &start, (struct sha512_messages){text[0], STRIDE, 111, n});
        for (size_t i = 0; i < n; i++) {
            crypto_hash_sha512(want, text[i], 111);
            assert_memory_equal(got[i], want, sizeof want);
        }
        memset(want, 0x5a, sizeof want);
        assert_memory_equal(got[n], want, sizeof want);
    }
}

/* Goal: hashing many is hashing one, many times, in each domain, with and without a suffix.
 * Method: against hash_to_wide(), which RFC 9380's and 9497's vectors fix (oprf_test.c). */
static void many_are_each_as_one(void **state)
{
    static const size_t PREFIX[] = {0, 1, 66, 512};
    uint8_t got[MANY][64];
    uint8_t want[64];

    (void)state;
    fixed_text();
    for (size_t i = 0; i < PT_LEN(PREFIX); i++) {
        for (int domain = HASH_TO_GROUP; domain <= HASH_DERIVE_KEY; domain++) {
            uint8_t before[512] = {7};
            const struct hash_items items = {.prefix = span_of(before, PREFIX[i]),
                                             .suffix = span_z(domain == HASH_TO_GROUP ? "" : "end"),
                                             .first = text[0] + i,
                                             .stride = STRIDE,
                                             .bytes = 32,
                                             .n = MANY};

            hash_to_wide_each(got, (enum hash_domain)domain, &items);
            for (size_t j = 0; j < MANY; j++) {
                const struct span parts[] = {items.prefix, span_of(text[j] + i, 32), items.suffix};
                hash_to_wide(want, (enum hash_domain)domain, parts, PT_LEN(parts));
                assert_memory_equal(got[j], want, sizeof want);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_match_libsodium),
        cmocka_unit_test(counts_that_fill_no_lanes),
        cmocka_unit_test(many_are_each_as_one),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
