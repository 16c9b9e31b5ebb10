#include "node/columns_made.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MADE_MAX = 1024 };
struct columns_made {
    pthread_mutex_t lock;
    struct {
        struct digest name, digest;
    } all[MADE_MAX];
    size_t count, next;
};

struct columns_made *columns_made_new(void)
{
    struct columns_made *m = calloc(1, sizeof *m);

    if (m != NULL)
        pthread_mutex_init(&m->lock, NULL);
    return m;
}

void columns_made_free(struct columns_made *m)
{
    if (m != NULL)
        pthread_mutex_destroy(&m->lock);
    free(m);
}

bool columns_made_find(struct digest *out, struct columns_made *m, const struct digest *name)
{
    bool found = false;

    if (m == NULL)
        return false;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->count && !found; i++) {
        found = memcmp(m->all[i].name.b, name->b, sizeof name->b) == 0;
        if (found)
            *out = m->all[i].digest;
    }
    pthread_mutex_unlock(&m->lock);
    return found;
}

void columns_made_keep(struct columns_made *m, const struct digest *name,
                       const struct digest *digest)
{
    if (m == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    m->all[m->next].name = *name;
    m->all[m->next].digest = *digest;
    m->next = (m->next + 1) % MADE_MAX;
    m->count += m->count < MADE_MAX;
    pthread_mutex_unlock(&m->lock);
}
