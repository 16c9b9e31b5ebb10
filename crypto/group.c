#include "crypto/group.h"

#include <sodium.h>
#include <stdlib.h>

#include "crypto/cpu.h"
#include "crypto/group_backend.h"

/* By the path that cpu.h chooses. */
const struct group_backend *group_backend_of_cpu(void)
{
    static const struct group_backend *const OF_PATH[CPU_PATH_COUNT] = {
        [CPU_PORTABLE] = &GROUP_PORTABLE, [CPU_AVX2] = &GROUP_AVX2, [CPU_IFMA] = &GROUP_IFMA};

    return OF_PATH[cpu_path()];
}

static size_t chunk_at(const struct group_backend *b, size_t at, size_t n)
{
    return n - at < b->chunk ? n - at : b->chunk;
}

static size_t mul_all(struct point *out, const struct scalar *k, size_t stride,
                      const struct point *in, size_t n)
{
    const struct group_backend *b = group_backend_of_cpu();

    for (size_t at = 0; at < n; at += b->chunk) {
        size_t m = chunk_at(b, at, n);
        size_t good = b->mul(out + at, k + at * stride, stride, in + at, m);

        if (good == m)
            continue;
        memset(out, 0, n * sizeof *out);
        return at + good;
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

/* RFC 9496 appendix A.1, B[1]. */
static const struct point GENERATOR = {{0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71,
                                        0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f,
                                        0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d,
                                        0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76}};

void group_base_mul(struct point *out, const struct scalar *k)
{
    (void)!mul_all(out, k, 0, &GENERATOR, 1); /* the generator decodes */
}

size_t group_check(const struct point *in, size_t n)
{
    const struct group_backend *b = group_backend_of_cpu();

    for (size_t at = 0; at < n; at += b->chunk) {
        size_t m = chunk_at(b, at, n);
        size_t good = b->check(in + at, m);

        if (good < m)
            return at + good;
    }
    return GROUP_ALL_GOOD;
}

void group_map(struct point *out, const uint8_t (*wide)[64], size_t n)
{
    const struct group_backend *b = group_backend_of_cpu();

    for (size_t at = 0; at < n; at += b->chunk)
        b->map(out + at, wide + at, chunk_at(b, at, n));
}

enum pt_code group_table_new(struct group_table **out, const struct point *base)
{
    struct group_table *t = aligned_alloc(_Alignof(struct group_table), sizeof *t);

    *out = NULL;
    if (t == NULL)
        return PT_ENOMEM;
    if (!group_backend_of_cpu()->table(t, base)) {
        free(t);
        return PT_EBADMSG;
    }
    *out = t;
    return PT_OK;
}

enum pt_code group_base_table_new(struct group_table **out)
{
    return group_table_new(out, &GENERATOR);
}

static struct group_blind blind_at(const struct group_blind *b, size_t at)
{
    return (struct group_blind){b->table, b->r + at};
}

void group_map_blind(struct point *out, const struct group_blind *b, const uint8_t (*wide)[64],
                     size_t n)
{
    const struct group_backend *g = group_backend_of_cpu();

    for (size_t at = 0; at < n; at += g->chunk) {
        const struct group_blind here = blind_at(b, at);
        g->map_blind(out + at, &here, wide + at, chunk_at(g, at, n));
    }
}

void group_mul_terms(struct point *out, const struct scalar *k, const struct group_term *in,
                     size_t n)
{
    const struct group_backend *g = group_backend_of_cpu();

    for (size_t at = 0; at < n; at += g->chunk)
        g->mul_terms(out + at, k, in + at, chunk_at(g, at, n));
}

void group_unblind_mul(struct point *out, const struct scalar *k, const struct group_blind *b,
                       const struct group_term *in, size_t n)
{
    const struct group_backend *g = group_backend_of_cpu();

    for (size_t at = 0; at < n; at += g->chunk) {
        const struct group_blind here = blind_at(b, at);
        g->unblind_mul(out + at, k, &here, in + at, chunk_at(g, at, n));
    }
}

void group_blind_again(struct point *out, const struct group_blind *old,
                       const struct group_blind *b, const struct group_term *in, size_t n)
{
    const struct group_backend *g = group_backend_of_cpu();

    for (size_t at = 0; at < n; at += g->chunk) {
        const struct group_blind old_here = blind_at(old, at);
        const struct group_blind here = blind_at(b, at);
        g->blind_again(out + at, &old_here, &here, in + at, chunk_at(g, at, n));
    }
}

/* A few hundred a session: libsodium's are fast enough. */
static size_t combine_each(struct point *out, const struct point *a, const struct point *b,
                           size_t n,
                           int (*combine)(unsigned char *, const unsigned char *,
                                          const unsigned char *))
{
    for (size_t i = 0; i < n; i++)
        if (combine(out[i].b, a[i].b, b[i].b) != 0) {
            memset(out, 0, n * sizeof *out);
            return i;
        }
    return GROUP_ALL_GOOD;
}

size_t group_add_each(struct point *out, const struct point *a, const struct point *b, size_t n)
{
    return combine_each(out, a, b, n, crypto_core_ristretto255_add);
}

size_t group_sub_each(struct point *out, const struct point *a, const struct point *b, size_t n)
{
    return combine_each(out, a, b, n, crypto_core_ristretto255_sub);
}

const char *group_backend(void)
{
    return group_backend_of_cpu()->name;
}
