#include "node/sealed.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node/fileio.h"
#include "node/hidden.h"

enum { BOX_MAX = SEAL_CHUNK_MAX + SEAL_OVERHEAD_BYTES };

struct sealed_writer {
    struct seal_file seal;
    struct fileio_new file;
    uint8_t *first;    /* the first chunk while it waits for its head; NULL: it does not */
    size_t head_bytes; /* still to come */
    size_t plain_n;
    uint8_t plain[SEAL_CHUNK_MAX];
    uint8_t box[BOX_MAX];
};

struct sealed_reader {
    struct seal_file seal;
    char path[FILEIO_PATH_MAX];
    int fd;
    uint64_t file_left; /* sealed bytes not yet read */
    size_t at, plain_n; /* in plain */
    bool ended;
    uint8_t plain[SEAL_CHUNK_MAX];
    uint8_t box[BOX_MAX];
};

enum pt_code sealed_create(struct sealed_writer **out, const char *path, const struct key32 *key,
                           const struct digest *context, struct pt_err *err)
{
    struct sealed_writer *w = hidden_locked_new(sizeof *w);
    enum pt_code rc;

    *out = NULL;
    if (w == NULL)
        return pt_fail(err, PT_ENOMEM, "writing %s: not enough memory", path);
    w->file.fd = -1;
    seal_begin(&w->seal, key, context);
    if ((rc = fileio_begin(&w->file, path, err)) == PT_OK)
        rc = fileio_add(&w->file, span_of(w->seal.header, SEAL_HEADER_BYTES), err);
    if (rc == PT_OK)
        *out = w;
    else
        sealed_drop(w);
    return rc;
}

enum pt_code sealed_create_headed(struct sealed_writer **out, const char *path,
                                  const struct key32 *key, const struct digest *context,
                                  size_t head_bytes, struct pt_err *err)
{
    enum pt_code rc;

    assert(head_bytes > 0 && head_bytes <= SEAL_CHUNK_MAX);
    if ((rc = sealed_create(out, path, key, context, err)) != PT_OK)
        return rc;
    assert(*out != NULL);
    (*out)->head_bytes = (*out)->plain_n = head_bytes; /* zeros, as the memory is new */
    return PT_OK;
}

enum pt_code sealed_head(struct sealed_writer *w, struct span head, struct pt_err *err)
{
    if (head.n != w->head_bytes || head.n == 0)
        return pt_fail(err, PT_EBUG, "writing %s: not the head it was made for", w->file.path);
    memcpy(w->first != NULL ? w->first : w->plain, head.p, head.n);
    w->head_bytes = 0;
    return PT_OK;
}

/* The first chunk is full and its head is not known: it waits here, and its place in the file. */
static enum pt_code keep_first(struct sealed_writer *w, struct pt_err *err)
{
    w->first = hidden_new(1, SEAL_CHUNK_MAX);
    if (w->first == NULL)
        return pt_fail(err, PT_ENOMEM, "writing %s: not enough memory", w->file.path);
    if (seal_leave(&w->seal) != PT_OK)
        return pt_fail(err, PT_EBUG, "sealing %s failed", w->file.path);
    memcpy(w->first, w->plain, SEAL_CHUNK_MAX);
    w->plain_n = 0;
    return fileio_leave(&w->file, BOX_MAX, err);
}

static enum pt_code write_first(struct sealed_writer *w, struct pt_err *err)
{
    enum pt_code rc = seal_left(w->box, &w->seal, span_of(w->first, SEAL_CHUNK_MAX));

    if (rc != PT_OK)
        return pt_fail(err, rc, "sealing %s failed", w->file.path);
    return fileio_put(&w->file, SEAL_HEADER_BYTES, span_of(w->box, BOX_MAX), err);
}

static enum pt_code write_chunk(struct sealed_writer *w, bool last, struct pt_err *err)
{
    if (w->head_bytes > 0 && w->first == NULL && !last)
        return keep_first(w, err);
    enum pt_code rc = seal_next(w->box, &w->seal, span_of(w->plain, w->plain_n), last);

    if (rc != PT_OK)
        return pt_fail(err, rc, "sealing %s failed", w->file.path);
    rc = fileio_add(&w->file, span_of(w->box, w->plain_n + SEAL_OVERHEAD_BYTES), err);
    w->plain_n = 0;
    return rc;
}

enum pt_code sealed_put(struct sealed_writer *w, struct span plain, struct pt_err *err)
{
    while (plain.n > 0) {
        enum pt_code rc;
        if (w->plain_n == SEAL_CHUNK_MAX && (rc = write_chunk(w, false, err)) != PT_OK)
            return rc;
        size_t n = SEAL_CHUNK_MAX - w->plain_n;
        if (n > plain.n)
            n = plain.n;
        memcpy(w->plain + w->plain_n, plain.p, n);
        w->plain_n += n;
        plain.p += n;
        plain.n -= n;
    }
    return PT_OK;
}

