/* sandbox.h - what a serving process gives up for good before it hears from anybody.
 *
 * No new privileges, and a list of the system calls that gRPC, SQLite, OpenSSL and our threads
 * need (seccomp). Any other ends the process and says which: a parser that was taken over starts no
 * program, traces none, loads no code of its own and cannot undo any of it. Files and addresses are
 * not restricted here: users, mounts and firewalls do that. */
#ifndef PT_SANDBOX_H
#define PT_SANDBOX_H

#include "crypto/base/err.h"

#include <stdbool.h>

enum { SANDBOX_STATUS = 159 }; /* how a process ends that made a forbidden call: 128 + SIGSYS */

/* For this thread and all that it or they start; call it before there are others. There is no way
 * back. PT_EDENIED: the kernel refuses, and nothing was given up; says what the operator can do. */
PT_MUST_USE enum pt_code sandbox_enter(struct pt_err *err);

struct sandbox_state {
    bool known; /* that process is there, and its state may be read */
    bool no_new_privileges, filtered, no_core;
};
/* What the kernel says of a process. */
void sandbox_look(struct sandbox_state *out, long pid);

#endif
