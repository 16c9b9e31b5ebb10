#include "node/spool.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/prf.h"
#include "node/fileio.h"
#include "node/hidden.h"

enum {
    BOX_BYTES = SPOOL_CHUNK_BYTES + crypto_aead_chacha20poly1305_ietf_ABYTES,
    NONCE_BYTES = crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
};
#define NO_CHUNK UINT32_MAX

struct part {
    uint8_t *open;        /* records that are not on the disk: fewer than a chunk has */
    size_t count;         /* of them */
    uint32_t first, last; /* its chunks on the disk, linked by next; NO_CHUNK: none */
};

struct spool {
    char dir[FILEIO_PATH_MAX];
    struct key32 key;
    struct fileio_new file;
    size_t record_bytes, chunk_records;
    struct part parts[SPOOL_PARTS];
    uint32_t *next; /* of each chunk, the one after it in its part */
    size_t chunk_count, chunk_cap;
    uint8_t plain[SPOOL_CHUNK_BYTES];
    uint8_t box[BOX_BYTES];
};

enum pt_code spool_new(struct spool **out, const char *dir, size_t record_bytes, struct pt_err *err)
{
    struct spool *s;

    assert(record_bytes > 0 && record_bytes <= SPOOL_CHUNK_BYTES);
    *out = NULL;
    if (strlen(dir) >= sizeof s->dir)
        return pt_fail(err, PT_ELIMIT, "%s: the path is too long", dir);
    s = hidden_locked_new(sizeof *s);
    if (s == NULL)
        return pt_fail(err, PT_ENOMEM, "customers: not enough memory");
    s->file.fd = -1;
    memcpy(s->dir, dir, strlen(dir) + 1);
    randombytes_buf(s->key.b, sizeof s->key.b);
    s->record_bytes = record_bytes;
    s->chunk_records = SPOOL_CHUNK_BYTES / record_bytes;
    for (size_t i = 0; i < SPOOL_PARTS; i++)
        s->parts[i] = (struct part){.first = NO_CHUNK, .last = NO_CHUNK};
    *out = s;
    return PT_OK;
}

void spool_free(struct spool *s)
{
    if (s == NULL)
        return;
    fileio_close(&s->file);
    for (size_t i = 0; i < SPOOL_PARTS; i++)
        hidden_free(s->parts[i].open);
    free(s->next);
    hidden_free(s);
}

/* A chunk's place in the file, written once, is nonce enough; it is bound to its part. */
static void bind_chunk(uint8_t nonce[NONCE_BYTES], uint8_t bound[8], uint32_t chunk, size_t part)
{
    memset(nonce, 0, NONCE_BYTES);
    store_u32le(nonce, chunk);
    store_u64le(bound, part);
}

static enum pt_code grow_next(struct spool *s, struct pt_err *err)
{
    const size_t cap = s->chunk_cap == 0 ? 1024 : 2 * s->chunk_cap;
    uint32_t *next;

    if (s->chunk_count >= NO_CHUNK - 1)
        return pt_fail(err, PT_ELIMIT, "more rows than an ingest takes");
    next = realloc(s->next, cap * sizeof *next);
    if (next == NULL)
        return pt_fail(err, PT_ENOMEM, "customers: not enough memory");
    s->next = next;
    s->chunk_cap = cap;
    return PT_OK;
}

static enum pt_code write_chunk(struct spool *s, size_t part, struct pt_err *err)
{
    struct part *p = &s->parts[part];
    const uint32_t chunk = (uint32_t)s->chunk_count;
    uint8_t nonce[NONCE_BYTES];
    uint8_t bound[8];
    enum pt_code rc;

    if ((s->chunk_count == s->chunk_cap && (rc = grow_next(s, err)) != PT_OK) ||
        (s->file.fd < 0 && (rc = fileio_nameless(&s->file, s->dir, err)) != PT_OK))
        return rc;
    bind_chunk(nonce, bound, chunk, part);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(s->box, NULL, p->open, SPOOL_CHUNK_BYTES, bound,
                                                    sizeof bound, NULL, nonce, s->key.b);
    if ((rc = fileio_put(&s->file, (uint64_t)chunk * BOX_BYTES, span_of(s->box, BOX_BYTES), err)) !=
        PT_OK)
        return rc;
    s->next[chunk] = NO_CHUNK;
    if (p->last == NO_CHUNK)
        p->first = chunk;
    else
        s->next[p->last] = chunk;
    p->last = chunk;
    p->count = 0;
    s->chunk_count++;
    return PT_OK;
}

enum pt_code spool_put(struct spool *s, size_t part, const uint8_t *record, struct pt_err *err)
{
    struct part *p = &s->parts[part];
    enum pt_code rc;

    assert(part < SPOOL_PARTS);
    if (p->open == NULL && (p->open = hidden_new(1, SPOOL_CHUNK_BYTES)) == NULL)
        return pt_fail(err, PT_ENOMEM, "customers: not enough memory");
    if (p->count == s->chunk_records && (rc = write_chunk(s, part, err)) != PT_OK)
        return rc;
    memcpy(p->open + p->count * s->record_bytes, record, s->record_bytes);
    p->count++;
    return PT_OK;
}

static enum pt_code read_chunk(struct spool *s, size_t part, uint32_t chunk, struct pt_err *err)
{
    uint8_t nonce[NONCE_BYTES];
    uint8_t bound[8];
    enum pt_code rc = fileio_get(s->box, BOX_BYTES, &s->file, (uint64_t)chunk * BOX_BYTES, err);

    if (rc != PT_OK)
        return rc;
    bind_chunk(nonce, bound, chunk, part);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(s->plain, NULL, NULL, s->box, BOX_BYTES, bound,
                                                  sizeof bound, nonce, s->key.b) != 0)
        return pt_fail(err, PT_EBADMSG, "reading %s: it was altered meanwhile", s->file.path);
    return PT_OK;
}

static enum pt_code hand_over(const struct spool *s, const uint8_t *records, size_t count,
                              const struct spool_taker *to, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < count && rc == PT_OK; i++)
        rc = to->take(to->self, records + i * s->record_bytes, err);
    return rc;
}

enum pt_code spool_take(struct spool *s, size_t part, const struct spool_taker *to,
                        struct pt_err *err)
{
    const struct part *p = &s->parts[part];
    enum pt_code rc = PT_OK;

    assert(part < SPOOL_PARTS);
    for (uint32_t chunk = p->first; chunk != NO_CHUNK && rc == PT_OK; chunk = s->next[chunk])
        if ((rc = read_chunk(s, part, chunk, err)) == PT_OK)
            rc = hand_over(s, s->plain, s->chunk_records, to, err);
    return rc == PT_OK ? hand_over(s, p->open, p->count, to, err) : rc;
}
