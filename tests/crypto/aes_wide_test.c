/* Goal: many blocks at once are the same stream as one at a time by OpenSSL, and so is what prg.h reads.
 * Method: every length about a step's, several keys and streams, from their start and from further on, to
 * where the counter's 64 bits end; a published block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "crypto/aes_wide.h"
#include "crypto/base/span.h"
#include "crypto/cpu.h"
#include "crypto/prg.h"

static const struct {
    unsigned blocks;
    aes_wide_fn *run;
} WAYS[] = {{1, aes_x1}, {2, aes_x2}, {4, aes_x4}};

/* n bytes, rounded up to a block. */
static void by_openssl(uint8_t *out, EVP_CIPHER_CTX *aes, uint64_t nonce, uint64_t block, size_t n)
{
    for (size_t at = 0; at < n; at += 16) {
        int done = 0;
        store_u64le(out + at, block++);
        store_u64le(out + at + 8, nonce);
        assert_int_equal(EVP_EncryptUpdate(aes, out + at, &done, out + at, 16), 1);
        assert_int_equal(done, 16);
    }
}

static void streams_are_those_of_openssl(void **state)
{
    static const uint64_t NONCES[] = {0, 1, 0x0123456789abcdef, UINT64_MAX};
    static const uint64_t BLOCKS[] = {0, 1, 1024, UINT32_MAX, UINT64_MAX - 5};
    static uint8_t want[12288 + 64], got[12288 + 64];

    (void)state;
    for (size_t k = 0; k < 8; k++) {
        const struct key32 key = {{(uint8_t)(251 * k), 7, (uint8_t)k, [31] = (uint8_t)(0xf0 + k)}};
        EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
        struct prg *g;
        assert_int_equal(prg_new(&g, &key), PT_OK);
        assert_int_equal(EVP_EncryptInit_ex(aes, EVP_aes_256_ecb(), NULL, key.b, NULL), 1);
        for (size_t n = 0; n < sizeof want - 64; n += n < 1200 ? 1 : 997) {
            const uint64_t nonce = NONCES[(n + k) % PT_LEN(NONCES)];
            const uint64_t block = BLOCKS[(n + k) % PT_LEN(BLOCKS)];
            by_openssl(want, aes, nonce, block, n);
            assert_int_equal(prg_read(g, nonce, block, got, n), PT_OK);
            assert_memory_equal(got, want, n);
            for (size_t way = 0; way < PT_LEN(WAYS); way++) {
                if (!aes_wide_runs(WAYS[way].blocks))
                    continue;
                memset(got, 0xa5, sizeof got);
                WAYS[way].run(got, &key, nonce, block, n);
                assert_memory_equal(got, want, n);
                assert_int_equal(got[n], 0xa5); /* not one byte beyond */
            }
        }
        EVP_CIPHER_CTX_free(aes);
        prg_free(g);
    }
}

/* SP 800-38A has no counter of this form: the block of zeros under the key of zeros (GCM's test case
 * 13, whose H it is: McGrew and Viega, appendix B). */
static void the_block_of_zeros_is_published(void **state)
{
    static const uint8_t H[16] = {0xdc, 0x95, 0xc0, 0x78, 0xa2, 0x40, 0x89, 0x89,
                                  0xad, 0x48, 0xa2, 0x14, 0x92, 0x84, 0x20, 0x87};
    uint8_t got[16];

    (void)state;
    if (!aes_wide_usable())
        return;
    aes_wide_stream(got, &(struct key32){{0}}, 0, 0, sizeof got);
    assert_memory_equal(got, H, sizeof H);
}

static void it_belongs_to_paths_with_aes(void **state)
{
    (void)state;
    assert_true(!aes_wide_usable() || cpu_path() != CPU_PORTABLE);
    assert_true(!aes_wide_usable() || aes_wide_runs(1));
    assert_false(aes_wide_runs(4) && !cpu_usable(CPU_IFMA));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_those_of_openssl),
        cmocka_unit_test(the_block_of_zeros_is_published),
        cmocka_unit_test(it_belongs_to_paths_with_aes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
