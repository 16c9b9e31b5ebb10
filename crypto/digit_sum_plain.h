/* digit_sum_plain.h - the loop of digit_sum.h in plain C; each includer compiles it for its own
 * instructions. Two leaves at once: it is memory that costs, not sums. */
#ifndef PT_DIGIT_SUM_PLAIN_H
#define PT_DIGIT_SUM_PLAIN_H

#include "crypto/digit_sum.h"

/* Leaf l, then leaf l - 1: each is added to the sum, and the sum to the weighted one, which `again`
 * keeps from happening the second time when l - 1 is zero. */
static inline __attribute__((always_inline)) void add_two(uint16_t *restrict plain,
                                                          uint32_t *restrict weighted,
                                                          const struct digit_pair *restrict in)
{
    const uint8_t *const first = in->planes[0];
    const uint8_t *const second = in->planes[1];
    const uint8_t counts[2] = {in->counts[0], in->counts[1]};
    const uint32_t again = in->again;

    for (size_t i = 0; i < in->bytes; i++) {
        const uint16_t one = (uint16_t)(plain[i] + (first[i] & counts[0]));
        const uint16_t two = (uint16_t)(one + (second[i] & counts[1]));
        plain[i] = two;
        weighted[i] += one + (two & again);
    }
}

#endif
