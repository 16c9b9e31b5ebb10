#include "node/write_behind.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct piece {
    struct fileio_new *file;
    size_t n;
    uint8_t bytes[WRITE_BEHIND_PIECE];
};
struct write_behind {
    pthread_t thread;
    bool started;
    /* behind lock; a piece belongs to the caller until it is counted in `added`, and again once it is in
     * `written` */
    pthread_mutex_t lock;
    pthread_cond_t more,
        fewer;               /* there are pieces to write; no more than `wanted` of them are left */
    uint64_t added, written; /* pieces so far */
    uint64_t wanted;
    bool stopping;
    struct pt_err err; /* the first; after it nothing more is written */
    struct piece ring[WRITE_BEHIND_PIECES];
};

/* Behind lock: the piece that is written next, once there is one. NULL: stop. */
static const struct piece *next_piece(struct write_behind *w)
{
    while (!w->stopping && w->added == w->written)
        pthread_cond_wait(&w->more, &w->lock);
    return w->stopping ? NULL : &w->ring[w->written % WRITE_BEHIND_PIECES];
}

static void *write_all(void *arg)
{
    struct write_behind *w = arg;
    const struct piece *p;

    pthread_mutex_lock(&w->lock);
    while ((p = next_piece(w)) != NULL) {
        const bool failed = w->err.code != PT_OK;
        struct pt_err err = {0};
        pthread_mutex_unlock(&w->lock);
        const enum pt_code rc = failed ? PT_OK : fileio_add(p->file, span_of(p->bytes, p->n), &err);
        pthread_mutex_lock(&w->lock);
        if (rc != PT_OK)
            w->err = err;
        w->written++;
        if (w->added - w->written <= w->wanted)
            pthread_cond_signal(&w->fewer);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum pt_code write_behind_new(struct write_behind **out, struct pt_err *err)
{
    struct write_behind *w = calloc(1, sizeof *w);

    *out = NULL;
    if (w == NULL)
        return pt_fail(err, PT_ENOMEM, "writing columns: no memory");
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    pthread_cond_init(&w->fewer, NULL);
    w->started = pthread_create(&w->thread, NULL, write_all, w) == 0;
    if (!w->started) {
        write_behind_free(w);
        return pt_fail(err, PT_ENOMEM, "writing columns: no thread");
    }
    *out = w;
    return PT_OK;
}

void write_behind_free(struct write_behind *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    if (w->started)
        pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->more);
    pthread_cond_destroy(&w->fewer);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* If more than `most` pieces are to be written, until no more than `left` are: who is woken for each piece does
 * nothing else. */
static enum pt_code wait_for(struct write_behind *w, uint64_t most, uint64_t left,
                             struct pt_err *err)
{
    enum pt_code rc;

    pthread_mutex_lock(&w->lock);
    w->wanted = left;
    if (w->added - w->written > most)
        while (w->added - w->written > left)
            pthread_cond_wait(&w->fewer, &w->lock);
    rc = w->err.code;
    if (rc != PT_OK)
        *err = w->err;
    pthread_mutex_unlock(&w->lock);
    return rc;
}

enum pt_code write_behind_wait(struct write_behind *w, struct pt_err *err)
{
    return wait_for(w, 0, 0, err);
}

enum pt_code write_behind_add(struct write_behind *w, struct fileio_new *file, struct span bytes,
                              struct pt_err *err)
{
    while (bytes.n > 0) {
        const enum pt_code rc = wait_for(w, WRITE_BEHIND_PIECES - 1, WRITE_BEHIND_PIECES / 2, err);
        if (rc != PT_OK)
            return rc;
        struct piece *p = &w->ring[w->added % WRITE_BEHIND_PIECES];
        p->file = file;
        p->n = bytes.n < WRITE_BEHIND_PIECE ? bytes.n : WRITE_BEHIND_PIECE;
        memcpy(p->bytes, bytes.p, p->n);
        bytes = span_of(bytes.p + p->n, bytes.n - p->n);
        pthread_mutex_lock(&w->lock);
        if (w->added++ == w->written)
            pthread_cond_signal(&w->more);
        pthread_mutex_unlock(&w->lock);
    }
    return PT_OK;
}
