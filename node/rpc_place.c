/* How many calls run at once: in all, and of one peer. */
#include "node/rpc_internal.h"

/* The peer's entry, or a free one; NULL when there is neither. Lock held. */
static struct rpc_share *share_of(struct rpc_server *s, const char *name)
{
    struct rpc_share *unused = NULL;

    for (size_t i = 0; i < RPC_PINS_MAX; i++) {
        struct rpc_share *share = &s->shares[i];
        if (share->active == 0)
            unused = share;
        else if (strcmp(share->name, name) == 0)
            return share;
    }
    if (unused)
        memcpy(unused->name, name, sizeof unused->name);
    return unused;
}

enum rpc_place rpc_place_take(struct rpc_server *s, const struct rpc_call *c)
{
    enum rpc_place e = RPC_PLACE_TAKEN;

    pthread_mutex_lock(&s->lock);
    struct rpc_share *share = c->has_peer ? share_of(s, c->peer.name) : NULL;
    if (share && share->active >= s->limits.max_calls_peer)
        e = RPC_PLACE_SHARE_USED;
    else if (s->active >= s->limits.max_calls || (c->has_peer && !share))
        e = RPC_PLACE_FULL;
    if (e == RPC_PLACE_TAKEN) {
        s->active++;
        if (share)
            share->active++;
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

void rpc_place_leave(struct rpc_server *s, const struct rpc_pin *peer)
{
    pthread_mutex_lock(&s->lock);
    if (peer)
        share_of(s, peer->name)->active--;
    if (--s->active == 0)
        pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

bool rpc_refusing_begin(struct rpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    bool room = s->refusing < RPC_REFUSING_MAX;
    if (room)
        s->refusing++;
    pthread_mutex_unlock(&s->lock);
    return room;
}

void rpc_refusing_end(struct rpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    if (--s->refusing == 0)
        pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}
