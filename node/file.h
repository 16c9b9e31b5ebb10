/* file.h - whole small files: read with a bound, written so that a crash leaves the old or the
 * new and never half of one. Names in messages, contents never. */
#ifndef PT_FILE_H
#define PT_FILE_H

#include "crypto/base/span.h"

#include <sys/types.h>

enum { FILE_PATH_MAX = 4096 };

/* All of path, at most max bytes: PT_EIO says why not, PT_ELIMIT that it is larger, PT_EPARSE
 * that it is no regular file. Free with buf_free(), which wipes. */
PT_MUST_USE enum pt_code file_read(struct buf *out, const char *path, size_t max,
                                   struct pt_err *err);
/* path.new, fsync, rename, fsync of the folder. On failure path is as it was. */
PT_MUST_USE enum pt_code file_write(const char *path, struct span content, mode_t mode,
                                    struct pt_err *err);
/* The same, but refuses when path exists. */
PT_MUST_USE enum pt_code file_create(const char *path, struct span content, mode_t mode,
                                     struct pt_err *err);
/* Make the folder (its parent exists); one that is there already is fine. */
PT_MUST_USE enum pt_code file_folder(const char *path, struct pt_err *err);
/* Flush a folder's entries: after a rename inside it. */
PT_MUST_USE enum pt_code file_sync_folder(const char *path, struct pt_err *err);
/* "folder/name" into out; PT_ELIMIT when it does not fit. */
PT_MUST_USE enum pt_code file_join(char out[FILE_PATH_MAX], const char *folder, const char *name,
                                   struct pt_err *err);
/* errno as a sentence a person can act on: "the disk is full", "permission denied: ...". */
const char *file_reason(int errno_value);

#endif
