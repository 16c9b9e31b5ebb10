/* rlwe.h - encrypted columns over Z_q[X]/(X^2048+1) (PROTOCOL.md 4): one ring element a_k a
 * block of 2048 slots, shared by all columns; c_k = a_k*s + e_k + delta*b_k. Slot t of the column
 * is coefficient t mod 2048 of block t / 2048. Block K encrypts zero: the evaluator's rerandomiser.
 *
 * A column on the wire and on disk is (K+1) blocks of `coefficient_bytes` byte planes of 2048
 * bytes each, little end first: plane p of a block holds byte p of its 2048 coefficients.
 * The seed expansion and the streams of a key are frozen: README.md, "What is frozen". */
#ifndef PT_RLWE_H
#define PT_RLWE_H

#include "crypto/prf.h"
#include "crypto/ring.h"

enum {
    RLWE_DEGREE = RING_DEGREE,
    RLWE_COLUMNS_MAX = 64, /* answered under one (u,f): Hint-RLWE width depends on it */
    RLWE_BLOCK_BYTES_MAX = 6 * RLWE_DEGREE,
    RLWE_ETA = 2, /* centred binomial error */
    RLWE_DELTA_LOG2_MIN = 4,
    RLWE_DELTA_LOG2_MAX = 16,
    RLWE_SLOTS_LOG2_MAX = 27,
};

enum rlwe_set { RLWE_P32, RLWE_P40, RLWE_P48 };

struct rlwe_shape { /* public; both sides compute the same from the epoch header */
    enum rlwe_set set;
    uint64_t slot_count; /* any 1..2^27; the last block is padded with zeros */
    uint64_t max_abs;    /* bound on |inner product| before noise, < 2^48 */
    uint64_t sigma_max;  /* widest noise, in units of one count, < 2^48 */
};

struct rlwe;     /* public: tables and the expanded seed's key. Immutable: threads share it */
struct rlwe_key; /* secret s_j in locked memory */

/* Chooses delta: the largest 2^l, l <= 16, with 2(delta(max_abs + 12 sigma_max + 1) + 12 sd_e) < q,
 * where delta*sigma_max counts as inner_noise_min(64) at least, and sd_e as that of rows of +-128.
 * PT_ELIMIT when even delta = 2^4 does not fit: take a larger set. */
PT_MUST_USE enum pt_code rlwe_new(struct rlwe **out, const struct rlwe_shape *shape,
                                  const struct digest *public_seed, struct pt_err *err);
void rlwe_free(struct rlwe *c);
uint64_t rlwe_block_count(const struct rlwe *c); /* K */
size_t rlwe_block_bytes(const struct rlwe *c);   /* coefficient_bytes * 2048 */
size_t rlwe_column_bytes(const struct rlwe *c);  /* (K+1) blocks */
uint32_t rlwe_delta(const struct rlwe *c);
uint64_t rlwe_slot_count(const struct rlwe *c);
const struct ring *rlwe_ring(const struct rlwe *c); /* borrowed */
/* a = a_k as values in the ring's canonical order, k <= K. Public. PT_EBUG: the cipher failed. */
PT_MUST_USE enum pt_code rlwe_expand(const struct rlwe *c, uint64_t k, uint64_t a[RLWE_DEGREE]);

/* s and its errors are a pure function of `seed`; derive it from (epoch seed, pair, column
 * name, digest of the column's values): one key never encrypts two columns (PROTOCOL.md 4). */
PT_MUST_USE enum pt_code rlwe_key_new(struct rlwe_key **out, const struct rlwe *c,
                                      const struct key32 *seed);
void rlwe_key_free(struct rlwe_key *k); /* wipes */

/* Encrypt block k (0..K) of a column into rlwe_block_bytes() bytes. One thread a key.
 *   values  2048 entries of {-1,0,+1}; NULL for block K (zero), and for it alone.  Secret.
 * A key encrypts each block once: PT_ESTATE on the second time. PT_ELIMIT: no such block, or a
 * value above 1. PT_EBUG: NULL where values belong or the reverse, a key of another context, or
 * the cipher failed. out is zero unless PT_OK. */
PT_MUST_USE enum pt_code rlwe_encrypt_block(uint8_t *out, const struct rlwe *c, struct rlwe_key *k,
                                            uint64_t block, const int8_t *values);

/* The same block of n columns, whose a_k is then expanded once. Errors as above; every out is zero
 * unless PT_OK. Keys are different ones. */
struct rlwe_column {
    uint8_t *out; /* rlwe_block_bytes() */
    struct rlwe_key *key;
    const int8_t *values;
};
PT_MUST_USE enum pt_code rlwe_encrypt_columns(const struct rlwe *c,
                                              const struct rlwe_column *columns, size_t n,
                                              uint64_t block);

/* Are all coefficients of these whole blocks < q?  False also when in.n is not a whole number
 * of blocks. */
bool rlwe_blocks_valid(const struct rlwe *c, struct span in);

/* What the column proof is about. s: 2048 coefficients of {-1,0,+1}; borrowed, secret. */
const int8_t *rlwe_key_secret(const struct rlwe_key *k);
/* The error of block k <= K as it is drawn: bits 0 and 1 of a byte less bits 2 and 3. Secret.
 * PT_EBUG: the cipher failed; bits is zero then. */
PT_MUST_USE enum pt_code rlwe_key_errors(uint8_t bits[RLWE_DEGREE], const struct rlwe_key *k,
                                         uint64_t block);

/* <g, s> mod q: what the key's secret adds to a reply's scalars. Constant time; secret out. */
uint64_t rlwe_key_product(const struct rlwe *c, const struct rlwe_key *k,
                          const uint64_t g[RLWE_DEGREE]);

#endif
