/* Compiled with AVX2 (Makefile, CFLAGS_ARCH), and run only where there is AVX2. */
#include "crypto/digit_sum_plain.h"

void digit_pair_avx2(uint16_t *plain, uint32_t *weighted, const struct digit_pair *in)
{
    add_two(plain, weighted, in);
}
