/* pool.h - the node's computing threads: as many as `threads` in node.yaml says, over all jobs.
 *
 * width - 1 of them are started with the first job and wait for more until pool_free(); the caller of a job is
 * one more. Two jobs at once share them, so the machine is never asked for more than width + one a job. */
#ifndef PT_POOL_H
#define PT_POOL_H

#include "crypto/base/err.h"
#include "crypto/base/parallel.h"

struct pool;
/* width: 1 or more. PT_ENOMEM. */
PT_MUST_USE enum pt_code pool_new(struct pool **out, size_t width, struct pt_err *err);
void pool_free(struct pool *p); /* no job may be running; NULL is nothing */
/* Valid until pool_free(); of NULL: everything in the caller's thread. Any thread may run jobs, parts of jobs included. */
struct parallel pool_parallel(struct pool *p);

#endif
