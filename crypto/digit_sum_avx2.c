/* Compiled with AVX2 (Makefile, CFLAGS_ARCH), and run only where there is AVX2. */
#include "crypto/digit_sum_plain.h"

void digit_group_avx2(uint16_t *plain, uint32_t *weighted, const struct digit_group *in)
{
    add_group(plain, weighted, in);
}
