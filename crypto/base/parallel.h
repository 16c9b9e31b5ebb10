/* parallel.h - parts of one job, run by whatever threads the caller has. The floors without threads
 * say what may run at once; node/pool.h decides how. Results must not depend on how many do. */
#ifndef PT_PARALLEL_H
#define PT_PARALLEL_H

#include <stddef.h>

struct parallel { /* borrowed; {0}: everything in the caller's thread */
    void *self;
    size_t width; /* how many parts may run at once; 0 and 1 alike mean one */
    /* part(context, i) for each i < count, each once, in any order; back when all are done. */
    void (*run)(void *self, size_t count, void (*part)(void *context, size_t i), void *context);
};

static inline size_t parallel_width(const struct parallel *p)
{
    return p != NULL && p->run != NULL && p->width > 1 ? p->width : 1;
}

/* p may be NULL. */
static inline void parallel_run(const struct parallel *p, size_t count,
                                void (*part)(void *context, size_t i), void *context)
{
    if (count > 1 && parallel_width(p) > 1) {
        p->run(p->self, count, part, context);
        return;
    }
    for (size_t i = 0; i < count; i++)
        part(context, i);
}

#endif
