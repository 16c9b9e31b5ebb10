/* child.h - patto running patto: one command of this very program, its output in files. */
#ifndef PT_CHILD_H
#define PT_CHILD_H

#include "crypto/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

enum { CHILD_ARGS_MAX = 24 };

struct child {
    const char *args[CHILD_ARGS_MAX + 1]; /* after the program's name; ends with NULL */
    const char *out, *log;                /* files for standard output and error, appended to */
};
struct child_used {
    double cpu_s;
    uint64_t peak_bytes;
};

PT_MUST_USE enum pt_code child_start(pid_t *out, const struct child *c, struct pt_err *err);
/* Waits. PT_EIO: another exit status than 0; the sentence ends with the log's last line.
 * used may be NULL. */
PT_MUST_USE enum pt_code child_wait(struct child_used *used, pid_t pid, const struct child *c,
                                    struct pt_err *err);
PT_MUST_USE enum pt_code child_run(struct child_used *used, const struct child *c,
                                   struct pt_err *err);

#endif
