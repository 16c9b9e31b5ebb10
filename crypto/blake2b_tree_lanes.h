/* blake2b_tree_lanes.h - whole stripes of a BLAKE2b tree, LANES leaves side by side: 4 or 8, which the
 * includer defines. */
#ifndef PT_BLAKE2B_TREE_LANES_H
#define PT_BLAKE2B_TREE_LANES_H

#include <string.h>

#include "crypto/blake2b_tree.h"
#include "crypto/words_lanes.h"

#include "crypto/blake2b_words.h"

/* Leaves [first, first + LANES). */
static void run_leaves(uint64_t state[8][BLAKE2B_TREE_LEAVES], size_t first, uint64_t leaf_bytes,
                       struct span in)
{
    word h[8];
    word v[16];
    word m[16];

    for (int i = 0; i < 8; i++)
        memcpy(&h[i], &state[i][first], sizeof h[i]);
    for (size_t at = first * BLAKE2B_TREE_BLOCK; at < in.n; at += BLAKE2B_TREE_STRIPE) {
        leaf_bytes += BLAKE2B_TREE_BLOCK;
#pragma GCC unroll 4
        for (size_t i = 0; i < 16; i += LANES) {
#pragma GCC unroll 8
            for (size_t lane = 0; lane < LANES; lane++)
                memcpy(&m[i + lane], in.p + at + lane * BLAKE2B_TREE_BLOCK + 8 * i, sizeof m[0]);
            transpose(&m[i]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            v[i] = h[i];
            v[i + 8] = BLAKE2B_IV[i] - (word){0};
        }
        v[12] ^= leaf_bytes;
        blake2b_rounds(h, v, m);
    }
    for (int i = 0; i < 8; i++)
        memcpy(&state[i][first], &h[i], sizeof h[i]);
    explicit_bzero(h, sizeof h);
    explicit_bzero(v, sizeof v);
    explicit_bzero(m, sizeof m);
}

static inline void run_stripes(uint64_t state[8][BLAKE2B_TREE_LEAVES], uint64_t leaf_bytes,
                               const uint8_t *stripes, size_t count)
{
    for (size_t first = 0; first < BLAKE2B_TREE_LEAVES; first += LANES)
        run_leaves(state, first, leaf_bytes, span_of(stripes, count * BLAKE2B_TREE_STRIPE));
}

#endif
