/* column_reader.h - ciphertext columns that are not in memory: who works on them reads a few blocks at a
 * time into room of its own. A mapped file costs an interruption for every few pages, and keeps them. */
#ifndef PT_COLUMN_READER_H
#define PT_COLUMN_READER_H

#include "crypto/base/span.h"

struct column_reader {
    void *self;
    /* Bytes [at, at + out_bytes) of column j, as numbered by who is given the reader, into out. false:
     * they cannot be read. Any thread. */
    bool (*fetch)(void *self, size_t j, uint64_t at, uint8_t *out, size_t out_bytes);
};

/* Columns in memory, or behind a reader. */
struct column_bytes {
    const struct span *columns;         /* of which p is not looked at when there is a reader */
    const struct column_reader *reader; /* may be NULL */
};
/* Bytes [at, at + n) of column j, in room or where they are. NULL: they cannot be read. */
static inline const uint8_t *column_bytes_at(const struct column_bytes *c, size_t j, uint64_t at,
                                             uint8_t *room, size_t n)
{
    if (c->reader == NULL)
        return c->columns[j].p + at;
    return c->reader->fetch(c->reader->self, j, at, room, n) ? room : NULL;
}

#endif
