/* oprf.h - RFC 9497 ristretto255-SHA512, verifiable mode, the key split over the partners
 * (PROTOCOL.md 2). Owner: blind, verify, finish. Peer: evaluate with one proof a chunk.
 *
 * The input of record i is prefix || digest[i]; prefix is the same for a whole run
 * ("patto-id-v1" || fields). Bytes in, bytes out; randomness comes in as keys, so vectors
 * and replay apply. Batches of at most OPRF_CHUNK_MAX. `parallel` computes parts of a chunk at once;
 * NULL: the caller alone. The bytes are the same. */
#ifndef PT_OPRF_H
#define PT_OPRF_H

#include "crypto/base/parallel.h"
#include "crypto/group.h"
#include "crypto/prf.h"

enum {
    OPRF_CHUNK_MAX = 1 << 16,
    OPRF_PREFIX_MAX = 512,
    OPRF_OUTPUT_BYTES = 64,
    OPRF_HOLDERS_MAX = 32
};

struct oprf_key { /* secret k_j; its public half K_j = k_j*B is in every session header */
    struct scalar k;
    struct point public_key;
};
PT_SECRET_TYPE(oprf_key);

struct dleq_proof { /* public: challenge c, response s */
    struct scalar c, s;
};

struct token { /* personal data: sealed on disk, never logged, never sent */
    uint8_t b[16];
};
PT_SECRET_TYPE(token);

struct span_points { /* borrowed */
    const struct point *p;
    size_t n;
};
struct oprf_finish_in { /* borrowed; n of each */
    struct span prefix;
    const struct digest *digests;
    const struct group_term *evaluated; /* as oprf_verify() decoded them */
    size_t n;
    const struct point *public_key; /* of the last key holder */
    unsigned holders;               /* how many evaluated: 1..OPRF_HOLDERS_MAX */
    const struct parallel *parallel;
};
struct oprf_again_in { /* borrowed */
    const struct blind_key *old, *key;
    const struct point *public_key;  /* of who evaluated */
    const struct group_term *points; /* as oprf_verify() decoded them */
    size_t n;
    const struct parallel *parallel;
};
struct oprf_evaluate_in { /* borrowed */
    const struct oprf_key *key;
    const struct key32 *proof_seed; /* fresh, secret, never used twice */
    struct span_points points;
    const struct parallel *parallel;
};

/* Private: the blinds of one chunk are a pure function of this key, so the owner need not keep
 * them, and replay finds them again. One fresh key a chunk; wiped when the chunk is done. */
struct blind_key {
    struct key32 k;
};
PT_SECRET_TYPE(blind_key);

/* [RFC 9497 s3.2.1, DeriveKeyPair, mode 0x01] seed: 32 secret bytes. PT_EBUG after 256 failures. */
PT_MUST_USE enum pt_code oprf_key_derive(struct oprf_key *out, const struct key32 *seed,
                                         struct span info);

/* out[i] = 2 * HashToGroup(prefix || digest[i]) + r_i * B: uniform, as r_i is. Added, not multiplied as in
 * RFC 9497 s3.3.1: whoever evaluates does the same, and what we do costs a fifth (crypto/README.md,
 * Blinds). PT_ELIMIT on sizes; PT_ENOMEM. */
PT_MUST_USE enum pt_code oprf_blind(struct point *out, const struct blind_key *key,
                                    struct span prefix, const struct digest *in, size_t n,
                                    const struct parallel *parallel);

/* out[i] = k * points[i], and one proof for all.
 * PT_EBADMSG: *bad_index says which input is not a canonical point, is the identity, or repeats an
 * earlier one. PT_ELIMIT: n is not 1..OPRF_CHUNK_MAX (out untouched). PT_ENOMEM. */
PT_MUST_USE enum pt_code oprf_evaluate(struct point *out, struct dleq_proof *proof,
                                       size_t *bad_index, const struct oprf_evaluate_in *in);

struct oprf_verify_in { /* borrowed */
    const struct point *public_key;
    struct span_points sent, back;
    const struct dleq_proof *proof;
    const struct parallel *parallel;
};
/* Is back[i] = k * sent[i] for all i, with k*B = public_key?  [RFC 9497 s2.2.2]  decoded: room for back.n,
 * for oprf_finish(); of use only after PT_OK.
 * PT_EBADMSG: a point is malformed, lengths differ, or the proof is wrong. PT_ENOMEM. */
PT_MUST_USE enum pt_code oprf_verify(struct group_term *decoded, const struct oprf_verify_in *in);

/* Between two key holders: out[i] = 2 * (points[i] - r_i * public_key) + r'_i * B. Only what oprf_verify()
 * accepted for public_key may come here. PT_ELIMIT on sizes; PT_EBADMSG: the key is malformed;
 * PT_ENOMEM; then out is zero. */
PT_MUST_USE enum pt_code oprf_blind_again(struct point *out, const struct oprf_again_in *in);

/* token[i] = first 16 bytes of Finalize(prefix || digest[i], k_o / 2^holders * (evaluated[i] - r_i * public_key)),
 * with the blinds of the last blinding. Only what oprf_verify() accepted for public_key may come here.
 * With own == NULL, k_o = 1 (RFC 9497's two-party setting).
 * PT_ELIMIT on sizes; PT_EBADMSG: the key is malformed; PT_ENOMEM; then out is zero. */
PT_MUST_USE enum pt_code oprf_finish(struct token *out, const struct oprf_key *own,
                                     const struct blind_key *key, struct oprf_finish_in in);
/* The hash that ends Finalize, over input = prefix || rest (at most 2^16 - 1 bytes together). */
void oprf_output(uint8_t out[OPRF_OUTPUT_BYTES], struct span prefix, struct span rest,
                 const struct point *unblinded);

#endif
