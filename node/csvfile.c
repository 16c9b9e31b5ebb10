#include "node/csvfile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/fileio.h"

enum { READ_BYTES = 1 << 18 };

enum pt_code csvfile_read(const struct csvfile *in, struct pt_err *err)
{
    struct csv_reader *reader = NULL;
    uint8_t *bytes = malloc(READ_BYTES);
    uint64_t total = 0;
    uint64_t done = 0;
    size_t n = 0;
    int fd = -1;
    enum pt_code rc;

    if (bytes == NULL) {
        rc = pt_fail(err, PT_ENOMEM, "reading %s: not enough memory", in->path);
        goto out;
    }
    if ((rc = fileio_open(&fd, &total, in->path, err)) != PT_OK)
        goto out;
    if (total == 0) {
        rc = pt_fail(err, PT_EPARSE, "%s: the file is empty", in->path);
        goto out;
    }
    if ((rc = csv_reader_new(&reader, in->delimiter, in->handler, err)) != PT_OK)
        goto out;
    do {
        if ((rc = fileio_fill(&n, fd, bytes, READ_BYTES, in->path, err)) != PT_OK)
            goto out;
        if ((rc = csv_reader_feed(reader, span_of(bytes, n), err)) != PT_OK)
            break;
        done += n;
        if (in->progress != NULL)
            in->progress(in->context, done, total);
    } while (n == READ_BYTES);
    if (rc == PT_OK)
        rc = csv_reader_finish(reader, err);
    if (rc != PT_OK)
        rc = pt_wrap(err, "%s", in->path);
out:
    if (fd >= 0)
        close(fd);
    csv_reader_free(reader);
    if (bytes != NULL)
        explicit_bzero(bytes, READ_BYTES);
    free(bytes);
    return rc;
}
