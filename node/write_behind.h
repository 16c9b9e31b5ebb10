/* write_behind.h - bytes on their way to files, written by a thread of their own while the caller goes on to
 * what comes next. In order, and at most WRITE_BEHIND_BYTES ahead of the disk. */
#ifndef PT_WRITE_BEHIND_H
#define PT_WRITE_BEHIND_H

#include "node/fileio.h"

enum { WRITE_BEHIND_PIECE = 1 << 17, WRITE_BEHIND_PIECES = 8 };
enum { WRITE_BEHIND_BYTES = WRITE_BEHIND_PIECE * WRITE_BEHIND_PIECES };

struct write_behind;
PT_MUST_USE enum pt_code write_behind_new(struct write_behind **out, struct pt_err *err);
/* Stops the thread; what it has not written it never will. NULL is fine. */
void write_behind_free(struct write_behind *w);

/* fileio_add(), later. bytes are copied. An error is that of something added before, and stays. */
PT_MUST_USE enum pt_code write_behind_add(struct write_behind *w, struct fileio_new *file,
                                          struct span bytes, struct pt_err *err);
/* Back once all is written, or with why it is not: before a file is committed or given up. */
PT_MUST_USE enum pt_code write_behind_wait(struct write_behind *w, struct pt_err *err);

#endif
