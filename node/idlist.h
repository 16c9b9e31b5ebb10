/* idlist.h - a file of identifiers, one a line: people to be left out, removed or looked for.
 *
 * Each becomes its digest (node/normalise.h) and keeps its line. A line that is no identifier is an
 * error that names the line, never its content: passing over it would pass over a person. Blank
 * lines are passed over, the same person twice is one. Secret. */
#ifndef PT_IDLIST_H
#define PT_IDLIST_H

#include "node/digestset.h"
#include "node/normalise.h"

struct idlist { /* {0} is not one: idlist_init() */
    struct digestset set;
    uint64_t *lines; /* by number in the set: where it stands first */
    size_t line_cap;
};
void idlist_init(struct idlist *l);
void idlist_free(struct idlist *l); /* wipes */
/* Add those of a file; a file of no bytes has none. PT_EPARSE "PATH: line 7: ..."; PT_EIO. */
PT_MUST_USE enum pt_code idlist_read(struct idlist *l, const char *path,
                                     const struct normalise_how *how, struct pt_err *err);

/* "raw", "sha256-hex", "sha256-base64"; false: none of them. */
bool idlist_encoding(enum normalise_encoding *out, const char *name);

#endif
