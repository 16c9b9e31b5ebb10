#include "crypto/seal.h"

#include <sodium.h>

enum { NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, BOUND_BYTES = 32 + 8 + 1 };

_Static_assert(SEAL_OVERHEAD_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

/* The file's own key: from its random header, so that a chunk's number is nonce enough. */
static void start(struct seal_file *f, const struct key32 *key, const struct digest *context)
{
    const struct span parts[] = {{context->b, sizeof context->b}, {f->header, sizeof f->header}};

    prf_derive(&f->key, key, "patto/seal-file", parts, PT_LEN(parts));
    f->context = *context;
    f->next = 0;
    f->ended = false;
    f->leaves = false;
    f->left = 0;
}

void seal_begin(struct seal_file *f, const struct key32 *key, const struct digest *context)
{
    randombytes_buf(f->header, sizeof f->header);
    start(f, key, context);
}

void seal_resume(struct seal_file *f, const struct key32 *key, const struct digest *context,
                 const uint8_t header[SEAL_HEADER_BYTES])
{
    memmove(f->header, header, sizeof f->header);
    start(f, key, context);
}

/* What a chunk is bound to besides its bytes; its number is its nonce too. */
static void bind_chunk(const struct seal_file *f, uint64_t number, bool last,
                       uint8_t nonce[NONCE_BYTES], uint8_t bound[BOUND_BYTES])
{
    memset(nonce, 0, NONCE_BYTES);
    store_u64le(nonce, number);
    nonce[8] = last ? 1 : 0;
    memcpy(bound, f->context.b, sizeof f->context.b);
    store_u64le(bound + 32, number);
    bound[40] = last ? 1 : 0;
}

static void seal_chunk(uint8_t *out, const struct seal_file *f, uint64_t number, struct span plain,
                       bool last)
{
    uint8_t nonce[NONCE_BYTES];
    uint8_t bound[BOUND_BYTES];

    bind_chunk(f, number, last, nonce, bound);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.p, plain.n, bound,
                                                     sizeof bound, NULL, nonce, f->key.b);
}

enum pt_code seal_next(uint8_t *out, struct seal_file *f, struct span plain, bool last)
{
    if (plain.n > SEAL_CHUNK_MAX)
        return PT_ELIMIT;
    if (f->ended)
        return PT_ESTATE;
    seal_chunk(out, f, f->next, plain, last);
    f->next++;
    f->ended = last;
    return PT_OK;
}

enum pt_code seal_leave(struct seal_file *f)
{
    if (f->ended || f->leaves)
        return PT_ESTATE;
    f->leaves = true;
    f->left = f->next++;
    return PT_OK;
}

/* Once a number: the same nonce over other bytes would give both away. */
enum pt_code seal_left(uint8_t *out, struct seal_file *f, struct span plain)
{
    if (plain.n > SEAL_CHUNK_MAX)
        return PT_ELIMIT;
    if (!f->leaves)
        return PT_ESTATE;
    f->leaves = false;
    seal_chunk(out, f, f->left, plain, false);
    return PT_OK;
}

enum pt_code seal_open_next(uint8_t *out, struct seal_file *f, struct span box, bool last)
{
    uint8_t nonce[NONCE_BYTES];
    uint8_t bound[BOUND_BYTES];

    if (box.n < SEAL_OVERHEAD_BYTES)
        return PT_EBADMSG;
    size_t plain_bytes = box.n - SEAL_OVERHEAD_BYTES;
    enum pt_code rc = PT_OK;
    bind_chunk(f, f->next, last, nonce, bound);
    if (plain_bytes > SEAL_CHUNK_MAX)
        rc = PT_ELIMIT;
    else if (f->ended)
        rc = PT_ESTATE;
    else if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, box.p, box.n, bound,
                                                        sizeof bound, nonce, f->key.b) != 0)
        rc = PT_EBADMSG;
    if (rc == PT_OK) {
        f->next++;
        f->ended = last;
    } else {
        explicit_bzero(out, plain_bytes);
    }
    return rc;
}
