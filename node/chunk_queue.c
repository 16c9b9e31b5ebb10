#include "node/chunk_queue.h"

#include <stdlib.h>
#include <string.h>

void chunk_queue_init(struct chunk_queue *q)
{
    *q = (struct chunk_queue){0};
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
}

void chunk_free(struct chunk *c)
{
    free(c->points);
    group_terms_free(c->decoded);
    *c = (struct chunk){0};
}

void chunk_queue_free(struct chunk_queue *q)
{
    for (size_t i = 0; i < q->count; i++)
        chunk_free(&q->items[i]);
    q->count = 0;
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->changed);
}

bool chunk_queue_put(struct chunk_queue *q, struct chunk c)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == CHUNK_QUEUE_MAX && !q->broken)
        pthread_cond_wait(&q->changed, &q->lock);
    bool good = !q->broken;
    if (good)
        q->items[q->count++] = c;
    else
        chunk_free(&c);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return good;
}

bool chunk_queue_take(struct chunk_queue *q, struct chunk *out, bool wait)
{
    pthread_mutex_lock(&q->lock);
    while (wait && q->count == 0 && !q->ended && !q->broken)
        pthread_cond_wait(&q->changed, &q->lock);
    bool got = q->count > 0 && !q->broken;
    if (got) {
        *out = q->items[0];
        memmove(q->items, q->items + 1, (q->count - 1) * sizeof q->items[0]);
        q->count--;
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return got;
}

void chunk_queue_end(struct chunk_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->ended = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void chunk_queue_break(struct chunk_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->broken = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

bool chunk_queue_is_broken(struct chunk_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool broken = q->broken;
    pthread_mutex_unlock(&q->lock);
    return broken;
}
