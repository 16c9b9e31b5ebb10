/* group_backend.h - what group.c asks of a back-end: chunks of at most BACKEND_CHUNK points. */
#ifndef PT_GROUP_BACKEND_H
#define PT_GROUP_BACKEND_H

#include "crypto/group.h"

enum { BACKEND_CHUNK = 32 };

/* n <= BACKEND_CHUNK. Results as group.h says: n when all n are good, or the first bad index. */
struct group_backend { /* one a path of cpu.h; call it only where cpu_usable() */
    const char *name;
    size_t (*check)(const struct point *in, size_t n);
    /* out[i] = k[i * stride] * in[i]; out is untouched when one is bad. */
    size_t (*mul)(struct point *out, const struct scalar *k, size_t stride, const struct point *in,
                  size_t n);
    void (*map)(struct point *out, const uint8_t (*wide)[64], size_t n);
    void (*map_mul)(struct point *out, const struct scalar *k, const uint8_t (*wide)[64], size_t n);
};

extern const struct group_backend GROUP_PORTABLE;
extern const struct group_backend GROUP_IFMA;

#endif
