/* inner.h - inner products of an evaluator's plain rows with a recipient's encrypted columns
 * (PROTOCOL.md 4). Evaluator: hint once per row, dot with each column, reply with noise.
 * Recipient: open. Notation: G hint, u,f rerandomiser, v reply scalar, M inner product.
 *
 * The noise n added to v is the only thing between the recipient and exact counts: it comes in as
 * an argument, already charged for, and a reply cannot be made without it. */
#ifndef PT_INNER_H
#define PT_INNER_H

#include "crypto/base/parallel.h"
#include "crypto/column_reader.h"
#include "crypto/rlwe.h"

/* Row entries are int8: signed sums over a slot. Secret. `values` has the entries of block `first` and of those
 * after it that are asked for, up to slot_count, and so has `more`, which is added to it entry by entry: sums up
 * to +-254. NULL: nothing is. */
struct inner_row {
    const int8_t *values, *more;
    uint64_t first;
};
struct inner_blocks { /* [first, end) */
    uint64_t first, end;
};

struct inner_hint; /* secret: G of one row */
PT_MUST_USE enum pt_code inner_hint_new(struct inner_hint **out, const struct rlwe *c);
/* Takes less memory, but works in lead's: no two of them at the same time, and lead is freed last. */
PT_MUST_USE enum pt_code inner_hint_new_beside(struct inner_hint **out,
                                               const struct inner_hint *lead);
void inner_hint_free(struct inner_hint *h); /* wipes */
/* G += sum over blocks [first, end) of tau(a_k)*A_k. Blocks in any order, each once.
 * PT_ELIMIT: end is over the block count, or before first, or the row begins later; PT_ESTATE: a block was
 * already added.
 * Threads work on hints of their own, merged at the end. */
PT_MUST_USE enum pt_code inner_hint_add(struct inner_hint *h, const struct rlwe *c,
                                        struct inner_row row, uint64_t first, uint64_t end);

/* The same blocks of n rows, each a_k expanded once: hints[i] gets row i. Hints are different ones. */
PT_MUST_USE enum pt_code inner_hints_add(struct inner_hint *const *hints, const struct rlwe *c,
                                         const struct inner_row *rows, size_t n,
                                         struct inner_blocks blocks);

/* Blocks [first, end) add nothing: the row is taken to be zero there. Errors as above. */
PT_MUST_USE enum pt_code inner_hint_skip(struct inner_hint *h, const struct rlwe *c,
                                         struct inner_blocks blocks);

/* dst += src, of one row and context. PT_ESTATE: a block is in both; dst is then unchanged. */
PT_MUST_USE enum pt_code inner_hint_merge(struct inner_hint *dst, const struct rlwe *c,
                                          const struct inner_hint *src);

/* dot[i * column_count + j] = <row_i, column_j> mod q over the K data blocks, or the first block_end of
 * them: PT_ELIMIT when that is over K. Secret out.
 * Each columns[j].n must be rlwe_column_bytes(), its coefficients < q: else PT_EBADMSG. PT_EIO: the reader
 * could not. dot is zero unless PT_OK. Entries of -128 are exact too. */
struct inner_dot_in {
    const struct inner_row *rows;
    size_t row_count;
    const struct span *columns;
    size_t column_count;
    const struct parallel *parallel;    /* may be NULL; each part takes 0.5 MB and 3 KB a column */
    uint64_t block_end;                 /* 0: K */
    const struct column_reader *reader; /* NULL: columns[j].p are there */
};
PT_MUST_USE enum pt_code inner_dot(uint64_t *dot, const struct rlwe *c, struct inner_dot_in in);

/* The same, some blocks at a time, for rows that are not in memory as a whole: _new() looks at nothing of
 * in->rows but their number. Blocks in any order, each once. What fails fails as inner_dot() does, and the
 * sums are then of no use. */
struct inner_dots;
PT_MUST_USE enum pt_code inner_dots_new(struct inner_dots **out, const struct rlwe *c,
                                        const struct inner_dot_in *in);
PT_MUST_USE enum pt_code inner_dots_add(struct inner_dots *d, const struct inner_row *rows,
                                        struct inner_blocks blocks);
void inner_dots_take(uint64_t *dot, const struct inner_dots *d); /* row_count * column_count */
void inner_dots_free(struct inner_dots *d);                      /* wipes; NULL is fine */

/* One row's reply: G' (2048 coefficients), then column_count scalars, coefficient_bytes each.
 *   dot      this row's dots, column_count of them
 *   noise    this row's noise in units of Z_q, one a column, drawn at full width delta*sigma
 *   seed     keys u and f: a pure function of what was asked (PROTOCOL.md 4), never used twice
 * PT_ELIMIT: no column, or more than RLWE_COLUMNS_MAX. PT_EBADMSG: a column's length, or a
 * coefficient >= q in its last block. PT_ESTATE: the hint lacks a block. PT_EIO: the reader could not read.
 * out is zero then. */
struct inner_reply_in {
    const struct inner_hint *hint;
    const uint64_t *dot;
    const int64_t *noise;
    const struct span *columns;
    size_t column_count;
    const struct column_reader *reader; /* NULL: columns[j].p are there */
};
size_t inner_reply_bytes(const struct rlwe *c, size_t column_count);
PT_MUST_USE enum pt_code inner_reply(uint8_t *out, const struct rlwe *c,
                                     const struct inner_reply_in *in, const struct key32 *seed);

/* Smallest integer width of the noise, in units of Z_q, that keeps G' pseudorandom with this many
 * columns: ceil(16*sqrt(columns * 2048 * (eta^2+1))). */
uint64_t inner_noise_min(size_t column_count);
/* Variance, in squared counts, of what the scheme adds beside n: (row_energy*eta/2 +
 * sigma_u^2*d*(eta/2+2/3)) / delta^2, row_energy = sum of squared row entries (bounded by E's
 * audience: the recipient uses E's noisy size). For error bars only. */
double inner_error_variance(const struct rlwe *c, double row_energy);

/* The recipient's answers: value[j] = (v_j - <G', s_j>) centred, in units of 1/delta counts (not
 * rounded, so that the caller divides by delta and keeps the noise's exact law).
 * PT_EBADMSG: length, or a coefficient >= q. PT_ELIMIT: columns as above. value is zero then. */
PT_MUST_USE enum pt_code inner_open(int64_t *value, const struct rlwe *c, struct span reply,
                                    struct rlwe_key *const *keys, size_t column_count);

#endif
