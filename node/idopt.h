/* idopt.h - the options by which a command is told how a list of identifiers is written: --map
 * MAP.yaml as for customers, or --encoding; without either they are raw, as the policy has them. */
#ifndef PT_IDOPT_H
#define PT_IDOPT_H

#include "node/cli.h"
#include "node/idlist.h"

#define IDOPT_OPTIONS                                                                              \
    {"map", "MAP.yaml", "identifiers are written as those of customers there", false, false},      \
    {                                                                                              \
        "encoding", "HOW", "raw (default), sha256-hex or sha256-base64", false, false              \
    }

/* The one file that the command names, all of it. PT_EUSAGE; PT_EPARSE: also when it names nobody;
 * me: index into p->partners. */
PT_MUST_USE enum pt_code idopt_read(struct idlist *out, const struct cli *cli,
                                    const struct policy *p, uint16_t me, struct pt_err *err);

#endif