enum pt_code sealed_commit(struct sealed_writer *w, struct pt_err *err)
{
    enum pt_code rc;

    if (w->head_bytes > 0)
        return pt_fail(err, PT_EBUG, "writing %s: its head is missing", w->file.path);
    if ((rc = write_chunk(w, true, err)) != PT_OK ||
        (w->first != NULL && (rc = write_first(w, err)) != PT_OK))
        return rc;
    return fileio_commit(&w->file, err);
}

enum pt_code sealed_commit_as(struct sealed_writer *w, const char *path, struct pt_err *err)
{
    if (strlen(path) >= sizeof w->file.path)
        return pt_fail(err, PT_ELIMIT, "writing %s: the path is too long", path);
    snprintf(w->file.path, sizeof w->file.path, "%s", path);
    return sealed_commit(w, err);
}

void sealed_drop(struct sealed_writer *w)
{
    if (w == NULL)
        return;
    fileio_abandon(&w->file);
    hidden_free(w->first);
    hidden_free(w);
}

enum pt_code sealed_open(struct sealed_reader **out, const char *path, const struct key32 *key,
                         const struct digest *context, struct pt_err *err)
{
    struct sealed_reader *r = hidden_locked_new(sizeof *r);
    uint8_t header[SEAL_HEADER_BYTES];
    size_t got = 0;
    enum pt_code rc;

    *out = NULL;
    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "reading %s: not enough memory", path);
    if ((rc = fileio_open(&r->fd, &r->file_left, path, err)) != PT_OK)
        goto out;
    if ((rc = fileio_fill(&got, r->fd, header, sizeof header, path, err)) != PT_OK)
        goto out;
    if (got < sizeof header || r->file_left < sizeof header + SEAL_OVERHEAD_BYTES ||
        strlen(path) >= sizeof r->path) {
        rc = pt_fail(err, PT_EBADMSG, "reading %s: it was cut short", path);
        goto out;
    }
    snprintf(r->path, sizeof r->path, "%s", path);
    r->file_left -= sizeof header;
    seal_resume(&r->seal, key, context, header);
out:
    if (rc == PT_OK)
        *out = r;
    else
        sealed_close(r);
    return rc;
}

uint64_t sealed_left(const struct sealed_reader *r)
{
    uint64_t boxes = (r->file_left + BOX_MAX - 1) / BOX_MAX;
    uint64_t tags = boxes * SEAL_OVERHEAD_BYTES;

    return r->plain_n - r->at + (r->file_left > tags ? r->file_left - tags : 0);
}

static enum pt_code read_chunk(struct sealed_reader *r, struct pt_err *err)
{
    size_t want = r->file_left < BOX_MAX ? (size_t)r->file_left : BOX_MAX;
    size_t got = 0;
    enum pt_code rc;

    r->at = r->plain_n = 0;
    if ((rc = fileio_fill(&got, r->fd, r->box, want, r->path, err)) != PT_OK)
        return rc;
    r->file_left -= want;
    if (r->ended || got < want || want < SEAL_OVERHEAD_BYTES)
        return pt_fail(err, PT_EBADMSG, "reading %s: it was cut short", r->path);
    r->ended = r->file_left == 0;
    if (seal_open_next(r->plain, &r->seal, span_of(r->box, want), r->ended) != PT_OK)
        return pt_fail(err, PT_EBADMSG,
                       "reading %s: it was altered, or belongs to another key or policy", r->path);
    r->plain_n = want - SEAL_OVERHEAD_BYTES;
    return PT_OK;
}

enum pt_code sealed_get(void *out, size_t n, struct sealed_reader *r, struct pt_err *err)
{
    uint8_t *to = out;
    size_t left = n;
    enum pt_code rc;

    while (left > 0) {
        if (r->at == r->plain_n && (rc = read_chunk(r, err)) != PT_OK) {
            explicit_bzero(out, n);
            return rc;
        }
        size_t part = r->plain_n - r->at;
        if (part > left)
            part = left;
        memcpy(to, r->plain + r->at, part);
        r->at += part;
        to += part;
        left -= part;
    }
    return PT_OK;
}

enum pt_code sealed_end(struct sealed_reader *r, struct pt_err *err)
{
    enum pt_code rc;

    if (r->at == r->plain_n && !r->ended && (rc = read_chunk(r, err)) != PT_OK)
        return rc;
    if (r->at < r->plain_n || !r->ended)
        return pt_fail(err, PT_EBADMSG, "reading %s: it is longer than it says", r->path);
    return PT_OK;
}

void sealed_close(struct sealed_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        close(r->fd);
    hidden_free(r);
}
