/* dial.h - can that address be reached, can this one be listened on? TCP alone, for doctor. */
#ifndef PT_DIAL_H
#define PT_DIAL_H

#include "crypto/base/err.h"

/* Connect and hang up. PT_EPEER says why not. */
PT_MUST_USE enum pt_code dial_probe(const char *address, int timeout_ms, struct pt_err *err);
/* Bind and let go. PT_ESTATE: in use; PT_EIO: not ours to use. */
PT_MUST_USE enum pt_code dial_check_free(const char *address, struct pt_err *err);

#endif
