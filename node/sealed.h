/* sealed.h - sealed files (crypto/seal.h), written and read as a stream.
 *
 * The file is the seal's header, then boxes of SEAL_CHUNK_MAX plain bytes each, the last one
 * shorter. It appears under its name only when whole (node/fileio.h). What is read is authentic
 * before it is handed over, and its end is checked: a file cut at a chunk does not pass. */
#ifndef PT_SEALED_H
#define PT_SEALED_H

#include "crypto/seal.h"

struct sealed_writer;
PT_MUST_USE enum pt_code sealed_create(struct sealed_writer **out, const char *path,
                                       const struct key32 *key, const struct digest *context,
                                       struct pt_err *err);
/* The same, of a file whose first head_bytes bytes (at most SEAL_CHUNK_MAX) are known only when the rest
 * has been put: sealed_head() gives them, once, before the commit. */
PT_MUST_USE enum pt_code sealed_create_headed(struct sealed_writer **out, const char *path,
                                              const struct key32 *key, const struct digest *context,
                                              size_t head_bytes, struct pt_err *err);
PT_MUST_USE enum pt_code sealed_head(struct sealed_writer *w, struct span head, struct pt_err *err);
PT_MUST_USE enum pt_code sealed_put(struct sealed_writer *w, struct span plain, struct pt_err *err);
/* Last chunk, flush, rename. PT_EBUG: its head is missing. Only sealed_drop() may follow. */
PT_MUST_USE enum pt_code sealed_commit(struct sealed_writer *w, struct pt_err *err);
/* The same under another name in the same folder, for a file whose name follows from its content. */
PT_MUST_USE enum pt_code sealed_commit_as(struct sealed_writer *w, const char *path,
                                          struct pt_err *err);
void sealed_drop(struct sealed_writer *w); /* wipes; gives up what was not committed */

struct sealed_reader;
/* PT_EIO; PT_EBADMSG: too short to be one. */
PT_MUST_USE enum pt_code sealed_open(struct sealed_reader **out, const char *path,
                                     const struct key32 *key, const struct digest *context,
                                     struct pt_err *err);
/* Plain bytes not yet taken. An upper bound until they have been opened, exact for a good file. */
uint64_t sealed_left(const struct sealed_reader *r);
/* Exactly n bytes, zeroed on failure. PT_EBADMSG: altered, cut, of another key or context. */
PT_MUST_USE enum pt_code sealed_get(void *out, size_t n, struct sealed_reader *r,
                                    struct pt_err *err);
/* Everything was taken, and the end is the end. */
PT_MUST_USE enum pt_code sealed_end(struct sealed_reader *r, struct pt_err *err);
void sealed_close(struct sealed_reader *r); /* wipes */

#endif
