/* chunk_queue.h - a bounded queue of point chunks between two threads. Closing it, from either
 * end, wakes both: a failure anywhere ends the whole chain. */
#ifndef PT_CHUNK_QUEUE_H
#define PT_CHUNK_QUEUE_H

#include "crypto/group.h"

#include <pthread.h>

enum { CHUNK_QUEUE_MAX = 2 };

struct chunk { /* owned: points, or at the end of the chain decoded ones */
    struct point *points;
    struct group_term *decoded;
    size_t n;
    uint32_t number;
};
struct chunk_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct chunk items[CHUNK_QUEUE_MAX];
    size_t count;
    bool ended, broken; /* ended: no more will come; broken: drop everything */
};

void chunk_queue_init(struct chunk_queue *q);
void chunk_queue_free(struct chunk_queue *q);
/* Gives the chunk away, waiting for room. False, and the chunk freed: the queue is broken. */
PT_MUST_USE bool chunk_queue_put(struct chunk_queue *q, struct chunk c);
/* wait false: only what is there now. False: nothing (more) to take. */
PT_MUST_USE bool chunk_queue_take(struct chunk_queue *q, struct chunk *out, bool wait);
void chunk_queue_end(struct chunk_queue *q);
void chunk_queue_break(struct chunk_queue *q);
bool chunk_queue_is_broken(struct chunk_queue *q);
void chunk_free(struct chunk *c);

#endif
