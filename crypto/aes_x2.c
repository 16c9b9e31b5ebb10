/* Compiled with VAES and AVX2 (Makefile, CFLAGS_ARCH), and run only where aes_wide.c says so. */
#include "crypto/aes_wide.h"

#include <assert.h>

#ifdef __VAES__

#define LANES 2
#include "crypto/aes_lanes.h"

void aes_x2(uint8_t *out, const struct key32 *key, uint64_t nonce, uint64_t block, size_t n)
{
    stream(out, key, nonce, block, n);
}

#else

void aes_x2(uint8_t *out, const struct key32 *key, uint64_t nonce, uint64_t block, size_t n)
{
    (void)key, (void)nonce, (void)block;
    memset(out, 0, n);
    assert(false); /* aes_wide_usable() says no */
}

#endif
