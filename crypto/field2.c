#include "crypto/field2.h"

enum { NON_SQUARE = 5 };

/* e is public; constant time in a. */
static uint64_t power(const struct ring *r, uint64_t a, uint64_t e)
{
    uint64_t product = 1;

    for (int bit = 63; bit >= 0; bit--) {
        product = ring_mul(r, product, product);
        if (e >> bit & 1)
            product = ring_mul(r, product, a);
    }
    return product;
}

uint64_t ring_inverse(const struct ring *r, uint64_t a)
{
    return power(r, a, r->q - 2);
}

bool field2_exists(const struct ring *r)
{
    return power(r, NON_SQUARE, (r->q - 1) / 2) == r->q - 1; /* Euler */
}

struct field2 field2_mul(const struct ring *r, struct field2 a, struct field2 b)
{
    const uint64_t high = ring_mul(r, a.c1, b.c1);

    return (struct field2){ring_reduce(r, ring_mul(r, a.c0, b.c0) + NON_SQUARE * high),
                           ring_add(r, ring_mul(r, a.c0, b.c1), ring_mul(r, a.c1, b.c0))};
}

struct field2 field2_scale(const struct ring *r, struct field2 a, uint64_t s)
{
    return (struct field2){ring_mul(r, a.c0, s), ring_mul(r, a.c1, s)};
}

/* The conjugate over the norm, which is of F_q. Constant time: the exponent is public. */
struct field2 field2_inverse(const struct ring *r, struct field2 a)
{
    const struct field2 conjugate = {a.c0, ring_sub(r, 0, a.c1)};
    const uint64_t norm = field2_mul(r, a, conjugate).c0;

    return field2_scale(r, conjugate, ring_inverse(r, norm));
}

struct field2 field2_power(const struct ring *r, struct field2 a, unsigned e)
{
    struct field2 power = {1, 0};

    while (e-- > 0)
        power = field2_mul(r, power, a);
    return power;
}
