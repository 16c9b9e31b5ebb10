/* snapshot.h - one epoch as this node answers from it: the signed header, the dataset it was made
 * over and where its rows fall. Immutable and counted: a session keeps the one it began with, so
 * the evaluator's rows are frozen for the epoch (PROTOCOL.md 4) whatever is ingested meanwhile. */
#ifndef PT_SNAPSHOT_H
#define PT_SNAPSHOT_H

#include "crypto/base/parallel.h"
#include "node/columns.h"
#include "node/home.h"
#include "node/store.h"
#include "proto/salt.h"

struct snapshot;

/* The dataset, its commitment and its announced size, before there is an epoch over them. */
struct dataset {
    struct vault_data *data; /* owned; every row has a token of key_period */
    struct digest commitment;
    uint64_t padded_size;
};
void dataset_free(struct dataset *d);

/* The key period that holds at now_s: a count of policy.key_period_days since 1970, the same at
 * every partner. */
uint32_t snapshot_key_period(const struct policy *p, int64_t now_s);
/* The vault of this home, opened for this policy. */
struct vault_place snapshot_vault(char dir[HOME_PATH_MAX], const struct home *h);
struct dataset_how {
    bool
        record; /* leave the record for dataset_record() on the way: it costs a second walk after */
    const struct parallel *parallel; /* NULL: the caller's thread alone */
};
/* Load and check for a new epoch. The commitment is a function of the dataset alone: it tells a
 * peer that data has changed, and nothing else. PT_ESTATE: nothing ingested, or customers
 * without a token ("run patto tokenise"). The padded size is charged by the caller. */
PT_MUST_USE enum pt_code dataset_load(struct dataset *out, const struct home *h,
                                      uint32_t key_period, const struct dataset_how *how,
                                      struct pt_err *err);

/* Record, sealed in the vault, what d's commitment is made of, before an epoch over it is in force:
 * `audit absence` reads it. */
PT_MUST_USE enum pt_code dataset_record(const struct dataset *d, const struct home *h,
                                        const struct parallel *parallel, struct pt_err *err);
/* PT_ESTATE: it has gone again, by an epoch that was agreed at the same time. */
PT_MUST_USE enum pt_code snapshot_recorded(const struct home *h, const struct epoch_header *header,
                                           struct pt_err *err);
/* Records that belong to no epoch the policy retains go; the active epoch's stays. */
PT_MUST_USE enum pt_code snapshot_record_sweep(const struct home *h, struct store *store,
                                               int64_t now_s, struct pt_err *err);
/* What a header would say of data: a function of the dataset alone. */
PT_MUST_USE enum pt_code snapshot_commitment(struct digest *out, const struct home *h,
                                             const struct vault_data *data, struct pt_err *err);
/* A stored header under the policy it was made under, all signatures checked again. */
PT_MUST_USE enum pt_code snapshot_read_back(struct salt_result *out, const struct policy *p,
                                            const struct store_epoch *e, struct pt_err *err);

/* From an agreed header; takes d's data on success. PT_ESTATE: the header was made over another
 * dataset than d (ingested since: make a new epoch). */
PT_MUST_USE enum pt_code snapshot_new(struct snapshot **out, const struct home *h,
                                      struct store *store, const struct epoch_header *header,
                                      struct dataset *d, struct pt_err *err);
/* The epoch that the store says is active. *out NULL and PT_OK: there is none. */
PT_MUST_USE enum pt_code snapshot_load(struct snapshot **out, const struct home *h,
                                       struct store *store, const struct parallel *parallel,
                                       struct pt_err *err);
struct snapshot *snapshot_ref(struct snapshot *s); /* NULL is fine */
bool snapshot_unref(struct snapshot *s);           /* true: that was the last, it is gone */

const struct epoch_header *snapshot_header(const struct snapshot *s);
const struct digest *snapshot_id(const struct snapshot *s);
const struct vault_data *snapshot_data(const struct snapshot *s);
const struct columns_map *snapshot_map(const struct snapshot *s);
const struct key32 *snapshot_seed(const struct snapshot *s); /* this epoch's: secret */
/* Of its answers' noise: from the seed, so that the header commits to it before the salt is known. */
const struct key32 *snapshot_noise_key(const struct snapshot *s);

/* A fresh epoch seed, from which everything random in that epoch derives (PROTOCOL.md 8), this
 * node's part of the salt too. Its hash goes into the header; the label that leads back to it is
 * kept in the store. */
PT_MUST_USE enum pt_code snapshot_seed_new(struct salt_own *own, const struct home *h,
                                           struct store *store, struct pt_err *err);
/* What the seed of own->seed_hash gives of the salt: share and blind. */
void snapshot_salt_part(struct salt_own *own, const struct key32 *seed);
/* The seed of that hash. PT_ESTATE: its label is kept no longer. PT_EBADMSG: it was changed. */
PT_MUST_USE enum pt_code snapshot_seed_find(struct key32 *out, const struct home *h,
                                            struct store *store, const struct digest *hash,
                                            struct pt_err *err);
/* Forget the labels of rounds that came to nothing, and of epochs older than the policy retains.
 * Only while no round is under way, or for the one just adopted. */
PT_MUST_USE enum pt_code snapshot_seed_sweep(struct store *store, const struct policy *p,
                                             int64_t now_s, struct pt_err *err);
/* The signatures of an agreed header as stored: 64 bytes a participant. */
PT_MUST_USE enum pt_code snapshot_keep(struct store *store, const struct salt_result *r,
                                       int64_t now_s, struct pt_err *err);

#endif
