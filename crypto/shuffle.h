/* shuffle.h - one byte a slot, shared between two nodes, permuted and masked: the steps of share,
 * shuffle, open (PROTOCOL.md 6). Bytes in, bytes out; which node does what is proto/reach.h's.
 *
 * Keys are fresh for each question and known to two nodes. A permutation is applied in an order of
 * memory accesses that depends on it: whoever shares this machine's caches could learn it, a peer
 * cannot. */
#ifndef PT_SHUFFLE_H
#define PT_SHUFFLE_H

#include "crypto/noise.h"
#include "crypto/prg.h"

enum { SHUFFLE_BYTES_MAX = (1 << 27) + (1 << 22), SHUFFLE_PARTIES_MAX = 8 };

/* x ^= stream of key. PT_ENOMEM, PT_EBUG (the cipher failed; x is zero). */
PT_MUST_USE enum pt_code shuffle_mask(uint8_t *x, size_t n, const struct key32 *key);
/* x = pi(x), pi uniform over all permutations of n places (Fisher and Yates, exact draws), a function
 * of key and n. PT_ELIMIT: n, x untouched; PT_ENOMEM, PT_EBUG: x is zero then. */
PT_MUST_USE enum pt_code shuffle_permute(uint8_t *x, size_t n, const struct key32 *key);
/* x &= bits: what a tag in a bit that no party uses would be read by. */
void shuffle_bits(uint8_t *x, size_t n, uint8_t bits);

/* Dummies of one node: of each value 0..cells-1, mean + g copies, g discrete Gaussian of variance v
 * cut to [-mean, mean], in secret random order. A function of key: the same question has the same
 * dummies, so that asking again tells nothing new. `out` is reset first; PT_ENOMEM, PT_EBUG,
 * PT_ELIMIT (mean, cells or v out of range). */
struct shuffle_dummies {
    size_t cells;  /* 2 to 2^SHUFFLE_PARTIES_MAX */
    uint32_t mean; /* 1 to 2^16 */
    struct noise_variance v;
};
PT_MUST_USE enum pt_code shuffle_dummies(struct buf *out, const struct shuffle_dummies *d,
                                         const struct key32 *key);

#endif
