/* officer.h - privacy officers' keys as files: a minisign secret key and its FILE.pub. */
#ifndef PT_OFFICER_H
#define PT_OFFICER_H

#include "crypto/minisign.h"
#include "policy/policy.h"

/* A new pair: path (0600) and path.pub. Neither may exist. password empty: stored unencrypted. */
PT_MUST_USE enum pt_code officer_create(struct minisign_public *out, const char *path,
                                        struct span password, struct pt_err *err);
/* Read a secret key; asks for its password when it has one. PT_EDENIED: others may read the
 * file, or the password is wrong. */
PT_MUST_USE enum pt_code officer_read(struct minisign_key *out, const char *path,
                                      struct pt_err *err);
/* Is it the key that p names for the officer of that partner? A signature with another one would be
 * worthless. PT_EUSAGE: no such partner. PT_EDENIED: another key. */
PT_MUST_USE enum pt_code officer_check(const struct minisign_key *k, const struct policy *p,
                                       const char *partner, struct pt_err *err);

#endif
