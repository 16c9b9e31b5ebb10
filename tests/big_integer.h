/* big_integer.h - arithmetic mod 2^255 - 19 for tests of the fields: slow, obvious, and nothing in
 * common with crypto/fe*.h. */
#ifndef PT_TESTS_BIG_INTEGER_H
#define PT_TESTS_BIG_INTEGER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/base/span.h"

/* An integer of up to 640 bits in bytes: slow, obvious, and nothing in common with fe51.h. */
struct big {
    uint32_t b[80];
};

static void big_carry(struct big *x)
{
    uint32_t c = 0;

    for (size_t i = 0; i < PT_LEN(x->b); i++) {
        c += x->b[i];
        x->b[i] = c & 0xff;
        c >>= 8;
    }
    assert_int_equal(c, 0);
}

/* x += limb * 2^bit; carry afterwards. */
static void big_put(struct big *x, uint64_t limb, size_t bit)
{
    for (size_t i = 0; i < 64; i++)
        x->b[(bit + i) / 8] += (uint32_t)(limb >> i & 1) << (bit + i) % 8;
}

static struct big big_mul(const struct big *x, const struct big *y)
{
    struct big r = {{0}};

    for (size_t i = 0; i < 40; i++)
        for (size_t j = 0; j < 40; j++)
            r.b[i + j] += x->b[i] * y->b[j];
    big_carry(&r);
    return r;
}

static struct big big_add(const struct big *x, const struct big *y)
{
    struct big r;

    for (size_t i = 0; i < PT_LEN(r.b); i++)
        r.b[i] = x->b[i] + y->b[i];
    big_carry(&r);
    return r;
}

/* Into 0..p-1, by 2^256 = 38, then 2^255 = 19, then subtracting p. */
static void big_reduce(uint8_t out[32], const struct big *x)
{
    struct big t = *x;

    for (int round = 0; round < 6; round++) {
        struct big folded = {{0}};
        for (size_t i = 0; i < PT_LEN(t.b); i++)
            folded.b[i % 32] += t.b[i] * (i < 32 ? 1 : i < 64 ? 38 : 38 * 38);
        t = folded;
        big_carry(&t);
    }
    for (int round = 0; round < 2; round++) {
        uint32_t top = t.b[31] >> 7;
        t.b[31] &= 0x7f;
        t.b[0] += 19 * top;
        big_carry(&t);
    }
    struct big plus19 = t; /* t >= p exactly when t + 19 reaches 2^255 */
    plus19.b[0] += 19;
    big_carry(&plus19);
    if (plus19.b[31] >> 7 != 0) {
        plus19.b[31] &= 0x7f;
        t = plus19;
    }
    for (size_t i = 0; i < 32; i++)
        out[i] = (uint8_t)t.b[i];
}

#endif
