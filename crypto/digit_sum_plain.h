/* digit_sum_plain.h - the loop of digit_sum.h in plain C; each includer compiles it for its own
 * instructions. Eight leaves at once: it is memory that costs, not sums. */
#ifndef PT_DIGIT_SUM_PLAIN_H
#define PT_DIGIT_SUM_PLAIN_H

#include "crypto/digit_sum.h"

/* To plain the leaves, to weighted each as often as its place in the group says, and eight times the
 * plain sum so far: after all groups, from the last down, leaf l counts l times. A group's own sums stay
 * under 2^13. */
static inline __attribute__((always_inline)) void add_group(uint16_t *restrict plain,
                                                            uint32_t *restrict weighted,
                                                            const struct digit_group *restrict in)
{
    uint8_t(*const planes)[RESIDUES_PLANES_MAX] = in->planes;
    const struct digit_group group = *in;

    for (size_t i = 0; i < group.bytes; i++) {
        uint16_t sum = 0;
        uint16_t sums = 0;
        for (size_t leaf = DIGIT_GROUP - 1; leaf > 0; leaf--) {
            sum = (uint16_t)(sum + (planes[leaf][i] & group.counts[leaf]));
            sums = (uint16_t)(sums + sum);
        }
        sum = (uint16_t)(sum + (planes[0][i] & group.counts[0]) + plain[i]);
        plain[i] = sum;
        weighted[i] += sums + (DIGIT_GROUP * (uint32_t)sum & group.again);
    }
}

#endif
