/* parallel.h - parts of one job, run by whatever threads the caller has. The floors without threads
 * say what may run at once; node/pool.h decides how. Results must not depend on how many do. */
#ifndef PT_PARALLEL_H
#define PT_PARALLEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

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

/* Pieces of a job, numbered from 0, of which each part takes the next when it is done with one: nobody waits
 * long for a processor that is slower, or busy. {0}: none is taken yet. */
struct parallel_pieces {
    atomic_uint_fast64_t taken;
};
/* The first of n pieces that nobody has. */
static inline uint64_t parallel_take(struct parallel_pieces *p, uint64_t n)
{
    return atomic_fetch_add_explicit(&p->taken, n, memory_order_relaxed);
}

#endif
