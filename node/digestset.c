#include "node/digestset.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void digestset_init(struct digestset *s)
{
    *s = (struct digestset){0};
    randombytes_buf(s->key, sizeof s->key);
}

void digestset_free(struct digestset *s)
{
    if (s->digests != NULL) /* room that was never used holds nothing, and stays no memory */
        explicit_bzero(s->digests, s->count * sizeof *s->digests);
    free(s->digests);
    free(s->table);
    explicit_bzero(s, sizeof *s);
}

static size_t home_of(const struct digestset *s, const struct digest *d)
{
    uint8_t h[crypto_shorthash_BYTES];

    crypto_shorthash(h, d->b, sizeof d->b, s->key);
    return (size_t)load_u64le(h) & (s->table_size - 1);
}

/* Where d is, or the free place where it would go. */
static size_t place_of(const struct digestset *s, const struct digest *d)
{
    size_t at = home_of(s, d);

    while (s->table[at] != 0 && memcmp(&s->digests[s->table[at] - 1], d, sizeof *d) != 0)
        at = (at + 1) & (s->table_size - 1);
    return at;
}

/* Room for twice as many; *s is unchanged on failure. */
static bool grow(struct digestset *s)
{
    struct digestset now = *s;

    now.cap = s->cap == 0 ? 1024 : 2 * s->cap;
    now.table_size = 2 * now.cap;
    now.digests = malloc(now.cap * sizeof *now.digests);
    now.table = calloc(now.table_size, sizeof *now.table);
    if (now.digests == NULL || now.table == NULL) {
        free(now.digests);
        free(now.table);
        return false;
    }
    if (s->count > 0)
        memcpy(now.digests, s->digests, s->count * sizeof *now.digests);
    for (size_t i = 0; i < s->count; i++)
        now.table[place_of(&now, &now.digests[i])] = (uint32_t)i + 1;
    digestset_free(s);
    *s = now;
    return true;
}

enum pt_code digestset_add(size_t *number, bool *added, struct digestset *s, const struct digest *d)
{
    if (s->count == s->cap) {
        if (s->count == DIGESTSET_MAX)
            return PT_ELIMIT;
        if (!grow(s))
            return PT_ENOMEM;
    }
    size_t at = place_of(s, d);
    *added = s->table[at] == 0;
    if (*added) {
        s->digests[s->count++] = *d;
        s->table[at] = (uint32_t)s->count;
    }
    *number = s->table[at] - 1;
    return PT_OK;
}

bool digestset_find(size_t *number, const struct digestset *s, const struct digest *d)
{
    uint32_t at = s->count > 0 ? s->table[place_of(s, d)] : 0;

    *number = at != 0 ? at - 1 : 0;
    return at != 0;
}

void digestset_close(struct digestset *s)
{
    free(s->table);
    s->table = NULL;
    s->table_size = 0;
}

bool digestset_has(const struct digestset *s, const struct digest *d)
{
    size_t number;

    return digestset_find(&number, s, d);
}
