#include "node/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { HELPERS_MAX = 255 };

struct pool {
    size_t width;
    atomic_size_t free_helpers; /* threads that may still be started beside the callers' */
};

struct work { /* of one pool_run(), on its stack */
    void (*part)(void *context, size_t i);
    void *context;
    size_t count;
    atomic_size_t next;
};

static void *work_on(void *arg)
{
    struct work *w = arg;

    for (size_t i = atomic_fetch_add(&w->next, 1); i < w->count; i = atomic_fetch_add(&w->next, 1))
        w->part(w->context, i);
    return NULL;
}

/* Up to `most` of the pool's threads; returns how many. */
static size_t take(struct pool *p, size_t most)
{
    size_t had = atomic_load(&p->free_helpers);
    size_t n;

    do
        n = had < most ? had : most;
    while (!atomic_compare_exchange_weak(&p->free_helpers, &had, had - n));
    return n;
}

/* Threads are started for each job: that costs microseconds, jobs take milliseconds, and an idle
 * node holds none. One that cannot be started is one less. */
static void run(void *self, size_t count, void (*part)(void *context, size_t i), void *context)
{
    struct pool *p = self;
    struct work w = {.part = part, .context = context, .count = count};
    pthread_t helper[HELPERS_MAX];
    size_t taken = take(p, count - 1 < HELPERS_MAX ? count - 1 : HELPERS_MAX);
    size_t started = 0;

    while (started < taken && pthread_create(&helper[started], NULL, work_on, &w) == 0)
        started++;
    (void)work_on(&w);
    for (size_t i = 0; i < started; i++)
        pthread_join(helper[i], NULL);
    atomic_fetch_add(&p->free_helpers, taken);
}

enum pt_code pool_new(struct pool **out, size_t width, struct pt_err *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for the node's threads");
    (*out)->width = width;
    (*out)->free_helpers = width > 0 ? width - 1 : 0;
    return PT_OK;
}

void pool_free(struct pool *p)
{
    free(p);
}

struct parallel pool_parallel(struct pool *p)
{
    if (p == NULL)
        return (struct parallel){0};
    return (struct parallel){.self = p, .width = p->width, .run = run};
}
