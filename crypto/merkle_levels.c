#include "crypto/merkle_levels.h"

#include <assert.h>

void merkle_levels_free(struct merkle_levels *m)
{
    for (size_t i = 0; i < PT_LEN(m->level); i++)
        buf_free(&m->level[i]);
    m->size = 0;
}

static const struct digest *last(const struct merkle_levels *m, unsigned level)
{
    const struct buf *b = &m->level[level];

    return (const struct digest *)(const void *)(b->p + b->n - sizeof(struct digest));
}

/* A level that is full of pairs gives a root to the next: adding one to a binary number. */
enum pt_code merkle_levels_add(struct merkle_levels *m, const struct digest *leaf,
                               struct pt_err *err)
{
    struct digest node = *leaf;
    unsigned level = 0;

    if (m->size >= MERKLE_LEVELS_LEAVES_MAX)
        return pt_fail(err, PT_ELIMIT, "a log of over %d entries", MERKLE_LEVELS_LEAVES_MAX);
    for (;; level++) {
        bool pair = (m->size >> level & 1) != 0;
        struct digest left = pair ? *last(m, level) : (struct digest){{0}};
        if (!buf_add(&m->level[level], node.b, sizeof node.b)) {
            while (level-- > 0) /* those below were added by this call */
                m->level[level].n -= sizeof node;
            return pt_fail(err, PT_ENOMEM, "no memory for the log's tree");
        }
        if (!pair)
            break;
        merkle_join(&node, &left, &node);
    }
    m->size++;
    return PT_OK;
}

struct span merkle_levels_at(const struct merkle_levels *m, unsigned level, uint64_t index,
                             size_t count)
{
    assert(level < PT_LEN(m->level) && index + count <= m->level[level].n / sizeof(struct digest));
    return span_of(m->level[level].p + index * sizeof(struct digest),
                   count * sizeof(struct digest));
}

static enum pt_code root(void *self, struct digest *out, unsigned level, uint64_t index,
                         struct pt_err *err)
{
    const struct merkle_levels *m = self;

    if (level >= PT_LEN(m->level) || index >= m->level[level].n / sizeof *out)
        return pt_fail(err, PT_EUSAGE, "the log's tree is not that large");
    memcpy(out->b, merkle_levels_at(m, level, index, 1).p, sizeof out->b);
    return PT_OK;
}

struct merkle_nodes merkle_levels_nodes(struct merkle_levels *m)
{
    return (struct merkle_nodes){.self = m, .root = root};
}
