/* column_proof.h - the column proof (PROTOCOL.md 4, column-proof/SPEC.md): before an evaluator E
 * answers, the recipient R proves that every column c_j it sent holds weights -1, 0 and +1 with small
 * errors: for some ternary s_j, each x = c - a*s is -2..2 or +-delta + (-2..2), in block K -2..2.
 *
 *   1  E to R  choices     column_verifier_new()      once a session: an epoch, an ordered pair
 *   2  R to E  trees       column_prover_new()        column_verifier_accept()
 *   3  R to E  commitment  column_prover_commit()     column_verifier_commit(), with the columns
 *   4  E to R  challenge   drawn now, not before      column_verifier_challenge()
 *   5  R to E  answer      column_prover_answer()     column_verifier_check()
 *
 * A tally says besides, of some columns of a batch, how many of them a person stands in at most.
 * Here is what both sides share: sizes, and what a challenge expands to. */
#ifndef PT_COLUMN_PROOF_H
#define PT_COLUMN_PROOF_H

#include "crypto/membership.h"
#include "crypto/rlwe.h"
#include "crypto/vole.h"

enum {
    PROOF_ROWS = 3,                      /* of the check that all digits carry one x */
    PROOF_MASKS = MEMBERSHIP_DEGREE - 1, /* of F: they hide the answer's coefficients */
    PROOF_MASKED = 2 * PROOF_MASKS,      /* elements of the mask vector that make them */
    PROOF_MASK_VECTOR = VOLE_DRAWN_MAX,  /* those, and a row's mask each: 31 of 32 */
    PROOF_CHALLENGE_BYTES = 32,
};

struct proof_setup {
    const struct rlwe *c;         /* outlives what is made */
    const struct digest *session; /* epoch header, names, direction, public seed; used once */
    const struct key32 *seed;     /* secret, uniform, used once */
};

/* Of a batch: in each slot as many of columns [first, first + counted) are not 0 as of the `counters`
 * columns that follow them; so at most `counters`. No counters: nothing is said. Both sides know it
 * from elsewhere; it is a statement, not a message. */
struct proof_tally {
    size_t first, counted, counters;
};
enum proof_side { PROOF_COUNTED, PROOF_COUNTER, PROOF_SIDES }; /* PROOF_SIDES: neither */
bool proof_tally_valid(const struct proof_tally *t, size_t column_count);

/* Why columns of this context cannot be proved: PT_ELIMIT, with a sentence. */
PT_MUST_USE enum pt_code proof_possible(const struct rlwe *c, struct pt_err *err);
size_t proof_choices_bytes(const struct rlwe *c);
size_t proof_trees_bytes(const struct rlwe *c);
size_t proof_commitment_bytes(const struct rlwe *c, size_t column_count);
size_t proof_answer_bytes(const struct rlwe *c);

/* Internal to column_prove and column_verify, from here on. */

/* What the challenge expands to; public. */
PT_MUST_USE enum pt_code proof_chi(uint64_t *chi[2], const struct rlwe *c, const struct prg *g,
                                   uint64_t block);
PT_MUST_USE enum pt_code proof_weights(struct field2 of[RLWE_COLUMNS_MAX], const struct rlwe *c,
                                       const struct prg *g);
/* A column's place in a tally, and what the sums of either side weigh: w and -w. */
enum proof_side proof_side_of(const struct proof_tally *t, size_t column);
PT_MUST_USE enum pt_code proof_tally_weights(struct field2 of[PROOF_SIDES], const struct rlwe *c,
                                             const struct prg *g);

struct proof_vector { /* secret: of one column, M or L */
    struct vole_vector digits;
    /* Put together, times what finishing takes: as they are, and what block_ops' product() takes of -M. */
    uint64_t plain[2][RLWE_DEGREE], factor[2][RLWE_DEGREE];
    uint64_t x[RLWE_DEGREE]; /* the prover's s_j mod q */
};
/* Vectors of a batch, each of its own memory, made side by side: make() fills in vector j, and works in `room`,
 * or by threads of its own where that is NULL. On failure none is there; the first failure in their order is told. */
struct proof_making {
    void *self;
    enum pt_code (*make)(void *self, struct proof_vector *v, size_t j, struct vole_room *room);
};
PT_MUST_USE enum pt_code proof_vectors_make(struct proof_vector **columns, size_t count,
                                            const struct parallel *parallel,
                                            const struct proof_making *making);
void proof_vectors_free(struct proof_vector **columns, size_t count); /* wipes; NULLs are fine */
void proof_vectors_finish(struct proof_vector *const *columns, size_t count,
                          const struct parallel *parallel, const struct ring *r, struct field2 by);

struct proof_vectors { /* of one batch */
    size_t count;
    struct proof_vector *const *columns;
    const struct vole_vector *mask;
    const uint64_t *mask_x; /* the prover's; NULL: the verifier's */
};
struct proof_digits { /* secret until masked */
    uint64_t x[PROOF_ROWS], y[PROOF_ROWS][VOLE_DIGITS_MAX];
};
PT_SECRET_TYPE(proof_digits);
PT_MUST_USE enum pt_code proof_digits_make(struct proof_digits *out, const struct rlwe *c,
                                           const struct prg *g, const struct proof_vectors *in);
void proof_digits_hash(struct digest *out, const struct rlwe *c, const struct proof_digits *in);
/* Mask i of F: element 2i and w times element 2i+1. */
struct field2 proof_mask(const struct ring *r, const struct vole_vector *mask, size_t i);

/* Blocks that a thread has in hand at once: what it knows of a column, 32 KB, is then fetched once for all of
 * them, and the ciphertext in longer pieces. */
enum { PROOF_TOGETHER = 4 };
struct proof_room { /* secret: what one thread works in */
    struct {
        uint64_t a[RLWE_DEGREE], chi[2][RLWE_DEGREE];
    } block[PROOF_TOGETHER];
    uint64_t k[2][RLWE_DEGREE];
    uint8_t cls[RLWE_DEGREE], error_bits[RLWE_DEGREE];
    int8_t values[RLWE_DEGREE];
    uint8_t read[PROOF_TOGETHER * RLWE_BLOCK_BYTES_MAX]; /* public: of a column that is read */
};
struct proof_blocks { /* [first, first + n), n <= PROOF_TOGETHER */
    uint64_t first;
    size_t n;
};
/* The next blocks that no thread has. false: all K + 2 are taken. */
bool proof_blocks_take(struct proof_blocks *out, struct parallel_pieces *taken,
                       const struct rlwe *c);
/* Each block's chi, and its a where it is one of the column's. */
PT_MUST_USE enum pt_code proof_room_enter(struct proof_room *room, const struct rlwe *c,
                                          const struct prg *g, struct proof_blocks blocks);
/* room->k: -a_k * M of the column, or M where k is K + 1, the secret's own block. k is blocks.first + b. */
void proof_room_multiply(struct proof_room *room, const struct rlwe *c,
                         const struct proof_vector *v, size_t b, uint64_t k);
enum membership_set proof_set_of(const struct rlwe *c, uint64_t k);
void *proof_secret_new(size_t count, size_t each); /* zeros, for sodium_free(); NULL: no memory */

#endif
