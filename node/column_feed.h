/* column_feed.h - the asker's ciphertexts on their way out, part by part, encrypted again as they are
 * sent (own_columns.h): a thread of its own keeps at most COLUMN_FEED_AHEAD parts, 3 MiB, ready while
 * the wire is busy, and the plain values of one column where they were not kept. Of no column is there ever
 * a whole. */
#ifndef PT_COLUMN_FEED_H
#define PT_COLUMN_FEED_H

#include "node/own_columns.h"

enum { COLUMN_FEED_AHEAD = 3 };

struct column_feed_in { /* borrowed until column_feed_free() */
    const struct own_columns *own;
    const uint32_t *need; /* of its columns, in order */
    size_t need_count;
};
struct column_feed;
/* PT_ENOMEM: also no thread. */
PT_MUST_USE enum pt_code column_feed_new(struct column_feed **out, const struct column_feed_in *in,
                                         struct pt_err *err);
/* As struct ask_source has it; waits until the part is made. PT_EBUG: another one is next. */
PT_MUST_USE enum pt_code column_feed_part(struct column_feed *f, struct span *out,
                                          const struct ask_part *at, struct pt_err *err);
void column_feed_free(struct column_feed *f); /* wherever it is; NULL is fine */

#endif
