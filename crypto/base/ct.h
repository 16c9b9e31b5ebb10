/* ct.h - comparing and selecting without a branch or an address that depends on a secret.
 * A mask is all ones or all zeros. Each passes through an asm barrier: compilers otherwise
 * recognise a bare mask and turn it back into a branch. */
#ifndef PT_BASE_CT_H
#define PT_BASE_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint64_t ct_barrier(uint64_t x)
{
    __asm__("" : "+r"(x));
    return x;
}

/* All ones when the top bit of x is set. */
static inline uint64_t ct_mask_top(uint64_t x)
{
    return ct_barrier(0 - (x >> 63));
}
static inline uint64_t ct_mask_zero(uint64_t x)
{
    return ct_mask_top(~x & (x - 1));
}
static inline uint64_t ct_mask_eq(uint64_t a, uint64_t b)
{
    return ct_mask_zero(a ^ b);
}
/* All ones when a < b, as unsigned numbers. */
static inline uint64_t ct_mask_lt(uint64_t a, uint64_t b)
{
    return ct_mask_top(a ^ ((a ^ b) | ((a - b) ^ b)));
}
static inline uint64_t ct_select(uint64_t mask, uint64_t yes, uint64_t no)
{
    return (mask & yes) | (~mask & no);
}
/* Same n bytes? The time depends on n alone. */
static inline bool ct_equal(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint64_t d = 0;

    for (size_t i = 0; i < n; i++)
        d |= (uint64_t)(x[i] ^ y[i]);
    return (ct_mask_zero(d) & 1) != 0;
}

#endif
