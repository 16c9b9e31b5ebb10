/* wire_memory.h - what wire.c and wire_planner.c share: an arena for what a message borrows while
 * it is encoded, bounded decoding, and sticky checks of fields from outside. Only wire*.c use it;
 * protobuf-c's types pass through as void pointers, so that this header does not know them. */
#ifndef PT_WIRE_MEMORY_H
#define PT_WIRE_MEMORY_H

#include "crypto/base/span.h"

struct wire_arena { /* {0} is a valid empty one; after the first failure every call gives NULL */
    void *head;
    bool bad;
};
void *wire_arena_get(struct wire_arena *a, size_t n); /* zeroed */
/* Room for n pointers, one at least, all NULL. */
void *wire_arena_pointers(struct wire_arena *a, size_t n);
/* A NUL-terminated copy. */
char *wire_arena_text(struct wire_arena *a, struct span s);
void wire_arena_free(struct wire_arena *a);

/* Sticky: the first field that breaks its bound writes the sentence. */
struct wire_take {
    struct pt_err *err;
    const char *message; /* its name, for the sentence */
    bool bad;
};
void wire_take_limit(struct wire_take *t, bool good, const char *field, const char *expected);
/* out = exactly n bytes. */
void wire_take_bytes(struct wire_take *t, void *out, size_t n, struct span data, const char *field);
/* 1..max characters. */
struct span wire_take_text(struct wire_take *t, const char *z, size_t max, const char *field);

struct wire_bound { /* of one decoding */
    size_t input_max, memory_max;
    bool canonical; /* refuse unknown fields and any other encoding than ours */
};
/* *out: a message of `descriptor`, freed with wire_message_free(); *used: memory it took. */
PT_MUST_USE enum pt_code wire_message_decode(void **out, const void *descriptor, struct span bytes,
                                             const struct wire_bound *bound, struct pt_err *err);
void wire_message_free(void *message);
/* A message of `descriptor` with its defaults, in the arena. */
void *wire_message_new(struct wire_arena *a, const void *descriptor);
PT_MUST_USE enum pt_code wire_message_encode(struct buf *out, const void *message,
                                             size_t output_max, struct pt_err *err);

#endif
