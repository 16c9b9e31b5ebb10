/* vault_format.h - what node/vault.c reads and node/vault_write.c writes.
 *
 *     dataset-GENERATION.vault      count, stats, then groups: rows, their digests, a column an attribute
 *     tokens-PERIOD-GENERATION.vault   count, then pairs of digest and token
 *
 * Numbers are u64 little-endian, arrays as they lie in memory, rows and pairs ascend by digest over all
 * groups. Both are sealed (node/sealed.h); the context of a file says what it belongs to. */
#ifndef PT_VAULT_FORMAT_H
#define PT_VAULT_FORMAT_H

#include "node/sealed.h"
#include "node/vault.h"
#include "node/vaultdir.h"

struct vault_pair { /* how tokens lie on disk: they need no dataset to be read */
    struct digest digest;
    struct token token;
};

struct vault_head { /* a dataset's first bytes */
    uint64_t count;
    struct vault_stats stats;
};

/* Everything in the policy that decides what the stored bytes mean. PT_ENOMEM. */
PT_MUST_USE enum pt_code vault_schema(struct digest *out, const struct vault_place *at,
                                      struct pt_err *err);
void vault_dataset_context(struct digest *out, const struct vaultdir *c);
void vault_tokens_context(struct digest *out, const struct vault_place *at,
                          const struct vaultdir *c);

/* The arrays of rows [first, first + rows) in file order: one place that reading and writing share. */
struct vault_part {
    void *p;
    size_t n;
};
size_t vault_parts(struct vault_part parts[POLICY_ATTRIBUTES_MAX + 1], struct vault_data *d,
                   uint64_t first, uint64_t rows);

/* A file of tokens, pair by pair, against rows that come in ascending order. */
struct vault_tokens {
    struct sealed_reader *reader; /* NULL: none */
    uint64_t left;                /* pairs not read yet */
    bool has;                     /* pair is the next one */
    struct vault_pair pair;
};
PT_MUST_USE enum pt_code vault_tokens_open(struct vault_tokens *t, const struct vault_place *at,
                                           const struct vaultdir *c, struct pt_err *err);
/* Give d, whose digests are above all earlier ones, the tokens that are there for them. */
PT_MUST_USE enum pt_code vault_tokens_give(struct vault_tokens *t, struct vault_data *d,
                                           struct pt_err *err);
/* Every other pair is read too, and the end is the end. */
PT_MUST_USE enum pt_code vault_tokens_end(struct vault_tokens *t, struct pt_err *err);
void vault_tokens_close(struct vault_tokens *t); /* wipes; {0} too */

#endif
