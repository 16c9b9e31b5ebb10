#include "node/records.h"

#include "crypto/base/text.h"
#include "crypto/seal.h"
#include "node/hidden.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct records_reader {
    struct seal_file seal;
    char path[HOME_PATH_MAX];
    int fd;
    bool last, cut;
    size_t at, plain_n;
    struct buf body; /* of the entry handed out */
    uint8_t plain[RECORDER_BOX_MAX];
    uint8_t box[RECORDER_BOX_MAX + SEAL_OVERHEAD_BYTES];
};

/* ---- the folder ---- */

static bool is_record(const char *file)
{
    return strspn(file, "0123456789") == RECORDER_NAME &&
           strcmp(file + RECORDER_NAME, RECORDER_SUFFIX) == 0;
}

static int by_name(const void *a, const void *b)
{
    return memcmp(a, b, RECORDER_NAME);
}

void records_list_free(struct records_list *l)
{
    free(l->names);
    *l = (struct records_list){0};
}

static bool list_add(struct records_list *l, const char *file)
{
    if ((l->count & (l->count - 1)) == 0) { /* full at each power of two */
        size_t cap = l->count == 0 ? 1 : 2 * l->count;
        void *more = realloc(l->names, cap * sizeof *l->names);
        if (more == NULL)
            return false;
        l->names = more;
    }
    memcpy(l->names[l->count], file, RECORDER_NAME);
    l->names[l->count++][RECORDER_NAME] = '\0';
    return true;
}

enum pt_code records_list(struct records_list *out, const struct home *h, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    bool good = true;
    struct dirent *e;

    *out = (struct records_list){0};
    home_path(dir, h, "record");
    DIR *d = opendir(dir);
    if (d == NULL)
        return errno == ENOENT ? PT_OK
                               : pt_fail(err, PT_EIO, "reading %s: %s", dir, strerror(errno));
    while (good && (e = readdir(d)) != NULL)
        if (is_record(e->d_name))
            good = list_add(out, e->d_name);
    closedir(d);
    if (!good) {
        records_list_free(out);
        return pt_fail(err, PT_ENOMEM, "reading %s: no memory", dir);
    }
    if (out->count > 0)
        qsort(out->names, out->count, sizeof *out->names, by_name);
    return PT_OK;
}

static void record_path(char out[HOME_PATH_MAX], const struct home *h, const char *name)
{
    char file[64];

    snprintf(file, sizeof file, "record/%s" RECORDER_SUFFIX, name);
    home_path(out, h, file);
}

enum pt_code records_sweep(const struct home *h, int64_t since_s, struct pt_err *err)
{
    struct records_list l;
    uint64_t since_us = since_s > 0 ? (uint64_t)since_s * 1000000 : 0;
    enum pt_code rc = records_list(&l, h, err);

    for (size_t i = 0; rc == PT_OK && i < l.count; i++) {
        char path[HOME_PATH_MAX];
        if (strtoull(l.names[i], NULL, 10) >= since_us)
            break;
        record_path(path, h, l.names[i]);
        rc = fileio_remove(path, err);
    }
    records_list_free(&l);
    return rc;
}

/* ---- one file ---- */

enum pt_code records_open(struct records_reader **out, const struct home *h, const char *name,
                          struct pt_err *err)
{
    struct records_reader *r = hidden_new(1, sizeof *r); /* it holds the key of its file */
    PT_WIPED(key32) key = {0};
    uint8_t header[SEAL_HEADER_BYTES];
    struct digest context;
    size_t got = 0;
    enum pt_code rc;

    *out = NULL;
    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "reading a record: no memory");
    record_path(r->path, h, name);
    recorder_seal(&key, &context, h, name);
    if ((rc = fileio_open(&r->fd, NULL, r->path, err)) == PT_OK)
        rc = fileio_fill(&got, r->fd, header, sizeof header, r->path, err);
    if (rc == PT_OK && got < sizeof header)
        rc = pt_fail(err, PT_EBADMSG, "reading %s: it was cut short", r->path);
    if (rc != PT_OK) {
        records_close(r);
        return rc;
    }
    seal_resume(&r->seal, &key, &context, header);
    *out = r;
    return PT_OK;
}

void records_close(struct records_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        close(r->fd);
    buf_free(&r->body);
    hidden_free(r);
}

bool records_cut(const struct records_reader *r)
{
    return r->cut;
}

/* At the end of the file *more is false. */
static enum pt_code read_box(struct records_reader *r, bool *more, struct pt_err *err)
{
    uint8_t length[4];
    size_t got = 0;
    size_t rest = 0;
    enum pt_code rc = fileio_fill(&got, r->fd, length, sizeof length, r->path, err);

    *more = got > 0;
    if (rc != PT_OK)
        return rc;
    if (got == 0) {
        r->cut = !r->last;
        return PT_OK;
    }
    uint32_t word = got == sizeof length ? load_u32le(length) : 0;
    size_t n = word & (RECORDER_LAST - 1);
    if (got == sizeof length && n <= RECORDER_BOX_MAX && !r->last)
        rc = fileio_fill(&rest, r->fd, r->box, n + SEAL_OVERHEAD_BYTES, r->path, err);
    if (rc != PT_OK)
        return rc;
    if (rest != n + SEAL_OVERHEAD_BYTES) { /* killed while writing it, or cut */
        *more = false;
        r->cut = true;
        return r->last || n > RECORDER_BOX_MAX
                   ? pt_fail(err, PT_EBADMSG, "reading %s: it was altered", r->path)
                   : PT_OK;
    }
    r->last = (word & RECORDER_LAST) != 0;
    if (seal_open_next(r->plain, &r->seal, span_of(r->box, rest), r->last) != PT_OK)
        return pt_fail(err, PT_EBADMSG, "reading %s: it was altered, or is of another home",
                       r->path);
    r->at = 0;
    r->plain_n = n;
    return PT_OK;
}

/* n bytes appended to b; *whole false: the file ends before. */
static enum pt_code take(struct buf *b, size_t n, bool *whole, struct records_reader *r,
                         struct pt_err *err)
{
    *whole = true;
    while (n > 0) {
        size_t have = r->plain_n - r->at;
        enum pt_code rc;

        if (have > n)
            have = n;
        if (have > 0 && !buf_add(b, r->plain + r->at, have))
            return pt_fail(err, PT_ENOMEM, "reading a record: no memory");
        r->at += have;
        n -= have;
        if (n > 0 && r->at == r->plain_n && ((rc = read_box(r, whole, err)) != PT_OK || !*whole))
            return rc;
    }
    return PT_OK;
}

enum pt_code records_next(struct record_entry *out, bool *end, struct records_reader *r,
                          struct pt_err *err)
{
    bool whole = false;
    enum pt_code rc;

    *out = (struct record_entry){0};
    *end = true;
    r->body.n = 0;
    if ((rc = take(&r->body, RECORD_OVERHEAD, &whole, r, err)) != PT_OK || !whole)
        return rc;
    uint8_t kind = r->body.p[0];
    size_t n = load_u32le(r->body.p + 1);
    if (n > record_body_max(kind))
        return pt_fail(err, PT_EBADMSG, "%s: an entry of kind %u and %zu bytes", r->path,
                       (unsigned)kind, n);
    r->body.n = 0;
    if ((rc = take(&r->body, n, &whole, r, err)) != PT_OK || !whole)
        return rc;
    *end = false;
    rc = record_parse(out, kind, buf_span(&r->body), err);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "%s", r->path);
}
