/* forgotten.h - people who were removed and stay out: vault/forgotten.vault, sealed.
 *
 * Their digests, so that a later ingest leaves them out; beside each the token it had, for as long
 * as an epoch that held it can be audited (node/commitment.h): then that goes too. The list is
 * written before the dataset changes: whoever is killed in between has people on the list that are
 * still in the data, which no epoch accepts (node/snapshot.c). Its number only grows, and state.db
 * remembers it, so that an older copy does not bring anybody back. Secret. */
#ifndef PT_FORGOTTEN_H
#define PT_FORGOTTEN_H

#include "node/digestset.h"
#include "node/store.h"
#include "node/vault.h"

struct forgotten_person { /* as it lies on disk; the period is padded with zeros */
    struct digest digest;
    struct token token;  /* zero when key_period is empty */
    char key_period[40]; /* of the token */
    int64_t removed_s;
};
struct forgotten {                   /* {0}: nobody */
    uint64_t number;                 /* of the file: 0 before the first */
    struct forgotten_person *people; /* ascending by digest */
    size_t count;
};
void forgotten_free(struct forgotten *f); /* wipes */

/* Nobody, and PT_OK, when there is no such file. PT_ESTATE: it was made for other identifiers or
 * rules than the policy now has, so it would find nobody. PT_EBADMSG, PT_EIO, PT_ENOMEM. */
PT_MUST_USE enum pt_code forgotten_load(struct forgotten *out, const struct vault_place *place,
                                        struct pt_err *err);
/* Is it the newest that this node wrote? PT_ESTATE: an older copy, or it is gone. */
PT_MUST_USE enum pt_code forgotten_check(const struct forgotten *f, struct store *s,
                                         struct pt_err *err);
/* Nobody, but under the newest number that was noted: the list is begun anew. */
PT_MUST_USE enum pt_code forgotten_rebuild(struct forgotten *out, struct store *s,
                                           struct pt_err *err);
/* Write it under the next number. Tokens of people removed before tokens_since_s go. */
PT_MUST_USE enum pt_code forgotten_store(struct forgotten *f, const struct vault_place *place,
                                         int64_t tokens_since_s, struct pt_err *err);
/* Let state.db remember the number. */
PT_MUST_USE enum pt_code forgotten_note(const struct forgotten *f, struct store *s,
                                        struct pt_err *err);

/* NULL: not on the list. */
const struct forgotten_person *forgotten_find(const struct forgotten *f, const struct digest *d);
/* Put all of who on the list, with the tokens that they have in data (may be NULL). A token that
 * was known before stays where data has none. PT_ENOMEM. */
PT_MUST_USE enum pt_code forgotten_add(struct forgotten *f, const struct digestset *who,
                                       const struct vault_data *data, int64_t now_s,
                                       struct pt_err *err);
/* Take all of who off the list; returns how many were on it. */
size_t forgotten_undo(struct forgotten *f, const struct digestset *who);
/* Remove everybody on the list from data; returns how many. */
uint64_t forgotten_remove(struct vault_data *data, const struct forgotten *f);
bool forgotten_any(const struct vault_data *data, const struct forgotten *f);

#endif
