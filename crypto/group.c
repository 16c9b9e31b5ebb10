#include "crypto/group.h"

#include "crypto/curve.h"
#include "crypto/scalar.h"

struct ge_chunk { /* decoded points, perhaps derived from secrets */
    struct ge p[GE_CHUNK];
};
PT_SECRET_TYPE(ge_chunk);

/* out[i] = k[i * stride] * p[i] by way of k/2: doubling while encoding needs no square root. */
static void mul_encode(struct point *out, struct ge_chunk *c, const struct scalar *k, size_t stride,
                       size_t n)
{
    PT_WIPED(scalar) half = {0};
    PT_WIPED(scalar_digits) digits = {0};

    for (size_t i = 0; i < n; i++) {
        scalar_half(&half, &k[i * stride]);
        scalar_recode(&digits, &half);
        ge_mul(&c->p[i], digits.d);
    }
    ge_double_encode(out, c->p, n);
}

static size_t chunk_at(size_t at, size_t n)
{
    return n - at < GE_CHUNK ? n - at : GE_CHUNK;
}

static size_t mul_all(struct point *out, const struct scalar *k, size_t stride,
                      const struct point *in, size_t n)
{
    PT_WIPED(ge_chunk) c = {0};

    for (size_t at = 0; at < n; at += GE_CHUNK) {
        size_t m = chunk_at(at, n);

        for (size_t i = 0; i < m; i++) {
            if (ge_decode(&c.p[i], &in[at + i]))
                continue;
            memset(out, 0, n * sizeof *out);
            return at + i;
        }
        mul_encode(out + at, &c, k + at * stride, stride, m);
    }
    return GROUP_ALL_GOOD;
}

size_t group_mul(struct point *out, const struct scalar *k, const struct point *in, size_t n)
{
    return mul_all(out, k, 0, in, n);
}

size_t group_mul_each(struct point *out, const struct scalar *k, const struct point *in, size_t n)
{
    return mul_all(out, k, 1, in, n);
}

void group_base_mul(struct point *out, const struct scalar *k)
{
    /* RFC 9496 appendix A.1, B[1]. */
    static const struct point generator = {{0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71,
                                            0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f,
                                            0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d,
                                            0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76}};

    (void)!mul_all(out, k, 0, &generator, 1); /* the generator decodes */
}

size_t group_check(const struct point *in, size_t n)
{
    struct ge p;

    for (size_t i = 0; i < n; i++)
        if (!ge_decode(&p, &in[i]))
            return i;
    return GROUP_ALL_GOOD;
}

void group_map(struct point *out, const uint8_t (*wide)[64], size_t n)
{
    PT_WIPED(ge_chunk) c = {0};

    for (size_t i = 0; i < n; i++) {
        ge_map(&c.p[0], wide[i]);
        ge_encode(&out[i], &c.p[0]);
    }
}

void group_map_mul_each(struct point *out, const struct scalar *r, const uint8_t (*wide)[64],
                        size_t n)
{
    PT_WIPED(ge_chunk) c = {0};

    for (size_t at = 0; at < n; at += GE_CHUNK) {
        size_t m = chunk_at(at, n);

        for (size_t i = 0; i < m; i++)
            ge_map(&c.p[i], wide[at + i]);
        mul_encode(out + at, &c, r + at, 1, m);
    }
}

const char *group_backend(void)
{
    return "portable";
}
