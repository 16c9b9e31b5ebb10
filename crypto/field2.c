#include "crypto/field2.h"

enum { NON_SQUARE = 5 };

bool field2_exists(const struct ring *r)
{
    const struct field2 five = {NON_SQUARE, 0};
    struct field2 power = {1, 0};

    /* Euler: 5^((q-1)/2) is -1. */
    for (int bit = 62; bit >= 0; bit--) {
        power = field2_mul(r, power, power);
        if ((r->q - 1) / 2 >> bit & 1)
            power = field2_mul(r, power, five);
    }
    return power.c0 == r->q - 1;
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

struct field2 field2_power(const struct ring *r, struct field2 a, unsigned e)
{
    struct field2 power = {1, 0};

    while (e-- > 0)
        power = field2_mul(r, power, a);
    return power;
}
