#include "crypto/scalar.h"

#include <sodium.h>

#include "crypto/base/ct.h"

/* q = 2^252 + 27742317777372353535851937790883648493, RFC 9496 section 4, little endian. */
static const uint64_t ORDER[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};

void scalar_reduce(struct scalar *out, const uint8_t wide[64])
{
    crypto_core_ristretto255_scalar_reduce(out->b, wide);
}

void scalar_mul(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    crypto_core_ristretto255_scalar_mul(out->b, a->b, b->b);
}

void scalar_muladd(struct scalar *out, const struct scalar *a, const struct scalar *b,
                   const struct scalar *c)
{
    PT_WIPED(scalar) bc = {0};

    scalar_mul(&bc, b, c);
    crypto_core_ristretto255_scalar_add(out->b, a->b, bc.b);
}

void scalar_mulsub(struct scalar *out, const struct scalar *a, const struct scalar *b,
                   const struct scalar *c)
{
    PT_WIPED(scalar) bc = {0};

    scalar_mul(&bc, b, c);
    crypto_core_ristretto255_scalar_sub(out->b, a->b, bc.b);
}

void scalar_invert(struct scalar *out, const struct scalar *a)
{
    /* Its result says whether a is zero; the output is zero then, which is all we promise. */
    (void)crypto_core_ristretto255_scalar_invert(out->b, a->b);
}

bool scalar_is_canonical_vartime(const struct scalar *a)
{
    for (size_t i = 4; i-- > 0;) {
        uint64_t limb = load_u64le(a->b + 8 * i);
        if (limb != ORDER[i])
            return limb < ORDER[i];
    }
    return false;
}

/* Eight nibbles, the lowest first, to a byte each of the digits they stand for: minus eight, each by
 * itself, for 128 + nibble - 8 stays a byte. */
static uint64_t digits_of(uint64_t nibbles)
{
    const uint64_t each = UINT64_C(0x0101010101010101);

    nibbles = (nibbles | nibbles << 16) & UINT64_C(0x0000ffff0000ffff);
    nibbles = (nibbles | nibbles << 8) & UINT64_C(0x00ff00ff00ff00ff);
    nibbles = (nibbles | nibbles << 4) & (15 * each);
    return ((nibbles + 128 * each) - 8 * each) ^ 128 * each;
}

/* (k - q)/2 when k is odd, k/2 when it is even: both have less than 251 bits and a sign. Eights are
 * added to all digits at once, so that their carries go where they belong, and taken away again digit
 * by digit. Twice everything, until the last: then nothing is negative, and one shift halves. */
void scalar_recode_half(struct scalar_digits *out, const struct scalar *k)
{
    static const uint64_t eights[4] = {0x1111111111111110, 0x1111111111111111, 0x1111111111111111,
                                       0x1111111111111111}; /* twice 63 of them */
    const uint64_t odd = ct_barrier(0 - (uint64_t)(k->b[0] & 1));
    uint64_t limb[5] = {0};
    uint8_t digits[64];
    u128 plus = 0;
    u128 minus = 0;

    for (size_t i = 0; i < 4; i++) {
        plus += (u128)load_u64le(k->b + 8 * i) + eights[i];
        minus = (u128)(uint64_t)plus - (ORDER[i] & odd) - minus;
        limb[i] = (uint64_t)minus;
        minus = (uint64_t)(minus >> 64) & 1;
        plus >>= 64;
    }
    for (size_t i = 0; i < 4; i++) {
        const uint64_t half = limb[i] >> 1 | limb[i + 1] << 63;

        store_u64le(digits + 16 * i, digits_of(half & UINT32_MAX));
        store_u64le(digits + 16 * i + 8, digits_of(half >> 32));
    }
    memcpy(out->d, digits, sizeof out->d);
    /* All that is left: 16 becomes an eight. */
    out->d[SCALAR_DIGITS - 1] = (int8_t)((int)(limb[3] >> 57) - 8);
    explicit_bzero(limb, sizeof limb);
    explicit_bzero(digits, sizeof digits);
}

void scalar_half(struct scalar *out, const struct scalar *k)
{
    const uint64_t odd = ct_barrier(0 - (uint64_t)(k->b[0] & 1));
    uint64_t limb[5] = {0};
    u128 sum = 0;

    for (size_t i = 0; i < 4; i++) {
        sum += (u128)load_u64le(k->b + 8 * i) + (ORDER[i] & odd);
        limb[i] = (uint64_t)sum;
        sum >>= 64;
    }
    for (size_t i = 0; i < 4; i++)
        store_u64le(out->b + 8 * i, limb[i] >> 1 | limb[i + 1] << 63);
    explicit_bzero(limb, sizeof limb);
}

/* 16 is added to all digits at once, and stays there: 51 digits have room for k and all of that. */
void scalar_recode_windows(struct scalar_windows *out, const struct scalar *k)
{
    static const uint64_t sixteens[4] = {0x0842108421084210, 0x1084210842108421, 0x2108421084210842,
                                         0x4210842108421084};
    uint64_t limb[5] = {0};
    u128 sum = 0;

    for (size_t i = 0; i < 4; i++) {
        sum += (u128)load_u64le(k->b + 8 * i) + sixteens[i];
        limb[i] = (uint64_t)sum;
        sum >>= 64;
    }
    for (size_t i = 0; i < SCALAR_WINDOWS; i++) {
        const size_t at = i * SCALAR_WINDOW_BITS;
        const uint64_t above = limb[at / 64 + 1] << 1 << (63 - at % 64);
        out->d[i] = (uint8_t)((limb[at / 64] >> at % 64 | above) & 31);
    }
    explicit_bzero(limb, sizeof limb);
}

void scalar_negate(struct scalar *out, const struct scalar *k)
{
    crypto_core_ristretto255_scalar_negate(out->b, k->b);
}

bool scalar_is_upper_half_vartime(const struct scalar *k)
{
    for (size_t i = 4; i-- > 0;) {
        const uint64_t limb = load_u64le(k->b + 8 * i);
        const uint64_t half = ORDER[i] >> 1 | (i < 3 ? ORDER[i + 1] << 63 : 0);
        if (limb != half)
            return limb > half;
    }
    return false;
}
