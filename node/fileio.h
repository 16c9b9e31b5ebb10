/* fileio.h - files written whole or not at all, and read whole within a bound.
 *
 * A new file grows under a temporary name (`NAME.XXXXXX.tmp`) in the same folder, mode 0600, is
 * flushed to the disk and only then takes its name; the folder is flushed too. Whoever is killed
 * leaves the old file, and a temporary that fileio_sweep() removes. Errors say what to do about a
 * full disk, a read-only file system or a missing permission. */
#ifndef PT_FILEIO_H
#define PT_FILEIO_H

#include "crypto/base/span.h"

enum { FILEIO_PATH_MAX = 1024 };

struct fileio_new { /* a file being written; fd is -1 when there is none */
    int fd;
    char path[FILEIO_PATH_MAX], temp[FILEIO_PATH_MAX];
};

PT_MUST_USE enum pt_code fileio_begin(struct fileio_new *f, const char *path, struct pt_err *err);
PT_MUST_USE enum pt_code fileio_add(struct fileio_new *f, struct span bytes, struct pt_err *err);
/* Go on n bytes further, and write at an offset what was left out there. */
PT_MUST_USE enum pt_code fileio_leave(struct fileio_new *f, size_t n, struct pt_err *err);
PT_MUST_USE enum pt_code fileio_put(struct fileio_new *f, uint64_t offset, struct span bytes,
                                    struct pt_err *err);
/* Flush and rename over path. Ends f, whether it succeeds or not. */
PT_MUST_USE enum pt_code fileio_commit(struct fileio_new *f, struct pt_err *err);
/* The same without flushing, for what is looked at before it is believed and can be had again: after the
 * machine itself has stopped the file may be gone, or hold anything. */
PT_MUST_USE enum pt_code fileio_commit_unflushed(struct fileio_new *f, struct pt_err *err);
/* Give up: removes the temporary. Takes one that was committed or never begun (fd -1) too. */
void fileio_abandon(struct fileio_new *f);

/* A file that grows under its own name, as things happen; mode 0600. *made false: the name is taken.
 * fileio_add() writes, fileio_flush() puts file and name on the disk, fileio_close() ends it. */
PT_MUST_USE enum pt_code fileio_grow(struct fileio_new *f, bool *made, const char *path,
                                     struct pt_err *err);
PT_MUST_USE enum pt_code fileio_flush(struct fileio_new *f, struct pt_err *err);
void fileio_close(struct fileio_new *f); /* fd -1 too */

/* A file in dir that has no name: gone when it is closed, or this process is killed. fileio_put()
 * writes and fileio_get() reads, n bytes at an offset; fileio_close(). */
PT_MUST_USE enum pt_code fileio_nameless(struct fileio_new *f, const char *dir, struct pt_err *err);
PT_MUST_USE enum pt_code fileio_get(void *out, size_t n, const struct fileio_new *f,
                                    uint64_t offset, struct pt_err *err);

/* The three at once. */
PT_MUST_USE enum pt_code fileio_write(const char *path, struct span bytes, struct pt_err *err);
/* The whole of a regular file of at most max bytes, appended to *out (which wipes when freed).
 * PT_EIO: absent, a folder, unreadable. PT_ELIMIT: longer. */
PT_MUST_USE enum pt_code fileio_read(struct buf *out, const char *path, size_t max,
                                     struct pt_err *err);
/* Open a regular file for reading; *bytes is its size (may be NULL). *fd is -1 on failure. */
PT_MUST_USE enum pt_code fileio_open(int *fd, uint64_t *bytes, const char *path,
                                     struct pt_err *err);
/* Up to cap bytes from fd, fewer only at the end of the file; *n is how many. */
PT_MUST_USE enum pt_code fileio_fill(size_t *n, int fd, void *out, size_t cap, const char *path,
                                     struct pt_err *err);
/* Is there anything of this name? */
bool fileio_exists(const char *path);
/* DIR/NAME into out. PT_ELIMIT: too long. */
PT_MUST_USE enum pt_code fileio_join(char out[FILEIO_PATH_MAX], const char *dir, const char *name,
                                     struct pt_err *err);
/* Remove a file and flush its folder; one that is not there is no error. */
PT_MUST_USE enum pt_code fileio_remove(const char *path, struct pt_err *err);
/* Remove *.tmp that killed writers left in dir. */
PT_MUST_USE enum pt_code fileio_sweep(const char *dir, struct pt_err *err);

#endif
