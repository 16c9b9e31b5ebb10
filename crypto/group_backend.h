/* group_backend.h - what group.c asks of a back-end: chunks of so many points as it likes. */
#ifndef PT_GROUP_BACKEND_H
#define PT_GROUP_BACKEND_H

#include "crypto/group.h"

enum { BACKEND_CHUNK_MAX = 128 };
struct msm; /* group_msm.h */

/* Multiples 1..16 of 32^w times a public point, w = 0..50, ready to be added. As the back-end likes it. */
enum { TABLE_WINDOWS = 51, TABLE_LIMBS = 15, TABLE_MULTIPLES = 16 };
struct group_table {
    _Alignas(64) uint64_t limb[TABLE_WINDOWS][TABLE_LIMBS][TABLE_MULTIPLES];
};

/* n <= chunk but where it says otherwise. Results as group.h says: n when all n are good, or the first bad index. */
struct group_backend { /* one a path of cpu.h; call it only where cpu_usable() */
    const char *name;
    size_t chunk; /* at most BACKEND_CHUNK_MAX */
    size_t (*check)(const struct point *in, size_t n);
    /* out[i] = k[i * stride] * in[i]; out is untouched when one is bad. */
    size_t (*mul)(struct point *out, const struct scalar *k, size_t stride, const struct point *in,
                  size_t n);
    void (*map)(struct point *out, const uint8_t (*wide)[64], size_t n);
    bool (*table)(struct group_table *out, const struct point *base); /* false: a bad point */
    void (*map_blind)(struct point *out, const struct group_blind *b, const uint8_t (*wide)[64],
                      size_t n);
    void (*mul_terms)(struct point *out, const struct scalar *k, const struct group_term *in,
                      size_t n);
    void (*unblind_mul)(struct point *out, const struct scalar *k, const struct group_blind *b,
                        const struct group_term *in, size_t n);
    void (*blind_again)(struct point *out, const struct group_blind *old,
                        const struct group_blind *b, const struct group_term *in, size_t n);
    /* Sums of public points, group_msm.h. in: any number of them; n or the first bad index. */
    size_t (*terms_vartime)(struct group_term *out, const struct point *in, size_t n);
    void (*sums_vartime)(struct point *out, struct msm *m);
};

extern const struct group_backend GROUP_PORTABLE;
extern const struct group_backend GROUP_AVX2;
extern const struct group_backend GROUP_IFMA;
const struct group_backend *group_backend_of_cpu(void); /* what cpu_path() chose */

#endif
