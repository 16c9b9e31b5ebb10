/* vaultdir.h - the folder of a vault: which pair of files is in force, and what may go.
 *
 * `current` is four lines of text, swapped atomically; it is the only thing that says which files
 * count. It holds no secret and is trusted for no content: files prove themselves (node/vault.c). */
#ifndef PT_VAULTDIR_H
#define PT_VAULTDIR_H

#include "crypto/prf.h"
#include "node/fileio.h"
#include "node/vault.h"

struct vaultdir { /* what `current` says */
    char generation[17];
    struct digest schema;                  /* what the stored bytes mean */
    char key_period[VAULT_PERIOD_MAX + 1]; /* of the tokens; empty: there are none */
};

/* *there is false, and the rest empty, before the first ingest. PT_EBADMSG: not as we write it. */
PT_MUST_USE enum pt_code vaultdir_read(struct vaultdir *c, bool *there, const char *dir,
                                       struct pt_err *err);
PT_MUST_USE enum pt_code vaultdir_write(const char *dir, const struct vaultdir *c,
                                        struct pt_err *err);
PT_MUST_USE enum pt_code vaultdir_dataset(char out[FILEIO_PATH_MAX], const char *dir,
                                          const struct vaultdir *c, struct pt_err *err);
PT_MUST_USE enum pt_code vaultdir_tokens(char out[FILEIO_PATH_MAX], const char *dir,
                                         const struct vaultdir *c, struct pt_err *err);
/* Remove temporaries and files not in force. With a `current` that is damaged: nothing at all. */
PT_MUST_USE enum pt_code vaultdir_sweep(const char *dir, struct pt_err *err);
/* Fit to stand in a file name: [a-z0-9-]{1,32}. */
bool vaultdir_is_period(struct span s);

#endif
