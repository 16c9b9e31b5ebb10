/* prg.h - a seekable stream of pseudorandom bytes: AES-256 in counter mode.
 *
 * Block i of stream `nonce` is AES-256(key, le64(i) || le64(nonce)). That order is frozen: public
 * seeds expand to lattice elements through it, on every node alike (PROTOCOL.md 4). */
#ifndef PT_PRG_H
#define PT_PRG_H

#include "crypto/prf.h"

struct prg; /* secret when its key is; immutable once made, so threads may share it */

PT_MUST_USE enum pt_code prg_new(struct prg **out, const struct key32 *key);
void prg_free(struct prg *g); /* wipes */
/* Bytes [16*block, 16*block + n) of the stream; n any. PT_EBUG when the cipher fails: out is
 * then zero and must not be used. */
PT_MUST_USE enum pt_code prg_read(const struct prg *g, uint64_t nonce, uint64_t block, void *out,
                                  size_t n);

/* A cursor over one stream, for samplers that draw as they go. The first failure sticks in bad,
 * and every later draw is zero: samplers check it before they release anything. */
struct draw {
    const struct prg *g;
    uint64_t nonce, block;
    uint8_t ahead[512];
    size_t left;
    bool bad;
};
PT_SECRET_TYPE(draw);
void draw_init(struct draw *d, const struct prg *g, uint64_t nonce);
void draw_bytes(struct draw *d, void *out, size_t n);
uint64_t draw_u64(struct draw *d);

#endif
