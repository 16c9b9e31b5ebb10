/* residues.h - vectors over Z_q as byte planes: read, written, checked, and drawn uniformly from a
 * stream of prg.h. Plane p of n numbers holds byte p of each, little end first, as in rlwe.h.
 *
 * Drawing is frozen: the stream's first coefficient_bytes * n bytes are the planes; a number that is
 * not below q gives way to the next that is, coefficient_bytes little endian each, from the first
 * whole block of the cipher after the planes. */
#ifndef PT_RESIDUES_H
#define PT_RESIDUES_H

#include "crypto/prg.h"
#include "crypto/ring.h"

enum { RESIDUES_MAX = RING_DEGREE, RESIDUES_PLANES_MAX = 6 * RESIDUES_MAX };

static inline size_t residues_bytes(const struct ring *r, size_t n)
{
    return r->coefficient_bytes * n;
}
void residues_read(uint64_t *out, const struct ring *r, const uint8_t *planes, size_t n);
void residues_write(uint8_t *planes, const struct ring *r, const uint64_t *in, size_t n);
/* Are all n numbers < q? Only the answer depends on them. */
bool residues_valid(const struct ring *r, const uint8_t *planes, size_t n);
/* n <= RESIDUES_MAX numbers, exactly uniform when the stream is. How many drawn numbers were not
 * below q shows in time: they are thrown away. PT_EBUG: the cipher failed; planes are zero then. */
PT_MUST_USE enum pt_code residues_draw(uint8_t *planes, const struct ring *r, const struct prg *g,
                                       uint64_t nonce, size_t n);

#endif
