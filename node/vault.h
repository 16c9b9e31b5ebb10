/* vault.h - this partner's customers at rest and in memory: digests, tokens, attribute columns.
 *
 * On disk everything is sealed (crypto/seal.h), bound to the federation, the partner and the shape
 * of its attributes in the policy: a changed shape says "ingest again". Files lie in one folder:
 * dataset-GENERATION.vault, tokens-PERIOD-GENERATION.vault, and `current`, which names the pair in
 * force and is swapped atomically, so a killed writer leaves the old data. It never sees a raw
 * identifier, and no path, error or log line carries a digest or a token (PROTOCOL.md 1-3). */
#ifndef PT_VAULT_H
#define PT_VAULT_H

#include "crypto/oprf.h"
#include "policy/policy.h"

enum {
    VAULT_NONE = 0xffff, /* category: no value known */
    VAULT_ROWS_MAX = 1 << 27,
    VAULT_PERIOD_MAX = 32, /* key period: [a-z0-9-]+ */
};

/* Where a vault lies and what it is bound to. All borrowed. */
struct vault_place {
    const char *dir;         /* exists; written with mode 0600 */
    const struct key32 *key; /* seals the files */
    const struct policy *policy;
    uint16_t me; /* index into policy->partners */
};

/* One attribute, a value a row; only the array of its type is there. Secret. */
struct vault_column {
    enum attribute_type type;
    uint16_t *category; /* index of the value, or VAULT_NONE */
    uint64_t *set;      /* `words` a row: bit v of word w is value 64*w + v */
    size_t words;
    double *number; /* within the policy's bounds, or NaN: unknown */
};

struct vault_stats {          /* how the dataset came to be: for `status`, never for a peer */
    int64_t ingested_s;       /* UTC */
    uint64_t rows_read;       /* of the file, without its header */
    uint64_t rows_empty;      /* no identifier */
    uint64_t rows_malformed;  /* an identifier that is not one */
    uint64_t rows_refused;    /* no consent */
    uint64_t rows_suppressed; /* on the suppression list */
    uint64_t values_dropped;  /* words outside the policy's values */
};

struct vault_data { /* secret; rows ascend by digest, each digest once */
    uint64_t count;
    struct digest *digests;
    struct token *tokens; /* valid where has_token is 1, else zero */
    uint8_t *has_token;
    uint64_t token_count;
    char key_period[VAULT_PERIOD_MAX + 1]; /* of the tokens; empty when there are none */
    struct vault_column *columns;          /* as policy->partners[me].attributes */
    size_t column_count;
    char generation[17]; /* hex of 8 random bytes; set when stored, new with every ingest */
    struct vault_stats stats;
};

/* Empty data of count rows, shaped after the partner: categories VAULT_NONE, sets empty, numbers
 * NaN, no tokens. PT_ENOMEM, PT_ELIMIT. */
PT_MUST_USE enum pt_code vault_data_new(struct vault_data **out, const struct policy_partner *me,
                                        uint64_t count, struct pt_err *err);
void vault_data_free(struct vault_data *d); /* wipes */

/* Row `from` in place of row `to`; keep the order of digests. Cut to the first count rows, wiping
 * the others. */
void vault_move_row(struct vault_data *d, uint64_t to, uint64_t from);
void vault_cut(struct vault_data *d, uint64_t count);

/* The dataset in force, with the tokens that belong to it.
 * PT_ESTATE: nothing ingested yet, or ingested under another shape: the sentence says to ingest.
 * PT_EBADMSG: a file was altered, or the key is another one. PT_EIO, PT_ENOMEM. */
PT_MUST_USE enum pt_code vault_load(struct vault_data **out, const struct vault_place *place,
                                    struct pt_err *err);

/* How many customers and tokens vault_load() would find, from the first chunk of each file: for who
 * wants no more than that. Fails as vault_load() does, but sees no damage further on. */
struct vault_counts {
    uint64_t customers, tokens;
};
PT_MUST_USE enum pt_code vault_count(struct vault_counts *out, const struct vault_place *place,
                                     struct pt_err *err);

/* A new dataset, written while its rows come, in memory that does not grow with them. Nothing is in force
 * before the commit; vault_store_dataset() is all of it at once. */
struct vault_writer;
struct vault_stored { /* what is in force now */
    uint64_t customers, tokens;
    char generation[17];
    char key_period[VAULT_PERIOD_MAX + 1];
};
/* place's pointers stay borrowed. PT_EIO, PT_ENOMEM. */
PT_MUST_USE enum pt_code vault_writer_new(struct vault_writer **out,
                                          const struct vault_place *place, struct pt_err *err);
/* More rows, all above those before, and given the tokens that the replaced dataset had for them.
 * PT_EBUG: they do not ascend. PT_ELIMIT: VAULT_ROWS_MAX. PT_EIO: disk full, read-only. */
PT_MUST_USE enum pt_code vault_writer_add(struct vault_writer *w, struct vault_data *rows,
                                          struct pt_err *err);
/* Flush, and put in force. On failure, or a kill, the old data stays. Only vault_writer_drop() may follow. */
PT_MUST_USE enum pt_code vault_writer_commit(struct vault_stored *out, struct vault_writer *w,
                                             const struct vault_stats *stats, struct pt_err *err);
void vault_writer_drop(struct vault_writer *w); /* gives up what was not committed; NULL is fine */

/* Put data in force in place of what was there. Sets data->generation. Tokens that the replaced
 * dataset had for digests that remain are carried over, on disk and into data (whose own must be
 * empty): only new customers need evaluation. On failure, or a kill, the old data stays in force.
 * PT_EBUG: rows do not ascend. PT_EIO: disk full, read-only. */
PT_MUST_USE enum pt_code vault_store_dataset(const struct vault_place *place,
                                             struct vault_data *data, struct pt_err *err);

/* Store the tokens now in data (where has_token is 1) as those of key_period, in place of any
 * others; sets data->key_period and token_count. Callable as often as wanted: a run that is cut
 * short goes on where it was. PT_ESTATE: another dataset has been put in force since data was
 * loaded; nothing is changed. */
PT_MUST_USE enum pt_code vault_store_tokens(const struct vault_place *place,
                                            struct vault_data *data, const char *key_period,
                                            struct pt_err *err);
/* Forget the tokens in memory: a new key period begins. The next vault_store_tokens() replaces
 * those on disk. */
void vault_forget_tokens(struct vault_data *data);

/* Remove what killed writers left and what is no longer in force. Only for the process that holds
 * the home's lock, at its start. */
PT_MUST_USE enum pt_code vault_sweep(const char *dir, struct pt_err *err);

#endif
