/* recorder.h - what a session said, written down while it is said: HOME/record/, sealed.
 *
 * One file a session, named after the moment it began. It grows in boxes of up to 64 KiB, and is on
 * the disk before an answer leaves (order of PROTOCOL.md 5: charge and record before release). What
 * cannot be written down is not said. Sessions that were only greeted, and those about logs, leave
 * nothing. node/records.h reads them. One thread owns a recorder. */
#ifndef PT_RECORDER_H
#define PT_RECORDER_H

#include "node/home.h"
#include "proto/record.h"

enum {
    RECORDER_BOX_MAX = 1 << 16,
    RECORDER_LAST = 1 << 30, /* of a box's length: the file's last */
    RECORDER_NAME = 16,      /* digits of a file's name: microseconds since 1970 */
};
#define RECORDER_SUFFIX ".rec"

struct recorder;
/* Nothing is written yet. self: the session's, borrowed for the call. */
struct recorder_in {
    const struct home *home;
    const struct session_self *self;
    const struct session_to *to;
    bool opener;
};
PT_MUST_USE enum pt_code recorder_new(struct recorder **out, const struct recorder_in *in,
                                      struct pt_err *err);
struct session_watch recorder_watch(struct recorder *r);
/* A fact of this session's protocol that an audit needs and nobody said. */
PT_MUST_USE enum pt_code recorder_note(struct recorder *r, struct span fact, struct pt_err *err);
/* The session is over, well or not: its last entry. Frees r, which may be NULL, always. */
PT_MUST_USE enum pt_code recorder_end(struct recorder *r, const struct session *s,
                                      struct pt_err *err);

/* For node/records.h: key and context of one file. */
void recorder_seal(struct key32 *key, struct digest *context, const struct home *h,
                   const char name[RECORDER_NAME + 1]);

#endif
