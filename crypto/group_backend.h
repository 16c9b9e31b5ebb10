/* group_backend.h - what group.c asks of a back-end: chunks of so many points as it likes. */
#ifndef PT_GROUP_BACKEND_H
#define PT_GROUP_BACKEND_H

#include "crypto/group.h"

enum { BACKEND_CHUNK_MAX = 128 };
struct msm; /* group_msm.h */
struct msm_term;

/* n <= chunk but where it says otherwise. Results as group.h says: n when all n are good, or the first bad index. */
struct group_backend { /* one a path of cpu.h; call it only where cpu_usable() */
    const char *name;
    size_t chunk; /* at most BACKEND_CHUNK_MAX */
    size_t (*check)(const struct point *in, size_t n);
    /* out[i] = k[i * stride] * in[i]; out is untouched when one is bad. */
    size_t (*mul)(struct point *out, const struct scalar *k, size_t stride, const struct point *in,
                  size_t n);
    void (*map)(struct point *out, const uint8_t (*wide)[64], size_t n);
    void (*map_mul)(struct point *out, const struct scalar *k, const uint8_t (*wide)[64], size_t n);
    /* Sums of public points, group_msm.h. in: any number of them; n or the first bad index. */
    size_t (*terms_vartime)(struct msm_term *out, const struct point *in, size_t n);
    void (*sums_vartime)(struct point *out, struct msm *m);
};

extern const struct group_backend GROUP_PORTABLE;
extern const struct group_backend GROUP_AVX2;
extern const struct group_backend GROUP_IFMA;
const struct group_backend *group_backend_of_cpu(void); /* what cpu_path() chose */

#endif
