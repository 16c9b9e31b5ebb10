/* Compiled with AVX2 instructions (Makefile, CFLAGS_ARCH), and run only where cpu.h says so; elsewhere
 * correct as well, and slow. By whole bytes a word turns in one shuffle. */
#define LANES 4
#define TURN2(n, at)                                                                               \
    (at) + (n) % 8, (at) + ((n) + 1) % 8, (at) + ((n) + 2) % 8, (at) + ((n) + 3) % 8,              \
        (at) + ((n) + 4) % 8, (at) + ((n) + 5) % 8, (at) + ((n) + 6) % 8, (at) + ((n) + 7) % 8
#define TURN(x, n)                                                                                 \
    ((word)__builtin_shufflevector((word_bytes)(x), (word_bytes)(x), TURN2(n, 0), TURN2(n, 8),     \
                                   TURN2(n, 16), TURN2(n, 24)))
#define ROTATE32(x) TURN(x, 4)
#define ROTATE24(x) TURN(x, 3)
#define ROTATE16(x) TURN(x, 2)
#define ROTATE63(x) ((x) >> 63 | ((x) + (x)))
#include "crypto/blake2b_tree_lanes.h"

void blake2b_tree_x4(uint64_t state[8][BLAKE2B_TREE_LEAVES], uint64_t leaf_bytes,
                     const uint8_t *stripes, size_t count)
{
    run_stripes(state, leaf_bytes, stripes, count);
}
