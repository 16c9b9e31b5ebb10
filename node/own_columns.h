/* own_columns.h - the asker's columns of one question: values, keys, digests of the ciphertexts.
 *
 * A ciphertext is a pure function of epoch seed, pair, name and values, and is kept nowhere: here it
 * is made, encrypted and hashed, block by block, once while columns_made.h remembers it; what the partner
 * needs is encrypted again on its way out (column_feed.h). Several are encrypted side by side, so that
 * what they have in common is expanded once. Plain values are kept, packed, where all of the question's take
 * no more than OWN_COLUMNS_MEMORY; if not, they are made again by who needs them. */
#ifndef PT_OWN_COLUMNS_H
#define PT_OWN_COLUMNS_H

#include "node/daemon.h"
#include "node/job.h"
#include "proto/ask.h"

enum { OWN_COLUMNS_SIDE_BY_SIDE = 8, OWN_COLUMNS_MEMORY = 1 << 28 };

struct own_columns_in { /* borrowed until own_columns_free() */
    struct daemon *daemon;
    struct snapshot *epoch;
    const struct question *question;
    const struct epoch_pair *pair;
    const struct rlwe *rlwe;
};
struct own_column {
    struct buf name;
    struct digest digest;
    /* packed.h; NULL: not kept, or not made for this question. With it, a hash of it and
     * epoch_values_digest() of what it holds. Secret. */
    uint8_t *packed;
    struct digest content, values;
};
struct own_columns { /* {0} is a valid empty one */
    struct own_columns_in in;
    size_t count, table_count; /* with counters, without */
    struct own_column *columns;
    struct rlwe_key **keys; /* open the answers */
    struct ask_column *asked;
    double *energy, *own_size; /* what the estimate needs */
    size_t at_once;
    bool keep; /* what is packed */
};
/* PT_EDENIED, PT_ESTATE, PT_EIO, PT_ENOMEM, or what job->progress() says. Free also after failure. */
PT_MUST_USE enum pt_code own_columns_prepare(struct own_columns *o, const struct own_columns_in *in,
                                             const struct job *job, struct pt_err *err);
void own_columns_free(struct own_columns *o); /* wipes */

/* The key of a column whose values have that epoch_values_digest(), which no other values have. */
PT_MUST_USE enum pt_code own_columns_key(struct rlwe_key **out, const struct own_columns_in *in,
                                         struct span name, const struct digest *values,
                                         struct pt_err *err);

/* The plain column `index` of a question, packed.h, for asking and for its audit; from table_count
 * (reply_column_count()) on they are counters. sums: columns_recipient(), over the slots that the question
 * looks at. */
struct own_columns_which {
    const struct question *question;
    size_t index, table_count;
};
PT_MUST_USE enum pt_code own_columns_packed(uint8_t *packed, struct columns_sums *sums,
                                            const struct columns_map *map,
                                            const struct own_columns_which *at);

#endif
