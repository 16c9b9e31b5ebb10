/* wire_body.h - how each frame's body goes into its protobuf message and out of it: one row a
 * body. Only wire.c uses it. */
#ifndef PT_WIRE_BODY_H
#define PT_WIRE_BODY_H

#include "proto/wire.h"
#include "proto/wire_memory.h"

struct wire_body {
    enum frame_kind kind;
    const char *name;
    const void *descriptor;
    /* message, fresh, borrows from f and the arena; a->bad when memory ended. */
    void (*put)(void *message, const struct frame *f, struct wire_arena *a);
    /* f->u, whose spans borrow from message and arrays from the arena; t->bad when a bound broke. */
    void (*take)(struct wire_take *t, struct frame *f, const void *message, struct wire_arena *a);
};
extern const struct wire_body WIRE_BODIES[];
extern const size_t WIRE_BODY_COUNT;
extern const struct wire_body WIRE_REACH[]; /* wire_reach.c */
extern const size_t WIRE_REACH_COUNT;
extern const struct wire_body WIRE_LOG[]; /* wire_log.c */
extern const size_t WIRE_LOG_COUNT;
extern const struct wire_body WIRE_PROOF[]; /* wire_proof.c */
extern const size_t WIRE_PROOF_COUNT;

#endif
