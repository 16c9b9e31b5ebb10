/* vole.h - subfield VOLE over F_q in F (field2.h) from all-but-one keys: a prover fixes x in F_q^n,
 * a verifier holds Gamma in F, and each gets its part of K = M + Gamma * x
 * (SoftSpokenOT, Roy 2022; Baum and others 2023). Gamma is 2 * coefficient_bytes digits of 8 bits;
 * each digit's tree gives M_i, K_i with K_i = M_i + digit_i * x.
 *
 * Once a session: 16 transfers a byte of a coefficient, two messages. Then any number of vectors, for
 * each of which the prover sends a correction a digit. The verifier sends nothing that depends on a
 * choice of the prover. That all digits carry one x is for the caller to check. */
#ifndef PT_VOLE_H
#define PT_VOLE_H

#include "crypto/base/parallel.h"
#include "crypto/base_ot.h"
#include "crypto/field2.h"
#include "crypto/residues.h"

enum { VOLE_DIGITS_MAX = 12, VOLE_LENGTH_MAX = RESIDUES_MAX, VOLE_DRAWN_MAX = 32 };

static inline size_t vole_digit_count(const struct ring *r)
{
    return (size_t)2 * r->coefficient_bytes;
}
size_t vole_choices_bytes(const struct ring *r); /* verifier to prover */
size_t vole_trees_bytes(const struct ring *r);   /* prover to verifier */
/* Of n elements; drawn: of a vector that the prover did not choose. */
size_t vole_correction_bytes(const struct ring *r, size_t n, bool drawn);

struct vole_prover;   /* secret */
struct vole_verifier; /* secret: Gamma and its digits */

/* Gamma is drawn, uniform, and `choices` written. seed: secret, uniform, used once.
 * session: names epoch, both sides and direction; never used twice. r outlives what is made. */
PT_MUST_USE enum pt_code vole_verifier_new(struct vole_verifier **out, uint8_t *choices,
                                           const struct ring *r, const struct digest *session,
                                           const struct key32 *seed);
/* PT_EBADMSG: length, or a point that is not canonical or the identity. */
PT_MUST_USE enum pt_code vole_prover_new(struct vole_prover **out, uint8_t *trees,
                                         const struct ring *r, const struct digest *session,
                                         struct span choices, const struct key32 *seed);
/* PT_EBADMSG: length or point, which the prover can see for itself. *consistent: false when a tree
 * is not one; the session must then fail, but not before all else has been looked at. */
PT_MUST_USE enum pt_code vole_verifier_accept(struct vole_verifier *v, bool *consistent,
                                              struct span trees);
void vole_prover_free(struct vole_prover *p);
void vole_verifier_free(struct vole_verifier *v);
struct field2 vole_gamma(const struct vole_verifier *v); /* secret */

struct vole_vector { /* secret: M_i or K_i of each digit, < q */
    uint64_t digit[VOLE_DIGITS_MAX][VOLE_LENGTH_MAX];
};
struct vole_room; /* secret: what one thread works in */
PT_MUST_USE enum pt_code vole_room_new(struct vole_room **out);
void vole_room_free(struct vole_room *room); /* wipes; NULL is fine */
struct vole_job {
    uint64_t number; /* of this vector in the session: never used twice */
    size_t n;        /* elements, at most VOLE_LENGTH_MAX */
    bool drawn;      /* x is an output, uniform, at most VOLE_DRAWN_MAX; else an input, each < q */
    const struct parallel *parallel;
    struct vole_room *room; /* to work in, in this thread alone; NULL: rooms are made for it */
};
PT_MUST_USE enum pt_code vole_commit(struct vole_vector *m, uint8_t *correction,
                                     const struct vole_prover *p, uint64_t *x,
                                     const struct vole_job *job);
/* PT_EBADMSG: length, or a number that is not < q. */
PT_MUST_USE enum pt_code vole_keys(struct vole_vector *k, const struct vole_verifier *v,
                                   struct span correction, const struct vole_job *job);
/* M or K of element i: the digits put together. */
struct field2 vole_join(const struct ring *r, const struct vole_vector *v, size_t i);
/* digit_i * x mod q: for the check of the digits. */
uint64_t vole_digit_times(const struct vole_verifier *v, size_t digit, uint64_t x);

#endif
