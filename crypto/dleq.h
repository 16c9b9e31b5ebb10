/* dleq.h - one proof that D[i] = k*C[i] for a whole chunk, k being the key of B = k*G
 * (RFC 9497 section 2.2, ristretto255-SHA512, verifiable mode).
 *
 * The weights of the batch come from a hash of all that is claimed, so a prover cannot choose
 * points after it knows them. Points and proofs are public; only k and r are secret. */
#ifndef PT_DLEQ_H
#define PT_DLEQ_H

#include "crypto/oprf.h"

struct dleq_claim { /* borrowed; c and d have the same length, 1..OPRF_CHUNK_MAX */
    const struct point *public_key;
    struct span_points c, d;
    const struct group_term *c_terms; /* c decoded */
    const struct group_term *d_terms; /* d decoded; dleq_verify() only */
    const struct parallel *parallel;  /* as in oprf.h */
};

/* [RFC 9497 s2.2.1, GenerateProof]  r: uniform, secret, never used for another claim: two proofs
 * under one r give the key away.  PT_EBADMSG: bad sizes. PT_ENOMEM. */
PT_MUST_USE enum pt_code dleq_prove(struct dleq_proof *out, const struct scalar *k,
                                    const struct scalar *r, const struct dleq_claim *claim);
/* [RFC 9497 s2.2.2, VerifyProof]  PT_EBADMSG: the key is malformed, a scalar is not reduced, or the
 * claim is false. PT_ENOMEM: nothing was checked. */
PT_MUST_USE enum pt_code dleq_verify(const struct dleq_proof *proof,
                                     const struct dleq_claim *claim);

#endif
