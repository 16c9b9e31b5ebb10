/* greeting.h - the first frame each way of a session (PROTOCOL.md 7): what must be equal on both
 * sides, signed with the node key. For session.c. */
#ifndef PT_GREETING_H
#define PT_GREETING_H

#include "proto/session.h"

/* f = Hello or Welcome as s->self says it, signed; texts borrow from the policy. Sets
 * s->hello_hash (Hello) or s->id (Welcome). */
PT_MUST_USE enum pt_code greeting_make(struct frame *f, struct session *s, enum frame_kind kind,
                                       struct pt_err *err);
/* Check the peer's and keep what it says in s. Any difference is an error with its reason given to
 * session_because(): version first, as another version may sign differently. */
PT_MUST_USE enum pt_code greeting_take(struct session *s, const struct frame *f,
                                       struct pt_err *err);

#endif
