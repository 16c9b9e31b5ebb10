#include "crypto/group.h"

#include <sodium.h>

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
    /* The group order, RFC 9496 section 4. */
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};

    for (size_t i = 32; i-- > 0;)
        if (a->b[i] != order[i])
            return a->b[i] < order[i];
    return false;
}

void group_base_mul(struct point *out, const struct scalar *k)
{
    /* Zero for zero: the identity's encoding, which is what 0*B is. */
    (void)crypto_scalarmult_ristretto255_base(out->b, k->b);
}

static bool point_good(const struct point *p)
{
    /* libsodium 1.0.18 ignores bit 255; RFC 9496 4.3.1 refuses it. */
    return (p->b[31] & 0x80) == 0 && sodium_is_zero(p->b, sizeof p->b) == 0 &&
           crypto_core_ristretto255_is_valid_point(p->b) == 1;
}

size_t group_check(const struct point *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!point_good(&in[i]))
            return i;
    return GROUP_ALL_GOOD;
}

static void mul_one(struct point *out, const struct scalar *k, const struct point *in)
{
    uint8_t q[32];

    if (crypto_scalarmult_ristretto255(q, k->b, in->b) != 0)
        memset(q, 0, sizeof q); /* k is zero */
    memcpy(out->b, q, sizeof q);
    sodium_memzero(q, sizeof q);
}

size_t group_mul(struct point *out, const struct scalar *k, const struct point *in, size_t n)
{
    size_t bad = group_check(in, n);

    if (bad != GROUP_ALL_GOOD)
        memset(out, 0, n * sizeof *out);
    for (size_t i = 0; bad == GROUP_ALL_GOOD && i < n; i++)
        mul_one(&out[i], k, &in[i]);
    return bad;
}

size_t group_mul_each(struct point *out, const struct scalar *k, const struct point *in, size_t n)
{
    size_t bad = group_check(in, n);

    if (bad != GROUP_ALL_GOOD)
        memset(out, 0, n * sizeof *out);
    for (size_t i = 0; bad == GROUP_ALL_GOOD && i < n; i++)
        mul_one(&out[i], &k[i], &in[i]);
    return bad;
}

size_t group_msm_vartime(struct point *out, const struct scalar *k, const struct point *in,
                         size_t n)
{
    size_t bad = group_check(in, n);
    struct point term;

    *out = (struct point){{0}};
    for (size_t i = 0; bad == GROUP_ALL_GOOD && i < n; i++) {
        mul_one(&term, &k[i], &in[i]);
        (void)crypto_core_ristretto255_add(out->b, out->b, term.b);
    }
    return bad;
}

void group_map(struct point *out, const uint8_t (*wide)[64], size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)crypto_core_ristretto255_from_hash(out[i].b, wide[i]);
}

void group_map_mul_each(struct point *out, const struct scalar *r, const uint8_t (*wide)[64],
                        size_t n)
{
    group_map(out, wide, n);
    for (size_t i = 0; i < n; i++)
        mul_one(&out[i], &r[i], &out[i]);
}

const char *group_backend(void)
{
    return "libsodium";
}
