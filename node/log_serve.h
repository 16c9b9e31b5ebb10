/* log_serve.h - what this node does for partners about logs: as a witness it cosigns theirs, and who
 * was answered here gets the proof of it (proto/log_talk.h). */
#ifndef PT_LOG_SERVE_H
#define PT_LOG_SERVE_H

#include "node/daemon.h"
#include "proto/log_talk.h"

struct log_serve { /* {0} is a valid ended one */
    struct daemon *daemon;
    struct session *session;
    struct log_accept accept;
    struct buf given; /* the checkpoint under the proof that was given */
};
PT_MUST_USE enum pt_code log_serve_begin(struct log_serve *l, struct daemon *d, struct session *s,
                                         struct pt_err *err);
void log_serve_end(struct log_serve *l);

#endif
