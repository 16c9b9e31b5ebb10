/* log_run.h - this node as the owner of a log whose witnesses are to sign it, and as one who wants
 * the proof of its answers. A thread of the daemon does both: after something was published, and
 * again after a while for whom it could not reach. */
#ifndef PT_LOG_RUN_H
#define PT_LOG_RUN_H

#include "node/daemon.h"

enum { LOG_RUN_NAME_MAX = POLICY_NAME_MAX + 80 };

struct log_run;
PT_MUST_USE enum pt_code log_run_start(struct log_run **out, struct daemon *d, struct pt_err *err);
void log_run_stop(struct log_run *r); /* ends the thread; NULL is nothing */
void log_run_wake(struct log_run *r); /* something was published; NULL is nothing */

/* The receipt of an answer that was just had. It is noted first that there is one to be had, so
 * that one which fails is fetched later. name: of the file in HOME/receipts. */
struct log_run_answer {
    uint16_t owner;
    struct digest question, answer;
};
PT_MUST_USE enum pt_code log_run_receipt(char name[LOG_RUN_NAME_MAX], struct daemon *d,
                                         const struct log_run_answer *a, struct pt_err *err);

#endif
