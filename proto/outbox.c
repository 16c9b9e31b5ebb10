#include "proto/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct outbox *o)
{
    size_t cap = o->cap == 0 ? 8 : o->cap * 2;

    if (cap > OUTBOX_FRAMES_MAX)
        return false;
    struct buf *frames = calloc(cap, sizeof *frames);
    if (frames == NULL)
        return false;
    if (o->end > 0)
        memcpy(frames, o->frames, o->end * sizeof *frames);
    free(o->frames);
    o->frames = frames;
    o->cap = cap;
    return true;
}

struct buf *outbox_add(struct outbox *o)
{
    if (o->end == o->cap && o->first > 0) {
        memmove(o->frames, o->frames + o->first, (o->end - o->first) * sizeof *o->frames);
        o->end -= o->first;
        o->first = 0;
    }
    if (o->end == o->cap && !grow(o))
        return NULL;
    o->frames[o->end] = (struct buf){0};
    return &o->frames[o->end++];
}

void outbox_drop(struct outbox *o)
{
    assert(o->end > o->first);
    buf_free(&o->frames[--o->end]);
}

bool outbox_take(struct outbox *o, struct buf *out)
{
    *out = (struct buf){0};
    if (o->first == o->end)
        return false;
    *out = o->frames[o->first++];
    if (o->first == o->end)
        o->first = o->end = 0;
    return true;
}

size_t outbox_count(const struct outbox *o)
{
    return o->end - o->first;
}

void outbox_free(struct outbox *o)
{
    for (size_t i = o->first; i < o->end; i++)
        buf_free(&o->frames[i]);
    free(o->frames);
    *o = (struct outbox){0};
}
