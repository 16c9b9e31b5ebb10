/* epoch.h - the header that fixes an epoch, and what follows from it (PROTOCOL.md 3, 4).
 * Bytes are canonical: one header has one encoding, one id. How partners agree on it: salt.h. */
#ifndef PT_EPOCH_H
#define PT_EPOCH_H

#include "crypto/blake2b_tree.h"
#include "crypto/rlwe.h"
#include "policy/question.h"

enum {
    EPOCH_SLOTS_LOG2_MIN = 20,
    EPOCH_SLOTS_LOG2_MAX = RLWE_SLOTS_LOG2_MAX,
    EPOCH_PAD_MAX = 4400,  /* padded size may exceed customers.max by so much (two paddings) */
    EPOCH_RETRIES_MAX = 3, /* salt retries a day */
    EPOCH_HEADER_BYTES_MAX = 4096,
};

struct epoch_participant {
    char name[POLICY_NAME_MAX + 1];
    struct digest dataset; /* Merkle root over salted token leaves */
    struct digest
        seed_hash; /* epoch_seed_hash(): all its randomness of the epoch (PROTOCOL.md 8) */
    uint64_t padded_size;
};
struct epoch_header {
    struct digest policy_hash;
    uint64_t number;
    uint32_t key_period;
    uint64_t slot_count; /* M */
    struct digest salt;
    struct epoch_participant participants[POLICY_PARTNERS_MAX]; /* in name order */
    size_t participant_count;                                   /* >= 2 */
};

PT_MUST_USE enum pt_code epoch_header_print(struct buf *out, const struct epoch_header *h,
                                            struct pt_err *err);
/* Accepts what epoch_header_print() writes and nothing else: PT_EBADMSG. M may be any power of
 * two up to 2^27 here; that it is the policy's is checked when the header is made. */
PT_MUST_USE enum pt_code epoch_header_parse(struct epoch_header *out, struct span bytes,
                                            struct pt_err *err);
/* Hash of the printed header. */
PT_MUST_USE enum pt_code epoch_header_id(struct digest *out, const struct epoch_header *h,
                                         struct pt_err *err);
/* The participant of that name; -1 when it is not in this epoch. */
int epoch_find(const struct epoch_header *h, const char *name);
/* M: the next power of two >= slots_per_customer * largest padded size, at least 2^20.
 * PT_ELIMIT above 2^27. */
PT_MUST_USE enum pt_code epoch_slots(uint64_t *out, const struct policy *p,
                                     uint64_t largest_padded_size, struct pt_err *err);
void epoch_seed_hash(struct digest *out, const struct key32 *epoch_seed);

/* Ordered pair: recipient encrypts columns, evaluator answers. Participant indices. */
struct epoch_pair {
    const struct epoch_header *header;
    int recipient, evaluator;
};
/* PT_ESTATE naming who is not in the epoch. */
PT_MUST_USE enum pt_code epoch_pair_of(struct epoch_pair *out, const struct epoch_header *h,
                                       const char *recipient, const char *evaluator,
                                       struct pt_err *err);
/* From the salt and the ordered pair, so that nobody chose it. */
void epoch_pair_seed(struct digest *out, const struct epoch_pair *pair);
/* The pair's lattice: set P40, max_abs = the evaluator's padded size (a bound on sum |G|),
 * sigma_max = the widest noise that the policy prices. Both sides compute the same. */
PT_MUST_USE enum pt_code epoch_pair_shape(struct rlwe_shape *out, const struct policy *p,
                                          const struct epoch_pair *pair, struct pt_err *err);
PT_MUST_USE enum pt_code epoch_pair_rlwe(struct rlwe **out, const struct policy *p,
                                         const struct epoch_pair *pair, struct pt_err *err);
/* Seed of the recipient's s_j and errors: PRF(epoch seed; epoch, pair, column name, digest of the
 * column's plain values). A changed column never meets an old key. */
struct epoch_column {
    struct span name;            /* reply_column_name() */
    const struct digest *values; /* epoch_values_digest() */
};
void epoch_column_seed(struct key32 *out, const struct key32 *epoch_seed,
                       const struct epoch_pair *pair, const struct epoch_column *column);
/* Hash of slot_count int8 values: their content is secret, so the digest stays at home. */
void epoch_values_digest(struct digest *out, const int8_t *values, uint64_t slot_count);
/* The same of values that are added to a tree as they come; ends h. */
void epoch_values_digest_end(struct digest *out, struct blake2b_tree *h);

#endif
