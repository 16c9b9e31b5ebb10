/* words_lanes.h - a 64-bit word of each of LANES messages in one vector of the compiler's own, for hashes of
 * many messages at once. The includer defines LANES, 4 or 8. */
#ifndef PT_WORDS_LANES_H
#define PT_WORDS_LANES_H

#include <stdint.h>

typedef uint64_t word __attribute__((vector_size(8 * LANES))); /* one of each message */
typedef uint8_t word_bytes __attribute__((vector_size(8 * LANES)));

/* Words of one message a row become words of one place a row: halves, quarters and eighths are exchanged
 * across the diagonal. */
#if LANES == 8
#define TRANSPOSE_STEPS 3
#define LOW(step, a, b)                                                                            \
    ((step) == 0   ? __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)                      \
     : (step) == 1 ? __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)                       \
                   : __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11))
#define HIGH(step, a, b)                                                                           \
    ((step) == 0   ? __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)                      \
     : (step) == 1 ? __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)                     \
                   : __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15))
#else
#define TRANSPOSE_STEPS 2
#define LOW(step, a, b)                                                                            \
    ((step) == 0 ? __builtin_shufflevector(a, b, 0, 4, 2, 6)                                       \
                 : __builtin_shufflevector(a, b, 0, 1, 4, 5))
#define HIGH(step, a, b)                                                                           \
    ((step) == 0 ? __builtin_shufflevector(a, b, 1, 5, 3, 7)                                       \
                 : __builtin_shufflevector(a, b, 2, 3, 6, 7))
#endif
static inline __attribute__((always_inline)) void exchange(int step, word *a, word *b)
{
    const word low = LOW(step, *a, *b);

    *b = HIGH(step, *a, *b);
    *a = low;
}
static inline __attribute__((always_inline)) void transpose(word *w)
{
#pragma GCC unroll 3
    for (int step = 0; step < TRANSPOSE_STEPS; step++)
#pragma GCC unroll 8
        for (int i = 0; i < LANES; i++)
            if ((i & 1 << step) == 0)
                exchange(step, &w[i], &w[i + (1 << step)]);
}

#endif
