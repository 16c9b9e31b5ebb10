#include "crypto/shuffle.h"

#include <stdlib.h>
#include <string.h>

/* Streams of a key: none is read for two purposes. */
enum { STREAM_MASK, STREAM_ORDER, STREAM_COUNT };
enum { MEAN_MAX = 1 << 16, MASK_BLOCK = 1 << 13, CIPHER_BLOCK = 16 };

static enum pt_code mask_with(uint8_t *x, size_t n, const struct prg *g)
{
    uint8_t pad[MASK_BLOCK];
    enum pt_code rc = PT_OK;

    for (size_t at = 0; at < n && rc == PT_OK; at += MASK_BLOCK) {
        size_t part = n - at < MASK_BLOCK ? n - at : MASK_BLOCK;
        rc = prg_read(g, STREAM_MASK, at / CIPHER_BLOCK, pad, part);
        for (size_t i = 0; i < part; i++)
            x[at + i] ^= pad[i];
    }
    explicit_bzero(pad, sizeof pad);
    return rc;
}

enum pt_code shuffle_mask(uint8_t *x, size_t n, const struct key32 *key)
{
    struct prg *g = NULL;
    enum pt_code rc = prg_new(&g, key);

    if (rc == PT_OK)
        rc = mask_with(x, n, g);
    prg_free(g);
    if (rc != PT_OK)
        explicit_bzero(x, n);
    return rc;
}

/* Uniform below n, 1 <= n < 2^32: Lemire's multiplication, rejecting what would favour some (ACM
 * Transactions on Modeling and Computer Simulation 29, 2019). */
static uint32_t below(struct draw *d, uint32_t n)
{
    uint32_t least = (0U - n) % n; /* 2^32 mod n */
    uint64_t product;

    do {
        uint8_t b[4];
        draw_bytes(d, b, sizeof b);
        product = (uint64_t)load_u32le(b) * n;
        explicit_bzero(b, sizeof b);
    } while ((uint32_t)product < least && !d->bad);
    return (uint32_t)(product >> 32);
}

/* Fisher and Yates, on the values themselves: no table of places is ever in memory. */
static enum pt_code permute_with(uint8_t *x, size_t n, const struct prg *g)
{
    PT_WIPED(draw) d = {0};

    draw_init(&d, g, STREAM_ORDER);
    for (size_t i = n; i-- > 1 && !d.bad;) {
        size_t j = below(&d, (uint32_t)(i + 1));
        uint8_t t = x[i];
        x[i] = x[j];
        x[j] = t;
    }
    return d.bad ? PT_EBUG : PT_OK;
}

enum pt_code shuffle_permute(uint8_t *x, size_t n, const struct key32 *key)
{
    struct prg *g = NULL;
    enum pt_code rc;

    if (n > SHUFFLE_BYTES_MAX)
        return PT_ELIMIT;
    if ((rc = prg_new(&g, key)) == PT_OK)
        rc = permute_with(x, n, g);
    prg_free(g);
    if (rc != PT_OK)
        explicit_bzero(x, n);
    return rc;
}

void shuffle_bits(uint8_t *x, size_t n, uint8_t bits)
{
    for (size_t i = 0; i < n; i++)
        x[i] &= bits;
}

/* g given |g| <= cut: drawn again until it is. */
static enum pt_code cut_gauss(int64_t *out, struct draw *d, const struct shuffle_dummies *in)
{
    enum pt_code rc;

    do
        rc = noise_gauss(out, d, in->v);
    while (rc == PT_OK && (*out > in->mean || *out < -(int64_t)in->mean));
    return rc;
}

static enum pt_code draw_dummies(struct buf *out, const struct shuffle_dummies *in,
                                 const struct prg *g)
{
    PT_WIPED(draw) d = {0};
    enum pt_code rc = PT_OK;

    if (!buf_reserve(out, in->cells * 2 * in->mean))
        return PT_ENOMEM;
    draw_init(&d, g, STREAM_COUNT);
    for (size_t cell = 0; cell < in->cells && rc == PT_OK; cell++) {
        int64_t more = 0;
        if ((rc = cut_gauss(&more, &d, in)) != PT_OK)
            break;
        size_t copies = (size_t)(in->mean + more);
        memset(out->p + out->n, (int)cell, copies);
        out->n += copies;
    }
    return rc == PT_OK ? permute_with(out->p, out->n, g) : rc;
}

enum pt_code shuffle_dummies(struct buf *out, const struct shuffle_dummies *d,
                             const struct key32 *key)
{
    struct prg *g = NULL;
    enum pt_code rc;

    out->n = 0;
    if (d->cells < 2 || d->cells > (size_t)1 << SHUFFLE_PARTIES_MAX || d->mean < 1 ||
        d->mean > MEAN_MAX)
        return PT_ELIMIT;
    /* Far wider than the cut, drawing again would never end. */
    if (d->v.den == 0 || d->v.num / d->v.den > (u128)d->mean * d->mean)
        return PT_ELIMIT;
    if ((rc = prg_new(&g, key)) == PT_OK)
        rc = draw_dummies(out, d, g);
    prg_free(g);
    if (rc != PT_OK) {
        if (out->n > 0)
            explicit_bzero(out->p, out->n);
        out->n = 0;
    }
    return rc;
}
