/* officer.h - privacy officers' keys as files: a minisign secret key and its FILE.pub. */
#ifndef PT_OFFICER_H
#define PT_OFFICER_H

#include "crypto/minisign.h"

/* A new pair: path (0600) and path.pub. Neither may exist. password empty: stored unencrypted. */
PT_MUST_USE enum pt_code officer_create(struct minisign_public *out, const char *path,
                                        struct span password, struct pt_err *err);
/* Read a secret key; asks for its password when it has one. PT_EDENIED: others may read the
 * file, or the password is wrong. */
PT_MUST_USE enum pt_code officer_read(struct minisign_key *out, const char *path,
                                      struct pt_err *err);

#endif
