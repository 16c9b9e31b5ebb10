/* outbox.h - encoded frames on their way out, first in, first out, bounded. Owned bytes: the host
 * takes each and sends it; what a step queued before it failed is sent too. */
#ifndef PT_OUTBOX_H
#define PT_OUTBOX_H

#include "crypto/base/span.h"

enum { OUTBOX_FRAMES_MAX = 1024 };

struct outbox { /* {0} is a valid empty one */
    struct buf *frames;
    size_t first, end, cap;
};
/* A fresh frame at the end, to be filled; NULL when memory or the bound ends. */
struct buf *outbox_add(struct outbox *o);
/* Drops the frame that outbox_add() gave last. */
void outbox_drop(struct outbox *o);
/* Gives the next frame away (buf_free() it); false, and *out empty, when there is none. */
bool outbox_take(struct outbox *o, struct buf *out);
size_t outbox_count(const struct outbox *o);
void outbox_free(struct outbox *o);

#endif
