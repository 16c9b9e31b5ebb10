/* reply.h - one question's answer as computation (PROTOCOL.md 4, 5): which columns the recipient
 * encrypts, which rows the evaluator multiplies, what it costs, the noise, the replies; and the
 * recipient's opening of them. No session, no I/O: simulation and the daemon run the same code.
 *
 * Layout: index 0 is "all" (whoever passes that side's own filters); a crosstab adds one column for
 * each value of the asker's attribute (question.rows) and one row for each value of the other's
 * (question.columns), in policy order. Ciphertext columns are thus the rows of the table that a
 * planner sees, and the evaluator's rows its columns. */
#ifndef PT_REPLY_H
#define PT_REPLY_H

#include "crypto/blake2b_tree.h"
#include "crypto/inner.h"
#include "policy/budget.h"
#include "proto/epoch.h"

/* A value has a crosstab's columns and two rows: REPLY_COUNTS, whoever passes and has a number, and
 * REPLY_NUMBERS, their numbers: integers v in 0..100, centred, w = v - 50. A slot's sum of sign * w
 * is held at +-254, in two limbs that add up: at half a customer a slot six more of one sign, all at
 * the bound, come once in two million slots. Its "size" is the sum of w^2. */
enum { REPLY_COUNTS, REPLY_NUMBERS, REPLY_VALUE_ROWS, REPLY_LIMBS = 2 };
size_t reply_column_count(const struct policy *p, const struct question *q);
size_t reply_row_count(const struct policy *p, const struct question *q);
/* Entries of a row: slot_count, or of a value limb by limb REPLY_LIMBS times that. */
size_t reply_row_values(const struct question *q, uint64_t slot_count);
/* Counters of a table: as many as the asker's attribute has values a person in a table at most; column i
 * of them holds who has more than i. 0: everybody may have all values, or it is no table. */
size_t reply_counter_count(const struct policy *p, const struct question *q);
/* Groups of at most RLWE_COLUMNS_MAX columns, answered under one (u,f) each. */
size_t reply_group_count(size_t column_count);
/* How many of an epoch's slots a question looks at, from the first: whole blocks of RLWE_DEGREE, or all
 * where there is no more than one. */
uint64_t reply_slots(const struct question *q, uint64_t slot_count);
/* Bytes of one row's replies, all groups. */
size_t reply_row_bytes(const struct rlwe *c, size_t column_count);
/* "all", "buys=dairy", or of the counters after the table's columns "buys>0", then the asker's own
 * filters: what the column holds, so that one name is one column of the epoch whatever the question.
 * Appends. */
PT_MUST_USE enum pt_code reply_column_name(struct buf *out, const struct policy *p,
                                           const struct question *q, size_t index,
                                           struct pt_err *err);
/* Digest of a column's ciphertext, as announced and checked. */
void reply_column_digest(struct digest *out, struct span bytes);
/* The same of bytes that come one after the other and are added to a tree from its beginning; ends h. */
void reply_column_digest_end(struct digest *out, struct blake2b_tree *h);

struct reply_part { /* of a row: slots [first, first + slots), from whole blocks of RLWE_DEGREE */
    size_t row;
    uint64_t first;
    size_t slots;
};
struct reply_host { /* the evaluator's data */
    void *self;
    /* May be NULL. These slots of rows are asked for next: of all rows, before other slots are. */
    enum pt_code (*window)(void *self, const struct question *q, const struct reply_part *at,
                           struct pt_err *err);
    /* Part of a row of the question: values[at->slots], sums of signs over each slot of those who pass
     * the filters (and have the value); *size how many of those are in these slots. REPLY_NUMBERS: sums
     * of numbers, and of their squares. A value has a second limb behind the first; that of its counts
     * is zeros. Every slot is asked for once. All exact and secret. */
    enum pt_code (*row)(void *self, const struct question *q, const struct reply_part *at,
                        int8_t *values, uint64_t *size, struct pt_err *err);
    struct parallel parallel; /* rows are made and answered at once; row() too is then called so */
};
struct reply_in { /* borrowed */
    const struct policy *policy;
    const struct question *question;
    struct epoch_pair pair;
    const struct rlwe *rlwe;
    const struct span *columns; /* ciphertexts, verified against digests and < q */
    const struct digest *column_digests;
    size_t column_count;
    const struct column_reader *reader; /* NULL: columns[j].p are there */
    const struct key32 *noise_key;      /* secret of the evaluator, shown to nobody */
    struct reply_host host;
};

/* What identifies the answer: epoch, ordered pair, canonical question with its rho, ordered column
 * digests, dataset commitment, policy. The same key is the same question: paid once. Public. */
PT_MUST_USE enum pt_code reply_key(struct digest *out, const struct reply_in *in,
                                   struct pt_err *err);
/* budget_price() with the pair's delta. */
void reply_price(struct budget_price *out, const struct reply_in *in);

struct reply {        /* {0} is a valid empty one */
    struct buf *rows; /* row_count, each reply_row_bytes() */
    int64_t *sizes;   /* noisy, by row */
    size_t row_count;
};
/* Products are of the slots that the question looks at; the row's digest and size are of all of them.
 * Charged and recorded already, always. A pure function of `in` and the data: asked again, it is
 * the same bytes. Noise width is ceil(delta*sigma), never below inner_noise_min(). */
PT_MUST_USE enum pt_code reply_make(struct reply *out, const struct reply_in *in,
                                    struct pt_err *err);
void reply_free(struct reply *r);

/* Recipient. values[row * column_count + column] = F.G + noise, in counts, before 1/q.
 *   rows  row_count spans of reply_row_bytes();  keys  one a column
 * PT_EBADMSG: length, or a coefficient >= q. */
struct reply_open_in {
    const struct rlwe *rlwe;
    const struct span *rows;
    size_t row_count;
    struct rlwe_key *const *keys;
    size_t column_count;
};
PT_MUST_USE enum pt_code reply_open(double *values, const struct reply_open_in *in,
                                    struct pt_err *err);

#endif
