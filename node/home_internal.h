/* home_internal.h - for home*.c alone. */
#ifndef PT_HOME_INTERNAL_H
#define PT_HOME_INTERNAL_H

#include "node/home.h"

#define HOME_UNFINISHED ".new" /* DIR.new until init is done */

/* The lock of a folder; held as long as *fd is open. -1 on failure. */
PT_MUST_USE enum pt_code home_lock_take(int *fd, const char *dir, struct pt_err *err);

/* Flush a folder's entries to the disk: after a rename inside it. */
PT_MUST_USE enum pt_code home_flush_folder(const char *path, struct pt_err *err);

#endif
