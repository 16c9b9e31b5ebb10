/* batch.h - a token batch as computation (PROTOCOL.md 2): which rows, blinded how, padded by how
 * much, finished to which tokens. All of it follows from the dataset and the batch's seed, so that
 * `audit replay` finds the same points again. Sessions and queues are tokenise_run.c's. */
#ifndef PT_BATCH_H
#define PT_BATCH_H

#include "node/home.h"
#include "node/vault.h"
#include "proto/tokenise.h"

struct batch {                     /* secret; {0} is a valid empty one */
    const struct vault_data *data; /* borrowed */
    uint32_t *todo;                /* its rows without a token, ascending */
    uint64_t todo_count, point_count;
    struct tokenise_plan plan;
    struct key32 label, seed; /* every blind derives from seed, which label names */
    struct buf prefix;        /* of PROTOCOL.md 1 */
    struct parallel parallel;
};
/* Rows without a token; then the padding, once label is there. */
PT_MUST_USE enum pt_code batch_rows(struct batch *b, const struct vault_data *data,
                                    struct pt_err *err);
PT_MUST_USE enum pt_code batch_plan(struct batch *b, const struct home *h, const char *key_period,
                                    struct pt_err *err);
/* Of the batch that label names. */
void batch_seed(struct batch *b, const struct home *h, const struct key32 *label);
void batch_free(struct batch *b); /* wipes */
/* Of seed, for the event `tokenise`. */
void batch_seed_hash(struct digest *out, const struct batch *b);

/* points: tokenise_chunk_size() of them. */
PT_MUST_USE enum pt_code batch_blind(struct point *points, const struct batch *b, uint32_t number,
                                     struct pt_err *err);
struct batch_chunk { /* as it came from a key holder, verified */
    uint32_t number, hop;
    const struct point *public_key;  /* the holder's */
    const struct group_term *points; /* decoded */
    size_t n;
};
/* points: c->n of them, for the next key holder. */
PT_MUST_USE enum pt_code batch_blind_again(struct point *points, const struct batch *b,
                                           const struct batch_chunk *c, struct pt_err *err);
/* From the last of c->hop + 1 holders. tokens[i] is of row todo[first + i]; what is beyond todo_count is
 * padding. */
PT_MUST_USE enum pt_code batch_finish(struct token *tokens, const struct batch *b,
                                      const struct oprf_key *own, const struct batch_chunk *c,
                                      struct pt_err *err);

/* What a record says of a batch beside its frames: the note of an owner's session. */
struct batch_note {
    struct key32 label;
    uint32_t hop; /* 0: these are our points; else what the hop before returned, blinded again */
    struct point before; /* hop > 0: public key of the hop before */
    char generation[17]; /* of the dataset */
    uint32_t *rows;      /* hop 0: todo; owned when parsed */
    uint64_t row_count;
};
PT_MUST_USE enum pt_code batch_note_print(struct buf *out, const struct batch_note *n,
                                          struct pt_err *err);
/* PT_EBADMSG: not as batch_note_print() writes it. PT_ESTATE: an older patto's, which blinded otherwise.
 * Free with batch_note_free(). */
PT_MUST_USE enum pt_code batch_note_parse(struct batch_note *out, struct span in,
                                          struct pt_err *err);
void batch_note_free(struct batch_note *n);

#endif
