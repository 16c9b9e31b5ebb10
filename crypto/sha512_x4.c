/* Compiled with AVX2 instructions (Makefile, CFLAGS_ARCH), and run only where cpu.h says so; elsewhere
 * correct as well, and slow. */
#define LANES 4
#include "crypto/sha512_lanes.h"

void sha512_x4(uint8_t *const *out, const crypto_hash_sha512_state *start,
               const uint8_t *const *row, size_t bytes)
{
    sha512_lanes(out, start, row, bytes);
}
