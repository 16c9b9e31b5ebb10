/* commitment.h - what this node commits to in an epoch's header (PROTOCOL.md 3), and the record of
 * it that an auditor can hold against that header later.
 *
 * One leaf a tokenised row, ascending by token, under a Merkle root:
 *     tag  = PRF(salt; digest)          values = PRF(salt; token, attribute values)
 *     leaf = PRF(salt; token, tag, values)
 * so that who was in the set can be checked without what was known of them. The record, sealed,
 * vault/committed-ROOT.vault, is salt and rows. Secret. */
#ifndef PT_COMMITMENT_H
#define PT_COMMITMENT_H

#include "crypto/base/parallel.h"
#include "node/store.h"
#include "node/vault.h"

struct commitment_row { /* secret; as it lies on disk */
    struct token token;
    struct key32 tag, values;
};
void commitment_tag(struct key32 *out, const struct key32 *salt, const struct digest *person);

struct commitment_of { /* borrowed */
    const struct vault_data *data;
    const struct key32 *salt;
    const struct parallel *parallel; /* NULL: the caller's thread alone; the root is the same */
};
/* A changed row changes it, and without salt no row can be guessed at. PT_ENOMEM. */
PT_MUST_USE enum pt_code commitment_root(struct digest *out, const struct commitment_of *of,
                                         struct pt_err *err);
/* Both at once: the root, and the record of what it was made of under its name. */
PT_MUST_USE enum pt_code commitment_make(struct digest *root, const struct vault_place *place,
                                         const struct commitment_of *of, struct pt_err *err);
/* Record what root was made of, unless that is recorded already. PT_EBUG: it is another root's. */
PT_MUST_USE enum pt_code commitment_record(const struct vault_place *place,
                                           const struct digest *root,
                                           const struct commitment_of *of, struct pt_err *err);
bool commitment_recorded(const struct vault_place *place, const struct digest *root);
/* Remove records of roots that stand in no header of the active epoch or of one made at or after
 * since_s. */
PT_MUST_USE enum pt_code commitment_sweep(const char *dir, struct store *s, int64_t since_s,
                                          struct pt_err *err);

/* Reading a record back. PT_ESTATE: there is none of this root. */
struct commitment_reader;
PT_MUST_USE enum pt_code commitment_open(struct commitment_reader **out,
                                         const struct vault_place *place, const struct digest *root,
                                         struct pt_err *err);
void commitment_close(struct commitment_reader *r); /* wipes */
const struct key32 *commitment_salt(const struct commitment_reader *r);
/* *more is false after the last row. */
PT_MUST_USE enum pt_code commitment_next(struct commitment_row *row, bool *more,
                                         struct commitment_reader *r, struct pt_err *err);
/* After the last row: do they make up the root? PT_EBADMSG: no, so nothing is proved. */
PT_MUST_USE enum pt_code commitment_end(struct commitment_reader *r, struct pt_err *err);

#endif
