/* Compiled with AVX-512 instructions (Makefile, CFLAGS_ARCH), which turn a word at once; run only where
 * cpu.h says so, elsewhere correct as well, and slow. */
#define LANES 8
#include "crypto/blake2b_tree_lanes.h"

void blake2b_tree_x8(uint64_t state[8][BLAKE2B_TREE_LEAVES], uint64_t leaf_bytes,
                     const uint8_t *stripes, size_t count)
{
    run_stripes(state, leaf_bytes, stripes, count);
}
