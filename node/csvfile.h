/* csvfile.h - a CSV file from its path to its rows, piece by piece (node/csv.h).
 *
 * Errors begin with the path and repeat no field. What was read is wiped. */
#ifndef PT_CSVFILE_H
#define PT_CSVFILE_H

#include "node/csv.h"

struct csvfile { /* all borrowed */
    const char *path;
    char delimiter;
    struct csv_handler handler;
    /* Called a few times a megabyte; may be NULL. */
    void (*progress)(void *context, uint64_t bytes, uint64_t bytes_total);
    void *context;
};
/* PT_EIO, PT_EPARSE: the file is empty; what csv_reader_feed() says. */
PT_MUST_USE enum pt_code csvfile_read(const struct csvfile *in, struct pt_err *err);

#endif
