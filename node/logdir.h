/* logdir.h - HOME/log/: a log as files that any C2SP client can read or a web server can serve.
 *
 *     tile/L/...   tile/entries/...   checkpoint
 *
 * All of it is derived from the tree and the entries it is given, which come from state.db; each
 * file is written whole or not at all, the checkpoint last, so that what it covers is there. */
#ifndef PT_LOGDIR_H
#define PT_LOGDIR_H

#include "crypto/merkle_levels.h"
#include "crypto/tile.h"
#include "node/fileio.h"

struct logdir_tree { /* borrows */
    const struct merkle_levels *levels;
    struct span entries; /* 32 bytes each, as many as leaves */
};

/* Write the tiles that a tree of range.size has and one of range.old had not; range.size at most the
 * tree's. Partial tiles stay until the full one is there. */
PT_MUST_USE enum pt_code logdir_write(const char *dir, const struct logdir_tree *t,
                                      struct merkle_range range, struct pt_err *err);
/* Compare every tile of a tree of size leaves, entries first. PT_EBADMSG names the first that is
 * missing, cut or changed, and the first event whose place in it differs. */
PT_MUST_USE enum pt_code logdir_check(const char *dir, const struct logdir_tree *t, uint64_t size,
                                      struct pt_err *err);
/* The checkpoint. *found false: there is none. */
PT_MUST_USE enum pt_code logdir_read_checkpoint(struct buf *out, bool *found, const char *dir,
                                                struct pt_err *err);
PT_MUST_USE enum pt_code logdir_write_checkpoint(const char *dir, struct span note,
                                                 struct pt_err *err);

#endif
