#include "crypto/prg.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "crypto/aes_wide.h"

struct prg {
    struct key32 key; /* for aes_wide.h */
    /* Where that is not to be had. A template: each read works on a copy, so threads may share it. */
    EVP_CIPHER_CTX *aes;
};

enum { BLOCK = 16, CHUNK = 8192 }; /* a chunk stays in the first cache between its two passes */

enum pt_code prg_new(struct prg **out, const struct key32 *key)
{
    struct prg *g = calloc(1, sizeof *g);

    *out = NULL;
    if (g == NULL)
        return PT_ENOMEM;
    g->key = *key;
    g->aes = EVP_CIPHER_CTX_new();
    if (g->aes == NULL || EVP_EncryptInit_ex(g->aes, EVP_aes_256_ecb(), NULL, key->b, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(g->aes, 0) != 1) {
        prg_free(g);
        return PT_ENOMEM;
    }
    *out = g;
    return PT_OK;
}

void prg_free(struct prg *g)
{
    if (g == NULL)
        return;
    EVP_CIPHER_CTX_free(g->aes); /* OpenSSL clears the key schedule */
    explicit_bzero(&g->key, sizeof g->key);
    free(g);
}

/* Encrypt counters block, block+1, ... of the stream into n bytes, n a multiple of BLOCK and at
 * most CHUNK: the counters are written where the result goes. */
static bool fill(EVP_CIPHER_CTX *aes, uint64_t nonce, uint64_t block, uint8_t *out, size_t n)
{
    int done = 0;

    for (size_t i = 0; i < n; i += BLOCK) {
        store_u64le(out + i, block++);
        store_u64le(out + i + 8, nonce);
    }
    return EVP_EncryptUpdate(aes, out, &done, out, (int)n) == 1 && done == (int)n;
}

static bool read_with(EVP_CIPHER_CTX *aes, uint64_t nonce, uint64_t block, struct buf out)
{
    size_t whole = out.n - out.n % BLOCK;
    uint8_t last[BLOCK];

    for (size_t at = 0; at < whole; at += CHUNK) {
        size_t n = whole - at < CHUNK ? whole - at : CHUNK;
        if (!fill(aes, nonce, block + at / BLOCK, out.p + at, n))
            return false;
    }
    if (whole == out.n)
        return true;
    bool good = fill(aes, nonce, block + whole / BLOCK, last, sizeof last);
    if (good)
        memcpy(out.p + whole, last, out.n - whole);
    explicit_bzero(last, sizeof last);
    return good;
}

/* By the library, wherever there are no wide instructions. */
static enum pt_code read_copy(const struct prg *g, uint64_t nonce, uint64_t block, void *out,
                              size_t n)
{
    EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
    struct buf into = {.p = out, .n = n};
    bool good =
        aes != NULL && EVP_CIPHER_CTX_copy(aes, g->aes) == 1 && read_with(aes, nonce, block, into);

    EVP_CIPHER_CTX_free(aes);
    if (good)
        return PT_OK;
    explicit_bzero(out, n);
    return PT_EBUG;
}

enum pt_code prg_read(const struct prg *g, uint64_t nonce, uint64_t block, void *out, size_t n)
{
    if (g == NULL) {
        explicit_bzero(out, n);
        return PT_EBUG;
    }
    if (!aes_wide_usable())
        return read_copy(g, nonce, block, out, n);
    aes_wide_stream(out, &g->key, nonce, block, n);
    return PT_OK;
}

void draw_init(struct draw *d, const struct prg *g, uint64_t nonce)
{
    *d = (struct draw){.g = g, .nonce = nonce};
}

void draw_bytes(struct draw *d, void *out, size_t n)
{
    uint8_t *to = out;

    while (n > 0) {
        if (d->left == 0) {
            if (prg_read(d->g, d->nonce, d->block, d->ahead, sizeof d->ahead) != PT_OK)
                d->bad = true;
            d->block += sizeof d->ahead / BLOCK;
            d->left = sizeof d->ahead;
        }
        size_t part = n < d->left ? n : d->left;
        uint8_t *from = d->ahead + sizeof d->ahead - d->left;
        memcpy(to, from, part);
        explicit_bzero(from, part); /* what was drawn is not kept */
        to += part;
        n -= part;
        d->left -= part;
    }
    if (d->bad)
        explicit_bzero(out, (size_t)(to - (uint8_t *)out));
}

uint64_t draw_u64(struct draw *d)
{
    uint8_t b[8];

    draw_bytes(d, b, sizeof b);
    uint64_t v = load_u64le(b);
    explicit_bzero(b, sizeof b);
    return v;
}
