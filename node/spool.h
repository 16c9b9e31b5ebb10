/* spool.h - records on their way through the disk: they go in in any order, each to a part, and come
 * out part by part, in the order in which they went in, in memory that does not grow with them.
 *
 * A part's records gather in memory; a full chunk is sealed under a key that only this process has,
 * bound to its part and place, and put into a file without a name: when the process ends, however it
 * does, nobody can read it and it is gone. Few records never see the disk. Records are secret. */
#ifndef PT_SPOOL_H
#define PT_SPOOL_H

#include "crypto/base/span.h"

enum { SPOOL_PARTS = 1024, SPOOL_CHUNK_BYTES = 1 << 14 };

struct spool;
/* Of records of that size, at most SPOOL_CHUNK_BYTES; 16 MiB at most, and four bytes a chunk on the disk. dir: where the
 * file may lie. PT_ENOMEM. */
PT_MUST_USE enum pt_code spool_new(struct spool **out, const char *dir, size_t record_bytes,
                                   struct pt_err *err);
void spool_free(struct spool *s); /* wipes; NULL is fine */

/* PT_EIO: disk full, read-only. PT_ENOMEM. */
PT_MUST_USE enum pt_code spool_put(struct spool *s, size_t part, const uint8_t *record,
                                   struct pt_err *err);
struct spool_taker {
    enum pt_code (*take)(void *self, const uint8_t *record, struct pt_err *err);
    void *self;
};
/* Every record of a part, until take() fails, whose code it hands on. PT_EBADMSG: the file was altered
 * meanwhile. PT_EIO. */
PT_MUST_USE enum pt_code spool_take(struct spool *s, size_t part, const struct spool_taker *to,
                                    struct pt_err *err);

#endif
