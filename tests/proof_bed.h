/* proof_bed.h - one session of the column proof in memory: a recipient's columns, encrypted, and both
 * sides of crypto/column_proof.h, with each message where a test can change it before it arrives. */
#ifndef PT_TESTS_PROOF_BED_H
#define PT_TESTS_PROOF_BED_H

#include "crypto/column_prove.h"
#include "crypto/column_verify.h"

enum { PROOF_BED_COLUMNS_MAX = 8 };

struct proof_bed {
    struct rlwe *c;
    size_t count;
    struct rlwe_key *keys[PROOF_BED_COLUMNS_MAX];
    int8_t *values[PROOF_BED_COLUMNS_MAX];
    uint8_t *cipher[PROOF_BED_COLUMNS_MAX];
    struct span spans[PROOF_BED_COLUMNS_MAX];
    struct column_prover *p;
    struct column_verifier *v;
    struct buf choices, trees, commitment, answer;
    uint8_t challenge[PROOF_CHALLENGE_BYTES];
    const struct parallel *parallel;
    struct proof_tally tally, judged; /* the recipient's, the evaluator's */
};

struct proof_bed_kind {
    enum rlwe_set set;
    uint64_t slot_count;
    size_t column_count;
};
/* Columns of uneven values, encrypted; no message yet. */
struct proof_bed proof_bed_laid(struct proof_bed_kind kind);
/* Columns of these values. */
struct proof_bed proof_bed_laid_with(struct proof_bed_kind kind,
                                     int8_t (*value)(size_t column, uint64_t slot));
void proof_bed_free(struct proof_bed *b);
/* Messages 1 and 2, made; 2, taken in. */
void proof_bed_set_up(struct proof_bed *b);
void proof_bed_accept(struct proof_bed *b);
/* Message 3 made; 3 taken in and 4 sent; 5 made; 5 judged. Numbers set the challenge. */
void proof_bed_commit(struct proof_bed *b);
void proof_bed_challenge(struct proof_bed *b, uint8_t number);
void proof_bed_answer(struct proof_bed *b);
enum pt_code proof_bed_judge(struct proof_bed *b);
/* All of the above, in order. */
enum pt_code proof_bed_run(struct proof_bed *b);
struct prove_columns proof_bed_columns(struct proof_bed *b);

/* Coefficient `slot` of block k of column j: += by, mod q. */
void proof_bed_shift(struct proof_bed *b, size_t j, uint64_t k, size_t slot, int64_t by);
/* Number i of planes of n: += by, mod q. */
void proof_bed_shift_plane(const struct ring *r, uint8_t *planes, size_t n, size_t i, int64_t by);
/* x = c - a*s of that coefficient, as the recipient made it. */
int64_t proof_bed_x(const struct proof_bed *b, size_t j, uint64_t k, size_t slot);

#endif
