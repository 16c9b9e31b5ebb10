/* digit_sum.h - the two sums over a tree's leaves that make one digit of a VOLE (vole.h):
 * u = sum P_l and v = sum l * P_l, P_l being the vector that leaf l draws. Nothing is multiplied:
 * bytes are summed plane by plane. Internal to crypto/vole. Constant time in hole and vectors. */
#ifndef PT_DIGIT_SUM_H
#define PT_DIGIT_SUM_H

#include "crypto/ggm.h"
#include "crypto/residues.h"

enum { DIGIT_GROUP = 8 };
struct digit_sum {                             /* secret */
    uint64_t u[RESIDUES_MAX], v[RESIDUES_MAX]; /* < q */
    /* Of a group of leaves; of the leaves so far, under 2^16; of those weighted, under 2^23. */
    uint8_t planes[DIGIT_GROUP][RESIDUES_PLANES_MAX];
    uint16_t plain[RESIDUES_PLANES_MAX];
    uint32_t weighted[RESIDUES_PLANES_MAX];
};
struct digit_leaves {
    const struct key32 *keys; /* GGM_LEAVES; NULL: ciphers do it all */
    struct prg *const
        *of;         /* GGM_LEAVES; not looked at where aes_wide_usable() and keys are there */
    unsigned hole;   /* left out, secret; GGM_LEAVES: none */
    uint64_t number; /* stream of each */
    size_t n;
};
/* PT_EBUG: the cipher failed. */
PT_MUST_USE enum pt_code digit_sum(struct digit_sum *s, const struct ring *r,
                                   const struct digit_leaves *in);

struct digit_group { /* leaves, lowest first, and what counts of each: 0xff or 0 */
    uint8_t (*planes)[RESIDUES_PLANES_MAX];
    uint8_t counts[DIGIT_GROUP];
    uint32_t again; /* 0 for the group of leaf 0, else all ones */
    size_t bytes;
};
/* A back-end's loop (digit_sum_plain.h). */
void digit_group_avx2(uint16_t *plain, uint32_t *weighted, const struct digit_group *in);

#endif
