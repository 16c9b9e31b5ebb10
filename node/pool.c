#include "node/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { HELPERS_MAX = 255 };

struct work { /* one pool_run(), on its stack; in the list while some part may not be taken yet */
    void (*part)(void *context, size_t i);
    void *context;
    size_t count;
    atomic_size_t next;
    /* behind the pool's lock */
    struct work *before, *after;
    bool listed;
    size_t helpers;      /* at work on it */
    pthread_cond_t left; /* the last of them has gone */
};
struct pool {
    size_t width;
    pthread_mutex_t lock;
    pthread_cond_t more; /* there is work, or the end */
    struct work *first;  /* the newest: parts of a job that run one are waiting for it */
    bool stopping;
    size_t started; /* helpers, once there is work for them: at most width - 1 */
    pthread_t helper[HELPERS_MAX];
};

static void work_on(struct work *w)
{
    for (size_t i = atomic_fetch_add(&w->next, 1); i < w->count; i = atomic_fetch_add(&w->next, 1))
        w->part(w->context, i);
}

/* ---- behind the lock ---- */

static void list(struct pool *p, struct work *w)
{
    w->after = p->first;
    if (w->after != NULL)
        w->after->before = w;
    p->first = w;
    w->listed = true;
}

static void unlist(struct pool *p, struct work *w)
{
    if (!w->listed)
        return;
    if (w->before != NULL)
        w->before->after = w->after;
    else
        p->first = w->after;
    if (w->after != NULL)
        w->after->before = w->before;
    w->listed = false;
}

/* One that cannot be started is one less. */
static void *help(void *arg);
static void start_helpers(struct pool *p)
{
    const size_t most = p->width - 1 < HELPERS_MAX ? p->width - 1 : HELPERS_MAX;

    while (p->started < most && pthread_create(&p->helper[p->started], NULL, help, p) == 0)
        p->started++;
}

/* ---- */

static void *help(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct work *w = p->first;
        if (w == NULL) {
            pthread_cond_wait(&p->more, &p->lock);
            continue;
        }
        w->helpers++;
        pthread_mutex_unlock(&p->lock);
        work_on(w);
        pthread_mutex_lock(&p->lock);
        unlist(p, w);
        if (--w->helpers == 0)
            pthread_cond_signal(&w->left);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void run(void *self, size_t count, void (*part)(void *context, size_t i), void *context)
{
    struct pool *p = self;
    struct work w = {.part = part, .context = context, .count = count};

    pthread_cond_init(&w.left, NULL);
    pthread_mutex_lock(&p->lock);
    start_helpers(p);
    list(p, &w);
    for (size_t i = 1; i < count && i <= p->started; i++)
        pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
    work_on(&w);
    pthread_mutex_lock(&p->lock);
    unlist(p, &w);
    while (w.helpers > 0)
        pthread_cond_wait(&w.left, &p->lock);
    pthread_mutex_unlock(&p->lock);
    pthread_cond_destroy(&w.left);
}

enum pt_code pool_new(struct pool **out, size_t width, struct pt_err *err)
{
    struct pool *p = calloc(1, sizeof *p);

    *out = p;
    if (p == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for the node's threads");
    p->width = width > 0 ? width : 1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    return PT_OK;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->started; i++)
        pthread_join(p->helper[i], NULL);
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

struct parallel pool_parallel(struct pool *p)
{
    if (p == NULL)
        return (struct parallel){0};
    return (struct parallel){.self = p, .width = p->width, .run = run};
}
