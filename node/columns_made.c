#include "node/columns_made.h"

#include <pthread.h>
#include <string.h>

#include "node/hidden.h"

enum { MADE_MAX = 1024 };
struct columns_made {
    pthread_mutex_t lock;
    struct {
        struct digest name;
        struct column_made column;
    } all[MADE_MAX];
    size_t count, next;
};

struct columns_made *columns_made_new(void)
{
    struct columns_made *m = hidden_locked_new(sizeof *m);

    if (m != NULL)
        pthread_mutex_init(&m->lock, NULL);
    return m;
}

void columns_made_free(struct columns_made *m)
{
    if (m != NULL)
        pthread_mutex_destroy(&m->lock);
    hidden_free(m);
}

/* m->count: there is none. */
static size_t place_of(const struct columns_made *m, const struct digest *name)
{
    size_t i = 0;

    while (i < m->count && memcmp(m->all[i].name.b, name->b, sizeof name->b) != 0)
        i++;
    return i;
}

bool columns_made_find(struct column_made *out, struct columns_made *m, const struct digest *name)
{
    if (m == NULL)
        return false;
    pthread_mutex_lock(&m->lock);
    const size_t at = place_of(m, name);
    const bool found = at < m->count;
    if (found)
        *out = m->all[at].column;
    pthread_mutex_unlock(&m->lock);
    return found;
}

void columns_made_keep(struct columns_made *m, const struct digest *name,
                       const struct column_made *column)
{
    if (m == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    size_t at = place_of(m, name);
    if (at == m->count) {
        at = m->next;
        m->next = (m->next + 1) % MADE_MAX;
        m->count += m->count < MADE_MAX;
    }
    m->all[at].name = *name;
    m->all[at].column = *column;
    pthread_mutex_unlock(&m->lock);
}
